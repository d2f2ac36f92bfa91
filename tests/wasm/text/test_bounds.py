"""Reading a text is bounded by its length, whatever it says, and ends in time."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from typing import Any

import pytest
from text_shapes import TEXT_SHAPES

import pywasmgk
from pywasmgk.errors import Cancelled, DeadlineExceeded, PywasmgkError, TextError
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.runtime.metering import CancelToken
from pywasmgk.wasm.text.reading import assemble, read_text

#: bytes of memory for each byte of the text, and for any text: small ones are validated without the
#: automaton, which takes more
PER_BYTE, ALWAYS = 60, 750_000


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="needs tracemalloc")
@pytest.mark.parametrize("shape", TEXT_SHAPES)
def test_memory_is_linear_in_the_text(shape: str) -> None:
    text = TEXT_SHAPES[shape](30_000)
    Module("(module)")
    gc.collect()
    tracemalloc.start()
    try:
        Module(text)
    except PywasmgkError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak <= PER_BYTE * len(text.encode()) + ALWAYS


def looks(text: str) -> int:
    """How often the clock is looked at."""
    seen: list[int | None] = []
    try:
        read_text(text, seen.append)
    except TextError:
        pass
    return len(seen)


#: shapes of which little is read, or in one go by C
QUICK = {
    *("blanks", "a comment", "one long word", "one long identifier", "one long string"),
    *("one long integer", "one long hexadecimal", "one long float", "one long float of 32 bits"),
    *("one long exponent", "lines in numbers", "adjacent strings", "controls", "reserved"),
    *("astral characters", "long decimals", "long unknown instructions"),
}


def steps(text: str) -> int:
    """The calls that reading a text makes between two looks, at most."""
    count = [0]

    def note(frame: Any, event: str, arg: Any) -> None:
        count[0] += event in ("call", "c_call")
        if frame.f_code is seen.__code__:
            most[0] = max(most[0], count[0] - last[0])
            last[0] = count[0]

    def seen(at: int | None) -> None:
        pass

    last, most = [0], [0]
    gc.collect()
    gc.disable()
    sys.setprofile(note)
    try:
        read_text(text, seen)
    except TextError:
        pass
    finally:
        sys.setprofile(None)
        gc.enable()
    return max(most[0], count[0] - last[0])


@pytest.mark.parametrize("shape", sorted(TEXT_SHAPES.keys() - QUICK))
def test_the_clock_is_looked_at_all_along(shape: str) -> None:
    """The calls between two looks, some 0.1 us each, have a bound that no length changes."""
    assert steps(TEXT_SHAPES[shape](30_000)) <= 16_000


def test_names_are_bounded_too() -> None:
    """Those of 1,000 functions are written with a look in between."""
    many = "".join(f"(func $f{n})" for n in range(2_000))
    assert looks(many) > looks("(func)" * 2_000)


def test_the_deadline_and_the_token_end_the_reading() -> None:
    def clock() -> float:
        clock.now += 1.0  # type: ignore[attr-defined]
        return float(clock.now)  # type: ignore[attr-defined]

    clock.now = 0.0  # type: ignore[attr-defined]
    text = "(func nop)" * 20_000
    with pytest.raises(DeadlineExceeded, match="gave up loading after 5 s"):
        Module(text, timeout=5, clock=clock)
    token = CancelToken()
    token.cancel()
    for broken in ("(func", "(module quote " + '"(func" ' * 9, "(" * 5_000):
        with pytest.raises(Cancelled):
            Module(broken, cancel=token)


def test_a_plugin_in_text_is_bounded_as_any() -> None:
    with pytest.raises(pywasmgk.CallTimeout, match="gave up loading"):
        pywasmgk.load("(func nop)" * 20_000, timeout=1e-6)


def test_many_annotations_before_a_field() -> None:
    """They are taken in one go."""
    found = Module('(@custom "a")' * 1_000 + "(func)" + '(@custom "b" "c")')
    assert [name for name, *_ in found.custom_sections] == ["a"] * 1_000 + ["b"]
    with pytest.raises(TextError, match="misplaced @name"):
        assemble('(@name "x")(@custom "a")(func)')


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="needs counted references")
@pytest.mark.parametrize("shape", TEXT_SHAPES)
def test_reading_leaves_nothing_to_the_collector(shape: str) -> None:
    """Tokens would be kept until it runs, which each version of Python does at another time."""
    text = TEXT_SHAPES[shape](2_000)
    Module("(module)")
    gc.collect()
    gc.disable()
    try:
        read_text(text, lambda at: None)
    except TextError:
        pass
    finally:
        found = gc.collect()
        gc.enable()
    assert found == 0
