"""Runs scripts of the official test suite, and our own in the same forms: ``.wast``, and JSON.

The commands are those of wabt's ``wast2json``. An assertion passes only by the right class of
exception, and with results that are equal bit for bit. A folder with ``index.json`` says which
scripts a release has, and which lines of older ones no longer hold.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..errors import (
    DecodeError,
    LinkError,
    PywasmgkError,
    Trap,
    TrapCode,
    ValidationError,
    WasmException,
)
from .features import Features
from .module import Module
from .runtime.defaults import OUTSIDE
from .runtime.functions import Func
from .runtime.globals import Global
from .runtime.instance import Instance, instantiate
from .runtime.memory import Memory
from .runtime.table import Table
from .types import FuncType, ValType
from .valid.branch_hints import require_branch_hints

__all__ = ["Report", "Script", "find_scripts", "run_script", "spectest"]

#: the newest release that the engine implements, and what it lacks of later ones
IMPLEMENTED = "2.0"
UNSUPPORTED = frozenset(
    (
        "function-references",
        "gc",
        "memory64",
        "multi-memory",
        "relaxed-simd",
    )
)

#: what groups of scripts allow, where that is not all; the threads proposal began before there were
#: several tables
_ALLOWED = {
    "core-1.0": Features.SEED,
    "core-2.0": Features.SEED,
    "simd": Features.SEED,
    "threads": Features(reference_types=False),
}


@dataclass
class Report:
    """Counts of assertions; superseded ones are not run."""

    passed: int = 0
    failed: int = 0
    superseded: int = 0
    #: assertions of scripts that need what the engine lacks, by feature
    unsupported: Counter[str] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Adds another report's counts."""
        for name in ("passed", "failed", "superseded"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unsupported += other.unsupported
        self.by_type += other.by_type
        self.failures += other.failures

    def as_json(self) -> dict[str, Any]:
        """The report in the form that ``pywasmgk spec --json`` prints."""
        return {
            "passed": self.passed,
            "failed": self.failed,
            # none are, since text is read; the form keeps its members
            "skipped": 0,
            "superseded": self.superseded,
            "unsupported": dict(self.unsupported),
            "by_type": dict(sorted(self.by_type.items())),
            "failures": self.failures,
        }


@dataclass
class Script:
    """One script: its commands, a way to read its modules, and what is known of its lines."""

    name: str
    read: Callable[[str], bytes | str]
    features: frozenset[str] = frozenset()
    superseded: frozenset[int] = frozenset()
    reclassified: frozenset[int] = frozenset()
    #: the commands, if they do not stand in a JSON file
    listed: list[dict[str, Any]] | None = None
    #: what its modules may use: some assert that what came later is refused
    allowed: Features = Features()

    def commands(self) -> list[dict[str, Any]]:
        """The script's commands, in order."""
        if self.listed is not None:
            return self.listed
        commands: list[dict[str, Any]] = json.loads(self.read(f"{self.name}.json"))["commands"]
        return commands

    def module(self, command: dict[str, Any]) -> Module:
        """The module of a command. Raises DecodeError and ValidationError."""
        content = self.read(command["filename"])
        text = command.get("module_type") == "text"
        read = Module.from_wat if text else Module
        return read(content, features=self.allowed)


# -- finding scripts


def find_scripts(
    path: Path, release: str | None = None, name: str | None = None
) -> Iterator[Script]:
    """The scripts of a folder with ``index.json``, of a group's zip, or of one file in JSON or in
    the text format, in which a module is a script too. Raises TextError for a text that is none,
    ValueError for other files."""
    if path.is_dir():
        if not (path / "index.json").exists():
            raise ValueError("a folder without index.json")
        index = json.loads((path / "index.json").read_text())
        for group, script in index["releases"][release or IMPLEMENTED]:
            if name in (None, script):
                yield _from_zip(path / index["groups"][group]["archive"], script, index, group)
    elif path.suffix == ".zip":
        beside = path.with_name("index.json")
        index = json.loads(beside.read_text()) if beside.exists() else None
        with zipfile.ZipFile(path) as archive:
            names = [Path(entry).stem for entry in archive.namelist() if entry.endswith(".json")]
        for script in names:
            if name in (None, script):
                yield _from_zip(path, script, index, path.stem)
    elif name in (None, path.stem):
        if path.suffix in (".wast", ".wat"):
            yield from_text(path.read_bytes(), path.name)
        elif path.suffix == ".json":
            yield Script(path.stem, lambda file: (path.parent / file).read_bytes())
        else:
            raise ValueError("its name ends in none of .wast, .wat, .json and .zip")


def from_text(text: str | bytes, name: str) -> Script:
    """A script in the text format, UTF-8 if it is bytes. Raises TextError."""
    # only who has text pays for reading it
    from .text.reading import decoded
    from .text.scripts import ScriptReader

    reader = ScriptReader(decoded(text) if isinstance(text, bytes) else text)
    return Script(name, reader.contents.__getitem__, listed=reader.commands())


def _from_zip(path: Path, name: str, index: Any, group: str) -> Script:
    contents: dict[str, bytes] = {}

    def read(file: str) -> bytes:
        if not contents:
            # all at once: opening the archive for each of a thousand modules is slow
            with zipfile.ZipFile(path) as archive:
                for entry in archive.namelist():
                    if entry.split(".", 1)[0] == name:
                        contents[entry] = archive.read(entry)
        return contents[file]

    known: dict[str, Any] = {}
    if index is not None and group in index["groups"]:
        known = next(file for file in index["groups"][group]["files"] if file["name"] == name)

    def lines(kind: str) -> frozenset[int]:
        return frozenset(known.get(kind, {}).get(IMPLEMENTED, ()))

    features = frozenset(known.get("features", ()))
    allowed = _ALLOWED.get(group, Features())
    return Script(name, read, features, lines("superseded"), lines("reclassified"), allowed=allowed)


# -- the host module "spectest"


def spectest() -> dict[str, Any]:
    """The externals that scripts may import from module ``spectest``."""
    names: dict[str, Any] = {
        "global_i32": Global(ValType.I32, 666),
        "global_i64": Global(ValType.I64, 666),
        "global_f32": Global(ValType.F32, 666.6),
        "global_f64": Global(ValType.F64, 666.6),
        "table": Table(ValType.FUNCREF, 10, 20),
        "memory": Memory(1, 2),
        "shared_memory": Memory(1, 2, shared=True),
    }
    for params in ("", "i32", "i64", "f32", "f64", "i32_f32", "f64_f64"):
        kinds = tuple(ValType(kind) for kind in params.split("_") if kind)
        name = f"print_{params}".rstrip("_")
        names[name] = Func(FuncType(kinds), lambda *values: None, name=name)
    return names


class Engine(Protocol):
    """What makes instances: ``instantiate`` with its limits lifted, or a stand-in."""

    def __call__(self, module: Module, imports: Mapping[str, Any]) -> Instance: ...


def unlimited(engine: str = "auto") -> Engine:
    """``instantiate`` with memory, fuel and time lifted, for the modules of one script."""
    chosen: Any = engine
    if engine in OUTSIDE:
        from .engines import open_store

        # they share what the host gives them
        chosen = open_store(engine)

    def make(module: Module, imports: Mapping[str, Any]) -> Instance:
        return instantiate(
            module,
            imports,
            memory_limit=65536,
            table_limit=20_000_000,
            fuel=None,
            timeout=None,
            engine=chosen,
        )

    return make


# -- running


#: nulls of any type
_NULLS = frozenset(("refnull", "nullref", "nullfuncref", "nullexternref", "nullexnref"))


class _Failed(Exception):
    """An assertion does not hold; the message says why."""


#: what each kind of assertion about a module must end in
_REJECTED_BY: dict[str, tuple[type[Exception], ...]] = {
    "assert_malformed": (DecodeError,),
    "assert_invalid": (ValidationError,),
    "assert_unlinkable": (LinkError,),
    "assert_uninstantiable": (Trap,),
    "assert_malformed_custom": (DecodeError,),
    "assert_invalid_custom": (DecodeError, ValidationError),
}
#: those that no instance need be made for
_DECODED = frozenset(
    ("assert_malformed", "assert_invalid", "assert_malformed_custom", "assert_invalid_custom")
)


class _Runner:
    def __init__(self, script: Script, make: Engine) -> None:
        self.script = script
        self.make = make
        self.registered: dict[str, Any] = {"spectest": spectest()}
        self.named: dict[str, Instance] = {}
        self.current: Instance | None = None
        #: modules without an instance, by name; ``None`` is the newest one
        self.definitions: dict[str | None, Module] = {}
        self.references: dict[str, Any] = {}
        self._commands: dict[str, Callable[[dict[str, Any]], object]] = {
            "module": self.make_module,
            "module_definition": self.define,
            "module_instance": self.instantiate,
            "register": self.register,
            "action": lambda command: self.act(command["action"]),
            "assert_return": self.check_results,
            "assert_trap": self.check_trap,
            "assert_exhaustion": self.check_trap,
            "assert_exception": self.check_exception,
            **dict.fromkeys(_REJECTED_BY, self.check_rejected),
        }

    def do(self, command: dict[str, Any]) -> None:
        """Does one command; raises what goes wrong."""
        kind = command["type"]
        if kind not in self._commands:
            raise _Failed(f"unknown command {kind}")
        self._commands[kind](command)

    def make_module(self, command: dict[str, Any]) -> None:
        """Instantiates a module, which becomes the current one."""
        self.current = None
        self.enter(self.script.module(command), command.get("name"))

    def enter(self, module: Module, name: str | None) -> None:
        """Makes an instance the current one."""
        self.current = self.make(module, self.registered)
        if name is not None:
            self.named[name] = self.current

    def define(self, command: dict[str, Any]) -> None:
        """Decodes and validates a module."""
        module = self.script.module(command)
        self.definitions[None] = self.definitions[command.get("name")] = module

    def instantiate(self, command: dict[str, Any]) -> None:
        """Instantiates a module that was defined before."""
        name = command.get("module")
        if name not in self.definitions:
            raise _Failed(f"no module {name or 'is defined'}")
        self.enter(self.definitions[name], command.get("instance"))

    def register(self, command: dict[str, Any]) -> None:
        """Lets later modules import from an instance."""
        self.registered[command["as"]] = self.instance(command.get("name")).exports

    def instance(self, name: str | None) -> Instance:
        """The instance of a name, or the newest."""
        instance = self.current if name is None else self.named.get(name)
        if instance is None:
            raise _Failed(f"no instance {name or 'is current'}")
        return instance

    def act(self, action: dict[str, Any]) -> tuple[list[ValType], list[Any]]:
        """Does an action; gives types and bits of its results."""
        extern = self.instance(action.get("module")).exports[action["field"]]
        if action["type"] == "get":
            if not isinstance(extern, Global):
                raise _Failed(f"{action['field']} is no global")
            from .runtime.values import to_bits

            kind = extern.type.value_type
            return [kind], [to_bits(kind, extern.raw)]
        if not isinstance(extern, Func):
            raise _Failed(f"{action['field']} is no function")
        args = [self.argument(value) for value in action["args"]]
        return list(extern.type.results), list(extern.call_bits(*args))

    def argument(self, value: dict[str, Any]) -> Any:
        """A value of the script as bits, or as a reference."""
        if value["type"] in ("funcref", "externref", "exnref"):
            return None if value["value"] == "null" else self.reference(value["value"])
        if value["type"] == "v128":
            return _v128(value)
        return int(value["value"])

    def reference(self, number: str) -> Any:
        """The object that stands for a number; always the same one."""
        return self.references.setdefault(number, object())

    def check_results(self, command: dict[str, Any]) -> None:
        """Does an action that must give certain results."""
        kinds, found = self.act(command["action"])
        expected = command["expected"]
        if len(found) != len(expected):
            raise _Failed(f"{len(expected)} results expected, found {len(found)}")
        for kind, bits, want in zip(kinds, found, expected):
            if not self.matches(kind, bits, want):
                shown = hex(bits) if isinstance(bits, int) else bits
                raise _Failed(f"expected {_shown(want)}, found {kind} {shown}")

    def matches(self, kind: ValType, bits: Any, want: dict[str, Any]) -> bool:
        """Whether a result is what is wanted; several may be, and NaNs and nulls by class."""
        if want["type"] == "either":
            return any(self.matches(kind, bits, one) for one in want["values"])
        if want["type"] in _NULLS:
            return kind.is_reference and bits is None
        if want["type"] == "float":
            return str(kind)[0] == "f" and _equal_number(bits, want["value"], int(str(kind)[1:]))
        return str(kind) == want["type"] and self.equal(bits, want)

    def equal(self, bits: Any, want: dict[str, Any]) -> bool:
        """Whether a result of the type that is wanted has the value, too."""
        if want["type"] in ("funcref", "externref"):
            if "value" not in want:
                return bits is not None
            return bits is (None if want["value"] == "null" else self.reference(want["value"]))
        if want["type"] == "v128":
            return _equal_lanes(bits, want)
        width = int(want["type"][1:])
        return _equal_number(bits, want["value"], width)

    def check_trap(self, command: dict[str, Any]) -> None:
        """Does an action that must trap: of exhaustion, or of anything else."""
        try:
            self.act(command["action"])
        except Trap as trap:
            exhausted = trap.trap_code is TrapCode.STACK_OVERFLOW
            if exhausted != (command["type"] == "assert_exhaustion"):
                raise _Failed(f"trapped otherwise: {trap.message}") from trap
            return
        raise _Failed("it did not trap")

    def check_exception(self, command: dict[str, Any]) -> None:
        """Does an action that must end in an exception of the guest's."""
        try:
            self.act(command["action"])
        except WasmException:
            return
        raise _Failed("no exception came out of it")

    def check_rejected(self, command: dict[str, Any]) -> None:
        """Loads a module that must be refused, by the right kind of error."""
        wanted = _REJECTED_BY[command["type"]]
        accepted = wanted
        if command["line"] in self.script.reclassified:
            accepted = (DecodeError, ValidationError)
        try:
            module = self.script.module(command)
            if command["type"] == "assert_invalid_custom":
                require_branch_hints(module)
            if command["type"] not in _DECODED:
                self.make(module, self.registered)
        except accepted:
            return
        raise _Failed(f"it was accepted, {wanted[0].__name__} expected")


def _shown(want: dict[str, Any]) -> str:
    """What was expected, in a message."""
    if want["type"] == "either":
        return " or ".join(map(_shown, want["values"]))
    value = want.get("value", "that is not null")
    if isinstance(value, list):
        return f"{want['type']} of {want['lane_type']} {' '.join(value)}"
    return f"{want['type']} {hex(int(value)) if value.lstrip('-').isdigit() else value}"


def _equal_number(bits: int, want: str, width: int) -> bool:
    quiet = 1 << (51 if width == 64 else 22)
    exponent = 0x7FF << 52 if width == 64 else 0xFF << 23
    if want == "nan:canonical":
        return bits & ~(1 << (width - 1)) == exponent | quiet
    if want == "nan:arithmetic":
        return bits & (exponent | quiet) == exponent | quiet
    # some scripts have integers signed
    return bits == int(want) & (1 << width) - 1


def _v128(value: dict[str, Any]) -> bytes:
    width = int(value["lane_type"][1:]) // 8
    return b"".join(int(lane).to_bytes(width, "little") for lane in value["value"])


def _equal_lanes(bits: bytes, want: dict[str, Any]) -> bool:
    width = int(want["lane_type"][1:])
    lanes = want["value"]
    size = width // 8
    return all(
        _equal_number(int.from_bytes(bits[n * size : (n + 1) * size], "little"), lane, width)
        for n, lane in enumerate(lanes)
    )


def run_script(script: Script, make: Engine | None = None) -> Report:
    """Runs a script to its end; a command that fails does not stop it. What needs modules that the
    engine does not know is counted apart."""
    report = Report()
    runner = _Runner(script, make or unlimited())
    for command in script.commands():
        kind = command["type"]
        counts = kind.startswith("assert_")
        if command["line"] in script.superseded and counts:
            report.superseded += 1
            continue
        lacking = script.features & UNSUPPORTED
        try:
            runner.do(command)
        except (_Failed, PywasmgkError, KeyError) as error:
            if lacking and (runner.current is None or "is not supported" in str(error)):
                if counts:
                    report.unsupported[",".join(sorted(lacking))] += 1
                continue
            report.failed += 1
            report.failures.append(
                {
                    "script": script.name,
                    "line": command["line"],
                    "type": kind,
                    "message": _message(error)[:300],
                }
            )
            continue
        if counts:
            report.passed += 1
            report.by_type[kind] += 1
    return report


def _message(error: Exception) -> str:
    return str(error) if isinstance(error, _Failed) else f"{type(error).__name__}: {error}"


def run_all(scripts: Iterable[Script], make: Engine | None = None) -> Report:
    """Runs scripts one after the other, and adds up."""
    report = Report()
    for script in scripts:
        report.add(run_script(script, make))
    return report
