"""The binary interface of a plugin (contract part 1): packed values, buffers, the four exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from ..errors import (
    Busy,
    CallError,
    CallTimeout,
    Cancelled,
    ContractError,
    DeadlineExceeded,
    Exit,
    OutOfFuel,
    Stopped,
    Trap,
    TrapCode,
)
from ..wasm.runtime.functions import Func
from ..wasm.runtime.instance import Exports, Instance
from ..wasm.runtime.memory import Memory
from ..wasm.types import FuncType, ValType

__all__ = ["Guest", "GuestLayout", "describe", "end_of", "pack", "release", "unpack"]

_I32, _I64 = ValType.I32, ValType.I64

#: the runtime's words for traps (contract 1.6)
TRAP_TEXTS = {
    TrapCode.UNREACHABLE: "unreachable",
    TrapCode.MEMORY_OUT_OF_BOUNDS: "out of bounds memory access",
    TrapCode.INTEGER_DIVISION_BY_ZERO: "integer divide by zero",
    TrapCode.INTEGER_OVERFLOW: "integer overflow",
    TrapCode.BAD_CONVERSION_TO_INTEGER: "invalid conversion to integer",
    TrapCode.TABLE_OUT_OF_BOUNDS: "invalid table access",
    TrapCode.INDIRECT_CALL_TO_NULL: "invalid table access",
    TrapCode.BAD_SIGNATURE: "indirect call type mismatch",
    TrapCode.STACK_OVERFLOW: "stack overflow",
    # of proposals that the contract does not have
    TrapCode.UNALIGNED_ATOMIC: "unaligned atomic",
    TrapCode.EXPECTED_SHARED_MEMORY: "expected shared memory",
    TrapCode.ENDLESS_WAIT: "endless wait",
    TrapCode.NULL_EXCEPTION: "null exception reference",
}

#: the exports of the contract: type, and whether a plugin must have it
EXPORTS = {
    "gk_register": (FuncType((), (_I64,)), True),
    "gk_call": (FuncType((_I32,) * 4, (_I64,)), True),
    "gk_malloc": (FuncType((_I32,), (_I32,)), True),
    "gk_free": (FuncType((_I32,), ()), False),
}


def pack(ptr: int, size: int) -> int:
    """Pointer and length in one 64-bit word (contract 1.3)."""
    return ptr << 32 | size


def unpack(packed: int) -> tuple[int, int]:
    """Pointer and length of a packed word, signed or not."""
    packed &= 0xFFFFFFFFFFFFFFFF
    return packed >> 32, packed & 0xFFFFFFFF


def describe(error: BaseException) -> str:
    """What ended a guest, in the contract's words, the wasm frames below."""
    if isinstance(error, Exit):
        return f"module closed with exit_code({error.code})"
    if isinstance(error, Cancelled):
        return f"module closed with context canceled: {error}"
    if isinstance(error, DeadlineExceeded):
        return f"module closed with context deadline exceeded: {error}"
    if isinstance(error, OutOfFuel):
        return f"module closed with fuel exhausted: {error}"
    if isinstance(error, Trap):
        frames = "".join(f"\n  {frame}" for frame in error.frames[:16])
        # the runtime's words, then what this engine knows besides
        more = "" if error.message == error.trap_code.value else f"\n  {error.message}"
        return f"wasm error: {TRAP_TEXTS[error.trap_code]}{more}{frames}"
    return str(error) or type(error).__name__


def end_of(error: BaseException) -> str:
    """What ended a guest, in one line."""
    return describe(error).splitlines()[0]


class GuestLayout(NamedTuple):
    """The exports of a plugin, checked."""

    register: Func
    call: Func
    malloc: Func
    free: Func | None
    memory: Memory


def find_exports(instance: Instance) -> GuestLayout:
    """The contract's exports. Raises ContractError for one that is missing or of another type."""
    found: dict[str, Func | None] = {}
    for name, (_, needed) in EXPORTS.items():
        item = instance.exports[name] if name in instance.exports else None
        func = item if isinstance(item, Func) else None
        if func is None and needed:
            raise ContractError(f"plugin missing {name} export")
        found[name] = func
    for name, func in found.items():
        wanted = EXPORTS[name][0]
        if func is not None and func.type != wanted:
            raise ContractError(
                f"plugin export {name} has type {func.type}, the contract wants {wanted}"
            )
    if not instance.memories:
        raise ContractError("plugin has no memory")
    register, call, malloc = found["gk_register"], found["gk_call"], found["gk_malloc"]
    if register is None or call is None or malloc is None:
        raise ContractError("plugin lacks an export of the contract")
    return GuestLayout(register, call, malloc, found["gk_free"], instance.memory)


def release(instance: Instance) -> None:
    """Takes an instance apart: its memory is freed at once, not when Python looks for circles."""
    instance.funcs.clear()
    instance.tables.clear()
    instance.memories.clear()
    instance.environment = ()
    instance.exports = Exports({})


class Held(Protocol):
    """A call of a guest that is held."""

    def close(self) -> None:
        """Ends it."""


class Guest:
    """A running plugin instance, as the contract sees it."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.exports = find_exports(instance)
        # texts, not exceptions: those hold frames, and so the guest itself
        #: why nothing may be called any more
        self.ended: str | None = None
        #: the latest trap, which may have left the guest's data half changed
        self.trapped: str | None = None
        #: who holds a call of it (a weak reference)
        self.held: Callable[[], Held | None] | None = None

    def require_free(self, label: str) -> None:
        """Raises Busy while somebody holds a call of it."""
        if self.held is not None:
            if self.held() is not None:
                raise Busy(f"{label} is held by a call that is stepped: close that first")
            self.given_up()

    def given_up(self) -> None:
        """Takes note that a held call will never end."""
        self.held, self.ended = None, "a held call of it was given up"

    def close(self) -> None:
        """Lets go of the instance. Nothing may be called any more."""
        release(self.instance)

    def read(self, packed: int) -> bytes | None:
        """A copy of the bytes that a packed word names; ``None`` outside memory."""
        ptr, size = unpack(packed)
        memory = self.exports.memory
        return memory.read(ptr, size) if ptr + size <= len(memory) else None

    def manifest(self) -> bytes:
        """What ``gk_register`` gives. Raises CallError with the contract's texts."""
        packed = self._run(self.exports.register, (), "gk_register failed: ")
        data = self.read(packed)
        if data is None:
            raise CallError("gk_register failed: failed to read manifest from memory")
        return data

    def call(self, function: bytes, args: bytes) -> bytes | None:
        """One call (contract 1.6): places the buffers, calls, copies the result, frees all.

        Raises CallError or CallTimeout with the contract's texts.
        """
        place, taken = self.place_request(function, args)
        try:
            packed = self._run(self.exports.call, place, "gk_call failed: ")
        except CallError:
            self.free(taken)
            raise
        try:
            return self.result(packed)
        finally:
            self.free([*self.buffers_of(packed), *taken])

    def place_request(self, function: bytes, args: bytes) -> tuple[tuple[int, ...], list[int]]:
        """Places a call's buffers: the arguments of ``gk_call``, and what is to be freed after it,
        in order. Raises CallError."""
        taken: list[int] = []
        try:
            name_ptr = self._place(function, "failed to allocate memory for function name")
            taken = [name_ptr]
            args_ptr = 0
            if args:
                args_ptr = self._place(args, "failed to allocate memory for args")
                taken = [args_ptr, name_ptr]
            return (name_ptr, len(function), args_ptr, len(args)), taken
        except CallError:
            self.free(taken)
            raise

    def result(self, packed: int) -> bytes | None:
        """What a word that ``gk_call`` gave names; ``None`` is no result. Raises CallError for what
        is outside the memory."""
        ptr, size = unpack(packed)
        data = self.read(packed) if ptr else b""
        if data is None and size:
            raise CallError("failed to read result from memory")
        return data or None

    def buffers_of(self, packed: int) -> list[int]:
        """What is to be freed of a result."""
        ptr, _ = unpack(packed)
        return [ptr] if ptr and self.read(packed) is not None else []

    def place(self, data: bytes) -> int | None:
        """Copies bytes into a fresh buffer of the guest's; ``None`` where that fails."""
        try:
            return self._place(data, "failed to allocate memory for response")
        except CallError:
            if self.ended is not None:
                raise
            return None

    def _place(self, data: bytes, message: str) -> int:
        size, memory = len(data), self.exports.memory
        if not size:
            raise CallError(message)
        ptr = self._run(self.exports.malloc, (size,), message, ": gk_malloc: ") & 0xFFFFFFFF
        if not ptr:
            raise CallError(f"{message}: gk_malloc returned 0 for {size} bytes")
        if ptr + size > len(memory):
            self.free((ptr,))
            raise CallError(f"{message}: gk_malloc returned {ptr}, outside the memory")
        memory.write(ptr, data)
        return ptr

    def free(self, pointers: Iterable[int]) -> None:
        """Frees each distinct buffer once, in order. A trap there is no error of the call."""
        free = self.exports.free
        if free is None or self.ended is not None:
            return
        for ptr in dict.fromkeys(pointers):
            try:
                self._run(free, (ptr,), "gk_free failed: ")
            except CallError:
                if self.ended is not None:
                    raise

    def _run(self, func: Func, args: tuple[int, ...], *prefix: str) -> int:
        try:
            result = func(*args)
        except Exception as error:
            raise self.failure(error, *prefix) from error
        return 0 if result is None else int(result)

    def failure(self, error: Exception, *prefix: str) -> CallError:
        """The plugin's exception for what ended a call, which the guest takes note of."""
        message = "".join((*prefix, describe(error)))
        if isinstance(error, Trap):
            self.trapped = end_of(error)
        elif isinstance(error, (Stopped, Exit)):
            self.ended = end_of(error)
            if isinstance(error, DeadlineExceeded):
                return CallTimeout(message, error)
        else:  # a host's log or output sink raised: the guest goes no further
            message += " (raised by the host)"
        return CallError(message, error)
