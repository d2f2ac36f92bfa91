"""The command ``grade``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from ..grading import Grade, Specification, Verdict, grade_all, load_specification
from ..grading.reports.junit import junit
from ..grading.reports.page import page
from ..grading.reports.platforms import gradescope, prairielearn
from ..grading.reports.table import summary, table
from ..grading.reports.writing import form_of, write_reports
from ..grading.specification import Compiler
from ..grading.submissions import Submission, read_submission, submissions_in
from ..services.failures import required_module
from .output import say
from .session import FAILED, Session

__all__ = ["Reports", "grade"]


class Reports(NamedTuple):
    """Where reports go, each of them if it is wanted."""

    #: a folder for all of them
    output: Path | None = None
    gradescope: Path | None = None
    prairielearn: Path | None = None
    junit: Path | None = None
    html: Path | None = None


def grade(
    session: Session,
    specification: Path,
    submissions: Path,
    reports: Reports,
    *,
    one: bool,
    compiler: str | None,
    jobs: int,
    dask: str | None,
) -> None:
    """Grades submissions, writes reports, and prints a table."""
    session.subject = str(specification)
    found = load_specification(specification)
    if compiler is not None:
        known = found.compile or Compiler(compiler)
        found = dataclasses.replace(found, compile=dataclasses.replace(known, command=compiler))
    session.subject = str(submissions)
    given = _submissions(submissions, found, one)
    with _executor(dask) as executor:
        grades = list(grade_all(found, given, executor=executor, jobs=jobs))
    if not grades:
        raise click.UsageError(f"there are no submissions in {str(submissions)!r}")
    _write(reports, found, grades)
    if session.json:
        session.print_json({"title": found.title, "grades": [form_of(item) for item in grades]})
    else:
        _print(grades)
    if any(item.verdict is Verdict.SE for item in grades):
        raise click.exceptions.Exit(FAILED)


def _submissions(path: Path, found: Specification, one: bool) -> Iterator[Submission]:
    if one or (path.is_file() and not path.name.lower().endswith(".zip")):
        return iter([read_submission(path, file_bytes=found.file_bytes)])
    return submissions_in(path, file_bytes=found.file_bytes)


@contextmanager
def _executor(dask: str | None) -> Iterator[Executor | None]:
    """A cluster's executor, if one is named."""
    if dask is None:
        yield None
        return
    distributed = required_module("distributed", "dask", "--dask")
    with distributed.Client(dask) as client:
        executor: Executor = client.get_executor()
        yield executor


def _write(reports: Reports, found: Specification, grades: list[Grade]) -> None:
    if reports.output is not None:
        write_reports(reports.output, found, grades)
    for path, name, form in (
        (reports.gradescope, "--gradescope", gradescope),
        (reports.prairielearn, "--prairielearn", prairielearn),
    ):
        if path is not None:
            if len(grades) != 1:
                raise click.UsageError(
                    f"{name} is the file of one submission: --one, or --output for all"
                )
            path.write_text(form(grades[0]), "utf-8")
    if reports.junit is not None:
        reports.junit.write_text(junit(found.title, grades), "utf-8")
    if reports.html is not None:
        reports.html.write_text(page(found, grades), "utf-8")


def _print(grades: list[Grade]) -> None:
    for line in table(grades):
        say(line)
    if len(grades) > 1:
        say(f"\n{summary(grades)}")
    else:
        for test in grades[0].tests:
            if test.message:
                say(f"\n{test.name}: {test.verdict}\n{test.message}")
            if test.inside:
                say(f"(for who grades: {test.inside})")
