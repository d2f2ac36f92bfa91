"""Functions: their text and, beside it, the Python that they become."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..wasm.compiler.driver import CannotCompile
from ..wasm.compiler.explain import beside
from ..wasm.text.disassembly import Disassembly
from .modules import called, signature
from .parts import Code, Facts, Note, Part, Row, Text, View, cut

if TYPE_CHECKING:
    from ..wasm.module import Module
    from ..wasm.runtime.functions import Func

__all__ = ["view"]

#: lines that are shown
_MOST = 120
#: bytes of a body that is compiled to be shown: they take half a second
_LARGEST = 1 << 13


def view(func: Func) -> View:
    """A function."""
    instance = func.instance
    if instance is None:
        return View(f"Function {func.name or '?'} of the host", str(func.type), ())
    module = instance.module
    name = module.function_name(func.index)
    title = f"Function {called(name) if name else func.index}"
    return View(title, signature(module, func.index), [*_parts(func, module)])


def _parts(func: Func, module: Module) -> Iterator[Part]:
    start, end = module.bodies[func.index - module.import_counts["func"]]
    facts: list[tuple[str, Text]] = [
        ("index", f"{func.index}"),
        ("in the file", f"{start:#x} to {end:#x}, {end - start:,} bytes"),
        ("runs", _runs(func)),
    ]
    yield Facts(facts)
    if end - start > _LARGEST:
        yield Note(f"too large to be compiled for a look: more than {_LARGEST:,} bytes")
        yield _text(module, func.index)
        return
    try:
        rows, more = cut(beside(module, func.index), _MOST)
    except CannotCompile as error:
        yield Note(f"no Python is made of it: {error}")
        yield _text(module, func.index)
        return
    yield Note(
        "its text, and the Python that it becomes (^ belongs to the text at the offset before it)"
    )
    yield Code([Row(one.text, one.offset, "", one.python) for one in rows], more)


def _runs(func: Func) -> str:
    instance = func.instance
    if instance is not None and not instance.is_ours:
        return f"in the engine {instance.tiers.engine!r}, as WebAssembly"
    return "compiled" if func.compiled else "in the interpreter so far"


def _text(module: Module, index: int) -> Code:
    lines, more = cut(Disassembly(module).function(index), _MOST)
    return Code(
        [Row(str(line)[2:], "" if line.offset is None else f"{line.offset:#x}") for line in lines],
        more,
    )
