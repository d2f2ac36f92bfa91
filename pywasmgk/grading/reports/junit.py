"""JUnit XML, as Jenkins and others read it: a suite for each submission. Failures are the
submission's, errors the grader's own."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from ...printable import printable
from ..judging import Grade, TestGrade
from ..verdicts import MEANINGS, Verdict

__all__ = ["junit"]


def junit(title: str, grades: Sequence[Grade]) -> str:
    """The document, for who grades: it names hidden tests."""
    root = ElementTree.Element("testsuites", _counts([t for grade in grades for t in grade.tests]))
    root.set("name", _text(title))
    for grade in grades:
        suite = ElementTree.SubElement(root, "testsuite", _counts(grade.tests))
        suite.set("name", _text(grade.submission))
        for test in grade.tests:
            suite.append(_case(grade, test))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _counts(tests: Sequence[TestGrade]) -> dict[str, str]:
    errors = sum(test.verdict is Verdict.SE for test in tests)
    failures = sum(test.verdict is not Verdict.AC for test in tests) - errors
    counts = {"tests": len(tests), "failures": failures, "errors": errors, "skipped": 0}
    return {name: str(count) for name, count in counts.items()}


def _case(grade: Grade, test: TestGrade) -> ElementTree.Element:
    names = {"name": _text(test.name), "classname": _text(grade.submission)}
    case = ElementTree.Element("testcase", names)
    if test.verdict is not Verdict.AC:
        kind = "error" if test.verdict is Verdict.SE else "failure"
        about = {"type": str(test.verdict), "message": MEANINGS[test.verdict]}
        ended = ElementTree.SubElement(case, kind, about)
        ended.text = _text("\n".join(filter(None, (test.message, test.inside))))
    if test.output:
        ElementTree.SubElement(case, "system-out").text = _text(test.output)
    return case


def _text(text: str) -> str:
    """Text of characters that XML has a place for."""
    return printable(text, lines=True)
