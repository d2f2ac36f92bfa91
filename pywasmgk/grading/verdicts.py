"""Verdicts: the usual words of programming contests."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

__all__ = ["MEANINGS", "Verdict", "overall"]


class Verdict(str, Enum):
    """What became of one test, or of a submission."""

    AC = "AC"
    WA = "WA"
    TLE = "TLE"
    MLE = "MLE"
    OLE = "OLE"
    RTE = "RTE"
    CE = "CE"
    SE = "SE"

    def __str__(self) -> str:
        return self.value


#: what each of them says, for people
MEANINGS = {
    Verdict.AC: "accepted",
    Verdict.WA: "wrong answer",
    Verdict.TLE: "time limit exceeded",
    Verdict.MLE: "memory limit exceeded",
    Verdict.OLE: "output limit exceeded",
    Verdict.RTE: "runtime error",
    Verdict.CE: "compile error",
    Verdict.SE: "system error",
}


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a submission: SE if the grader failed anywhere, else the first that is not
    AC."""
    found = list(verdicts)
    if Verdict.SE in found:
        return Verdict.SE
    return next((verdict for verdict in found if verdict is not Verdict.AC), Verdict.AC)
