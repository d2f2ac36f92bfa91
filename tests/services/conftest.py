"""Databases and caches that tests of services share: each server is started once, when the first
test wants it, and ended after the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import servers

from pywasmgk.plugin import CallContext
from pywasmgk.services import SQLiteDatabase, SQLServer
from pywasmgk.services.databases import PooledDatabase
from pywasmgk.wasm.runtime.metering import CancelToken, Meter

KINDS = ("sqlite", "postgresql", "mariadb")


def started(kind: type[servers.Server]) -> Iterator[Any]:
    """A server; a test that wants one which cannot be had is skipped."""
    try:
        server = kind()
    except servers.NotThere as error:
        pytest.skip(f"no {kind.__name__}: {error}")
    with server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[servers.PostgreSQL]:
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    yield from started(servers.PostgreSQL)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[servers.MariaDB]:
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("pymysql")
    yield from started(servers.MariaDB)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[servers.Redis]:
    pytest.importorskip("redis")
    yield from started(servers.Redis)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The name of a kind of database."""
    return str(request.param)


@pytest.fixture
def make_database(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., PooledDatabase]]:
    """Makes databases of a kind, all the same one and empty at first."""
    made: list[PooledDatabase] = []

    def make(**options: Any) -> PooledDatabase:
        if kind == "sqlite":
            found: PooledDatabase = SQLiteDatabase(tmp_path / "plugins.db", **options)
        else:
            found = SQLServer(request.getfixturevalue(kind).url, **options)
        made.append(found)
        return found

    yield make
    if kind != "sqlite" and made:
        empty(made[0], kind)
    for database in made:
        database.close()


def empty(database: PooledDatabase, kind: str) -> None:
    """Drops all tables."""
    schema = "'public'" if kind == "postgresql" else "database()"
    sql = f"SELECT table_name AS n FROM information_schema.tables WHERE table_schema = {schema}"
    for row in database.query(context(), sql, []):
        database.execute(context(), f"DROP TABLE {row['n']}", [])


@pytest.fixture
def database(make_database: Callable[..., PooledDatabase]) -> PooledDatabase:
    return make_database()


def context(
    caller: str = "x", *, timeout: float | None = None, cancel: CancelToken | None = None
) -> CallContext:
    """The context of a plugin's host call."""
    return CallContext(caller, meter=Meter(None, timeout, cancel))
