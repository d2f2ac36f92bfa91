"""The passes of the optimizing compiler, in order, as data; and what runs them.

A pass takes a :class:`~.ir.function.Function` and gives one. What it may rely on, and what it
spoils, are :class:`Property` values: PASSES is checked against them when it is made, so that an
order that cannot be right is no order at all. Every prefix of PASSES gives a function that can be
written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from .analysis.liveness import live_variables
from .analysis.ranges import analyse
from .budget import Watched
from .frontend.context import Context
from .frontend.entry_guards import assumptions
from .ir.cfg import build
from .ir.function import Function
from .ir.verify import verify
from .passes.boolean_locals import free_outcomes
from .passes.byte_narrowing import narrow
from .passes.dead_stores import drop_dead_stores
from .passes.delayed_masks import free_sums
from .passes.index_hoisting import hoist
from .passes.loop_versioning import version_loops
from .passes.pointer_elimination import drop_pointers
from .passes.redundant_masks import drop_redundant_masks
from .passes.signed_locals import with_signs
from .passes.sinking import sink

if TYPE_CHECKING:
    from ..module import Module
    from .budget import Budget
    from .ir.body import Body
    from .request import Request

__all__ = [
    "LOWERING",
    "PASSES",
    "Pass",
    "Property",
    "checked",
    "lowered",
    "run",
    "steps",
]

#: has every function be verified after every pass
VERIFY = os.environ.get("PYWASMGK_VERIFY", "") not in ("", "0")


class Property(Enum):
    """What may be known of a function between passes."""

    LOWERABLE = "a block's statements are what lowering makes of it, so it can be lowered again"
    UNSIGNED = "no number is kept with its sign yet"
    LOCALS_MASKED = "a local of 32 bits holds a number of 32 bits, or a signed one"
    TEMPORARIES_MASKED = "so does a temporary that is assigned such a number"
    LIVE = "the variables that are live at each block's head are noted"


class Pass(NamedTuple):
    """One pass (``examples`` has a function for each)."""

    name: str
    run: Callable[[Function], Function]
    #: why it pays, in a line
    why: str
    #: what must hold before it
    needs: frozenset[Property] = frozenset()
    #: what it does not spoil
    keeps: frozenset[Property] = frozenset(Property)
    #: what holds after it in any case
    gives: frozenset[Property] = frozenset()


_P = Property
_ALL = frozenset(Property)
#: what holds of a function that has just been lowered
LOWERING = _ALL - {_P.LIVE}
#: what can be found out whenever it is needed
_ON_DEMAND: dict[Property, Callable[[Function], Function]] = {
    _P.LIVE: lambda function: function._replace(live=live_variables(function, with_dead=True)),
}
#: what writing a function needs
_WRITING = frozenset({_P.LIVE})


def checked(passes: Iterable[Pass]) -> tuple[Pass, ...]:
    """Passes in an order in which each finds what it needs. Raises ValueError for another one."""
    found, holds = [], LOWERING
    for item in passes:
        missing = item.needs - holds - _ON_DEMAND.keys()
        if missing:
            lost = ", ".join(sorted(item.name for item in missing))
            raise ValueError(f"{item.name} needs {lost}, which a pass before it does not keep")
        holds = (holds & item.keeps) | item.gives
        found.append(item)
    return tuple(found)


PASSES = checked((
    Pass(
        "signed locals", with_signs,
        "a number below zero is small in Python with its sign, and has two digits without",
        needs=frozenset({_P.LOWERABLE, _P.UNSIGNED}), keeps=_ALL - {_P.UNSIGNED, _P.LIVE},
    ),
    Pass(
        "pointer elimination", drop_pointers,
        "a pointer that goes with an index costs an assignment in every turn",
        needs=frozenset({_P.LOWERABLE}), keeps=_ALL - {_P.LIVE},
    ),
    Pass(
        "index hoisting", hoist,
        "the index of a word that a loop does not change is computed before it",
        needs=frozenset({_P.LOWERABLE}), keeps=_ALL - {_P.LIVE},
    ),
    Pass(
        "sinking", sink,
        "an assignment that only some arms of a branch read is made there",
        keeps=_ALL - {_P.LOWERABLE, _P.LIVE},
    ),
    Pass(
        "dead stores", drop_dead_stores,
        "a local that nobody reads need not be assigned",
        keeps=_ALL - {_P.LOWERABLE}, gives=frozenset({_P.LIVE}),
    ),
    Pass(
        "byte narrowing", narrow,
        "a local of which only the lowest byte is read is masked where it is set",
        needs=frozenset({_P.LOCALS_MASKED, _P.TEMPORARIES_MASKED}), keeps=_ALL - {_P.LOWERABLE},
    ),
    Pass(
        "redundant masks", drop_redundant_masks,
        "what is read as part of a masked sum need not be masked itself",
        needs=frozenset({_P.LOCALS_MASKED}), keeps=_ALL - {_P.LOWERABLE, _P.TEMPORARIES_MASKED},
    ),
    Pass(
        "boolean locals", free_outcomes,
        "a local that only branches read may hold a condition instead of 1 or 0",
        keeps=_ALL - {_P.LOWERABLE},
    ),
    Pass(
        "delayed masks", free_sums,
        "a sum is masked when it is read, not at each addition in a loop",
        keeps=_ALL - {_P.LOWERABLE, _P.LOCALS_MASKED},
    ),
    Pass(
        "loop versioning", version_loops,
        "turns of a small loop are charged together, and what they step is not assigned in each",
        needs=frozenset({_P.LIVE}), keeps=_ALL - {_P.LOWERABLE},
    ),
))  # fmt: skip


#: the name of what comes before all passes
LOWERED = "lowering"


def lowered(module: Module, body: Body, request: Request, highest: int, budget: Budget) -> Function:
    """A function's blocks as they are lowered, with all that is known of them; or those of the rest
    of a call of it that has come to a loop. Raises Irreducible where it cannot be entered so, and
    what ``budget`` raises."""
    context = Context(
        body, module.context, module.isa, highest, budget, module.low_zeros, module.data
    )
    assumed = assumptions(context) if request.assume and request.slots is None else []
    budget.check()
    graph = build(body, module.isa, body.moved[request.entry], budget.look)
    budget.check()
    return analyse(context, graph, request.slots, assumed)


def run(function: Function, passes: Sequence[Pass] = PASSES) -> Function:
    """A function after some passes, so that it can be written."""
    *_, (_, found) = steps(function, passes)
    found, _ = _provided(found, _WRITING, frozenset({_P.LIVE} if found.live else ()))
    return found


def steps(function: Function, passes: Sequence[Pass] = PASSES) -> Iterator[tuple[str, Function]]:
    """A function after lowering and after each pass, by name."""
    holds, budget = LOWERING, function.context.budget
    function = _watched(function, budget)
    yield LOWERED, _verified(LOWERED, function)
    for item in passes:
        budget.check()
        before, holds = _provided(function, item.needs, holds)
        function = _verified(item.name, _watched(item.run(before), budget), before)
        holds = (holds & item.keeps) | item.gives
        yield item.name, function if _P.LIVE in holds else function._replace(live={})


def _watched(function: Function, budget: Budget) -> Function:
    """A function whose blocks look at the clock when they are read."""
    if isinstance(function.blocks, Watched):
        return function
    return function._replace(blocks=Watched(function.blocks, budget))


def _provided(
    function: Function, needs: frozenset[Property], holds: frozenset[Property]
) -> tuple[Function, frozenset[Property]]:
    """A function of which some properties hold."""
    for item in needs - holds:
        function, holds = _ON_DEMAND[item](function), holds | {item}
    return function, holds


def _verified(name: str, function: Function, before: Function | None = None) -> Function:
    if VERIFY and function is not before:
        verify(function, name, before)
    return function
