"""The check between passes finds what a wrong pass would leave behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import pywasmgk
from pywasmgk.errors import TrapCode
from pywasmgk.wasm.compiler.ir import expr
from pywasmgk.wasm.compiler.ir.bounds import implied
from pywasmgk.wasm.compiler.ir.expr import Expr, constant, name, variable
from pywasmgk.wasm.compiler.ir.function import Function
from pywasmgk.wasm.compiler.ir.operators import OPERATORS
from pywasmgk.wasm.compiler.ir.statements import Assign, Guard, Origin, Statement, Store
from pywasmgk.wasm.compiler.ir.verify import InvalidFunction, verify
from pywasmgk.wasm.compiler.optimizing import stages
from pywasmgk.wasm.compiler.request import Request
from pywasmgk.wasm.text.reading import assemble

TEXT = """(module (memory 1) (func (param i32 i32) (result i32)
    local.get 0 if local.get 1 local.set 0 end
    local.get 0 i32.load local.get 1 i32.add local.get 0 i32.const 7 i32.store
    local.get 1 i32.xor))"""
X = variable("l0", 0, 0, (1 << 32) - 1)
TEMPORARY = Expr("var", ("t9",), 0, 5)
ORIGIN = Origin(0, 2, False)
TRAPPING = ORIGIN._replace(trap=TrapCode.MEMORY_OUT_OF_BOUNDS)
VIEW = Expr("index", (name("MI"), X))


def lowered() -> Function:
    _, function = next(iter(stages(pywasmgk.Module(assemble(TEXT)), Request(0))))
    return function


def with_line(line: Statement) -> Function:
    """The function with one more statement at its entry."""
    function = lowered()
    entry = function.graph.entry
    return function.with_statements(
        lambda result: (
            [line, *result.statements] if result.block.number == entry else result.statements
        )
    )


def test_what_lowering_gives_is_well_formed() -> None:
    verify(lowered(), "lowering")
    verify(with_line(Assign(X, expr.add(X, constant(3)), ORIGIN)), "lowering")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (Assign(X, TEMPORARY, ORIGIN), "t9 is read but not defined"),
        (Assign(X, Expr("+", (X, constant(1)), 0, 9), ORIGIN), "may be from 1 to 4294967296"),
        (Assign(X, Expr("<", (X, constant(1))), ORIGIN), "is where a value must be"),
        (Guard(X, TrapCode.INTEGER_OVERFLOW, X, ORIGIN), "is where a condition must be"),
        (Assign(X, Expr("+", (X,)), ORIGIN), "has 1 operands"),
        (Assign(X, Expr("maximum", (X, X)), ORIGIN), "is no expression"),
        (Assign(X, VIEW, ORIGIN), "can fail, and no trap is noted"),
        (Store(VIEW, X, ORIGIN), "can fail, and no trap is noted"),
        (Assign(X, constant(1), ORIGIN._replace(pending=99)), "less is pending"),
    ],
)
def test_a_wrong_statement_is_found(line: Statement, fault: str) -> None:
    with pytest.raises(InvalidFunction, match=f"after a pass: block 0: .*{fault}"):
        verify(with_line(line), "a pass")


def test_what_can_fail_has_its_trap() -> None:
    verify(with_line(Store(VIEW, X, TRAPPING)), "a pass")


def changed(change: Callable[[Function], Function]) -> str:
    with pytest.raises(InvalidFunction) as caught:
        verify(change(lowered()), "a pass")
    return str(caught.value)


def test_a_block_is_charged_for_what_it_costs() -> None:
    def dearer(function: Function) -> Function:
        first = function.graph.entry
        result = function.blocks[first]
        return function._replace(
            blocks={**function.blocks, first: result._replace(pending=result.pending + 1)}
        )

    assert "3 is charged for what costs 2" in changed(dearer)


@pytest.mark.parametrize(
    ("at", "pending", "fault"),
    [
        (1, 2, ""),
        (1, 1, "1 is charged up to instruction 1, not 2"),
        (1, 3, "3 is charged up to instruction 1, not 2"),
        (99, 2, "instruction 99 belongs to another block"),
    ],
)
def test_what_is_seen_at_a_trap_is_what_was_entered(at: int, pending: int, fault: str) -> None:
    """Nothing of a block that comes later is charged where a trap shows the number."""
    line = Store(VIEW, X, Origin(at, pending, False, TrapCode.MEMORY_OUT_OF_BOUNDS))
    if fault:
        with pytest.raises(InvalidFunction, match=fault):
            verify(with_line(line), "a pass")
    else:
        verify(with_line(line), "a pass")


def test_a_temporary_is_defined_on_every_path() -> None:
    """One that only an arm of a branch defines cannot be read behind both."""

    def moved(function: Function) -> Function:
        arm = function.graph.blocks[function.graph.entry].edges[0].target
        line = Assign(TEMPORARY, constant(1), Origin(3, 1, False))
        function = function.with_statements(
            lambda result: (
                [line, *result.statements] if result.block.number == arm else result.statements
            )
        )
        return function.mapped(
            lambda term: TEMPORARY if term.op == "^" or term.is_variable("l1") else term
        )

    assert "t9 is read but not defined" in changed(moved)


def test_every_operator_is_listed_once() -> None:
    assert len(OPERATORS) == len({operator.name for operator in OPERATORS.values()})
    for operator in OPERATORS.values():
        assert set(operator.operands) <= set("vcp*")
        assert operator.meaning


@pytest.mark.parametrize(
    ("term", "bounds"),
    [
        (Expr("+", (X, constant(2))), (2, (1 << 32) + 1)),
        (Expr("-", (constant(2), X)), (3 - (1 << 32), 2)),
        (Expr("&", (X, constant(0xF0))), (0, 0xF0)),
        (Expr("%", (X, constant(10))), (0, 9)),
        (Expr("neg", (X,)), (1 - (1 << 32), 0)),
        (Expr(">>", (X, constant(4))), (0, (1 << 28) - 1)),
        (Expr("if", (Expr("truth", (X,)), constant(3), constant(-1))), (-1, 3)),
        (Expr("+", (X, VIEW)), None),
    ],
)
def test_bounds_follow_from_those_of_operands(term: Expr, bounds: tuple[int, int] | None) -> None:
    assert implied(term) == bounds
