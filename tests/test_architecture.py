"""The house stands as it was drawn: imports point one way, tiers know no instruction."""

from __future__ import annotations

import ast
import configparser
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import pywasmgk
from pywasmgk.wasm import isa

ROOT = Path(pywasmgk.__file__).parent
#: what each part may import, beside itself
ALLOWED = {
    "errors": set(),
    "_version": set(),
    # the version is a word, which tells apart what engines have compiled
    "wasm": {"errors", "_version"},
    "examples": {"errors"},
    "docs": {"errors"},
    "plugin": {"errors", "wasm"},
    "debug": {"errors", "wasm", "plugin"},
    "cli": {"errors", "wasm", "plugin", "debug", "examples", "docs", "_version"},
    "notebook": {"errors", "wasm", "plugin", "debug", "examples", "_version"},
    "__init__": {"errors", "wasm", "plugin", "_version"},
    "__main__": {"cli"},
}
FILES = sorted(ROOT.rglob("*.py"))


def part_of(path: Path) -> str:
    """The part of the house that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_parts(path: Path, text: str) -> Iterator[tuple[str, int]]:
    """The parts that a file imports, anywhere in it, with the line; the whole package is ``""``."""
    package = ("pywasmgk", *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            targets = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += node.module.split(".") if node.module else []
            targets = [[*base, alias.name] for alias in node.names]
        else:
            continue
        for target in targets:
            if target[0] == "pywasmgk":
                yield (target[1] if len(target) > 1 else ""), node.lineno


def wrong_imports(path: Path, text: str) -> list[str]:
    part = part_of(path)
    allowed = ALLOWED[part] | {part}
    return [
        f"{path.relative_to(ROOT)}:{line} imports {target or 'the package itself'}"
        for target, line in imported_parts(path, text)
        if target not in allowed
    ]


def test_every_part_is_known() -> None:
    assert {part_of(path) for path in FILES} <= set(ALLOWED)


def test_imports_point_one_way() -> None:
    wrong = [fault for path in FILES for fault in wrong_imports(path, path.read_text("utf-8"))]
    assert wrong == []


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("wasm/memory.py", "from ..plugin import load"),
        ("wasm/isa/row.py", "from ...plugin.abi import pack"),
        ("wasm/memory.py", "def f():\n    import pywasmgk.plugin"),
        ("plugin/abi.py", "from .. import cli"),
        ("plugin/abi.py", "from pywasmgk import Module"),
        ("plugin/abi.py", "import pywasmgk"),
        ("errors.py", "from .wasm.types import Limits"),
        ("cli/app.py", "from ..notebook import display"),
    ],
)
def test_a_wrong_import_would_be_seen(place: str, text: str) -> None:
    assert len(wrong_imports(ROOT / place, text)) == 1


def test_the_package_imports_only_what_it_declares() -> None:
    """The standard library, ppci and click; click in the command line alone."""
    known = set(sys.stdlib_module_names) | {"pywasmgk", "ppci"}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names = [node.module]
            tops = {name.split(".")[0] for name in names}
            extra = {"click"} if part_of(path) == "cli" else set()
            assert tops <= known | extra, f"{path.name}:{node.lineno}"


# -- what tiers know of instructions

WASM = ROOT / "wasm"
#: files that know of no instruction but its row; the rows themselves, the generated loop, and the
#: table of what came with which feature are no tiers
NOT_TIERS = {"_loop.py", "features.py"}
TIERS = [
    path
    for path in FILES
    if path.is_relative_to(WASM)
    and not path.is_relative_to(WASM / "isa")
    and path.name not in NOT_TIERS
]
#: rows whose names are control forms, or plain English words
SPEAKABLE = isa.CONTROL_FORMS | {"drop", "select"}


def instructions_named(text: str) -> list[str]:
    """Names of instructions among the string constants, docstrings aside."""
    names = {row.name for row in isa.STANDARD} - SPEAKABLE
    tree = ast.parse(text)
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names
    ]


def opcodes_written(text: str) -> list[str]:
    """Hexadecimal numbers that are opcodes behind a prefix."""
    opcodes = {row.opcode for row in isa.STANDARD if row.prefix is not None}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [
        token.string
        for token in tokens
        if token.type == tokenize.NUMBER
        and token.string.lower().startswith("0x")
        and int(token.string, 16) in opcodes
    ]


def test_there_are_tiers() -> None:
    assert {"interpreter.py", "dispatch.py", "validation.py", "bodies.py"} <= {
        p.name for p in TIERS
    }


@pytest.mark.parametrize("path", TIERS, ids=lambda path: str(path.relative_to(WASM)))
def test_no_tier_knows_an_instruction(path: Path) -> None:
    text = path.read_text("utf-8")
    assert instructions_named(text) == []
    assert opcodes_written(text) == []


def test_a_tier_that_knew_one_would_be_seen() -> None:
    assert instructions_named("if name == 'i32.add': pass") == ["i32.add"]
    assert opcodes_written("if opcode == 0xFC_000A: pass") == ["0xFC_000A"]
    assert instructions_named("if form == 'br_if': pass") == []


# -- what importing costs


def test_importing_the_package_brings_in_little() -> None:
    program = "import pywasmgk, sys; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT.parent
    )
    assert done.returncode == 0, done.stderr
    found = set(done.stdout.split())
    assert "ppci.wasm.binary.reader" in found
    heavy = {"click", "ppci.api", "ppci.wasm.wasm2ppci", "cgitb", "sqlite3", "zipfile", "asyncio"}
    assert found & (heavy | {"pywasmgk.cli", "pywasmgk.debug", "pywasmgk.notebook"}) == set()


# -- what is installed


def test_every_file_of_the_package_is_installed() -> None:
    """Modules are found by themselves, other files by patterns of setup.cfg."""
    config = configparser.ConfigParser()
    if not config.read(ROOT.parent / "setup.cfg"):
        pytest.skip("an installed package has no setup.cfg beside it")
    patterns = {
        package.replace(".", "/"): [part.strip() for part in listed.split(",")]
        for package, listed in config["options.package_data"].items()
    }
    others = [
        path.relative_to(ROOT.parent)
        for path in ROOT.rglob("*.*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert len(others) > 20
    for path in others:
        assert any(path.match(part) for part in patterns.get(path.parent.as_posix(), [])), path
    for path in FILES:
        assert (path.parent / "__init__.py").exists(), f"{path} is in no package"
