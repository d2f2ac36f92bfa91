"""``tools/fuzz --bisect`` names the pass that brings a fault in."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import pywasmgk
from pywasmgk.wasm.compiler import optimizing, pipeline
from pywasmgk.wasm.compiler.examples import EXAMPLES
from pywasmgk.wasm.compiler.ir.expr import Expr, constant
from pywasmgk.wasm.compiler.ir.function import Function

TOOL = Path(__file__).parents[2] / "tools" / "fuzz"


def load() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("fuzz_tool", str(TOOL))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def wrong(function: Function) -> Function:
    """A pass that takes every 3 for a 4."""
    return function.mapped(lambda term: constant(4) if term.op == "const" else _inside(term))


def _inside(term: Expr) -> Expr:
    args = tuple(_inside(arg) if isinstance(arg, Expr) else arg for arg in term.args)
    return constant(4) if term.op == "const" else term.with_args(*args)


def differs() -> bool:
    """Whether the example of dead stores gives something else than it should."""
    text = EXAMPLES["sinking"].module.replace("(func $f", '(func (export "f")')
    instance = pywasmgk.instantiate(pywasmgk.Module(text), engine="optimized")
    return bool(instance.exports.f(5, 1) != 15)


@pytest.mark.parametrize("place", [0, 3, len(pipeline.PASSES) - 1])
def test_the_first_wrong_pass_is_named(monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    passes = list(pipeline.PASSES)
    passes[place] = passes[place]._replace(run=wrong)
    monkeypatch.setattr(pipeline, "PASSES", tuple(passes))
    monkeypatch.setattr(pipeline, "VERIFY", False)
    # what the tool leaves here must not stay for the tests behind this one
    monkeypatch.setattr(optimizing, "PASSES", optimizing.PASSES)
    assert load().first_wrong(differs) == passes[place].name
    assert optimizing.PASSES == tuple(passes)


def test_where_no_pass_is_wrong_none_is_named() -> None:
    tool = load()
    assert tool.first_wrong(differs) == "none"
    assert tool.first_wrong(lambda: True) == "lowering"
