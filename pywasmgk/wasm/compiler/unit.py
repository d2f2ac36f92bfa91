"""What is compiled of a module: code objects by function, shared by its instances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..memory import Memory
from .emit import TooDeep, emit_rows
from .function import Compiled, Source, compile_source, generate
from .graph import Irreducible
from .inlining import Body, expanded, size_of
from .machine import machine_rows

if TYPE_CHECKING:
    from ..module import Module

__all__ = ["CannotCompile", "compiled_function", "is_stored", "source_of"]

#: instructions, and targets of ``br_table``, above which a function is left to the interpreter
_TOO_LARGE = 20_000
#: branches times variables, above which what is known at each block takes too much memory
_TOO_WIDE = 4_000_000
#: what says that Python cannot nest some code: our own bounds, and what its recursions, tokenizer,
#: parser and compiler say beyond theirs
_REFUSED = (TooDeep, RecursionError, MemoryError, OverflowError, SyntaxError)
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
        for source in _sources(module, index, highest, entry, slots, assume):
            try:
                return compile_source(source)
            except _REFUSED:
                continue
    except CannotCompile:
        pass
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
    for source in _sources(module, index, highest, entry, slots, assume):
        return source
    raise CannotCompile("Python cannot nest blocks or expressions so deeply")


def _sources(
    module: Module, index: int, highest: int, entry: int, slots: int | None, assume: bool
) -> Iterator[Source]:
    """The forms that a function can have, the better one first. Raises CannotCompile."""
    body = expanded(module, index)
    _check_size(module, body)
    settings = body, index, module.context, module.isa, highest, entry, slots, assume
    for form in (emit_rows, machine_rows):
        try:
            source = generate(*settings, form)
        except Irreducible:
            raise CannotCompile("a loop would be entered past its head") from None
        except _REFUSED:
            continue
        yield source


def _check_size(module: Module, body: Body) -> None:
    """Raises CannotCompile for what would not pay, or take too much memory."""
    size, count = size_of(body), len(body.code)
    if size > _TOO_LARGE:
        targets = f" and {size - count:,} branch targets" if size > count else ""
        raise CannotCompile(
            f"it has {count:,} instructions{targets}; above {_TOO_LARGE:,} compiling does not pay"
        )
    rows = module.isa.rows
    branches = sum(rows[number].form is not None for number, _ in body.code)
    variables = len(body.locals) + body.max_height + len(module.context.globals)
    if branches * variables > _TOO_WIDE:
        raise CannotCompile(
            f"it has {branches:,} branches and calls and {variables:,} variables; "
            f"above a product of {_TOO_WIDE:,} compiling takes too much memory"
        )
