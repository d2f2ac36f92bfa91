"""A host in memory gives its database back, whether somebody closes it or not."""

from __future__ import annotations

import gc
import sqlite3
from pathlib import Path

import pytest

from pywasmgk import MemoryHost


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
