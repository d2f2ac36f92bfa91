"""``call --services``: services from a file, and what is said of one that is wrong."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from cli_guests import run

from pywasmgk import examples


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "services.json"
    table = {"database": {"path": "x.db"}, "config": {"site": {"name": "Goats"}}}
    path.write_text(json.dumps(table))
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.executescript("CREATE TABLE ticket (id, state); INSERT INTO ticket VALUES (1, 'x')")
    connection.close()
    return path


def test_a_plugin_gets_services(file: Path) -> None:
    done = run("call", "dashboard", "widget_tickets", "--services", file, "--json")
    assert done.code == 0, done.err
    assert "Goats" in done.form["result"]["html"]


def test_the_log_is_shown(file: Path) -> None:
    table = {"config": {"site": {"name": "Goats"}}}
    file.write_text(json.dumps(table))
    done = run("call", "dashboard", "widget_tickets", "--services", file)
    assert "error: host_call db_query failed: this host has no database" in done.err
    quiet = run("call", "dashboard", "widget_tickets", "--services", file, "--log", "none")
    assert "host_call" not in quiet.err


def test_settings_of_other_hosts(file: Path) -> None:
    words = ("call", "dashboard", "widget_tickets", "--services", file)
    done = run(*words, "--config", "a=b")
    assert done.code == 2
    assert "are for the usual host, not --services" in done.err
    done = run(*words, "--host", "x.py:Host")
    assert done.code == 2
    assert "--services and --host exclude each other" in done.err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "cannot be read"),
        ('{"mial": {}}', "there is no service 'mial'; did you mean 'mail'?"),
        ('{"mail": {}}', "[mail] needs either folder"),
        ('{"mail": {"folder": "\\u001b[31m"}}', "there is no folder"),
    ],
)
def test_files_that_are_wrong(file: Path, text: str, why: str) -> None:
    file.write_text(text)
    done = run("call", "dashboard", "widget_tickets", "--services", file)
    assert done.code == 2
    assert f"--services: {why}" in done.err or why in done.err
    assert "\x1b" not in done.err


def test_plugins_of_a_folder_get_services(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "dashboard.wasm").write_bytes(examples.read("dashboard"))
    done = run("plugins", folder, "--services", file)
    assert done.code == 0, done.err
    assert "dashboard" in done.out
    done = run("plugins", folder, "--services", file, "--http")
    assert done.code == 2
    assert "are for the usual host, not --services" in done.err
    done = run("plugins", folder, "--services", file, "--host", f"{own_host(tmp_path)}:Own")
    assert done.code == 2
    assert "--services and --host exclude each other" in done.err
    file.write_text('{"mial": {}}')
    done = run("jobs", folder, "--services", file)
    assert done.code == 2
    assert "did you mean 'mail'?" in done.err


def own_host(folder: Path) -> Path:
    path = folder / "own_host.py"
    path.write_text("from pywasmgk import HostAPI\n\nclass Own(HostAPI):\n    pass\n")
    return path
