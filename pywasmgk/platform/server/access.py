"""Who asks, and whether it may: the token, hosts, and requests that other sites have made.

A browser that was given the link with the token keeps a cookie that no other site's page can send;
programs send the token itself. See the page "Serving plugins" of the docs.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

__all__ = ["LOOPBACK_NAMES", "Access", "Denied", "Visitor", "new_token"]

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
#: methods that change nothing
_SAFE = ("GET", "HEAD", "OPTIONS")
_SCHEME = "bearer "
CSRF_HEADER = "x-csrf-token"


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(32)


class Visitor(NamedTuple):
    """Who has sent a request: the operator, by the token or the cookie, or somebody."""

    by: Literal["bearer", "cookie", "open", "nothing"]

    @property
    def is_operator(self) -> bool:
        """Whether the server is theirs."""
        return self.by != "nothing"


class Denied(Exception):
    """A request that is not answered: HTTP's status, and why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Access:
    """The rules of a server. ``token`` is what the operator has; ``None`` lets all in. ``names``
    are the hosts that requests may be for, without port; none given, all are taken."""

    def __init__(self, token: str | None, names: Collection[str] = ()) -> None:
        self._token = None if token is None else token.encode()
        self._names = frozenset(name.lower() for name in names)
        #: so that servers on several ports of a machine, which share cookies, have each their own
        self.cookie_name = f"pywasmgk_{self._derived('name')[:8]}"

    def _derived(self, purpose: str) -> str:
        key = self._token or b""
        return hmac.new(key, b"pywasmgk " + purpose.encode(), hashlib.sha256).hexdigest()

    @property
    def session(self) -> str:
        """What the cookie holds."""
        return self._derived("session")

    @property
    def csrf_token(self) -> str:
        """What pages of ours send along when they change something."""
        return self._derived("csrf")

    def is_token(self, word: str) -> bool:
        """Whether a word is the token; it takes as long for any."""
        return self._token is not None and hmac.compare_digest(word.encode(), self._token)

    def visitor(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Visitor:
        """Who has sent a request. Raises Denied for a token that is none."""
        if self._token is None:
            return Visitor("open")
        given = headers.get("authorization", "")
        if given:
            if given[: len(_SCHEME)].lower() == _SCHEME and self.is_token(given[7:].strip()):
                return Visitor("bearer")
            raise Denied(401, "the token is not this server's")
        cookie = cookies.get(self.cookie_name, "")
        if cookie and hmac.compare_digest(cookie.encode(), self.session.encode()):
            return Visitor("cookie")
        return Visitor("nothing")

    def require_host(self, host: str) -> None:
        """Raises Denied for a request that names another host: a page of somebody else's may have
        a name that leads here."""
        if self._names and _without_port(host) not in self._names:
            raise Denied(421, "this server has another name")

    def require_own_page(self, method: str, headers: Mapping[str, str], visitor: Visitor) -> None:
        """Raises Denied for a change that a page of another site may have asked for, in the
        browser of somebody who is logged in, or of anybody where no token is needed."""
        if method in _SAFE or visitor.by == "bearer":
            return
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        own = headers.get("host", "").lower()
        is_own = origin is None or urlsplit(origin).netloc.lower() == own
        if not is_own or site not in (None, "same-origin", "none"):
            raise Denied(403, "the request comes from another site's page")
        if visitor.by == "nothing" or (visitor.by == "open" and site is None and origin is None):
            return  # no browser, or nobody's
        if not hmac.compare_digest(headers.get(CSRF_HEADER, "").encode(), self.csrf_token.encode()):
            raise Denied(403, f"a change needs the header {CSRF_HEADER} of this server's pages")


def _without_port(host: str) -> str:
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()
