"""Generated text with the table of its lines, and the code object of it; what both levels share."""

from __future__ import annotations

from collections.abc import Sequence
from types import CodeType
from typing import TYPE_CHECKING, NamedTuple

from ..isa import CONTROL_FORMS
from .compiled import Compiled, LineEntry, LineTable

if TYPE_CHECKING:
    from ..module import Module
    from ..valid.blockmap import BlockMap

__all__ = ["CannotCompile", "Source", "TooDeep", "check_forms", "compile_source"]

#: what Python's own compiler says of code that nests too deeply for it
_REFUSED = (RecursionError, MemoryError, OverflowError, SyntaxError)
FILENAME = "<pywasmgk>"


class CannotCompile(Exception):
    """A function is left to the interpreter; the message says why."""


class TooDeep(Exception):
    """Python cannot nest blocks or expressions so deeply."""


class Source(NamedTuple):
    """Generated text, and what its lines are about."""

    text: str
    #: by line, from 0; line numbers of Python begin with 1
    entries: Sequence[LineEntry] | LineTable
    #: call depth of functions that stand in the place of calls, and of the first one called
    room: int = 0


def compile_source(source: Source) -> Compiled:
    """The code object of the inner function. Raises TooDeep if Python's compiler refuses it."""
    try:
        module = compile(source.text, FILENAME, "exec", dont_inherit=True, optimize=0)
    except _REFUSED:
        raise TooDeep from None
    maker = next(item for item in module.co_consts if isinstance(item, CodeType))
    code = next(item for item in maker.co_consts if isinstance(item, CodeType))
    lines = source.entries
    table = lines if isinstance(lines, LineTable) else LineTable.of(lines)
    return Compiled(code, table, source.room)


def check_forms(module: Module, body: BlockMap) -> None:
    """Raises CannotCompile for tail calls."""
    rows = module.isa.rows
    forms = (CONTROL_FORMS[form] for number, _ in body.code if (form := rows[number].form))
    if any(does.calls and does.leaves for does in forms):
        raise CannotCompile("it has tail calls")
