"""The embedded examples do what the README shows."""

from __future__ import annotations

import pytest

import pywasmgk
from pywasmgk import examples


def dashboard(host: pywasmgk.HostAPI) -> str:
    """The widget's HTML, or the whole answer if it has none."""
    with pywasmgk.load(examples.read("dashboard"), strict=True) as plugin:
        plugin.init(host)
        answer = plugin.call("widget_tickets", {})
        return str(answer.get("html", answer))


def test_hello_greets_by_name() -> None:
    with pywasmgk.load(examples.read("hello"), strict=True) as plugin:
        assert plugin.registration.name == "hello"
        assert plugin.registration.version == "1.0.0"
        assert plugin.registration.unknown_keys == []
        assert plugin.call("hello", {"name": "Ada"}) == {"message": "Hello, Ada!"}
        assert plugin.last_call is not None
        assert plugin.last_call.pages == 2
        assert plugin.call("hello") == {"message": "Hello, World!"}
        assert plugin.call("hello", {"name": 'a"\\\n\u00e9\U0001f600'}) == {
            "message": 'Hello, a"\\\n\u00e9\U0001f600!'
        }
        escaped = rb'{"name": "\u00e9 \u2013 \ud83d\ude00 \ud83d \n"}'
        greeting = "Hello, \u00e9 \u2013 \U0001f600 \ufffd \\n!".encode()
        assert plugin.call_raw("hello", escaped) == b'{"message":"%b"}' % greeting
        assert plugin.call("hello", {"name": 7}) == {"error": "name must be a string"}
        assert plugin.call("nope", {}) == {"error": "unknown function: nope"}
        assert plugin.call_raw("hello", b"{") == b'{"error":"invalid JSON"}'


@pytest.mark.parametrize(
    "states, expected",
    [
        (["open"], "1 open ticket"),
        ([], "0 open tickets"),
        (["open", "closed", "open"], "2 open tickets"),
    ],
)
def test_the_dashboard_counts_open_tickets(states: list[str], expected: str) -> None:
    host = pywasmgk.MemoryHost(config={"site.name": "Help desk"})
    host.connection.execute("CREATE TABLE ticket (id, state)")
    host.connection.executemany("INSERT INTO ticket VALUES (1, ?)", [(state,) for state in states])
    assert dashboard(host) == f"<h2>Help desk</h2><p>{expected}</p>"
    assert [(line.level, line.message) for line in host.logs] == [("debug", "tickets counted")]


def test_the_dashboard_escapes_the_name_of_the_site() -> None:
    host = pywasmgk.MemoryHost(config={"site.name": '<b>"R&D" \'n\\co</b>'})
    host.connection.execute("CREATE TABLE ticket (id, state)")
    title = "<h2>&lt;b&gt;&quot;R&amp;D&quot; &#39;n\\co&lt;/b&gt;</h2>"
    assert dashboard(host).startswith(title)


def test_the_dashboard_without_a_table_or_a_name() -> None:
    host = pywasmgk.MemoryHost()
    assert dashboard(host) == "{'error': 'the tickets cannot be counted'}"
    assert [line.level for line in host.logs] == ["error", "error"]
    host.connection.execute("CREATE TABLE ticket (id, state)")
    assert "<h2>Tickets</h2>" in dashboard(host)


def test_the_dashboard_has_a_widget() -> None:
    plugin = pywasmgk.load(examples.read("dashboard"))
    assert plugin.registration.unknown_keys == []
    [widget] = plugin.registration.widgets
    assert (widget.id, widget.handler) == ("tickets", "widget_tickets")
