"""The name section: read as far as it goes, and fit for messages."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from wasm_builder import function, name, section, unsigned, vector

from pywasmgk.printable import printable
from pywasmgk.wasm.binary.names import NameSection
from pywasmgk.wasm.module import Module


def names(*subsections: bytes) -> NameSection:
    """The names of a section made of these parts."""
    content = b"".join(subsections)
    return NameSection(b"before" + content + b"behind", 6, 6 + len(content))


def name_map(**entries: str) -> bytes:
    """``name_map(_3="x")``: index 3 is called x."""
    return vector(unsigned(int(key[1:])) + name(text) for key, text in entries.items())


def test_every_kind_of_name() -> None:
    plain = {1: "functions", 4: "types", 5: "tables", 6: "memories", 7: "globals", 8: "elements"}
    plain[9] = "datas"
    found = names(
        section(0, name("module")),
        *(section(number, name_map(_0="a", _300=kind)) for number, kind in plain.items()),
        section(2, vector([b"\5" + name_map(_0="x", _1="y"), b"\7" + name_map(_2="z")])),
        section(3, vector([b"\5" + name_map(_1="loop")])),
        section(99, b"unknown ones are skipped"),
    )
    assert found.module == "module"
    for kind in plain.values():
        assert getattr(found, kind) == {0: "a", 300: kind}
    assert found.locals == {5: {0: "x", 1: "y"}, 7: {2: "z"}}
    assert found.labels == {5: {1: "loop"}}
    assert repr(found) == "<NameSection of module: 2 functions>"


def test_what_comes_before_a_fault_counts() -> None:
    whole = section(1, name_map(_0="first", _1="second", _2="third"))
    seen = []
    for size in range(len(whole) + 1):
        found = names(whole[:size]).functions
        assert list(found.values()) == ["first", "second", "third"][: len(found)]
        seen.append(len(found))
    assert sorted(seen) == seen
    assert seen[-1] == 3


def test_a_subsection_ends_where_it_says() -> None:
    # three entries announced, one there; what follows is another subsection, not an entry
    found = names(section(1, b"\3\0" + name("only")), section(0, name("apart")))
    assert found.functions == {0: "only"}
    assert found.module == "apart"


@pytest.mark.parametrize("number", range(10))
def test_hostile_counts_cost_nothing(number: int) -> None:
    tracemalloc.start()
    try:
        names(section(number, b"\xff\xff\xff\xff\x0f" * 4), section(number, b"\x80" * 400))
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_noise_is_no_error() -> None:
    rng = random.Random(7)
    good = section(1, name_map(_0="first", _1="second")) + section(2, b"\1\0" + name_map(_0="x"))
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        found = names(bytes(data))
        assert len(found.functions) <= len(data)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain $name<T>::ä→", "plain $name<T>::ä→"),
        ("a\x1b[31m\r\n\0\x7f", "a\\x1b[31m\\x0d\\x0a\\x00\\x7f"),
        ("right\u202eleft\u2028", "right\\u{202e}left\\u{2028}"),
        ("x" * 1000, "x" * 200),
        ("😀" * 1000, "😀" * 200),
    ],
)
def test_names_are_fit_for_messages(raw: str, shown: str) -> None:
    assert printable(raw) == shown
    assert names(section(1, name_map(_0=raw))).functions == {0: shown}


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert names(section(0, b"\3a\xffb")).module == "a\ufffdb"


def test_it_is_read_on_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    class Counting(NameSection):
        def __init__(self, data: bytes, start: int, end: int) -> None:
            made.append(start)
            super().__init__(data, start, end)

    monkeypatch.setattr("pywasmgk.wasm.module.NameSection", Counting)
    found = Module(function("", "", customs=[("name", section(1, name_map(_0="lazy")))]))
    assert made == []
    assert found.names.functions == {0: "lazy"}
    assert found.names is found.names
    assert len(made) == 1


def test_no_name_section_and_a_broken_one() -> None:
    assert Module(function("", "")).names.functions == {}
    broken = Module(function("", "", customs=[("name", b"\1\xff\xff\xff\xff\x7f")]))
    assert broken.names.functions == {}
    assert broken.function_name(0) == "f"


def test_whoever_needs_a_name_does_not_wait_for_millions() -> None:
    many = 120_000
    entries = b"".join(unsigned(n) + b"\1a" for n in range(many))
    found = names(b"\1" + _sized(unsigned(many) + entries), b"\4" + _sized(b"\1\0\1t"))
    assert len(found.functions) == 20_000 and found.types == {0: "t"}
    each = b"".join(unsigned(n) + b"\1\0\1a" for n in range(many))
    found = names(b"\2" + _sized(unsigned(many) + each))
    assert sum(map(len, found.locals.values())) <= 20_000
    again = names(*[b"\1" + _sized(b"\1" + unsigned(n) + b"\1a") for n in range(200)])
    assert len(again.functions) == 200


def _sized(content: bytes) -> bytes:
    return unsigned(len(content)) + content
