"""WASI programs that are held: a text adventure goes forwards and back, and on elsewhere."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import pytest

import pywasmgk
from pywasmgk import Execution, LinkError, Module, Recording, WasiConfig

ADVENTURE = Path(__file__).parents[2] / "guests/wasi/adventure.wasm"
WORDS = ["take lamp", "south", "take key", "north", "east", "quit"]
SAID = b"""You are in the hall.
There is a lamp.
Taken.
You are in the cellar.
There is a key.
Taken.
You are in the hall.
You are in the tower.
You carry 2 things after 6 turns.
"""


def begun(words: list[str] = WORDS, **options: Any) -> pywasmgk.HeldRun:
    config = WasiConfig(random=lambda size: b"\xff" * size)
    text = "".join(f"{word}\n" for word in words)
    return pywasmgk.start_wasi(ADVENTURE, stdin=text, config=config, **options)


def sum_of(held: Execution) -> int:
    return zlib.crc32(held.instance.memory.data)


def test_it_ends_as_a_plain_run_does() -> None:
    text = "".join(f"{word}\n" for word in WORDS)
    plain = pywasmgk.run_wasi(
        ADVENTURE, stdin=text, config=WasiConfig(random=lambda size: b"\xff" * size)
    )
    with begun() as held:
        held.step(500)
        assert held.exit_code is None
        done = held.finish()
    assert done.stdout == plain.stdout == SAID
    assert (done.exit_code, done.fuel, done.pages) == (2, plain.fuel, plain.pages)
    assert held.exit_code == 2


def test_an_adventure_goes_back_to_every_line_that_it_read() -> None:
    with begun() as held:
        reads = held.break_at(host_call="*.fd_read")
        seen = []
        while held.run() == "breakpoint":
            seen.append((held.steps, held.fuel_used, sum_of(held)))
        assert len(seen) == len("".join(WORDS)) + len(WORDS)
        assert held.stdout == SAID
        for place in reversed(seen[::3]):
            held.goto(place[0])
            assert (held.steps, held.fuel_used, sum_of(held)) == place
        held.remove(reads)
        assert held.finish().exit_code == 2
        # nobody was asked again, nothing was said twice
        assert held.stdout == SAID


def test_another_word_makes_another_adventure() -> None:
    """What a host call is answered with can be changed by who holds it."""
    asked: list[str] = []
    with begun(defer=["*.fd_read"]) as held:
        words = b"quit\n"
        why, at = held.run(), 0
        while why == "pending":
            assert held.pending is not None
            asked.append(held.pending.name)
            _, vector, _, size = held.pending.arguments
            memory = held.instance.memory
            held.write_memory(memory.read_u32(vector), words[at : at + 1])
            held.write_memory(size, b"\1\0\0\0")
            why, at = held.resume(0), at + 1
        assert held.exit_code == 0
        assert held.stdout.endswith(b"You carry 0 things after 1 turns.\n")
        assert set(asked) == {"wasi_snapshot_preview1.fd_read"}


def test_what_waits_for_a_line_goes_on_elsewhere() -> None:
    module = Module.from_file(ADVENTURE)
    with begun(WORDS[:2], defer=["*.fd_read"]) as held:
        held.run()
        while b"cellar" not in held.stdout:
            assert held.approve() == "pending"
        data = held.to_bytes()
    rest = io.BytesIO(b"take key\nquit\n")
    out = io.BytesIO()
    again = Execution.from_bytes(
        data, module, pywasmgk.wasm.wasi.imports(WasiConfig(stdin=rest, stdout=out))
    )
    again.run()
    assert b"You carry 2 things after 4 turns." in out.getvalue()


def test_it_is_recorded_and_run_again_without_its_host() -> None:
    with begun() as held:
        held.run()
        data = held.recording().to_bytes(held.instance.module)
    module = Module.from_file(ADVENTURE)
    again = Recording.from_bytes(data, module).replay(module)
    assert again.run() == "trap"
    assert isinstance(again.trap, pywasmgk.Exit) and again.trap.code == 2
    again.reverse_run(pywasmgk.Breakpoint(host_call="*.random_get"))
    assert again.frames[0].import_name() == "wasi_snapshot_preview1.random_get"


def test_what_is_no_program_is_refused() -> None:
    with pytest.raises(LinkError, match="no WASI command"):
        pywasmgk.start_wasi(Module('(module (func (export "f")))'))
