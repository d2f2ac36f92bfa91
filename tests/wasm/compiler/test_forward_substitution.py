"""Forward substitution: rows given to the pass, rows that it gives."""

from __future__ import annotations

import pytest
from python_rows import row

from pywasmgk.errors import TrapCode
from pywasmgk.wasm.compiler.backend.printing import text_of
from pywasmgk.wasm.compiler.budget import Budget
from pywasmgk.wasm.compiler.passes.forward_substitution import merged

TRAP = TrapCode.MEMORY_OUT_OF_BOUNDS


def after(*texts: str) -> list[str]:
    return [text_of(found.code) for found in merged(list(map(row, texts)), Budget())]


@pytest.mark.parametrize(
    ("before", "found"),
    [
        (["t1 = l0 + 1", "l2 = t1 * 3"], ["l2 = (l0 + 1) * 3"]),
        (["t1 = MI[l0]", "l2 = t1 ^ l2"], ["l2 = MI[l0] ^ l2"]),
        # a copy has the value itself, whatever it is
        (["t1 = l0 if l1 else 0", "l2 = t1"], ["l2 = l0 if l1 else 0"]),
        # from row to row
        (["t1 = l0 + 1", "t2 = t1 << 2", "MI[t2] = l5"], ["MI[l0 + 1 << 2] = l5"]),
        (["t1 = l0 & 3", "if t1:"], ["if l0 & 3:"]),
        # all of a wrap is computed each time
        (["t1 = l0 + l1", "l2 = w if (w := t1) < 8 else w - 8"],
         ["l2 = w if (w := l0 + l1) < 8 else w - 8"]),
        (["fuel -= 3", "fuel -= 4"], ["fuel -= 7"]),
        (["fuel += 5", "fuel -= 3"], ["fuel += 2"]),
    ],
)  # fmt: skip
def test_what_the_next_row_alone_reads_stands_in_it(before: list[str], found: list[str]) -> None:
    assert after(*before) == found


@pytest.mark.parametrize(
    "rows",
    [
        # read twice, or further on
        ["t1 = l0 + 1", "l2 = t1 * t1"],
        ["t1 = l0 + 1", "l2 = 5", "l3 = t1"],
        # evaluated sometimes only, or later than something else
        ["t1 = l0 + 1", "l2 = t1 if l3 else 0"],
        ["t1 = l0 + 1", "l2 = f(l3 and t1)"],
        ["t1 = l0 + 1", "if l3: l2 = t1"],
        # a local is seen elsewhere
        ["l1 = l0 + 1", "l2 = l1 * 3"],
        ["fuel -= 3", "fuel -= l1"],
    ],
)
def test_other_rows_stay(rows: list[str]) -> None:
    assert after(*rows) == rows


def test_one_row_has_one_trap() -> None:
    load, store = row("t1 = MI[l0]", trap=TRAP), row("MI[l1] = t1", trap=TRAP)
    assert merged([load, store], Budget()) == [load, store]
    (both,) = merged([load, row("l1 = t1 + 1")], Budget())
    assert both.entry.trap is TRAP


def test_rows_of_other_depths_or_with_frames_of_their_own_stay() -> None:
    first = row("t1 = l0 + 1")
    for second in (row("l2 = t1", indent=3), row("l2 = t1", own=True)):
        assert merged([first, second], Budget()) == [first, second]


def test_a_block_that_is_written_twice_has_its_rows_twice() -> None:
    assert (
        after("t1 = l0 + 1", "l2 = t1 * 3", "t1 = l0 + 1", "l2 = t1 * 3")
        == ["l2 = (l0 + 1) * 3"] * 2
    )


def test_one_word_at_a_pointer_that_may_be_odd_is_read_by_its_bytes() -> None:
    rows = ["t1 = l0 & 3", "t1_1 = l0 >> 2", "l2 = MI[t1_1] if not t1 else load_u32(mem, l0)[0]"]
    assert after(*rows) == ["l2 = load_u32(mem, l0)[0]"]
    assert len(after(*rows, rows[2].replace("l2", "l3"))) == 4
    stores = [*rows[:2], "if not t1: MI[t1_1] = l5", "else: store_u32(mem, l0, l5)"]
    assert after(*stores) == ["store_u32(mem, l0, l5)"]


def test_a_nan_whose_bits_nobody_reads_is_not_put_right() -> None:
    right = "t2 = t1 if t1 == t1 else f32_nan(t1)"
    assert after("t1 = F[0]", right, "l3 = t1 * 0.5") == ["l3 = F[0] * 0.5"]
    kept = after("t1 = F[0]", right, "l3 = t2", "l4 = t1")
    assert kept == ["t1 = F[0]", right.replace("t2 = ", "l3 = "), "l4 = t1"]
