"""Methods and headers that plugins may send."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..plugin.host import HostFunctionError

__all__ = ["ENCODINGS", "Headers", "method_of", "sent_headers", "without_credentials"]

#: names in lower case, and values
Headers = tuple[tuple[str, str], ...]

#: RFC 9110, 5.6.2
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
#: what may be in a value: visible characters, blanks, tabs, and what others take for Latin-1
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_MOST, _MOST_BYTES = 100, 32 << 10
#: whose meaning is the connection's, or how the message is cut from it
_OURS = {
    *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te"),
    *("trailer", "expect", "proxy-authorization", "proxy-connection", "http2-settings"),
}
_CREDENTIALS = {"authorization", "cookie"}
#: tunnels, and what answers with all that was sent
_METHODS_REFUSED = {"CONNECT", "TRACE"}
#: how bodies may be packed that are unpacked here
ENCODINGS = "gzip, deflate"
_USUAL = (("user-agent", "pywasmgk"), ("accept", "*/*"), ("accept-encoding", ENCODINGS))


def method_of(method: str) -> str:
    """The method, GET if there is none. Raises HostFunctionError."""
    method = (method or "GET").upper()
    if not _TOKEN.fullmatch(method) or method in _METHODS_REFUSED:
        raise HostFunctionError(f"the method {method!r:.40} is not sent")
    return method


def sent_headers(headers: Mapping[str, str]) -> Headers:
    """Headers as they are sent, and the usual ones. Raises HostFunctionError for what could end one
    and begin another, and for those that are the connection's own."""
    found = {}
    for name, value in headers.items():
        lower = name.lower()
        if not _TOKEN.fullmatch(name) or lower in _OURS:
            raise HostFunctionError(f"the header {name!r:.80} is not sent")
        value = value.strip(" \t")
        if not _VALUE.fullmatch(value):
            raise HostFunctionError(f"the header {name!r:.80} has a value that is none")
        found[lower] = value
    if len(found) > _MOST or sum(map(len, (*found, *found.values()))) > _MOST_BYTES:
        raise HostFunctionError(f"more than {_MOST} headers, or than {_MOST_BYTES:,} bytes of them")
    return tuple({**dict(_USUAL), **found}.items())


def without_credentials(headers: Headers) -> Headers:
    """Those that another origin may see."""
    return tuple((name, value) for name, value in headers if name not in _CREDENTIALS)
