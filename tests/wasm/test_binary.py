"""Decoding: errors with offsets, whatever the bytes, and ppci's reader in the lead."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from wasm_builder import (
    body,
    code,
    function,
    functype,
    limits,
    module,
    name,
    section,
    unsigned,
    vector,
)

from pywasmgk.errors import DecodeError, PywasmgkError, ValidationError
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.ppci_import import BinaryFileReader
from pywasmgk.wasm.types import Limits, MemoryType, TableType, ValType


def rich_module() -> bytes:
    """A module with something in every section."""
    return module(
        types=[functype("i32 i64", "i32"), functype()],
        imports=[name("env") + name("f") + b"\0\1", name("env") + name("g") + b"\3\x7f\0"],
        functions=[0, 1],
        tables=[b"\x70" + limits(2, 5), b"\x6f" + limits(1)],
        memories=[limits(1, 3)],
        globals_=[b"\x7e\1" + code("i64.const -5"), b"\x7f\0" + code("global.get 0")],
        exports=[("f", 0, 1), ("memory", 2, 0), ("g", 3, 1), ("table", 1, 0)],
        start=2,
        elements=[
            b"\0" + code("i32.const 0") + vector([b"\1"]),
            b"\1\0" + vector([b"\1"]),
            b"\2\0" + code("i32.const 1") + b"\0" + vector([b"\2"]),
            b"\3\0" + vector([b"\2"]),
            b"\4" + code("i32.const 1") + vector([code("ref.func 1")]),
            b"\5\x6f" + vector([code("ref.null externref")]),
            b"\6\1" + code("i32.const 0") + b"\x6f" + vector([code("ref.null externref")]),
            b"\7\x70" + vector([code("ref.null funcref")]),
        ],
        data_count=3,
        bodies=[body("i32 i64", "local.get 0"), body("", "nop")],
        datas=[
            b"\0" + code("i32.const 8") + name("active"),
            b"\1" + name("passive"),
            b"\2\0" + code("global.get 0") + name("both"),
        ],
        customs=[("note", b"anything"), ("name", b"\1\5\1\1\2\xc3\xa4")],
    )


CUSTOMS = [
    section(0, name("note") + b"anything"),
    section(0, name("name") + b"\1\5\1\1\2\xc3\xa4"),
]


def test_index_spaces() -> None:
    found = Module(rich_module(), name="rich.wasm")
    assert [str(kind) for kind in found.functions] == ["() -> ()", "(i32, i64) -> i32", "() -> ()"]
    assert found.tables == [
        TableType(ValType.FUNCREF, Limits(2, 5)),
        TableType(ValType.EXTERNREF, Limits(1)),
    ]
    assert found.memories == [MemoryType(Limits(1, 3))]
    assert [(item.module, item.name, item.kind) for item in found.imports] == [
        ("env", "f", "func"),
        ("env", "g", "global"),
    ]
    assert [(item.name, item.kind, item.index) for item in found.exports] == [
        ("f", "func", 1),
        ("memory", "memory", 0),
        ("g", "global", 1),
        ("table", "table", 0),
    ]
    assert [item.mode for item in found.elements] == [
        *("active", "passive", "active", "declarative") * 2
    ]
    assert [found.data[item.start : item.end] for item in found.datas] == [
        b"active",
        b"passive",
        b"both",
    ]
    assert found.start == 2
    assert found.function_name(1) == "ä"
    assert repr(found).startswith("<Module rich.wasm: 2 functions")


def test_ppcis_definitions_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    found = Module(rich_module())
    sections = found.get_definitions_per_section()
    assert {key: len(items) for key, items in sections.items() if items} == {
        **dict.fromkeys(("type", "import", "table", "func", "global", "custom"), 2),
        "memory": 1,
        "export": 4,
        "start": 1,
        "elem": 8,
        "data": 3,
    }
    assert [item.opcode for item in found["func"][0].instructions] == ["local.get"]
    found.show_interface()
    assert "env.f" in capsys.readouterr().out


def test_ppcis_reader_drives_the_load() -> None:
    ran: set[str] = set()

    def note(frame, event, argument):  # type: ignore[no-untyped-def]
        if event == "call" and frame.f_code.co_filename.endswith("reader.py"):
            ran.add(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        Module(rich_module())
    finally:
        sys.setprofile(None)
    assert {"read_module", "read_section", "read_definition", "read_expression"} <= ran
    assert BinaryFileReader.__module__ == "ppci.wasm.binary.reader"


def test_every_prefix_is_refused() -> None:
    data = rich_module()
    ends = set()
    for size in range(len(data)):
        try:
            Module(data[:size])
        except DecodeError as error:
            assert 0 <= error.offset <= size
        else:
            ends.add(size)
    # types and imports need nothing after them, and custom sections may be missing
    assert ends == {
        len(module()),
        len(module(types=[functype("i32 i64", "i32"), functype()])),
        data.index(section(3, b"\2\0\1")),
        len(data) - len(b"".join(CUSTOMS)),
        len(data) - len(CUSTOMS[1]),
    }


@pytest.mark.parametrize(
    ("data", "message", "offset"),
    [
        (b"", "magic", 0),
        (b"\0as", "magic", 0),
        (b"not valid wasm", "invalid magic number", 0),
        (b"\0asm\2\0\0\0", "unknown binary version", 4),
        (b"\0asm\r\0\1\0", "a component", 4),
        (module() + section(13, b"\0"), "exception handling", 10),
        (module() + section(14, b""), "malformed section id 14", 10),
        (module(memories=[limits(1)]) + section(4, b"\0"), "unexpected content", 15),
        (module() + section(1, b"\x05"), "unexpected end", 10),
        (module() + section(1, b"\x00\x00"), "section size mismatch", 11),
        (module() + b"\1\xff\xff\xff\xff\x0f", "length out of bounds", 9),
        (module() + b"\1\xff\xff\xff\xff\x1f", "integer too large", 9),
        (module() + b"\1" + b"\x80" * 400 + b"\0", "integer representation too long", 9),
        (module() + section(1, b"\1\x40\0\0"), "malformed function type", 11),
        (module() + section(1, b"\1\x60\1\x50\0"), "malformed value type 0x50", 13),
        (module(imports=[b"\1\xff\0\0"]), "malformed UTF-8", 12),
        (module(imports=[b"\0\0\4\0"]), "exception handling", 13),
        (module(imports=[b"\0\0\3\x7f\2"]), "malformed mutability", 15),
        (module(memories=[b"\3\1\1"]), "threads", 11),
        (module(memories=[b"\4\1"]), "memory64", 11),
        (module(tables=[b"\x7f\0\0"]), "malformed reference type", 11),
        (module(functions=[0], types=[functype()]), "inconsistent lengths", 18),
        (module(types=[functype()], bodies=[body("")]), "inconsistent lengths", 17),
        (module(data_count=1), "data count and data section", 11),
        (module(elements=[b"\x08"]), "malformed elements segment kind 8", 11),
        (module(datas=[b"\x03"]), "malformed data segment kind 3", 11),
        (module(globals_=[b"\x7f\0\x41\0"]), "END opcode expected", 15),
    ],
)
def test_malformed_says_what_and_where(data: bytes, message: str, offset: int) -> None:
    with pytest.raises(DecodeError, match=message) as caught:
        Module(data)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("opcode", "proposal"),
    [(b"\x12", "tail call"), (b"\xfd\x0c", "SIMD"), (b"\xfe\0", "threads"), (b"\6", "exception")],
)
def test_other_proposals_are_named(opcode: bytes, proposal: str) -> None:
    content = b"\0" + opcode + b"\x0b"
    data = function("", "", bodies=[unsigned(len(content)) + content])
    with pytest.raises(DecodeError, match=proposal):
        Module(data)


def test_locals_are_counted_before_they_are_made() -> None:
    for groups in (b"\1\xff\xff\xff\xff\x0f\x7f", b"\2\xe8\x07\x7f\xff\xff\x03\x7e"):
        content = groups + b"\x0b"
        with pytest.raises(DecodeError, match="too many locals"):
            Module(function("", "", bodies=[unsigned(len(content)) + content]))


def test_mutations_only_cause_our_errors() -> None:
    rng = random.Random(20)
    seeds = [rich_module(), function("i32", "i32", "local.get 0", "i32.eqz")]
    outcomes = {DecodeError: 0, ValidationError: 0, None: 0}
    for _ in range(4000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 4)):
            place = rng.randrange(8, len(data))
            kind = rng.randrange(3)
            if kind == 0:
                data[place] = rng.randrange(256)
            elif kind == 1:
                del data[place]
            else:
                data.insert(place, rng.choice((0, 1, 0x0B, 0x7F, 0x80, 0xFF)))
        try:
            Module(bytes(data))
        except PywasmgkError as error:
            outcomes[type(error)] += 1
        else:
            outcomes[None] += 1
    assert all(outcomes.values()), outcomes


def test_light_import_leaves_ppcis_package_asleep() -> None:
    program = """
import sys
import pywasmgk.wasm.module as ours
assert "ppci.wasm.wasm2ppci" not in sys.modules, "the package __init__ ran"
assert "cgitb" not in sys.modules
import warnings
warnings.simplefilter("ignore")
import ppci.wasm
theirs = ppci.wasm.Module
assert "ppci.wasm.wasm2ppci" in sys.modules
assert issubclass(ours.Module, theirs)
print("awake")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "awake\n", done.stderr


def test_loading_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        Module(rich_module())
    assert {record.levelname for record in caplog.records} <= {"DEBUG"}


def test_big_counts_do_not_allocate() -> None:
    for number in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11):
        with pytest.raises(DecodeError, match="unexpected end"):
            Module(module() + section(number, b"\xff\xff\xff\xff\x0f"))
    huge_table = b"\0\x0e\xff\xff\xff\xff\x0f\0\x0b"
    with pytest.raises(DecodeError, match="no room for 4294967295 labels"):
        Module(function("", "", bodies=[unsigned(len(huge_table)) + huge_table]))


def test_wrong_kinds_of_input() -> None:
    with pytest.raises(TypeError, match="WAT"):
        Module("(module)")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="found int"):
        Module(7)  # type: ignore[arg-type]
    assert Module(bytearray(module())).data == module()
