"""Branch hints are checked when somebody asks, and make no module invalid."""

from __future__ import annotations

import pytest
from wasm_builder import function

from pywasmgk import DecodeError, Module, ValidationError
from pywasmgk.wasm.valid.branch_hints import SECTION, require_branch_hints

CODE = ("i32", "", "local.get 0", "if _", "end", "block _", "local.get 0", "br_if 0", "end")


def hinted(hints: bytes, locals_: str = "") -> Module:
    return Module(function(*CODE, locals_=locals_, customs=[(SECTION, hints)]))


@pytest.mark.parametrize("offset", [3, 10])
def test_hints_of_branches(offset: int) -> None:
    require_branch_hints(hinted(bytes([1, 0, 1, offset, 1, 1])))


def test_locals_count() -> None:
    """Offsets are from where the declaration of locals begins."""
    require_branch_hints(hinted(b"\1\0\1\5\1\0", "i64"))
    with pytest.raises(ValidationError, match="invalid target"):
        require_branch_hints(hinted(b"\1\0\1\3\1\0", "i64"))


@pytest.mark.parametrize("offset", [0, 1, 2, 4, 5, 99])
def test_hints_of_others(offset: int) -> None:
    module = hinted(bytes([1, 0, 1, offset, 1, 1]))
    with pytest.raises(ValidationError, match="annotation: invalid target"):
        require_branch_hints(module)


@pytest.mark.parametrize(
    ("hints", "error", "words"),
    [
        (b"\1\7\1\3\1\0", ValidationError, "there is no function 7"),
        (b"\1\0\1\3\1\2", DecodeError, "malformed hint"),
        (b"\1\0\1\3\2\0\0", DecodeError, "malformed hint"),
        (b"\1\0\1\3", DecodeError, "unexpected end"),
        (b"\xff\xff\xff\xff\x0f", DecodeError, "unexpected end"),
    ],
)
def test_sections_that_are_none(hints: bytes, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        require_branch_hints(hinted(hints))
