"""SIMD: every instruction against a model of its own, and against wasmtime where it is there."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from lane_model import WIDTHS, expected, join, same, split
from oracle import Session, differences, have_wasmtime, open_session, our_engines
from vector_probe import AT, RESULT, VECTOR_ROWS, Probe, key, probes, run
from wasm_builder import body, code, function, functype, limits, module
from wasm_builder import name as named

import pywasmgk
from pywasmgk import Func, FuncType, Global, HostError, Module, Trap, TrapCode, ValType, instantiate
from pywasmgk.errors import ValidationError

V128 = ValType.V128
ENGINES = our_engines()
SHIFTS = [
    f"{shape}.{op}" for shape in WIDTHS if shape[0] == "i" for op in ("shl", "shr_s", "shr_u")
]
COMPUTING = [name for name, row in VECTOR_ROWS.items() if not row.immediates]
LANE_INDEXED = [name for name, row in VECTOR_ROWS.items() if row.immediates == ("laneidx",)]
LANE_MEMORY = [name for name, row in VECTOR_ROWS.items() if len(row.immediates) == 2]

#: lanes at which something happens, by width
_EDGES = {
    8: (0, 1, 2, 0x7E, 0x7F, 0x80, 0x81, 0xFE, 0xFF),
    16: (0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0x8001, 0xFF7F, 0xFF80, 0xFFFF),
    32: (
        *(0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF),
        *(0xFFFF8000, 0xFFFF7FFF, 0x00800000, 0x007FFFFF),
        # floats: infinities, NaNs of both kinds, halves, the largest ones, the ends of integers
        *(0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x7F800001, 0xFFA00000, 0x7FFFFFFF),
        *(0x3F000000, 0xBF000000, 0x3FC00000, 0x40200000, 0x7F7FFFFF, 0xFF7FFFFF, 0x3F800000),
        *(0x4F000000, 0xCF000000, 0x4F800000, 0x4EFFFFFF, 0x4F7FFFFF, 0xCF000001),
    ),
    64: (
        *(0, 1, 0x7FFFFFFFFFFFFFFF, 1 << 63, (1 << 63) + 1, (1 << 64) - 1, 0xFFFFFFFF, 1 << 32),
        *(0x7FF0 << 48, 0xFFF0 << 48, 0x7FF8 << 48, 0xFFF8 << 48, 0x7FF0000000000001),
        *(0x3FE0 << 48, 0xBFE0 << 48, 0x3FF8 << 48, 0x4004 << 48, 0x7FEFFFFFFFFFFFFF),
        # halfway between floats of 32 bits, beyond them, and the ends of integers
        *(0x3FF0000010000000, 0x3FF0000030000000, 0x47EFFFFFF0000000, 0x47EFFFFFEFFFFFFF),
        *(0x36A0000000000000, 0x3690000000000000, 0x3690000000000001, 0x380FFFFFF0000000),
        *(0x41DFFFFFFFC00000, 0x41E0000000000000, 0xC1E0000000200000, 0x41EFFFFFFFF00000),
    ),
}


def vectors(seed: str, count: int) -> Iterator[bytes]:
    """Vectors of edges and of random bits, of any width."""
    source = random.Random(seed)
    for turn in range(count):
        width = source.choice((8, 16, 32, 64))
        if turn % 4 == 3:
            yield source.randbytes(16)
        else:
            lanes = [
                source.choice(_EDGES[width]) if source.random() < 0.7 else source.getrandbits(width)
                for _ in range(128 // width)
            ]
            yield join(lanes, width)


def operands_of(name: str, seed: int, width: int) -> list[Any]:
    """Random operands of an instruction, with the bits of its lanes' width."""
    source = random.Random(f"{name} {seed}")
    found: list[Any] = []
    for kind in VECTOR_ROWS[name].typing.params:  # type: ignore[union-attr]
        if kind == "v128":
            # the highest bit alone: a lane that is not zero, or a zero with a sign
            top = 1 << (width - 1)
            few = {5: (1, top), 7: (0, top)}.get(seed % 8, _EDGES[width])
            pick = [source.choice(few) for _ in range(128 // width)]
            found.append(
                join(pick, width) if seed % 3 or seed % 8 in (5, 7) else source.randbytes(16)
            )
        else:
            bits = int(kind[1:])
            found.append(source.choice(_EDGES[bits]) if seed % 3 else source.getrandbits(bits))
    if seed % 5 == 0 and list(map(type, found)) == [bytes, bytes]:
        # neighbours: where comparisons and saturation turn
        lanes = [lane + source.choice((-1, 0, 1)) for lane in split(found[0], width)]
        found[1] = join(lanes, width)
    return found


def lane_width(name: str) -> int:
    """The width of the lanes that an instruction reads."""
    inner = re.findall(r"[if]\d+x\d+", name)
    return WIDTHS[inner[-1]] if inner else 32


@functools.cache
def wasm(wanted: tuple[Probe, ...]) -> bytes:
    return probes(wanted)


def session(engine: str, wanted: tuple[Probe, ...]) -> Session:
    return open_session(engine, wasm(wanted))


def all_lanes(name: str) -> tuple[Probe, ...]:
    return tuple((name, str(lane)) for lane in range(VECTOR_ROWS[name].lanes))


def check(name: str, found: bytes, operands: list[Any], lane: Any = None) -> None:
    """Holds a result against the model."""
    want = expected(name, operands, lane)
    if isinstance(want, int):
        size = int(VECTOR_ROWS[name].typing.results[0][1:]) // 8  # type: ignore[union-attr]
        want = want.to_bytes(size, "little") + bytes(16 - size)
    assert same(found, want), f"{name} {lane} of {operands}: {found.hex()}, not {want!r}"


# -- results


@pytest.mark.parametrize("engine", ENGINES)
def test_every_instruction_computes_what_the_model_says(engine: str) -> None:
    wanted = tuple((name, "") for name in COMPUTING)
    guest = session(engine, wanted)
    for name in COMPUTING:
        for seed in range(24):
            operands = operands_of(name, seed, lane_width(name))
            check(name, run(guest, key(name), operands), operands)


@pytest.mark.skipif(not have_wasmtime(), reason="wasmtime is not installed")
@pytest.mark.parametrize("engine", ENGINES)
def test_every_instruction_computes_what_wasmtime_does(engine: str) -> None:
    wanted = (
        *((name, "") for name in COMPUTING),
        *(probe for name in (*LANE_INDEXED, *LANE_MEMORY) for probe in all_lanes(name)),
        *((name, "") for name, row in VECTOR_ROWS.items() if row.immediates == ("memarg",)),
    )
    ours, theirs = session(engine, wanted), session("wasmtime", wanted)
    for name, words in wanted:
        row = VECTOR_ROWS[name]
        # fuel, too
        assert not differences(ours.call(key(name, words)), theirs.call(key(name, words))), name
        for seed in range(6):
            operands = operands_of(name, 100 + seed, lane_width(name))
            at = random.Random(seed).randbytes(16)
            mine = run(ours, key(name, words), operands, at)
            other = run(theirs, key(name, words), operands, at)
            if mine == other:
                continue
            # the payload of a NaN that arithmetic made is the platform's
            assert name[0] == "f" and row.typing and row.typing.results == ("v128",), name
            width = WIDTHS[name.split(".")[0]]
            assert without_payloads(mine, width) == without_payloads(other, width), name


def without_payloads(data: bytes, width: int) -> list[int]:
    infinity = 0x7F800000 if width == 32 else 0x7FF0 << 48
    top = 1 << (width - 1)
    return [lane if lane & ~top <= infinity else -1 for lane in split(data, width)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("constant", [True, False], ids=["constant", "in memory"])
def test_shifts_by_every_count(engine: str, constant: bool) -> None:
    counts = [*range(130), 255, 256, 0x7FFFFFFF, -0x80000000, -1]
    wanted = [(name, str(count)) for name in SHIFTS for count in counts]
    if constant:
        guest = open_session(engine, probes(wanted, (None, "i32.const {}")))
    else:
        guest = session(engine, tuple((name, "") for name in SHIFTS))
    for name in SHIFTS:
        shape = name.split(".")[0]
        for data in vectors(shape, 3):
            for count in counts:
                export = key(name, str(count)) if constant else key(name)
                given = [data] if constant else [data, count & 0xFFFFFFFF]
                found = run(guest, export, given)
                check(name, found, [data, count])


@pytest.mark.parametrize("engine", ENGINES)
def test_every_lane_is_extracted_and_replaced(engine: str) -> None:
    wanted = tuple(probe for name in LANE_INDEXED for probe in all_lanes(name))
    guest = session(engine, wanted)
    for name, words in wanted:
        for seed in range(4):
            operands = operands_of(name, seed, lane_width(name))
            if "replace" in name:
                operands[1] %= 1 << lane_width(name)
            check(name, run(guest, key(name, words), operands), operands, int(words))


@pytest.mark.parametrize("engine", ENGINES)
def test_every_lane_is_loaded_and_stored(engine: str) -> None:
    wanted = tuple(probe for name in LANE_MEMORY for probe in all_lanes(name))
    guest = session(engine, wanted)
    for name, words in wanted:
        lane, width = int(words), VECTOR_ROWS[name].width
        for data in vectors(name, 3):
            at = bytes(range(240, 256))
            found = run(guest, key(name, words), [0, data], at)
            start = lane * width
            if "load" in name:
                assert found == data[:start] + at[:width] + data[start + width :], (name, lane)
            else:
                assert found == data[start : start + width] + bytes(16 - width), (name, lane)


@pytest.mark.parametrize("engine", ENGINES)
def test_loads_extend_splat_and_fill_with_zeros(engine: str) -> None:
    names = [name for name, row in VECTOR_ROWS.items() if row.immediates == ("memarg",)]
    guest = session(engine, tuple((name, "") for name in names))
    seen = 0
    for name in names:
        for data in vectors(name, 6):
            if name == "v128.store":
                assert run(guest, key(name), [0, data]) == data
                continue
            found = run(guest, key(name), [], data)
            width = VECTOR_ROWS[name].width
            parts = re.search(r"load(\d+)?(?:x\d_([su])|_(splat|zero))?$", name)
            assert parts
            small, sign, form = parts.groups()
            if sign:
                want = join(split(data[:8], int(small), sign == "s"), 2 * int(small))
            else:
                want = data[:width] * (16 // width) if form == "splat" else data[:width]
            assert found == want.ljust(16, b"\0"), name
            seen += 1
    assert seen == 6 * 13


@pytest.mark.parametrize("engine", ENGINES)
def test_shuffle_takes_every_lane_to_every_place(engine: str) -> None:
    base = list(range(16))
    choices = [[*base[:place], lane, *base[place + 1 :]] for place in base for lane in range(32)]
    source = random.Random(7)
    choices += [[source.randrange(32) for _ in base] for _ in range(100)]
    choices += [[lane] * 16 for lane in range(32)]
    wanted = tuple({("i8x16.shuffle", ",".join(map(str, lanes))): None for lanes in choices})
    guest = session(engine, wanted)
    a, b = bytes(range(16, 32)), bytes(range(100, 116))
    for name, words in wanted:
        check(name, run(guest, key(name, words), [a, b]), [a, b], list(map(int, words.split(","))))


@pytest.mark.parametrize("engine", ENGINES)
def test_swizzle_by_every_index(engine: str) -> None:
    guest = session(engine, (("i8x16.swizzle", ""),))
    a = bytes(range(200, 216))
    for index in range(256):
        for operands in (
            [a, bytes([index]) * 16],
            [a, bytes((index + n) % 256 for n in range(16))],
        ):
            check("i8x16.swizzle", run(guest, "i8x16.swizzle", operands), operands)


# -- what is refused, and what traps


@pytest.mark.parametrize("name", [*LANE_INDEXED, *LANE_MEMORY])
def test_lane_indexes_beyond_the_last_are_invalid(name: str) -> None:
    for lane in {VECTOR_ROWS[name].lanes, 255}:
        with pytest.raises(ValidationError, match=f"invalid lane index {lane}"):
            Module(probes([(name, str(lane))]))


@pytest.mark.parametrize("place", range(16))
def test_shuffle_lanes_from_32_are_invalid(place: int) -> None:
    for lane in (32, 255):
        lanes = [0] * 16
        lanes[place] = lane
        with pytest.raises(ValidationError, match=f"invalid lane index {lane}: must be below 32"):
            Module(probes([("i8x16.shuffle", ",".join(map(str, lanes)))]))


@pytest.mark.parametrize("engine", ENGINES)
def test_accesses_are_in_bounds_to_the_last_byte(engine: str) -> None:
    for name, row in VECTOR_ROWS.items():
        if "memarg" not in row.immediates:
            continue
        kinds = row.typing.params  # type: ignore[union-attr]
        lines = ["local.get 0", "v128.const " + "00" * 16][: len(kinds)]
        results = "v128" if row.typing and row.typing.results else ""
        lane = " 0" if len(row.immediates) == 2 else ""
        for offset in (0, 3):
            data = function(
                "i32", results, *lines, f"{name} 0+{offset}{lane}", memories=[limits(1)]
            )
            call = instantiate(Module(data), engine=engine).exports.f
            call(65536 - row.width - offset)
            for outside in (65537 - row.width - offset, -1):
                with pytest.raises(Trap) as caught:
                    call(outside)
                assert caught.value.trap_code is TrapCode.MEMORY_OUT_OF_BOUNDS, name


def test_alignment_and_memory_are_checked_for_lanes_too() -> None:
    for line in ("v128.load32_lane 3+0 1", "v128.load 5+0"):
        lines = ["i32.const 0", "v128.const " + "00" * 16][: len(line.split()) - 1]
        with pytest.raises(ValidationError, match="alignment must not be larger than natural"):
            Module(function("", "v128", *lines, line, memories=[limits(1)]))
        with pytest.raises(ValidationError, match="unknown memory 0"):
            Module(function("", "v128", *lines, line))


# -- v128 wherever values are


@pytest.mark.parametrize("engine", ENGINES)
def test_vectors_pass_locals_blocks_select_and_calls(engine: str) -> None:
    data = module(
        types=[functype("v128 i32 v128", "v128 v128"), functype("v128", "v128")],
        functions=[0, 1],
        exports=[("f", 0, 0)],
        bodies=[
            body(
                "v128",
                "local.get 0",
                "block 1",
                "i8x16.neg",
                "call 1",
                "end",
                "local.set 3",
                "local.get 1",
                "if v128",
                "local.get 2",
                "else",
                "local.get 0",
                "end",
                "local.get 3",
                "local.get 1",
                "select v128",
                "local.get 3",
                "local.get 2",
                "local.get 1",
                "select",
            ),
            body("v128", "local.get 0", "local.get 1", "v128.or", "i8x16.neg"),
        ],
    )
    f = instantiate(Module(data), engine=engine).exports.f
    a, b = bytes(range(16)), bytes(range(100, 116))
    # the local that is never set holds zeros
    assert f(a, 1, b) == (b, a)
    assert f(a, 0, b) == (a, b)
    assert f.call_bits(bytearray(a), 0, memoryview(b)) == (a, b)


@pytest.mark.parametrize("engine", ENGINES)
def test_vectors_are_globals_imports_and_exports(engine: str) -> None:
    data = module(
        types=[functype("v128", "v128"), functype("", "v128")],
        imports=[
            named("env") + named("swap") + b"\0\0",
            named("env") + named("base") + b"\3\x7b\0",
        ],
        functions=[1],
        globals_=[
            b"\x7b\1" + code("v128.const " + bytes(range(16)).hex()),
            b"\x7b\0" + code("global.get 0"),
        ],
        exports=[("f", 0, 1), ("own", 3, 1), ("copy", 3, 2), ("swap", 0, 0)],
        bodies=[
            body(
                "",
                "global.get 1",
                "call 0",
                "global.get 0",
                "v128.xor",
                "global.set 1",
                "global.get 1",
            )
        ],
    )
    seen = []

    def swap(value: bytes) -> bytes:
        seen.append(value)
        return value[::-1]

    kind = FuncType((V128,), (V128,))
    base = Global(V128, b"\xff" * 16)
    env = {"swap": Func(kind, swap), "base": base}
    instance = instantiate(Module(data), {"env": env}, engine=engine)
    assert instance.exports.copy.value == base.value == b"\xff" * 16
    flipped = bytes(255 - n for n in range(15, -1, -1))
    assert instance.exports.f() == flipped
    assert seen == [bytes(range(16))]
    own = instance.exports.own
    assert own.value == flipped
    own.value = bytearray(b"\1" * 16)
    assert instance.exports.f() == b"\xfe" * 16
    assert instance.exports.swap(bytes(range(16))) == bytes(range(15, -1, -1))


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (b"\0" * 15, ValueError),
        (b"\0" * 17, ValueError),
        (b"", ValueError),
        ("x" * 16, TypeError),
        (0, TypeError),
        (None, TypeError),
        ([0] * 16, TypeError),
    ],
)
def test_a_vector_is_sixteen_bytes(value: object, error: type[Exception]) -> None:
    f = instantiate(Module(function("v128", "v128", "local.get 0"))).exports.f
    with pytest.raises(error, match="16 bytes for v128"):
        f(value)
    with pytest.raises(error, match="16 bytes for v128"):
        Global(V128, value)
    data = module(
        types=[functype("", "v128")],
        imports=[named("env") + named("g") + b"\0\0"],
        exports=[("g", 0, 0)],
    )
    host = Func(FuncType((), (V128,)), lambda: value, name="g")
    g = instantiate(Module(data), {"env": {"g": host}}).exports.g
    with pytest.raises(HostError, match="16 bytes for v128"):
        g()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_vector_costs_one_like_any_instruction(engine: str) -> None:
    instance = instantiate(
        Module(function("v128", "i32", "local.get 0", "i8x16.abs", "v128.any_true")), engine=engine
    )
    assert instance.exports.f(bytes(15) + b"\1") == 1
    assert instance.fuel_used == 1 + 3
    assert instance.exports.f(bytes(16)) == 0


def test_nan_bits_pass_through() -> None:
    """Moves keep a signalling NaN, arithmetic makes it quiet."""
    signalling = (0x7F800001).to_bytes(4, "little") * 4
    for line in ("local.get 0", "f32x4.neg", "f32x4.neg"):
        lines = ["local.get 0"] * (line != "local.get 0") + [line]
        f = instantiate(Module(function("v128", "v128", *lines))).exports.f
        result = split(f(signalling), 32)
        assert {lane & 0x7FFFFFFF for lane in result} == {0x7F800001}
    f = instantiate(Module(function("v128", "v128", "local.get 0", "f32x4.ceil"))).exports.f
    assert {lane & 0x7FC00000 for lane in split(f(signalling), 32)} == {0x7FC00000}


def test_the_module_says_what_it_holds() -> None:
    lines = ("v128.const " + bytes(range(16)).hex(), "i8x16.extract_lane_u 3", "drop")
    shuffle = ("local.get 0", "local.get 0", "i8x16.shuffle " + ",".join(map(str, range(16))))
    loaded = pywasmgk.Module(function("v128", "v128", *lines, *shuffle))
    text = loaded.to_string()
    assert "v128.const i64x2 0x706050403020100 0xf0e0d0c0b0a0908" in text
    assert "i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15" in text
    assert str(loaded.functions[0]) == "(v128) -> v128"


def test_results_of_the_probes_are_looked_at() -> None:
    """The tests above see a wrong result: here one operand is another."""
    guest = session("interpreter", (("i8x16.add", ""),))
    a, b = bytes(range(16)), bytes([3] * 16)
    with pytest.raises(AssertionError, match=r"i8x16.add"):
        check("i8x16.add", run(guest, "i8x16.add", [a, b]), [a, bytes([4] * 16)])
    assert AT >= RESULT + 16
