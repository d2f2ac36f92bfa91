"""Hops over httpcore, the part of httpx that has connections (extra ``http``): they are kept, and
HTTP/2 has many requests on one.

Its client is not used: that one keeps cookies, which plugins would share.
"""

from __future__ import annotations

import ssl
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore

from ..errors import Stopped
from ..plugin.host import HostFunctionError
from .connecting import Resolver, connected
from .http import Answer, Hop

__all__ = ["PooledTransport"]

#: pools, one for each set of networks that plugins may reach; connections in one; kept, for seconds
_MOST_POOLS, _MOST_CONNECTIONS, _MOST_KEPT, _KEPT = 16, 100, 20, 30.0

#: the hop that this thread is on: the deadline of whoever reads is the one that counts
_hop: ContextVar[Hop] = ContextVar("pywasmgk_hop")


class PooledTransport:
    """A transport that keeps connections. What was connected to for one plugin is used for another
    only where both may reach the same networks."""

    shows_redirects = True

    def __init__(self, resolve: Resolver, context: Any = None) -> None:
        self._resolve = resolve
        self._context = context or ssl.create_default_context()
        self._pools: OrderedDict[tuple[str, ...], Any] = OrderedDict()
        self._lock = threading.Lock()

    def send(self, hop: Hop) -> Answer:
        """Sends a request on a connection of the pool."""
        address = hop.address
        content = hop.body
        if content is None and hop.method in ("POST", "PUT", "PATCH"):
            content = b""
        headers = [(b"host", address.authority.encode())]
        headers += [(name.encode(), value.encode("latin-1")) for name, value in hop.headers]
        if content is not None:
            headers.append((b"content-length", str(len(content)).encode()))
        url = httpcore.URL(
            scheme=address.scheme.encode(),
            host=address.host.encode(),
            port=address.port,
            target=address.target.encode(),
        )
        request = httpcore.Request(hop.method.encode(), url, headers=headers, content=content)
        request.extensions["timeout"] = {"pool": hop.pace.left()}
        with _on(hop):
            answer = self._pool(hop).handle_request(request)
        found = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in answer.headers
        }

        def close() -> None:
            with _on(hop):
                answer.close()

        return Answer(answer.status, found, _parts(hop, answer.iter_stream()), close)

    def close(self) -> None:
        """Closes all connections."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), OrderedDict()
        for pool in pools:
            pool.close()

    def _pool(self, hop: Hop) -> Any:
        key = hop.networks.names
        with self._lock:
            pool = self._pools.pop(key, None)
            if pool is None:
                pool = httpcore.ConnectionPool(
                    ssl_context=self._context,
                    max_connections=_MOST_CONNECTIONS,
                    max_keepalive_connections=_MOST_KEPT,
                    keepalive_expiry=_KEPT,
                    http2=_has_http2(),
                    network_backend=_Backend(self._resolve),
                )
            self._pools[key] = pool
            # one that is given up ends with the requests that it has
            if len(self._pools) > _MOST_POOLS:
                self._pools.popitem(last=False)
            return pool


_FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    OSError,
    ValueError,
)


@contextmanager
def _on(hop: Hop) -> Iterator[None]:
    """What happens inside is on behalf of a hop. Raises HostFunctionError for what goes wrong."""
    token = _hop.set(hop)
    try:
        yield
    except Stopped:
        # one of them is a TimeoutError too
        raise
    except _FAILURES as error:
        raise HostFunctionError(f"the request failed: {str(error)[:200] or type(error)}") from error
    finally:
        _hop.reset(token)


def _has_http2() -> bool:
    try:
        import h2  # noqa: F401
    except ImportError:
        return False
    return True


def _parts(hop: Hop, parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts of a body, read on behalf of a hop."""
    source = iter(parts)
    while True:
        with _on(hop):
            part = next(source, None)
        if part is None:
            return
        yield part


class _Backend(httpcore.NetworkBackend):
    """Connects to judged addresses."""

    def __init__(self, resolve: Resolver) -> None:
        self._resolve = resolve

    def connect_tcp(self, host: str, port: int, *rest: Any, **options: Any) -> Any:
        """A connection for the hop that is under way."""
        hop = _hop.get()
        connection = connected(host, port, hop.networks, hop.pace, self._resolve)
        return _Stream(connection)

    def sleep(self, seconds: float) -> None:
        """For attempts that are made again, of which there are none."""


class _Stream(httpcore.NetworkStream):
    """A connection whose operations end with the call of whoever waits for them."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Bytes that have come; none at the end."""
        while True:
            self._connection.settimeout(_hop.get().pace.slice())
            try:
                data: bytes = self._connection.recv(max_bytes)
                return data
            except TimeoutError:
                continue
            except OSError as error:
                raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all, part by part."""
        view = memoryview(buffer)
        while view:
            try:
                self._connection.settimeout(_hop.get().pace.left())
                view = view[self._connection.send(view[: 1 << 16]) :]
            except Stopped:
                raise
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> Any:
        """The connection, encrypted, to whom the name belongs."""
        try:
            self._connection.settimeout(_hop.get().pace.left())
            return _Stream(
                ssl_context.wrap_socket(self._connection, server_hostname=server_hostname)
            )
        except Stopped:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise httpcore.ConnectError(str(error)) from error

    def get_extra_info(self, info: str) -> Any:
        """What the pool asks of a connection."""
        if info == "ssl_object" and isinstance(self._connection, ssl.SSLSocket):
            return self._connection
        if info == "is_readable":
            return _is_readable(self._connection)
        return None


def _is_readable(connection: Any) -> bool:
    """Whether a connection that nothing is asked of has something to say: its end."""
    import selectors

    try:
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            return bool(selector.select(0))
    except (OSError, ValueError):
        return True
