"""Files of plugins (``store_file``, ``get_file``): a folder here, or wherever fsspec reaches.

A key becomes no path: the file is named by its digest, in a folder named by the plugin's digest, so
that no key leads anywhere else. A file begins with what is known of it, key and metadata, as one
line of JSON; both are written at once, so that they are those of the same file.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from ..plugin.host import CallContext, HostFunctionError
from .atomic import write_atomically
from .failures import failing, require, required_module

__all__ = ["FileStore", "Files", "FolderStore", "RemoteStore"]

#: contract 4.2: what a plugin's files may take where nothing else is said
_QUOTA = 500 << 20
_MOST_FILES = 100_000
_LONGEST_KEY = 1_000
_MOST_HEAD = 16 << 10


class FileStore(Protocol):
    """Where files are kept: names are hexadecimal digits, in folders of such names."""

    def read(self, folder: str, name: str, most: int | None = None) -> bytes | None:
        """A file's bytes, the first ``most`` of them; ``None`` if it is not there. Raises
        OSError."""

    def write(self, folder: str, name: str, data: bytes) -> None:
        """Writes a file, whole or not at all. Raises OSError."""

    def delete(self, folder: str, name: str) -> None:
        """Deletes a file, if it is there. Raises OSError."""

    def names(self, folder: str) -> list[str]:
        """The files in a folder, which need not be there. Raises OSError."""


class FolderStore:
    """A folder of this machine, which must be there and is made for no others (mode 700 for what is
    made in it). Raises ConfigError."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path).resolve()
        require(self._path.is_dir(), f"files: there is no folder {str(self._path)!r}")
        writable = os.access(self._path, os.W_OK | os.X_OK)
        require(writable, f"files: the folder {str(self._path)!r} cannot be written")

    def _folder(self, name: str, *, make: bool) -> Path:
        folder = self._path / name
        if make:
            folder.mkdir(mode=0o700, exist_ok=True)
        # a link could have been put there by others
        if folder.is_symlink():
            raise OSError(f"{folder} is a link")
        return folder

    def read(self, folder: str, name: str, most: int | None = None) -> bytes | None:
        """A file's bytes, the first ``most`` of them; ``None`` if it is not there. Raises OSError,
        also for links."""
        path = self._folder(folder, make=False) / name
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(f"{path} is no file")
            return file.read(-1 if most is None else most)

    def write(self, folder: str, name: str, data: bytes) -> None:
        """Writes a file, whole or not at all; a link of its name is replaced, not followed. Raises
        OSError."""
        write_atomically(self._folder(folder, make=True) / name, data, mode=0o600)

    def delete(self, folder: str, name: str) -> None:
        """Deletes a file, if it is there. Raises OSError."""
        (self._folder(folder, make=False) / name).unlink(missing_ok=True)

    def names(self, folder: str) -> list[str]:
        """The files in a folder, which need not be there. Raises OSError."""
        path = self._folder(folder, make=False)
        return [entry.name for entry in os.scandir(path)] if path.is_dir() else []


class RemoteStore:
    """A place that fsspec reaches (extra ``files``), at a URL such as ``s3://bucket/plugins`` or
    ``memory://plugins``; ``options`` go to fsspec. Whether a write is atomic is the place's matter:
    object stores' are. Raises ConfigError."""

    def __init__(self, url: str, **options: Any) -> None:
        fsspec = required_module("fsspec", "files", "files at a URL")
        try:
            self._system, path = fsspec.core.url_to_fs(url, **options)
        except (ValueError, ImportError, TypeError) as error:
            require(False, f"files: the URL cannot be used: {type(error).__name__}")
        self._path = str(path).rstrip("/")

    def _place(self, *names: str) -> str:
        return "/".join((self._path, *names))

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Makes OSErrors of what clients of stores raise."""
        try:
            yield
        except OSError:
            raise
        except Exception as error:
            raise OSError(f"the store failed: {type(error).__name__}") from error

    def read(self, folder: str, name: str, most: int | None = None) -> bytes | None:
        """A file's bytes, the first ``most`` of them; ``None`` if it is not there. Raises
        OSError."""
        with self._reaching():
            try:
                return bytes(self._system.cat_file(self._place(folder, name), 0, most))
            except FileNotFoundError:
                return None

    def write(self, folder: str, name: str, data: bytes) -> None:
        """Writes a file. Raises OSError."""
        with self._reaching():
            self._system.makedirs(self._place(folder), exist_ok=True)
            self._system.pipe_file(self._place(folder, name), data)

    def delete(self, folder: str, name: str) -> None:
        """Deletes a file, if it is there. Raises OSError."""
        with self._reaching():
            try:
                self._system.rm_file(self._place(folder, name))
            except FileNotFoundError:
                return

    def names(self, folder: str) -> list[str]:
        """The files in a folder, which need not be there. Raises OSError."""
        with self._reaching():
            self._system.invalidate_cache()
            try:
                found = self._system.ls(self._place(folder), detail=False)
            except FileNotFoundError:
                return []
            return [str(path).rpartition("/")[2] for path in found]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Files:
    """Files of plugins in a store, each plugin's apart. ``quota`` is what the files of a plugin may
    take, in bytes, metadata too; ``quotas`` says so for single plugins. Raises ConfigError."""

    def __init__(
        self,
        store: FileStore,
        *,
        quota: int = _QUOTA,
        quotas: Mapping[str, int] | None = None,
        max_files: int = _MOST_FILES,
    ) -> None:
        for value in (quota, *(quotas or {}).values()):
            good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            require(good, f"files: a quota must be bytes, found {value!r}")
        self._store = store
        self._quota = quota
        self._quotas = dict(quotas or {})
        self._max_files = max_files
        self._lock = threading.RLock()
        #: bytes by plugin and digest of the key, once they were counted
        self._sizes: dict[str, dict[str, int]] = {}

    def store(
        self, ctx: CallContext, key: str, data: bytes | None, metadata: Mapping[str, str] | None
    ) -> None:
        """Keeps a file. Raises HostFunctionError for a key that is none, where it would be too
        much, and where it cannot be written."""
        content = data or b""
        name, head = self._name(key), self._head(key, content, metadata)
        with failing(ctx, "the files", OSError, ValueError), self._lock:
            sizes = self._counted(ctx)
            size = len(head) + len(content)
            quota = self._quotas.get(ctx.caller, self._quota)
            total = sum(sizes.values()) - sizes.get(name, 0) + size
            if total > quota or len({*sizes, name}) > self._max_files:
                raise HostFunctionError(
                    f"the files of a plugin may take {quota:,} bytes, and be {self._max_files:,}"
                )
            ctx.check()
            self._store.write(_digest(ctx.caller), name, head + content)
            sizes[name] = size

    def _head(self, key: str, data: bytes, metadata: Mapping[str, str] | None) -> bytes:
        """The line before a file's bytes."""
        about = {
            "key": key,
            "size": len(data),
            "metadata": dict(metadata or {}),
            "modified_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        line = json.dumps(about).encode() + b"\n"
        if len(line) > _MOST_HEAD:
            raise HostFunctionError(f"key and metadata take at most {_MOST_HEAD:,} bytes")
        return line

    def get(self, ctx: CallContext, key: str) -> tuple[bytes, dict[str, str] | None]:
        """A file's bytes and metadata. Raises HostFunctionError for one that is not there."""
        folder, name = _digest(ctx.caller), self._name(key)
        with failing(ctx, "the files", OSError, ValueError):
            content = self._store.read(folder, name)
            if content is None:
                raise HostFunctionError(f"there is no file {key!r:.80}")
            head, _, data = content.partition(b"\n")
            return data, json.loads(head)["metadata"] or None

    def delete(self, ctx: CallContext, key: str) -> None:
        """Deletes a file. Raises HostFunctionError for one that is not there."""
        folder, name = _digest(ctx.caller), self._name(key)
        with failing(ctx, "the files", OSError, ValueError), self._lock:
            sizes = self._counted(ctx)
            if name not in sizes:
                raise HostFunctionError(f"there is no file {key!r:.80}")
            self._store.delete(folder, name)
            del sizes[name]

    def find(self, ctx: CallContext, prefix: str) -> list[dict[str, Any]]:
        """What there is whose keys begin with ``prefix``, in order (contract 2.4, FileInfo)."""
        with failing(ctx, "the files", OSError, ValueError):
            heads = self._heads(ctx)
            found = [head for _, head, _ in heads if str(head["key"]).startswith(prefix)]
        for head in found:
            kind = head["metadata"].get("content_type")
            if kind:
                head["content_type"] = kind
            if not head["metadata"]:
                del head["metadata"]
        return sorted(found, key=lambda head: str(head["key"]))

    def _name(self, key: str) -> str:
        if not key or len(key) > _LONGEST_KEY:
            raise HostFunctionError(f"a key of a file has 1 to {_LONGEST_KEY:,} characters")
        return _digest(key)

    def _heads(self, ctx: CallContext) -> Iterator[tuple[str, dict[str, Any], int]]:
        """Of each of the plugin's files its name, what is known of it, and its size."""
        folder = _digest(ctx.caller)
        for name in self._store.names(folder):
            ctx.check()
            # what was not written to its end has another name
            part = None if name.startswith(".") else self._store.read(folder, name, _MOST_HEAD)
            if part is not None:
                line = part.partition(b"\n")[0]
                head = dict(json.loads(line))
                yield name, head, len(line) + 1 + int(head["size"])

    def _counted(self, ctx: CallContext) -> dict[str, int]:
        """Sizes of the plugin's files by name, which are looked at once."""
        sizes = self._sizes.get(ctx.caller)
        if sizes is None:
            sizes = {name: size for name, _, size in self._heads(ctx)}
            self._sizes[ctx.caller] = sizes
        return sizes
