"""How a function becomes Python, for readers: side by side, and step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..text.disassembly import Disassembly
from .analysis import analyse
from .emit import text_of
from .graph import RETURN, build
from .inlining import Body, expanded
from .lines import Settle, Test
from .printing import show
from .shape import Shape
from .structure import Choice, Code, Jump, Leave, Loop, Node, Switch, structured
from .translate import Result
from .unit import CannotCompile, source_of

if TYPE_CHECKING:
    from ..module import Module

__all__ = ["side_by_side", "steps_of"]

#: columns of the left half
_LEFT = 52


def side_by_side(module: Module, index: int) -> Iterator[str]:
    """The function's lines of text, each beside the Python that ends with it.

    A line of Python that belongs to text further up has the offset of it in front, and one that
    belongs to a function in the place of a call the number of that too.
    """
    shown = list(Disassembly(module).function(index))
    if _imported(module, index):
        yield f"{shown[0]}  ;; imported: it is the host's"
        return
    try:
        source = source_of(module, index)
    except CannotCompile as error:
        yield f";; stays in the interpreter: {error}"
        yield from (f"{line.offset or 0:#08x} {line}" for line in shown)
        return
    left = [("" if line.offset is None else f"{line.offset:#08x}", str(line)[2:]) for line in shown]
    places = {
        line.offset: place for place, line in enumerate(shown) if line.offset is not None and place
    }
    following = 0
    for text, entry in zip(source.text.splitlines(), source.entries):
        place = places.get(entry.frames[0][1], -1) if entry.frames else -1
        inner = "".join(f" func {function}" for function, _ in entry.frames[1:])
        for row in left[following : max(place, 0)]:
            yield _beside(*row, "")
        if place >= following and inner:
            yield _beside(*left[place], "")
            following = place + 1
        if place >= following:
            yield _beside(*left[place], text)
            following = place + 1
        else:
            yield _beside(
                "" if place < 0 else left[place][0], "" if place < 0 else f"^{inner}", text
            )
    for row in left[following:]:
        yield _beside(*row, "")


def _imported(module: Module, index: int) -> bool:
    return index < module.import_counts["func"]


def _beside(offset: str, text: str, python: str) -> str:
    cut = text if len(text) <= _LEFT - 10 else f"{text[: _LEFT - 11]}~"
    return f"{offset:8} {cut}".ljust(_LEFT) + f"| {python}".rstrip()


# -- step by step


def steps_of(module: Module, index: int) -> Iterator[str]:
    """The graph of basic blocks, each with the terms that it becomes, and their structure."""
    if _imported(module, index):
        yield ";; imported: it is the host's"
        return
    body = expanded(module, index)
    shape = Shape(body, module.context, module.isa, 1 << 31)
    analysis = analyse(shape, build(body, module.isa), None)
    yield ";; blocks, and the terms that their instructions become"
    for number in analysis.graph.order:
        block = analysis.graph.blocks[number]
        cost = body.costs.get(block.start, 0)
        head = ", head of a loop" if number in analysis.graph.loops else ""
        yield f"block {number} at {body.offsets[block.start]:#x}, fuel {cost}{head}:"
        if number not in analysis.results:
            yield "  never reached"
            continue
        yield from (f"  {line}" for line in _terms(analysis.results[number], body))
    yield ";; structure"
    yield from _nested(structured(analysis), 0)


def _terms(result: Result, body: Body) -> Iterator[str]:
    for line in result.lines:
        if isinstance(line, Test):
            yield f";; in the place of a call, func {body.places[line.at].function}: a test point"
        else:
            yield (
                ";; a call: what is pending is taken" if isinstance(line, Settle) else text_of(line)
            )
    if result.test is not None:
        yield f"test {show(result.test)}"
    targets = [
        "never" if way is None else "return" if way.edge.target == RETURN else str(way.edge.target)
        for way in result.ways
    ]
    values = f" with {', '.join(map(show, result.values))}" if result.values else ""
    yield f"{result.block.exit} {', '.join(targets)}".rstrip() + values


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
        return f"{word} {node.way.edge.target}", []
    if isinstance(node, Choice):
        return f"if {show(node.test)}", [("", node.then), ("else", node.otherwise)]
    if isinstance(node, Switch):
        return "switch", [(f"arm {number}", arm) for number, arm in enumerate(node.arms)]
    if isinstance(node, Loop):
        return f"loop {node.head}", [("", node.body)]
    return f"scope, left for {node.label}", [("", node.body)]
