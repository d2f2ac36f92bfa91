"""Makes a folder of the playground that any static host serves: the page, Pyodide's files, and an
archive with this package and what of ppci it uses. Nothing is fetched."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

from ..errors import HostError

__all__ = ["PYODIDE_FILES", "build", "policy"]

_PACKAGE = Path(__file__).parents[1]
_SITE = Path(__file__).parent / "site"
_GLUE = _PACKAGE / "wasm" / "engines" / "browser_glue.js"
#: what a page needs of the npm package
PYODIDE_FILES = (
    "pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json",
    "package.json",
)  # fmt: skip
#: parts of this package that a page has no use for
_LEFT_OUT = ("docs", "cli", "notebook", "playground/site", "debug/tui")
#: what the decoder uses of ppci, which is eight times as much
_PPCI = (
    "__init__.py", "common.py", "lang/__init__.py", "lang/common.py", "lang/sexpr.py",
    "lang/tools/__init__.py", "lang/tools/handlexer.py", "lang/tools/recursivedescent.py",
    "utils/__init__.py", "utils/leb128.py", "wasm/__init__.py", "wasm/binary/__init__.py",
    "wasm/binary/io.py", "wasm/binary/reader.py", "wasm/components.py", "wasm/opcodes.py",
)  # fmt: skip
#: every entry has this time, so that the same sources make the same archive
_TIME = (2020, 1, 1, 0, 0, 0)


def build(target: Path, pyodide: Path) -> dict[str, int]:
    """Fills a folder, which need not exist; ``pyodide`` is the folder of the npm package. Gives the
    bytes of each file. Raises HostError for a folder that has no Pyodide."""
    missing = [name for name in PYODIDE_FILES if not (pyodide / name).is_file()]
    if missing:
        raise HostError(f"{pyodide} has no {missing[0]}: expected the npm package pyodide 314")
    shutil.copytree(_SITE, target, dirs_exist_ok=True)
    shutil.copy(_GLUE, target)
    (target / "pyodide").mkdir(exist_ok=True)
    for name in PYODIDE_FILES:
        shutil.copy(pyodide / name, target / "pyodide" / name)
    _pack(target / "python.zip")
    found = sorted(path for path in target.rglob("*") if path.is_file())
    return {path.relative_to(target).as_posix(): path.stat().st_size for path in found}


def policy() -> str:
    """The content policy that the page states of itself, for servers that send it too."""
    text = (_SITE / "index.html").read_text(encoding="utf-8")
    stated = text.split('http-equiv="Content-Security-Policy" content="', 1)[1]
    return f"{stated.split(chr(34), 1)[0]}; frame-ancestors 'none'"


def _pack(target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in _sources():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


def _sources() -> Iterator[tuple[str, Path]]:
    """What the archive has: names in it, and files."""
    for path in sorted(_PACKAGE.rglob("*")):
        name = path.relative_to(_PACKAGE).as_posix()
        wanted = path.is_file() and path.suffix not in (".pyc", ".pyi")
        if wanted and not name.startswith(_LEFT_OUT):
            yield f"pywasmgk/{name}", path
    spec = find_spec("ppci")
    if spec is None or spec.origin is None:
        raise HostError("ppci is not installed")
    folder = Path(spec.origin).parent
    for name in _PPCI:
        yield f"ppci/{name}", folder / name
    # its licence asks to come along
    for file in distribution("ppci").files or ():
        if "LICENSE" in file.name.upper():
            yield f"ppci/{file.name}", Path(str(file.locate()))
