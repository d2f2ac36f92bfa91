"""What an inspection finds, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ..binary.sections import Section

__all__ = ["Export", "Import", "Inspection", "NestedModule", "Problem"]


class Import(NamedTuple):
    """One import."""

    #: "" in a component, whose imports have one name
    module: str
    name: str
    kind: str
    #: in words, as far as it could be read
    type: str
    #: whose interface it is part of, if that is known
    origin: str | None = None
    #: what an instance of a component must have, in words
    members: tuple[str, ...] = ()


class Export(NamedTuple):
    """One export."""

    name: str
    kind: str
    type: str
    #: what an instance of a component has, in words
    members: tuple[str, ...] = ()


class NestedModule(NamedTuple):
    """A core module inside of a component."""

    #: where it begins in the file, and its bytes
    offset: int
    size: int
    #: how many components it is nested in, 1 for the file's own
    depth: int


class Problem(NamedTuple):
    """Where reading stopped, in which part, and why."""

    message: str
    offset: int
    #: the section
    where: str


@dataclass
class Inspection:
    """What a file holds, as far as it can be read without decoding code."""

    name: str | None
    size: int
    #: "module", "component", or "unknown"
    kind: str = "unknown"
    sections: list[Section] = field(default_factory=list)
    #: types in order, in words
    types: list[str] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    #: whole index spaces in words, imports first
    functions: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    memories: list[str] = field(default_factory=list)
    globals: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    #: limits of memories and tables, in order
    memory_limits: list[tuple[int, int | None]] = field(default_factory=list)
    table_limits: list[tuple[int, int | None]] = field(default_factory=list)
    #: the most that is in each index space by import
    imported: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("func", "table", "memory", "global", "tag"), 0)
    )
    #: functions that the file declares, and bodies that it has
    declared: int = 0
    bodies: int = 0
    start: int | None = None
    data_count: int | None = None
    #: what the module's producers say of themselves: field to (name, version)
    producers: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    #: what its compiler says it was allowed to use, by LLVM's names
    target_features: list[str] = field(default_factory=list)
    #: proposals that the declarations make use of, sorted
    features: list[str] = field(default_factory=list)
    #: core modules, those of nested components among them
    modules: list[NestedModule] = field(default_factory=list)
    #: nested components
    components: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all was read that is looked at."""
        return not self.problems
