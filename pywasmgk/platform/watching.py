"""Looks at a folder of plugins and follows what changes there (contract 5.2).

With the extra ``watch`` the system tells of changes; without it the folder is looked at every
second. Either way, what has changed is found by comparing the folder with what it was: a system
that tells too much, or forgets a folder that was moved, does no harm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import PluginError
from .background import Background
from .loader import Mark, PluginLoader, file_mark, plugin_files

__all__ = ["PluginWatcher", "WatchEvent"]

#: seconds for which a file has to be left alone before it is loaded
DEBOUNCE = 0.5
#: seconds between two looks, where the system does not tell
INTERVAL = 1.0
#: milliseconds after which a wait for the system's word is given up for a while
_LONGEST_WAIT = 200


class WatchEvent(NamedTuple):
    """What was done about a change."""

    kind: Literal["discovered", "loaded", "reloaded", "unloaded", "failed"]
    path: Path
    #: of the plugin, as far as it is known
    plugin: str
    error: PluginError | None = None


class PluginWatcher(Background):
    """Follows a loader's folder: new files are loaded, changed ones loaded again, and plugins
    whose files are gone are taken out of service. Files in new folders are seen too.

    A file is loaded ``debounce`` seconds after its last change. ``on_event`` is told of what was
    done. ``clock`` gives seconds. ``polling`` has the folder looked at every ``interval`` seconds
    even if the system could tell. ``with watcher:`` runs it in a thread; :meth:`run` in this one.
    """

    thread_name = "plugin watcher"

    def __init__(
        self,
        loader: PluginLoader,
        *,
        debounce: float = DEBOUNCE,
        interval: float = INTERVAL,
        polling: bool = False,
        on_event: Callable[[WatchEvent], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._loader = loader
        self._debounce = debounce
        self._interval = interval
        self._polling = polling
        self._on_event = on_event or (lambda event: None)
        self._clock = clock
        #: files that have changed, and when they did last
        self._pending: dict[Path, float] = {}
        loader.discover()
        #: as the loader has seen them: what it has not is new
        self._seen = loader.marks()

    def _scan(self) -> dict[Path, Mark]:
        return {path: file_mark(path) for path in plugin_files(self._loader.folder)}

    # -- one look

    def step(self) -> list[WatchEvent]:
        """Looks at the folder, and does what is due; gives what was done."""
        now, found = self._clock(), self._scan()
        for path in found.keys() | self._seen.keys():
            if found.get(path) != self._seen.get(path):
                self._pending[path] = now
        self._seen = found
        due = [path for path, at in self._pending.items() if now - at >= self._debounce]
        # what is gone comes first: a plugin whose file was renamed is to be free for the new one
        due.sort(key=lambda path: (path in found, path))
        events = []
        for path in due:
            del self._pending[path]
            event = self._settle(path)
            if event is not None:
                events.append(event)
                self._on_event(event)
        return events

    def _settle(self, path: Path) -> WatchEvent | None:
        """Makes the loader know a file as it is now, whatever has happened to it."""
        loader = self._loader
        name = loader.name_of(path) or path.stem
        try:
            if path not in self._seen:
                if not any(file.path == path for file in loader.files()):
                    return None
                loader.unload_file(path)
                return WatchEvent("unloaded", path, name)
            if loader.is_registered(path):
                return WatchEvent("reloaded", path, loader.reload_file(path))
            if loader.lazy:
                loader.discover()
                return WatchEvent("discovered", path, name)
            return WatchEvent("loaded", path, loader.load(path))
        except PluginError as error:
            if path not in self._seen:
                # it did not end; its file stays away
                self._pending[path] = self._clock()
            return WatchEvent("failed", path, name, error)

    # -- for as long as it is wanted

    def run(self) -> None:
        """Follows the folder until :meth:`stop`."""
        for changed in self._looks():
            if changed or self._pending:
                self.step()

    def _looks(self) -> Iterator[bool]:
        """When to look, and whether something may have changed."""
        watch = None if self._polling else _system_watch()
        if watch is None:
            while not self._stop.is_set():
                yield True
                self._stop.wait(self._debounce / 2 if self._pending else self._interval)
            return
        looks = watch(
            self._loader.folder,
            watch_filter=None,
            debounce=50,
            rust_timeout=_LONGEST_WAIT,
            yield_on_timeout=True,
            stop_event=self._stop,
            raise_interrupt=True,
        )
        # the system is asked to tell when the first of its looks is: until then nobody has told
        yield True
        yield next(looks, None) is not None
        for changes in looks:
            yield bool(changes)


def _system_watch() -> Callable[..., Iterator[set[object]]] | None:
    """What asks the system to tell, if the extra is installed."""
    try:
        from watchfiles import watch
    except ImportError:
        return None
    found: Callable[..., Iterator[set[object]]] = watch
    return found
