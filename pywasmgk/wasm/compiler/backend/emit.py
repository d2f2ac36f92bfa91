"""Nested code as rows of a Python function.

A wasm loop is ``while 1:``. Falling off the end of code leads somewhere: to the next iteration of a
loop, or to what stands after a scope; a jump to there costs nothing. Other jumps are ``break`` and
``continue`` of the innermost Python loop where that leads to the right place, and else a number in
``b`` and a ``break``, with a test of ``b`` after each loop on the way. Else ``b`` is below zero, so
that one test does after a loop that is left for many places, and nothing is set before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..frontend.lowering import caught
from ..ir.cfg import RETURN
from ..ir.conditions import negate
from ..ir.expr import ONE, ZERO, Expr, call, constant, name, variable
from ..ir.function import Flow, Function, LoweredBlock
from ..ir.statements import (
    Assign,
    Call,
    Charge,
    Effect,
    Expire,
    Guard,
    GuardedStore,
    Statement,
    Store,
    TestPoint,
    Throw,
)
from .fast_loops import FastCode
from .fuel_placement import Charges
from .operators import in_python
from .rows import Code as RowCode
from .rows import (
    Do,
    Else,
    Entry,
    Except,
    Expired,
    If,
    Raise,
    Return,
    Row,
    Set,
    Take,
    Test,
    Try,
    While,
)
from .rows import Jump as Leap
from .structure import (
    Attempt,
    Choice,
    Code,
    Jump,
    Leave,
    Loop,
    Node,
    Scope,
    Switch,
    TooDeep,
    structured,
)
from .views import Views

__all__ = ["STATE", "TooDeep", "below", "chosen", "codes_of", "emit_rows", "looked_up"]

#: where code that left a Python loop goes on, and the selector of a switch
STATE, _K = name("b"), name("k")

#: levels of indentation that Python's tokenizer takes, with some to spare
_MOST_INDENT = 90
#: nested loops that its compiler takes (20 before 3.13), with some to spare
_MOST_LOOPS = 18
#: what code that has caught an exception counts among them
_TRY = 2


@dataclass
class _PythonLoop:
    """A Python loop around the code that is being written."""

    #: block that ``continue`` leads to; none in a loop of one iteration
    head: int | None
    #: blocks that stand where ``break`` leads to
    after: frozenset[int]
    #: numbers in ``b`` that code inside leaves it with, and where they lead
    escapes: dict[int, Jump] = field(default_factory=dict)
    #: code inside leaves it for what stands after it
    is_left: bool = False


class Emitter:
    """Writes one function."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.context = function.context
        self.graph = function.graph
        self.rows: list[Row] = []
        self.loops: list[_PythonLoop] = []
        #: what catches exceptions around it
        self.handlers = 0
        #: ``b`` is tested somewhere
        self.escaped = False
        counted = [head for head, found in function.fast.items() if found.trip_count is not None]
        self.charges = Charges(function, counted)
        #: how they are written, where their loops have been reached
        self.fast: dict[int, FastCode] = {}
        fast = {head: found.statements for head, found in function.fast.items()}
        self.views = Views(function, fast)

    # -- rows

    def add(
        self,
        indent: int,
        code: RowCode,
        at: int,
        pending: int = 0,
        trap: object = None,
        own: bool = False,
    ) -> None:
        """Adds one row."""
        if indent > _MOST_INDENT:
            raise TooDeep
        self.rows.append(Row(indent, code, Entry(at, pending, trap), own))

    def codes(self, line: Statement) -> Sequence[RowCode]:
        """A statement as lines of Python, through the views that were chosen."""
        return codes_of(self.views.applied(line))

    # -- nodes. Each gives whether the code after it can be reached.

    def sequence(self, nodes: Sequence[Node], indent: int, falls: frozenset[int]) -> bool:
        """Writes nodes; ``falls`` are the blocks that falling off the end leads to."""
        going = True
        for place, node in enumerate(nodes):
            inner = falls if place == len(nodes) - 1 else frozenset()
            going = getattr(self, _WRITE[type(node)])(node, indent, inner)
            if not going and not isinstance(node, Scope):
                break
        return going

    def code(self, node: Code, indent: int, falls: frozenset[int]) -> bool:
        """A block's lines; before them, if it is one, its test point."""
        result = node.result
        number, block = result.block.number, result.block
        head = self.charges.at_head[number]
        if number in self.function.fast:
            self.fast[number] = FastCode(self, self.function.fast[number], result, node.out)
            self.fast[number].counted(indent)
        if block.header is not None or number == self.graph.entry:
            cost = head + self.context.body.costs.get(block.start, 0)
            self.test(indent, block.start if block.header is None else block.header, cost)
        lines = result.statements[:-1] if block.clauses else result.statements
        for line in self.context.budget.each(lines):
            at, pending, settled, trap, own = line.origin
            if not settled:
                pending += head
            if isinstance(line, Charge) and line.amount is None:
                if pending:
                    self.add(indent, Take(constant(pending)), at)
            elif isinstance(line, TestPoint):
                self.test(indent, at, pending, trap)
            else:
                for code in self.codes(line):
                    self.add(indent, code, at, pending, trap, own)
        if block.exit == "trap":
            self.add(
                indent,
                Raise(call("Trap", name("UNREACHABLE"))),
                block.at,
                self.charges.at_end(result),
            )
            return False
        return block.exit != "throw" or bool(block.clauses)

    def test(self, indent: int, at: int, pending: int, trap: object = None) -> None:
        """A test point."""
        self.add(indent, Test(pending), at, pending, trap, own=True)

    def leave(self, node: Leave, indent: int, falls: frozenset[int]) -> bool:
        self.move(node.result, node.flow, indent)
        return True

    def move(self, result: LoweredBlock, flow: Flow, indent: int) -> None:
        """What has to happen along an edge: operands into slots, and fuel."""
        at = result.block.at
        if self.graph.is_merge(flow.edge.target):
            self.into_slots(flow, indent, at)
        amount = self.charges.along(result, flow)
        if amount:
            self.add(indent, Take(constant(amount)), at)

    def into_slots(self, flow: Flow, indent: int, at: int) -> None:
        """Puts operands where a block with several predecessors finds them, unless it knows
        better."""
        slots, values = [], []
        read = self.function.live.get(flow.edge.target, 0) >> self.context.nlocals
        for slot, term in enumerate(flow.stack):
            if read >> slot & 1 and not term.is_variable(f"s{slot}"):
                slots.append(variable(f"s{slot}", -1))
                values.append(in_python(term))
        if slots:
            self.add(indent, Set(tuple(slots), tuple(values)), at)

    def jump(self, node: Jump, indent: int, falls: frozenset[int]) -> bool:
        """A way to another block, or out of the function."""
        target = node.flow.edge.target
        if target == RETURN:
            self.give_back(node.result, node.flow, indent)
            return False
        self.move(node.result, node.flow, indent)
        if target in self.fast and target == node.result.block.number:
            self.fast[target].searching(indent)
        return self.go(node, indent, falls)

    def go(self, node: Jump, indent: int, falls: frozenset[int]) -> bool:
        """The jump itself; gives whether it is to fall off the end."""
        target, at = node.flow.edge.target, node.result.block.at
        if target in falls:
            return True
        innermost = self.loops[-1]
        if target == innermost.head:
            self.add(indent, Leap("continue"), at)
        elif target in innermost.after:
            innermost.is_left = True
            self.add(indent, Leap("break"), at)
        else:
            innermost.escapes[target] = node
            self.add(indent, chosen(target), at)
            self.add(indent, Leap("break"), at)
        return False

    def arrives(self, target: int, falls: frozenset[int]) -> bool:
        """Whether a jump leaves no loop but the innermost."""
        if target in falls:
            return True
        return target == self.loops[-1].head or target in self.loops[-1].after

    def give_back(self, result: LoweredBlock, flow: Flow, indent: int) -> None:
        amount = self.charges.at_end(result)
        at = result.block.at
        if amount:
            self.add(indent, Take(constant(amount)), at)
        self.add(indent, Return(tuple(map(in_python, flow.stack))), at)

    def choice(self, node: Choice, indent: int, falls: frozenset[int]) -> bool:
        """A branch: an arm that does nothing is left out, one that goes away needs no ``else``."""
        at = node.result.block.at
        pending = self.charges.at_end(node.result)
        then, then_goes = self.apart(node.then, indent + 1, falls)
        other, other_goes = self.apart(node.otherwise, indent + 1, falls)
        test = node.test
        if not then and not other:
            return then_goes or other_goes
        if not then or (then_goes and not other_goes and other):
            then, other, then_goes, other_goes = other, then, other_goes, then_goes
            test = negate(test)
        self.add(indent, If(in_python(test)), at, pending)
        self.rows += then
        if not then_goes and other:
            # what comes next is reached only if the condition does not hold
            self.rows += [row._replace(indent=row.indent - 1) for row in other]
            return other_goes
        if other:
            self.add(indent, Else(), at, pending)
            self.rows += other
        return then_goes or other_goes

    def apart(
        self, nodes: Sequence[Node], indent: int, falls: frozenset[int]
    ) -> tuple[list[Row], bool]:
        """Rows that are not added yet."""
        kept, self.rows = self.rows, []
        goes = self.sequence(nodes, indent, falls)
        rows, self.rows = self.rows, kept
        return rows, goes

    def switch(self, node: Switch, indent: int, falls: frozenset[int]) -> bool:
        """A choice by number, its arms in runs or after a table."""
        at = node.result.block.at
        pending = self.charges.at_end(node.result)
        selector = ZERO if node.result.test is None else in_python(node.result.test)
        if node.table or not selector.is_atom:
            self.add(indent, Set((_K,), (selector,)), at, pending)
            selector = _K
        if node.table:
            self.add(indent, Set((_K,), (looked_up(node.table, _K),)), at, pending)
        return self.decide(node, selector, 0, len(node.arms), indent, falls)

    def decide(
        self, node: Switch, selector: Expr, first: int, end: int, indent: int, falls: frozenset[int]
    ) -> bool:
        """A tree of tests over the arms ``first`` to ``end``."""
        if end - first == 1:
            before = len(self.rows)
            goes = self.sequence(node.arms[first], indent, falls)
            if len(self.rows) == before:
                self.add(indent, Leap("pass"), node.result.block.at)
            return goes
        middle = (first + end) // 2
        at, pending = node.result.block.at, self.charges.at_end(node.result)
        self.add(indent, If(below(selector, node.ends[middle - 1])), at, pending)
        goes = self.decide(node, selector, first, middle, indent + 1, falls)
        self.add(indent, Else(), at, pending)
        return self.decide(node, selector, middle, end, indent + 1, falls) or goes

    def attempt(self, node: Attempt, indent: int, falls: frozenset[int]) -> bool:
        """What may throw, and what catches it. Code goes on behind it only if nothing is thrown, so
        that no ``else`` is needed, however many follow each other."""
        line, at = node.result.statements[-1], node.result.block.at
        if len(self.loops) + _TRY * (self.handlers + 1) > _MOST_LOOPS:
            raise TooDeep
        code = self.codes(line)[0]
        if not isinstance(code, (Set, Do, Raise)):
            raise RuntimeError(f"{code} throws nothing")
        self.add(indent, Try(code), at, 0, line.trap, own=True)
        self.add(indent, Except(caught(at)), at)
        self.handlers += 1
        for clause, arm in zip(node.clauses, node.arms):
            deeper = indent + 1
            if clause.tag is not None:
                tag = Expr("index", (name("tags"), constant(clause.tag)))
                self.add(deeper, If(Expr("is", (Expr("attribute", (caught(at), "tag")), tag))), at)
                deeper += 1
            self.sequence(arm, deeper, frozenset())
        self.handlers -= 1
        if node.clauses[-1].tag is not None:
            self.add(indent + 1, Leap("raise"), at)
        return bool(node.following) and self.sequence(node.following, indent, falls)

    def loop(self, node: Loop, indent: int, falls: frozenset[int]) -> bool:
        return self.repeat(node.head, node.body, indent, falls)

    def scope(self, node: Scope, indent: int, falls: frozenset[int]) -> bool:
        after = falls | {node.label}
        if _reachable_by_falling(node.body, node.label):
            self.sequence(node.body, indent, after)
            return True
        self.repeat(None, node.body, indent, after)
        return True

    def repeat(
        self,
        head: int | None,
        body: Sequence[Node],
        indent: int,
        after: frozenset[int],
    ) -> bool:
        """A Python loop: of a wasm loop, or of one iteration, to be left by ``break``."""
        if len(self.loops) + _TRY * self.handlers >= _MOST_LOOPS:
            raise TooDeep
        at = self.graph.blocks[head].start if head is not None else 0
        inner = _PythonLoop(head, after)
        self.loops.append(inner)
        rows, goes = self.apart(
            body, indent + 1, frozenset() if head is None else frozenset((head,))
        )
        self.loops.pop()
        if head is None and goes:
            rows.append(Row(indent + 1, Leap("break"), Entry(at, 0, None)))
            inner.is_left = True
        self.add(indent, While(ONE), at)
        self.rows += rows
        return self.further(inner, indent, at) if inner.escapes else inner.is_left

    def further(self, inner: _PythonLoop, indent: int, at: int) -> bool:
        """What follows a loop that code inside leaves for somewhere else, and maybe for here; gives
        whether what comes next is reached."""
        self.escaped = True
        goes, after = inner.is_left, inner.after
        if inner.is_left:
            self.add(indent, If(Expr(">=", (STATE, ZERO))), at)
            indent += 1
        here = {to: jump for to, jump in inner.escapes.items() if self.arrives(to, after)}
        beyond = {to: jump for to, jump in inner.escapes.items() if to not in here}
        for number, (target, jump) in enumerate(here.items(), 1):
            last = number == len(here) and not beyond
            if not last:
                self.add(indent, If(Expr("==", (STATE, constant(target)))), at)
            deeper = indent if last else indent + 1
            self.add(deeper, chosen(-1), jump.result.block.at)
            goes = self.go(jump, deeper, after) or goes
            if not last:
                self.add(indent, Else(), at)
                indent += 1
        if beyond:
            # on the way further out b stays what it is
            self.loops[-1].escapes |= beyond
            self.add(indent, Leap("break"), at)
        return goes


def _reachable_by_falling(nodes: Sequence[Node], label: int, tail: bool = True) -> bool:
    """Whether every jump to a label stands where falling off the end, or ``break``, leads there."""
    return all(
        _falls(node, label, tail and place == len(nodes) - 1) for place, node in enumerate(nodes)
    )


def _falls(node: Node, label: int, tail: bool) -> bool:
    if isinstance(node, Jump):
        return tail or node.flow.edge.target != label
    if isinstance(node, Choice):
        return _reachable_by_falling(node.then, label, tail) and _reachable_by_falling(
            node.otherwise, label, tail
        )
    if isinstance(node, Switch):
        return all(_reachable_by_falling(arm, label, tail) for arm in node.arms)
    if isinstance(node, Attempt):
        caught = all(_reachable_by_falling(arm, label, False) for arm in node.arms)
        return caught and _reachable_by_falling(node.following, label, tail)
    if isinstance(node, Loop):
        return _breaks(node.body, label, tail)
    if isinstance(node, Scope):
        # code stands after it, so that nothing in it is at the end
        return _reachable_by_falling(node.body, label, False)
    return True


def _breaks(nodes: Sequence[Node], label: int, tail: bool) -> bool:
    """Whether jumps out of a loop's body to a label are plain ``break``s."""
    for node in nodes:
        if isinstance(node, Jump) and node.flow.edge.target == label and not tail:
            return False
        if isinstance(node, Choice) and not (
            _breaks(node.then, label, tail) and _breaks(node.otherwise, label, tail)
        ):
            return False
        if isinstance(node, Switch) and not all(_breaks(arm, label, tail) for arm in node.arms):
            return False
        if isinstance(node, Attempt) and not all(
            _breaks(arm, label, tail) for arm in (node.following, *node.arms)
        ):
            return False
        if isinstance(node, Scope) and not _breaks(node.body, label, tail):
            return False
        if isinstance(node, Loop) and not _breaks(node.body, label, False):
            return False
    return True


#: the method that writes each kind of node
_WRITE: dict[type[Any], str] = {
    Code: "code",
    Leave: "leave",
    Jump: "jump",
    Choice: "choice",
    Switch: "switch",
    Attempt: "attempt",
    Loop: "loop",
    Scope: "scope",
}


def chosen(target: int) -> Set:
    """Notes where code goes on."""
    return Set((STATE,), (constant(target),))


def below(term: Expr, end: int) -> Expr:
    """The condition that a number is below another one."""
    return Expr("<", (term, constant(end)))


def looked_up(table: Sequence[int], selector: Expr) -> Expr:
    """What a table gives for the selector; the last of its numbers is for all above."""
    if len(set(table)) == 1:
        return constant(table[0])
    found = Expr("index", (Expr("tuple", tuple(map(constant, table))), selector))
    return Expr("if", (below(selector, len(table) - 1), found, constant(table[-1])))


def codes_of(line: Statement) -> Sequence[RowCode]:
    """The lines of Python that a statement becomes."""
    return _CODES[type(line)](line)


def _assigned(line: Assign) -> Sequence[RowCode]:
    value = line.value
    if line.local and value.op == "if":
        # a local that may stay what it is is set by a statement
        condition, one, other = value.args
        if one.is_variable(line.name):
            condition, one, other = negate(condition), other, one
        if other.is_variable(line.name):
            set_ = Set((line.target,), (in_python(one),))
            return (If(in_python(condition), set_),)
    return (Set((line.target,), (in_python(value),)),)


def _stored(place: Expr, value: Expr) -> Set | Do:
    if place.op == "packed":
        accessor, address = place.args
        parts = name("mem"), in_python(address), in_python(value)
        return Do(Expr("call", (f"store_{accessor}", *parts)))
    return Set((in_python(place),), (in_python(value),))


def _called(line: Call) -> Sequence[RowCode]:
    depth = name("d")
    if line.depth:
        depth = Expr("+", (depth, constant(line.depth)))
    call = Expr("apply", (*map(in_python, (line.callee, *line.args)), depth))
    return (Set(tuple(line.results), (call,)) if line.results else Do(call),)


_CODES: dict[type[Any], Callable[[Any], Sequence[RowCode]]] = {
    Assign: _assigned,
    Store: lambda line: (_stored(line.place, line.value),),
    GuardedStore: lambda line: (
        If(in_python(line.condition), _stored(*line.then)),
        Else(_stored(*line.otherwise)),
    ),
    Guard: lambda line: (If(in_python(line.condition), Raise(in_python(line.raised))),),
    Call: _called,
    Throw: lambda line: (Raise(in_python(line.value)),),
    Charge: lambda line: (Take(in_python(line.amount)),),
    Expire: lambda line: (Expired(),),
    Effect: lambda line: (Do(in_python(line.value)),),
}


def emit_rows(function: Function, indent: int) -> list[Row]:
    """The body of a function. Raises TooDeep where Python cannot nest what it needs."""
    emitter = Emitter(function)
    try:
        emitter.sequence(structured(function), indent, frozenset())
    except RecursionError:
        # nodes within nodes, or whoever called is deep already
        raise TooDeep from None
    if emitter.escaped:
        at = function.graph.blocks[function.graph.entry].start
        emitter.rows.insert(0, Row(indent, chosen(-1), Entry(at, 0, None)))
    return emitter.rows
