"""Programs of five toolchains, on ours and on wasmtime."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import Any

import pytest
from processor import HANGS
from wasi_guest import SECRET, make_host_tree, memory_tree, run_on_wasmtime, wasmtime

from pywasmgk import (
    CompletedRun,
    DeadlineExceeded,
    Exit,
    HostDirectory,
    LinkError,
    MemoryDirectory,
    Module,
    OutOfFuel,
    OverlayDirectory,
    Quotas,
    Trap,
    WasiConfig,
    run_wasi,
)
from pywasmgk.wasm.wasi.host import supported

GUESTS = Path(__file__).parents[2] / "guests" / "wasi"
JSON = b'{"a": [1, 2.5e3, {"b": null, "c": []}], "d": "x\\"y\\u00e9", "e": {}}'
WALK = b"north\ntake lamp\nsouth\ndown\ndig\n"
#: file, arguments, standard input, exit code; the tree of wasi_guest is the root
RUNS: list[tuple[str, list[str], bytes, int]] = [
    ("tools.wasm", ["cat"], b"one\ntwo\n", 0),
    ("tools.wasm", ["cat", "file", "dir/inner", "/chain"], b"", 0),
    ("tools.wasm", ["cat", "nope", "out", "file"], b"", 1),
    ("tools.wasm", ["sort"], b"pear\napple\nfig\n" * 50, 0),
    ("tools.wasm", ["sort", "-r", "-o", "sorted"], b"b\na\nc\n", 0),
    ("tools.wasm", ["find", ".", "e"], b"", 0),
    ("tools.wasm", ["find", "nope"], b"", 1),
    ("tools.wasm", ["walk", "dir"], b"", 0),
    ("tools.wasm", ["json"], JSON, 0),
    ("tools.wasm", ["json"], b'{"a" 1}', 2),
    ("tools.wasm", ["adventure"], WALK, 0),
    ("tools.wasm", ["adventure"], b"north\neat lamp\n", 3),
    ("tools.wasm", ["sleep", "5"], b"", 0),
    ("tools.wasm", ["many", "200"], b"", 0),
    ("tools.wasm", ["write", "new", "text"], b"", 0),
    ("tools.wasm", ["exit", "77"], b"", 77),
    ("tools.wasm", [], b"", 64),
    ("count.wasm", [], b"some words\n here\n", 0),
    ("count.wasm", ["file", "dir/inner"], b"", 0),
    ("count.wasm", ["nope"], b"", 1),
    ("words.wasm", [], b"b a c b A\n", 0),
    ("words.wasm", ["/dir", "/report"], b"", 0),
    ("words.wasm", ["/nope"], b"", 4),
    ("shout.wasm", ["> "], "über\nline two\n".encode(), 0),
    ("go/walk.wasm", ["/dir"], b"", 0),
]

needs_host = pytest.mark.skipif(not supported(), reason="no calls relative to a directory here")


@functools.cache
def program(name: str) -> Module:
    # Go's 2 MB are validated as far as they run; tests of plugins validate such a module whole
    return Module.from_file(GUESTS / name, validate="lazy" if name.startswith("go") else "eager")


def tools(*args: str, files: Any = None, **options: Any) -> CompletedRun:
    preopens = {} if files is None else {"/": files}
    return run_wasi(program("tools.wasm"), args, preopens=preopens, **options)


def outcome(done: CompletedRun) -> tuple[int, bytes, bytes]:
    return done.exit_code, done.stdout, done.stderr


def run_id(run: tuple[str, list[str], bytes, int]) -> str:
    return " ".join([run[0], *run[1]])


@needs_host
@pytest.mark.parametrize("run", RUNS, ids=run_id)
def test_a_program_does_on_the_host_and_in_memory_what_it_does_on_wasmtime(
    run: tuple[str, list[str], bytes, int], tmp_path: Path
) -> None:
    name, args, stdin, code = run
    root = make_host_tree(tmp_path)
    spare = shutil.copytree(root, tmp_path / "spare" / "root", symlinks=True)
    host = HostDirectory(root, writable=True)
    done = run_wasi(program(name), args, stdin=stdin, preopens={"/": host})
    assert done.exit_code == code
    tree = memory_tree()
    in_memory = run_wasi(program(name), args, stdin=stdin, preopens={"/": tree})
    assert outcome(in_memory) == outcome(done)
    assert tree.files() == MemoryDirectory.of_host(root).files()
    if wasmtime is not None:
        reference = run_on_wasmtime(GUESTS / name, args, stdin, spare, tmp_path)
        assert outcome(done) == reference
        assert MemoryDirectory.of_host(spare).files() == tree.files()


def test_an_adventure_is_played() -> None:
    done = tools("adventure", stdin=WALK)
    assert done.stdout.endswith(b"you find the treasure, after 5 turns.\n")


def test_go_copies_the_longest_file_within_the_limits_of_a_plugin() -> None:
    files = MemoryDirectory({"a": "short", "b": {"c": "the longest of them\n"}})
    done = run_wasi(
        program("go/walk.wasm"),
        ["/"],
        preopens={"/": files},
        env={"COPY": "/copy"},
        memory_limit=256,
        timeout=HANGS,
        fuel=1_000_000_000,
    )
    assert (done.exit_code, done.stderr) == (0, b"")
    assert done.stdout == b'/a 5 "short"\n/b/c 20 "the longest of them\\n"\n'
    assert files.read("copy") == b"the longest of them\n"


def test_ten_thousand_files_are_opened_at_once_in_memory() -> None:
    files = MemoryDirectory()
    config = WasiConfig(quotas=Quotas(open_files=10_100))
    done = tools("many", "10000", files=files, config=config)
    assert (done.exit_code, done.stdout) == (0, b"10000 opened\n")
    assert len(files.files()) == 10_000


def test_the_quota_of_open_files_is_an_error_of_the_guests() -> None:
    done = tools("many", "50", files=MemoryDirectory(), config=WasiConfig(quotas=Quotas(20)))
    assert done.exit_code == 1
    assert done.stdout == b"16 opened, then: No file descriptors available\n"


def test_a_sleeper_is_woken_by_the_deadline() -> None:
    with pytest.raises(DeadlineExceeded):
        tools("sleep", "60000", timeout=0.05)


def test_fuel_stops_a_program() -> None:
    with pytest.raises(OutOfFuel):
        tools("find", ".", files=memory_tree(), fuel=1_000)


def test_abort_is_a_trap() -> None:
    with pytest.raises(Trap):
        tools("abort")


def test_environment_and_completed_run() -> None:
    done = tools("env", env={"LANG": "en", "X": "é"})
    assert done.stdout.decode() == "LANG=en\nX=é\n"
    assert done.fuel > 1_000 and done.pages == 4 and 0 < done.seconds < 10
    assert done.check() is done
    with pytest.raises(Exit) as caught:
        tools("exit", "9").check()
    assert caught.value.code == 9


def test_a_module_without_start_is_no_command() -> None:
    with pytest.raises(LinkError, match="_start"):
        run_wasi(b"\0asm\1\0\0\0")


def test_a_module_is_taken_as_path_too() -> None:
    assert run_wasi(GUESTS / "tools.wasm", ["exit", "3"]).exit_code == 3
    assert run_wasi(str(GUESTS / "tools.wasm"), ["exit", "3"]).exit_code == 3


#: every way out that a path can name, tried in eighteen ways each by the C library
WAYS_OUT = [
    *("..", "../outside", "../outside/secret", "../../etc/passwd", "dir/../../outside/secret"),
    # the links as such may be renamed and so on; what is behind them may not
    *("up/", "up/outside/secret", "out/", "deepout/", "abs/", "abs/passwd"),
    *("./../outside", ".//..//outside", "dir/sub/../../../outside", "dirlink/../../outside/secret"),
    *("/../outside/secret", "/proc/self/root/etc/passwd", "/etc/passwd", "/dev/null", "/dev/zero"),
]


@needs_host
@pytest.mark.parametrize("kind", ["host", "overlay", "memory"])
def test_no_way_out_by_the_c_library(kind: str, tmp_path: Path) -> None:
    root = make_host_tree(tmp_path)
    outside = sorted(tmp_path.rglob("*"))
    directory: Any = {
        "host": HostDirectory(root, writable=True),
        "overlay": OverlayDirectory(HostDirectory(root)),
        "memory": memory_tree(),
    }[kind]
    done = tools("escape", *WAYS_OUT, files=directory)
    assert done.stdout.decode() == f"{len(WAYS_OUT)} paths, 0 escapes\n"
    assert (tmp_path / "outside" / "secret").read_text() == SECRET
    after = {path for path in tmp_path.rglob("*") if root not in path.parents}
    assert after == {path for path in outside if root not in path.parents}
