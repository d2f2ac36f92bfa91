"""Pictures of the full screen in the documentation (tools/make-screens): what they say is what the
program shows now, and they have nothing that a reader would fetch."""

from __future__ import annotations

import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "pywasmgk/docs"
TEXT = "{http://www.w3.org/2000/svg}text"


def make_screens() -> Any:
    loader = SourceFileLoader("make_screens", str(ROOT / "tools/make-screens"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


TOOL = make_screens()
SCENES = TOOL.scenes()


def said(picture: str) -> list[str]:
    """The lines of a picture, without what is left blank."""
    lines: dict[float, str] = {}
    for part in ElementTree.fromstring(picture).iter(TEXT):
        if "title" not in part.get("class", ""):
            row = float(part.get("y", "0"))
            lines[row] = lines.get(row, "") + (part.text or "")
    return ["".join(lines[row].split()) for row in sorted(lines)]


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_is_what_the_program_shows(name: str) -> None:
    pytest.importorskip("textual")
    committed = (DOCS / name).read_text("utf-8")
    made, lines = TOOL.played(SCENES[name])
    assert said(committed) == said(made) == ["".join(line.split()) for line in lines]
    assert len(lines) == 24 and max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_fetches_nothing(name: str) -> None:
    picture = (DOCS / name).read_text("utf-8")
    assert not re.search(r"@font-face|url\(http|href|<script|@import", picture)
    assert f"({name})" in (DOCS / "debugging.md").read_text("utf-8")
