"""Hops over ``http.client``, a connection each: what the standard library has."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import Stopped
from ..plugin.host import HostFunctionError
from .connecting import Pace, Resolver, connected
from .http import Answer, Hop

__all__ = ["PacedSocket", "UnpooledTransport"]

_PART = 1 << 16
_FAILURES = (OSError, http.client.HTTPException, ValueError)


class UnpooledTransport:
    """A transport without anything but the standard library."""

    shows_redirects = True

    def __init__(self, resolve: Resolver, context: Any = None) -> None:
        self._resolve = resolve
        self._context = context or ssl.create_default_context()

    def send(self, hop: Hop) -> Answer:
        """Sends a request on a connection of its own."""
        connection = http.client.HTTPConnection(hop.address.host, hop.address.port)
        try:
            connection.sock = self._connected(hop)
            connection.putrequest(
                hop.method, hop.address.target, skip_host=True, skip_accept_encoding=True
            )
            connection.putheader("Host", hop.address.authority)
            connection.putheader("Connection", "close")
            for name, value in hop.headers:
                connection.putheader(name, value.encode("latin-1"))
            if hop.body is not None or hop.method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(hop.body or b"")))
            connection.endheaders(hop.body)
            answer = connection.getresponse()
        except BaseException as error:
            connection.close()
            if isinstance(error, _FAILURES) and not isinstance(error, Stopped):
                raise _failed(error) from error
            raise
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, _parts(answer), _closing(answer, connection))

    def _connected(self, hop: Hop) -> Any:
        address = hop.address
        plain = connected(address.host, address.port, hop.networks, hop.pace, self._resolve)
        if address.scheme == "http":
            return PacedSocket(plain, hop.pace)
        try:
            # a handshake is one operation with one time
            plain.settimeout(hop.pace.left())
            return PacedSocket(
                self._context.wrap_socket(plain, server_hostname=address.host), hop.pace
            )
        except BaseException:
            plain.close()
            raise

    def close(self) -> None:
        """Nothing is kept."""


def _failed(error: BaseException) -> HostFunctionError:
    return HostFunctionError(f"the request failed: {str(error)[:200] or type(error).__name__}")


def _parts(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while part := answer.read1(_PART):
            yield part
        # a length that was said, and not kept
        if answer.length:
            raise HostFunctionError("the answer breaks off")
    except Stopped:
        # one of them is a TimeoutError too
        raise
    except _FAILURES as error:
        raise _failed(error) from error


def _closing(
    answer: http.client.HTTPResponse, connection: http.client.HTTPConnection
) -> Callable[[], None]:
    def close() -> None:
        answer.close()
        connection.close()

    return close


class PacedSocket:
    """What ``http.client`` needs of a socket; every operation ends with the call."""

    def __init__(self, connection: socket.socket, pace: Pace) -> None:
        self._connection = connection
        self._pace = pace
        self._read = False

    def sendall(self, data: Any) -> None:
        """Sends all, part by part."""
        view = memoryview(data).cast("B")
        while view:
            self._connection.settimeout(self._pace.left())
            view = view[self._connection.send(view[:_PART]) :]

    def makefile(self, mode: str, *rest: Any) -> io.BufferedReader:
        """What answers are read from; the connection is closed with that."""
        self._read = True
        return io.BufferedReader(_Reader(self._connection, self._pace))

    def close(self) -> None:
        """Closes the connection, unless an answer is still read from it."""
        if not self._read:
            self._connection.close()


class _Reader(io.RawIOBase):
    """Reads from a connection, and looks at the call meanwhile."""

    def __init__(self, connection: socket.socket, pace: Pace) -> None:
        self._connection = connection
        self._pace = pace

    def readable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Bytes that have come; 0 at the end."""
        while True:
            self._connection.settimeout(self._pace.slice())
            try:
                return self._connection.recv_into(buffer)
            except TimeoutError:
                continue
