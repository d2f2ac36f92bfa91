"""Grades into files of a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..judging import Grade
from ..specification import Specification
from .junit import junit
from .page import page
from .platforms import gradescope, prairielearn

__all__ = ["form_of", "write_reports"]

#: characters of a file's name
_LONGEST = 100


def form_of(grade: Grade) -> dict[str, Any]:
    """A grade as JSON, for who grades."""
    return {
        "submission": grade.submission,
        "verdict": str(grade.verdict),
        "points": grade.points,
        "max_points": grade.max_points,
        "tests": [{**vars(test), "verdict": str(test.verdict)} for test in grade.tests],
        "receipt": json.loads(grade.receipt),
    }


def write_reports(folder: Path, specification: Specification, grades: Sequence[Grade]) -> None:
    """Writes ``grades.json``, ``junit.xml`` and ``report.html``, and for each submission a folder
    in ``submissions`` with the files for Gradescope and PrairieLearn. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(form_of(grade), sort_keys=True) for grade in grades)
    _write(folder / "grades.json", f"[\n{lines}\n]\n")
    _write(folder / "junit.xml", junit(specification.title, grades))
    _write(folder / "report.html", page(specification, grades))
    for grade in grades:
        place = folder / "submissions" / _file_name(grade.submission)
        place.mkdir(parents=True, exist_ok=True)
        _write(place / "gradescope.json", gradescope(grade))
        _write(place / "prairielearn.json", prairielearn(grade))


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8", newline="\n")


def _file_name(name: str) -> str:
    """A name for files that no name of a submission leads astray, and another one for each."""
    plain = quote(name, safe=" ()+,=@").lstrip(".")
    if plain == name and len(name) <= _LONGEST:
        return name
    return f"{plain[:_LONGEST]}-{sha256(name.encode()).hexdigest()[:8]}"
