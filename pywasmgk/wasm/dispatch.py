"""Writes the dispatch loop from the rows of the instruction set.

The loop does one wasm instruction a turn. Which one is found by a decision tree over dense
operation numbers, shaped by how often they occur, with the meaning of each instruction inline at
its leaf. ``_loop.py`` holds the loop of the standard set, so that importing costs nothing; a test
keeps it equal to what this module writes (``python -m pywasmgk.wasm.dispatch`` renews it).

Names in the loop: ``operations pc stack locals_ func`` are the running frame, ``frames`` those
below it, ``op x`` the operation and its immediate, ``fuel`` what is left of the meter's slice (None
while a host function runs), ``a b c r t`` operands, result and scratch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from textwrap import indent
from typing import Any, NamedTuple

from .isa import STANDARD, Instruction, InstructionSet

__all__ = ["Dispatch", "dispatch_for", "loop_source"]

_HEADER = '''\
"""The dispatch loops, generated from the rows of ``isa`` by ``dispatch``: do not edit.

``python -m pywasmgk.wasm.dispatch`` writes this file anew.
"""

# ruff: noqa
# mypy: ignore-errors

from pywasmgk.wasm.loop_names import *
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
    try:
        while True:
'''

_EPILOGUE = """\
    except BaseException as error:
        if fuel is not None:
            meter.left = fuel
        frames.append((operations, pc, stack, locals_, func))
        raise explain(error, execution, meter)
"""

_ENTER_INSTANCE = """\
instance = func.instance
funcs, tables, globs, memory, datas, elems = instance.environment
mem = memory.data if memory is not None else None
"""

_REFILL = """\
if fuel < 0:
    fuel = refill(fuel)
"""

#: arriving at a loop: a test point, where compiled code may take over
_ARRIVE = """\
if fuel < 0:
    fuel = refill(fuel)
    if hot(func, pc, len(stack), meter):
        meter.left, meter.depth = fuel, depth
        frames.append((operations, pc, stack, locals_, func))
        return None
"""

_UNWIND = """\
if height >= 0:
    del stack[height:len(stack) - arity]
"""

_RESOLVE = """\
code = callee.ready
if code is None:
    code = callee.resolve(meter)
    if code is None:
        if fuel < 0:
            if callee.host is not None:
                fuel = refill(fuel)
            else:
                meter.note(fuel)
            hot(func, 0, 0, meter)
        meter.left, fuel, meter.depth = fuel, None, depth
        t = len(stack) - callee.nparams
        r = stack[t:]
        del stack[t:]
        stack += callee.call_outside(instance, meter, r)
        fuel = meter.left
        mem = memory.data if memory is not None else None
        continue
"""

_ENTER = (
    """\
depth -= code.depth
if depth < 0:
    raise Trap(STACK_OVERFLOW)
frames.append((operations, pc, stack, locals_, func))
t = code.nparams
if t:
    r = stack[-t:]
    del stack[-t:]
    locals_ = r + code.zeros
else:
    locals_ = code.zeros[:]
operations, pc, stack, func = code.operations, 0, [], callee
if func.instance is not instance:
"""
    + "".join(f"    {line}\n" for line in _ENTER_INSTANCE.splitlines())
    + """\
fuel -= code.entry
if code.large:
    fuel = meter.expire(fuel)
if fuel < 0:
    # a slice that was used up before the call was used up by the caller
    r = func if fuel + code.entry >= 0 else frames[-1][4]
    fuel = refill(fuel)
    hot(r, 0, 0, meter)
"""
)

#: the control forms, each variant with its weight; immediates are what ``code`` resolves them to
_CONTROL: dict[str, tuple[float, str]] = {
    "nop": (30, "pass\n"),
    "charge": (25, "fuel -= x\n"),
    "loop": (5, "fuel -= x\n" + _ARRIVE),
    "if": (
        12,
        """\
t, pc_else, cost = x
if stack.pop():
    fuel -= t
else:
    pc = pc_else
    fuel -= cost
""",
    ),
    "jump": (12, "pc, cost = x\nfuel -= cost\n"),
    "jump_loop": (10, "pc, cost = x\nfuel -= cost\n" + _ARRIVE),
    "br_unwind": (
        0.5,
        """\
(pc, cost, loops, height, arity), t = x
fuel -= cost
"""
        + _UNWIND
        + "if loops:\n"
        + indent(_ARRIVE, "    "),
    ),
    "br_if": (
        35,
        """\
t, cost, fall = x
if stack.pop():
    pc = t
    fuel -= cost
else:
    fuel -= fall
""",
    ),
    "br_if_loop": (
        20,
        """\
t, cost, fall = x
if stack.pop():
    pc = t
    fuel -= cost
"""
        + indent(_ARRIVE, "    ")
        + """\
else:
    fuel -= fall
""",
    ),
    "br_if_unwind": (
        0.5,
        """\
t, fall = x
if stack.pop():
    pc, cost, loops, height, arity = t
    fuel -= cost
    if height >= 0:
        del stack[height:len(stack) - arity]
    if loops:
"""
        + indent(_ARRIVE, "        ")
        + """\
else:
    fuel -= fall
""",
    ),
    "br_table": (
        4,
        """\
t = stack.pop()
pc, cost, loops, height, arity = x[t] if t < len(x) else x[-1]
fuel -= cost
"""
        + _UNWIND
        + "if loops:\n"
        + indent(_ARRIVE, "    "),
    ),
    "return": (
        12,
        """\
depth += func.code.depth
r = stack
operations, pc, stack, locals_, func = frames.pop()
if x == 1:
    stack.append(r[-1])
elif x:
    stack += r[-x:]
if func.instance is not instance:
"""
        + "".join(f"    {line}\n" for line in _ENTER_INSTANCE.splitlines()),
    ),
    "call": (12, "callee = funcs[x]\n" + _RESOLVE + _ENTER),
    "call_indirect": (
        3,
        """\
t = stack.pop()
r = tables[x[1]].elements
if t >= len(r):
    raise Trap(TABLE_OUT_OF_BOUNDS, "undefined element")
callee = r[t]
if callee is None:
    raise Trap(INDIRECT_CALL_TO_NULL)
if callee.type is not x[0] and callee.type != x[0]:
    raise Trap(BAD_SIGNATURE, f"indirect call type mismatch: {callee.type}, not {x[0]}")
"""
        + _RESOLVE
        + _ENTER,
    ),
    "unreachable": (0.1, "raise Trap(UNREACHABLE)\n"),
    # not of the module: calls the outermost frame's function, in this tier come what may
    "enter": (0.1, "callee, code = func, func.code\n" + _ENTER),
    # not of the module: ends the outermost frame, whose operands are the results
    "halt": (
        0.1,
        """\
meter.left = fuel
return stack
""",
    ),
}


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

    @property
    def body(self) -> str:
        """Its lines."""
        return _CONTROL[str(self.key)][1] if self.row is None else _body(self.row)


# -- one instruction's lines


def _operation(row: Instruction) -> Operation:
    return Operation(round(row.weight * 1000), row.opcode, row)


def _body(row: Instruction) -> str:
    typing = row.typing
    count = len(typing.params) if typing else 0
    gives = bool(typing and typing.results)
    if gives and row.meaning == "{a}" and count == 1 and not row.rounds:
        # the result is the operand, which stays where it is
        return _fill(row, row.effect + "\n", a="stack[-1]") if row.effect else "pass\n"
    lines, names = _take_operands(row, count, gives)
    for guard in row.guards:
        lines += [f"if {guard.condition}:", f"    raise Trap({guard.code.name})"]
    if row.length:
        lines += [f"fuel -= {row.length}", *_REFILL.splitlines()]
    if row.effect:
        lines.append(row.effect)
    lines += _give_result(row, count) if gives else []
    if row.moves_memory:
        lines += ["mem = memory.data", "fuel = meter.expire(fuel)"]
    return _fill(row, "\n".join(lines or ["pass"]) + "\n", **names)


def _take_operands(row: Instruction, count: int, gives: bool) -> tuple[list[str], dict[str, str]]:
    """Lines that name the operands, and what the templates call them. One that is used once needs
    no name where it can be read in place."""
    text = " ".join(
        (
            row.meaning,
            row.effect,
            row.length or "",
            row.charge or "",
            *(guard.condition for guard in row.guards),
        )
    )
    names = {}
    lines = []
    for position in reversed(range(count)):
        name = "abc"[position]
        source = "stack[-1]" if gives and position == 0 else "stack.pop()"
        once = text.count(f"{{{name}}}") == 1
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
    if row.charge:
        lines.append(f"r = {value}")
        value = "r"
    lines.append(f"stack[-1] = {value}" if count else f"stack.append({value})")
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


def _operations(instructions: InstructionSet) -> list[Operation]:
    found = [_operation(row) for row in instructions.rows if row.form is None]
    found += [Operation(round(weight * 1000), name, None) for name, (weight, _) in _CONTROL.items()]
    return sorted(found, key=lambda operation: -operation.weight)


def _tree(operations: Sequence[Operation], first: int, indent: int) -> Iterator[str]:
    """The decision tree over operations from number ``first`` on, split where weights balance."""
    pad = "    " * indent
    if len(operations) == 1:
        yield f"{pad}# {operations[0].name}\n"
        yield from (f"{pad}{line}\n" for line in operations[0].body.splitlines())
        return
    total = sum(operation.weight for operation in operations)
    split, weight = 1, operations[0].weight
    while split < len(operations) - 1 and 2 * weight + operations[split].weight <= total:
        weight += operations[split].weight
        split += 1
    yield f"{pad}if op < {first + split}:\n"
    yield from _tree(operations[:split], first, indent + 1)
    yield f"{pad}else:\n"
    yield from _tree(operations[split:], first + split, indent + 1)


def loop_source(instructions: InstructionSet) -> str:
    """The module with both loops, as text."""
    operations = _operations(instructions)
    tree = "".join(_tree(operations, 0, 3))
    fetch = "            op, x = operations[pc]\n            pc += 1\n"
    run = _PROLOGUE.format(
        name="run",
        parameters="",
        hot="is_hot",
        doc="Runs to the end; gives the results, or None at a loop that is compiled by now.",
    )
    step = _PROLOGUE.format(
        name="step",
        parameters=", turns",
        hot="is_never_hot",
        doc="Runs so many instructions; gives the results, or None if it has not ended.",
    )
    pause = """\
            if not turns:
                meter.left = fuel
                meter.depth = depth
                frames.append((operations, pc, stack, locals_, func))
                return None
            turns -= 1
"""
    loops = (run, fetch, tree, _EPILOGUE, "\n", step, pause, fetch, tree, _EPILOGUE)
    return "".join((_HEADER, "\n", *loops))


class Dispatch:
    """The loops of an instruction set, and its numbering of operations."""

    def __init__(self, instructions: InstructionSet) -> None:
        #: by operation number
        self.operations = _operations(instructions)
        numbers = {operation.key: n for n, operation in enumerate(self.operations)}
        self.control = {name: numbers[name] for name in _CONTROL}
        #: by dense number of the instruction set: its form, or else its operation
        self.forms = [row.form or "" for row in instructions.rows]
        self.translated = [-1 if row.form else numbers[row.opcode] for row in instructions.rows]
        self.run, self.step = _loops(instructions)


def _loops(instructions: InstructionSet) -> tuple[Callable[..., Any], Callable[..., Any]]:
    if instructions is STANDARD:
        from . import _loop

        return _loop.run, _loop.step
    namespace: dict[str, Any] = {}
    exec(compile(loop_source(instructions), "<dispatch loop>", "exec"), namespace)
    return namespace["run"], namespace["step"]


@lru_cache(maxsize=8)
def dispatch_for(instructions: InstructionSet) -> Dispatch:
    """The dispatch of an instruction set, made once."""
    return Dispatch(instructions)


if __name__ == "__main__":
    Path(__file__).with_name("_loop.py").write_text(loop_source(STANDARD), encoding="utf-8")
