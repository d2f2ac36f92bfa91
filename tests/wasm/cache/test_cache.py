"""Compiled code on disk: found again, never trusted when it is not as it was written."""

from __future__ import annotations

import dataclasses
import gc
import marshal
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugin_guests import guest
from processor import HANGS
from wasm_builder import function

import pywasmgk
from pywasmgk.errors import CacheError, ValidationError
from pywasmgk.wasm import isa
from pywasmgk.wasm.cache import stored as caching
from pywasmgk.wasm.cache.directory import CodeCache, open_cache
from pywasmgk.wasm.compiler import compiled, driver
from pywasmgk.wasm.valid import acceptance

#: the sum of the numbers up to its argument, in a loop
SUM = function(
    "i32", "i32",
    "loop _", "local.get 1", "local.get 0", "i32.add", "local.set 1",
    "local.get 0", "i32.const 1", "i32.sub", "local.tee 0", "br_if 0", "end", "local.get 1",
    locals_="i32",
)  # fmt: skip
#: its first function is not valid
INVALID = function("", "i32", "i64.const 1")
#: a plugin with an allocator and a JSON reader
GUEST = Path(__file__).parent.parent.parent / "guests" / "c" / "errands.wasm"
posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners of files here")


class Start:
    """What one start of the module did."""

    def __init__(self, directory: Any, data: bytes = SUM, **options: Any) -> None:
        module = pywasmgk.Module(data, cache_dir=directory, **options)
        instance = pywasmgk.instantiate(module, engine="compiler", cache_dir=directory)
        assert instance.exports.f(100) == 5050
        self.fuel = instance.fuel_used
        assert module.stored is not None
        self.stored = module.stored
        self.stored.save()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often something was compiled."""
    counts = {"compiled": 0}
    source_for = driver.source_for

    def counting(*args: Any) -> Any:
        counts["compiled"] += 1
        return source_for(*args)

    monkeypatch.setattr(driver, "source_for", counting)
    return counts


def code_file(directory: Path) -> Path:
    (path,) = directory.glob("*.code")
    return path


def test_the_second_start_compiles_nothing(tmp_path: Path, counted: dict[str, int]) -> None:
    directory = tmp_path / "deep" / "cache"
    first = Start(directory)
    assert counted == {"compiled": 1}
    second = Start(directory)
    assert counted == {"compiled": 1}
    assert first.fuel == second.fuel == 1 + 100 * 9 + 1


def test_traps_of_cached_code_have_frames(tmp_path: Path) -> None:
    data = function("i32", "i32", "i32.const 1", "local.get 0", "i32.div_u")
    found = []
    for _ in range(2):
        instance = pywasmgk.instantiate(data, engine="compiler", cache_dir=tmp_path / "c")
        with pytest.raises(pywasmgk.Trap, match="divide by zero") as caught:
            instance.exports.f(0)
        found.append((caught.value.frames, caught.value.fuel_used))
        del instance
        gc.collect()
    assert found[0] == found[1]
    assert found[0][0][0].function == 0


def test_a_module_that_was_found_valid_is_not_validated_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Start(tmp_path / "c")
    calls = []
    check = acceptance.FunctionValidator.check
    monkeypatch.setattr(
        acceptance.FunctionValidator, "check", lambda *args: calls.append(check(*args))
    )
    pywasmgk.Module(SUM, cache_dir=tmp_path / "c")
    assert calls == []
    pywasmgk.Module(SUM)
    assert len(calls) == 1


def test_an_invalid_module_stays_invalid(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ValidationError):
            pywasmgk.Module(INVALID, cache_dir=tmp_path / "c")
    lazy = pywasmgk.Module(INVALID, cache_dir=tmp_path / "c", validate="lazy")
    assert lazy.stored is not None and not lazy.stored.validated
    lazy.stored.save()
    with pytest.raises(ValidationError):
        pywasmgk.Module(INVALID, cache_dir=tmp_path / "c")


def test_hot_functions_are_compiled_at_once(tmp_path: Path, counted: dict[str, int]) -> None:
    """``auto`` counts in the first start, level by level; in the second it knows."""
    after = []
    for turns in (2_000, 1):
        module = pywasmgk.Module(SUM, cache_dir=tmp_path / "c")
        instance = pywasmgk.instantiate(module, engine="auto")
        for _ in range(turns):
            instance.exports.f(5)
        assert instance.funcs[0].compiled
        assert module.stored is not None
        module.stored.save()
        after.append(counted["compiled"])
    assert after[0] == after[1] > 0
    assert module.codes == {}


def test_the_second_start_knows_what_the_first_one_ran(tmp_path: Path) -> None:
    """What was hot is compiled code, what ran less is ready for the interpreter; both at once."""
    sizes = []
    for _ in range(3):
        with pywasmgk.load(GUEST.read_bytes(), cache_dir=tmp_path / "c") as plugin:
            plugin.call_raw("echo", b"[1, 2]")
            stored = plugin._module.stored
        assert stored is not None
        stored.save()
        sizes.append((len(stored), len(stored._content.prepared)))
    assert sizes[0][1] > 3
    assert sizes[0] == sizes[1] == sizes[2]


@pytest.mark.parametrize(
    ("engine", "function_name"), [("optimized", "_entry"), ("quick", "_plain")]
)
def test_line_tables_stay_packed_until_something_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, function_name: str
) -> None:
    data = function("i32", "i32", "i32.const 1", "local.get 0", "i32.div_u")
    unpacked = []
    unpack = getattr(compiled, function_name)
    monkeypatch.setattr(
        compiled, function_name, lambda *plain: unpacked.append(plain) or unpack(*plain)
    )
    for _ in range(2):
        instance = pywasmgk.instantiate(data, engine=engine, cache_dir=tmp_path / "c")
        assert instance.exports.f(1) == 1
        assert unpacked == []
        with pytest.raises(pywasmgk.Trap, match="divide by zero"):
            instance.exports.f(0)
        assert unpacked
        unpacked.clear()
        assert instance.module.stored is not None
        instance.module.stored.save()


def test_options_and_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pywasmgk.load(guest(), cache_dir=tmp_path / "plugin", engine="compiler").shutdown()
    monkeypatch.setenv("PYWASMGK_CACHE", str(tmp_path / "environment"))
    pywasmgk.load(guest(), engine="compiler").shutdown()
    pywasmgk.load(guest(), cache_dir="").shutdown()
    pywasmgk.run_wasi(function("", "", exports=[("_start", 0, 0)]), cache_dir=str(tmp_path / "run"))
    gc.collect()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["environment", "plugin", "run"]
    for name in ("environment", "plugin", "run"):
        assert code_file(tmp_path / name).stat().st_size > 0
    assert open_cache("") is None


# -- what is not as it was written


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "magic only": lambda content: content[:16],
    "cut in the mac": lambda content: content[:40],
    "cut": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "mac": lambda content: content[:20] + bytes((content[20] ^ 1,)) + content[21:],
    "payload": lambda content: content[:-9] + bytes((content[-9] ^ 1,)) + content[-8:],
    "other code": lambda content: content[:48] + marshal.dumps((True, {(0, 0, True, True): b""})),
    "no cache": lambda content: b"#!/bin/sh\n" * 20,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_not_read_and_mended(
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
    counted: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Start(tmp_path / "c")
    path = code_file(tmp_path / "c")
    path.write_bytes(damage(path.read_bytes()))
    with monkeypatch.context() as patched:
        patched.setattr(caching.marshal, "loads", lambda data: pytest.fail("damage was read"))
        module = pywasmgk.Module(SUM, cache_dir=tmp_path / "c")
    assert module.stored is not None and len(module.stored) == 0 and module.stored.validated
    Start(tmp_path / "c")
    assert counted == {"compiled": 2}
    Start(tmp_path / "c")
    assert counted == {"compiled": 2}


@pytest.mark.parametrize(
    "payload",
    [None, (), (None, True, {}), (None, True, 7, {}), "text", 7, [1, 2, 3, 4, 5], b""],
    ids=repr,
)
def test_another_shape_counts_as_absent(
    tmp_path: Path, payload: Any, counted: dict[str, int]
) -> None:
    """As if it were written by a version whose name does not tell it apart."""
    stored = Start(tmp_path / "c").stored
    stored.cache.write(stored.name, marshal.dumps(payload))
    Start(tmp_path / "c")
    assert counted == {"compiled": 2}
    stored.cache.write(stored.name, b"\xff no marshal")
    Start(tmp_path / "c")
    Start(tmp_path / "c")
    assert counted == {"compiled": 3}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_mutated_files_are_never_read(tmp_path: Path, data: st.DataObject) -> None:
    directory = tmp_path / "c"
    if not directory.exists():
        Start(directory)
    path = code_file(directory)
    good = path.read_bytes()
    at = st.integers(0, len(good))
    kind = data.draw(st.sampled_from(("flip", "cut", "insert", "splice", "swap")))
    first, second = sorted((data.draw(at), data.draw(at)))
    if kind == "flip":
        first = min(first, len(good) - 1)
        bit = 1 << data.draw(st.integers(0, 7))
        bad = good[:first] + bytes((good[first] ^ bit,)) + good[first + 1 :]
    elif kind == "cut":
        bad = good[:first] + good[second:]
    elif kind == "insert":
        bad = good[:first] + data.draw(st.binary(min_size=1, max_size=40)) + good[first:]
    elif kind == "splice":
        bad = good[:second] + good[first:]
    else:
        bad = good[second:] + good[first:second] + good[:first]
    path.write_bytes(bad)
    try:
        with pytest.MonkeyPatch.context() as patched:
            if bad != good:
                patched.setattr(caching.marshal, "loads", lambda _: pytest.fail("damage was read"))
            module = pywasmgk.Module(SUM, cache_dir=directory)
        assert module.functions[0].params == (pywasmgk.ValType.I32,)
        assert pywasmgk.instantiate(module).exports.f(4) == 10
    finally:
        del module
        gc.collect()
        path.write_bytes(good)


def test_a_file_under_another_modules_name_is_not_read(tmp_path: Path) -> None:
    Start(tmp_path / "c")
    path = code_file(tmp_path / "c")
    other = pywasmgk.Module(function("", "", exports=[("g", 0, 0)]))
    name = caching.module_key(other)
    path.rename(path.with_name(name + ".code"))
    assert CodeCache(tmp_path / "c").read(name) is None


def test_another_key_makes_all_files_void(tmp_path: Path, counted: dict[str, int]) -> None:
    Start(tmp_path / "c")
    for content in (bytes(32), b"short"):
        (tmp_path / "c" / "key").write_bytes(content)
        Start(tmp_path / "c")
    assert counted == {"compiled": 3}
    assert len((tmp_path / "c" / "key").read_bytes()) == 32


def test_another_version_is_another_file(
    tmp_path: Path, counted: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    Start(tmp_path / "c")
    for target, name, value in (
        (caching, "__version__", "99.0"),
        (sys, "version", "4.0"),
        (sys, "byteorder", "middle"),
        (caching.importlib.util, "MAGIC_NUMBER", b"abcd"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(target, name, value)
            caching._surroundings.cache_clear()
            Start(tmp_path / "c")
        caching._surroundings.cache_clear()
    Start(tmp_path / "c", max_locals=7)
    assert counted == {"compiled": 6}
    assert len(list((tmp_path / "c").glob("*.code"))) == 6


def test_other_rows_are_another_file(tmp_path: Path) -> None:
    add = isa.STANDARD.lookup(0x6A)
    assert add is not None
    Start(tmp_path / "c")
    with isa.using(isa.STANDARD.extended(dataclasses.replace(add, meaning="{a} * {b}"))):
        changed = pywasmgk.instantiate(SUM, engine="compiler", cache_dir=tmp_path / "c")
        assert changed.exports.f(100) == 0
    Start(tmp_path / "c")


# -- whose directory it is


@posix
def test_the_directory_is_private(tmp_path: Path) -> None:
    directory = tmp_path / "c"
    Start(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


@posix
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o702])
def test_a_directory_that_others_may_write_to_is_refused(
    tmp_path: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "c"
    Start(directory)
    directory.chmod(mode)
    with pytest.raises(CacheError, match=f"others may write to it .*mode 0{mode:o}"):
        pywasmgk.instantiate(SUM, cache_dir=directory)
    with pytest.raises(CacheError):
        pywasmgk.load(guest(), cache_dir=directory)
    monkeypatch.setenv("PYWASMGK_CACHE", str(directory))
    with pytest.warns(RuntimeWarning, match="PYWASMGK_CACHE: no cache in"):
        instance = pywasmgk.instantiate(SUM)
    assert instance.module.stored is None
    assert instance.exports.f(100) == 5050


@posix
def test_what_belongs_to_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "c"
    Start(directory)
    uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    with pytest.raises(CacheError, match="another user"):
        CodeCache(directory)


@posix
def test_a_file_that_others_may_write_to_counts_as_absent(
    tmp_path: Path, counted: dict[str, int]
) -> None:
    Start(tmp_path / "c")
    code_file(tmp_path / "c").chmod(0o666)
    Start(tmp_path / "c")
    Start(tmp_path / "c")
    assert counted == {"compiled": 2}


@posix
def test_links_and_pipes_count_as_absent(tmp_path: Path) -> None:
    Start(tmp_path / "c")
    path = code_file(tmp_path / "c")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert CodeCache(tmp_path / "c").read(path.stem) is None
    path.unlink()
    os.mkfifo(path, 0o600)
    assert CodeCache(tmp_path / "c").read(path.stem) is None


def test_systems_without_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "geteuid", raising=False)
    monkeypatch.delattr(os, "link", raising=False)
    Start(tmp_path / "c")
    assert len(Start(tmp_path / "c").stored) == 1


def test_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for bad in (tmp_path / "file", tmp_path / "file" / "below", "nul\0"):
        with pytest.raises(CacheError, match="no cache in"):
            CodeCache(bad)


def test_a_directory_that_is_gone_is_no_error(tmp_path: Path) -> None:
    module = pywasmgk.Module(SUM, cache_dir=tmp_path / "c")
    for path in (tmp_path / "c").iterdir():
        path.unlink()
    (tmp_path / "c").rmdir()
    assert pywasmgk.instantiate(module, engine="compiler").exports.f(100) == 5050
    assert module.stored is not None
    module.stored.save()


def test_a_directory_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: dict[str, int]
) -> None:
    """What is there serves; what is new is lost in silence: no room, or read only."""
    Start(tmp_path / "c")
    opened = os.open

    def refusing(path: Any, flags: int, *rest: Any) -> int:
        if flags & os.O_WRONLY:
            raise OSError(28, "No space left on device")
        return opened(path, flags, *rest)

    monkeypatch.setattr(os, "open", refusing)
    Start(tmp_path / "c")
    other = function("", "i32", "i32.const 1")
    assert pywasmgk.instantiate(other, cache_dir=tmp_path / "c", engine="compiler").exports.f() == 1
    gc.collect()
    assert counted == {"compiled": 2}
    assert len(list((tmp_path / "c").iterdir())) == 2
    with pytest.raises(CacheError, match="No space left"):
        CodeCache(tmp_path / "new")


def test_a_disk_that_fills_up_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = CodeCache(tmp_path / "c")
    cache.write("n", b"before")
    fdopen = os.fdopen

    def refuse() -> int:
        raise OSError(28, "No space left on device")

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Any:
            self.file.__enter__()
            return self

        def __exit__(self, *error: Any) -> None:
            self.file.__exit__(*error)

        def write(self, data: bytes) -> int:
            self.file.write(data[:10])
            return refuse()

    monkeypatch.setattr(os, "fdopen", lambda *args: Full(fdopen(*args)))
    cache.write("n", b"after")
    monkeypatch.undo()
    assert cache.read("n") == b"before"
    assert sorted(path.suffix for path in (tmp_path / "c").iterdir()) == ["", ".code"]


# -- size


def test_the_oldest_files_go_first(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path / "c", max_bytes=1_000)
    for number in range(6):
        cache.write(f"n{number}", bytes(252))
        os.utime(tmp_path / "c" / f"n{number}.code", (number, number))
    names = sorted(path.stem for path in (tmp_path / "c").glob("*.code"))
    assert names == ["n3", "n4", "n5"]
    assert cache.read("n3") == bytes(252)  # now it was used last
    cache.write("n6", bytes(252))
    names = sorted(path.stem for path in (tmp_path / "c").glob("*.code"))
    assert names == ["n3", "n5", "n6"]
    cache.write("large", bytes(2_000))
    assert cache.read("large") is None


def test_modules_beyond_the_bound_make_room(tmp_path: Path) -> None:
    """The bound holds whatever is loaded; what is used stays."""
    cache = CodeCache(tmp_path / "c", max_bytes=8_000)
    kept = function("", "i32", "i32.const 77")
    for number in range(60):
        for data in (kept, function("", "i32", f"i32.const {number}", "i32.const 5", "i32.add")):
            module = pywasmgk.Module(data, cache=cache)
            assert module.stored is not None
            if number and data is kept:
                assert module.stored.declarations is not None
            module.stored.save()
            used = time.time() + number
            for path in (tmp_path / "c").glob(f"{module.stored.name}.code"):
                os.utime(path, (used, used))
        files = list((tmp_path / "c").glob("*.code"))
        assert sum(path.stat().st_size for path in files) <= 8_000
    assert 2 < len(files) < 40


def test_what_processes_left_behind_is_swept(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path / "c")
    old, fresh = tmp_path / "c" / "a.tmp", tmp_path / "c" / "b.tmp"
    for path in (old, fresh):
        path.write_bytes(b"")
    os.utime(old, (time.time() - 7_200,) * 2)
    cache.write("n", b"")
    assert not old.exists() and fresh.exists()


def test_it_is_written_from_time_to_time(tmp_path: Path) -> None:
    stored = CodeCache(tmp_path / "c").stored(pywasmgk.Module(SUM))
    written = []
    for index in range(500):
        stored.add((index, 0, True, True), None)
        found = CodeCache(tmp_path / "c").stored(pywasmgk.Module(SUM))
        written.append(len(found))
    assert written[31] == 32
    assert len(set(written)) < 10
    assert written[-1] > 250


def test_threads_share_what_is_known_of_a_module(tmp_path: Path) -> None:
    """What a thread put in is there at once, whoever writes the file meanwhile."""
    cache = CodeCache(tmp_path / "c")
    module = pywasmgk.Module(SUM, cache=cache)
    stored = module.stored
    assert stored is not None

    def work(number: int) -> int:
        for turn in range(60):
            key = number, turn, True, True
            stored.add(key, None)
            assert key in stored and stored.find(key) is None
            if turn % 20 == number:
                stored.save()
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))
    stored.save()
    assert len(cache.stored(module)) == 480


# -- other processes

PROGRAM = """
import sys, pywasmgk
data = bytes.fromhex(sys.argv[1])
for turn in range(int(sys.argv[3])):
    instance = pywasmgk.instantiate(data, engine="compiler", cache_dir=sys.argv[2])
    if instance.exports.f(100) != 5050:
        sys.exit("wrong result")
    instance.module.stored._new += 1
    instance.module.stored.save()
print(len(instance.module.stored))
"""


def start_process(directory: Path, *options: str, turns: int = 1) -> subprocess.Popen[str]:
    command = [sys.executable, *options, "-W", "error", "-c", PROGRAM]
    root = Path(pywasmgk.__file__).parent.parent
    return subprocess.Popen(
        [*command, SUM.hex(), str(directory), str(turns)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root,
    )  # fmt: skip


def test_four_processes_at_once(tmp_path: Path, counted: dict[str, int]) -> None:
    running = [start_process(tmp_path / "c", turns=50) for _ in range(4)]
    done = [process.communicate(timeout=HANGS) for process in running]
    assert done == [("1\n", "")] * 4
    Start(tmp_path / "c")
    assert counted == {"compiled": 0}
    assert sorted(path.suffix for path in (tmp_path / "c").iterdir()) == ["", ".code"]


def test_with_and_without_asserts_share(tmp_path: Path, counted: dict[str, int]) -> None:
    assert start_process(tmp_path / "c", "-O").communicate(timeout=HANGS) == ("1\n", "")
    Start(tmp_path / "c")
    assert counted == {"compiled": 0}


def test_it_is_written_at_the_end_of_the_process(tmp_path: Path) -> None:
    program = "import sys, pywasmgk; m = pywasmgk.instantiate(bytes.fromhex(sys.argv[1]), "
    program += "engine='compiler', cache_dir=sys.argv[2]); m.exports.f(3)"
    root = Path(pywasmgk.__file__).parent.parent
    command = [sys.executable, "-c", program, SUM.hex(), str(tmp_path / "c")]
    subprocess.run(command, check=True, cwd=root)
    assert len(CodeCache(tmp_path / "c").stored(pywasmgk.Module(SUM))) == 1


def test_other_sources_are_another_file(
    tmp_path: Path, counted: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tmp_path / "engine"
    for folder in ("compiler", "isa"):
        (engine / folder).mkdir(parents=True)
    source = engine / "isa" / "rows.py"
    source.write_text("ROWS = ()\n")
    monkeypatch.setattr(caching, "__file__", str(engine / "compiler" / "cache.py"))
    names = set()
    for _ in range(2):
        caching._surroundings.cache_clear()
        names.add(caching._surroundings())
        stamp = source.stat().st_mtime_ns
        os.utime(source, ns=(stamp, stamp + 1_000_000))
    assert len(names) == 2
    source.write_text("ROWS = (1,)\n")
    os.utime(source, ns=(stamp, stamp))
    caching._surroundings.cache_clear()
    names.add(caching._surroundings())
    assert len(names) == 3
    caching._surroundings.cache_clear()
