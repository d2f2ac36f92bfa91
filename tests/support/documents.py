"""Documents are executed: what README and the pages of documentation show is what happens.

A fenced block is

- ``python``: runs by itself; the ``text`` block that follows is what it prints;
- ``sh``: commands, see :class:`Shell`; a ``text`` block that follows is what they print;
- with a file's name behind the language: a file, which the reader saves under that name;
- ``json``: JSON, to be looked at;
- ``text``: what was printed, or a drawing.

All blocks of a document work in one folder, from top to bottom, as the reader does.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest
from cli_guests import run

ROOT = Path(__file__).parents[2]
#: languages of blocks that are files without being executed here
FILES_ONLY = {"c", "wat", "js", "elisp", "yaml", "toml"}
LANGUAGES = {"python", "sh", "json", "text"} | FILES_ONLY
_FENCE = re.compile(r"^```(\w+)(?: ([\w./-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT = re.compile(r"# exit code (\d)$")


class Block(NamedTuple):
    """A fenced block: its language, the file that it is, its line, its text."""

    language: str
    file: str | None
    line: int
    text: str


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a document; every fence must be one of a known language."""
    found = [
        Block(match[1], match[2], text.count("\n", 0, match.start()) + 1, match[3])
        for match in _FENCE.finditer(text)
    ]
    assert text.count("```") == 2 * len(found), "a fence is not closed, or has no language"
    assert {block.language for block in found} <= LANGUAGES
    return found


class Shell:
    """Commands of a ``sh`` block, a line each: ``pywasmgk`` in this process, ``python3`` as this
    Python, tools from beside it. ``pip install`` asks whether the packages are there. A comment
    ``# exit code 1`` says how a command ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran: list[str] = []

    def run(self, text: str) -> str:
        """Runs them; gives what they print, errors too."""
        lines = text.replace("\\\n", " ").splitlines()
        return "".join(self._command(line) for line in lines if line.strip())

    def _command(self, line: str) -> str:
        wanted = _EXIT.search(line)
        program, *words = shlex.split(line, comments=True)
        tools: dict[str, Callable[[list[str]], tuple[int, str]]] = {
            "pywasmgk": self._pywasmgk,
            "python3": self._python,
            "pip": self._pip,
        }
        assert program in tools, f"documents use no {program!r}"
        code, printed = tools[program](words)
        assert code == (int(wanted[1]) if wanted else 0), f"{line}\n{printed}"
        self.ran.append(line)
        return printed

    def _pywasmgk(self, words: list[str]) -> tuple[int, str]:
        done = run(*words)
        # what is told on the way comes before the result
        return done.code, done.err + done.out

    def _python(self, words: list[str]) -> tuple[int, str]:
        if words[:2] == ["-m", "ziglang"] and importlib.util.find_spec("ziglang") is None:
            pytest.skip("the compiler is not there: pip install ziglang")
        return self._process([sys.executable, *words])

    def _process(self, command: list[str]) -> tuple[int, str]:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=600,
        )
        return done.returncode, done.stdout

    def _pip(self, words: list[str]) -> tuple[int, str]:
        assert words[0] == "install", words
        for package in words[1:]:
            try:
                metadata.version(package)
            except metadata.PackageNotFoundError:
                pytest.skip(f"a package is not there: pip install {package}")
        return 0, ""


def run_python(block: Block, name: str) -> str:
    """Runs an example; gives what it prints."""
    program = compile("\n" * block.line + block.text, name, "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {"__name__": "__document__"})
    return printed.getvalue()


def run_document(text: str, name: str, folder: Path) -> int:
    """Executes a document in a folder, which is the current one. Gives how many of its blocks were
    executed; skips the test where a tool is missing."""
    shell, executed = Shell(folder), 0
    for block, following in itertools.pairwise([*blocks(text), Block("", None, 0, "")]):
        where = f"{name}, line {block.line}"
        if block.file is not None:
            (folder / block.file).write_text(block.text, encoding="utf-8")
            continue
        if block.language == "json":
            json.loads(block.text)
        if block.language not in ("python", "sh"):
            continue
        executed += 1
        is_python = block.language == "python"
        printed = run_python(block, name) if is_python else shell.run(block.text)
        if following.language == "text":
            assert printed == following.text, where
        else:
            assert not is_python, f"{where}: the example shows no output"
    return executed
