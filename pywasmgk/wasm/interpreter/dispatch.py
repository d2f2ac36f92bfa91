"""Writes the dispatch loop from the rows of the instruction set.

The loop does one wasm instruction a turn. Which one is found by a decision tree over dense
operation numbers, shaped by how often they occur, with the meaning of each instruction inline at
its leaf. There are two loops: ``run`` goes to the end, ``step`` so many instructions. ``_run.py``
and ``_step.py`` hold those of the standard set, so that importing costs nothing, and only who steps
imports the second one; a test keeps them equal to what this module writes (``python -m
pywasmgk.wasm.interpreter.dispatch`` renews them).

Names in the loop: ``operations pc stack locals_ func`` are the running frame, ``frames`` those
below it, ``op x`` the operation and its immediate, ``fuel`` what is left of the meter's slice (None
while a host function runs), ``a b c d r t`` operands, result and scratch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from textwrap import indent
from typing import Any, NamedTuple

from ..isa import STANDARD, Instruction, InstructionSet
from .control import CHOSEN, CONTROL, ENTER_INSTANCE, REFILL, STEPPED

__all__ = ["FETCH", "LOOPS", "Dispatch", "dispatch_for", "loop_source"]

_HEADER = '''\
"""A dispatch loop, generated from the rows of ``isa`` by ``dispatch``: do not edit.

``python -m pywasmgk.wasm.interpreter.dispatch`` writes this file anew.
"""

# ruff: noqa
# mypy: ignore-errors

from pywasmgk.wasm.interpreter.loop_names import *
'''

_PROLOGUE = '''
def {name}(execution, meter{parameters}):
    """{doc}"""
    frames = execution.frames
    refill = meter.refill
    hot = {hot}
    depth = meter.depth
    fuel = meter.left
    F = memoryview(bytearray(4)).cast("f")
    operations, pc, stack, locals_, func = frames.pop()
    instance = func.instance
    funcs, tables, globs, memory, datas, elems = instance.environment
    mem = memory.data if memory is not None else None
    while True:
        try:
            while True:
'''

_EPILOGUE = """\
        except BaseException as error:
            if fuel is not None:
                meter.left = fuel
            frames.append((operations, pc, stack, locals_, func))
            {last}depth = catch(error, execution, meter, depth)
        # a frame of this execution catches it
        fuel = meter.left
        operations, pc, stack, locals_, func = frames.pop()
"""


class Operation(NamedTuple):
    """What the loop does for one operation number."""

    #: in millionths, since sums of floats differ between versions of Python
    weight: int
    #: the opcode, or the name of what is a form of control
    key: int | str
    #: ``None`` for what is a form of control
    row: Instruction | None

    # only who writes the loop needs the rest

    @property
    def name(self) -> str:
        """What a reader knows it by."""
        return str(self.key) if self.row is None else f"{self.row.encoding} {self.row.name}"

    def body(self, loop: _Loop) -> str:
        """Its lines, in one loop or another."""
        if self.row is not None:
            return _body(self.row, loop.counting)
        name = str(self.key)
        if loop.counting and name == "stop":
            # the instruction in whose place it stands has not run
            return "counts[pc - 1] -= 1\n" + STEPPED[name]
        if loop.counting and name == "br_table":
            return CHOSEN + CONTROL[name][1]
        return STEPPED[name] if loop.stepping and name in STEPPED else CONTROL[name][1]


# -- one instruction's lines


def _operation(row: Instruction) -> Operation:
    return Operation(round(row.weight * 1000), row.opcode, row)


def _body(row: Instruction, counting: bool) -> str:
    typing = row.typing
    count = len(typing.params) if typing else 0
    gives = bool(typing and typing.results)
    if gives and row.meaning == "{a}" and count == 1 and not row.rounds:
        # the result is the operand, which stays where it is
        return _fill(row, row.effect + "\n", a="stack[-1]") if row.effect else "pass\n"
    lines, names = _take_operands(row, count, gives)
    for guard in row.guards:
        lines += [f"if {guard.condition}:", f"    raise {guard.trap}"]
    if row.length:
        lines += [f"fuel -= {row.length}", *REFILL.splitlines()]
        lines += [f"counts.charge(pc - 1, {row.length})"] * counting
    if row.effect:
        lines.append(row.effect)
    lines += _give_result(row, count) if gives else []
    if row.charge and counting:
        lines.append(f"counts.charge(pc - 1, {row.charge})")
    if row.moves_memory:
        lines += ["mem = memory.data", "fuel = meter.expire(fuel)"]
    return _fill(row, "\n".join(lines or ["pass"]) + "\n", **names)


def _take_operands(row: Instruction, count: int, gives: bool) -> tuple[list[str], dict[str, str]]:
    """Lines that name the operands, and what the templates call them. One that is used once needs
    no name where it can be read in place; traps tell the addresses of stores."""
    text = " ".join(
        (
            row.meaning,
            row.second,
            row.effect,
            row.update,
            row.length or "",
            row.charge or "",
            *(guard.condition for guard in row.guards),
        )
    )
    names = {}
    lines = []
    for position in reversed(range(count)):
        name = "abcd"[position]
        source = "stack[-1]" if gives and position == 0 else "stack.pop()"
        once = text.count(f"{{{name}}}") == 1 and (gives or row.native is None)
        if position == 0 and once and (gives or row.meaning or row.effect):
            names[name] = source
        else:
            names[name] = name
            lines.append(f"{name} = {source}" if text.count(f"{{{name}}}") else source)
    return lines, names


def _give_result(row: Instruction, count: int) -> list[str]:
    value = f"1 if {row.meaning} else 0" if row.condition else row.meaning
    lines = []
    if row.rounds:
        lines.append(f"F[0] = {value}")
        value = "F[0]"
    if row.charge or row.update:
        lines.append(f"r = {value}")
        value = "r"
    lines.append(f"stack[-1] = {value}" if count else f"stack.append({value})")
    if row.second:
        lines.append(f"stack.append({row.second})")
    if row.update:
        lines.append(row.update)
    if row.charge:
        lines.append(f"fuel -= {row.charge}")
    return lines


def _fill(row: Instruction, text: str, **names: str) -> str:
    """Puts names into a template; of an immediate that is a tuple, its parts."""
    several = len(row.immediates) > 1
    names = {
        "x": "x[0]" if several else "x",
        "y": "x[1]",
        "offset": "x[0]" if several else "x",
        "value": "x",
        "local": "locals_[x]",
        "glob": "globs[x].cell_contents",
        "t": "t",
        "r": "r",
        **names,
    }
    return re.sub(r"\{(\w+)\}", lambda match: names[match[1]], text)


# -- the whole loop


def _operations(instructions: InstructionSet) -> dict[int, Operation]:
    """By number, in order: forms of control are below zero, the frequent ones last; everything else
    has the dense number of its row, so that a function's code is that of its block map but for
    control."""
    control = [Operation(round(weight * 1000), name, None) for name, (weight, _) in CONTROL.items()]
    control.sort(key=lambda operation: operation.weight)
    numbered = dict(enumerate(control, -len(control)))
    plain = enumerate(instructions.rows)
    return numbered | {number: _operation(row) for number, row in plain if row.form is None}


def _tree(operations: Sequence[tuple[int, Operation]], indent: int, loop: _Loop) -> Iterator[str]:
    """The decision tree over operations with their numbers, split where weights balance."""
    pad = "    " * indent
    weights = [operation.weight for _, operation in operations]
    if len(operations) == 1:
        operation = operations[0][1]
        yield f"{pad}# {operation.name}\n"
        yield from (f"{pad}{line}\n" for line in operation.body(loop).splitlines())
        return
    total = sum(weights)
    split, weight = 1, weights[0]
    while split < len(operations) - 1 and 2 * weight + weights[split] <= total:
        weight += weights[split]
        split += 1
    yield f"{pad}if op < {operations[split][0]}:\n"
    yield from _tree(operations[:split], indent + 1, loop)
    yield f"{pad}else:\n"
    yield from _tree(operations[split:], indent + 1, loop)


class _Loop(NamedTuple):
    """What one of the loops has of its own."""

    parameters: str
    #: what is asked at the head of a wasm loop, whether compiled code takes over
    hot: str
    doc: str
    #: what is done before each instruction
    pause: str = ""
    #: every instruction is to be seen, free ones too
    stepping: bool = False
    #: what is done before an exception is raised
    last: str = ""
    #: it counts what it executes
    counting: bool = False
    #: it is kept in a file
    on_file: bool = True


_PAUSE = """\
                if not turns:
                    execution.turns = 0
                    meter.left = fuel
                    meter.depth = depth
                    frames.append((operations, pc, stack, locals_, func))
                    return None
                turns -= 1
"""

#: the loops by name
LOOPS = {
    "run": _Loop(
        "",
        "is_hot",
        "Runs to the end; gives the results, or None at a loop that is compiled by now.",
    ),
    "step": _Loop(
        ", turns",
        "is_never_hot",
        "Runs so many instructions; gives the results, or None if it has not ended.",
        _PAUSE,
        stepping=True,
        last="execution.turns = turns\n            ",
    ),
    "count": _Loop(
        ", turns",
        "is_never_hot",
        "Runs so many instructions, counted; gives the results, or None if it has not ended.",
        _PAUSE + "                counts[pc] += 1\n",
        stepping=True,
        last="execution.turns = turns\n            ",
        counting=True,
        on_file=False,
    ),
}
#: how many lines below that of its ``def`` a loop takes the next operation; one that counts has
#: found its counters before
FETCH = {name: _PROLOGUE.count("\n") - 1 + loop.counting for name, loop in LOOPS.items()}
#: where a loop comes to another frame
_FRAME_CHANGES = re.compile(r"^( *)operations, pc, .* = .*\n", re.MULTILINE)


def loop_source(instructions: InstructionSet, name: str) -> str:
    """The module with one of LOOPS, as text."""
    loop = LOOPS[name]
    head = _PROLOGUE.format(name=name, parameters=loop.parameters, hot=loop.hot, doc=loop.doc)
    # before it pauses: what was dropped is made again then
    fetch = "                op, x = operations[pc]\n"
    tree = "".join(_tree([*_operations(instructions).items()], 4, loop))
    end = _EPILOGUE.format(last=loop.last) + indent(ENTER_INSTANCE, "        ")
    go_on = "                pc += 1\n"
    text = "".join((_HEADER, "\n", head, fetch, loop.pause, go_on, tree, end))
    if loop.counting:
        change = r"\g<0>\1counts = execution.counts_in(func, len(frames))\n"
        text = _FRAME_CHANGES.sub(change, text)
    return text


class Dispatch:
    """The loops of an instruction set, and its numbering of operations."""

    def __init__(self, instructions: InstructionSet) -> None:
        #: by operation number
        self.operations = _operations(instructions)
        #: of forms of control, by name
        self.control = {str(found.key): n for n, found in self.operations.items() if n < 0}
        #: by dense number of the instruction set
        self.forms = [row.form or "" for row in instructions.rows]
        self._instructions = instructions
        self.run = _loop(instructions, "run")

    @cached_property
    def step(self) -> Callable[..., Any]:
        """The loop that pauses; few ever step."""
        return _loop(self._instructions, "step")

    @cached_property
    def count(self) -> Callable[..., Any]:
        """The loop that counts."""
        return _loop(self._instructions, "count")


def _loop(instructions: InstructionSet, name: str) -> Callable[..., Any]:
    """One of LOOPS; those of the standard set are on file."""
    namespace: dict[str, Any] = {}
    if instructions is not STANDARD or not LOOPS[name].on_file:
        exec(compile(loop_source(instructions, name), f"<{name} loop>", "exec"), namespace)
    elif name == "run":
        from . import _run

        namespace = vars(_run)
    else:
        from . import _step

        namespace = vars(_step)
    loop: Callable[..., Any] = namespace[name]
    return loop


@lru_cache(maxsize=8)
def dispatch_for(instructions: InstructionSet) -> Dispatch:
    """The dispatch of an instruction set, made once."""
    return Dispatch(instructions)


if __name__ == "__main__":
    for loop in (name for name, found in LOOPS.items() if found.on_file):
        path = Path(__file__).with_name(f"_{loop}.py")
        path.write_text(loop_source(STANDARD, loop), encoding="utf-8")
