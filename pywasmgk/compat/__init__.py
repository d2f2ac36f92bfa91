"""Hosts that compilers' modules expect, each a module of its own that nobody imports unasked."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["install"]

_DOOR = "wasmtime"


def install(**bounds: Any) -> None:
    """Has ``import wasmtime`` bring in ``pywasmgk.compat.wasmtime`` from now on.

    ``bounds`` are those of its ``set_bounds``. Modules that imported the real one keep it.
    """
    from . import wasmtime
    from .wasmtime._bounds import set_bounds

    set_bounds(**bounds)
    for name in [name for name in sys.modules if name.split(".")[0] == _DOOR]:
        del sys.modules[name]
    # all of its modules, or they would be made a second time, with classes of their own
    for name, module in list(sys.modules.items()):
        if name == wasmtime.__name__ or name.startswith(f"{wasmtime.__name__}."):
            sys.modules[_DOOR + name.removeprefix(wasmtime.__name__)] = module
