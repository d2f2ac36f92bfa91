"""A guest that asks its host something, and then may fail."""

from __future__ import annotations

from plugin_guests import ASK, HOST_CALL, LOOP, guest

__all__ = ["transactor"]


def transactor(name: str = "x") -> bytes:
    """An asker; called by the name ``traps`` it traps after it has asked, and by ``forever`` it
    goes on for ever then."""
    fail = ("local.get 1", "i32.const 5", "i32.eq", "if _", "unreachable", "end")
    hang = ("local.get 1", "i32.const 7", "i32.eq", "if _", *LOOP, "end")
    manifest = {"name": name, "version": "1.0.0"}
    return guest(manifest, imports=[HOST_CALL], call=(*ASK[:-1], *fail, *hang, "local.get 5"))
