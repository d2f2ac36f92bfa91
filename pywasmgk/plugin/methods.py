"""Whether an object can be a host: its methods are looked at when it is attached."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .host_functions import FUNCTIONS

__all__ = ["PARAMETERS", "require_methods"]

#: parameters behind the context, by method
PARAMETERS: dict[str, tuple[str, ...]] = {
    **{name: tuple(member for member, _ in row.request) for name, row in FUNCTIONS.items()},
    "call_plugin": ("plugin", "function", "args"),
    "log": ("level", "message", "fields"),
}


def require_methods(host: object) -> None:
    """Raises TypeError for a method of a host function that cannot be called as plugins call it, or
    is a coroutine function; what is not there is not missed, but for ``log``."""
    if not callable(getattr(host, "log", None)):
        raise TypeError(f"a {type(host).__name__} is no host: it has no method log")
    for name, parameters in PARAMETERS.items():
        method = getattr(host, name, None)
        if callable(method):
            _require_callable(f"{type(host).__name__}.{name}", method, parameters)


def _require_callable(label: str, method: Callable[..., Any], parameters: tuple[str, ...]) -> None:
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        raise TypeError(f"{label} is async def: plugins call it, and nobody would await it")
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):
        return  # functions of C do not always say
    try:
        signature.bind("ctx", *parameters)
    except TypeError as error:
        wanted = ", ".join(("ctx", *parameters))
        raise TypeError(
            f"{label}{signature} is called as {label.rpartition('.')[2]}({wanted}): {error}"
        ) from None
