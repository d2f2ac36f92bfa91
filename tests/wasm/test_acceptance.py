"""The automaton says what the algorithm says, of good code and of damaged code."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mutation import corpus
from throw_generator import generate
from wasm_builder import function

from pywasmgk.errors import DecodeError, ValidationError
from pywasmgk.wasm.binary.tokens import tokens
from pywasmgk.wasm.isa import STANDARD
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.types import ValType
from pywasmgk.wasm.valid import acceptance
from pywasmgk.wasm.valid.blockmap import BlockMap, Branch, Control, Try
from pywasmgk.wasm.valid.bodies import LocalTypes, function_code, validate_function

ROOT = Path(__file__).resolve().parents[2]
GUESTS = [
    "c/errands_libc.wasm",
    "rust/errands.wasm",
    "wasi/words.wasm",
    "assemblyscript/workshop.wasm",
]
#: what throws, catches and calls in place of itself
TEXTS = [
    """(tag $i (param i32)) (tag $n)
    (func $f (param i32) (result i32) (local $e exnref)
      (local.get 0)
      (block $c (result i32)
        (block $r (result i32 exnref)
          (i32.const 7)
          (try_table (param i32) (result i32) (catch $i $c) (catch_ref $i $r) (throw $i))
          (br $c))
        (local.set $e) (drop) (throw_ref (local.get $e)))
      (i32.add))
    (func (block $n (try_table (catch_all $n) (drop (call $f (i32.const 1))))))
    (func (drop (block $n (result exnref) (try_table (catch_all_ref $n)) (unreachable))))""",
    """(tag $i (param i32)) (tag $p (param i32 i64)) (tag $n)
    (func $f (param i32) (result i32)
      local.get 0
      try (result i32)
        local.get 0 throw $i
      catch $i
        try try local.get 0 throw $i delegate 1 catch_all rethrow 0 end
      catch $p
        drop (br_if 0 (i32.const 5))
      catch_all
        local.get 0 if rethrow 1 end i32.const 9
      end
      i32.add)
    (func (param i32) try catch $n end try end)
    (func (param i32) try unreachable catch_all end try local.get 0 throw $i delegate 0)""",
    """(table 2 funcref) (type $t (func (param i32) (result i32)))
    (func $f (type $t) (i32.add (i32.const 1) (return_call $f (local.get 0))))
    (func (type $t) (return_call_indirect (type $t) (local.get 0) (i32.const 1)))""",
]


def texts() -> list[Module]:
    """Modules of control that moves otherwise than by branches."""
    found = [Module(f"(module {text})", validate="lazy") for text in TEXTS]
    for path in sorted((ROOT / "tests" / "guests" / "exceptions").glob("*.wasm")):
        found.append(Module(path.read_bytes(), validate="lazy"))
    return found + [Module(generate(seed).data, validate="lazy") for seed in range(40)]


def plain_control(item: Control) -> Any:
    return [getattr(item, slot) for slot in Control.__slots__]


def plain(item: Any) -> Any:
    """An immediate of a block map as values that compare."""
    if isinstance(item, Try):
        own = item.body_end, item.catching, plain(item.delegate)
        clauses = [
            (*clause[:3], None if clause.branch is None else plain(clause.branch), clause.at)
            for clause in item.catches
        ]
        return [plain_control(item), own, clauses]
    if isinstance(item, Control):
        return plain_control(item)
    if isinstance(item, Branch):
        return plain(item.target), item.height
    if isinstance(item, tuple):
        return [plain(part) for part in item]
    return repr(item)


def described(body: BlockMap) -> Any:
    code = [(number, plain(x)) for number, x in body.code]
    return body._replace(code=code, locals=tuple(body.locals))  # type: ignore[arg-type]


def functions(module: Module) -> range:
    first = module.import_counts["func"]
    return range(first, first + len(module.bodies))


def by_algorithm(module: Module, index: int) -> BlockMap:
    code = function_code(module.context, module, index)
    return validate_function(module.context, module, code)


@pytest.mark.parametrize("name", GUESTS)
def test_block_maps_are_the_algorithms(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = Module.from_file(ROOT / "tests" / "guests" / name)
    expected = {index: described(by_algorithm(module, index)) for index in functions(module)}
    # and all of them are accepted without it
    monkeypatch.delattr(acceptance, "validate_function")
    for index in functions(module):
        assert described(module.block_map(index)) == expected[index]
        module.validator.check(module, index)


def test_block_maps_of_exceptions_and_tail_calls_are_too(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = texts()
    expected = [
        {index: described(by_algorithm(module, index)) for index in functions(module)}
        for module in modules
    ]
    monkeypatch.delattr(acceptance, "validate_function")
    for module, maps in zip(modules, expected):
        for index in functions(module):
            assert described(module.block_map(index)) == maps[index]
            # without a record, as large modules are checked
            module.validator._small = False
            module.validator.check(module, index)


def damaged(seed: int, count: int) -> Iterator[Module]:
    """Modules with a body that was overwritten in places; the rest is whole."""
    chance = random.Random(seed)
    small = [data for group in corpus() for _, data in group if len(data) < 20_000]
    small += [module.data for module in texts()] * 2
    while count:
        try:
            whole = Module(chance.choice(small), validate="lazy")
        except (DecodeError, ValidationError):
            continue  # the suite has modules that are wrong outside of their bodies
        if not whole.bodies:
            continue
        start, end = chance.choice(whole.bodies)
        data = bytearray(whole.data)
        for _ in range(chance.choice((1, 1, 2, 5))):
            data[chance.randrange(start, end)] = chance.choice((chance.randrange(256), 0x0B, 0x1A))
        count -= 1
        yield Module(bytes(data), validate="lazy")


def outcome(call: Callable[[Module, int], BlockMap], module: Module, index: int) -> Any:
    """What a call gives: a block map, or an error with its place."""
    try:
        return described(call(module, index))
    except (DecodeError, ValidationError) as error:
        return type(error), str(error), error.offset, getattr(error, "function", None)


def test_verdicts_on_damaged_bodies_are_the_algorithms() -> None:
    faults = 0
    for module in damaged(1, 500):
        for index in functions(module):
            found = outcome(Module.block_map, module, index)
            assert found == outcome(by_algorithm, module, index)
            faults += not isinstance(found, BlockMap)
    assert faults > 100


@pytest.mark.parametrize(
    "code",
    [
        b"\x20\x85\x00\x0b",  # a local's index that is longer than it must be
        b"\x41\x80\x80\x80\x80\x80\x00\x1a\x0b",  # a constant that is too long
        b"\xfc\x88\x80\x00\x00\x0b",  # an opcode that is longer than it must be
        b"\x0e\x02\x00\x00",  # a table that is cut off
        b"\x0e\xff\xff\xff\xff\x0f",  # one that cannot be
        b"\x1c\x02\x7f\x7f\x0b",  # several types of a select
        b"\x43\x00\x00",  # a constant that is cut off
        b"\xff\x0b\x0b",  # no instruction, and something behind the end
        b"",
    ],
)
def test_odd_code_is_cut_whole(code: bytes) -> None:
    """Nothing is left out, but what cannot be read at all."""
    found = [
        token for piece in tokens(b"#" + code + b"#", 1, 1 + len(code), STANDARD) for token in piece
    ]
    whole = b"".join(found)
    assert whole == code or (found[-1] == b"" and code.startswith(whole))


def test_long_code_comes_in_pieces() -> None:
    code = b"\x41\xff\xff\xff\xff\x07\x1a" * 30_000 + b"\x0e\x80\x80\x01" + b"\0" * 16_385 + b"\x0b"
    pieces = [*tokens(code, 0, len(code), STANDARD)]
    assert len(pieces) == 3
    assert [len(token) for piece in pieces for token in piece] == [6, 1] * 30_000 + [16_389, 1]
    assert b"".join(map(b"".join, pieces)) == code


def test_what_would_need_too_much_memory_goes_to_the_algorithm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(acceptance, "_LEAST_ROOM", 0)
    lines = [word for number in range(100) for word in (f"i32.const {number}", "drop")]
    module = Module(function("", "", *lines), validate="lazy")
    calls = []
    algorithm = acceptance.validate_function
    monkeypatch.setattr(
        acceptance, "validate_function", lambda *args: calls.append(args) or algorithm(*args)
    )
    assert len(module.block_map(0).code) == 201
    assert len(calls) == 1


def test_types_of_many_locals_are_kept_as_runs() -> None:
    types = LocalTypes([(2, ValType.I32), (50_000, ValType.F64), (1, ValType.V128)])
    assert len(types) == 50_003
    assert [types[0], types[1], types[2], types[50_001], types[50_002]] == [
        ValType.I32, ValType.I32, ValType.F64, ValType.F64, ValType.V128,
    ]  # fmt: skip
    assert [*types] == [types[0]] * 2 + [types[2]] * 50_000 + [types[50_002]]
    with pytest.raises(IndexError):
        types[50_003]
    assert not LocalTypes([])


def test_a_function_whose_instructions_have_no_room_left_is_left_to_the_algorithm() -> None:
    reads = " ".join(f"(local.set {local} (local.get {local}))" for local in range(1056))
    text = f"(func (local {'i32 ' * 1056}) {reads})"
    for count in (1, 2, 4):
        module = Module(text * count)
        for index in range(count):
            # once with what the first time left behind
            first, second = module.block_map(index), module.block_map(index)
            assert len(first.code) == 2 * 1056 + 1
            assert plain(tuple(first.code)) == plain(tuple(second.code))


@pytest.mark.parametrize("index", [b"\x00", b"\x02", b"\x82\x00", b"\x03", b"\x83\x00", b"\x40"])
def test_a_function_has_no_local_of_another_with_more_of_the_same_type(index: bytes) -> None:
    many = " ".join(f"(drop (local.get {local}))" for local in range(64))
    few = "(func (param i64 i64) (local i64) i64.const 1234 drop)"
    whole = Module(f"(func (local {'i64 ' * 64}) {many}) {few}")
    marked = bytes([0x42, 0xD2, 0x09])
    place = whole.data.index(marked)
    # as long as what it stands in the place of
    code = (b"\x20" + index).rjust(len(marked), b"\x01")
    module = Module(whole.data[:place] + code + whole.data[place + 3 :], validate="lazy")
    module.block_map(0)
    assert outcome(Module.block_map, module, 1) == outcome(by_algorithm, module, 1)


def test_threads_make_block_maps_of_one_module_at_once() -> None:
    module = Module.from_file(ROOT / "tests" / "guests" / "assemblyscript" / "workshop.wasm")
    expected = {index: described(by_algorithm(module, index)) for index in functions(module)}
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            made = [
                pool.submit(lambda index=index: (index, described(module.block_map(index))))
                for _ in range(4)
                for index in functions(module)
            ]
            for future in made:
                index, found = future.result()
                assert found == expected[index]
    finally:
        sys.setswitchinterval(before)
