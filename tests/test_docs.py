"""The pages of the documentation are executed, and leave out nothing that is public."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import click
import pytest
from cli_guests import run
from documents import Shell, blocks, run_document

import pywasmgk
from pywasmgk import docs
from pywasmgk.cli import main
from pywasmgk.cli.app import COMMANDS

FOLDER = Path(str(docs.files("pywasmgk.docs")))
TOPICS = docs.topics()
PAGES = {topic: docs.read(topic) for topic in TOPICS}


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_is_true(topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_document(PAGES[topic], topic, tmp_path)


def test_there_are_many_examples() -> None:
    languages = [block.language for page in PAGES.values() for block in blocks(page)]
    assert languages.count("python") >= 20
    assert languages.count("sh") >= 9


def test_an_untrue_page_would_be_seen(tmp_path: Path) -> None:
    page = "```python\nprint(1)\n```\n\n```text\n2\n```\n"
    with pytest.raises(AssertionError, match="page, line 1"):
        run_document(page, "page", tmp_path)
    with pytest.raises(AssertionError, match="shows no output"):
        run_document("```python\nprint(1)\n```\n", "page", tmp_path)
    with pytest.raises(AssertionError, match="register nothing"):
        Shell(tmp_path).run("pywasmgk register nothing")
    with pytest.raises(AssertionError, match="not closed"):
        blocks("```python\n")


def test_every_page_has_a_place_and_a_heading() -> None:
    assert [topic for topic in TOPICS if topic not in docs.ORDER] == []
    for topic, page in PAGES.items():
        assert re.match(r"# \S", page), topic


def test_links_lead_to_pages() -> None:
    root = FOLDER.parents[1]
    for topic, page in PAGES.items():
        prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", page, flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", prose):
            # a page of the project itself is not installed with the package
            place = root if target.startswith("../../") else FOLDER
            assert (place / target.removeprefix("../../")).exists(), f"{topic} links to {target}"


def test_pictures_are_small() -> None:
    pictures = [path for path in FOLDER.iterdir() if path.suffix in (".png", ".svg")]
    assert len(pictures) > 5
    for path in pictures:
        assert path.stat().st_size < 60_000, path.name
        assert any(f"({path.name})" in page for page in PAGES.values()), (
            f"no page shows {path.name}"
        )


# -- nothing is left out


def test_every_public_name_is_in_the_reference() -> None:
    headings = set(re.findall(r"^### `(\w+)", PAGES["api"], re.MULTILINE))
    assert headings == set(pywasmgk.__all__)


@pytest.mark.parametrize("room", ["platform", "services"])
def test_every_public_name_of_a_room_is_in_the_reference(room: str) -> None:
    module = importlib.import_module(f"pywasmgk.{room}")
    part = PAGES["api"].split(f": `pywasmgk.{room}`\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", part, re.MULTILINE))
    assert set(rows) == set(module.__all__)
    assert all(rows.values())


def test_every_command_and_option_is_in_the_reference() -> None:
    page = PAGES["cli"]
    parts = re.split(r"^## `pywasmgk ?([\w-]*)`$", page, flags=re.MULTILINE)
    described = dict(zip(parts[1::2], parts[2::2]))
    assert set(described) == {*COMMANDS, ""}
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        for param in command.params:
            for option in param.opts if isinstance(param, click.Option) else ():
                assert f"`{option}" in described[name], f"{name} {option}"


def test_every_exception_and_trap_is_in_the_reference() -> None:
    page = PAGES["errors"]
    for name in pywasmgk.errors.__all__:
        if name not in ("Frame", "TrapCode", "near_miss"):
            assert re.search(rf"\b{name}\b", page), name
    for code in pywasmgk.TrapCode:
        assert f"`{code.name}`" in page


# -- the command


def test_topics_are_listed() -> None:
    done = run("docs")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines()] == TOPICS
    form = run("docs", "--json").form
    assert form["topics"][0] == {"topic": TOPICS[0], "title": docs.title(TOPICS[0])}


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_is_shown(topic: str) -> None:
    done = run("docs", topic)
    assert (done.code, done.err, done.out) == (0, "", PAGES[topic].rstrip("\n") + "\n")
    assert "<!--" not in done.out
    assert run("docs", topic, "--json").form["text"] == PAGES[topic]


def test_a_topic_that_is_not_there() -> None:
    done = run("docs", "limit")
    assert done.code == 2
    assert "no topic is named 'limit'; did you mean 'limits'?" in done.err
    assert run("docs", "../errors").code == 2


def test_a_terminal_gets_a_pager(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("pywasmgk.cli.docs.on_terminal", lambda: True)
    monkeypatch.setattr("click.echo_via_pager", shown.append)
    assert run("docs", "limits").out == ""
    assert shown == [PAGES["limits"]]


# -- sources for plugin authors


def test_sources_are_copied_for_authors(tmp_path: Path) -> None:
    done = run("examples", "--copy", tmp_path / "new")
    assert (done.code, done.err) == (0, "")
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert done.out.split() == names
    assert {"gk.h", "json.h", "plugin.h", "hello.c"} <= set(names)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "gk.h").write_text("mine")
    done = run("examples", "--copy", tmp_path)
    assert done.code == 2
    assert "gk.h: already in" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["gk.h"]
    assert run("examples", "--copy", tmp_path / "x", "--json").form["copied"][:1] == ["base64.h"]


def test_places_that_the_architecture_names_are_there() -> None:
    text = docs.read("architecture")
    named = set(re.findall(r"`((?:wasm|plugin|cli)(?:/[\w.]+)*/?|errors\.py)`", text))
    assert len(named) > 30
    package = Path(docs.__file__).parents[1]
    missing = {place for place in named if not (package / place).exists()}
    assert not missing
