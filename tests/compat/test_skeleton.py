"""Hosts that ``pywasmgk stub`` writes."""

# modules are easier to read on one line
# ruff: noqa: E501

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli_guests import run
from processor import least_seconds

import pywasmgk
from pywasmgk.compat.skeleton import host_source

TEXT = """(module
  (import "env" "log" (func (param i32 f64) (result i64 f32)))
  (import "env" "memory" (memory 1 4))
  (import "env" "table" (table 2 funcref))
  (import "env" "base" (global (mut i64)))
  (import "env" "thing" (global externref))
  (import "env" "log" (func (param i32 f64) (result i64 f32)))
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
  (global (export "count") i32 (i32.const 3))
  (func (export "class") (param v128 funcref externref) (result i32) i32.const 4)
  (func (export "env_log") (param i32) (result i32 i32) local.get 0 local.get 0)
  (func (export "imports")) (func (export "2nd")) (func (export "")))"""

#: names that would be something else in the wrong place
HOSTILE = (
    '"""', "'''", "\\\\", "a\\nimport os\\n", "\\0d\\0a", "${x}", "{x}", "%s", "__init__", "self", "def",
    "\\u{202e}evil", "\\u{feff}", "None", "Host", "# x", "match", "\\22\\22\\22", "a b", "a-b", "a.b", "",
    "\\c3\\a4", "_", "__class__", "p0", "call", "Any", "x" * 3000,
)  # fmt: skip


def hostile() -> pywasmgk.Module:
    names = [name.replace('"', "\\22") for name in HOSTILE]
    imports = "".join(f'(import "{a}" "{b}" (func))' for a, b in zip(names, [*names[1:], names[0]]))
    exports = "".join(f'(export "{name}" (func 0))' for name in dict.fromkeys(names) if name)
    return pywasmgk.Module(f"(module {imports} {exports})")


def written(folder: Path, module: pywasmgk.Module, name: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(host_source(module), "ascii")
    (folder / f"{name}.wasm").write_bytes(module.data)
    return path


def test_a_host_can_be_filled_in(tmp_path: Path) -> None:
    path = written(tmp_path, pywasmgk.Module(TEXT), "plain")
    space: dict[str, object] = {"__name__": "host"}
    exec(compile(path.read_text(), str(path), "exec"), space)
    guest = space["Guest"](tmp_path / "plain.wasm", fuel=1000)  # type: ignore[operator]
    assert guest._class(bytes(16), None, "x") == 4
    assert guest.env_log(5) == (5, 5)
    assert guest.count.value == 3
    assert guest.imports_2() is None and guest._2nd() is None and guest.unnamed() is None
    with pytest.raises(NotImplementedError, match="env_log"):
        guest.host.env_log(1, 2.0)


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    module = hostile()
    path = written(tmp_path, module, "hostile")
    space: dict[str, object] = {"__name__": "host"}
    exec(compile(path.read_text(), str(path), "exec"), space)
    guest = space["Guest"](tmp_path / "hostile.wasm")  # type: ignore[operator]
    assert set(guest.instance.exports) == {item.name for item in module.exports}
    assert "\nimport os" not in path.read_text()


def test_mypy_accepts_it(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    paths = [
        written(tmp_path, pywasmgk.Module(TEXT), "plain"),
        written(tmp_path, hostile(), "hostile"),
    ]
    root = Path(pywasmgk.__file__).parents[1]
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        f"--cache-dir={tmp_path}",
    ]
    done = subprocess.run([*command, *map(str, paths)], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_many_equal_names_take_time_in_proportion() -> None:
    body = "".join(
        f'(import "a" "b{"-" * (n % 50 + 1)}{"." * (n // 50)}" (func))' for n in range(4000)
    )
    module = pywasmgk.Module(f"(module {body})")
    assert least_seconds(lambda: host_source(module), enough=3) < 3
    assert "def a_b_4000(self)" in host_source(module)


def test_the_command_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "m.wat"
    path.write_text(TEXT)
    done = run("stub", path)
    assert (done.code, done.err) == (0, "")
    assert done.out == host_source(pywasmgk.Module(TEXT)).rstrip() + "\n"
    assert run("stub", path, "--json").form["source"] == host_source(pywasmgk.Module(TEXT))
    assert run("stub", tmp_path / "none.wasm").code == 2
