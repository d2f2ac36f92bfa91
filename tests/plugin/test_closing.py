"""Plugins and hosts give back what they have, whether somebody closes them or not."""

from __future__ import annotations

import gc
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from processor import HANGS

import pywasmgk
from pywasmgk import CallContext, CallError, CancelToken, MemoryHost, examples


def test_a_host_that_is_forgotten_closes_its_database() -> None:
    host = MemoryHost()
    connection = host.connection
    del host
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_a_host_can_be_closed_and_used_again(tmp_path: Path) -> None:
    host = MemoryHost(database=str(tmp_path / "x.db"))
    host.connection.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
    first = host.connection
    host.close()
    host.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        first.execute("SELECT 1")
    assert host.connection.execute("SELECT * FROM t").fetchall() == [(1,)]


def test_a_connection_that_was_given_stays_open() -> None:
    given = sqlite3.connect(":memory:")
    host = MemoryHost(database=given)
    assert host.connection is given
    host.close()
    del host
    gc.collect()
    assert given.execute("SELECT 1").fetchone() == (1,)
    given.close()


@pytest.mark.parametrize("waiting", ["shutdown", "snapshot", "init"])
def test_waiting_for_a_running_call_can_be_given_up(waiting: str) -> None:
    inside, done = threading.Event(), threading.Event()

    class Slow(MemoryHost):
        def config_get(self, ctx: CallContext, key: str) -> str:
            inside.set()
            done.wait(HANGS)
            return super().config_get(ctx, key)

    with pywasmgk.load(examples.read("dashboard"), timeout=HANGS) as plugin:
        host = Slow(config={"site.name": "x"})
        host.connection.executescript("CREATE TABLE ticket (id, state)")
        plugin.init(host)
        running = threading.Thread(target=lambda: plugin.call_raw("widget_tickets", b"{}"))
        running.start()
        try:
            assert inside.wait(HANGS)
            token = CancelToken()
            token.cancel()
            given_up: Any = {
                "shutdown": lambda: plugin.shutdown(cancel=token),
                "snapshot": lambda: plugin.snapshot(cancel=token),
                "init": lambda: plugin.init(MemoryHost(), replace=True, cancel=token),
            }[waiting]
            with pytest.raises(CallError, match="cancelled while it waited"):
                given_up()
        finally:
            done.set()
            running.join()
        assert plugin.call("widget_tickets", {})
