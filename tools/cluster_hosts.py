"""Hosts that workers of tools/cluster-check make by name."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["deadly_host"]


def deadly_host() -> Any:
    """A host in whose process one key is death; in the one that compares, it is not."""
    from pywasmgk import MemoryHost

    class Deadly(MemoryHost):
        def cache_get(self, ctx: Any, key: str) -> bytes | None:
            if key == "die" and os.environ.get("PYWASMGK_CLUSTER_CHECK") != "compare":
                os._exit(9)
            return None

    return Deadly()
