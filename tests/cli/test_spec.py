"""``spec``, on small suites of our own."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cli_guests import ADD, TRAPPING, run

from pywasmgk.wasm.runtime.defaults import ENGINES


def invoke(*args: int, field: str = "f") -> dict[str, Any]:
    values = [{"type": "i32", "value": str(arg)} for arg in args]
    return {"type": "invoke", "field": field, "args": values}


def returns(line: int, *args: int, expected: int) -> dict[str, Any]:
    result = [{"type": "i32", "value": str(expected)}]
    return {"type": "assert_return", "line": line, "action": invoke(*args), "expected": result}


#: adds rightly, traps rightly, is rightly malformed
GOOD = [
    {"type": "module", "line": 1, "filename": "{}.0.wasm"},
    returns(2, 1, 2, expected=3),
    {"type": "assert_malformed", "line": 3, "filename": "{}.1.wat", "module_type": "text"},
    {"type": "module", "line": 4, "filename": "{}.2.wasm"},
    {"type": "assert_trap", "line": 5, "action": invoke(), "text": "unreachable"},
]
#: expects another sum, and a trap where there is none
BAD = [GOOD[0], returns(7, 1, 2, expected=4), {**GOOD[4], "line": 8, "action": invoke(1, 2)}]


def files(name: str, commands: list[dict[str, Any]]) -> dict[str, bytes]:
    text = json.dumps({"source_filename": f"{name}.wast", "commands": commands})
    return {
        f"{name}.json": text.replace("{}", name).encode(),
        f"{name}.0.wasm": ADD,
        f"{name}.1.wat": b"(func",
        f"{name}.2.wasm": TRAPPING,
    }


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A folder with an index: release 1.0 has a good and a bad script, 2.0 the good one."""
    with zipfile.ZipFile(tmp_path / "group.zip", "w") as archive:
        for name, data in {**files("good", GOOD), **files("bad", BAD)}.items():
            archive.writestr(name, data)
    known = [{"name": "good"}, {"name": "bad", "superseded": {"2.0": [8]}}]
    index = {
        "releases": {"1.0": [["group", "good"], ["group", "bad"]], "2.0": [["group", "good"]]},
        "groups": {"group": {"archive": "group.zip", "files": known}},
    }
    (tmp_path / "index.json").write_text(json.dumps(index))
    return tmp_path


def test_the_json_form(suite: Path) -> None:
    done = run("spec", suite, "--release", "1.0", "--json")
    assert done.code == 1
    form = done.form
    counts = {key: form[key] for key in ("passed", "failed", "skipped", "superseded")}
    assert counts == {"passed": 3, "failed": 1, "skipped": 0, "superseded": 1}
    assert form["by_type"] == {"assert_malformed": 1, "assert_return": 1, "assert_trap": 1}
    (failure,) = form["failures"]
    assert (failure["script"], failure["line"], failure["type"]) == ("bad", 7, "assert_return")
    assert "found i32 0x3" in failure["message"]


def test_text_for_people(suite: Path) -> None:
    done = run("spec", suite, "--release", "1.0")
    assert (done.code, done.err) == (1, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("bad:7: assert_return: ")
    assert lines[1:] == [
        "3 passed, 1 failed",
        "1 superseded by a later release, not run",
        "  assert_malformed       1",
        "  assert_return          1",
        "  assert_trap            1",
    ]


def test_the_newest_release_is_the_default(suite: Path) -> None:
    done = run("spec", suite)
    assert (done.code, done.out.splitlines()[0]) == (0, "3 passed, 0 failed")


def test_a_groups_zip_and_several_paths(suite: Path) -> None:
    form = run("spec", suite / "group.zip", suite, "--json").form
    assert (form["passed"], form["failed"], form["superseded"]) == (6, 1, 1)


def test_one_script(suite: Path) -> None:
    done = run("spec", suite / "group.zip", "--script", "good", "--json")
    assert (done.code, done.form["passed"]) == (0, 3)


def test_a_json_file(tmp_path: Path) -> None:
    for name, data in files("mine", BAD).items():
        (tmp_path / name).write_bytes(data)
    form = run("spec", tmp_path / "mine.json", "--json").form
    # nothing is known of its lines, so none is superseded
    assert (form["passed"], form["failed"], form["superseded"]) == (0, 2, 0)


WAST = """
(module $m
  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))
(assert_return (invoke "add" (i32.const 1) (i32.const 2)) (i32.const 3))
(assert_return (invoke $m "add" (i32.const 1) (i32.const 2)) (i32.const 4))
(module (func
  (i32.konst)))
"""


def test_a_script_in_the_text_format(tmp_path: Path) -> None:
    path = tmp_path / "mine.wast"
    path.write_text(WAST)
    done = run("spec", path)
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0].startswith("mine.wast:6: assert_return: expected i32 0x4, found i32 0x3")
    assert lines[1].startswith("mine.wast:7: module: TextError: unknown instruction i32.konst")
    assert "(line 8, column 4) in function 0" in lines[1]
    assert lines[-2:] == ["1 passed, 2 failed", "  assert_return       1"]
    form = run("spec", path, "--json").form
    assert [failure["line"] for failure in form["failures"]] == [6, 7]
    path.write_text("(module) (assert_return (invoke))")
    done = run("spec", path)
    assert done.code == 2
    assert "mine.wast is no test script: " in done.err
    assert "expected a string, found ')' (line 1, column 32)" in done.err


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine(suite: Path, engine: str) -> None:
    assert run("spec", suite, "--engine", engine, "--json").form["passed"] == 3


def test_a_script_that_is_not_there(suite: Path) -> None:
    done = run("spec", suite, "--script", "god")
    assert done.code == 2
    assert "there is no script 'god'; did you mean 'good'?" in done.err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("index.json", "{}"),
        ("index.json", "[]"),
        ("index.json", "no JSON"),
        ("x.zip", "no zip"),
        ("x.json", "{}"),
        ("x.json", '{"commands": [{}]}'),
        ("x.json", '{"commands": 3}'),
        ("x.json", "no JSON"),
        ("x.json", "\ufffe"),
        ("x.wast", "(assert_nothing)"),
        ("x.wast", "(module"),
        ("x.wast", "no script"),
        ("x.wat", "no module"),
        ("x.wasm", "\0asm"),
        ("noname", ""),
        ("folder/x.wast", "(module)"),
    ],
)
def test_what_is_no_suite(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-16" if content == "\ufffe" else "utf-8")
    folder = name == "index.json" or path.parent != tmp_path
    done = run("spec", path.parent if folder else path)
    assert (done.code, done.out) == (2, "")
    assert "is no test script: " in done.err and "No such file" not in done.err


def test_a_module_in_the_text_format_is_a_script(tmp_path: Path) -> None:
    path = tmp_path / "mine.wat"
    path.write_text("(module (func $f) (start $f))")
    assert run("spec", path).out.splitlines()[0] == "0 passed, 0 failed"
    path.write_text("(module (func (i32.konst)))")
    done = run("spec", path)
    assert done.code == 1
    assert "mine.wat:1: module: TextError: unknown instruction i32.konst" in done.out


def test_a_script_on_standard_input() -> None:
    done = run("spec", "-", stdin=WAST.encode())
    assert (done.code, done.out.splitlines()[-2]) == (1, "1 passed, 2 failed")
    assert run("spec", "-", "--script", "x").code == 2


def test_wrong_lines(suite: Path) -> None:
    assert run("spec").code == 2
    assert run("spec", suite / "nowhere").code == 2
    assert "'3.0' is not one of '1.0', '2.0'" in run("spec", suite, "--release", "3.0").err
    assert "is not one of 'auto'" in run("spec", suite, "--engine", "steam").err
