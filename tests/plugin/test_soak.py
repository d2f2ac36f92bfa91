"""A short run of ``tools/soak rounds``: nothing grows but by what one sample costs."""

from __future__ import annotations

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

SOAK = Path(__file__).parents[2] / "tools" / "soak"


@pytest.fixture(scope="module")
def soak() -> Any:
    """The tool as a module."""
    loader = SourceFileLoader("soak", str(SOAK))
    spec = importlib.util.spec_from_loader("soak", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.case("A38", "C29")
def test_nothing_grows(soak: Any) -> None:
    result = soak.rounds(200, 1_000)
    for part in ("rounds", "calls"):
        first, *_, last = result[part]
        assert last["after"] > first["after"]
        # each sample keeps a dict; anything left behind by a round or call would be hundreds
        assert last["objects"] - first["objects"] < 40
        assert last["threads"] == first["threads"]
        assert last["files"] == first["files"]


def test_the_cases_of_the_deadline_are_stopped_by_it(soak: Any) -> None:
    # how late is for the tool to say: a busy machine must not fail a test
    for parts in soak.CASES.values():
        assert soak.overshoot(parts, 0.02) > 0


def test_what_ends_by_itself_is_no_measurement(soak: Any) -> None:
    with pytest.raises(SystemExit, match="ended by itself"):
        soak.overshoot({}, 1.0)
