"""The way from Python into a compiled function: what ``Func`` does when it is called.

It does what ``calls.invoke``, ``calls.Account`` and ``Binding.enter`` do, in one function that is
written for the function's type: its arguments have names, and what does not depend on them is
looked up once. Beside a call of so little as an addition, each of those steps would be dear.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...errors import GuestError
from ..metering import CURRENT, FIRST_SLICE, FRAMES_LEFT, Renewed
from ..types import FuncType, ValType
from ..values import INWARD, OUTWARD, results_to_python

if TYPE_CHECKING:
    from ..functions import Func

__all__ = ["entrance"]

#: parameters above which a type is not worth a text of its own
_MOST_PARAMS = 16

_TEXT = """\
def make(func, instance, domain, binding, template, fuel, cell, invoke, most_entries):
    terms, seat = template.terms, domain.seat
    allowed, clock, kinds = terms.budget, terms.clock, func.type.results
    most, deepest = template.budget, template.depth

    def call({params}):
        {inward}
        outer = CURRENT.meter
        if outer is None:
            # Meter.renewed
            meter = Renewed()
            meter.terms = terms
            meter.started = clock()
            # one look: another thread may have the template go on
            meter.left = left = template.left
            meter.reserve = allowed - left
            meter.depth = depth = deepest
            meter.budget = reach = most
            meter.entries = 1
        elif outer.entries >= most_entries or outer.budget < FRAMES_LEFT or not outer.depth:
            return give(kinds, invoke(func, ({params})))
        else:
            meter, depth, budget = outer, outer.depth, outer.budget
            reach = budget if budget < depth else depth
        held = base = None
        try:
            if outer is None:
                # Domain.enter
                try:
                    seat.pop()
                    domain.owner = meter
                    held = domain
                except IndexError:
                    held = domain.enter(meter)
                CURRENT.meter = meter
            else:
                if domain.owner is not meter or domain.dead is not None:
                    held = domain.enter(meter)
                base, before = binding.base, binding.reach
                # Meter.resume
                now, token = meter.terms, meter.cancel
                if (
                    now.progress is not None
                    or (token is not None and token.cancelled)
                    or (now.timeout is not None and now.clock() >= meter.started + now.timeout)
                ):
                    meter.expire(meter.left)
                meter.entries += 1
            if binding.reach != reach or binding.base != depth - reach:
                binding.limit(depth - reach, reach)
            fuel.cell_contents = meter.left
            try:
                result = cell.cell_contents({params}0)
            except BaseException as error:
                raise binding.explain(error, meter) from error.__cause__
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
            # who was not let in changes nothing: another thread may be inside
            if outer is not None:
                if base is not None:
                    if binding.reach != before or binding.base != base:
                        binding.limit(base, before)
                    meter.depth, meter.budget = depth, budget
                    meter.entries -= 1
            elif held is not None:
                CURRENT.meter = None
                left = meter.left
                instance.fuel_used = allowed - meter.reserve - left
                if left > 0:
                    # the next account goes on with the slice (Meter.follow)
                    template.left = left if left < FIRST_SLICE else FIRST_SLICE
                    template.reserve = allowed - template.left
            if held is not None:
                held.leave()
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


def entrance(
    func: Func, invoke: Callable[..., Any], most_entries: int
) -> Callable[..., Any] | None:
    """A function that takes a compiled function's arguments from Python and gives what it gives.

    ``invoke`` does the same on the long way; it is asked when Python's stack is nearly full, or
    ``most_entries`` calls are open, or no call depth is left. ``None`` where that has to do always:
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
        invoke,
        most_entries,
    )


@lru_cache(maxsize=256)
def _maker(kind: FuncType) -> Any:
    """What makes entrances of functions of a type."""
    names = [f"a{number}" for number in range(len(kind.params))]
    namespace: dict[str, Any] = {
        "CURRENT": CURRENT,
        "FIRST_SLICE": FIRST_SLICE,
        "FRAMES_LEFT": FRAMES_LEFT,
        "GuestError": GuestError,
        "Renewed": Renewed,
        "give": results_to_python,
        **{f"take_{kind}": take for kind, take in INWARD.items()},
        **{f"give_{kind}": give for kind, give in OUTWARD.items()},
    }
    text = _TEXT.format(
        params="".join(f"{name}, " for name in names),
        inward="\n        ".join(map(_inward, kind.params, names)),
        outward=_outward(kind.results),
    )
    exec(compile(text, "<pywasmgk>", "exec", dont_inherit=True), namespace)
    return namespace["make"]


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
