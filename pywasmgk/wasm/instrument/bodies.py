"""Bodies of functions with charges, test points and call depth.

Between the places where something is added, the bytes of a body stay as they are. What is added is
what the interpreter does at the same place (``interpreter.control``): the cost of a basic block is
charged where it begins, and fuel is tested where a function is entered and where a loop is reached.

Conventions: ``f`` is a local that always holds what the global ``fuel`` does, so that charging
waits for no load; ``d`` is the call depth that is left inside of this function, ``s`` what
``unspent`` was when it was entered, and ``e`` the operand of an indirect call. The last three are
there where they are needed.
"""

from __future__ import annotations

from array import array
from functools import cached_property
from itertools import compress, count
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ..binary.leb128 import read_u32
from ..isa import CONTROL_FORMS
from ..text.encoding import TYPES, signed, unsigned
from ..valid.blockmap import BlockMap, Control, Try
from ..valid.bodies import SPLITS
from ..watch import on_account, rarely
from .assembler import assemble

if TYPE_CHECKING:
    from ..isa import ControlForm, Instruction
    from .plan import Plan

__all__ = ["BodyWriter", "Piece"]

_NUMBER = itemgetter(0)
#: forms behind which a basic block begins that control comes to
_BEGINS_BEHIND = SPLITS - {name for name, form in CONTROL_FORMS.items() if form.leaves}


#: bytes of a new body; where they begin in the file if they were copied, else the offset of the
#: instruction in whose place they are, or -1 where none of the function has begun; whether copied
Piece = tuple[bytes, int, bool]


class BodyWriter:
    """Writes the new body of one function."""

    def __init__(self, plan: Plan, index: int) -> None:
        self.plan = plan
        self.module = plan.module
        self.body: BlockMap = plan.module.block_map(index)
        self.rows = plan.module.isa.rows
        self.pieces: list[Piece] = []
        #: offset of the first byte that is not copied yet, relative to the code
        self._done = 0
        #: blocks that are open
        self._open = 0
        forms = {self.rows[self.body.code[pc][0]].form for pc in self.body.control}
        kinds = [CONTROL_FORMS[form] for form in forms if form is not None]
        #: it calls, or catches what others throw: then others see the depth that it leaves
        self.deep = any(kind.calls or kind.catches for kind in kinds)
        catches = any(kind.catches and kind.opens for kind in kinds)
        plan.catches = plan.catches or catches
        # where nobody throws, nothing is caught
        self._catches = catches and plan.throws
        self._notes = plan.noted >= 0 and any(kind.calls and kind.chooses for kind in kinds)
        self._caught_at = self._landings() if self._catches else frozenset()
        self._layout_locals()

    def _layout_locals(self) -> None:
        first = len(self.body.locals)
        self.f, self.d, self.s = first, first + 1, first + 2
        kinds = ["i64"] + ["i32"] * self.deep + ["i64"] * self._catches
        self.e = first + len(kinds)
        kinds += ["i32"] * self._notes
        self._locals = b"".join(b"\x01" + TYPES[kind] for kind in kinds)
        self._groups = len(kinds)

    def _landings(self) -> frozenset[Control]:
        """The blocks behind which, or the loops at which, code goes on that caught something."""
        tries = (self.body.code[pc][1] for pc in self.body.control)
        return frozenset(
            clause.branch.target
            for control in tries
            if isinstance(control, Try)
            for clause in control.catches
            if clause.branch is not None
        )

    # -- the whole

    def write(self) -> list[Piece]:
        """The new body, its length left aside."""
        self._declare_locals()
        self._enter()
        code, last = self.body.code, len(self.body.code) - 1
        numbers = map(_NUMBER, code)
        special = self.plan.special
        for pc in rarely(compress(count(), map(special.__contains__, numbers)), on_account):
            if pc == last:
                break
            number, x = code[pc]
            row = self.rows[number]
            if row.form is None:
                self._replace(pc, row)
            else:
                self._control(pc, row, x)
        self._copy_to(self.body.offsets[last])
        self._leave_at_end()
        self._done = self.body.offsets[last]
        self._copy_to(self.plan.ends[self.body.base] - self.body.base)
        return self.pieces

    def _declare_locals(self) -> None:
        start, base = self.plan.starts[self.body.base], self.body.base
        groups, after = read_u32(self.module.data, start)
        self._add(unsigned(groups + self._groups), 0)
        self.pieces.append((self.module.data[after:base], after, True))
        self._add(self._locals, 0)

    def _enter(self) -> None:
        """What happens on entry: depth first, whose trap the caller has, then fuel."""
        plan, depth = self.plan, self.body.depth
        if self.deep:
            text = f"""\
global.get {plan.depth}
i32.const {depth}
i32.sub
local.tee {self.d}
i32.const 0
i32.lt_s
if -
call {plan.exhausted}
unreachable
end
local.get {self.d}
global.set {plan.depth}"""
        else:
            text = f"""\
global.get {plan.depth}
i32.const {depth}
i32.lt_s
if -
call {plan.exhausted}
unreachable
end"""
        self._add(assemble(text), -1)
        text = f"global.get {plan.fuel}\nlocal.set {self.f}"
        if self._catches:
            text += f"\nglobal.get {plan.unspent}\nlocal.set {self.s}"
        self._add(assemble(text), 0)
        self._charge(self.body.entry_fuel, 0)
        self._test(0)
        if self.deep:
            # around the code, so that whatever leaves comes by its end
            self._add(assemble(f"block {plan.block_type(self.body.type.results)}"), 0)

    def _leave_at_end(self) -> None:
        if not self.deep:
            return
        at = len(self.body.code) - 1
        self._add(assemble("end"), at)
        if any(control.form == "func" for control in self._caught_at):
            self._land(at)
        self._leave(at)

    def _leave(self, pc: int) -> None:
        text = f"""\
global.get {self.plan.depth}
i32.const {self.body.depth}
i32.add
global.set {self.plan.depth}"""
        self._add(assemble(text), pc)

    # -- what is added

    def _charge(self, cost: int, pc: int) -> None:
        if cost:
            head, tail = self._charging
            self._add(head + signed(cost, 64) + tail, pc)

    @cached_property
    def _charging(self) -> tuple[bytes, bytes]:
        """What is around the amount of a charge, which is the immediate of a constant."""
        head = assemble(f"local.get {self.f}\ni64.const 0")[:-1]
        return head, assemble(f"i64.sub\nlocal.tee {self.f}\nglobal.set {self.plan.fuel}")

    def _test(self, pc: int) -> None:
        self._add(self._testing, pc)

    @cached_property
    def _testing(self) -> bytes:
        return assemble(f"""\
local.get {self.f}
i64.const 0
i64.lt_s
if -
local.get {self.f}
call {self.plan.refill}
local.tee {self.f}
global.set {self.plan.fuel}
end""")

    def _reload(self, pc: int) -> None:
        """What was called has charged, too."""
        self._add(self._reloading, pc)

    @cached_property
    def _reloading(self) -> bytes:
        return assemble(f"global.get {self.plan.fuel}\nlocal.set {self.f}")

    @cached_property
    def _noting(self) -> bytes:
        return assemble(f"local.tee {self.e}\nglobal.set {self.plan.noted}\nlocal.get {self.e}")

    def _land(self, pc: int) -> None:
        """Where code goes on that caught an exception: depth is that of this function again, and
        what was passed by is given back. Whoever comes here otherwise changes nothing by it."""
        plan = self.plan
        self._add(assemble(f"""\
local.get {self.d}
global.set {plan.depth}
global.get {plan.fuel}
global.get {plan.unspent}
local.get {self.s}
i64.sub
i64.add
local.tee {self.f}
global.set {plan.fuel}
local.get {self.s}
global.set {plan.unspent}"""), pc)  # fmt: skip

    # -- instructions that move control

    def _control(self, pc: int, row: Instruction, x: Any) -> None:
        form = row.form or ""
        kind = CONTROL_FORMS[form]
        if kind.throws or kind.catches:
            self.plan.require_known(row, self.body.base + self.body.offsets[pc])
        self._open += kind.opens - kind.closes
        if kind.calls:
            self._call(pc, row, kind)
        elif form == "return" and self.deep:
            self._copy_to(self.body.offsets[pc])
            self._skip(pc)
            self._add(assemble(f"br {self._open}"), pc)
        elif form in _BEGINS_BEHIND:
            self._begin_block(pc, form, x)

    def _begin_block(self, pc: int, form: str, x: Any) -> None:
        cost = self.body.costs[pc + 1]
        lands = form in ("loop", "end") and x in self._caught_at
        if not (cost or lands or form == "loop"):
            return
        self._copy_to(self.body.offsets[pc + 1])
        if lands:
            self._land(pc)
        self._charge(cost, pc)
        if form == "loop":
            self._test(pc)

    def _call(self, pc: int, row: Instruction, kind: ControlForm) -> None:
        self._copy_to(self.body.offsets[pc])
        leaves = kind.leaves
        if self._notes and kind.chooses:
            self._add(self._noting, pc)
        if leaves:
            self._leave(pc)
        if self.plan.tests_calls(row, self.body.code[pc][1]):
            self._test(pc)
        behind = 0 if leaves or not self.plan.throws else self._behind(pc)
        if behind:
            self._spend("add", behind, pc)
        self._moved(pc, row)
        if behind:
            self._spend("sub", behind, pc)
        if not leaves:
            self._reload(pc)

    def _spend(self, operation: str, behind: int, pc: int) -> None:
        """Notes what an exception of the callee passes by, while it runs."""
        unspent = self.plan.unspent
        self._add(assemble(
            f"global.get {unspent}\ni64.const {behind}\ni64.{operation}\nglobal.set {unspent}"
        ), pc)  # fmt: skip

    def _behind(self, pc: int) -> int:
        """Fuel of the instructions behind a call, to the end of its basic block."""
        return self._to_the_end[pc + 1]

    @cached_property
    def _to_the_end(self) -> array[int]:
        """Fuel from each instruction on to the end of its basic block."""
        found, behind = array("Q", bytes(8 * (len(self.body.code) + 1))), 0
        for pc in rarely(range(len(self.body.code) - 1, -1, -1), on_account):
            row = self.rows[self.body.code[pc][0]]
            behind = row.fuel + (0 if row.form in SPLITS else behind)
            found[pc] = behind
        return found

    # -- other instructions

    def _replace(self, pc: int, row: Instruction) -> None:
        """An instruction that charges more than itself, or that names what has moved."""
        self._copy_to(self.body.offsets[pc])
        if row.length is None and row.charge is None:
            self._moved(pc, row)
            return
        self._skip(pc)
        helper = self.plan.helper(row, self._bytes(pc))
        self._add(assemble(f"call {helper}"), pc)
        self._reload(pc)

    def _moved(self, pc: int, row: Instruction) -> None:
        """The instruction with the index that functions and globals have now."""
        data = self._bytes(pc)
        moved = self.plan.moved(row, data)
        if moved != data:
            self._skip(pc)
            self._add(moved, pc)
        else:
            self._copy_to(self.body.offsets[pc + 1])

    # -- bytes

    def _bytes(self, pc: int) -> bytes:
        base, offsets = self.body.base, self.body.offsets
        return self.module.data[base + offsets[pc] : base + offsets[pc + 1]]

    def _copy_to(self, offset: int) -> None:
        base = self.body.base
        if offset > self._done:
            start = base + self._done
            self.pieces.append((self.module.data[start : base + offset], start, True))
            self._done = offset

    def _skip(self, pc: int) -> None:
        self._done = self.body.offsets[pc + 1]

    def _add(self, data: bytes, pc: int) -> None:
        origin = -1 if pc < 0 else self.body.base + self.body.offsets[pc]
        self.pieces.append((data, origin, False))
