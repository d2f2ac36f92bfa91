"""Manifests: group B of the conformance cases (contract part 3), and what is odd in them."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from plugin_guests import guest, quick

from pywasmgk.errors import ManifestError
from pywasmgk.plugin import MemoryHost
from pywasmgk.plugin.limits import Limits, lowered, parse_duration
from pywasmgk.plugin.manifest import (
    GKRegistration,
    Resources,
    Route,
    manifest_warnings,
    parse_manifest,
)
from pywasmgk.plugin.schema import MAX_NESTING

case = pytest.mark.case

FULL: dict[str, Any] = {
    "name": "full",
    "version": "1.2.3",
    "description": "all",
    "author": "somebody",
    "license": "MIT",
    "homepage": "https://example.org",
    "icon": "<svg/>",
    "routes": [
        {
            "method": "GET",
            "path": "/a",
            "handler": "h",
            "middleware": ["auth"],
            "description": "d",
        }
    ],
    "menu_items": [
        {
            "id": "m",
            "label": "M",
            "icon": "i",
            "path": "/m",
            "location": "admin",
            "parent": "p",
            "order": 3,
            "children": [{"id": "c", "label": "C", "path": "/c", "location": "admin"}],
        }
    ],
    "widgets": [
        {
            "id": "w",
            "title": "W",
            "description": "d",
            "handler": "h",
            "location": "dashboard",
            "size": "small",
            "order": -1,
            "refreshable": True,
            "refresh_sec": 60,
        }
    ],
    "jobs": [
        {
            "id": "j",
            "handler": "h",
            "schedule": "0 * * * *",
            "description": "d",
            "enabled": True,
            "timeout": "5m",
        }
    ],
    "templates": [{"name": "t", "path": "t.html", "override": True}],
    "i18n": {
        "namespace": "n",
        "languages": ["de", "en"],
        "translations": {"de": {"hello": "Hallo"}, "en": {}},
    },
    "error_codes": [{"code": "E1", "message": "bad", "http_status": 400}],
    "hide_menu_items": ["tickets"],
    "landing_page": "/home",
    "groups": [{"name": "g", "description": "d"}],
    "custom_fields": [
        {
            "name": "f",
            "label": "F",
            "entity_type": "ticket",
            "field_type": "select",
            "section": "s",
            "order": 1,
            "required": True,
            "description": "d",
            "placeholder": "p",
            "config": {"options": [1, "two", None]},
        }
    ],
    "uis": [
        {
            "id": "u",
            "name": "U",
            "description": "d",
            "type": "kiosk",
            "icon": "i",
            "shell": "none",
            "routes": [{"path": "/", "method": "GET", "handler": "h"}],
            "nav": {
                "position": "left",
                "items": [{"label": "l", "icon": "i", "path": "/", "badge": "b", "order": 2}],
            },
            "branding": {"app_name": "a", "logo": "l", "favicon": "f", "color": "c"},
            "auth": {"method": "session", "groups": ["g"]},
            "pwa": {
                "enabled": True,
                "start_url": "/",
                "display": "standalone",
                "theme_color": "#fff",
                "cache_routes": ["/"],
            },
            "data_scope": "own",
            "rate_limit": 10,
            "ticket_view": {"path": "/t", "param": "id", "label": "T"},
        }
    ],
    "cascades": [{"entity_type": "ticket", "on_soft_delete": "s", "on_hard_delete": "h"}],
    "skip_org_injection": True,
    "mcp_tools": [
        {"name": "t", "description": "d", "handler": "h", "input_schema": {"type": "object"}}
    ],
    "event_authorizer": "auth",
    "setup_tasks": [
        {
            "id": "s",
            "title": "S",
            "description": "d",
            "icon": "i",
            "handler": "h",
            "category": "c",
        }
    ],
    "min_host_version": "0.7.0",
    "permissions": ["db"],
    "resources": {
        "memory_mb": 16,
        "call_timeout": "10s",
        "init_timeout": "5s",
        "shutdown_timeout": "1s",
        "permissions": [{"type": "db", "access": "read", "scope": ["ticket"]}],
        "max_file_storage_bytes": 1000,
    },
}


def loaded(manifest: Any, **options: Any) -> Any:
    """The manifest of a plugin that gives this one, bytes as they are."""
    return quick(guest(manifest), **options).registration


@case("B01")
def test_every_field() -> None:
    manifest = loaded(FULL)
    assert json.loads(manifest.to_json()) == FULL
    assert manifest.raw == FULL
    assert manifest.routes == (Route("GET", "/a", "h", ("auth",), "d"),)
    assert manifest.i18n.translations["de"]["hello"] == "Hallo"
    assert manifest.uis[0].nav.items[0].order == 2
    assert manifest.resources.permissions[0].scope == ("ticket",)
    names = {field.metadata["go"][0] for field in dataclasses.fields(manifest) if field.metadata}
    assert names == set(FULL)


@case("B02")
@pytest.mark.parametrize("text", [b"{}", b"null"])
def test_an_empty_manifest_says_nothing(text: bytes) -> None:
    with pytest.raises(ManifestError, match=r'parse manifest: it is empty; the least is \{"name":'):
        loaded(text)


@case("B02")
def test_no_single_key_is_needed() -> None:
    manifest = loaded({"author": ""})
    assert (manifest.name, manifest.version, manifest.routes) == ("", "", ())
    empty = ("name", "version", "description", "author", "license", "homepage")
    assert json.loads(manifest.to_json()) == dict.fromkeys(empty, "")


@case("B02", "W14")
@pytest.mark.parametrize(
    ("manifest", "text"),
    [
        ({"version": "1"}, "name '' must match"),
        ({"name": "A"}, "name 'A' must match"),
        ({"name": "../x", "version": "1"}, "must match"),
        ({"name": "x\n", "version": "1"}, "must match"),
        ({"name": "x"}, "version is missing"),
        ({"Name": "x", "version": "1"}, "keys in another case: Name"),
        ({"name": "x", "version": "1", "routes": [{"PATH": ""}]}, r"case: routes\.PATH"),
        ({"name": "x", "version": "1", "min_host_version": "99.0"}, r"above this host's 0\.8\.0"),
    ],
)
def test_strict_mode(manifest: dict[str, Any], text: str) -> None:
    with pytest.raises(ManifestError, match=rf"^gk_register failed: parse manifest: .*{text}"):
        loaded(manifest, strict=True)
    loaded(manifest)


def test_strict_mode_accepts_what_is_right() -> None:
    assert loaded({"name": "a1_b-c", "version": "1"}, strict=True).name == "a1_b-c"


@case("B03")
@pytest.mark.parametrize("text", [b"[]", b'"x"', b"1", b"true", b"1.5"])
def test_no_object(text: bytes) -> None:
    with pytest.raises(ManifestError, match=r"^gk_register failed: parse manifest: cannot unmarsh"):
        loaded(text)


@case("B04")
def test_keys_in_another_case() -> None:
    manifest = loaded({"NAME": "x", "Routes": [{"PATH": "/a"}], "de\u017fcription": "d"})
    assert (manifest.name, manifest.routes[0].path, manifest.description) == ("x", "/a", "d")


@case("B05")
def test_camel_case_is_another_key() -> None:
    manifest = loaded({"menuItems": [{"id": "a"}]})
    assert manifest.menu_items == ()
    assert manifest.unknown_keys == ["menuItems"]


@case("B06", "W54")
def test_unknown_keys() -> None:
    value = {
        "name": "x",
        "top": 1,
        "i18n": {"de": {"a": "b"}},
        "uis": [{"id": "u", "nav": {"items": [{"label": "l", "deep": [1]}]}}],
    }
    manifest = loaded(value)
    assert manifest.raw == value
    assert manifest.unknown_keys == ["top", "i18n.de", "uis.nav.items.deep"]
    plugin = quick(guest(value))
    host = MemoryHost()
    plugin.init(host)
    text = "unknown keys in the manifest: top, i18n.de, uis.nav.items.deep"
    assert plugin.warnings == (text,)
    assert host.logs == [("warn", text, {"plugin": "x"})]


@case("B07")
def test_null_is_the_zero_value() -> None:
    manifest = loaded({"name": None, "routes": None, "i18n": None, "skip_org_injection": None})
    assert (manifest.name, manifest.routes, manifest.i18n) == ("", (), None)
    assert manifest.skip_org_injection is False
    assert loaded({"routes": [None], "hide_menu_items": [None]}).routes == (Route(),)


@case("B08")
@pytest.mark.parametrize(
    "text",
    [
        '{"name": 1}',
        '{"menu_items": [{"order": "3"}]}',
        '{"menu_items": [{"order": 1.0}]}',
        '{"menu_items": [{"order": 1e2}]}',
        '{"menu_items": [{"order": true}]}',
        '{"menu_items": [{"order": 9223372036854775808}]}',
        '{"menu_items": [{"order": -9223372036854775809}]}',
        '{"jobs": [{"enabled": 1}]}',
        '{"routes": {}}',
        '{"i18n": []}',
        '{"i18n": {"translations": {"de": {"a": 1}}}}',
        '{"name": 1, "name": "x"}',
    ],
)
def test_wrong_types(text: str) -> None:
    with pytest.raises(
        ManifestError, match=r"^gk_register failed: parse manifest: [a-z0-9_.\[\]]+: "
    ):
        loaded(text.encode())


@case("B10")
@pytest.mark.parametrize(
    "text",
    [
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1,}',
        b'{"a": [1,]}',
        b'\xef\xbb\xbf{"name": "x"}',
        b'{"name": "x"} y',
        b'{"name": "x"}{}',
        b"{'name': 'x'}",
        b'{"name": "x"} // no',
        b'{"name": x}',
        b"{",
        b'{"name',
    ],
)
def test_no_json(text: bytes) -> None:
    with pytest.raises(ManifestError, match=r"^gk_register failed: parse manifest: "):
        loaded(text)


@case("B12")
def test_a_raw_newline_in_a_string() -> None:
    with pytest.raises(ManifestError, match="invalid control character"):
        loaded(b'{"name": "a\nb"}')


@case("B13")
def test_white_space_around() -> None:
    assert loaded(b' \t\r\n{"name": "x"}\n \t').name == "x"


@case("B14")
def test_the_last_of_two_keys_wins() -> None:
    assert loaded(b'{"name": "a", "name": "b"}').name == "b"
    assert loaded(b'{"name": "a", "NAME": "b"}').name == "b"


def test_duplicates_decode_into_what_is_there() -> None:
    manifest = loaded(
        b'{"name": "a", "name": null,'
        b' "routes": [{"path": "/1", "method": "GET"}, {"path": "/2"}],'
        b' "Routes": [{"path": "/3"}],'
        b' "i18n": {"namespace": "n", "translations": {"de": {"a": "b"}}},'
        b' "i18n": {"translations": {"en": {}}},'
        b' "hide_menu_items": ["x"], "hide_menu_items": null,'
        b' "mcp_tools": [{"input_schema": {"a": 1}}],'
        b' "mcp_tools": [{"input_schema": {"b": 2}}]}'
    )
    assert manifest.name == "a"
    assert [(route.method, route.path) for route in manifest.routes] == [("GET", "/3")]
    assert manifest.i18n.namespace == "n"
    assert manifest.i18n.translations == {"de": {"a": "b"}, "en": {}}
    assert manifest.hide_menu_items == ()
    assert manifest.mcp_tools[0].input_schema == {"a": 1, "b": 2}


@case("B15")
def test_nested_menus() -> None:
    item: dict[str, Any] = {"id": "3"}
    for number in (2, 1):
        item = {"id": str(number), "children": [item]}
    manifest = loaded({"menu_items": [item]})
    assert manifest.menu_items[0].children[0].children[0].id == "3"


def test_menus_nested_without_end_are_an_error() -> None:
    depth = MAX_NESTING + 1
    text = b'{"menu_items":[' + b'{"children":[' * depth + b"]}" * depth + b"]}"
    with pytest.raises(ManifestError, match=f"nested deeper than {MAX_NESTING} objects"):
        loaded(text)
    depth = 4999
    text = b'{"menu_items":[' + b'{"children":[' * depth + b"]}" * depth + b"]}"
    with pytest.raises(ManifestError, match="nested deeper"):
        quick(guest(text, pages=2))


def test_deep_values_under_unknown_keys() -> None:
    plugin = quick(guest(b'{"name": "x", "y": ' + b"[" * 9_999 + b"]" * 9_999 + b"}"))
    assert plugin.registration.name == "x"
    with pytest.raises(ManifestError, match="exceeded max depth"):
        loaded(b'{"name": "x", "y": ' + b"[" * 10_000 + b"]" * 10_000 + b"}")


@case("B16")
def test_a_job_is_disabled_unless_enabled() -> None:
    assert loaded({"jobs": [{"id": "j"}]}).jobs[0].enabled is False


@case("B18")
@pytest.mark.parametrize("config", [0, False, "", [], {}, 2**60, {"a": [None, {"b": 1.5}]}, "x"])
def test_a_custom_fields_config(config: Any) -> None:
    manifest = loaded({"custom_fields": [{"config": config}]})
    assert manifest.custom_fields[0].config == config
    assert json.loads(manifest.to_json())["custom_fields"][0]["config"] == config


@case("B20")
def test_the_manifest_is_the_callers_own() -> None:
    plugin = quick(guest(FULL))
    mine = plugin.registration
    mine.raw["name"] = "changed"
    mine.i18n.translations["de"]["hello"] = "changed"  # type: ignore[union-attr]
    assert plugin.registration.raw["name"] == plugin.name == "full"
    assert plugin.registration == parse_manifest(json.dumps(FULL).encode())
    with pytest.raises(dataclasses.FrozenInstanceError):
        mine.name = "other"  # type: ignore[misc]


# -- what the host makes of resources


@case("W15")
def test_a_plugin_may_ask_for_less() -> None:
    asked = {"memory_mb": 1, "call_timeout": "2s"}
    plugin = quick(guest({"name": "x", "resources": asked}, pages=2))
    assert plugin.limits == Limits(memory_limit=16, timeout=2.0)
    assert plugin._guest is not None and plugin._guest.exports.memory.limit == 16
    assert plugin.options.limits.memory_limit == 256
    assert plugin.warnings == ()


@case("W15")
@pytest.mark.parametrize(
    ("asked", "warning"),
    [
        ({"memory_mb": 17}, "memory_mb 17 is not granted: the host's limit is 256 pages"),
        ({"memory_mb": -1}, "memory_mb -1 is not granted"),
        ({"call_timeout": "1h"}, "call_timeout 1h is not granted: the host's limit is 30.0 s"),
        ({"call_timeout": "-1s"}, "call_timeout -1s is not granted"),
        ({"call_timeout": "soon"}, "call_timeout is ignored: invalid duration 'soon'"),
        ({"init_timeout": "1s"}, "init_timeout has no effect"),
        ({"shutdown_timeout": "1s"}, "shutdown_timeout has no effect"),
    ],
)
def test_it_gets_no_more_than_the_host_gives(asked: dict[str, Any], warning: str) -> None:
    limits, warnings = lowered(Limits(), Resources(**asked))
    assert limits == Limits()
    assert len(warnings) == 1 and warnings[0].startswith(f"resources.{warning}")


def test_nothing_asked_changes_nothing() -> None:
    assert lowered(Limits(), None) == lowered(Limits(), Resources()) == (Limits(), [])
    unlimited = Limits(timeout=None)
    assert lowered(unlimited, Resources(call_timeout="3m"))[0].timeout == 180


@case("W15")
@pytest.mark.parametrize(
    ("manifest", "warning"),
    [
        (GKRegistration(min_host_version="0.8.1"), "min_host_version 0.8.1 is above this host's"),
        (GKRegistration(min_host_version="v1"), "min_host_version v1 is above this host's 0.8.0"),
        (GKRegistration(permissions=("db",)), "permissions is a legacy key without effect"),
        (GKRegistration(min_host_version="0.8.0"), ""),
        (GKRegistration(min_host_version="soon"), ""),
    ],
)
def test_warnings(manifest: GKRegistration, warning: str) -> None:
    found = manifest_warnings(manifest)
    assert len(found) == bool(warning)
    assert "".join(found).startswith(warning)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("0", 0),
        ("-2m", -120),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "s", "1x", "1s ", "1 s", "5m3", ".s", "--1s", "\u0661s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_duration(text)


@pytest.mark.parametrize("unit", ["1000000ns", "1000us", "1000\u00b5s", "1000\u03bcs", "1ms"])
def test_units_of_durations(unit: str) -> None:
    assert parse_duration(unit) == pytest.approx(0.001)
