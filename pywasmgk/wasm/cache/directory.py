"""The private directory of a cache, and its files.

It is made with mode 0700, and refused when it belongs to another user or others may write to it.
Files carry an HMAC with a key that lies in the same directory, checked before anything is read out
of them. That is against corruption and mix-ups; whoever can write to the directory, and read the
key, can have this process run any code.

Nothing that is wrong with a file is an error: it counts as absent, and is written anew.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import CacheError
from . import ENVIRONMENT, Directory
from .stored import StoredModule

if TYPE_CHECKING:
    from ..module import Module

__all__ = ["CodeCache", "open_cache", "user_directory"]

#: bytes that all files of a directory may have together
DEFAULT_MAX_BYTES = 256 << 20

#: the variable that names the place of caches on a system, and what it is below home without
_PLACES = {
    "win32": ("LOCALAPPDATA", "AppData/Local/pywasmgk"),
    "darwin": ("", "Library/Caches/pywasmgk"),
}

_MAGIC = b"pywasmgk code 1\n"
_MAC_BYTES = 32
_KEY_NAME, _SUFFIX, _TEMPORARY = "key", ".code", ".tmp"
#: a process looks at the sizes of all files when it writes first, and when it has written this
#: share of what they may have: looking at 10,000 takes 20 ms
_LOOKS = 16
#: seconds after which a temporary file was left behind by a process that ended
_STALE = 3600.0

_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def user_directory() -> Path | None:
    """Where caches of the user's go on this system, for those who keep one unasked; ``None`` if
    the user has no home."""
    variable, folders = _PLACES.get(sys.platform, ("XDG_CACHE_HOME", ".cache/pywasmgk"))
    place = os.environ.get(variable, "")
    if os.path.isabs(place):
        return Path(place, "pywasmgk")
    try:
        return Path.home() / folders
    except RuntimeError:
        return None


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
    """A directory with a file per module. ``max_bytes`` bounds its files; the oldest go first."""

    def __init__(self, directory: Directory, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.directory = Path(directory)
        self.max_bytes = max_bytes
        #: bytes that may be written before the sizes of all files are looked at
        self._room = 0
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
        """What is stored of a module, of which bytes and options are set."""
        return StoredModule(self, module)

    def has(self, name: str) -> bool:
        """Whether there is a file of that name, whatever is in it."""
        return (self.directory / (name + _SUFFIX)).exists()

    def read(self, name: str) -> memoryview | None:
        """The content of a file, if it is there and as it was written. It is several megabytes, so
        that nothing of it is copied."""
        path = self.directory / (name + _SUFFIX)
        content = _read_private(path, self.max_bytes)
        if content is None:
            return None
        start = len(_MAGIC) + _MAC_BYTES
        mac, payload = content[len(_MAGIC) : start], memoryview(content)[start:]
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
        self._room -= len(content)
        if self._room < 0:
            self._evict()

    def _mac(self, name: str, payload: bytes | memoryview) -> bytes:
        found = hmac.new(self._key, name.encode(), hashlib.sha256)
        found.update(payload)
        return found.digest()

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
        for entry in _entries(self.directory):
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # another process was faster
            if entry.name.endswith(_SUFFIX):
                files.append((found.st_mtime, found.st_size, entry.path))
            elif entry.name.endswith(_TEMPORARY) and time.time() - found.st_mtime > _STALE:
                _remove(entry.path)
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self.max_bytes:
                break
            _remove(path)
            total -= size
        self._room = min(self.max_bytes - total, self.max_bytes // _LOOKS)

    def __repr__(self) -> str:
        return f"<CodeCache in {str(self.directory)!r}>"


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
        with os.fdopen(os.open(path, _READ | _BINARY), "rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or not _is_ours(found) or found.st_size > most:
                return None
            return file.read(found.st_size)
    except OSError:
        return None


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as found:
            return list(found)
    except OSError:
        return []  # it is gone


def _remove(path: Path | str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # another process was faster
