"""What Go calls: values of JavaScript by references (Go's ``syscall/js`` and ``wasm_exec.js``).

A reference is eight bytes: a number as itself, undefined as 0, and anything else as a NaN whose
lower half is an index and whose upper half tells the kind. Arguments and results lie on Go's stack,
whose address each function gets.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...errors import Exit, Trap, TrapCode
from ...wasm.runtime.memory import Memory, OutOfRange
from ...wasm.wasi.abi import Refused
from ..js.binary import TypedArray
from ..js.data import utf8
from ..js.objects import (
    UNDEFINED,
    Array,
    BigInt,
    Foreign,
    Function,
    JSError,
    Object,
    Symbol,
)
from ..js.operators import plain, to_text
from ..js.properties import property_key, read_property, write_property

if TYPE_CHECKING:
    from .program import Go

__all__ = ["FUNCTIONS", "References", "Stack", "callable_value", "copy_to_go", "copy_to_script"]

_NAN_HEAD = 0x7FF80000
_MASK = (1 << 64) - 1
#: indices of constants, which nobody frees
_FIXED = 7
#: bytes that a reference counts for
_REFERENCE = 120
#: arguments of one call
_MOST_ARGUMENTS = 10_000
_COPIED = 8


class References:
    """Values by index, each as often as Go holds it."""

    def __init__(self, go: Go) -> None:
        self.realm = go.realm
        constants = (float("nan"), 0, None, True, False, go.everything, go.object)
        self.values: dict[int, Any] = dict(enumerate(constants))
        self._counts: dict[int, int] = {}
        self._ids: dict[Any, int] = {
            _identity(value): index for index, value in self.values.items() if index > 1
        }
        self._free: list[int] = []

    def index(self, value: Any) -> int:
        """The index of a value, one holder more."""
        key = _identity(value)
        found = self._ids.get(key)
        if found is None:
            self.realm.charge(_REFERENCE)
            found = self._free.pop() if self._free else len(self.values)
            self.values[found] = value
            self._ids[key] = found
        if found >= _FIXED:
            self._counts[found] = self._counts.get(found, 0) + 1
        return found

    def drop(self, index: int) -> None:
        """Go holds it once less."""
        count = self._counts.get(index, 0) - 1
        if count > 0:
            self._counts[index] = count
        elif index in self._counts:
            del self._counts[index]
            del self._ids[_identity(self.values.pop(index))]
            self._free.append(index)
            self.realm.used -= _REFERENCE

    def box(self, value: Any) -> int:
        """The reference of a value, one holder more."""
        if type(value) in (int, float) and value != 0:
            if value != value:
                return _NAN_HEAD << 32
            bits: int = struct.unpack("<Q", struct.pack("<d", value))[0]
            return bits
        if value is UNDEFINED:
            return 0
        index = 1 if type(value) in (int, float) else self.index(value)
        return (_NAN_HEAD | _kind(value)) << 32 | index

    def unbox(self, bits: int) -> Any:
        """The value of a reference; undefined where there is none."""
        number: float = struct.unpack("<d", struct.pack("<Q", bits & _MASK))[0]
        if number == 0:
            return UNDEFINED
        if number == number:
            return plain(number)
        return self.values.get(bits & 0xFFFFFFFF, UNDEFINED)

    def listed(self, memory: Memory, ptr: int, count: int) -> list[Any]:
        """The values of a slice of references."""
        if not 0 <= count <= _MOST_ARGUMENTS:
            raise OutOfRange(f"{count} arguments")
        return [self.unbox(memory.read_u64(ptr + 8 * number)) for number in range(count)]


def _identity(value: Any) -> Any:
    if isinstance(value, str):
        return "text", str(value)
    if isinstance(value, BigInt):
        return "bigint", int(value)
    return id(value)


def _kind(value: Any) -> int:
    if isinstance(value, str):
        return 2
    if isinstance(value, Symbol):
        return 3
    if isinstance(value, Function):
        return 4
    return 1 if isinstance(value, (Object, Array, Foreign)) else 0


class Stack:
    """Arguments and results at an address."""

    def __init__(self, go: Go, sp: int) -> None:
        self.go = go
        self.memory: Memory = go.memory
        self.sp = sp & 0xFFFFFFFF

    def renew(self) -> None:
        """Looks at where the stack is now: a call into Go may have moved it."""
        self.sp = self.go.getsp() & 0xFFFFFFFF

    def i32(self, at: int) -> int:
        """A signed integer."""
        return self.memory.read_i32(self.sp + at)

    def i64(self, at: int) -> int:
        """A signed 64-bit integer."""
        return self.memory.read_i64(self.sp + at)

    def put(self, at: int, form: str, value: Any) -> None:
        """Writes a result, as ``struct`` has it."""
        self.memory.write(self.sp + at, struct.pack("<" + form, value))

    def span(self, at: int) -> tuple[int, int]:
        """Address and length of a slice or a text."""
        ptr, size = self.i64(at), self.i64(at + 8)
        if size and not 0 <= ptr <= ptr + size <= len(self.memory):
            raise OutOfRange(f"{size} bytes at {ptr} are outside the memory")
        return (ptr, size) if size else (0, 0)

    def bytes(self, at: int) -> bytes:
        """A copy of what a slice or a text has."""
        ptr, size = self.span(at)
        self.go.charge(size // _COPIED)
        return self.memory.read(ptr, size)

    def text(self, at: int) -> str:
        """A text."""
        return self.bytes(at).decode(errors="replace")

    def value(self, at: int) -> Any:
        """The value of a reference on the stack."""
        return self.go.references.unbox(self.memory.read_u64(self.sp + at))

    def values(self, at: int) -> list[Any]:
        """The values of a slice of references."""
        return self.go.references.listed(self.memory, self.i64(at), self.i64(at + 8))

    def store(self, at: int, value: Any) -> None:
        """Writes a reference."""
        self.memory.write_u64(self.sp + at, self.go.references.box(value))

    def answer(self, at: int, work: Callable[[], Any]) -> None:
        """Writes a result and that there is one, or what a script threw."""
        try:
            with self.go.interpreter.guarded():
                result, fine = work(), 1
        except JSError as error:
            result, fine = error.value, 0
        self.renew()
        self.store(at, result)
        self.put(at + 8, "B", fine)


def _exit(stack: Stack) -> None:
    code = stack.i32(8)
    stack.go.exit_code = code
    raise Exit(code & 0xFFFFFFFF)


def _write(stack: Stack) -> None:
    data = stack.memory.read(stack.i64(16), stack.i32(24))
    try:
        stack.go.system.write(stack.i64(8), data)
    except (OSError, Refused):
        return  # the runtime asks for no result


def _nothing(stack: Stack) -> None:
    pass


def _monotonic(stack: Stack) -> None:
    stack.put(8, "q", stack.go.clocks.monotonic())


def _walltime(stack: Stack) -> None:
    seconds, rest = divmod(stack.go.clocks.realtime(), 1_000_000_000)
    stack.put(8, "q", seconds)
    stack.put(16, "i", rest)


def _schedule(stack: Stack) -> None:
    stack.put(16, "i", stack.go.schedule(stack.i64(8)))


def _unschedule(stack: Stack) -> None:
    stack.go.timers.pop(stack.i32(8), None)


def _random(stack: Stack) -> None:
    ptr, size = stack.span(8)
    stack.go.charge(size)
    stack.memory.write(ptr, stack.go.random(size))


def _finalize(stack: Stack) -> None:
    stack.go.references.drop(stack.memory.read_u32(stack.sp + 8))


def _string(stack: Stack) -> None:
    stack.store(24, stack.go.realm.text(stack.text(8)))


def _get(stack: Stack) -> None:
    with stack.go.interpreter.guarded():
        found = read_property(stack.go.realm, stack.value(8), property_key(stack.text(16)))
    stack.renew()
    stack.store(32, found)


def _set(stack: Stack) -> None:
    key = property_key(stack.text(16))
    with stack.go.interpreter.guarded():
        write_property(stack.go.realm, stack.value(8), key, stack.value(32))


def _delete(stack: Stack) -> None:
    owner = stack.value(8)
    if isinstance(owner, Object):
        owner.pop(property_key(stack.text(16)), None)


def _index(stack: Stack) -> None:
    with stack.go.interpreter.guarded():
        key = property_key(stack.i64(16))
        stack.store(24, read_property(stack.go.realm, stack.value(8), key))


def _set_index(stack: Stack) -> None:
    with stack.go.interpreter.guarded():
        key = property_key(stack.i64(16))
        write_property(stack.go.realm, stack.value(8), key, stack.value(24))


def callable_value(value: Any) -> Function:
    """The value, which must be a function. Raises TypeError, which scripts are thrown."""
    if not isinstance(value, Function):
        raise TypeError(f"{to_text(value)} is not a function")
    return value


def _call(stack: Stack) -> None:
    owner, name, args = stack.value(8), stack.text(16), stack.values(32)

    def work() -> Any:
        found = read_property(stack.go.realm, owner, property_key(name))
        return callable_value(found).call(owner, args)

    stack.answer(56, work)


def _invoke(stack: Stack) -> None:
    function, args = stack.value(8), stack.values(16)
    stack.answer(40, lambda: callable_value(function).call(UNDEFINED, args))


def _new(stack: Stack) -> None:
    function, args = stack.value(8), stack.values(16)
    stack.answer(40, lambda: callable_value(function).construct(args))


def _length(stack: Stack) -> None:
    with stack.go.interpreter.guarded():
        found = read_property(stack.go.realm, stack.value(8), "length")
    stack.put(16, "q", found if type(found) is int else 0)


def _prepare_string(stack: Stack) -> None:
    data = stack.go.new_bytes(utf8(to_text(stack.value(8))))
    stack.store(16, data)
    stack.put(24, "q", len(data))


def _load_string(stack: Stack) -> None:
    value = stack.value(8)
    ptr, size = stack.span(16)
    stack.memory.write(ptr, value.raw[:size] if isinstance(value, TypedArray) else b"")


def _instance_of(stack: Stack) -> None:
    with stack.go.interpreter.guarded():
        found = stack.go.interpreter.is_instance(stack.value(8), stack.value(16))
    stack.put(24, "B", int(found))


def _is_bytes(value: Any) -> bool:
    return isinstance(value, TypedArray) and value.form == "B"


def copy_to_go(go: Go, source: Any, ptr: int, size: int) -> int | None:
    """Copies a Uint8Array to an address; gives how much, or None for anything else."""
    if not _is_bytes(source):
        return None
    data: bytes = source.subarray(0, size).raw
    go.charge(len(data) // _COPIED)
    go.memory.write(ptr, data)
    return len(data)


def copy_to_script(go: Go, target: Any, ptr: int, size: int) -> int | None:
    """Copies bytes at an address into a Uint8Array; gives how many, or None for anything else."""
    if not _is_bytes(target):
        return None
    data = go.memory.read(ptr, min(size, len(target)))
    go.charge(len(data) // _COPIED)
    target.buffer.data[target.offset : target.offset + len(data)] = data
    return len(data)


def _copied(stack: Stack, count: int | None) -> None:
    if count is not None:
        stack.put(40, "q", count)
    stack.put(48, "B", count is not None)


def _to_go(stack: Stack) -> None:
    _copied(stack, copy_to_go(stack.go, stack.value(32), *stack.span(8)))


def _to_script(stack: Stack) -> None:
    _copied(stack, copy_to_script(stack.go, stack.value(8), *stack.span(16)))


def _debug(stack: Stack) -> None:
    raise Trap(TrapCode.UNREACHABLE, "Go called debug, which is for its runtime's authors")


#: by name; each gets the stack
FUNCTIONS: dict[str, Callable[[Stack], None]] = {
    "runtime.wasmExit": _exit,
    "runtime.wasmWrite": _write,
    "runtime.resetMemoryDataView": _nothing,
    "runtime.nanotime1": _monotonic,
    "runtime.walltime": _walltime,
    "runtime.walltime1": _walltime,
    "runtime.scheduleTimeoutEvent": _schedule,
    "runtime.clearTimeoutEvent": _unschedule,
    "runtime.getRandomData": _random,
    "syscall/js.finalizeRef": _finalize,
    "syscall/js.stringVal": _string,
    "syscall/js.valueGet": _get,
    "syscall/js.valueSet": _set,
    "syscall/js.valueDelete": _delete,
    "syscall/js.valueIndex": _index,
    "syscall/js.valueSetIndex": _set_index,
    "syscall/js.valueCall": _call,
    "syscall/js.valueInvoke": _invoke,
    "syscall/js.valueNew": _new,
    "syscall/js.valueLength": _length,
    "syscall/js.valuePrepareString": _prepare_string,
    "syscall/js.valueLoadString": _load_string,
    "syscall/js.valueInstanceOf": _instance_of,
    "syscall/js.copyBytesToGo": _to_go,
    "syscall/js.copyBytesToJS": _to_script,
    "debug": _debug,
}
