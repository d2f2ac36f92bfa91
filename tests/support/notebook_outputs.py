"""What of the outputs of a notebook is always the same, to compare them wherever it is run.

Of each output its kind and its types stay, of HTML its elements with their classes and what stands
in titles, headings and heads of tables, of text its words. Numbers become ``#``: times differ, and
so do addresses. Code is left out, for what functions become in Python differs between versions.

    python tests/support/notebook_outputs.py     runs the notebooks, and writes what is expected
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

__all__ = ["EXPECTED", "kernel", "outline", "structure"]

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = ROOT / "tests/notebook/outputs.json"
#: a player comes beside the HTML where there is one
_WIDGET = "application/vnd.jupyter.widget-view+json"
#: elements whose texts are kept, and whose insides are not looked at
_SAYING, _CLOSED = {"wg-title", "wg-head", "th", "summary"}, {"pre", "svg", "style", "wg-pages"}
#: elements that say nothing of how it is built
_PLAIN = ("span", "code", "style")
_LONGEST = 400


def structure(cells: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The outputs of the cells with code, a line for each."""
    return [
        [_line(output) for output in _joined(cell["outputs"])]
        for cell in cells
        if cell["cell_type"] == "code"
    ]


def _joined(outputs: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Outputs, with what was written to one stream in pieces in one."""
    before: dict[str, Any] | None = None
    for output in outputs:
        is_same = before and output["output_type"] == "stream" == before["output_type"]
        if before and is_same and output["name"] == before["name"]:
            before["text"] = _text(before["text"]) + _text(output["text"])
            continue
        if before:
            yield before
        before = dict(output)
    if before:
        yield before


def _text(text: str | Sequence[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _line(output: Mapping[str, Any]) -> str:
    kind = output["output_type"]
    if kind == "stream":
        return f"{output['name']}: {_words(_text(output['text']))}"
    if kind == "error":
        return f"error: {output['ename']}"
    data = output["data"]
    kinds = " ".join(sorted(set(data) - {_WIDGET}))
    if "text/html" in data:
        return f"{kind} {kinds}: {outline(_text(data['text/html']))}"
    return f"{kind} {kinds}: {_words(_text(data.get('text/plain', '')))}"


def _words(text: str) -> str:
    """A text without its numbers."""
    found = re.sub(r"0x[0-9a-f]+|\d[\d,_]*(?:\.\d+)?(?:e[+-]?\d+)?", "#", text)
    return " ".join(found.split())[:_LONGEST]


class _Outline(HTMLParser):
    """The elements of a page, each with what is in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        #: of each element that is open: its name, and what is within
        self.open: list[tuple[str, list[str]]] = [("", [])]
        #: elements around here whose insides are left out, and those whose texts are kept
        self.closed = 0
        self.saying = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        words = [tag, *(dict(attrs).get("class") or "").split()]
        self.closed += bool(_CLOSED & {*words})
        self.saying += bool(_SAYING & {*words})
        self.open.append((".".join(words), []))

    def handle_endtag(self, tag: str) -> None:
        name, inside = self.open.pop()
        words = {*name.split(".")}
        self.closed -= bool(_CLOSED & words)
        self.saying -= bool(_SAYING & words)
        within = self.open[-1][1]
        if self.closed or tag in _PLAIN:
            within += inside
            return
        made = f"{name}({' '.join(inside)})" if inside else name
        # rows of a kind are said once
        if made not in within[-1:]:
            within.append(made)

    def handle_data(self, data: str) -> None:
        if self.saying and not self.closed and (words := _words(data)):
            self.open[-1][1].append(repr(words))


def outline(html: str) -> str:
    """The elements of HTML in a line, with the texts that say what it is."""
    parser = _Outline()
    parser.feed(html)
    parser.close()
    return " ".join(parser.open[0][1])


@contextmanager
def kernel(book: Any) -> Iterator[Any]:
    """Who runs the cells of a notebook in a kernel of its own."""
    from nbclient import NotebookClient

    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    client = NotebookClient(book, timeout=240, kernel_name="python3")
    with client.setup_kernel(env=environment):
        yield client


def _main() -> None:
    import nbformat

    sys.path.insert(0, str(ROOT))
    from pywasmgk.examples import notebooks

    found = {}
    for name in notebooks.names():
        book = nbformat.reads(notebooks.read(name), as_version=4)
        with kernel(book) as client:
            for number, cell in enumerate(book.cells):
                client.execute_cell(cell, number)
        found[name] = structure(book.cells)
    EXPECTED.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    _main()
