"""Teaching notebooks, each about one subject, with exercises at its end that check themselves."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from ...errors import near_miss

__all__ = ["check", "copy", "names", "read"]

_SUFFIX = ".ipynb"
#: what is expected, and whether it is so
Claim = tuple[str, Callable[[], object]]


def names() -> list[str]:
    """The notebooks, in the order to read them in."""
    found = (entry.name for entry in files(__name__).iterdir())
    return sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX))


def read(name: str) -> str:
    """The file of a notebook. Raises LookupError, which names those that there are."""
    known = names()
    if name not in known:
        there = ", ".join(known) or "none is installed"
        raise LookupError(f"no notebook is named {name!r}{near_miss(name, known)} (there: {there})")
    return files(__name__).joinpath(name + _SUFFIX).read_text(encoding="utf-8")


def copy(folder: str | Path) -> list[Path]:
    """Copies the notebooks to a folder, which is made if it is not there; gives the files. Those
    that are there already stay as they are, for they may hold somebody's answers."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    made = []
    for name in names():
        path = place / f"{name}{_SUFFIX}"
        if not path.exists():
            path.write_text(read(name), encoding="utf-8")
            made.append(path)
    return made


def check(title: str, *claims: Claim) -> bool:
    """Says whether an exercise is solved: each claim is what is expected, in words, and a function
    that gives whether it is so. What that raises counts as no, and is said."""
    for expected, holds in claims:
        why = ""
        try:
            if holds():
                continue
        except Exception as error:
            text = f"{error}".splitlines()
            why = f" ({type(error).__name__}: {text[0] if text else ''})"
        print(f"{title}: not yet. Expected: {expected}{why}")
        return False
    print(f"{title}: right")
    return True
