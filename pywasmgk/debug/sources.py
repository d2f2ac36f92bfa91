"""What editors show of a module: its own text, the source that it was compiled from, or text made
of its functions."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..wasm.stepping.stops import Breakpoint
from .source_files import embedded_source, find_source
from .views import Listings

if TYPE_CHECKING:
    from ..wasm.module import Module
    from ..wasm.stepping.activations import Activation

__all__ = ["Sources"]


class Sources:
    """The sources of one module. One that was made from a text has that. Of others that say what
    they were compiled from, there are the files that are found below a ``folder``, and texts that
    the module's source map has in itself; every function is a source of its own besides, made when
    it is asked for.

    What is no file has a reference: a function its index + 1, a text in the map a number behind
    those of all functions.
    """

    def __init__(self, module: Module, path: str | None, folder: Path) -> None:
        self.module = module
        self.listings = Listings()
        self._folder = folder
        #: where the module's text is, if it was made from one
        self.path = str(Path(path).resolve()) if path and module.source is not None else None
        self._found: dict[str, str | None] = {}

    def all(self) -> list[dict[str, Any]]:
        """All of them, as the protocol has them."""
        if self.path is not None:
            return [_file(self.path)]
        files = [found for name in self._lines_by_file if (found := self._source(name))]
        first = self.module.import_counts["func"]
        return files + [
            self._generated(index) for index in range(first, len(self.module.functions))
        ]

    def place(self, activation: Activation) -> tuple[dict[str, Any], int, int]:
        """Where a frame is: source, line and column, both from 1."""
        place = activation.place
        if activation.module is None:
            # a core dump's frame, of a module that is not there
            return {"name": "no code"}, 0, 0
        if activation.module is self.module:
            if self.path is not None and place.line:
                return _file(self.path), place.line, place.column or 1
            for line in activation.source[:1]:
                source = self._source(line.file)
                if source is not None:
                    return source, line.line, line.column or 1
        return self._generated(activation.index), self.listings.line_of(activation) + 1, 1

    def text(self, reference: int) -> str:
        """The text of a source that is no file. Raises ValueError for none."""
        name = self._embedded_name(reference)
        text = None if name is None else embedded_source(self.module, name)
        if text is not None:
            return text
        index = reference - 1
        first = self.module.import_counts["func"]
        if not first <= index < len(self.module.functions):
            raise ValueError(f"there is no source {reference}")
        return "\n".join(map(str, self.listings.function(self.module, index)))

    def is_embedded(self, reference: int) -> bool:
        """Whether a source that is no file is a text in the source map, and no function."""
        return self._embedded_name(reference) is not None

    def breakpoint(self, source: dict[str, Any], line: int, **options: Any) -> Breakpoint | None:
        """A breakpoint at a line of a source, or the next line below that has code; its ``line`` or
        ``offset`` says where. ``None`` where there is none."""
        reference = int(source.get("sourceReference") or 0)
        embedded = self._embedded_name(reference)
        if reference and embedded is None:
            lines = self.listings.function(self.module, reference - 1)
            offsets = [item.offset for item in lines[max(line - 1, 1) :] if item.offset is not None]
            return Breakpoint(offset=offsets[0], **options) if offsets else None
        path = str(Path(str(source.get("path", ""))).resolve())
        if path == self.path:
            found = _at_or_below(self._text_lines, line)
            return None if found is None else Breakpoint(line=found, **options)
        for name, table in self._lines_by_file.items():
            if name == embedded or (embedded is None and self._find(name) == path):
                found = _at_or_below(sorted(table), line)
                return None if found is None else Breakpoint(file=name, line=found, **options)
        return None

    @cached_property
    def _text_lines(self) -> list[int]:
        """The lines of the text that have code, ascending."""
        found = set()
        module, text = self.module, self.module.source
        first = module.import_counts["func"]
        for index in range(first, len(module.functions) if text is not None else first):
            body = module.block_map(index)
            places = [text.place(body.base + offset) for offset in body.offsets] if text else []
            found |= {place.line for place in places if place is not None}
        return sorted(found)

    @property
    def _lines_by_file(self) -> dict[str, dict[int, list[int]]]:
        return {} if self.module.lines is None else self.module.lines.table

    def _find(self, name: str) -> str | None:
        """Where a file of the source is."""
        if name not in self._found:
            path = find_source(name, self._folder)
            self._found[name] = None if path is None else str(path)
        return self._found[name]

    def _source(self, name: str) -> dict[str, Any] | None:
        """A file of the source, as the protocol has it; ``None`` where neither the file nor its
        text is here."""
        path = self._find(name)
        if path is not None:
            return _file(path)
        if name not in self._embedded or embedded_source(self.module, name) is None:
            return None
        reference = len(self.module.functions) + 1 + self._embedded[name]
        shown = {"name": PurePosixPath(name).name, "path": name, "sourceReference": reference}
        return {**shown, "origin": "in the source map"}

    @cached_property
    def _embedded(self) -> dict[str, int]:
        """Numbers of all files that code comes from."""
        return {name: number for number, name in enumerate(self._lines_by_file)}

    def _embedded_name(self, reference: int) -> str | None:
        """The file that a reference stands for, if it is no function's."""
        number = reference - len(self.module.functions) - 1
        return next((name for name, known in self._embedded.items() if known == number), None)

    def _generated(self, index: int) -> dict[str, Any]:
        name = self.module.function_name(index) or f"function {index}"
        return {"name": f"{name}.wat", "sourceReference": index + 1, "origin": "made of the module"}


def _file(path: str) -> dict[str, Any]:
    return {"name": Path(path).name, "path": path}


def _at_or_below(lines: list[int], line: int) -> int | None:
    at = bisect_left(lines, line)
    return lines[at] if at < len(lines) else None
