"""A check of functions between passes: what every pass must leave true.

Tests have it run after each pass; ``PYWASMGK_VERIFY=1`` does so anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .body import Inlined
from .bounds import implied
from .cfg import RETURN
from .expr import WORDS, Expr
from .function import Function, LoweredBlock
from .operators import OPERATORS
from .statements import Assign, Call, Charge, Guard, GuardedStore, Statement, TestPoint
from .traversal import subterms

__all__ = ["InvalidFunction", "verify"]


class InvalidFunction(Exception):
    """A pass gave what is no function; the message says which, and what is wrong."""


def verify(function: Function, name: str, before: Function | None = None) -> None:
    """Raises InvalidFunction if what the pass ``name`` gave is not well-formed. What it left of the
    function ``before`` it is known to be."""
    known = {} if before is None else before.blocks
    for number, result in function.blocks.items():
        for fault in () if known.get(number) is result else _faults(function, result):
            raise InvalidFunction(f"after {name}: block {number}: {fault}")
    for number, fast in function.fast.items():
        for fault in _of_statements(fast.statements, function):
            raise InvalidFunction(f"after {name}: fast version of block {number}: {fault}")
    for number, variable in _undefined(function):
        raise InvalidFunction(f"after {name}: block {number}: {variable} is read but not defined")


def _faults(function: Function, result: LoweredBlock) -> Iterator[str]:
    """What is wrong in a block by itself."""
    yield from _of_statements(result.statements, function)
    if result.test is not None:
        yield from _misfits(result.test, "c" if result.block.exit == "branch" else "v")
    for flow in result.flows:
        for term in () if flow is None else flow.stack:
            yield from _misfits(term, "v")
    yield from _unbalanced(function, result)


def _of_statements(statements: Iterable[Statement], function: Function) -> Iterator[str]:
    for line in statements:
        for term, gives in _with_kinds(line, function):
            yield from _misfits(term, gives)
        yield from _untold(line)


# -- types and bounds


def _with_kinds(line: Statement, function: Function) -> Iterator[tuple[Expr, str]]:
    """The expressions of a statement, each with what it must give."""
    uses = list(line.uses)
    if isinstance(line, (Guard, GuardedStore)):
        yield uses.pop(0), "c"
    if isinstance(line, Assign) and line.local in function.outcomes:
        yield uses.pop(), "cv"
    yield from ((term, "v") for term in uses)


def _misfits(term: Expr, gives: str) -> Iterator[str]:
    """What does not fit in an expression: operators, operands, bounds."""
    waiting: list[tuple[Any, str]] = [(term, gives)]
    while waiting:
        term, gives = waiting.pop()
        operator = OPERATORS.get(term.op) if isinstance(term, Expr) else None
        if operator is None:
            yield f"{term!r} is no expression"
            continue
        if operator.gives not in gives:
            yield f"{term!r} is where a {'condition' if gives == 'c' else 'value'} must be"
        kinds = operator.operands
        if kinds[-1] == "*":
            kinds = kinds[:-2] + kinds[-2] * (len(term.args) - len(kinds) + 2)
        if operator.symbol != "slice" and len(kinds) != len(term.args):
            yield f"{term!r} has {len(term.args)} operands"
        waiting += [(arg, kind) for arg, kind in zip(term.args, kinds) if kind != "p"]
        yield from _wrong_bounds(term)


def _wrong_bounds(term: Expr) -> Iterator[str]:
    """The bounds of an expression that do not follow from those of its operands."""
    found = implied(term)
    # what an instruction gives is of its type, as its row has it
    is_typed = term.low == 0 and term.high in WORDS
    if term.low is not None and found is not None and not is_typed:
        low, high = found
        if term.low > low or term.high < high:
            yield f"{term!r} may be from {low} to {high}"


# -- traps


def _untold(line: Statement) -> Iterator[str]:
    """What can fail in a statement that has no trap noted for it."""
    if line.trap is None and not isinstance(line, Call):
        for term in subterms(line.uses):
            if _may_fail(term):
                yield f"{term!r} can fail, and no trap is noted"


def _may_fail(term: Expr) -> bool:
    if term.op == "call":
        # whether a divisor can be zero is known of what it was computed from
        return str(term.args[0]).startswith(("load_", "store_"))
    if term.op == "index" and term.args[1].op != "slice":
        base = term.args[0]
        return base.op == "name" and str(base.args[0]).startswith(("mem", "M"))
    return term.op == "packed"


# -- fuel


def _unbalanced(function: Function, result: LoweredBlock) -> Iterator[str]:
    """A block whose charges are not what its instructions cost, up to each place where the number
    is seen, and to its end."""
    if result.block.pad is not None:
        return
    due, whole = _due(function, result)
    taken, before = 0, 0
    for line in result.statements:
        pending = line.origin.pending
        if pending < before:
            yield f"less is pending at instruction {line.at} than before it"
        before = pending
        # what cannot fail shows no number, and may have been moved
        if line.trap is not None or not isinstance(line, Assign):
            cost = due.get(line.at)
            if cost is None:
                yield f"what is there of instruction {line.at} belongs to another block"
            elif taken + pending != cost and not _enters(line, taken + pending, due):
                yield f"{taken + pending} is charged up to instruction {line.at}, not {cost}"
        if isinstance(line, Charge) and line.amount is None:
            taken, before = taken + pending, 0
    if result.pending < before:
        yield "less is pending at its end than before"
    if taken + result.pending != whole:
        yield f"{taken + result.pending} is charged for what costs {whole}"


def _enters(line: Statement, charged: int, due: dict[int, int]) -> bool:
    """Whether it is the test point of callees that stand in the place of calls: it has the frames
    of the outermost of them, and the number of those that are entered."""
    return isinstance(line, TestPoint) and charged in due.values()


def _due(function: Function, result: LoweredBlock) -> tuple[dict[int, int], int]:
    """What the instructions of a block cost, each with all before it, and all of them: their basic
    blocks, charged where they begin, and entering callees that stand in the place of calls."""
    body, block = function.context.body, result.block
    due, cost = {}, 0
    for at in range(block.start, block.at + 1):
        cost += body.costs.get(at, 0)
        callee = body.code[at][1] if at in block.instructions else None
        inlined = callee if isinstance(callee, Inlined) else None
        due[at] = cost = cost + (inlined.cost if inlined else 0)
        cost += inlined.more if inlined else 0
    return due, cost


# -- definitions


def _undefined(function: Function) -> Iterator[tuple[int, str]]:
    """Temporaries that are read where not every path has defined them: a forward analysis of what
    is defined at each block's head."""
    heads: dict[int, frozenset[str] | None] = dict.fromkeys(function.blocks)
    heads[function.graph.entry] = frozenset()
    changed = True
    while changed:
        changed = False
        for number in function.graph.order:
            head = heads.get(number)
            if number not in function.blocks or head is None:
                continue
            result = function.blocks[number]
            behind = head | _defined(result.statements)
            for flow in result.flows:
                target = RETURN if flow is None else flow.edge.target
                known = heads.get(target)
                meet = behind if known is None else known & behind
                if target != RETURN and meet != known:
                    heads[target], changed = meet, True
    for number, result in function.blocks.items():
        yield from ((number, name) for name in _read_undefined(result, set(heads[number] or ())))


def _defined(lines: Iterable[Statement]) -> frozenset[str]:
    return frozenset(name for line in lines for name in _definitions(line))


def _definitions(line: Statement) -> list[str]:
    if isinstance(line, Call):
        return [str(term.args[0]) for term in line.results]
    return [line.temporary] if line.temporary else []


def _read_undefined(result: LoweredBlock, known: set[str]) -> Iterator[str]:
    for line in result.statements:
        yield from (name for name in _temporaries(line.uses) if name not in known)
        known.update(_definitions(line))
    yield from (name for name in _temporaries(result.exit_uses) if name not in known)


def _temporaries(terms: Iterable[Expr]) -> Iterator[str]:
    for term in subterms(terms):
        if term.op == "var" and term.args[0][0] in "tu":
            yield str(term.args[0])
