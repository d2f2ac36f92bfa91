"""``results.json`` of Gradescope and of PrairieLearn.

Gradescope: https://gradescope-autograders.readthedocs.io/en/latest/specs/. PrairieLearn:
https://prairielearn.readthedocs.io/en/latest/externalGrading/, at most 1 MB.
"""

from __future__ import annotations

import json
from typing import Any

from ..judging import Grade
from ..verdicts import Verdict
from .student import headline, shown_tests

__all__ = ["gradescope", "prairielearn"]

#: bytes that PrairieLearn takes
_MOST_BYTES = 1_000_000


def gradescope(grade: Grade) -> str:
    """The file for Gradescope. Hidden tests are hidden there, too."""
    tests = []
    for test in shown_tests(grade):
        form = {
            "name": test.name,
            "number": str(test.number),
            "score": test.points,
            "max_score": test.max_points,
            "status": "passed" if test.verdict is Verdict.AC else "failed",
            "visibility": "hidden" if test.hidden else "visible",
            "output": _text(test.message, test.output),
            "output_format": "text",
            "name_format": "text",
        }
        tests.append(form)
    return _json(
        {
            "score": grade.points,
            "output": headline(grade),
            "output_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
            "tests": tests,
            "extra_data": {"verdict": str(grade.verdict), "receipt": _digest(grade)},
        }
    )


def prairielearn(grade: Grade) -> str:
    """The file for PrairieLearn. What could not be run, or where the grader failed, is not
    gradable: it costs no attempt."""
    score = grade.points / grade.max_points if grade.max_points else 0.0
    failed = grade.problem is not None or grade.verdict is Verdict.SE
    form: dict[str, Any] = {
        "gradable": not failed,
        "score": 0.0 if failed else round(score, 6),
        "message": headline(grade),
        "receipt": _digest(grade),
    }
    if failed:
        form["format_errors"] = grade.problem or "The grader failed. This is no fault of yours."
    form["tests"] = [
        {
            "name": test.name,
            "points": test.points,
            "max_points": test.max_points,
            "message": test.message,
            "output": test.output,
        }
        for test in shown_tests(grade)
    ]
    text = _json(form)
    if len(text.encode()) > _MOST_BYTES:
        for test in form["tests"]:
            del test["output"], test["message"]
        text = _json(form)
    return text


def _text(message: str, output: str) -> str:
    return f"{message}\n\nIt printed:\n{output}" if output else message


def _digest(grade: Grade) -> str:
    return str(json.loads(grade.receipt)["digest"]) if grade.receipt else ""


def _json(form: dict[str, Any]) -> str:
    return json.dumps(form, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
