"""The README is true: its examples run and print what it says, its commands work."""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
from pathlib import Path

import archives
import pytest
from cli_guests import ADD, run
from documents import Block, blocks, run_python
from plugin_guests import guest

import pywasmgk
from pywasmgk import examples
from pywasmgk.cli.app import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


BLOCKS = blocks(README)
SHELL = [block for block in BLOCKS if block.language == "sh"]
EXAMPLES = [
    (block, following)
    for block, following in itertools.pairwise(BLOCKS)
    if block.language == "python"
]


def test_every_fence_is_known_and_closed() -> None:
    assert {block.language for block in BLOCKS} == {"sh", "python", "text"}
    assert BLOCKS[-1].language != "python"


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4
    assert "import pywasmgk" in EXAMPLES[0][0].text


@pytest.mark.parametrize(
    ("example", "output"), EXAMPLES, ids=[f"line {block.line}" for block, _ in EXAMPLES]
)
def test_an_example_prints_what_the_block_below_says(example: Block, output: Block) -> None:
    assert output.language == "text", f"the example in line {example.line} shows no output"
    assert run_python(example, "README.md") == output.text


# -- the first two commands


def commands(block: Block) -> list[list[str]]:
    """The commands of a block that are joined by ``&&``, as words."""
    return [shlex.split(part) for part in block.text.replace("\\\n", " ").split("&&")]


def test_the_first_command_installs_and_greets() -> None:
    venv, install, greet = commands(SHELL[0])
    assert venv == ["python3", "-m", "venv", ".venv"]
    assert install == [".venv/bin/pip", "install", "."]
    assert greet.pop(0) == ".venv/bin/pywasmgk"
    assert run(*greet) == (0, '{"message": "Hello, Ada!"}\n', "")


def test_the_second_command_is_what_continuous_integration_runs() -> None:
    venv, *rest = commands(SHELL[1])
    assert venv == ["python3", "-m", "venv", ".venv"]
    assert [words[0] for words in rest] == [".venv/bin/pip", ".venv/bin/python"]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    script = script.replace('"$venv/', '"').replace("python -m pip", "pip")
    script = script.replace('bin/python" -m pip', 'bin/pip"').replace(" --quiet", "")
    lines = [
        shlex.split(line, comments=True)
        for line in script.splitlines()
        if "venv" in line or "bin/" in line
    ]
    for words in rest:
        assert [words[0].removeprefix(".venv/"), *words[1:]] in lines


# -- the table of commands

CONCRETE = {
    "call": 'hello hello {"name":"Ada"}',
    "register": "hello",
    "inspect": "FILE",
    "disasm": "FILE f",
    "validate": "FILE FILE",
    "run": "FILE f 40 2",
    "debug": "FILE f 40 2 --do step",
    "profile": "FILE f 40 2",
    "coverage": "FILE f 40 2",
    "trace": "FILE f 40 2 --limit 1",
    "verify-receipt": "RECEIPT hello",
    "stub": "FILE",
    "spec": "SCRIPT",
    "examples": "",
    "plugins": "DIR",
    "jobs": "DIR",
    "watch": "DIR --for 0",
    "mcp": "DIR --list",
    "serve": "DIR --port 0 --for 0",
    "new": "begun --lang wat --into BEGUN",
    "pack": "FOLDER",
    "unpack": "SHELF/stats.zip --into NEW",
    "search": "--index SHELF",
    "install": "stats@1.2.0 --index SHELF --into NEW",
    "update": "--index SHELF --into PLUGINS",
    "keygen": "",
    "sign": "FILE --key KEY",
    "verify": "SHELF/stats.zip --trust PUBLIC",
    "grade": "ASSIGNMENT/assignment.yaml ASSIGNMENT/submissions",
    "playground": "--policy",
    "doctor": "",
    "docs": "limits",
}
LINES = [line.split("#")[0].split() for block in SHELL[2:] for line in block.text.splitlines()]


def test_the_readme_shows_every_command() -> None:
    assert [line[:1] for line in LINES] == [["pywasmgk"]] * len(LINES)
    assert sorted(line[1] for line in LINES) == sorted(COMMANDS) == sorted(CONCRETE)


PACKAGING = {"pack", "unpack", "search", "install", "update", "keygen", "sign", "verify"}


def on_a_shelf(place: Path) -> dict[str, Path]:
    """A plugin's folder, a signed package, an older one that is installed, and the keys."""
    for package in ("yaml", "semver", "cryptography"):
        pytest.importorskip(package, reason="the extra packages is not installed")
    names = {"FOLDER": "stats", "SHELF": "shelf", "NEW": "new", "PLUGINS": "plugins", "KEY": "key"}
    paths = {word: place / name for word, name in names.items()}
    paths["SHELF"].mkdir()
    public = run("keygen", paths["KEY"], "--json").form["public"]
    paths["PUBLIC"] = place / "public"
    paths["PUBLIC"].write_text(public)
    archives.folder(paths["FOLDER"])
    run("pack", paths["FOLDER"], "--out", paths["SHELF"] / "stats.zip")
    run("sign", paths["SHELF"] / "stats.zip", "--key", paths["KEY"])
    older = archives.folder(place / "older", archives.YAML.replace("1.2.0", "1.1.0"))
    run("pack", older, "--out", place / "older.zip")
    run("unpack", place / "older.zip", "--into", paths["PLUGINS"])
    return paths


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[1])
def test_a_command_of_the_readme_works(line: list[str], tmp_path: Path) -> None:
    names = {"FILE": "add.wasm", "SCRIPT": "empty.json", "RECEIPT": "receipt.json"}
    paths = {word: tmp_path / name for word, name in names.items()}
    if line[1] in PACKAGING:
        paths |= on_a_shelf(tmp_path)
    if line[1] in {"plugins", "jobs", "watch", "mcp", "serve"}:
        pytest.importorskip("cronsim", reason="the extra jobs is not installed")
        if line[1] == "serve":
            pytest.importorskip("sse_starlette", reason="the extra server is not installed")
        paths["DIR"] = tmp_path / "plugins"
        paths["DIR"].mkdir()
        job = {"id": "clean", "handler": "clean", "schedule": "@daily", "enabled": True}
        tool = {"name": "count", "description": "Counts", "handler": "count"}
        manifest = {"name": "cleaner", "version": "1.0.0", "jobs": [job], "mcp_tools": [tool]}
        (paths["DIR"] / "cleaner.wasm").write_bytes(guest(manifest))
    paths["FILE"].write_bytes(ADD)
    paths["BEGUN"] = tmp_path / "begun"
    if line[1] == "grade":
        pytest.importorskip("yaml", reason="the extra grading is not installed")
        paths["ASSIGNMENT"] = ROOT / "pywasmgk" / "examples" / "assignment"
    paths["SCRIPT"].write_text('{"commands": []}')
    with pywasmgk.load(examples.read("hello"), receipts=True) as plugin:
        plugin.call("hello")
        assert plugin.last_call is not None
        paths["RECEIPT"].write_bytes(plugin.last_call.receipt(answers=True))
    words = [
        str(paths.get(head, head)) + slash + rest
        for word in CONCRETE[line[1]].split()
        for head, slash, rest in [word.partition("/")]
    ]
    # as many as the README promises that there may be
    shown = [word for word in line[2:] if not word.startswith("[")]
    assert len(words) >= len(shown)
    done = run(line[1], *words)
    assert (done.code, done.err) == (0, "")
    assert done.out
    shutil.rmtree(paths["BEGUN"], ignore_errors=True)
    assert run(line[1], *words, "--json").form is not None


def test_the_options_that_the_readme_names_exist() -> None:
    named = set(re.findall(r"`(--[\w-]+)`", README))
    assert {"--json", "--memory-limit", "--fuel", "--timeout"} <= named
    known = "".join(run(command, "--help").out for command in COMMANDS) + run("--help").out
    assert [option for option in named if option not in known] == []


def test_links_lead_to_files() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
