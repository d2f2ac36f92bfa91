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
    wish(widget, 2, "look n")
    assert widget.watched == ["n"]
    wish(widget, 3, ["step"])
    assert (widget.step, widget.answered) == (8, 2)
    assert "export default" in widget._esm


def test_a_kernel_is_given_the_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("anywidget")
    execution = held()
    assert execution._repr_mimebundle_() == {}
    monkeypatch.setattr(players, "_has_kernel", lambda: True)
    assert [*execution._repr_mimebundle_()] == ["application/vnd.jupyter.widget-view+json"]
    assert execution.instance.module._repr_mimebundle_() == {}
