"""The vectors of spec_vectors on every engine, and that they cover every instruction."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any

import pytest
from module_vectors import (
    PATH,
    link_line,
    links_here,
    made_instance,
    make_modules,
    verdict_line,
)
from oracle import have_wasmtime, open_session, tiers
from vectors import ELSEWHERE, FOLDER, from_json, make_all, read_all, run_group, to_json

import pywasmgk
from pywasmgk.errors import PywasmgkError
from pywasmgk.wasm import isa

FILES = list(read_all())


@pytest.mark.parametrize("engine", tiers())
@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_vectors(file, engine: str) -> None:  # type: ignore[no-untyped-def]
    failures = []
    for part in file.parts:
        module = pywasmgk.Module(part.data)
        for group in part.groups:
            session = open_session(engine, part.data, module=module)
            failures += run_group(session, group)
    assert not failures, f"{len(failures)} failures, the first: {failures[:3]}"


# -- modules

MODULES = json.loads(PATH.read_text())


def accepts(data: bytes) -> bool:
    try:
        pywasmgk.Module(data)
    except PywasmgkError:
        return False
    return True


@pytest.mark.parametrize("record", MODULES["verdicts"], ids=lambda record: record["name"])
def test_what_is_accepted(record: dict[str, Any]) -> None:
    data = base64.b64decode(record["module"])
    assert accepts(data)
    assert verdict_line(data, accepts) == record["verdicts"]
    assert {*record["verdicts"]} == {"a", "r"}


@pytest.mark.parametrize("engine", tiers())
@pytest.mark.parametrize("record", MODULES["instances"], ids=lambda record: record["name"])
def test_instances(record: dict[str, Any], engine: str) -> None:
    expected = {key: record[key] for key in record if key not in ("name", "module")}
    assert made_instance(engine, base64.b64decode(record["module"])) == expected


def test_what_links() -> None:
    found = link_line(links_here())
    assert found == MODULES["links"]
    assert found.count("l") == 30


# -- the files


def test_there_are_enough() -> None:
    assert sum(file.size for file in FILES) >= 6_000


def test_every_instruction_has_vectors() -> None:
    """Each row: a group of its own whose function has the instruction, with several cases."""
    cases: Counter[int] = Counter()
    for file in FILES:
        for part in file.parts:
            module = pywasmgk.Module(part.data)
            exports = {item.name: item.index for item in module.exports}
            for group in part.groups:
                if group.opcode < 0:
                    continue
                code = module.block_map(exports[group.export]).code
                opcodes = {module.isa.rows[number].opcode for number, _ in code}
                assert group.opcode in opcodes, group.name
                cases[group.opcode] += len(group.cases)
    rows = [row for row in isa.STANDARD if row.proposal not in ELSEWHERE]
    missing = [row.name for row in rows if not cases[row.opcode]]
    assert not missing
    operands = [row for row in isa.STANDARD if row.typing and row.typing.params and not row.form]
    few = {row.name: cases[row.opcode] for row in operands if cases[row.opcode] < 2}
    assert not few


def test_a_wrong_vector_fails() -> None:
    file = next(file for file in FILES if file.name == "integers_i32")
    group = file.parts[0].groups[0]
    session = open_session("interpreter", file.parts[0].data)
    assert run_group(session, group) == []
    args, outcome = group.cases[-1]
    other = outcome._replace(detail=(("i32", outcome.detail[0][1] ^ 1),))
    assert run_group(session, group._replace(cases=[(args, other)]))
    assert run_group(session, group._replace(cases=[(args, outcome._replace(fuel=99))]))
    assert run_group(session, group._replace(memory=group.memory + 1))


def test_the_form_on_disk() -> None:
    for file in FILES:
        content = (FOLDER / f"{file.name}.json").read_text()
        assert to_json(from_json(file.name, content)) == content


@pytest.mark.skipif(not have_wasmtime(), reason="wasmtime is not installed")
@pytest.mark.parametrize("name", ["control", "floats_f64", "references", "vectors_f32x4", "fuel"])
def test_they_are_what_is_made(name: str) -> None:
    """Some of them; ``tools/make-vectors --check`` looks at all."""
    (made,) = make_all(only=[name])
    assert to_json(made) == (FOLDER / f"{name}.json").read_text()


@pytest.mark.skipif(not have_wasmtime(), reason="wasmtime is not installed")
def test_module_vectors_are_what_is_made() -> None:
    assert make_modules() == PATH.read_text()
