"""Plugins made of Python functions, for what is tested around plugins."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from pywasmgk.plugin import CallContext, GKRegistration, HostAPI
from pywasmgk.plugin.manifest import parse_manifest

__all__ = ["Scripted", "together"]

Script = Callable[["Scripted", Any], Any]


class Scripted:
    """A plugin whose functions are ``script(plugin, args)``; an unknown one echoes its arguments.
    Manifest and calls are as JSON, as of any other plugin."""

    def __init__(
        self, name: str = "x", functions: Mapping[str, Script] | None = None, **manifest: Any
    ) -> None:
        self.name = name
        self._manifest = json.dumps({"name": name, "version": "1.0.0", **manifest}).encode()
        self._functions = dict(functions or {})
        self.host: HostAPI | None = None
        self.inits = 0
        self.shutdowns = 0
        self.calls: list[tuple[str, bytes | None]] = []

    @property
    def registration(self) -> GKRegistration:
        return parse_manifest(self._manifest)

    @property
    def closed(self) -> bool:
        return self.shutdowns > 0

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha256(self._manifest + str(id(self)).encode()).digest()

    def init(self, host: HostAPI, *, name: str | None = None, replace: bool = False) -> None:
        host.admit(self, name or self.name, replace=replace)
        self.host = host
        self.inits += 1

    def call_raw(
        self, function: str, args: bytes | None = None, *, timeout: float | None = None
    ) -> bytes | None:
        self.calls.append((function, args))
        script = self._functions.get(function)
        if script is None:
            return args
        value = script(self, None if args is None else json.loads(args))
        return None if value is None else json.dumps(value).encode()

    def ask(self, plugin: str, function: str, args: bytes | None = None) -> bytes | None:
        """Calls another plugin as a guest would."""
        assert self.host is not None
        return self.host.call_plugin(CallContext(), plugin, function, args)

    def shutdown(self) -> None:
        self.shutdowns += 1


def together(*jobs: Callable[[], Any], seconds: float = 120) -> list[Any]:
    """Runs jobs in threads that begin at the same time; gives their results, exceptions too. One
    that hangs fails."""
    results: list[Any] = [None] * len(jobs)
    ready = threading.Barrier(len(jobs))

    def run(number: int, job: Callable[[], Any]) -> None:
        ready.wait()
        try:
            results[number] = job()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
        assert not thread.is_alive(), "a thread hangs"
    return results
