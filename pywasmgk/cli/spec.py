"""The command for scripts of the official test suite: ``spec``."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from ..errors import TextError, near_miss
from ..wasm.script import Report, Script, find_scripts, from_text, run_script, unlimited
from .options import STDIN
from .output import binary_stream, say
from .session import FAILED, Session

__all__ = ["run_scripts"]

#: what a path may be instead of a script, as exceptions
_UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, StopIteration, zipfile.BadZipFile, TextError,
)  # fmt: skip


def run_scripts(
    session: Session,
    paths: tuple[Path, ...],
    engine: str,
    release: str | None,
    script: str | None,
) -> None:
    """Runs scripts and prints how their assertions ended."""
    total = Report()
    for item in _scripts(paths, release, script):
        try:
            total.add(run_script(item, unlimited(engine)))
        except _UNREADABLE as error:
            raise _no_script(item.name, error) from error
    if session.json:
        session.print_json(total.as_json())
    else:
        _print(total)
    if total.failed:
        raise click.exceptions.Exit(FAILED)


def _scripts(paths: tuple[Path, ...], release: str | None, name: str | None) -> list[Script]:
    found: list[Script] = []
    for path in paths:
        try:
            found += _scripts_of(path, release, name)
        except _UNREADABLE as error:
            raise _no_script(str(path), error) from error
    if not found:
        known = {script.name for path in paths for script in _scripts_of(path, release, None)}
        hint = near_miss(name, known) if name else ""
        raise click.UsageError(f"there is no script {name!r}{hint}" if name else "no scripts")
    return found


def _scripts_of(path: Path, release: str | None, name: str | None) -> Iterable[Script]:
    if str(path) != STDIN:
        return find_scripts(path, release, name)
    text = binary_stream("stdin").read()
    return [from_text(text, "<stdin>")] if name is None else []


def _no_script(name: str, error: Exception) -> click.UsageError:
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if type(error) is ValueError:
        what = str(error)
    if isinstance(error, KeyError):
        what = f"it has no {error}"
    return click.UsageError(f"{name} is no test script: {what}")


def _print(report: Report) -> None:
    for failure in report.failures:
        where = f"{failure['script']}:{failure['line']}"
        say(f"{where}: {failure['type']}: {failure['message']}")
    for line in _summary(report):
        say(line)


def _summary(report: Report) -> Iterator[str]:
    yield f"{report.passed:,} passed, {report.failed:,} failed"
    if report.superseded:
        yield f"{report.superseded:,} superseded by a later release, not run"
    for features, count in report.unsupported.items():
        yield f"{count:,} not run: they need {features}"
    width = max(map(len, report.by_type), default=0)
    for kind, count in sorted(report.by_type.items()):
        yield f"  {kind:{width}} {count:>7,}"
