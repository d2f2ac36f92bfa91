"""What Go's standard library finds in ``globalThis``: streams as ``fs``, ``process`` and ``path``.

There are standard streams and no files; whatever is opened is not there (ENOENT), and what else is
asked of a file system is not supported (ENOSYS). Answers come later, from the event loop, as Node's
do.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...wasm.wasi.abi import Refused
from ...wasm.wasi.config import WasiConfig
from ...wasm.wasi.streams import Input, Output
from ..js.binary import TypedArray
from ..js.objects import UNDEFINED, Function, Native, Object
from ..js.operators import to_integer, to_text

if TYPE_CHECKING:
    from .program import Go

__all__ = ["System"]

#: functions of fs that have no answer but an error, and which
_REFUSED = {
    "ENOENT": "open stat lstat readdir readlink unlink rmdir chmod chown lchown rename truncate "
    "utimes mkdir link symlink",
    "ENOSYS": "fchmod fchown ftruncate",
}
_CONSTANTS = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_EXCL", "O_DIRECTORY")
#: bytes that are read at a time
_MOST_READ = 1 << 20


class System:
    """Streams of one program, and the objects that lead to them."""

    def __init__(self, go: Go, config: WasiConfig) -> None:
        self.go = go
        most = config.quotas.output
        self._streams: dict[int, Any] = {
            0: Input(config.stdin), 1: Output(config.stdout, most), 2: Output(config.stderr, most),
        }  # fmt: skip
        go.everything["fs"] = self._files()
        go.everything["process"] = self._process()
        go.everything["path"] = self._plain({"resolve": self._resolve})

    def _plain(self, functions: dict[str, Callable[..., Any]]) -> Object:
        found = Object(None, self.go.realm.protos["Object"])
        for name, function in functions.items():
            found[name] = Native(name, function)
        return found

    def _files(self) -> Object:
        found = self._plain(
            {"write": self._write, "writeSync": self._write_now, "read": self._read,
             "close": self._succeed, "fsync": self._succeed, "fstat": self._fstat}
        )  # fmt: skip
        for code, names in _REFUSED.items():
            for name in names.split():
                found[name] = Native(name, self._refusing(code))
        found["constants"] = Object(None, self.go.realm.protos["Object"])
        for name in _CONSTANTS:
            found["constants"][name] = -1
        return found

    def _process(self) -> Object:
        functions: dict[str, Callable[..., Any]] = {
            name: lambda this, *args: -1 for name in ("getuid", "getgid", "geteuid", "getegid")
        }
        found = self._plain({**functions, "cwd": lambda this: "/", "umask": lambda this, *_: 18})
        found["pid"] = found["ppid"] = -1
        return found

    def _resolve(self, this: Any, *parts: Any) -> str:
        return posixpath.normpath(posixpath.join("/", *map(to_text, parts)))

    # -- answers

    def error(self, code: str) -> Any:
        """An Error with a code."""
        found = self.go.realm.error("Error", code).value
        found["code"] = code
        return found

    def _later(self, callback: Any, *answer: Any) -> Any:
        if isinstance(callback, Function):
            function = callback
            self.go.queue(lambda: function.call(UNDEFINED, answer))
        return UNDEFINED

    def _refusing(self, code: str) -> Callable[..., Any]:
        return lambda this, *args: self._later(args[-1] if args else None, self.error(code))

    def _succeed(self, this: Any, *args: Any) -> Any:
        return self._later(args[-1], None)

    def _fstat(self, this: Any, fd: Any, callback: Any = UNDEFINED) -> Any:
        if fd not in self._streams:
            return self._later(callback, self.error("EBADF"))
        found = self._plain({"isDirectory": lambda this: False, "isFile": lambda this: False})
        zeros = "dev ino nlink uid gid rdev size blksize blocks atimeMs mtimeMs ctimeMs"
        found.update(dict.fromkeys(zeros.split(), 0))
        found["mode"] = 0o020666
        return self._later(callback, None, found)

    # -- streams

    def write(self, fd: int, data: bytes) -> int:
        """Writes to a stream; gives how much. Nothing is written to others."""
        stream = self._streams.get(fd)
        if not isinstance(stream, Output):
            return 0
        stream.write(data)
        return len(data)

    def _write_now(self, this: Any, fd: Any, buffer: Any) -> int:
        return self.write(fd, buffer.raw)

    def _write(
        self, this: Any, fd: Any, buffer: Any, offset: Any, size: Any, position: Any, callback: Any
    ) -> Any:
        if not isinstance(self._streams.get(fd), Output):
            return self._later(callback, self.error("EBADF"))
        data = buffer.raw[to_integer(offset) : to_integer(offset) + to_integer(size)]
        try:
            return self._later(callback, None, self.write(fd, data))
        except (OSError, Refused):
            return self._later(callback, self.error("EIO"))

    def _read(
        self, this: Any, fd: Any, buffer: Any, offset: Any, size: Any, position: Any, callback: Any
    ) -> Any:
        stream = self._streams.get(fd)
        if not isinstance(stream, Input) or not isinstance(buffer, TypedArray):
            return self._later(callback, self.error("EBADF"))
        first, count = to_integer(offset), min(to_integer(size), _MOST_READ)
        if not 0 <= first <= first + count <= len(buffer):
            return self._later(callback, self.error("EINVAL"))
        data = stream.read(count, self.go.meter())
        begin = buffer.offset + first
        buffer.buffer.data[begin : begin + len(data)] = data
        return self._later(callback, None, len(data))
