"""Functions that make compiling dear: each a form that repeats, so many times."""

from __future__ import annotations

from wasm_builder import function

import pywasmgk

__all__ = ["SHAPES", "WIDE", "module"]


def loops(count: int) -> list[str]:
    """Loops, one after the other."""
    turn = ["loop _", "local.get 1", "i32.const 1", "i32.add", "local.tee 1", "local.get 0"]
    return [*turn, "i32.lt_u", "br_if 0", "end"] * count


def nest(count: int) -> list[str]:
    """Loops in loops."""
    begin = ["loop _", "local.get 1", "i32.const 1", "i32.add", "local.set 1"]
    return [*begin * count, *["local.get 0", "br_if 0", "end"] * count]


def tees(count: int) -> list[str]:
    """One value in many locals."""
    return ["local.get 0", *(f"local.tee {number % 200 + 1}" for number in range(count)), "drop"]


def sums(count: int) -> list[str]:
    """Many locals that are sums of one."""
    found: list[str] = []
    for number in range(count):
        found += ["local.get 0", f"i32.const {number}", "i32.add", f"local.set {number % 200 + 1}"]
    return found


def exits(count: int) -> list[str]:
    """A loop that is left in many places."""
    leave = ["local.get 1", "i32.const 7", "i32.eq", "br_if 1"]
    step = ["local.get 1", "i32.const 1", "i32.add", "local.set 1"]
    return ["block _", "loop _", *leave * count, *step, "br 0", "end", "end"]


def dispatch(count: int) -> list[str]:
    """A switch in a loop, whose arms go on with the next one or back."""
    lines = ["loop _", *["block _"] * count, "local.get 1"]
    lines += ["br_table " + ",".join(map(str, range(count)))]
    for number in range(count):
        lines += ["end", "local.get 1", "i32.const 3", "i32.add", "local.set 1"]
        lines += ["local.get 0", f"br_if {count - number - 1}"]
    return [*lines, "end"]


def branches(count: int) -> list[str]:
    """Branches over assignments, one after the other."""
    found: list[str] = []
    for number in range(count):
        found += ["local.get 0", "if _", f"local.get {number % 50 + 1}", "i32.const 1", "i32.add"]
        found += [f"local.set {(number + 7) % 50 + 1}", "end"]
    return found


def chain(count: int) -> list[str]:
    """One long expression."""
    return ["local.get 0", *["local.get 1", "i32.rotl"] * count, "local.set 1"]


def operands(count: int) -> list[str]:
    """Many operands on the stack."""
    return [*["local.get 0"] * count, *["i32.add"] * (count - 1), "local.set 1"]


def nested(count: int) -> list[str]:
    """Branches in branches."""
    return [*["local.get 0", "if _"] * count, *["i32.const 1", "local.set 1"], *["end"] * count]


def many_ways(count: int) -> list[str]:
    """Comparisons in a loop, one after the other."""
    lines = ["loop _"]
    for number in range(count):
        lines += ["local.get 1", f"i32.const {number}", "i32.eq", "if _", "i32.const 1"]
        lines += [f"local.set {number % 100 + 2}", "end"]
    step = ["local.get 1", "i32.const 1", "i32.add", "local.tee 1"]
    return [*lines, *step, "local.get 0", "i32.lt_u", "br_if 0", "end"]


SHAPES = [loops, nest, tees, sums, exits, dispatch, branches, chain]
#: others, with many operands or ways
WIDE = [operands, nested, many_ways]


def module(lines: list[str]) -> pywasmgk.Module:
    return pywasmgk.Module(function("i32", "", *lines, locals_="i32 " * 201))
