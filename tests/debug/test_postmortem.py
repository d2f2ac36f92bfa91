"""Core dumps on the command line: written where a guest fails, looked at with the debugger."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from cli_guests import run as command_line

import pywasmgk
from pywasmgk.debug.postmortem import PostMortem, PostMortemConsole

FOLDER = Path(__file__).parents[1] / "guests/coredump"
GUEST = FOLDER / "div.wat"


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """The file of a call that fails, in the interpreter."""
    file = tmp_path / "div.core"
    done = command_line(
        "run", GUEST, "f", "0", "--coredump", file, "--engine", "interpreter", "--no-cache"
    )
    assert done.code == 1 and f"core dumped: {file}" in done.err
    assert "integer divide by zero" in done.err
    return file


def said(core: Path, *commands: str, module: Path | None = GUEST) -> list[list[str]]:
    """What a debugger says to each command."""
    words = [word for command in commands for word in ("--do", command)]
    form = command_line(
        "debug", "--core", core, *([module] if module else []), *words, "--json"
    ).form
    return [entry["lines"] for entry in form["commands"]]


def test_frames_locals_memory_and_globals_are_shown(core: Path) -> None:
    where, locals_, stack, memory, globals_, value = said(
        core, "where", "locals", "stack", "memory 70000 16", "globals", "print a + u8(70000)"
    )
    assert where[0].startswith("* 0 $div at 0x6d (line ") and "$f at 0x7c" in where[1]
    assert locals_ == [
        "$a i32 = -3 (0xfffffffffffffffd)", "$b i32 = 0 (0x0)", "$x f64 = 1.5",
        "$v v128 = (missing)",
    ]  # fmt: skip
    assert [line.split()[3] for line in stack] == ["0", "-3", "77"]
    assert memory == [f"00011170  {b'hello'.hex(' ')}{' 00' * 11}  hello..........."]
    assert globals_[0].split("=")[0].split() == ["g0", "$g", "i64"]
    assert value == [f"{-3 + ord('h')} ({-3 + ord('h'):#x})"]


def test_another_frame_can_be_chosen(core: Path) -> None:
    chosen, locals_ = said(core, "frame 1", "locals")
    assert chosen[0].startswith("frame 1 of 2: $f") and any("-> " in line for line in chosen)
    assert locals_ == ["$n i32 = 0 (0x0)"]


@pytest.mark.parametrize(
    "command", ["step", "run", "back", "goto 0", "set a 1", "poke 0 1", "watch 0"]
)
def test_it_does_not_go_on(core: Path, command: str) -> None:
    (lines,) = said(core, command)
    assert lines == ["error: this is a core dump: it can be looked at, but not go on or be changed"]


def test_without_its_module_there_are_numbers(core: Path) -> None:
    where, locals_, code = said(core, "where", "locals", "list", module=None)
    assert where == ["* 0 function 0 at 0x17", "  1 function 1 at 0xb"]
    assert locals_[:2] == ["l0 i32 = -3 (0xfffffffffffffffd)", "l1 i32 = 0 (0x0)"]
    assert code == ["   (no code: the module is not given)"]


def test_a_dump_of_wasmtime_is_looked_at() -> None:
    where, locals_ = said(FOLDER / "wasmtime.core", "where", "locals")
    assert "$div at 0x6d" in where[0]
    assert [line.split(" = ")[1] for line in locals_] == ["(missing)"] * 4


def test_a_dump_of_another_module_is_told(core: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.wat"
    for text in (
        '(module (func (export "f")))',
        f"(module (func (param i32) {'nop ' * 30}) (func (param i32) {'nop ' * 30}))",
    ):
        other.write_text(text)
        done = command_line("debug", "--core", core, other, "--do", "where")
        assert done.code == 1 and "a core dump of another module" in done.err
    assert command_line("debug", "--core", GUEST).code == 1
    assert command_line("debug", "--core", core, GUEST, "f").code == 2


def test_the_debugger_and_plugins_write_them_too(core: Path, tmp_path: Path) -> None:
    file = tmp_path / "held.core"
    command_line("debug", GUEST, "f", "0", "--do", "run", "--coredump", file)
    assert file.read_bytes() == core.read_bytes()
    file.unlink()
    assert command_line("run", GUEST, "f", "1", "--coredump", file).out == "83\n"
    command_line("debug", GUEST, "f", "1", "--do", "run", "--coredump", file)
    assert not file.exists()
    words = ("call", "hello", "hello", f'{{"name": "{"x" * 300}"}}', "--fuel", "2000")
    called = command_line(*words, "--coredump", file)
    assert called.code == 1 and pywasmgk.CoreDump.from_bytes(file.read_bytes()).frames
    nowhere = command_line("run", GUEST, "f", "0", "--coredump", tmp_path / "no" / "file")
    assert nowhere.code == 1 and "no core dumped" in nowhere.err and "divide" in nowhere.err


def test_damaged_dumps_are_looked_at_or_refused(core: Path) -> None:
    module = pywasmgk.Module.from_file(GUEST)
    data, chance = core.read_bytes(), random.Random(11)
    looked = 0
    for number in range(600):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(8, len(damaged))] = chance.randrange(256)
        try:
            dump = pywasmgk.CoreDump.from_bytes(bytes(damaged))
            console = PostMortemConsole(PostMortem(dump, module if number % 2 else None))
        except pywasmgk.PywasmgkError:
            continue
        for line in (
            "where",
            "locals",
            "stack",
            "globals",
            "memory 69999 16",
            "p l0",
            "frame 1",
            "list",
        ):
            assert all(isinstance(text, str) for text in console.execute(line))
        assert list(console.greet())
        looked += 1
    assert looked > 20
