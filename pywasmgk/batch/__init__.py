"""Many runs over executors that there are: threads, processes, a cluster.

::

    task = batch.Call(module, "double")
    for result in batch.map(task, [(1,), (2,)], executor=ProcessPoolExecutor):
        print(result.value, result.verdict, result.fuel)

``tasks`` is what is done and how it travels, ``worker`` and ``running`` what happens where it is
done, ``mapping`` who is given what and what becomes of those whose worker dies, ``summary`` what to
say of many results.
"""

from __future__ import annotations

from ..errors import BatchError
from .mapping import amap, map, submit
from .results import Result, Verdict
from .summary import Summary
from .tasks import Call, Limits, PluginCall, Program, Run

__all__ = [
    "BatchError",
    "Call",
    "Limits",
    "PluginCall",
    "Program",
    "Result",
    "Run",
    "Summary",
    "Verdict",
    "amap",
    "map",
    "submit",
]
