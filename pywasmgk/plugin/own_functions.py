"""Python functions as host functions: what their annotations say about the request."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .host_functions import FUNCTIONS, RESERVED
from .schema import ANY, BOOL, BYTES, FLOAT, INT, STRING, Kind, listed, mapped, optional, record

__all__ = ["OwnFunction", "inspect_function"]


def _as_list(kind: Kind) -> Kind:
    """A slice that a Python function gets as a list."""
    return kind._replace(
        zero=list, decode=lambda value, path, old: list(kind.decode(value, path, old))
    )


_KINDS: dict[Any, Kind] = {
    int: INT,
    str: STRING,
    bytes: BYTES._replace(zero=bytes),
    bool: BOOL,
    float: FLOAT,
    Any: ANY,
    object: ANY,
    dict: mapped(ANY),
    list: _as_list(listed(ANY)),
}
_ALLOWED = "int, str, bytes, bool, float, Any, dict, list, list[T], dict[str, T] or T | None"
_SKIPPED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class OwnFunction:
    """A Python function under its name, with the kind of its request."""

    name: str
    function: Callable[..., Any]
    #: reads the request into a dict of arguments
    request: Kind
    #: its first parameter is ``caller``
    wants_caller: bool
    #: it takes nothing from the request, which may be empty
    bare: bool
    #: it is ``async def``: only calls by ``call_async`` come to its answers
    is_async: bool = False

    def __call__(self, context: Any, arguments: dict[str, Any]) -> Any:
        """Calls it with what the request said."""
        if self.wants_caller:
            arguments = {"caller": context, **arguments}
        return self.function(**arguments)


def inspect_function(function: Callable[..., Any], name: str | None = None) -> OwnFunction:
    """Makes a host function of a Python function.

    Raises TypeError for a parameter that cannot come from JSON, ValueError for a name of the
    contract's.
    """
    if not callable(function):
        raise TypeError(f"host.function takes a function, not {function!r}")
    label = name or getattr(function, "__name__", "") or type(function).__name__
    if label in FUNCTIONS or label in RESERVED:
        raise ValueError(
            f"{label!r} is a host function of the contract: override the host's method instead"
        )
    parameters = list(inspect.signature(function).parameters.values())
    hints = _hints(function, label)
    wants_caller = bool(parameters) and parameters[0].name == "caller"
    fields = [
        (parameter.name, _parameter_kind(parameter, hints, label))
        for parameter in parameters[wants_caller:]
    ]
    if "return" in hints and hints["return"] is not type(None):
        _kind_of(hints["return"], f"{label}: the result")
    is_async = inspect.iscoroutinefunction(_innermost(function))
    return OwnFunction(label, function, record(fields), wants_caller, not fields, is_async)


def _innermost(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that has the annotations of a partial one, or of an object that is called."""
    while isinstance(function, functools.partial):
        function = function.func
    is_object = not (inspect.isroutine(function) or hasattr(function, "__wrapped__"))
    return type(function).__call__ if is_object else function


def _hints(function: Callable[..., Any], label: str) -> dict[str, Any]:
    function = _innermost(function)
    try:
        return typing.get_type_hints(function)
    except NameError as error:
        # a class of the caller's scope is no JSON, but the caller parameter may be annotated so
        raw = dict(getattr(function, "__annotations__", {}))
        if "caller" not in raw:
            raise TypeError(f"{label}: an annotation cannot be resolved: {error}") from None
        raw.pop("caller")
        plain = types.SimpleNamespace(__annotations__=raw)
        try:
            return typing.get_type_hints(plain, getattr(function, "__globals__", {}))
        except NameError as error:
            raise TypeError(f"{label}: an annotation cannot be resolved: {error}") from None


def _parameter_kind(parameter: inspect.Parameter, hints: dict[str, Any], label: str) -> Kind:
    where = f"{label}: parameter {parameter.name!r}"
    if parameter.kind in _SKIPPED or parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
        raise TypeError(f"{where} is {parameter.kind.description}: it needs a name in the request")
    if parameter.name not in hints:
        raise TypeError(f"{where} has no annotation; use {_ALLOWED}")
    kind = _kind_of(hints[parameter.name], where)
    default = parameter.default
    if default is not inspect.Parameter.empty:
        kind = kind._replace(zero=lambda: default)
    return kind


def _kind_of(annotation: Any, where: str) -> Kind:
    """The kind of an annotation. Raises TypeError for one that JSON does not have."""
    if annotation in _KINDS:
        return _KINDS[annotation]
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        rest = [arg for arg in args if arg is not type(None)]
        if len(rest) == 1:
            return optional(_kind_of(rest[0], where))
    if origin is list:
        return _as_list(listed(_kind_of(args[0], where)))
    if origin is dict and args[0] is str:
        return mapped(_kind_of(args[1], where))
    shown = getattr(annotation, "__name__", None) or str(annotation)
    raise TypeError(f"{where} is annotated {shown}, which JSON does not have; use {_ALLOWED}")
