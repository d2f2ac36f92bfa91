"""Nothing of a module or a manifest becomes markup, whatever it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile_notebook import EVIL, hostile_things

from pywasmgk import notebook
from pywasmgk.notebook.markup import element, fragment
from pywasmgk.notebook.style import RULES
from pywasmgk.printable import as_markup, printable

ROOM = Path(notebook.__file__).parent
#: elements and attributes that are written, and nothing else is
TAGS = {
    "div", "span", "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "ul", "li", "style",
    "details", "summary", "svg", "title", "g", "rect", "text",
}  # fmt: skip
ATTRIBUTES = {
    "class", "style", "title", "scope", "role", "aria-label", "xmlns", "width", "height",
    "viewbox", "font-family", "font-size", "x", "y", "fill", "tabindex",
}  # fmt: skip
#: attributes that hold a text of somebody else's
SAYING = {"title", "aria-label"}


class Seen(HTMLParser):
    """What a browser would make of a text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.open: list[str] = []
        self.styles: list[str] = []
        self.pieces: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        for key, value in attrs:
            self.attributes.setdefault(key, set()).add(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> ends something else"

    def handle_data(self, data: str) -> None:
        (self.styles if self.open[-1:] == ["style"] else self.pieces).append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def faults(page: str) -> Iterator[str]:
    """What is in a page that nobody wrote there."""
    seen = Seen(page)
    yield from (f"<{tag}>" for tag in seen.tags - TAGS)
    yield from seen.attributes.keys() - ATTRIBUTES
    yield from ("what is not closed" for _ in seen.open)
    for key in seen.attributes.keys() - SAYING:
        for value in seen.attributes[key]:
            if "alert" in value or "url(" in value or "script" in value:
                yield f'{key}="{value}"'
    if set(seen.styles) - {RULES}:
        yield "a style sheet"


@pytest.mark.parametrize("text", EVIL)
def test_nothing_becomes_markup(text: str) -> None:
    for kind, thing in hostile_things(text).items():
        page = notebook.html(thing)
        assert [*faults(page)] == [], kind
        if kind != "memory":
            # what is shown reads as it was, with what nobody sees made visible
            assert printable(text)[:40] in Seen(page).text, kind


@pytest.mark.parametrize("text", EVIL)
def test_a_terminal_is_given_no_orders(text: str) -> None:
    for kind, thing in hostile_things(text).items():
        shown = notebook.text(thing)
        assert shown.replace("\n", "").isprintable(), kind


def test_what_became_markup_would_be_seen() -> None:
    for page in (
        "<div><script>alert(1)</script></div>", '<div onclick="x"></div>', "<a href='x'></a>",
        '<div style="background:url(x)"></div>', "<div>", "<style>x{}</style>",
        '<div class="javascript:alert(1)"></div>',
    ):  # fmt: skip
        assert [*faults(page)] != []


@pytest.mark.parametrize("text", [*EVIL, "plain", "a\nb\tc", "'\"<>&"])
def test_a_text_reads_as_it_was(text: str) -> None:
    assert Seen(f"<p>{as_markup(text)}</p>").text == printable(text, lines=True)
    inside = Seen(element("div", title=text)).attributes["title"]
    assert inside == {printable(text, lines=True)}
    assert fragment(text, element("b", text)) == f"{as_markup(text)}<b>{as_markup(text)}</b>"


def test_only_the_module_for_it_makes_markup() -> None:
    """And nobody but it escapes: a text has one way to become markup."""
    for path in ROOM.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        imported = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }
        assert not imported & {"escape", "html", "xml"}, path.name
        if path.name == "markup.py":
            continue
        assert "as_markup" not in imported, path.name
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                # an empty one is nothing at all
                assert node.func.id != "Markup" or not node.args, path.name
