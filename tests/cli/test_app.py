"""What all commands have in common, some of it in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_guests import run
from processor import HANGS

from pywasmgk import __version__
from pywasmgk.cli.app import COMMANDS

ROOT = Path(__file__).parents[2]


def process(*words: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    """``python -m pywasmgk`` with these words."""
    return subprocess.run(
        [sys.executable, "-m", "pywasmgk", *words],
        input=stdin,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, **env},
        timeout=HANGS,
    )


def test_help_lists_every_command() -> None:
    done = run("--help")
    assert done.code == 0
    # lines are broken where the terminal ends
    words = " ".join(done.out.split())
    for name, purpose in COMMANDS.items():
        assert f"  {name} " in done.out
        assert f" {name} {purpose}" in words


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = run(command, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: main {command} ")


def test_the_version() -> None:
    assert run("--version").out.split()[-1] == __version__


def test_no_command_at_all_shows_help() -> None:
    done = run()
    assert done.code == 2
    assert "Commands:" in done.out + done.err


def test_an_unknown_command_is_hinted_at() -> None:
    done = run("regsiter", "hello")
    assert done.code == 2
    assert "no command 'regsiter'; did you mean 'register'?" in done.err
    form = run("regsiter", "hello", "--json")
    assert (form.code, form.form["error"]["type"]) == (2, "UsageError")


def test_an_unknown_option_of_the_program() -> None:
    assert run("--jsn").code == 2
    assert run("--jsn", "--json").form["error"]["type"] == "UsageError"


# -- processes


def test_a_process_answers_in_bytes_of_utf8() -> None:
    done = process("call", "hello", "hello", "-", stdin='{"name": "Zoë"}'.encode(), PYTHONUTF8="1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == ['{"message": "Hello, Zoë!"}']


def test_standard_output_in_another_encoding() -> None:
    text = '{"name": "Zoë \U0001f410"}'.encode()
    done = process("call", "hello", "hello", "-", stdin=text, PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.split() == rb'{"message": "Hello, Zo\u00eb \ud83d\udc10!"}'.split()


def test_errors_in_another_encoding() -> None:
    done = process("call", "hell\u014d", "f", PYTHONIOENCODING="latin-1", PYTHONUTF8="1")
    assert done.returncode == 2
    assert b"no file or example is named 'hell\\u014d'; did you mean 'hello'?" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_a_broken_pipe_is_silent() -> None:
    """The reader is gone before anything is written."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pywasmgk", "inspect", "dashboard"],
            stdout=write,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            timeout=HANGS,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("words", "position", "expected"),
    [
        ("pywasmgk ca", 1, {"plain,call"}),
        ("pywasmgk call he", 2, {"plain,hello", "file,he"}),
        ("pywasmgk run --eng", 2, {"plain,--engine"}),
    ],
)
def test_the_shell_completes(words: str, position: int, expected: set[str]) -> None:
    program = "from pywasmgk.cli import main; main(prog_name='pywasmgk')"
    completion = {
        "_PYWASMGK_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(position),
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, **completion},
        timeout=HANGS,
    )
    assert set(done.stdout.decode().split()) == expected
