"""Services from a file, and what is said of one that is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pywasmgk.errors import ConfigError
from pywasmgk.plugin import HostFunctionError
from pywasmgk.services import (
    Databases,
    MailFolder,
    RedisCache,
    Services,
    SMTPMail,
    SQLiteDatabase,
    SQLServer,
    new_key,
    services_from,
    services_from_file,
)

from .conftest import context


def test_a_file_describes_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("cryptography", "sqlalchemy", "psycopg", "redis", "fsspec"):
        pytest.importorskip(module)
    monkeypatch.setenv("MASTER", new_key())
    monkeypatch.setenv("HOST", "127.0.0.1")
    for name in ("outbox", "texts", "files"):
        (tmp_path / name).mkdir()
    (tmp_path / "texts" / "de.json").write_text('{"hello": "Hallo"}')
    server = "postgresql+psycopg://u:p@${HOST}:1/x"
    table = {
        "database": {"path": "main.db", "transactions": True, "quotas": {"sql_rows": 5}},
        "databases": {"reports": {"url": server, "connect_timeout": 1}},
        "cache": {"url": "redis://${HOST}:1/0"},
        "mail": {"folder": "outbox"},
        "config": {"site": {"name": "Goats"}, "plugins": {"a": {"site.name": "Kids"}}},
        "secrets": {"file": "secrets.json", "key_variable": "MASTER"},
        "i18n": {"folder": "texts", "default": "de"},
        "events": {"queue": 5},
        "files": {"folder": "files", "quota": 1000},
        "fields": {},
        "entities": {"ticket": {"table": "ticket"}},
    }
    (tmp_path / "services.json").write_text(json.dumps(table))
    with services_from_file(tmp_path / "services.json") as services:
        assert isinstance(services, Services)
        assert isinstance(services.db, Databases)
        assert isinstance(services.cache, RedisCache)
        assert isinstance(services.mail, MailFolder)
        assert isinstance(services.db.named["reports"], SQLServer)
        assert "127.0.0.1" in services.db.named["reports"].url
        ctx = context("b")
        assert services.db_exec(ctx, "CREATE TABLE ticket (id, deleted_at)", []) == 0
        assert services.db_exec(ctx, "INSERT INTO ticket (id) VALUES (1)", []) == 1
        services.entity_soft_delete(ctx, "ticket", 1, "")
        services.custom_fields_set(ctx, "ticket", 1, {"a": 1})
        assert services.config_get(ctx, "site.name") == "Goats"
        assert services.config_get(context("a"), "site.name") == "Kids"
        services.secure_config_set(ctx, "k", "v")
        assert services.translate(ctx, "hello", []) == "Hallo"
        services.store_file(ctx, "f", b"x", {})
        assert services.observer is not None
        many = "SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6"
        with pytest.raises(HostFunctionError, match="more than 5 rows"):
            services.db_query(ctx, many, [])
    assert (tmp_path / "main.db").exists()


def test_nothing_is_needed(tmp_path: Path) -> None:
    services = services_from({}, tmp_path)
    assert services.db is None


def test_services_that_are_there_already(tmp_path: Path) -> None:
    database = SQLiteDatabase()
    assert services_from({}, tmp_path, db=database).db is database


def test_mail_has_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2")
    table = {
        "mail": {
            "host": "mail.example.org",
            "sender": "a@example.org",
            "user": "me",
            "password": "${PASSWORD}",
        }
    }
    assert isinstance(services_from(table, tmp_path).mail, SMTPMail)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"databse": {}}, "there is no service 'databse'; did you mean 'database'"),
        ({"database": []}, "[database] must be a table of settings"),
        ({"database": {}}, "[database] needs either path (an SQLite file) or url (a server)"),
        ({"database": {"path": 5}}, "[database] path must be a path"),
        (
            {"database": {"path": ":memory:", "pol": 1}},
            "[database] has no setting 'pol'; did you mean 'pool'?",
        ),
        ({"database": {"path": ":memory:", "pool": "x"}}, "[database] pool must be 1 or more"),
        (
            {"database": {"path": ":memory:", "quotas": {"sql_rows": -1}}},
            "[database.quotas] sql_rows must not be negative",
        ),
        ({"database": {"url": "${NOWHERE_TO_BE_FOUND}"}}, "NOWHERE_TO_BE_FOUND is not set"),
        ({"databases": {"a b": {"path": ":memory:"}}}, "cannot be named 'a b'"),
        ({"cache": {"max_bytes": 0}}, "[cache] cache: max_bytes must be above 0"),
        ({"mail": {}}, "[mail] needs either folder (an outbox) or host (an SMTP server)"),
        ({"mail": {"folder": "nowhere"}}, "[mail] mail: there is no folder"),
        ({"mail": {"host": "x"}}, "[mail]"),
        ({"config": {"file": "x.json", "a": 1}}, "a file or settings, not both"),
        ({"secrets": {"file": "x"}}, "the key is in a file or in a variable"),
        ({"files": {}}, "[files] needs either folder (here) or url (where fsspec reaches)"),
        ({"fields": {}}, "[fields] needs a database: [database] or its own"),
        (
            {"database": {"path": ":memory:"}, "entities": {"t": {"tabel": "x"}}},
            "[entities.t] has no setting 'tabel'; did you mean 'table'?",
        ),
        ({"telemetry": {"x": 1}}, "[telemetry] has no settings"),
        ({"i18n": {"folder": "nowhere"}}, "i18n: there is no folder"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, table: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        services_from(table, tmp_path)
    assert why in str(caught.value)
