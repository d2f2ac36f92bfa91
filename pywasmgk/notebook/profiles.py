"""Profiles: where fuel went."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .parts import Cell, Flame, Fold, Heading, Note, Part, Table, View, cut, share

if TYPE_CHECKING:
    from ..debug.profile import LoopProfile, Profile

__all__ = ["view"]

_MOST = 20


def view(profile: Profile) -> View:
    """A profile."""
    return View(
        f"Profile of {profile.func!r}", f"{profile.fuel:,} instructions", [*_parts(profile)]
    )


def _parts(profile: Profile) -> Iterator[Part]:
    if profile.trap is not None:
        lines = f"{profile.trap}".splitlines()
        yield Note(Cell(f"{type(profile.trap).__name__}: {lines[0] if lines else ''}", "bad"))
    yield Flame(profile.root)
    yield Heading("functions")
    whole = profile.fuel
    functions, more = cut(profile.functions(), _MOST)
    rows = [
        (
            Cell(f"{one.self_fuel:,}", "number"),
            Cell(f"{share(one.self_fuel, whole):.1f}", "number"),
            Cell(f"{one.total_fuel:,}", "number"),
            Cell(f"{one.calls:,}", "number"),
            Cell(one.name, "code"),
        )
        for one in functions
    ]
    yield Table(("fuel", "%", "with calls", "calls", "function"), rows, more)
    loops, more = cut(profile.loops(), _MOST)
    if loops:
        yield Fold("loops", [_loops(loops, more)])


def _loops(loops: tuple[LoopProfile, ...], more: int) -> Table:
    rows = [
        (
            Cell(f"{one.turns:,}", "number"),
            Cell(f"{one.entries:,}", "number"),
            Cell(
                f"{one.name} at {one.offset:#x}{f' (line {one.line})' if one.line else ''}", "code"
            ),
        )
        for one in loops
    ]
    return Table(("turns", "entered", "loop"), rows, more)
