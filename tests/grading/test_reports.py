"""Reports have the forms that their readers publish, and tell students what they may know."""

from __future__ import annotations

import json
import re
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli_guests import run
from graded import LOOPING, RIGHT, SUM, TRAPPING, WRONG, specification

from pywasmgk.errors import ReceiptError
from pywasmgk.grading import Grade, Submission, grade, grade_all, verify_grade
from pywasmgk.grading.reports.junit import junit
from pywasmgk.grading.reports.page import page
from pywasmgk.grading.reports.platforms import gradescope, prairielearn

SPECIFICATION = specification(SUM)
SUBMISSIONS = [
    Submission(f"{name}{number}", {"a.wat": text.encode()})
    for number in range(3)
    for name, text in (
        ("right", RIGHT), ("wrong", WRONG), ("looping", LOOPING), ("trapping", TRAPPING),
        ("no", "("),
    )
]  # fmt: skip
GRADES = [grade(SPECIFICATION, item) for item in SUBMISSIONS]


@pytest.mark.parametrize("found", GRADES[:5], ids=lambda found: found.submission)
def test_gradescope(found: Grade) -> None:
    """By https://gradescope-autograders.readthedocs.io/en/latest/specs/."""
    form = json.loads(gradescope(found))
    of_all = {
        "score", "output", "output_format", "visibility", "stdout_visibility", "tests",
        "extra_data",
    }  # fmt: skip
    assert set(form) <= of_all | {"execution_time", "test_output_format", "test_name_format"}
    assert form["score"] == sum(test["score"] for test in form["tests"]) == found.points
    for test in form["tests"]:
        assert set(test) == {
            "score", "max_score", "status", "name", "name_format", "number", "output",
            "output_format", "visibility",
        }  # fmt: skip
        assert test["status"] in ("passed", "failed")
        assert test["visibility"] in ("hidden", "after_due_date", "after_published", "visible")
        assert test["output_format"] in ("text", "html", "simple_format", "md", "ansi")
    assert form["tests"][1]["visibility"] == "hidden"


@pytest.mark.parametrize("found", GRADES[:5], ids=lambda found: found.submission)
def test_prairielearn(found: Grade) -> None:
    """By PrairieLearn's page on external grading."""
    form = json.loads(prairielearn(found))
    assert 0 <= form["score"] <= 1
    assert form["gradable"] is (str(found.verdict) != "CE")
    assert ("format_errors" in form) is not form["gradable"]
    for test in form["tests"]:
        assert set(test) == {"name", "points", "max_points", "message", "output"}


def test_students_see_nothing_of_hidden_tests() -> None:
    for found in GRADES:
        for text in (gradescope(found), prairielearn(found)):
            assert '"ten"' not in text and "385" not in text
            assert "hidden test 1" in text


def test_junit() -> None:
    """Elements and attributes in the order and with the types of Jenkins's schema for JUnit."""
    root = ElementTree.fromstring(junit("<Title>", GRADES))
    assert (root.tag, root.get("name")) == ("testsuites", "<Title>")
    assert root.get("tests") == str(2 * len(GRADES))
    for suite, found in zip(root, GRADES):
        assert (suite.tag, suite.get("name")) == ("testsuite", found.submission)
        counts = {name: int(suite.get(name, "")) for name in ("tests", "failures", "errors")}
        ended = [case.find("failure") is not None for case in suite]
        assert counts == {"tests": 2, "failures": sum(ended), "errors": 0}
        for case in suite:
            assert case.tag == "testcase" and set(case.attrib) == {"name", "classname"}
            assert [part.tag for part in case] in ([], ["failure"], ["failure", "system-out"])
            assert all(set(part.attrib) <= {"type", "message"} for part in case)


def test_the_page_runs_nothing_and_loads_nothing() -> None:
    text = page(SPECIFICATION, GRADES)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None and policy[1].startswith("default-src 'none'; style-src 'sha256-")
    assert not re.search(r"<script|javascript:| on\w+=|style=|https?:", text)
    assert text.count("<svg") == 3
    assert page(SPECIFICATION, []).count("no submissions") == 1


def test_grades_are_the_same_wherever_they_are_made() -> None:
    assert list(grade_all(SPECIFICATION, SUBMISSIONS)) == GRADES
    with ThreadPoolExecutor(3) as threads:
        assert list(grade_all(SPECIFICATION, SUBMISSIONS, executor=threads)) == GRADES
    with ProcessPoolExecutor(2) as processes:
        assert list(grade_all(SPECIFICATION, SUBMISSIONS, executor=processes)) == GRADES


def test_receipts_are_verified() -> None:
    found, submission = GRADES[1], SUBMISSIONS[1]
    assert verify_grade(found.receipt, SPECIFICATION, submission) is None
    forged = found.receipt.replace('"verdict":"WA"', '"verdict":"AC"')
    assert verify_grade(forged, SPECIFICATION, submission) == "tests"
    assert verify_grade(found.receipt, SPECIFICATION, SUBMISSIONS[0]) == "digest"
    other = specification(SUM.replace("385", "384"))
    assert verify_grade(found.receipt, other, submission) == "digest"
    for bad in ("", "{}", "[" * 10_000):
        with pytest.raises(ReceiptError):
            verify_grade(bad, SPECIFICATION, submission)


# -- the command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spec.yaml").write_text(SUM)
    (tmp_path / "all").mkdir()
    for item in SUBMISSIONS[:5]:
        (tmp_path / "all" / f"{item.name}.wat").write_bytes(item.files["a.wat"])
    return tmp_path


def test_the_command_writes_the_same_bytes_each_time(folder: Path) -> None:
    for name, jobs in (("one", "1"), ("two", "2")):
        words = ("--output", folder / name, "--jobs", jobs)
        done = run("grade", folder / "spec.yaml", folder / "all", *words)
        assert (done.code, done.err) == (0, "")
        assert ["right0.wat", "AC", "3/3", "AC", "AC"] in map(str.split, done.out.splitlines())
    files = {
        name: {
            path.relative_to(folder / name): path.read_bytes()
            for path in (folder / name).rglob("*")
            if path.is_file()
        }
        for name in ("one", "two")
    }
    assert files["one"] == files["two"]
    assert len(files["one"]) == 3 + 2 * 5


def test_one_submission(folder: Path) -> None:
    out = folder / "results.json"
    answer = folder / "all" / "trapping0.wat"
    done = run("grade", folder / "spec.yaml", answer, "--gradescope", out)
    assert done.code == 0
    assert "integer divide by zero" in done.out
    assert json.loads(out.read_text())["score"] == 0
    done = run("grade", folder / "spec.yaml", folder / "all", "--gradescope", out)
    assert done.code == 2
    assert "--one" in done.err


def test_a_wrong_specification(folder: Path) -> None:
    (folder / "spec.yaml").write_text(SUM.replace("hidden", "hiden"))
    done = run("grade", folder / "spec.yaml", folder / "all")
    assert done.code == 1
    assert "spec.yaml:8:5: unknown key 'hiden' in tests[1]; did you mean 'hidden'?" in done.err


def test_a_grader_that_fails_exits_with_1(folder: Path) -> None:
    (folder / "check.py").write_text("def check(outcome):\n    raise RuntimeError('oh')\n")
    (folder / "spec.yaml").write_text(
        "tests: [{name: t, check: 'check.py:check', call: {export: sum, args: [1]}}]"
    )
    done = run("grade", folder / "spec.yaml", folder / "all" / "right0.wat")
    assert done.code == 1
    assert "RuntimeError: oh" in done.out
    assert "SE" in done.out
