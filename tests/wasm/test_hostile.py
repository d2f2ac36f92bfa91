"""Hostile modules end in our own exceptions, and damage is found where it was planted."""

from __future__ import annotations

from typing import Any

import pytest
from hostile import HOSTILE, Hostile
from mutation import corpus, mutate, try_module
from oracle import tiers

import pywasmgk
from pywasmgk.errors import PywasmgkError

NAMES = [item.name for item in HOSTILE]


def instance_of(item: Hostile, engine: str = "auto") -> Any:
    return pywasmgk.instantiate(item.data, fuel=2_000_000, engine=engine)


REFUSED = [item for item in HOSTILE if item.loading is not None]
LOADED = [item for item in HOSTILE if item.loading is None]


@pytest.mark.parametrize("item", REFUSED, ids=lambda item: item.name)
def test_hostile_modules_that_are_refused(item: Hostile) -> None:
    with pytest.raises(PywasmgkError) as caught:
        instance_of(item)
    assert type(caught.value).__name__ == item.loading
    assert len(str(caught.value)) < 5_000


@pytest.mark.parametrize("engine", tiers())
@pytest.mark.parametrize("item", LOADED, ids=lambda item: item.name)
def test_hostile_modules_that_run(item: Hostile, engine: str) -> None:
    instance = instance_of(item, engine)
    if "f" not in instance.exports:
        return
    if item.calling is None:
        instance.exports.f()
        return
    with pytest.raises(PywasmgkError) as caught:
        instance.exports.f()
    assert type(caught.value).__name__ == item.calling
    assert len(str(caught.value)) < 4_000
    assert "\x1b" not in str(caught.value)


def test_messages_of_missing_imports_are_bounded() -> None:
    item = next(item for item in HOSTILE if item.name == "20,000 imports")
    given = {"env": {f"g{n}": print for n in range(200)}}
    with pytest.raises(pywasmgk.LinkError, match="and 19900 more") as caught:
        pywasmgk.instantiate(item.data, given)
    assert len(caught.value.missing) == 20_000
    assert [problem.hint is None for problem in caught.value.missing].count(False) <= 100


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_damaged_modules() -> None:
    """A taste of ``tools/fuzz decode``, which runs a hundred thousand."""
    modules = corpus()
    outcomes = set()
    for seed in range(300):
        name, data = mutate(seed, modules)
        case = try_module(data)
        assert case.outcome[0] != "!", (seed, name, case)
        outcomes.add(case.outcome)
    assert outcomes >= {"DecodeError", "ValidationError", "loaded"}


def test_what_is_not_ours_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **options: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr(pywasmgk, "Module", broken)
    assert try_module(b"").outcome == "!IndexError: list index out of range"


def test_a_seed_gives_the_same_damage() -> None:
    modules = corpus()
    assert mutate(5, modules) == mutate(5, modules)
    assert mutate(5, modules) != mutate(6, modules)
