"""Compiled functions on disk, so that a second start need not compile, nor validate, again.

Off unless a directory is named (``cache_dir=``, ``PYWASMGK_CACHE``). The directory is private: it
is made with mode 0700, and refused when it belongs to another user or others may write to it. Each
module has one file there, named by a hash of all that its code depends on. Files carry an HMAC
with a key that lies in the same directory, checked before anything is read out of them. That is
against corruption and mix-ups; whoever can write to the directory, and read the key, can have this
process run any code.

Nothing that is wrong with a file is an error: it counts as absent, and is written anew.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import marshal
import os
import stat
import sys
import threading
import time
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from ..._version import __version__
from ...errors import CacheError
from ..isa import STANDARD
from .function import Compiled, LineEntry
from .loops import Ahead

if TYPE_CHECKING:
    from ..isa import InstructionSet
    from ..module import Module

__all__ = ["ENVIRONMENT", "CodeCache", "StoredModule", "open_cache"]

#: names the directory where no ``cache_dir`` is given
ENVIRONMENT = "PYWASMGK_CACHE"
#: bytes that all files of a directory may have together
DEFAULT_MAX_BYTES = 256 << 20

#: function index, instruction where it is entered, whether memory is small, and whether alignment
#: is assumed: as in ``unit``
Key = tuple[int, int, bool, bool]
Directory = Union[str, "os.PathLike[str]"]

_MAGIC = b"pywasmgk code 1\n"
_MAC_BYTES = 32
_KEY_NAME, _SUFFIX, _TEMPORARY = "key", ".code", ".tmp"
#: functions that are new since the file was written before it is written again, at the least; with
#: a share of those in it, so that writing stays linear
_FEWEST_NEW = 32
#: seconds after which a temporary file was left behind by a process that ended
_STALE = 3600.0

_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def open_cache(directory: Directory | None) -> CodeCache | None:
    """The cache in a directory; ``None`` stands for the one that ``PYWASMGK_CACHE`` names, and an
    empty name for none at all.

    Raises CacheError for a directory that cannot be used; where the environment named it, that is
    a RuntimeWarning, and there is no cache.
    """
    if directory is not None:
        return CodeCache(directory) if os.fspath(directory) else None
    directory = os.environ.get(ENVIRONMENT)
    if not directory:
        return None
    try:
        return CodeCache(directory)
    except CacheError as error:
        warnings.warn(f"{ENVIRONMENT}: {error}", RuntimeWarning, stacklevel=3)
        return None


class CodeCache:
    """A directory of compiled code. ``max_bytes`` bounds its files; the oldest go first."""

    def __init__(self, directory: Directory, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.directory = Path(directory)
        self.max_bytes = max_bytes
        try:
            self.directory.parent.mkdir(parents=True, exist_ok=True)
            self.directory.mkdir(mode=0o700, exist_ok=True)
            _require_private(self.directory)
            self._key = self._read_key()
        except (OSError, ValueError) as error:
            raise CacheError(f"no cache in {str(directory)!r}: {error}") from error

    def _read_key(self) -> bytes:
        """The key of the directory, made by whoever comes first."""
        path = self.directory / _KEY_NAME
        key = _read_private(path, _MAC_BYTES)
        if key is None or len(key) != _MAC_BYTES:
            temporary = self._write_temporary(os.urandom(_MAC_BYTES))
            try:
                if key is None:
                    os.link(temporary, path)
                else:
                    os.replace(temporary, path)
            except FileExistsError:
                pass  # another process was faster
            except (OSError, AttributeError, NotImplementedError):
                os.replace(temporary, path)  # no links on this system
            temporary.unlink(missing_ok=True)
            key = _read_private(path, _MAC_BYTES)
        if key is None or len(key) != _MAC_BYTES:
            raise OSError(f"{_KEY_NAME} cannot be read")
        return key

    def stored(self, module: Module) -> StoredModule:
        """What is stored of a module."""
        return StoredModule(self, module_key(module))

    def read(self, name: str) -> bytes | None:
        """The content of a file, if it is there and as it was written."""
        path = self.directory / (name + _SUFFIX)
        content = _read_private(path, self.max_bytes)
        if content is None:
            return None
        start = len(_MAGIC) + _MAC_BYTES
        mac, payload = content[len(_MAGIC) : start], content[start:]
        if not content.startswith(_MAGIC) or not hmac.compare_digest(mac, self._mac(name, payload)):
            return None
        try:
            os.utime(path)  # it is in use: others go first
        except OSError:
            pass
        return payload

    def write(self, name: str, payload: bytes) -> None:
        """Puts a file in the place of what is there; does nothing where that is impossible."""
        content = _MAGIC + self._mac(name, payload) + payload
        if len(content) > self.max_bytes:
            return
        try:
            temporary = self._write_temporary(content)
        except OSError:
            return
        try:
            os.replace(temporary, self.directory / (name + _SUFFIX))
        except OSError:
            _remove(temporary)
        self._evict()

    def _mac(self, name: str, payload: bytes) -> bytes:
        return hmac.new(self._key, name.encode() + payload, hashlib.sha256).digest()

    def _write_temporary(self, content: bytes) -> Path:
        path = self.directory / (os.urandom(12).hex() + _TEMPORARY)
        with os.fdopen(os.open(path, _CREATE | _BINARY, 0o600), "wb") as file:
            try:
                file.write(content)
            except OSError:
                _remove(path)
                raise
        return path

    def _evict(self) -> None:
        """Removes the oldest files until what is left is within bounds."""
        files = []
        for path in self.directory.glob("*"):
            try:
                found = path.stat()
            except OSError:
                continue  # another process was faster
            if path.suffix == _SUFFIX:
                files.append((found.st_mtime, found.st_size, path))
            elif path.suffix == _TEMPORARY and time.time() - found.st_mtime > _STALE:
                _remove(path)
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self.max_bytes:
                break
            _remove(path)
            total -= size

    def __repr__(self) -> str:
        return f"<CodeCache in {str(self.directory)!r}>"


class StoredModule:
    """What a cache has of one module: that it is valid, and code by function.

    ``save`` writes what is new; so does ``add``, from time to time. The module has it called at
    its own end and at the process's.
    """

    def __init__(self, cache: CodeCache, name: str) -> None:
        self.cache = cache
        self.name = name
        self._lock = threading.Lock()
        #: all bodies were found valid
        self.validated = False
        #: marshalled code objects and line tables; empty for what cannot be compiled
        self._codes: dict[Key, bytes] = {}
        self._new = 0
        self._merge()

    def _merge(self) -> None:
        """Takes in what the file has."""
        payload = self.cache.read(self.name)
        if payload is not None:
            validated, codes = marshal.loads(payload)
            self.validated |= validated
            self._codes = {**codes, **self._codes}

    def __contains__(self, key: object) -> bool:
        return key in self._codes

    def __len__(self) -> int:
        return len(self._codes)

    def find(self, key: Key) -> Compiled | None:
        """What was stored under a key that is there."""
        stored = self._codes[key]
        if not stored:
            return None
        code, entries, room = marshal.loads(stored)
        return Compiled(code, tuple(map(_entry, entries)), room)

    def add(self, key: Key, compiled: Compiled | None) -> None:
        """Takes a function in, ``None`` for one that cannot be compiled."""
        stored = b""
        if compiled is not None:
            stored = marshal.dumps(
                (compiled.code, tuple(map(_plain, compiled.entries)), compiled.room)
            )
        self._codes[key] = stored
        self._new += 1
        if self._new >= max(_FEWEST_NEW, len(self._codes) // 2):
            self.save()

    def note_validated(self) -> None:
        """Remembers that the module is valid."""
        if not self.validated:
            self.validated = True
            self._new += 1

    def save(self) -> None:
        """Writes the file if there is anything new, with what others wrote meanwhile."""
        with self._lock:
            if self._new:
                self._new = 0
                self._merge()
                self.cache.write(self.name, marshal.dumps((self.validated, dict(self._codes))))


def _plain(entry: LineEntry) -> tuple[Any, ...]:
    """An entry of a line table in types that ``marshal`` knows."""
    return (*entry[:-1], None if entry.ahead is None else tuple(entry.ahead))


def _entry(plain: Sequence[Any]) -> LineEntry:
    *rest, ahead = plain
    return LineEntry._make((*rest, None if ahead is None else Ahead._make(ahead)))


# -- names


def module_key(module: Module) -> str:
    """The name of a module's file: a hash of all that its code depends on."""
    parts = (
        hashlib.sha256(module.data).hexdigest(),
        module.max_locals,
        module.features,
        _rows_hash(module.isa.whole),
        *_surroundings(),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@lru_cache(maxsize=8)
def _rows_hash(instructions: InstructionSet) -> str:
    if instructions is STANDARD:
        return ""  # its rows are in the engine's sources
    return hashlib.sha256(repr(instructions.rows).encode()).hexdigest()


@lru_cache(maxsize=1)
def _surroundings() -> tuple[object, ...]:
    """The engine with its sources, where there are any, and the Python that runs it. Sources are
    told by their sizes and times: reading them takes longer than a small plugin to start."""
    engine = Path(__file__).parent.parent
    sources = hashlib.sha256()
    for folder in (engine, engine / "compiler", engine / "isa"):
        for path in sorted(folder.glob("*.py")):
            found = path.stat()
            sources.update(f"{path.name} {found.st_size} {found.st_mtime_ns}\n".encode())
    python = (sys.implementation.name, sys.implementation.cache_tag, sys.version)
    magic = importlib.util.MAGIC_NUMBER
    return (__version__, sources.hexdigest(), *python, magic, sys.byteorder, sys.platform)


# -- files that are ours alone


def _is_ours(found: os.stat_result) -> bool:
    """Whether a file is the user's, and nobody else may write to it; true where systems have no
    notion of that."""
    if not hasattr(os, "geteuid"):
        return True
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _require_private(directory: Path) -> None:
    found = directory.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError("it is no directory")
    if not _is_ours(found):
        raise PermissionError(
            f"it belongs to another user, or others may write to it "
            f"(owner {found.st_uid}, mode {stat.S_IMODE(found.st_mode):04o}; 0700 is right)"
        )


def _read_private(path: Path, most: int) -> bytes | None:
    """The content of a file of the user's own with so many bytes at most, else ``None``."""
    try:
        with os.fdopen(os.open(path, _READ | _BINARY), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or not _is_ours(found) or found.st_size > most:
                return None
            return file.read(most)
    except OSError:
        return None


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        pass  # another process was faster
