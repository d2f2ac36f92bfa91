"""Tracebacks end where a user's own code does, whatever was called."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Any

import pytest

import pywasmgk
from pywasmgk import examples

HERE = os.path.dirname(pywasmgk.__file__) + os.sep

TEXT = """(module (import "e" "h" (func $h)) (memory 1)
  (func $f (export "f") (param i32) (result i32) local.get 0 i32.load)
  (func (export "host") call $h)
  (func (export "turn") (loop br 0)))"""


def fails() -> None:
    """A host function."""
    raise KeyError("mine")


def instance(engine: str, **options: Any) -> pywasmgk.Instance:
    return pywasmgk.instantiate(TEXT, {"e": {"h": fails}}, engine=engine, **options)


def shown(call: Callable[[], object]) -> list[traceback.FrameSummary]:
    """The frames that a traceback shows below this one and its caller."""
    try:
        call()
    except BaseException as error:
        return traceback.extract_tb(error.__traceback__)[2:]
    raise AssertionError("nothing was raised")


def ours(frames: list[traceback.FrameSummary]) -> int:
    return sum(frame.filename.startswith((HERE, "<pywasmgk")) for frame in frames)


START = "(module (func $s unreachable) (start $s))"
DEEP = "(module (func " + "(block " * 100_000 + "(i32.ad)" + ")" * 100_000 + "))"


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_calls_show_one_frame(engine: str) -> None:
    exports = instance(engine).exports
    for call in (
        lambda: exports.f(-1),
        lambda: exports.f("x"),
        lambda: exports.f(2**40),
        lambda: exports.f(),
        lambda: exports.f.call_bits(0xFFFFFFFF),
        lambda: instance(engine, fuel=1_000).exports.turn(),
    ):
        for _ in range(2):  # the first call may take another way in
            frames = shown(call)
            assert (len(frames), ours(frames)) == (1, 1)


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_errors_of_host_functions_show_these(engine: str) -> None:
    exports = instance(engine).exports
    for _ in range(2):
        frames = shown(exports.host)
        assert [frame.name for frame in frames[-1:]] == ["fails"]
        assert ours(frames) <= 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: pywasmgk.Module(b"\0asm\1\0\0\0\x0a\x7f"),
        lambda: pywasmgk.Module("(module (func i32.ad))"),
        lambda: pywasmgk.Module(DEEP),
        lambda: pywasmgk.instantiate(TEXT),
        lambda: pywasmgk.instantiate(START),
        lambda: pywasmgk.load(b"xx"),
        lambda: pywasmgk.load("(module)"),
        lambda: pywasmgk.load(examples.read("hello"), depth_limit=1).call("hello", {}),
        lambda: pywasmgk.run_wasi(START.encode()),
        lambda: pywasmgk.instantiate("(module)").memory,
    ],
)
def test_everything_else_shows_one_frame_too(call: Callable[[], object]) -> None:
    frames = shown(call)
    assert (len(frames), ours(frames)) == (1, 1)


def test_causes_show_none_of_ours() -> None:
    plugin = pywasmgk.load(examples.read("hello"), depth_limit=1)
    with pytest.raises(pywasmgk.CallError) as caught:
        plugin.call("hello", {})
    cause = caught.value.__cause__
    assert isinstance(cause, pywasmgk.Trap)
    assert ours(traceback.extract_tb(cause.__traceback__)) == 0


def test_mistakes_of_this_package_keep_their_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    from pywasmgk.wasm.interpreter import execution

    monkeypatch.setattr(execution.Execution, "run", None)
    exports = instance("interpreter").exports
    assert len(shown(lambda: exports.f(1))) > 2


def test_pytest_is_told_to_hide_frames() -> None:
    with pytest.raises(pywasmgk.Trap) as caught:
        instance("auto").exports.f(-1)
    assert [entry.ishidden(caught) for entry in caught.traceback] == [False, True]
    assert caught.traceback.filter(caught)[-1].path.name == "test_tracebacks.py"
