"""Hosts that compilers' modules expect, as far as the programs here need them."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

from .engines import Guest

__all__ = ["BindgenHeap", "Exited", "Longjmp", "emscripten_invokes", "nothing", "wasi"]

Functions = Mapping[str, Callable[..., Any]]
#: WASI's errors: no such descriptor, no such function, not to be sought in
BADF, NOSYS, SPIPE = 8, 52, 70


class Exited(Exception):
    """The guest called ``proc_exit``; the first argument is the code."""


class Longjmp(Exception):
    """The guest jumps to an earlier ``setjmp``."""


def nothing(*args: Any) -> None:
    """A function that does nothing."""


class _Answers(dict[str, Callable[..., Any]]):
    """Functions by name; those that are missing give the same answer whatever they are asked."""

    def __init__(self, functions: Functions, names: tuple[str, ...], answer: int) -> None:
        super().__init__({name: lambda *args: answer for name in names})
        self.update(functions)


#: WASI functions that no program here depends on
_UNUSED = tuple(
    "environ_get fd_fdstat_set_flags fd_prestat_dir_name "
    "fd_readdir fd_sync fd_advise fd_allocate fd_datasync fd_pread fd_pwrite fd_tell "
    "fd_fdstat_set_rights fd_filestat_set_size fd_filestat_set_times fd_renumber path_link "
    "path_create_directory path_filestat_get path_filestat_set_times path_open path_readlink "
    "path_remove_directory path_rename path_symlink path_unlink_file poll_oneoff sched_yield "
    "sock_accept sock_recv sock_send sock_shutdown".split()
)


def wasi(
    guest: Guest, output: bytearray, arguments: tuple[str, ...] = (), stdin: bytes = b""
) -> Functions:
    """WASI with arguments, an input and an output, a clock that stands still, and no files."""
    words = [word.encode() + b"\0" for word in arguments]
    unread = bytearray(stdin)

    def no_environment(count: int, size: int) -> int:
        guest.set_u32(count, 0)
        guest.set_u32(size, 0)
        return 0

    def arguments_sizes(count: int, size: int) -> int:
        guest.set_u32(count, len(words))
        guest.set_u32(size, sum(map(len, words)))
        return 0

    def arguments_get(pointers: int, buffer: int) -> int:
        for number, word in enumerate(words):
            guest.set_u32(pointers + 4 * number, buffer)
            guest.write(buffer, word)
            buffer += len(word)
        return 0

    def read(fd: int, vectors: int, count: int, size: int) -> int:
        total = 0
        for number in range(count):
            address, room = struct.unpack("<II", guest.read(vectors + 8 * number, 8))
            part = bytes(unread[:room])
            del unread[:room]
            guest.write(address, part)
            total += len(part)
        guest.set_u32(size, total)
        return 0

    def write(fd: int, vectors: int, count: int, written: int) -> int:
        total = 0
        for number in range(count):
            address, size = struct.unpack("<II", guest.read(vectors + 8 * number, 8))
            output.extend(guest.read(address, size))
            total += size
        guest.set_u32(written, total)
        return 0

    def clock(_: int, precision: int, address: int) -> int:
        guest.write(address, (1_000_000_000_000_000_000).to_bytes(8, "little"))
        return 0

    def random(address: int, size: int) -> int:
        guest.write(address, bytes(number * 37 & 255 for number in range(size)))
        return 0

    def status(fd: int, address: int) -> int:
        if fd > 2:
            return BADF
        guest.write(address, struct.pack("<BxHxxxxQQ", 2, 0, 1 << 6, 0))
        return 0

    def kind(fd: int, address: int) -> int:
        guest.write(address, struct.pack("<QQBxxxxxxxQQQQQ", 0, 0, 2, 1, 0, 0, 0, 0))
        return 0

    def leave(code: int) -> None:
        raise Exited(code)

    functions = {
        "args_get": arguments_get,
        "args_sizes_get": arguments_sizes,
        "environ_sizes_get": no_environment,
        "fd_write": write,
        "clock_time_get": clock,
        "clock_res_get": clock,
        "random_get": random,
        "fd_fdstat_get": status,
        "fd_filestat_get": kind,
        "fd_seek": lambda fd, offset, whence, address: SPIPE,
        "fd_prestat_get": lambda fd, address: BADF,
        "fd_close": lambda fd: 0,
        "fd_read": read,
        "proc_exit": leave,
    }
    return _Answers(functions, _UNUSED, NOSYS)


def emscripten_invokes(guest: Guest, names: tuple[str, ...], save: str, restore: str) -> Functions:
    """``invoke_*``: calls through the table that a ``longjmp`` may leave."""

    def invoke(index: int, *args: Any) -> Any:
        stack = guest.call(save)
        try:
            return guest.element(index)(*args)
        except Longjmp:
            guest.call(restore, stack)
            guest.call("setThrew", 1, 0)
            return 0

    def invoke_void(index: int, *args: Any) -> None:
        invoke(index, *args)

    def jump() -> None:
        raise Longjmp

    chosen = {name: invoke_void if name.startswith("invoke_v") else invoke for name in names}
    return {**chosen, "_emscripten_throw_longjmp": jump}


class BindgenHeap:
    """wasm-bindgen's objects by number, with strings, numbers and plain objects."""

    def __init__(self, guest: Guest, malloc: str) -> None:
        self.guest = guest
        self.malloc = malloc
        self.objects: dict[int, Any] = {}
        # numbers up to 131 stand for undefined, null, true and false, of which none is used here
        self.next = 131

    def keep(self, value: Any) -> int:
        """A number for an object."""
        self.next += 1
        self.objects[self.next] = value
        return self.next

    def take(self, number: int) -> Any:
        """An object whose number is given back; ``None`` for undefined."""
        return self.objects.pop(number, None)

    def passed(self, text: bytes) -> tuple[int, int]:
        """Address and size of bytes in the guest's own memory."""
        address = self.guest.call(self.malloc, len(text), 1)
        self.guest.write(address, text)
        return address, len(text)

    def functions(self) -> Functions:
        """Imports by the names that do not change from build to build, up to their hashes."""
        guest, objects = self.guest, self.objects

        def put(number: int, key: int, value: int) -> None:
            objects[number][self.take(key)] = self.take(value)

        def get_text(target: int, number: int) -> None:
            value = objects.get(number)
            place = self.passed(value.encode()) if isinstance(value, str) else (0, 0)
            guest.write(target, struct.pack("<II", place[0] & 0xFFFFFFFF, place[1]))

        def throw(address: int, size: int) -> None:
            raise RuntimeError(guest.read(address, size).decode())

        return {
            "__wbindgen_object_drop_ref": lambda number: nothing(self.take(number)),
            "__wbindgen_object_clone_ref": lambda number: self.keep(objects.get(number)),
            "__wbindgen_is_undefined": lambda number: int(objects.get(number) is None),
            "__wbindgen_string_get": get_text,
            "__wbindgen_error_new": lambda a, n: self.keep(guest.read(a, n).decode()),
            "__wbindgen_string_new": lambda a, n: self.keep(guest.read(a, n).decode()),
            "__wbindgen_number_new": self.keep,
            "__wbindgen_bigint_from_u64": lambda value: self.keep(value & (1 << 64) - 1),
            "__wbindgen_debug_string": get_text,
            "__wbindgen_throw": throw,
            "new": lambda: self.keep({}),
            "set": put,
            "stringify": lambda number: self.keep(json.dumps(objects.get(number))),
        }
