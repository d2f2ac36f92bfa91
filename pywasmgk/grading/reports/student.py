"""What students may see of a grade: of hidden tests neither name nor message nor output."""

from __future__ import annotations

from typing import NamedTuple

from ..judging import Grade, TestGrade
from ..verdicts import MEANINGS, Verdict

__all__ = ["Shown", "amount", "headline", "shown_tests"]


class Shown(NamedTuple):
    """One test, as a student sees it."""

    number: int
    name: str
    verdict: Verdict
    points: float
    max_points: float
    #: what happened, and what the specification says of it
    message: str
    output: str
    hidden: bool


def shown_tests(grade: Grade) -> list[Shown]:
    """The tests of a grade, as its student sees them."""
    found = []
    hidden = 0
    for number, test in enumerate(grade.tests, 1):
        hidden += test.hidden
        name = f"hidden test {hidden}" if test.hidden else test.name
        message, output = ("", "") if test.hidden else (test.message, test.output)
        hint = test.hint if test.verdict is not Verdict.AC else ""
        found.append(
            Shown(
                *(number, name, test.verdict, test.points, test.max_points),
                *("\n".join(filter(None, (_said(test), message, hint))), output, test.hidden),
            )
        )
    return found


def _said(test: TestGrade) -> str:
    return f"{test.verdict}: {MEANINGS[test.verdict]}"


def headline(grade: Grade) -> str:
    """A grade in one line."""
    points = f"{amount(grade.points)} of {amount(grade.max_points)} points"
    return f"{grade.verdict} ({MEANINGS[grade.verdict]}), {points}"


def amount(points: float) -> str:
    """Points, as people write them."""
    return f"{points:.6f}".rstrip("0").rstrip(".")
