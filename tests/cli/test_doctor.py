"""``pywasmgk doctor``: what works here, and what is missing or broken."""

from __future__ import annotations

import sys
import threading
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from cli_guests import run

from pywasmgk.cli import doctor
from pywasmgk.errors import HostError

REQUIRED = [
    "ppci==0.5.8",
    "click>=8.1",
    'old>=1; python_version < "3.10"',
    'new>=1; python_version >= "3.10"',
    'textual>=8; extra == "debug"',
    'psycopg[binary]>=3.1; extra == "sql"',
    'sqlalchemy (>=2) ; extra == "sql"',
    'pywasmgk[debug,sql]; extra == "test"',
]


def findings(monkeypatch: pytest.MonkeyPatch, **versions: str) -> dict[str, tuple[str, str]]:
    """What is said where these packages are installed and no others."""

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "requires", lambda name: REQUIRED)
    monkeypatch.setattr(metadata, "version", version)
    done = run("doctor", "--json")
    found = {one["about"]: (one["state"], one["detail"]) for one in done.form["findings"]}
    assert done.code == (1 if "broken" in {state for state, _ in found.values()} else 0)
    return found


def test_engines_are_tried() -> None:
    done = run("doctor")
    lines = [line.split(maxsplit=3) for line in done.out.splitlines()]
    for engine in ("auto", "interpreter", "compiler"):
        assert ["ok", "engine", engine, "says 'Hello, doctor!'"] in lines


def test_packages_are_told_by_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {"ppci": "0.5.8", "click": "8.2.1", "new": "1.0"}
    found = findings(monkeypatch, **whole, psycopg="3.0.9")
    assert found["required packages"] == ("ok", "ppci 0.5.8, click 8.2.1, new 1.0")
    assert found["extra debug"] == ("missing", "no textual: pip install 'pywasmgk[debug]'")
    state, text = found["extra sql"]
    assert state == "missing" and text.startswith("psycopg 3.0.9, not >=3.1, no sqlalchemy: ")
    assert "extra test" not in found
    found = findings(monkeypatch, **whole, psycopg="3.10", sqlalchemy="2.1.0b1")
    assert found["extra sql"] == ("ok", "psycopg 3.10, sqlalchemy 2.1.0b1")


def test_what_is_required_and_not_there_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    found = findings(monkeypatch, ppci="0.5.9", new="1")
    assert found["required packages"] == ("broken", "ppci 0.5.9, not ==0.5.8, no click")


def test_an_engine_that_fails_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(data: bytes, **options: Any) -> Any:
        raise HostError(f"no {options['engine']}")

    monkeypatch.setattr(doctor, "load", failing)
    found = findings(monkeypatch, ppci="0.5.8", click="8.1", new="1")
    assert found["engine compiler"] == ("broken", "no compiler")
    assert found["engine wasmtime"] == ("missing", "no wasmtime")


def test_what_the_machine_does_not_have(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(doctor, "user_directory", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(threading.Thread, "start", refused)
    found = findings(monkeypatch, ppci="0.5.8", click="8.1", new="1")
    assert found["threads"][0] == found["cache"][0] == "missing"
    assert found["plugins in Rust"] == ("missing", "no cargo")


def test_without_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> Any:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", none)
    found = {one["about"]: one for one in run("doctor", "--json").form["findings"]}
    assert found["packages"]["state"] == "missing"
    assert found["Python"]["detail"].endswith(f" on {sys.platform}")
