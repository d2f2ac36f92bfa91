"""The command that shows what is in a module or component: ``inspect``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from ..demangling import demangled
from ..errors import PywasmgkError
from ..plugin.abi import EXPORTS
from ..printable import printable
from ..wasm.binary.features_used import features_used
from ..wasm.inspection import Inspection
from ..wasm.inspection import inspect as inspect_bytes
from ..wasm.module import Module
from ..wasm.runtime.linker import import_hint
from ..wasm.types import ImportType
from .options import Source
from .output import binary_stream, say
from .session import Session

__all__ = ["contract_problems", "inspect"]

#: bytes of code whose instructions are looked at unasked, which takes a tenth of a second
_LITTLE_CODE = 1 << 16


def inspect(
    session: Session, module: Source, code: bool, extract: int | None, output: Path | None
) -> None:
    """Prints what is in a module or component, or takes a core module out of a component."""
    session.subject = module.name
    data = _binary(module)
    found = inspect_bytes(data, name=module.name)
    if found.kind == "unknown":
        Module(data, name=module.name)  # which says what it is instead
    if extract is not None:
        _extract(session, data, found, extract, output)
        return
    form = _form(data, found, code)
    if session.json:
        session.print_json(form)
        return
    for line in _lines(form):
        say(line)


def _binary(source: Source) -> bytes:
    """The module in the binary format, made of a text if it is one. Raises TextError."""
    data = source.data
    if isinstance(data, str):
        # only who has text pays for reading it
        from ..wasm.text.reading import assemble

        return assemble(data)
    return data


def _extract(
    session: Session, data: bytes, found: Inspection, number: int, output: Path | None
) -> None:
    """Writes a core module of a component. Raises click.UsageError if there is none."""
    if number >= len(found.modules):
        count = len(found.modules)
        there = f"only {count}, numbered from 0" if count else "none"
        raise click.UsageError(f"there is no core module {number} in it: there are {there}")
    offset, size, _ = found.modules[number]
    content = data[offset : offset + size]
    if output is None:
        stream = binary_stream("stdout")
        stream.write(content)
        stream.flush()
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise click.UsageError(f"cannot write {str(output)!r}: {error}") from error
    if session.json:
        session.print_json({"extracted": str(output), "size": size})


# -- the form


def _form(data: bytes, found: Inspection, code: bool) -> dict[str, Any]:
    form: dict[str, Any] = {
        "file": found.name,
        "size": found.size,
        "kind": found.kind,
        "sections": [section._asdict() for section in found.sections],
        "imports": [
            {
                "module": item.module,
                "name": item.name,
                "kind": item.kind,
                "type": item.type,
                "origin": item.origin,
                "hint": _hint(item.module, item.name, item.kind, item.type),
                **_members(item.members),
            }
            for item in found.imports
        ],
        "exports": [
            {"name": item.name, "kind": item.kind, "type": item.type, **_members(item.members)}
            for item in found.exports
        ],
    }
    form |= _component_form(data, found) if found.kind == "component" else _core_form(found)
    form["custom_sections"] = [
        {"name": section.custom, "size": section.size - _name_size(section.custom)}
        for section in found.sections
        if section.custom is not None
    ]
    form["producers"] = found.producers
    if found.kind == "module":
        form |= _features(data, found, code)
        form["target_features"] = found.target_features
        form["contract"] = _contract(found)
    form["problems"] = [problem._asdict() for problem in found.problems]
    return form


def _members(members: tuple[str, ...]) -> dict[str, Any]:
    return {"members": list(members)} if members else {}


def _hint(module: str, name: str, kind: str, type_: str) -> str | None:
    return import_hint(ImportType(module or name, name, kind, type_))  # type: ignore[arg-type]


def _name_size(name: str) -> int:
    """Bytes that a custom section's name takes, its length among them."""
    size = len(name.encode("utf-8", "replace"))
    return size + 1 + (size > 0x7F)


def _core_form(found: Inspection) -> dict[str, Any]:
    imported = found.imported
    return {
        "functions": {"imported": imported["func"], "defined": found.declared},
        "memories": _limited(found.memory_limits, imported["memory"]),
        "tables": [
            {**form, "element": words.split(" ", 2)[2]}
            for form, words in zip(_limited(found.table_limits, imported["table"]), found.tables)
        ],
        "globals": {
            "imported": imported["global"],
            "defined": len(found.globals) - imported["global"],
        },
        "tags": found.tags,
        "start": found.start,
        "data_count": found.data_count,
    }


def _component_form(data: bytes, found: Inspection) -> dict[str, Any]:
    modules = []
    for number, (offset, size, depth) in enumerate(found.modules):
        inner = inspect_bytes(data[offset : offset + size])
        modules.append(
            {
                "number": number,
                "offset": offset,
                "size": size,
                "depth": depth,
                "imports": len(inner.imports),
                "exports": len(inner.exports),
                "features": inner.features,
                "producers": inner.producers,
            }
        )
    return {"modules": modules, "components": found.components}


def _features(data: bytes, found: Inspection, code: bool) -> dict[str, Any]:
    """Proposals that the module needs: by its declarations, and by its instructions if there are
    few or ``code`` asks for it, as far as the engine knows them; and whether it was them all."""
    needed = set(found.features)
    size = sum(section.size for section in found.sections if section.name == "code")
    whole = code or size <= _LITTLE_CODE
    if whole:
        try:
            needed.update(features_used(Module(data, validate="lazy")))
        except PywasmgkError:
            whole = False  # what it declares was found already
    return {"features": sorted(needed), "code_read": whole}


def _limited(limits: list[tuple[int, int | None]], imported: int) -> list[dict[str, Any]]:
    return [
        {"min": least, "max": most, "imported": index < imported}
        for index, (least, most) in enumerate(limits)
    ]


def contract_problems(module: Module) -> list[str]:
    """What a module lacks to be a plugin (contract 1.2)."""
    functions = {item.name: str(item.type) for item in module.exports if item.kind == "func"}
    return _problems(functions, bool(module.memories))


def _problems(functions: Mapping[str, str], memory: bool) -> list[str]:
    """What is missing or of another type, of exported functions by name."""
    problems = [
        f"{name} is missing"
        for name, (_, needed) in EXPORTS.items()
        if needed and name not in functions
    ]
    problems += [
        f"{name} has type {functions[name]}, the contract wants {wanted}"
        for name, (wanted, _) in EXPORTS.items()
        if name in functions and functions[name] != str(wanted)
    ]
    if not memory:
        problems.append("there is no memory")
    return problems


def _contract(found: Inspection) -> dict[str, Any]:
    """The exports that the contract asks for: which there are, what is wrong."""
    functions = {item.name: item.type for item in found.exports if item.kind == "func"}
    problems = _problems(functions, bool(found.memories))
    exports = {name: functions.get(name) for name in EXPORTS}
    return {"plugin": not problems, "exports": exports, "problems": problems}


# -- for people


def _lines(form: dict[str, Any]) -> Iterator[str]:
    component = form["kind"] == "component"
    if component:
        yield f"{form['file']}: a component of {form['size']:,} bytes"
    else:
        functions = form["functions"]
        yield (
            f"{form['file']}: {form['size']:,} bytes, {functions['defined']:,} functions, "
            f"{functions['imported']} imported"
        )
    yield from _problem_lines(form["problems"])
    yield "sections:"
    for section in form["sections"]:
        name = f"custom {printable(section['custom'])!r}" if section["custom"] else section["name"]
        yield f"  {section['offset']:#08x}  {section['size']:>9,} bytes  {name}"
    yield from _externs(form)
    yield from _component_lines(form) if component else _core_lines(form)


def _problem_lines(problems: list[dict[str, Any]]) -> Iterator[str]:
    for item in problems:
        where = printable(item["where"])
        yield f"reading stops in {where} at {item['offset']:#x}: {printable(item['message'])}"


def _producer_lines(producers: Mapping[str, Any]) -> Iterator[str]:
    for field, pairs in producers.items():
        made = ", ".join(printable(f"{name} {version}".strip()) for name, version in pairs)
        yield f"{printable(field)}: {made}"


def _core_lines(form: dict[str, Any]) -> Iterator[str]:
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
    yield from _producer_lines(form["producers"])
    which = "" if form["code_read"] else " that it declares"
    yield f"features{which}: {', '.join(form['features']) or 'those of the first release'}"
    if form["target_features"]:
        yield f"its compiler was allowed: {printable(' '.join(form['target_features']))}"
    yield from _contract_lines(form["contract"])


def _component_lines(form: dict[str, Any]) -> Iterator[str]:
    if form["modules"]:
        yield "core modules (--extract NUMBER takes one out):"
    for item in form["modules"]:
        inside = f", in a component {item['depth']} deep" if item["depth"] > 1 else ""
        yield (
            f"  {item['number']}  {item['offset']:#08x}  {item['size']:>9,} bytes, "
            f"{item['imports']} imports, {item['exports']} exports{inside}"
        )
        yield from (f"     {line}" for line in _producer_lines(item["producers"]))
    yield from _producer_lines(form["producers"])


def _externs(form: dict[str, Any]) -> Iterator[str]:
    if form["imports"]:
        yield "imports:"
    hints = []
    for item in form["imports"]:
        name = _named(item["name"])
        if item["module"]:
            name = f"{printable(item['module'])}.{name}"
        origin = f"  [{item['origin']}]" if item["origin"] else ""
        yield f"  {item['kind']:6}  {name}: {printable(item['type'])}{origin}"
        yield from (f"            {printable(member)}" for member in item.get("members", ()))
        if item["hint"] and item["hint"] not in hints:
            hints.append(item["hint"])
    yield from (f"  hint: {hint}" for hint in hints)
    if form["exports"]:
        yield "exports:"
    for item in form["exports"]:
        yield f"  {item['kind']:6}  {_named(item['name'])}: {printable(item['type'])}"
        yield from (f"            {printable(member)}" for member in item.get("members", ()))


def _named(name: str) -> str:
    """A name, and what it stands for if it is mangled."""
    meant = demangled(name)
    return printable(name) if meant == name else f"{printable(name)} ({meant})"


def _contract_lines(contract: dict[str, Any]) -> Iterator[str]:
    if contract["plugin"]:
        free = "" if contract["exports"]["gk_free"] else " (without gk_free: nothing is ever freed)"
        yield f"GoatKit plugin: yes{free}"
    elif any(contract["exports"].values()):
        yield "GoatKit plugin: no"
        yield from (f"  {problem}" for problem in contract["problems"])
    else:
        yield "GoatKit plugin: no, it has none of a plugin's exports"
