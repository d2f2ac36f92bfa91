"""Names of functions as their authors wrote them: Rust's two manglings, and C++'s (Itanium).

Only who prints a name asks. A name that is none of these, or that uses what is not read here, stays
what it is; nothing is raised, and neither time nor text grows beyond a bound, whatever a module
calls its functions.
"""

from __future__ import annotations

from ..printable import printable
from .parsing import NotMangled

__all__ = ["demangled"]

#: characters of a name that are looked at
_LONGEST = 2_000


def demangled(name: str) -> str:
    """The name that a mangled one stands for, without hashes and fit to be printed; any other as it
    is."""
    if name[:2] not in ("_Z", "_R", "__") or len(name) > _LONGEST:
        return name
    # only who meets such names pays for reading them
    from .itanium import itanium
    from .rust import legacy, v0

    # some linkers add an underscore
    symbol = name[1:] if name.startswith(("__Z", "__R")) else name
    for read in (v0,) if symbol.startswith("_R") else (legacy, itanium):
        try:
            return printable(read(symbol))
        except (NotMangled, RecursionError):
            continue
    return name
