"""The passes as data: their order, their examples, and that each prefix of them is a compiler."""

from __future__ import annotations

import itertools

import pytest
from differential import check
from generator import generate
from loop_generator import generate as loops

import pywasmgk
from pywasmgk.wasm.compiler import optimizing
from pywasmgk.wasm.compiler.analysis.liveness import live_variables
from pywasmgk.wasm.compiler.backend import fast_loops
from pywasmgk.wasm.compiler.examples import EXAMPLES
from pywasmgk.wasm.compiler.explain import listing
from pywasmgk.wasm.compiler.passes import loop_versioning
from pywasmgk.wasm.compiler.pipeline import LOWERED, PASSES, checked
from pywasmgk.wasm.compiler.request import Request
from pywasmgk.wasm.text.reading import assemble

NAMES = [item.name for item in PASSES]


def listings(name: str) -> dict[str, str]:
    """The lines of an example's function after each pass."""
    module = pywasmgk.Module(assemble(EXAMPLES[name].module))
    found = optimizing.stages(module, Request(0))
    return {step: "\n".join(map(str.strip, listing(function))) for step, function in found}


def test_there_is_an_example_for_each_pass() -> None:
    assert list(EXAMPLES) == NAMES
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_pass_does_what_its_example_says(name: str) -> None:
    found, example = listings(name), EXAMPLES[name]
    before = found[[LOWERED, *NAMES][NAMES.index(name)]]
    for text, there in ((example.before, before), (example.after, found[name])):
        assert text in there
    assert not example.before or example.before not in found[name]
    assert example.after not in before


@pytest.mark.parametrize("name", NAMES)
def test_a_pass_leaves_the_function_before_it_as_it_was(name: str) -> None:
    """Those passes that lower blocks again, too."""
    module = pywasmgk.Module(assemble(EXAMPLES[name].module))
    functions = dict(optimizing.stages(module, Request(0)))
    texts = {step: list(listing(function)) for step, function in functions.items()}
    facts = {step: repr(sorted(function.env.items())) for step, function in functions.items()}
    for item in PASSES:
        for function in functions.values():
            item.run(function._replace(live=live_variables(function, with_dead=True)))
    assert texts == {step: list(listing(function)) for step, function in functions.items()}
    assert facts == {step: repr(sorted(f.env.items())) for step, f in functions.items()}


def test_an_order_that_cannot_be_right_is_refused() -> None:
    by_name = {item.name: item for item in PASSES}

    def order(*names: str) -> None:
        checked(by_name[name] for name in names)

    order("dead stores", "sinking", "dead stores")
    for first, second, needed in [
        # what edits statements comes after all that lowers blocks again
        ("sinking", "signed locals", "LOWERABLE"),
        ("dead stores", "pointer elimination", "LOWERABLE"),
        ("byte narrowing", "index hoisting", "LOWERABLE"),
        ("signed locals", "signed locals", "UNSIGNED"),
        # bytes are told by masks that are there
        ("redundant masks", "byte narrowing", "TEMPORARIES_MASKED"),
        ("delayed masks", "redundant masks", "LOCALS_MASKED"),
    ]:
        with pytest.raises(ValueError, match=f"{second} needs {needed}"):
            order(first, second)


@pytest.mark.parametrize("count", range(len(PASSES) + 1))
def test_each_prefix_is_a_correct_compiler(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(optimizing, "PASSES", PASSES[:count])
    monkeypatch.setattr(loop_versioning, "MOST", 8)
    monkeypatch.setattr(fast_loops, "MOST", 8)
    programs = itertools.chain(map(generate, range(6)), map(loops, range(10)))
    for number, program in enumerate(programs):
        found = check(program, ("interpreter", "optimized"), stops=number % 5 == 0, reference=False)
        assert not list(found), number


@pytest.mark.parametrize("left_out", NAMES)
def test_so_is_all_but_one_pass(monkeypatch: pytest.MonkeyPatch, left_out: str) -> None:
    kept = checked(item for item in PASSES if item.name != left_out)
    monkeypatch.setattr(optimizing, "PASSES", kept)
    for seed in range(6):
        found = check(loops(seed), ("interpreter", "optimized"), stops=False, reference=False)
        assert not list(found), seed
