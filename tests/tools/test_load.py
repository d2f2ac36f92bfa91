"""A short run of ``tools/load``: no call is lost, nothing hangs, nothing is left behind."""

from __future__ import annotations

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

LOAD = Path(__file__).parents[2] / "tools" / "load"


@pytest.fixture(scope="module")
def load() -> Any:
    """The tool as a module."""
    loader = SourceFileLoader("load", str(LOAD))
    spec = importlib.util.spec_from_loader("load", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("policies", [False, True])
def test_every_call_is_accounted_for(load: Any, policies: bool) -> None:
    if policies:
        pytest.importorskip("sqlglot", reason="the extra sql, which judges statements, is missing")
    result = load.load(6, 6, 900, policies=policies)
    assert load.is_fine(result), result
    assert result["ended"] == 900
    assert result["open_plugins"] == 6
    assert sum(result["outcomes"].values()) == 900
    # each kind came, and those that can be answered were
    assert all(result["kinds"].values())
    answered = result["answered_by_kind"]
    assert all(answered[kind] for kind in ("echo", "db", "mail", "store", "peer")), answered
    assert answered["echo"] == result["kinds"]["echo"]
    assert (answered["trap"], answered["spin"]) == (0, 0)
    assert result["reloads"]["done"]


def test_a_lost_call_would_be_seen(load: Any) -> None:
    fine = {"ended": 9, "calls": 9, "wrong": [], "trouble": [], "hanging": 0, "running": 0}
    fine |= {"unanswered": 1, "reasons": {"cycle": 1}}
    assert load.is_fine(fine)
    for key, value in {
        "ended": 8, "wrong": ["echo: gave None"], "trouble": ["x"], "hanging": 1, "running": 1,
        "unanswered": 2,
    }.items():  # fmt: skip
        assert not load.is_fine({**fine, key: value})
