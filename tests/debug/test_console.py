"""The line debugger: what its commands say and do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_guests import run as command_line

import pywasmgk
from pywasmgk.debug.console import COMMANDS, Console
from pywasmgk.debug.expressions import Expression, ExpressionError

SUM = """
(module
  (memory (export "memory") 1)
  (global $limit (mut i32) (i32.const 9))
  (func $double (param $n i32) (result i32) (i32.mul (local.get $n) (i32.const 2)))
  (func $sum (export "sum") (param $n i32) (result i32) (local $total i32)
    (loop $again
      (local.set $total (i32.add (local.get $total) (call $double (local.get $n))))
      (i32.store (i32.const 8) (local.get $total))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.div_u (local.get $total) (local.get $n))))
"""

Say = Callable[[str], str]


@pytest.fixture
def say() -> Say:
    console = Console(pywasmgk.instantiate(SUM).start("sum", 3))
    return lambda line: "\n".join(console.execute(line))


def test_it_says_where_it_is(say: Say) -> None:
    text = say("step 3")
    assert "step 3, fuel 3: $sum at" in text
    assert "(line 8" in text
    assert "->     0x49        call $double" in text
    assert say("").startswith("step 6")


def test_it_shows_values(say: Say) -> None:
    say("step 3")
    assert say("locals").split("\n") == ["$n i32 = 3 (0x3)", "$total i32 = 0 (0x0)"]
    assert say("stack").split("\n") == ["s0 i32 = 3 (0x3)", "s1 i32 = 0 (0x0)"]
    assert say("globals") == "g0 $limit global mut i32 = 9"
    assert say("p n * 2 + l1 + g0 + s0") == "18 (0x12)"
    assert say("p $n") == "3 (0x3)"
    assert say("memory 8 16").startswith("00000008  00 00")


def test_what_is_not_there_is_told_in_words(say: Say) -> None:
    for line, words in {
        "watch global 9": "there is no global 9: there are ",
        "watch local": "a local's name is missing",
        "set n": "set takes a name and a value",
        "set g9 1": "there is no global 9",
        "until nope": "no function is called 'nope'",
        "break 99": "there is no function 99: there are ",
    }.items():
        assert say(line).startswith(f"error: {words}")
    assert say("stops") == "no breakpoints, no watchpoints"


def test_without_memory_and_behind_the_end() -> None:
    held = pywasmgk.instantiate('(module (func (export "f") (param i32)))').start("f", 1)
    console = Console(held)
    for line in ("watch 8", "poke 0 1"):
        assert [*console.execute(line)] == ["error: there is no memory 0: there are 0"]
    held.finish()
    assert [*console.execute("watch local 0")] == [
        "error: the execution is done: back takes it back"
    ]


def test_it_stops_watches_and_goes_back(say: Say) -> None:
    assert say("break :9 if n == 2").startswith("1: <Breakpoint line=9")
    text = say("run")
    assert "1: <Breakpoint" in text and "i32.const" in text
    assert say("p total") == "10 (0xa)"
    assert say("watch 8").startswith("2: <Watchpoint")
    text = say("run")
    assert "06 00 00 00 became 0a 00 00 00" in text
    assert "2: <Watchpoint" in say("stops")
    say("delete 1")
    assert "00 00 00 00 became 06 00 00 00" in say("back-run")
    assert "start" in say("back-run")
    assert "step 5" in say("goto 5")
    assert "step 4" in say("back")
    assert "Trap" in say("delete 2\n") + say("run")
    assert "integer divide by zero" in say("run")
    assert "i32.div_u" in say("back 1")


def test_calls_and_frames(say: Say) -> None:
    say("step 4")
    assert say("where").split("\n")[0].startswith("* 0 $double")
    assert "$sum" in say("frame 1")
    assert "$total i32 = 0" in say("locals")
    assert "$sum" in say("out")
    say("back-next")
    assert "call" in say("list 3")
    assert "i32.add" in say("next")


def test_it_changes_things(say: Say) -> None:
    say("step 2")
    assert "$n i32 = 1 (0x1)" in say("set n 1")
    say("set g0 = n + 40")
    assert "g0 $limit" in say("globals") and "41" in say("globals")
    assert "2a ff" in say("poke 16 42 0xff")


def test_mistakes_are_said(say: Say) -> None:
    assert "no command 'stepp'" in say("stepp")
    assert "error: no local" in say("set x 1")
    assert "error: nothing here is called y" in say("p y")
    assert "error: a number is missing" in say("goto")
    assert "error: no number" in say("step x")
    assert "error" in say("delete 9")
    assert say("memory 999999 4") == ""
    assert say("quit") == ""
    for name in COMMANDS:
        assert name in say("help")


@pytest.mark.parametrize(
    "text",
    ["(1).__class__", "[1]", "open('x')" + ".read()", "lambda: 1", "f'{n}'", "2 ** 99", "1 << 99",
     "n :=", "(" * 500, "1" * 2000, "u32(x=1)"],
)  # fmt: skip
def test_expressions_reach_nothing_else(text: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(text)


def test_a_library_is_made_ready_first(tmp_path: Path) -> None:
    file = tmp_path / "library.wat"
    file.write_text("""(module (global $ready (mut i32) (i32.const 0))
      (func (export "_initialize") (global.set $ready (i32.const 7)))
      (func (export "f") (result i32) (global.get $ready)))""")
    assert "gives 7" in command_line("debug", file, "f", "--do", "run").out
    assert command_line("run", file, "f").out == "7\n"


def test_the_command_line_reads_commands(tmp_path: Path) -> None:
    file = tmp_path / "sum.wat"
    file.write_text(SUM)
    done = command_line("debug", file, "sum", "4", stdin=b"step 2\nlocals\nquit\n")
    assert done.code == 0, done
    assert "(pywasmgk) step 2" in done.out
    assert "$n i32 = 4 (0x4)" in done.out
    assert command_line("debug").code == 2


def test_what_was_suspended_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, state, key = (tmp_path / name for name in ("sum.wat", "sum.state", "key"))
    file.write_text(SUM)
    key.write_bytes(b"a secret")
    done = command_line("debug", file, "sum", "4", "--do", "step 9", "--suspend", state)
    assert done.code == 0, done
    done = command_line("debug", file, "--state", state, "--do", "run")
    assert done.code == 0 and "step 9, " in done.out and "integer divide" in done.out
    # with a key, which must be given then, and is in a file or in the environment
    words = ("debug", file, "--state", state)
    done = command_line(*words, "--do", "step", "--suspend", state, "--key", key)
    assert done.code == 1 and "without a key, one was given" in done.err
    assert command_line(
        "debug", file, "sum", "4", "--do", "step 9", "--suspend", state, "--key", key
    ).code == 0  # fmt: skip
    monkeypatch.setenv("THE_KEY", "a secret")
    assert "integer divide" in command_line(*words, "--do", "run", "--key", "env:THE_KEY").out
    assert "with a key" in command_line(*words, "--do", "run").err
    key.write_bytes(b"another")
    assert "another key" in command_line(*words, "--do", "run", "--key", key).err
    for place in (tmp_path, "a secret", "env:NO_KEY", "env:", "nul\0", "env:\0"):
        done = command_line(*words, "--key", place)
        assert done.code == 2 and "key" in done.err, place
    assert command_line(*words, "--replay", state).code == 2
    assert command_line("debug", file, "sum", "4", "--state", state).code == 2
    done = command_line("debug", file, "sum", "4", "--do", "run", "--suspend", state)
    assert done.code == 1 and "the execution is done" in done.err


def test_recordings_have_keys_too(tmp_path: Path) -> None:
    file, tape, key = (tmp_path / name for name in ("sum.wat", "sum.tape", "key"))
    file.write_text(SUM)
    key.write_bytes(b"a secret")
    words = ("--do", "run", "--key", key)
    assert command_line("debug", file, "sum", "4", "--record", tape, *words).code == 0
    assert "integer divide" in command_line("debug", file, "--replay", tape, *words).out
    done = command_line("debug", file, "--replay", tape, "--do", "run")
    assert done.code == 1 and "with a key, none was given" in done.err
