"""Lines of the source that a module was compiled from, of its DWARF sections.

``pyelftools`` reads DWARF, if it is installed (``pip install 'pywasmgk[dwarf]'``); without it
errors have offsets alone. Addresses count from the code section's content ("DWARF for WebAssembly",
section "Code addresses"). The sections are the module's author's: sizes are bounded, reading ends
when its time is up, and whatever the library makes of them, the worst is that no line is known.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ..demangling import demangled
from ..errors import HostError, SourceLine
from ..printable import printable
from .binary.sections import sections
from .line_tables import Row, Table, offsets_in, tabulated

__all__ = ["DebugLines"]

#: sections by the name of the library's parameter
_SECTIONS = (
    "debug_info", "debug_aranges", "debug_abbrev", "debug_str", "debug_loc", "debug_ranges",
    "debug_line", "debug_addr", "debug_str_offsets", "debug_line_str", "debug_loclists",
    "debug_rnglists",
)  # fmt: skip
#: parameters for what modules do not have, or nobody asks for
_UNUSED = (
    "debug_frame", "eh_frame", "debug_pubtypes", "debug_pubnames", "debug_sup",
    "gnu_debugaltlink", "debug_types",
)  # fmt: skip
#: bytes of all sections, and of that one whose entries cost much more than their bytes
_LARGEST, _LARGEST_ABBREV = 64 << 20, 1 << 20
#: seconds for all questions about a module, functions within functions, and answers kept
_SECONDS, _DEEPEST, _KEPT = 2.0, 20, 1_000
#: seconds for all of its lines at once
_ALL_SECONDS = 30.0

T = TypeVar("T")


class _OutOfTime(Exception):
    pass


class _Bounded(io.BytesIO):
    """A section whose reading ends in time."""

    def __init__(self, data: bytes, owner: DebugLines) -> None:
        super().__init__(data)
        self._owner = owner

    def read(self, size: int | None = -1, /) -> bytes:
        self._owner.look()
        return super().read(size)


class DebugLines:
    """Where instructions of a module stand in its source. Pickled, it knows nothing any more."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _SECONDS
        self._end = 0.0
        self._dwarf: Any = None
        self._code = 0
        self._known: dict[int, tuple[SourceLine, ...]] = {}
        self._table: Table | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return DebugLines, (b"",)

    def __repr__(self) -> str:
        return "<DebugLines>"

    def look(self) -> None:
        """Raises _OutOfTime."""
        if time.monotonic() > self._end:
            raise _OutOfTime

    def allow(self, seconds: float) -> None:
        """Gives it at least so long for what is asked next, for who needs the same answers
        however busy the machine is."""
        self._left = max(self._left, seconds)

    def at(self, offset: int) -> tuple[SourceLine, ...]:
        """Where the instruction at an offset in the file stands: the innermost function first, then
        those that it was compiled into; nothing if that is not known."""
        found = self._known.get(offset)
        if found is None:
            found = self._asked(lambda: tuple(self._lines(offset))[:_DEEPEST]) or ()
            if len(self._known) < _KEPT:
                self._known[offset] = found
        return found

    @property
    def table(self) -> Table:
        """By source file and line, the offsets where code of the line begins; of files and lines
        without code, or where that is not known, nothing."""
        if self._table is None:
            self._table = self._asked(self._tabulated) or {}
        return self._table

    def offsets(self, file: str, line: int) -> list[int]:
        """Where code of a line begins. ``file`` may leave out leading folders."""
        return offsets_in(self.table, file, line)

    def text(self, file: str) -> str | None:
        """``None``: the text of a source is never in debug information."""
        return None

    def _asked(self, question: Callable[[], T]) -> T | None:
        """An answer, if there is time for one, and the sections have it."""
        if self._left <= 0 or not self._data:
            return None
        start = time.monotonic()
        self._end = start + self._left
        try:
            return question()
        except Exception:  # the library raises what it likes for sections that are broken
            return None
        finally:
            self._left -= time.monotonic() - start

    def _tabulated(self) -> Table:
        return tabulated(self._rows())

    def _rows(self) -> Iterator[Row]:
        """The rows of all line tables: offset in the file, source file, and line; 0 where code
        begins that is of no line."""
        if self._dwarf is None:
            self._open()
        for unit in self._dwarf.iter_CUs():
            program = self._dwarf.line_program_for_CU(unit)
            files = _Files(program)
            for state in (entry.state for entry in program.get_entries()):
                self.look()
                if state is not None:
                    line = 0 if state.end_sequence else state.line
                    yield state.address + self._code, files.name(state.file), line

    def all(self) -> list[Row]:
        """All of them, by offset, read within a time of their own. Raises HostError where
        pyelftools is missing, and where it takes too long."""
        self._end = time.monotonic() + _ALL_SECONDS
        try:
            # where code ends and other code begins, the end comes first
            return sorted(self._rows(), key=lambda row: (row[0], row[2] != 0))
        except ImportError:
            raise HostError("pip install 'pywasmgk[dwarf]' lets its lines be read") from None
        except _OutOfTime:
            raise HostError("its debug information takes too long to read") from None
        except Exception:  # the library raises what it likes for sections that are broken
            return []

    def _lines(self, offset: int) -> Iterator[SourceLine]:
        if self._dwarf is None:
            self._open()
        address = offset - self._code
        unit = next(
            (unit for unit in self._dwarf.iter_CUs() if self._covers(unit.get_top_DIE(), address)),
            None,
        )
        if unit is None:
            return
        program = self._dwarf.line_program_for_CU(unit)
        files = _Files(program)
        here = self._row(program, address)
        functions = [*self._functions(unit.get_top_DIE(), address)]
        place = None if here is None else (files.name(here.file), here.line, here.column)
        for die in reversed(functions):
            if place is not None:
                yield SourceLine(self._name(die), *place)
            call = die.attributes
            if "DW_AT_call_line" not in call:
                break
            column = call["DW_AT_call_column"].value if "DW_AT_call_column" in call else 0
            file = files.name(call["DW_AT_call_file"].value)
            place = file, call["DW_AT_call_line"].value, column
        if not functions and place is not None:
            yield SourceLine(None, *place)

    def _open(self) -> None:
        # an import of what may not be there, and that takes a while
        from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DwarfConfig, DWARFInfo

        present = {item.custom or item.name: item for item in sections(self._data)}
        self._code = present["code"].offset
        streams: dict[str, Any] = {f"{name}_sec": None for name in (*_SECTIONS, *_UNUSED)}
        total = 0
        for name in _SECTIONS:
            content = self._content(name)
            total += len(content)
            if content:
                stream = _Bounded(content, self)
                streams[f"{name}_sec"] = DebugSectionDescriptor(stream, name, 0, len(content), 0)
                if total > _LARGEST or (name == "debug_abbrev" and len(content) > _LARGEST_ABBREV):
                    raise _OutOfTime
        config = DwarfConfig(little_endian=True, machine_arch="wasm", default_address_size=4)
        self._dwarf = DWARFInfo(config=config, **streams)

    def _content(self, name: str) -> bytes:
        """What the first custom section of a name holds."""
        for item in sections(self._data):
            if item.custom == f".{name}":
                end = item.offset + item.size
                return self._data[end - item.size + _name_size(f".{name}") : end]
        return b""

    def _covers(self, die: Any, address: int) -> bool:
        """Whether a unit or a function has an address."""
        self.look()
        attributes = die.attributes
        if "DW_AT_ranges" in attributes:
            return self._in_ranges(die, address)
        if "DW_AT_low_pc" not in attributes or "DW_AT_high_pc" not in attributes:
            return False
        low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
        # a size, unless it is an address
        end = high.value if high.form == "DW_FORM_addr" else low + high.value
        return bool(low <= address < end)

    def _in_ranges(self, die: Any, address: int) -> bool:
        top = die.cu.get_top_DIE().attributes
        base = top["DW_AT_low_pc"].value if "DW_AT_low_pc" in top else 0
        at = die.attributes["DW_AT_ranges"].value
        for entry in self._dwarf.range_lists().get_range_list_at_offset(at, die.cu):
            self.look()
            if hasattr(entry, "base_address"):
                base = entry.base_address
                continue
            shift = 0 if getattr(entry, "is_absolute", False) else base
            if entry.begin_offset + shift <= address < entry.end_offset + shift:
                return True
        return False

    def _functions(self, die: Any, address: int) -> Iterator[Any]:
        """The functions around an address, outermost first."""
        for _ in range(1_000):
            for child in die.iter_children():
                self.look()
                scope = child.tag in _FUNCTIONS or child.tag in _AROUND
                if scope and (child.tag == "DW_TAG_namespace" or self._covers(child, address)):
                    if child.tag == "DW_TAG_namespace" and not self._leads(child, address):
                        continue
                    break
            else:
                return
            if child.tag in _FUNCTIONS:
                yield child
            die = child

    def _leads(self, namespace: Any, address: int) -> bool:
        """Whether a function in a namespace, which has no addresses itself, has one."""
        waiting = [namespace]
        while waiting:
            for child in waiting.pop().iter_children():
                self.look()
                if child.tag == "DW_TAG_namespace":
                    waiting.append(child)
                elif child.tag in _FUNCTIONS and self._covers(child, address):
                    return True
        return False

    def _name(self, die: Any) -> str | None:
        """What a function is called where it is declared."""
        for _ in range(_DEEPEST):
            for key in ("DW_AT_linkage_name", "DW_AT_name"):
                if key in die.attributes:
                    text = die.attributes[key].value.decode("utf-8", "replace")
                    return printable(demangled(text))
            for key in ("DW_AT_abstract_origin", "DW_AT_specification"):
                if key in die.attributes:
                    die = die.get_DIE_from_attribute(key)
                    break
            else:
                return None
        return None

    def _row(self, program: Any, address: int) -> Any:
        """The row of a line table that an address belongs to."""
        before = None
        for entry in program.get_entries():
            self.look()
            state = entry.state
            if state is None:
                continue
            if before is not None and before.address <= address < state.address:
                return before
            before = None if state.end_sequence else state
        return None


_FUNCTIONS = ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine")
#: what functions may stand in
_AROUND = ("DW_TAG_lexical_block", "DW_TAG_namespace")


def _name_size(name: str) -> int:
    """Bytes that a short name takes before a section's content."""
    return len(name) + 1


class _Files:
    """The files of a line table, with folders that are not those of the author's machine."""

    def __init__(self, program: Any) -> None:
        self._header = program.header
        #: version 5 counts from 0
        self._first = 0 if self._header.version >= 5 else 1

    def name(self, number: int) -> str:
        """A file's name."""
        entries = self._header.file_entry
        if not 0 <= number - self._first < len(entries):
            return "?"
        entry = entries[number - self._first]
        folder = self._folder(entry.dir_index)
        name = _text(entry.name)
        return printable(f"{folder}/{name}" if folder and not name.startswith("/") else name)

    def _folder(self, number: int) -> str:
        folders = self._header.include_directory
        number -= self._first
        found = _text(folders[number]) if 0 <= number < len(folders) else ""
        # the first one of version 5 is where the compiler ran
        return "" if found.startswith("/") or not number >= 1 - self._first else found


def _text(value: Any) -> str:
    return str(value.decode("utf-8", "replace")) if isinstance(value, bytes) else str(value)
