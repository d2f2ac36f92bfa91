"""What goes wrong says how to mend it, and tells guests nothing about the host."""

from __future__ import annotations

import datetime
import decimal
import json
import logging
import uuid
from typing import Any

import pytest
from plugin_guests import (
    ASK,
    HOST_CALL,
    Function,
    Import,
    ask,
    ask_raw,
    asker,
    constant,
    guest,
    question,
    quick,
    recorder,
    trace_of,
)

from pywasmgk.errors import JSONError, PluginError, PywasmgkError, ResultError
from pywasmgk.plugin import CallContext, HostAPI, HostFunctionError, MemoryHost, Plugin

case = pytest.mark.case


def hosted(host: Any, **parts: Any) -> Plugin:
    plugin = quick(asker(**parts))
    plugin.init(host)
    return plugin


# -- imports


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (
            Import("gk", "gk_host_call", "i32 i32 i32 i32", "i64"),
            r'^instantiate wasm: "gk_host_call" is not exported in module "gk"; .*'
            r"did you mean 'host_call'\?$",
        ),
        (Import("gk", "gk_log", "i32 i32 i32"), r"did you mean 'log'\?$"),
        (Import("gk", "hostcall", "i32 i32 i32 i32", "i64"), r"did you mean 'host_call'\?$"),
        (Import("env", "gk_log", "i32 i32 i32"), r"did you mean module 'gk', function 'log'\?$"),
        (
            Import("gk", "host_call", "i32 i32", "i64"),
            r"signature mismatch: .*; the contract has host_call \(i32, i32, i32, i32\) -> i64",
        ),
    ],
)
def test_imports_that_are_nearly_right(item: Import, text: str) -> None:
    with pytest.raises(PluginError, match=f"(?s){text}") as caught:
        quick(guest(imports=[item]))
    assert "open it with pywasmgk.load" not in str(caught.value)


# -- hosts that cannot work


class Asynchronous(MemoryHost):
    async def config_get(self, ctx: CallContext, key: str) -> str:  # type: ignore[override]
        return "v"


class Short(MemoryHost):
    def db_query(self, ctx: CallContext, sql: str) -> list[Any]:  # type: ignore[override]
        return []


class Long(MemoryHost):
    def call_plugin(  # type: ignore[override]
        self, ctx: CallContext, plugin: str, function: str, args: bytes, more: int
    ) -> bytes:
        return b""


class Loose(MemoryHost):
    def db_query(self, ctx: CallContext, *args: Any) -> Any:  # type: ignore[override]
        return None

    def cache_get(self, ctx: CallContext, key: str, extra: int = 1) -> Any:
        return None, False


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (Asynchronous(), r"^Asynchronous\.config_get is async def"),
        (Short(), r"^Short\.db_query\(ctx.*is called as db_query\(ctx, query, args\): too many"),
        (
            Long(),
            r"^Long\.call_plugin.*is called as call_plugin\(ctx, plugin, function, args\): mis",
        ),
        (object(), r"^a object is no host: it has no method log$"),
    ],
)
def test_hosts_are_looked_at_when_they_are_attached(host: Any, text: str) -> None:
    plugin = quick(asker())
    with pytest.raises(TypeError, match=text):
        plugin.init(host)
    plugin.init(Loose())


def test_a_forgotten_host_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    plugin = quick(asker())
    with caplog.at_level(logging.WARNING, "pywasmgk"):
        assert ask_raw(plugin, "org_id") == 0
        assert ask_raw(plugin, "org_id") == 0
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "a plugin asks its host and has none, so that it gets no answer"
    ]


@case("A34")
def test_a_guest_that_asks_while_it_is_loaded_is_not_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asking = (*("i32.const 0",) * 4, "call $host_call", "drop")
    quick(guest(imports=[HOST_CALL], functions={"_start": Function("", "", asking)}))
    assert caplog.records == []


# -- exceptions and wrong answers of hosts


class Failing(HostAPI):
    def __init__(self, error: Exception) -> None:
        self.error = error
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def config_get(self, ctx: CallContext, key: str) -> str:
        raise self.error

    def log(self, ctx: CallContext, level: str, message: str, fields: Any) -> None:
        self.lines.append((message, dict(fields)))


@pytest.mark.parametrize(
    ("error", "told", "traced"),
    [
        (HostFunctionError("no such key"), "no such key", False),
        (FileNotFoundError(2, "No such file", "/srv/key.pem"), "FileNotFoundError", True),
        (ValueError("/srv/key.pem is empty"), "ValueError", True),
        (PluginError("read wasm file: /srv/x.wasm"), "PluginError", False),
    ],
)
def test_a_guest_is_told_no_path(error: Exception, told: str, traced: bool) -> None:
    host = Failing(error)
    # asks twice: the second answer says why there was no first one
    first, second = question("config_get", {"key": "k"}), question("last_error", b"")
    lines = (
        *("local.get 0", "local.get 1", "local.get 2", f"i32.const {len(first)}"),
        *("call $ask", "drop"),
        *("local.get 0", "local.get 1", "local.get 2", f"i32.const {len(first)}", "i32.add"),
        *(f"i32.const {len(second)}", "call $ask"),
    )
    plugin = quick(
        guest(
            imports=[HOST_CALL],
            functions={
                "ask": Function("i32 i32 i32 i32", "i64", ASK, "i32 i64"),
                "gk_call": Function("i32 i32 i32 i32", "i64", lines),
            },
        )
    )
    plugin.init(host)
    answer = plugin.call_raw("call", first + second)
    why = json.loads(answer or b"")["error"]
    assert told in why and "/srv" not in why
    [(message, fields)] = host.lines
    assert str(error) in message
    assert ("Traceback" in fields.get("traceback", "")) == traced


@case("E29")
@pytest.mark.parametrize(
    "wrong", ["text", 5, {"a": 1}, bytearray(b"x")], ids=["str", "int", "dict", "bytearray"]
)
def test_call_plugin_gives_bytes(wrong: Any) -> None:
    class Wrong(MemoryHost):
        def call_plugin(self, ctx: CallContext, plugin: str, function: str, args: Any) -> Any:
            return wrong

    host = Wrong()
    plugin = quick(
        recorder(
            imports=[HOST_CALL],
            functions={"gk_call": Function("i32 i32 i32 i32", "i64", ASK, "i32 i64")},
        )
    )
    plugin.init(host)
    before = len(trace_of(plugin))
    assert plugin.call_raw("call", question("plugin_call", {"plugin": "p"})) is None
    # name and arguments of the call itself, and nothing that would not be freed
    operations = [operation for operation, _ in trace_of(plugin)[before:]]
    assert operations == [1, 1, 2, 2]
    [line] = host.logs
    kind = type(wrong).__name__
    assert line.message == (
        f"host_call plugin_call failed: plugin_call of the host gave {kind}; "
        "it may give bytes or None"
    )


@case("E29")
def test_bytes_in_rows_are_text_or_an_error() -> None:
    host = MemoryHost()
    plugin = hosted(host)
    text = {"query": "SELECT x'c3a9' AS a"}
    assert ask(plugin, "db_query", text) == '[{"a":"\u00e9"}]'.encode()
    assert ask(plugin, "db_query", {"query": "SELECT x'ff00' AS logo"}) is None
    assert host.logs[-1].message.endswith(
        "column 'logo' has bytes that are no UTF-8: select hex(logo)"
    )
    assert ask(plugin, "db_query", {"query": "SELECT CAST(x'ff00' AS TEXT) AS t"}) is None


def test_what_json_lacks_is_text_anywhere_in_rows() -> None:
    number, day = decimal.Decimal("1.50"), datetime.date(2026, 1, 2)
    name = uuid.UUID(int=1)

    class Host(MemoryHost):
        def db_query(self, ctx: CallContext, sql: str, args: Any) -> Any:
            return [{"d": number, "l": [day, {"u": name}], "t": datetime.time(1, 2)}]

    answer = ask(hosted(Host()), "db_query", {})
    assert json.loads(answer or b"") == [
        {"d": "1.50", "l": ["2026-01-02", {"u": str(name)}], "t": "01:02:00"}
    ]


def test_answers_are_utf8() -> None:
    plugin = quick(guest())
    assert plugin.call_raw("f", b'"a\xff"') == b'"a\xff"'
    binary = ("i32.const 512", "i32.const 2293538", "i32.store 2+0", constant(512, 3))
    with pytest.raises(ResultError, match=r"byte 0xff at position 1 is no UTF-8"):
        quick(guest(call=binary)).call("f")


def test_errors_of_json_are_in_the_tree() -> None:
    assert issubclass(JSONError, PywasmgkError) and issubclass(JSONError, ValueError)
