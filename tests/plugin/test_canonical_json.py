"""Canonical JSON as RFC 8785 has it: the numbers of its appendix B, its order, its escapes."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywasmgk.plugin.canonical_json import MOST_EXACT, canonical

#: bits of a double, and how it is written (RFC 8785, appendix B)
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


@pytest.mark.parametrize(("bits", "text"), NUMBERS)
def test_numbers_are_written_as_in_ecmascript(bits: str, text: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(value) == text.encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, MOST_EXACT + 2])
def test_what_is_no_double_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"no (number|double)"):
        canonical(value)


def test_integers_are_doubles() -> None:
    assert canonical([MOST_EXACT, -7, 0, 10**21, 1 << 60, True]) == (
        b"[9007199254740991,-7,0,1e+21,1152921504606847000,true]"
    )


def test_members_stand_in_the_order_of_their_code_units() -> None:
    """The names of section 3.2.3: by UTF-16, what is beyond U+FFFF comes before U+FB33."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\xf6"]
    expected = ["\r", "1", "\x80", "\xf6", "\u20ac", "\U0001f600", "\ufb33"]
    assert [*json.loads(canonical(dict.fromkeys(names)))] == expected


def test_strings_have_the_least_escapes() -> None:
    assert canonical("\u20ac$\x0f\nA'B\"\\/\x7f\u2028") == (
        '"\u20ac$\\u000f\\nA\'B\\"\\\\/\x7f\u2028"'.encode()
    )
    assert canonical("\b\t\n\f\r") == rb'"\b\t\n\f\r"'


@pytest.mark.parametrize("value", ["\ud83d", {"\udc00": 1}, ["\ude00\ud83d"]])
def test_half_a_surrogate_pair_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="surrogate"):
        canonical(value)


@pytest.mark.parametrize("value", [b"x", {1: 2}, {"a": {3}}, object()])
def test_what_json_does_not_have_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical(value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-MOST_EXACT, MOST_EXACT)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), inner
    ),
)  # fmt: skip


@given(VALUES)
def test_any_value_can_be_read_back_and_is_written_the_same_again(value: Any) -> None:
    text = canonical(value)
    again = json.loads(text, parse_int=float)
    assert again == value
    assert canonical(again) == text
