"""Every form that knowledge of operands makes cheaper computes what the row's template does."""

from __future__ import annotations

import math
import random
import struct
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywasmgk.wasm import isa
from pywasmgk.wasm.compiler.backend.emit import codes_of
from pywasmgk.wasm.compiler.backend.printing import show, text_of
from pywasmgk.wasm.compiler.frontend.context import Context
from pywasmgk.wasm.compiler.frontend.lowering import Site
from pywasmgk.wasm.compiler.frontend.templates import template_of
from pywasmgk.wasm.compiler.ir import conditions, expr
from pywasmgk.wasm.compiler.ir.domain import Environment
from pywasmgk.wasm.compiler.ir.expr import Expr, constant
from pywasmgk.wasm.runtime.binding import _COMMON
from pywasmgk.wasm.types import ValType

NUMBERS = {"i32": ValType.I32, "i64": ValType.I64, "f32": ValType.F32, "f64": ValType.F64}
#: variables of each type that a program may have
_LOCALS = 20
BITS = {"i32": 32, "i64": 64}
EDGES = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1]
EDGES += [1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
FLOATS = [0.0, -0.0, 1.0, -1.5, 2.0**31, 2.0**32, 2.0**63, -(2.0**63), 1e-40, 3e38]
FLOATS += [math.inf, -math.inf, math.nan, 0.5, -0.5, 4294967295.0, -2147483649.0]
#: what Python itself raises where a row says that it traps
NATIVE = (IndexError, struct.error, ZeroDivisionError, OverflowError)
ROWS = [
    row
    for row in isa.STANDARD
    if row.form is None
    and row.typing is not None
    and row.meaning
    and {*row.typing.params, *row.typing.results} <= set(NUMBERS)
    and not row.effect
    and not row.charge
    # atomic accesses depend on more than numbers: what is aligned, and who shares the memory
    and not row.aligned
    and not {"localidx", "globalidx", "tableidx", "funcidx", "elemidx", "dataidx", "memidx"}
    & set(row.immediates)
]
BY_PARAM = {kind: [row for row in ROWS if kind in row.typing.params] for kind in NUMBERS}  # type: ignore[union-attr]


class Trapped(Exception):
    """The template says so."""


def by_template(row: Any, names: dict[str, Any], operands: dict[str, Any]) -> list[Any]:
    """What a row's own text gives for plain numbers: its results."""

    def value(text: str) -> Any:
        for letter in (*operands, "t"):
            text = text.replace(f"{{{letter}}}", f"_{letter}")
        return eval(text, names, {f"_{letter}": number for letter, number in operands.items()})

    if any(value(guard.condition) for guard in row.guards):
        raise Trapped
    try:
        results = [value(text) for text in (row.meaning, row.second) if text]
    except NATIVE:
        if row.native is None:
            raise
        raise Trapped from None
    if row.rounds:
        return [struct.unpack("f", struct.pack("f", result))[0] for result in results]
    return results


class Program:
    """Some instructions in a row, computed in both ways at once."""

    def __init__(self, rng: random.Random, length: int) -> None:
        self.rng = rng
        self.mem = bytearray(rng.randbytes(256))
        self.names: dict[str, Any] = {**_COMMON, "mem": self.mem}
        self.names["F"] = memoryview(bytearray(4)).cast("f")
        for view in "BbHhIiQqfd":
            self.names[f"M{view}"] = memoryview(self.mem).cast("B").cast(view)
        self.values: list[Any] = []
        self.locals: list[Any] = []
        kinds = [kind for kind in NUMBERS.values() for _ in range(_LOCALS)]
        body: Any = SimpleNamespace(code=[], costs={}, locals=kinds, max_height=0)
        context: Any = SimpleNamespace(functions=(), types=(), globals=(), tags=())
        shape = Context(body, context, isa.STANDARD, len(self.mem))
        block: Any = SimpleNamespace(start=0, copy=0, edges=())
        self.site = Site(shape, block, Environment([None] * len(kinds)), [])
        self.kinds: list[str] = []
        self.length = length

    def number(self, kind: str) -> tuple[Any, Any]:
        """A number, and the fact that is known of it."""
        rng = self.rng
        if kind not in BITS:
            return rng.choice([*FLOATS, rng.uniform(-100, 100)]), None
        most = (1 << BITS[kind]) - 1
        zeros = rng.choice([0, 0, 0, 1, 2, 3, rng.randrange(BITS[kind])])
        ends = [min(edge, most) for edge in rng.choices(EDGES, k=2)]
        if rng.random() < 0.5:
            ends[1] = min(ends[0] + rng.randrange(300), most)
        low, high = sorted(ends)
        step = 1 << zeros
        first, last = -(-low // step), high // step
        if first > last:
            low, high, zeros, step, first, last = 0, most, 0, 1, 0, most
        value = rng.choice([first, last, rng.randint(first, last)]) * step
        return value, (low, high, zeros)

    def push(self, kind: str) -> None:
        """A fresh operand: a variable with a fact, or a constant."""
        value, fact = self.number(kind)
        if kind == "f32" and math.isfinite(value):
            value = struct.unpack("f", struct.pack("f", value))[0]
        if self.rng.random() < 0.25:
            self.site.stack.append(constant(value))
        else:
            index = list(NUMBERS).index(kind) * _LOCALS + len(self.locals)
            self.locals.append(value)
            self.names[f"l{index}"] = value
            self.site.env[index] = fact
            self.site.stack.append(self.site.local(index))
        self.values.append(value)
        self.kinds.append(kind)

    def run(self, row: Any) -> None:
        """One more instruction, on what is on the stack where its type is right."""
        params = row.typing.params
        if self.kinds[-len(params) :] != list(params) or len(self.kinds) < len(params):
            keep = bool(self.kinds) and self.kinds[-1] == params[0] if params else False
            for kind in params[keep:]:
                self.push(kind)
        self.site.at += 1
        self.site.temporaries = 0
        x = self.immediate(row)
        operands = dict(zip("abcd", self.values[len(self.values) - len(params) :]))
        if row.immediates:
            operands |= {"x": x, "offset": x, "value": x}
        del self.values[len(self.values) - len(params) :]
        del self.kinds[len(self.kinds) - len(params) :]
        self.site._compute(template_of(row), x)
        self.values += by_template(row, self.names, operands)
        self.kinds += row.typing.results

    def immediate(self, row: Any) -> Any:
        if not row.immediates:
            return 0
        kind = row.immediates[0]
        if kind in NUMBERS:
            return self.number(kind)[0]
        return self.rng.choice([0, 0, 1, 2, 4, 8, 100, 250, 4_294_967_295])

    def check(self, first: Any) -> None:
        """Runs the instructions, then the code that was made of them."""
        trapped = False
        try:
            self.run(first)
            for _ in range(self.length):
                self.run(self.rng.choice(BY_PARAM[self.kinds[-1]]))
        except Trapped:
            trapped = True
        text = "\n".join(text_of(code) for line in self.site.statements for code in codes_of(line))
        term = self.site.stack[-1] if self.site.stack else expr.ZERO
        text += f"\nresult = {show(term)}"
        try:
            exec(text, self.names)
        except (*NATIVE, self.names["Trap"]):
            assert trapped, text
            return
        assert not trapped, text
        result, wanted = self.names["result"], self.values[-1]
        assert result == wanted or (result != result and wanted != wanted), text
        if result == 0 and isinstance(result, float):
            assert math.copysign(1, result) == math.copysign(1, wanted), text
        assert not isinstance(wanted, int) or isinstance(result, int), text
        check_facts(term, result, text)


def check_facts(term: Expr, value: Any, text: str) -> None:
    """What is claimed of a term holds for its value."""
    if term.low is not None:
        assert term.low <= value <= term.high, (text, term.low, term.high, value)
        assert value % (1 << term.zeros) == 0, (text, term.zeros, value)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_on_operands_of_which_something_is_known(row: Any) -> None:
    for seed in range(24):
        rng = random.Random(f"{row.name} {seed}")
        Program(rng, seed % 4).check(row)


def test_there_are_enough_rows() -> None:
    assert len(ROWS) > 140


def test_a_wrong_simplification_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(a: Expr, bits: int) -> Expr:
        return a if a.low >= 0 else Expr("&", (a, constant((1 << bits) - 1)), 0, (1 << bits) - 1)

    monkeypatch.setattr(expr, "keep_low", wrong)
    template_of.cache_clear()
    add = next(row for row in ROWS if row.opcode == 0x6A)
    with pytest.raises(AssertionError):
        for seed in range(50):
            Program(random.Random(seed), 0).check(add)


# -- the builders themselves, beyond what rows make of them

INTEGERS = st.one_of(
    st.sampled_from([*EDGES, *(-edge for edge in EDGES)]), st.integers(-(1 << 65), 1 << 65)
)
BINARY: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "bit_and": lambda a, b: a & b,
    "bit_or": lambda a, b: a | b,
    "bit_xor": lambda a, b: a ^ b,
}
COMPARE: dict[str, Any] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@st.composite
def bounded(draw: Any, name: str, bit: int) -> tuple[Expr, dict[str, int], int]:
    """A variable or a constant with its value, and bounds around it."""
    value = draw(INTEGERS)
    if draw(st.booleans()):
        return constant(value), {}, value
    zeros = draw(st.integers(0, min(expr._zeros_of(value), 8)))
    low = value - draw(st.integers(0, 1 << 66))
    high = value + draw(st.integers(0, 1 << 66))
    return expr.variable(name, bit, low, high, zeros), {name: value}, value


@given(bounded("l0", 0), bounded("l1", 1), st.sampled_from(sorted(BINARY)), st.integers(1, 64))
def test_builders(a: Any, b: Any, name: str, bits: int) -> None:
    term, wanted = getattr(expr, name)(a[0], b[0]), BINARY[name](a[2], b[2])
    names = {**a[1], **b[1]}
    mask = (1 << bits) - 1
    cases = [(term, wanted), (expr.keep_low(term, bits), wanted & mask)]
    cases += [(expr.bit_and(term, constant(mask << 3)), wanted & mask << 3)]
    cases += [(expr.shift_right(term, constant(bits)), wanted >> bits)]
    cases += [(expr.shift_left(cases[1][0], constant(bits)), (wanted & mask) << bits)]
    cases += [(expr.negative(term), -wanted), (expr.invert(term), ~wanted)]
    half = 1 << bits - 1
    cases += [(expr.signed(cases[1][0], half), ((wanted & mask) ^ half) - half)]
    for made, right in cases:
        text = show(made)
        assert eval(text, names) == right, text
        check_facts(made, right, text)
    stripped = expr.strip(cases[1][0], bits)
    assert eval(show(stripped), names) & mask == wanted & mask


@given(
    bounded("l0", 0), bounded("l1", 1), st.sampled_from(sorted(COMPARE)), st.sampled_from([32, 64])
)
def test_comparisons(a: Any, b: Any, op: str, bits: int) -> None:
    names = {**a[1], **b[1]}
    mask, sign = (1 << bits) - 1, 1 << bits - 1
    x, y = (expr.keep_low(item[0], bits) for item in (a, b))
    left, right = a[2] & mask, b[2] & mask
    flipped = [expr.bit_xor(item, constant(sign)) for item in (x, y)]
    for condition, wanted in (
        (conditions.compare(op, a[0], b[0]), COMPARE[op](a[2], b[2])),
        (conditions.compare(op, x, y), COMPARE[op](left, right)),
        (conditions.compare(op, *flipped), COMPARE[op](left ^ sign, right ^ sign)),
    ):
        assert bool(eval(show(condition), names)) is wanted, show(condition)
        assert bool(eval(show(conditions.negate(condition)), names)) is not wanted
        assert conditions.decided(condition) in (None, wanted)
        number = conditions.as_number(condition)
        assert eval(show(number), names) == wanted
        assert bool(eval(show(conditions.truth(number)), names)) is wanted
        chosen = conditions.choose(condition, x, y)
        assert eval(show(chosen), names) == (left if wanted else right)


@given(st.integers(0, 40).map(lambda bit: 1 << bit) | st.sampled_from([600, 4294966696]), st.data())
def test_a_sign_is_made_of_the_highest_bit_only(sign: int, data: Any) -> None:
    value = data.draw(st.integers(0, 2 * sign - 1) | INTEGERS)
    low, high = (0, 2 * sign - 1) if 0 <= value < 2 * sign else (value, value + 5)
    term = expr.variable("l0", 0, low, high)
    made = expr.subtract(expr.bit_xor(term, constant(sign)), constant(sign))
    text = show(made)
    assert eval(text, {"l0": value}) == (value ^ sign) - sign, text
    check_facts(made, (value ^ sign) - sign, text)
    if (low, high) == (0, 2 * sign - 1) and sign & (sign - 1) == 0:
        assert made.op == "signed"
