"""Annotations that stand for custom sections, and names beside identifiers."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from text_modules import content

from pywasmgk.errors import TextError
from pywasmgk.wasm.module import Module

SUITE = Path(__file__).parents[3].parent / "shared" / "spec-testsuite"

PLACED = """(module $m
  (@custom "late" "1" "2") (@custom "first" (before first)) (@custom "code" (before code) "\\00")
  (type (func)) (func)
  (@custom "func" (after func)) (@custom "also" (after func)) (@custom "last" (after last) "x")
  (@producers (language "WAT" "1") (processed-by "me" "0.1") (processed-by "you" "2") (sdk "s" ""))
)"""


def sections(text: str) -> list[tuple[str, bytes]]:
    module = Module(text)
    return [(name, module.data[start:end]) for name, start, end in module.custom_sections]


def test_custom_sections_stand_where_they_are_placed() -> None:
    assert [name for name, _ in sections(PLACED)] == [
        "first", "func", "also", "code", "late", "last", "producers", "name",
    ]  # fmt: skip
    assert dict(sections(PLACED))["late"] == b"12"


def test_producers_are_encoded() -> None:
    assert dict(sections(PLACED))["producers"] == (
        b"\3\x08language\1\3WAT\x011\x0cprocessed-by\2\2me\x030.1\3you\x012\3sdk\1\1s\0"
    )


def test_a_name_section_of_the_text_is_the_only_one() -> None:
    assert sections('(func $f) (@custom "name" "\\00\\02\\01x")') == [("name", b"\0\2\1x")]


def test_names_beside_identifiers() -> None:
    names = Module(
        """(module (@name "möd")
          (type $t (@name "T T") (func (param $p (@name "unused") i32)))
          (import "a" "b" (func $i (@name "")))
          (table (@name "tab") 1 funcref) (memory $m (@name "mem") 1)
          (global $#global0<g> (@name "g") i32 (i32.const 0))
          (func $f (@name "f f") (param $#local0<x> (@name "x") i32) (param (@name "y") i32)
            (local $z i32) (local (@name "z z") i32)
            local.get $#local0<x> drop)
          (elem (@name "e") func) (data $d (@name "dd") ""))"""
    ).names
    assert names.module == "möd"
    assert names.functions == {0: "", 1: "f f"}
    assert names.locals == {1: {0: "x", 1: "y", 2: "z", 3: "z z"}}
    assert (names.types, names.tables, names.memories) == ({0: "T T"}, {0: "tab"}, {0: "mem"})
    assert (names.globals, names.elements, names.datas) == ({0: "g"}, {0: "e"}, {0: "dd"})


def test_branch_hints() -> None:
    text = """(func) (func (local i32 i64 i64)
      (@metadata.code.branch_hint "\\01") (if (i32.const 0) (then))
      (block (@metadata.code.branch_hint "\\00") (br_if 0 (i32.const 0))))"""
    module = Module(text)
    [(name, start, end)] = module.custom_sections
    body = module.data[module.bodies[1].start :]
    first, second = body.index(b"\x04\x40"), body.index(b"\x0d\x00")
    assert name == "metadata.code.branch_hint"
    assert module.data[start:end] == bytes([1, 1, 2, first, 1, 1, second, 1, 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(@custom)", "@custom annotation: missing section name"),
        ("(@custom 4)", "@custom annotation: missing section name"),
        ('(@custom "\\df")', "@custom annotation: malformed UTF-8 encoding"),
        ('(@custom "a" here)', "@custom annotation: unexpected token"),
        ('(@custom "a" (after))', "@custom annotation: malformed section kind"),
        ('(@custom "a" (aft type))', "@custom annotation: malformed placement"),
        ('(@custom "a" (before types))', "@custom annotation: malformed section kind"),
        ('(@custom "a" (before "type"))', "@custom annotation: malformed section kind"),
        ('(@custom "a" (before type) x)', "@custom annotation: unexpected token"),
        ('(func (@custom "a"))', "misplaced @custom annotation (line 1, column 7)"),
        ('(type (@custom "a") (func))', "misplaced @custom annotation"),
        ('(func (nop (@custom "a")))', "misplaced @custom annotation"),
        ('(module (@name "a") (@name "b"))', "@name annotation: there are several"),
        ("(module (@name))", "@name annotation: expected one string"),
        ('(module (@name "\\ff"))', "@name annotation: malformed UTF-8 encoding"),
        ('(module (func) (@name "M"))', "misplaced @name annotation"),
        ("(@producers x)", "@producers annotation: unexpected token"),
        ('(@producers (tool "a" "b"))', "expected one of language, processed-by, sdk"),
        ('(@producers (language "a"))', "@producers annotation: missing version"),
        ('(@producers (language "a" "b" "c"))', "@producers annotation: unexpected token"),
        ('(@metadata.code.branch_hint "\\01") (func)', "misplaced @metadata.code.branch_hint"),
        ('(func (@metadata.code.branch_hint "\\01") nop)', "invalid target nop"),
        ('(func (@metadata.code.branch_hint "\\02") (br_if 0))', "of a byte 0 or 1"),
        (
            '(func (@metadata.code.branch_hint "\\0") (@metadata.code.branch_hint "\\0") br_if 0)'
            .replace("\\0", "\\00"),
            "duplicate annotation",
        ),
    ],
)  # fmt: skip
def test_annotations_that_are_wrong(text: str, message: str) -> None:
    with pytest.raises(TextError) as caught:
        Module(text)
    assert message in str(caught.value)


@pytest.mark.skipif(not SUITE.exists(), reason="the official suite is not beside the project")
@pytest.mark.parametrize("name", ["custom_annot", "branch_hint", "name_annot"])
def test_the_suites_sections(name: str) -> None:
    """The text of each module, from the sources, gives the sections of the binary one."""
    with zipfile.ZipFile(SUITE / "wast-sources.zip") as sources:
        path = next(entry for entry in sources.namelist() if entry.endswith(f"/{name}.wast"))
        script = sources.read(path).decode()
    with zipfile.ZipFile(SUITE / "3.0-custom.zip") as archive:
        commands = json.loads(archive.read(f"{name}.json"))["commands"]
        lines = script.splitlines()
        seen = 0
        for command in commands:
            start = command["line"] - 1
            begins = lines[start].startswith("(module") and "quote" not in lines[start]
            if command["type"] != "module" or not begins or name == "name_annot":
                continue
            end = next(n for n in range(start, len(lines)) if lines[n] in (")", "))"))
            ours = Module("\n".join(lines[start : end + 1]))
            theirs = Module(archive.read(command.get("binary_filename", command["filename"])))
            assert content(ours) == content(theirs)
            assert [
                (title, ours.data[begin:end])
                for title, begin, end in ours.custom_sections
                if title != "name"
            ] == [
                (title, theirs.data[begin:end])
                for title, begin, end in theirs.custom_sections
                if title != "name"
            ]
            seen += 1
    assert seen or name == "name_annot"
