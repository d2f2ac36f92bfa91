"""Commands for any module: ``run``, ``stub`` and ``validate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..errors import DecodeError, Exit, LinkError, ValidationError
from ..wasm.module import Module
from ..wasm.runtime.instance import Instance, instantiate
from ..wasm.runtime.linker import Imports
from .calling import Call, Task, core_written_to, exported, imports_of, prepare
from .inspection import contract_problems
from .options import SOURCE, Source, chosen_features, module_limits
from .output import binary_stream, say
from .progress import Progress
from .session import FAILED, Measures, Session, describe
from .values import as_json, as_text

__all__ = ["run", "stub", "validate"]

# -- run


def run(session: Session, call: Call, stats: bool, coredump: Path | None) -> None:
    """Runs a program, or one export, and prints the results."""
    session.begin(Measures)
    task = prepare(session, call)
    stdout = binary_stream("stderr" if session.json else "stdout")
    # a program may print, and the line of progress would get between
    wanted = not (session.json or task.is_program)
    with imports_of(task, call, binary_stream("stdin"), stdout) as imports:
        with Progress(wanted=wanted) as progress:
            options = {**module_limits(**call.limits), "progress": progress}
            with core_written_to(coredump):
                code, results = _run(session, task, imports, options)
    if session.json:
        session.print_json(_form(session, task.is_program, code, results))
    else:
        for result in results:
            say(as_text(result))
        if stats:
            session.print_stats()
    if code:
        # a process has eight bits for it
        raise click.exceptions.Exit(code & 0xFF or FAILED)


def _run(
    session: Session, task: Task, imports: Imports, options: dict[str, Any]
) -> tuple[int, Sequence[Any]]:
    """Runs it; gives the exit code and the results."""
    target = task.target
    try:
        instance = instantiate(task.module, imports, **options)
        session.begin(lambda: _measures(instance))
        if target is None:
            return 0, ()
        result = exported(task, instance)(*task.values)
    except Exit as error:
        return error.code, ()
    count = len(target.type.results)
    return 0, result if count > 1 else (result,) * count


def _measures(instance: Instance) -> Measures:
    memory = instance.first_memory
    return Measures(instance.fuel_used, 0 if memory is None else memory.pages)


def _form(session: Session, program: bool, code: int, results: Sequence[Any]) -> dict[str, Any]:
    ended = {"exit_code": code} if program else {}
    if code:
        return {"error": describe(Exit(code)), **ended, **session.measures()}
    return {"results": [as_json(result) for result in results], **ended, **session.measures()}


# -- stub


def stub(session: Session, module: Source) -> None:
    """Prints the source of a host."""
    from ..compat.skeleton import host_source

    session.subject = module.name
    source = host_source(Module(module.data, name=module.name))
    if session.json:
        session.print_json({"source": source})
    else:
        say(source.rstrip())


# -- validate


def validate(session: Session, files: tuple[str, ...], plugin: bool, features: str) -> None:
    """Prints verdicts on modules."""
    forms = [_verdict(word, plugin, features) for word in files]
    valid = all(form["valid"] for form in forms)
    if session.json:
        session.print_json({"valid": valid, "files": forms})
    else:
        for form in forms:
            say(f"{form['file']}: {_verdict_text(form.get('error'))}")
    if not valid:
        raise click.exceptions.Exit(FAILED)


def _verdict_text(error: dict[str, Any] | None) -> str:
    if error is None:
        return "valid"
    lines = [f"{error['type']}: {error['message']}", error.get("excerpt")]
    return "\n".join(line for line in lines if line)


def _verdict(word: str, plugin: bool, features: str) -> dict[str, Any]:
    """The form of one file, called what it is called on the line."""
    try:
        source: Source = SOURCE.convert(word, None, None)
        # a verdict from the cache would be no check
        chosen = chosen_features(features)
        module = Module(source.data, name=source.name, features=chosen, cache_dir="")
        problems = contract_problems(module) if plugin else ()
        if problems:
            raise LinkError(f"no GoatKit plugin: {'; '.join(problems)}")
    except (click.BadParameter, DecodeError, LinkError, ValidationError) as error:
        return {"file": word, "valid": False, "error": describe(error)}
    return {"file": word, "valid": True}
