"""The command ``serve``: what it refuses, and a server as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from cli_guests import run
from plugin_guests import guest

pytest.importorskip("starlette", reason="the extra server is not installed")
pytest.importorskip("uvicorn")
pytest.importorskip("sse_starlette")

ROOT = Path(__file__).parents[2]
ROUTE = {"method": "GET", "path": "/said/:word", "handler": "echo"}
OTHER = {"method": "GET", "path": "/again", "handler": "echo"}


def named(name: str, *routes: dict[str, Any]) -> bytes:
    return guest({"name": name, "version": "1.0.0", "routes": [*routes]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "plugins"
    path.mkdir()
    (path / "one.wasm").write_bytes(named("one", ROUTE))
    return path


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--bind", "0.0.0.0", "--no-token"], "this machine alone"),
        (["--bind", "::", "--no-token"], "this machine alone"),
        (["--bind", "300.0.0.1"], "cannot listen"),
        (["--port", "70000"], "70000"),
        (["--grant", "some"], "some"),
    ],
)
def test_what_would_be_open_or_is_odd_is_refused(folder: Path, words: list[str], text: str) -> None:
    outcome = run("serve", folder, *words)
    assert outcome.code == 2 and text in outcome.err


@pytest.mark.parametrize("content", [b"", b"short", b"long enough,\nof two lines", b"\xff" * 20])
def test_tokens_that_are_none(folder: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    outcome = run("serve", folder, "--token-file", path)
    assert outcome.code == 2 and "--token-file" in outcome.err


def ask(link: str, path: str, token: str) -> Any:
    url = link.partition("/-/")[0] + path
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
        return json.loads(answer.read())


@pytest.mark.skipif(os.name != "posix", reason="asks for Ctrl-C by a signal")
def test_a_server_serves_follows_its_folder_and_ends(folder: Path) -> None:
    command = [sys.executable, "-m", "pywasmgk", "--json", "serve", str(folder), "--port", "0"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        link, token = said["link"], said["token"]
        answer = ask(link, "/said/hello?x=1", token)
        assert (answer["word"], answer["x"], answer["_user_login"]) == ("hello", "1", "operator")
        with pytest.raises(urllib.error.HTTPError):
            ask(link, "/said/hello", "another token")
        part = folder / "one.part"
        part.write_bytes(named("one", ROUTE, OTHER))
        part.replace(folder / "one.wasm")
        until = time.monotonic() + 60
        while len(ask(link, "/-/status", token)["routes"]) < 2:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert ask(link, "/again", token)["_path"] == "/again"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in (0, 130)
    finally:
        process.kill()
        process.communicate()
