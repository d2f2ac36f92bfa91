"""Standard streams, clocks and randomness: where they come from and go to; what plugins see."""

from __future__ import annotations

import io
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
from wasi_guest import Ours, clock_subscription, fd_subscription, memory_tree, with_root

from pywasmgk import Clocks, Exit, Quotas, WasiConfig
from pywasmgk.wasm.wasi.abi import Errno as E
from pywasmgk.wasm.wasi.abi import Rights as R
from pywasmgk.wasm.wasi.functions import FUNCTIONS


def read_all(source: Any, size: int = 4) -> bytes:
    guest, found = Ours(WasiConfig(stdin=source)), b""
    while True:
        assert guest.fd_read(0, size) == 0
        if not guest.number():
            return found
        found += guest.text()


def chunks(*parts: bytes) -> Any:
    waiting = list(parts)
    return lambda size: waiting.pop(0) if waiting else b""


@pytest.mark.parametrize(
    "source",
    [
        b"some input",
        "some input",
        bytearray(b"some input"),
        io.BytesIO(b"some input"),
        io.StringIO("some input"),
        io.TextIOWrapper(io.BytesIO(b"some input")),
        io.BufferedReader(io.BytesIO(b"some input")),
        chunks(b"some", b" ", b"input"),
    ],
    ids=lambda source: type(source).__name__,
)
def test_input_comes_from(source: Any) -> None:
    assert read_all(source) == b"some input"


def test_input_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "input"
    path.write_bytes(b"x" * 200_000)
    with path.open("rb") as file:
        assert read_all(file, 4096) == b"x" * 200_000
    with path.open() as text:
        assert read_all(text, 4096) == b"x" * 200_000


def test_no_input_is_at_its_end() -> None:
    assert read_all(None) == b""


def test_what_is_no_input() -> None:
    with pytest.raises(TypeError, match="stdin"):
        Ours(WasiConfig(stdin=3))  # type: ignore[arg-type]


class Notebook:
    """A text stream as notebooks have it: no buffer, and no base class of io's."""

    encoding = "UTF-8"

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_output_goes_to() -> None:
    binary, text, notebook, parts = io.BytesIO(), io.StringIO(), Notebook(), []
    wrapped = io.TextIOWrapper(io.BytesIO())
    for sink in (binary, text, notebook, parts.append, wrapped, None):
        guest = Ours(WasiConfig(stdout=sink, stderr=sink))  # type: ignore[arg-type]
        for fd, data in ((1, b"h\xc3"), (1, b"\xa4"), (2, b"!")):
            assert guest.fd_write(fd, data) == 0
            assert guest.number() == len(data)
    assert binary.getvalue() == wrapped.buffer.getvalue() == "hä!".encode()  # type: ignore[attr-defined]
    assert text.getvalue() == notebook.text == "hä!"
    assert b"".join(parts) == "hä!".encode()


def test_a_raw_file_that_takes_a_part() -> None:
    class Raw(io.RawIOBase):
        data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += bytes(data[:3])
            return min(len(data), 3)

    raw = Raw()
    assert Ours(WasiConfig(stdout=raw)).fd_write(1, b"more than three") == 0
    assert raw.data == b"more than three"


@pytest.mark.parametrize(
    ("error", "errno"),
    [(BrokenPipeError(32, ""), E.PIPE), (BlockingIOError(11, ""), E.AGAIN), (OSError(), E.IO)],
)
def test_errors_of_a_stream_are_the_guests(error: OSError, errno: E) -> None:
    def broken(data: bytes) -> None:
        raise error

    assert Ours(WasiConfig(stdout=broken)).fd_write(1, b"x") == errno


def test_other_exceptions_of_a_stream_pass_through() -> None:
    def broken(data: bytes) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        Ours(WasiConfig(stdout=broken)).fd_write(1, b"x")


def test_quota_of_output() -> None:
    guest = Ours(WasiConfig(quotas=Quotas(output=10)))
    assert guest.fd_write(1, b"x" * 10) == 0
    assert guest.fd_write(1, b"x") == E.NOSPC
    assert guest.fd_write(2, b"x") == 0


# -- clocks and randomness


def test_real_clocks() -> None:
    guest = Ours(WasiConfig())
    assert guest.call("clock_time_get", 0, 0, 64) == 0
    assert abs(guest.number(64, 8) - time.time_ns()) < 60 * 10**9
    assert guest.call("clock_time_get", 1, 0, 64) == 0
    first = guest.number(64, 8)
    assert guest.poll(clock_subscription(1, 1, 3_000_000)) == 0
    assert guest.call("clock_time_get", 1, 0, 64) == 0
    assert guest.number(64, 8) - first >= 3_000_000


def test_an_alarm_at_a_time_of_the_clock() -> None:
    guest = Ours(WasiConfig())
    until = time.monotonic_ns() + 3_000_000
    assert guest.poll(clock_subscription(1, 1, until, 1)) == 0
    assert time.monotonic_ns() >= until
    # one that has passed is due at once
    assert guest.poll(clock_subscription(9, 1, 1, 1), clock_subscription(8, 1, 10**15)) == 0
    assert (guest.number(), guest.number(8192, 8)) == (1, 9)


def deterministic_run() -> list[object]:
    guest = Ours(with_root(memory_tree(), **_fields(WasiConfig.deterministic(seed=7))))
    found: list[object] = []
    began = time.monotonic()
    for clock in (0, 1, 0, 1):
        assert guest.call("clock_time_get", clock, 0, 64) == 0
        found.append(guest.number(64, 8))
    assert guest.poll(clock_subscription(1, 1, 3_600_000_000_000)) == 0
    assert guest.call("clock_time_get", 1, 0, 64) == 0
    found.append(guest.number(64, 8))
    assert guest.call("random_get", 64, 16) == 0
    found.append(guest.read(64, 16))
    guest.opened("new", 1, 64)
    assert guest.stat("new") == 0
    found.append(guest.number(112, 8))
    assert time.monotonic() - began < 60
    return found


def _fields(config: WasiConfig) -> dict[str, Any]:
    return {"clocks": config.clocks, "random": config.random}


def test_a_deterministic_world_is_the_same_twice_and_sleeps_no_real_time() -> None:
    first = deterministic_run()
    assert first == deterministic_run()
    start = 1_640_995_200_000_000_000
    assert first[:4] == [start, 1_000_000, start + 2_000_000, 3_000_000]
    assert first[4] == 3_600_005_000_000
    assert first[5] == random.Random(7).randbytes(16)


def test_injected_clocks_and_randomness() -> None:
    clocks = Clocks(realtime=lambda: 5, monotonic=lambda: 6, resolution=7)
    guest = Ours(WasiConfig(clocks=clocks, random=lambda size: b"r" * size))
    for clock, value in ((0, 5), (1, 6)):
        assert guest.call("clock_time_get", clock, 0, 64) == 0
        assert guest.number(64, 8) == value
        assert guest.call("clock_res_get", clock, 64) == 0
        assert guest.number(64, 8) == 7
    assert guest.call("random_get", 64, 3_000) == 0
    assert guest.read(64, 3_000) == b"r" * 3_000


def test_randomness_differs() -> None:
    guest = Ours(WasiConfig())
    guest.call("random_get", 64, 32)
    first = guest.read(64, 32)
    guest.call("random_get", 64, 32)
    assert first != guest.read(64, 32)


def test_poll_tells_how_much_of_a_file_is_left() -> None:
    guest = Ours(with_root(memory_tree()))
    fd = guest.opened("file")
    guest.fd_read(fd, 5)
    assert guest.poll(fd_subscription(3, 1, fd)) == 0
    assert guest.read(8192, 32) == (3).to_bytes(8, "little") + b"\0\0\1" + bytes(5) + (7).to_bytes(
        8, "little"
    ) + bytes(8)


def test_poll_gives_an_error_for_what_cannot_be_waited_for() -> None:
    guest = Ours(WasiConfig())
    assert guest.poll(fd_subscription(3, 1, 99), clock_subscription(4, 9, 1)) == 0
    assert guest.number() == 2
    assert guest.read(8192 + 8, 3) == bytes([E.BADF, 0, 1])
    assert guest.read(8192 + 32 + 8, 3) == bytes([E.INVAL, 0, 0])


def test_exit() -> None:
    for code in (0, 1, 255, 0xFFFFFFFF):
        with pytest.raises(Exit) as caught:
            Ours(WasiConfig()).call("proc_exit", code)
        assert caught.value.code == code


def test_arguments_must_not_contain_nul() -> None:
    for config in (WasiConfig(args=["a\0b"]), WasiConfig(env={"A": "\0"})):
        with pytest.raises(ValueError, match="NUL"):
            Ours(config)


# -- the plugin contract, 1.9: what a plugin sees, which is given no files

CONTRACT: dict[str, tuple[int, tuple[int, ...]]] = {
    "args_sizes_get": (0, (64, 68)),
    "environ_sizes_get": (0, (64, 68)),
    "clock_time_get": (0, (1, 0, 64)),
    "sched_yield": (0, ()),
    "proc_raise": (52, (6,)),
    "fd_prestat_get": (8, (3, 64)),
    "fd_prestat_dir_name": (8, (3, 64, 10)),
    "fd_readdir": (8, (3, 64, 10, 0, 72)),
    "path_open": (8, (3, 0, 64, 1, 0, 0, 0, 0, 72)),
    "path_filestat_get": (8, (3, 0, 64, 1, 128)),
    "path_create_directory": (8, (3, 64, 1)),
    "path_unlink_file": (8, (3, 64, 1)),
    "sock_accept": (8, (3, 0, 64)),
    "sock_recv": (8, (0, 64, 1, 0, 72, 80)),
    "sock_send": (8, (1, 64, 1, 0, 72)),
    "sock_shutdown": (8, (2, 0)),
}


@pytest.mark.parametrize("function", CONTRACT)
def test_what_plugins_are_promised(function: str) -> None:
    errno, args = CONTRACT[function]
    guest = Ours(WasiConfig(stream_socket=E.BADF))
    guest.write(64, bytes([128, 0, 0, 0, 1, 0, 0, 0]))
    assert guest.call(function, *args) == errno


def test_a_plugin_has_no_arguments_no_input_and_no_processor_clocks() -> None:
    guest = Ours(WasiConfig())
    for what in ("args", "environ"):
        assert guest.call(f"{what}_sizes_get", 64, 68) == 0
        assert guest.read(64, 8) == bytes(8)
    assert guest.fd_read(0, 10) == 0 and guest.number() == 0
    for clock in (2, 3):
        assert guest.call("clock_time_get", clock, 0, 64) == 28
    for fd in range(3):
        for function, (letters, _) in FUNCTIONS.items():
            if function.startswith("path_") and letters[0] == "i":
                assert guest.call(function, *([fd] + [0] * (len(letters) - 1))) in (8, 28)


def test_environment_of_the_host_is_not_passed_on() -> None:
    os.environ["PYWASMGK_TEST"] = "secret"
    guest = Ours(WasiConfig())
    assert guest.call("environ_sizes_get", 64, 68) == 0
    assert guest.number() == 0


# -- streams are what they are

UNKNOWN, CHARACTER_DEVICE, REGULAR_FILE = 0, 2, 4
SEEK, TELL = R.FD_SEEK, R.FD_TELL


def kind_and_rights(guest: Ours, fd: int) -> tuple[int, int]:
    assert guest.call("fd_fdstat_get", fd, 64) == 0
    assert guest.call("fd_filestat_get", fd, 128) == 0
    kind = guest.read(64, 1)[0]
    assert guest.read(128 + 16, 1)[0] == kind, "both records say the same"
    return kind, int.from_bytes(guest.read(64 + 8, 8), "little")


def test_what_is_captured_or_piped_is_no_terminal() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb") as stdout:
        for config in (
            WasiConfig(),
            WasiConfig(stdin=b"text", stdout=bytearray().extend, stderr=io.BytesIO()),
            WasiConfig(stdin=stdin, stdout=stdout),
        ):
            guest = Ours(config)
            for fd in range(3):
                kind, rights = kind_and_rights(guest, fd)
                assert (kind, rights & (SEEK | TELL)) == (UNKNOWN, 0)
                assert guest.call("fd_seek", fd, 0, 0, 64) == E.SPIPE
                assert guest.call("fd_tell", fd, 64) == E.SPIPE


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this platform has no pseudo-terminals")
def test_a_terminal_is_a_character_device() -> None:
    ours, theirs = os.openpty()
    try:
        with open(theirs, "wb", buffering=0, closefd=False) as terminal:
            guest = Ours(WasiConfig(stdout=terminal))
            kind, rights = kind_and_rights(guest, 1)
            assert (kind, rights & (SEEK | TELL)) == (CHARACTER_DEVICE, 0)
            assert kind_and_rights(guest, 2)[0] == UNKNOWN
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_file_can_be_sought_in(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(b"0123456789")
    with source.open("rb") as stdin, target.open("wb") as stdout:
        guest = Ours(WasiConfig(stdin=stdin, stdout=stdout))
        for fd in (0, 1):
            kind, rights = kind_and_rights(guest, fd)
            assert (kind, rights & (SEEK | TELL)) == (REGULAR_FILE, SEEK | TELL)
        assert guest.fd_read(0, 4) == 0 and guest.text() == b"0123"
        assert guest.call("fd_tell", 0, 64) == 0 and guest.number() == 4
        assert guest.call("fd_seek", 0, 2, 1, 64) == 0 and guest.number() == 6
        assert guest.fd_read(0, 10) == 0 and guest.text() == b"6789"
        assert guest.call("fd_seek", 0, (1 << 64) - 20, 2, 64) == E.INVAL
        assert guest.fd_write(1, b"abcdef") == 0
        assert guest.call("fd_seek", 1, 1, 0, 64) == 0
        assert guest.fd_write(1, b"X") == 0
    assert target.read_bytes() == b"aXcdef"
