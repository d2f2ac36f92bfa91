"""``pywasmgk run`` as a runner of WASI programs: folders, arguments, exit codes, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_guests import run
from processor import HANGS

from pywasmgk.wasm.wasi.host import supported

TOOLS = str(Path(__file__).parents[1] / "guests" / "wasi" / "tools.wasm")

#: prints for ever, whatever comes of it
YES = """(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\04\\00\\00\\00yes\\n")
  (func (export "_start")
    (loop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)) drop br 0)))"""

needs_host = pytest.mark.skipif(not supported(), reason="no calls relative to a directory here")


def test_arguments_input_and_exit_code_pass_through() -> None:
    assert run("run", TOOLS, "--", "sort", "-r", stdin=b"a\nc\nb\n") == (0, "c\nb\na\n", "")
    assert run("run", TOOLS, "--", "exit", "77") == (77, "", "")
    assert run("run", TOOLS, "--env", "A=1", "--", "env").out == "A=1\n"
    assert run("run", TOOLS, "--timeout", "0.1", "--", "sleep", "60000").code == 1


@needs_host
def test_folders_are_shared_or_only_read(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("inside\n")
    shared = ("--dir", f"{tmp_path}::/data")
    assert run("run", TOOLS, *shared, "--", "cat", "/data/in").out == "inside\n"
    assert run("run", TOOLS, *shared, "--", "write", "/data/out", "text").code == 0
    assert (tmp_path / "out").read_text() == "text"
    done = run("run", TOOLS, "--dir", f"{tmp_path}::/data:ro", "--", "write", "/data/new", "text")
    assert (done.code, done.err) == (1, "write: /data/new: Read-only file system\n")
    assert run("run", TOOLS, "--dir", f"{tmp_path}:ro", "--", "cat", f"{tmp_path}/in").code == 0
    assert run("run", TOOLS, *shared, "--", "cat", "/data/../in").code == 1


def test_stats_come_last() -> None:
    done = run("run", TOOLS, "--stats", "--", "exit", "0")
    assert done.code == 0 and "instructions in" in done.err and "3 pages" in done.err


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_ctrl_c_stops_a_guest_that_waits_for_input() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pywasmgk", "run", TOOLS, "--", "adventure"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # a background job of a shell ignores it, and so would the child
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    assert process.stdout.read(7) == b"You are"
    # it has written its first lines by then and waits
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=HANGS)
    assert process.returncode == 130
    assert re.fullmatch(rb"Error: interrupted after [\d,]+ instructions\n", err)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are otherwise there")
def test_ctrl_c_says_as_json_how_far_it_came(tmp_path: Path) -> None:
    path = tmp_path / "endless.wat"
    path.write_text('(module (func (export "f") (loop (br 0))))')
    # pressed at the first look at the clock after something has run
    program = (
        "import os, signal, sys\n"
        "from pywasmgk.cli import main, progress\n"
        # a background job of a shell ignores it, and so would the child
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "pressed = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
        "press = lambda progress, meter: meter.fuel_used and pressed()\n"
        "progress.Progress.__call__ = press\n"
        "main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, "run", str(path), "f", "--json", "--fuel", "none"]
    done = subprocess.run(command, capture_output=True, timeout=HANGS)
    form = json.loads(done.stdout)
    assert (done.returncode, form["error"]["type"]) == (130, "KeyboardInterrupt")
    assert form["error"]["message"] == "interrupted"
    assert form["fuel"] > 0


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_a_guest_ends_with_the_reader_of_its_output(tmp_path: Path) -> None:
    """It would go on for ever: it does not look at what writing gives."""
    path = tmp_path / "yes.wat"
    path.write_text(YES)
    command = [sys.executable, "-m", "pywasmgk", "run", str(path), "--fuel", "none"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.read(4) == b"yes\n"
    process.stdout.close()
    assert process.wait(timeout=HANGS) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are inherited otherwise there")
@pytest.mark.parametrize("closed", [0, 1, 2])
def test_standard_streams_may_be_closed(tmp_path: Path, closed: int) -> None:
    """Whoever started us has closed one: what needs it says so."""
    path = tmp_path / "one.wat"
    path.write_text('(module (func (export "f") (result i32) i32.const 1))')
    command = [sys.executable, "-m", "pywasmgk", "run", str(path), "f"]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}>&-', "sh", *command], capture_output=True, timeout=HANGS
    )
    if closed == 1:
        assert (done.returncode, done.stderr) == (1, b"Error: standard output is closed\n")
    else:
        assert (done.returncode, done.stdout) == (0, b"1\n")
    path.write_text(YES.replace("drop br 0", "call $exit"))
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}>&-', "sh", *command[:-1]],
        capture_output=True,
        timeout=HANGS,
    )
    assert done.returncode == (8 if closed == 1 else 0), "what is closed is badf to a guest"
