"""Nothing of a module but its numbers reaches generated source."""

from __future__ import annotations

import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from generator import generate as program
from hostile import HOSTILE
from wasm_builder import function, name

import pywasmgk
from pywasmgk.errors import PywasmgkError
from pywasmgk.wasm import isa
from pywasmgk.wasm.compiler.backend.assemble import written
from pywasmgk.wasm.compiler.budget import Budget
from pywasmgk.wasm.compiler.frontend.inlining import expanded
from pywasmgk.wasm.compiler.ir.body import size_of
from pywasmgk.wasm.compiler.pipeline import lowered, run
from pywasmgk.wasm.compiler.request import Request
from pywasmgk.wasm.compiler.source import CannotCompile, TooDeep, check_forms
from pywasmgk.wasm.runtime.binding import _COMMON

ROOT = Path(pywasmgk.__file__).parent.parent
#: names that the compiler makes: a letter and numbers (locals, temporaries, callees); views
OWN = re.compile(r"[a-z]\d+(_\d+)*|M[a-zA-Z](_\d+)?|_[a-z]\w?")
#: its helpers, the instance's objects, and methods that templates call
WORDS = {
    "make", "b", "c", "d", "e", "k", "n", "p", "q", "r", "s", "w",
    "fuel", "top", "mem", "refill", "expire", "deep", "F", "funcs", "tables", "memory", "datas",
    "elems", "tags", "tag", "values", "unwound",
}  # fmt: skip
STATEMENTS = {
    "def", "nonlocal", "if", "else", "elif", "while", "for", "in", "break", "continue", "return",
    "raise", "not", "and", "or", "is", "None", "pass", "del", "try", "except", "as",
}  # fmt: skip


def row_words() -> set[str]:
    """What the templates of rows name."""
    found: set[str] = set()
    for row in isa.STANDARD:
        texts = [row.meaning, row.effect, row.length, row.charge]
        for text in [*texts, *(guard.condition for guard in row.guards)]:
            plain = re.sub(r"\{(\w+)\}", "0", text or "")
            for token in tokenize.generate_tokens(io.StringIO(plain).readline):
                if token.type in (tokenize.NAME, tokenize.STRING):
                    found.add(token.string)
    return found


ROW_WORDS = row_words()


def foreign(text: str) -> list[str]:
    """Tokens of a source that are none of the compiler's own."""
    found = []
    kinds = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        word = token.string
        if token.type in (tokenize.NUMBER, tokenize.OP, *kinds):
            continue
        if word in ROW_WORDS:
            continue
        if token.type == tokenize.NAME and (
            word in STATEMENTS
            or word in WORDS
            or word in _COMMON
            or word in _COMMON["__builtins__"]
            or OWN.fullmatch(word)
        ):
            continue
        found.append(word)
    return found


def sources(data: bytes, most: int) -> Iterator[str]:
    """The source of a module's functions."""
    try:
        module = pywasmgk.Module(data, validate="lazy")
    except PywasmgkError:
        return
    first = module.import_counts["func"]
    for index in range(first, min(first + len(module.bodies), first + most)):
        try:
            body = expanded(module, index)
            check_forms(module, body)
        except (PywasmgkError, CannotCompile):
            continue
        if size_of(body) > 400:
            continue
        request = Request(index)
        function = run(lowered(module, body, request, 1 << 32, Budget()))
        try:
            yield written(function, index).text
        except TooDeep:
            continue


def modules() -> dict[str, bytes]:
    found = {item.name: item.data for item in HOSTILE}
    for folder in ("tests/guests", "tools/kernels"):
        for path in sorted((ROOT / folder).rglob("*.wasm")):
            if path.stat().st_size < 2_300_000:
                found[str(path.relative_to(ROOT))] = path.read_bytes()
    return found


@pytest.mark.parametrize("name", modules())
def test_modules(name: str) -> None:
    for text in sources(modules()[name], most=6):
        assert foreign(text) == []


def test_random_programs() -> None:
    seen = 0
    for seed in range(25):
        for text in sources(program(seed).data, most=40):
            assert foreign(text) == []
            seen += 1
    assert seen > 40


EVIL = ["'", '"', "\n", "\\", "__import__('os')", "\nimport os\n", "f0", "{}", "# x", '"""', "\0"]


@pytest.mark.parametrize("word", EVIL, ids=ascii)
def test_names_stay_out(word: str) -> None:
    """Names of imports, exports, the module and its functions."""
    evil = word.encode() + b"evil"
    entry = b"\0" + bytes([len(evil)]) + evil
    names = b"\1" + bytes([len(entry) + 1]) + b"\1" + entry
    data = function(
        "i32", "i32", "local.get 0", "call 0",
        imports=[name(evil) + name(evil) + b"\0\0"],
        exports=[(word + "evil", 0, 1)],
        customs=[("name", names)],
    )  # fmt: skip
    module = pywasmgk.Module(data, name=word + "evil")
    (text,) = sources(data, 40)
    assert "evil" not in text
    assert foreign(text) == []
    instance = pywasmgk.instantiate(
        module, {word + "evil": {word + "evil": lambda x: x + 1}}, engine="optimized"
    )
    assert instance.exports[word + "evil"](4) == 5
    assert module.compiled


def test_what_is_foreign_would_be_seen() -> None:
    assert len(ROW_WORDS) < 400 and {word for word in ROW_WORDS if word[0] in "'\""} == {
        "'big'",
        "'little'",
    }
    assert foreign("x = 'a'\n") == ["x", "'a'"]
    assert foreign("import os\n") == ["import", "os"]
    assert foreign("__import__(1)\n") == ["__import__"]
    assert foreign("open(1)\n") == ["open"]
    assert foreign("l0 = 3 # a\n") == ["# a"]


def test_generated_code_has_few_builtins() -> None:
    given: dict[str, Any] = _COMMON["__builtins__"]
    assert set(given) <= {
        "abs",
        "bytes",
        "float",
        "int",
        "len",
        "locals",
        "map",
        "max",
        "min",
        "range",
        "sum",
        "zip",
    }
    assert all(getattr(builtins, word) is value for word, value in given.items())
    assert not {word for word in _COMMON if keyword.iskeyword(word)}
