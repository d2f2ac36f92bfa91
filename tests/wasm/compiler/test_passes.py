"""Passes by themselves: statements go in, statements come out."""

from __future__ import annotations

import pytest
from functions_of_statements import WORD, after, assign, function_of, local, temporary, texts

from pywasmgk.errors import TrapCode
from pywasmgk.wasm.compiler.ir import conditions, expr
from pywasmgk.wasm.compiler.ir.expr import Expr, constant

TRAP = TrapCode.MEMORY_OUT_OF_BOUNDS
PLAIN = "local.get 0"
#: blocks 1 and 2 are the arms of a branch on l1; what is behind them is too large to be copied
FORK = f"""local.get 1
    if i32.const 1 i32.const 2 i32.store else i32.const 3 i32.const 4 i32.store end
    local.get 0 {"local.get 0 i32.load i32.add " * 5}"""
LOOP = """loop local.get 1 if i32.const 1 i32.const 2 i32.store end
    local.get 0 br_if 0 end local.get 0"""


def masked(term: Expr, mask: int = WORD) -> Expr:
    return Expr("&", (term, constant(mask)), 0, mask)


# -- dead stores


def test_what_nobody_reads_is_not_assigned() -> None:
    twice = [assign(local(2), constant(1)), assign(local(2), constant(2))]
    read = assign(local(0), expr.add(local(2), constant(3)))
    found = after("dead stores", function_of(PLAIN, {0: [*twice, read]}))
    assert texts(found, 0) == ["l2 = 2", "l0 = l2 + 3"]
    assert found.live[0] == 0


def test_what_can_trap_stays() -> None:
    view = Expr("index", (expr.name("MI"), local(0)), 0, WORD)
    found = after("dead stores", function_of(PLAIN, {0: [assign(local(2), view, TRAP)]}))
    assert texts(found, 0) == ["l2 = MI[l0]"]


# -- sinking


def test_an_assignment_moves_to_the_arm_that_reads_it() -> None:
    lines = {
        0: [assign(local(2), expr.add(local(0), constant(5)))],
        1: [assign(local(0), local(2))],
    }
    found = after("sinking", function_of(FORK, lines))
    assert texts(found, 0) == []
    assert texts(found, 1) == ["l2 = l0 + 5", "l0 = l2"]
    assert "l2 = l0 + 5" not in texts(found, 2)


@pytest.mark.parametrize("reader", [0, 2])
def test_it_stays_where_both_arms_or_what_follows_read_it(reader: int) -> None:
    lines = {
        0: [assign(local(2), expr.add(local(0), constant(5)))],
        1: [assign(local(0), local(2))],
    }
    # the branch reads l1, what is behind the arms l0
    lines[reader] = [*lines.get(reader, ()), assign(local(1 if reader == 0 else 0), local(2))]
    found = after("sinking", function_of(FORK, lines))
    assert texts(found, 0)[0] == "l2 = l0 + 5"


# -- masks


def test_a_byte_is_masked_where_it_is_set() -> None:
    value = masked(expr.add(expr.multiply(local(2), constant(3)), constant(1)))
    byte = masked(local(2), 0xFF)
    lines = [assign(local(2), value), assign(local(0), byte), assign(local(1), byte)]
    found = after("byte narrowing", function_of(PLAIN, {0: lines}))
    assert texts(found, 0) == ["l2 = (l2 * 3 + 1) % 256", "l0 = l2", "l1 = l2"]
    # a reader of all bits keeps them
    lines.append(assign(local(3), expr.add(local(2), constant(1))))
    found = after("byte narrowing", function_of(PLAIN, {0: lines}))
    assert texts(found, 0)[0].endswith("& 4294967295")


def test_a_temporary_that_is_masked_by_its_readers_is_not_masked_itself() -> None:
    total = expr.add(local(0), local(1))
    lines = [
        assign(temporary("t1"), masked(total)),
        assign(local(2), masked(expr.add(temporary("t1"), local(0)))),
    ]
    found = after("redundant masks", function_of(PLAIN, {0: lines}))
    assert texts(found, 0) == ["t1 = l0 + l1", "l2 = (t1 + l0) % 4294967296"]
    (_, second) = found.blocks[0].statements
    # the sum knows that what it adds is larger now
    assert second.uses[0].args[0].high == 3 * WORD
    lines.append(assign(local(3), temporary("t1")))
    found = after("redundant masks", function_of(PLAIN, {0: lines}))
    assert texts(found, 0)[0] == "t1 = (l0 + l1) % 4294967296"


def test_a_sum_in_a_loop_is_masked_by_who_reads_it() -> None:
    def lines(other: int) -> dict[int, list]:  # type: ignore[type-arg]
        step = masked(expr.add(local(2), local(other)))
        return {
            0: [assign(local(2), constant(0))],
            1: [assign(local(2), step)],
            4: [assign(local(0), masked(expr.add(local(2), constant(1))))],
        }

    found = after("delayed masks", function_of(LOOP, lines(0)))
    assert texts(found, 1) == ["l2 = l2 + l0"]
    # two that add each other would double each time
    both = lines(3)
    both[0].append(assign(local(3), constant(0)))
    both[1].append(assign(local(3), masked(expr.add(local(3), local(2)))))
    found = after("delayed masks", function_of(LOOP, both))
    assert all("% 4294967296" in text for text in texts(found, 1))


# -- conditions


def test_a_local_that_is_only_tested_holds_a_condition() -> None:
    less = conditions.compare("<", local(0), local(1))
    outcome = assign(local(2), conditions.as_number(less))
    tested = expr.variable("l2", 2, 0, 1)
    chosen = conditions.choose(conditions.truth(tested), constant(5), constant(6))
    found = after("boolean locals", function_of(PLAIN, {0: [outcome, assign(local(0), chosen)]}))
    assert texts(found, 0) == ["l2 = l0 < l1", "l0 = 5 if l2 else 6"]
    assert found.outcomes == {"l2"}
    counted = assign(local(0), expr.add(tested, constant(1)))
    found = after("boolean locals", function_of(PLAIN, {0: [outcome, counted]}))
    assert texts(found, 0)[0] == "l2 = 1 if l0 < l1 else 0"
