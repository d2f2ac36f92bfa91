"""Functions for the interpreter come back from bytes as they were."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from vectors import read_all
from wasm_builder import body, function, functype, limits, module, name, unsigned, vector

import pywasmgk
from pywasmgk.wasm.cache.prepared import pack, unpack
from pywasmgk.wasm.interpreter.code import Code, prepare
from pywasmgk.wasm.isa.numerics import bits_of_f64
from pywasmgk.wasm.module import Module

GUESTS = Path(__file__).parent.parent.parent / "guests"


def exact(value: Any) -> Any:
    """A value in which floats are told apart by their bits, and integers from them."""
    if isinstance(value, float):
        return "float", bits_of_f64(value)
    if isinstance(value, (tuple, list)):
        return [exact(item) for item in value]
    return value


def state(code: Code) -> dict[str, Any]:
    found = {slot: exact(getattr(code, slot)) for slot in Code.__slots__}
    return found | {"offsets": list(code.offsets)}


def round_trip(data: bytes) -> int:
    """Packs and unpacks all functions of a module; gives how many operations they have."""
    found = Module(data)
    numbers = {kind: number for number, kind in enumerate(found.types)}
    first = found.import_counts["func"]
    count = 0
    for index in range(first, len(found.functions)):
        code = prepare(found.block_map(index), found.isa)
        again = unpack(pack(code, numbers), found.types)
        assert state(again) == state(code)
        count += len(code.operations)
    return count


@pytest.mark.parametrize(
    "guest", ["c/workshop.wasm", "rust/errands.wasm", "assemblyscript/errands.wasm"]
)
def test_functions_of_guests(guest: str) -> None:
    assert round_trip((GUESTS / guest).read_bytes()) > 1_000


def test_functions_with_every_instruction() -> None:
    """Those of the vectors, which have every instruction there is."""
    assert sum(round_trip(part.data) for file in read_all() for part in file.parts) > 3_000


def test_immediates_that_are_nearly_equal() -> None:
    data = function(
        "", "f64",
        "f64.const 0", "f64.const -0.0", "f64.add", "i64.const 0", "drop", "i32.const 1", "drop",
        "i32.const 0", "if _", "end",
    )  # fmt: skip
    found = Module(data)
    code = prepare(found.block_map(0), found.isa)
    again = unpack(pack(code, {}), found.types)
    assert state(again) == state(code)
    floats = [x for _, x in again.operations if isinstance(x, float)]
    assert [math.copysign(1, x) for x in floats] == [1, -1]


def test_types_among_immediates() -> None:
    data = module(
        types=[functype("", "i32"), functype("i32", "")],
        functions=[0],
        tables=[b"\x70" + limits(2)],
        bodies=[
            body(
                "",
                "i32.const 7", "i32.const 0", "call_indirect 1 0",
                "ref.null funcref", "drop", "i32.const 1", "call_indirect 0 0",
            )
        ],
    )  # fmt: skip
    found = Module(data)
    code = prepare(found.block_map(0), found.isa)
    again = unpack(pack(code, {kind: n for n, kind in enumerate(found.types)}), found.types)
    assert state(again) == state(code)
    kinds = [x[0] for _, x in again.operations if isinstance(x, tuple) and x]
    assert kinds == found.types[::-1]


def test_declared_locals_take_no_room() -> None:
    """A body of 20 bytes may declare 50,000 of them."""
    many = [unsigned(20_000) + b"\x7f", unsigned(20_000) + b"\x7c", unsigned(9_999) + b"\x70"]
    data = module(types=[functype()], functions=[0], bodies=[name(vector(many) + b"\x0b")])
    found = Module(data)
    code = prepare(found.block_map(0), found.isa)
    packed = pack(code, {})
    assert len(packed) < 300
    assert state(unpack(packed, found.types)) == state(code)


def test_an_unknown_immediate_is_refused() -> None:
    found = Module(function("", "", "nop"))
    code = prepare(found.block_map(0), found.isa)
    code.operations = [(0, object())]
    with pytest.raises(ValueError, match="object has no plain form"):
        pack(code, {})


def test_what_ran_needs_no_decoding_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does what ran too seldom to be compiled; and it runs as before."""
    data = (GUESTS / "wat" / "errands.wasm").read_bytes()
    runs = []
    for _ in range(2):
        with pywasmgk.load(data, cache_dir=tmp_path / "c", engine="interpreter") as plugin:
            answer = plugin.call_raw("echo", b"[1]")
            fuel = plugin.last_call
            assert fuel is not None
            runs.append((answer, fuel.fuel, plugin.registration.name))
            stored = plugin._module.stored
            assert stored is not None
            stored.save()
        monkeypatch.setattr(Module, "block_map", lambda *args: pytest.fail("it was decoded"))
    assert runs[0] == runs[1]


def test_traps_are_where_they_were(tmp_path: Path) -> None:
    data = function("i32", "i32", "i32.const 1", "local.get 0", "i32.div_u")
    found = []
    for _ in range(2):
        instance = pywasmgk.instantiate(data, engine="interpreter", cache_dir=tmp_path / "c")
        with pytest.raises(pywasmgk.Trap, match="divide by zero") as caught:
            instance.exports.f(0)
        found.append((caught.value.frames, caught.value.fuel_used))
        assert instance.module.stored is not None
        instance.module.stored.save()
    assert found[0] == found[1]


def test_a_function_without_a_plain_form_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Module(function("", "", "nop"), cache_dir=tmp_path / "c")
    code = prepare(first.block_map(0), first.isa)
    code.operations = [(0, object())]
    first.codes[0] = code
    assert first.stored is not None
    first.stored.save()
    second = Module(function("", "", "nop"), cache_dir=tmp_path / "c")
    assert second.stored is not None and second.stored.prepared(0) is None
    pywasmgk.instantiate(second, engine="interpreter").exports.f()
