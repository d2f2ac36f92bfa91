"""One pass over a body: from stack code to lines of Python, without a form in between.

The operand stack is one of expressions (``values``); what traps, reads memory or calls is a line of
its own, in the order of the instructions. Control follows the plan (``control``). Fuel of a stretch
is taken where it is left: each jump to a label takes what it owes, and where the label comes up,
what all of them owe is taken behind it instead.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ...isa import InstructionSet
from ...types import ValType
from ...valid.blockmap import BlockMap, Branch
from .control import DISPATCH, GROUP, LAND, NEST, Node, Plan, behind
from .rows import writer_at, writers_of
from .values import ATOM, BITS, CONSTANT, Value, cleaned

__all__ = ["Form", "Frame", "Translator"]

#: characters and parentheses of an expression above which it is put into a temporary: Python's
#: parser nests 200 parentheses at most, and 40 calls already take more of C's stack than a thread
#: with 128 KiB has
_LONG = 160
_MOST_PARENTHESES = 12
#: characters below which nobody counts
_SHORT = 48
#: stands for the instruction of a line that belongs to none
_NOWHERE = -1
#: instructions between two looks at the clock
_LOOK_EVERY = 400


def _is_large(text: str) -> bool:
    """Whether an expression is to be put into a temporary."""
    size = len(text)
    return size > _SHORT and (size > _LONG or text.count("(") > _MOST_PARENTHESES)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


#: writes a control form, given the translator, the instruction's index and its immediate
Form = Callable[[Any, int, Any], None]


#: control forms whose lines read each operand once
_SINGLE = frozenset(("block", "loop", "if", "else", "end", "br", "br_if", "return"))


@lru_cache(maxsize=8)
def _bearers(instructions: InstructionSet) -> Sequence[bool]:
    """Whether a line of an instruction may have a load in it, by dense number: not if it can trap,
    nor if it is one of several that read an operand, as those of a switch are."""
    moves = ("{local} = {a}", "{glob} = {a}")
    return [
        row.form in _SINGLE
        if row.form is not None
        else not (row.native or row.guards or row.length or row.charge)
        and (not row.effect or row.effect in moves)
        for row in instructions.rows
    ]


class Frame:
    """An open construct."""

    __slots__ = ("facts", "falls", "node", "opens", "owed", "pad", "whiles")

    def __init__(self, node: Node, t: Translator) -> None:
        self.node = node
        self.pad = t.pad
        #: how many Python loops are around it
        self.whiles = len(t.whiles)
        #: of an ``if``: fuel that was owed at its beginning
        self.owed = t.owed
        self.facts = t.known
        #: of NEST: the ``if``s around the rest, and the fuel owed by who passes it by
        self.opens: list[tuple[str, int]] = []
        #: of NEST: fuel owed by a jump to its end, which dead code alone stands before
        self.falls = -1


class Translator:
    """Writes one function."""

    def __init__(
        self,
        body: BlockMap,
        index: int,
        instructions: InstructionSet,
        context: Any,
        plan: Plan,
        small: bool,
    ) -> None:
        self.body = body
        self.index = index
        self.instructions = instructions
        self.context = context
        self.plan = plan
        self.costs = body.costs
        #: memory is so small that an address that was accessed has 30 bits
        self.small = small
        self.lines: list[str] = []
        #: by line: the instruction, and fuel charged but not taken
        self.ats: list[int] = []
        self.owing: list[int] = []
        self.at = 0
        self.owed = 0
        self.pad = "  "
        self.alive = True
        #: dead code ends at this instruction
        self.skip = 0
        self.stack: list[Value] = []
        #: what locals hold, where more is known than their type says
        self.known: dict[int, Value] = {}
        #: locals that hold a constant
        self.constants: dict[int, int] = {}
        self.temporaries = 0
        #: a temporary that the latest line has set, that line's number and expression
        self.fresh: tuple[str, int, str] = ("", -1, "")
        #: behind the latest lines that are a load, and a call with one result
        self.loaded = self.called = -1
        self.bears_load = _bearers(instructions)
        self.frames: list[Frame] = []
        #: Python's loops around the code
        self.whiles: list[Node] = []
        #: names that are not the function's own
        self.cells: set[str] = {"fuel"}
        self.changed: set[str] = {"fuel"}
        self.calls = False
        #: ``b`` is looked at
        self.leaves = False
        #: constructs around the loop that is entered
        self.chain: frozenset[int] = frozenset()
        #: loops that begin with a switch on a local among their segments: the local, and the labels
        self.switches: dict[Node, tuple[int, Sequence[Branch]]] = {}
        #: by region: the place among its segments of the one that is being written, its indentation
        self.segments: dict[Node, tuple[int, str]] = {}
        self.locals = [
            (f"l{n}", ATOM, 1 << n, BITS[str(kind)]) for n, kind in enumerate(body.locals)
        ]
        nlocals = len(self.locals)
        self.globals = [
            (f"g{n}", ATOM, 1 << nlocals + n, BITS[str(kind.value_type)])
            for n, kind in enumerate(context.globals)
        ]
        #: what calls may change
        self.shared = sum(
            1 << nlocals + n for n, kind in enumerate(context.globals) if kind.mutable
        )
        self.slot_bit = 1 << nlocals + len(self.globals)

    # -- lines

    def line(self, text: str) -> None:
        """Adds a line about the present instruction."""
        if self.loaded == len(self.lines) or self.called == len(self.lines):
            name, place, expression = self.fresh
            if name in text and self.absorbs(text, name):
                # what the line is about, if it raises, is that instruction
                self.lines[place] = self.pad + text.replace(name, expression)
                self.loaded = self.called = -1
                return
        self.lines.append(self.pad + text)
        self.ats.append(self.at)
        self.owing.append(self.owed)

    def absorbs(self, text: str, name: str) -> bool:
        """Whether a line may do what the line before it does, which only this one reads: of loads,
        if it cannot trap itself, of calls, if it evaluates nothing else. That takes Python's
        compiler a quarter less than two lines."""
        if self.loaded == len(self.lines):
            start = text.index(name)
            around = text[start - 1 : start] + text[start + len(name) : start + len(name) + 1]
            alone = text.count(name) == 1 and not any(map(_is_word, around))
            if " else " in text:
                # an arm of a choice is not always evaluated, its condition is
                before, _, after = text.partition(" else ")
                alone = alone and name in before.rpartition(" if ")[2] and " else " not in after
            return alone and self.bears_load[self.body.code[self.at][0]]
        return text in (f"return {name}", f"if {name}:", f"if not {name}:") or (
            text.endswith(f" = {name}") and text.count(" ") == 2
        )

    def fill(self) -> None:
        """Gives a suite that has no line yet one."""
        place = len(self.lines) - 1
        while place >= 0 and not self.lines[place]:
            place -= 1
        if place >= 0 and self.lines[place][-1] == ":":
            text = self.lines[place]
            self.lines.append(" " * (len(text) - len(text.lstrip()) + 1) + "pass")
            self.ats.append(self.at)
            self.owing.append(self.owed)

    # -- values

    def put(self, value: Value) -> None:
        """Replaces the top of the stack."""
        if _is_large(value[0]):
            del self.stack[-1]
            self.stack.append(self.atom(cleaned(value)))
        else:
            self.stack[-1] = value

    def push(self, value: Value) -> None:
        """Puts a value on the stack."""
        self.stack.append(self.atom(cleaned(value)) if _is_large(value[0]) else value)

    def temporary(self) -> str:
        """A name that nothing has yet."""
        self.temporaries += 1
        return f"t{self.temporaries}"

    def atom(self, value: Value) -> Value:
        """A clean value as a name or number; what a call gives is neither."""
        text = value[0]
        if value[1] >= ATOM and (text[-1] != ")" or text.rfind("(-") == 0):
            return value
        name = self.temporary()
        self.line(f"{name} = {text}")
        return name, ATOM, 0, value[3]

    def keep(self, text: str, bits: int) -> None:
        """Computes something now; its result is a temporary on the stack."""
        name = self.temporary()
        self.line(f"{name} = {text}")
        # it may have taken in the line before it
        place = len(self.lines) - 1
        self.fresh = name, place, self.lines[place][len(self.pad) + len(name) + 3 :]
        self.stack.append((name, ATOM, 0, bits))

    def rest(self) -> None:
        """Gives names of temporaries free, where nothing is left on the stack."""
        if not self.stack:
            self.temporaries = 0
            # whoever gets the name of the latest one does not read it
            self.loaded = self.called = -1
            self.fresh = "", -1, ""

    def spill(self, bits: int) -> None:
        """Puts what reads some variables into temporaries, before these change."""
        for place, value in enumerate(self.stack):
            if value[2] & bits:
                self.stack[place] = self.copied(cleaned(value))

    def copied(self, value: Value) -> Value:
        """A value in a temporary, even if it is a name."""
        name = self.temporary()
        self.line(f"{name} = {value[0]}")
        return name, ATOM, 0, value[3]

    def forget(self) -> None:
        """Nothing is known of locals where ways meet."""
        self.known = {}
        self.constants.clear()

    def settle(self) -> None:
        """Makes the stack independent of what code in a construct, or on one way, does."""
        for place, value in enumerate(self.stack):
            if value[1] < ATOM or (value[2] and value[0] != f"s{place}"):
                self.stack[place] = self.copied(cleaned(value))

    def into_slots(self, height: int, count: int) -> None:
        """Puts the topmost operands where code at a label finds them."""
        if not count:
            return
        names, texts = [], []
        for place, value in enumerate(self.stack[len(self.stack) - count :], height):
            if value[0] != f"s{place}" or value[3] < 0:
                names.append(f"s{place}")
                texts.append(cleaned(value)[0])
        if names:
            texts = [f"({text})" for text in texts] if len(texts) > 1 else texts
            self.line(f"{', '.join(names)} = {', '.join(texts)}")

    def from_slots(self, height: int, kinds: Sequence[ValType]) -> None:
        """The stack at a label."""
        del self.stack[height:]
        for place, kind in enumerate(kinds, height):
            self.stack.append((f"s{place}", ATOM, self.slot_bit, BITS[str(kind)]))

    # -- variables and memory

    def assign(self, index: int, value: Value) -> None:
        """Sets a local."""
        name, _, bit, _ = self.locals[index]
        text, _, _, bits = value
        if self.stack:
            self.spill(bit)
        if text != name:
            fresh, place, expression = self.fresh
            if text == fresh and place == len(self.lines) - 1:
                self.lines[place] = f"{self.pad}{name} = {expression}"
                self.loaded = self.called = -1
                self.fresh = "", -1, ""
            else:
                self.line(f"{name} = {text}")
            self.known[index] = name, ATOM, bit, bits
            self.constants.pop(index, None)
            if value[1] == CONSTANT:
                self.constants[index] = int(text)
        elif index not in self.known:
            self.known[index] = value
        self.rest()

    def set_global(self, index: int, text: str) -> None:
        """Sets a global."""
        name = f"g{index}"
        self.changed.add(name)
        self.line(f"{name} = {text}")
        self.rest()

    def address(self, value: Value, offset: int) -> str:
        """The text of an address. What was accessed is known to be small."""
        text, precedence, reads, bits = value
        if precedence == CONSTANT:
            return str(int(text) + offset)
        if bits < 0:
            text, precedence, reads, bits = cleaned(value)
        if self.small and reads and precedence == ATOM and bits > 30 and text[0] == "l":
            self.known[int(text[1:])] = text, ATOM, reads, 30
        if not offset:
            return text
        return f"{text} + {offset}" if precedence > 8 else f"({text}) + {offset}"

    # -- fuel

    def take(self) -> None:
        """Takes what is owed."""
        if self.owed:
            self.line(f"fuel -= {self.owed}")
            self.owed = 0

    def charge_length(self, amount: str) -> None:
        """Charges a bulk operation, which is a test point."""
        self.take()
        self.line(f"fuel -= {amount}")
        self.line("if fuel < 0: fuel = refill(fuel)")

    def test(self, entry: int = 0, back: int = 0, number: int = 0) -> None:
        """A test point with what is owed, of the function's beginning or of the loop whose body
        begins at ``entry``; there the optimized level may take over. Who comes with ``b`` below a
        ``number`` gets something ``back``."""
        owed, index = self.owed, self.index
        late = f", {back} * (b < {number})" if back else ""
        sampled = f"sampled({owed}, {index}{late})"
        if not entry or self.stack:
            self.line(f"if fuel < {owed}: {sampled}")
            return
        self.line(f"if fuel < {owed}:")
        self.line(f" {sampled}")
        # what raises there has a frame of its own, and is caught there by the clauses around it
        at, self.at = self.at, _NOWHERE
        skipped = self.passed()
        more = f", {skipped}" if skipped else ""
        self.line(f" t0 = resumed({index}, {entry}, {owed}, d, locals(){more})")
        self.line(" if t0: return t0[0]")
        self.at = at

    def passed(self) -> int:
        """Has exceptions pass all ``try``s around; gives how many there are."""
        tries = [frame.node.parent for frame in self.frames if frame.node.form == "region"]
        for node in filter(None, tries):
            node.passed = True
        return len(tries)

    def arrive(self, arrivals: list[tuple[int, int, str]]) -> None:
        """A way to a label, which takes what is owed unless all of them owe it."""
        if self.owed:
            arrivals.append((len(self.lines), self.owed, self.pad))
            self.line(f"fuel -= {self.owed}")
        else:
            arrivals.append((-1, 0, ""))

    def join(self, arrivals: list[tuple[int, int, str]], least: int) -> None:
        """Has all ways to a label owe the same."""
        for place, owed, pad in arrivals:
            if place >= 0 and least:
                self.lines[place] = f"{pad}fuel -= {owed - least}" if owed > least else ""
                if owed == least and self._is_suite(place, pad):
                    self.lines[place] = f"{pad}pass"
        self.owed = least

    def _is_suite(self, place: int, pad: str) -> bool:
        """Whether a line is all of a suite."""
        following = self.lines[place + 1 : place + 2]
        if following and following[0].startswith(pad):
            return False
        place -= 1
        while place >= 0 and not self.lines[place]:
            place -= 1
        return place >= 0 and self.lines[place][-1] == ":"

    # -- the pass

    def run(self, look: Callable[[], None], control: Mapping[str, Form]) -> None:
        """Translates all that can be reached."""
        code, forms = self.body.code, self.instructions.rows
        writers = writers_of(self.instructions)
        self.begin()
        for start in range(0, len(code), _LOOK_EVERY):
            look()
            for at, (number, x) in enumerate(code[start : start + _LOOK_EVERY], start):
                if at < self.skip and at not in self.chain:
                    continue
                self.at = at
                write = writers[number]
                if write is None:
                    form = forms[number].form
                    if form is not None:
                        control[form](self, at, x)
                        continue
                    write = writer_at(self.instructions, number)
                write(self, x)

    def begin(self) -> None:
        """The function's beginning, or that of the rest of a call that has come to a loop."""
        root = self.plan.root
        self.frames.append(Frame(root, self))
        entry = self.plan.entry
        if entry:
            self.chain = frozenset(
                at
                for at, node in self.plan.nodes.items()
                if node.control.start < entry <= node.control.end
            )
        if root.dispatch:
            node = self.plan.nodes[entry - 1] if entry else root
            self.line(f"b = {node.number}")
            self.line("while 1:")
            self.whiles.append(root)
            self.segments[root] = -1, self.pad + " "
            self.open_segment(root, root.number)
        if not entry:
            self.owed = 1 + self.costs[0]
            self.test()
        else:
            self.die()

    # -- segments

    def open_segment(self, region: Node, number: int) -> None:
        """Begins a segment of a region, under tests of ``b``; those of dead code are left out."""
        before, pad = self.segments[region]
        if before >= 0:
            self.fill()
        place = bisect_left(region.labels, number)
        self.segments[region] = place, pad
        labels = region.labels
        size, last = GROUP, len(labels) - 1
        while size <= last:
            size *= GROUP
        self.pad = pad
        while size >= 1:
            end = min(place - place % size + size - 1, last)
            if end < last:
                if before < 0 or place // size != before // size:
                    self.line(f"if b <= {labels[end]}:")
                self.pad += " "
            size //= GROUP

    def segment_pad(self, region: Node) -> str:
        """The indentation of the segment that is being written."""
        place, pad = self.segments[region]
        last, size = len(region.labels) - 1, 1
        depth = 0
        while size <= max(last, 1) * GROUP:
            if min(place - place % size + size - 1, last) < last:
                depth += 1
            size *= GROUP
        return pad + " " * depth

    # -- jumps

    def die(self) -> None:
        """What follows is dead code."""
        self.alive = False
        self.skip = behind(self.frames[-1].node.control, self.at)

    def jump(self, branch: Branch) -> None:
        """Goes to a label."""
        node = self.plan.nodes[branch.target.start]
        if node is self.plan.root:
            self.give_back(branch.arity)
            return
        self.into_slots(branch.target.height, branch.arity)
        if node.form == "loop" and node in self.switches and self.whiles[-1] is node:
            self.thread(node)
            return
        if node.form == "loop":
            self.take_aside()
        else:
            self.arrive(node.arrivals)
        self.go(node)

    def thread(self, node: Node) -> None:
        """Goes to a loop that begins with a switch: if what it switches on is known, to where that
        leads, unless the loop's test is to be made."""
        local, branches = self.switches[node]
        number = self.constants.get(local)
        if number is None:
            self.take_aside()
            self.go(node)
            return
        target = self.plan.nodes[branches[min(number, len(branches) - 1)].target.start]
        cost = self.costs[node.control.start + 1]
        # who comes to the head with a number below its own has paid for it
        self.line(f"fuel -= {self.owed + cost}")
        self.line(f"b = {target.number} if fuel >= 0 else {node.number - 1}")
        self.line("continue")

    def take_aside(self) -> None:
        """Takes what is owed on one way of several."""
        if self.owed:
            self.line(f"fuel -= {self.owed}")

    def go(self, node: Node) -> None:
        """The jump itself."""
        innermost = self.whiles[-1] if self.whiles else None
        if node.form == "loop" and not node.flat:
            if innermost is node:
                if node.dispatch:
                    self.line(f"b = {node.number}")
                self.line("continue")
            else:
                self.leave_for(node.number)
        elif node.mode == DISPATCH:
            self.to_segment(node.region, node.number)
        else:
            self.line("break")

    def nested(self, node: Node) -> Frame | None:
        """The frame of a label that what falls off the end of the code gets to."""
        if node.mode not in (NEST, LAND):
            return None
        frame = next(frame for frame in reversed(self.frames) if frame.node is node)
        return frame if node.mode == NEST or frame.whiles == len(self.whiles) else None

    def to_segment(self, region: Node, number: int) -> None:
        """Goes to a segment."""
        if self.whiles[-1] is not region:
            self.leave_for(number)
            return
        place = self.segments[region][0]
        following = region.labels[place + 1] if place + 1 < len(region.labels) else -1
        if number == following and self.pad == self.segment_pad(region):
            return
        self.line(f"b = {number}")
        self.line("continue")

    def leave_for(self, number: int) -> None:
        """Leaves the innermost loop for a segment or head further out."""
        self.leaves = True
        self.whiles[-1].exits.add(number)
        self.line(f"b = {~number}")
        self.line("break")

    def route(self, node: Node) -> None:
        """What follows a loop that is left for something else than what stands behind it."""
        region = self.whiles[-1]
        low, high = min(region.labels), max(region.labels)
        own = {number for number in node.exits if low <= number <= high}
        beyond = node.exits - own
        self.line("if b < 0:")
        self.pad += " "
        if beyond:
            region.exits |= beyond
            if own:
                self.line(f"if not {low} <= ~b <= {high}: break")
            else:
                self.line("break")
        if own:
            self.line("b = ~b")
            self.line("continue")
        self.pad = self.pad[:-1]

    def give_back(self, count: int) -> None:
        """Returns."""
        values = [cleaned(value)[0] for value in self.stack[len(self.stack) - count :]]
        if count > 1:
            values = [f"({text})" for text in values]
        text = f"return {', '.join(values)}".rstrip()
        name, _, expression = self.fresh
        at, owed = self.at, self.owed
        if owed and self.loaded == len(self.lines) and name in text and self.absorbs(text, name):
            # behind the charge, which is pending no more
            text = text.replace(name, expression)
            self.at = self.ats.pop()
            self.owing.pop()
            self.lines.pop()
            self.loaded = -1
        self.take_aside()
        self.owed = 0
        self.line(text)
        self.at, self.owed = at, owed
