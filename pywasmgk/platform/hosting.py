"""The host that the manager gives to a plugin: the one behind it, and calls of other plugins."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..plugin import CallContext, HostAPI
from ..plugin.methods import PARAMETERS, require_methods
from ..plugin.own_functions import OwnFunction
from ..plugin.placing import placed

if TYPE_CHECKING:
    from ..plugin import PluginLike
    from .log_buffer import LogBuffer

__all__ = ["ManagedHost", "PluginCaller"]


class PluginCaller(Protocol):
    """Who carries out calls of plugins by plugins: the manager."""

    def call_from(
        self, context: CallContext, plugin: str, function: str, args: bytes | None
    ) -> bytes | None:
        """Calls a plugin for another one."""


class ManagedHost(HostAPI):
    """One plugin's host. Everything is done by the host behind it, but for calls of other plugins,
    which the manager makes; lines of the log also go into the buffer, and texts of manifests are
    translations. Whatever a caller says of
    itself, it is the plugin that this host was made for.
    """

    def __init__(
        self,
        inner: HostAPI,
        plugin: str,
        plugins: PluginCaller,
        log: LogBuffer,
        names: set[str],
        texts: Mapping[tuple[str, str], str],
    ) -> None:
        """``names`` are those that the host behind has admitted for this manager, which may give
        them to others; ``texts`` what manifests translate, by language and key. Raises TypeError
        for a host whose methods cannot be called."""
        require_methods(inner)
        self._inner = inner
        self._plugin = plugin
        self._plugins = plugins
        self._log = log
        self._names = names
        self._texts = texts
        self.empty_rows_as_list = getattr(inner, "empty_rows_as_list", False)
        self.observer = getattr(inner, "observer", None)
        for name in PARAMETERS:
            if name not in ("call_plugin", "log", "translate"):
                # an attribute of its own hides the method of the class; None is no method
                method = getattr(inner, name, None)
                setattr(self, name, self._stamping(method) if callable(method) else None)

    def _stamped(self, ctx: CallContext) -> CallContext:
        if ctx.caller == self._plugin:
            return ctx
        return dataclasses.replace(ctx, caller=self._plugin)

    def _stamping(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def stamped(ctx: CallContext, *args: Any) -> Any:
            return method(self._stamped(ctx), *args)

        return stamped

    def admit(self, plugin: PluginLike, name: str, *, replace: bool = False) -> str:
        """Has the host behind it take the plugin. Which names are taken here, the manager knows."""
        if isinstance(self._inner, HostAPI):
            self._inner.admit(plugin, name, replace=replace or name in self._names)
            self._names.add(name)
        return name

    def sql_dialect(self, database: str) -> str:
        """That of the host behind it."""
        said: Callable[[str], str] | None = getattr(self._inner, "sql_dialect", None)
        return super().sql_dialect(database) if said is None else said(database)

    @property
    def own_functions(self) -> dict[str, OwnFunction]:
        """Those of the host behind it."""
        inner = self._inner
        return inner.own_functions if isinstance(inner, HostAPI) else {}

    def translate(self, ctx: CallContext, key: str, args: Sequence[Any]) -> str:
        """A text of the host behind it; where that has none, of the plugins' manifests."""
        said: str = self._inner.translate(self._stamped(ctx), key, args)
        if said not in ("", key):
            return said
        for language in (ctx.language, ctx.language.partition("-")[0], "en"):
            text = self._texts.get((language, key))
            if text is not None:
                return placed(text, args)
        return said

    def call_plugin(
        self, ctx: CallContext, plugin: str, function: str, args: bytes | None
    ) -> bytes | None:
        """Calls another plugin of the manager's."""
        return self._plugins.call_from(self._stamped(ctx), plugin, function, args)

    def log(self, ctx: CallContext, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Puts a line into the buffer, and gives it to the host behind."""
        self._log.add(level, message, fields, self._plugin)
        self._inner.log(self._stamped(ctx), level, message, fields)
