"""The command that shows a module's code: ``disasm``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from ..errors import near_miss
from ..wasm.module import Module
from ..wasm.text.disassembly import Disassembly, Line
from .options import Source
from .output import say
from .session import Session

__all__ = ["disassemble"]


def disassemble(
    session: Session,
    module: Source,
    functions: tuple[str, ...],
    *,
    wat: bool,
    python: bool,
    steps: bool,
    after: str,
) -> None:
    """Prints a module as text, or some of its functions."""
    session.subject = module.name
    # what is wrong in a body is shown in its place
    loaded = Module(module.data, name=module.name, validate="lazy")
    chosen = [find_function(loaded, word) for word in functions]
    explained = python or steps or bool(after)
    if explained and not chosen:
        raise click.UsageError("--python, --steps and --after want a FUNCTION")
    if explained and (wat or session.json):
        raise click.UsageError(
            "--python, --steps and --after are for people: without --wat and --json"
        )
    if session.json:
        session.print_json(_form(loaded, chosen))
    elif explained:
        for index in chosen:
            _explain(loaded, index, python=python, steps=steps, after=after)
    else:
        for line in _lines(loaded, chosen):
            say(str(line) if wat else _annotated(line))


def find_function(module: Module, word: str) -> int:
    """The function that a word on the line names. Raises click.UsageError."""
    count = len(module.functions)
    if word.isascii() and word.isdigit():
        if int(word) < count:
            return int(word)
        raise click.UsageError(f"there is no function {word}: the module has {count}")
    names: dict[str, int] = {}
    for item in module.exports:
        if item.kind == "func":
            names[item.name] = item.index
    for index in range(count):
        names.setdefault(module.function_name(index) or str(index), index)
    name = word if word in names else word.removeprefix("$")
    if name not in names:
        raise click.UsageError(f"no function is called {word!r}{near_miss(name, names)}")
    return names[name]


def _lines(module: Module, chosen: list[int]) -> Iterator[Line]:
    disassembly = Disassembly(module)
    if not chosen:
        yield from disassembly.lines()
    for index in chosen:
        yield from disassembly.function(index)


def _annotated(line: Line) -> str:
    """A line behind its offset and its fuel."""
    offset = "" if line.offset is None else f"{line.offset:#08x}"
    fuel = "" if line.fuel is None else f"{line.fuel}"
    return f"{offset:8} {fuel:>4}  {line}"


def _form(module: Module, chosen: list[int]) -> dict[str, Any]:
    disassembly = Disassembly(module)
    return {
        "file": module.name,
        "functions": [
            {
                "index": index,
                "name": module.function_name(index),
                "type": str(module.functions[index]),
                "lines": [line._asdict() for line in disassembly.function(index)],
            }
            for index in chosen or range(len(module.functions))
        ],
    }


def _explain(module: Module, index: int, *, python: bool, steps: bool, after: str) -> None:
    # the compiler is imported only for those who ask
    from ..wasm.compiler.explain import STEPS, side_by_side, steps_of

    if after and after not in STEPS:
        there = ", ".join(STEPS)
        raise click.UsageError(f"no pass is called {after!r}{near_miss(after, STEPS)} ({there})")
    if steps or after:
        for text in steps_of(module, index, after):
            say(text)
    if python:
        for text in side_by_side(module, index):
            say(text)
