"""The command that shows a module's code: ``disasm``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from ..errors import near_miss
from ..wasm.module import Module
from ..wasm.text.disassembly import Disassembly, Line
from .options import SOURCE, Source
from .output import say
from .session import Session, pass_session

__all__ = ["disasm_command"]


@click.command("disasm")
@click.argument("module", type=SOURCE)
@click.argument("functions", metavar="[FUNCTION]...", nargs=-1)
@click.option("--wat", is_flag=True, help="Print nothing but WAT, for an assembler.")
@click.option("--python", is_flag=True, help="Show the Python that each FUNCTION becomes, too.")
@click.option("--steps", is_flag=True, help="Show how each FUNCTION becomes Python.")
@pass_session
def disasm_command(
    session: Session,
    /,
    module: Source,
    functions: tuple[str, ...],
    wat: bool,
    python: bool,
    steps: bool,
) -> None:
    """Show a module as text, or some of its functions.

    A FUNCTION is an index or a name: of the name section, of an export, or MODULE.NAME of an
    import. In front of each line stand the byte offset in the file and the instructions that the
    basic block costs which begins there.
    """
    session.subject = module.name
    # what is wrong in a body is shown in its place
    loaded = Module(module.data, name=module.name, validate="lazy")
    chosen = [find_function(loaded, word) for word in functions]
    if (python or steps) and not chosen:
        raise click.UsageError("--python and --steps want a FUNCTION")
    if (python or steps) and (wat or session.json):
        raise click.UsageError("--python and --steps are for people: without --wat and --json")
    if session.json:
        session.print_json(_form(loaded, chosen))
    elif python or steps:
        for index in chosen:
            _explain(loaded, index, python=python, steps=steps)
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


def _explain(module: Module, index: int, *, python: bool, steps: bool) -> None:
    # the compiler is imported only for those who ask
    from ..wasm.compiler.explain import side_by_side, steps_of

    if steps:
        for text in steps_of(module, index):
            say(text)
    if python:
        for text in side_by_side(module, index):
            say(text)
