"""Host calls and the log: group E of the conformance cases (contract 1.8 and part 2)."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, NamedTuple

import pytest
from plugin_guests import (
    ASK,
    BUMP,
    FREE,
    HOST_CALL,
    LOG,
    Function,
    ask,
    ask_raw,
    asker,
    guest,
    question,
    quick,
    recorder,
    say,
    sayer,
    trace_of,
)

from pywasmgk.plugin import CallContext, HostAPI, HostFunctionError, MemoryHost, Plugin, acting
from pywasmgk.plugin.host_functions import FUNCTIONS

case = pytest.mark.case


class Row(NamedTuple):
    """One host function: a full request, what the host gets, what it gives, the response."""

    name: str
    request: dict[str, Any]
    #: arguments of the host's method
    got: list[Any]
    #: the method's result
    result: Any
    response: str
    #: arguments for an empty request
    zero: list[Any]


ROWS = [
    Row(
        "db_query",
        {"query": "SELECT", "args": [1, 2.5, "a", None, True, 2**60]},
        ["SELECT", (1, 2.5, "a", None, True, 2**60)],
        [{"b": 1, "a": b"\xc3\xa9", "t": datetime(2026, 1, 2, tzinfo=timezone.utc)}],
        '[{"a":"\u00e9","b":1,"t":"2026-01-02T00:00:00Z"}]',
        ["", ()],
    ),
    Row("db_exec", {"query": "X", "args": ["a"]}, ["X", ("a",)], 3, '{"affected":3}', ["", ()]),
    Row("cache_get", {"key": "k"}, ["k"], (b"v", True), '{"found":true,"value":"dg=="}', [""]),
    Row(
        "cache_set",
        {"key": "k", "value": "dg==", "ttl": 60},
        ["k", b"v", 60],
        None,
        '{"ok":true}',
        ["", None, 0],
    ),
    Row(
        "http_request",
        {"method": "PUT", "url": "u", "headers": {"A": "b"}, "body": "Yg=="},
        ["PUT", "u", {"A": "b"}, b"b"],
        (404, b"no"),
        '{"body":"bm8=","status":404}',
        ["", "", {}, None],
    ),
    Row(
        "send_email",
        {"to": "t", "subject": "s", "body": "b", "html": True},
        ["t", "s", "b", True],
        None,
        '{"ok":true}',
        ["", "", "", False],
    ),
    Row("config_get", {"key": "k"}, ["k"], "<v>", '{"value":"\\u003cv\\u003e"}', [""]),
    Row("translate", {"key": "k", "args": [1]}, ["k", (1,)], "t", '{"value":"t"}', ["", ()]),
    Row(
        "plugin_call",
        {"plugin": "p", "function": "f", "args": {"a": 1}},
        ["p", "f", b'{"a": 1}'],
        b"anything",
        "anything",
        ["", "", None],
    ),
    Row(
        "publish_event",
        {"channel": "c", "event_type": "e", "data": "d"},
        ["c", "e", "d"],
        None,
        '{"status":"ok"}',
        ["", "", ""],
    ),
    Row(
        "entity_soft_delete",
        {"entity_type": "t", "entity_id": 5, "reason": "r"},
        ["t", 5, "r"],
        None,
        '{"status":"ok"}',
        ["", 0, ""],
    ),
    Row(
        "entity_restore",
        {"entity_type": "t", "entity_id": 5},
        ["t", 5],
        None,
        '{"status":"ok"}',
        ["", 0],
    ),
    Row(
        "entity_hard_delete",
        {"entity_type": "t", "entity_id": 5, "reason": "r"},
        ["t", 5, "r"],
        None,
        '{"status":"ok"}',
        ["", 0, ""],
    ),
    Row("recycle_bin_list", {"entity_type": "t"}, ["t"], b"[ 1 ]", "[ 1 ]", [""]),
    Row("secure_config_get", {"key": "k"}, ["k"], "v", '{"value":"v"}', [""]),
    Row(
        "secure_config_set",
        {"key": "k", "value": "v"},
        ["k", "v"],
        None,
        '{"status":"ok"}',
        ["", ""],
    ),
    Row("org_id", {}, [], 7, "7", []),
    Row(
        "custom_fields_get",
        {"entity_type": "t", "object_id": 1, "fields": ["a"]},
        ["t", 1, ("a",)],
        {"b": 1, "a": None},
        '{"a":null,"b":1}',
        ["", 0, None],
    ),
    Row(
        "custom_fields_set",
        {"entity_type": "t", "object_id": 1, "values": {"a": {"op": "cas", "expect": [1]}}},
        ["t", 1, {"a": {"op": "cas", "expect": [1]}}],
        None,
        '{"status":"ok"}',
        ["", 0, {}],
    ),
    Row(
        "custom_fields_query",
        {"entity_type": "t", "filters": [{"Field": "f", "operator": "in", "value": [1]}, None]},
        [
            "t",
            (
                {"field": "f", "operator": "in", "value": [1], "value2": None},
                {"field": "", "operator": "", "value": None, "value2": None},
            ),
        ],
        [3, 4],
        "[3,4]",
        ["", ()],
    ),
]

#: functions of later hosts
LATER = [
    Row("cache_delete", {"key": "k"}, ["k"], None, '{"ok":true}', [""]),
    Row("time_now", {}, [], "2026", '{"now":"2026"}', []),
    Row(
        "store_file",
        {"key": "k", "data": "YQ==", "metadata": {"a": "b"}},
        ["k", b"a", {"a": "b"}],
        None,
        '{"status":"ok"}',
        ["", None, {}],
    ),
    Row(
        "get_file",
        {"key": "k"},
        ["k"],
        (b"a", {"b": "c"}),
        '{"data":"YQ==","metadata":{"b":"c"}}',
        [""],
    ),
    Row("delete_file", {"key": "k"}, ["k"], None, '{"status":"ok"}', [""]),
    Row("list_files", {"prefix": "p"}, ["p"], None, "null", [""]),
    Row(
        "generate_thumbnail",
        {"data": "YQ==", "content_type": "image/png", "max_width": 10, "max_height": -1},
        [b"a", "image/png", 10, 200],
        (b"t", "image/webp"),
        '{"thumb_content_type":"image/webp","thumb_data":"dA=="}',
        [None, "", 200, 200],
    ),
    Row(
        "create_article_attachment",
        {
            "article_id": 1,
            "created_by": 2,
            "filename": "f",
            "content_type": "c",
            "content": "YQ==",
        },
        [1, 2, "f", "c", b"a"],
        9,
        '{"id":9}',
        [0, 0, "", "", None],
    ),
    Row(
        "list_article_attachments",
        {"article_id": 1},
        [1],
        [{"id": 1}],
        '{"attachments":[{"id":1}]}',
        [0],
    ),
    Row(
        "delete_article_attachment",
        {"article_id": 1, "attachment_id": 2},
        [1, 2],
        None,
        '{"status":"ok"}',
        [0, 0],
    ),
    Row(
        "create_article",
        {
            "ticket_id": 1,
            "created_by": 2,
            "subject": "s",
            "body": "b",
            "visible_to_customer": True,
        },
        [1, 2, "s", "b", True],
        8,
        '{"id":8}',
        [0, 0, "", "", False],
    ),
    Row(
        "change_ticket_status",
        {"ticket_id": 1, "state_id": 2, "user_id": 3, "until_time": 4},
        [1, 2, 3, 4],
        None,
        '{"status":"ok"}',
        [0, 0, 0, 0],
    ),
    Row("list_ticket_states", {}, [], None, '{"states":null}', []),
    Row("list_ticket_views", {}, [], [], '{"views":[]}', []),
    Row(
        "render_markdown_to_pdf",
        {"markdown": "m", "options": {"pagesize": "A4", "MarginMM": 5, "page_size": "no"}},
        [
            "m",
            {
                "PageSize": "A4",
                "MarginMM": 5.0,
                "Title": "",
                "BrandName": "",
                "BrandColor": "",
                "BrandLogoURL": "",
            },
        ],
        b"pdf",
        '{"pdf":"cGRm"}',
        [
            "",
            {
                "PageSize": "",
                "MarginMM": 0.0,
                "Title": "",
                "BrandName": "",
                "BrandColor": "",
                "BrandLogoURL": "",
            },
        ],
    ),
]
BARE = ("org_id", "time_now", "list_ticket_states", "list_ticket_views")
ALL = pytest.mark.parametrize("row", [*ROWS, *LATER], ids=lambda row: row.name)
METHODS = {"plugin_call": "call_plugin"}


class Recording(HostAPI):
    """A host that keeps what it is asked and answers what it was told."""

    def __init__(self, row: Row | None = None) -> None:
        self.asked: list[list[Any]] = []
        self.contexts: list[CallContext] = []
        self.logs: list[tuple[str, str, dict[str, Any]]] = []
        if row is not None:

            def answer(ctx: CallContext, *args: Any) -> Any:
                self.contexts.append(ctx)
                self.asked.append(list(args))
                return row.result

            setattr(self, METHODS.get(row.name, row.name), answer)

    def log(self, ctx: CallContext, level: str, message: str, fields: Any) -> None:
        self.logs.append((level, message, dict(fields)))


def hosted(host: HostAPI, **parts: Any) -> Plugin:
    """An asker with this host."""
    plugin = quick(asker(**parts))
    plugin.init(host)
    return plugin


def test_the_rows_are_complete() -> None:
    assert {row.name for row in (*ROWS, *LATER)} == {*FUNCTIONS, "plugin_call"}
    assert len(ROWS) == 20


@case("E01")
@ALL
def test_full_requests(row: Row) -> None:
    host = Recording(row)
    plugin = hosted(host)
    assert ask(plugin, row.name, row.request) == row.response.encode()
    assert host.asked == [row.got]
    assert [type(item) for item in host.asked[0]] == [type(item) for item in row.got]
    context = host.contexts[0]
    assert (context.caller, context.depth, context.chain) == ("x", 1, ("x",))
    assert context.seconds_left() is not None and context.language == "en"
    assert host.logs == []


@case("E02")
@ALL
def test_requests_that_are_no_json(row: Row) -> None:
    host = Recording(row)
    plugin = hosted(host)
    if row.name in BARE:
        assert ask(plugin, row.name, b"not valid json") == row.response.encode()
        return
    assert ask_raw(plugin, row.name, b"not valid json") == 0
    assert host.asked == []
    ((level, message, fields),) = host.logs
    assert (level, fields) == ("error", {"caller": "x"})
    assert message.startswith(f"host_call {row.name} failed: invalid character 'n'")


@case("E03")
@ALL
@pytest.mark.parametrize("request_", [b"{}", b" null ", b'{"unknown": [1]}'])
def test_requests_without_keys(row: Row, request_: bytes) -> None:
    host = Recording(row)
    ask(hosted(host), row.name, request_)
    assert host.asked == [row.zero]
    assert host.logs == []


@ALL
def test_null_keys(row: Row) -> None:
    host = Recording(row)
    ask(hosted(host), row.name, dict.fromkeys(row.request))
    # null args of a plugin_call are the JSON text
    expected = row.zero if row.name != "plugin_call" else ["", "", b"null"]
    assert host.asked == [expected]


@case("E04")
@ALL
def test_empty_requests(row: Row) -> None:
    host = Recording(row)
    plugin = hosted(host)
    if row.name in BARE:
        assert ask(plugin, row.name, b"") == row.response.encode()
    else:
        assert ask_raw(plugin, row.name, b"") == 0
        assert host.asked == []
        assert host.logs[0][1] == f"host_call {row.name} failed: unexpected end of JSON input"


@ALL
@pytest.mark.parametrize("request_", [b"[]", b'"a"', b"1", b"true"])
def test_requests_that_are_no_objects(row: Row, request_: bytes) -> None:
    if row.name not in BARE:
        host = Recording(row)
        assert ask_raw(hosted(host), row.name, request_) == 0
        assert host.asked == [] and len(host.logs) == 1


@case("E05")
@pytest.mark.parametrize(
    "name", ["nope", "DB_QUERY", "db_query ", "", "__init__", "function", "init"]
)
def test_unknown_names(name: str) -> None:
    host = Recording()
    plugin = hosted(host)
    assert ask_raw(plugin, name, {}) == 0
    text = f"host_call {name} failed: unknown host function: {name}"
    assert host.logs == [("error", text, {"caller": "x"})]


def test_names_that_are_no_text_are_shown_harmlessly() -> None:
    host = Recording()
    plugin = hosted(host)
    ask(plugin, b"a\n\xff\x1b" + b"z" * 5_000, {})
    message = host.logs[0][1]
    assert "\n" not in message and "\x1b" not in message and len(message) < 1_000


@case("E06")
def test_a_host_method_that_raises() -> None:
    class Failing(Recording):
        def config_get(self, ctx: CallContext, key: str) -> str:
            raise {"a": HostFunctionError("no such key"), "b": KeyError()}.get(
                key, RecursionError(key)
            )

    host = Failing()
    plugin = hosted(host)
    for key in "abc":
        assert ask_raw(plugin, "config_get", {"key": key}) == 0
    assert [message for _, message, _ in host.logs] == [
        "host_call config_get failed: no such key",
        "host_call config_get failed: KeyError",
        "host_call config_get failed: c",
    ]
    assert not plugin.dirty and plugin.restarts == 0


def test_a_host_method_that_gives_the_wrong_thing() -> None:
    for wrong in (object(), {1: 2}, float("nan")):
        host = Recording(Row("config_get", {}, [], wrong, "", []))
        assert ask_raw(hosted(host), "config_get", {}) == 0
        assert len(host.logs) == 1
    host = Recording(Row("cache_get", {}, [], None, "", []))
    assert ask_raw(hosted(host), "cache_get", {}) == 0
    assert len(host.logs) == 1


@case("E07")
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ((65536, 1), (0, 0)),
        ((65530, 7), (0, 0)),
        ((0xFFFFFFFF, 1), (0, 0)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0, 0)),
        ((0, 1), (65536, 1)),
        ((0, 1), (0, 65537)),
        ((0, 1), (65537, 0)),
        ((65537, 0), (0, 1)),
        ((0, 1), (0x80000000, 0x80000000)),
    ],
)
def test_ranges_outside_memory(name: tuple[int, int], args: tuple[int, int]) -> None:
    lines = [f"i32.const {value - (1 << 32) if value >> 31 else value}" for value in (*name, *args)]
    plugin = quick(
        guest(imports=[HOST_CALL], call=(*lines, "call $host_call", "i64.eqz", *CHECK_EQZ))
    )
    host = Recording()
    plugin.init(host)
    assert plugin.call_raw("f") is None
    assert host.logs == []


CHECK_EQZ = ("if _", "else", "unreachable", "end", "i64.const 0")


@case("E09")
def test_no_memory_for_the_answer() -> None:
    for refusal in ("i32.const 0", "unreachable", "i32.const 65530"):
        refuse = (refusal,) if refusal == "unreachable" else (refusal, "return")
        malloc = ("local.get 0", "i32.const 50", "i32.gt_u", "if _", *refuse, "end", *BUMP)
        host = Recording(Row("config_get", {}, [], "v" * 60, "", []))
        plugin = hosted(host, malloc=malloc)
        assert ask_raw(plugin, "config_get", {}) == 0
        assert host.asked == [[""]] and host.logs == []


@case("E10")
def test_a_target_without_a_result() -> None:
    for nothing in (None, b""):
        host = Recording(ROWS[8]._replace(result=nothing))
        assert ask_raw(hosted(host), "plugin_call", {}) == 0
        assert len(host.asked) == 1 and host.logs == []


@case("E11")
@pytest.mark.parametrize(
    ("request_", "args"),
    [
        (b'{"plugin":"p"}', None),
        (b'{"plugin":"p","args":null}', b"null"),
        (b'{"args" :  { "a":1 ,"b" : [ ] } ,"plugin":"p"}', b'{ "a":1 ,"b" : [ ] }'),
        (b'{"ARGS":"\\u0041\xff"}', b'"\\u0041\xff"'),
        (b'{"args":1,"args":2}', b"2"),
        (b"null", None),
    ],
)
def test_arguments_of_a_plugin_call(request_: bytes, args: bytes | None) -> None:
    host = Recording(ROWS[8])
    ask(hosted(host), "plugin_call", request_)
    assert host.asked[0][2] == args


@case("E12")
def test_a_targets_result_goes_through_unchanged() -> None:
    host = MemoryHost(plugins={"y": quick(guest({"name": "y"}))})
    plugin = hosted(host)
    text = b'{"plugin":"y","function":"f","args":[ 1,2 ]}'
    assert ask(plugin, "plugin_call", text) == b"[ 1,2 ]"
    host = Recording(ROWS[8]._replace(result=b"{no json"))
    assert ask(hosted(host), "plugin_call", {}) == b"{no json"


@case("E14")
def test_cache() -> None:
    host = MemoryHost()
    plugin = hosted(host)
    assert ask(plugin, "cache_set", {"key": "a", "value": "AQI="}) == b'{"ok":true}'
    ask(plugin, "cache_set", {"key": "e", "value": ""})
    ask(plugin, "cache_set", {"key": "n"})
    assert ask(plugin, "cache_get", {"key": "a"}) == b'{"found":true,"value":"AQI="}'
    assert ask(plugin, "cache_get", {"key": "e"}) == b'{"found":true,"value":""}'
    assert ask(plugin, "cache_get", {"key": "n"}) == b'{"found":true,"value":null}'
    assert ask(plugin, "cache_get", {"key": "x"}) == b'{"found":false,"value":null}'


@case("E15")
@pytest.mark.parametrize("ttl", ["60.0", '"60"', "1e2", "true", "[]", "9223372036854775808"])
def test_integers_are_integers(ttl: str) -> None:
    host = Recording(ROWS[3])
    assert ask_raw(hosted(host), "cache_set", f'{{"ttl": {ttl}}}'.encode()) == 0
    assert host.asked == []
    assert host.logs[0][1].startswith("host_call cache_set failed: ttl: cannot unmarshal ")


@case("E16")
def test_an_http_error_is_an_answer() -> None:
    host = MemoryHost(http=lambda method, url, headers, body: (404, f"{method} {url}".encode()))
    plugin = hosted(host)
    answer = json.loads(ask(plugin, "http_request", {"url": "u"}) or b"")
    assert answer == {"status": 404, "body": "R0VUIHU="}


@case("E18", "W18")
def test_no_rows() -> None:
    sql = {"query": "SELECT 1 WHERE 0"}
    assert ask(hosted(MemoryHost()), "db_query", sql) == b"null"
    assert ask(hosted(MemoryHost(empty_rows_as_list=True)), "db_query", sql) == b"[]"
    assert ask(hosted(MemoryHost()), "custom_fields_query", {}) == b"[]"
    assert ask(hosted(HostAPI()), "custom_fields_query", {}) == b"null"


@case("E20")
def test_arguments_of_a_query() -> None:
    for args, got in (("", ["q", ()]), (', "args": null', ["q", ()]), (', "args": {}', None)):
        host = Recording(ROWS[0])
        ask(hosted(host), "db_query", f'{{"query": "q"{args}}}'.encode())
        assert host.asked == ([] if got is None else [got])
        assert len(host.logs) == (got is None)


@case("W17")
def test_integers_stay_exact() -> None:
    host = MemoryHost()
    plugin = hosted(host)
    sql, number = b"SELECT ? AS i, ? AS f, typeof(?1) AS t", b"9007199254740993"
    query = b'{"query": "%b", "args": [%b, 0.5]}' % (sql, number)
    assert ask(plugin, "db_query", query) == b'[{"f":0.5,"i":9007199254740993,"t":"integer"}]'
    echo = quick(guest())
    assert echo.call("f", {"id": 9007199254740993}) == {"id": 9007199254740993}


@case("E21")
def test_translate_always_answers() -> None:
    host = MemoryHost(translations={"en": {"hi": "Hi %s, %d new", "plain": "P"}})
    plugin = hosted(host)
    assert ask(plugin, "translate", {"key": "hi", "args": ["Ada", 3]}) == (
        b'{"value":"Hi Ada, 3 new"}'
    )
    assert ask(plugin, "translate", {"key": "plain", "args": [1]}) == b'{"value":"P"}'
    assert ask(plugin, "translate", {"key": "none"}) == b'{"value":"none"}'
    assert ask(plugin, "translate", {}) == b'{"value":""}'


@case("E22")
def test_org_id_is_a_bare_number() -> None:
    assert ask(hosted(MemoryHost(org_id=42)), "org_id", b"") == b"42"
    assert ask(hosted(HostAPI()), "org_id", b"no json") == b"0"


@case("E23")
def test_all_fields_and_no_fields() -> None:
    for text, got in ((b"{}", None), (b'{"fields":null}', None), (b'{"fields":[]}', ())):
        host = Recording(ROWS[17])
        ask(hosted(host), "custom_fields_get", text)
        assert host.asked[0][2] == got


@case("E24")
def test_operations_on_fields_go_through() -> None:
    host = MemoryHost()
    plugin = hosted(host)
    request = {"entity_type": "t", "object_id": 1, "values": {"n": 5, "l": ["a"], "b": False}}
    assert ask(plugin, "custom_fields_set", request) == b'{"status":"ok"}'
    request["values"] = {
        "n": {"op": "increment", "value": 2, "ceiling": 7},
        "l": {"op": "append", "value": "b"},
        "b": {"op": "toggle"},
    }
    ask(plugin, "custom_fields_set", request)
    assert ask(plugin, "custom_fields_get", request) == b'{"b":true,"l":["a","b"],"n":7}'
    assert ask(plugin, "custom_fields_set", request) is None
    assert "ceiling is 7" in host.logs[-1].message
    query = {"entity_type": "t", "filters": [{"field": "n", "operator": "gte", "value": 7}]}
    assert ask(plugin, "custom_fields_query", query) == b"[1]"


@case("E25")
def test_an_event_needs_no_channel() -> None:
    host = MemoryHost()
    ask(hosted(host), "publish_event", {"event_type": "e", "data": "d"})
    assert host.events == [("", "e", "d", "x")]


@case("E26")
def test_keys_in_another_case() -> None:
    host = Recording(ROWS[3])
    ask(hosted(host), "cache_set", {"KEY": "k", "Value": "", "tTL": 1, "\u212aey": "kelvin"})
    assert host.asked == [["kelvin", b"", 1]]


@case("E28")
def test_an_answer_larger_than_memory() -> None:
    host = MemoryHost(config={"big": "v" * 200_000})
    plugin = quick(asker(), memory_limit=2)
    plugin.init(host)
    assert ask_raw(plugin, "config_get", {"key": "big"}) == 0
    assert host.logs == []
    roomy = quick(asker())
    roomy.init(host, name="roomy")
    assert len(ask(roomy, "config_get", {"key": "big"}) or b"") == 200_012


@case("E31")
@pytest.mark.parametrize(
    ("number", "level"),
    list(enumerate(["debug", "info", "warn", "error", "info"])),
)
def test_levels(number: int, level: str) -> None:
    host = MemoryHost()
    plugin = quick(sayer())
    plugin.init(host)
    for value in (number, -1):
        say(plugin, value, b"m")
    assert [line.level for line in host.logs] == [level, "info"]


@case("E32", "E33")
def test_messages() -> None:
    host = MemoryHost()
    plugin = quick(sayer())
    plugin.init(host)
    for text in (b"", "\u00e9\0".encode(), b"a\xff\xe2\x82b"):
        say(plugin, 0, text)
    assert [line.message for line in host.logs] == ["", "\u00e9\0", "a\ufffd\ufffdb"]
    assert {line.fields["plugin"] for line in host.logs} == {"x"}
    for ptr, size in ((65536, 1), (0, 65537), (-1, -1), (65537, 0)):
        lines = (f"i32.const {value}" for value in (1, ptr, size))
        outside = quick(guest(imports=[LOG], call=(*lines, "call $log", "i64.const 0")))
        outside.init(host, name=f"outside {ptr} {size}")
        outside.call_raw("f")
    assert len(host.logs) == 3


@case("E34")
def test_the_answers_buffer_is_the_guests() -> None:
    call = (*ASK[: ASK.index("local.set 5")], "drop", "i64.const 0")
    plugin = quick(
        recorder(
            imports=[HOST_CALL],
            functions={"gk_call": Function("i32 i32 i32 i32", "i64", call, "i32 i64")},
        )
    )
    plugin.init(MemoryHost())
    plugin.call_raw("f", question("org_id"))
    # name, arguments, answer; only the first two go back
    operations = [operation for operation, _ in trace_of(plugin)]
    assert operations == [1, 1, 1, FREE, FREE]


@case("E38")
@pytest.mark.parametrize("row", LATER, ids=lambda row: row.name)
def test_later_functions_need_a_host_that_has_them(row: Row) -> None:
    host = Recording()
    assert ask_raw(hosted(host), row.name, row.request) == 0
    assert host.logs[0][1].endswith(f"unknown host function: {row.name}")


def test_a_host_of_another_class() -> None:
    class Small:
        """Only two methods, and no HostAPI."""

        empty_rows_as_list = False

        def org_id(self, ctx: CallContext) -> int:
            return 5

        def log(self, ctx: CallContext, level: str, message: str, fields: Any) -> None:
            lines.append(message)

    lines: list[str] = []
    plugin = hosted(Small())  # type: ignore[arg-type]
    assert ask(plugin, "org_id") == b"5"
    assert ask(plugin, "db_query", {}) is None
    assert lines == ["host_call db_query failed: unknown host function: db_query"]


def test_the_default_host() -> None:
    host = HostAPI()
    plugin = hosted(host)
    answers = {
        "db_query": b"null",
        "db_exec": b'{"affected":0}',
        "cache_get": b'{"found":false,"value":null}',
        "cache_set": b'{"ok":true}',
        "http_request": b'{"body":null,"status":200}',
        "send_email": b'{"ok":true}',
        "config_get": b'{"value":""}',
        "translate": b'{"value":""}',
        "recycle_bin_list": b"[]",
        "org_id": b"0",
        "custom_fields_get": b"null",
        "plugin_call": None,
        "publish_event": None,
        "secure_config_get": None,
        "secure_config_set": None,
    }
    for name, answer in answers.items():
        assert ask(plugin, name, {}) == answer
    with pytest.raises(HostFunctionError, match=r"^plugin calls not available in default host$"):
        host.call_plugin(CallContext(), "p", "f", None)
    with pytest.raises(HostFunctionError, match=r"^SSE not available in default host$"):
        host.publish_event(CallContext(), "", "e", "d")


# -- what later guests may ask


def test_the_log_function() -> None:
    host = MemoryHost()
    plugin = hosted(host)
    request = {"level": "warn", "message": "m", "fields": {"a": [1], "plugin": "forged"}}
    assert ask(plugin, "log", request) == b'{"ok":true}'
    assert host.logs == [("warn", "m", {"a": [1], "plugin": "x"})]


@case("W07")
def test_a_guest_can_ask_why() -> None:
    host = MemoryHost()
    plugin = quick(
        guest(
            imports=[HOST_CALL],
            functions={
                "ask": Function("i32 i32 i32 i32", "i64", ASK, "i32 i64"),
                # the arguments are two questions of which the first is 29 bytes
                "gk_call": Function(
                    "i32 i32 i32 i32",
                    "i64",
                    (
                        *("local.get 0", "local.get 1", "local.get 2", "i32.const 29"),
                        *("call $ask", "drop"),
                        *("local.get 0", "local.get 1", "local.get 2", "i32.const 29", "i32.add"),
                        *("local.get 3", "i32.const 29", "i32.sub", "call $ask"),
                    ),
                    "i32 i64",
                ),
            },
        )
    )
    plugin.init(host)
    failing = question("config_get", {"key": "abc"})
    why = question("last_error", b"")
    failing = failing.ljust(29)
    answer = plugin.call_raw("call", failing + why)
    assert answer == b'{"error":"config key \'abc\' is not set"}'
    host.config["abc"] = "v"
    assert plugin.call_raw("call", failing + why) == b'{"error":""}'
    assert plugin.call_raw("call", why.ljust(29) + why) == b'{"error":""}'


def test_on_whose_behalf() -> None:
    host = MemoryHost(translations={"en": {"a": "A"}, "de": {"a": "\u00c4"}}, org_id=1)
    plugin = hosted(host)
    contexts: list[CallContext] = []

    @host.function
    def who(caller: CallContext) -> None:
        contexts.append(caller)

    with acting(language="de", org_id=7, user_id=9):
        assert ask(plugin, "translate", {"key": "a"}) == '{"value":"\u00c4"}'.encode()
        assert ask(plugin, "org_id") == b"7"
        ask(plugin, "who")
        with acting():
            assert ask(plugin, "org_id") == b"1"
    ask(plugin, "who")
    assert [(c.language, c.org_id, c.user_id) for c in contexts] == [("de", 7, 9), ("en", 0, 0)]
    assert contexts[0].meter is not None
