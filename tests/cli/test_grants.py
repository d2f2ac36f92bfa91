"""What a line grants: ``--allow``, ``--deny``, ``--ask``, ``--policy``."""

from __future__ import annotations

import http.server
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_guests import run

from pywasmgk.cli import grants

WORKSHOP = Path(__file__).parents[1] / "guests" / "c" / "workshop.wasm"


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(299)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def fetch(url: str, *options: str | Path) -> Any:
    return run("call", WORKSHOP, "fetch", json.dumps({"url": url}), *options)


def test_the_web_is_granted_by_host(web: str) -> None:
    port = web.rpartition(":")[2]
    assert "299" in fetch(web, "--allow", "net=127.0.0.1").out
    assert "299" in fetch(web, "--allow", f"net=127.0.0.1:{port}").out
    for options in (
        ["--allow", "net=example.com"],
        ["--allow", "net=127.0.0.1:1"],
        ["--allow", "net"],  # all of the Internet is not this machine
        ["--allow", "net=127.0.0.1", "--deny", "net"],
        ["--allow", "cache"],
        ["--http", "--deny", "cache"],
    ):
        done = fetch(web, *options)
        assert "299" not in done.out
        assert "HTTP" in done.err


def test_a_policy_of_a_file(web: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    granted = [{"type": "http", "scope": ["127.0.0.0/8"]}]
    file.write_text(json.dumps({"permissions": granted}), "utf-8")
    assert "299" in fetch(web, "--policy", file).out
    file.write_text(json.dumps({"status": "blocked", "permissions": granted}), "utf-8")
    assert "299" not in fetch(web, "--policy", file).out
    for text, why in (
        ("{}x", "the policy is none"),
        ('{"permission": []}', "no policy has permission"),
        ('{"permissions": [{"type": "htpp"}]}', "'htpp' is none of"),
        ('{"call_timeout": "soon"}', "call_timeout"),
    ):
        file.write_text(text, "utf-8")
        done = fetch(web, "--policy", file)
        assert (done.code, why in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--allow", "nat=x"], "'nat=x' is no permission"),
        (["--allow", "dir=/tmp"], "plugins have no folders"),
        (["--deny", "db=read:ticket"], "takes away a type"),
        (["--allow", "net=https://x/"], "no host of a scope"),
    ],
)
def test_words_that_grant_nothing(words: list[str], why: str) -> None:
    done = fetch("http://x/", *words)
    assert (done.code, why in done.err) == (2, True), done.err


def test_who_is_asked_and_when(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # nobody, where there is no terminal
    assert "299" not in fetch(web, "--ask").out
    asked: list[str] = []

    def confirm(question: str, **options: Any) -> bool:
        asked.append(question)
        return True

    monkeypatch.setattr(grants, "_on_terminal", lambda: True)
    monkeypatch.setattr(grants.click, "confirm", confirm)
    assert "299" in fetch(web, "--ask").out
    assert asked == ["plugin 'workshop' asks for http 127.0.0.1. Let it?"]
    monkeypatch.setattr(grants.click, "confirm", lambda question, **options: False)
    assert "299" not in fetch(web, "--ask").out


def test_questions_are_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from pywasmgk.platform import Permission, Policy

    asked: list[str] = []
    monkeypatch.setattr(grants, "_on_terminal", lambda: True)
    monkeypatch.setattr(
        grants.click, "confirm", lambda question, **options: bool(asked.append(question))
    )
    granting = grants.Granting(Policy(), True, lambda: None)
    wanted = Permission("http", "", ("a\x1b[2J.test",))
    assert not granting._ask("x\n", wanted, "")
    assert not granting._ask("x\n", wanted, "")
    assert asked == ["plugin 'x\\\\x0a' asks for http a\\x1b[2J.test. Let it?"]


def test_tables_are_granted(tmp_path: Path) -> None:
    pytest.importorskip("sqlglot", reason="the extra sql is not installed")
    path = tmp_path / "base.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE ticket (id, state); INSERT INTO ticket VALUES (1, 2)"
        )
    words = ("call", "dashboard", "widget_tickets", "--database", path)
    denied = run(*words, "--allow", "db=read:ticket", "--deny", "db=read")
    assert "database read access not granted" in denied.err
    other = run(*words, "--deny", "db", "--allow", "cache")
    assert "0 open tickets" not in other.out
    assert "0 open tickets" in run(*words, "--allow", "db=read:ticket").out


@pytest.mark.parametrize("command", ["run", "debug"])
def test_programs_are_granted_folders(command: str, tmp_path: Path) -> None:
    done = run(command, "hello", "--allow", "net=x")
    assert (done.code, "a program is granted folders" in done.err) == (2, True)
    done = run(command, "hello", "--allow", f"dir={tmp_path / 'none'}:ro")
    assert (done.code, "there is no folder" in done.err) == (2, True)
