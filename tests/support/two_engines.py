"""What a function does on either engine, and the lines that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pywasmgk
from pywasmgk.wasm.compiler.driver import source_of

__all__ = ["outcome", "source_lines"]


def outcome(
    module: pywasmgk.Module, engine: str, *args: int, memory: Mapping[int, bytes] | None = None
) -> Any:
    """What the export ``f`` gives, or the error's type and frames; the fuel; and the memory, into
    which some bytes were written before."""
    instance = pywasmgk.instantiate(module, engine=engine, fuel=200_000)
    exported = instance.exports["memory"]
    for address, data in (memory or {}).items():
        exported.write(address, data)
    try:
        result = instance.exports["f"](*args)
    except pywasmgk.GuestError as error:
        result = type(error), error.frames
    return result, instance.fuel_used, exported.read(0, len(exported))


def source_lines(module: pywasmgk.Module, index: int = 0) -> list[str]:
    """The lines of a function's generated code, without their indentation."""
    return [line.strip() for line in source_of(module, index, 1 << 30).text.split("\n")]
