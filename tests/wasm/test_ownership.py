"""Who may be inside linked instances, beneath the calls that test it as a whole."""

from __future__ import annotations

import pytest

from pywasmgk.errors import Busy, InstanceDead
from pywasmgk.wasm.runtime import ownership
from pywasmgk.wasm.runtime.metering import Meter
from pywasmgk.wasm.runtime.ownership import Domain


@pytest.fixture(autouse=True)
def all_accounts_are_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts of other threads that are inside."""
    monkeypatch.setattr(ownership, "is_running", lambda meter: True)


def test_one_account_is_inside_and_nests() -> None:
    domain, mine, other = Domain(), Meter(), Meter()
    held = domain.enter(mine)
    assert held is domain
    assert domain.enter(mine) is None
    with pytest.raises(Busy, match="another thread"):
        domain.enter(other)
    held.leave()
    again = domain.enter(other)
    assert again is domain
    again.leave()


def test_the_dead_let_nobody_in() -> None:
    domain, meter = Domain(), Meter()
    held = domain.enter(meter)
    assert held is not None
    domain.dead = "it was interrupted"
    with pytest.raises(InstanceDead):
        domain.enter(meter)
    held.leave()
    with pytest.raises(InstanceDead, match="it was interrupted"):
        domain.enter(Meter())


def test_merged_domains_are_entered_once() -> None:
    domains = [Domain() for _ in range(4)]
    domains[0].merge(domains[1])
    domains[2].merge(domains[3])
    domains[1].merge(domains[3])
    domains[3].merge(domains[0])
    mine = Meter()
    for domain in domains:
        held = domain.enter(mine)
        assert held is not None
        for other in domains:
            assert other.enter(mine) is None
            with pytest.raises(Busy):
                other.enter(Meter())
        held.leave()


@pytest.mark.parametrize("first", [0, 1])
def test_death_is_inherited(first: int) -> None:
    domains = [Domain(), Domain()]
    domains[first].dead = "long ago"
    domains[0].merge(domains[1])
    for domain in domains:
        with pytest.raises(InstanceDead, match="long ago"):
            domain.enter(Meter())


@pytest.mark.parametrize("busy", [0, 1])
def test_linking_waits_for_nobody_and_changes_nothing_then(busy: int) -> None:
    domains = [Domain(), Domain()]
    held = domains[busy].enter(Meter())
    assert held is not None
    with pytest.raises(Busy, match="cannot link"):
        domains[0].merge(domains[1])
    held.leave()
    for domain in domains:
        entered = domain.enter(Meter())
        assert entered is domain
        entered.leave()


@pytest.mark.parametrize("inside", [0, 1])
def test_linking_from_inside(inside: int, monkeypatch: pytest.MonkeyPatch) -> None:
    domains, meter = [Domain(), Domain()], Meter()
    held = domains[inside].enter(meter)
    assert held is not None
    # the account that runs in this thread
    monkeypatch.setattr(ownership, "current_meter", lambda: meter)
    domains[0].merge(domains[1])
    for domain in domains:
        assert domain.enter(meter) is None
        with pytest.raises(Busy):
            domain.enter(Meter())
    held.leave()
    for domain in domains:
        entered = domain.enter(Meter())
        assert entered is not None
        entered.leave()
