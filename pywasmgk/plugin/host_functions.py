"""The host functions of the contract, one row each (contract part 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import HostError
from .schema import ANY, BOOL, BYTES, FLOAT, INT, STRING, Kind, listed, mapped, optional, record

__all__ = ["ANSWERS", "FUNCTIONS", "RESERVED", "SHAPES", "HostFunction", "rows"]


class HostFunction(NamedTuple):
    """What a guest asks by a name, and the host object's method of that name carries out."""

    name: str
    #: members of the request, in the order of the method's parameters
    request: tuple[tuple[str, Kind], ...]
    #: turns the method's result into a JSON value, or bytes that go out as they are
    respond: Callable[[Any], Any]
    #: the request is not looked at
    bare: bool = False
    #: writes values of types that JSON does not have, as text
    unknown: Callable[[Any], str] | None = None


def _ok(result: Any) -> Any:
    return {"ok": True}


def _status(result: Any) -> Any:
    return {"status": "ok"}


def _value(result: Any) -> Any:
    return {"value": result}


def _cached(result: tuple[bytes | None, bool]) -> Any:
    value, found = result
    return {"found": bool(found), "value": value}


def _answered(result: tuple[int, bytes | None]) -> Any:
    status, body = result
    return {"body": body, "status": status}


def _kept(name: str) -> Callable[[Any], Any]:
    return lambda result: {name: result}


def _same(result: Any) -> Any:
    return result


def rows(result: Sequence[Mapping[str, Any]] | None) -> Any:
    """Rows of a table: bytes are text there. No rows are null, as Go's nil slice is. Raises
    HostError for bytes that are no text."""
    if not result:
        return None
    return [{str(name): _column(name, value) for name, value in row.items()} for row in result]


def _column(name: object, value: Any) -> Any:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        return value
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise HostError(
            f"column {name!r:.80} has bytes that are no UTF-8: select hex({name!s:.80})"
        ) from None


_STRINGS = mapped(STRING)
_KEY = ("key", STRING)
_ENTITY = (("entity_type", STRING), ("entity_id", INT))
_OBJECT = (("entity_type", STRING), ("object_id", INT))
_REASON = ("reason", STRING)
_FILTER = record(
    (("field", STRING), ("operator", STRING), ("value", ANY), ("value2", ANY)), "Filter"
)
_PDF_OPTIONS = record(
    (
        ("PageSize", STRING),
        ("MarginMM", FLOAT),
        ("Title", STRING),
        ("BrandName", STRING),
        ("BrandColor", STRING),
        ("BrandLogoURL", STRING),
    ),
    "PdfOptions",
)
_THUMBNAIL = 200
_SIZE = Kind(
    "int",
    lambda: _THUMBNAIL,
    lambda value, path, old: size if (size := INT.decode(value, path, 0)) > 0 else _THUMBNAIL,
)
_TICKET = (("ticket_id", INT), ("created_by", INT), ("subject", STRING), ("body", STRING))

_ROWS = [
    # 0.7
    # a Decimal, a date, a UUID are text, wherever they are in a row
    HostFunction("db_query", (("query", STRING), ("args", listed(ANY))), rows, unknown=str),
    HostFunction("db_exec", (("query", STRING), ("args", listed(ANY))), _kept("affected")),
    HostFunction("cache_get", (_KEY,), _cached),
    HostFunction("cache_set", (_KEY, ("value", BYTES), ("ttl", INT)), _ok),
    HostFunction(
        "http_request",
        (("method", STRING), ("url", STRING), ("headers", _STRINGS), ("body", BYTES)),
        _answered,
    ),
    HostFunction(
        "send_email", (("to", STRING), ("subject", STRING), ("body", STRING), ("html", BOOL)), _ok
    ),
    HostFunction("config_get", (_KEY,), _value),
    HostFunction("translate", (_KEY, ("args", listed(ANY))), _value),
    HostFunction(
        "publish_event", (("channel", STRING), ("event_type", STRING), ("data", STRING)), _status
    ),
    # 0.8.0
    HostFunction("entity_soft_delete", (*_ENTITY, _REASON), _status),
    HostFunction("entity_restore", _ENTITY, _status),
    HostFunction("entity_hard_delete", (*_ENTITY, _REASON), _status),
    HostFunction("recycle_bin_list", (("entity_type", STRING),), _same),
    HostFunction("secure_config_get", (_KEY,), _value),
    HostFunction("secure_config_set", (_KEY, ("value", STRING)), _status),
    HostFunction("org_id", (), _same, bare=True),
    HostFunction("custom_fields_get", (*_OBJECT, ("fields", optional(listed(STRING)))), _same),
    HostFunction("custom_fields_set", (*_OBJECT, ("values", mapped(ANY))), _status),
    HostFunction(
        "custom_fields_query", (("entity_type", STRING), ("filters", listed(_FILTER))), _same
    ),
    # later ones: each is there if the host object has its method
    HostFunction("cache_delete", (_KEY,), _ok),
    HostFunction("time_now", (), _kept("now"), bare=True),
    HostFunction("store_file", (_KEY, ("data", BYTES), ("metadata", _STRINGS)), _status),
    HostFunction(
        "get_file",
        (_KEY,),
        lambda result: {"data": result[0], "metadata": result[1]},
    ),
    HostFunction("delete_file", (_KEY,), _status),
    HostFunction("list_files", (("prefix", STRING),), _same),
    HostFunction(
        "generate_thumbnail",
        (("data", BYTES), ("content_type", STRING), ("max_width", _SIZE), ("max_height", _SIZE)),
        lambda result: {"thumb_content_type": result[1], "thumb_data": result[0]},
    ),
    HostFunction(
        "create_article_attachment",
        (
            ("article_id", INT),
            ("created_by", INT),
            ("filename", STRING),
            ("content_type", STRING),
            ("content", BYTES),
        ),
        _kept("id"),
    ),
    HostFunction("list_article_attachments", (("article_id", INT),), _kept("attachments")),
    HostFunction(
        "delete_article_attachment", (("article_id", INT), ("attachment_id", INT)), _status
    ),
    HostFunction("create_article", (*_TICKET, ("visible_to_customer", BOOL)), _kept("id")),
    HostFunction(
        "change_ticket_status",
        (("ticket_id", INT), ("state_id", INT), ("user_id", INT), ("until_time", INT)),
        _status,
    ),
    HostFunction("list_ticket_states", (), _kept("states"), bare=True),
    HostFunction("list_ticket_views", (), _kept("views"), bare=True),
    HostFunction(
        "render_markdown_to_pdf",
        (("markdown", STRING), ("options", _PDF_OPTIONS)),
        lambda pdf: {"pdf": pdf},
    ),
]

FUNCTIONS = {row.name: row for row in _ROWS}
_OK, _STATUS, _VALUE, _ID = ('{"ok": true}', '{"status": "ok"}', '{"value": string}', '{"id": int}')
#: the JSON that a guest gets, by function
ANSWERS = {
    "db_query": "array of {column: any}, or null for no rows",
    "db_exec": '{"affected": int}',
    "cache_get": '{"found": bool, "value": []byte or null}',
    "http_request": '{"body": []byte or null, "status": int}',
    "recycle_bin_list": "the host's JSON as it is",
    "org_id": "int",
    "custom_fields_get": "{field: any}, or null",
    "custom_fields_query": "array of int, or null",
    "time_now": '{"now": string, RFC 3339}',
    "get_file": '{"data": []byte or null, "metadata": {string: string} or null}',
    "list_files": "array of FileInfo, or null",
    "generate_thumbnail": '{"thumb_content_type": string, "thumb_data": []byte}',
    "list_article_attachments": '{"attachments": array of Attachment, or null}',
    "list_ticket_states": '{"states": array of State, or null}',
    "list_ticket_views": '{"views": array of View, or null}',
    "render_markdown_to_pdf": '{"pdf": []byte}',
    **dict.fromkeys(("cache_set", "send_email", "cache_delete"), _OK),
    **dict.fromkeys(("config_get", "translate", "secure_config_get"), _VALUE),
    **dict.fromkeys(("create_article", "create_article_attachment"), _ID),
    **dict.fromkeys(
        (
            *("publish_event", "entity_soft_delete", "entity_restore", "entity_hard_delete"),
            *("secure_config_set", "custom_fields_set", "store_file", "delete_file"),
            *("delete_article_attachment", "change_ticket_status"),
        ),
        _STATUS,
    ),
}
#: the objects in requests and answers, with their members; ``?`` are those that may be missing
SHAPES = {
    "Filter": "`field` string, `operator` string, `value` any, `value2` any",
    "FileInfo": "`key` string, `size` int, `content_type`? string, `metadata`? {string: string}, "
    "`modified_at`? string",
    "Attachment": "`id` int, `article_id` int, `filename` string, `content_type` string, "
    "`size` int, `url` string",
    "State": "`id` int, `name` string, `color`? string, `type_id`? int, `type_name`? string",
    "View": "`plugin_name` string, `ui_id` string, `label` string, `url` string",
    "PdfOptions": "`PageSize` string, `MarginMM` float, `Title` string, `BrandName` string, "
    "`BrandColor` string, `BrandLogoURL` string",
}
#: names that the dispatcher answers itself
RESERVED = ("plugin_call", "log", "last_error")
