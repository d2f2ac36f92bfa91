"""Custom fields under a plugin's own prefix (contract 4.3): ``my-plug`` has those that begin with
``my_plug_``, and sees them without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..plugin.host import CallContext

__all__ = ["answered", "asked", "field_prefix", "filtered", "given"]

Given = tuple[CallContext, tuple[Any, ...]]


def field_prefix(plugin: str) -> str:
    """How the names of a plugin's fields begin."""
    return f"{plugin.replace('-', '_')}_"


def _prefixed(plugin: str, name: str) -> str:
    prefix = field_prefix(plugin)
    return name if name.startswith(prefix) else prefix + name


def asked(plugin: str, context: CallContext, args: tuple[Any, ...]) -> Given:
    """Arguments of ``custom_fields_get``; all fields stay all."""
    entity, id, names = args
    wanted = None if names is None else [_prefixed(plugin, name) for name in names]
    return context, (entity, id, wanted)


def answered(plugin: str, values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The plugin's own of the fields that the host gives."""
    if values is None:
        return None
    prefix = field_prefix(plugin)
    own = {name: value for name, value in values.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): value for name, value in own.items()}


def given(plugin: str, context: CallContext, args: tuple[Any, ...]) -> Given:
    """Arguments of ``custom_fields_set``."""
    entity, id, values = args
    return context, (entity, id, {_prefixed(plugin, name): value for name, value in values.items()})


def filtered(plugin: str, context: CallContext, args: tuple[Any, ...]) -> Given:
    """Arguments of ``custom_fields_query``."""
    entity, filters = args
    wanted = [{**each, "field": _prefixed(plugin, str(each.get("field", "")))} for each in filters]
    return context, (entity, wanted)
