"""The full screen in a real terminal, end to end: what keys do to what tmux sees."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None or importlib.util.find_spec("textual") is None,
    reason="tmux or textual is not there",
)
ROOT = Path(__file__).parents[2]
PROGRAM = """(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\06\\00\\00\\00hello\\n")
  (func (export "_start") (local $n i32)
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))
    (local.set $n (i32.const 5))
    (i32.store (i32.const 32) (i32.const 171))))
"""
#: seconds until what is waited for is given up
_PATIENCE = 60


class Terminal:
    """A terminal of 80 by 24 in a tmux of its own, in which one command runs."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self._tmux = ["tmux", "-f", "/dev/null", "-S", str(folder / "tmux")]
        # what is left on the screen says how it ended: tmux does not always
        told = ["sh", "-c", '"$@"; echo "ended with $?"; cat', "sh", *command]
        self._run("new-session", "-d", "-x", "80", "-y", "24", "-c", str(ROOT), *told)

    def _run(self, *words: str) -> str:
        done = subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def keys(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def wait_for(self, text: str) -> str:
        """The screen, once a text is on it."""
        end = time.monotonic() + _PATIENCE
        while text not in (screen := self._run("capture-pane", "-p")):
            assert time.monotonic() < end, f"no {text!r} on:\n{screen}"
            time.sleep(0.05)
        return screen

    def close(self) -> None:
        self._run("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    program = tmp_path / "hello.wat"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "pywasmgk", "debug", "--no-cache", str(program)]
    terminal = Terminal(tmp_path, command)
    yield terminal
    terminal.close()


def test_a_program_is_stepped_in_a_terminal(terminal: Terminal) -> None:
    # it is drawn from above
    screen = terminal.wait_for("q Quit")
    assert "hello.wat" in screen and "i32.const" in screen
    terminal.keys("s")
    terminal.wait_for("step 1 ")
    terminal.keys(":")
    terminal.wait_for("Escape goes back")
    terminal.keys("watch 32", "Enter")
    terminal.wait_for("1: <Watchpoint on change of 4 bytes at 0x20")
    terminal.keys("Escape")
    terminal.wait_for("help lists them")
    terminal.keys("r")
    screen = terminal.wait_for("became ab 00 00 00")
    # what the program printed stands with what commands say, and nowhere else
    assert screen.count("hello\n") == 1
    assert "i32.store               < 32, 171" in screen
    terminal.keys("b")
    screen = terminal.wait_for("step 10 ")
    assert "$n i32 = 5 (0x5)" in screen
    terminal.keys("q")
    terminal.wait_for("ended with 0")
