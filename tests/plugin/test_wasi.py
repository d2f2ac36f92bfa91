"""WASI as plugins get it: group F of the conformance cases (contract 1.9), output to the log."""

from __future__ import annotations

import io
import struct
import time
from typing import Any

import pytest
from plugin_guests import BUMP, ECHO, Function, Import, constant, guest, memory_of, note, quick

from pywasmgk.errors import CallError
from pywasmgk.plugin import MemoryHost, Plugin

case = pytest.mark.case

#: all functions that the cases call, with their parameters
WASI = {
    "args_sizes_get": "i32 i32",
    "environ_sizes_get": "i32 i32",
    "fd_write": "i32 i32 i32 i32",
    "fd_read": "i32 i32 i32 i32",
    "fd_prestat_get": "i32 i32",
    "path_open": "i32 i32 i32 i32 i32 i64 i64 i32 i32",
    "clock_time_get": "i32 i64 i32",
    "random_get": "i32 i32",
    "proc_raise": "i32",
    "sock_shutdown": "i32 i32",
}


def calling(name: str, *args: int, size: int = 64, **parts: Any) -> tuple[int, bytes, Plugin]:
    """What a WASI function gives, and the memory at 512 afterwards."""
    kinds = WASI[name].split()
    lines = [f"{kind}.const {arg}" for kind, arg in zip(kinds, args)]
    call = ("i32.const 508", *lines, f"call ${name}", "i32.store 2+0", constant(508, size + 4))
    wanted = Import("wasi_snapshot_preview1", name, WASI[name], "i32")
    options = {key: parts.pop(key) for key in ("stdout", "stderr") if key in parts}
    plugin = quick(guest(imports=[wanted], call=call, **parts), **options)
    raw = plugin.call_raw("f")
    assert raw is not None
    return int(struct.unpack_from("<I", raw)[0]), raw[4:], plugin


@case("F01")
@pytest.mark.parametrize("name", ["args_sizes_get", "environ_sizes_get"])
def test_no_arguments_and_no_environment(name: str) -> None:
    errno, raw, _ = calling(name, 512, 516, datas=[data_at(512, b"\xff" * 8)])
    assert errno == 0 and raw[:8] == bytes(8)


def test_streams_are_no_sockets_and_no_descriptors_of_sockets_either() -> None:
    # programs hear notsock, which is what wasmtime says; plugins are promised badf
    assert calling("sock_shutdown", 1, 0)[0] == 8


def data_at(address: int, content: bytes) -> bytes:
    """A data segment."""
    from wasm_builder import code, name

    return b"\0" + code(f"i32.const {address}") + name(content)


#: two buffers: "hello " and "world\n"
BUFFERS = data_at(600, struct.pack("<4I", 616, 6, 622, 6) + b"hello world\n")


@case("F02")
@pytest.mark.parametrize("fd", [1, 2])
def test_output(fd: int) -> None:
    errno, raw, _ = calling("fd_write", fd, 600, 2, 512, datas=[BUFFERS])
    assert errno == 0 and struct.unpack_from("<I", raw) == (12,)
    sink = io.BytesIO()
    option = {1: "stdout", 2: "stderr"}[fd]
    calling("fd_write", fd, 600, 2, 512, datas=[BUFFERS], **{option: sink})
    assert sink.getvalue() == b"hello world\n"
    parts: list[bytes] = []
    calling("fd_write", fd, 600, 2, 512, datas=[BUFFERS], **{option: parts.append})
    assert b"".join(parts) == b"hello world\n"


@case("F03")
def test_input_is_at_its_end() -> None:
    errno, raw, _ = calling("fd_read", 0, 600, 2, 512, datas=[BUFFERS])
    assert errno == 0 and struct.unpack_from("<I", raw) == (0,)


@case("F04")
def test_no_file_system() -> None:
    assert calling("fd_prestat_get", 3, 512)[0] == 8
    assert calling("path_open", 3, 0, 600, 4, 0, 0, 0, 0, 512)[0] == 8


@case("F06", "W09")
def test_clocks() -> None:
    readings = []
    for _ in range(2):
        errno, raw, _ = calling("clock_time_get", 1, 1, 512)
        assert errno == 0
        readings.append(struct.unpack_from("<Q", raw)[0])
    assert readings[0] <= readings[1]
    errno, raw, _ = calling("clock_time_get", 0, 1, 512)
    assert errno == 0 and abs(struct.unpack_from("<Q", raw)[0] / 1e9 - time.time()) < 60
    assert calling("clock_time_get", 2, 1, 512)[0] == calling("clock_time_get", 3, 1, 512)[0] == 28


@case("F07", "W10")
def test_randomness() -> None:
    found = {calling("random_get", 512, 32, size=32)[1] for _ in range(2)}
    assert len(found) == 2 and bytes(32) not in found


@case("F08")
def test_signals() -> None:
    assert calling("proc_raise", 6)[0] == 52


@case("F09")
@pytest.mark.parametrize(
    ("name", "args"),
    [
        # the memory has 65536 bytes
        ("fd_write", (1, 65532, 1, 512)),
        ("fd_write", (1, -8, 1, 512)),
        ("fd_write", (1, 600, 1, 65533)),
        ("fd_write", (1, 640, 1, 512)),
        ("fd_read", (0, 65532, 1, 512)),
        ("fd_read", (0, 640, 1, 512)),
        ("clock_time_get", (0, 0, 65529)),
        ("random_get", (65530, 8)),
        ("random_get", (0, -1)),
        ("args_sizes_get", (65533, 512)),
        ("environ_sizes_get", (512, -1)),
    ],
)
def test_pointers_outside_of_memory(name: str, args: tuple[int, ...]) -> None:
    # one buffer that ends behind the memory
    outside = data_at(640, struct.pack("<2I", 65530, 10))
    errno, _, plugin = calling(name, *args, datas=[BUFFERS, outside])
    assert errno == 21
    assert not plugin.dirty and plugin.call_raw("f") is not None


@case("F11")
def test_a_module_as_tinygo_makes_it() -> None:
    # its imports, _start that returns, memory, and an allocator's own exports
    imports = [
        Import("wasi_snapshot_preview1", "fd_write", "i32 i32 i32 i32", "i32"),
        Import("wasi_snapshot_preview1", "clock_time_get", "i32 i64 i32", "i32"),
        Import("wasi_snapshot_preview1", "random_get", "i32 i32", "i32"),
        Import("wasi_snapshot_preview1", "args_get", "i32 i32", "i32"),
        Import("wasi_snapshot_preview1", "args_sizes_get", "i32 i32", "i32"),
        Import("wasi_snapshot_preview1", "proc_exit", "i32"),
        Import("gk", "host_call", "i32 i32 i32 i32", "i64"),
        Import("gk", "log", "i32 i32 i32"),
    ]
    start = (
        *("i32.const 512", "i32.const 8", "call $random_get", "drop"),
        *("i32.const 0", "i64.const 1", "i32.const 512", "call $clock_time_get", "drop"),
        *(
            "i32.const 512",
            "i32.const 516",
            "call $args_sizes_get",
            "drop",
            *note(9, "i32.const 1"),
        ),
    )
    functions = {
        "_start": Function("", "", start),
        "malloc": Function("i32", "i32", BUMP, "i32"),
        "free": Function("i32", "", ()),
    }
    plugin = quick(guest(imports=imports, functions=functions, pages=2, call=ECHO))
    assert plugin.call("hello", {"name": "Ada"}) == {"name": "Ada"}
    assert memory_of(plugin).pages == 2


# -- output in the host's log

#: writes its arguments to standard error, then traps if they are one byte
PRINT = (
    *("i32.const 600", "local.get 2", "i32.store 2+0", "i32.const 604", "local.get 3"),
    *("i32.store 2+0", "i32.const 2", "i32.const 600", "i32.const 1", "i32.const 512"),
    *("call $fd_write", "drop", "local.get 3", "i32.const 1", "i32.eq", "if _", "unreachable"),
    *("end", "i64.const 0"),
)
FD_WRITE = Import("wasi_snapshot_preview1", "fd_write", "i32 i32 i32 i32", "i32")


@case("W11")
def test_output_goes_to_the_log() -> None:
    host = MemoryHost()
    plugin = quick(guest(imports=[FD_WRITE], call=PRINT), stderr="log")
    plugin.call_raw("f", b"nobody listens yet\n")
    plugin.init(host)
    plugin.call_raw("f", b"one\ntw\xff\n\nrest")
    with pytest.raises(CallError):
        plugin.call_raw("f", b"!")
    plugin.call_raw("f", b"long " * 4_000)
    lines = [line.message for line in host.logs]
    assert lines[:5] == ["one", "tw\ufffd", "", "rest", "!"]
    assert "".join(lines[5:]) == "long " * 4_000
    assert {line.level for line in host.logs} == {"warn"}
    assert host.logs[0].fields == {"plugin": "x", "stream": "stderr"}


@case("W11", "W50")
def test_output_in_the_log_is_bounded() -> None:
    host = MemoryHost()
    plugin = quick(guest(imports=[FD_WRITE], call=PRINT), stderr="log", log_messages=3)
    plugin.init(host)
    plugin.call_raw("f", b"\n" * 1_000)
    assert [line.message for line in host.logs[:3]] == ["", "", ""]
    assert len(host.logs) == 4 and host.logs[3].message.startswith("log limit reached")


def test_a_sink_that_raises_ends_the_call() -> None:
    def full(data: bytes) -> None:
        raise RuntimeError("pipe is gone")

    plugin = quick(guest(imports=[FD_WRITE], call=PRINT), stderr=full)
    with pytest.raises(CallError, match=r"^gk_call failed: pipe is gone \(raised by the host\)$"):
        plugin.call_raw("f", b"abc")
