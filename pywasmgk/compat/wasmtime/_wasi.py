"""What a guest of WASI preview 1 gets to see."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

from ...wasm.runtime.functions import Func as EngineFunc
from ...wasm.wasi.abi import Errno, Refused
from ...wasm.wasi.config import WasiConfig as EngineConfig
from ...wasm.wasi.context import WasiContext
from ...wasm.wasi.functions import functions
from ...wasm.wasi.host import HostDirectory
from ._errors import WasmtimeError
from ._managed import Managed

__all__ = ["DirPerms", "FilePerms", "WasiConfig"]


class DirPerms(IntEnum):
    """What may be done with directories; wasmtime had it up to version 47."""

    READ_ONLY = 1
    WRITE_ONLY = 2
    READ_WRITE = 3


class FilePerms(IntEnum):
    """What may be done with files; wasmtime had it up to version 47."""

    READ_ONLY = 1
    WRITE_ONLY = 2
    READ_WRITE = 3


class WasiConfig(Managed):
    """Arguments, environment, streams and directories of a guest. By default it has none of them,
    its input is at its end and its output goes nowhere."""

    def __init__(self) -> None:
        self._options: dict[str, Any] = {}
        self._preopens: dict[str, HostDirectory] = {}
        #: files that were opened for it
        self._files: list[Any] = []
        self._abandon = weakref.finalize(self, _close_all, self._files)

    def _set(self, **options: Any) -> None:
        self.ptr()
        self._options.update(options)

    # -- arguments and environment

    def _set_argv(self, argv: list[str]) -> None:
        len(argv)
        for text in argv:
            text.encode()
        self._set(args=tuple(argv))

    argv = property(None, _set_argv)

    def inherit_argv(self) -> None:
        """Gives the program's own arguments."""
        self._set(args=tuple(sys.argv))

    def _set_env(self, pairs: Iterable[Iterable[str]]) -> None:
        env = {}
        for name, value in pairs:
            name.encode()
            value.encode()
            env[name] = value
        self._set(env=env)

    env = property(None, _set_env)

    def inherit_env(self) -> None:
        """Gives the program's own environment."""
        self._set(env=dict(os.environ))

    # -- streams

    def inherit_stdin(self) -> None:
        """Gives the program's own input."""
        self._set(stdin=sys.__stdin__)

    def _set_stdin_file(self, path: str | bytes | os.PathLike[str]) -> None:
        if not isinstance(path, (str, bytes)):
            path = path.__fspath__()
        self._set(stdin=self._open(path, "rb", "stdin"))

    stdin_file = property(None, _set_stdin_file)

    def inherit_stdout(self) -> None:
        """Lets it write where the program writes: to descriptor 1, past Python's ``sys.stdout``."""
        self._set(stdout=_to_descriptor(1))

    def _set_stdout_file(self, path: str) -> None:
        self._set(stdout=self._open(path, "wb", "stdout"))

    stdout_file = property(None, _set_stdout_file)

    def _set_stdout_custom(self, callback: Callable[[bytes], int | None]) -> None:
        self._set(stdout=_checked(callback))

    stdout_custom = property(None, _set_stdout_custom)

    def inherit_stderr(self) -> None:
        """The same for descriptor 2."""
        self._set(stderr=_to_descriptor(2))

    def _set_stderr_file(self, path: str) -> None:
        self._set(stderr=self._open(path, "wb", "stderr"))

    stderr_file = property(None, _set_stderr_file)

    def _set_stderr_custom(self, callback: Callable[[bytes], int | None]) -> None:
        self._set(stderr=_checked(callback))

    stderr_custom = property(None, _set_stderr_custom)

    def _open(self, path: str | bytes, mode: str, what: str) -> Any:
        try:
            file = open(path, mode, buffering=0)
        except OSError:
            raise WasmtimeError(f"failed to set {what} file") from None
        self._files.append(file)
        return file

    # -- directories

    def preopen_dir(
        self,
        path: str,
        guest_path: str,
        fs_mutable: bool | DirPerms = True,
        file_perms: FilePerms = FilePerms.READ_WRITE,
        *,
        dir_perms: DirPerms = DirPerms.READ_WRITE,
    ) -> None:
        """Gives a directory of the host's, which the guest may change if ``fs_mutable``. As up to
        version 47 of wasmtime, permissions may be said instead. Raises WasmtimeError if there is no
        such directory, or if the platform cannot confine a guest to it."""
        self.ptr()
        path.encode()
        guest_path.encode()
        asked = (fs_mutable is not DirPerms.READ_ONLY, dir_perms & 2, file_perms & 2)
        directory = HostDirectory(path, writable=bool(fs_mutable) and all(asked))
        try:
            directory.open().close()
        except OSError as error:
            raise WasmtimeError("failed to add preopen dir") from error
        self._preopens[guest_path] = directory

    def _consume(self) -> tuple[dict[str, EngineFunc], Callable[[], None]]:
        """The functions of a guest, and what closes its files. The configuration is of no use any
        more."""
        self.ptr()
        self.close()
        options = {"args": (), **self._options, "preopens": self._preopens}
        context = WasiContext(EngineConfig(**options))
        files = self._files
        self._abandon.detach()

        def close() -> None:
            context.close_all()
            _close_all(files)

        return functions(context), close


def _close_all(files: list[Any]) -> None:
    for file in files:
        file.close()


def _to_descriptor(number: int) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        while data:
            data = data[os.write(number, data) :]

    return write


def _checked(callback: Any) -> Callable[[bytes], None]:
    """What calls a program's callback for output: a number that it gives below zero is one
    of the system's errors, negated."""

    def write(data: bytes) -> None:
        try:
            given = callback(bytes(data))
        except Exception as error:
            print(f"failed custom output, required to catch exception: {error}", file=sys.stderr)
            raise Refused(Errno.IO) from error
        if isinstance(given, int) and given < 0:
            raise OSError(-given, "the callback's own error")

    return write
