"""Connections to judged addresses: a name is looked up once, what comes is judged, and the
connection is made to that, so that no second look-up can lead elsewhere."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from queue import Empty, SimpleQueue

from ..errors import Stopped
from ..plugin.host import CallContext, HostFunctionError
from .addresses import IPAddress, Networks

__all__ = ["Pace", "Resolver", "connected", "judged_addresses", "look_up"]

#: gives the addresses of a name, as text
Resolver = Callable[[str], Sequence[str]]

#: seconds between two looks at whether the call is to end
_SLICE = 0.2
#: look-ups that may run at a time, and addresses of a name that are tried
_MOST_LOOK_UPS, _MOST_ADDRESSES = 64, 8
#: of a connection that is not there yet
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", -1))
_look_ups = threading.BoundedSemaphore(_MOST_LOOK_UPS)


class Pace:
    """How long a request may still take: to the call's deadline, and ``seconds`` at the most."""

    def __init__(self, ctx: CallContext, seconds: float) -> None:
        self._ctx = ctx
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Raises DeadlineExceeded and Cancelled with the call, HostFunctionError after its own
        time."""
        self._ctx.check()
        if time.monotonic() >= self._end:
            raise HostFunctionError(f"the request took more than {self._seconds:g} s")

    def left(self) -> float:
        """Seconds that are left; checks first, so that it is never 0, which is no wait at all."""
        self.check()
        left, own = self._ctx.seconds_left(), self._end - time.monotonic()
        return max(own if left is None else min(left, own), 0.001)

    def slice(self) -> float:
        """Seconds until the next look at whether the call is to end; checks first."""
        return min(self.left(), _SLICE)


def look_up(host: str) -> Sequence[str]:
    """The addresses of a name, as the system knows them."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def judged_addresses(
    host: str, networks: Networks, pace: Pace, resolve: Resolver
) -> list[IPAddress]:
    """The addresses of a host, all of them permitted: one that is not refuses the host, since
    whoever answers with both wants it. Raises HostFunctionError."""
    try:
        addresses = [ip_address(host)]
    except ValueError:
        addresses = [_address(text) for text in _resolved(host, pace, resolve)]
    if not addresses:
        raise HostFunctionError(f"the host {host:.100} has no address")
    for address in addresses:
        if not networks.permits(address):
            raise HostFunctionError(f"the host {host:.100} is at {address}, which is not permitted")
    return addresses[:_MOST_ADDRESSES]


def _address(text: str) -> IPAddress:
    try:
        return ip_address(text)
    except ValueError:
        raise HostFunctionError("a look-up gave what is no address") from None


def _resolved(host: str, pace: Pace, resolve: Resolver) -> Sequence[str]:
    """A look-up that ends with the call: the system's own cannot be interrupted."""
    if not _look_ups.acquire(blocking=False):
        raise HostFunctionError("too many names are looked up at a time")
    answers: SimpleQueue[Sequence[str] | Exception] = SimpleQueue()

    def work() -> None:
        try:
            answers.put(resolve(host))
        except Exception as error:
            answers.put(error)
        finally:
            _look_ups.release()

    threading.Thread(target=work, daemon=True, name="pywasmgk look-up").start()
    while True:
        try:
            answer = answers.get(timeout=pace.slice())
        except Empty:
            continue
        if isinstance(answer, Exception):
            raise HostFunctionError(f"the host {host:.100} is not found") from answer
        return answer


def connected(
    host: str, port: int, networks: Networks, pace: Pace, resolve: Resolver
) -> socket.socket:
    """A connection to one of a host's addresses. Raises HostFunctionError."""
    failure: OSError | None = None
    for address in judged_addresses(host, networks, pace, resolve):
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        try:
            return _connected_to(family, str(address), port, pace)
        except Stopped:
            # one of them is a TimeoutError too
            raise
        except OSError as error:
            failure = error
    raise HostFunctionError(f"no connection to {host:.100}: {failure}") from failure


def _connected_to(family: int, address: str, port: int, pace: Pace) -> socket.socket:
    """A connection; waiting for it ends with the call. Raises OSError."""
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        error = connection.connect_ex((address, port))
        if error in _UNDER_WAY:
            with selectors.DefaultSelector() as selector:
                selector.register(connection, selectors.EVENT_WRITE)
                while not selector.select(pace.slice()):
                    pass
            error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        return connection
    except BaseException:
        connection.close()
        raise
