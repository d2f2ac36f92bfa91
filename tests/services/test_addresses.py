"""Web addresses against their table, and which networks are public."""

from __future__ import annotations

import sys
from ipaddress import ip_address

import pytest
from address_cases import LINKS, MALFORMED, NO, PLAIN, PRIVATE

from pywasmgk.platform import Permission, Policy, PolicyError
from pywasmgk.platform.egress import permitted_networks
from pywasmgk.services.addresses import (
    AddressRefused,
    Networks,
    is_public,
    parse_address,
    resolved_link,
)

pytestmark = pytest.mark.case("W28")


def host_of(url: str) -> str:
    try:
        address = parse_address(url)
    except AddressRefused:
        return NO
    usual = {"http": 80, "https": 443}[address.scheme]
    return address.host if address.port == usual else f"{address.host}:{address.port}"


@pytest.mark.parametrize("url", MALFORMED, ids=lambda url: ascii(url)[:40])
def test_what_is_no_address_or_several(url: str) -> None:
    with pytest.raises(AddressRefused):
        parse_address(url)


@pytest.mark.parametrize(("url", "host"), PLAIN)
def test_on_which_host_an_address_is(url: str, host: str) -> None:
    assert host_of(url) == host
    # what is written anew is read as the same
    assert parse_address(str(parse_address(url))) == parse_address(url)
    assert str(parse_address(url)).isascii()


@pytest.mark.parametrize("host", PRIVATE)
def test_addresses_that_nobody_has_on_the_internet(host: str) -> None:
    literal = ip_address(host.strip("[]"))
    assert not is_public(literal)
    with pytest.raises(AddressRefused, match="not public"):
        permitted_networks([()], f"http://{host}/")
    network = "0.0.0.0/0" if literal.version == 4 else "::/0"
    assert Networks([network]).permits(literal)
    assert permitted_networks([(network,)], f"http://{host}/")[1] == [network]


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1"]
)
def test_addresses_on_the_internet(host: str) -> None:
    assert is_public(ip_address(host))


@pytest.mark.parametrize(("link", "target"), LINKS)
def test_where_a_link_leads(link: str, target: str) -> None:
    base = parse_address("https://good.example/a/b")
    try:
        found = str(resolved_link(base, link))
    except AddressRefused:
        found = NO
    assert found == target


def test_there_are_enough_of_them() -> None:
    assert (
        len({*MALFORMED, *PRIVATE, *(url for url, _ in PLAIN), *(url for url, _ in LINKS)}) >= 200
    )


def test_without_the_package_idna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "idna", None)
    assert host_of("https://b\u00fccher.example") == "xn--bcher-kva.example"
    assert host_of("http://\uff11\uff12\uff17.1/") == NO
    assert host_of("https://\ud800.test") == NO


@pytest.mark.parametrize(
    ("entry", "permitted", "refused"),
    [
        ("good.example", ["https://good.example", "http://GOOD.example.:8080"], ["https://a.good.example"]),
        ("*.good.example", ["https://good.example", "https://a.b.good.example"], ["https://xgood.example"]),
        ("GOOD.example.", ["https://good.example"], ["https://good.example.test"]),
        ("good.example:8443", ["https://good.example:8443"], ["https://good.example"]),
        ("*", ["https://anything.test"], ["https://127.0.0.1", "http://localhost"]),
        ("*:443", ["https://anything.test"], ["http://anything.test"]),
        ("b\u00fccher.example", ["https://xn--bcher-kva.example"], ["https://bucher.example"]),
        ("10.0.0.0/8", ["http://10.1.2.3"], ["http://11.0.0.1", "https://good.example"]),
        ("10.1.2.3", ["http://10.1.2.3"], ["http://10.1.2.4"]),
        ("10.1.2.3:80", ["http://10.1.2.3"], ["http://10.1.2.3:81"]),
        ("[fd00::1]:80", ["http://[fd00::1]/"], ["http://[fd00::2]/"]),
        ("fd00::1", ["http://[fd00::1]:81/"], ["http://[::1]/"]),
        ("localhost", ["http://localhost:1"], ["http://127.0.0.1", "http://a.localhost"]),
    ],
)  # fmt: skip
def test_entries_of_a_scope(entry: str, permitted: list[str], refused: list[str]) -> None:
    for url in permitted:
        permitted_networks([(entry,)], url)
    for url in refused:
        with pytest.raises(AddressRefused):
            permitted_networks([(entry,)], url)


def test_networks_are_of_their_own_entry() -> None:
    """A host that is named for the Internet does not come into a network that another entry has."""
    scopes = [("inside.example", "10.0.0.0/8"), ("outside.example",)]
    assert permitted_networks(scopes, "http://inside.example")[1] == ["10.0.0.0/8"]
    assert permitted_networks(scopes, "http://outside.example")[1] == []


@pytest.mark.parametrize(
    "entry", ["https://x/", "a b", "x/y", "10.0.0.1/8", "*.*.x", "a@b", "127.1"]
)
def test_entries_that_are_no_hosts(entry: str) -> None:
    with pytest.raises(PolicyError, match="no host of a scope"):
        Policy(permissions=(Permission("http", "", (entry,)),))


@pytest.mark.parametrize(
    ("scope", "host", "networks"),
    [
        (("*", "127.0.0.1:8080"), "127.0.0.1", ["127.0.0.1/32"]),
        (("api.example.com", "10.1.2.3:8080"), "api.example.com", ["10.1.2.3/32"]),
        (("*", "localhost:8080"), "localhost", ["127.0.0.0/8", "::1/128"]),
    ],
)
def test_an_entry_with_a_port_opens_no_other_port(
    scope: tuple[str, ...], host: str, networks: list[str]
) -> None:
    assert permitted_networks([scope], f"http://{host}:8080/")[1] == networks
    if host == "api.example.com":
        assert permitted_networks([scope], f"http://{host}:22/")[1] == []
    else:
        with pytest.raises(AddressRefused, match=r"not public|this machine's"):
            permitted_networks([scope], f"http://{host}:22/")
