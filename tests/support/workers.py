"""What other processes are told to do, and hosts that they make."""

from __future__ import annotations

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
