"""HTTP for plugins: every hop is judged, and the connection is made to the address that was.

``HTTPService`` is the service ``http`` of a host. A transport carries one hop out: over
httpx's pool of connections where the extra ``http`` is installed, by ``http.client`` without it, by
the browser's ``fetch`` in Pyodide.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ..plugin.host import CallContext, HostFunctionError
from .addresses import AddressRefused, Networks, WebAddress, parse_address, resolved_link
from .connecting import Pace, Resolver, look_up
from .content import Body
from .headers import ENCODINGS, Headers, method_of, sent_headers, without_credentials

__all__ = ["Answer", "HTTPLimits", "HTTPService", "Hop", "Transport"]

#: answers that lead elsewhere; the first three make any method but HEAD a GET
_TO_GET, _AS_IT_WAS = {301, 302, 303}, {307, 308}


@dataclass(frozen=True)
class HTTPLimits:
    """Bounds on requests of plugins. Raises ValueError for what makes no sense."""

    #: bytes of an answer's body, as it comes and as it is unpacked
    body_bytes: int = 10 << 20
    #: redirects that are followed
    redirects: int = 10
    #: seconds for a whole request, where the call has not less
    seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.body_bytes < 0 or self.redirects < 0 or not self.seconds > 0:
            raise ValueError(f"limits must not be negative, and seconds above 0: {self}")


class Hop(NamedTuple):
    """One request to one address."""

    method: str
    address: WebAddress
    headers: Headers
    body: bytes | None
    #: where it may lead beside the public Internet
    networks: Networks
    pace: Pace


class Answer(NamedTuple):
    """What came of a hop."""

    status: int
    #: by names in lower case; the last one of a name counts
    headers: Mapping[str, str]
    #: parts of the body, as they come
    parts: Iterator[bytes]
    #: has to be called, whether all parts were read or not
    close: Callable[[], object]


class Transport(Protocol):
    """Carries hops out. Threads may share it."""

    #: whether it says where redirects lead, or has to refuse them itself
    shows_redirects: bool

    def send(self, hop: Hop) -> Answer:
        """Sends a request. Raises HostFunctionError for what goes wrong, Stopped with the call."""

    def close(self) -> None:
        """Lets connections go."""


class HTTPService:
    """Fetches for plugins from the web.

    Only public hosts are connected to, and those in ``networks`` (``["10.0.0.0/8"]``) or what a
    plugin's policy adds. ``resolve`` gives the addresses of a name, ``context`` the certificates
    that are trusted. Threads may share it. Raises ValueError for what is no network.
    """

    def __init__(
        self,
        *,
        networks: Sequence[str] = (),
        limits: HTTPLimits | None = None,
        resolve: Resolver = look_up,
        transport: Transport | None = None,
        context: object = None,
    ) -> None:
        self._networks = Networks(networks)
        self._limits = limits or HTTPLimits()
        self._make: Callable[[], Transport] = lambda: (
            transport or default_transport(resolve, context)
        )
        self._transport: Transport | None = None
        self._lock = threading.Lock()

    def request(
        self,
        ctx: CallContext,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> tuple[int, bytes | None]:
        """Status and body of the answer, errors of HTTP too. Redirects are followed, each judged as
        the first address was.

        Raises HostFunctionError for what is refused or goes wrong, DeadlineExceeded and Cancelled
        with the call.
        """
        pace = Pace(ctx, self._limits.seconds)
        method = method_of(method)
        address = _parsed(url)
        sent = sent_headers(headers)
        for _ in range(self._limits.redirects + 1):
            hop = Hop(method, address, sent, body, self._judged(ctx, address), pace)
            answer = self._open().send(hop)
            try:
                link = _link(answer)
                if link is None:
                    return answer.status, self._body(method, answer, sent, pace)
            finally:
                answer.close()
            leads = _followed(address, link)
            if leads.origin != address.origin:
                sent = without_credentials(sent)
            if answer.status in _TO_GET and method not in ("GET", "HEAD"):
                method, body = "GET", None
            address = leads
            pace.check()
        raise HostFunctionError(f"more than {self._limits.redirects} redirects")

    def close(self) -> None:
        """Lets connections go; the next request makes new ones."""
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def _open(self) -> Transport:
        with self._lock:
            if self._transport is None:
                self._transport = self._make()
            return self._transport

    def _judged(self, ctx: CallContext, address: WebAddress) -> Networks:
        """The networks that an address may lead to. Raises HostFunctionError."""
        if ctx.judge_url is None:
            return self._networks
        return self._networks | Networks(ctx.judge_url(str(address)))

    def _body(self, method: str, answer: Answer, sent: Headers, pace: Pace) -> bytes:
        if method == "HEAD":
            return b""
        # what a plugin has asked for itself it gets as it comes
        own = any(name == "accept-encoding" and value != ENCODINGS for name, value in sent)
        encoding = "" if own else answer.headers.get("content-encoding", "")
        body = Body(encoding, self._limits.body_bytes)
        for part in answer.parts:
            body.add(part)
            pace.check()
        return body.finish()


def _parsed(url: str) -> WebAddress:
    try:
        return parse_address(url)
    except AddressRefused as error:
        raise HostFunctionError(str(error)) from None


def _link(answer: Answer) -> str | None:
    """Where an answer leads, if it is a redirect."""
    if answer.status not in _TO_GET | _AS_IT_WAS:
        return None
    return answer.headers.get("location")


def _followed(address: WebAddress, link: str) -> WebAddress:
    try:
        return resolved_link(address, link)
    except AddressRefused as error:
        raise HostFunctionError(f"the redirect is refused: {error}") from None


def default_transport(resolve: Resolver, context: object) -> Transport:
    """The best that is there."""
    if sys.platform == "emscripten":
        from .browser_fetch import BrowserTransport

        return BrowserTransport()
    try:
        from .pooled import PooledTransport
    except ImportError:
        from .unpooled import UnpooledTransport

        return UnpooledTransport(resolve, context)
    return PooledTransport(resolve, context)
