"""Nested code as the text of a Python function, and a table of its lines.

A wasm loop is ``while 1:``. Falling off the end of code leads somewhere: to the next turn of a
loop, or to what stands behind a scope; a jump to there costs nothing. Other jumps are ``break`` and
``continue`` of the innermost Python loop where that leads to the right place, and else a number in
``b`` and a ``break``, with a test of ``b`` behind each loop on the way. Else ``b`` is below zero,
so that one test does behind a loop that is left for many places, and nothing is set before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .analysis import Analysis
from .charges import Charges
from .conditions import negate
from .fast import FastCode
from .graph import RETURN
from .lines import Line, Settle, Test
from .printing import at_least, show
from .rows import Entry, Row
from .structure import Choice, Code, Jump, Leave, Loop, Node, Scope, Switch, TooDeep, structured
from .terms import Term
from .translate import Result, Way
from .turns import fast_turns
from .views import Views

__all__ = ["TooDeep", "emit_rows"]

#: levels of indentation that Python's tokenizer takes, with some to spare
_MOST_INDENT = 90
#: nested loops that its compiler takes (20 before 3.13), with some to spare
_MOST_LOOPS = 18


@dataclass
class _Turns:
    """A Python loop around the code that is being written."""

    #: block that ``continue`` leads to; none in a loop of one turn
    head: int | None
    #: blocks that stand where ``break`` leads to
    behind: frozenset[int]
    #: numbers in ``b`` that code inside leaves it with, and where they lead
    escapes: dict[int, Jump] = field(default_factory=dict)
    #: code inside leaves it for what stands behind it
    left: bool = False


class Emitter:
    """Writes one function."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.shape = analysis.shape
        self.graph = analysis.graph
        self.rows: list[Row] = []
        self.turns: list[_Turns] = []
        #: ``b`` is tested somewhere
        self.escaped = False
        #: the fast turns of loops of one block, by their head
        self.fast_turns = {
            head: found
            for head in self.graph.loops
            if head in self.graph.single and head in analysis.results
            if (found := fast_turns(analysis, analysis.results[head])) is not None
        }
        counted = [head for head, found in self.fast_turns.items() if found.turns]
        self.charges = Charges(analysis, counted)
        #: how they are written, where their loops have been come to
        self.fast: dict[int, FastCode] = {}
        fast = {head: found.lines for head, found in self.fast_turns.items()}
        self.views = Views(analysis, fast)

    # -- rows

    def add(
        self,
        indent: int,
        text: str,
        at: int,
        pending: int = 0,
        trap: object = None,
        own: bool = False,
    ) -> None:
        """Adds one row."""
        if indent > _MOST_INDENT:
            raise TooDeep
        self.rows.append(Row(indent, text, Entry(at, pending, trap), own))

    def text(self, line: Line) -> str:
        """A line of code as Python has it, through the views that were chosen."""
        self.views.apply(line)
        return text_of(line)

    # -- nodes. Each gives whether the code after it can be reached.

    def sequence(self, nodes: Sequence[Node], indent: int, falls: frozenset[int]) -> bool:
        """Writes nodes; ``falls`` are the blocks that falling off the end leads to."""
        going = True
        for place, node in enumerate(nodes):
            inner = falls if place == len(nodes) - 1 else frozenset()
            going = _WRITE[type(node)](self, node, indent, inner)
            if not going and not isinstance(node, Scope):
                break
        return going

    def code(self, node: Code, indent: int, falls: frozenset[int]) -> bool:
        """A block's lines; before them, if it is one, its test point."""
        result = node.result
        number, block = result.block.number, result.block
        head = self.charges.at_head[number]
        if number in self.fast_turns:
            self.fast[number] = FastCode(self, self.fast_turns[number], result, node.out)
            self.fast[number].counted(indent)
        if block.header is not None or number == self.graph.entry:
            cost = head + self.shape.body.costs.get(block.start, 0)
            self.test(indent, block.start if block.header is None else block.header, cost)
        for line in result.lines:
            pending = line.pending + (0 if line.settled else head)
            if isinstance(line, Settle):
                if pending:
                    self.add(indent, f"fuel -= {pending}", line.at)
            elif isinstance(line, Test):
                self.test(indent, line.at, pending)
            else:
                self.add(indent, self.text(line), line.at, pending, line.trap, line.own)
        if block.exit == "trap":
            self.add(indent, "raise Trap(UNREACHABLE)", block.at, self.charges.at_end(result))
            return False
        return True

    def test(self, indent: int, at: int, pending: int) -> None:
        """A test point."""
        take = f"refill(fuel - {pending}) + {pending}" if pending else "refill(fuel)"
        self.add(indent, f"if fuel < {pending}: fuel = {take}", at, pending, own=True)

    def leave(self, node: Leave, indent: int, falls: frozenset[int]) -> bool:
        self.move(node.result, node.way, indent)
        return True

    def move(self, result: Result, way: Way, indent: int) -> None:
        """What has to happen along an edge: operands into slots, and fuel."""
        at = result.block.at
        if self.analysis.is_merge(way.edge.target):
            self.into_slots(way, indent, at)
        amount = self.charges.along(result, way)
        if amount:
            text = f"fuel -= {amount}" if amount > 0 else f"fuel += {-amount}"
            self.add(indent, text, at)

    def into_slots(self, way: Way, indent: int, at: int) -> None:
        """Puts operands where a block with several ways in finds them, unless it knows better."""
        slots, values = [], []
        read = self.analysis.live.get(way.edge.target, 0) >> self.shape.nlocals
        for slot, term in enumerate(way.stack):
            if read >> slot & 1 and not term.is_variable(f"s{slot}"):
                slots.append(f"s{slot}")
                values.append(at_least(term, 1))
        if slots:
            self.add(indent, f"{', '.join(slots)} = {', '.join(values)}", at)

    def jump(self, node: Jump, indent: int, falls: frozenset[int]) -> bool:
        """A way to another block, or out of the function."""
        target = node.way.edge.target
        if target == RETURN:
            self.give_back(node.result, node.way, indent)
            return False
        self.move(node.result, node.way, indent)
        if target in self.fast:
            self.fast[target].searching(indent)
        return self.go(node, indent, falls)

    def go(self, node: Jump, indent: int, falls: frozenset[int]) -> bool:
        """The jump itself; gives whether it is to fall off the end."""
        target, at = node.way.edge.target, node.result.block.at
        if target in falls:
            return True
        innermost = self.turns[-1]
        if target == innermost.head:
            self.add(indent, "continue", at)
        elif target in innermost.behind:
            innermost.left = True
            self.add(indent, "break", at)
        else:
            innermost.escapes[target] = node
            self.add(indent, f"b = {target}", at)
            self.add(indent, "break", at)
        return False

    def arrives(self, target: int, falls: frozenset[int]) -> bool:
        """Whether a jump leaves no loop but the innermost."""
        if target in falls:
            return True
        return target == self.turns[-1].head or target in self.turns[-1].behind

    def give_back(self, result: Result, way: Way, indent: int) -> None:
        amount = self.charges.at_end(result)
        at = result.block.at
        if amount:
            self.add(indent, f"fuel -= {amount}", at)
        values = ", ".join(at_least(term, 1) for term in way.stack)
        self.add(indent, f"return {values}" if values else "return", at)

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
        self.add(indent, f"if {at_least(test, 1)}:", at, pending)
        self.rows += then
        if not then_goes and other:
            # what comes next is reached only if the condition does not hold
            self.rows += [row._replace(indent=row.indent - 1) for row in other]
            return other_goes
        if other:
            self.add(indent, "else:", at, pending)
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
        """A choice by number, its arms in runs or behind a table."""
        at = node.result.block.at
        pending = self.charges.at_end(node.result)
        selector = node.result.test
        text = "0" if selector is None else show(selector)
        if node.table:
            last = len(node.table) - 1
            self.add(indent, f"k = {text}", at, pending)
            self.add(
                indent, f"k = {node.table}[k] if k < {last} else {node.table[-1]}", at, pending
            )
            text = "k"
        elif selector is not None and not selector.is_atom:
            self.add(indent, f"k = {text}", at, pending)
            text = "k"
        return self.decide(node, text, 0, len(node.arms), indent, falls)

    def decide(
        self, node: Switch, text: str, first: int, end: int, indent: int, falls: frozenset[int]
    ) -> bool:
        """A tree of tests over the arms ``first`` to ``end``."""
        if end - first == 1:
            before = len(self.rows)
            goes = self.sequence(node.arms[first], indent, falls)
            if len(self.rows) == before:
                self.add(indent, "pass", node.result.block.at)
            return goes
        middle = (first + end) // 2
        at, pending = node.result.block.at, self.charges.at_end(node.result)
        self.add(indent, f"if {text} < {node.ends[middle - 1]}:", at, pending)
        goes = self.decide(node, text, first, middle, indent + 1, falls)
        self.add(indent, "else:", at, pending)
        return self.decide(node, text, middle, end, indent + 1, falls) or goes

    def loop(self, node: Loop, indent: int, falls: frozenset[int]) -> bool:
        return self.repeat(node.head, node.body, indent, falls)

    def scope(self, node: Scope, indent: int, falls: frozenset[int]) -> bool:
        behind = falls | {node.label}
        if _reachable_by_falling(node.body, node.label):
            self.sequence(node.body, indent, behind)
            return True
        self.repeat(None, node.body, indent, behind)
        return True

    def repeat(
        self,
        head: int | None,
        body: Sequence[Node],
        indent: int,
        behind: frozenset[int],
    ) -> bool:
        """A Python loop: of a wasm loop, or of one turn, to be left by ``break``."""
        if len(self.turns) >= _MOST_LOOPS:
            raise TooDeep
        at = self.graph.blocks[head].start if head is not None else 0
        turns = _Turns(head, behind)
        self.turns.append(turns)
        rows, goes = self.apart(
            body, indent + 1, frozenset() if head is None else frozenset((head,))
        )
        self.turns.pop()
        if head is None and goes:
            rows.append(Row(indent + 1, "break", Entry(at, 0, None)))
            turns.left = True
        self.add(indent, "while 1:", at)
        self.rows += rows
        return self.further(turns, indent, at) if turns.escapes else turns.left

    def further(self, turns: _Turns, indent: int, at: int) -> bool:
        """What follows a loop that code inside leaves for somewhere else, and maybe for here; gives
        whether what comes next is reached."""
        self.escaped = True
        goes, behind = turns.left, turns.behind
        if turns.left:
            self.add(indent, "if b >= 0:", at)
            indent += 1
        here = {to: jump for to, jump in turns.escapes.items() if self.arrives(to, behind)}
        beyond = {to: jump for to, jump in turns.escapes.items() if to not in here}
        for number, (target, jump) in enumerate(here.items(), 1):
            last = number == len(here) and not beyond
            if not last:
                self.add(indent, f"if b == {target}:", at)
            inner = indent if last else indent + 1
            self.add(inner, "b = -1", jump.result.block.at)
            goes = self.go(jump, inner, behind) or goes
            if not last:
                self.add(indent, "else:", at)
                indent += 1
        if beyond:
            # on the way further out b stays what it is
            self.turns[-1].escapes |= beyond
            self.add(indent, "break", at)
        return goes


def _reachable_by_falling(nodes: Sequence[Node], label: int, tail: bool = True) -> bool:
    """Whether every jump to a label stands where falling off the end, or ``break``, leads there."""
    return all(
        _falls(node, label, tail and place == len(nodes) - 1) for place, node in enumerate(nodes)
    )


def _falls(node: Node, label: int, tail: bool) -> bool:
    if isinstance(node, Jump):
        return tail or node.way.edge.target != label
    if isinstance(node, Choice):
        return _reachable_by_falling(node.then, label, tail) and _reachable_by_falling(
            node.otherwise, label, tail
        )
    if isinstance(node, Switch):
        return all(_reachable_by_falling(arm, label, tail) for arm in node.arms)
    if isinstance(node, Loop):
        return _breaks(node.body, label, tail)
    if isinstance(node, Scope):
        # code stands behind it, so that nothing in it is at the end
        return _reachable_by_falling(node.body, label, False)
    return True


def _breaks(nodes: Sequence[Node], label: int, tail: bool) -> bool:
    """Whether jumps out of a loop's body to a label are plain ``break``s."""
    for node in nodes:
        if isinstance(node, Jump) and node.way.edge.target == label and not tail:
            return False
        if isinstance(node, Choice) and not (
            _breaks(node.then, label, tail) and _breaks(node.otherwise, label, tail)
        ):
            return False
        if isinstance(node, Switch) and not all(_breaks(arm, label, tail) for arm in node.arms):
            return False
        if isinstance(node, Scope) and not _breaks(node.body, label, tail):
            return False
        if isinstance(node, Loop) and not _breaks(node.body, label, False):
            return False
    return True


_WRITE: dict[type[Any], Callable[..., bool]] = {
    Code: Emitter.code,
    Leave: Emitter.leave,
    Jump: Emitter.jump,
    Choice: Emitter.choice,
    Switch: Emitter.switch,
    Loop: Emitter.loop,
    Scope: Emitter.scope,
}


def text_of(line: Line) -> str:
    """A line of code as Python has it: a local that may stay what it is is set by a statement."""
    target, value = line.target, line.parts[-1] if line.parts else None
    if target and isinstance(value, Term) and value.op == "if":
        condition, one, other = value.args
        if one.is_variable(target):
            condition, one, other = negate(condition), other, one
        if other.is_variable(target):
            return f"if {at_least(condition, 1)}: {target} = {at_least(one, 1)}"
    return "".join(part if isinstance(part, str) else show(part) for part in line.parts)


def emit_rows(analysis: Analysis, indent: int) -> list[Row]:
    """The body of a function. Raises TooDeep where Python cannot nest what it needs."""
    emitter = Emitter(analysis)
    emitter.sequence(structured(analysis), indent, frozenset())
    if emitter.escaped:
        at = analysis.graph.blocks[analysis.graph.entry].start
        emitter.rows.insert(0, Row(indent, "b = -1", Entry(at, 0, None)))
    return emitter.rows
