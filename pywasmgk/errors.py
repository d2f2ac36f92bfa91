"""Every exception that pywasmgk raises.

::

    PywasmgkError
    ├── DecodeError          the bytes are no WebAssembly module        .offset
    │   └── TextError        no WebAssembly text that can be read       .line .column
    ├── ValidationError      a module that breaks the typing rules      .offset .function
    ├── LinkError            imports are missing or of another type     .missing
    ├── NoMemory             the instance has none (also an AttributeError)
    ├── GuestError           the guest was running
    │   ├── Trap             the guest's own fault                      .trap_code
    │   ├── WasmException    thrown, and caught by no guest             .tag .payload
    │   └── Stopped          a limit was reached
    │       ├── OutOfFuel
    │       ├── DeadlineExceeded   (also a TimeoutError)
    │       └── Cancelled
    ├── Exit                 the guest asked to end (WASI proc_exit)    .code
    ├── Busy                 another thread is inside the instance
    ├── InstanceDead         an interruption left the instance undefined
    ├── HostError            a host function broke its declared type
    ├── SuspensionError      bytes that are no state of this module
    ├── ReceiptError         there is no receipt, or bytes that are none
    ├── CacheError           the directory for compiled code cannot be used
    ├── ConfigError          settings that make no sense (also a ValueError)
    │   └── SpecificationError  a test specification that makes none .file .line .column
    ├── BatchError           a batch that cannot begin or go on (also a ValueError)
    ├── PackageError         no package, or one that cannot be packed, found, extracted
    │   └── SignatureError   no trusted key has signed these bytes
    ├── JSONError            a text is no JSON, or not what is expected .path
    └── PluginError          the GoatKit contract
        ├── ManifestError
        ├── ContractError
        ├── PluginClosed
        ├── ResultError      a result that is no JSON                   .raw
        ├── RecipeError      bytes that are no recipe, or a host that is not allowed
        ├── PoolBusy         as many calls wait for a pool as may
        ├── PlatformError    what manages plugins cannot do that
        │   ├── PluginNotFound  (also a LookupError)    .plugin .caller .function
        │   ├── PluginDisabled                          .plugin .caller
        │   └── ShutdownError   some did not end in time, or not well   .errors
        └── CallError        a call that failed                         .cause
            ├── CallTimeout  (also a TimeoutError)
            └── WorkerLost   its worker process ended, the outcome is not known

A :class:`GuestError` carries ``frames`` (innermost first) and ``fuel_used``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import islice
from typing import Any, NamedTuple, Protocol

from .demangling import demangled
from .printable import printable
from .shown import Shown

__all__ = [
    "BatchError",
    "Busy",
    "CacheError",
    "CallError",
    "CallTimeout",
    "Cancelled",
    "ConfigError",
    "ContractError",
    "DeadlineExceeded",
    "DecodeError",
    "Exit",
    "Frame",
    "GuestError",
    "HostError",
    "InstanceDead",
    "JSONError",
    "LinkError",
    "ManifestError",
    "NoMemory",
    "OutOfFuel",
    "PackageError",
    "Place",
    "PlatformError",
    "PluginClosed",
    "PluginDisabled",
    "PluginError",
    "PluginNotFound",
    "PoolBusy",
    "PywasmgkError",
    "ReceiptError",
    "RecipeError",
    "ResultError",
    "ShutdownError",
    "SignatureError",
    "SourceLine",
    "SpecificationError",
    "Stopped",
    "SuspensionError",
    "TextError",
    "Trap",
    "TrapCode",
    "ValidationError",
    "WasmException",
    "WorkerLost",
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
    NULL_EXCEPTION = "null exception reference"
    UNREACHABLE = "unreachable"
    UNALIGNED_ATOMIC = "unaligned atomic"
    EXPECTED_SHARED_MEMORY = "expected shared memory"
    #: of this engine's own: one thread runs, and the call has neither a timeout nor a CancelToken
    ENDLESS_WAIT = "endless wait: nothing can end it"


class Place(NamedTuple):
    """Where something stands in the text that a module was made from."""

    #: both from 1
    line: int
    column: int
    #: the line, or the part of it around the place, and below it a caret
    excerpt: str = ""
    #: the function around it, as messages call it
    function: str | None = None

    def __str__(self) -> str:
        inside = f" in {self.function}" if self.function else ""
        return f"(line {self.line}, column {self.column}){inside}"


class SourceLine(NamedTuple):
    """Where an instruction stands in the source that a module was compiled from."""

    #: the function's name in the source, if it is known
    function: str | None
    file: str
    #: both from 1, the column 0 where it is not known
    line: int
    column: int

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}{f':{self.column}' if self.column else ''}"
        return f"{where} in {self.function}" if self.function else where


def source_texts(lines: Iterable[SourceLine]) -> list[str]:
    """The lines of a frame as texts: the innermost function's, then those that it was compiled
    into."""
    return [f"{'inlined at ' if depth else ''}{line}" for depth, line in enumerate(lines)]


class _Lines(Protocol):
    """Who finds lines, when somebody asks."""

    def at(self, offset: int) -> tuple[SourceLine, ...]:
        """The line of an instruction, then those of calls that it was compiled into."""


class _Listing(Protocol):
    """Who has the text of functions, when somebody asks."""

    def function(self, index: int) -> Iterator[Any]:
        """The lines of one, each with its ``offset`` and ``text``."""


class _Text(Protocol):
    """Who finds places in the text that a module was made from, when somebody asks."""

    def place(self, offset: int) -> Place | None:
        """The place of the instruction at an offset."""


class _Found(NamedTuple):
    """A place that was found, for who does not have the text."""

    answer: Place | None

    def place(self, offset: int) -> Place | None:
        """The place."""
        return self.answer


class Frame(NamedTuple):
    """One wasm function on the call stack when an error came up.

    Places are looked up when they are asked for: a stack that is given up may be as deep as the
    limit, at every level of it again, while nobody reads more than some frames.
    """

    #: index in the function index space of its module
    function: int
    #: name from the name section, else from an export, as it stands there, else ``None``
    name: str | None
    #: byte offset of the instruction in the module's file
    offset: int
    #: name of the module, if one is known
    module: str | None = None
    #: who finds the lines of its source
    lines: _Lines | None = None
    #: who has the text of its function
    listing: _Listing | None = None
    #: who finds the place in the text that the module was made from
    text: _Text | None = None

    @property
    def place(self) -> Place | None:
        """Where that is in the text of a module that was made from one."""
        return None if self.text is None else self.text.place(self.offset)

    @property
    def line(self) -> int | None:
        """The line of its place, from 1."""
        return None if (place := self.place) is None else place.line

    @property
    def column(self) -> int | None:
        """The column of its place, from 1."""
        return None if (place := self.place) is None else place.column

    @property
    def excerpt(self) -> str | None:
        """The line of the text, and below it a caret."""
        return None if (place := self.place) is None else place.excerpt

    @property
    def source(self) -> tuple[SourceLine, ...]:
        """Where it is in the source that the module was compiled from, if a source map says so, or
        the module itself and the extra ``dwarf`` is installed: the innermost line first, then,
        where functions were compiled into others, the lines of their calls. The first answer for a
        module takes a while, two seconds at the most."""
        return () if self.lines is None else self.lines.at(self.offset)

    def __str__(self) -> str:
        name = f"${demangled(self.name)}" if self.name else f"function {self.function}"
        line = f" {place}" if (place := self.place) else ""
        where = f" in {self.module}" if self.module else ""
        return f"{name} at {self.offset:#x}{line}{where}"

    def __repr__(self) -> str:
        return f"<Frame {self}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frame):
            return NotImplemented
        if self[:-1] != other[:-1]:
            return False
        return self.text is other.text or self.place == other.place

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:-1])

    def __reduce__(self) -> tuple[object, ...]:
        # with its place instead of the whole text
        text = None if self.text is None else _Found(self.place)
        return Frame, (*self[:-1], text)


class PywasmgkError(Exception):
    """Base of every exception of this package."""


class DecodeError(PywasmgkError):
    """The bytes are no well-formed module (spec, chapter "Binary Format")."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message, offset)
        self.message = message
        #: byte offset in the file
        self.offset = offset
        #: where that is in the text, if the module was made from one
        self.place: Place | None = None

    @property
    def headline(self) -> str:
        """What is wrong and where, on one line."""
        return f"{self.message} {self.place or f'(at offset {self.offset:#x})'}"

    def __str__(self) -> str:
        return _with_excerpt(self.headline, self.place)


class TextError(DecodeError):
    """The text is no well-formed module (spec, chapter "Text Format"), or uses what is not read."""

    def __init__(self, message: str, line: int, column: int, place: Place | None = None) -> None:
        super().__init__(message)
        self.args = (message, line, column, place)
        #: where the fault is in the text, both from 1
        self.line = line
        self.column = column
        self.place = place or Place(line, column)


class ValidationError(PywasmgkError):
    """The module decodes, but breaks a rule of the spec's chapter "Validation"."""

    def __init__(self, message: str, offset: int = 0, function: int | None = None) -> None:
        super().__init__(message, offset, function)
        self.message = message
        #: byte offset in the file
        self.offset = offset
        #: index of the function whose body is wrong, else ``None``
        self.function = function
        #: where that is in the text, if the module was made from one
        self.place: Place | None = None

    @property
    def headline(self) -> str:
        """What is wrong and where, on one line."""
        if self.place is not None:
            return f"{self.message} {self.place}"
        where = "" if self.function is None else f"function {self.function}, "
        return f"{self.message} ({where}at offset {self.offset:#x})"

    def __str__(self) -> str:
        return _with_excerpt(self.headline, self.place)


def _with_excerpt(headline: str, place: Place | None) -> str:
    return f"{headline}\n{place.excerpt}" if place and place.excerpt else headline


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


class NoMemory(PywasmgkError, AttributeError):
    """The memory of an instance was asked for that has none."""


class GuestError(Shown, PywasmgkError):
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
        shown = list(_without_repeats(self.frames))
        if len(shown) > 12:
            hidden = sum(isinstance(item, Frame) for item in shown[6:-5])
            shown[6:-5] = [f"... {hidden} more frames ..."]
        for position, item in enumerate(shown):
            if isinstance(item, str):
                lines.append(f"  {item}")
                continue
            lines.append(f"  {'at' if position == 0 else 'called by'} {item}")
            if position == 0 and item.excerpt:
                lines += [f"    {line}" for line in item.excerpt.splitlines()]
            lines += [f"    {line}" for line in source_texts(item.source)]
        return "\n".join(lines)


#: functions that call each other in a circle, for the circle to be shown once
_LONGEST_CIRCLE = 4


def _without_repeats(frames: Sequence[Frame]) -> Iterator[Frame | str]:
    """Frames, and in the place of those that are there again what is repeated, and how often."""
    position = 0
    while position < len(frames):
        for length in range(1, _LONGEST_CIRCLE + 1):
            circle, end = frames[position : position + length], position + length
            while frames[end : end + length] == circle:
                end += length
            times = (end - position) // length
            if times > 2:
                yield from circle
                what = "the frame" if length == 1 else f"these {length} frames"
                yield f"... {what} above repeated {times - 1:,} times more ..."
                position = end
                break
        else:
            yield frames[position]
            position += 1


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


class ThrownTag(Protocol):
    """What exceptions are told by: a :class:`~pywasmgk.Tag`."""

    def taken(self, payload: Sequence[Any]) -> tuple[Any, ...]:
        """Values of the host's as the engine has them. Raises TypeError, ValueError and
        OverflowError for others than the tag's types say."""

    def given(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Values of the engine's as hosts have them."""


class WasmException(GuestError):
    """An exception of WebAssembly's (spec, "Exception Instances"): a guest threw it and no guest
    has caught it; or a host function raises it, for its guest to catch.

    ``WasmException(tag, payload)`` makes one with the values that the tag's types ask for. Raises
    TypeError, ValueError and OverflowError for others.
    """

    def __init__(
        self,
        tag: ThrownTag,
        payload: Sequence[Any] = (),
        frames: Sequence[Frame] = (),
        fuel_used: int | None = None,
    ) -> None:
        #: what it is told by: the same object for all who import it
        self.tag = tag
        #: what it carries, as the engine has it
        self.values = tag.taken(payload)
        super().__init__("", frames, fuel_used)

    #: how many of the handlers around it a legacy ``delegate`` has it pass by
    skips = 0

    @property
    def message(self) -> str:
        """What was thrown, in words: made only if somebody asks."""
        return f"uncaught exception of {self.tag} with {self.payload}"

    @message.setter
    def message(self, text: str) -> None:
        """It follows from what was thrown."""

    @property
    def payload(self) -> tuple[Any, ...]:
        """What it carries, as hosts have it: integers signed, a v128 as bytes."""
        return self.tag.given(self.values)

    def __reduce__(self) -> tuple[object, ...]:
        payload = tuple(map(_travelling, self.payload))
        return WasmException, (self.tag, payload, self.frames, self.fuel_used)


def _travelling(value: Any) -> Any:
    """What of a value comes to another process: an object of the host's that cannot be pickled is
    its description there, so that the error itself arrives."""
    if value is None or isinstance(value, (int, float, bytes)):
        return value
    import pickle

    try:
        pickle.dumps(value)
    except Exception:  # whatever an object's own code raises
        return f"<{type(value).__name__} that cannot be pickled>"
    return value


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


class SuspensionError(PywasmgkError):
    """The bytes are no suspended execution or snapshot, of another module, changed, or made with
    another key."""


class ReceiptError(PywasmgkError):
    """A call has no receipt, or the bytes are none, or what is needed to have the call done again
    is missing."""


class CacheError(PywasmgkError):
    """The directory for compiled code cannot be used: it belongs to another user, others may write
    to it, or it is none."""


class ConfigError(PywasmgkError, ValueError):
    """The settings of a service make no sense; the message says which, and what is expected."""


class SpecificationError(ConfigError):
    """A specification of tests makes no sense; ``file``, ``line`` and ``column`` (from 1, or 0
    where they are not known) say where."""

    def __init__(self, message: str, file: str = "", line: int = 0, column: int = 0) -> None:
        super().__init__(message, file, line, column)
        self.message = message
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.file}{place}: {self.message}" if self.file else self.message


class PackageError(PywasmgkError):
    """A folder that is no plugin's, an archive that is no package or asks for too much, a package
    that is not to be had or is there already (contract section 5.3)."""


class SignatureError(PackageError):
    """No trusted key has signed these bytes, or what should be a key or a signature is none
    (contract section 5.4)."""


class JSONError(PywasmgkError, ValueError):
    """The text is no JSON, or not of the expected shape; ``path`` leads to the place."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message, path)
        self.message = message
        self.path = path

    def within(self, step: str) -> JSONError:
        """The same error, seen from one level further out."""
        glue = "." if self.path and not self.path.startswith("[") else ""
        return JSONError(self.message, f"{step}{glue}{self.path}")

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


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


class RecipeError(PluginError):
    """The bytes are no recipe of a plugin, were changed, or made with another key; or it names a
    host factory that is not allowed or not there, or has what cannot travel."""


class BatchError(PywasmgkError, ValueError):
    """A batch that cannot be begun or cannot go on: a task or an input that cannot travel, bytes
    that are no task, an executor that is broken for good."""


class PoolBusy(PluginError):
    """As many calls wait for a worker of a pool as may; nothing of this one was done."""


class PlatformError(PluginError):
    """What manages plugins cannot do what it is asked to: a name is taken or odd, a plugin wants a
    newer host or one that is not there, a file of its own is broken."""


class PluginNotFound(PlatformError, LookupError):
    """No plugin is registered under that name; ``caller`` is the plugin that wanted to call its
    ``function``, or nothing."""

    def __init__(self, plugin: str, caller: str = "", function: str = "") -> None:
        super().__init__(plugin, caller, function)
        self.plugin = plugin
        self.caller = caller
        self.function = function

    def __str__(self) -> str:
        text = f"plugin {_quoted(self.plugin)} not found"
        if not self.caller:
            return text
        wanted = f"required by {_quoted(self.caller)} to call {_quoted(self.function)}"
        return f"{text} ({wanted})"


class PluginDisabled(PlatformError):
    """The plugin is registered, and switched off."""

    def __init__(self, plugin: str, caller: str = "") -> None:
        super().__init__(plugin, caller)
        self.plugin = plugin
        self.caller = caller

    def __str__(self) -> str:
        text = f"plugin {_quoted(self.plugin)} is disabled"
        return f"{text} (required by {_quoted(self.caller)})" if self.caller else text


class ShutdownError(PlatformError):
    """Plugins that did not end in time, or not well; ``errors`` has what went wrong, by name."""

    def __init__(self, errors: Mapping[str, BaseException]) -> None:
        super().__init__(dict(errors))
        self.errors = dict(errors)

    def __str__(self) -> str:
        texts = (f"{_quoted(name)}: {error}" for name, error in self.errors.items())
        return f"shutdown errors: [{', '.join(texts)}]"


def _quoted(name: str) -> str:
    return f'"{printable(name)}"'


class CallError(PluginError):
    """A plugin call failed; ``cause`` is the engine's exception, if there was one."""

    def __init__(self, message: str, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.cause = cause


class CallTimeout(CallError, TimeoutError):
    """A plugin call was stopped by its deadline."""


class WorkerLost(CallError):
    """The worker process of a pool ended while it had the call. What the call has done before that
    is not known; only who says that it is ``idempotent`` has it made once more."""


#: names that are compared to find the nearest one, and their characters
_MOST_COMPARED, _LONGEST_COMPARED = 1_000, 100


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, if there is one. Names of modules come here too:
    many or long ones are not all compared, which would take minutes."""
    from difflib import get_close_matches

    if len(word) > _LONGEST_COMPARED:
        return None
    short = (name for name in known if len(name) <= _LONGEST_COMPARED)
    near = get_close_matches(word, [*islice(short, _MOST_COMPARED)], 5)
    # what was begun and not finished is likelier than what differs
    return next((name for name in near if name.startswith(word)), near[0]) if near else None


def near_miss(word: str, known: Iterable[str]) -> str:
    """A hint at the name that was probably meant, to end a message with; or nothing."""
    near = nearest(word, known)
    return "" if near is None else f"; did you mean {near!r}?"
