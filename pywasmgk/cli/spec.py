"""The command for scripts of the official test suite: ``spec``."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import click

from ..errors import near_miss
from ..wasm.script import Report, Script, find_scripts, run_script, unlimited
from .options import engine_option
from .output import plain, say
from .session import FAILED, Session, pass_session

__all__ = ["spec_command"]

PATH = click.Path(exists=True, path_type=Path)
#: what a path may be instead of a script, as exceptions
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, StopIteration, zipfile.BadZipFile)


@click.command("spec")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=PATH)
@engine_option
@click.option(
    "--release", type=click.Choice(["1.0", "2.0"]), help="Run the scripts of this release."
)
@click.option("--script", metavar="NAME", help="Run this script only.")
@pass_session
def spec_command(
    session: Session,
    /,
    paths: tuple[Path, ...],
    engine: str,
    release: str | None,
    script: str | None,
) -> None:
    """Run scripts of the official test suite.

    PATH is a folder with an index.json, the zip of a group, or a json file as wast2json writes it.
    Limits are lifted. Assertions that a later release took back are counted apart and not run.
    Exit code 1 if any assertion fails.
    """
    total = Report()
    make = unlimited(engine)
    for item in _scripts(paths, release, script):
        try:
            total.add(run_script(item, make))
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
            found += find_scripts(path, release, name)
        except _UNREADABLE as error:
            raise _no_script(str(path), error) from error
    if not found:
        known = {script.name for path in paths for script in find_scripts(path, release)}
        hint = near_miss(name, known) if name else ""
        raise click.UsageError(f"there is no script {name!r}{hint}" if name else "no scripts")
    return found


def _no_script(name: str, error: Exception) -> click.UsageError:
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return click.UsageError(f"{name} is no test script: {what}")


def _print(report: Report) -> None:
    for failure in report.failures:
        where = f"{failure['script']}:{failure['line']}"
        say(plain(f"{where}: {failure['type']}: {failure['message']}"))
    for line in _summary(report):
        say(line)


def _summary(report: Report) -> Iterator[str]:
    yield f"{report.passed:,} passed, {report.failed:,} failed"
    if report.skipped:
        yield f"{report.skipped:,} skipped: they are about the text format"
    if report.superseded:
        yield f"{report.superseded:,} superseded by a later release, not run"
    for features, count in report.unsupported.items():
        yield f"{count:,} not run: they need {features}"
    width = max(map(len, report.by_type), default=0)
    for kind, count in sorted(report.by_type.items()):
        yield f"  {kind:{width}} {count:>7,}"
