"""Modules that AssemblyScript made: strings, buffers and arrays on their managed heap.

With the bindings that ``asc --bindings`` writes beside a module, ``load`` runs those
(``compat.js``), and the module's functions take and give Python's values::

    guest = assemblyscript.load("build/release.wasm")
    guest.greet("Ada")

Without them functions take and give addresses; ``Guest`` reads and makes what is behind them.
"""

from __future__ import annotations

import random
import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import Trap, TrapCode
from ..wasm.module import Module
from ..wasm.runtime.calls import Opened
from ..wasm.runtime.functions import Caller, Func
from ..wasm.runtime.instance import Instance, instantiate
from ..wasm.runtime.linker import Imports
from ..wasm.runtime.memory import Memory
from ..wasm.runtime.metering import Meter
from ..wasm.types import FuncType, ImportType
from .faults import trapping
from .js.border import ScriptObject
from .js.building import common_js
from .js.builtins import make_realm
from .js.evaluation import Interpreter
from .js.objects import UNDEFINED, Foreign, Function, JSError, Native, Object, Realm
from .js.properties import read_property
from .js.syntax import read_script
from .js.wasm import Exports, imported
from .stubs import trap_stub

__all__ = ["Guest", "JSError", "find_script", "load"]

_MASK = 0xFFFFFFFF
#: bytes that bindings may have the host keep, by default
QUOTA = 1 << 26
#: in front of an object: its class, and its size in bytes
_CLASS, _SIZE = 8, 4
#: bytes of a message that a guest hands over
_LONGEST = 1 << 16
_MOST_SCRIPT = 4 << 20
_LIMITS = ("fuel", "timeout", "cancel", "clock")
#: ``array`` letters of element types
_ELEMENTS = {
    "u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q",
    "f32": "f", "f64": "d",
}  # fmt: skip


def text_at(memory: Memory, ptr: int, longest: int | None = None) -> str:
    """The string at an address, which is UTF-16; null is "". Halves of pairs become U+FFFD."""
    ptr &= _MASK
    if not ptr:
        return ""
    size = memory.read_u32(ptr - _SIZE)
    size = size if longest is None else min(size, longest)
    return memory.read(ptr, size & ~1).decode("utf-16-le", "replace")


class Guest:
    """An AssemblyScript module. What its bindings have, and its exports, are attributes."""

    def __init__(self, instance: Instance, bindings: ScriptObject | None = None) -> None:
        self.instance = instance
        self.bindings = bindings
        exports = instance.exports
        # runtimes before 0.18 count references
        self._old = "__new" not in exports and "__alloc" in exports

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.bindings is not None:
            return getattr(self.bindings, name)
        return getattr(self.instance.exports, name)

    @property
    def memory(self) -> Memory:
        """Its memory. Raises TypeError where there is none."""
        if not self.instance.memories:
            raise TypeError("the module has no memory")
        return self.instance.memory

    # -- what is behind an address

    def string(self, ptr: int) -> str:
        """A string; null is ""."""
        return text_at(self.memory, ptr)

    def buffer(self, ptr: int) -> bytes:
        """A copy of an ArrayBuffer, or of a StaticArray's bytes."""
        ptr &= _MASK
        return self.memory.read(ptr, self.memory.read_u32(ptr - _SIZE))

    def typed(self, ptr: int, kind: str = "u8") -> array[Any]:
        """A copy of a typed array with elements of a kind such as ``u8`` or ``f64``."""
        start, size = (self.memory.read_u32((ptr & _MASK) + at) for at in (4, 8))
        found = array(_ELEMENTS[kind])
        found.frombytes(self.memory.read(start, size - size % found.itemsize))
        return found

    def array(self, ptr: int, kind: str = "i32") -> array[Any]:
        """A copy of an Array of numbers, or of addresses with kind ``u32``."""
        start, length = (self.memory.read_u32((ptr & _MASK) + at) for at in (4, 12))
        found = array(_ELEMENTS[kind])
        found.frombytes(self.memory.read(start, length * found.itemsize))
        return found

    # -- new objects

    def new(self, size: int, class_id: int) -> int:
        """The address of a new object; whoever keeps it pins it."""
        make = self.instance.exports["__alloc" if self._old else "__new"]
        found: int = make(size, class_id) & _MASK  # type: ignore[operator]
        return self._retain(found) if self._old else found

    def new_string(self, text: str) -> int:
        """The address of a new string."""
        data = text.encode("utf-16-le", "surrogatepass")
        ptr = self.new(len(data), 1 if self._old else 2)
        self.memory.write(ptr, data)
        return ptr

    def new_buffer(self, data: bytes) -> int:
        """The address of a new ArrayBuffer."""
        ptr = self.new(len(data), 0 if self._old else 1)
        self.memory.write(ptr, data)
        return ptr

    def new_typed(self, class_id: int, values: bytes | Sequence[Any], kind: str = "u8") -> int:
        """The address of a new typed array. Its class's number is what the module exports for it
        (``export const Uint8Array_ID = idof<Uint8Array>()``)."""
        data = values if isinstance(values, bytes) else array(_ELEMENTS[kind], values).tobytes()
        with self.pinned(self.new_buffer(data)) as buffer:
            ptr = self.new(12, class_id)
            for at, word in enumerate((buffer, buffer, len(data))):
                self.memory.write_u32(ptr + 4 * at, word)
            if self._old:
                self._retain(buffer)
            elif "__link" in self.instance.exports:
                self.instance.exports["__link"](ptr, buffer, 0)  # type: ignore[operator]
        return ptr

    # -- life

    def pin(self, ptr: int) -> int:
        """Keeps an object alive until it is unpinned."""
        if self._old:
            return self._retain(ptr)
        return int(self.instance.exports["__pin"](ptr)) & _MASK  # type: ignore[operator]

    def unpin(self, ptr: int) -> None:
        """Lets go of a pinned object."""
        name = "__release" if self._old else "__unpin"
        self.instance.exports[name](ptr)  # type: ignore[operator]

    def _retain(self, ptr: int) -> int:
        return int(self.instance.exports["__retain"](ptr)) & _MASK  # type: ignore[operator]

    @contextmanager
    def pinned(self, ptr: int) -> Iterator[int]:
        """An object that is kept alive in a ``with`` block."""
        self.pin(ptr)
        yield ptr
        self.unpin(ptr)

    def call(self, name: str, *args: Any) -> Any:
        """Calls an export; a str is passed as a new string, bytes as a new ArrayBuffer."""
        function: Any = self.instance.exports[name]
        pinned: list[int] = []
        with self.instance.account():
            given = []
            for arg in args:
                if isinstance(arg, (str, bytes)):
                    arg = self.new_string(arg) if isinstance(arg, str) else self.new_buffer(arg)
                    pinned.append(self.pin(arg))
                given.append(arg)
            found = function(*given)
            for ptr in pinned:
                self.unpin(ptr)
        return found

    def __repr__(self) -> str:
        return f"<Guest {self.instance.module.name or 'of AssemblyScript'}>"


# -- imports


def _abort(caller: Caller, message: int, file: int, line: int, column: int) -> None:
    memory = caller.memory
    told = [text_at(memory, ptr, _LONGEST) if memory else "" for ptr in (message, file)]
    place = f" ({told[1]}:{line & _MASK}:{column & _MASK})" if told[1] else ""
    raise Trap(TrapCode.UNREACHABLE, f"abort: {told[0] or 'no reason given'}{place}")


def _runtime(log: Callable[[str, str], object]) -> dict[str, Callable[..., Any]]:
    """What modules import without bindings, by name; each gets the caller first."""

    def logger(level: str) -> Callable[..., None]:
        def write(caller: Caller, text: int, *more: Any) -> None:
            if caller.memory is not None:
                log(level, text_at(caller.memory, text, _LONGEST))

        return write

    levels = {f"console.{level}": logger(level) for level in ("log", "info", "warn", "error")}
    return {
        **levels,
        "abort": _abort,
        "trace": logger("trace"),
        "seed": lambda caller: random.random() * 2**53,
        "Math.random": lambda caller: random.random(),
        "Date.now": lambda caller: float(time.time_ns() // 1_000_000),
        "performance.now": lambda caller: time.monotonic() * 1000,
    }


def load(
    module: str | Path | Module,
    script: str | Path | None = None,
    *,
    imports: Imports | None = None,
    quota: int = QUOTA,
    log: Callable[[str, str], object] = lambda level, text: None,
    **options: Any,
) -> Guest:
    """An AssemblyScript module.

    ``script`` is the text of its bindings, or a Path to them, by default the ``.js`` of the
    module's name beside it if that has any. ``imports`` win over what bindings and runtime give.
    ``log`` gets what ``console`` and ``trace`` say, level first; ``quota`` is what bindings may
    have the host keep, in bytes; other options are those of ``instantiate``. Raises what ``Module``
    and ``instantiate`` raise, JSError if the bindings do.
    """
    if not isinstance(module, Module):
        path = Path(module)
        module = Module.from_file(path, cache_dir=options.get("cache_dir"))
        script = find_script(path) if script is None else script
    if script is not None:
        text = script.read_text("utf-8") if isinstance(script, Path) else script
        return _with_bindings(module, text, imports or {}, quota, log, options)
    functions, given = _runtime(log), dict[str, dict[str, Any]]()
    for item in module.imports:
        names: Mapping[str, Any] = (imports or {}).get(item.module, {})
        if item.name in names:
            found = names[item.name]
        elif item.name in functions and isinstance(item.type, FuncType):
            work = trapping(functions[item.name], item.name)
            found = Func(item.type, work, access_caller=True, name=item.name)
        elif item.kind == "func":
            found = trap_stub(item)
        else:
            continue
        given.setdefault(item.module, {})[item.name] = found
    return Guest(instantiate(module, given, **options))


def find_script(path: Path) -> Path | None:
    """The bindings beside a module, if there are any."""
    script = path.with_suffix(".js")
    if not script.is_file() or script.stat().st_size > _MOST_SCRIPT:
        return None
    text = script.read_text("utf-8", "replace")
    return script if "adaptedExports" in text and "function instantiate" in text else None


class _ModuleObject(Foreign):
    """The module, for the script to hand it on."""

    kind = "Module"


def _with_bindings(
    module: Module, text: str, own: Imports, quota: int,
    log: Callable[[str, str], object], options: dict[str, Any],
) -> Guest:  # fmt: skip
    realm, names = make_realm(quota, log)
    interpreter = Interpreter(realm, names)
    made: list[Instance] = []

    def make(this: Any, given: Any, wanted: Any) -> Any:
        imports = _of_script(interpreter, module, wanted, own)
        instance = instantiate(module, imports, **options)
        made.append(instance)
        return _result(realm, instance)

    top = interpreter.top.names
    top["WebAssembly"] = realm.object()
    top["WebAssembly"]["instantiate"] = Native("instantiate", make)
    exported = common_js(realm, top)
    with Opened(Meter(**{name: options[name] for name in _LIMITS if name in options})):
        interpreter.run_script(read_script(text))
        with interpreter.guarded():
            start = top.get("instantiate", exported.get("instantiate"))
            if not isinstance(start, Function):
                raise realm.error("TypeError", "the bindings have no function instantiate")
            # what a module exports has no names of its own
            arguments = (_ModuleObject(), realm.object())
            bindings = ScriptObject(interpreter, start.call(UNDEFINED, arguments))
    interpreter.opened = made[0].account
    return Guest(made[0], bindings)


def _result(realm: Realm, instance: Instance) -> Object:
    """What ``WebAssembly.instantiate`` gives."""
    exports = Exports(instance.exports)
    listed = Object(None, realm.protos["Object"])
    for name in instance.exports:
        listed[name] = exports.get(name)
    found = Object(None, realm.protos["Object"])
    found["exports"] = listed
    return found


def _of_script(
    interpreter: Interpreter, module: Module, wanted: Any, own: Imports
) -> dict[str, dict[str, Any]]:
    """The imports, as the bindings give them."""
    given: dict[str, dict[str, Any]] = {}
    for item in module.imports:
        names: Mapping[str, Any] = own.get(item.module, {})
        if item.name in names:
            found: Any = names[item.name]
        elif isinstance(item.type, FuncType):
            found = _function(interpreter, item, item.type, wanted)
        else:
            continue
        given.setdefault(item.module, {})[item.name] = found
    return given


def _function(interpreter: Interpreter, item: ImportType, kind: FuncType, wanted: Any) -> Func:
    place = read_property(interpreter.realm, wanted, item.module)
    found = UNDEFINED if place is UNDEFINED else read_property(interpreter.realm, place, item.name)
    if not isinstance(found, Function):
        return trap_stub(item)
    function: Function = found
    return imported(interpreter, kind, f"{item.module}.{item.name}", lambda: function)
