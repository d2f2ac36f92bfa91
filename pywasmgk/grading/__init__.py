"""Grading: submissions are run in the sandbox by a test specification, and each gets its verdicts.

::

    specification = grading.load_specification("assignment.yaml")
    for grade in grading.grade_all(specification, grading.submissions_in("handed-in")):
        print(grade.submission, grade.verdict, grade.points)

What a submission gets depends on its bytes, the specification and the engine's version alone:
limits are counted in instructions, pages and bytes, clocks and random numbers are fixed. So grading
again gives the same bytes, on any machine and under any load.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .judging import Grade, TestGrade, grade
    from .many import grade_all
    from .outcome import Outcome
    from .receipts import verify_grade
    from .specification import (
        Call,
        Compiler,
        Group,
        Limits,
        MemoryView,
        PluginCall,
        Run,
        Specification,
        Test,
        WasmChecker,
    )
    from .specification_files import load_specification, parse_specification
    from .submissions import Submission, read_submission, submissions_in
    from .verdicts import Verdict

__all__ = [
    "Call",
    "Compiler",
    "Grade",
    "Group",
    "Limits",
    "MemoryView",
    "Outcome",
    "PluginCall",
    "Run",
    "Specification",
    "Submission",
    "Test",
    "TestGrade",
    "Verdict",
    "WasmChecker",
    "grade",
    "grade_all",
    "load_specification",
    "parse_specification",
    "read_submission",
    "submissions_in",
    "verify_grade",
]

#: where each public name is; pytest imports this room at every start, and must not wait for it
_HOMES = {
    **dict.fromkeys(("Grade", "TestGrade", "grade"), "judging"),
    "grade_all": "many",
    "Outcome": "outcome",
    "verify_grade": "receipts",
    **dict.fromkeys(
        (
            *("Call", "Compiler", "Group", "Limits", "MemoryView", "PluginCall", "Run"),
            *("Specification", "Test", "WasmChecker"),
        ),
        "specification",
    ),
    **dict.fromkeys(("load_specification", "parse_specification"), "specification_files"),
    **dict.fromkeys(("Submission", "read_submission", "submissions_in"), "submissions"),
    "Verdict": "verdicts",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
