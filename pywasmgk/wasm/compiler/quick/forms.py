"""The control forms, each as a function that writes it (``control`` says how its branches go)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...types import FuncType, ValType
from ...valid.blockmap import Branch, Control, Try
from . import exceptions
from .control import DISPATCH, LAND, NONE, ONCE, Node
from .translator import Frame, Translator
from .values import ANY, ATOM, BITS, cleaned, negated, truth

__all__ = ["FORMS"]

#: runs of the same segment in a switch that is not one of segments alone, from which on a table of
#: them is less than comparisons
_TABLE = 4


def _block(t: Translator, at: int, x: Control) -> None:
    node = t.plan.nodes[at]
    if node.mode != NONE and t.alive:
        t.settle()
    t.frames.append(Frame(node, t))
    if not t.alive:
        t.die()
    elif node.mode == ONCE:
        _turn_once(t, node)


def _turn_once(t: Translator, node: Node) -> None:
    t.line("while 1:")
    t.pad += " "
    t.whiles.append(node)


def _if(t: Translator, at: int, x: Control) -> None:
    node = t.plan.nodes[at]
    if not t.alive:
        t.frames.append(Frame(node, t))
        t.die()
        return
    condition = t.stack.pop()
    t.settle()
    if x.params:
        t.into_slots(x.height, len(x.params))
        t.from_slots(x.height, x.params)
    frame = Frame(node, t)
    frame.facts = dict(t.known)
    t.frames.append(frame)
    text, precedence = truth(condition)
    if node.flat:
        t.line(f"if {negated(text, precedence)[0]}:")
        t.pad += " "
        has_else = x.otherwise is not None
        t.arrive(node.else_arrivals if has_else else node.arrivals)
        t.to_segment(node.region, node.else_number if has_else else node.number)
        t.pad = t.pad[:-1]
    else:
        if node.mode == ONCE:
            _turn_once(t, node)
            frame.pad = t.pad
        t.line(f"if {text}:")
        t.pad += " "
    t.owed += t.costs[at + 1]


def _else(t: Translator, at: int, x: Control) -> None:
    frame = t.frames[-1]
    node = frame.node
    _end_arm(t, frame, x)
    if node.flat:
        if t.alive:
            t.to_segment(node.region, node.number)
        t.open_segment(node.region, node.else_number)
        t.alive = bool(node.else_arrivals)
        t.join(node.else_arrivals, min((owed for _, owed, _ in node.else_arrivals), default=0))
    else:
        t.fill()
        t.pad = frame.pad
        t.line("else:")
        t.pad += " "
        t.owed = frame.owed
        t.alive = True
    t.forget()
    t.known = dict(frame.facts)
    t.from_slots(x.height, x.params)
    t.owed += t.costs[at + 1]
    if not t.alive:
        t.die()


def _end_arm(t: Translator, frame: Frame, x: Control) -> None:
    """What falls off the end of code before a label, or before an ``else``, is on its way there."""
    if frame.falls >= 0:
        t.alive, t.owed, frame.falls = True, frame.falls, -1
    if t.alive:
        t.into_slots(x.height, len(x.results))
    if frame.opens and frame.node.arrivals:
        _close_landing(t, frame)
        return
    if frame.opens:
        _close_nested(t, frame)
    if t.alive:
        t.arrive(frame.node.arrivals)


def _close_landing(t: Translator, frame: Frame) -> None:
    """Ends the ``if``s around the rest of a block that a loop is left for, inside of them: what a
    way takes must stand where no other passes."""
    if t.alive:
        t.arrive(frame.node.arrivals)
    for pad, owed in reversed(frame.opens):
        t.fill()
        t.pad, t.owed = pad, owed
        t.line("else:")
        t.pad += " "
        t.arrive(frame.node.arrivals)
        t.fill()
        t.pad = pad
    frame.opens.clear()
    t.alive = False


def _close_nested(t: Translator, frame: Frame) -> None:
    """Ends the ``if``s around the rest of a block; all ways owe the same then."""
    ways = [owed for _, owed in frame.opens] + ([t.owed] if t.alive else [])
    least = min(ways)
    if t.alive and t.owed > least:
        t.line(f"fuel -= {t.owed - least}")
    for pad, owed in reversed(frame.opens):
        t.fill()
        t.pad = pad
        if owed > least:
            t.line("else:")
            t.pad += " "
            t.line(f"fuel -= {owed - least}")
            t.pad = pad
    frame.opens.clear()
    t.owed, t.alive = least, True


def _end(t: Translator, at: int, x: Control) -> None:
    frame = t.frames.pop()
    node = frame.node
    _ENDS[node.form](t, frame, node, x)
    if not t.frames:
        return
    if t.alive:
        t.owed += t.costs[at + 1]
    else:
        t.die()


def _end_function(t: Translator, frame: Frame, node: Node, x: Control) -> None:
    if t.alive:
        t.give_back(len(x.results))
    t.fill()


def _end_loop(t: Translator, frame: Frame, node: Node, x: Control) -> None:
    if node.flat:
        return
    outer = t.frames[-1].node
    lands = outer.mode == LAND and x.end + 1 == outer.control.end
    if t.alive:
        if lands:
            t.into_slots(outer.control.height, len(outer.control.results))
            t.arrive(outer.arrivals)
            t.alive = False
        else:
            t.settle()
        t.line("break")
    t.fill()
    t.whiles.pop()
    t.pad = frame.pad
    if node.exits:
        t.route(node)
    t.constants.clear()
    if lands and outer.arrivals:
        _land(t, outer)


def _land(t: Translator, node: Node) -> None:
    """What stands behind the loop that a label's jumps leave: they meet there, before those meet
    them that pass the loop by."""
    least = min(owed for _, owed, _ in node.arrivals)
    t.join(node.arrivals, least)
    node.arrivals.clear()
    t.alive = True
    t.forget()
    t.from_slots(node.control.height, node.control.results)


def _end_block(t: Translator, frame: Frame, node: Node, x: Control) -> None:
    if node.mode == NONE and node.form == "block":
        return
    _end_arm(t, frame, x)
    if node.mode == ONCE and node.form == "block" and t.alive:
        t.line("break")
    _place(t, frame, node, x)


def _place(t: Translator, frame: Frame, node: Node, x: Control) -> None:
    """What stands at a label: all ways to it meet."""
    arrivals = node.arrivals
    t.fill()
    passes = node.form == "if" and x.otherwise is None and not node.flat
    ways = [owed for _, owed, _ in arrivals] + ([frame.owed] if passes else [])
    least = min(ways, default=0)
    if node.form == "if" and not node.flat:
        t.pad = frame.pad
        if passes and frame.owed > least:
            t.line("else:")
            t.pad += " "
            t.line(f"fuel -= {frame.owed - least}")
            t.pad = frame.pad
        if node.mode == ONCE:
            t.line("break")
            t.pad = t.pad[:-1]
    else:
        t.pad = frame.pad
    if node.mode == DISPATCH:
        t.open_segment(node.region, node.number)
    elif node.mode == ONCE:
        t.whiles.pop()
    t.join(arrivals, least)
    t.alive = bool(ways)
    t.forget()
    t.from_slots(x.height, x.results)


def _loop(t: Translator, at: int, x: Control) -> None:
    node = t.plan.nodes[at]
    entry = t.plan.entry
    t.frames.append(Frame(node, t))
    around = x.start < entry <= x.end
    if around and not t.alive:
        t.stack[:] = [(f"s{n}", ATOM, t.slot_bit, ANY) for n in range(x.height + len(x.params))]
    elif around:
        t.into_slots(0, len(t.stack))
        t.from_slots(0, (ValType.V128,) * len(t.stack))
    else:
        t.settle()
        t.into_slots(x.height, len(x.params))
        t.from_slots(x.height, x.params)
    t.take()
    t.forget()
    t.alive, t.skip = True, 0
    if node.flat:
        t.open_segment(node.region, node.number)
    else:
        if node.dispatch:
            t.line(f"b = {node.number}")
        t.line("while 1:")
        t.pad += " "
        t.whiles.append(node)
        if node.dispatch:
            switch = _switch_at(t, node)
            if switch is not None:
                t.switches[node] = switch
            t.segments[node] = -1, t.pad
            t.open_segment(node, node.number)
    t.owed = t.costs[at + 1]
    t.test(at + 1, t.owed if node in t.switches else 0, node.number)


def _switch_at(t: Translator, node: Node) -> tuple[int, Sequence[Branch]] | None:
    """The local and the labels of a switch that a loop begins with, if all of them are segments."""
    code, rows = t.body.code, t.instructions.rows
    at = node.control.start + 1
    while rows[code[at][0]].form == "block":
        at += 1
    (number, local), (following, branches) = code[at : at + 2]
    if rows[number].meaning != "{local}" or rows[following].form != "br_table":
        return None
    nodes = [t.plan.nodes[branch.target.start] for branch in branches]
    segments = all(
        other.mode == DISPATCH and other.region is node and not branch.arity
        for other, branch in zip(nodes, branches)
    )
    return (local, branches) if segments else None


def _br(t: Translator, at: int, x: Branch) -> None:
    frame = t.nested(t.plan.nodes[x.target.start])
    if frame is None:
        t.jump(x)
    else:
        # what falls off the end of the dead code is there
        frame.falls = t.owed
    t.die()


def _br_if(t: Translator, at: int, x: Branch) -> None:
    condition = t.stack.pop()
    text, precedence = truth(condition)
    node = t.plan.nodes[x.target.start]
    frame = t.nested(node)
    if frame is not None:
        frame.opens.append((t.pad, t.owed))
        t.line(f"if {negated(text, precedence)[0]}:")
        t.pad += " "
    else:
        t.line(f"if {text}:")
        t.pad += " "
        t.jump(x)
        t.fill()
        t.pad = t.pad[:-1]
    t.owed += t.costs[at + 1]


def _br_table(t: Translator, at: int, x: Sequence[Branch]) -> None:
    selector = t.atom(cleaned(t.stack.pop()))[0]
    arms = _arms(t, x)
    if len(arms) == 1 and arms[0].nodes:
        t.take()
        _look_up(t, selector, arms[0])
    else:
        _decide(t, selector, [part for arm in arms for part in arm.parts()])
    t.die()


class _Arm:
    """Labels of a switch that follow one another: the same one, or segments of the region."""

    __slots__ = ("begins", "branches", "ends", "nodes")

    def __init__(self, begins: int, branches: list[Branch], nodes: list[Node]) -> None:
        #: the first of its selectors, and the one behind its last
        self.begins = begins
        self.ends = begins + len(branches)
        self.branches = branches
        #: the segments, by selector; none where its label is something else
        self.nodes = nodes

    def parts(self) -> list[_Arm]:
        """Itself, or an arm for each run of the same segment if these are too few for a table."""
        runs: list[_Arm] = []
        for number, node in enumerate(self.nodes):
            if not runs or runs[-1].nodes[0] is not node:
                branches = self.branches[number : number + 1]
                runs.append(_Arm(self.begins + number, branches, [node]))
            runs[-1].ends = self.begins + number + 1
        return runs if 0 < len(runs) < _TABLE else [self]


def _arms(t: Translator, x: Sequence[Branch]) -> list[_Arm]:
    """The arms of a switch; the default is the last label, behind the last selector."""
    region = t.whiles[-1] if t.whiles else None
    arms: list[_Arm] = []
    for number, branch in enumerate(x):
        node = t.plan.nodes[branch.target.start]
        segment = node.mode == DISPATCH and node.region is region and not branch.arity
        nodes = [node] if segment else []
        last = arms[-1] if arms else None
        if last is None or not (last.nodes if segment else last.branches[-1] == branch):
            arms.append(_Arm(number, [branch], nodes))
        else:
            last.branches.append(branch)
            last.nodes += nodes
            last.ends += 1
    return arms


def _look_up(t: Translator, selector: str, arm: _Arm, known: int = 0) -> None:
    """A switch among segments: a table of their numbers. The selector is below what is ``known``,
    if that is not zero, else what is beyond the table is the last label's."""
    for node in set(arm.nodes):
        if node.form != "loop":
            node.arrivals.append((-1, 0, ""))
    numbers = [node.number for node in arm.nodes]
    last = numbers[-1]
    table = ", ".join(map(str, numbers if known else numbers[:-1]))
    place = f"{selector} - {arm.begins}" if arm.begins else selector
    if len(numbers) == 1:
        t.line(f"b = {last}")
    elif known:
        t.line(f"b = ({table})[{place}]")
    else:
        t.line(f"b = ({table},)[{place}] if {selector} < {arm.ends - 1} else {last}")
    region = t.whiles[-1]
    if t.pad != t.segment_pad(region) or any(node.form == "loop" for node in arm.nodes):
        t.line("continue")


def _decide(t: Translator, selector: str, arms: Sequence[_Arm], known: int = 0) -> None:
    """A switch as a tree of comparisons; the selector is ``known`` to be below a number, if that is
    not zero."""
    if len(arms) == 1:
        if arms[0].nodes and len(arms[0].branches) > 1:
            t.take_aside()
            _look_up(t, selector, arms[0], known)
        else:
            t.jump(arms[0].branches[0])
        t.fill()
        return
    middle = len(arms) // 2
    below = arms[middle - 1].ends
    t.line(f"if {selector} < {below}:")
    t.pad += " "
    _decide(t, selector, arms[:middle], below)
    t.pad = t.pad[:-1]
    t.line("else:")
    t.pad += " "
    _decide(t, selector, arms[middle:], known)
    t.pad = t.pad[:-1]


def _return(t: Translator, at: int, x: Branch) -> None:
    t.give_back(x.arity)
    t.die()


def _unreachable(t: Translator, at: int, x: Any) -> None:
    t.line("raise Trap(UNREACHABLE)")
    t.die()


def _call(t: Translator, at: int, x: int) -> None:
    t.cells.add(f"f{x}")
    _invoke(t, f"f{x}", t.context.functions[x])


def _call_indirect(t: Translator, at: int, x: tuple[FuncType, int]) -> None:
    kind, table = x
    cell = f"c{table}_{t.context.types.index(kind)}"
    t.cells.add(cell)
    _invoke(t, f"{cell}[{cleaned(t.stack.pop())[0]}]", kind)


def _invoke(t: Translator, callee: str, kind: FuncType) -> None:
    t.calls = True
    count = len(kind.params)
    args = [f"{cleaned(value)[0]}, " for value in t.stack[len(t.stack) - count :]] if count else []
    if count:
        del t.stack[len(t.stack) - count :]
    t.spill(t.shared)
    t.take()
    text = f"{callee}({''.join(args)}d)"
    results = kind.results
    if len(results) == 1:
        t.keep(text, BITS[str(results[0])])
        t.called = len(t.lines)
        return
    names = [t.temporary() for _ in results]
    t.line(f"{', '.join(names)} = {text}" if names else text)
    t.stack += [(name, ATOM, 0, BITS[str(kind)]) for name, kind in zip(names, results)]
    t.rest()


def _nop(t: Translator, at: int, x: Any) -> None:
    pass


def _end_try(t: Translator, frame: Frame, node: Node, x: Control) -> None:
    if not isinstance(x, Try):
        raise TypeError("only what catches has regions")
    t.frames.append(frame)
    around = exceptions.end_try(t, x)
    t.frames.pop()
    _place(t, around, around.node, x)


def _delegate(t: Translator, at: int, x: Try) -> None:
    around = exceptions.delegate(t, x)
    t.frames.pop()
    _place(t, around, around.node, x)
    if t.alive:
        t.owed += t.costs[at + 1]
    else:
        t.die()


def _refused(t: Translator, at: int, x: Any) -> None:
    """What the driver leaves to the interpreter."""
    raise NotImplementedError


_ENDS: dict[str, Callable[[Translator, Frame, Node, Control], None]] = {
    "func": _end_function,
    "block": _end_block,
    "if": _end_block,
    "loop": _end_loop,
    "region": _end_try,
}
FORMS: dict[str, Callable[[Translator, int, Any], None]] = {
    "block": _block,
    "loop": _loop,
    "if": _if,
    "else": _else,
    "end": _end,
    "br": _br,
    "br_if": _br_if,
    "br_table": _br_table,
    "return": _return,
    "call": _call,
    "call_indirect": _call_indirect,
    "unreachable": _unreachable,
    "nop": _nop,
    **exceptions.FORMS,
    "delegate": _delegate,
    **dict.fromkeys(("return_call", "return_call_indirect"), _refused),
}  # fmt: skip
