"""Example plugins that come with the package; sources stand beside the modules."""

from __future__ import annotations

from importlib.resources import files

from ..errors import near_miss

__all__ = ["names", "read", "sources"]

_SUFFIX = ".wasm"
#: what plugins are written in, and the headers that they share
_SOURCES = (".c", ".h")


def names() -> list[str]:
    """The names of the examples, sorted."""
    found = (entry.name for entry in files(__name__).iterdir())
    return sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX))


def read(name: str) -> bytes:
    """The bytes of an example's module. Raises LookupError, which names those that there are."""
    known = names()
    if name not in known:
        there = ", ".join(known) or "none is installed"
        raise LookupError(f"no example is named {name!r}{near_miss(name, known)} (there: {there})")
    return files(__name__).joinpath(name + _SUFFIX).read_bytes()


def sources() -> dict[str, str]:
    """The sources of the examples, and the headers for plugins in C, by file name."""
    found = sorted(files(__name__).iterdir(), key=lambda entry: entry.name)
    return {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in found
        if entry.name.endswith(_SOURCES)
    }
