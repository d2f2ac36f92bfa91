"""What the dispatch loop does for each form of control: lines of Python, with weights.

``x`` is the immediate that ``code`` resolved; the other names are those of the loop (``dispatch``).
"""

from __future__ import annotations

from textwrap import indent

__all__ = ["CHOSEN", "CONTROL", "ENTER_INSTANCE", "REFILL", "STEPPED"]

ENTER_INSTANCE = """\
instance = func.instance
funcs, tables, globs, memory, datas, elems = instance.environment
mem = memory.data if memory is not None else None
"""

REFILL = """\
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

#: the arguments of a call, behind what stays on the stack
_TAKE = """\
t = len(stack) - callee.nparams
r = stack[t:]
del stack[t:]
"""


def _outside(call: str, caller: str, take: str) -> str:
    """Calls what does not run in this loop, for an instance."""
    return f"""\
meter.left, fuel, meter.depth = fuel, None, depth
{take}stack += {call}({caller}, meter, r)
fuel = meter.left
mem = memory.data if memory is not None else None
continue
"""


def _resolve(func: str, caller: str, take: str) -> str:
    """Finds the code of ``callee``, which a function of an instance calls, or calls it outside."""
    return (
        f"""\
code = callee.ready
if code is None:
    code = callee.resolve(meter)
    if code is None:
        if fuel < 0:
            if callee.host is not None:
                fuel = refill(fuel)
            else:
                meter.note(fuel)
            hot({func}, 0, 0, meter)
"""
        + indent(_outside("callee.call_outside", caller, take), " " * 8)
        + """\
code.calls -= 1
if not code.calls:
    callee.note_warm()
"""
    )


def _resolve_stepped(caller: str, take: str) -> str:
    """The same where the execution says what code a function has, and sees to calls of the host."""
    return """\
code = execution.code_of(callee, meter)
if code is None:
    if fuel < 0:
        if callee.host is not None:
            fuel = refill(fuel)
        else:
            meter.note(fuel)
""" + indent(_outside("execution.outside(callee)", caller, take), " " * 4)


#: a function leaves that calls another one in its place; ``a`` and ``b`` are what it was
_LEAVE = """\
t = len(stack) - callee.nparams
r = stack[t:]
a = instance
b = func
depth += func.code.depth
operations, pc, stack, locals_, func = frames.pop()
if func.instance is not instance:
""" + indent(ENTER_INSTANCE, "    ")

_RESOLVE = _resolve("func", "instance", _TAKE)
_RESOLVE_STEPPED = _resolve_stepped("instance", _TAKE)
_RESOLVE_TAIL = _LEAVE + _resolve("b", "a", "") + "stack += r\n"
_RESOLVE_TAIL_STEPPED = _LEAVE + _resolve_stepped("a", "") + "stack += r\n"

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
    + "".join(f"    {line}\n" for line in ENTER_INSTANCE.splitlines())
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

_CALL = "callee = funcs[x]\n"

_CALL_INDIRECT = """\
t = stack.pop()
r = tables[x[1]].elements
if t >= len(r):
    raise undefined(t, len(r))
callee = r[t]
if callee is None:
    raise uninitialized(t, len(r))
if callee.type is not x[0] and callee.type != x[0]:
    raise mismatched(t, len(r), callee.type, x[0])
"""

#: the control forms, each variant with its weight; immediates are what ``code`` resolves them to
CONTROL: dict[str, tuple[float, str]] = {
    "nop": (25, "pass\n"),
    "charge": (25, "fuel -= x\n"),
    # passes over free instructions, which this is the first of
    "skip": (5, "pc = x\n"),
    "loop": (5, "fuel -= x\n" + _ARRIVE),
    # before free instructions, loops among them: no test there can find more than this one did
    "loop_skip": (0.5, _ARRIVE + "pc = x\n"),
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
        + "".join(f"    {line}\n" for line in ENTER_INSTANCE.splitlines()),
    ),
    "call": (12, _CALL + _RESOLVE + _ENTER),
    "call_indirect": (3, _CALL_INDIRECT + _RESOLVE + _ENTER),
    "return_call": (0.1, _CALL + _RESOLVE_TAIL + _ENTER),
    "return_call_indirect": (0.1, _CALL_INDIRECT + _RESOLVE_TAIL + _ENTER),
    "unreachable": (0.1, "raise Trap(UNREACHABLE)\n"),
    "throw": (
        0.1,
        """\
t, r = x
raise thrown(instance.tags[t], stack[len(stack) - r:])
""",
    ),
    "throw_ref": (
        0.1,
        """\
t = stack.pop()
if t is None:
    raise Trap(NULL_EXCEPTION)
raise thrown(*t)
""",
    ),
    # of a legacy catch, whose exception is an operand
    "rethrow": (0.1, "raise thrown(*stack[x])\n"),
    # not of the module: calls the outermost frame's function, in this tier come what may
    "enter": (0.1, "callee, code = func, func.code\n" + _ENTER),
    # not of the module: in the place of a function's code that was dropped (``prepared``)
    "again": (0.1, "operations, pc = func.instance.tiers.prepare(func).operations, 0\n"),
    # not of the module: in the place of an instruction before which a stepped execution stops
    "stop": (0.1, "raise RuntimeError('a stop in a loop that does not step')\n"),
    # not of the module: ends the outermost frame, whose operands are the results
    "halt": (
        0.1,
        """\
meter.left = fuel
return stack
""",
    ),
}


#: before a table of branches, in the loop that counts; the default is the last label
CHOSEN = """\
t = stack[-1]
counts.choose(pc - 1, t if t < len(x) else len(x) - 1)
"""

#: what the stepping loop does otherwise
STEPPED = {
    # it shows every instruction
    "skip": "pass\n",
    "loop_skip": _ARRIVE,
    "call": _CALL + _RESOLVE_STEPPED + _ENTER,
    "call_indirect": _CALL_INDIRECT + _RESOLVE_STEPPED + _ENTER,
    "return_call": _CALL + _RESOLVE_TAIL_STEPPED + _ENTER,
    "return_call_indirect": _CALL_INDIRECT + _RESOLVE_TAIL_STEPPED + _ENTER,
    "stop": """\
meter.left, meter.depth = fuel, depth
frames.append((operations, pc - 1, stack, locals_, func))
execution.turns = turns + 1
execution.stopped = True
return None
""",
    "halt": """\
meter.left, meter.depth = fuel, depth
execution.turns = turns
return stack
""",
}
