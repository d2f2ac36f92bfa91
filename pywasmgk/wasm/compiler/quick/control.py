"""How structured control becomes Python's: a plan that is made before any code is written.

Python has ``if``, ``while 1:``, ``break`` and ``continue``, and nothing that leaves several loops.
The plan says for each construct what carries the branches to its label:

``NONE``      there are none: the construct is transparent.
``NEST``      each is a ``br_if`` whose rest of the block is written under ``if not condition:``.
``ONCE``      a loop of one turn, ``while 1:``, left by ``break``.
``LAND``      the block ends where its last loop ends: they are that loop's ``break``.
``DISPATCH``  the label is a segment of its *region*, the innermost Python loop around it (that of a
              wasm loop, or one around the whole function), and has a number.

A region with segments is a *range tree of guards*. Segments stand in the order of the code, segment
``k`` under ``if b <= k:``, groups of four under a test of their last number. Going on to the next
segment costs its test alone, since ``b`` is never above the number of where the code is; a jump is
``b = k; continue``. Leaving loops on the way to a label sets ``b`` to ``~k``, below zero, and a
test behind each of them passes it on.

What catches exceptions is Python's ``try`` around a loop of one turn, which is a region of its own
(``region`` is its form), so that segments can begin in it; a legacy ``catch`` has such a region,
too, in its ``except``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...valid.blockmap import Branch, Control, Try
from ...watch import Look, never, parts
from ..source import CannotCompile

__all__ = ["DISPATCH", "GROUP", "LAND", "NEST", "NONE", "ONCE", "Node", "Plan", "behind", "plan"]

NONE, NEST, ONCE, LAND, DISPATCH = range(5)

#: segments under one test
GROUP = 4
#: wasm loops that are nested Python loops; those further in are segments
_MOST_LOOPS = 9
#: Python loops in one another (its compiler takes 20), one around the function left aside
_MOST_WHILES = 17
#: levels of indentation that nested code may have before it becomes segments
_MOST_DEEP = 36
#: what a ``try`` with its ``except`` counts among Python's nested blocks, its loop left aside
_TRY = 2
#: branches to a label whose rests of the block are nested
_MOST_NESTED = 12
#: constructs without branches of their own that such a branch may stand in
_NEAR = 3


class Node:
    """A construct, and what the plan and the translation know of it."""

    __slots__ = (
        "arrivals", "begins", "branches", "control", "crossed", "deep", "depth", "dispatch",
        "else_arrivals", "else_number", "exits", "far", "flat", "form", "holds", "inner", "labels",
        "landing", "loops", "mode", "near", "number", "parent", "passed", "region", "up", "whiles",
    )  # fmt: skip

    def __init__(self, control: Control, parent: Node | None) -> None:
        self.control = control
        self.form = control.form
        self.parent = parent
        self.up = parent
        self.depth: int = 0 if parent is None else parent.depth + 1
        #: index of the instruction that begins it
        self.begins = control.start
        #: what carries branches to its label
        self.mode = NONE
        #: its code is segments: of an ``if``, that has no Python ``if``; of a loop, no Python loop
        self.flat = False
        #: the region that it stands in, and that of the code in it
        self.region: Node = self if parent is None else parent.inner
        self.inner: Node = self.region
        #: Python loops of wasm loops around it, and levels of Python loops and indentation in it
        self.loops: int = 0 if parent is None else parent.loops
        self.whiles = 0
        self.deep = 0
        #: branches to its label
        self.branches = 0
        #: of those that could be nested, the constructs on the way; how many only land behind a
        #: loop; whether there are others, and whether some leave a loop
        self.near: list[list[Node]] = []
        self.landing = 0
        self.far = False
        #: a branch leads out of it, to more than a return
        self.crossed = False
        #: a segment of its region begins in it
        self.holds = False
        #: as a region: it has segments, whose numbers these are; the first is its head
        self.dispatch = False
        self.labels: list[int] = []
        #: the numbers of its label and of its ``else``
        self.number = self.else_number = 0
        #: charges of the jumps to its label, and to its ``else``: line, fuel and indentation
        self.arrivals: list[tuple[int, int, str]] = []
        self.else_arrivals: list[tuple[int, int, str]] = []
        #: of what catches: exceptions of a ``delegate`` pass it, or of better code that went on
        self.passed = False
        #: numbers that jumps leave it for, past what stands behind it
        self.exits: set[int] = set()


class Plan:
    """The nodes of a function's constructs, by the index of their instruction (the function's own
    is -1)."""

    def __init__(
        self, function: Control, steps: Sequence[Callable[..., int] | None], entry: int, most: int
    ) -> None:
        self.root = self.node = Node(function, None)
        self.nodes = {-1: self.root}
        #: the regions in what catches exceptions, by the index of the instruction that begins each
        self.regions: dict[int, Node] = {}
        self.steps = steps
        #: index behind the loop instruction that is entered in the middle of a call, or 0
        self.entry = entry
        self.most_loops = most

    def walk(self, code: Sequence[tuple[int, Any]], look: Look) -> None:
        """Visits all control instructions that can be reached."""
        steps, skip = self.steps, 0
        for first, part in parts(code, look):
            for at, (number, x) in enumerate(part, first):
                step = steps[number]
                if step is not None and at >= skip:
                    skip = step(self, at, x)
        self._count()

    # -- constructs

    def open(self, at: int, x: Control) -> int:
        """A block, loop or if begins."""
        node = self.node = self.nodes[at] = Node(x, self.node)
        if node.form == "loop":
            around = x.start < self.entry <= x.end
            node.flat = around or node.loops >= self.most_loops
            if node.flat:
                node.mode = DISPATCH
                self._hold(node)
            else:
                node.loops += 1
                node.inner = node
        return 0

    def close(self, at: int, x: Control) -> int:
        """A construct ends: what carries its branches is decided."""
        if self.node.form == "region":
            self._close_region()
        node = self.node
        parent = node.parent
        if parent is None:
            return 0
        if node.form != "loop":
            self._decide(node)
        elif not node.flat:
            node.whiles += 1
            node.deep += 1 + (3 if node.dispatch else 0)
        parent.whiles = max(parent.whiles, node.whiles)
        parent.deep = max(parent.deep, node.deep)
        self.node = parent
        return 0

    # -- exceptions

    def open_try(self, at: int, x: Try) -> int:
        """What catches exceptions begins: its clauses jump from within its ``except``."""
        if x.start < self.entry <= x.end:
            raise CannotCompile("a loop would be entered in a try")
        self.open(at, x)
        self.node.crossed = True
        for clause in x.catches:
            if clause.branch is not None:
                self.branch(at, clause.branch, "table")
        self._open_region(at, x)
        return 0

    def next_part(self, at: int, x: Try) -> int:
        """A legacy ``catch`` begins."""
        self._close_region()
        self._open_region(at, x)
        return 0

    def _open_region(self, at: int, x: Try) -> None:
        node = self.regions[at] = self.node = Node(x, self.node)
        node.form = "region"
        node.begins = at
        node.inner = node
        node.loops += 1 + _TRY

    def _close_region(self) -> None:
        node = self.node
        parent = node.parent
        if parent is None:
            raise RuntimeError("the function is no region of a try")
        node.whiles += 1 + _TRY
        node.deep += 3 + (3 if node.dispatch else 0)
        parent.whiles = max(parent.whiles, node.whiles)
        parent.deep = max(parent.deep, node.deep)
        self.node = parent

    def _decide(self, node: Node) -> None:
        if node.form == "if":
            node.deep += 1
            node.flat = node.holds or node.deep > _MOST_DEEP
        nests = all(other.mode == NONE for path in node.near for other in path)
        nests = nests and len(node.near) <= _MOST_NESTED
        nests = nests and node.deep + len(node.near) <= _MOST_DEEP
        if node.flat:
            node.mode = DISPATCH
            node.deep -= 1
        elif not node.branches:
            return
        elif node.holds:
            node.mode = DISPATCH
        elif nests and len(node.near) + node.landing == node.branches:
            node.mode = LAND if node.landing else NEST
            node.deep += len(node.near)
        elif (
            not (node.crossed or node.far or node.landing)
            and node.loops + node.whiles < _MOST_WHILES
        ):
            node.mode = ONCE
            node.whiles += 1
            node.deep += 1
        else:
            node.mode = DISPATCH
        if node.mode == DISPATCH:
            self._hold(node)

    def _hold(self, node: Node) -> None:
        """Notes that a segment begins in all that is around a node, up to its region."""
        region = node.region
        region.dispatch = True
        parent = node.parent
        while parent is not None and parent is not region and not parent.holds:
            parent.holds = True
            parent = parent.parent

    # -- branches

    def leave(self, at: int, x: Any) -> int:
        """Where the code goes on that is not dead, behind a jump."""
        return behind(self.node.control, at)

    def branch(self, at: int, x: Branch, kind: str) -> None:
        """Notes a branch."""
        target = self.nodes[x.target.start]
        if target is self.root:
            return
        node = self.node
        self._cross(node, target)
        if target.form == "loop":
            return
        target.branches += 1
        path = self._near(node, target) if kind == "br" and not x.arity else None
        if path is not None:
            target.near.append(path)
            return
        loop = node.inner
        if loop is target.inner:
            return
        if loop.parent is target and loop.control.end + 1 == target.control.end:
            target.landing += 1
        else:
            target.far = True

    def _near(self, node: Node, target: Node) -> list[Node] | None:
        """The blocks between a branch and its target, if they are few and nothing else is."""
        path: list[Node] = []
        while node is not target:
            if node.form != "block" or len(path) == _NEAR or node.parent is None:
                return None
            path.append(node)
            node = node.parent
        return path

    def _cross(self, node: Node, target: Node) -> None:
        """Marks what a branch leads out of; what is marked already is passed over (union-find)."""
        node = _uncrossed(node)
        while node.depth > target.depth:
            node.crossed = True
            node = _uncrossed(node)

    def br(self, at: int, x: Branch) -> int:
        """An unconditional branch."""
        self.branch(at, x, "br")
        return self.leave(at, x)

    def br_if(self, at: int, x: Branch) -> int:
        """A conditional branch."""
        self.branch(at, x, "br")
        return 0

    def br_table(self, at: int, x: Sequence[Branch]) -> int:
        """A switch."""
        for branch in dict.fromkeys(x):
            self.branch(at, branch, "table")
        return self.leave(at, x)

    # -- numbers

    def _count(self) -> None:
        """Numbers heads of regions and segments in the order of the code."""
        places: list[tuple[int, Node, bool]] = []
        for at, node in (*self.nodes.items(), *self.regions.items()):
            if node.form in ("loop", "func", "region"):
                places.append((at, node, False))
            elif node.mode == DISPATCH:
                places.append((node.control.end, node, False))
                if node.flat and node.control.otherwise is not None:
                    places.append((node.control.otherwise, node, True))
        places.sort(key=lambda place: place[0])
        for number, (_, node, is_else) in enumerate(places):
            if is_else:
                node.else_number = number
            else:
                node.number = number
            region = node if node.inner is node else node.region
            region.labels.append(number)


def behind(control: Control, at: int) -> int:
    """Where code goes on behind dead code of a construct: at its next part, or its end."""
    parts = [control.otherwise] if control.otherwise is not None else []
    if isinstance(control, Try):
        parts = [clause.at for clause in control.catches]
    return next((part for part in parts if at < part), control.end)


def _uncrossed(node: Node) -> Node:
    """The innermost construct around a node, or it, that no branch leads out of yet."""
    visited = []
    while node.crossed and node.up is not None:
        visited.append(node)
        node = node.up
    for other in visited:
        other.up = node
    return node


_STEPS: dict[str, Callable[..., int]] = {
    "block": Plan.open,
    "loop": Plan.open,
    "if": Plan.open,
    "end": Plan.close,
    "br": Plan.br,
    "br_if": Plan.br_if,
    "br_table": Plan.br_table,
    "return": Plan.leave,
    "unreachable": Plan.leave,
    "try_table": Plan.open_try,
    "try": Plan.open_try,
    "catch": Plan.next_part,
    "catch_all": Plan.next_part,
    "delegate": Plan.close,
    "throw": Plan.leave,
    "throw_ref": Plan.leave,
    "rethrow": Plan.leave,
}


def steps_of(forms: Sequence[str | None]) -> list[Callable[..., int] | None]:
    """What the plan does for each dense number."""
    return [None if form is None else _STEPS.get(form) for form in forms]


def plan(
    code: Sequence[tuple[int, Any]],
    function: Control,
    steps: Sequence[Callable[..., int] | None],
    entry: int = 0,
    *,
    flat: bool = False,
    look: Look = never,
) -> Plan:
    """The plan of a body. ``flat`` makes every loop a segment, which Python can always nest."""
    made = Plan(function, steps, entry, 0 if flat else _MOST_LOOPS)
    made.walk(code, look)
    return made
