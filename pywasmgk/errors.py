"""Every exception that pywasmgk raises.

::

    PywasmgkError
    ├── DecodeError          the bytes are no WebAssembly module        .offset
    │   └── TextError        no WebAssembly text that can be read       .line .column
    ├── ValidationError      a module that breaks the typing rules      .offset .function
    ├── LinkError            imports are missing or of another type     .missing
    ├── GuestError           the guest was running
    │   ├── Trap             the guest's own fault                      .trap_code
    │   └── Stopped          a limit was reached
    │       ├── OutOfFuel
    │       ├── DeadlineExceeded   (also a TimeoutError)
    │       └── Cancelled
    ├── Exit                 the guest asked to end (WASI proc_exit)    .code
    ├── Busy                 another thread is inside the instance
    ├── InstanceDead         an interruption left the instance undefined
    ├── HostError            a host function broke its declared type
    ├── CacheError           the directory for compiled code cannot be used
    └── PluginError          the GoatKit contract
        ├── ManifestError
        ├── ContractError
        ├── PluginClosed
        ├── ResultError      a result that is no JSON                   .raw
        └── CallError        a call that failed                         .cause
            └── CallTimeout  (also a TimeoutError)

A :class:`GuestError` carries ``frames`` (innermost first) and ``fuel_used``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

__all__ = [
    "Busy",
    "CacheError",
    "CallError",
    "CallTimeout",
    "Cancelled",
    "ContractError",
    "DeadlineExceeded",
    "DecodeError",
    "Exit",
    "Frame",
    "GuestError",
    "HostError",
    "InstanceDead",
    "LinkError",
    "ManifestError",
    "OutOfFuel",
    "PluginClosed",
    "PluginError",
    "PywasmgkError",
    "ResultError",
    "Stopped",
    "TextError",
    "Trap",
    "TrapCode",
    "ValidationError",
    "near_miss",
]


class TrapCode(Enum):
    """Why a guest trapped; the value is the official test suite's text."""

    STACK_OVERFLOW = "call stack exhausted"
    MEMORY_OUT_OF_BOUNDS = "out of bounds memory access"
    TABLE_OUT_OF_BOUNDS = "out of bounds table access"
    INDIRECT_CALL_TO_NULL = "uninitialized element"
    BAD_SIGNATURE = "indirect call type mismatch"
    INTEGER_OVERFLOW = "integer overflow"
    INTEGER_DIVISION_BY_ZERO = "integer divide by zero"
    BAD_CONVERSION_TO_INTEGER = "invalid conversion to integer"
    UNREACHABLE = "unreachable"


class Frame(NamedTuple):
    """One wasm function on the call stack when an error came up."""

    #: index in the function index space of its module
    function: int
    #: name from the name section, else from an export, else ``None``
    name: str | None
    #: byte offset of the instruction in the module's file
    offset: int
    #: name of the module, if one is known
    module: str | None = None

    def __str__(self) -> str:
        name = f"${self.name}" if self.name else f"function {self.function}"
        where = f" in {self.module}" if self.module else ""
        return f"{name} at {self.offset:#x}{where}"


class PywasmgkError(Exception):
    """Base of every exception of this package."""


class DecodeError(PywasmgkError):
    """The bytes are no well-formed module (spec, chapter "Binary Format")."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message, offset)
        self.message = message
        #: byte offset in the file
        self.offset = offset

    def __str__(self) -> str:
        return f"{self.message} (at offset {self.offset:#x})"


class TextError(DecodeError):
    """The text is no well-formed module (spec, chapter "Text Format"), or uses what is not read."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.args = (message, line, column)
        #: where the fault is in the text, both from 1
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return f"{self.message} (line {self.line}, column {self.column})"


class ValidationError(PywasmgkError):
    """The module decodes, but breaks a rule of the spec's chapter "Validation"."""

    def __init__(self, message: str, offset: int = 0, function: int | None = None) -> None:
        super().__init__(message, offset, function)
        self.message = message
        #: byte offset in the file
        self.offset = offset
        #: index of the function whose body is wrong, else ``None``
        self.function = function

    def __str__(self) -> str:
        where = "" if self.function is None else f"function {self.function}, "
        return f"{self.message} ({where}at offset {self.offset:#x})"


class LinkError(PywasmgkError):
    """A valid module cannot be instantiated with what it was given.

    ``missing`` holds one record per import that is missing or of another type.
    """

    def __init__(self, message: str, missing: Sequence[object] = ()) -> None:
        super().__init__(message, tuple(missing))
        self.message = message
        self.missing = tuple(missing)

    def __str__(self) -> str:
        return self.message


class GuestError(PywasmgkError):
    """Something ended a running guest; says where, and what it had cost."""

    def __init__(
        self, message: str, frames: Sequence[Frame] = (), fuel_used: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        #: the wasm call stack, innermost first
        self.frames: tuple[Frame, ...] = tuple(frames)
        #: instructions charged when it ended, see RATIONALE.md
        self.fuel_used = fuel_used

    def __str__(self) -> str:
        lines = [self.message]
        shown = self.frames if len(self.frames) <= 12 else self.frames[:6] + self.frames[-5:]
        for position, frame in enumerate(shown):
            if position == 6 and shown is not self.frames:
                lines.append(f"  ... {len(self.frames) - 11} more frames ...")
            lines.append(f"  {'at' if position == 0 else 'called by'} {frame}")
        return "\n".join(lines)


class Trap(GuestError):
    """The guest did what WebAssembly forbids (spec, "Execution": traps)."""

    def __init__(
        self,
        trap_code: TrapCode,
        message: str | None = None,
        frames: Sequence[Frame] = (),
        fuel_used: int | None = None,
    ) -> None:
        super().__init__(message or trap_code.value, frames, fuel_used)
        self.trap_code = trap_code

    def __reduce__(self) -> tuple[object, ...]:
        return Trap, (self.trap_code, self.message, self.frames, self.fuel_used)


class Stopped(GuestError):
    """A limit of the host's ended the call."""


class OutOfFuel(Stopped):
    """More instructions were charged than the call was given."""


class DeadlineExceeded(Stopped, TimeoutError):
    """The call ran longer than its timeout."""


class Cancelled(Stopped):
    """The call's :class:`~pywasmgk.CancelToken` was used."""


class Exit(PywasmgkError):
    """The guest ended itself; no trap, whatever the code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the guest exited with code {code}")
        #: the exit code, unsigned 32 bits
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        return Exit, (self.code,)


class Busy(PywasmgkError):
    """Another thread is inside this instance, or inside one that it is linked with."""


class InstanceDead(PywasmgkError):
    """The guest was interrupted between two instructions; its state is undefined."""


class HostError(PywasmgkError):
    """A host function returned what its type does not allow."""


class CacheError(PywasmgkError):
    """The directory for compiled code cannot be used: it belongs to another user, others may write
    to it, or it is none."""


class PluginError(PywasmgkError):
    """A plugin could not be loaded or called; texts follow the GoatKit contract."""


class ManifestError(PluginError):
    """What ``gk_register`` gave is no manifest."""


class ContractError(PluginError):
    """The module does not export what a plugin must export."""


class PluginClosed(PluginError):
    """The plugin was shut down, or its instance is gone."""


class ResultError(PluginError):
    """The answer of a call is no JSON; ``raw`` has its bytes."""

    def __init__(self, message: str, raw: bytes) -> None:
        super().__init__(message, raw)
        self.message = message
        self.raw = raw

    def __str__(self) -> str:
        return self.message


class CallError(PluginError):
    """A plugin call failed; ``cause`` is the engine's exception, if there was one."""

    def __init__(self, message: str, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.cause = cause


class CallTimeout(CallError, TimeoutError):
    """A plugin call was stopped by its deadline."""


def near_miss(word: str, known: Iterable[str]) -> str:
    """A hint at the name that was probably meant, to end a message with; or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
