"""Texts in languages: JSON, gettext, plugins' own, and what they fall back to."""

from __future__ import annotations

import dataclasses
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from pywasmgk.errors import ConfigError
from pywasmgk.services import Catalogues

from .conftest import context


def translated(
    catalogues: Catalogues, language: str, key: str, *args: Any, plugin: str = "x"
) -> str:
    ctx = dataclasses.replace(context(plugin), language=language)
    return catalogues.translate(ctx, key, args)


def mo_file(texts: dict[str, str]) -> bytes:
    """A catalogue as msgfmt writes it (GNU gettext, "The Format of GNU MO Files")."""
    head = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
    pairs = sorted((key.encode(), text.encode()) for key, text in {"": head, **texts}.items())
    count = len(pairs)
    at = 28 + 16 * count
    tables: list[bytes] = []
    data = b""
    for which in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<II", len(pair[which]), at + len(data)))
            data += pair[which] + b"\0"
    start = struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, at)
    return start + b"".join(tables) + data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files: dict[str, Any] = {
        "en.json": {"hello": "Hello", "ticket": {"new": "New ticket %s by %v"}, "only": "English"},
        "de.json": {"hello": "Hallo", "ticket.new": "Neues Ticket {0} von {1}, {0}"},
        "de-AT.json": {"hello": "Servus"},
        "billing.de.json": {"hello": "Guten Tag"},
    }
    for name, texts in files.items():
        (tmp_path / name).write_text(json.dumps(texts))
    (tmp_path / "fr.mo").write_bytes(mo_file({"hello": "Salut", "one\0many": "un\0plus"}))
    (tmp_path / "README.txt").write_text("no catalogue")
    return tmp_path


def test_languages_fall_back(folder: Path) -> None:
    texts = Catalogues(folder=folder)
    for language, wanted in (
        ("en", "Hello"),
        ("de", "Hallo"),
        ("de-AT", "Servus"),
        ("de_at", "Servus"),
        ("de-CH", "Hallo"),
        ("DE-ch-1996", "Hallo"),
        ("fr", "Salut"),
        ("it", "Hello"),
        ("", "Hello"),
    ):
        assert translated(texts, language, "hello") == wanted
    assert translated(texts, "de-AT", "only") == "English"
    assert translated(texts, "de", "nowhere") == "nowhere"
    assert translated(Catalogues(folder=folder, default="de"), "it", "hello") == "Hallo"


def test_plugins_have_their_own(folder: Path) -> None:
    texts = Catalogues(folder=folder)
    assert translated(texts, "de", "hello", plugin="billing") == "Guten Tag"
    # the nearer language comes before the nearer namespace
    assert translated(texts, "de-AT", "hello", plugin="billing") == "Servus"
    texts.add("shop", "de", {"shop": {"title": "Laden"}})
    assert translated(texts, "de", "shop.title", plugin="shop") == "Laden"
    assert translated(texts, "de", "shop.title", plugin="billing") == "shop.title"
    texts.remove("shop")
    assert translated(texts, "de", "shop.title", plugin="shop") == "shop.title"
    assert translated(texts, "de", "hello", plugin="shop") == "Hallo"


def test_arguments_take_their_places(folder: Path) -> None:
    texts = Catalogues(folder=folder)
    assert translated(texts, "en", "ticket.new", 5, {"a": 1}) == 'New ticket 5 by {"a":1}'
    assert translated(texts, "en", "ticket.new", "%s") == "New ticket %s by %v"
    assert translated(texts, "de", "ticket.new", 5, "Ann") == "Neues Ticket 5 von Ann, 5"
    assert translated(texts, "de", "ticket.new", 5) == "Neues Ticket 5 von {1}, 5"
    assert (
        len(translated(Catalogues({"en": {"k": "{0}" * 100}}), "en", "k", "x" * 99_999)) == 1 << 20
    )


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("de.json", b"[]", "must be an object"),
        ("de.json", b"{", "cannot be read"),
        ("de.json", b'{"a": {"b": 1}}', "texts in de: a.b is no text"),
        ("de.mo", b"no catalogue", "is no catalogue of gettext"),
        ("de.mo", mo_file({"a": "b"})[:60], "is no catalogue of gettext"),
    ],
)
def test_files_that_are_no_catalogues(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=why):
        Catalogues(folder=tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="i18n: there is no folder"):
        Catalogues(folder=tmp_path / "x")
