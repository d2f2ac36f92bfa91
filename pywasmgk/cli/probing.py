"""Commands that look at what a call executes: ``profile``, ``coverage`` and ``trace``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..debug.coverage import Coverage, Share
from ..debug.paging import MemoryMap
from ..debug.profile import Profile
from ..debug.tracing import Event, Tracer, event_text
from ..errors import Exit
from ..wasm.stepping.execution import Execution
from .calling import Call, begun, prepare
from .output import binary_stream, on_terminal, say
from .plugins import held_call
from .session import FAILED, Session
from .values import as_json

__all__ = ["coverage", "profile", "trace"]


@contextmanager
def _held(session: Session, call: Call, stdin: Path | None) -> Iterator[Execution]:
    """The call, before its first instruction. What it prints goes to standard error."""
    if call.host is not None:
        with held_call(session, call) as of_plugin:
            yield of_plugin
        return
    task = prepare(session, call)
    with begun(task, call, stdin, "stderr") as (instance, func):
        with instance.start(func, *task.values, history=None) as held:
            yield held


def _failure(held: Execution) -> BaseException | None:
    """What has ended it, if that was not as it should be."""
    return None if isinstance(held.trap, Exit) else held.trap


def _show(lines: Iterator[str] | Sequence[str], output: Path | None) -> None:
    if output is not None:
        output.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return
    for line in lines:
        say(line)


# -- profile


def profile(
    session: Session, call: Call, stdin: Path | None, form: str, output: Path | None
) -> None:
    """Counts a call, and shows or writes what was found."""
    if form == "pprof" and output is None and on_terminal():
        raise click.UsageError("pprof is no text: --output FILE says where it goes")
    with _held(session, call, stdin) as held:
        found = MemoryMap.attach(held) if form == "memory" else Profile.attach(held)
        held.run()
    failure = _failure(held)
    if isinstance(found, Profile) and form == "pprof":
        _write(found.pprof(), output)
    elif session.json and form in _TABLES:
        if failure is None:
            session.print_json(_FORMS[form](found))
    elif form in _TABLES:
        _show(_TABLES[form](found), output)
    else:
        _show(getattr(found, form)().splitlines(), output)
    if failure is not None:
        raise failure


def _write(data: bytes, output: Path | None) -> None:
    if output is not None:
        output.write_bytes(data)
    else:
        binary_stream("stdout").write(data)


def _functions(found: Profile) -> Iterator[str]:
    whole = max(found.fuel, 1)
    yield f"{'fuel':>12} {'%':>6} {'with calls':>12} {'calls':>9}  function"
    for one in found.functions():
        share = 100 * one.self_fuel / whole
        numbers = f"{one.self_fuel:>12,} {share:>6.1f} {one.total_fuel:>12,} {one.calls:>9,}"
        yield f"{numbers}  {one.name}"
    yield f"{found.fuel:>12,}  instructions"


def _lines(found: Profile) -> Iterator[str]:
    whole = max(found.fuel, 1)
    yield f"{'fuel':>12} {'%':>6} {'times':>12}  line"
    for one in found.lines():
        share = 100 * one.fuel / whole
        yield f"{one.fuel:>12,} {share:>6.1f} {one.count:>12,}  {one.file}:{one.line}"


def _loops(found: Profile) -> Iterator[str]:
    yield f"{'turns':>12} {'entered':>12} {'turns each':>12}  loop"
    for one in found.loops():
        each = one.turns / one.entries
        where = f"{one.offset:#x}" + (f" (line {one.line})" if one.line else "")
        yield f"{one.turns:>12,} {one.entries:>12,} {each:>12,.1f}  {one.name} at {where}"


def _memory(found: MemoryMap) -> Iterator[str]:
    yield f"{'page':>6} {'from':>10} {'reads':>12} {'writes':>12}"
    for page, use in sorted(found.pages.items()):
        yield f"{page:>6} {page << 16:>#10x} {use.reads:>12,} {use.writes:>12,}"
    for one in found.growths:
        what = "refused" if one.refused else f"{one.before} to {one.after}"
        where = f"{one.name or 'a function'} at {one.offset:#x}"
        yield f"step {one.step:,}: {where} asked for {one.asked} pages: {what}"


def _memory_form(found: MemoryMap) -> dict[str, Any]:
    pages = [{"page": page, **use._asdict()} for page, use in sorted(found.pages.items())]
    growths = [{**one._asdict(), "refused": one.refused} for one in found.growths]
    return {"pages": pages, "growths": growths}


#: what is a table for people, and an object for programs
_TABLES: dict[str, Any] = {
    "table": _functions, "lines": _lines, "loops": _loops, "memory": _memory,
}  # fmt: skip
_FORMS: dict[str, Any] = {
    "table": lambda found: {"fuel": found.fuel, "functions": _dicts(found.functions())},
    "lines": lambda found: {"fuel": found.fuel, "lines": _dicts(found.lines())},
    "loops": lambda found: {"loops": _dicts(found.loops())},
    "memory": _memory_form,
}


def _dicts(items: Sequence[Any]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(item) for item in items]


# -- coverage


def coverage(
    session: Session,
    call: Call,
    stdin: Path | None,
    annotate: bool,
    lcov: Path | None,
    append: Path | None,
    fail_under: float | None,
) -> None:
    """Counts a call, adds it to others, and shows what ran."""
    path = call.module.path or call.module.name
    with _held(session, call, stdin) as held:
        counted = Profile.attach(held)
        # nobody shall run for long for a file that is wrong
        found = _kept(session, append, held, path)
        held.run()
    found.add(Coverage.of(counted, path))
    failure = _failure(held)
    if append is not None:
        append.write_text(found.to_json(), encoding="utf-8")
    if lcov is not None:
        lcov.write_text(found.lcov(), encoding="utf-8")
    if not session.json:
        _show(found.listing() if annotate else _covered(found), None)
    elif failure is None:
        session.print_json(found.form())
    if failure is not None:
        raise failure
    share = found.share_of_blocks().percent
    if fail_under is not None and share < fail_under:
        say(f"{share:.1f} % of the basic blocks ran, {fail_under:g} % must", err=True)
        raise click.exceptions.Exit(FAILED)


def _kept(session: Session, append: Path | None, held: Execution, path: str) -> Coverage:
    """The runs of a file, or none. What is wrong with it is said of that file."""
    module = held.instance.module
    if append is None or not append.exists():
        return Coverage(module, {}, 0, path)
    before, session.subject = session.subject, append.name
    found = Coverage.from_json(append.read_bytes(), module, path)
    session.subject = before
    return found


def _covered(found: Coverage) -> Iterator[str]:
    yield f"{'blocks':>11} {'branches':>11} {'calls':>11}  function"
    for one in found.functions:
        blocks, branches = _of(one.share_of_blocks()), _of(one.share_of_branches())
        yield f"{blocks:>11} {branches:>11} {one.calls:>11,}  {one.name}"
    for name, share in found.shares().items():
        yield f"{_of(share):>11} {share.percent:>10.1f}%  {name}"
    if found.runs > 1:
        yield f"of {found.runs} runs"


def _of(share: Share) -> str:
    return f"{share.hit}/{share.total}"


# -- trace


def trace(
    session: Session,
    call: Call,
    stdin: Path | None,
    functions: Sequence[str],
    instructions: Sequence[str],
    memory: str | None,
    limit: int,
) -> None:
    """Prints what a call executes, until it ends or enough is printed."""
    wanted = None if memory is None else _range(memory)

    def write(event: Event) -> None:
        if session.json:
            session.print_json(_event_form(event))
        else:
            say(event_text(event))

    with _held(session, call, stdin) as held:
        tracer = Tracer(
            held,
            write,
            functions=[int(word) if word.isdigit() else word.lstrip("$") for word in functions],
            instructions=instructions,
            memory=wanted,
            limit=limit,
        )
        held.attach(tracer)
        held.run()
    if not session.json:
        say(_end(held, tracer))
    failure = _failure(held)
    if failure is not None:
        raise failure


def _range(text: str) -> tuple[int, int]:
    """``START:SIZE`` as two numbers."""
    start, _, size = text.partition(":")
    try:
        found = int(start, 0), int(size or "1", 0)
    except ValueError:
        found = -1, 0
    if found[0] < 0 or found[1] < 1:
        raise click.UsageError(f"--range expects START:SIZE, as 0x100:16, found {text!r}")
    return found


def _event_form(event: Event) -> dict[str, Any]:
    form = event._asdict()
    if event.line is not None:
        form["file"], form["line"] = event.line
    for name in ("operands", "results"):
        form[name] = [as_json(value) for value in form[name]]
    return form


def _end(held: Execution, tracer: Tracer) -> str:
    if not held.done:
        return f"ended behind {tracer.limit:,} instructions: --limit N shows more"
    if held.trap is not None:
        return f"{held.steps:,} instructions, {tracer.written:,} shown"
    return f"{held.steps:,} instructions, {tracer.written:,} shown; gives {held.results!r:.200}"
