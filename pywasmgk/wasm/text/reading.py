"""WAT to the binary format.

A text is read twice. First its fields are counted and named (``outline``), so that each identifier
stands for an index; then they are read in full and written as they are read (``definitions``,
``instructions``). What cannot be read is a TextError, and the module that comes out is decoded and
validated like any other.
"""

from __future__ import annotations

from typing import NamedTuple

from ..watch import Look, never
from .annotations import CustomSections, branch_hints
from .cursor import Cursor, show
from .definitions import DefinitionReader
from .encoding import Items, module, name_section, unsigned
from .outline import outline
from .source import Source, SourceMap
from .spaces import Spaces
from .tokens import Annotation

__all__ = ["Assembled", "assemble", "decoded", "read_module", "read_text"]

_BOM = "\ufeff"


class Assembled(NamedTuple):
    """A module that was made from text."""

    data: bytes
    #: where its parts stand in the text; ``None`` if the text has them in the binary format
    source: SourceMap | None


def decoded(data: bytes) -> str:
    """UTF-8 to text. Raises TextError."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        behind = data[error.start : error.start + 100].decode("utf-8", "replace")
        raise Source(before + behind).failure("malformed UTF-8 encoding", len(before)) from None


def assemble(text: str) -> bytes:
    """The module that a text describes, in the binary format. Raises TextError."""
    return read_text(text).data


def read_text(text: str, look: Look = never) -> Assembled:
    """The module that a text describes: one in parentheses, or its fields alone; ``look`` may end
    it in time. Raises TextError."""
    if text.startswith("\0asm"):
        what = "this is the binary format: it is given as bytes, in files that end in .wasm"
        raise Source(text).failure(what, 0)
    # a mark at the beginning is no part of the text; a blank in its place keeps all positions
    cursor = Cursor(f" {text[1:]}" if text.startswith(_BOM) else text, look)
    if not cursor.match("(") and not cursor.match(""):
        cure = "the text format begins with '('; Module.from_file reads a file of that name"
        raise cursor.failure(f"expected a module, found {show(cursor.peek())}: {cure}", 0)
    found = read_module(cursor)
    if not cursor.match(""):
        raise cursor.unexpected("the end")
    _refuse_annotations(cursor)
    return found


def _refuse_annotations(cursor: Cursor) -> None:
    """Refuses annotations that stood where they mean nothing. Raises TextError."""
    left = [found[0] for found in cursor.annotations.values()]
    if left:
        raise cursor.failure(f"misplaced @{left[0].name} annotation", left[0].at)


def read_module(cursor: Cursor) -> Assembled:
    """One module: up to its parenthesis, or to the end of the text if it has none. Raises
    TextError."""
    alone = not cursor.munch("(", "module")
    identifier = name = None
    if not alone:
        # what scripts write of a module that gets no instance yet is a module all the same
        cursor.munch("definition")
        identifier = cursor.identifier()
        name = cursor.name_annotation()
        if cursor.match("binary") or cursor.match("quote"):
            return _in_strings(cursor)
    found = _fields(cursor, identifier[1:] if identifier and name is None else name)
    if not alone:
        cursor.expect(")")
    return found


def _in_strings(cursor: Cursor) -> Assembled:
    """A module whose bytes or text stand in strings."""
    quoted = cursor.word() == "quote"
    at = cursor.place
    found = []
    while not cursor.munch(")"):
        found.append(cursor.string())
    # lines of a quoted text are apart, as in scripts of the official suite
    content = (b"\n" if quoted else b"").join(found)
    if not quoted:
        return Assembled(content, None)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise cursor.failure("malformed UTF-8 encoding", at) from None
    return read_text(text, cursor.look)


def _fields(cursor: Cursor, name: str | None) -> Assembled:
    """The fields of a module."""
    spaces = Spaces()
    count = outline(cursor, spaces)
    begin, annotations = cursor.next, _copied(cursor.annotations)
    reader, customs = _definitions(cursor, spaces, count)
    if reader.signatures.ahead:
        # a type was meant by number before it was there: now all of them are known
        cursor.go(begin)
        cursor.annotations = annotations
        reader, customs = _definitions(cursor, spaces, count)
    reader.signatures.check()
    return _written(cursor, reader, customs, name)


def _copied(annotations: dict[int, list[Annotation]]) -> dict[int, list[Annotation]]:
    return {index: [*found] for index, found in annotations.items()}


def _definitions(
    cursor: Cursor, spaces: Spaces, count: int
) -> tuple[DefinitionReader, CustomSections]:
    """Reads so many fields, and the annotations between them."""
    reader, customs = DefinitionReader(cursor, spaces), CustomSections(cursor)
    for _ in range(count):
        customs.read()
        reader.field()
    customs.read()
    return reader, customs


def _written(
    cursor: Cursor, reader: DefinitionReader, customs: CustomSections, name: str | None
) -> Assembled:
    """The module, and what it comes from."""
    spaces, sections = reader.spaces, reader.sections
    reader.write_types()
    if spaces.needs_data_count:
        count = sections["datacount"] = Items()
        count.data += unsigned(spaces.counts["data"])
    if reader.hints:
        customs.found.setdefault(("code", False), []).append(
            branch_hints(reader.hints, cursor.look)
        )
    names = name_section(name, spaces.names, reader.locals, cursor.look)
    if names and "name" not in customs.names:
        customs.add("name", names)
    found = module(sections, customs.found, cursor.look)
    cursor.source.find_lines(cursor.look)
    return Assembled(bytes(found.data), SourceMap(cursor.source, found.offsets, found.places))
