"""Every command that reads a file, given something else: our own words, and the right exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from cli_guests import run

from pywasmgk.cli.app import main
from pywasmgk.cli.options import SourceType

#: what a command needs behind the file
BESIDE = {"call": ["f"], "mcp": ["--list"], "verify-receipt": ["hello"], "grade": ["."]}
#: they sign whatever it is, and are wrong about keys first
OTHERS = {"sign", "verify"}


def reads_a_file(command: click.Command) -> bool:
    """Whether its first argument is a file that is there."""
    first: Any = next((p for p in command.params if isinstance(p, click.Argument)), None)
    if first is None or isinstance(first.type, SourceType):
        return first is not None
    is_file = isinstance(first.type, click.Path) and first.type.exists and first.type.file_okay
    return is_file or command.name == "validate"


def found() -> list[str]:
    context = click.Context(main)
    names = {*main.list_commands(context)} - OTHERS
    known = {name: main.get_command(context, name) for name in sorted(names)}
    return [name for name, command in known.items() if command and reads_a_file(command)]


COMMANDS = found()


def test_the_commands_are_found() -> None:
    assert set(COMMANDS) >= {
        "call", "register", "run", "debug", "profile", "coverage", "trace", "validate",
        "inspect", "verify-receipt", "stub", "disasm", "spec",
    }  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "text.wat").write_text("hello")
    (tmp_path / "text.wasm").write_text("hello")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "noise.wasm").write_bytes(bytes(range(255, 0, -1)))
    return tmp_path


@pytest.mark.parametrize(
    "kind", ["missing", "folder", "empty", "text.wat", "text.wasm", "picture.png", "noise.wasm"]
)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_such_file_is_told(command: str, kind: str, files: Path) -> None:
    done = run(command, files / kind, *BESIDE.get(command, []))
    said = done.out + done.err
    if (command, kind) == ("mcp", "folder"):
        assert done == (0, "", "")  # it has no plugins
        return
    # validate goes on with other files, and spec takes folders
    line_is_wrong = command == "spec" or (kind in ("missing", "folder") and command != "validate")
    assert done.code == (2 if line_is_wrong else 1)
    assert kind in said
    assert "Errno" not in said and "UnicodeDecodeError" not in said


@pytest.mark.parametrize(
    "command", sorted({*COMMANDS} - {"mcp", "verify-receipt", "unpack", "spec", "grade"})
)
def test_nothing_on_standard_input_is_told(command: str) -> None:
    done = run(command, "-", *BESIDE.get(command, []))
    assert done.code == 1
    assert "magic header not detected" in done.out + done.err
