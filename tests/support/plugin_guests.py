"""Small plugins for tests, written in instructions.

``guest()`` is a whole plugin that echoes its arguments; every function of it can be replaced.
Lines may name functions and globals: ``call $gk_malloc``, ``global.get $heap``.
"""

from __future__ import annotations

import dataclasses
import json
import re
import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from wasm_builder import body, code, functype, limits, module, name

from pywasmgk.plugin import Plugin, load

MANIFEST_AT = 1024
#: pairs of (operation, value) that ``note`` lines write
TRACE_AT = 32768
HEAP_AT = 40960
MALLOC, FREE, CALL, OTHER = 1, 2, 3, 4

GLOBALS = {"$heap": HEAP_AT, "$trace": TRACE_AT, "$count": 0}
MANIFEST = {"name": "x", "version": "1.0.0"}


class Import(NamedTuple):
    """A function that a guest imports; called ``$name`` in code."""

    module: str
    name: str
    params: str
    results: str = ""


HOST_CALL = Import("gk", "host_call", "i32 i32 i32 i32", "i64")
LOG = Import("gk", "log", "i32 i32 i32")
EXIT = Import("wasi_snapshot_preview1", "proc_exit", "i32")


class Function(NamedTuple):
    """A function of a guest."""

    params: str
    results: str
    lines: Sequence[str]
    locals_: str = ""


def constant(ptr: int, size: int) -> str:
    """The line that gives a packed value."""
    packed = ptr << 32 | size
    return f"i64.const {packed - (1 << 64) if packed >> 63 else packed}"


#: packs two i32 locals
def packed(ptr: int, size: int) -> tuple[str, ...]:
    return (
        *(f"local.get {ptr}", "i64.extend_i32_u", "i64.const 32", "i64.shl"),
        *(f"local.get {size}", "i64.extend_i32_u", "i64.or"),
    )


def note(operation: int, *value: str) -> tuple[str, ...]:
    """Writes what lines give into the trace."""
    return (
        *("global.get $trace", f"i32.const {operation}", "i32.store 2+0"),
        *("global.get $trace", *value, "i32.store 2+4"),
        *("global.get $trace", "i32.const 8", "i32.add", "global.set $trace"),
    )


#: takes from the end of the heap, which grows with it
BUMP = (
    *("global.get $heap", "local.set 1"),
    *("local.get 1", "local.get 0", "i32.add", "i32.const 7", "i32.add", "i32.const -8", "i32.and"),
    "global.set $heap",
    *("global.get $heap", "memory.size", "i32.const 16", "i32.shl", "i32.gt_u", "if _"),
    *("global.get $heap", "i32.const 16", "i32.shr_u", "memory.size", "i32.sub"),
    *("i32.const 1", "i32.add", "memory.grow", "i32.const -1", "i32.eq", "if _"),
    *("local.get 1", "global.set $heap", "i32.const 0", "return", "end", "end"),
    "local.get 1",
)
#: gives a copy of the arguments
ECHO = (
    *("local.get 3", "i32.eqz", "if _", "i64.const 0", "return", "end"),
    *("local.get 3", "call $gk_malloc", "local.set 4"),
    *("local.get 4", "local.get 2", "local.get 3", "memory.copy"),
    *packed(4, 3),
)
#: arguments are the length of a name (4 bytes), the name and a request: asks the host
#: and gives its answer, or the packed word itself if the function's name has three letters
ASK = (
    *("local.get 2", "i32.const 4", "i32.add", "local.get 2", "i32.load 2+0"),
    *("local.get 2", "i32.const 4", "i32.add", "local.get 2", "i32.load 2+0", "i32.add"),
    *("local.get 3", "i32.const 4", "i32.sub", "local.get 2", "i32.load 2+0", "i32.sub"),
    *("call $host_call", "local.set 5"),
    *("local.get 1", "i32.const 3", "i32.eq", "if _"),
    *("i32.const 8", "call $gk_malloc", "local.tee 4", "local.get 5", "i64.store 3+0"),
    *("i32.const 8", "local.set 3", *packed(4, 3), "return", "end"),
    "local.get 5",
)
#: arguments are a level and a message
SAY = (
    *("local.get 2", "i32.load 2+0", "local.get 2", "i32.const 4", "i32.add"),
    *("local.get 3", "i32.const 4", "i32.sub", "call $log", "i64.const 0"),
)
LOOP = ("loop _", "br 0", "end")

_DEFAULTS = {
    "gk_register": Function("", "i64", ()),
    "gk_call": Function("i32 i32 i32 i32", "i64", ECHO, "i32 i64"),
    "gk_malloc": Function("i32", "i32", BUMP, "i32"),
    "gk_free": Function("i32", "", ()),
}


def guest(
    manifest: Any = MANIFEST,
    *,
    imports: Sequence[Import] = (),
    pages: int | None = 1,
    maximum: int | None = None,
    omit: Iterable[str] = (),
    functions: dict[str, Function] | None = None,
    exports: Sequence[tuple[str, int, int]] = (),
    memory_name: str | None = "memory",
    start: str | None = None,
    datas: Sequence[bytes] = (),
    globals_: Sequence[bytes] = (),
    **lines: Sequence[str],
) -> bytes:
    """A plugin. ``call=``, ``malloc=``, ``free=``, ``register=`` replace the instructions of those
    exports; ``functions`` adds or replaces whole ones, which are exported too."""
    raw = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    found = dict(_DEFAULTS)
    found["gk_register"] = Function("", "i64", (constant(MANIFEST_AT, len(raw)),))
    for export, replaced in lines.items():
        found[f"gk_{export}"] = found[f"gk_{export}"]._replace(lines=replaced)
    found.update(functions or {})
    for export in omit:
        del found[export]
    indices = {f"${item.name}": number for number, item in enumerate(imports)}
    for number, export in enumerate(found, len(imports)):
        indices[f"${export}"] = number
    indices.update({label: number for number, label in enumerate(GLOBALS)})
    bodies = [
        body(item.locals_, *(resolved(line, indices) for line in item.lines))
        for item in found.values()
    ]
    kinds = [functype(item.params, item.results) for item in (*imports, *found.values())]
    memory = [] if memory_name is None or pages is None else [(memory_name, 2, 0)]
    content = [] if pages is None else [b"\0" + code(f"i32.const {MANIFEST_AT}") + name(raw)]
    return module(
        types=kinds,
        imports=[
            name(item.module) + name(item.name) + b"\0" + bytes([number])
            for number, item in enumerate(imports)
        ],
        functions=range(len(imports), len(kinds)),
        memories=[] if pages is None else [limits(pages, maximum)],
        globals_=[
            *(b"\x7f\1" + code(f"i32.const {value}") for value in GLOBALS.values()),
            *globals_,
        ],
        exports=[
            *((export, 0, indices[f"${export}"]) for export in found),
            *memory,
            *exports,
        ],
        start=None if start is None else indices[start],
        bodies=bodies,
        datas=[*content, *datas],
    )


def resolved(line: str, indices: dict[str, int]) -> str:
    """A line with numbers in the place of names."""
    return re.sub(r"\$\w+", lambda match: str(indices[match[0]]), line)


def asker(plugin_name: str = "x", **parts: Any) -> bytes:
    """A guest that asks its host what its arguments say."""
    manifest = {"name": plugin_name, "version": "1.0.0"}
    return guest(manifest, imports=[HOST_CALL], call=ASK, **parts)


#: a plugin that counts its calls, and how often it was registered
COUNTER = r"""(module
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 48))
  (data (i32.const 0)
    "{\"name\":\"counter\",\"version\":\"1.0.0\",\"description\":\"\",\"author\":\"\",\"license\":\"\"}")
  (func (export "gk_register") (result i64)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i64.const 78))
  (func (export "gk_malloc") (param i32) (result i32) (i32.const 1024))
  (func (export "gk_call") (param i32 i32 i32 i32) (result i64)
    (if (i32.eq (local.get 1) (i32.const 5)) (then unreachable))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store8 (i32.const 2048) (global.get $calls))
    (i64.or (i64.shl (i64.const 2048) (i64.const 32)) (i64.const 1))))"""

#: asks the host by the name and with the arguments that it is called with
RELAY = r"""(module
  (import "gk" "host_call" (func $ask (param i32 i32 i32 i32) (result i64)))
  (memory (export "memory") 2)
  (global $free (mut i32) (i32.const 4096))
  (data (i32.const 0)
    "{\"name\":\"relay\",\"version\":\"1.0.0\",\"description\":\"\",\"author\":\"\",\"license\":\"\"}")
  (data (i32.const 100) "\"none\"")
  (func (export "gk_register") (result i64) (i64.const 76))
  (func (export "gk_malloc") (param i32) (result i32)
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (local.get 0))))
  (func (export "gk_call") (param i32 i32 i32 i32) (result i64) (local $found i64)
    (local.set $found
      (call $ask (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
    (if (i64.eqz (local.get $found))
      (then (local.set $found (i64.const 0x6400000006))))
    (global.set $free (i32.const 4096))
    (local.get $found)))"""


def question(function: str | bytes, request: Any = None) -> bytes:
    """The arguments of an asker: a request is bytes as they are, or a JSON value."""
    raw = request if isinstance(request, bytes) else json.dumps(request).encode()
    label = function.encode() if isinstance(function, str) else function
    return struct.pack("<I", len(label)) + label + raw


def ask(plugin: Plugin, function: str | bytes, request: Any = None) -> bytes | None:
    """Has an asker call a host function."""
    return plugin.call_raw("call", question(function, request))


def ask_raw(plugin: Plugin, function: str | bytes, request: Any = None) -> int:
    """The packed word that an asker got."""
    result = plugin.call_raw("raw", question(function, request))
    assert result is not None
    return int(struct.unpack("<Q", result)[0])


def sayer(**parts: Any) -> bytes:
    """A guest that logs what its arguments say."""
    return guest(imports=[LOG], call=SAY, **parts)


def say(plugin: Plugin, level: int, message: bytes) -> None:
    """Has a sayer log."""
    plugin.call_raw("say", struct.pack("<i", level) + message)


def memory_of(plugin: Plugin) -> Any:
    """The memory of a plugin's running instance."""
    found = plugin._guest
    assert found is not None
    return found.exports.memory


def trace_of(plugin: Plugin) -> list[tuple[int, int]]:
    """What a recorder's functions were called with, in order."""
    raw = memory_of(plugin).read(TRACE_AT, HEAP_AT - TRACE_AT)
    pairs = list(struct.iter_unpack("<ii", raw))
    return pairs[: next((n for n, pair in enumerate(pairs) if not pair[0]), len(pairs))]


def recorder(**parts: Any) -> bytes:
    """An echo that notes every malloc, free and call."""
    lines: dict[str, Sequence[str]] = {
        "malloc": (*note(MALLOC, "local.get 0"), *BUMP),
        "free": note(FREE, "local.get 0"),
        "call": (*note(CALL, "local.get 3"), *ECHO),
    }
    return guest(**{**lines, **parts})


def quick(data: bytes, **options: Any) -> Plugin:
    """A plugin that is stopped soon if it hangs. A time that is shorter is for its calls: a busy
    machine may need as long for loading."""
    timeout = options.pop("timeout", 5.0)
    short = isinstance(timeout, float) and 0 < timeout < 5
    plugin = load(data, timeout=5.0 if short else timeout, **options)
    if short:
        plugin.limits = dataclasses.replace(plugin.limits, timeout=timeout)
    return plugin
