"""Damages texts, and compares what becomes of them with wasmtime's reader."""

from __future__ import annotations

import random
import re
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from oracle import sections
from text_modules import content

from pywasmgk.errors import PywasmgkError, TextError
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.text.reading import read_text
from pywasmgk.wasm.text.scripts import ScriptReader

__all__ = ["RULES", "Case", "corpus", "difference", "mutate", "try_text"]

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT.parent / "shared" / "spec-testsuite" / "wast-sources.zip"
#: longer ones are left out: what they would show, shorter ones show sooner
_LONGEST = 3_000
#: sections that are not compared: custom ones, the count of data segments; those of segments
_ASIDE, _ELEMENTS, _DATA = (0, 12), 9, 11
#: pieces of text that a reader may stumble over
_PIECES = """
( ) (; ;) ;; (@a (@custom (@name "" "a" "\\00" "\\u{41}" $x $0 $"" $"x" $ 0 1 -1 +1 0x 0x1 1_0 _1
00 4294967295 4294967296 18446744073709551616 0x1p 1e 1e400 nan nan:0x1 nan:canonical inf -0 1. .5
module func type param result local import export memory table global elem data start offset item
declare mut then else end if block loop i32 i64 f32 f64 v128 funcref externref i8x16 i64x2
offset=0 offset=1 align=1 align=3 align=0 (then (else (param (result (local (type (type 0) (item
(offset (mut (export "x") (import "x" "y") (memory (table (elem (data (func (block (loop (if
nop unreachable drop select return i32.const i32.add local.get local.set br br_if br_table call
call_indirect i32.load i32.store memory.size memory.copy memory.init table.copy table.init
table.get ref.null ref.func ref.is_null v128.const i8x16.shuffle v128.load8_lane , [ ] { } \\ é
""".split()
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\(|\)|[^\s()"]+|\s+')

Damage = Callable[[list[str], random.Random, Sequence[str]], None]


def corpus() -> list[str]:
    """Texts of modules: of the guests and tests here, and of the official suite if it is there.
    Those that cannot be read are one in twenty."""
    found = [path.read_text() for path in sorted((ROOT / "tests" / "guests").rglob("*.wat"))]
    found += _OURS
    if SOURCES.exists():
        with zipfile.ZipFile(SOURCES) as archive:
            for name in sorted(archive.namelist()):
                if name.startswith("2.0/core/") or "/custom/" in name or "annotations" in name:
                    found += _texts(archive.read(name).decode("utf-8", "replace"))
    short = [text for text in dict.fromkeys(found) if 5 < len(text) <= _LONGEST]
    malformed = [text for text in short if try_text(text).outcome == "TextError"]
    return sorted({*short} - {*malformed}) + malformed[:: max(len(malformed) * 20 // len(short), 1)]


def _texts(script: str) -> list[str]:
    reader = ScriptReader(script)
    try:
        reader.commands()
    except TextError:
        return []
    return [str(content) for content in reader.contents.values() if isinstance(content, str)]


_OURS = [
    """(module $m (type $t (func (param i32) (result i32)))
      (import "a" "b" (func $i (type $t))) (table $t 2 funcref) (memory $m 1)
      (global $g (mut i32) (i32.const 0))
      (func $f (export "f") (type $t) (param $p i32) (result i32) (local $l i64) (local f32)
        (block $b (loop $c (br_if $b (i32.eqz (local.get $p)))
          (local.set $p (i32.sub (local.get $p) (i32.const 1))) (br $c)))
        (if $d (result i32) (local.get $p) (then (call $i (local.get $p)))
          (else (call_indirect $t (type $t) (i32.const 1) (i32.const 0)))))
      (elem $e (table $t) (i32.const 0) func $f $i) (elem declare func $f)
      (elem funcref (item ref.func $f) (ref.null func)) (data $d (i32.const 0) "a\\00" "b")
      (data "x") (export "m" (memory $m)) (start $s)
      (func $s i32.const 0 if $q nop else $q nop end $q block $r br 0 end
        (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop $d)
        (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 0)) (elem.drop $e)
        (i32.store8 offset=3 align=1 (i32.const 0) (i32.const 1))
        (drop (i32x4.extract_lane 1 (v128.const i32x4 1 2 3 4)))
        (drop (f64.const -0x1.8p3)) (drop (f32.const nan:0x200000))))""",
    """(func (@name "x y") (param (@name "p") i32) (@metadata.code.branch_hint "\\01")
      (if (local.get 0) (then))) (@custom "c" (after func) "1" "2")
      (@producers (language "a" "b") (processed-by "c" "d"))""",
    '(module binary "\\00asm" "\\01\\00\\00\\00")',
]


def _delete(words: list[str], chance: random.Random, others: Sequence[str]) -> None:
    at = chance.randrange(len(words))
    del words[at : at + chance.choice((1, 1, 1, 2, 5))]


def _insert(words: list[str], chance: random.Random, others: Sequence[str]) -> None:
    space = chance.choice((" ", " ", " ", ""))
    words.insert(chance.randrange(len(words) + 1), f"{space}{chance.choice(_PIECES)}{space}")


def _replace(words: list[str], chance: random.Random, others: Sequence[str]) -> None:
    words[chance.randrange(len(words))] = chance.choice(_PIECES)


def _double(words: list[str], chance: random.Random, others: Sequence[str]) -> None:
    at = chance.randrange(len(words))
    words[at:at] = words[at : at + chance.choice((1, 2, 4, 12))]


def _swap(words: list[str], chance: random.Random, others: Sequence[str]) -> None:
    first, second = chance.randrange(len(words)), chance.randrange(len(words))
    words[first], words[second] = words[second], words[first]


def _move(words: list[str], chance: random.Random, others: Sequence[str]) -> None:
    """Moves what is between two parentheses, or drops it, or has it twice."""
    start, end = _group(words, chance)
    group = words[start:end]
    if chance.random() < 0.7:
        del words[start:end]
    at = chance.randrange(len(words) + 1)
    words[at:at] = group if chance.random() < 0.7 else []


def _splice(words: list[str], chance: random.Random, others: Sequence[str]) -> None:
    """Puts a group of another text somewhere."""
    other = _TOKEN.findall(chance.choice(others))
    if other:
        start, end = _group(other, chance)
        at = chance.randrange(len(words) + 1)
        words[at:at] = other[start:end]


def _group(words: list[str], chance: random.Random) -> tuple[int, int]:
    """A parenthesis and the one that closes it."""
    opening = [at for at, word in enumerate(words) if word == "("]
    if not opening:
        return 0, 1
    start = end = chance.choice(opening)
    depth = 0
    while end < len(words):
        depth += (words[end] == "(") - (words[end] == ")")
        end += 1
        if not depth:
            break
    return start, end


def _character(words: list[str], chance: random.Random, others: Sequence[str]) -> None:
    """Damages the spelling of a word."""
    at = chance.randrange(len(words))
    word = words[at]
    place = chance.randrange(len(word) + 1)
    piece = chance.choice(("", "", chance.choice('()";$_.0aé\\@=,\r\n\t\0+-x')))
    words[at] = word[:place] + piece + word[place + chance.choice((0, 1)) :]


_DAMAGES: list[Damage] = [
    _delete, _delete, _insert, _insert, _replace, _replace, _double, _swap, _move, _splice,
    _character, _character,
]  # fmt: skip


def mutate(seed: int, texts: Sequence[str]) -> str:
    """The damaged text of a seed."""
    chance = random.Random(seed)
    words = _TOKEN.findall(chance.choice(texts))
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if words:
            chance.choice(_DAMAGES)(words, chance, texts)
    return "".join(words)


# -- what happens then


class Case(NamedTuple):
    """What reading a text took, and what came of it."""

    #: ``read``, the class of our exception, or ``!`` and what else it was
    outcome: str
    message: str
    #: the module, if it could be read
    data: bytes | None
    #: CPU seconds, with loading
    seconds: float


def try_text(text: str) -> Case:
    """Reads a text and, if that can be, loads the module; what is read need not be valid."""
    begin = time.thread_time()
    data, message = None, ""
    try:
        data = read_text(text).data
        outcome = "read"
        Module(text)
    except PywasmgkError as error:
        outcome = "read" if data is not None else type(error).__name__
        message = str(error)
    except BaseException as error:  # what else comes out is what is looked for
        outcome, message = f"!{type(error).__name__}", f"{error}"[:300]
    return Case(outcome, message, data, time.thread_time() - begin)


_BLOCKS = "Folded Instructions: a block ends, also in a constant expression"
_GAP = r"(?:\s|;;.*|\(;.*?;\))*"
#: a data segment whose offset, written without ``(offset``, is a block
_BLOCK_AS_OFFSET = re.compile(
    rf"\({_GAP}data\b{_GAP}(?:\$[^\s()]+{_GAP})?(?:\({_GAP}memory\b[^()]*\){_GAP})?"
    rf"\({_GAP}(?:block|loop|if)\b"
)
#: what wasmtime's reader has otherwise, by the rule of the specification's release 2.0 that ours
#: keeps, with its section: a pattern of our message, of its, or of the text
RULES = {
    "Modules: a module may have no fields": ("its", "expected at least one module field"),
    "Modules: there is one start function at most": ("ours", "multiple start sections"),
    "Folded Instructions: what is in a folded instruction is folded": ("ours", "must be folded"),
    "Folded Instructions: an if has a then": ("ours", r"expected '\(then'|does not belong here"),
    "Control Instructions: end and else belong to blocks, and blocks end": (
        "ours",
        "(end|else) without a block|a block that does not end|mismatching label",
    ),
    "Limits, Memory Instructions: sizes and offsets have 32 bits": (
        "ours",
        "does not fit into 32 bits",
    ),
    "Imports: an import has two names": ("ours", r"expected a string, found '[()]'"),
    "Element Segments: any folded instruction may be an element": (
        "its",
        "expected to continue a folded instruction",
    ),
    "Indices: an index has no sign": ("ours", r"found '?\+"),
    "Custom Annotations: known ones have their form and stand where they mean something": (
        "ours",
        r"@\S+ annotation",
    ),
    # where one is a data segment's offset, wasmtime writes what is in it before it, and no end
    _BLOCKS: ("its", "a block that is another module"),
    # nor a comment, nor another annotation
    "Annotations: nothing stands between ( and @": ("text", r"\((?:\s+|\(@[^()]*\))+@"),
    "Segments: an offset is any folded instruction": (
        "text",
        rf"\({_GAP}(?:data|elem)\b[^()]*(?:\([^()]*\){_GAP})?\({_GAP}if\b",
    ),
    "Floating-Point: an exponent has any number of digits": ("text", r"[pPeE][+-]?\d{8}"),
    "later proposals": ("ours", "is not supported"),
}


def difference(text: str, case: Case) -> tuple[str, str] | None:
    """How wasmtime's reader differs, and the rule by which ours is right, if one is known."""
    import wasmtime

    try:
        theirs: bytes | None = bytes(wasmtime.wat2wasm(text))
        message = ""
    except wasmtime.WasmtimeError as error:
        theirs, message = None, str(error)
    if (theirs is None) == (case.data is None):
        if theirs is None or case.data is None or _same(theirs, case.data):
            return None
        return "another module", _BLOCKS if _is_block_moved(text, theirs, case.data) else ""
    words = {"ours": case.message, "its": message, "text": text}
    for rule, (where, pattern) in RULES.items():
        if re.search(pattern, words[where]):
            return message or case.message, rule
    what = f"refused by wasmtime: {message}" if theirs is None else f"read by it: {case.message}"
    return what, ""


def _same(theirs: bytes, ours: bytes) -> bool:
    """Whether two modules say the same, custom sections and the count of data segments aside.
    Element segments have several encodings; they are compared if the modules are valid."""
    # a text may also have any bytes in strings
    if theirs == ours or _plain(theirs, _ASIDE) == _plain(ours, _ASIDE):
        return True
    try:
        return content(Module(theirs)) == content(Module(ours))
    except PywasmgkError:
        return _plain(theirs, (*_ASIDE, _ELEMENTS)) == _plain(ours, (*_ASIDE, _ELEMENTS))


def _is_block_moved(text: str, theirs: bytes, ours: bytes) -> bool:
    """Whether two modules differ in data segments only, there in the order of their bytes and in
    ``end`` (0x0B), and one of the segments has a block as its offset."""
    aside = (*_ASIDE, _ELEMENTS, _DATA)
    if not _BLOCK_AS_OFFSET.search(text) or _plain(theirs, aside) != _plain(ours, aside):
        return False
    moved, kept = (
        [part for number, part in sections(data) if number == _DATA] for data in (theirs, ours)
    )
    return [sorted(part.replace(b"\x0b", b"")) for part in moved] == [
        sorted(part.replace(b"\x0b", b"")) for part in kept
    ]


def _plain(data: bytes, without: Sequence[int]) -> list[tuple[int, bytes]]:
    return [(number, part) for number, part in sections(data) if number not in without]
