"""Every command takes a plugin in the text format, and says where text is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_guests import run

ERRANDS = Path(__file__).parent.parent / "guests" / "wat" / "errands.wat"
PROGRAM = """(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\06\\00\\00\\00hello\\n")
  (func (export "_start")
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
    (call $proc_exit (i32.const 3)))
  (func (export "triple") (param i64) (result i64) (i64.mul (local.get 0) (i64.const 3))))
"""
#: what is wrong with the third line of a text, and where
FAULTS = {
    '(func (export "f") (result i32) (i32.konst 1)))': (
        "unknown instruction i32.konst; did you mean 'i32.const'? (line 3, column 34) in function 0"
    ),
    "(func $f (call $nobody)))": "unknown func $nobody (line 3, column 16) in $f",
    "(func": "expected ')', found the end (line 4, column 1) in function 0",
    "(memory [1]))": "unexpected characters at '[1]))\\n' (line 3, column 9)",
}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that greets and ends with exit code 3, as text."""
    path = tmp_path / "program.wat"
    path.write_text(PROGRAM)
    return path


def test_a_plugin_is_called_and_registered() -> None:
    called = run("call", ERRANDS, "hash", "123456789")
    assert (called.code, called.err) == (0, "")
    assert called.out == '{"crc32": "cbf43926", "fnv1a": "06d5573923c6cdfc"}\n'
    assert "name         errands\n" in run("register", ERRANDS).out


def test_a_trap_names_functions_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "echo.wat"
    path.write_text(ERRANDS.read_text().replace("(func $echo (call $put", "(func $echo (call $nil"))
    outcome = run("call", path, "echo", "1")
    assert outcome.code == 1
    assert "echo.wat: unknown func $nil; did you mean '$fail'? (line " in outcome.err
    path.write_text(
        ERRANDS.read_text().replace("(func $echo (call", "(func $echo unreachable (call")
    )
    outcome = run("call", path, "echo", "1")
    assert "wasm error: unreachable" in outcome.err
    assert "$echo at 0x" in outcome.err
    assert "in echo.wat" in outcome.err


def test_it_is_inspected_and_validated() -> None:
    out = run("inspect", ERRANDS).out
    assert out.startswith("errands.wat: ")
    assert "GoatKit plugin: yes" in out
    assert "hint: a GoatKit plugin" in out
    form = run("inspect", ERRANDS, "--json").form
    assert form["size"] == ERRANDS.with_suffix(".wasm").stat().st_size
    assert run("validate", ERRANDS).out == f"{ERRANDS}: valid\n"


def test_it_is_taken_apart() -> None:
    out = run("disasm", ERRANDS, "put_byte").out
    assert "(func $put_byte" in out
    assert "i32.store8" in out
    shown = run("disasm", ERRANDS, "put_byte", "--python", "--steps").out
    assert "def " in shown


def test_what_is_taken_apart_is_put_together_again(tmp_path: Path) -> None:
    path = tmp_path / "again.wat"
    path.write_text(run("disasm", "--wat", ERRANDS).out)
    outcome = run("call", path, "sum", "[1,2,3]")
    assert outcome.out == '{"count": 3, "sum": 6}\n'
    # but for the size of the custom section of names
    lines = [line for line in path.read_text().splitlines() if "custom" not in line]
    again = run("disasm", "--wat", path).out.splitlines()
    assert [line for line in again if "custom" not in line] == lines


def test_a_program_runs(program: Path) -> None:
    outcome = run("run", program)
    assert (outcome.code, outcome.out) == (3, "hello\n")
    assert run("run", program, "triple", "14").out == "42\n"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "words",
    [("call", "f"), ("register",), ("inspect",), ("run", "f"), ("disasm",), ("validate",)],
    ids=lambda words: words[0],
)
def test_a_fault_is_shown_with_line_and_column(
    tmp_path: Path, words: tuple[str, ...], fault: str
) -> None:
    path = tmp_path / "faulty.wat"
    path.write_text(f"(module\n;; a comment\n{fault}\n")
    outcome = run(words[0], path, *words[1:])
    assert outcome.code == 1
    message = outcome.out if words[0] == "validate" else outcome.err
    start = f"{path}: TextError: " if words[0] == "validate" else "Error: faulty.wat: "
    headline, line, caret, _ = message.split("\n")
    assert headline == f"{start}{FAULTS[fault]}"
    # a caret below the place
    assert line.strip() == (fault if "the end" not in headline else "")
    assert caret.index("^") - 1 == int(headline.split("column ")[1].split(")")[0])
    form = run(words[0], path, *words[1:], "--json").form
    error = form["files"][0]["error"] if words[0] == "validate" else form["error"]
    assert error["type"] == "TextError"
    assert f"(line {error['line']}, column {error['column']})" in message
    assert error["message"] == FAULTS[fault]
    assert error["excerpt"] == f"{line}\n{caret}"
