"""The vectors of spec_vectors: how they are made, with wasmtime as oracle, and how they are read.

A file has one module and groups of cases; a group calls one export, which does one instruction.
Cases are text, to be compact and to be read: ``7fffffff 1=80000000`` are arguments and results in
hexadecimal, ``1 0=!INTEGER_DIVISION_BY_ZERO`` is a trap. A v128 is its 16 bytes, a NaN that
arithmetic made is the canonical one. ``@7`` behind results is the call's fuel where it is not the
group's. ``memory`` is the checksum of memory behind the group's last case.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from fuel_modules import CASES, text
from generator import _MAKE_NANS, _NANS, EDGES
from oracle import Outcome, Session, expose, open_session
from vector_sources import HAND_MADE, fixture
from wasm_builder import body

import pywasmgk
from pywasmgk.wasm import isa

__all__ = [
    "ELSEWHERE",
    "FOLDER",
    "Group",
    "VectorFile",
    "make_all",
    "read_all",
    "run_group",
    "to_json",
]

FOLDER = Path(__file__).resolve().parents[2] / "spec_vectors"

#: results whose bits arithmetic does not touch, so that even a NaN's are compared
_KEEPS_BITS = frozenset("abs neg copysign load const splat replace_lane".split())


class Group(NamedTuple):
    """Cases of one export."""

    #: the instruction, and its opcode (-1 for what is about no single one)
    name: str
    opcode: int
    export: str
    params: tuple[str, ...]
    fuel: int
    memory: int
    #: arguments and expected outcome, the fuel included
    cases: list[tuple[tuple[Any, ...], Outcome]]


class Part(NamedTuple):
    """A module, and cases that run in it; every group has a fresh instance."""

    data: bytes
    groups: list[Group]


class VectorFile(NamedTuple):
    """One file of vectors."""

    name: str
    parts: list[Part]

    @property
    def size(self) -> int:
        """How many cases there are."""
        return sum(len(group.cases) for part in self.parts for group in part.groups)


# -- the form on disk


def _shown(kind: str, value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return value.hex()
    return f"func{value}" if kind == "funcref" else f"{value:x}"


def _read_value(kind: str, word: str) -> Any:
    if word == "null":
        return None
    if kind == "v128":
        return bytes.fromhex(word)
    return int(word.removeprefix("func"), 16)


def _case_text(group: Group, args: Sequence[Any], outcome: Outcome) -> str:
    left = " ".join(_shown(kind, arg) for kind, arg in zip(group.params, args))
    if outcome.kind == "trap":
        return f"{left}=!{outcome.detail}"
    right = " ".join(f"{_shown(kind, value)}" for kind, value in outcome.detail)
    fuel = "" if outcome.fuel == group.fuel else f"@{outcome.fuel}"
    return f"{left}={right}{fuel}"


def to_json(file: VectorFile) -> str:
    """A file's text: a line per group."""
    parts = []
    for part in file.parts:
        module = base64.b64encode(part.data).decode()
        lines = ",\n".join(json.dumps(_record(group)) for group in part.groups)
        parts.append(f'{{"module": "{module}",\n"groups": [\n{lines}\n]}}')
    return "[" + ",\n".join(parts) + "]\n"


def _record(group: Group) -> dict[str, Any]:
    results = next((o.detail for _, o in group.cases if o.kind == "values"), ())
    return {
        "op": group.name,
        "opcode": group.opcode,
        "export": group.export,
        "params": " ".join(group.params),
        "results": " ".join(kind for kind, _ in results),
        "fuel": group.fuel,
        "memory": group.memory,
        "cases": ";".join(_case_text(group, *case) for case in group.cases),
    }


def from_json(name: str, content: str) -> VectorFile:
    """The file of a text."""
    parts = [
        Part(base64.b64decode(part["module"]), [_read_group(item) for item in part["groups"]])
        for part in json.loads(content)
    ]
    return VectorFile(name, parts)


def _read_group(record: dict[str, Any]) -> Group:
    params, results = tuple(record["params"].split()), record["results"].split()
    cases = []
    for case in record["cases"].split(";"):
        left, _, right = case.partition("=")
        args = tuple(map(_read_value, params, left.split()))
        if right.startswith("!"):
            outcome = Outcome("trap", right[1:])
        else:
            values, _, fuel = right.partition("@")
            detail = tuple(
                (kind, _read_value(kind, word)) for kind, word in zip(results, values.split())
            )
            outcome = Outcome("values", detail, int(fuel) if fuel else record["fuel"])
        cases.append((args, outcome))
    return Group(
        record["op"], record["opcode"], record["export"], params, record["fuel"],
        record["memory"], cases,
    )  # fmt: skip


def read_all() -> Iterator[VectorFile]:
    """All files of cases, in the order of their names (``module_vectors`` has another form)."""
    for path in sorted(FOLDER.glob("*.json")):
        if path.stem == "modules":
            continue
        yield from_json(path.stem, path.read_text())


# -- running


def run_group(session: Session, group: Group) -> list[str]:
    """Runs a group's cases on a fresh instance; gives what is not as expected."""
    failures = []
    for args, expected in group.cases:
        found = session.call(group.export, args)
        same_fuel = found.fuel == expected.fuel or expected.kind == "trap"
        if found[:2] != expected[:2] or not same_fuel:
            failures.append(f"{group.name} {args}: {found} against {expected}")
    memory = _memory(session)
    if memory != group.memory:
        failures.append(f"{group.name}: memory {memory} against {group.memory}")
    return failures


def _memory(session: Session) -> int:
    return next((crc for _, crc in session.checksums()), 0)


# -- making


class _Function(NamedTuple):
    name: str
    opcode: int
    params: tuple[str, ...]
    results: tuple[str, ...]
    locals: str
    code: list[str]
    args: list[tuple[Any, ...]]


_V128 = [
    bytes(16),
    b"\xff" * 16,
    bytes(range(16)),
    bytes.fromhex("80007f0180ff7ffe008000010002fffe"),
    bytes.fromhex("00000080ffffff7f0100000000008000"),
    bytes.fromhex("00000000000000800000000000000000"),
    bytes.fromhex("0000803f000080bf0000c07f0000807f"),
    bytes.fromhex("000080ff0000a07f0000203f0000004f"),
    bytes.fromhex("000000000000f03f000000000000f8ff"),
    bytes.fromhex("000000000000f07f000000000000e0c1"),
    bytes.fromhex("000000000000e04333333333333303c0"),
]
_ADDRESSES = (0, 1, 3, 8, 33, 65519, 65520, 65528, 65532, 65534, 65535, 65536, 1 << 31, 0xFFFFFFFF)
_LANES = (
    "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    "31,30,29,28,27,26,25,24,3,3,3,3,16,0,17,1",
)


def _operands(kinds: Sequence[str], width: int, seed: str) -> list[tuple[Any, ...]]:
    """Arguments: all pairs of edges for two numbers, some of the combinations for more."""
    chance = random.Random(seed)
    if width:
        # the first one is an address
        others = [_values(kind) for kind in kinds[1:]]
        return [(address, *(chance.choice(values) for values in others)) for address in _ADDRESSES]
    every = list(product(*(_values(kind) for kind in kinds)))
    most = 30 if "v128" in kinds else 81
    if len(every) > most:
        every = [*every[:5], *chance.sample(every[5:], most - 5)]
    return every


def _values(kind: str) -> Sequence[Any]:
    if kind == "v128":
        return _V128
    extra = {"i32": (0xDEADBEEF,), "i64": (0x123456789ABCDEF0,), "f32": (0x7FA00001, 0xC2F6E979)}
    return (*EDGES[kind], *extra.get(kind, (0x7FF4000000000001, 0xC05EDD2F1A9FBE77)))


def _immediates(row: isa.Instruction) -> list[str]:
    """What is written behind an instruction's name: one choice or several."""
    if row.immediates == ("memarg",):
        natural = row.width.bit_length() - 1
        if row.aligned:
            offsets = [0, 1, 65536 - row.width, 0xFFFFFFFF]
            if row.name.startswith("memory."):
                # of waits wasmtime asks first whether the address has 32 bits
                offsets = [0, 1]
            return [f"{natural}+{offset}" for offset in offsets]
        return [f"{natural}+0", "0+1", f"0+{65536 - row.width}", f"0+{0xFFFFFFFF}"]
    if row.immediates == ("memarg", "laneidx"):
        return ["0+0 0", f"0+3 {row.lanes - 1}"]
    if row.immediates == ("laneidx",):
        return ["0", str(row.lanes - 1)]
    if row.immediates == ("lanes",):
        return list(_LANES)
    if row.name == "v128.const":
        return [value.hex() for value in _V128[:6]]
    if row.name in ("i32.const", "i64.const"):
        width = int(row.name[1:3])
        return [str((bits ^ 1 << width - 1) - (1 << width - 1)) for bits in EDGES[row.name[:3]]]
    if row.name in ("f32.const", "f64.const"):
        return ["0", "-0.0", "1", "-1.5", "inf", "-inf", "1e-40", "3.4028234e38", "0.1"]
    return [""]


def _plain_functions(row: isa.Instruction) -> Iterator[_Function]:
    """An instruction whose row says all: operands from parameters, result returned."""
    params, results = row.typing or ((), ())
    shape, _, what = row.name.partition(".")
    after = []
    if results and results[0] in ("f32", "f64") and _KEEPS_BITS.intersection(_words(what)):
        integer = f"i{results[0][1:]}"
        after, results = [f"{integer}.reinterpret_{results[0]}"], (integer,)
    locals_ = ""
    if shape in _NANS and what in _MAKE_NANS:
        local, pattern = len(params), _NANS[shape].to_bytes(16, "little").hex()
        locals_ = "v128"
        after = [f"local.tee {local}", f"v128.const {pattern}", f"local.get {local}"]
        after += [f"local.get {local}", f"{shape}.eq", "v128.bitselect"]
    for number, immediate in enumerate(_immediates(row)):
        code = [f"local.get {n}" for n in range(len(params))]
        code += [f"{row.name} {immediate}".strip(), *after]
        args = _operands(params, row.width, f"{row.name}{number}")
        yield _Function(row.name, row.opcode, params, results, locals_, code, args)


def _words(what: str) -> set[str]:
    return {what, what.split("_")[0], what.rstrip("0123456789_sux")}


_FAMILIES = {
    "i32": "integers_i32",
    "i64": "integers_i64",
    "f32": "floats_f32",
    "f64": "floats_f64",
}


def _family(row: isa.Instruction) -> str:
    if row.prefix == 0xFD:
        return "vectors_" + row.name.split(".")[0]
    if "memarg" in row.immediates:
        return "memory"
    prefix, _, what = row.name.partition(".")
    if prefix in _FAMILIES:
        kinds = {*row.typing.params, *row.typing.results} if row.typing else set()
        converts = what.split("_")[0] in ("convert", "trunc", "reinterpret", "wrap", "demote")
        extends = what.startswith(("promote", "extend_i32"))
        return "conversions" if (converts and len(kinds) > 1) or extends else _FAMILIES[prefix]
    return {"memory": "memory", "data": "memory", "local": "variables", "global": "variables"}.get(
        prefix, "references" if prefix in ("table", "ref", "elem") else "control"
    )


#: proposals whose instructions have tests of their own
ELSEWHERE = ("exceptions", "legacy_exceptions", "tail_calls")


def _functions() -> Iterator[tuple[str, _Function]]:
    """Every function of the vectors, with its family."""
    for row in isa.STANDARD:
        if row.proposal in ELSEWHERE:
            continue
        sources = HAND_MADE.get(row.name + " t" * (row.immediates == ("types",)))
        if sources is None:
            for function in _plain_functions(row):
                yield _family(row), function
            continue
        for signature, locals_, code, args in sources:
            params, _, results = (part.strip() for part in signature.partition("->"))
            yield (
                _family(row),
                _Function(
                    row.name, row.opcode, tuple(params.split()), tuple(results.split()), locals_,
                    text(code), args,
                ),
            )  # fmt: skip


def make_all(only: Sequence[str] = ()) -> Iterator[VectorFile]:
    """Makes all files anew, or some."""
    families: dict[str, list[_Function]] = {}
    for family, function in _functions():
        families.setdefault(family, []).append(function)
    for family, functions in sorted(families.items()):
        if not only or family in only:
            yield VectorFile(family, [_make(functions)])
    if not only or "fuel" in only:
        yield VectorFile("fuel", list(_fuel_parts()))


def _make(functions: list[_Function]) -> Part:
    data = fixture(
        [(function.params, function.results) for function in functions],
        [body(function.locals, *function.code) for function in functions],
    )
    exposed = expose(data)
    groups = []
    for number, function in enumerate(functions):
        session = open_session("wasmtime", exposed)
        export = f"v{number}"
        cases = [(args, session.call(export, args)) for args in function.args]
        groups.append(_group(session, function, export, cases))
    return Part(data, groups)


def _group(
    session: Session, function: _Function, export: str, cases: Iterable[tuple[Any, Outcome]]
) -> Group:
    kept = [
        (args, Outcome(o.kind, o.detail, o.fuel if o.kind == "values" else None))
        for args, o in cases
    ]
    fuels = [outcome.fuel for _, outcome in kept if outcome.fuel is not None]
    usual = max(set(fuels), key=lambda fuel: (fuels.count(fuel), fuel)) if fuels else 0
    return Group(
        function.name, function.opcode, export, function.params, usual, _memory(session), kept
    )


def _fuel_parts() -> Iterator[Part]:
    """The modules of the rules of fuel that import nothing, a group for each call."""
    for case in CASES:
        module = pywasmgk.Module(case.data)
        if module.imports:
            continue
        kinds = {item.name: item.type for item in module.exports}
        groups = []
        for name, args, _ in case.calls:
            session = open_session("wasmtime", expose(case.data))
            params = tuple(map(str, kinds[name].params))
            function = _Function(case.name, -1, params, (), "", [], [args])
            groups.append(_group(session, function, name, [(args, session.call(name, args))]))
        yield Part(case.data, groups)
