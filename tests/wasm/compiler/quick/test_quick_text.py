"""What the quick level writes for small functions."""

from __future__ import annotations

import pytest

import pywasmgk
from pywasmgk.wasm.compiler.driver import OPTIMIZED, QUICK, source_of


def module(code: str, rest: str = "") -> pywasmgk.Module:
    return pywasmgk.Module(
        f'(module (memory 1) (global $g (mut i32) (i32.const 3)) {rest} (func (export "f")'
        f" (param $p i32) (param $q i32) (param $w i64) (result i32) (local $l i32) {code}))"
    )


def lines(code: str, rest: str = "", highest: int = 1 << 30) -> list[str]:
    """The lines of a function's body, without what each has at its head."""
    made = module(code, rest)
    index = len(made.functions) - 1
    text = source_of(made, index, highest, level=QUICK).text
    found = [line.strip() for line in text.splitlines()]
    return [line for line in found[found.index("l3 = 0") + 1 :] if line and "sampled" not in line]


EXPRESSIONS = {
    "masks wait": (
        "(i32.mul (i32.add (i32.add (local.get $p) (local.get $q)) (i32.const 5)) (i32.const 3))",
        "return (l0 + l1 + 5) % 4294967296 * 3 & 4294967295",
    ),
    "negative constants are subtracted": (
        "(i32.add (local.get $p) (i32.const -16))",
        "return (l0 - 16) % 4294967296",
    ),
    "small sums need none": (
        "(i32.add (i32.and (local.get $p) (i32.const 255)) (i32.const 1))",
        "return (l0 & 255) + 1",
    ),
    "less than a constant, signed": (
        "(i32.lt_s (local.get $p) (i32.const 10))",
        "return 1 if not 10 <= l0 < 2147483648 else 0",
    ),
    "less than zero": (
        "(i32.lt_s (local.get $p) (i32.const 0))",
        "return 1 if l0 >= 2147483648 else 0",
    ),
    "at most a negative constant": (
        "(i32.le_s (local.get $p) (i32.const -2))",
        "return 1 if 2147483648 <= l0 < 4294967295 else 0",
    ),
    "two signed numbers": (
        "(i32.gt_s (local.get $p) (local.get $q))",
        "return 1 if (l0 > l1) is (l0 ^ l1 < 2147483648) else 0",
    ),
    "small numbers have no sign": (
        "(i32.ge_s (i32.and (local.get $p) (i32.const 7)) (i32.shr_u (local.get $q)"
        " (i32.const 4)))",
        "return 1 if l0 & 7 >= l1 >> 4 else 0",
    ),
    "shifts left keep what stays": (
        "(i32.shl (local.get $p) (i32.const 20))",
        "return (l0 & 4095) << 20",
    ),
    "wrapping": ("(i32.wrap_i64 (local.get $w))", "return l2 % 4294967296"),
    "no test of a test": (
        "(select (local.get $p) (local.get $q) (i32.eqz (i32.eqz (local.get $q))))",
        "return l0 if l1 else l1",
    ),
}


@pytest.mark.parametrize("case", EXPRESSIONS)
def test_expressions(case: str) -> None:
    code, expected = EXPRESSIONS[case]
    assert lines(code)[-2] == expected


def test_what_is_accessed_is_small() -> None:
    code = "(drop (i32.load (local.get $p))) (i32.add (local.get $p) (i32.const 8))"
    assert lines(code)[-2] == "return l0 + 8"
    assert lines(code, highest=1 << 32)[-2] == "return (l0 + 8) % 4294967296"


def test_an_address_of_64_bits_is_wrapped_where_it_is_used() -> None:
    load = "(i32.load offset=8 (i32.wrap_i64 (local.get $w)))"
    assert lines(load)[-2] == "return load_u32(mem, l2 % 4294967296 + 8)[0]"


def test_loads_are_lines_of_their_own_in_order() -> None:
    code = "(local.set $l (i32.load (local.get $p))) (i32.store8 (local.get $l) (i32.load8_u"
    code += " (local.get $q))) (i32.const 0)"
    text = lines(code)
    assert text[:3] == ["l3 = load_u32(mem, l0)[0]", "t1 = mem[l1]", "mem[l3] = t1"]


LOAD = "(i32.load8_u (local.get $p))"
CALL = "(call $h (local.get $q))"
#: instructions, and the last lines of what they become
ABSORBED = {
    "a load by an addition": (f"(i32.add {LOAD} (local.get $q))",
                              ["return (mem[l0] + l1) % 4294967296"]),
    "a load by a local": (f"(local.set $l (i32.add {LOAD} (i32.const 1))) (local.get $l)",
                          ["l3 = mem[l0] + 1", "return l3"]),
    "a load by a test": (f"(if (result i32) {LOAD} (then (i32.const 1)) (else (i32.const 2)))",
                         ["if mem[l0]:"]),
    "the later of two": (f"(i32.xor {LOAD} {LOAD})", ["t1 = mem[l0]", "return t1 ^ mem[l0]"]),
    "not by what traps": (f"(i32.load {LOAD})", ["t1 = mem[l0]", "return load_u32(mem, t1)[0]"]),
    "not by a switch": (f"(block $a (block $b (br_table $a $b $a {LOAD}))) (i32.const 1)",
                        ["t1 = mem[l0]"]),
    "not by an arm of a choice": (f"(select {LOAD} (i32.const 1) (local.get $q))",
                                  ["t1 = mem[l0]", "return t1 if l1 else 1"]),
    "by a choice's condition": (f"(select (i32.const 1) (local.get $q) {LOAD})",
                                ["return 1 if mem[l0] else l1"]),
    "not by what reads it twice": (f"(i32.shr_s {LOAD} (local.get $q))", []),
    "a rounded number": ("(i32.reinterpret_f32 (f32.add (f32.convert_i32_u (local.get $p))"
                         " (f32.const 1)))", ["F[0] = float(l0)", "F[0] = F[0] + 1.0"]),
    "a call by a return": (CALL, ["return f0(l1, d)"]),
    "a call by a test": (f"(if (result i32) {CALL} (then (i32.const 1)) (else (i32.const 2)))",
                         ["if f0(l1, d):"]),
    "no call by more": (f"(i32.add {CALL} (global.get $g))", ["t1 = f0(l1, d)"]),
}  # fmt: skip


@pytest.mark.parametrize("case", ABSORBED)
def test_a_line_takes_in_the_one_before_it(case: str) -> None:
    code, expected = ABSORBED[case]
    text = lines(code, "(func $h (param i32) (result i32) (local.get 0))")
    assert [line for line in text if line in expected] == expected


SIGNED = {
    "< what is not negative": ("i32.lt_s", "$p", "not mem[l1] <= l0 < 2147483648"),
    ">= what is not negative": ("i32.ge_s", "$p", "mem[l1] <= l0 < 2147483648"),
}


@pytest.mark.parametrize("case", SIGNED)
def test_signed_comparisons_with_what_is_not_negative(case: str) -> None:
    row, local, expected = SIGNED[case]
    code = f"({row} (local.get {local}) (i32.load8_u (local.get $q)))"
    assert f"return 1 if {expected} else 0" in lines(code)


def test_bytes_with_a_sign_are_looked_up() -> None:
    assert lines("(i32.load8_s (local.get $p))")[1] == "return byte32[mem[l0]]"
    assert lines("(i32.extend8_s (local.get $p))")[-2] == "return byte32[l0 & 255]"
    assert lines("(i32.wrap_i64 (i64.extend8_s (local.get $w)))")[-2] == (
        "return byte64[l2 & 255] % 4294967296"
    )


def test_what_is_about_to_change_is_kept() -> None:
    code = "(local.get $p) (local.set $p (i32.const 1)) (global.get $g)"
    rest = "(func $h (global.set $g (i32.const 9)))"
    text = lines(f"{code} (call $h) i32.add", rest)
    assert text[:2] == ["t1 = l0", "l0 = 1"]
    assert text.index("t2 = g0") < text.index("f0(d)")


def test_fuel_of_straight_code_is_taken_once() -> None:
    code = "(block (br_if 0 (local.get $p)) (local.set $l (i32.const 2))) (local.get $l)"
    text = lines(code)
    assert text == ["if not l0:", "l3 = 2", "fuel -= 2", "fuel -= 4", "return l3", "return f0"]


def test_a_block_that_many_leave_is_a_loop_of_one_turn() -> None:
    code = "(block (if (local.get $p) (then (br 1))) (local.set $l (i32.const 2))) (local.get $l)"
    text = lines(code)
    assert text[:2] == ["while 1:", "if l0:"]
    assert text.count("break") == 2


def test_a_loop_with_its_end_is_left_by_break() -> None:
    code = "(block (loop (br_if 1 (local.get $p)) (br 0))) (local.get $l)"
    text = lines(code)
    assert "b = 0" not in text and text.count("break") == 1


def switch(count: int) -> str:
    """A loop over a chain of blocks that begins with a table, as Go's compiler has it."""
    blocks = "(block " * count
    arms = "".join(
        f") (local.set $p (i32.const {(number * 7 + 3) % count}))"
        + (f" (br {count - number - 1})" if number % 3 else "")
        for number in range(count - 1)
    )
    labels = " ".join(str(number) for number in range(count))
    return (
        f"(loop (local.set $l (i32.add (local.get $l) (i32.const 1)))"
        " (if (i32.gt_u (local.get $l) (local.get $q)) (then (return (local.get $p))))"
        f" {blocks} (br_table {labels} (local.get $p))"
        f"{arms} ) (br_if 0 (i32.lt_u (local.get $l) (local.get $q)))) (local.get $p)"
    )


@pytest.mark.parametrize("out", [(), (0,), (7,), (3, 8), (2, 3, 9), (0, 4, 5, 6)])
@pytest.mark.parametrize("default", [2, 11])
def test_a_switch_that_partly_leaves_its_loop_has_tables(
    out: tuple[int, ...], default: int
) -> None:
    """Selectors that lead out of the loop are told by comparisons, stretches of others by tables;
    whatever each way owes of fuel, it is taken."""
    count = 11
    # behind the blocks comes the loop's end, behind that the function's
    labels = [count + 1 if number in out else number for number in range(count)]
    arms = "".join(
        f") (local.set $l (i32.add (local.get $l) (i32.const {number * number})))"
        + " (nop)" * number
        + (f" (br {count - number})" if number % 3 == 1 else "")
        for number in range(count)
    )
    code = (
        "(block (block (loop"
        " (local.set $p (i32.rem_u (i32.add (local.get $p) (i32.const 5)) (i32.const 13)))"
        f" {'(block ' * count} (br_table {' '.join(map(str, labels))} {default} (local.get $p))"
        f"{arms} (br_if 0 (local.tee $q (i32.sub (local.get $q) (i32.const 1)))))"
        " (local.set $l (i32.add (local.get $l) (i32.const 1000)))))"
        " (local.get $l)"
    )
    made = module(code)
    text = source_of(made, 0, 1 << 30, level=QUICK).text
    assert ")[l0" in text
    results = []
    for engine in ("interpreter", "quick", "optimized", "mixed"):
        instance = pywasmgk.instantiate(made, engine=engine)
        results.append(
            [
                (instance.exports.f(p, q, 0), instance.fuel_used)
                for p in range(14)
                for q in (1, 2, 9)
            ]
        )
    assert results[0] == results[1] == results[2] == results[3]


@pytest.mark.parametrize("count", [2, 5, 17, 300])
def test_chains_of_blocks_are_a_tree_of_guards(count: int) -> None:
    made = module(switch(count))
    text = source_of(made, 0, 1 << 30, level=QUICK).text
    assert max(len(line) - len(line.lstrip()) for line in text.splitlines()) < 20
    if count > 2:
        assert "if b <= " in text and "while 1" in text
    results = []
    for engine in ("interpreter", "quick", "mixed"):
        instance = pywasmgk.instantiate(made, engine=engine)
        results.append(
            [(instance.exports.f(p, 20, 0), instance.fuel_used) for p in range(count + 1)]
        )
    assert results[0] == results[1] == results[2]


def test_text_grows_with_the_function() -> None:
    sizes = [len(source_of(module(switch(n)), 0, level=QUICK).text) / n for n in (500, 4_000)]
    assert sizes[1] < 1.3 * sizes[0]


@pytest.mark.parametrize("depth", [30, 150])
def test_deep_nesting(depth: int) -> None:
    """More loops, ifs and blocks in one another than Python takes."""
    for form, end in (("loop", ")"), ("if (local.get $q) (then", "))"), ("block", ")")):
        inner = "(local.set $l (i32.add (local.get $l) (i32.const 1)))"
        code = f"({form} " * depth + inner + f" (br_if {depth // 2} (i32.lt_u (local.get $l)"
        code += " (i32.const 5)))" + end * depth + " (local.get $l)"
        made = module(code)
        found = []
        for engine in ("interpreter", "quick"):
            instance = pywasmgk.instantiate(made, engine=engine)
            found.append((instance.exports.f(1, 1, 0), instance.fuel_used))
        assert found[0] == found[1]
        assert None not in made.compiled.values()


def test_the_levels_are_told_apart() -> None:
    made = module("(i32.const 7)")
    for engine in ("quick", "optimized"):
        assert pywasmgk.instantiate(made, engine=engine).exports.f(0, 0, 0) == 7
    assert {key[-1] for key in made.compiled} == {QUICK, OPTIMIZED}


SPENT_TWICE = {
    "two results read what was loaded": """(func (export "f") (param $p i64) (result i64)
      (i64.add128 (local.get $p) (i64.div_s (local.get $p)
        (i64.or (local.get $p) (i64.const 1))) (i64.load (i32.const 8)) (i64.const 0))
      i64.xor)""",
    "a name that is free again": """(func (export "f") (param $p i64) (result i64)
      (drop (i32.load (i32.const 8))) (local.set $p (local.get $p))
      (i32.store (i32.const 16) (memory.size)) (i64.load (i32.const 16)))""",
    "an atomic change of where it was loaded": """(func (export "f") (param $p i64) (result i64)
      (i64.atomic.rmw.add (i32.load (i32.const 16)) (i64.load (i32.const 8))))""",
}


@pytest.mark.parametrize("code", SPENT_TWICE.values(), ids=SPENT_TWICE)
def test_a_line_takes_in_only_what_nothing_else_reads(code: str) -> None:
    made = pywasmgk.Module(f'(module (memory 1) (data (i32.const 8) "\\21\\43\\65") {code})')
    found = []
    for engine in ("interpreter", "quick", "optimized"):
        instance = pywasmgk.instantiate(made, engine=engine)
        results = [instance.exports.f(number) for number in (0, 1, -7)]
        found.append((results, instance.fuel_used, instance.memory[0:24]))
    assert found[0] == found[1] == found[2]
    assert None not in made.compiled.values()
