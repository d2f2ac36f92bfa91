"""Decoding: errors with offsets, whatever the bytes, and ppci's reader in the lead."""

from __future__ import annotations

import gc
import random
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from processor import least_seconds
from wasm_builder import (
    RICH_CUSTOMS,
    body,
    code,
    function,
    functype,
    limits,
    module,
    name,
    rich_module,
    section,
    unsigned,
    vector,
)

from pywasmgk.errors import DecodeError, PywasmgkError, ValidationError
from pywasmgk.wasm.binary.ppci_import import BinaryFileReader, components
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.types import Limits, MemoryType, TableType, ValType

CUSTOMS = [section(0, name(text) + content) for text, content in RICH_CUSTOMS]


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
    assert found.data_count == 3
    first = found.elements[0]
    assert found.data[first.offset_in_file] == 0, "the segment's flags"
    assert found.data[first.offset.start : first.offset.end] == code("i32.const 0")
    custom, start, end = found.custom_sections[0]
    assert (custom, found.data[start:end]) == RICH_CUSTOMS[0]


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
        (b"(module)", "text: give it as a str", 0),
        (b"PK\3\4 and so on", "this is a zip archive", 0),
        (b"\0asm\1", "unknown binary version: unexpected end of a file of 5 bytes", 4),
        (b"\0asm\2\0\0\0", "unknown binary version", 4),
        (b"\0asm\r\0\1\0", "a component", 4),
        (module() + section(14, b"\0"), "malformed section id 14", 10),
        (module() + section(13, b"\1\1\0"), "malformed tag attribute 0x01", 11),
        (module() + section(14, b""), "malformed section id 14", 10),
        (module(memories=[limits(1)]) + section(4, b"\0"), "unexpected content", 15),
        (module() + section(1, b"\x05"), "unexpected end", 10),
        (module() + section(1, b"\x00\x00"), "section size mismatch", 11),
        (module() + b"\1\xff\xff\xff\xff\x0f", "length out of bounds", 9),
        (module() + b"\1\xff\xff\xff\xff\x1f", "integer too large", 9),
        (module() + b"\1" + b"\x80" * 400 + b"\0", "integer representation too long", 9),
        (module() + section(1, b"\1\x40\0\0"), "malformed function type", 11),
        (module() + section(1, b"\1\x60\1\x50\0"), "malformed value type 0x50", 13),
        (module() + section(1, b"\1\x5f\0"), "form 0x5f: garbage collection", 11),
        (module() + section(1, b"\1\x60\1\x64\0"), "0x64: the function references", 13),
        (module(imports=[b"\1\xff\0\0"]), "malformed UTF-8", 12),
        (module(imports=[b"\0\0\4\1"]), "malformed tag attribute", 14),
        (module(imports=[b"\0\0\5\0"]), "malformed import kind 0x05", 13),
        (module(imports=[b"\0\0\3\x7f\2"]), "malformed mutability", 15),
        (module(memories=[b"\7\1\1"]), "memory64", 11),
        (module(memories=[b"\4\1"]), "memory64", 11),
        (module(memories=[b"\x81\0\1\1"]), "integer representation too long", 11),
        (module(elements=[b"\1\1\0"]), "malformed element kind 0x01", 12),
        (module(elements=[b"\5\x7f\0"]), "malformed reference type 0x7f", 12),
        (module(exports=[("f", 5, 0)]), "malformed export kind", 13),
        (module() + section(3, b"\0") * 2, "sections out of order", 13),
        (module() + section(0, b""), "unexpected end", 10),
        (module() + section(0, b"\4abc"), "length out of bounds", 10),
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
    [
        (b"\xfd\x80\2", "relaxed SIMD"),
        (b"\xe2\0", "stack switching"),
        (b"\xfc\x12\0", "memory control"),
        (b"\xfd\xa0\2", "half precision"),
        (b"\x41\0\x28\x42\0\0\x1a", "with a memory index: the multi-memory proposal"),
        (b"\x3f\1\x1a", "one memory only: the multi-memory proposal"),
    ],
)
def test_other_proposals_are_named(opcode: bytes, proposal: str) -> None:
    content = b"\0" + opcode + b"\x0b"
    data = function("", "", bodies=[unsigned(len(content)) + content])
    with pytest.raises(DecodeError, match=proposal):
        Module(data)


@pytest.mark.parametrize(
    "code",
    [b"\xd0{}\x1a", b"\2{}\0\x0b\x1a", b"\0\x1c\1{}\x1a", b"{}"],
    ids=["ref.null", "block", "select", "local"],
)
@pytest.mark.parametrize(
    ("kind", "proposal"),
    [
        (b"\x63", "the function references proposal"),
        (b"\x64", "the function references proposal"),
        *((bytes([byte]), "the stack switching proposal") for byte in (0x68, 0x75)),
        (b"\x65", "shared-everything threads"),
        (b"\x62", "the custom descriptors proposal"),
        (b"\x67", "reference-typed strings"),
        *((bytes([byte]), "garbage collection") for byte in (0x6A, 0x6D, 0x6E, 0x71, 0x74)),
    ],
)
def test_other_proposals_types_are_named(code: bytes, kind: bytes, proposal: str) -> None:
    code = code.replace(b"{}", kind)
    body = b"\1\1" + code if code == kind else b"\0" + code
    data = module(
        types=[functype()], functions=[0], bodies=[bytes([len(body) + 1]) + body + b"\x0b"]
    )
    with pytest.raises(DecodeError, match=f"malformed .* type .*: {proposal} is not supported"):
        Module(data)


def test_the_index_of_a_type_is_named_where_it_is_a_heap_type() -> None:
    with pytest.raises(DecodeError, match="0x00: the function references proposal is not"):
        Module(function("", "", bodies=[b"\5\0\xd0\0\x1a\x0b"]))


def test_other_proposals_are_named_outside_of_code() -> None:
    with pytest.raises(DecodeError, match="initial value: the function references proposal"):
        Module(module(tables=[b"\x40\0\x70\0\1" + code("ref.null funcref")]))
    with pytest.raises(DecodeError, match="custom page sizes"):
        Module(module(memories=[b"\x08\0\0"]))
    with pytest.raises(DecodeError, match="stack switching"):
        Module(module(types=[b"\x5d\0"]))


def test_locals_are_counted_before_they_are_made() -> None:
    for groups in (b"\1\xff\xff\xff\xff\x0f\x7f", b"\2\xe8\x07\x7f\xff\xff\x03\x7e"):
        content = groups + b"\x0b"
        with pytest.raises(DecodeError, match="too many locals"):
            Module(function("", "", bodies=[unsigned(len(content)) + content]))


def mutations(count: int, seeds: Sequence[bytes]) -> list[bytes]:
    """Modules with one to three bytes changed, taken out or put in; the same ones each time."""
    rng = random.Random(20)
    made = []
    for _ in range(count):
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
        made.append(bytes(data))
    return made


@pytest.mark.parametrize("validate", ["eager", "lazy"])
def test_mutations_only_cause_our_errors(validate: str) -> None:
    seeds = [rich_module(), mvp_module(), function("i32", "i32", "local.get 0", "i32.eqz")]
    outcomes = {DecodeError: 0, ValidationError: 0, None: 0}
    for data in mutations(3000, seeds):
        try:
            Module(data, validate=validate)
        except PywasmgkError as error:
            outcomes[type(error)] += 1
            assert 0 <= error.offset <= len(data)
        else:
            outcomes[None] += 1
    assert all(outcomes.values()), outcomes


def mvp_module() -> bytes:
    """What stock ppci can read too, with every kind of immediate that it knows."""
    return module(
        types=[functype("i32 f64", "i32"), functype()],
        imports=[
            name("env") + name("f") + b"\0\1",
            name("env") + name("t") + b"\1\x70" + limits(1),
            name("env") + name("g") + b"\3\x7f\0",
        ],
        functions=[0, 1],
        memories=[limits(1, 3)],
        globals_=[b"\x7e\1" + code("i64.const -5"), b"\x7d\0" + code("f32.const 1.5")],
        exports=[("f", 0, 1), ("memory", 2, 0), ("g", 3, 0), ("table", 1, 0)],
        start=2,
        elements=[b"\0" + code("global.get 0") + vector([b"\1", b"\2"])],
        bodies=[
            body(
                "i32 i32 i64",
                *("block _", "loop i32", "local.get 0", "br_table 0,1,1", "end", "drop", "end"),
                *("i32.const -2147483648", "i32.load8_s 0+7", "i64.const -1", "local.set 4"),
                *("global.get 0", "call_indirect 1 0", "memory.grow 0", "f64.const -0.0", "drop"),
            ),
            body("", "call 0", "i32.const 1", "if _", "return", "else", "nop", "end"),
        ],
        datas=[b"\0" + code("i32.const 8") + name("active")],
        customs=RICH_CUSTOMS,
    )


#: addresses as they are written in one to five bytes, the last of two also in more than it needs
ADDRESSES = {
    b"\x3f": 63, b"\x40": 2**32 - 64, b"\x7f": 2**32 - 1, b"\xc0\x00": 64, b"\xff\x7e": 2**32 - 129,
    b"\x80\x80\x01": 1 << 14, b"\xff\xff\xbf\x7f": 2**32 - (1 << 20) - 1,
    b"\xff\xff\xff\x3f": (1 << 27) - 1, b"\x80\x80\x80\x80\x78": 1 << 31, b"\x85\x80\x00": 5,
}  # fmt: skip


def test_data_segments_are_read_in_order_however_their_numbers_are_written() -> None:
    sizes = [b"\0", b"\x82\0", b"\x83\x80\x00", b"\x84\x80\x80\x00", b"\x85\x80\x80\x80\x00"]
    segments, expected = [], []
    for number, (written, address) in enumerate(ADDRESSES.items()):
        size = sizes[number % len(sizes)]
        segments.append(b"\0\x41" + written + b"\x0b" + size + b"x" * (size[0] & 0x7F))
        expected.append((address, b"x" * (size[0] & 0x7F)))
        if number % 3 == 2:
            segments.append(b"\1" + name(f"passive {number}"))
            expected.append((None, f"passive {number}".encode()))
    found = Module(module(memories=[limits(1)], datas=segments))
    placed = [(value, found.data[start:end]) for _, _, value, start, end in found.datas.placed()]
    assert placed == expected


def test_a_data_segment_that_is_cut_off_is_told_where_it_is() -> None:
    data = module(memories=[limits(1)], datas=[b"\0\x41\0\x0b\1x", b"\0\x41\1\x0b\4x"])
    with pytest.raises(DecodeError, match="unexpected end"):
        Module(data)


def tree(item: Any) -> Any:
    """A component as plain values, with the slots that ppci's own class has."""
    if isinstance(item, components.Ref):
        return ("ref", item.space, item.index, item.name)
    if isinstance(item, components.Instruction):
        return (item.opcode, tree(item.args))
    if isinstance(item, components.Definition):
        slots = getattr(components, item.__name__.capitalize()).__slots__
        return (item.__name__, {slot: tree(getattr(item, slot)) for slot in slots})
    if isinstance(item, Sequence) and not isinstance(item, (str, bytes)):
        return [tree(part) for part in item]
    return repr(item)


def test_definitions_are_those_of_stock_ppci() -> None:
    ours = Module(mvp_module(), validate="lazy")
    stock = components.Module(mvp_module())
    assert tree(ours.definitions) == tree(stock.definitions)
    assert len(ours.definitions) == 19


def test_definitions_equal_stock_ppcis_after_mutations() -> None:
    compared = 0
    for data in mutations(1500, [mvp_module()]):
        try:
            # looking at bodies decodes them
            ours = tree(Module(data, validate="lazy").definitions)
        except PywasmgkError:
            continue
        # what we accept, ppci reads the same way, or not at all; it knows no data flags
        try:
            stock = tree(components.Module(data).definitions)
        except (ArithmeticError, AssertionError, EOFError, LookupError, ValueError):
            continue
        assert ours == stock
        compared += 1
    assert compared > 50


def test_big_counts_do_not_allocate() -> None:
    for number in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11):
        with pytest.raises(DecodeError, match="unexpected end"):
            Module(module() + section(number, b"\xff\xff\xff\xff\x0f"))
    huge_table = b"\0\x0e\xff\xff\xff\xff\x0f\0\x0b"
    with pytest.raises(DecodeError, match="no room for 4294967295 labels"):
        Module(function("", "", bodies=[unsigned(len(huge_table)) + huge_table]))


@pytest.mark.parametrize(
    "data",
    [
        module() + b"\1" + b"\xff" * 8 + b"\x7f",  # a section of 2**63 bytes
        module() + b"\0" + unsigned(2**32 - 1) + b"\1a",
        module() + section(0, unsigned(2**32 - 1) + b"a"),
        module() + section(1, b"\1\x60" + unsigned(2**32 - 1) + b"\x7f"),
        module(elements=[b"\1\0" + unsigned(2**32 - 1) + b"\0"]),
        module(elements=[b"\5\x70" + unsigned(2**31) + code("ref.null funcref")]),
        module(datas=[b"\1" + unsigned(2**32 - 1) + b"x"]),
        module(globals_=[b"\x7f\0\x0e" + unsigned(2**32 - 1) + b"\0\x0b"]),
        module(globals_=[b"\x7f\0\x41" + b"\x80" * 400 + b"\0\x0b"]),
        module(globals_=[b"\x7f\0" + b"\x02\x40" * 50_000]),
        module(memories=[b"\0" + b"\xff" * 400 + b"\0"]),
    ],
)
def test_hostile_numbers_cost_nothing(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            Module(data)
        # the deep one makes 10,000 instructions, which its bytes pay for
        assert tracemalloc.get_traced_memory()[1] < 1_000_000 + 300 * len(data)
    finally:
        tracemalloc.stop()


def test_hostile_locals_are_not_made_when_looked_at() -> None:
    content = b"\2\xff\xff\xff\xff\x0f\x7f\2\x7e\x0b"
    data = function("", "", bodies=[unsigned(len(content)) + content])
    found = Module(data, validate="lazy")
    with pytest.raises(DecodeError, match="too many locals"):
        len(found["func"][0].locals)


@pytest.mark.parametrize(
    "make",
    [
        lambda count: module(
            types=[functype()], imports=[name("m") + name("f") + b"\0\0" for _ in range(count)]
        ),
        lambda count: function("", "", exports=[(str(n), 0, 0) for n in range(count)]),
    ],
    ids=["imports", "exports"],
)
def test_time_grows_with_the_size_only(make: Callable[[int], bytes]) -> None:
    small, large = make(3_000), make(24_000)
    # eight times as much: 8 where time is linear, 50 and more where tuples are copied
    gc.disable()
    try:
        bound = 20 * least_seconds(lambda: Module(small))
        assert least_seconds(lambda: Module(large), enough=bound) < bound
    finally:
        gc.enable()


def test_unknown_types_and_indices_say_whose() -> None:
    with pytest.raises(ValidationError, match="unknown type 7 of function 0") as caught:
        Module(module(functions=[7], bodies=[body("")]))
    assert caught.value.offset == 11
    with pytest.raises(ValidationError, match=r"unknown table 3 in export 'a\\\\x1b'"):
        Module(module(exports=[("a\x1b", 1, 3)]))
