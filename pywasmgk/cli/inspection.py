"""The command that shows what is in a module: ``inspect``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from ..plugin.abi import EXPORTS
from ..wasm.features_used import features_used
from ..wasm.linker import import_hint
from ..wasm.module import Module
from ..wasm.names import clean
from ..wasm.sections import sections
from .options import SOURCE, Source
from .output import say
from .session import Session, pass_session

__all__ = ["inspect_command"]


@click.command("inspect")
@click.argument("module", type=SOURCE)
@pass_session
def inspect_command(session: Session, /, module: Source) -> None:
    """Show a module's sections, imports, exports, limits and features.

    It also says whether the module has what a GoatKit plugin must export.
    """
    session.subject = module.name
    form = _form(Module(module.data, name=module.name))
    if session.json:
        session.print_json(form)
        return
    for line in _lines(form):
        say(line)


# -- the form


def _form(module: Module) -> dict[str, Any]:
    defined = module.import_counts
    return {
        "file": module.name,
        "size": len(module.data),
        "sections": [section._asdict() for section in sections(module.data)],
        "imports": [
            {
                "module": item.module,
                "name": item.name,
                "kind": item.kind,
                "type": str(item.type),
                "hint": import_hint(item),
            }
            for item in module.imports
        ],
        "exports": [
            {"name": item.name, "kind": item.kind, "type": str(item.type)}
            for item in module.exports
        ],
        "functions": {"imported": defined["func"], "defined": len(module.bodies)},
        "memories": _limited(module.memories, defined["memory"]),
        "tables": [
            {**form, "element": str(table.element)}
            for form, table in zip(_limited(module.tables, defined["table"]), module.tables)
        ],
        "globals": {
            "imported": defined["global"],
            "defined": len(module.globals) - defined["global"],
        },
        "start": module.start,
        "data_count": module.data_count,
        "custom_sections": [
            {"name": name, "size": end - start} for name, start, end in module.custom_sections
        ],
        "features": features_used(module),
        "contract": _contract(module),
    }


def _limited(types: Sequence[Any], imported: int) -> list[dict[str, Any]]:
    return [
        {"min": kind.limits.min, "max": kind.limits.max, "imported": index < imported}
        for index, kind in enumerate(types)
    ]


def _contract(module: Module) -> dict[str, Any]:
    """The exports that the contract asks for (contract 1.2): which there are, what is wrong."""
    functions = {item.name: item.type for item in module.exports if item.kind == "func"}
    problems = [
        f"{name} is missing"
        for name, (_, needed) in EXPORTS.items()
        if needed and name not in functions
    ]
    problems += [
        f"{name} has type {functions[name]}, the contract wants {wanted}"
        for name, (wanted, _) in EXPORTS.items()
        if name in functions and functions[name] != wanted
    ]
    if not module.memories:
        problems.append("there is no memory")
    exports = {name: str(functions[name]) if name in functions else None for name in EXPORTS}
    return {"plugin": not problems, "exports": exports, "problems": problems}


# -- for people


def _lines(form: dict[str, Any]) -> Iterator[str]:
    functions = form["functions"]
    yield (
        f"{form['file']}: {form['size']:,} bytes, {functions['defined']:,} functions, "
        f"{functions['imported']} imported"
    )
    yield "sections:"
    for section in form["sections"]:
        name = f"custom {clean(section['custom'])!r}" if section["custom"] else section["name"]
        yield f"  {section['offset']:#08x}  {section['size']:>9,} bytes  {name}"
    yield from _externs(form)
    for kind, unit in (("memories", "pages"), ("tables", "elements")):
        for index, item in enumerate(form[kind]):
            most = "no maximum" if item["max"] is None else f"at most {item['max']:,}"
            imported = ", imported" if item["imported"] else ""
            element = f" of {item['element']}" if "element" in item else ""
            word = "memory" if kind == "memories" else "table"
            yield f"{word} {index}{element}: {item['min']:,} {unit}, {most}{imported}"
    if form["start"] is not None:
        yield f"start function: {form['start']}"
    if form["data_count"] is not None:
        yield f"data count: {form['data_count']}"
    yield f"features: {', '.join(form['features']) or 'those of the first release'}"
    yield from _contract_lines(form["contract"])


def _externs(form: dict[str, Any]) -> Iterator[str]:
    if form["imports"]:
        yield "imports:"
    hints = []
    for item in form["imports"]:
        yield f"  {item['kind']:6}  {clean(item['module'])}.{clean(item['name'])}: {item['type']}"
        if item["hint"] and item["hint"] not in hints:
            hints.append(item["hint"])
    yield from (f"  hint: {hint}" for hint in hints)
    if form["exports"]:
        yield "exports:"
    for item in form["exports"]:
        yield f"  {item['kind']:6}  {clean(item['name'])}: {item['type']}"


def _contract_lines(contract: dict[str, Any]) -> Iterator[str]:
    if contract["plugin"]:
        free = "" if contract["exports"]["gk_free"] else " (without gk_free: nothing is ever freed)"
        yield f"GoatKit plugin: yes{free}"
    elif any(contract["exports"].values()):
        yield "GoatKit plugin: no"
        yield from (f"  {problem}" for problem in contract["problems"])
    else:
        yield "GoatKit plugin: no, it has none of a plugin's exports"
