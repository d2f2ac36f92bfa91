"""A table for people at a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...printable import printable
from ..judging import Grade
from ..verdicts import MEANINGS, Verdict
from .student import amount

__all__ = ["summary", "table"]

#: characters of a name, and verdicts of tests in a row
_WIDEST, _MOST_TESTS = 32, 16


def table(grades: Sequence[Grade]) -> list[str]:
    """Lines: submission, verdict, points, and the verdict of each test."""
    names = [printable(grade.submission, longest=_WIDEST) for grade in grades]
    points = [f"{amount(grade.points)}/{amount(grade.max_points)}" for grade in grades]
    width = max([len("submission"), *map(len, names)])
    most = max([len("points"), *map(len, points)])
    rows = [f"{'submission':<{width}}  verdict  {'points':>{most}}  tests"]
    for grade, name, score in zip(grades, names, points):
        verdicts = " ".join(f"{test.verdict:<3}" for test in grade.tests[:_MOST_TESTS])
        more = " ..." if len(grade.tests) > _MOST_TESTS else ""
        row = f"{name:<{width}}  {grade.verdict!s:<7}  {score:>{most}}  {verdicts}{more}"
        rows.append(row.rstrip())
    return rows


def summary(grades: Sequence[Grade]) -> str:
    """How many got which verdict."""
    counts = Counter(grade.verdict for grade in grades)
    parts = [f"{counts[verdict]} {MEANINGS[verdict]}" for verdict in Verdict if counts[verdict]]
    return f"{len(grades)} submission{'' if len(grades) == 1 else 's'}: {', '.join(parts)}"
