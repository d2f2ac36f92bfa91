"""Loads that step from turn to turn, read by iteration: each as it was at its turn."""

from __future__ import annotations

import pytest
from python_rows import row

import pywasmgk
from pywasmgk.wasm.compiler.backend.printing import text_of, written
from pywasmgk.wasm.compiler.driver import source_of
from pywasmgk.wasm.compiler.passes.stream_loads import Stream, streamed, too_short
from pywasmgk.wasm.text.reading import assemble

STEPS = {"q2_2": 1, "r1_0": 3}


def read(*texts: str) -> tuple[list[str], list[str]]:
    """A turn's rows, and what is iterated over."""
    turn, streams = streamed(list(map(row, texts)), STEPS)
    return [text_of(row.code) for row in turn], [written(stream.source) for stream in streams]


def test_a_pointer_that_only_a_load_reads_is_not_stepped() -> None:
    turn, streams = read("u1 = MB_7[r1_0]", "l4 = u1 ^ l4", "r1_0 = r1_0 + 3")
    assert turn == ["l4 = u1 ^ l4"]
    assert streams == ["MB_7[r1_0:r1_0 + n * 3:3]"]


def test_a_pointer_that_something_else_reads_is() -> None:
    turn, _ = read("u1 = MB_7[r1_0]", "MI[q2_2] = r1_0", "r1_0 = r1_0 + 3")
    assert turn[-1] == "r1_0 = r1_0 + 3"


FOUR = [f"l4 = MI_{n}[q2_2] ^ l4" for n in range(4)]


@pytest.mark.parametrize(
    ("texts", "loads"),
    [
        (FOUR, 4),
        # the same load twice is one
        ([*FOUR, *FOUR], 4),
        # three do not pay for their slices
        (FOUR[:3], 0),
        # what a store is computed from is read before it, what comes behind it is not
        ([*FOUR[:3], "MI[q2_2] = MI_9[q2_2]", "l5 = MI_10[q2_2]"], 4),
        (["MI[q2_2] = l4", *FOUR], 0),
        (["store_u32(mem, l2, l4)", *FOUR], 0),
        # not in every turn, or elsewhere
        ([*FOUR[:3], "l5 = MI_9[q2_2] if l4 else 0"], 0),
        ([*FOUR[:3], "l5 = MI_9[q9_2]"], 0),
        # the index is another one by then
        ([*FOUR[:3], "q2_2 = q2_2 + 1", "l5 = MI_9[q2_2]"], 0),
        # rows that set a local on a condition do no harm, nor does rounding
        ([*FOUR[:3], "if l8 < l4: l4 = l8", "F[0] = Mf[q2_2] * 0.5"], 4),
    ],
)
def test_which_loads(texts: list[str], loads: int) -> None:
    turn, streams = read(*texts)
    assert len(streams) == loads
    assert loads or turn == texts


def test_the_view_that_begins_last_is_the_shortest() -> None:
    def stream(view: str, index: str = "q2_2", step: int = 1) -> Stream:
        return Stream("x", view, index, step)

    one = too_short([stream("MI_12"), stream("MI"), stream("MI_9")])
    assert written(one) == "q2_2 + n > len(MI_12)"
    both = too_short([stream("MI"), stream("MB_7", "r1_0", 3)])
    assert written(both) == "q2_2 + n > len(MI) or r1_0 + n * 3 > len(MB_7)"


#: adds up bytes from ``$p`` on, xors them with words from ``$q`` on, and stores what it has so far
#: in the word behind, where the next turn reads it
LOOP = """(module (memory (export "memory") 1)
  (func (export "f") (param $p i32) (param $q i32) (param $n i32) (result i32) (local $a i32)
    loop $on
      local.get $p local.get $n i32.add i32.load8_u offset=9
      local.get $q i32.load local.get $a i32.add i32.xor local.set $a
      local.get $q local.get $a i32.store offset=4
      local.get $q i32.const 4 i32.add local.set $q
      local.get $p i32.const 1 i32.add local.tee $p i32.const 100 i32.ne br_if $on
    end
    local.get $a))"""


def outcome(engine: str, args: tuple[int, int, int], fuel: int) -> tuple[object, ...]:
    instance = pywasmgk.instantiate(pywasmgk.Module(assemble(LOOP)), engine=engine, fuel=fuel)
    memory = instance.exports["memory"]
    memory.write(0, bytes(number * 37 % 251 for number in range(65536)))
    try:
        result: object = instance.exports["f"](*args)
    except pywasmgk.GuestError as error:
        result = type(error), str(error).split(" in ")[0], error.frames
    return result, instance.fuel_used, memory.read(0, 65536)


def test_it_is_read_by_iteration() -> None:
    text = source_of(pywasmgk.Module(assemble(LOOP)), 0, 1 << 30).text
    assert "in zip(range(q1_2, e, 1), MB_9[" in text


@pytest.mark.parametrize(
    "args",
    [
        (0, 400, 300),
        (0, 400, 396),  # bytes that the words are written over
        (80, 65536 - 80, 0),  # the last word is the one behind the memory
        (80, 65536 - 84, 0),
        (0, 65536 - 200, 0),  # words end in the middle
        (0, 400, 65536 - 50),  # bytes do
        (0, 402, 300),  # words that are not aligned
        (200, 400, 0),  # more turns than there is memory
    ],
)
@pytest.mark.parametrize("fuel", [*range(0, 160, 7), 1500, 2281, 10_000_000])
def test_it_is_the_same_everywhere(args: tuple[int, int, int], fuel: int) -> None:
    expected = outcome("interpreter", args, fuel)
    assert outcome("optimized", args, fuel) == expected
