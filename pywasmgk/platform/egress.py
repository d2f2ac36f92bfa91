"""Which web addresses a plugin may ask for (contract 4.3, weaknesses W28 and W29)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import NamedTuple

from ..services.addresses import AddressRefused, Networks, WebAddress, host_of, parse_address

__all__ = ["HostEntry", "parse_entry", "permitted_networks"]

_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):(?P<port>[0-9]{1,5})")
#: what ``localhost`` in a scope opens
_LOOPBACK = ("127.0.0.0/8", "::1/128")


class HostEntry(NamedTuple):
    """An entry of the scope of ``http``: a host, one with all below it, all hosts, or a network."""

    #: normalised; empty for a network
    host: str
    #: whether all hosts below are meant too
    below: bool = False
    #: ``None`` is any
    port: int | None = None
    #: in the form 10.0.0.0/8: of a literal address it is that one
    network: str = ""

    def names(self, address: WebAddress) -> bool:
        """Whether an address is on what the entry names."""
        if self.port is not None and self.port != address.port:
            return False
        literal = address.literal
        if self.network:
            return literal is not None and literal in ip_network(self.network)
        if self.host == "*":
            return True
        under = self.below and literal is None and address.host.endswith(f".{self.host}")
        return under or address.host == self.host


def parse_entry(text: str) -> HostEntry:
    """An entry: ``example.com``, ``*.example.com``, ``*``, ``example.com:8443``, ``10.0.0.0/8``,
    ``10.1.2.3``, ``[::1]:80``. Raises ValueError."""
    if "/" in text:
        return HostEntry("", network=str(ip_network(text)))
    split = _PORT.fullmatch(text)
    host, port = (text, None) if split is None else (split["host"], int(split["port"]))
    if host == "*":
        return HostEntry("*", port=port)
    below = host.startswith("*.")
    host = f"[{host}]" if split is None and host.count(":") > 1 else host
    name = host_of(host[2:] if below else host)
    literal = WebAddress("http", name, 80, "").literal
    if literal is not None:
        return HostEntry("", port=port, network=str(ip_network(name)))
    return HostEntry(name, below, port)


def permitted_networks(scopes: Iterable[Sequence[str]], url: str) -> tuple[WebAddress, list[str]]:
    """The address, if one of the scopes names it, and the networks that are not public to which it
    may lead: those beside it in its scope. Raises AddressRefused.

    An address in numbers must be public, or in a network of its scope.
    """
    address = parse_address(url)
    networks: list[str] = []
    named = False
    for scope in scopes:
        entries = [parse_entry(text) for text in scope]
        if scope and not any(entry.names(address) for entry in entries):
            continue
        named = True
        # what names a port opens no other one
        entries = [entry for entry in entries if entry.port in (None, address.port)]
        networks += [entry.network for entry in entries if entry.network]
        if any(entry.host == address.host == "localhost" for entry in entries):
            networks += _LOOPBACK
    if not named:
        # the scope says it all
        raise AddressRefused("")
    literal = address.literal
    if literal is not None and not Networks(networks).permits(literal):
        raise AddressRefused("the address is not public")
    if _is_local(address.host) and not networks:
        raise AddressRefused("the name is this machine's")
    return address, networks


def _is_local(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")
