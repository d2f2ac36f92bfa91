"""``run`` and ``validate``."""

from __future__ import annotations

from pathlib import Path

import cli_guests as guests
import pytest
from cli_guests import run

from pywasmgk.wasm.runtime.defaults import DEFAULT_COMMAND_MEMORY


@pytest.fixture
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The module that a test is about, as a file."""
    path = tmp_path / "guest.wasm"
    path.write_bytes(getattr(guests, getattr(request, "param", "ADD")))
    return path


def about(module: str) -> pytest.MarkDecorator:
    """Which module of cli_guests ``file`` holds."""
    return pytest.mark.parametrize("file", [module], indirect=True)


# -- exports


def test_an_export_runs(file: Path) -> None:
    assert run("run", file, "f", "40", "2") == (0, "42\n", "")


def test_the_json_form_of_a_run(file: Path) -> None:
    done = run("run", file, "f", "40", "2", "--json")
    assert done.code == 0
    assert list(done.form) == ["results", "fuel", "seconds", "pages"]
    assert (done.form["results"], done.form["fuel"], done.form["pages"]) == ([42], 4, 0)


def test_integers_are_also_negative_and_hex(file: Path) -> None:
    assert run("run", file, "f", "-40", "0x2").out == "-38\n"
    assert run("run", file, "f", "-0x10", "007").out == "-9\n"
    assert run("run", file, "f", "0xffffffff", "0", "--json").form["results"] == [-1]
    assert run("run", file, "f", "--", "-1", "-1").out == "-2\n"


@about("FLOATS")
def test_floats_of_all_kinds(file: Path) -> None:
    assert run("run", file, "f", "-1.5", "1e300").out == "1e+300\n-1.5\n"
    assert run("run", file, "f", "-inf", "nan", "--json").form["results"] == ["nan", "-inf"]
    assert run("run", file, "f", "0x1p-1", "-.5").out == "-0.5\n0.5\n"


@about("REFERENCE")
def test_references_can_be_null(file: Path) -> None:
    assert run("run", file, "f", "null").out == "null\n"
    assert run("run", file, "f", "null", "--json").form["results"] == [None]
    assert "expected 'null', found '1'" in run("run", file, "f", "1").err


@about("VECTOR")
def test_vectors_are_numbers_of_128_bits(file: Path) -> None:
    assert run("run", file, "f", "0x0102").out == "0x" + "0" * 28 + "0102\n"
    assert run("run", file, "f", str(2**127), "--json").form["results"] == ["0x8" + "0" * 31]
    for word in (str(2**128), "-1"):
        assert "argument 1 (v128): " in run("run", file, "f", word).err


@about("LONG")
def test_large_integers_stay_exact(file: Path) -> None:
    assert run("run", file, "f", str(2**63), "--json").form["results"] == [-(2**63)]


@about("REACTOR")
def test_a_library_is_initialised_first(file: Path) -> None:
    assert run("run", file, "get").out == "42\n"


def test_stats_go_to_standard_error(file: Path) -> None:
    done = run("run", file, "f", "1", "2", "--stats")
    assert done.out == "3\n"
    assert done.err.startswith("4 instructions in ")
    assert done.err.endswith("; 0 pages\n")


# -- programs


@about("ECHO")
def test_a_program_reads_and_writes(file: Path) -> None:
    assert run("run", file, stdin=b"to and fro\n") == (0, "to and fro\n", "")


@about("ECHO")
def test_with_json_the_guests_output_is_out_of_the_way(file: Path) -> None:
    done = run("run", file, "--json", stdin=b"to and fro\n")
    assert done.form["results"] == []
    assert done.err == "to and fro\n"


@about("ENVIRONMENT")
def test_a_program_sees_variables(file: Path) -> None:
    assert run("run", file, "--env", "A=1", "--env", "B=x").out == "A=1\0B=x\0"


@about("ARGUMENTS")
def test_a_program_gets_arguments(file: Path) -> None:
    file = file.rename(file.with_name("a.b"))
    assert run("run", file, "_start", "-1xy").out == "a.b\0-1xy"
    assert run("run", file, "--", "--en").out == "a.b\0--en"


@about("PREOPENED")
def test_a_program_finds_folders(file: Path, tmp_path: Path) -> None:
    assert run("run", file, "--dir", f"{tmp_path}::data").out == "data"
    assert run("run", file, "--dir", f"{tmp_path}::x=y:ro").out == "x=y\0"
    assert run("run", file).out == "\0" * 4
    done = run("run", file, "--dir", tmp_path / "nowhere")
    assert done.code == 2
    assert "there is no folder" in done.err


@about("STARTS")
def test_a_start_function_is_a_program_too(file: Path) -> None:
    assert run("run", file) == (0, "", "")
    assert run("run", file, "--json").form["results"] == []


@pytest.mark.parametrize(("status", "ours"), [(0, 0), (3, 3), (255, 255), (256, 1), (-1, 255)])
def test_the_exit_code_is_passed_on(tmp_path: Path, status: int, ours: int) -> None:
    path = tmp_path / "exit.wasm"
    path.write_bytes(guests.exiting(status))
    assert run("run", path) == (ours, "", "")
    done = run("run", path, "--json")
    assert done.code == ours
    assert done.form["fuel"] == 3
    if status:
        assert done.form["error"]["type"] == "Exit"
        assert done.form["error"]["code"] == status & 0xFFFFFFFF
    else:
        assert done.form["results"] == []


# -- what goes wrong


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("f", "1"), "f (i32, i32) -> i32 takes 2 arguments, 1 given"),
        (("f", "1", "2", "3"), "takes 2 arguments, 3 given"),
        (("f", "1", "two"), "argument 2 (i32): expected an integer such as 7, -7 or 0x7"),
        (("f", "1", "1.5"), "argument 2 (i32): expected an integer"),
        (("f", "1", str(2**32)), "argument 2 (i32): 4294967296 does not fit i32"),
        (("f", "1", "9" * 5000), "argument 2 (i32): "),
        (("ff", "1", "2"), "no function is exported as 'ff'; did you mean 'f'? (there: f)"),
        ((), "no function is exported as '_start' (there: f)"),
        (("f", "1", "2", "--env", "A"), "expected NAME=VALUE, found 'A'"),
        (("f", "1", "2", "--stat"), "--stats"),
    ],
)
def test_a_wrong_line_ends_with_two(file: Path, words: tuple[str, ...], message: str) -> None:
    done = run("run", file, *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    form = run("run", file, *words, "--json")
    assert form.code == 2
    assert message in form.form["error"]["message"]


@about("EXPORTS_A_MEMORY")
def test_only_functions_run(file: Path) -> None:
    assert "'mem' is a memory, no function (functions: none)" in run("run", file, "mem").err


@about("TRAPPING")
def test_a_trap(file: Path) -> None:
    where = guests.TRAPPING.index(b"\x00\x0b", 30)
    done = run("run", file, "f")
    text = f"Error: guest.wasm: unreachable\n  at $boom at {where:#x} in guest.wasm\n"
    assert done == (1, "", text)
    form = run("run", file, "f", "--json")
    assert form.code == 1
    assert form.form["error"] == {
        "type": "Trap",
        "code": "UNREACHABLE",
        "message": "unreachable",
        "frames": [{"function": 0, "name": "boom", "offset": where, "module": "guest.wasm"}],
    }
    assert form.form["pages"] == 0


@about("TRAPS_AT_START")
def test_a_trap_of_the_start_function(file: Path) -> None:
    form = run("run", file, "--json")
    assert form.code == 1
    assert form.form["error"]["type"] == "Trap"
    assert form.form["fuel"] == 1


@about("ENDLESS")
def test_out_of_fuel(file: Path) -> None:
    form = run("run", file, "f", "--fuel", "5_000", "--json")
    assert form.code == 1
    assert (form.form["error"]["type"], form.form["fuel"]) == ("OutOfFuel", 5000)
    assert "Hint: --fuel N" in run("run", file, "f", "--fuel", "5000").err


@about("ENDLESS")
def test_a_timeout(file: Path) -> None:
    done = run("run", file, "f", "--timeout", "0.05")
    assert done.code == 1
    assert "gave up after 0.05 s" in done.err
    form = run("run", file, "f", "--timeout", "0.05", "--json").form
    assert form["error"]["type"] == "DeadlineExceeded"


@about("LARGE")
def test_memory_is_limited(file: Path) -> None:
    done = run("run", file, "f", "--memory-limit", "256")
    assert done.code == 1
    assert "min 300 pages" in done.err
    assert run("run", file, "f", "--memory", "300", "--json").form["pages"] == 300
    assert run("run", file, "f", "--memory", "none").code == 0


@pytest.mark.parametrize("command", ["run", "profile", "coverage", "trace"])
def test_modules_have_the_memory_of_programs(command: str, tmp_path: Path) -> None:
    path = tmp_path / "large.wat"
    text = '(module (memory (export "memory") {}) (func (export "_start")))'
    path.write_text(text.format(DEFAULT_COMMAND_MEMORY))
    assert run(command, path).code == 0
    path.write_text(text.format(DEFAULT_COMMAND_MEMORY + 1))
    done = run(command, path)
    assert done.code == 1 and "over limit of 1024 pages" in done.err
    assert "1024" in run(command, "--help").out and "256" in run("call", "--help").out


@about("NEEDS_MORE")
def test_all_missing_imports_are_named(file: Path) -> None:
    done = run("run", file, "f")
    assert done.code == 1
    assert "'env'.'f': wanted () -> (), found nothing" in done.err
    assert "'gk'.'log': wanted () -> (), found nothing (a GoatKit plugin" in done.err
    assert run("run", file, "f", "--json").form["error"]["type"] == "LinkError"


@about("TRAPPING")
def test_debug_shows_the_traceback(file: Path) -> None:
    done = run("run", file, "f", "--debug")
    assert done.code == 1
    assert "Traceback (most recent call last)" in done.err
    assert "\nError: guest.wasm: unreachable\n  at $boom at " in done.err


def test_an_error_of_ours_is_one_line_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("pywasmgk.cli.modules.instantiate", broken)
    done = run("run", file, "f", "1", "2")
    assert done == (1, "", "Error: ZeroDivisionError: oops; --debug shows where\n")
    assert run("run", file, "f", "1", "2", "--json").form["error"]["type"] == "ZeroDivisionError"


# -- validate


def test_valid_modules(file: Path) -> None:
    assert run("validate", file, "hello") == (0, f"{file}: valid\nhello: valid\n", "")
    assert run("validate", file, "--json").form == {
        "valid": True,
        "files": [{"file": str(file), "valid": True}],
    }


def test_what_is_wrong_and_where(file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wasm"
    bad.write_bytes(guests.function("", "i32", "i64.const 0"))
    done = run("validate", file, bad)
    assert (done.code, done.err) == (1, "")
    first, second = done.out.splitlines()
    assert first == f"{file}: valid"
    assert second.startswith(f"{bad}: ValidationError: ")
    assert "(function 0, at offset 0x" in second
    form = run("validate", bad, "--json")
    assert form.code == 1
    assert form.form["valid"] is False
    error = form.form["files"][0]["error"]
    assert error["type"] == "ValidationError"
    assert error["offset"] == len(bad.read_bytes()) - 1


def test_validate_wants_files() -> None:
    assert run("validate").code == 2


def test_validate_goes_on_after_an_error(file: Path, tmp_path: Path) -> None:
    done = run("validate", "not-there.wasm", file, tmp_path)
    first, second, third = done.out.splitlines()
    assert done.code == 1
    assert first.startswith("not-there.wasm: UsageError: ") and "no file or example" in first
    assert second == f"{file}: valid"
    assert third.endswith("is a folder")


def test_validate_knows_the_contract(file: Path) -> None:
    assert run("validate", "--plugin", "hello").out == "hello: valid\n"
    done = run("validate", "--plugin", file)
    assert done.code == 1
    assert "LinkError: no GoatKit plugin: gk_register is missing; gk_call is" in done.out


def test_a_module_may_come_from_standard_input(file: Path) -> None:
    assert run("run", "-", "f", "2", "3", stdin=file.read_bytes()).out == "5\n"
    text = b'\n(module (func (export "f") (result i32) i32.const 7))'
    assert run("run", "-", "f", stdin=text).out == "7\n"
    assert run("validate", "-", stdin=text).out == "-: valid\n"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x89PNG\r\n\x1a\n", "this is a PNG image"),
        (b"\0asm\x0d\0\1\0", "a component, not a module: `pywasmgk inspect` shows it"),
        (b"(module)", "WebAssembly text: give it as a str, or in a file whose name ends in .wat"),
        (b"", "unexpected end of a file of 0 bytes"),
    ],
)
def test_what_is_no_module_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "odd.wasm"
    path.write_bytes(content)
    # of a component, inspect shows what there is
    for command in ("run", "register", "disasm", *(["inspect"] if "component" not in what else [])):
        done = run(command, path)
        assert done.code == 1 and what in done.err, command


def test_what_the_line_may_have_meant(tmp_path: Path) -> None:
    program = tmp_path / "program.wasm"
    program.write_bytes(guests.exiting(3))
    done = run("run", program, "something")
    assert done.code == 2
    assert "a program's own arguments come after --, as in: -- something" in done.err
    for words in (("run", "hello"), ("run", "hello", "hello"), ("debug", "hello", "hello")):
        assert "this is a GoatKit plugin, for pywasmgk call" in run(*words).err
    for word in ("profile", "coverage", "trace"):
        assert (
            "a GoatKit plugin, whose functions are called with --plugin" in run(word, "hello").err
        )


def test_the_form_of_a_program_has_its_exit_code(tmp_path: Path) -> None:
    program = tmp_path / "program.wasm"
    for status in (0, 3):
        program.write_bytes(guests.exiting(status))
        assert run("run", program, "--json").form["exit_code"] == status


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-1",), "no function is exported as '-1'"),
        (("f", "--fuel", "-1"), "'--fuel': expected at least 0, found -1"),
        (("f", "--timeout", "-1"), "'--timeout': expected 0.001 to 1e+09, found -1"),
        (("f", "--memory-limit", "-1"), "expected 0 to 65536, found -1"),
        (("f", "--env", "-1"), "'--env': expected NAME=VALUE, found '-1'"),
        (("f", "--engine", "-inf"), "'-inf' is not one of"),
        (("f", "-1", "--", "-2"), "takes 0 arguments, 2 given"),
    ],
)
def test_negative_numbers_are_shown_as_they_were_given(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    path = tmp_path / "one.wat"
    path.write_text('(module (func (export "f")))')
    done = run("run", path, *words)
    assert done.code == 2 and message in done.err
    assert "\0" not in done.err and "\\x00" not in done.err
