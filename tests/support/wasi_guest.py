"""A guest that passes calls on to WASI, on ours or on wasmtime, and a tree of files for it.

The module imports all 46 functions and exports each of them again, around a memory, so that a test
can call them one by one with whatever arguments, and look at the memory afterwards.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from wasm_builder import body, functype, limits, module, name

from pywasmgk.wasm.module import Module
from pywasmgk.wasm.runtime.instance import instantiate
from pywasmgk.wasm.wasi import Link, MemoryDirectory, WasiConfig
from pywasmgk.wasm.wasi.abi import Errno
from pywasmgk.wasm.wasi.functions import FUNCTIONS

try:
    import wasmtime
except ImportError:
    wasmtime = None  # type: ignore[assignment]

WASI = "wasi_snapshot_preview1"
PAGES = 4
ALL = (1 << 30) - 1
_KINDS = {"i": "i32", "I": "i64"}


def trampoline() -> bytes:
    """The module; its functions have the types of our table, which wasmtime's linker checks."""
    types, imports, bodies = [], [], []
    names = list(FUNCTIONS)
    for index, function in enumerate(names):
        letters = FUNCTIONS[function][0]
        params = " ".join(_KINDS[letter] for letter in letters)
        types.append(functype(params, "" if function == "proc_exit" else "i32"))
        imports.append(name(WASI) + name(function) + b"\0" + bytes([index]))
        bodies.append(body("", *(f"local.get {i}" for i in range(len(letters))), f"call {index}"))
    exports = [(function, 0, len(names) + index) for index, function in enumerate(names)]
    return module(
        types=types,
        imports=imports,
        functions=range(len(names)),
        memories=[limits(PAGES)],
        exports=[*exports, ("memory", 2, 0)],
        bodies=bodies,
    )


TRAMPOLINE = trampoline()
_module: list[Any] = []


class Guest:
    """Calls by name, with helpers that put paths and buffers into memory."""

    #: where helpers put things
    HEAP = 4096

    def __init__(self) -> None:
        self._top = self.HEAP

    def call(self, function: str, *args: int) -> int:
        """The error number that a function gives."""
        raise NotImplementedError

    def read(self, ptr: int, size: int) -> bytes:
        """Bytes of its memory."""
        raise NotImplementedError

    def write(self, ptr: int, data: bytes) -> None:
        """Puts bytes into its memory."""
        raise NotImplementedError

    # -- helpers: every one begins with a fresh heap

    def put(self, data: bytes | str) -> tuple[int, int]:
        """Puts data on the heap; gives pointer and size."""
        raw = data.encode() if isinstance(data, str) else data
        ptr = self._top
        self._top += len(raw) + 8 & ~7
        self.write(ptr, raw)
        return ptr, len(raw)

    def fresh(self) -> int:
        """Forgets the heap; gives a place for results below it."""
        self._top = self.HEAP
        return 64

    def number(self, ptr: int = 64, size: int = 4) -> int:
        """An unsigned integer in memory."""
        return int.from_bytes(self.read(ptr, size), "little")

    def open(
        self,
        path: str | bytes,
        oflags: int = 0,
        rights: int = 1 << 1,
        inheriting: int = ALL,
        fdflags: int = 0,
        lookup: int = 1,
        fd: int = 3,
    ) -> int:
        """path_open; the descriptor is found at 64."""
        out = self.fresh()
        where = self.put(path)
        return self.call("path_open", fd, lookup, *where, oflags, rights, inheriting, fdflags, out)

    def opened(self, path: str | bytes, *args: int, **more: int) -> int:
        """A descriptor for a path that can be opened."""
        errno = self.open(path, *args, **more)
        assert errno == 0, f"path_open {path!r} gave {errno}"
        return self.number()

    def at(self, function: str, path: str | bytes, fd: int = 3) -> int:
        """A function that takes a descriptor and a path."""
        self.fresh()
        return self.call(function, fd, *self.put(path))

    def stat(self, path: str | bytes, lookup: int = 1, fd: int = 3) -> int:
        """path_filestat_get; the record is found at 64."""
        out = self.fresh()
        return self.call("path_filestat_get", fd, lookup, *self.put(path), out)

    def readlink(self, path: str | bytes, most: int = 200, fd: int = 3) -> int:
        """path_readlink; the size is found at 64, the text at 128."""
        out = self.fresh()
        return self.call("path_readlink", fd, *self.put(path), 128, most, out)

    def symlink(self, target: str | bytes, path: str | bytes, fd: int = 3) -> int:
        """path_symlink."""
        self.fresh()
        return self.call("path_symlink", *self.put(target), fd, *self.put(path))

    def link(self, old: str, new: str, lookup: int = 0, fd: int = 3, to: int = 3) -> int:
        """path_link."""
        self.fresh()
        return self.call("path_link", fd, lookup, *self.put(old), to, *self.put(new))

    def rename(self, old: str, new: str, fd: int = 3, to: int = 3) -> int:
        """path_rename."""
        self.fresh()
        return self.call("path_rename", fd, *self.put(old), to, *self.put(new))

    def times(self, path: str, flags: int, atim: int = 0, mtim: int = 0, lookup: int = 1) -> int:
        """path_filestat_set_times."""
        self.fresh()
        where = self.put(path)
        return self.call("path_filestat_set_times", 3, lookup, *where, atim, mtim, flags)

    def vector(self, *sizes: int) -> tuple[int, int]:
        """A list of buffers one behind the other from 8192 on; pointer and count."""
        self.fresh()
        place, records = 8192, b""
        for size in sizes:
            records += struct.pack("<II", place, size)
            place += size
        return self.put(records)[0], len(sizes)

    def fd_read(self, fd: int, *sizes: int) -> int:
        """fd_read; the count is found at 64, the bytes at 8192."""
        return self.call("fd_read", fd, *self.vector(*sizes), 64)

    def fd_pread(self, fd: int, offset: int, *sizes: int) -> int:
        """fd_pread."""
        return self.call("fd_pread", fd, *self.vector(*sizes), offset, 64)

    def fd_write(self, fd: int, *parts: bytes) -> int:
        """fd_write; the count is found at 64."""
        self.write(8192, b"".join(parts))
        return self.call("fd_write", fd, *self.vector(*map(len, parts)), 64)

    def fd_pwrite(self, fd: int, offset: int, *parts: bytes) -> int:
        """fd_pwrite."""
        self.write(8192, b"".join(parts))
        return self.call("fd_pwrite", fd, *self.vector(*map(len, parts)), offset, 64)

    def readdir(self, fd: int, size: int = 4000, cookie: int = 0) -> int:
        """fd_readdir; the size is found at 64, the records at 8192."""
        return self.call("fd_readdir", fd, 8192, size, cookie, self.fresh())

    def names(self, fd: int) -> list[tuple[str, int]]:
        """Names and types in a directory, all of them."""
        assert self.readdir(fd) == 0
        data, found = self.read(8192, self.number()), []
        while data:
            _, _, size, kind = struct.unpack_from("<QQIB", data)
            found.append((data[24 : 24 + size].decode(), kind))
            data = data[24 + size :]
        return sorted(found)

    def text(self) -> bytes:
        """The bytes at 8192 that the last read has given."""
        return self.read(8192, self.number())

    def poll(self, *subscriptions: bytes) -> int:
        """poll_oneoff; the count is found at 64, the events at 8192."""
        self.fresh()
        where, _ = self.put(b"".join(subscriptions))
        return self.call("poll_oneoff", where, 8192, len(subscriptions), 64)


def clock_subscription(userdata: int, clock: int, timeout: int, flags: int = 0) -> bytes:
    """A subscription to a clock."""
    return struct.pack("<QB7xI4xQQH6x", userdata, 0, clock, timeout, 0, flags)


def fd_subscription(userdata: int, kind: int, fd: int) -> bytes:
    """A subscription to reading (1) or writing (2)."""
    return struct.pack("<QB7xI28x", userdata, kind, fd)


class Ours(Guest):
    """On our WASI."""

    def __init__(self, config: WasiConfig, **limits: Any) -> None:
        super().__init__()
        if not _module:
            _module.append(Module(TRAMPOLINE))
        self.instance = instantiate(_module[0], wasi=config, **limits)

    def call(self, function: str, *args: int) -> int:
        result: int = self.instance.exports[function](*args)
        return result

    def read(self, ptr: int, size: int) -> bytes:
        assert self.instance.memory is not None
        return self.instance.memory.read(ptr, size)

    def write(self, ptr: int, data: bytes) -> None:
        assert self.instance.memory is not None
        self.instance.memory.write(ptr, data)


class Wasmtime(Guest):
    """On wasmtime, with directories of the host as preopens."""

    _made: list[Any] = []

    def __init__(
        self,
        preopens: Sequence[tuple[str, Path, bool]] = (),
        args: Sequence[str] = (),
        env: Sequence[tuple[str, str]] = (),
        stdin: Path | None = None,
    ) -> None:
        super().__init__()
        if not self._made:
            engine = wasmtime.Engine()
            self._made += [engine, wasmtime.Module(engine, TRAMPOLINE)]
        engine, compiled = self._made
        self.store = wasmtime.Store(engine)
        config = wasmtime.WasiConfig()
        config.argv = list(args)
        config.env = list(env)
        if stdin is not None:
            config.stdin_file = str(stdin)
        for guest, path, writable in preopens:
            config.preopen_dir(str(path), guest, writable)
        self.store.set_wasi(config)
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        self.exports = linker.instantiate(self.store, compiled).exports(self.store)
        self.memory: Any = self.exports["memory"]

    def call(self, function: str, *args: int) -> int:
        signs = zip(FUNCTIONS[function][0], args)
        signed = [_signed(arg, 32 if letter == "i" else 64) for letter, arg in signs]
        result: int = self.exports[function](self.store, *signed)
        return result

    def read(self, ptr: int, size: int) -> bytes:
        return bytes(self.memory.read(self.store, ptr, ptr + size))

    def write(self, ptr: int, data: bytes) -> None:
        self.memory.write(self.store, data, ptr)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def errno_name(act: Callable[[], int]) -> str:
    """The name of the error number that calls end with; "traps" where wasmtime traps instead."""
    traps: tuple[type[Exception], ...] = (wasmtime.WasmtimeError,) if wasmtime else ()
    try:
        return Errno(act()).name
    except traps:
        return "traps"


#: what is in the tree that tests work on; ``Link`` for symbolic links
TREE: dict[str, Any] = {
    "file": "hello world\n",
    "empty": "",
    "dir": {"inner": "inside", "sub": {"deep": "deep down"}, "to_file": Link("../file")},
    "void": {},
    "link": Link("file"),
    "dirlink": Link("dir"),
    "chain": Link("dirlink/to_file"),
    "loop": Link("loop"),
    "dangling": Link("nowhere"),
    "slashed": Link("dir/"),
    "fileslash": Link("file/"),
    "up": Link(".."),
    "out": Link("../outside/secret"),
    "deepout": Link("dir/../../outside/secret"),
    "abs": Link("/etc"),
}
SECRET = "the secret outside"


def make_tree(root: Path, tree: dict[str, Any] = TREE) -> None:
    """The tree as files of the host."""
    root.mkdir(parents=True, exist_ok=True)
    for name_, item in tree.items():
        path = root / name_
        if isinstance(item, dict):
            make_tree(path, item)
        elif isinstance(item, Link):
            os.symlink(item.target, path)
        else:
            path.write_text(item, newline="")


def make_host_tree(base: Path) -> Path:
    """The tree in ``base/root``, with something secret beside it."""
    make_tree(base / "root")
    (base / "outside").mkdir()
    (base / "outside" / "secret").write_text(SECRET)
    return base / "root"


def memory_tree(writable: bool = True) -> MemoryDirectory:
    """The same tree in memory."""
    return MemoryDirectory(TREE, writable)


def with_root(directory: Any, **options: Any) -> WasiConfig:
    """A configuration whose descriptor 3 is a directory."""
    return replace(WasiConfig(preopens={"/": directory}), **options)


class Ran(NamedTuple):
    """How a command ended on wasmtime."""

    exit_code: int
    stdout: bytes
    stderr: bytes


def run_on_wasmtime(
    module_: Path, args: Sequence[str], stdin: bytes, root: Path | None, folder: Path
) -> Ran:
    """Runs a command on wasmtime, with a directory as ``/`` and the streams as files."""
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    config = wasmtime.WasiConfig()
    config.argv = [module_.name, *args]
    (folder / "stdin").write_bytes(stdin)
    config.stdin_file = str(folder / "stdin")
    config.stdout_file, config.stderr_file = str(folder / "stdout"), str(folder / "stderr")
    if root is not None:
        config.preopen_dir(str(root), "/", True)
    store.set_wasi(config)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    instance = linker.instantiate(store, wasmtime.Module.from_file(engine, str(module_)))
    code = 0
    try:
        instance.exports(store)["_start"](store)
    except wasmtime.ExitTrap as error:
        code = error.code
    del instance, linker, store
    return Ran(code, (folder / "stdout").read_bytes(), (folder / "stderr").read_bytes())
