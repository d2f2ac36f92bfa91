"""Test specifications as data: what is run, what is expected of it, what it is worth.

A file in YAML has the same names (``specification_files``); a file in Python makes these objects
itself.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Union

from ..errors import SpecificationError, near_miss
from ..wasm.runtime.defaults import DEFAULT_COMMAND_MEMORY, DEFAULT_DEPTH
from ..wasm.types import MAX_PAGES

__all__ = [
    "UNSET",
    "Call",
    "Checker",
    "Compiler",
    "Group",
    "Limits",
    "MemoryView",
    "PluginCall",
    "PythonChecker",
    "Run",
    "Specification",
    "Test",
    "Value",
    "WasmChecker",
]

#: a number of WebAssembly's; as text what YAML cannot say: "nan", "inf", "0x1p-3", "0xff"
Value = Union[int, float, str]


class _Unset:
    """Stands for a JSON value that was not given, which null is not."""

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Any = _Unset()


def _require(condition: object, message: str) -> None:
    if not condition:
        raise SpecificationError(message)


@dataclass(frozen=True)
class Limits:
    """What one test may take. ``None`` is what the specification says for all tests, or else the
    default."""

    #: instructions, start function included; 50,000,000
    fuel: int | None = None
    #: pages of 64 KiB; 1,024
    pages: int | None = None
    #: bytes to standard output, and to standard error, and of a plugin's result; 65,536
    output: int | None = None
    #: wasm frames on the call stack; 2,000
    depth: int | None = None
    #: seconds on the clock, a net under the grader: that they are over is no verdict on the
    #: submission, but SE; 120
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            _require(value is None or value >= 0, f"{name} must not be negative, found {value}")
        _require((self.pages or 0) <= MAX_PAGES, f"pages must be 0 to {MAX_PAGES}")
        _require(self.seconds is None or 0 < self.seconds < math.inf, "seconds must be above 0")

    def over(self, others: Limits) -> Limits:
        """These, and others' where these say nothing."""
        said = {name: value for name, value in vars(self).items() if value is not None}
        return dataclasses.replace(others, **said)


DEFAULT_LIMITS = Limits(
    fuel=50_000_000,
    pages=DEFAULT_COMMAND_MEMORY,
    output=1 << 16,
    depth=DEFAULT_DEPTH,
    seconds=120.0,
)


@dataclass(frozen=True)
class Call:
    """A call of an exported function."""

    export: str
    args: tuple[Value, ...] = ()
    #: what it must give; ``None`` is anything
    results: tuple[Value, ...] | None = None
    #: how far floats may be off, absolutely or by their size; 0 compares their bits, but any NaN
    #: is "nan"
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        _require(0 <= self.tolerance < math.inf, "tolerance must not be negative")


@dataclass(frozen=True)
class Run:
    """A run of a WASI program."""

    #: behind the program's name
    args: tuple[str, ...] = ()
    stdin: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    #: files in its folder ``/``, by path
    files: Mapping[str, str] = field(default_factory=dict)
    #: what it must print; ``None`` is anything
    stdout: str | None = None
    stderr: str | None = None
    #: files that must be there in the end, by path
    written: Mapping[str, str] = field(default_factory=dict)
    exit_code: int = 0
    #: how texts are compared: to the byte; without white space at the ends of lines and of the
    #: text; word by word; or word by word, numbers as numbers
    compare: Literal["exact", "lines", "words", "numbers"] = "lines"
    #: how far numbers may be off, absolutely or by their size
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        _require(0 <= self.tolerance < math.inf, "tolerance must not be negative")
        for path in (*self.files, *self.written):
            parts = path.split("/")
            plain = all(part not in ("", ".", "..") for part in parts) and "\0" not in path
            _require(plain, f"{path!r} is no path of a file within the program's folder")
        for path in self.files:
            above = ("/".join(path.split("/")[:count]) for count in range(1, path.count("/") + 1))
            _require(not any(a in self.files for a in above), f"{path!r} is within a file")


@dataclass(frozen=True)
class PluginCall:
    """A call of a function of a GoatKit plugin's."""

    function: str
    #: a JSON value; left out, the plugin gets none
    args: Any = UNSET
    #: the result must be this JSON value
    equals: Any = UNSET
    #: the result must have this: objects may have more members
    includes: Any = UNSET
    #: settings that the plugin may ask its host for
    config: Mapping[str, str] = field(default_factory=dict)


#: how an integer or a float stands in memory, lowest byte first, as ``struct`` has it
FORMATS = {
    "i8": "b", "u8": "B", "i16": "h", "u16": "H", "i32": "i", "u32": "I", "i64": "q", "u64": "Q",
    "f32": "f", "f64": "d",
}  # fmt: skip


@dataclass(frozen=True)
class MemoryView:
    """A range of memory after the call or the run, and what must be there: one of ``text``,
    ``bytes`` (in hexadecimal) and ``values``; or only a ``length``, for a checker to look at."""

    #: an address, or the name of an exported global that has it
    at: int | str
    text: str | None = None
    bytes: str | None = None
    values: tuple[Value, ...] | None = None
    type: Literal["i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64"] = "i32"
    #: bytes that are looked at; follows from what must be there
    length: int | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("text", "bytes", "values") if getattr(self, name) is not None]
        _require(len(given) <= 1, f"a range of memory has {' and '.join(given)}")
        _require(given or self.length is not None, "a range of memory needs a length")
        _require(self.length is None or 0 <= self.length <= 1 << 20, "length must be 0 to 1 MiB")
        if self.bytes is not None:
            try:
                bytes.fromhex(self.bytes)
            except ValueError:
                raise SpecificationError(
                    f"bytes are hexadecimal, found {self.bytes!r:.60}"
                ) from None


@dataclass(frozen=True)
class PythonChecker:
    """A function in a Python file of the specification's author: gets an Outcome, and gives a
    share of the points (True, False, or 0 to 1), or that and a message."""

    function: str
    source: str
    file: str


@dataclass(frozen=True)
class WasmChecker:
    """A WASI program that judges: it reads the Outcome as JSON from standard input and prints
    ``{"share": 0 to 1, "message": "..."}``."""

    #: a file, .wat or .wasm
    wasm: str
    limits: Limits = Limits()
    #: what the file holds, read with the specification
    data: bytes = b""


Checker = Union[PythonChecker, WasmChecker]


@dataclass(frozen=True)
class Test:
    """One test: a call, a run or a plugin's call, and what is expected of it."""

    #: pytest looks for classes of this name, and shall not run it
    __test__ = False

    name: str
    points: float = 1.0
    call: Call | None = None
    run: Run | None = None
    plugin: PluginCall | None = None
    memory: tuple[MemoryView, ...] = ()
    #: in YAML ``FILE.py:FUNCTION``, or ``wasm:`` with a file; in Python a function too
    check: str | Checker | Callable[..., Any] | None = None
    #: students see its verdict, and neither its name nor what was expected and found
    hidden: bool = False
    group: str | None = None
    limits: Limits = Limits()
    #: what students are told if it fails
    hint: str = ""

    def __post_init__(self) -> None:
        _require(self.name.strip(), "a test needs a name")
        _require(0 <= self.points < math.inf, "points must not be negative")
        ways = [name for name in ("call", "run", "plugin") if getattr(self, name) is not None]
        _require(len(ways) == 1, f"a test has one of call, run and plugin, found {ways or 'none'}")
        _require(not (self.plugin and self.memory), "memory of a plugin is not looked at")


@dataclass(frozen=True)
class Group:
    """Tests that count together."""

    name: str
    #: the sum of their points; all of these or none; or the share of the worst of them
    rule: Literal["sum", "all", "min"] = "sum"


@dataclass(frozen=True)
class Compiler:
    """How submissions in C become modules, which a specification only says for machines where that
    may be run: a compiler reads what sources tell it to, and is in no sandbox."""

    #: ``{source}`` and ``{output}`` stand for files; without them they come at the end
    command: str
    seconds: float = 60.0
    #: megabytes of address space; 0 is no limit
    megabytes: int = 0


@dataclass(frozen=True)
class Specification:
    """An assignment's tests."""

    tests: tuple[Test, ...]
    title: str = "Assignment"
    #: the file to grade in folders and archives, as a pattern; else the only module or source
    file: str | None = None
    groups: tuple[Group, ...] = ()
    limits: Limits = Limits()
    compile: Compiler | None = None
    #: bytes that a submission's largest file may have
    file_bytes: int = 4 << 20
    #: what random numbers of programs follow from
    seed: str = ""

    def __post_init__(self) -> None:
        _require(self.tests, "there are no tests")
        _require(self.file_bytes > 0, "file_bytes must be above 0")
        names = [test.name for test in self.tests]
        groups = [group.name for group in self.groups]
        for kind, known in (("test", names), ("group", groups)):
            twice = next((name for name in known if known.count(name) > 1), None)
            _require(twice is None, f"two {kind}s are called {twice!r}")
        for test in self.tests:
            _require(
                test.group is None or test.group in groups,
                f"test {test.name!r} is in no known group: {test.group!r}"
                f"{near_miss(test.group or '', groups)}",
            )

    @property
    def points(self) -> float:
        """What all tests are worth."""
        return sum(test.points for test in self.tests)

    def limits_of(self, test: Test) -> Limits:
        """What a test may take."""
        return test.limits.over(self.limits.over(DEFAULT_LIMITS))
