"""What Emscripten's runtime gives to modules, by the names of C.

Each function gets the host's state and the caller in front of its arguments; its type is the one
that the module declares, which differs between versions where an i64 is handed over in two halves.
"""

from __future__ import annotations

import calendar
import struct
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...errors import Exit, PywasmgkError, Trap, TrapCode
from ...wasm.runtime.functions import Caller
from ...wasm.runtime.memory import Memory, OutOfRange
from ...wasm.types import PAGE_SIZE
from ..memory import c_text
from .threads import THREADS

if TYPE_CHECKING:
    from .program import Program

__all__ = ["FUNCTIONS", "CppException", "Longjmp", "invoke"]

_MASK = 0xFFFFFFFF
#: bytes that are copied for one unit of fuel, as memory.copy has it
_COPIED = 8
#: the longest text that a message shows
_SHOWN = 500
#: seconds that ``time.gmtime`` takes
_MOST_SECONDS = 1 << 45


class Longjmp(PywasmgkError):
    """The guest jumps back to an earlier ``setjmp``; ``invoke_*`` catch it."""

    def __init__(self) -> None:
        super().__init__("longjmp to no invoke_ function that is on the stack")


class CppException(PywasmgkError):
    """The guest throws a C++ exception that nothing of its own catches.

    ``pointer`` is where the thrown object is, ``type`` where its type_info.
    """

    def __init__(self, pointer: int, type: int) -> None:
        super().__init__(f"C++ exception at {pointer:#x} of the type at {type:#x}")
        self.pointer = pointer
        self.type = type


def _memory(caller: Caller) -> Memory:
    if caller.memory is None:
        raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS, "the module has no memory")
    return caller.memory


# -- memory


def resize_heap(program: Program, caller: Caller, size: int) -> int:
    """Grows the memory to a size in bytes, if the limits allow it."""
    memory = _memory(caller)
    pages = -(-(size & _MASK) // PAGE_SIZE) - memory.pages
    return 1 if pages <= 0 or memory.grow(pages) >= 0 else 0


def heap_max(program: Program, caller: Caller) -> int:
    """The most bytes that the memory may have."""
    return min(_memory(caller).limit * PAGE_SIZE, _MASK)


def copy(program: Program, caller: Caller, to: int, source: int, size: int) -> int:
    """Copies bytes."""
    memory, size = _memory(caller), size & _MASK
    caller.meter.charge(size // _COPIED)
    try:
        memory.write(to & _MASK, memory.read(source & _MASK, size))
    except OutOfRange:
        raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS) from None
    return to


def random_bytes(program: Program, caller: Caller, ptr: int, size: int) -> int:
    """Randomness, at most 256 bytes at a time."""
    size &= _MASK
    if size > 256:
        return -1
    _memory(caller).write(ptr & _MASK, program.wasi.config.random(size))
    return 0


# -- ends


def abort(program: Program, caller: Caller, *args: int) -> None:
    """Traps."""
    raise Trap(TrapCode.UNREACHABLE, "the program called abort()")


def assert_fail(
    program: Program, caller: Caller, condition: int, file: int, line: int, function: int
) -> None:
    """Traps with what was asserted, and where."""
    memory = _memory(caller)

    def text(ptr: int) -> str:
        return c_text(memory, ptr, _SHOWN) if ptr else "?"

    place = f"{text(file)}:{line}, in {text(function)}"
    raise Trap(TrapCode.UNREACHABLE, f"assertion failed: {text(condition)} ({place})")


def leave(program: Program, caller: Caller, code: int) -> None:
    """Ends the program."""
    raise Exit(code & _MASK)


# -- clocks


def date_now(program: Program, caller: Caller) -> float:
    """Milliseconds since 1970."""
    return program.wasi.config.clocks.realtime() // 1_000_000


def monotonic_now(program: Program, caller: Caller) -> float:
    """Milliseconds from any point."""
    return program.wasi.config.clocks.monotonic() / 1_000_000


def clock_gettime(program: Program, caller: Caller, clock: int, ptr: int) -> int:
    """A ``struct timespec`` of two 32-bit fields, as versions had it that ask the host."""
    clocks = program.wasi.config.clocks
    if clock not in (0, 1):
        return -1
    seconds, rest = divmod(clocks.monotonic() if clock else clocks.realtime(), 1_000_000_000)
    _memory(caller).write(ptr & _MASK, struct.pack("<II", seconds & _MASK, rest))
    return 0


def is_monotonic(program: Program, caller: Caller) -> int:
    """The clock never goes back."""
    return 1


def set_timezone(program: Program, caller: Caller, offset: int, daylight: int, *names: int) -> None:
    """It is UTC everywhere."""
    memory = _memory(caller)
    memory.write_u32(offset & _MASK, 0)
    memory.write_u32(daylight & _MASK, 0)
    if len(names) == 2:
        for ptr in names:
            memory.write(ptr & _MASK, b"UTC\0")


def _seconds(caller: Caller, args: tuple[int, ...]) -> tuple[int, int]:
    """The time that a call hands over in one of three ways, and where the result goes."""
    *halves, result = args
    if len(halves) == 2:
        return (halves[0] & _MASK) | halves[1] << 32, result
    return halves[0], result


def broken_down(program: Program, caller: Caller, *args: int) -> None:
    """Makes a ``struct tm`` of seconds since 1970."""
    seconds, ptr = _seconds(caller, args)
    if not -_MOST_SECONDS < seconds < _MOST_SECONDS:
        seconds = 0
    at = time.gmtime(seconds)
    fields = (at.tm_sec, at.tm_min, at.tm_hour, at.tm_mday, at.tm_mon - 1, at.tm_year - 1900,
              (at.tm_wday + 1) % 7, at.tm_yday - 1, 0, 0)  # fmt: skip
    _memory(caller).write(ptr & _MASK, struct.pack("<10i", *fields))


def seconds_of(program: Program, caller: Caller, ptr: int) -> int:
    """The seconds since 1970 that a ``struct tm`` means, and its fields in their ranges."""
    memory = _memory(caller)
    sec, minute, hour, day, month, year = struct.unpack("<6i", memory.read(ptr & _MASK, 24))
    years, month = divmod(month, 12)
    year += 1900 + years
    if not 1 <= year <= 9999:
        return -1
    days = calendar.timegm((year, month + 1, 1, 0, 0, 0)) + (day - 1) * 86400
    seconds: int = days + hour * 3600 + minute * 60 + sec
    if -62_135_596_800 <= seconds < 253_402_300_800:
        broken_down(program, caller, seconds, ptr)
    return seconds


def format_time(
    program: Program, caller: Caller, ptr: int, room: int, form: int, tm: int, *locale: int
) -> int:
    """``strftime`` in the C locale."""
    memory = _memory(caller)
    pattern = c_text(memory, form, 4096)
    fields = struct.unpack("<9i", memory.read(tm & _MASK, 36))
    sec, minute, hour, day, month, year, weekday, yearday, _ = fields
    try:
        at = (year + 1900, month + 1, day, hour, minute, sec, (weekday - 1) % 7, yearday + 1, 0)
        data = time.strftime(pattern, at).encode() + b"\0"
    except (ValueError, OverflowError):
        return 0
    if len(data) > room & _MASK:
        return 0
    memory.write(ptr & _MASK, data)
    return len(data) - 1


# -- jumps and exceptions


def invoke(program: Program, caller: Caller, index: int, *args: Any) -> Any:
    """Calls a function of the table. A jump out of it ends here: ``setThrew`` tells the guest."""
    stack = program.optional("emscripten_stack_get_current", "stackSave")
    saved = stack() if stack is not None else 0
    func = program.table_function(index)
    try:
        return func(*args)
    except (Longjmp, CppException):
        restore = program.optional("_emscripten_stack_restore", "stackRestore")
        if restore is not None:
            restore(saved)
        program.required("setThrew")(1, 0)
        return 0 if func.type.results else None


def throw_longjmp(program: Program, caller: Caller, *args: int) -> None:
    """Jumps; older builds hand over what ``setThrew`` is to say."""
    if len(args) == 2:
        program.required("setThrew")(*args)
    raise Longjmp


def throw(program: Program, caller: Caller, pointer: int, type: int, destructor: int) -> None:
    """Throws a C++ exception."""
    raise CppException(pointer & _MASK, type & _MASK)


def get_temp(program: Program, caller: Caller) -> int:
    """The upper half of the latest i64 result."""
    return program.temp


def set_temp(program: Program, caller: Caller, value: int) -> None:
    """Sets that."""
    program.temp = value


# -- the rest


def nothing(program: Program, caller: Caller, *args: Any) -> int:
    """Does nothing, which is a success."""
    return 0


def not_there(program: Program, caller: Caller, *args: Any) -> int:
    """ENOSYS."""
    return -52


def say(program: Program, caller: Caller, ptr: int, *args: Any) -> None:
    """A line to standard error."""
    line = c_text(_memory(caller), ptr, 1 << 16).encode() + b"\n"
    program.write_error(line)


Function = Callable[..., Any]
FUNCTIONS: Mapping[str, Function] = {
    **THREADS,
    "emscripten_resize_heap": resize_heap,
    "emscripten_get_heap_max": heap_max,
    **dict.fromkeys(
        ("emscripten_memcpy_big", "_emscripten_memcpy_js", "emscripten_memcpy_js"), copy
    ),
    "getentropy": random_bytes,
    **dict.fromkeys(("abort", "_abort_js", "abort_js", "__cxa_pure_virtual"), abort),
    "__assert_fail": assert_fail,
    **dict.fromkeys(("exit", "_exit", "emscripten_force_exit"), leave),
    "emscripten_date_now": date_now,
    "emscripten_get_now": monotonic_now,
    "emscripten_get_now_res": lambda program, caller: 0.001,
    **dict.fromkeys(("clock_gettime", "__clock_gettime"), clock_gettime),
    **dict.fromkeys(
        ("_emscripten_get_now_is_monotonic", "emscripten_get_now_is_monotonic"), is_monotonic
    ),
    "_tzset_js": set_timezone,
    **dict.fromkeys(("_gmtime_js", "_localtime_js"), broken_down),
    **dict.fromkeys(("_mktime_js", "_timegm_js"), seconds_of),
    **dict.fromkeys(("strftime", "strftime_l"), format_time),
    **dict.fromkeys(
        ("_emscripten_throw_longjmp", "emscripten_throw_longjmp", "emscripten_longjmp"),
        throw_longjmp,
    ),
    "__cxa_throw": throw,
    "getTempRet0": get_temp,
    "setTempRet0": set_temp,
    **dict.fromkeys(
        (
            "emscripten_notify_memory_growth", "_emscripten_runtime_keepalive_clear",
            "_setitimer_js", "_munmap_js", "emscripten_runtime_keepalive_push",
            "emscripten_runtime_keepalive_pop", "__lock", "__unlock", "_emscripten_system",
            "system", "__cxa_atexit", "atexit", "emscripten_check_blocking_allowed",
        ),
        nothing,
    ),
    "_mmap_js": not_there,
    **dict.fromkeys(("emscripten_err", "emscripten_out", "emscripten_console_error"), say),
}  # fmt: skip
