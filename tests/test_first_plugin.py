"""The README's second page: its commands lead from nothing to a plugin that is served, on SQLite's
file and on PostgreSQL."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import servers
from documents import blocks

from pywasmgk import docs

for package in ("starlette", "uvicorn", "jinja2", "sse_starlette", "sqlglot"):
    pytest.importorskip(package, reason="the extras server and sql are not installed")

ROOT = Path(__file__).parents[1]
PAGE = docs.read("first-plugin")
BLOCKS = blocks(PAGE)
COMMANDS = [shlex.split(line) for line in BLOCKS[0].text.splitlines()]
#: seconds that a command, or an answer, may take on a slow and busy machine
PATIENCE = 300
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYWASMGK_CACHE": ""}


def here(words: list[str]) -> list[str]:
    """A command of the page with this Python, where pywasmgk is installed already."""
    program, *rest = words
    programs = {".venv/bin/python": [], ".venv/bin/pywasmgk": ["-m", "pywasmgk"]}
    return [sys.executable, *programs[program], *rest]


def test_it_takes_five_commands_and_names_extras_that_there_are() -> None:
    assert len(COMMANDS) == 5
    venv, install, *_ = COMMANDS
    assert venv == ["python3", "-m", "venv", ".venv"]
    assert install[:2] == [".venv/bin/pip", "install"]
    extras = re.fullmatch(r"\.\[([\w,]+)\]", install[2])
    assert extras is not None
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert {*extras[1].split(",")} <= {*config["options.extras_require"]}
    assert "docs/first-plugin.md" in (ROOT / "README.md").read_text("utf-8")


@contextmanager
def serving(command: list[str], folder: Path) -> Iterator[tuple[str, str]]:
    """A server by a command of the page, on a free port; gives its address and its token."""
    process = subprocess.Popen(
        [*here(command), "--port", "0", "--json"],
        cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield f"http://127.0.0.1:{said['port']}", said["token"]
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def ask(method: str, url: str, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    request = urllib.request.Request(url, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder in which all was done but the last command."""
    for command in COMMANDS[2:4]:
        done = subprocess.run(
            here(command),
            cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return tmp_path


def test_the_commands_lead_to_a_served_plugin(built: Path) -> None:
    curl, shown = next(block.text for block in BLOCKS if "curl" in block.text).splitlines()
    words = shlex.split(curl)
    path = words[-1].removeprefix("http://127.0.0.1:8000")
    assert words[:3] == ["curl", "-X", "POST"]
    with serving(COMMANDS[4], built) as (address, token):
        assert ask("GET", f"{address}/visitors/hello?who=Ada", token)["hello"]["who"] == "Ada"
        assert ask("POST", address + path, token) == json.loads(shown)
        assert ask("POST", address + path, token) == {"visits": [{"count": 2}]}
    assert (built / "visitors.db").is_file()
    with serving(COMMANDS[4], built) as (address, token):
        assert ask("POST", address + path, token) == {"visits": [{"count": 3}]}


def test_the_same_on_postgresql(built: Path) -> None:
    for package in ("sqlalchemy", "psycopg"):
        pytest.importorskip(package, reason="the extra sql is not installed")
    [settings] = [block for block in BLOCKS if block.file == "services.toml"]
    if sys.version_info < (3, 11):
        pytest.importorskip("tomli", reason="the extra toml is not installed")
    command = shlex.split(BLOCKS[BLOCKS.index(settings) + 1].text)
    try:
        server = servers.PostgreSQL()
    except servers.NotThere as error:
        pytest.skip(f"no PostgreSQL: {error}")
    with server:
        text = re.sub(r'url = ".*"', f'url = "{server.url}"', settings.text)
        assert server.url in text
        (built / "services.toml").write_text(text, "utf-8")
        for count in (1, 2):
            with serving(command, built) as (address, token):
                answer = ask("POST", f"{address}/visitors/visits", token)
                assert answer == {"visits": [{"count": count}]}
