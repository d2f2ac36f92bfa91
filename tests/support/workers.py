"""What other processes are told to do, and hosts that they make."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pywasmgk


class Desk(pywasmgk.MemoryHost):
    """A host that takes an argument."""

    def __init__(self, title: str) -> None:
        super().__init__(config={"site.name": title})
        self.connection.executescript("CREATE TABLE ticket (id, state)")


def trap_in_worker() -> None:
    text = '(module (func $g unreachable) (func (export "f") call $g))'
    pywasmgk.instantiate(pywasmgk.Module(text, name="m")).exports.f()


def call_in_worker(module: pywasmgk.Module, receipts: bool) -> Any:
    with pywasmgk.load(module, receipts=receipts) as plugin:
        plugin.call("hello", {"name": "Ada"})
        return plugin.registration, plugin.last_call


class Doing(pywasmgk.MemoryHost):
    """A host in a worker whose functions do what kills it, or makes it wait."""

    def __init__(self, notes: str = "") -> None:
        super().__init__()
        self.notes = notes
        for function in (self.pid, self.die, self.die_once, self.hang, self.who):
            self.function(function)

    def pid(self) -> int:
        """The process that it is in."""
        return os.getpid()

    def die(self) -> None:
        """Ends the process, and notes that it did."""
        self._note()
        os._exit(7)

    def die_once(self) -> int:
        """Ends the process the first time."""
        if self._note() == 1:
            os._exit(7)
        return os.getpid()

    def hang(self, seconds: float = 60.0) -> None:
        """Looks at no deadline."""
        self._note()
        time.sleep(seconds)

    def who(self, caller: pywasmgk.CallContext) -> list[Any]:
        """On whose behalf it is asked."""
        return [caller.language, caller.org_id, caller.user_id, *caller.chain]

    def _note(self) -> int:
        """How often it was called, in all processes."""
        with open(self.notes, "ab") as file:
            file.write(b"x")
        return Path(self.notes).stat().st_size


def busy_parent(pids: str, data: bytes) -> None:
    """Has a pool whose workers run for ever, and tells their process ids."""
    from pywasmgk.pool import PluginPool

    pool = PluginPool(data, 2, timeout=None, fuel=None)
    for _ in range(2):
        threading.Thread(target=pool.call, args=("spin",), daemon=True).start()
    while pool.statistics.running < 2:
        time.sleep(0.01)
    found = [worker.process.pid for worker in pool._running.values()]  # type: ignore[attr-defined]
    Path(pids).write_text(" ".join(map(str, found)))
    time.sleep(60)
