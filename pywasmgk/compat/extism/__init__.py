"""Extism's plugins: ``Plugin`` as its Python SDK has it, with the kernel in Python.

::

    from pywasmgk.compat import extism

    with extism.Plugin(data) as plugin:
        plugin.call("count_vowels", "hello")

Under the engine's limits, which a manifest can lower and not raise.
"""

from __future__ import annotations

from ._host import USER, CurrentPlugin, Function, Memory, Val, ValType, host_fn
from ._kernel import HttpRequest, HttpResponse
from ._plugin import CancelHandle, Error, Plugin

__all__ = [
    "USER",
    "CancelHandle",
    "CurrentPlugin",
    "Error",
    "Function",
    "HttpRequest",
    "HttpResponse",
    "Memory",
    "Plugin",
    "Val",
    "ValType",
    "host_fn",
]
