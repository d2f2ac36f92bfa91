"""Where faults are, in modules that were made from text."""

from __future__ import annotations

import pickle
import traceback

import pytest

import pywasmgk
from pywasmgk.errors import DecodeError, TextError, Trap, ValidationError
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.text.source import Source

TRAPPING = """(module
  (func $inner (param i32) (result i32)
    (i32.div_s (i32.const 1) (local.get 0)))
  (func (export "outer") (param i32) (result i32)
\t(local.get 0)
    call $inner))
"""


def excerpt(error: object) -> list[str]:
    return str(error).splitlines()[1:]


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n"])
def test_lines_end_in_three_ways(newline: str) -> None:
    text = newline.join(["(module", "  (func", "    nop nope))"])
    with pytest.raises(TextError) as caught:
        Module(text)
    assert (caught.value.line, caught.value.column) == (3, 9)
    assert excerpt(caught.value) == ["      nop nope))", "          ^"]


def test_an_invalid_function_has_its_place() -> None:
    text = "(module\n  (func (result i32)\n    (i32.add (i32.const 1)\n      (i64.const 2))))"
    for validate in ("eager", "lazy"):
        with pytest.raises(ValidationError) as caught:
            pywasmgk.instantiate(Module(text, validate=validate)).exports.get("f")
            Module(text, validate=validate).block_map(0)
        error = caught.value
        assert error.place is not None
        assert (error.place.line, error.place.column) == (3, 6)
        assert error.headline.endswith("(line 3, column 6) in function 0")
        assert excerpt(error) == ["      (i32.add (i32.const 1)", "       ^"]


def test_it_is_called_by_its_name() -> None:
    with pytest.raises(ValidationError, match=r"\(line 1, column 11\) in \$f\n"):
        Module("(func $f (drop))")
    with pytest.raises(ValidationError, match=r"in \$x y\n"):
        Module('(func $"x y" drop)')


def test_an_invalid_constant_has_its_place() -> None:
    with pytest.raises(ValidationError) as caught:
        Module("(module\n  (global i32\n    (i64.const 0)))")
    assert caught.value.place is not None
    assert caught.value.place.line == 3


def test_what_the_decoder_refuses_has_its_place() -> None:
    with pytest.raises(DecodeError) as caught:
        Module(f"(module\n  (func (local {'i32 ' * 60_000})))")
    assert caught.value.place is not None
    assert caught.value.place.line == 2


def test_binary_modules_have_offsets() -> None:
    data = Module("(func $f (result i32) (i32.const 0))").data.replace(b"\x41\0", b"\x42\0")
    with pytest.raises(ValidationError, match=r"\(function 0, at offset 0x") as caught:
        Module(data)
    assert caught.value.place is None
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_frames_of_a_trap_have_lines(engine: str) -> None:
    module = Module(TRAPPING, name="calc.wat")
    for made in (module, pickle.loads(pickle.dumps(module))):
        with pytest.raises(Trap) as caught:
            pywasmgk.instantiate(made, engine=engine).exports.outer(0)
        trap = caught.value
        assert [(frame.line, frame.column) for frame in trap.frames] == [(3, 6), (6, 5)]
        head, *lines = str(trap).splitlines()
        assert head.startswith("integer divide by zero")
        assert lines == [
            f"  at $inner at {trap.frames[0].offset:#x} (line 3, column 6) in calc.wat",
            "          (i32.div_s (i32.const 1) (local.get 0)))",
            "           ^",
            f"  called by $outer at {trap.frames[1].offset:#x} (line 6, column 5) in calc.wat",
        ]


def test_errors_with_places_can_be_pickled() -> None:
    for text in ("(module\n (func nope))", "(module\n (func drop))"):
        with pytest.raises((TextError, ValidationError)) as caught:
            Module(text)
        again = pickle.loads(pickle.dumps(caught.value))
        assert str(again) == str(caught.value)
        assert again.place == caught.value.place


def test_long_lines_are_cut() -> None:
    text = "(func " + "nop " * 5_000 + "nope " + "nop " * 5_000 + ")"
    with pytest.raises(TextError) as caught:
        Module(text)
    line, caret = excerpt(caught.value)
    assert caught.value.column == 20_007
    assert line.startswith("  ...") and line.endswith("...")
    assert len(line) < 120
    assert line[caret.index("^") :].startswith("nope nop")


def test_what_is_no_character_for_a_terminal_is_escaped() -> None:
    with pytest.raises(TextError) as caught:
        Module('(data "\u202e\u009b") \x1b[2J\n')
    assert str(caught.value).replace("\n", "").isprintable()
    line, caret = excerpt(caught.value)
    assert line[caret.index("^") :] == "\\x1b[2J"


def test_tabs_are_one_wide() -> None:
    assert Source("\t\tx").place(2).excerpt == "    x\n    ^"


def test_a_place_behind_the_end() -> None:
    place = Source("a\n").place(2)
    assert (place.line, place.column, place.excerpt) == (2, 1, "  \n  ^")


@pytest.mark.parametrize("text", ["(func nope)", "(func drop)", "(func " * 5_000, "(memory 2 1)"])
def test_tracebacks_end_at_the_module(text: str) -> None:
    """What found the fault inside is no concern of who wrote the text."""
    with pytest.raises((TextError, ValidationError)) as caught:
        pywasmgk.instantiate(text)
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [frame.name for frame in frames[1:]] == ["call"]
    assert caught.value.__suppress_context__


def test_lines_are_found_while_the_time_of_loading_counts() -> None:
    """What is told of a call that met its deadline takes no time that grows with the text."""
    module = pywasmgk.Module('(func\n (export "f")\n unreachable)' + " " * 1_000)
    assert module.source is not None
    assert list(vars(module.source.source)["lines"]) == [0, 6, 20]


@pytest.mark.parametrize(
    ("behind", "shown"), [("", ""), (" " * 40, "..."), ("\n" + " " * 99, ""), ("x" * 99, "...")]
)
def test_a_long_line_is_cut(behind: str, shown: str) -> None:
    excerpt = Source("a" * 100 + behind).place(90).excerpt
    first = excerpt.splitlines()[0]
    assert first.startswith("  ..." + "a" * 60) and first.endswith(shown or "a")
