"""Runs the scripts of the official suite on several engines at once, call by call.

What the scripts expect is ``pywasmgk spec``'s matter; here all engines must do the same, fuel and
memory included. Modules that import more than ``spectest``'s functions are left out, and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from oracle import (
    Host,
    Limits,
    Outcome,
    Session,
    canonical,
    differences,
    expose,
    open_session,
    reference_differences,
    state_differences,
)

import pywasmgk
from pywasmgk.errors import PywasmgkError
from pywasmgk.wasm.script import Script

__all__ = ["SuiteReport", "compare_script"]

_PRINTS = ("", "i32", "i64", "f32", "f64", "i32_f32", "f64_f64")
SPECTEST = {
    ("spectest", f"print_{kinds}".rstrip("_")): Host(
        tuple(kind for kind in kinds.split("_") if kind), (), lambda session, *args: None
    )
    for kinds in _PRINTS
}


@dataclass
class SuiteReport:
    """What was compared."""

    scripts: int = 0
    modules: int = 0
    skipped_modules: int = 0
    calls: int = 0
    skipped_calls: int = 0
    fuel: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**self.__dict__, "by_kind": dict(self.by_kind)}


class _Comparison:
    def __init__(self, script: Script, engines: Sequence[str], report: SuiteReport) -> None:
        self.script = script
        self.engines = engines
        self.report = report
        self.named: dict[str, list[Session]] = {}
        self.current: list[Session] = []

    def do(self, command: dict[str, Any]) -> None:
        if command["type"] == "module":
            self.current = self.open(command)
            if "name" in command:
                self.named[command["name"]] = self.current
        elif "action" in command and command["action"]["type"] == "invoke":
            self.invoke(command)

    def open(self, command: dict[str, Any]) -> list[Session]:
        data = self.script.read(command.get("binary_filename", command["filename"]))
        try:
            module = pywasmgk.Module(data)
        except PywasmgkError:
            self.report.skipped_modules += 1
            return []
        if any((item.module, item.name) not in SPECTEST for item in module.imports):
            self.report.skipped_modules += 1
            return []
        self.report.modules += 1
        exposed = expose(data)
        limits = Limits(memory=65536, table=10_000_000)
        sessions = [open_session(engine, exposed, SPECTEST, limits) for engine in self.engines]
        first = sessions[0]
        for other in sessions[1:]:
            found = differences(other.started, first.started, fuel=False)
            found += state_differences(other.state(), first.state())
            self.note(command, other, found)
        return sessions if first.started.kind == "values" else []

    def invoke(self, command: dict[str, Any]) -> None:
        action = command["action"]
        sessions = self.named.get(action.get("module", ""), self.current)
        if not sessions or command["type"] == "assert_exhaustion":
            # how deep the stack may become is each engine's own affair
            self.report.skipped_calls += 1
            return
        args = [argument(value) for value in action["args"]]
        first, *others = sessions
        lanes = command["expected"][0].get("lane_type") if command.get("expected") else None
        outcome = same_nans(first.call(action["field"], args), lanes)
        state = first.state()
        self.report.calls += 1
        self.report.fuel += outcome.fuel or 0
        self.report.by_kind[outcome.kind] += 1
        for other in others:
            theirs = same_nans(other.call(action["field"], args), lanes)
            is_reference = other.engine == "wasmtime"
            compare = reference_differences if is_reference else differences
            found = compare(outcome, theirs)
            found += state_differences(other.state(), state)
            self.note(command, other, found)

    def note(self, command: dict[str, Any], session: Session, found: list[str]) -> None:
        if found:
            where = f"{self.script.name} line {command['line']}, {session.engine}"
            self.report.findings.append(f"{where}: {'; '.join(found)}")


def argument(value: dict[str, Any]) -> Any:
    """An argument of a script as sessions take it."""
    if value["type"] in ("funcref", "externref"):
        return None if value["value"] == "null" else f"reference {value['value']}"
    if value["type"] == "v128":
        width = int(value["lane_type"][1:]) // 8
        return b"".join(int(lane).to_bytes(width, "little") for lane in value["value"])
    return int(value["value"])


def same_nans(outcome: Outcome, lanes: str | None) -> Outcome:
    """An outcome whose vector has equal NaNs, where its lanes are floats."""
    if lanes not in ("f32", "f64") or outcome.kind != "values":
        return outcome
    size = int(lanes[1:]) // 8
    shown = []
    for kind, bits in outcome.detail:
        if kind == "v128":
            numbers = (int.from_bytes(bits[n : n + size], "little") for n in range(0, 16, size))
            bits = tuple(canonical(lanes, number)[1] for number in numbers)
        shown.append((kind, bits))
    return outcome._replace(detail=tuple(shown))


def compare_script(script: Script, engines: Sequence[str], report: SuiteReport) -> None:
    """Runs a script on all engines; the report gets what was found."""
    comparison = _Comparison(script, engines, report)
    report.scripts += 1
    for command in script.commands():
        comparison.do(command)
