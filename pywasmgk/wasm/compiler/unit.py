"""What is compiled of a module: code objects by function, shared by its instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..memory import Memory
from .emit import TooDeep
from .function import Compiled, Source, compile_source, generate
from .graph import Irreducible

if TYPE_CHECKING:
    from ..module import Module

__all__ = ["CannotCompile", "compiled_function", "is_stored", "source_of"]

#: instructions above which a function is left to the interpreter
_TOO_LARGE = 20_000
#: addresses that a memory of this many pages cannot have let sums of addresses stay unmasked
_SMALL_PAGES = 16_384


class CannotCompile(Exception):
    """A function is left to the interpreter; the message says why."""


def compiled_function(
    module: Module,
    index: int,
    memory: Memory | None,
    entry: int = 0,
    slots: int | None = None,
    assume: bool = True,
) -> Compiled | None:
    """A function's code object, or that of the rest of a call from a loop on (``generate``);
    ``None`` if it cannot be compiled, or would not pay."""
    key = index, entry, _is_small(memory), assume
    if key not in module.compiled:
        stored = module.stored
        if stored is not None and key in stored:
            module.compiled[key] = stored.find(key)
        else:
            highest = _SMALL_PAGES << 16 if key[2] else 1 << 32
            compiled = _compile(module, index, highest, entry, slots, assume)
            module.compiled[key] = compiled
            if stored is not None:
                stored.add(key, compiled)
    return module.compiled[key]


def is_stored(module: Module, index: int, memory: Memory | None, entry: int = 0) -> bool:
    """Whether a function was compiled in an earlier process, which found that it pays."""
    stored = module.stored
    return stored is not None and (index, entry, _is_small(memory), True) in stored


def _is_small(memory: Memory | None) -> bool:
    return memory is None or memory.limit <= _SMALL_PAGES


def _compile(
    module: Module, index: int, highest: int, entry: int, slots: int | None, assume: bool
) -> Compiled | None:
    try:
        return compile_source(source_of(module, index, highest, entry, slots, assume))
    except CannotCompile:
        return None


def source_of(
    module: Module,
    index: int,
    highest: int = 1 << 31,
    entry: int = 0,
    slots: int | None = None,
    assume: bool = True,
) -> Source:
    """The source of a function (``generate``). Raises CannotCompile."""
    body = module.block_map(index)
    if len(body.code) > _TOO_LARGE:
        raise CannotCompile(
            f"it has {len(body.code):,} instructions; above {_TOO_LARGE:,} compiling does not pay"
        )
    try:
        return generate(body, index, module.context, module.isa, highest, entry, slots, assume)
    except TooDeep:
        raise CannotCompile("Python cannot nest blocks or expressions so deeply") from None
    except Irreducible:
        raise CannotCompile("a loop would be entered past its head") from None
