"""Grading one submission: a function of the specification, the submission and the engine alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..printable import printable
from ..wasm.module import Module
from .checking import Judged, judged
from .comparing import (
    different_json,
    different_memory,
    different_results,
    different_text,
)
from .outcome import Outcome
from .running import perform, seed_of
from .sources import Failed, module_of
from .specification import UNSET, Group, Specification, Test
from .submissions import Submission
from .verdicts import Verdict, overall

__all__ = ["Grade", "TestGrade", "grade"]

#: characters of a message, and of what a program printed, that are kept
_MOST_MESSAGE, _MOST_OUTPUT = 2_000, 2_000
#: decimals of points
_DECIMALS = 6


@dataclass(frozen=True)
class TestGrade:
    """What became of one test."""

    #: pytest looks for classes of this name, and shall not run it
    __test__ = False

    name: str
    verdict: Verdict
    points: float
    max_points: float
    #: for the submission's author: what was expected and found, or what ended the test and where
    message: str = ""
    #: for who grades: why it is SE
    inside: str = ""
    #: what it printed, as text, as far as it is kept
    output: str = ""
    #: instructions, and pages of memory at the end
    fuel: int = 0
    pages: int = 0
    hidden: bool = False
    group: str | None = None
    hint: str = ""


@dataclass(frozen=True)
class Grade:
    """What became of a submission."""

    submission: str
    tests: tuple[TestGrade, ...]
    points: float
    max_points: float
    #: canonical JSON that says what was graded and what came out (``receipts``)
    receipt: str = ""

    @property
    def verdict(self) -> Verdict:
        """AC, or the first that is not; SE if the grader failed anywhere."""
        return overall(test.verdict for test in self.tests)

    @property
    def problem(self) -> str | None:
        """Why nothing of it could be run, if so."""
        first = self.tests[0]
        same = all(
            test.verdict in (Verdict.CE, Verdict.SE) and test.message == first.message
            for test in self.tests
        )
        return first.message if same else None


def grade(specification: Specification, submission: Submission) -> Grade:
    """The grade of one submission. Whatever the submission is, it raises nothing; where the grader
    itself fails, the verdict is SE and no points are given."""
    # only who grades pays for it
    from .receipts import receipt_of

    try:
        module = module_of(specification, submission)
    except Failed as failed:
        tests = [_lost(test, failed) for test in specification.tests]
    except Exception as error:  # a fault of ours is no verdict on anybody
        tests = [_lost(test, _own_fault(error)) for test in specification.tests]
    else:
        tests = [_graded(specification, test, module) for test in specification.tests]
    tests = _grouped(specification, tests)
    points = round(sum(test.points for test in tests), _DECIMALS)
    found = Grade(submission.name, tuple(tests), points, round(specification.points, _DECIMALS))
    return replace(found, receipt=receipt_of(specification, submission, found))


def _own_fault(error: Exception) -> Failed:
    return Failed(Verdict.SE, "the grader failed", f"{type(error).__name__}: {error}")


def _lost(test: Test, failed: Failed, outcome: Outcome | None = None) -> TestGrade:
    """What becomes of a test that ended with a verdict."""
    outcome = outcome or Outcome()
    return TestGrade(
        test.name,
        failed.verdict,
        0.0,
        test.points,
        _cut(failed.about, _MOST_MESSAGE),
        _cut(printable(failed.inside, lines=True), _MOST_MESSAGE),
        _output(outcome),
        outcome.fuel,
        outcome.pages,
        test.hidden,
        test.group,
        test.hint,
    )


def _graded(specification: Specification, test: Test, module: Module) -> TestGrade:
    outcome, limits = Outcome(), specification.limits_of(test)
    seed = seed_of(specification.seed)
    try:
        perform(module, test, limits, seed, outcome)
        different = _different(test, module, outcome)
        if different is not None:
            raise _wrong(outcome, different)
        said = Judged(1.0)
        if test.check is not None and not isinstance(test.check, str):
            said = judged(test.check, outcome, seed)
        if said.share < 1 and not said.share:
            raise _wrong(outcome, said.message or "the checker does not accept it")
    except Failed as failed:
        return _lost(test, failed, outcome)
    except Exception as error:  # as above
        return _lost(test, _own_fault(error), outcome)
    verdict = Verdict.AC if said.share == 1 else Verdict.WA
    kept = _lost(test, Failed(verdict, said.message), outcome)
    return replace(kept, points=round(test.points * said.share, _DECIMALS))


def _wrong(outcome: Outcome, about: str) -> Failed:
    """An answer that is wrong; for want of memory, if the guest was refused some."""
    if outcome.refused:
        return Failed(Verdict.MLE, f"{outcome.refused}\n{about}")
    return Failed(Verdict.WA, about)


def _different(test: Test, module: Module, outcome: Outcome) -> str | None:
    """What is otherwise than expected, if anything is."""
    if test.call is not None and test.call.results is not None:
        exported = next(item for item in module.exports if item.name == test.call.export)
        kinds = module.functions[exported.index].results
        wanted, tolerance = test.call.results, test.call.tolerance
        different = different_results(kinds, outcome.results, wanted, tolerance)
        if different is not None:
            return different
    if test.run is not None:
        different = _different_run(test, outcome)
        if different is not None:
            return different
    if test.plugin is not None:
        for expected, subset in ((test.plugin.equals, False), (test.plugin.includes, True)):
            if expected is not UNSET:
                different = different_json(outcome.json, expected, subset=subset)
                if different is not None:
                    return different
    pairs = zip(test.memory, outcome.memory)
    return next(filter(None, (different_memory(view, data) for view, data in pairs)), None)


def _different_run(test: Test, outcome: Outcome) -> str | None:
    run = test.run
    if run is None:
        return None
    texts = [("standard output", outcome.stdout, run.stdout)]
    texts.append(("standard error", outcome.stderr, run.stderr))
    for path, wanted in run.written.items():
        if path not in outcome.files:
            return f"there is no file {printable(path)!r}"
        texts.append((f"file {printable(path)}", outcome.files[path], wanted))
    for what, found, expected in texts:
        if expected is not None:
            different = different_text(what, found, expected, run)
            if different is not None:
                return different
    if outcome.exit_code != run.exit_code:
        return f"expected exit code {run.exit_code}, found {outcome.exit_code}"
    return None


def _output(outcome: Outcome) -> str:
    text = (outcome.stdout + outcome.stderr)[: 4 * _MOST_OUTPUT].decode("utf-8", "replace")
    return _cut(printable(text, lines=True), _MOST_OUTPUT)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}\n..."


# -- groups


def _grouped(specification: Specification, tests: list[TestGrade]) -> list[TestGrade]:
    """The tests with the points that their groups leave them."""
    rules = {group.name: group.rule for group in specification.groups}
    shares = {group.name: _share(group, tests) for group in specification.groups}
    found = []
    for test in tests:
        if test.group is not None and rules[test.group] != "sum":
            points = round(test.max_points * shares[test.group], _DECIMALS)
            test = replace(test, points=points)
        found.append(test)
    return found


def _share(group: Group, tests: list[TestGrade]) -> float:
    """The share of a group's points that its worst test gets; of a group that is all or nothing,
    1 or 0."""
    shares = [
        test.points / test.max_points if test.max_points else float(test.verdict is Verdict.AC)
        for test in tests
        if test.group == group.name
    ]
    worst = min(shares, default=0.0)
    return worst if group.rule == "min" else float(worst == 1)
