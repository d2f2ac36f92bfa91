"""Plugins of a folder: found, loaded, loaded again (contract 5.2).

::

    loader = PluginLoader(manager, "plugins")
    for failure in loader.load_all():
        print(failure)                       # load broken.wasm: load wasm: ...

What is verified are the very bytes that are loaded: a file is read once for each load, and what
``verify`` has seen is what runs (W37, W38).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import PlatformError, PluginError, PluginNotFound
from ..plugin import GKRegistration, Plugin, PluginOptions
from ..printable import printable
from .dependencies import in_order
from .keyed_locks import KeyedLocks
from .manager import PluginManager

__all__ = ["LoadFailure", "PluginFile", "PluginLoader", "file_mark", "plugin_files"]

_SUFFIX = ".wasm"
#: files beside a plugin's whose change is one of the plugin too
_COMPANIONS = (".sig",)
#: bytes of a file that is read
_MOST_BYTES = 256 << 20


#: what tells one state of a file from another
Mark = tuple[tuple[int, ...], ...]


class LoadFailure(NamedTuple):
    """A file that could not be loaded, and why."""

    #: below the loader's folder
    file: str
    error: PluginError

    def __str__(self) -> str:
        return f"load {printable(self.file)}: {self.error}"


class PluginFile(NamedTuple):
    """A file of the folder, and what is known of it."""

    path: Path
    #: of the plugin in it, by its manifest; nothing before it was loaded once
    name: str
    #: what went wrong when it was loaded last
    error: str | None


class _Trouble(NamedTuple):
    """What went wrong with a file, and the state that it was in. The text is kept, not the
    exception: that would keep all that its traceback leads to."""

    text: str
    mark: Mark


class _Loaded(NamedTuple):
    """A plugin that is loaded and not registered yet."""

    path: Path
    plugin: Plugin
    dependencies: tuple[str, ...]


def plugin_files(folder: Path) -> Iterator[Path]:
    """The files whose names end in .wasm, in any case, at any depth, in order. What begins with a
    dot is passed over: packages are unpacked there before they are put into their place."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix.lower() == _SUFFIX and not name.startswith(".") and path.is_file():
                yield path


def file_mark(path: Path) -> Mark:
    """The state of a plugin's file, and of what stands beside it."""
    marks: list[tuple[int, ...]] = []
    for file in (path, *(path.with_name(path.name + suffix) for suffix in _COMPANIONS)):
        with suppress(OSError):
            found = os.stat(file)
            marks.append((found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns))
    return tuple(marks)


class PluginLoader:
    """Loads the plugins of a folder into a manager. Methods may be called from any thread.

    A plugin is known by the name in its manifest; the name of its file, without ``.wasm``, leads
    to it too. ``lazy`` finds files only, and loads each at the first call of its plugin. ``verify``
    is given path and bytes before they are loaded, and raises if they are not to be. With
    ``strict``, odd manifests are refused. ``dependencies`` gives the names of plugins that one
    needs. ``options`` are as for ``pywasmgk.load``; memory and time that a policy gives take
    their place.
    """

    def __init__(
        self,
        manager: PluginManager,
        folder: str | os.PathLike[str],
        *,
        lazy: bool = False,
        strict: bool = True,
        verify: Callable[[Path, bytes], object] | None = None,
        dependencies: Callable[[Path, GKRegistration], Iterable[str]] | None = None,
        **options: Any,
    ) -> None:
        self.manager = manager
        self.folder = Path(folder)
        self.lazy = lazy
        self._options = {**options, "strict": strict}
        PluginOptions.of(self._options)  # raises TypeError for an unknown one
        self._verify = verify
        self._dependencies = dependencies or (lambda path, manifest: ())
        #: name of the plugin by file; "" before it was loaded
        self._names: dict[Path, str] = {}
        self._trouble: dict[Path, _Trouble] = {}
        #: as they were when they were looked into, or found if nothing more was wanted
        self._marks: dict[Path, Mark] = {}
        self._lock = threading.Lock()
        self._loading = KeyedLocks()
        if lazy:
            manager.find_missing = self.find

    def __repr__(self) -> str:
        return f"<PluginLoader of {self.folder}>"

    # -- what there is

    def discover(self) -> list[Path]:
        """The folder's files. Makes the folder if it is not there. Raises PlatformError if that
        fails."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PlatformError(f"plugin folder {self.folder}: {error}") from error
        found = [*plugin_files(self.folder)]
        for path in found:
            with self._lock:
                is_new = path not in self._names
                self._names.setdefault(path, "")
                if self.lazy:
                    self._marks.setdefault(path, file_mark(path))
            if is_new and self.lazy:
                self._log("info", f"Plugin discovered: {path.stem} (type: wasm)", path.stem)
        return found

    def files(self) -> list[PluginFile]:
        """The files that were found, and what became of them."""
        with self._lock:
            known = sorted(self._names.items())
            trouble = self._trouble
            return [
                PluginFile(path, name, trouble[path].text if path in trouble else None)
                for path, name in known
            ]

    def path_of(self, key: str) -> Path | None:
        """The file of a plugin, by its name or the file's."""
        with self._lock:
            known = sorted(self._names.items())
        by_name = (path for path, name in known if name == key)
        by_file = (path for path, name in known if path.stem == key)
        return next(by_name, None) or next(by_file, None)

    def name_of(self, path: Path) -> str:
        """The name of the plugin in a file, or nothing if it was never loaded."""
        return self._names.get(path, "")

    def marks(self) -> dict[Path, Mark]:
        """The files that were looked into, as they were then."""
        with self._lock:
            return dict(self._marks)

    def is_registered(self, path: Path) -> bool:
        """Whether the plugin in a file is in service, switched on or off."""
        return self.manager.is_registered(self.name_of(path))

    # -- loading

    def load_all(self) -> list[LoadFailure]:
        """Loads what is in the folder, in the order of its dependencies, and gives what failed;
        that keeps nothing else from being loaded. If ``lazy``, it finds the files only.

        Files that are registered already are left alone.
        """
        paths = self.discover()
        if self.lazy:
            return []
        failures, loaded = [], []
        for path in paths:
            if self.is_registered(path):
                continue
            try:
                loaded.append(self._load(path))
            except PluginError as error:
                failures.append(self._failed(path, error))
        failures += self._register_in_order(loaded)
        return sorted(failures, key=lambda failure: failure.file)

    def load(self, path: Path) -> str:
        """Loads one file and registers its plugin, whose name it gives. Raises PluginError."""
        with self._loading.held(path):
            try:
                return self._register(self._load(path))
            except PluginError as error:
                self._failed(path, error)
                raise

    def find(self, key: str) -> str | None:
        """The name under which a plugin is registered, loaded now if it was not. ``key`` is its
        name, or its file's. ``None`` if there is none. Raises PluginError for one that cannot be
        loaded; it is tried again when its file has changed."""
        path = self.path_of(key) or self._path_by_manifest(key)
        if path is None:
            return None
        with self._loading.held(path):
            if self.is_registered(path):
                return self.name_of(path)
            trouble = self._trouble.get(path)
            if trouble is not None and trouble.mark == file_mark(path):
                raise PlatformError(trouble.text)
            return self.load(path)

    def reload(self, key: str) -> str:
        """Loads a plugin's file again, and puts that into its place; one that is switched off stays
        so (W36). If that fails, the old one stays. Gives its name. Raises PluginError."""
        return self.reload_file(self._known(key))

    def reload_file(self, path: Path) -> str:
        """:meth:`reload` of what is in a file."""
        with self._loading.held(path):
            name = self.name_of(path)
            if not self.manager.is_registered(name):
                return self.load(path)
            try:
                new = self._load(path)
                with _shut_down_on_error(new.plugin):
                    _as_registering(
                        self.manager.replace, name, new.plugin, dependencies=new.dependencies
                    )
            except PluginError as error:
                self._failed(path, error)
                raise
            self._succeeded(path, name)
            return name

    def unload(self, key: str) -> None:
        """Takes a plugin out of service, and forgets its file. Raises PluginNotFound, and
        PlatformError for one that does not end."""
        self.unload_file(self._known(key))

    def unload_file(self, path: Path) -> None:
        """:meth:`unload` of what is in a file."""
        with self._loading.held(path):
            name = self.name_of(path)
            if self.manager.is_registered(name):
                self.manager.unregister(name)
                self._log("info", f"Plugin unloaded: {name}", name)
            with self._lock:
                for known in (self._names, self._trouble, self._marks):
                    known.pop(path, None)

    # -- steps

    def _known(self, key: str) -> Path:
        path = self.path_of(key)
        if path is None:
            raise PluginNotFound(key)
        return path

    def _shown(self, path: Path) -> str:
        """A file as messages name it."""
        with suppress(ValueError):
            path = path.relative_to(self.folder)
        return path.as_posix()

    def _load(self, path: Path) -> _Loaded:
        """The plugin in a file, verified and under the limits that are meant for it."""
        # in this order: what changes meanwhile is seen to have changed
        with self._lock:
            self._marks[path] = file_mark(path)
        data = self._read(path)
        if self._verify is not None:
            try:
                self._verify(path, data)
            except Exception as error:  # whatever a hook raises: it does not want the file
                file = printable(self._shown(path))
                text = f"signature verification failed for WASM plugin {file}: {error}"
                raise PlatformError(text) from error
        guessed = self.name_of(path) or path.stem
        options = self._options_for(guessed)
        try:
            plugin = Plugin(data, PluginOptions.of(options), name=path.name)
            manifest = plugin.registration
            meant = self._options_for(manifest.name)
            if meant != options:
                # only now is known whose limits they should have been (W16)
                plugin.shutdown()
                plugin = Plugin(data, PluginOptions.of(meant), name=path.name)
        except PluginError as error:
            raise PlatformError(f"load wasm: {error}") from error
        return _Loaded(path, plugin, tuple(self._dependencies(path, manifest)))

    def _options_for(self, name: str) -> dict[str, Any]:
        return {**self._options, **self.manager.load_options(name)}

    def _read(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
        except OSError as error:
            raise PlatformError(f"load wasm: read wasm file: {error}") from error
        if len(data) > _MOST_BYTES:
            raise PlatformError(f"load wasm: the file has more than {_MOST_BYTES:,} bytes")
        return data

    def _register(self, loaded: _Loaded) -> str:
        with _shut_down_on_error(loaded.plugin):
            name: str = _as_registering(
                self.manager.register, loaded.plugin, dependencies=loaded.dependencies
            )
        self._succeeded(loaded.path, name)
        return name

    def _register_in_order(self, loaded: list[_Loaded]) -> list[LoadFailure]:
        failures = []
        by_name: dict[str, _Loaded] = {}
        twice = []
        for item in loaded:
            known = by_name.setdefault(item.plugin.name, item)
            if known is not item:
                twice.append(item)
        names, hindered = in_order({name: item.dependencies for name, item in by_name.items()})
        for name, reason in hindered.items():
            by_name[name].plugin.shutdown()
            failures.append(self._failed(by_name[name].path, PlatformError(f"register: {reason}")))
        for item in (*(by_name[name] for name in names), *twice):
            try:
                self._register(item)
            except PluginError as error:
                failures.append(self._failed(item.path, error))
        return failures

    def _path_by_manifest(self, name: str) -> Path | None:
        """The file of a plugin whose file has another name: those that nobody has looked into are
        loaded for that, once each."""
        with self._lock:
            paths = sorted(self._names)
        for path in paths:
            with self._loading.held(path):
                trouble = self._trouble.get(path)
                is_known_bad = trouble is not None and trouble.mark == file_mark(path)
                if self.name_of(path) or is_known_bad:
                    continue
                try:
                    loaded = self._load(path)
                except PluginError as error:
                    self._failed(path, error)
                    continue
                loaded.plugin.shutdown()
                with self._lock:
                    self._names[path] = loaded.plugin.name
                if loaded.plugin.name == name:
                    return path
        return None

    def _succeeded(self, path: Path, name: str) -> None:
        with self._lock:
            self._names[path] = name
            self._trouble.pop(path, None)
        self._log("info", f"Plugin loaded: {name}", name)

    def _failed(self, path: Path, error: PluginError) -> LoadFailure:
        failure, mark = LoadFailure(self._shown(path), error), file_mark(path)
        with self._lock:
            self._names.setdefault(path, "")
            self._trouble[path] = _Trouble(str(error), mark)
        self._log("error", str(failure), self.name_of(path) or path.stem)
        return failure

    def _log(self, level: str, message: str, plugin: str) -> None:
        self.manager.log.add(level, message, plugin=plugin)


@contextmanager
def _shut_down_on_error(plugin: Plugin) -> Iterator[None]:
    try:
        yield
    except BaseException:
        plugin.shutdown()
        raise


def _as_registering(act: Callable[..., Any], *args: Any, **options: Any) -> Any:
    try:
        return act(*args, **options)
    except PluginError as error:
        raise PlatformError(f"register: {error}") from error
