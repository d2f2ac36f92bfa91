"""The policies of all plugins of a host: which one applies, and how it is changed while they run
(contract 4.2)."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Literal

from ..plugin.host import HostAPI
from ..plugin.protocol import PluginLike
from .audit import AuditLog
from .policy import Policy, PolicyError
from .sandbox import Ask, Sandbox

__all__ = ["Policies"]

Mode = Literal["default", "declared"]


class Policies:
    """What an operator has decided, by the names of plugins; ``plugin.init(host, policy=policies)``
    puts a plugin under its policy.

    Where nothing was decided, ``mode`` says what applies: ``"default"`` (version 0.8) is
    ``Policy.default``, whatever a manifest declares; ``"declared"`` (0.9) is what it declares, but
    hard deletes of entities, and the default for one that declares nothing. Threads may share it.
    """

    def __init__(
        self,
        policies: dict[str, Policy] | None = None,
        *,
        mode: Mode = "default",
        audit: AuditLog | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        ask: Ask | None = None,
    ) -> None:
        if mode not in ("default", "declared"):
            raise ValueError(f"mode is 'default' or 'declared', not {mode!r:.40}")
        self.mode = mode
        self.audit = AuditLog(now=now) if audit is None else audit
        self._stored = dict(policies or {})
        self._clocks: dict[str, Any] = {"clock": clock, "now": now}
        self._ask = ask
        self._lock = threading.Lock()
        #: the latest of each plugin; and all, for calls in flight end on a plugin that was replaced
        self._sandboxes: weakref.WeakValueDictionary[str, Sandbox] = weakref.WeakValueDictionary()
        #: with what applies to each where nothing was decided
        self._alive: weakref.WeakKeyDictionary[Sandbox, Policy] = weakref.WeakKeyDictionary()
        #: what applies where nothing was decided, by plugin: for when a decision is taken back
        self._otherwise: dict[str, Policy] = {}

    def guard(self, host: HostAPI, plugin: PluginLike, name: str) -> Sandbox:
        """The host as a plugin may use it. ``Plugin.init`` calls it."""
        otherwise = self._undecided(plugin, name)
        with self._lock:
            self._otherwise[name] = otherwise
            policy = self._stored.get(name, otherwise)
            sandbox = Sandbox(
                host,
                name,
                policy,
                audit=self.audit,
                ask=self._ask,
                follows=self._sandboxes.get(name),
                **self._clocks,
            )
            self._sandboxes[name] = sandbox
            self._alive[sandbox] = otherwise
        return sandbox

    def _undecided(self, plugin: PluginLike, name: str) -> Policy:
        resources = plugin.registration.resources
        if self.mode == "default":
            return Policy.default(name)
        if resources is None or not resources.permissions:
            return Policy.default(name, files=True)
        try:
            return Policy.declared(name, resources)
        except PolicyError:
            # what cannot be understood grants nothing
            return Policy.default(name).with_none()

    def restore(self, name: str, sandbox: Sandbox) -> None:
        """Has a sandbox be that of the plugin again: what was to take its place did not begin."""
        with self._lock:
            self._sandboxes[name] = sandbox
            self._otherwise[name] = self._alive[sandbox]
            sandbox.policy = self._stored.get(name, sandbox.policy)

    def get(self, name: str) -> Policy:
        """The policy that applies to a plugin."""
        with self._lock:
            stored = self._stored.get(name)
            return stored or self._otherwise.get(name) or Policy.default(name)

    def set(self, name: str, policy: Policy) -> None:
        """Decides; a plugin that runs has it from its next host call on."""
        with self._lock:
            self._stored[name] = policy
            for sandbox in self._of(name):
                sandbox.policy = policy

    def forget(self, name: str) -> None:
        """Takes a decision back."""
        with self._lock:
            self._stored.pop(name, None)
            for sandbox in self._of(name):
                sandbox.policy = self._alive[sandbox]

    def _of(self, name: str) -> list[Sandbox]:
        return [sandbox for sandbox in list(self._alive) if sandbox.plugin == name]

    def all(self) -> dict[str, Policy]:
        """What was decided, by plugin."""
        with self._lock:
            return dict(self._stored)

    def statistics(self) -> list[dict[str, str | int]]:
        """What each plugin that is there has asked for, by name."""
        with self._lock:
            sandboxes = sorted(self._sandboxes.items())
        return [sandbox.statistics.snapshot() for _, sandbox in sandboxes]
