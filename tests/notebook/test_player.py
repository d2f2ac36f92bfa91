"""The player: what its buttons do, and how the widget carries it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import pywasmgk
from pywasmgk import notebook
from pywasmgk.notebook import plain, players
from pywasmgk.notebook.steering import Steering

SUM = """(module
  (memory (export "memory") 1)
  (func $sum (export "sum") (param $n i32) (result i32) (local $total i32)
    (loop $again
      (local.set $total (i32.add (local.get $total) (local.get $n)))
      (i32.store (i32.const 8) (local.get $total))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $total)))
"""


def held() -> pywasmgk.Execution:
    return pywasmgk.instantiate(SUM).start("sum", 3)


def shown(steering: Steering) -> str:
    return plain.text_of(steering.view())


def test_forwards_and_back() -> None:
    steering = Steering(held())
    steering.do("step 8")
    assert steering.steps == (0, 8, 8)
    steering.do("back")
    assert steering.steps == (0, 7, 8)
    steering.do("goto 2")
    assert steering.steps == (0, 2, 8)
    steering.do("run")
    assert "done, gives 6" in shown(steering)
    steering.do("back-run")
    assert steering.steps[1] == 0


def test_expressions_are_watched() -> None:
    steering = Steering(held())
    for line in ("look n + 1", "look u32(8)", "look n + 1", "step 9"):
        steering.do(line)
    assert steering.watched == ["n + 1", "u32(8)"]
    assert "n + 1   4 (0x4)" in shown(steering)
    assert "u32(8)  3 (0x3)" in shown(steering)
    steering.do("forget n + 1")
    assert steering.watched == ["u32(8)"]
    steering.do("look 1 +")
    assert steering.watched == ["u32(8)"]
    assert "error:" in shown(steering)
    steering.do("look __import__('os')")
    assert "ExpressionError" in shown(steering)
    for number in range(30):
        steering.do(f"look {number}")
    assert len(steering.watched) == 20


def test_memory_and_locals_are_changed() -> None:
    steering = Steering(held())
    steering.do("poke 0x20 1 2 255")
    assert steering.execution.instance.memory.read(0x20, 3) == b"\1\2\xff"
    steering.do("set n 1")
    steering.do("run")
    assert steering.execution.results == 1
    steering.do("back 1000")
    assert steering.execution.instance.memory.read(0x20, 3) == b"\1\2\xff"


def values(steering: Steering, title: str) -> dict[str, Any]:
    """The rows below a heading, by name."""
    found = [kind for kind in steering.values if kind["title"] == title]
    return {row["name"]: row for row in found[0]["rows"]} if found else {}


def test_values_say_how_they_are_changed() -> None:
    steering = Steering(held())
    steering.do("step 3")
    before = values(steering, "locals")
    assert before["$n i32"] == {
        "name": "$n i32", "value": "3 (0x3)", "style": "value", "line": "set n ",
    }  # fmt: skip
    assert values(steering, "stack")["s0 i32"]["line"] == ""
    steering.do(f"{before['$n i32']['line']}2 * n")
    assert values(steering, "locals")["$n i32"]["value"] == "6 (0x6)"
    assert values(steering, "locals")["$n i32"]["style"] == "changed"
    assert next(iter(values(steering, "calls").values()))["line"] == "frame 0"


def test_a_local_is_meant_whatever_it_is_called() -> None:
    text = """(module (func (export "f") (param $l1 i32) (param $x i32) (param $"a b" i32)))"""
    steering = Steering(pywasmgk.instantiate(text).start("f", 1, 2, 3))
    for number, row in enumerate(values(steering, "locals").values()):
        steering.do(f"{row['line']}{number + 10}")
    shown = [row["value"] for row in values(steering, "locals").values()]
    assert shown == ["10 (0xa)", "11 (0xb)", "12 (0xc)"]


def test_many_values_are_cut() -> None:
    text = f"""(module (func (export "f") (local {"i32 " * 100})))"""
    kinds = {kind["title"]: kind for kind in Steering(pywasmgk.instantiate(text).start("f")).values}
    assert len(kinds["locals"]["rows"]) == 40
    assert kinds["locals"]["more"] == 60


def byte_at(steering: Steering, address: int) -> str:
    memory = steering.memory
    row = next(row for row in memory["rows"] if 0 <= address - row["at"] < 16)
    found: str = row["bytes"][2 * (address - row["at"]) :][:2]
    return found


def test_memory_is_changed_byte_by_byte_and_by_type() -> None:
    steering = Steering(held())
    steering.do("poke 0x24 0xff")
    assert byte_at(steering, 0x24) == "ff"
    assert 0x24 in steering.memory["changed"]
    steering.do("put 0x28 i32 -2")
    assert steering.execution.instance.memory.read_i32(0x28) == -2
    assert steering.memory["rows"][2]["numbers"][2] == "-2"
    steering.do("as f64")
    assert (steering.memory["kind"], steering.memory["width"]) == ("f64", 8)
    steering.do("put 0x30 f64 1.5")
    assert steering.memory["rows"][3]["numbers"] == ["1.5", "0"]
    # what is changed by hand is taken back with the rest
    steering.do("step 3")
    steering.do("put 0 u8 7")
    steering.do("back 2")
    assert byte_at(steering, 0) == "00"


def test_memory_is_looked_at_anywhere() -> None:
    steering = Steering(held())
    steering.do("at 0x412")
    assert steering.memory["rows"][0]["at"] == 0x410
    assert len(steering.memory["rows"]) == 16
    steering.do("at n * 16")
    assert steering.memory["start"] == 48
    for far in ("at 65535", "at 9999999999", "at 1 << 70"):
        steering.do(far)
        assert steering.memory["rows"][-1]["at"] == 0xFFF0, far
        assert len(steering.memory["rows"]) == 16
    steering.do("at 0 - 5")
    assert steering.memory["start"] == 0
    # without an address it follows the code again
    steering.do("at 0x8000")
    steering.do("at")
    steering.do("run")
    assert steering.memory["start"] == 0
    small = Steering(pywasmgk.instantiate('(module (func (export "f")))').start("f"))
    assert small.memory == {}


@pytest.mark.parametrize(
    "line",
    ["at q", "at 1 +", "at 'x'", "as i3", "put", "put 0 i32", "put 0 i3 1", "put 0 u8 256",
     "put 0 i32 x", "put x i32 1", "put 0 f32 1e300", "put 65533 i32 1", "put 0 i32 1.5"],
)  # fmt: skip
def test_what_cannot_be_put_is_said(line: str) -> None:
    steering = Steering(held())
    steering.do(line)
    assert "error" in shown(steering), line
    assert steering.execution.instance.memory.read(0, 16) == bytes(16)
    assert steering.memory["start"] == 0


@pytest.mark.parametrize("line", ["", "jump", "poke 99999999 1", "goto x", "set q 1", "look 1 +"])
def test_what_is_wrong_is_said(line: str) -> None:
    steering = Steering(held())
    before = steering.steps
    steering.do(line)
    assert steering.steps == before
    assert not line or "error" in shown(steering) or "no command" in shown(steering)


def test_one_that_is_closed_stays_on_the_screen() -> None:
    execution = held()
    steering = Steering(execution)
    steering.do("step 3")
    execution.close()
    for line in ("step", "back", "goto 0", "back-run", "set n 1", "poke 0 1"):
        steering.do(line)
        assert "error: the execution is closed" in shown(steering)
        assert steering.steps == (0, 3, 3)
    assert execution.instance.memory.read_u8(0) == 0
    assert "local.get" in shown(steering)


def test_without_anywidget_it_is_the_execution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "pywasmgk.notebook.widget", raising=False)
    execution = held()
    assert notebook.player(execution) is execution
    monkeypatch.setattr(players, "_has_kernel", lambda: True)
    assert execution._repr_mimebundle_() == {}


# -- the widget


def wish(widget: Any, number: int, line: Any) -> None:
    """What the page sends."""
    widget.set_state({"wanted": {"number": number, "line": line}})


def test_the_widget_does_what_is_wanted() -> None:
    pytest.importorskip("anywidget")
    execution = held()
    widget = notebook.player(execution)
    assert notebook.player(execution) is widget
    wish(widget, 1, "step 8")
    assert (widget.oldest, widget.step, widget.furthest, widget.answered) == (0, 8, 8, 1)
    assert 'class="pywasmgk"' in widget.shown
    assert [kind["title"] for kind in widget.values] == ["locals", "calls"]
    assert widget.memory["rows"][0]["bytes"].startswith("00" * 8 + "03")
    wish(widget, 2, "look n")
    assert widget.watched == ["n"]
    wish(widget, 3, ["step"])
    assert (widget.step, widget.answered) == (8, 2)
    assert "export default" in widget._esm
    assert ".wg-player" in widget._css


def test_a_kernel_is_given_the_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("anywidget")
    execution = held()
    assert execution._repr_mimebundle_() == {}
    monkeypatch.setattr(players, "_has_kernel", lambda: True)
    assert [*execution._repr_mimebundle_()] == ["application/vnd.jupyter.widget-view+json"]
    assert execution.instance.module._repr_mimebundle_() == {}
