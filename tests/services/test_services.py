"""Services as a host: plugins ask them, calls are transactions, and what is not there is told."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from plugin_guests import ask, asker, guest, question
from transaction_guest import transactor

from pywasmgk.errors import CallError, CallTimeout, ConfigError
from pywasmgk.platform import PluginManager
from pywasmgk.plugin import HostAPI, Plugin, load
from pywasmgk.plugin.host_functions import FUNCTIONS
from pywasmgk.services import (
    CustomFields,
    Databases,
    Files,
    FolderStore,
    MailFolder,
    Secrets,
    Services,
    Settings,
    SQLiteDatabase,
    Telemetry,
    new_key,
)
from pywasmgk.services.databases import PooledDatabase


@contextlib.contextmanager
def attached(host: HostAPI, data: bytes | None = None, name: str | None = None) -> Iterator[Plugin]:
    with load(data or asker()) as plugin:
        plugin.init(host, name=name)
        yield plugin


def answer(plugin: Plugin, function: str, request: Any = None) -> Any:
    """What the host gives; text for the reason why it gives nothing."""
    raw = ask(plugin, function, request if request is not None else {})
    dispatcher = plugin.bridge.dispatcher
    assert dispatcher is not None
    return dispatcher.last_error if raw is None else json.loads(raw)


def test_all_services_answer_a_plugin(tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    (tmp_path / "mail").mkdir()
    (tmp_path / "files").mkdir()
    database = SQLiteDatabase(tmp_path / "x.db")
    services = Services(
        db=database,
        mail=MailFolder(tmp_path / "mail"),
        config=Settings({"site": {"name": "Goats"}}),
        secrets=Secrets(tmp_path / "secrets.json", new_key()),
        files=Files(FolderStore(tmp_path / "files")),
        fields=CustomFields(database),
    )
    with services, attached(services) as plugin, services.events.subscribe() as listener:
        assert answer(plugin, "db_exec", {"query": "CREATE TABLE t (a)"}) == {"affected": 0}
        insert = {"query": "INSERT INTO t VALUES (?)", "args": ["x"]}
        assert answer(plugin, "db_exec", insert) == {"affected": 1}
        assert answer(plugin, "db_query", {"query": "SELECT * FROM t"}) == [{"a": "x"}]
        assert answer(plugin, "cache_set", {"key": "k", "value": "QQ==", "ttl": 9}) == {"ok": True}
        assert answer(plugin, "cache_get", {"key": "k"}) == {"found": True, "value": "QQ=="}
        assert answer(plugin, "cache_delete", {"key": "k"}) == {"ok": True}
        assert answer(plugin, "config_get", {"key": "site.name"}) == {"value": "Goats"}
        secret = {"key": "token", "value": "hunter2"}
        assert answer(plugin, "secure_config_set", secret) == {"status": "ok"}
        assert answer(plugin, "secure_config_get", secret) == {"value": "hunter2"}
        assert answer(plugin, "translate", {"key": "hi"}) == {"value": "hi"}
        mail = {"to": "a@example.org", "subject": "s", "body": "b"}
        assert answer(plugin, "send_email", mail) == {"ok": True}
        event = {"event_type": "e", "data": "d"}
        assert answer(plugin, "publish_event", event) == {"status": "ok"}
        heard = listener.get(0)
        assert heard is not None
        assert (heard.plugin, heard.data) == ("x", "d")
        file = {"key": "f", "data": "QQ==", "metadata": {"a": "b"}}
        assert answer(plugin, "store_file", file) == {"status": "ok"}
        assert answer(plugin, "get_file", file) == {"data": "QQ==", "metadata": {"a": "b"}}
        assert [info["key"] for info in answer(plugin, "list_files")] == ["f"]
        assert answer(plugin, "delete_file", file) == {"status": "ok"}
        assert answer(plugin, "list_files") is None
        fields = {"entity_type": "t", "object_id": 1, "values": {"a": 1}}
        assert answer(plugin, "custom_fields_set", fields) == {"status": "ok"}
        assert answer(plugin, "custom_fields_get", fields) == {"a": 1}
        assert answer(plugin, "custom_fields_query", fields) == [1]
        assert answer(plugin, "time_now")["now"][:2] == "20"
        assert answer(plugin, "org_id") == 0
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1


def test_what_is_not_there_is_told() -> None:
    with Services() as services, attached(services) as plugin:
        for function, what in (
            ("db_query", "database"),
            ("db_exec", "database"),
            ("http_request", "way into the web"),
            ("send_email", "mail"),
            ("secure_config_get", "secrets"),
            ("secure_config_set", "secrets"),
            ("store_file", "files"),
            ("list_files", "files"),
            ("custom_fields_get", "custom fields"),
            ("entity_soft_delete", "entities"),
            ("recycle_bin_list", "entities"),
        ):
            assert answer(plugin, function) == f"this host has no {what}"
        assert answer(plugin, "create_article") == "unknown host function: create_article"


def test_every_function_of_the_contract_has_a_method() -> None:
    """But for those of articles, tickets and pictures, which are an application's."""
    theirs = ("article", "ticket", "thumbnail", "pdf")
    missing = [name for name in FUNCTIONS if not hasattr(Services, name)]
    assert [name for name in missing if not any(word in name for word in theirs)] == []


def test_plugins_call_each_other() -> None:
    with Services() as services, load(asker("a")) as first, load(asker("b")) as second:
        services.add_plugin(first)
        services.add_plugin(second)
        request = {"plugin": "c", "function": "f"}
        assert answer(first, "plugin_call", request).startswith('plugin "c" not found')
        assert ask(second, "org_id") == b"0"
        # the other one asks its host what it is given
        wanted = json.dumps("the other's words")
        second.shutdown()
        echo = load(guest({"name": "b", "version": "1"}))
        with echo:
            services.add_plugin(echo, "b", replace=True)
            request = {"plugin": "b", "function": "f", "args": "the other's words"}
            assert ask(first, "plugin_call", request) == wanted.encode()


def test_logs_go_to_python(caplog: pytest.LogCaptureFixture) -> None:
    with Services() as services, attached(services) as plugin:
        with caplog.at_level(logging.DEBUG, "pywasmgk.plugins"):
            line = {"level": "warn", "message": "\x1b[31mred", "fields": {"a": 1}}
            assert answer(plugin, "log", line) == {"ok": True}
    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == ("WARNING", "x: \\x1b[31mred")
    assert vars(record)["plugin"] == "x"


class Unexpected:
    """A service that fails as nobody has thought of."""

    def get(self, ctx: Any, key: str) -> Any:
        raise RuntimeError("/srv/secret and redis://:hunter2@host")

    set = delete = get


def test_what_fails_unexpectedly_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with attached(Services(cache=Unexpected())) as plugin:  # type: ignore[arg-type]
        assert answer(plugin, "cache_get") == "the host function failed: RuntimeError"
    # all of it is the host's
    assert "hunter2" in caplog.text
    assert "Traceback" in caplog.text
    assert ", in get" in caplog.text
    with pytest.raises(ConfigError, match="a dict is no such service: it has no query"):
        Services(db={})  # type: ignore[arg-type]


# -- transactions


def make_table(database: PooledDatabase) -> None:
    from .conftest import context

    database.execute(context(), "CREATE TABLE item (id INTEGER PRIMARY KEY)", [])


def count(database: PooledDatabase) -> int:
    from .conftest import context

    return int(database.query(context(), "SELECT count(*) AS n FROM item", [])[0]["n"])


INSERT = {"query": "INSERT INTO item VALUES (?)", "args": [1]}


def test_a_call_is_a_transaction(make_database: Callable[..., PooledDatabase]) -> None:
    database = make_database(transactions=True)
    make_table(database)
    with attached(Services(db=Databases(database, {})), transactor()) as plugin:
        with pytest.raises(CallError):
            plugin.call_raw("traps", question("db_exec", INSERT))
        assert count(database) == 0
        with pytest.raises(CallTimeout):
            plugin.call_raw("forever", question("db_exec", INSERT), timeout=1.0)
        assert count(database) == 0
        assert answer(plugin, "db_exec", INSERT) == {"affected": 1}
        assert count(database) == 1
        # a statement that fails, and of which the plugin makes nothing
        why = answer(plugin, "db_exec", INSERT).lower()
        assert "unique" in why or "duplicate" in why
        assert count(database) == 1


def test_calls_by_a_manager_are_transactions_too(tmp_path: Path) -> None:
    main, other = (
        SQLiteDatabase(tmp_path / f"{name}.db", transactions=True) for name in ("main", "other")
    )
    make_table(main)
    make_table(other)
    with Services(db=Databases(main, {"other": other})) as services:
        manager = PluginManager(services)
        manager.register(load(transactor()))
        with pytest.raises(CallError):
            manager.call_raw("x", "traps", question("db_exec", INSERT))
        assert (count(main), count(other)) == (0, 0)
        named = {"query": f"@other: {INSERT['query']}", "args": [1]}
        manager.call_raw("x", "do", question("db_exec", named))
        assert (count(main), count(other)) == (0, 1)
        manager.shutdown()


def test_or_each_statement_is_one(make_database: Callable[..., PooledDatabase]) -> None:
    database = make_database()
    make_table(database)
    services = Services(db=database)
    assert services.observer is None
    with attached(services, transactor()) as plugin:
        with pytest.raises(CallError):
            plugin.call_raw("traps", question("db_exec", INSERT))
        assert count(database) == 1


# -- telemetry


def test_telemetry_has_spans_and_metrics() -> None:
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracer = TracerProvider()
    tracer.add_span_processor(SimpleSpanProcessor(spans))
    meter = MeterProvider([reader])
    services = Services(telemetry=Telemetry(tracer_provider=tracer, meter_provider=meter))
    with attached(services, transactor()) as plugin:
        plugin.call_raw("x", question("org_id", {}))
        with pytest.raises(CallError):
            plugin.call_raw("traps", question("secret \x1b", {}))
    first, call, second, trapped = spans.get_finished_spans()
    assert (first.name, call.name) == ("host_call org_id", "plugin x")
    assert first.parent is not None
    assert call.context is not None
    assert first.parent.span_id == call.context.span_id
    assert call.attributes is not None
    assert call.attributes["pywasmgk.function"] == "x"
    assert call.attributes["pywasmgk.outcome"] == "ok"
    assert int(str(call.attributes["pywasmgk.fuel"])) > 0
    assert second.name == "host_call secret \\x1b"
    assert (trapped.status.status_code.name, trapped.status.description) == ("ERROR", "CallError")
    assert trapped.events == ()
    data = reader.get_metrics_data()
    assert data is not None
    points = {
        metric.name: list(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    names = {"pywasmgk.plugin.duration", "pywasmgk.plugin.fuel", "pywasmgk.host_call.duration"}
    assert set(points) == names
    outcomes = {
        point.attributes["pywasmgk.outcome"] for point in points["pywasmgk.plugin.duration"]
    }
    assert outcomes == {"ok", "CallError"}
    asked = {
        point.attributes["pywasmgk.host_call"] for point in points["pywasmgk.host_call.duration"]
    }
    # whatever plugins call their questions, a metric has so many values
    assert asked == {"org_id", "other"}
    meter.shutdown()
    tracer.shutdown()
