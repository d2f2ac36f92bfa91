"""Traces: what is wanted, with the values, and not more than is wanted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_guests import run as command_line

import pywasmgk
from pywasmgk.debug.tracing import KINDS, Event, Tracer, event_text

GUEST = """(module
  (import "env" "half" (func $half (param i32) (result i32)))
  (memory 1) (global $g (mut i64) (i64.const -2))
  (func $store (param $at i32) (param $value f64)
    (f64.store offset=8 (local.get $at) (local.get $value)))
  (func (export "main") (param $n i32) (result i32)
    (call $store (i32.const 16) (f64.const 0.5))
    (i64.store8 (i32.const 0) (global.get $g))
    (drop (f64.load (i32.const 24)))
    (memory.fill (i32.const 40) (i32.const 7) (i32.const 10))
    (call $half (local.get $n)))
  (func (export "fail") (param i32) (result i32)
    (i32.div_s (i32.const -7) (local.get 0)))
  (func (export "endless") (loop $l (br $l))))"""


def traced(name: str, *args: int, **wanted: Any) -> tuple[list[Event], pywasmgk.Execution]:
    instance = pywasmgk.instantiate(GUEST, {"env": {"half": lambda n: n // 2}})
    events: list[Event] = []
    with instance.start(name, *args) as held:
        held.attach(Tracer(held, events.append, **wanted))
        held.run()
    return events, held


def test_everything_is_shown_in_order() -> None:
    events, held = traced("main", 9)
    assert [event.step for event in events] == list(range(held.steps))
    assert {event.depth for event in events} == {1, 2}
    assert [event.name for event in events if event.depth == 2] == ["store"] * 4


def test_operands_and_results_are_as_hosts_see_them() -> None:
    events, _ = traced("main", 9, instructions=["*.store*", "f64.load", "global.get", "call"])
    found = [(one.instruction, one.operands, one.results, one.address) for one in events]
    assert found == [
        ("call $store", (16, 0.5), (), None),
        ("f64.store offset=8", (16, 0.5), (), 24),
        ("global.get $g", (), (-2,), None),
        ("i64.store8", (0, -2), (), 0),
        ("f64.load", (24,), (0.5,), 24),
        ("call $half", (9,), (4,), None),
    ]
    assert events[1].size == 8 and events[3].size == 1


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"functions": ["store"]}, 4),
        ({"functions": [1]}, 4),
        ({"functions": ["sto*"], "instructions": ["store"]}, 1),
        ({"instructions": ["load"]}, 1),
        ({"instructions": ["calls"]}, 2),
        ({"memory": (24, 8)}, 2),
        ({"memory": (49, 1)}, 1),
        ({"memory": (50, 100)}, 0),
        ({"functions": ["nobody"]}, 0),
    ],
)
def test_what_is_wanted(wanted: Any, found: int) -> None:
    assert len(traced("main", 9, **wanted)[0]) == found


def test_it_ends_when_enough_is_shown() -> None:
    events, held = traced("endless", instructions=["branches"], limit=50)
    assert len(events) == 50 and not held.done
    assert set(KINDS) == {"load", "store", "calls", "branches"}


def test_a_trap_is_told() -> None:
    (event,), held = traced("fail", 0, instructions=["i32.div*"])
    assert isinstance(held.trap, pywasmgk.Trap)
    assert event.operands == (-7, 0) and event.trap == "integer divide by zero"
    assert event_text(event).endswith(";; -7, 0 !! integer divide by zero")


def test_lines_are_those_of_the_source() -> None:
    pytest.importorskip("elftools")
    guest = Path(__file__).parents[1] / "guests/debug/shapes.wasm"
    instance = pywasmgk.instantiate(pywasmgk.Module.from_file(guest))
    events: list[Event] = []
    with instance.start("total", 2, 1) as held:
        held.attach(Tracer(held, events.append, instructions=["i32.div_s"]))
        held.run()
    (event,) = events
    assert event.line == ("shapes.c", 11) and event.trap == "integer divide by zero"


def test_single_steps_are_shown_once() -> None:
    instance = pywasmgk.instantiate(GUEST, {"env": {"half": lambda n: n // 2}})
    events: list[Event] = []
    with instance.start("fail", 2) as held:
        held.attach(Tracer(held, events.append))
        held.step()
        held.step()
        held.rewind(1)
        held.finish()
    # what is run again to go back is not shown, what is run anew is
    assert [event.step for event in events] == [0, 1, 1, 2, 3]
    assert events[3].results == (-3,)


def test_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "guest.wat"
    file.write_text(GUEST)
    words = ("trace", file, "fail", "2", "--instruction", "i32.div*")
    done = command_line(*words, "--stub-imports")
    first, last = done.out.splitlines()
    assert first.split() == [
        "2",
        f"{first.split()[1]}",
        "$fail",
        "i32.div_s",
        ";;",
        "-7,",
        "2",
        "->",
        "-3",
    ]
    assert last == "4 instructions, 1 shown; gives -3"
    lines = command_line(
        "trace", file, "main", "2", "--stub-imports", "--range", "0x18:8", "--json"
    )
    forms = [json.loads(line) for line in lines.out.splitlines()]
    assert [form.get("address") for form in forms] == [24, 24, None]
    assert forms[-1]["error"]["type"] == "Trap" and lines.code == 1
    endless = command_line("trace", file, "endless", "--stub-imports", "--limit", "3")
    assert endless.out.splitlines()[-1] == "ended behind 3 instructions: --limit N shows more"
    assert command_line("trace", file, "endless", "--stub-imports", "--range", "x").code == 2
