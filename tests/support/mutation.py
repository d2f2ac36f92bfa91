"""Damages modules, and sees what loading and running them does: only our exceptions may come."""

from __future__ import annotations

import random
import re
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fuel_modules import CASES
from generator import generate
from oracle import sections
from wasm_builder import rich_module, section

import pywasmgk
from pywasmgk.errors import PywasmgkError

__all__ = ["Case", "corpus", "mutate", "try_module"]

ROOT = Path(__file__).resolve().parents[2]
#: larger ones are left out: what they would show, smaller ones show sooner
_LARGEST = 100_000
_HUGE = (b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x80\x08", b"\xff\xff\xff\xff\x07", b"\x80" * 9)


Corpus = list[list[tuple[str, bytes]]]


def corpus() -> Corpus:
    """The modules at hand by name, in groups that are used alike and in an order that does not
    change: guests, small ones of our own, the official suite's if they are there."""
    found: dict[str, bytes] = {}
    for folder in ("tests/guests", "pywasmgk/examples", "tools/kernels"):
        for path in sorted((ROOT / folder).rglob("*.wasm")):
            if path.stat().st_size <= _LARGEST:
                found[str(path.relative_to(ROOT))] = path.read_bytes()
    small = {"rich": rich_module()}
    small.update((f"fuel: {case.name}", case.data) for case in CASES)
    small.update((f"generated {seed}", generate(seed).data) for seed in range(100))
    suite: dict[str, bytes] = {}
    for archive in ("core-2.0.zip", "simd.zip"):
        path = ROOT.parent / "shared" / "spec-testsuite" / archive
        if path.exists():
            suite.update(_archive(path))
    return [sorted(group.items()) for group in (found, small, suite) if group]


def _archive(path: Path) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        names = sorted(entry for entry in archive.namelist() if entry.endswith(".wasm"))
        contents = [(f"{path.stem}/{entry}", archive.read(entry)) for entry in names]
    # what is smaller has hardly anything to damage
    return [item for item in contents if 40 <= len(item[1]) <= _LARGEST]


# -- damage


def _flip(data: bytearray, chance: random.Random, others: Sequence[Any]) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _set(data: bytearray, chance: random.Random, others: Sequence[Any]) -> None:
    data[chance.randrange(len(data))] = chance.choice((0, 1, 0x40, 0x7F, 0x80, 0xFC, 0xFD, 0xFF))


def _random(data: bytearray, chance: random.Random, others: Sequence[Any]) -> None:
    data[chance.randrange(len(data))] = chance.randrange(256)


def _insert(data: bytearray, chance: random.Random, others: Sequence[Any]) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = chance.randbytes(chance.randrange(1, 9))


def _delete(data: bytearray, chance: random.Random, others: Sequence[Any]) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.choice((1, 1, 2, 4, 16, 100))]


def _repeat(data: bytearray, chance: random.Random, others: Sequence[Any]) -> None:
    at = chance.randrange(len(data))
    piece = data[at : at + chance.choice((1, 2, 8, 64))]
    data[at:at] = piece * chance.choice((1, 2, 50))


def _huge(data: bytearray, chance: random.Random, others: Sequence[Any]) -> None:
    at, number = chance.randrange(len(data)), chance.choice(_HUGE)
    data[at : at + chance.choice((0, 1, len(number)))] = number


def _splice(data: bytearray, chance: random.Random, others: Sequence[Any]) -> None:
    other = chance.choice(others)[1]
    start, at = chance.randrange(len(other)), chance.randrange(len(data))
    size = chance.choice((4, 16, 64, 256))
    data[at : at + chance.choice((0, size))] = other[start : start + size]


def _cut(data: bytearray, chance: random.Random, others: Sequence[Any]) -> None:
    del data[chance.randrange(len(data)) :]


_DAMAGES: list[Callable[[bytearray, random.Random, Sequence[Any]], None]] = [
    *([_flip] * 5),
    *([_set] * 5),
    *([_random] * 5),
    *([_huge] * 3),
    _insert,
    _delete,
    _repeat,
    _splice,
    _splice,
    _cut,
]


def mutate(seed: int, groups: Corpus) -> tuple[str, bytes]:
    """The damaged module of a seed, and the name of what it was."""
    chance = random.Random(seed)
    weights = (1, 5, 6)[: len(groups)]
    group = chance.choices(groups, weights)[0]
    name, original = chance.choice(group)
    times = chance.choice((1, 1, 1, 2, 3, 6))
    if chance.random() < 0.6:
        return name, _inside_sections(original, times, chance, group)
    data = bytearray(original)
    for _ in range(times):
        if data:
            chance.choice(_DAMAGES)(data, chance, group)
    return name, bytes(data)


def _inside_sections(
    original: bytes, times: int, chance: random.Random, group: Sequence[tuple[str, bytes]]
) -> bytes:
    """Damages contents of sections and writes their right sizes, so that the damage is met."""
    try:
        parts = [[number, bytearray(content)] for number, content in sections(original)]
    except IndexError:
        # no module in the first place
        return original
    for _ in range(times):
        filled: list[Any] = [part for part in parts if part[1]]
        if filled:
            chance.choice(_DAMAGES)(chance.choice(filled)[1], chance, group)
    if chance.random() < 0.1:
        chance.shuffle(parts)
    return original[:8] + b"".join(section(number, bytes(content)) for number, content in parts)


# -- what happens then


class Case(NamedTuple):
    """What loading and running a damaged module took, and what came of it."""

    #: ``loaded`` or the class of our exception, and for anything else ``!`` and what it was
    outcome: str
    #: CPU seconds
    seconds: float
    #: bytes of resident memory that it took at its height, where the system tells
    memory: int


def _stub(item: Any) -> Any:
    if item.kind == "func":
        zeros = tuple(None if kind.is_reference else _zero(kind) for kind in item.type.results)
        answer = zeros[0] if len(zeros) == 1 else zeros or None
        return pywasmgk.Func(item.type, lambda *args: answer)
    if item.kind == "memory":
        return pywasmgk.Memory(min(item.type.limits.min, 16), item.type.limits.max)
    if item.kind == "table":
        size = min(item.type.limits.min, 1000)
        return pywasmgk.Table(item.type.element, size, item.type.limits.max)
    kind = item.type.value_type
    return pywasmgk.Global(item.type, None if kind.is_reference else _zero(kind))


def _zero(kind: pywasmgk.ValType) -> Any:
    if kind is pywasmgk.ValType.V128:
        return bytes(16)
    return 0.0 if str(kind)[0] == "f" else 0


def _use(data: bytes, engine: str) -> None:
    """Loads a module, instantiates it if that can be, and calls a few exports."""
    module = pywasmgk.Module(data)
    imports: dict[str, dict[str, Any]] = {}
    for item in module.imports[:200]:
        try:
            imports.setdefault(item.module, {})[item.name] = _stub(item)
        except ValueError:
            # limits that no host can have
            return
    limits = {"memory_limit": 64, "table_limit": 10_000, "fuel": 5_000, "timeout": 10.0}
    instance = pywasmgk.instantiate(module, imports, engine=engine, **limits)
    called = 0
    for func in instance.exports.values():
        if isinstance(func, pywasmgk.Func) and func.instance is instance and called < 3:
            called += 1
            try:
                func.call_bits(
                    *[
                        bytes(16) if str(kind) == "v128" else None if kind.is_reference else 0
                        for kind in func.type.params
                    ]
                )
            except PywasmgkError:
                continue


def try_module(data: bytes, engine: str = "auto") -> Case:
    """Loads and runs a module."""
    base = _resident_peak(reset=True)
    begin = time.process_time()
    try:
        _use(data, engine)
        outcome = "loaded"
    except PywasmgkError as error:
        outcome = type(error).__name__
    except BaseException as error:  # what else comes out is what is looked for
        outcome = f"!{type(error).__name__}: {error}"[:300]
    seconds = time.process_time() - begin
    return Case(outcome, seconds, max(_resident_peak() - base, 0))


def _resident_peak(reset: bool = False) -> int:
    """The process's highest resident memory in bytes, 0 where the system does not say; ``reset``
    begins anew."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0
