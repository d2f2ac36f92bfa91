"""Runs the JSON scripts of the official test suite, and our own in the same form.

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
)
from .functions import Func
from .globals import Global
from .instance import Instance, instantiate
from .memory import Memory
from .module import Module
from .table import Table
from .types import FuncType, ValType

__all__ = ["Report", "Script", "find_scripts", "run_script", "spectest"]

#: the newest release that the engine implements, and what it lacks of later ones
IMPLEMENTED = "2.0"
UNSUPPORTED = frozenset(
    (
        "exceptions",
        "extended-const",
        "function-references",
        "gc",
        "memory64",
        "multi-memory",
        "relaxed-simd",
        "tail-call",
    )
)


@dataclass
class Report:
    """Counts of assertions; text-format ones are skipped, superseded ones are not run."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    superseded: int = 0
    #: assertions of scripts that need what the engine lacks, by feature
    unsupported: Counter[str] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Adds another report's counts."""
        for name in ("passed", "failed", "skipped", "superseded"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unsupported += other.unsupported
        self.by_type += other.by_type
        self.failures += other.failures

    def as_json(self) -> dict[str, Any]:
        """The report in the form that ``pywasmgk spec --json`` prints."""
        return {
            "passed": self.passed,
            "failed": self.failed,
            "skipped": self.skipped,
            "superseded": self.superseded,
            "unsupported": dict(self.unsupported),
            "by_type": dict(sorted(self.by_type.items())),
            "failures": self.failures,
        }


@dataclass
class Script:
    """One script: its commands, a way to read its modules, and what is known of its lines."""

    name: str
    read: Callable[[str], bytes]
    features: frozenset[str] = frozenset()
    superseded: frozenset[int] = frozenset()
    reclassified: frozenset[int] = frozenset()

    def commands(self) -> list[dict[str, Any]]:
        """The script's commands, in order."""
        commands: list[dict[str, Any]] = json.loads(self.read(f"{self.name}.json"))["commands"]
        return commands


# -- finding scripts


def find_scripts(
    path: Path, release: str | None = None, name: str | None = None
) -> Iterator[Script]:
    """The scripts of a folder with ``index.json``, of a group's zip, or of one json file."""
    if path.is_dir():
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
        yield Script(path.stem, lambda file: (path.parent / file).read_bytes())


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
    return Script(name, read, features, lines("superseded"), lines("reclassified"))


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
    """``instantiate`` with memory, fuel and time lifted."""

    def make(module: Module, imports: Mapping[str, Any]) -> Instance:
        return instantiate(
            module,
            imports,
            memory_limit=65536,
            table_limit=20_000_000,
            fuel=None,
            timeout=None,
            engine=engine,
        )

    return make


# -- running


class _Failed(Exception):
    """An assertion does not hold; the message says why."""


#: what each kind of assertion about a module must end in
_REJECTED_BY: dict[str, type[Exception]] = {
    "assert_malformed": DecodeError,
    "assert_invalid": ValidationError,
    "assert_unlinkable": LinkError,
    "assert_uninstantiable": Trap,
}


class _Runner:
    def __init__(self, script: Script, make: Engine) -> None:
        self.script = script
        self.make = make
        self.registered: dict[str, Any] = {"spectest": spectest()}
        self.named: dict[str, Instance] = {}
        self.current: Instance | None = None
        self.references: dict[str, Any] = {}

    def do(self, command: dict[str, Any]) -> None:
        """Does one command; raises what goes wrong."""
        kind = command["type"]
        if kind == "module":
            self.current = None
            self.current = self.load(command)
            if "name" in command:
                self.named[command["name"]] = self.current
        elif kind == "register":
            self.registered[command["as"]] = self.instance(command.get("name")).exports
        elif kind == "action":
            self.act(command["action"])
        elif kind == "assert_return":
            self.check_results(command)
        elif kind in ("assert_trap", "assert_exhaustion"):
            self.check_trap(command)
        elif kind in _REJECTED_BY:
            self.check_rejected(command)
        else:
            raise _Failed(f"unknown command {kind}")

    def load(self, command: dict[str, Any]) -> Instance:
        """A new instance of a command's module."""
        data = self.script.read(command.get("binary_filename", command["filename"]))
        return self.make(Module(data), self.registered)

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
            from .values import to_bits

            kind = extern.type.value_type
            return [kind], [to_bits(kind, extern.raw)]
        if not isinstance(extern, Func):
            raise _Failed(f"{action['field']} is no function")
        args = [self.argument(value) for value in action["args"]]
        return list(extern.type.results), list(extern.call_bits(*args))

    def argument(self, value: dict[str, Any]) -> Any:
        """A value of the script as bits, or as a reference."""
        if value["type"] in ("funcref", "externref"):
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
            if str(kind) != want["type"] or not self.equal(bits, want):
                shown = hex(bits) if isinstance(bits, int) else bits
                raise _Failed(f"expected {want}, found {kind} {shown}")

    def equal(self, bits: Any, want: dict[str, Any]) -> bool:
        """Whether a result is what is wanted; NaNs may be wanted by class."""
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

    def check_rejected(self, command: dict[str, Any]) -> None:
        """Loads a module that must be refused, by the right kind of error."""
        wanted = _REJECTED_BY[command["type"]]
        accepted = (wanted,)
        if command["line"] in self.script.reclassified:
            accepted = (DecodeError, ValidationError)  # type: ignore[assignment]
        previous = self.current
        try:
            if command["type"] in ("assert_malformed", "assert_invalid"):
                Module(self.script.read(command["filename"]))
            else:
                self.load(command)
        except accepted:
            return
        finally:
            self.current = previous
        raise _Failed(f"it was accepted, {wanted.__name__} expected")


def _equal_number(bits: int, want: str, width: int) -> bool:
    quiet = 1 << (51 if width == 64 else 22)
    exponent = 0x7FF << 52 if width == 64 else 0xFF << 23
    if want == "nan:canonical":
        return bits & ~(1 << (width - 1)) == exponent | quiet
    if want == "nan:arithmetic":
        return bits & (exponent | quiet) == exponent | quiet
    return bits == int(want)


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
    """Runs a script to its end; a command that fails does not stop it."""
    report = Report()
    runner = _Runner(script, make or unlimited())
    for command in script.commands():
        kind = command["type"]
        counts = kind.startswith("assert_")
        if counts and command.get("module_type") == "text":
            report.skipped += 1
            continue
        if command["line"] in script.superseded and counts:
            report.superseded += 1
            continue
        lacking = script.features & UNSUPPORTED
        if lacking:
            if counts:
                report.unsupported[",".join(sorted(lacking))] += 1
            continue
        try:
            runner.do(command)
        except (_Failed, PywasmgkError, KeyError) as error:
            report.failed += 1
            report.failures.append(
                {
                    "script": script.name,
                    "line": command["line"],
                    "type": kind,
                    "message": f"{type(error).__name__}: {error}"[:300],
                }
            )
            continue
        if counts:
            report.passed += 1
            report.by_type[kind] += 1
    return report


def run_all(scripts: Iterable[Script], make: Engine | None = None) -> Report:
    """Runs scripts one after the other, and adds up."""
    report = Report()
    for script in scripts:
        report.add(run_script(script, make))
    return report
