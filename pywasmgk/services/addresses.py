"""Web addresses and the networks that they lead to, read in one way only.

A request goes where whoever connects reads it to go, not where whoever judged it did. So what
programs read differently is refused here, and what is left is written anew: the address that was
judged is the one that is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple, Union
from urllib.parse import quote, urljoin

__all__ = [
    "AddressRefused",
    "Networks",
    "WebAddress",
    "is_public",
    "parse_address",
    "resolved_link",
]

IPAddress = Union[IPv4Address, IPv6Address]

_LONGEST, _LONGEST_HOST = 8192, 253
_PORTS = {"http": 80, "https": 443}
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<slashes>/*)(?P<authority>[^/?#]*)"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?",
    re.DOTALL,
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DOTTED = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")
#: white space and control characters, and what browsers take for a slash
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\\u0080-\u00a0\u2028\u2029\ud800-\udfff]")
#: what may stand in a path or query as it is
_KEPT = "/?:@!$&'()*+,;=-._~%|[]{}\"<>^`"


class AddressRefused(ValueError):
    """An address that is none of the web's, or that can be read in more than one way."""


class WebAddress(NamedTuple):
    """A web address in its parts, normalised."""

    #: http or https
    scheme: str
    #: in lower case and ASCII, without a point at its end; IPv6 without brackets
    host: str
    port: int
    #: path and query
    target: str

    @property
    def literal(self) -> IPAddress | None:
        """The IP address, if the host is one."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return self[:3]

    @property
    def authority(self) -> str:
        """Host, and the port if it is not the scheme's: as the header Host has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_address(url: str) -> WebAddress:
    """A web address of its text. Raises AddressRefused for another scheme than http and https, for
    user information, and for what programs read differently: white space, backslashes, escapes in
    the host, IPv4 that is not four decimal numbers, zones of IPv6."""
    if len(url) > _LONGEST:
        raise AddressRefused(f"an address of {len(url):,} characters; {_LONGEST:,} are allowed")
    if _FORBIDDEN.search(url):
        raise AddressRefused("an address with white space, control characters or backslashes")
    parts = _URL.fullmatch(url)
    scheme = "" if parts is None else parts["scheme"].lower()
    if parts is None or scheme not in _PORTS:
        raise AddressRefused("only http and https addresses are fetched")
    if parts["slashes"] != "//":
        raise AddressRefused("the host stands behind two slashes")
    if "@" in parts["authority"]:
        raise AddressRefused("an address with user information")
    authority = _AUTHORITY.fullmatch(parts["authority"])
    if authority is None:
        raise AddressRefused("the host or its port is malformed")
    port = int(authority["port"] or _PORTS[scheme])
    if not 0 < port < 1 << 16:
        raise AddressRefused(f"there is no port {port}")
    target = _quoted(parts["path"] or "/")
    if parts["query"] is not None:
        target += f"?{_quoted(parts['query'])}"
    return WebAddress(scheme, host_of(authority["host"]), port, target)


def _quoted(text: str) -> str:
    """A path or query with what is not ASCII, and quotes, escaped."""
    return quote(text, safe=_KEPT.translate({ord(c): None for c in '"<>^`{}|'}))


def host_of(text: str) -> str:
    """A host, normalised. Raises AddressRefused for what is none, or has several readings."""
    if text.startswith("["):
        return _ipv6(text[1:-1])
    host = (text if text.isascii() else _encoded(text)).lower()
    host = host[:-1] if host.endswith(".") else host
    labels = host.split(".")
    if len(host) > _LONGEST_HOST or any(
        len(label) > 63 or not _LABEL.fullmatch(label) for label in labels
    ):
        raise AddressRefused("the host is no name")
    # what ends in a number is an IPv4 address to some, in forms that others take for names
    if _NUMERIC.fullmatch(labels[-1]):
        if not _DOTTED.fullmatch(host) or any(int(label) > 255 for label in labels):
            raise AddressRefused("an IPv4 address is four decimal numbers")
    return host


def _ipv6(text: str) -> str:
    try:
        if "%" in text:
            raise ValueError
        return str(IPv6Address(text))
    except ValueError:
        raise AddressRefused("the IPv6 address is malformed, or has a zone") from None


def _encoded(host: str) -> str:
    """An international name in ASCII, by IDNA 2008 where the package ``idna`` is, else 2003."""
    try:
        return _idna_encoder()(host).decode("ascii")
    except UnicodeError as error:
        raise AddressRefused(f"the host is no international name: {error!s:.80}") from None


def _idna_encoder() -> Callable[[str], bytes]:
    try:
        import idna
    except ImportError:
        return lambda host: host.encode("idna")
    return partial(idna.encode, uts46=True, std3_rules=True)


def resolved_link(base: WebAddress, link: str) -> WebAddress:
    """Where a link leads that stands at an address. Raises AddressRefused."""
    if _FORBIDDEN.search(link) or len(link) > _LONGEST:
        raise AddressRefused("a link with white space, control characters or backslashes")
    if link.startswith("///"):
        # a path to some, and a host to browsers
        raise AddressRefused("a link with three slashes")
    # only the reference is resolved here; what comes out is read as strictly as any address
    return parse_address(link if _URL.match(link) else urljoin(str(base), link))


# -- networks

#: of IANA's registries of special purposes, and multicast: nothing there is a host on the Internet
_NOT_PUBLIC = [
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # within 2000::/3; the first has Teredo and ORCHID, then documentation and 6to4
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
]
#: all that is given out for hosts: mapped and translated IPv4, local and multicast are not
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def is_public(address: IPAddress) -> bool:
    """Whether an IP address is of a host on the Internet. What carries an IPv4 address within
    IPv6 (mapped, NAT64, 6to4, Teredo) is not."""
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_UNICAST or address.scope_id):
        return False
    return not any(address in network for network in _NOT_PUBLIC)


class Networks:
    """Networks that may be connected to though they are not public, such as ``10.0.0.0/8``.

    Raises ValueError for what is no network.
    """

    def __init__(self, networks: Iterable[str] = ()) -> None:
        #: as they were given, for whoever compares
        self.names = tuple(sorted(set(networks)))
        self._networks = [ip_network(text) for text in self.names]

    def permits(self, address: IPAddress) -> bool:
        """Whether an address is public or in one of them."""
        return is_public(address) or any(address in network for network in self._networks)

    def __or__(self, other: Networks) -> Networks:
        return Networks((*self.names, *other.names))
