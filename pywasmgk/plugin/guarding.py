"""What stands between a plugin and its host, if somebody wants it: a policy makes it.

The plugin layer knows no policies. It asks one for a host that looks at what the plugin asks, and
tells it of every call that begins.
"""

from __future__ import annotations

from typing import Protocol

from .host import HostAPI
from .limits import Limits
from .protocol import PluginLike

__all__ = ["GuardedHost", "HostPolicy"]


class GuardedHost(HostAPI):
    """A host as one plugin may use it."""

    #: depth and circles of calls between plugins are its own to judge
    judges_routes = True

    def enter(self) -> None:
        """A call of the plugin begins. Raises PluginError where it must not."""
        raise NotImplementedError

    def limits(self, ceiling: Limits) -> Limits:
        """The plugin's limits, of its own ones: never more."""
        raise NotImplementedError


class HostPolicy(Protocol):
    """What ``Plugin.init(host, policy=...)`` takes, such as those of ``pywasmgk.platform``."""

    def guard(self, host: HostAPI, plugin: PluginLike, name: str) -> GuardedHost:
        """The host as a plugin may use it that is known by a name."""
