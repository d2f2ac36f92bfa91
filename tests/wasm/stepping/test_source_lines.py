"""Lines of the source that a module was compiled from, in executions that are held."""

from __future__ import annotations

from pathlib import Path

import pytest

import pywasmgk
from pywasmgk import Execution, HostError, Module
from pywasmgk.debug.console import Console

GUEST = Path(__file__).parents[2] / "guests/debug/shapes.wasm"
pytest.importorskip("elftools")


def begun() -> Execution:
    return pywasmgk.instantiate(Module(GUEST.read_bytes())).start("total", 0, 3)


def test_frames_have_lines_of_functions_compiled_into_others_too() -> None:
    with begun() as held:
        assert held.run() == "trap"
        lines = [[(one.function, one.line) for one in frame.source] for frame in held.frames]
        assert lines == [[("ratio", 11), ("of_index", 18)], [("total", 25)]]
        held.goto(0)
        assert held.frames[0].source[0].function == "total"


def test_a_functions_own_line_is_its_first_instruction() -> None:
    with begun() as held:
        held.break_at(file="shapes.c", line=15)
        assert held.run() == "breakpoint"
        assert (held.frames[0].name, held.frames[0].pc) == ("of_index", 0)


def test_it_stops_at_lines_of_the_source() -> None:
    with begun() as held:
        held.break_at(file="shapes.c", line=16)
        arguments = []
        while held.run() == "breakpoint":
            frame = held.frames[0]
            assert (frame.name, frame.source[0].line) == ("of_index", 16)
            arguments.append(frame.locals[0].value)
        assert arguments == [0, 1, 2]
        assert held.reverse_run() == "breakpoint"
        assert held.frames[0].locals[0].value == 2


def test_a_line_of_a_function_that_was_compiled_into_another() -> None:
    with begun() as held:
        spot = held.break_at(file="shapes.c", line=11)
        assert held.run() == "breakpoint"
        assert [one.function for one in held.frames[0].source] == ["ratio", "of_index"]
        assert spot.hits == 1


def test_lines_that_are_not_there_are_told() -> None:
    with begun() as held:
        with pytest.raises(HostError, match=r"line 13 of shapes\.c has no code; there is at 1"):
            held.break_at(file="shapes.c", line=13)
        with pytest.raises(HostError, match=r"did you mean 'shapes\.c'"):
            held.break_at(file="shape.c", line=16)
        with pytest.raises(ValueError, match="needs a line"):
            held.break_at(file="shapes.c")
    with pywasmgk.instantiate('(module (func (export "f")))').start("f") as held:
        with pytest.raises(HostError, match="needs debug information"):
            held.break_at(file="shapes.c", line=16)


def test_the_debugger_takes_them() -> None:
    with begun() as held:
        console = Console(held)
        assert "error: no code comes from 'x.c'" in "".join(console.execute("stop x.c:3"))
        assert "line=16" in "".join(console.execute("stop shapes.c:16 if l0 > 1"))
        list(console.execute("run"))
        assert held.frames[0].locals[0].value == 2
