"""How a function becomes Python, for readers: side by side, and step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..text.disassembly import Disassembly
from .analysis.induction import N
from .backend.emit import codes_of
from .backend.printing import show, text_of, written
from .backend.structure import Attempt, Choice, Code, Jump, Leave, Loop, Node, Switch, structured
from .driver import CannotCompile, source_of
from .ir.body import Body
from .ir.cfg import RETURN
from .ir.function import Function, LoweredBlock
from .ir.handlers import Clause
from .ir.statements import Charge, Statement, TestPoint
from .optimizing import stages
from .passes.fast_version import FastVersion
from .pipeline import LOWERED, PASSES
from .request import Request

if TYPE_CHECKING:
    from ..module import Module

__all__ = ["STEPS", "Beside", "beside", "listing", "side_by_side", "steps_of"]

#: what a function may be shown after
STEPS = (LOWERED, *(item.name for item in PASSES))

#: columns of the left half
_LEFT = 52


class Beside(NamedTuple):
    """A line of text and one of Python, either of which may be missing."""

    #: where the text stands in the file
    offset: str
    #: or ``^``, where the Python belongs to text further up
    text: str
    python: str

    def __str__(self) -> str:
        cut = self.text if len(self.text) <= _LEFT - 10 else f"{self.text[: _LEFT - 11]}~"
        return f"{self.offset:8} {cut}".ljust(_LEFT) + f"| {self.python}".rstrip()


def side_by_side(module: Module, index: int) -> Iterator[str]:
    """The function's lines of text, each beside the Python that ends with it.

    A line of Python that belongs to text further up has the offset of it in front, and one that
    belongs to a function in the place of a call the number of that too.
    """
    if _imported(module, index):
        shown = next(iter(Disassembly(module).function(index)))
        yield f"{shown}  ;; imported: it is the host's"
        return
    try:
        yield from map(str, beside(module, index))
    except CannotCompile as error:
        yield f";; stays in the interpreter: {error}"
        for line in Disassembly(module).function(index):
            yield f"{line.offset or 0:#08x} {line}"


def beside(module: Module, index: int) -> Iterator[Beside]:
    """The same of a function that the module defines, as data. Raises CannotCompile for what stays
    in the interpreter."""
    shown = list(Disassembly(module).function(index))
    source = source_of(module, index)
    left = [("" if line.offset is None else f"{line.offset:#08x}", str(line)[2:]) for line in shown]
    places = {
        line.offset: place for place, line in enumerate(shown) if line.offset is not None and place
    }
    following = 0
    for text, entry in zip(source.text.splitlines(), source.entries):
        place = places.get(entry.frames[0][1], -1) if entry.frames else -1
        inner = "".join(f" func {function}" for function, _ in entry.frames[1:])
        for row in left[following : max(place, 0)]:
            yield Beside(*row, "")
        if place >= following and inner:
            yield Beside(*left[place], "")
            following = place + 1
        if place >= following:
            yield Beside(*left[place], text)
            following = place + 1
        else:
            yield Beside(
                "" if place < 0 else left[place][0], "" if place < 0 else f"^{inner}", text
            )
    for row in left[following:]:
        yield Beside(*row, "")


def _imported(module: Module, index: int) -> bool:
    return index < module.import_counts["func"]


# -- step by step


def steps_of(module: Module, index: int, name: str = "") -> Iterator[str]:
    """The function after lowering and after each pass, as it is compiled, and the structure of what
    is written; or after the pass of a name alone. Raises ValueError for another name."""
    if name and name not in STEPS:
        raise ValueError(f"no pass is called {name!r}: there are {', '.join(STEPS)}")
    if _imported(module, index):
        yield ";; imported: it is the host's"
        return
    try:
        yield from _steps(module, index, name)
    except CannotCompile as error:
        yield f";; stays in the interpreter: {error}"


def _steps(module: Module, index: int, name: str) -> Iterator[str]:
    before: list[str] = []
    for step, function in stages(module, Request(index)):
        found = list(listing(function))
        if name == step or not name:
            yield f";; after {step}" + (": the same" if found == before else "")
            yield from found if found != before or name else ()
        before = found
    if not name:
        yield ";; structure"
        yield from _nested(structured(function), 0)


def listing(function: Function) -> Iterator[str]:
    """The blocks of a function in reverse postorder, with their statements and exits."""
    body = function.context.body
    for number in function.graph.order:
        block = function.graph.blocks[number]
        cost = body.costs.get(block.start, 0)
        head = ", head of a loop" if number in function.graph.loops else ""
        about = f"fuel {cost}{head}" if block.pad is None else _caught(block.pad)
        yield f"block {number} at {body.offsets[block.start]:#x}, {about}:"
        if number not in function.blocks:
            yield "  never reached"
            continue
        yield from (f"  {line}" for line in _block(function.blocks[number], body))
        if number in function.fast:
            yield from (f"  {line}" for line in _fast(function.fast[number]))


def _caught(clause: Clause) -> str:
    return "any exception" if clause.tag is None else f"exceptions of tag {clause.tag}"


def _block(result: LoweredBlock, body: Body) -> Iterator[str]:
    yield from _statements(result.statements, body)
    if result.test is not None:
        yield f"test {show(result.test)}"
    targets = [
        "never"
        if flow is None
        else "return"
        if flow.edge.target == RETURN
        else str(flow.edge.target)
        for flow in result.flows
    ]
    operands = [show(term) for flow in result.flows[:1] if flow is not None for term in flow.stack]
    values = f" with {', '.join(operands)}" if operands else ""
    if result.block.exit == "return":
        yield f"return {', '.join(operands)}".rstrip()
    else:
        yield f"{result.block.exit} {', '.join(targets)}".rstrip() + values


def _statements(lines: Sequence[Statement], body: Body | None = None) -> Iterator[str]:
    for line in lines:
        if isinstance(line, TestPoint) and body is not None:
            yield f";; in the place of a call, func {body.places[line.at].function}: a test point"
        elif isinstance(line, TestPoint):
            yield ";; a test point"
        elif isinstance(line, Charge) and line.amount is None:
            yield ";; a call: what is pending is taken"
        else:
            yield from map(text_of, codes_of(line))


def _fast(fast: FastVersion) -> Iterator[str]:
    yield f"fast version, if {' and '.join(map(written, fast.tests)) or 'the fuel lasts'}:"
    if fast.trip_count is not None and fast.trip_count is not N:
        yield f"  n = {written(fast.trip_count)}"
    yield from (f"  {target} = {written(value)}" for target, value in fast.preheader.items())
    counter = "" if fast.counter is None else f" of {fast.counter.name} by {fast.counter.step}"
    yield f"  turns{counter}:"
    yield from (f"    {line}" for line in _statements(fast.statements))


def _nested(nodes: Sequence[Node], depth: int) -> Iterator[str]:
    for node in nodes:
        text, inner = _node(node)
        yield "  " * depth + text
        for title, body in inner:
            if title:
                yield "  " * depth + title
            yield from _nested(body, depth + 1)


def _node(node: Node) -> tuple[str, list[tuple[str, Sequence[Node]]]]:
    """What a node is called, and what is nested in it."""
    if isinstance(node, Code):
        return f"block {node.result.block.number}", []
    if isinstance(node, (Jump, Leave)):
        word = "jump to" if isinstance(node, Jump) else "on to"
        return f"{word} {node.flow.edge.target}", []
    if isinstance(node, Choice):
        return f"if {show(node.test)}", [("", node.then), ("else", node.otherwise)]
    if isinstance(node, Attempt):
        arms = ((_caught(clause), arm) for clause, arm in zip(node.clauses, node.arms))
        return "try", [("without an exception", node.following), *arms]
    if isinstance(node, Switch):
        return "switch", [(f"arm {number}", arm) for number, arm in enumerate(node.arms)]
    if isinstance(node, Loop):
        return f"loop {node.head}", [("", node.body)]
    return f"scope, left for {node.label}", [("", node.body)]
