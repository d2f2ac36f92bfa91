"""The generated parts of the documentation are what the code says."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from pywasmgk import docs
from pywasmgk.wasm import isa

TOOL = Path(__file__).parents[2] / "tools" / "make-reference"
FOLDER = Path(str(docs.files("pywasmgk.docs")))


def _load() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("make_reference", str(TOOL))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


tool = _load()


@pytest.mark.parametrize("topic", docs.topics())
def test_the_committed_page_is_what_the_code_says(topic: str) -> None:
    text = (FOLDER / f"{topic}.md").read_text(encoding="utf-8")
    assert tool.rewritten(text) == text, "run tools/make-reference"


def test_every_kind_of_part_is_in_use() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md"))
    for kind in tool.PARTS:
        assert f"<!-- generated: {kind}" in pages


def test_a_page_that_is_out_of_date_would_be_seen() -> None:
    page = "# X\n\n<!-- generated: fuel -->\nold\n<!-- end -->\n\nrest\n"
    new = tool.rewritten(page)
    assert "old" not in new
    assert new.endswith("<!-- end -->\n\nrest\n")
    assert "| every other instruction | 1 |" in new


def test_every_instruction_is_in_the_reference() -> None:
    page = docs.read("instructions")
    assert [row.name for row in isa.STANDARD if f"| {row.name} |" not in page] == []


def test_internal_members_are_members() -> None:
    """A name that moved or went is not kept in the list."""
    for name, members in tool.INTERNAL.items():
        source = tool.inspect.getsource(getattr(tool.pywasmgk, name))
        missing = [
            m for m in members if m not in source and not hasattr(getattr(tool.pywasmgk, name), m)
        ]
        assert missing == [], name
