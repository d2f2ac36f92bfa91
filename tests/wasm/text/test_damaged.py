"""Damaged texts: only our errors, quickly, and where wasmtime's reader refuses them too.

``tools/fuzz text`` goes on for as long as one likes."""

from __future__ import annotations

from collections import Counter

import pytest
from oracle import have_wasmtime
from processor import least_seconds
from text_mutation import RULES, corpus, difference, mutate, try_text

TEXTS = corpus()


def test_damaged_texts_raise_our_errors_only() -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(3_000):
        text = mutate(seed, TEXTS)
        case = try_text(text)
        assert case.seconds < 1 or least_seconds(lambda: try_text(text), enough=1) < 1  # noqa: B023
        outcomes[case.outcome] += 1
    assert set(outcomes) == {"read", "TextError"}
    assert outcomes["read"] > 100


@pytest.mark.skipif(not have_wasmtime(), reason="wasmtime is not installed")
def test_wasmtime_reads_and_refuses_the_same() -> None:
    for seed in range(3_000, 6_000):
        text = mutate(seed, TEXTS)
        found = difference(text, try_text(text))
        assert found is None or found[1], (seed, found, text)


@pytest.mark.skipif(not have_wasmtime(), reason="wasmtime is not installed")
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (" ", "Modules: a module may have no fields"),
        ("(global f32 (f32.const 0x0.1p-99999999999))", "Floating-Point: an exponent has any"),
        ("(memory i32 1)", "later proposals"),
        ("(func) (start 0) (start 0)", "Modules: there is one start function at most"),
        ("(func (drop i32.const 0))", "Folded Instructions: what is in a folded instruction"),
        ("(func (if (i32.const 0)))", "Folded Instructions: an if has a then"),
        ("(func block)", "Control Instructions: end and else belong to blocks"),
        ("(func (else))", "Control Instructions: end and else belong to blocks"),
        ("(memory 0x1_0000_0000)", "Limits, Memory Instructions: sizes and offsets have 32 bits"),
        ('(import "a" (func))', "Imports: an import has two names"),
        ('(import "a")', "Imports: an import has two names"),
        ("(elem funcref (block ref.null func))", "Element Segments: any folded instruction"),
        ("(func) (start +0)", "Indices: an index has no sign"),
        ('(memory 1)(data (loop i32.const 0) "a")', "Folded Instructions: a block ends, also"),
        ("(@producers x)", "Custom Annotations: known ones have their form"),
        ('(func ( @name "f"))', "Annotations: nothing stands between ( and @"),
        ('((@a )@name "x")', "Annotations: nothing stands between ( and @"),
        ("(table 1 funcref) (elem (if (then)) func)", "Segments: an offset is any folded"),
        ("(tag)", "later proposals"),
    ],
)
def test_known_differences(text: str, rule: str) -> None:
    found = difference(text, try_text(text))
    if found is not None:  # other versions of it may have come round
        assert found[1].startswith(rule)
    assert any(known.startswith(rule) for known in RULES)


@pytest.mark.skipif(not have_wasmtime(), reason="wasmtime is not installed")
@pytest.mark.parametrize(
    "segment",
    [
        '(data (loop i32.const 0) "a")',
        '(data $d (memory 0) (; ;) (block i32.const 0) "a")',
        '(data (offset (loop i32.const 0)) "a")',
        '(data "a")',
    ],
)
@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("(block)", "(block nop)"),
        ("(func", "(global i32 (i32.const 1)) (func"),
        ('"a"', '"b"'),
        ('"a"', '"ab"'),
    ],
)
def test_a_difference_elsewhere_is_reported(segment: str, part: str, other: str) -> None:
    """What is known of one segment's offset excuses nothing else in the same text."""
    text = f"(memory 1) (func (block)) {segment}"
    found = difference(text, try_text(text))
    assert found is None or found[1].startswith("Folded Instructions: a block ends")
    # as if we had read something else in that part
    assert difference(text, try_text(text.replace(part, other))) == ("another module", "")
