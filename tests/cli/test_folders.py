"""Commands for folders of plugins: ``plugins``, ``jobs``, ``watch``."""

from __future__ import annotations

import functools
import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_guests import run
from plugin_guests import guest
from processor import HANGS

from pywasmgk.cli import folders
from pywasmgk.platform import PluginManager, Policy, Refused, Scheduler
from pywasmgk.plugin import CallContext

ROOT = Path(__file__).parents[2]
JOB = {"id": "clean", "handler": "do", "schedule": "*/5 * * * *", "enabled": True}


def named(name: str, **more: Any) -> bytes:
    return guest({"name": name, "version": "1.0.0", **more})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two plugins, and what is none."""
    path = tmp_path / "plugins"
    (path / "sub").mkdir(parents=True)
    (path / "one.wasm").write_bytes(named("one", description="Does one thing", jobs=[JOB]))
    (path / "sub" / "file.wasm").write_bytes(named("two"))
    return path


# -- plugins


def test_plugins_are_listed(folder: Path) -> None:
    done = run("plugins", folder)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "one  1.0.0  enabled  one.wasm       Does one thing",
        "two  1.0.0  enabled  sub/file.wasm",
    ]


def test_as_a_form(folder: Path) -> None:
    (folder / "bad.wasm").write_bytes(b"junk")
    done = run("plugins", folder, "--json")
    assert (done.code, done.err) == (1, "")
    one, two = done.form["plugins"]
    assert one == {
        "name": "one",
        "version": "1.0.0",
        "description": "Does one thing",
        "enabled": True,
        "file": "one.wasm",
        "warnings": [],
    }
    assert two["file"] == "sub/file.wasm"
    (failure,) = done.form["errors"]
    assert (failure["file"], failure["error"]["type"]) == ("bad.wasm", "PlatformError")


def test_a_file_that_is_broken_is_told(folder: Path) -> None:
    (folder / "bad\x1b.wasm").write_bytes(b"junk")
    done = run("plugins", folder)
    assert done.code == 1
    assert len(done.out.splitlines()) == 2
    assert done.err.startswith("Error: load bad\\x1b.wasm: load wasm: instantiate wasm: invalid")


def test_they_are_switched_on_and_off_for_good(folder: Path) -> None:
    assert "two  1.0.0  disabled" in run("plugins", folder, "--disable", "two").out
    assert "two  1.0.0  disabled" in run("plugins", folder).out
    assert "two  1.0.0  enabled" in run("plugins", folder, "--enable", "two").out
    other = folder.parent / "state.json"
    run("plugins", folder, "--disable", "one", "--state", other)
    assert json.loads(other.read_text())["disabled"] == ["one"]
    assert "one  1.0.0  enabled" in run("plugins", folder).out
    done = run("plugins", folder, "--disable", "three")
    assert (done.code, 'plugin "three" not found' in done.err) == (1, True)
    (folder / ".pywasmgk-state.json").write_text("{")
    done = run("plugins", folder)
    assert (done.code, "is no JSON" in done.err) == (1, True)


def policy(place: Path, **members: Any) -> Path:
    place.write_text(json.dumps(members))
    return place


@pytest.mark.parametrize("command", ["plugins", "jobs", "mcp"])
def test_each_has_its_policy(
    folder: Path, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    managers: list[PluginManager] = []

    class Seen(PluginManager):
        def shutdown(self) -> None:
            managers.append(self)
            assert self.policies is not None
            with pytest.raises(Refused, match=r'^plugin "one": cache'):
                self._entries["one"].sandbox.cache_get(CallContext("one"), "key")
            super().shutdown()

    pytest.importorskip("cronsim")
    monkeypatch.setattr(folders, "PluginManager", Seen)
    file = policy(tmp_path / "one.json", plugin_name="one", status="approved", permissions=[])
    done = run(command, folder, "--policy", file, *["--list"] * (command == "mcp"))
    assert done.code == 0
    (manager,) = managers
    assert manager.policies.get("one").status == "approved"
    assert manager.policies.get("two") == Policy.default("two")


def test_policies_that_make_no_sense(folder: Path, tmp_path: Path) -> None:
    one = policy(tmp_path / "one.json", plugin_name="one")
    nobody = policy(tmp_path / "nobody.json", status="approved")
    odd = policy(tmp_path / "odd.json", plugin_name="two", permission=[])
    for files in ([nobody], [odd], [one, one], [folder]):
        words = [word for file in files for word in ("--policy", file)]
        done = run("plugins", folder, *words)
        assert done.code == 2 and str(files[-1]) in done.err


@pytest.mark.parametrize("command", ["plugins", "jobs", "watch"])
def test_lines_that_are_wrong(folder: Path, command: str) -> None:
    assert run(command, folder / "missing").code == 2
    assert run(command).code == 2
    assert run(command, folder, "--host", "x.py:y", "--http").code == 2
    assert not (folder / "missing").exists()


# -- jobs


def test_jobs_are_listed(folder: Path) -> None:
    pytest.importorskip("cronsim")
    done = run("jobs", folder)
    assert (done.code, done.err) == (0, "")
    words = done.out.split()
    assert words[0] == "plugin.one.clean"
    assert done.out.endswith("300 s\n")
    (form,) = run("jobs", folder, "--json", "--timezone", "Europe/Berlin").form["jobs"]
    assert (form["plugin"], form["id"], form["handler"], form["timeout"]) == (
        "one", "clean", "do", 300
    )  # fmt: skip
    assert form["next_run"].endswith(("+01:00", "+02:00"))
    run("plugins", folder, "--disable", "one")
    assert run("jobs", folder).out == ""


def test_a_schedule_that_is_none_is_told(folder: Path) -> None:
    pytest.importorskip("cronsim")
    (folder / "bad.wasm").write_bytes(named("bad", jobs=[{**JOB, "schedule": "often"}]))
    done = run("jobs", folder)
    assert done.code == 1
    assert done.err == (
        'Error: plugin.bad.clean: "often" is no cron expression: expected 5 fields\n'
    )
    assert run("jobs", folder, "--timezone", "Mars/Base").code == 2


@pytest.mark.parametrize("as_json", [False, True])
def test_jobs_run_until_somebody_ends_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    pytest.importorskip("cronsim")
    # every look is a minute later
    minutes = itertools.count(1_700_000_000, 60)
    monkeypatch.setattr(
        folders, "Scheduler", functools.partial(Scheduler, clock=lambda: float(next(minutes)))
    )
    monkeypatch.setattr(folders._Told, "say_all", saying(folders._Told.say_all))
    done = run("jobs", folder, "--run", "--log", "none", *["--json"][:as_json])
    assert done.code == 130
    first, *_ = done.out.splitlines()
    if as_json:
        form = json.loads(first)["run"]
        assert (form["job"], form["error"]) == ("plugin.one.clean", None)
    else:
        assert first.startswith("plugin.one.clean: 0.")
        assert done.err == "Error: interrupted\n"


def saying(say_all: Any) -> Any:
    """Says one thing; then somebody presses Ctrl-C."""

    def say_one(self: Any, seconds: float | None) -> None:
        get = self._waiting.get
        count = itertools.count()

        def once(timeout: float) -> Any:
            if next(count):
                raise KeyboardInterrupt
            return get(timeout=HANGS)

        self._waiting.get = once
        say_all(self, seconds)

    return say_one


# -- watch


def test_watching_for_some_time(folder: Path) -> None:
    done = run("watch", folder, "--for", "0.01")
    assert (done.code, done.err) == (0, "")
    assert [line.partition(" info ")[2] for line in done.out.splitlines()] == [
        "one: Plugin loaded: one",
        "two: Plugin loaded: two",
    ]
    done = run("watch", folder, "--for", "0", "--lazy", "--json", "--log", "none")
    assert (done.code, done.out) == (0, "")
    assert run("watch", folder, "--for", "-1").code == 2


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent by a signal")
@pytest.mark.parametrize("polling", [True, False])
def test_watching_until_somebody_ends_it(folder: Path, polling: bool) -> None:
    words = ["watch", str(folder), "--json", *["--polling"][:polling]]
    child = subprocess.Popen(
        [sys.executable, "-m", "pywasmgk", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        lines = iter(child.stdout)

        def await_(kind: str, plugin: str) -> None:
            for line in lines:
                event = json.loads(line).get("event", {})
                if (event.get("kind"), event.get("plugin")) == (kind, plugin):
                    return
            pytest.fail(f"the output ended before {plugin} was {kind}")

        loaded = [json.loads(next(lines))["log"]["message"] for _ in range(2)]
        assert loaded == ["Plugin loaded: one", "Plugin loaded: two"]
        # the folder is followed from here on, at the latest when this is seen
        (folder / "new.wasm").write_bytes(named("new"))
        await_("loaded", "new")
        (folder / "one.wasm").write_bytes(named("one", version="2"))
        await_("reloaded", "one")
        (folder / "one.wasm").write_bytes(b"broken")
        await_("failed", "one")
        (folder / "new.wasm").unlink()
        await_("unloaded", "new")
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=HANGS)
        assert child.returncode == 130, err
        assert json.loads(out.splitlines()[-1])["error"]["message"] == "interrupted"
        assert err == ""
    finally:
        child.kill()
        child.communicate()
