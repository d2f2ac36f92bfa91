"""Receipts of grades: what was graded, by what, and what came out, in hashes and canonical JSON, so
that anybody can grade again and compare (``plugin/receipts.py`` has those of calls)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .._version import __version__
from ..errors import ReceiptError
from ..plugin.canonical_json import canonical
from ..plugin.receipts import digest_of, hexdigest, number
from .specification import UNSET, Specification
from .submissions import Submission

if TYPE_CHECKING:
    from .judging import Grade

__all__ = ["FORMAT", "receipt_of", "specification_digest", "submission_digest", "verify_grade"]

FORMAT = "pywasmgk grade 1"
#: characters of a receipt that is read
_LONGEST = 10_000_000


def receipt_of(specification: Specification, submission: Submission, grade: Grade) -> str:
    """The receipt of a grade."""
    form: dict[str, Any] = {
        "format": FORMAT,
        "engine": f"pywasmgk {__version__}",
        "specification": specification_digest(specification),
        "submission": submission_digest(submission),
        "tests": [
            {
                "name": _plain(test.name),
                "verdict": str(test.verdict),
                "points": test.points,
                "fuel": number(test.fuel),
                "pages": test.pages,
                "message": hexdigest(_plain(test.message).encode()),
            }
            for test in grade.tests
        ],
        "points": grade.points,
        "max_points": grade.max_points,
    }
    form["digest"] = digest_of(form)
    return canonical(form).decode()


def verify_grade(
    receipt: str | bytes, specification: Specification, submission: Submission
) -> str | None:
    """Grades again, and gives the first field in which the receipt says otherwise: ``None`` if all
    of it is true. Raises ReceiptError for what is no receipt of a grade."""
    # only who verifies pays for it
    from .judging import grade

    try:
        if len(receipt) > _LONGEST:
            raise ValueError("too long")
        form = json.loads(receipt)
        if form["format"] != FORMAT:
            raise ValueError("of another format")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ReceiptError(f"this is no receipt of a grade: {error}") from error
    again = json.loads(grade(specification, submission).receipt)
    return next((field for field in again if form.get(field) != again[field]), None)


def submission_digest(submission: Submission) -> str:
    """The hash of what was handed in: names, contents, or why it could not be taken."""
    files = {_plain(name): hexdigest(data) for name, data in submission.files.items()}
    form = {"name": _plain(submission.name), "files": files, "problem": submission.problem}
    return hexdigest(canonical(form))


def specification_digest(specification: Specification) -> str:
    """The hash of all that a specification says, checkers included."""
    return sha256(canonical(_form(specification))).hexdigest()


def _form(value: Any) -> Any:
    """A value of a specification as JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value))
        return {name: _form(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {_plain(str(name)): _form(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_form(item) for item in value]
    if value is UNSET:
        return {"unset": True}
    if isinstance(value, bytes):
        return hexdigest(value)
    if isinstance(value, float):
        # infinities are no JSON
        return repr(value)
    if isinstance(value, str):
        return _plain(value)
    if callable(value):
        return getattr(value, "__qualname__", "?")
    return number(value)


def _plain(text: str) -> str:
    """Text without halves of surrogate pairs, which canonical JSON has no place for."""
    return text.encode("utf-8", "backslashreplace").decode()
