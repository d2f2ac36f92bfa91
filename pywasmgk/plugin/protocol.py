"""What a plugin is, whatever it is made of."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from .host import HostAPI
from .manifest import GKRegistration

__all__ = ["PluginLike"]


@runtime_checkable
class PluginLike(Protocol):
    """A plugin as hosts see it: ``pywasmgk.Plugin`` is one, and any object with these members. A
    host's ``plugins`` may hold both."""

    #: the name in its manifest
    name: str

    @property
    def registration(self) -> GKRegistration:
        """Its manifest."""

    @property
    def closed(self) -> bool:
        """Whether it was shut down."""

    @property
    def fingerprint(self) -> bytes:
        """A digest of what it is made of, by which a host knows it again."""

    def init(self, host: HostAPI, *, name: str | None = None, replace: bool = False) -> None:
        """Takes a host, which knows it by ``name`` from now on."""

    def call_raw(
        self, function: str, args: bytes | None = None, *, timeout: float | None = None
    ) -> bytes | None:
        """Calls a function with JSON, and gives its JSON; ``None`` is no result."""

    def shutdown(self) -> None:
        """Ends it."""
