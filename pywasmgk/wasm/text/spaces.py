"""The index spaces of a module in the text format: what names stand for, and which types it has."""

from __future__ import annotations

from .. import isa

__all__ = ["SPACES", "Signature", "Spaces"]

#: index spaces of a module
SPACES = ("type", "func", "table", "memory", "tag", "global", "elem", "data")

#: types of parameters and of results, by name
Signature = tuple[tuple[str, ...], tuple[str, ...]]


class Spaces:
    """What a module has by kind, before its definitions are read.

    A function type that is written in place is the first that is equal, or a new one behind the
    others; that is found out while reading, in the order of the text.
    """

    def __init__(self) -> None:
        #: indices by identifier, and how many there are
        self.indices: dict[str, dict[str, int]] = {space: {} for space in SPACES}
        self.counts = dict.fromkeys(SPACES, 0)
        #: names for the name section, by index
        self.names: dict[str, dict[int, str]] = {space: {} for space in SPACES}
        self.types: list[Signature] = []
        #: some instruction names a data segment
        self.needs_data_count = False
        self._first: dict[Signature, int] = {}
        self.rows: dict[str, list[isa.Instruction]] = {}
        for row in isa.active():
            self.rows.setdefault(row.name, []).append(row)

    def declare(self, space: str, identifier: str | None, name: str | None = None) -> int:
        """A new index. Raises KeyError if the identifier is taken."""
        index = self.counts[space]
        self.counts[space] += 1
        if identifier is not None:
            if identifier in self.indices[space]:
                raise KeyError(identifier)
            self.indices[space][identifier] = index
        if name is not None or identifier is not None:
            self.names[space][index] = name if name is not None else str(identifier)[1:]
        return index

    def add_type(self, signature: Signature) -> int:
        """The index of a type that the text defines."""
        self.types.append(signature)
        return self._first.setdefault(signature, len(self.types) - 1)

    def type_index(self, signature: Signature) -> int:
        """The index of a type that is written in place."""
        found = self._first.get(signature)
        return self.add_type(signature) if found is None else found
