"""Keys that executions, recordings and snapshots are authenticated with, as a line names them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["key_at"]

#: names a variable of the environment instead of a file
_VARIABLE = "env:"
#: bytes of a key's file
_LARGEST = 1 << 16


def key_at(place: str) -> bytes:
    """The key that a file has, all of its bytes, or with ``env:NAME`` a variable of the
    environment. A line never has the key itself: others on the machine see lines.

    Raises ValueError for what is not there or empty.
    """
    if place.startswith(_VARIABLE):
        name = place.removeprefix(_VARIABLE)
        key = os.fsencode(os.environ.get(name, ""))
        where = f"the variable {name!r}"
    else:
        try:
            with Path(place).open("rb") as file:
                key = file.read(_LARGEST + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise ValueError(f"the key's file {place!r}: {why}") from None
        where = f"the key's file {place!r}"
    if not key:
        raise ValueError(f"{where} has no key")
    if len(key) > _LARGEST:
        raise ValueError(f"{where} has more than {_LARGEST:,} bytes")
    return key
