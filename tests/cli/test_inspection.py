"""``inspect``, and what it knows of a module."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_guests import ADD, EXPORTS_A_MEMORY, NEEDS_MORE, plugin, run
from wasm_builder import RICH_CUSTOMS, function, limits, module, name, rich_module

from pywasmgk.wasm.binary.features_used import features_used
from pywasmgk.wasm.binary.sections import sections
from pywasmgk.wasm.module import Module


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    path = tmp_path / "rich.wasm"
    path.write_bytes(rich_module())
    return path


def test_sections_cover_the_file() -> None:
    data = rich_module()
    found = list(sections(data))
    assert " ".join(section.name for section in found) == (
        "type import function table memory global export start element data count code data "
        "custom custom"
    )
    assert [section.custom for section in found[-2:]] == [title for title, _ in RICH_CUSTOMS]
    assert found[-1].offset + found[-1].size == len(data)
    assert all(data[section.offset - 1] == section.size for section in found)


def test_the_json_form(rich: Path) -> None:
    form = run("inspect", rich, "--json").form
    assert " ".join(form) == (
        "file size kind sections imports exports functions memories tables globals tags start "
        "data_count custom_sections producers features code_read target_features contract problems"
    )
    assert (form["file"], form["size"]) == ("rich.wasm", len(rich_module()))
    assert form["sections"][0] == {"name": "type", "custom": None, "offset": 10, "size": 10}
    unknown = {"origin": None, "hint": None}
    assert form["imports"] == [
        {"module": "env", "name": "f", "kind": "func", "type": "() -> ()", **unknown},
        {"module": "env", "name": "g", "kind": "global", "type": "global i32", **unknown},
    ]
    assert form["exports"][0] == {"name": "f", "kind": "func", "type": "(i32, i64) -> i32"}
    assert form["memories"] == [{"min": 1, "max": 3, "imported": False}]
    assert form["tables"][0] == {"min": 2, "max": 5, "imported": False, "element": "funcref"}
    assert form["tables"][1]["max"] is None
    assert form["functions"] == {"imported": 1, "defined": 2}
    assert form["globals"] == {"imported": 1, "defined": 2}
    assert (form["start"], form["data_count"]) == (2, 3)
    assert form["custom_sections"] == [
        {"name": title, "size": len(content)} for title, content in RICH_CUSTOMS
    ]
    assert form["features"] == ["bulk memory", "mutable globals", "reference types"]
    assert form["contract"]["plugin"] is False
    assert "gk_call is missing" in form["contract"]["problems"]


def test_text_for_people(rich: Path) -> None:
    lines = run("inspect", rich).out.splitlines()
    assert lines[0] == f"rich.wasm: {len(rich_module()):,} bytes, 2 functions, 1 imported"
    for line in (
        "  0x00000a         10 bytes  type",
        "  func    env.f: () -> ()",
        "  memory  memory: memory 1..3",
        "memory 0: 1 pages, at most 3",
        "table 1 of externref: 1 elements, no maximum",
        "start function: 2",
        "data count: 3",
        "features: bulk memory, mutable globals, reference types",
        "GoatKit plugin: no, it has none of a plugin's exports",
    ):
        assert line in lines


def test_the_first_release_has_no_features(tmp_path: Path) -> None:
    path = tmp_path / "add.wasm"
    path.write_bytes(ADD)
    assert run("inspect", path, "--json").form["features"] == []
    assert "features: those of the first release" in run("inspect", path).out


@pytest.mark.parametrize(
    ("data", "feature"),
    [
        (function("i32", "i32", "local.get 0", "i32.extend8_s"), "sign extension"),
        (function("f32", "i32", "local.get 0", "i32.trunc_sat_f32_s"), "saturating conversions"),
        (function("i32", "i32 i32", "local.get 0", "local.get 0"), "multi-value"),
        (function("i32", "", "local.get 0", "block 0", "drop", "end"), "multi-value"),
        (
            function(
                *("", "", "i32.const 0", "i32.const 0", "i32.const 0", "memory.fill"),
                memories=[limits(1)],
            ),
            "bulk memory",
        ),
        (module(datas=[b"\1" + name(b"x")]), "bulk memory"),
        (module(elements=[b"\1\0\0"]), "bulk memory"),
        (function("", "i32", "ref.null funcref", "ref.is_null"), "reference types"),
        (function("externref", ""), "reference types"),
        (module(tables=[b"\x70" + limits(0)] * 2), "reference types"),
        (module(globals_=[b"\x7f\1\x41\0\x0b"], exports=[("g", 3, 0)]), "mutable globals"),
        (function("i32", "", "local.get 0", "i32x4.splat", "drop"), "SIMD"),
        (function("v128", ""), "SIMD"),
        (function("i32", "i32", "local.get 0", locals_="i64 f32"), None),
    ],
)
def test_features_are_found(data: bytes, feature: str | None) -> None:
    assert features_used(Module(data)) == ([feature] if feature else [])


def test_imports_have_hints(tmp_path: Path) -> None:
    path = tmp_path / "needs.wasm"
    path.write_bytes(NEEDS_MORE)
    hints = [item["hint"] for item in run("inspect", path, "--json").form["imports"]]
    assert hints[0] is None
    assert hints[1].startswith("a GoatKit plugin")
    assert "  hint: a GoatKit plugin" in run("inspect", path).out


def test_a_plugin_is_known(tmp_path: Path) -> None:
    contract = run("inspect", "hello", "--json").form["contract"]
    assert (contract["plugin"], contract["problems"]) == (True, [])
    assert contract["exports"]["gk_free"] == "(i32) -> ()"
    assert "GoatKit plugin: yes\n" in run("inspect", "hello").out
    path = tmp_path / "odd.wasm"
    path.write_bytes(plugin(b""))
    assert "GoatKit plugin: yes (without gk_free" in run("inspect", path).out


def test_a_plugin_with_faults(tmp_path: Path) -> None:
    path = tmp_path / "half.wasm"
    path.write_bytes(function("", "i32", "i32.const 0", exports=[("gk_register", 0, 0)]))
    problems = run("inspect", path, "--json").form["contract"]["problems"]
    assert problems == [
        "gk_call is missing",
        "gk_malloc is missing",
        "gk_register has type () -> i32, the contract wants () -> i64",
        "there is no memory",
    ]
    assert f"GoatKit plugin: no\n  {problems[0]}" in run("inspect", path).out


def test_names_give_the_terminal_no_orders(tmp_path: Path) -> None:
    path = tmp_path / "evil.wasm"
    path.write_bytes(EXPORTS_A_MEMORY.replace(b"mem", b"\x1b[m"))
    assert "\\x1b[m" in run("inspect", path).out


def test_a_damaged_module_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "bad.wasm"
    path.write_bytes(ADD[:-1])
    done = run("inspect", path)
    assert (done.code, done.err) == (0, "")
    assert "reading stops in sections at 0x" in done.out
    assert "  func    f: (i32, i32) -> i32\n" in done.out
    form = run("inspect", path, "--json").form
    assert form["problems"][0]["where"] == "sections"
    assert form["exports"] == [{"name": "f", "kind": "func", "type": "(i32, i32) -> i32"}]


def test_what_is_no_module_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "picture.wasm"
    path.write_bytes(b"\x89PNG and more")
    done = run("inspect", path)
    assert (done.code, done.out) == (1, "")
    assert "this is a PNG image" in done.err
    assert run("inspect", path, "--json").form["error"]["type"] == "DecodeError"


def test_code_is_read_if_there_is_little_or_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "big.wasm"
    nops = ["nop"] * 70_000
    path.write_bytes(function("i32", "i32", *nops, "local.get 0", "i32.extend8_s"))
    form = run("inspect", path, "--json").form
    assert (form["features"], form["code_read"]) == ([], False)
    assert "features that it declares: those of the first release" in run("inspect", path).out
    form = run("inspect", path, "--code", "--json").form
    assert (form["features"], form["code_read"]) == (["sign extension"], True)


# -- components

COMPONENTS = Path(__file__).parents[1] / "components"


def test_a_component_shows_its_world_and_modules() -> None:
    lines = run("inspect", COMPONENTS / "plotter.wasm").out.splitlines()
    assert lines[0] == "plotter.wasm: a component of 1,937 bytes"
    for line in (
        "  instance  demo:shapes/geometry@0.1.0: instance",
        "            area: func(s: shape) -> f64",
        "  func    log: func(text: string)",
        "  func    run: func(args: list<string>) -> result<_, string>",
        "            flip: func(p: point) -> tuple<f64, f64>",
        "  0  0x000096        267 bytes, 2 imports, 4 exports",
        "     language: WAT 1",
        "processed-by: wit-component 0.262.0",
    ):
        assert line in lines
    form = run("inspect", COMPONENTS / "plotter.wasm", "--json").form
    assert (form["kind"], form["problems"], len(form["modules"])) == ("component", [], 3)
    assert form["imports"][0]["members"][2] == "area: func(s: shape) -> f64"


def test_core_modules_are_taken_out(tmp_path: Path) -> None:
    path = COMPONENTS / "nested.wasm"
    done = run("inspect", path, "--extract", 1, "--output", tmp_path / "deep.wasm")
    assert (done.code, done.out) == (0, "")
    assert run("run", tmp_path / "deep.wasm", "g").out == "9\n"
    form = run("inspect", path, "--extract", 0, "--output", tmp_path / "m.wasm", "--json").form
    assert form == {"extracted": str(tmp_path / "m.wasm"), "size": 45}
    assert run("run", tmp_path / "m.wasm", "f").out == "7\n"
    done = run("inspect", path, "--extract", 2)
    assert done.code == 2
    assert "there is no core module 2 in it: there are only 2, numbered from 0" in done.err
    assert "there are none" in run("inspect", "hello", "--extract", 0).err


def test_loading_a_component_says_what_can_be_done() -> None:
    done = run("validate", COMPONENTS / "nested.wasm")
    assert "a component, not a module" in done.out
    assert "--extract" in done.out
