"""Many instances of one plugin behind one object: a pool of worker processes, or of threads."""

from __future__ import annotations

from .pool import PluginPool
from .statistics import PoolStatistics

__all__ = ["PluginPool", "PoolStatistics"]
