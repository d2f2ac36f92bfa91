"""What a text consists of: blanks, comments, words, strings, identifiers in quotes."""

from __future__ import annotations

import contextlib

import pytest
from processor import least_seconds

from pywasmgk.errors import TextError
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.text.source import Source
from pywasmgk.wasm.text.tokens import tokens_of


def words(text: str) -> list[str | bytes]:
    return tokens_of(Source(text)).words


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n"])
def test_a_line_comment_ends_with_its_line(newline: str) -> None:
    assert words(f"a ;; b (; {newline} c") == ["a", "c"]


def test_comments_in_comments() -> None:
    text = "(; (; ;) ;; ;)\na(;b;)c ;;;; (;\nd"
    assert words(text) == ["a", "c", "d"]
    assert tokens_of(Source(text)).places.tolist() == [15, 21, 31]


def test_strings_are_bytes() -> None:
    assert words(r'"a\t\6e\u{1_f600}\"\\" "" "é"') == [
        'a\tn\U0001f600"\\'.encode(),
        b"",
        "é".encode(),
    ]


def test_identifiers_in_quotes_are_identifiers() -> None:
    assert words(r'$a $"a" $"\61" $" " $"\u{f61a}"') == ["$a", "$a", "$a", "$ ", "$\uf61a"]
    assert words('$a;;"') == ["$a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"a""b"', "a blank is missing"),
        ('0"a"', "a blank is missing"),
        ('"a"0', "a blank is missing"),
        ('$l"a"', "a blank is missing"),
        ('$"a"l', "a blank is missing"),
        ('$"a""b"', "a blank is missing"),
        ("$", "empty identifier"),
        ('$""', "empty identifier"),
        ('$ "a"', "empty identifier"),
        ('$"\\ef"', "malformed UTF-8 encoding"),
        ('$"a\nb"', "a control character in a string"),
        ('"a\tb"', "a control character in a string"),
        ('"\x7f"', "a control character in a string"),
        ('"a', "a string that does not end"),
        ('"a\\"', "a string that does not end"),
        ('"\\x"', "a character that is none"),
        ('"\\4"', "a character that is none"),
        ('"\\u{110000}"', "a character that is none"),
        ('"\\u{' + "1" * 5000 + '}"', "a character that is none"),
        ('"\\u{d800}"', "a character that is none"),
        ('"\\u{}"', "a character that is none"),
        ('"\\u{1__2}"', "a character that is none"),
        ('"\ud800"', "a character that is none"),
        ("a,b", "unexpected characters"),
        ("[]", "unexpected characters"),
        ("{", "unexpected characters"),
        ("a;b", "unexpected characters"),
        ("\x0b", "unexpected characters"),
        ("\xa0", "unexpected characters"),
        ("é", "unexpected characters"),
        ("(;", "a comment that does not end"),
        ("(; (; ;)", "a comment that does not end"),
        ("(@a", "an annotation that does not end"),
        ("(@a (b)", "an annotation that does not end"),
        ("(@a (@b)", "an annotation that does not end"),
        ('(@a ")', "a string that does not end"),
        ("(@)", "empty annotation id"),
        ('(@a"b")', "a blank is missing"),
        ('(@"a"b)', "a blank is missing"),
        ('(@$"b")', "empty annotation id"),
        ("(@ a)", "empty annotation id"),
        ('(@"")', "empty annotation id"),
        ('(@"\\ef")', "malformed UTF-8 encoding"),
        ("(@a é)", "unexpected characters"),
        ("(@a \x01)", "unexpected characters"),
        ('(@a "\\x")', "a character that is none"),
    ],
)
def test_what_is_no_text(text: str, message: str) -> None:
    with pytest.raises(TextError, match=message) as caught:
        tokens_of(Source(text))
    assert caught.value.line >= 1
    with pytest.raises(TextError):
        Module(text)


def test_annotations_are_blanks() -> None:
    text = '(@a ( , ;] $ "x"y (@ (@z)) ;; )\n (; ) ;) (@b)) (@0) (@"q w" ")") )(@x)a'
    assert words(text) == ["a"]
    assert words("(@a,)(@b[ ])") == []
    assert words('(@a $"" $"\\ef" $ $"x"y)') == []


@pytest.mark.parametrize(
    "piece",
    [" ", ";;\n", "(;;)", "(", '"\\\\" ', "$a ", '$"a" ', "(@a)", "0x1 ", '"a"\n', "(;", '"', "\\"],
)
def test_reading_tokens_is_linear(piece: str) -> None:
    def reading(count: int) -> None:
        with contextlib.suppress(TextError):
            tokens_of(Source(piece * count))

    # with what a busy machine adds
    bound = 12 * least_seconds(lambda: reading(20_000)) + 0.1
    assert least_seconds(lambda: reading(80_000), enough=bound) < bound
