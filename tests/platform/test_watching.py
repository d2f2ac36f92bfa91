"""A folder that is followed: what comes, changes, goes and is renamed (contract 5.2)."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from plugin_guests import guest
from processor import HANGS

from pywasmgk import MemoryHost
from pywasmgk.platform import PluginLoader, PluginManager, PluginWatcher, WatchEvent, watching


def named(name: str, **more: Any) -> bytes:
    return guest({"name": name, "version": "1.0.0", **more})


class Folder:
    """A folder that is looked at whenever a test says so, with a clock of the test's own."""

    def __init__(self, place: Path, **options: Any) -> None:
        self.path = place / "plugins"
        self.manager = PluginManager(MemoryHost())
        self.loader = PluginLoader(self.manager, self.path, **options)
        self.loader.load_all()
        self.now = 100.0
        self.watcher = PluginWatcher(self.loader, clock=lambda: self.now)
        self._writes = 0

    def write(self, name: str, data: bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        # the clock of a file system may be coarse
        self._writes += 1
        os.utime(path, ns=(self._writes * 10**9, self._writes * 10**9))
        return path

    def after(self, seconds: float) -> list[tuple[str, str]]:
        """What is done at a later time."""
        self.now += seconds
        return [(event.kind, event.plugin) for event in self.watcher.step()]

    def settled(self) -> list[tuple[str, str]]:
        return [*self.after(0), *self.after(0.5)]


def test_what_comes_changes_and_goes(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    path = folder.write("x.wasm", named("x"))
    assert folder.settled() == [("loaded", "x")]
    folder.write("x.wasm", named("x", version="2"))
    assert folder.settled() == [("reloaded", "x")]
    assert folder.manager.manifest("x").version == "2"
    path.unlink()
    assert folder.settled() == [("unloaded", "x")]
    assert folder.manager.names() == []
    assert folder.settled() == []
    logged = [entry.message for entry in reversed(folder.manager.log.all())]
    assert logged == ["Plugin loaded: x", "Plugin loaded: x", "Plugin unloaded: x"]


def test_a_file_is_left_alone_while_it_is_written(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("x.wasm", named("x")[:20])
    assert folder.after(0) == []
    assert folder.after(0.4) == []
    folder.write("x.wasm", named("x"))
    assert folder.after(0) == []
    assert folder.after(0.4) == []
    assert folder.after(0.1) == [("loaded", "x")]


def test_the_end_of_a_burst_counts(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("x.wasm", named("x")).unlink()
    assert folder.settled() == []
    folder.write("x.wasm", named("x"))
    folder.settled()
    (folder.path / "x.wasm").unlink()
    assert folder.after(0) == []
    folder.write("x.wasm", named("x", version="2"))
    # it was gone for a while: that nobody noticed
    assert folder.settled() == [("reloaded", "x")]


def test_each_file_has_its_own_time(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("a.wasm", named("a"))
    assert folder.after(0) == []
    folder.write("b.wasm", named("b"))
    assert folder.after(0.3) == []
    assert folder.after(0.2) == [("loaded", "a")]
    assert folder.after(0.3) == [("loaded", "b")]


@pytest.mark.parametrize(("old", "new"), [("a.wasm", "b.wasm"), ("b.wasm", "a.wasm")])
def test_a_new_name_for_a_file(tmp_path: Path, old: str, new: str) -> None:
    """The plugin goes and comes, whichever of both is first in the alphabet."""
    folder = Folder(tmp_path)
    path = folder.write(old, named("x"))
    folder.settled()
    path.rename(folder.path / new)
    assert folder.settled() == [("unloaded", "x"), ("loaded", "x")]
    assert folder.loader.path_of("x") == folder.path / new


def test_a_file_that_is_put_in_the_place_of_another(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("x.wasm", named("x"))
    folder.settled()
    folder.write(".new", named("x", version="2")).replace(folder.path / "x.wasm")
    assert folder.settled() == [("reloaded", "x")]


def test_folders_that_come_and_go(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("deep/down/x.wasm", named("x"))
    folder.write("deep/y.wasm", named("y"))
    assert folder.settled() == [("loaded", "x"), ("loaded", "y")]
    (folder.path / "deep").rename(tmp_path / "elsewhere")
    assert folder.settled() == [("unloaded", "x"), ("unloaded", "y")]


def test_what_came_before_it_was_watched_is_seen(tmp_path: Path) -> None:
    """Between loading the folder and following it, too."""
    folder = Folder(tmp_path)
    folder.write("x.wasm", named("x"))
    folder.loader.load_all()
    folder.write("x.wasm", named("x", version="2"))
    folder.write("y.wasm", named("y"))
    folder.watcher = PluginWatcher(folder.loader, clock=lambda: folder.now)
    assert folder.settled() == [("reloaded", "x"), ("loaded", "y")]


def test_a_broken_file_leaves_the_old_plugin(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("x.wasm", named("x"))
    folder.settled()
    folder.write("x.wasm", b"broken")
    assert folder.settled() == [("failed", "x")]
    assert folder.manager.call("x", "f", 1) == 1
    folder.write("x.wasm", named("x", version="2"))
    assert folder.settled() == [("reloaded", "x")]


def test_one_that_is_switched_off_is_updated(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("x.wasm", named("x"))
    folder.settled()
    folder.manager.disable("x")
    folder.write("x.wasm", named("x", version="2"))
    assert folder.settled() == [("reloaded", "x")]
    assert not folder.manager.is_enabled("x")


def test_a_signature_that_comes_later(tmp_path: Path) -> None:
    def verify(path: Path, data: bytes) -> None:
        if not path.with_name(path.name + ".sig").exists():
            raise ValueError("failed to read signature file")

    folder = Folder(tmp_path, verify=verify)
    folder.write("x.wasm", named("x"))
    assert folder.settled() == [("failed", "x")]
    folder.write("x.wasm.sig", b"00")
    assert folder.settled() == [("loaded", "x")]


def test_a_lazy_folder_is_only_looked_at(tmp_path: Path) -> None:
    folder = Folder(tmp_path, lazy=True)
    folder.write("x.wasm", named("x"))
    assert folder.settled() == [("discovered", "x")]
    assert folder.manager.names() == []
    folder.manager.call("x", "f")
    folder.write("x.wasm", named("x", version="2"))
    assert folder.settled() == [("reloaded", "x")]


def test_one_that_does_not_end_is_tried_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    path = folder.write("x.wasm", named("x"))
    folder.settled()
    unregister, folder.manager.unregister = folder.manager.unregister, failing  # type: ignore[method-assign]
    path.unlink()
    assert folder.settled() == [("failed", "x")]
    folder.manager.unregister = unregister  # type: ignore[method-assign]
    assert folder.after(0.5) == [("unloaded", "x")]


def failing(name: str) -> None:
    from pywasmgk.errors import PlatformError

    raise PlatformError("still running")


@pytest.mark.parametrize("polling", [True, False], ids=["looking", "told by the system"])
def test_in_a_thread(tmp_path: Path, polling: bool) -> None:
    if not polling:
        pytest.importorskip("watchfiles")
    events: queue.Queue[WatchEvent] = queue.Queue()
    loader = PluginLoader(PluginManager(MemoryHost()), tmp_path / "plugins")
    watcher = PluginWatcher(
        loader, debounce=0.05, interval=0.02, polling=polling, on_event=events.put
    )

    def happened() -> tuple[str, str]:
        event = events.get(timeout=HANGS)
        return event.kind, event.plugin

    for _ in range(2):
        # it can be begun again
        with watcher:
            path = tmp_path / "plugins" / "new" / "x.wasm"
            path.parent.mkdir(exist_ok=True)
            path.with_name("half").write_bytes(named("x"))
            path.with_name("half").replace(path)
            assert happened() == ("loaded", "x")
            path.unlink()
            assert happened() == ("unloaded", "x")
    assert events.empty()


def test_what_comes_just_before_the_system_tells_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written after the first look, and before the system was asked to tell."""
    folder = Folder(tmp_path)

    def watch(path: Path, **options: Any) -> Iterator[set[object]]:
        folder.write("x.wasm", named("x"))
        while not options["stop_event"].is_set():
            yield set()

    monkeypatch.setattr(watching, "_system_watch", lambda: watch)
    told: queue.Queue[WatchEvent] = queue.Queue()
    with PluginWatcher(folder.loader, debounce=0.01, on_event=told.put):
        assert told.get(timeout=HANGS).kind == "loaded"
