"""Profiles for pprof, read by a decoder of the test's own, and by Go's tool where that is."""

from __future__ import annotations

import gzip
from collections import defaultdict
from typing import Any

import pytest

import pywasmgk
from pywasmgk.debug.profile import Profile

FIB = """(module
  (func $fib (export "fib") (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                     (call $fib (i32.sub (local.get $n) (i32.const 2))))))))"""


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def message(data: bytes) -> dict[int, list[Any]]:
    """The fields of a message: numbers, and bytes of everything else."""
    fields: dict[int, list[Any]] = defaultdict(list)
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        assert tag & 7 in (0, 2)
        value, at = varint(data, at)
        if tag & 7 == 2:
            value, at = data[at : at + value], at + value  # type: ignore[assignment]
        fields[tag >> 3].append(value)
    return fields


def packed(data: bytes) -> list[int]:
    values, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


@pytest.fixture
def profile() -> Profile:
    return Profile.of(pywasmgk.instantiate(pywasmgk.Module(FIB, name="fib.wat")), "fib", 9)


def test_a_decoder_finds_what_was_counted(profile: Profile) -> None:
    whole = message(gzip.decompress(profile.pprof()))
    strings = [text.decode() for text in whole[6]]
    assert strings[0] == ""
    types = [message(kind) for kind in whole[1]]
    assert [strings[kind[1][0]] for kind in types] == ["calls", "fuel"]
    samples = [message(sample) for sample in whole[2]]
    values = [packed(sample[2][0]) for sample in samples]
    (fib,) = profile.functions()
    assert [sum(column) for column in zip(*values)] == [fib.calls, profile.fuel]
    (function,) = (message(one) for one in whole[5])
    assert strings[function[2][0]] == "fib" and strings[function[4][0]] == "fib.wat"
    assert function[5] == [3]
    locations = {message(one)[1][0]: message(message(one)[4][0]) for one in whole[4]}
    used = {number for sample in samples for number in packed(sample[1][0])}
    assert used == set(locations)
    by_line: dict[int, int] = defaultdict(int)
    for sample, (_, fuel) in zip(samples, values):
        by_line[locations[packed(sample[1][0])[0]][2][0]] += fuel
    assert by_line == {one.line: one.fuel for one in profile.lines()}
    (mapping,) = (message(one) for one in whole[3])
    assert strings[mapping[5][0]] == "fib.wat" and len(strings[mapping[6][0]]) == 64


def test_the_same_profile_is_the_same_file(profile: Profile) -> None:
    assert profile.pprof() == profile.pprof()


def test_a_module_without_lines() -> None:
    data = pywasmgk.Module(FIB).data
    found = Profile.of(pywasmgk.instantiate(pywasmgk.Module(data)), "fib", 5)
    whole = message(gzip.decompress(found.pprof()))
    assert sum(packed(message(one)[2][0])[1] for one in whole[2]) == found.fuel
    with pytest.raises(pywasmgk.HostError, match="no lines"):
        found.lines()
