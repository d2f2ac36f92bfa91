"""``pywasmgk run`` as a runner of WASI programs: folders, arguments, exit codes, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_guests import run

from pywasmgk.wasm.wasi.host import supported

TOOLS = str(Path(__file__).parents[1] / "guests" / "wasi" / "tools.wasm")

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
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1 and b"Aborted" in err
