"""Standard streams of real processes: the command line runs a program that tells what it finds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from processor import HANGS

from pywasmgk.wasm.wasi.abi import Errno as E
from pywasmgk.wasm.wasi.abi import Rights as R

#: for each stream: 16 numbers of a byte, and the rights
RECORD = 24
ASKED = (
    ("fdstat", "(call $fd_fdstat_get (local.get 0) (i32.const 64))"),
    ("type", "(i32.load8_u (i32.const 64))"),
    ("seek", "(call $fd_seek (local.get 0) (i64.const 0) (i32.const 1) (i32.const 128))"),
    ("recv", """(call $sock_recv (local.get 0) (i32.const 128) (i32.const 0) (i32.const 0)
        (i32.const 136) (i32.const 140))"""),
    ("send", """(call $sock_send (local.get 0) (i32.const 128) (i32.const 0) (i32.const 0)
        (i32.const 136))"""),
    ("accept", "(call $sock_accept (local.get 0) (i32.const 0) (i32.const 136))"),
    ("shutdown", "(call $sock_shutdown (local.get 0) (i32.const 3))"),
    ("readdir", """(call $fd_readdir (local.get 0) (i32.const 256) (i32.const 100) (i64.const 0)
        (i32.const 136))"""),
)  # fmt: skip
TEXT = """(module
  (import "wasi_snapshot_preview1" "fd_fdstat_get"
    (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_recv"
    (func $sock_recv (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send"
    (func $sock_send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept"
    (func $sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_shutdown"
    (func $sock_shutdown (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir"
    (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "report")
  (func $ask (param i32) (local $at i32)
    (local.set $at (i32.add (i32.const 1024) (i32.mul (local.get 0) (i32.const 24))))
    ASKING
    (i64.store offset=16 (local.get $at) (i64.load (i32.const 72))))
  (func (export "_start")
    (call $ask (i32.const 0)) (call $ask (i32.const 1)) (call $ask (i32.const 2))
    (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 6) (i32.const 1)
      (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32)) (then unreachable))
    (i32.store (i32.const 40) (i32.const 1024)) (i32.store (i32.const 44) (i32.const 72))
    (if (call $fd_write (i32.load (i32.const 32)) (i32.const 40) (i32.const 1) (i32.const 36))
      (then unreachable))))""".replace(
    "ASKING",
    "\n".join(
        f"(i32.store8 offset={at} (local.get $at) {code})" for at, (_, code) in enumerate(ASKED)
    ),
)


class Stream(NamedTuple):
    """What a program finds of one."""

    answers: dict[str, int]
    may_seek: bool

    @property
    def is_terminal(self) -> bool:
        """As wasi-libc's isatty has it."""
        return self.answers["type"] == 2 and not self.may_seek


def found(folder: Path, *streams: Any) -> list[Stream]:
    """What a program tells of the streams that its process has."""
    (folder / "ask.wat").write_text(TEXT)
    (folder / "shared").mkdir()
    line = [sys.executable, "-m", "pywasmgk", "run", f"--dir={folder / 'shared'}::/"]
    stdin, stdout, stderr = streams
    line.append(str(folder / "ask.wat"))
    done = subprocess.run(line, stdin=stdin, stdout=stdout, stderr=stderr, timeout=HANGS)
    assert done.returncode == 0
    data = (folder / "shared" / "report").read_bytes()
    parts = [data[at : at + RECORD] for at in range(0, len(data), RECORD)]
    return [
        Stream(
            dict(zip((name for name, _ in ASKED), part)),
            int.from_bytes(part[16:], "little") & (R.FD_SEEK | R.FD_TELL) != 0,
        )
        for part in parts
    ]


def pipe_ends(stack: ExitStack) -> list[int]:
    """A pipe to read from, and two to write to."""
    ends = [os.pipe() for _ in range(3)]
    for pair in ends:
        for end in pair:
            stack.callback(os.close, end)
    return [ends[0][0], ends[1][1], ends[2][1]]


def terminals(stack: ExitStack) -> list[int]:
    ours, theirs = os.openpty()
    for end in (ours, theirs):
        stack.callback(os.close, end)
    return [theirs] * 3


def files(folder: Path) -> Callable[[ExitStack], list[Any]]:
    def opened(stack: ExitStack) -> list[Any]:
        (folder / "input").write_bytes(b"text")
        return [
            stack.enter_context((folder / "input").open("rb")),
            *(stack.enter_context((folder / name).open("wb")) for name in ("out", "err")),
        ]

    return opened


def nothing(stack: ExitStack) -> list[Any]:
    return [subprocess.DEVNULL] * 3


#: what it says of sockets and listings, whatever the stream is
NEVER = {
    **dict.fromkeys(("recv", "send", "accept", "shutdown"), E.NOTSOCK),
    "fdstat": E.SUCCESS,
    "readdir": E.BADF,
}
UNKNOWN, CHARACTER_DEVICE, REGULAR_FILE = 0, 2, 4


@pytest.mark.parametrize(
    ("kind", "type", "seek"),
    [
        pytest.param(
            "terminal", CHARACTER_DEVICE, E.SPIPE,
            marks=pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here"),
        ),
        ("pipe", UNKNOWN, E.SPIPE),
        ("file", REGULAR_FILE, E.SUCCESS),
        ("nothing", UNKNOWN, E.SPIPE),
    ],
)  # fmt: skip
def test_streams_are_what_the_process_has(kind: str, type: int, seek: int, tmp_path: Path) -> None:
    open_: Any = {
        "terminal": terminals, "pipe": pipe_ends, "file": files(tmp_path), "nothing": nothing
    }[kind]  # fmt: skip
    with ExitStack() as stack:
        streams = found(tmp_path, *open_(stack))
    assert len(streams) == 3
    for stream in streams:
        assert stream.answers == {**NEVER, "type": type, "seek": seek}
        assert stream.may_seek is (seek == E.SUCCESS)
        assert stream.is_terminal is (kind == "terminal")
