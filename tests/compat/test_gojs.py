"""Programs that Go built for JavaScript."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pywasmgk
from pywasmgk.compat import gojs
from pywasmgk.compat.js.objects import JSError

GUESTS = Path(__file__).parent / "guests"
MODULE = pywasmgk.Module.from_file(GUESTS / "gojs.wat")


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_a_program_runs_to_its_end(engine: str) -> None:
    assert gojs.run(MODULE, ["words"], engine=engine) == (2, b"words", b"")
    done = gojs.run(MODULE, ["write", "b"], env={"A": "1"}, engine=engine)
    assert done.code == 3 and done.stdout == b"write"
    assert gojs.run(MODULE, ["error"], engine=engine).code == 0


def test_timers_come_when_they_are_due() -> None:
    slept: list[int] = []
    clocks = pywasmgk.Clocks(monotonic=lambda: 0, sleep=slept.append)
    done = gojs.run(MODULE, ["timer"], wasi=pywasmgk.WasiConfig(clocks=clocks))
    assert done.code == 7 and slept == [30_000_000]
    with pytest.raises(pywasmgk.DeadlineExceeded):
        gojs.run(MODULE, ["timer"], timeout=0.01)


def test_functions_are_offered() -> None:
    go = gojs.load(MODULE)
    before = len(go.references.values)
    assert [go.twice(number) for number in (1, 2.5, -3)] == [2, 5, -6]
    assert len(go.references.values) == before
    assert go.call("twice", 4) == 8
    with pytest.raises(AttributeError, match="'thrice'"):
        go.thrice  # noqa: B018
    with pytest.raises(AttributeError, match="no such function"):
        go.call("thrice")


def test_limits_hold() -> None:
    assert gojs.run(MODULE, ["keep"], quota=1 << 23).code == 9
    with pytest.raises(pywasmgk.OutOfFuel):
        gojs.run(MODULE, ["loop"], fuel=10_000)
    with pytest.raises(JSError, match="outside the memory"):
        gojs.run(MODULE, ["outside"])
    with pytest.raises(ValueError, match="8 KiB"):
        gojs.run(MODULE, ["x" * 9000])
    go = gojs.load(MODULE, fuel=1_000)
    assert [go.twice(number) for number in range(100)] == [2 * number for number in range(100)]


def test_an_unfinished_program_has_code_2() -> None:
    assert gojs.run(MODULE, ["sit"]).code == 2
    output = pywasmgk.WasiConfig(quotas=pywasmgk.Quotas(output=3))
    assert gojs.run(MODULE, ["write"], wasi=output) == (2, b"", b"")


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pywasmgk.LinkError, match="exports no getsp, resume, run"):
        gojs.load(pywasmgk.Module("(module)"))
    path = tmp_path / "x.wasm.gz"
    path.write_bytes(gzip.compress(MODULE.data))
    assert gojs.run(path, ["words"]).stdout == b"words"
    for data in (b"nothing", gzip.compress(MODULE.data)[:-20]):
        path.write_bytes(data)
        with pytest.raises(pywasmgk.DecodeError, match="gzip"):
            gojs.run(path)


@pytest.fixture(scope="module")
def goats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that this machine's Go builds, if it has one."""
    go = shutil.which("go", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if go is None:
        pytest.skip("needs Go")
    folder = tmp_path_factory.mktemp("go")
    env = {**os.environ, "GOOS": "js", "GOARCH": "wasm", "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    target = folder / "goats.wasm"
    command = [go, "build", "-trimpath", "-ldflags=-s -w", "-o", str(target), "."]
    subprocess.run(command, cwd=GUESTS / "gojs_go", env=env, check=True, capture_output=True)
    return target


LARGE = {"memory_limit": 2048, "fuel": None, "timeout": 120, "depth_limit": 10_000}


def test_a_program_of_go_runs(goats: Path) -> None:
    done = gojs.run(goats, ["a", "b"], env={"HUE": "red"}, stdin=b"three goats\n", **LARGE)
    assert done.stdout == b"a+b red THREE GOATS\n true\n"
    assert (done.code, done.stderr) == (3, b"")


def test_a_program_of_go_offers_functions(goats: Path) -> None:
    go = gojs.load(goats, **LARGE)
    functions = go.goats
    assert functions["count"]("two goats, one goat", {"name": "herd"}) == {"goats": 2, "of": "herd"}
    assert functions["later"](b"kid") == "KID"
    with pytest.raises(JSError, match="no goats"):
        functions["fail"]()
    seen: list[object] = []
    functions["each"]([1, "x", None], seen.append)
    assert seen == [1, "x", None]


# -- TinyGo


TINY = pywasmgk.Module.from_file(GUESTS / "tinygo.wat")


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_tinygo_passes_values(engine: str) -> None:
    output = bytearray()
    slept: list[int] = []
    clocks = pywasmgk.Clocks(realtime=lambda: 5, monotonic=lambda: 0, sleep=slept.append)
    config = pywasmgk.WasiConfig(stdout=output.extend, clocks=clocks)
    go = gojs.load(TINY, wasi=config, engine=engine)
    assert bytes(output) == b"hello\n" and slept == [30_000_000]
    assert go.woken is True and go.exit_code is None
    with pytest.raises(AttributeError, match="begun"):
        go.begun  # noqa: B018
    assert [go.twice(number) for number in (1, 2.5, -3)] == [2, 5, -6]
    assert go.shout("goats") == "GOATS"
    assert go.packed(b"abc") == b"\3abc" and go.packed([1]) is None
    thrown, number = go.faulty([0, 0])
    assert "is not a function" in thrown.message and number == 2
    assert go.now(1) == 5
    assert go.instance.exports.plain(4) == 5


def test_tinygo_ends_as_wasi_does() -> None:
    go = gojs.load(TINY)
    with pytest.raises(pywasmgk.Exit):
        go.now(0)
    assert go.exit_code == 3
    with pytest.raises(pywasmgk.LinkError, match="already exited"):
        go.now(1)
    assert go.instance.exports.plain(4) == 5
    assert gojs.run(TINY) == (2, b"hello\n", b"")


def test_older_tinygo_has_milliseconds() -> None:
    module = pywasmgk.Module("""(module
      (import "env" "runtime.ticks" (func $ticks (result f64)))
      (import "env" "runtime.sleepTicks" (func $sleep (param f64)))
      (import "env" "runtime.unheard" (func $unheard (param f64)))
      (memory (export "memory") 1) (global $woken (mut f64) (f64.const 0))
      (func (export "_initialize") (call $sleep (f64.const 20)) (call $sleep (f64.const nan)))
      (func (export "go_scheduler") (global.set $woken (call $ticks)))
      (func (export "resume") (call $unheard (f64.const 0)))
      (func (export "woken") (result f64) (global.get $woken)))""")
    slept: list[int] = []
    clocks = pywasmgk.Clocks(realtime=lambda: 7_000_000, monotonic=lambda: 0, sleep=slept.append)
    go = gojs.load(module, wasi=pywasmgk.WasiConfig(clocks=clocks))
    assert slept == [20_000_000] and go.instance.exports.woken() == 7
    with pytest.raises(pywasmgk.Trap, match="unheard"):
        go.resume()


def test_hostile_tinygo() -> None:
    text = """(module
      (import "gojs" "syscall/js.stringVal" (func $string (param i32 i32) (result i64)))
      (import "gojs" "syscall/js.valueCall" (func $call (param i32 i64 i32 i32 i32 i32 i32)))
      (import "gojs" "syscall/js.valueInstanceOf" (func $instance_of (param i64 i64) (result i32)))
      (memory (export "memory") 1) (func (export "resume")) (func (export "go_scheduler"))
      (func (export "_initialize") %s))"""
    outside = "(drop (call $string (i32.const -1) (i32.const -1)))"
    many = f"(call $call (i32.const 0) (i64.const 0) {'(i32.const -1) ' * 5})"
    kind = "(drop (call $instance_of (i64.const 0) (i64.const 77)))"
    for body in (outside, many, kind):
        with pytest.raises((pywasmgk.Trap, JSError)):
            gojs.load(pywasmgk.Module(text % body))
    bare = text.replace('(memory (export "memory") 1)', "")
    with pytest.raises(pywasmgk.LinkError, match="no memory"):
        gojs.load(pywasmgk.Module(bare % outside))
