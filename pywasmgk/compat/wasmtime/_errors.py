"""Exceptions of wasmtime's names, and what of pywasmgk each one stands for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from ...errors import (
    Cancelled,
    DeadlineExceeded,
    DecodeError,
    Exit,
    GuestError,
    OutOfFuel,
    PywasmgkError,
    ValidationError,
    WasmException,
)
from ...errors import Frame as EngineFrame
from ...errors import Trap as EngineTrap
from ...errors import TrapCode as EngineCode
from ._managed import Managed

if TYPE_CHECKING:
    from ...wasm.module import Module

__all__ = ["ExitTrap", "Frame", "Trap", "TrapCode", "WasmtimeError", "in_wasmtimes_words"]

#: frames that a trap shows
_MOST_FRAMES = 20
#: exit codes from here on are no ExitTrap
_FIRST_INVALID_EXIT = 126
#: names by number; those of traps that cannot happen here are there for comparisons
_CODES = (
    "STACK_OVERFLOW MEMORY_OUT_OF_BOUNDS HEAP_MISALIGNED TABLE_OUT_OF_BOUNDS "
    "INDIRECT_CALL_TO_NULL BAD_SIGNATURE INTEGER_OVERFLOW INTEGER_DIVISION_BY_ZERO "
    "BAD_CONVERSION_TO_INTEGER UNREACHABLE INTERRUPT OUT_OF_FUEL ATOMIC_WAIT_NON_SHARED_MEMORY "
    "NULL_REFERENCE ARRAY_OUT_OF_BOUNDS ALLOCATION_TOO_LARGE CAST_FAILURE CANNOT_ENTER_COMPONENT "
    "NO_ASYNC_RESULT UNHANDLED_TAG CONTINUATION_ALREADY_CONSUMED DISABLED_OPCODE ASYNC_DEADLOCK "
    "CANNOT_LEAVE_COMPONENT CANNOT_BLOCK_SYNC_TASK INVALID_CHAR "
    "DEBUG_ASSERT_STRING_ENCODING_FINISHED DEBUG_ASSERT_EQUAL_CODE_UNITS "
    "DEBUG_ASSERT_POINTER_ALIGNED DEBUG_ASSERT_UPPER_BITS_UNSET STRING_OUT_OF_BOUNDS "
    "LIST_OUT_OF_BOUNDS INVALID_DISCRIMINANT UNALIGNED_POINTER TASK_CANCEL_NOT_CANCELLED "
    "TASK_CANCEL_OR_RETURN_TWICE SUBTASK_CANCEL_AFTER_TERMINAL TASK_RETURN_INVALID "
    "WAITABLE_SET_DROP_HAS_WAITERS SUBTASK_DROP_NOT_RESOLVED THREAD_NEW_INDIRECT_INVALID_TYPE "
    "THREAD_NEW_INDIRECT_UNINITIALIZED BACKPRESSURE_OVERFLOW UNSUPPORTED_CALLBACK_CODE "
    "CANNOT_RESUME_THREAD CONCURRENT_FUTURE_STREAM_OP REFERENCE_COUNT_OVERFLOW STREAM_OP_TOO_BIG "
    "WAITABLE_SYNC_AND_ASYNC UNCAUGHT_EXCEPTION"
)

if TYPE_CHECKING:

    class TrapCode(Enum):
        """Why a guest trapped."""

        MEMORY_OUT_OF_BOUNDS = 1
        INTERRUPT = 10
        OUT_OF_FUEL = 11

else:
    TrapCode = Enum("TrapCode", _CODES, start=0, module=__name__)

#: names that differ
_NAMES = {
    EngineCode.UNALIGNED_ATOMIC: "HEAP_MISALIGNED",
    EngineCode.EXPECTED_SHARED_MEMORY: "ATOMIC_WAIT_NON_SHARED_MEMORY",
    EngineCode.ENDLESS_WAIT: "INTERRUPT",
}
#: what differs from the official suite's text
_TEXTS = {
    EngineCode.UNREACHABLE: "wasm `unreachable` instruction executed",
    EngineCode.TABLE_OUT_OF_BOUNDS: "undefined element: out of bounds table access",
}
_FUEL = "all fuel consumed by WebAssembly"
_RAISE = "that was a bound of pywasmgk's own: pywasmgk.compat.wasmtime.set_bounds({})"


class WasmtimeError(Exception, Managed):
    """What went wrong outside of a guest's own faults."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self._message = message

    def __str__(self) -> str:
        return self._message


class ExitTrap(WasmtimeError):
    """The guest asked to end (``proc_exit``)."""

    #: only there when a guest raised it
    code: int


class Frame(Managed):
    """A wasm function on the call stack of a trap."""

    def __init__(self) -> None:
        self._frame: EngineFrame | None = None
        self._module: Module | None = None

    @classmethod
    def _of(cls, frame: EngineFrame, modules: Iterable[Module]) -> Frame:
        made = cls()
        made._frame = frame
        made._module = next((m for m in modules if _holds(m, frame)), None)
        return made

    def _require(self) -> EngineFrame:
        if self._frame is None:
            raise ValueError("never initialized")
        return self._frame

    @property
    def func_index(self) -> int:
        """The function's index in its module."""
        return self._require().function

    @property
    def func_name(self) -> str | None:
        """The function's name, of the name section alone."""
        frame, module = self._require(), self._module
        return frame.name if module is None else module.names.functions.get(frame.function)

    @property
    def module_name(self) -> str | None:
        """The module's name, of the name section alone."""
        self._require()
        return None if self._module is None else self._module.names.module

    @property
    def module_offset(self) -> int:
        """Where the instruction stands in the file."""
        return self._require().offset

    @property
    def func_offset(self) -> int:
        """Where the instruction stands behind the beginning of the function's body."""
        frame, module = self._require(), self._module
        return frame.offset - (0 if module is None else module.function_offset(frame.function))

    def _line(self, position: int) -> str:
        name = self.func_name or f"<wasm function {self.func_index}>"
        offset = f"{self.module_offset:#x}"
        return f"{position:>5}: {offset:>8} - {self.module_name or '<unknown>'}!{name}"


def _holds(module: Module, frame: EngineFrame) -> bool:
    """Whether a frame can be of a module: frames do not say, but their function's body does."""
    number = frame.function - module.import_counts["func"]
    if not 0 <= number < len(module.bodies):
        return False
    start, end = module.bodies[number]
    return start <= frame.offset < end


class Trap(Exception, Managed):
    """A guest's fault, a limit that it reached, or what a host function raises to end it."""

    def __init__(self, message: str) -> None:
        message.encode()
        super().__init__(message)
        self._message = message
        self._code: TrapCode | None = None
        self._frames: list[Frame] = []

    @classmethod
    def _of(cls, cause: str, code: TrapCode | None, frames: Sequence[Frame]) -> Trap:
        shown = list(frames[:_MOST_FRAMES])
        text = cause
        if shown:
            lines = [frame._line(position) for position, frame in enumerate(shown)]
            backtrace = "\n".join(lines)
            text = f"error while executing at wasm backtrace:\n{backtrace}\n\n{caused_by(cause)}"
        made = cls(text)
        made.args = ()
        made._code, made._frames = code, shown
        return made

    @property
    def message(self) -> str:
        """The whole text, the call stack among it."""
        return self._message

    @property
    def frames(self) -> list[Frame]:
        """The call stack, innermost first, at most 20 frames."""
        return self._frames

    @property
    def trap_code(self) -> TrapCode | None:
        """Which trap it is; ``None`` for one of the host's."""
        return self._code

    def __str__(self) -> str:
        return self._message


def caused_by(*causes: str) -> str:
    """The end of a message, which says what an error comes from, numbered where it is a chain."""
    if len(causes) == 1:
        return f"Caused by:\n    {causes[0]}\n"
    return "Caused by:\n" + "".join(f"    {i}: {cause}\n" for i, cause in enumerate(causes))


def in_wasmtimes_words(
    error: PywasmgkError, modules: Iterable[Module] = (), own_fuel: bool = False
) -> Exception:
    """The exception that a program of wasmtime's expects in the place of one of pywasmgk's.

    ``modules`` may have had frames on the stack. ``own_fuel`` says that the program limited fuel.
    """
    if isinstance(error, GuestError):
        cause, code = _cause(error, own_fuel)
        known = list(modules)
        return Trap._of(cause, code, [Frame._of(f, known) for f in error.frames[:_MOST_FRAMES]])
    if isinstance(error, Exit):
        return _exit(error.code)
    if isinstance(error, ValidationError) and error.function is not None:
        where = f"Invalid input WebAssembly code at offset {error.offset}: {error.message}"
        head = f"failed to compile: wasm[0]::function[{error.function}]\n\n"
        return WasmtimeError(head + caused_by("WebAssembly translation error", where))
    if isinstance(error, (DecodeError, ValidationError)):
        return WasmtimeError(f"failed to parse WebAssembly module\n\n{caused_by(at_offset(error))}")
    return WasmtimeError(str(error))


def at_offset(error: DecodeError | ValidationError) -> str:
    """What is wrong with a module, and where in the file."""
    return f"{error.message} (at offset {error.offset:#x})"


def _cause(error: GuestError, own_fuel: bool) -> tuple[str, TrapCode | None]:
    if isinstance(error, EngineTrap):
        text = _TEXTS.get(error.trap_code, error.trap_code.value)
        name = _NAMES.get(error.trap_code, error.trap_code.name)
        return f"wasm trap: {text}", getattr(TrapCode, name, None)
    if isinstance(error, OutOfFuel):
        hint = "" if own_fuel else f": {_RAISE.format('fuel=...')}"
        return f"wasm trap: {_FUEL}{hint}", TrapCode.OUT_OF_FUEL
    if isinstance(error, DeadlineExceeded):
        raised = _RAISE.format("timeout=...")
        return f"wasm trap: interrupt: {error.message}; {raised}", TrapCode.INTERRUPT
    if isinstance(error, Cancelled):
        return "wasm trap: interrupt", TrapCode.INTERRUPT
    if isinstance(error, WasmException):
        return "thrown Wasm exception", None
    return error.message, None


def _exit(code: int) -> WasmtimeError:
    if code >= _FIRST_INVALID_EXIT:
        return WasmtimeError("exit with invalid exit status outside of [0..126)")
    made = ExitTrap(f"Exited with i32 exit status {code}")
    made.code = code
    return made
