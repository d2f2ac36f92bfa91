"""What a release build calls its imports and exports, from the script beside it.

The script is searched, not run: for the map of imports, and for assignments of exports to names. A
build that went through another tool has lost the names of imports; who knows them gives them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Names", "names_in"]

#: characters of a script that are searched
LONGEST = 8 << 20
#: what is between a map of imports and its end
_MOST_MAP = 1 << 16

_MAP = re.compile(r"\b(?:wasmImports|asmLibraryArg|asmLibraryArgs)\s*=\s*\{")
_ENTRY = re.compile(
    r"""\s*(?:/\*(?:[^*]|\*(?!/))*\*/\s*)?["']?([\w$]+)["']?\s*(?::\s*([\w$]+)\s*)?(,|\})"""
)
_EXPORT = re.compile(r"""(?:wasmExports|Module\[["']asm["']\]|asm)\s*\[\s*["']([\w$]+)["']\s*\]""")
_ASSIGNED = re.compile(r"""([\w$]+)(?:["']\])?\s*=\s*\(?\s*$""")
_START = re.compile(
    r"""(?:addOnInit|callRuntimeCallbacks|initRuntime\(\)\s*\{[^{}]{0,300}?)\(?\s*"""
    r"""(?:wasmExports|Module\[["']asm["']\])\s*\[\s*["']([\w$]+)["']\s*\]"""
)
#: characters in front of an export where its name is
_BEFORE = 80


class Names(NamedTuple):
    """Names of C by the names that the module has."""

    imports: dict[str, str]
    exports: dict[str, str]


def names_in(script: str) -> Names:
    """The names that a script tells. There may be none."""
    script = script[:LONGEST]
    exports: dict[str, str] = {}
    for match in _EXPORT.finditer(script):
        found = _ASSIGNED.search(script, max(match.start() - _BEFORE, 0), match.start())
        if found:
            exports.setdefault(match[1], _plain(found[1]))
    start = _START.search(script)
    if start:
        exports[start[1]] = "__wasm_call_ctors"
    return Names(_imports(script), exports)


def _imports(script: str) -> dict[str, str]:
    for begin in _MAP.finditer(script):
        found: dict[str, str] = {}
        at, end = begin.end(), begin.end() + _MOST_MAP
        while entry := _ENTRY.match(script, at, end):
            found[entry[1]] = _plain(entry[2] or entry[1])
            at = entry.end()
            if entry[3] == "}":
                return found
        if found:
            return found
    return {}


def _plain(name: str) -> str:
    """C's name of what JavaScript calls so: without the underscore in front."""
    return name[1:] if name.startswith("_") else name
