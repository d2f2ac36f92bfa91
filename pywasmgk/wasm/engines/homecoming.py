"""Moves an instance out of another engine into our own, with all that it holds.

What can be stepped, saved or taken back is ours alone. Whoever left the choice of the engine to us
need not know: at the first call that is to be held the instance moves, and stays the same object,
as do its functions, memories, tables and globals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ...errors import HostError
from ..runtime.initial import passive_segments
from ..runtime.instance import Instance
from ..runtime.tiers import Tiers
from ..stepping.holding import require_no_call
from .views import bring_global, bring_memory, bring_table

if TYPE_CHECKING:
    from .instance import EngineInstance

__all__ = ["come_home"]

#: immediates of what drops a segment
_SEGMENTS = frozenset(("dataidx", "elemidx"))


def come_home(instance: EngineInstance, why: str) -> None:
    """Has our own engines run an instance from now on, and those that it is linked with; ``why``
    is for their note.

    Raises HostError inside a running call, where somebody chose the engine of one of them, and
    where one may have dropped segments, of which no engine tells; Busy and InstanceDead.
    """
    require_no_call()
    linked = [
        one for one in instance.store.instances if len(one.funcs) == len(one.module.functions)
    ]
    for one in linked:
        if not one.moves:
            raise HostError(f"{one!r} stays in {one.tiers.engine}, as it was told to: {_USE}")
        if _drops_segments(one):
            raise HostError(f"{one!r} may have dropped segments in {one.tiers.engine}: {_USE}")
    note = f"{why}, which is for our own engines: it has left {instance.tiers.engine!r}"
    with instance.account():
        for one in linked:
            _move(one)
            one.engine_note = note


_USE = "to hold a call, use engine='interpreter'"


def _drops_segments(instance: EngineInstance) -> bool:
    """Whether code of the module can drop a segment that would be there otherwise."""
    module = instance.module
    datas, elems = passive_segments(instance)
    if not any(datas) and not any(elems):
        return False
    rows = module.isa.rows
    dropping = {
        number
        for number, row in enumerate(rows)
        if _SEGMENTS.intersection(row.immediates) and row.length is None
    }
    return any(
        number in dropping
        for index in range(module.import_counts["func"], len(module.functions))
        for number, _ in module.block_map(index).code
    )


def _move(instance: EngineInstance) -> None:
    module = instance.module
    for table in instance.tables:
        bring_table(table)
    for memory in instance.memories:
        bring_memory(memory)
    for item in instance.globals:
        bring_global(item)
    # what the guest has grown its own by was counted in the engine
    defined = instance.tables[module.import_counts["table"] :]
    instance._quota.left = max(instance._limits[1] - sum(map(len, defined)), 0)
    for name in ("store", "_handles", "_made", "_given", "_noted"):
        instance.__dict__.pop(name, None)
    plain = cast(Instance, instance)
    plain.__class__ = Instance
    plain.tiers = Tiers(plain, "auto")
    plain.datas, plain.elems = passive_segments(plain)
    plain.settle()
