"""JSON as Go reads and writes it (contract 3.3 and part 2)."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pywasmgk.plugin.gojson import JSONError, Object, decode, encode, raw_members
from pywasmgk.plugin.schema import (
    ANY,
    BOOL,
    BYTES,
    FLOAT,
    INT,
    STRING,
    fold,
    listed,
    mapped,
    optional,
    record,
)

# -- reading: what is accepted


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"null", None),
        (b" \t\r\n true \n", True),
        (b"-0", 0),
        (b"9007199254740993", 9007199254740993),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"1e2", 100.0),
        (b"-1.5E-3", -0.0015),
        (b'"\\u0041\\n\\/\\ud83d\\ude00"', "A\n/\U0001f600"),
        (b'"\x7f"', "\x7f"),
        ('"\u2028"'.encode(), "\u2028"),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"":0}', {"": 0}),
        (b"[[],{}]", [[], {}]),
        # each byte that is no UTF-8 becomes U+FFFD
        (b'"a\xffb"', "a\ufffdb"),
        (b'"\xe2\x82"', "\ufffd\ufffd"),
        (b'"\xed\xa0\x80"', "\ufffd\ufffd\ufffd"),
        (b'"\xf0\x9f\x98x"', "\ufffd\ufffd\ufffdx"),
        (b'"\xc0\xaf"', "\ufffd\ufffd"),
        # so does a surrogate escape that stands alone
        (b'"\\ud83d"', "\ufffd"),
        (b'"\\ude00\\ud83d"', "\ufffd\ufffd"),
        (b'"\\ud83dx\\ude00"', "\ufffdx\ufffd"),
        (b'"\\ud83d\\ud83d\\ude00"', "\ufffd\U0001f600"),
        (b'"\\\\ud83d"', "\\ud83d"),
        (b'{"\\ud83d":1}', {"\ufffd": 1}),
    ],
)
def test_accepted(text: bytes, value: Any) -> None:
    found = decode(text)
    assert found == value
    assert type(found) is type(value)


# -- reading: what is not


@pytest.mark.parametrize(
    "text", [b"", b" ", b"\n\t", b"[", b'{"a"', b'{"a":', b'"abc', b"[1,", b"{"]
)
def test_unexpected_end(text: bytes) -> None:
    with pytest.raises(JSONError) as caught:
        decode(text)
    assert str(caught.value) == "unexpected end of JSON input"


@pytest.mark.parametrize(
    "text",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"[NaN]",
        b"nul",
        b"tru",
        b"None",
        b"+1",
        b"01",
        b"1.",
        b".5",
        b"1e",
        b"-",
        b"0x10",
        b"1_000",
        b"'a'",
        b"{'a':1}",
        b"{a:1}",
        b"{1:1}",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b'{"a":1,}',
        b'{"a" 1}',
        b'{"a":1 "b":2}',
        b"// no\n1",
        b"/* no */1",
        b"1 2",
        b"{} x",
        b"[]]",
        b"\xef\xbb\xbf{}",
        b"\xff",
        b'"\\x41"',
        b'"\\u12"',
        b'"\\u+123"',
        b'"\\u 123"',
        b"1e999",
        b"-1e999",
        b"\xa0" + b"1",
        "\u00a01".encode(),
        b"\x0c1",
        *(b'"%c"' % code for code in (*range(32),)),
    ],
)
def test_refused(text: bytes) -> None:
    with pytest.raises(JSONError):
        decode(text)


def test_trailing_data_is_named() -> None:
    with pytest.raises(JSONError, match="invalid character 'x' after top-level value"):
        decode(b"{} x")


@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth(brackets: tuple[bytes, bytes]) -> None:
    opening, closing = brackets
    for depth in (99, 101, 1_000, 10_000):
        inner = b"1" if opening != b"[" else b""
        value = decode(opening * depth + inner + closing * depth)
        for _ in range(depth - 1):
            value = value[0] if isinstance(value, list) else value["a"]
    with pytest.raises(JSONError, match="exceeded max depth"):
        decode(opening * 10_001 + b"1" + closing * 10_001)
    with pytest.raises(JSONError):
        decode(opening * 5_000)
    with pytest.raises(JSONError, match="nested deeper than 7"):
        decode(opening * 8 + b"1" + closing * 8, max_depth=7)
    decode(opening * 7 + b"1" + closing * 7, max_depth=7)


def test_brackets_in_strings_are_not_depth() -> None:
    text = b'["' + b"[" * 20_000 + b'","\\"' + b"{" * 20_000 + b'"]'
    assert len(decode(text)) == 2


def test_deep_and_long_texts_are_refused() -> None:
    text = b"[" + b"[" * 200 + b"]" * 200 + b",[]" * 100_000 + b"]"
    with pytest.raises(JSONError, match="nested deeper than 100 and longer than"):
        decode(text)


def test_deep_texts_have_the_same_errors() -> None:
    deep = b"[" * 150
    for wrong in (b"NaN", b"01", b"1e999", b"nul", b'"\\x"', b"{a:1}", b"[1,]", b'{"a":1,}'):
        with pytest.raises(JSONError):
            decode(deep + wrong + b"]" * 150)
    text = b'{"k":[1,-2.5e1,true,false,null,"s",{"a":{},"b":[]}]}'
    value = decode(deep + text + b"]" * 150)
    for _ in range(150):
        value = value[0]
    assert value == json.loads(text)


def test_size() -> None:
    assert decode(b"[1]", max_bytes=3) == [1]
    with pytest.raises(JSONError, match="a text of 4 bytes; 3 are allowed"):
        decode(b"[12]", max_bytes=3)


def test_huge_numbers() -> None:
    assert decode(b"9" * 4_000) == int("9" * 4_000)
    for text in (b"9" * 4_001, b"-" + b"9" * 10_000, b"[" + b"9" * 5_000 + b"]"):
        with pytest.raises(JSONError, match="digits"):
            decode(text)


def test_a_stricter_interpreter_gives_the_same_kind_of_error() -> None:
    if not hasattr(sys, "set_int_max_str_digits"):
        return
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(700)
    try:
        with pytest.raises(JSONError, match="number"):
            decode(b"9" * 1_000)
    finally:
        sys.set_int_max_str_digits(before)


def test_duplicates_are_kept_on_demand() -> None:
    value = decode(b'{"a":1,"b":{"c":1,"c":2},"a":3}', keep_duplicates=True)
    assert isinstance(value, Object) and isinstance(value["b"], Object)
    assert value == {"a": 3, "b": {"c": 2}}
    assert [key for key, _ in value.pairs] == ["a", "b", "a"]
    assert value["b"].pairs == [("c", 1), ("c", 2)]
    assert type(decode(b'{"a":1}', keep_duplicates=True)) is dict


def test_raw_members_are_the_texts_themselves() -> None:
    text = b' { "a" : {"x" :1 , "y":[ ] } , "b":"\xff\\u0041", "a":1e1 ,"":null}'
    assert raw_members(text) == [
        ("a", b'{"x" :1 , "y":[ ] }'),
        ("b", b'"\xff\\u0041"'),
        ("a", b"1e1"),
        ("", b"null"),
    ]
    assert raw_members(b"{}") == []


# -- kinds


@pytest.mark.parametrize("key", ["args", "ARGS", "aRgS", "arg\u017f"])
def test_folding(key: str) -> None:
    assert fold(key) == fold("args")


def test_folding_goes_no_further() -> None:
    assert fold("\u212aey") == fold("key")
    for other in ("\u0131", "\u0130", "\uff41", "\u00e5"):
        assert fold(f"{other}d") not in (fold("id"), fold("ad"))
    assert fold("menuItems") != fold("menu_items")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (INT, "-9223372036854775808", -(1 << 63)),
        (INT, "9223372036854775807", (1 << 63) - 1),
        (FLOAT, "3", 3.0),
        (FLOAT, "2.5", 2.5),
        (BOOL, "true", True),
        (STRING, '""', ""),
        (BYTES, '"AQI="', b"\1\2"),
        (BYTES, '"A\\r\\nQ\\nI="', b"\1\2"),
        (BYTES, '""', b""),
        (BYTES, "[1, 255, 0, null]", b"\1\xff\0\0"),
        (BYTES, "[]", b""),
        (BYTES, '"QR=="', b"A"),
        (listed(INT), "[1, null]", (1, 0)),
        (listed(listed(STRING)), '[["a"], null]', (("a",), ())),
        (mapped(STRING), '{"a": null, "B": "b"}', {"a": "", "B": "b"}),
        (ANY, '{"a": [1, 1.5]}', {"a": [1, 1.5]}),
    ],
)
def test_kinds_accept(kind: Any, text: str, value: Any) -> None:
    assert kind.read(decode(text), "", kind.zero()) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((INT, text) for text in ("1.0", "1e2", '"1"', "true", "9223372036854775808", "{}", "[]")),
        *((BOOL, text) for text in ("1", "0", '"true"', "[]")),
        *((STRING, text) for text in ("1", "true", "[]", "{}")),
        *((FLOAT, text) for text in ('"1"', "true", "9" * 400)),
        *((BYTES, text) for text in ('"A"', '"AQI"', '"AQ==AQ=="', '"A Q="', '"AQ-_"', "1", "{}")),
        *((BYTES, text) for text in ("[256]", "[-1]", "[1.0]", "[false]", '[""]', "[[]]")),
        *((listed(INT), text) for text in ("{}", '"a"', '["a"]', "1")),
        *((mapped(INT), text) for text in ("[]", '{"a": "b"}', "1")),
    ],
)
def test_kinds_refuse(kind: Any, text: str) -> None:
    with pytest.raises(JSONError):
        kind.read(decode(text), "", kind.zero())


def test_null_empties_or_leaves() -> None:
    for kind, old, new in [
        (INT, 5, 5),
        (STRING, "a", "a"),
        (BOOL, True, True),
        (BYTES, b"a", None),
        (listed(INT), (1,), ()),
        (mapped(INT), {"a": 1}, {}),
        (optional(listed(INT)), (1,), None),
        (ANY, 1, None),
    ]:
        assert kind.read(None, "", old) == new


def test_records_have_all_their_keys() -> None:
    kind = record([("Key", STRING), ("count", INT)])
    assert kind.zero() == {"Key": "", "count": 0}
    assert kind.read({"COUNT": 1, "other": 2}, "", kind.zero()) == {"Key": "", "count": 1}
    value = decode(b'{"key":"a","KEY":null,"key":"b","count":2,"Count":3}', keep_duplicates=True)
    assert kind.read(value, "", kind.zero()) == {"Key": "b", "count": 3}
    with pytest.raises(
        JSONError, match=r"^count: cannot unmarshal string into a value of type int"
    ):
        kind.read({"count": "1"}, "", kind.zero())
    nested = record([("list", listed(kind))])
    with pytest.raises(JSONError, match=r"^list\[1\]\.count: cannot unmarshal"):
        nested.read({"list": [{}, {"count": 1.0}]}, "", nested.zero())


# -- writing


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (0, "0"),
        (2**70, str(2**70)),
        (5.0, "5"),
        (-0.0, "-0"),
        (0.1, "0.1"),
        (1e20, "100000000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (5e-324, "5e-324"),
        (1e100, "1e+100"),
        ("<a href='x'>&", "\"\\u003ca href='x'\\u003e\\u0026\""),
        ("\u2028\u2029\u00e9\U0001f600", '"\\u2028\\u2029\u00e9\U0001f600"'),
        ('"\\\n\r\t\b\f\0\x1f\x7f', '"\\"\\\\\\n\\r\\t\\b\\f\\u0000\\u001f\x7f"'),
        ("\ud83d\ude00", '"\U0001f600"'),
        ("a\ud83d", '"a\ufffd"'),
        (b"\1\2", '"AQI="'),
        (b"", '""'),
        (bytearray(b"a"), '"YQ=="'),
        ({"b": 1, "a": [1, {"<": None}]}, '{"a":[1,{"\\u003c":null}],"b":1}'),
        ((1, "a"), '[1,"a"]'),
        ([], "[]"),
        ({}, "{}"),
        ([[], {}], "[[],{}]"),
        (datetime(2022, 1, 2, 3, 4, 5, tzinfo=timezone.utc), '"2022-01-02T03:04:05Z"'),
        (datetime(2022, 1, 2, 3, 4, 5, 120_000), '"2022-01-02T03:04:05.12Z"'),
        (
            datetime(999, 1, 2, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
            '"0999-01-02T00:00:00-03:30"',
        ),
        (
            datetime(2022, 1, 2, 3, 4, 5, 1, tzinfo=timezone(timedelta(hours=2))),
            '"2022-01-02T03:04:05.000001+02:00"',
        ),
    ],
)
def test_written(value: Any, text: str) -> None:
    assert encode(value).decode() == text


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), [float("-inf")], {1: 2}, {"a": {None: 1}}]
)
def test_not_written(value: Any) -> None:
    with pytest.raises(JSONError):
        encode(value)


@pytest.mark.parametrize("value", [object(), {1, 2}, [1j], {"a": object}])
def test_what_json_does_not_have(value: Any) -> None:
    with pytest.raises(TypeError, match="JSON has no"):
        encode(value)


def test_values_inside_themselves() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(JSONError, match="inside itself"):
        encode(loop)


def test_depth_when_written() -> None:
    value: Any = 1
    for _ in range(9_999):
        value = [value]
    assert encode(value) == b"[" * 9_999 + b"1" + b"]" * 9_999


# -- both ways

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=12,
)


#: enough to find what is wrong, and quick
few = settings(max_examples=40, deadline=None)


def same(one: Any, other: Any) -> bool:
    """Equal, but an integral float may come back as an integer."""
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return one == float(other)
    return type(one) is type(other) and one == other


@few
@given(VALUES)
def test_what_is_written_reads_the_same(value: Any) -> None:
    text = encode(value)
    assert same(value, decode(text))
    assert same(value, json.loads(text))
    assert not set(b"<>&\n") & set(text)


@few
@given(VALUES)
def test_pythons_own_json_reads_the_same(value: Any) -> None:
    text = json.dumps(value).encode()
    assert decode(text) == value
    deep = b"[" * 101 + text + b"]" * 101
    found = decode(deep)
    for _ in range(101):
        found = found[0]
    assert found == value and same(found, value)


@given(
    st.binary(max_size=40)
    | st.text('[]{},:"\\u0123456789abtrnlefs.-+eE \n', max_size=40).map(str.encode)
)
def test_any_bytes_read_or_are_an_error(text: bytes) -> None:
    def attempt(data: bytes) -> Any:
        try:
            return decode(data, keep_duplicates=True)
        except JSONError:
            return JSONError

    plain = attempt(text)
    deep = attempt(b"[" * 101 + text + b"]" * 101)
    if plain is not JSONError:
        assert deep is not JSONError
    if deep is not JSONError:
        for _ in range(101):
            deep = deep[0] if deep else deep


@given(st.binary())
def test_bytes_come_back(data: bytes) -> None:
    assert BYTES.read(decode(encode(data)), "", None) == data


@few
@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_members_keep_their_texts(value: dict[str, Any]) -> None:
    members = raw_members(json.dumps(value, indent=1).encode())
    assert {key: json.loads(text) for key, text in members} == value
