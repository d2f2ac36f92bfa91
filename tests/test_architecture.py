"""The house stands as it was drawn: imports point one way, tiers know no instruction."""

from __future__ import annotations

import ast
import configparser
import io
import os
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
    "_version": set(),
    "printable": set(),
    # it asks pywasmgk.notebook, by name and when a notebook asks it, and knows nothing of it
    "shown": set(),
    "demangling": {"printable"},
    "errors": {"demangling", "printable", "shown"},
    "tracebacks": {"errors"},
    "error_forms": {"errors"},
    # the version is a word, which tells apart what engines have compiled
    "wasm": {"errors", "printable", "demangling", "shown", "tracebacks", "_version"},
    "examples": {"errors"},
    "docs": {"errors"},
    "plugin": {"errors", "printable", "shown", "tracebacks", "wasm"},
    "compat": {"errors", "printable", "wasm"},
    # what OpenTelemetry is told has the version in it
    "services": {"errors", "printable", "plugin", "_version"},
    "pool": {"errors", "printable", "plugin", "wasm"},
    # new plugins in C begin with the headers of the examples
    "platform": {
        "error_forms",
        *("_version", "errors", "printable", "shown", "wasm", "plugin", "services", "examples"),
    },
    "batch": {"errors", "error_forms", "printable", "wasm", "plugin"},
    # a specification is trusted, submissions are as strange as packages
    "grading": {
        *("_version", "errors", "error_forms", "printable", "wasm", "plugin", "services"),
        "platform",
    },
    "debug": {"errors", "printable", "shown", "wasm", "plugin"},
    "cli": {
        *("errors", "printable", "demangling", "wasm", "plugin", "compat", "debug", "examples"),
        *("docs", "_version", "error_forms", "playground", "services", "platform", "grading"),
    },
    "notebook": {
        *("errors", "printable", "demangling", "wasm", "plugin", "debug", "examples", "_version"),
    },
    "playground": {"errors", "error_forms", "printable", "wasm", "plugin", "debug"},
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
        ("plugin/plugin.py", "from ..platform import Policy"),
        ("plugin/host.py", "def f():\n    from ..services.http import HTTPService"),
        ("services/http.py", "from ..platform.sandbox import Sandbox"),
        ("errors.py", "from .wasm.types import Limits"),
        ("cli/app.py", "from ..notebook import display"),
        ("plugin/plugin.py", "from ..pool import PluginPool"),
    ],
)
def test_a_wrong_import_would_be_seen(place: str, text: str) -> None:
    assert len(wrong_imports(ROOT / place, text)) == 1


#: what files may import that an extra brings, by part; they say which one where it is missing, and
#: nobody imports those of the notebook's room without a notebook
EXTRAS = {
    "cli": {"folders.py": {"uvicorn"}, "serving.py": {"uvicorn"}},
    "compat": {"wasmhost.py": {"wasmhost"}},
    "debug": {
        f"tui/{path.name}": {"textual", "rich"} for path in (ROOT / "debug" / "tui").glob("*.py")
    },
    # pytest itself loads it
    "grading": {"fixture.py": {"pytest"}},
    "notebook": {
        "extension.py": {"IPython"},
        "magics.py": {"IPython"},
        "progress.py": {"tqdm"},
        "widget.py": {"anywidget", "traitlets"},
    },
    "platform": {
        "watching.py": {"watchfiles"},
        "schedules.py": {"cronsim"},
        "sql.py": {"sqlglot"},
        "mcp_server.py": {"anyio", "mcp", "mcp_types"},
        "server/app.py": {"starlette"},
        "server/answers.py": {"starlette"},
        "server/operator_pages.py": {"starlette", "sse_starlette"},
        "server/pages.py": {"jinja2", "markupsafe"},
        "packages/manifest.py": {"yaml"},
        "packages/index.py": {"semver"},
        "packages/signing.py": {"cryptography"},
    },
    # others of the services ask for theirs by name (failures.required_module)
    "services": {
        "secure_config.py": {"cryptography"},
        "addresses.py": {"idna"},
        "pooled.py": {"httpcore", "h2"},
    },
    "wasm": {"dwarf.py": {"elftools"}},
}


def extras_of(path: Path) -> set[str]:
    part, *rest = path.relative_to(ROOT).parts
    return EXTRAS.get(part, {}).get("/".join(rest), set())


def test_the_package_imports_only_what_it_declares() -> None:
    """The standard library, ppci and click; click in the command line alone, and what an extra
    brings where it is asked for."""
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
            extra |= extras_of(path)
            assert tops <= known | extra, f"{path.name}:{node.lineno}"


# -- what tiers know of instructions

WASM = ROOT / "wasm"
#: files that know of no instruction but its row; the rows themselves, the generated loops, and the
#: table of what came with which feature are no tiers
NOT_TIERS = {"_run.py", "_step.py", "features.py"}
TIERS = [
    path
    for path in FILES
    if path.is_relative_to(WASM)
    and not path.is_relative_to(WASM / "isa")
    and path.name not in NOT_TIERS
]
#: rows whose names are control forms, or plain English words
SPEAKABLE = {*isa.CONTROL_FORMS, "drop", "select"}


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
    assert {"execution.py", "dispatch.py", "validation.py", "bodies.py"} <= {p.name for p in TIERS}


@pytest.mark.parametrize("path", TIERS, ids=lambda path: str(path.relative_to(WASM)))
def test_no_tier_knows_an_instruction(path: Path) -> None:
    text = path.read_text("utf-8")
    assert instructions_named(text) == []
    assert opcodes_written(text) == []


def test_a_tier_that_knew_one_would_be_seen() -> None:
    assert instructions_named("if name == 'i32.add': pass") == ["i32.add"]
    assert opcodes_written("if opcode == 0xFC_000A: pass") == ["0xFC_000A"]
    assert instructions_named("if form == 'br_if': pass") == []


# -- the rooms of the compiler

COMPILER = WASM / "compiler"
#: what each room may import of the others, when it runs
ROOMS = {
    "ir": {"ir"},
    "frontend": {"ir", "frontend"},
    "analysis": {"ir", "frontend", "analysis"},
    "passes": {"ir", "frontend", "analysis", "passes", "backend"},
    "backend": {"ir", "frontend", "analysis", "passes", "backend"},
}


def imported_rooms(path: Path) -> Iterator[str]:
    """The rooms of the compiler that a file imports at its top."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level == 2 and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_the_rooms_of_the_compiler_know_who_they_may(room: str) -> None:
    for path in (COMPILER / room).glob("*.py"):
        unknown = set(imported_rooms(path)) & ROOMS.keys() - ROOMS[room]
        assert unknown == set(), path.name


#: what expressions, statements and blocks consist of
PARTS = {
    "op", "args", "low", "high", "zeros", "reads", "depth", "origin", "target", "value", "place",
    "condition", "callee", "results", "amount", "statements", "flows", "test",
    "blocks", "live", "env",
}  # fmt: skip


def test_nothing_changes_an_expression_a_statement_or_a_function() -> None:
    """Objects set attributes of their own; nobody sets those of another one."""
    for room in ROOMS:
        for path in (COMPILER / room).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                targets = node.targets if isinstance(node, ast.Assign) else []
                targets += [node.target] if isinstance(node, (ast.AugAssign, ast.AnnAssign)) else []
                for target in targets:
                    if isinstance(target, ast.Attribute) and target.attr in PARTS:
                        owner = target.value
                        is_own = isinstance(owner, ast.Name) and owner.id in ("self", "found")
                        assert is_own, f"{path.name}:{node.lineno} sets {target.attr}"


# -- what importing costs


#: what takes long to import, and what most programs never need
HEAVY = {
    "asyncio", "cgitb", "click", "ppci.api", "ppci.wasm.wasm2ppci", "sqlite3", "zipfile",
    "pywasmgk.cli", "pywasmgk.debug", "pywasmgk.notebook",
    "pywasmgk.wasm.compiler", "pywasmgk.wasm.interpreter._step", "pywasmgk.wasm.text.reading",
}  # fmt: skip


def modules_after(program: str, **environment: str) -> set[str]:
    """The modules that a fresh process has imported when it ends."""
    ending = "import atexit, sys; atexit.register(lambda: print(*sys.modules, sep='\\n'))\n"
    done = subprocess.run(
        [sys.executable, "-c", ending + program],
        capture_output=True, text=True, cwd=ROOT.parent,
        env={name: value for name, value in os.environ.items() if name != "PYWASMGK_CACHE"}
        | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_of_it() -> None:
    # an editable installation has imported things before any program begins
    found = modules_after("import pywasmgk") - modules_after("pass")
    ours = {name for name in found if name.startswith(("pywasmgk", "ppci"))}
    assert ours == {"pywasmgk", "pywasmgk._version"}
    lean = {"dataclasses", "inspect", "ipaddress", "json", "logging", "pathlib"}
    assert found & (HEAVY | lean) == set()


@pytest.mark.parametrize(
    ("use", "there", "missing"),
    [
        ("pywasmgk.Trap", {"pywasmgk.errors"}, {"pywasmgk.wasm", "pywasmgk.plugin"}),
        ("pywasmgk.Module", {"ppci.wasm.binary.reader"}, {"pywasmgk.plugin"}),
        ("pywasmgk.instantiate('(module)')", set(), {"pywasmgk.plugin", "pywasmgk.wasm.wasi"}),
        ("pywasmgk.load", {"pywasmgk.plugin.manifest", "pywasmgk.wasm.wasi"}, set()),
    ],
)  # fmt: skip
def test_names_bring_in_what_they_need(use: str, there: set[str], missing: set[str]) -> None:
    found = modules_after(f"import pywasmgk; {use}")
    assert there <= found
    text = {"pywasmgk.wasm.text.reading"} if "(module)" in use else set()
    assert found & (HEAVY - text | missing) == set()


COMMAND = "import sys; sys.argv[1:] = {}; from pywasmgk.cli import main; main(prog_name='pywasmgk')"


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["run", "--help"]])
def test_the_command_line_brings_in_no_engine_to_say_what_there_is(words: list[str]) -> None:
    found = modules_after(COMMAND.format(words))
    assert found & {"pywasmgk.wasm.module", "pywasmgk.plugin", "ppci"} == set()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("pywasmgk ca", "plain,call"),
        ("pywasmgk call he", "plain,hello"),
        ("pywasmgk run --eng", "plain,--engine"),
        ("pywasmgk disasm --py", "plain,--python"),
    ],
)
def test_nor_to_complete_a_word(words: str, expected: str, tmp_path: Path) -> None:
    """And it makes no cache."""
    completion = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    completion |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": "", "LOCALAPPDATA": str(tmp_path)}
    program = "import sys, os\nos.environ['_PYWASMGK_COMPLETE'] = 'bash_complete'\ntry:\n "
    program += COMMAND.format([]) + "\nexcept SystemExit: pass"
    found = modules_after(program, **completion)
    assert expected in found
    assert list(tmp_path.iterdir()) == []
    assert found & {"pywasmgk.wasm.module", "pywasmgk.plugin", "ppci"} == set()


def test_public_names_are_listed_once_for_each_reader() -> None:
    """For people and star imports, for type checkers, and for the import at first use."""
    listed = {}
    for node in ast.walk(ast.parse((ROOT / "__init__.py").read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level and node.module != "_version":
            listed |= {alias.name: node.module for alias in node.names}
    assert listed == pywasmgk._HOMES
    assert {*listed, "__version__"} == set(pywasmgk.__all__)
    assert set(dir(pywasmgk)) >= {*pywasmgk.__all__, "errors", "plugin", "wasm"}
    for name in pywasmgk.__all__:
        value = getattr(pywasmgk, name)
        assert getattr(pywasmgk, name) is value
    with pytest.raises(AttributeError, match="module 'pywasmgk' has no attribute 'Modul'"):
        _ = pywasmgk.Modul
    assert pywasmgk.errors.Trap is pywasmgk.Trap


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
        # a pattern may lead into folders that are no packages
        assert any(
            path.match(f"{package.as_posix()}/{part}")
            for package in path.parents
            for part in patterns.get(package.as_posix(), [])
        ), path
    for path in FILES:
        assert (path.parent / "__init__.py").exists(), f"{path} is in no package"
