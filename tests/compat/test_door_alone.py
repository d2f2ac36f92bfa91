"""What the wasmtime-shaped door does otherwise than wasmtime, and how a program comes in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pywasmgk import docs
from pywasmgk.compat import wasmtime as w
from pywasmgk.compat.wasmtime import _bounds
from pywasmgk.compat.wasmtime._config import Config, Setting

LOOPS = '(module (func (export "loop") (loop br 0)))'


@pytest.fixture(autouse=True)
def bounds() -> Iterator[None]:
    before = _bounds.current()
    yield
    _bounds._current = before


def exports(store: w.Store, engine: w.Engine, text: str, *imports: object) -> object:
    return w.Instance(store, w.Module(engine, text), imports).exports(store)


def test_bounds_hold_unasked() -> None:
    w.set_bounds(fuel=1_000)
    engine = w.Engine()
    store = w.Store(engine)
    with pytest.raises(w.Trap, match=r"set_bounds\(fuel=...\)") as caught:
        exports(store, engine, LOOPS)["loop"](store)
    assert caught.value.trap_code is w.TrapCode.OUT_OF_FUEL
    w.set_bounds(fuel=None, timeout=0.05)
    store = w.Store(engine)
    with pytest.raises(w.Trap, match=r"set_bounds\(timeout=...\)") as caught:
        exports(store, engine, LOOPS)["loop"](store)
    assert caught.value.trap_code is w.TrapCode.INTERRUPT


def test_a_program_cannot_lift_them() -> None:
    w.set_bounds(fuel=1_000, memory_limit=2, table_limit=10)
    config = w.Config()
    config.consume_fuel = True
    engine = w.Engine(config)
    store = w.Store(engine)
    store.set_fuel((1 << 64) - 1)
    store.set_limits(memory_size=-1, table_elements=1 << 40)
    with pytest.raises(w.Trap, match=r"set_bounds\(fuel=...\)"):
        exports(store, engine, LOOPS)["loop"](store)
    assert store.get_fuel() == (1 << 64) - 1 - 1_000
    memory = w.Memory(store, w.MemoryType(w.Limits(1, None)))
    memory.grow(store, 1)
    with pytest.raises(w.WasmtimeError, match="failed to grow memory by `1`"):
        memory.grow(store, 1)
    with pytest.raises(w.WasmtimeError, match=r"set_bounds\(memory_limit=3\) lets it in"):
        exports(store, engine, "(module (memory 3))")
    with pytest.raises(w.WasmtimeError, match=r"set_bounds\(table_limit=11\) lets it in"):
        exports(store, engine, "(module (table 11 funcref))")


def test_bounds_have_names() -> None:
    assert w.set_bounds(fuel=5).fuel != 5
    assert w.set_bounds().fuel == 5
    with pytest.raises(TypeError, match="there is no bound 'feul', only fuel, timeout"):
        w.set_bounds(feul=5)


def test_stores_do_not_mix() -> None:
    engine = w.Engine()
    store, other = w.Store(engine), w.Store(engine)
    func = w.Func(store, w.FuncType([], []), lambda: None)
    with pytest.raises(w.WasmtimeError, match="object used with the wrong store"):
        func(other)
    with pytest.raises(w.WasmtimeError, match="object used with the wrong store"):
        exports(other, engine, '(module (import "" "" (func)))', func)


def test_fuel_of_a_store_within_another() -> None:
    """The inner store's fuel bounds its calls; the outer one's pays as well."""
    config = w.Config()
    config.consume_fuel = True
    engine = w.Engine(config)
    outer, inner = w.Store(engine), w.Store(engine)
    outer.set_fuel(100_000)
    inner.set_fuel(1_000)
    loop = exports(inner, engine, LOOPS)["loop"]
    seen = []

    def call() -> None:
        with pytest.raises(w.Trap, match="all fuel consumed by WebAssembly\n"):
            loop(inner)
        seen.append(inner.get_fuel())

    text = '(module (import "" "" (func $i)) (func (export "f") call $i))'
    func = w.Func(outer, w.FuncType([], []), call)
    exports(outer, engine, text, func)["f"](outer)
    assert seen == [0]
    assert outer.get_fuel() == 100_000 - 2 - 1_000


def test_pointers_stay_inside() -> None:
    store = w.Store()
    memory = w.Memory(store, w.MemoryType(w.Limits(1, 2)))
    for size, offset in ((None, 1), (65537, 0), (1, 65536), (1, -1), (-1, 0)):
        with pytest.raises(IndexError, match="index out of range"):
            memory.get_buffer_ptr(store, size, offset)
    pointer = memory.data_ptr(store)
    memory.grow(store, 1)
    pointer[65535] = 1
    assert memory.read(store, 65535, 65536) == b"\0"


def test_shared_memories() -> None:
    """wasmtime-py 50 cannot import the ones that it makes."""
    engine = w.Engine()
    kind = w.MemoryType(w.Limits(1, 3), shared=True)
    memory = w.SharedMemory(engine, kind)
    assert (memory.size(), memory.grow(1), memory.data_len()) == (1, 1, 131072)
    assert memory.type().is_shared
    text = """(module (import "" "m" (memory 1 3 shared)) (export "m" (memory 0))
      (func (export "store") i32.const 5 i32.const 7 i32.atomic.store8)
      (func (export "odd") (result i32) i32.const 1 i32.atomic.load))"""
    for _ in range(2):
        store = w.Store(engine)
        found = exports(store, engine, text, memory)
        found["store"](store)
        assert isinstance(found["m"], w.SharedMemory)
        assert memory.data_ptr()[5] == 7
        with pytest.raises(w.Trap) as caught:
            found["odd"](store)
        assert caught.value.trap_code is w.TrapCode.HEAP_MISALIGNED
    with pytest.raises(w.WasmtimeError, match="failed to grow memory by `5`"):
        memory.grow(5)
    with pytest.raises(w.WasmtimeError, match="must have the `shared` flag"):
        w.SharedMemory(engine, w.MemoryType(w.Limits(1, 3)))
    with pytest.raises(w.WasmtimeError, match="expected non-shared, found shared"):
        exports(store, engine, '(module (import "" "m" (memory 1 3)))', memory)
    w.set_bounds(memory_limit=1)
    with pytest.raises(w.WasmtimeError, match="exceeds memory limits of pywasmgk's own"):
        w.SharedMemory(engine, w.MemoryType(w.Limits(2, 3), shared=True))


def test_wasi_must_be_configured() -> None:
    engine = w.Engine()
    linker = w.Linker(engine)
    linker.define_wasi()
    text = '(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))))'
    with pytest.raises(w.WasmtimeError, match="wasi context must be populated"):
        linker.instantiate(w.Store(engine), w.Module(engine, text))


def test_two_imports_of_one_name() -> None:
    engine = w.Engine()
    store = w.Store(engine)
    text = '(module (import "a" "b" (func)) (import "a" "b" (func)))'
    one, two = (w.Func(store, w.FuncType([], []), lambda: None) for _ in range(2))
    exports(store, engine, text, one, one)
    with pytest.raises(w.WasmtimeError, match="`a::b` is there twice"):
        exports(store, engine, text, one, two)


def test_proposals_are_switched_off() -> None:
    config = w.Config()
    config.wasm_simd = False
    with pytest.raises(w.WasmtimeError, match="SIMD is not among the features"):
        w.Module(w.Engine(config), "(module (func (param v128)))")


def test_every_setting_is_a_row() -> None:
    rows = {name for name, item in vars(Config).items() if isinstance(item, Setting)}
    assert {"cache", "consume_fuel", "wasm_simd"} < rows
    assert len(rows) > 40


def test_the_documentation_lists_every_setting() -> None:
    page = docs.read("from-wasmtime")
    for name, item in vars(Config).items():
        if isinstance(item, Setting):
            assert f"`{name}`" in page, name


def test_permissions_of_earlier_versions(tmp_path: Path) -> None:
    for arguments in (
        {"dir_perms": w.DirPerms.READ_ONLY, "file_perms": w.FilePerms.READ_ONLY},
        {"dir_perms": w.DirPerms.READ_ONLY},
        {"file_perms": w.FilePerms.READ_ONLY},
        {"fs_mutable": False},
    ):
        config = w.WasiConfig()
        config.preopen_dir(str(tmp_path), "/", **arguments)
        assert config._preopens["/"].writable is False
    config = w.WasiConfig()
    config.preopen_dir(str(tmp_path), "/", w.DirPerms.READ_ONLY)
    assert config._preopens["/"].writable is False
    config.preopen_dir(str(tmp_path), "/", w.DirPerms.READ_WRITE, w.FilePerms.READ_WRITE)
    assert config._preopens["/"].writable is True


def test_components_are_refused_with_what_is_missing() -> None:
    with pytest.raises(ImportError, match="has no component model"):
        import pywasmgk.compat.wasmtime.component  # noqa: F401


# -- ways in

SCRIPT = """
import sys, wasmtime
from wasmtime import Engine, Module, Store, Instance
import wasmtime._store
store = Store()
assert wasmtime._store.Store is Store
print(wasmtime.__name__, sys.argv[1:], __name__)
try:
    import wasmtime.component
except ImportError as error:
    print("component" in str(error))
"""
EXPECTED = "pywasmgk.compat.wasmtime ['a', '-b'] __main__\nTrue\n"


def python(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=cwd, capture_output=True, text=True)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "beside.py").write_text("")
    path = tmp_path / "program.py"
    path.write_text("import beside\n" + SCRIPT)
    return path


def test_a_script_is_run(script: Path) -> None:
    root = Path(w.__file__).parents[3]
    done = python("-m", "pywasmgk.compat", str(script), "a", "-b", cwd=root)
    assert (done.stdout, done.stderr, done.returncode) == (EXPECTED, "", 0)


def test_a_module_and_a_line_are_run(script: Path) -> None:
    root = str(Path(w.__file__).parents[3])
    path = f"import sys; sys.path.insert(0, {root!r}); from pywasmgk.compat.__main__ import main; "
    done = python("-c", path + "main(['-m', 'program', 'a', '-b'])", cwd=script.parent)
    assert (done.stdout, done.stderr) == (EXPECTED, "")
    line = "import wasmtime, sys; print(wasmtime.__name__, sys.argv)"
    done = python("-c", path + f"main(['-c', {line!r}, 'a'])", cwd=script.parent)
    assert (done.stdout, done.stderr) == ("pywasmgk.compat.wasmtime ['-c', 'a']\n", "")


def test_limits_on_the_command_line(tmp_path: Path) -> None:
    root = Path(w.__file__).parents[3]
    line = "from wasmtime._bounds import current; b = current(); "
    line += "print(b.fuel, b.timeout, b.memory_limit)"
    limits = ["--fuel", "none", "--timeout", "1.5", "--memory", "7"]
    done = python("-m", "pywasmgk.compat", *limits, "-c", line, cwd=root)
    assert (done.stdout, done.stderr) == ("None 1.5 7\n", "")
    for words in ([], ["--fuel", "x", "s.py"]):
        done = python("-m", "pywasmgk.compat", *words, cwd=root)
        assert (done.returncode, "usage" in done.stderr) == (2, True)


def test_install_replaces_what_was_imported() -> None:
    line = """import sys, types; sys.modules["wasmtime"] = types.ModuleType("wasmtime")
from pywasmgk.compat import install; install(fuel=77)
import wasmtime, wasmtime._bounds, pywasmgk.compat.wasmtime as door
print(wasmtime.Store is door.Store, wasmtime._bounds.current().fuel)"""
    done = python("-c", line, cwd=Path(w.__file__).parents[3])
    assert (done.stdout, done.stderr) == ("True 77\n", "")
