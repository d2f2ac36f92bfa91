"""What is in a file, without refusing it: sections, imports, exports, producers, features.

Modules that use proposals which the engine does not know, damaged ones and components are read as
far as they go. No function body is decoded, so that 15 MB take less than a second, and nothing here
recurses over what is read.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import DecodeError
from ..binary.sections import SECTIONS, Section
from .component import read_component
from .core import read_core, read_custom
from .reading import Reading
from .report import Export, Import, Inspection, NestedModule, Problem
from .types import Uses

__all__ = ["Export", "Import", "Inspection", "NestedModule", "Problem", "inspect"]

_MAGIC = b"\0asm"
_TAG = 13
#: the second half of the preamble is a layer: 0 for modules, 1 for components
_COMPONENT = 1


def inspect(data: bytes | bytearray | memoryview, *, name: str | None = None) -> Inspection:
    """Looks into a module or component in the binary format, as far as it can be read.

    Never refuses a file: what cannot be read is in ``problems``, with the offset. Raises TypeError
    for what is no bytes.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"expected the bytes of a file, found {type(data).__name__}")
    content = bytes(data)
    found = Inspection(name, len(content))
    if content[:4] != _MAGIC:
        found.problems.append(Problem("magic header not detected", 0, "preamble"))
        return found
    version, layer = content[4:6], content[6:8]
    if layer == _COMPONENT.to_bytes(2, "little"):
        read_component(content, found)
        return found
    if (version, layer) != (b"\1\0", b"\0\0"):
        found.problems.append(Problem("unknown binary version", 4, "preamble"))
        return found
    found.kind = "module"
    _read_module(content, found)
    return found


def _read_module(data: bytes, found: Inspection) -> None:
    uses: Uses = set()
    for section in _sections(data, found):
        found.sections.append(section)
        try:
            if section.custom is not None:
                read_custom(data, section, found)
            else:
                read_core(data, section, found, uses)
        except DecodeError as error:
            where = section.custom or section.name
            found.problems.append(Problem(error.message, error.offset, where))
    if found.bodies != found.declared and found.complete:
        text = f"{found.declared} functions and {found.bodies} bodies"
        found.problems.append(Problem(text, len(data), "code"))
    found.features = sorted(uses)


def _sections(data: bytes, found: Inspection) -> Iterator[Section]:
    """The sections, up to the end or to where there is none."""
    reading = Reading(data, 8, len(data))
    while reading.more:
        at = reading.pos
        try:
            number = reading.byte()
            size = reading.u32()
            start = reading.take(size)
            custom = None if number else Reading(data, start, start + size).name()
        except DecodeError as error:
            found.problems.append(Problem(error.message, at, "sections"))
            return
        if number == _TAG:
            name = "tag"
        else:
            name = SECTIONS[number] if number < len(SECTIONS) else f"section {number}"
        yield Section(name, custom, start, size)
