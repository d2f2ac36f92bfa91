"""Module: what it takes, what it is to Python, and what it is to ppci."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from pathlib import Path

import pytest
from wasm_builder import body, function, functype, module, name, rich_module, section, unsigned

from pywasmgk.errors import DecodeError, TextError, ValidationError
from pywasmgk.wasm.binary.ppci_import import components
from pywasmgk.wasm.module import Module


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_kinds_of_bytes(kind: type) -> None:
    found = Module(kind(rich_module()))
    assert type(found.data) is bytes
    assert found.data == rich_module()


def test_a_buffer_that_changes_later_does_no_harm() -> None:
    buffer = bytearray(rich_module())
    found = Module(buffer)
    buffer[:] = bytes(len(buffer))
    assert found.data == rich_module()


def test_wrong_kinds_of_input() -> None:
    with pytest.raises(TextError, match=r"found 'guest.wasm': .* Module.from_file"):
        Module("guest.wasm")
    with pytest.raises(TypeError, match="found int"):
        Module(7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'eager' or 'lazy', found 'never'"):
        Module(module(), validate="never")


def test_from_file(tmp_path: Path) -> None:
    path = tmp_path / "rich.wasm"
    path.write_bytes(rich_module())
    for given in (path, str(path)):
        found = Module.from_file(given)
        assert repr(found) == (
            f"<Module rich.wasm: 2 functions, 2 imports, 4 exports, {len(rich_module())} bytes>"
        )
    with pytest.raises(FileNotFoundError):
        Module.from_file(tmp_path / "none.wasm")


def test_lazy_validation_leaves_bodies_alone() -> None:
    data = function("", "i32", "nop")
    with pytest.raises(ValidationError):
        Module(data)
    found = Module(data, validate="lazy")
    with pytest.raises(ValidationError):
        found.block_map(0)
    with pytest.raises(DecodeError):
        Module(data[:-1], validate="lazy")


@pytest.mark.parametrize("again", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_pickles_as_bytes_and_options(again) -> None:  # type: ignore[no-untyped-def]
    found = again(Module(rich_module(), name="rich.wasm", validate="lazy"))
    assert (found.data, found.name, found.validate) == (rich_module(), "rich.wasm", "lazy")
    assert len(found.exports) == 4


def test_it_goes_when_it_is_let_go() -> None:
    gc.disable()
    try:
        found = Module(rich_module())
        assert list(found["func"][0].instructions)
        gone = weakref.ref(found)
        del found
        assert gone() is None, "a cycle keeps the module until the garbage collector runs"
    finally:
        gc.enable()


def test_function_names() -> None:
    data = module(
        types=[functype()],
        imports=[name("env") + name("log\n") + b"\0\0"],
        functions=[0, 0, 0],
        bodies=[body("")] * 3,
        exports=[("first\x1b[2J", 0, 1), ("alias", 0, 1), ("second", 0, 2)],
        customs=[("name", section(1, b"\1\2" + name("named")))],
    )
    found = Module(data, name="guest.wasm")
    assert [found.function_name(index) for index in range(5)] == [
        "env.log\\x0a",
        "first\\x1b[2J",
        "named",
        None,
        None,
    ]
    assert str(found.frame(2, 0x20)) == "$named at 0x20 in guest.wasm"


def test_it_is_ppcis_module_too() -> None:
    found = Module(rich_module())
    assert isinstance(found, components.Module)
    assert found.id is None
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
    assert list(found["func"][0].locals) == [(None, "i32"), (None, "i64")]
    assert [item.segment for item in found["elem"]] == found.elements
    assert [item.data for item in found["data"]] == [b"active", b"passive", b"both"]


def test_ppcis_outputs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = Module(rich_module())
    assert found.to_bytes() == rich_module()
    with (tmp_path / "copy.wasm").open("wb") as file:
        found.to_file(file)
    assert (tmp_path / "copy.wasm").read_bytes() == rich_module()
    text = found.to_string()
    assert '(export "f" (func 1))' in text
    assert "(local i32 i64)\n    local.get 0" in text
    assert "(; custom section 'note', 8 bytes ;)" in text
    assert found.to_tuple()[0] == "module"
    found.show_bytes()
    assert "00 61 73 6d" in capsys.readouterr().out


def test_a_custom_name_cannot_end_its_comment() -> None:
    text = Module(module(customs=[(";) (start 0)", b"")])).to_string()
    assert text.count(";)") == 1


def test_interface(capsys: pytest.CaptureFixture[str]) -> None:
    data = module(
        types=[functype("i64"), functype("f32")],
        imports=[name("env") + name("f\x1b") + b"\0\0"],
        functions=[1],
        bodies=[body("")],
        exports=[("own", 0, 1), ("again", 0, 0)],
    )
    Module(data).show_interface()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["Imports:"],
        ["env.f\\x1b:", "(i64)", "->", "()"],
        ["Exports:"],
        ["own:", "(f32)", "->", "()"],
        # ppci's own would take the first defined function for the re-exported import
        ["again:", "(i64)", "->", "()"],
    ]


def test_instructions_as_ppci_has_them() -> None:
    found = Module(
        function(
            *("i32", "i32", "block 1", "end", "local.get 0", "i32.const -1"),
            *("i32.const 1", "select i32", "drop", "ref.null funcref", "drop", "local.get 0"),
            types=[functype("i32", "i32"), functype()],
        )
    )
    shown = [item.to_string() for item in found["func"][0].instructions]
    assert shown[3] == "i32.const -1"
    assert shown[5] == "select (result i32)"
    assert shown[7] == "ref.null func"
    block = found["func"][0].instructions[0]
    assert (block.args[0].space, block.args[0].index) == ("type", 1)
    assert repr(found["func"][0].locals) == "[]"


def test_block_maps_are_made_when_they_are_asked_for() -> None:
    module = Module(function("i32", "i32", "local.get 0"), validate="lazy")
    one = module.block_map(0)
    assert module.block_map(0) is one, "it is one of the latest"
    module.__dict__["_latest"] = {}
    other = module.block_map(0)
    assert one is not other
    assert (one.code[0], one.offsets, one.costs) == (other.code[0], [0, 2], {0: 1, 2: 0})
    # what instructions have in common is there once
    assert one.code[0] is other.code[0]


def test_block_maps_of_small_modules_are_kept_until_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pywasmgk.wasm.valid import acceptance

    module = Module(function("i32", "i32", "local.get 0"))
    monkeypatch.delattr(acceptance, "tokens")
    assert module.block_map(0).code
    assert module.block_map(0).code, "it is one of the latest then"
    module.__dict__["_latest"] = {}
    with pytest.raises(NameError):
        module.block_map(0)
    # large frames are not kept, nor what is large altogether
    locals_ = b"\1" + unsigned(300) + b"\x7f"
    content = locals_ + b"\x0b"
    many = function("", "", bodies=[unsigned(len(content)) + content])
    for data in (many, function("", "", *["nop"] * (17 << 10))):
        with pytest.raises(NameError):
            Module(data)
