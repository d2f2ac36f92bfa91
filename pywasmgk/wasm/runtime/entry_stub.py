"""The way from Python into a compiled function: what ``Func`` does when it is called.

It does what ``calls.invoke``, ``calls.Account`` and ``Binding.enter`` do, in one function that is
written for the function's type: its arguments have names, and what does not depend on them is
looked up once. Beside a call of so little as an addition, each of those steps would be dear.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import TYPE_CHECKING, Any

from ...errors import GuestError
from ..compiler.compiled import SPARE
from ..types import FuncType, ValType
from .metering import (
    CURRENT,
    EASY_ENTRIES,
    FIRST_SLICE,
    FRAMES_LEFT,
    STUBS,
    Meter,
    Renewed,
    ThreadState,
)
from .values import INWARD, OUTWARD, results_to_python

if TYPE_CHECKING:
    from .functions import Func

__all__ = ["entrance"]

#: parameters above which a type is not worth a text of its own
_MOST_PARAMS = 16

_TEXT = """\
def make(func, instance, domain, binding, template, fuel, cell, top, invoke):
    terms, seat = template.terms, domain.seat
    allowed, clock, kinds = terms.budget, terms.clock, func.type.results
    deepest = template.depth

    def call({params}):
        {inward}
        state = CURRENT.state
        outer = state.meter
        if outer is not None and not outer.outside:
            outer = state.checked()
        if outer is None:
            # Meter.renewed
            meter = Renewed()
            meter.terms = terms
            meter.started = clock()
            # one look: another thread may have the template go on
            meter.left = left = template.left
            meter.reserve = allowed - left
            meter.depth = depth = deepest
            meter.budget = budget = state.frames
            meter.entries = 1
        elif (
            (outer.entries >= EASY_ENTRIES and not has_room(state, outer))
            or outer.budget - state.floor < FRAMES_LEFT
            or not outer.depth
        ):
            return give(kinds, invoke(func, ({params})))
        else:
            meter, depth, budget = outer, outer.depth, outer.budget
        # ThreadState.room
        reach = budget - state.floor
        if reach > depth:
            reach = depth
        held = before = inside = None
        sound = True
        try:
            if outer is None:
                state.meter = meter
            # Domain.enter
            if outer is None or seat.get(0) is not meter:
                held = domain if seat.setdefault(0, meter) is meter else domain.enter(meter)
            elif domain.dead is not None:
                held = domain.enter(meter)
            if outer is not None:
                # Meter.resume
                now, token = meter.terms, meter.cancel
                if (
                    now.progress is not None
                    or (token is not None and token.cancelled)
                    or (now.timeout is not None and now.clock() >= meter.started + now.timeout)
                ):
                    meter.expire(meter.left)
                meter.entries += 1
                inside = True
            if binding.reach != reach or binding.depth != depth or binding.budget != budget:
                # Binding.limit
                before = binding.depth, binding.budget, binding.reach
                binding.depth, binding.budget, binding.reach = depth, budget, reach
                top.cell_contents = reach - SPARE
            fuel.cell_contents = meter.left
            sound = False
            try:
                result = cell.cell_contents({params}0)
            except BaseException as error:
                why = error.__cause__
                error = binding.explain(error, meter)
                sound = True
                raise error from why
            sound = True
            meter.left = left = fuel.cell_contents
            # results go to the host: a test point
            if left < 0:
                meter.refill(left)
        except GuestError as error:
            # the innermost account knows it first
            if error.fuel_used is None:
                error.fuel_used = meter.fuel_used
            raise
        finally:
            if not sound:
                domain.kill("an exception of the host's")
            # who was not let in changes nothing: another thread may be inside
            if outer is not None:
                if inside:
                    if before is not None:
                        binding.depth, binding.budget, binding.reach = before
                        top.cell_contents = before[2] - SPARE
                    meter.depth, meter.budget = depth, budget
                    meter.entries -= 1
            elif held is not None:
                left = meter.left
                instance.fuel_used = meter.terms.budget - meter.reserve - left
                if left > 0:
                    # the next account goes on with the slice (Meter.follow)
                    template.left = left if left < FIRST_SLICE else FIRST_SLICE
                    template.reserve = allowed - template.left
            # Domain.leave
            if held is domain and domain.dead is None and domain.parent is None:
                seat.clear()
            elif held is not None:
                held.leave()
            if outer is None:
                if state.kept:
                    state.let_go()
                # last: while the account is open, who is inside is alive
                state.meter = None
                # Meter.forget
                meter.told = meter.host_error = None
        return {outward}

    return call
"""

#: when an argument is not yet as the engine has it, by type; otherwise it may always be so
_FOREIGN = {
    ValType.I32: "{0}.__class__ is not int or not 0 <= {0} < 0x80000000",
    ValType.I64: "{0}.__class__ is not int or not 0 <= {0} < 0x8000000000000000",
    ValType.F64: "{0}.__class__ is not float",
}
#: the result as Python has it, by type; for other types as ``OUTWARD`` says
_SIGNED = {
    ValType.I32: "(result ^ 0x80000000) - 0x80000000",
    ValType.I64: "(result ^ 0x8000000000000000) - 0x8000000000000000",
}


def entrance(func: Func, invoke: Callable[..., Any]) -> Callable[..., Any] | None:
    """A function that takes a compiled function's arguments from Python and gives what it gives.

    ``invoke`` does the same on the long way; it is asked when somebody must see to Python's stack,
    or no call depth is left. ``None`` where that has to do always:
    for functions with many parameters, and where somebody wants to look from the beginning on.
    """
    instance = func.instance
    if instance is None or not func.compiled or len(func.type.params) > _MOST_PARAMS:
        return None
    if not instance.template.terms.quick or not instance.template.depth:
        return None
    binding = instance.tiers.binding
    cell = binding.function_cell(func.index)
    maker: Callable[..., Callable[..., Any]] = _maker(func.type)
    return maker(
        func,
        instance,
        instance.domain,
        binding,
        instance.template,
        binding.fuel,
        cell,
        binding.top,
        invoke,
    )


@lru_cache(maxsize=256)
def _maker(kind: FuncType) -> Any:
    """What makes entrances of functions of a type."""
    names = [f"a{number}" for number in range(len(kind.params))]
    namespace: dict[str, Any] = {
        "CURRENT": CURRENT,
        "EASY_ENTRIES": EASY_ENTRIES,
        "FIRST_SLICE": FIRST_SLICE,
        "FRAMES_LEFT": FRAMES_LEFT,
        "GuestError": GuestError,
        "Renewed": Renewed,
        "SPARE": SPARE,
        "give": results_to_python,
        "has_room": _has_room,
        **{f"take_{kind}": take for kind, take in INWARD.items()},
        **{f"give_{kind}": give for kind, give in OUTWARD.items()},
    }
    text = _TEXT.format(
        params="".join(f"{name}, " for name in names),
        inward="\n        ".join(map(_inward, kind.params, names)),
        outward=_outward(kind.results),
    )
    exec(compile(text, "<pywasmgk>", "exec", dont_inherit=True), namespace)
    make = namespace["make"]
    STUBS.update(item for item in make.__code__.co_consts if isinstance(item, CodeType))
    return make


def _has_room(state: ThreadState, meter: Meter) -> bool:
    """Whether one more call may be open on an account, with what Python's stack has now."""
    frame = sys._getframe(1)
    return meter.entries < state.entries and state.has_room_for_hosts(meter, frame)


def _inward(kind: ValType, name: str) -> str:
    """The line that makes an argument what the engine has."""
    foreign = _FOREIGN.get(kind)
    test = "" if foreign is None else f"if {foreign.format(name)}: "
    return f"{test}{name} = take_{kind}({name})"


def _outward(kinds: tuple[ValType, ...]) -> str:
    """The expression for what Python gets."""
    if len(kinds) != 1:
        return "give(kinds, result)" if kinds else "None"
    kind = kinds[0]
    return _SIGNED.get(kind) or (f"give_{kind}(result)" if kind in OUTWARD else "result")
