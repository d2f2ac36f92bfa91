"""Loading plugins: group A of the conformance cases (contract 1.1 to 1.5)."""

from __future__ import annotations

import gc
import os
import threading
import time
from pathlib import Path

import pytest
from plugin_guests import (
    EXIT,
    HOST_CALL,
    LOG,
    LOOP,
    MANIFEST_AT,
    OTHER,
    Function,
    Import,
    constant,
    guest,
    note,
    quick,
    trace_of,
)
from processor import patiently
from wasm_builder import body, code, functype, module, name, section, unsigned

import pywasmgk
from pywasmgk.errors import (
    CallError,
    CallTimeout,
    ContractError,
    DecodeError,
    LinkError,
    ManifestError,
    PluginError,
    Trap,
    TrapCode,
    ValidationError,
)
from pywasmgk.plugin import MemoryHost, load_from_file
from pywasmgk.wasm.features import Features
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.runtime.memory import Memory

case = pytest.mark.case
FD_WRITE = Import("wasi_snapshot_preview1", "fd_write", "i32 i32 i32 i32", "i32")


def started(*names: str) -> dict[str, Function]:
    """Start functions that note their number."""
    lines = (note(OTHER, f"i32.const {number}") for number in range(len(names)))
    return {label: Function("", "", line) for label, line in zip(names, lines)}


@case("A01")
def test_a_minimal_guest() -> None:
    plugin = quick(guest())
    manifest = plugin.registration
    assert (plugin.name, manifest.name, manifest.version) == ("x", "x", "1.0.0")
    assert manifest.routes == manifest.jobs == manifest.menu_items == ()
    assert manifest.i18n is None
    assert plugin.warnings == ()


@case("A02")
@pytest.mark.parametrize("data", [b"", b"\0as", b"not valid wasm", b"\0\0\0\0\0\0\0\0"])
def test_no_module_at_all(data: bytes) -> None:
    with pytest.raises(PluginError, match=r"^instantiate wasm: invalid magic number") as caught:
        quick(data)
    assert isinstance(caught.value.__cause__, DecodeError)


@case("A03")
@pytest.mark.parametrize("version", [b"\2\0\0\0", b"\x0d\0\1\0"])
def test_another_version(version: bytes) -> None:
    with pytest.raises(PluginError, match=r"^instantiate wasm: invalid version header"):
        quick(b"\0asm" + version + guest()[8:])


@case("A04")
def test_every_prefix_of_a_module() -> None:
    data = guest()
    kinds = set()
    for length in range(len(data)):
        with pytest.raises(PluginError) as caught:
            quick(data[:length])
        kinds.add(type(caught.value))
    # cut between sections it can be a module that lacks something
    assert kinds <= {PluginError, ContractError, CallError, ManifestError}


@case("A05")
def test_a_body_that_never_runs_is_validated() -> None:
    data = guest(functions={"unused": Function("", "i32", ("i64.const 1",))})
    with pytest.raises(PluginError, match=r"^instantiate wasm: ") as caught:
        quick(data)
    assert isinstance(caught.value.__cause__, ValidationError)


@case("A06")
def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"^read wasm file: "):
        load_from_file(tmp_path / "none.wasm")
    with pytest.raises(PluginError, match=r"^read wasm file: "):
        load_from_file(tmp_path)
    path = tmp_path / "echo.wasm"
    path.write_bytes(guest())
    with load_from_file(path) as plugin:
        assert plugin.call_raw("f", b"1") == b"1"


@case("A07")
@pytest.mark.parametrize("export", ["gk_register", "gk_call", "gk_malloc"])
def test_a_missing_export(export: str) -> None:
    parts = {"call": ("i64.const 0",)} if export == "gk_malloc" else {}
    with pytest.raises(ContractError) as caught:
        quick(guest(omit=[export], **parts))
    assert str(caught.value) == f"plugin missing {export} export"


@case("A08")
def test_the_order_of_the_checks() -> None:
    with pytest.raises(ContractError) as caught:
        quick(guest(omit=["gk_register", "gk_call", "gk_malloc"]))
    assert str(caught.value) == "plugin missing gk_register export"


@case("A09")
@pytest.mark.parametrize("kind", [2, 3])
def test_an_export_that_is_no_function(kind: int) -> None:
    with pytest.raises(ContractError) as caught:
        quick(guest(omit=["gk_register"], exports=[("gk_register", kind, 0)]))
    assert str(caught.value) == "plugin missing gk_register export"


@case("A10")
def test_without_gk_free() -> None:
    plugin = quick(guest(omit=["gk_free"]))
    assert plugin.call_raw("f", b"abc") == b"abc"


@case("A12", "A13")
@pytest.mark.parametrize("label", [None, "mem"])
def test_the_memory_needs_no_name(label: str | None) -> None:
    plugin = quick(guest(memory_name=label))
    assert plugin.call_raw("f", b"abc") == b"abc"


@case("A14", "A15")
@pytest.mark.parametrize("imports", [[HOST_CALL, LOG], [LOG], [HOST_CALL], []])
def test_any_part_of_the_imports(imports: list[Import]) -> None:
    assert quick(guest(imports=imports)).name == "x"


@case("A16")
def test_an_unknown_name_in_gk() -> None:
    with pytest.raises(
        PluginError, match=r'^instantiate wasm: "nope" is not exported in module "gk"'
    ):
        quick(guest(imports=[Import("gk", "nope", "")]))


@case("A17")
@pytest.mark.parametrize("module_name", ["env", "wasi_unstable", ""])
def test_an_unknown_module(module_name: str) -> None:
    text = rf"^instantiate wasm: module\[{module_name}\] not instantiated"
    with pytest.raises(PluginError, match=text) as caught:
        quick(guest(imports=[Import(module_name, "abort", "i32 i32 i32 i32")]))
    assert isinstance(caught.value.__cause__, LinkError)


def test_all_missing_imports_are_named_at_once() -> None:
    with pytest.raises(PluginError) as caught:
        quick(guest(imports=[Import("env", "a", ""), Import("gk", "b", ""), LOG]))
    assert "'env'.'a'" in str(caught.value) and "'gk'.'b'" in str(caught.value)


@case("A18")
def test_an_import_of_another_type() -> None:
    text = (
        r"^instantiate wasm: import func\[gk\.host_call\]: signature mismatch: "
        "i32i32_i32 != i32i32i32i32_i64"
    )
    with pytest.raises(PluginError, match=text):
        quick(guest(imports=[Import("gk", "host_call", "i32 i32", "i32")]))


@case("A19")
def test_wasi_imports() -> None:
    assert quick(guest(imports=[FD_WRITE])).name == "x"


def test_a_module_named_like_an_import_is_accepted() -> None:
    names = section(0, name("name") + b"\0" + unsigned(3) + name("gk"))
    assert quick(guest() + names).name == "x"


@case("A21")
def test_start_section_then_start() -> None:
    plugin = quick(guest(functions=started("begin", "_start"), start="$begin"))
    assert trace_of(plugin) == [(OTHER, 0), (OTHER, 1)]


@case("A22", "W06")
def test_initialize_runs_once_before_register() -> None:
    register = (*note(OTHER, "i32.const 9"), constant(MANIFEST_AT, len(b'{"name": "x"}')))
    data = guest(b'{"name": "x"}', functions=started("_initialize"), register=register)
    assert trace_of(quick(data)) == [(OTHER, 0), (OTHER, 9)]


@case("A23")
def test_start_wins_over_initialize() -> None:
    plugin = quick(guest(functions=started("_start", "_initialize")))
    assert trace_of(plugin) == [(OTHER, 0)]


def test_a_start_of_another_type_is_no_start_function() -> None:
    assert quick(guest(functions={"_start": Function("i32", "", ("unreachable",))})).name == "x"


@case("A24")
def test_traps_in_start_functions() -> None:
    trap = {"_start": Function("", "", ("unreachable",))}
    text = r"^instantiate wasm: module\[\] function\[_start\] failed: wasm error: unreachable"
    with pytest.raises(CallError, match=text) as caught:
        quick(guest(functions=trap))
    assert isinstance(caught.value.cause, Trap)
    assert caught.value.__cause__ is caught.value.cause
    text = r"^instantiate wasm: start function\[4\] failed: wasm error: unreachable"
    with pytest.raises(CallError, match=text):
        quick(guest(functions={"go": Function("", "", ("unreachable",))}, start="$go"))


def test_a_segment_outside_memory() -> None:
    data = guest(datas=[b"\0" + code("i32.const 65535") + name("ab")])
    with pytest.raises(
        CallError, match=r"^instantiate wasm: wasm error: out of bounds memory access"
    ):
        quick(data)


def exiting(status: int) -> dict[str, Function]:
    return {"_start": Function("", "", (f"i32.const {status}", "call $proc_exit"))}


@case("A25")
def test_start_exits() -> None:
    with pytest.raises(PluginError, match=r"^instantiate wasm: module closed with exit_code\(3\)"):
        quick(guest(imports=[EXIT], functions=exiting(3)))
    text = r"^gk_register failed: module closed with exit_code\(0\): build a reactor"
    with pytest.raises(PluginError, match=text):
        quick(guest(imports=[EXIT], functions=exiting(0)))


@case("A27", "W01", "W02")
@pytest.mark.parametrize("where", ["_start", "gk_register", "start section", "_initialize"])
def test_endless_loops_while_loading(where: str) -> None:
    loop = Function("", "", LOOP)
    parts: dict[str, object] = {"functions": {where: loop}}
    if where == "gk_register":
        parts = {"register": (*LOOP, "i64.const 0")}
    elif where == "start section":
        parts = {"functions": {"go": loop}, "start": "$go"}
    prefix = "gk_register failed: " if where == "gk_register" else "instantiate wasm: "
    text = f"^{prefix}.*module closed with context deadline exceeded"

    def attempt(seconds: float) -> None:
        began = time.monotonic()
        with pytest.raises(CallTimeout, match=text) as caught:
            pywasmgk.load(guest(**parts), timeout=seconds)  # type: ignore[arg-type]
        assert isinstance(caught.value, TimeoutError)
        assert time.monotonic() - began < 5

    patiently(attempt, 0.05)
    with pytest.raises(CallError, match="module closed with fuel exhausted"):
        quick(guest(**parts), fuel=10_000)  # type: ignore[arg-type]


@case("A28")
def test_register_traps() -> None:
    with pytest.raises(CallError, match=r"^gk_register failed: wasm error: unreachable") as caught:
        quick(guest(register=("unreachable",)))
    assert caught.value.cause.trap_code is TrapCode.UNREACHABLE  # type: ignore[union-attr]


@case("A29")
def test_register_gives_nothing() -> None:
    text = "gk_register failed: parse manifest: unexpected end of JSON input"
    for nothing in (constant(0, 0), constant(512, 0)):
        with pytest.raises(ManifestError) as caught:
            quick(guest(register=(nothing,)))
        assert str(caught.value) == text


@case("A30")
@pytest.mark.parametrize(
    ("ptr", "size"), [(65536, 1), (65535, 2), (0, 65537), (0xFFFFFFFF, 0xFFFFFFFF), (65537, 0)]
)
def test_a_manifest_outside_memory(ptr: int, size: int) -> None:
    with pytest.raises(CallError) as caught:
        quick(guest(register=(constant(ptr, size),)))
    assert str(caught.value) == "gk_register failed: failed to read manifest from memory"


@case("A32")
def test_a_manifest_at_the_end_of_memory() -> None:
    raw = b'{"name":"end"}'
    data = guest(
        register=(constant(65536 - len(raw), len(raw)),),
        datas=[b"\0" + code(f"i32.const {65536 - len(raw)}") + name(raw)],
    )
    assert quick(data).name == "end"


def test_a_manifest_at_address_0() -> None:
    raw = b'{"name":"null"}'
    data = guest(register=(constant(0, len(raw)),), datas=[b"\0" + code("i32.const 0") + name(raw)])
    assert quick(data).name == "null"


@case("A33", "W13")
@pytest.mark.parametrize(
    ("export", "params", "results", "lines"),
    [
        ("gk_register", "", "", ()),
        ("gk_register", "i32", "i64", ("i64.const 0",)),
        ("gk_register", "", "i32", ("i32.const 0",)),
        ("gk_call", "i32", "i64", ("i64.const 0",)),
        ("gk_call", "i32 i32 i32 i32", "i32", ("i32.const 0",)),
        ("gk_call", "i32 i32 i32 i32", "i64 i64", ("i64.const 0", "i64.const 0")),
        ("gk_malloc", "i32", "i64", ("i64.const 0",)),
        ("gk_malloc", "i64", "i32", ("i32.const 0",)),
        ("gk_free", "i32 i32", "", ()),
    ],
)
def test_types_of_exports(export: str, params: str, results: str, lines: tuple[str, ...]) -> None:
    functions = {export: Function(params, results, lines)}
    parts = {} if export != "gk_malloc" else {"call": ("i64.const 0",)}
    with pytest.raises(ContractError, match=f"^plugin export {export} has type .*contract wants"):
        quick(guest(functions=functions, **parts))


@case("A34")
def test_the_host_is_not_there_while_loading() -> None:
    speak = (
        *("i32.const 0", "i32.const 0", "i32.const 1", "call $log"),
        *("i32.const 0", "i32.const 1", "i32.const 99999999", "i32.const 1", "call $host_call"),
        *("i64.eqz", "if _", "else", "unreachable", "end"),
    )
    raw = len(b'{"name": "x"}')
    data = guest(
        b'{"name": "x"}',
        imports=[HOST_CALL, LOG],
        functions={"_start": Function("", "", speak)},
        register=(*speak, constant(MANIFEST_AT, raw)),
        call=(*speak, "unreachable"),
    )
    plugin = quick(data)
    host = MemoryHost()
    plugin.init(host)
    # also when a fresh instance is started beneath an attached host
    with pytest.raises(CallError):
        plugin.call_raw("f", fuel=0)
    with pytest.raises(CallError):
        plugin.call_raw("f")
    assert plugin.restarts == 1
    assert [line.message for line in host.logs if "restart" not in line.message] == ["\0"]


@case("A36")
def test_features_of_the_second_release() -> None:
    second = (
        *("i32.const 200", "i32.extend8_s", "drop"),
        *("f32.const 1e30", "i32.trunc_sat_f32_u", "drop"),
        *("i32.const 1", "i32.const 2", "call $two", "drop", "drop"),
        *("i32.const 0", "i32.const 0", "i32.const 1", "memory.fill"),
        *("i32.const 1", "i32x4.splat", "drop"),
        *("ref.func 0", "ref.is_null", "drop", "i64.const 0"),
    )
    functions = {"two": Function("i32 i32", "i32 i32", ("local.get 1", "local.get 0"))}
    plugin = quick(guest(functions=functions, call=second))
    assert plugin.call_raw("f") is None


def _raw(**parts: object) -> bytes:
    return module(types=[functype()], functions=[0], bodies=[body("")], **parts)  # type: ignore[arg-type]


@case("A37")
@pytest.mark.parametrize(
    "data",
    [
        # return_call 0
        module(types=[functype()], functions=[0], bodies=[unsigned(4) + b"\0\x12\0\x0b"]),
        _raw(memories=[b"\3\1\1"]),
        _raw(memories=[b"\0\1", b"\0\1"]),
        _raw(memories=[b"\4\1"]),
        # i32.const 1, i32.const 1, i32.add in a constant expression
        _raw(globals_=[b"\x7f\0\x41\1\x41\1\x6a\x0b"]),
    ],
    ids=["tail call", "shared memory", "two memories", "memory64", "extended const"],
)
def test_later_proposals_are_refused(data: bytes) -> None:
    with pytest.raises(PluginError, match=r"^instantiate wasm: ") as caught:
        quick(data)
    assert isinstance(caught.value.__cause__, (DecodeError, ValidationError))


def test_a_module_that_was_allowed_more_is_held_to_the_contract() -> None:
    """With the words for bytes; and what it has compiled is its own still."""
    tail = module(types=[functype()], functions=[0], bodies=[unsigned(4) + b"\0\x12\0\x0b"])
    with pytest.raises(PluginError) as of_bytes:
        quick(tail)
    for validate in ("eager", "lazy"):
        with pytest.raises(PluginError) as of_module:
            pywasmgk.load(Module(tail, validate=validate), timeout=5.0)
        assert str(of_module.value) == str(of_bytes.value)
        assert isinstance(of_module.value.__cause__, (DecodeError, ValidationError))
    plain = Module(guest(call=("i64.const 0",)))
    for _ in range(2):
        plugin = pywasmgk.load(plain, timeout=5.0)
        assert plugin._module is plain
        assert plugin.call_raw("f") is None
    assert plain.is_within(Features.SEED) and not Module(tail).is_within(Features.SEED)


FAILING = {
    "magic": b"nothing",
    "validation": guest(functions={"u": Function("", "i32", ())}),
    "linking": guest(imports=[Import("env", "abort", "")]),
    "start": guest(functions={"_start": Function("", "", ("unreachable",))}),
    "exports": guest(omit=["gk_register"]),
    "register": guest(register=("unreachable",)),
    "manifest": guest(b"[]"),
}


@case("A38", "W08")
@pytest.mark.parametrize("stage", FAILING)
def test_failed_loads_leave_nothing(stage: str) -> None:
    data = FAILING[stage]

    def fail() -> None:
        with pytest.raises(PluginError):
            quick(data)

    for _ in range(3):
        fail()
    gc.collect()
    objects, threads = len(gc.get_objects()), threading.active_count()
    files = len(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else 0
    for _ in range(40):
        fail()
    gc.collect()
    # the suite's own bookkeeping moves by a few
    assert len(gc.get_objects()) - objects < 40
    assert threading.active_count() == threads
    if files:
        assert len(os.listdir("/dev/fd")) == files


def memories() -> int:
    """How many memories there are."""
    return sum(isinstance(item, Memory) for item in gc.get_objects())


@case("W08")
@pytest.mark.parametrize("stage", ["exports", "register", "manifest", "_start", "shutdown"])
def test_memory_is_freed_at_once(stage: str) -> None:
    data = {**FAILING, "_start": FAILING["start"], "shutdown": guest()}[stage]
    gc.collect()
    before = memories()
    gc.disable()
    try:
        for _ in range(3):
            try:
                quick(data).shutdown()
            except PluginError:
                pass
        assert memories() == before
    finally:
        gc.enable()


@case("A39")
def test_two_plugins_of_the_same_bytes() -> None:
    counting = (
        *("global.get $count", "i32.const 1", "i32.add", "global.set $count"),
        *("i32.const 512", "global.get $count", "i32.const 48", "i32.add", "i32.store8 0+0"),
        constant(512, 1),
    )
    data = guest(call=counting)
    one, other = quick(data), quick(Module(data))
    assert [one.call_raw("f"), one.call_raw("f"), other.call_raw("f")] == [b"1", b"2", b"1"]


@case("W05")
def test_a_guest_without_memory() -> None:
    data = guest(
        pages=None,
        register=("i64.const 0",),
        malloc=("i32.const 0",),
        call=("i64.const 0",),
    )
    with pytest.raises(ContractError, match=r"^plugin has no memory"):
        quick(data)


def test_options_are_named_where_they_are_wrong() -> None:
    with pytest.raises(TypeError, match="unknown option 'memory_limits'"):
        quick(guest(), memory_limits=3)
    with pytest.raises(TypeError, match="expected the bytes of a module"):
        quick(7)  # type: ignore[arg-type]


# -- text

ERRANDS = Path(__file__).parent.parent / "guests" / "wat" / "errands.wat"


def test_a_plugin_is_loaded_from_text() -> None:
    for plugin in (
        pywasmgk.load_from_file(ERRANDS),
        pywasmgk.load_from_file(str(ERRANDS), locals_limit=100),
        pywasmgk.load(ERRANDS.read_text()),
        pywasmgk.load(pywasmgk.Module.from_file(ERRANDS)),
        pywasmgk.load(pywasmgk.Module.from_file(ERRANDS), locals_limit=100),
    ):
        assert plugin.call("root", 16) == {"root": 4000}


def test_a_fault_in_text_has_its_place(tmp_path: Path) -> None:
    message = "instantiate wasm: unknown func \\$nobody \\(line 2, column 7\\)"
    with pytest.raises(pywasmgk.PluginError, match=message) as caught:
        pywasmgk.load("(module (func\n call $nobody))")
    assert isinstance(caught.value.__cause__, pywasmgk.TextError)
    path = tmp_path / "broken.wat"
    path.write_bytes(b"(module (func\n call $nobody))")
    with pytest.raises(pywasmgk.PluginError, match=message):
        pywasmgk.load_from_file(path)
    path.write_bytes(b"(module\n\xff)")
    with pytest.raises(
        pywasmgk.PluginError, match=r"malformed UTF-8 encoding \(line 2, column 1\)"
    ):
        pywasmgk.load_from_file(path)


def test_a_path_is_no_text() -> None:
    with pytest.raises(pywasmgk.PluginError, match=r"Module\.from_file") as caught:
        pywasmgk.load("hello.wasm")
    assert isinstance(caught.value.__cause__, pywasmgk.TextError)
