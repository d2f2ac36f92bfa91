"""Plugins on one host are apart, and what they make it keep is bounded."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from plugin_guests import MANIFEST, ask, asker, guest, quick
from processor import least_seconds

from pywasmgk.errors import PluginError
from pywasmgk.plugin import CallContext, HostAPI, HostFunctionError, HostQuotas, MemoryHost, Plugin
from pywasmgk.plugin.custom_fields import like
from pywasmgk.plugin.kept import LogRecord, weight

PAYMENTS = asker("payments")
#: another module that says it is the same
FORGED = asker("payments", pages=2)


def hosted(host: HostAPI, data: bytes, **options: Any) -> Plugin:
    plugin = quick(data)
    plugin.init(host, **options)
    return plugin


# -- who a plugin is


@pytest.mark.parametrize("host", [MemoryHost(), HostAPI()], ids=["memory", "api"])
def test_a_name_is_given_once(host: HostAPI) -> None:
    first = hosted(host, PAYMENTS)
    text = r'^plugin "payments" already registered: init\(host, name=...\) gives another name'
    for other in (quick(FORGED), quick(PAYMENTS)):
        with pytest.raises(PluginError, match=text):
            other.init(host)
    first.init(host)
    other.init(host, name="other")
    assert (first.identity, other.identity, other.name) == ("payments", "other", "payments")
    with pytest.raises(PluginError, match='"payments" already registered'):
        other.init(host, name="payments")
    other.init(host, replace=True)
    assert other.identity == "payments"
    with pytest.raises(PluginError, match="already registered"):
        first.init(host)


def test_a_name_is_kept_for_the_same_module() -> None:
    host = MemoryHost()
    with hosted(host, PAYMENTS) as first:
        ask(first, "secure_config_set", {"key": "api", "value": "S"})
    with pytest.raises(PluginError, match="already registered"):
        hosted(host, FORGED)
    again = hosted(host, PAYMENTS)
    assert ask(again, "secure_config_get", {"key": "api"}) == b'{"value":"S"}'
    del first, again
    with pytest.raises(PluginError, match="already registered"):
        hosted(host, FORGED)


def test_a_plugin_is_not_replaced_silently() -> None:
    host = MemoryHost()
    first = quick(PAYMENTS)
    host.add_plugin(first)
    for name in (None, "payments"):
        with pytest.raises(PluginError, match="already registered"):
            host.add_plugin(quick(FORGED), name)
    assert host.plugins == {"payments": first}
    second = quick(FORGED)
    host.add_plugin(second, replace=True)
    assert host.plugins == {"payments": second}


def test_what_is_kept_for_one_is_not_anothers() -> None:
    host = MemoryHost()
    one, other = hosted(host, PAYMENTS), hosted(host, FORGED, name="other")
    fields = {"entity_type": "t", "object_id": 1}
    for plugin, text in ((one, "one"), (other, "other")):
        ask(plugin, "secure_config_set", {"key": "k", "value": text})
        ask(plugin, "cache_set", {"key": "k", "value": "QQ==" if plugin is one else "Qg=="})
        ask(plugin, "custom_fields_set", {**fields, "values": {"f": text}})
        ask(plugin, "publish_event", {"event_type": text})
        ask(plugin, "config_get", {"key": "absent"})
    assert ask(one, "secure_config_get", {"key": "k"}) == b'{"value":"one"}'
    assert ask(other, "secure_config_get", {"key": "k"}) == b'{"value":"other"}'
    assert ask(one, "cache_get", {"key": "k"}) == b'{"found":true,"value":"QQ=="}'
    ask(other, "cache_delete", {"key": "k"})
    assert ask(one, "cache_get", {"key": "k"}) == b'{"found":true,"value":"QQ=="}'
    ask(other, "entity_hard_delete", {"entity_type": "t", "entity_id": 1})
    assert ask(one, "custom_fields_get", fields) == b'{"f":"one"}'
    query = {"entity_type": "t", "filters": [{"field": "f", "operator": "eq", "value": "one"}]}
    assert ask(one, "custom_fields_query", query) == b"[1]"
    assert ask(other, "custom_fields_query", query) == b"[]"
    assert [event.plugin for event in host.events] == ["payments", "other"]
    assert [line.fields["caller"] for line in host.logs] == ["payments", "other"]


# -- what is kept

KEEPING = {
    "cache_set": lambda n: {"key": str(n), "value": "QUFB" * 1000},
    "secure_config_set": lambda n: {"key": str(n), "value": "v" * 3000},
    "custom_fields_set": lambda n: {
        "entity_type": "t",
        "object_id": n,
        "values": {"f": ["v" * 1000] * 3},
    },
    "publish_event": lambda n: {"event_type": str(n), "data": "d" * 3000},
    "send_email": lambda n: {"to": str(n), "body": "b" * 3000},
    "entity_soft_delete": lambda n: {"entity_type": "t" * 3000, "entity_id": n},
    "entity_hard_delete": lambda n: {"entity_type": "t" * 3000, "entity_id": n},
}


@pytest.mark.parametrize("function", KEEPING)
@pytest.mark.parametrize("quotas", [{"kept_entries": 20}, {"kept_bytes": 80_000}], ids=["n", "b"])
def test_what_is_kept_has_a_bound(function: str, quotas: dict[str, int]) -> None:
    host = MemoryHost(quotas=HostQuotas(**quotas))
    plugin, other = hosted(host, PAYMENTS), hosted(host, FORGED, name="other")
    kept = sum(ask(plugin, function, KEEPING[function](n)) is not None for n in range(60))
    assert 10 <= kept <= 26
    assert "this host keeps at most" in host.logs[-1].message
    # others have their own
    assert ask(other, function, KEEPING[function](0)) is not None


def test_what_goes_makes_room() -> None:
    host = MemoryHost(quotas=HostQuotas(kept_bytes=10_000, kept_entries=4))
    plugin = hosted(host, PAYMENTS)
    fields = {"entity_type": "t", "object_id": 1}
    for _ in range(20):
        assert ask(plugin, "cache_set", {"key": "k", "value": "QUFB" * 1000})
        assert ask(plugin, "secure_config_set", {"key": "k", "value": "v" * 1000})
        assert ask(plugin, "custom_fields_set", {**fields, "values": {"f": "v" * 1000}})
        assert ask(plugin, "entity_soft_delete", {"entity_type": "t", "entity_id": 1})
        assert ask(plugin, "entity_restore", {"entity_type": "t", "entity_id": 1})
        assert ask(plugin, "cache_delete", {"key": "k"})
    # also what the host itself takes away
    for _ in range(20):
        assert ask(plugin, "publish_event", {"data": "d" * 2000})
        host.events.clear()


def test_the_latest_lines_of_the_log_stay() -> None:
    host = MemoryHost(quotas=HostQuotas(log_lines=100))
    plugin, other = hosted(host, PAYMENTS), hosted(host, FORGED, name="other")
    ask(other, "log", {"message": "the other's"})
    for n in range(1000):
        ask(plugin, "log", {"message": str(n)})
    messages = [line.message for line in host.logs]
    assert messages[0] == "the other's" and messages[-1] == "999"
    assert 90 <= len(messages) <= 101
    host = MemoryHost(quotas=HostQuotas(log_bytes=100_000))
    plugin = hosted(host, PAYMENTS)
    for _ in range(100):
        ask(plugin, "log", {"message": "m" * 5_000, "fields": {"f": "f" * 5_000}})
    assert sum(weight(*line) for line in host.logs) <= 100_000 and len(host.logs) >= 5
    assert isinstance(host.logs[0], LogRecord)


def test_deep_values_are_not_kept() -> None:
    host = MemoryHost()
    plugin = hosted(host, PAYMENTS)
    deep = b"[" * 5_000 + b"]" * 5_000
    request = b'{"entity_type":"t","object_id":1,"values":{"f":%b}}' % deep
    assert ask(plugin, "custom_fields_set", request) is None
    assert host.logs[-1].message.endswith("a value nested deeper than 64 is not kept")
    for operator in ("eq", "in", "like", "gt", "near", "between"):
        query = b'{"filters":[{"field":"f","operator":"%b","value":%b}]}'
        ask(plugin, "custom_fields_query", query % (operator.encode(), deep))
    request = b'{"values":{"f":{"op":%b}}}' % deep
    assert ask(plugin, "custom_fields_set", request) is None
    assert "unknown field operation of type list" in host.logs[-1].message
    texts = ask(plugin, "translate", b'{"key":"%%v","args":[%b]}' % deep)
    assert texts == b'{"value":"%b"}' % deep


@pytest.mark.parametrize("wrong", [{"kept_bytes": -1}, {"sql_rows": 1.5}, {"log_lines": True}])
def test_quotas_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{next(iter(wrong))} must"):
        HostQuotas(**wrong)


# -- what takes long


def test_patterns_are_what_they_were() -> None:
    generator = random.Random(5)
    checks = 0

    def check() -> None:
        nonlocal checks
        checks += 1

    for _ in range(4_000):
        text = "".join(generator.choices("aAb%_\n\u00e9\u00c9", k=generator.randrange(9)))
        pattern = "".join(
            generator.choices("ab%_\u00e9", [3, 2, 3, 2, 1], k=generator.randrange(7))
        )
        parts = (".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
        found = re.fullmatch("".join(parts), text, re.IGNORECASE | re.DOTALL)
        assert like(text, pattern, check) == (found is not None), (text, pattern)
    assert checks


@pytest.mark.parametrize(
    "pattern", ["%a" * 500 + "b", "%" + "a_" * 500 + "b", "%" * 1000 + "b", "_" * 1000 + "%b"]
)
def test_patterns_take_no_long(pattern: str) -> None:
    host = MemoryHost()
    context = CallContext("x")
    host.custom_fields_set(context, "t", 1, {"f": "a" * 20_000})
    wanted = {"field": "f", "operator": "like", "value": pattern}
    found = least_seconds(lambda: host.custom_fields_query(context, "t", [wanted]), enough=2)
    assert found < 2
    assert host.custom_fields_query(context, "t", [wanted]) == []


def test_a_query_over_fields_ends_with_the_call() -> None:
    host = MemoryHost()
    plugin = hosted(host, PAYMENTS)
    host.custom_fields["payments"] = {("t", n): {"f": "a" * 50_000 + "c"} for n in range(20_000)}
    wanted = {"field": "f", "operator": "like", "value": "%a_a_a_b"}
    request = {"entity_type": "t", "filters": [wanted] * 100}

    def query() -> None:
        with pytest.raises(PluginError, match="deadline"):
            plugin.call_raw("call", question_of(request), timeout=0.1)

    assert least_seconds(query, enough=0.5) < 0.5


def question_of(request: Any) -> bytes:
    from plugin_guests import question

    return question("custom_fields_query", request)


def test_translations_are_made_in_one_pass() -> None:
    host, context = MemoryHost(), CallContext("x")

    def translated() -> str:
        return host.translate(context, "x" * 1_000_000 + "%s" * 20_000, [1] * 20_000)

    assert least_seconds(translated, enough=1) < 1
    assert translated().endswith("x" + "1" * 20_000)
    assert host.translate(context, "%s %d %v %s", ["%d", 2, [1]]) == "%d 2 [1] %s"


@pytest.mark.parametrize(
    ("present", "operation", "why"),
    [
        ("text", {"op": "append", "value": 1}, "a str is no list"),
        (5, {"op": "remove", "value": 1}, "a int is no list"),
        ("5", {"op": "increment"}, "a str is no number"),
        (10**4000, {"op": "increment", "value": 0.5}, "out of the range of a float"),
        (1, {"op": "cas", "expect": 2}, "the field has another value than expected"),
        (1, {"op": "explode"}, "unknown field operation 'explode'"),
    ],
)
def test_operations_that_are_refused(present: Any, operation: dict[str, Any], why: str) -> None:
    host, context = MemoryHost(), CallContext("x")
    host.custom_fields_set(context, "t", 1, {"f": present})
    with pytest.raises(HostFunctionError, match=why):
        host.custom_fields_set(context, "t", 1, {"f": operation})


def test_a_manifest_does_not_say_who_a_plugin_is() -> None:
    host = MemoryHost()
    named = quick(guest({**MANIFEST, "name": "other"}))
    host.add_plugin(named, "mine")
    assert list(host.plugins) == ["mine"] and named.identity == "mine"
