"""The server, asked without a socket: who may ask what, and what plugins are told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from plugin_guests import LOOP, RELAY, asker, guest, quick

pytest.importorskip("starlette", reason="the extra server is not installed")
pytest.importorskip("sse_starlette")

from starlette.testclient import TestClient

import pywasmgk
from pywasmgk import MemoryHost
from pywasmgk.platform import PluginManager, Policies
from pywasmgk.platform.server.app import ServerSettings, server_app

TOKEN = "a token of the tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
BASE = "http://127.0.0.1:8000"


def route(method: str, path: str, *middleware: str, handler: str = "echo") -> dict[str, Any]:
    return {"method": method, "path": path, "handler": handler, "middleware": [*middleware]}


def plugin(name: str = "desk", *routes: dict[str, Any], **more: Any) -> bytes:
    """Gives its arguments back."""
    parts = {key: more.pop(key) for key in ("call",) if key in more}
    return guest({"name": name, "version": "1.0.0", "routes": [*routes], **more}, **parts)


def client_of(*modules: bytes, policies: Policies | None = None, **settings: Any) -> TestClient:
    manager = PluginManager(MemoryHost(), policies=policies)
    for data in modules:
        manager.register(quick(data))
    options = {"token": TOKEN, "names": ("127.0.0.1", "testserver"), **settings}
    client = TestClient(
        server_app(manager, ServerSettings(**options)), base_url=BASE, follow_redirects=False
    )
    client.manager = manager  # type: ignore[attr-defined]
    return client


def logged_in(client: TestClient) -> TestClient:
    """With the cookie of a browser."""
    assert client.get(f"/-/login?token={TOKEN}").status_code == 303
    return client


def csrf_of(client: TestClient) -> dict[str, str]:
    text = client.get("/-/", headers={"Accept": "text/html"}).text
    token = text.partition('name="csrf-token" content="')[2].partition('"')[0]
    return {"X-CSRF-Token": token, "Origin": BASE, "Sec-Fetch-Site": "same-origin"}


# -- who may ask


def test_without_the_token_nothing_is_told() -> None:
    client = client_of(plugin("desk", route("GET", "/a")))
    for path in ("/a", "/", "/none", "/-/", "/-/status", "/-/events", "/-/plugins/desk"):
        answer = client.get(path)
        assert answer.status_code == 401, path
        assert "desk" not in answer.text
        page = client.get(path, headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/-/login")


@pytest.mark.parametrize("given", ["Bearer wrong", "Basic YTpi", f"Bearer {TOKEN}x", "Bearer", "é"])
def test_a_wrong_token_is_none(given: str) -> None:
    headers = {"Authorization": given.encode()}
    assert client_of(plugin()).get("/-/status", headers=headers).status_code == 401


def test_the_link_leaves_a_cookie_that_no_script_and_no_other_site_has() -> None:
    client = client_of(plugin())
    answer = client.get(f"/-/login?token={TOKEN}")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower() and TOKEN not in cookie
    assert client.get("/-/status").status_code == 200
    assert client_of(plugin()).get("/-/login?token=x").status_code == 401


def test_the_form_takes_the_token_too() -> None:
    client = client_of(plugin())
    assert client.post("/-/login", data={"token": "x"}).status_code == 401
    assert client.post("/-/login", data={"token": TOKEN}).status_code == 303
    assert client.get("/-/status").status_code == 200


def test_without_a_token_all_may_ask() -> None:
    assert client_of(plugin(), token=None).get("/-/status").status_code == 200


def test_hosts_of_other_names_are_refused() -> None:
    client = client_of(plugin(), token=None)
    for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""):
        assert client.get("/-/status", headers={"Host": host}).status_code == 421, host
    assert client.get("/-/status", headers={"Host": "127.0.0.1:1"}).status_code == 200


def test_public_routes_are_those_without_middleware() -> None:
    routes = route("GET", "/open"), route("GET", "/mine", "auth"), route("GET", "/all", "admin")
    client = client_of(plugin("desk", *routes), public=True)
    assert client.get("/open").json() == {"_method": "GET", "_path": "/open"}
    assert client.get("/mine").status_code == 401
    assert client.get("/all").status_code == 401
    assert client.get("/none").status_code == 401
    assert client.get("/-/status").status_code == 401
    assert client.get("/mine", headers=BEARER).json()["_is_admin"] is True


# -- pages of other sites


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": BASE},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": BASE, "X-CSRF-Token": "guessed"},
    ],
)
@pytest.mark.parametrize("path", ["/a", "/-/plugins/desk/call/echo"])
def test_a_cookie_alone_changes_nothing(headers: dict[str, str], path: str) -> None:
    client = logged_in(client_of(plugin("desk", route("POST", "/a"))))
    assert client.post(path, json={}, headers=headers).status_code == 403
    assert client.manager.stats("desk").calls == 0  # type: ignore[attr-defined]


def test_our_own_pages_change_things() -> None:
    client = logged_in(client_of(plugin("desk", route("POST", "/a"))))
    assert client.post("/a", json={"x": 1}, headers=csrf_of(client)).json()["x"] == 1


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_other_sites_change_nothing_where_no_token_is_needed(headers: dict[str, str]) -> None:
    client = client_of(plugin("desk", route("POST", "/a")), token=None)
    assert client.post("/a", json={}, headers=headers).status_code == 403
    assert client.post("/a", json={}).status_code == 200


def test_a_page_of_a_plugin_asks_for_its_own_routes_only() -> None:
    client = client_of(plugin("desk", route("GET", "/a")), plugin("shop", route("GET", "/b")))
    headers = {**BEARER, "X-Plugin": "desk"}
    assert client.get("/a", headers=headers).status_code == 200
    assert client.get("/b", headers=headers).status_code == 403


# -- what plugins are told (contract 5.7)


def asked(method: str, path: str, routed: str = "/a/:id", **request: Any) -> Any:
    client = client_of(plugin("desk", route(method, routed)))
    headers = {**BEARER, **request.pop("headers", {})}
    return client.request(method, path, headers=headers, **request)


JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WHO = {"_user_id": 1, "_user_login": "operator", "_user_role": "Admin", "_is_admin": True}


def test_arguments_are_one_flat_object() -> None:
    answer = asked("POST", "/a/7?q=1&many=1&many=2&over=query", json={"over": "body", "n": None})
    assert answer.json() == {
        "id": "7", "q": "1", "many": ["1", "2"], "over": "body", "n": None,
        "_method": "POST", "_path": "/a/7", **WHO,
    }  # fmt: skip


def test_the_path_counts_more_than_body_and_query() -> None:
    assert asked("POST", "/a/7?id=8", json={"id": "9"}).json()["id"] == "7"


def test_what_only_the_server_says_no_client_says() -> None:
    said = {"_user_id": 99, "_is_admin": False, "_USER_ID": 98, "_org_id": 5, "_lang": "xx"}
    answer = asked("POST", "/a/7?_org_id=3&_customer_login=x", json=said)
    assert answer.json() == {"id": "7", "_method": "POST", "_path": "/a/7", **WHO}


def test_forms_are_bodies_too() -> None:
    answer = asked("POST", "/a/7", data={"text": "ä&b", "many": ["1", "2"]})
    assert answer.json()["text"] == "ä&b" and answer.json()["many"] == ["1", "2"]


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (400, {"content": "[1]", "headers": JSON}),
        (400, {"content": "{", "headers": JSON}),
        (400, {"content": "[" * 100_000, "headers": JSON}),
        (
            400,
            {
                "content": b"\xff=1",
                "headers": FORM,
            },
        ),
        (415, {"content": "{}", "headers": {"Content-Type": "text/plain"}}),
        (415, {"content": "{}"}),
        (
            413,
            {"content": b"{" + b" " * 2_000_000, "headers": JSON},
        ),
        (413, {"content": (b" " * 1000 for _ in range(2000))}),
        (413, {"content": b"{}", "headers": {"Content-Length": "9" * 30}}),
    ],
)
def test_bodies_that_are_none(status: int, request_: dict[str, Any]) -> None:
    answer = asked("POST", "/a/7", **request_)
    assert answer.status_code == status and answer.json()["error"]["message"]


def test_paths_that_lead_nowhere() -> None:
    client = client_of(plugin("desk", route("GET", "/a"), route("PUT", "/a")))
    answer = client.post("/a", headers=BEARER, json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PUT")
    for path in ("/b", "/a/", "/%2e%2e/a", "/-/assets/../app.py", "/-/assets/%2e%2e/app.py"):
        assert client.get(path, headers=BEARER).status_code == 404, path
    assert client.get("/", headers=BEARER).headers["location"] == "/-/"


def test_unknown_middleware_is_no_open_door() -> None:
    client = client_of(plugin("desk", route("GET", "/a", "queue_admin")), public=True)
    assert client.get("/a", headers=BEARER).status_code == 404
    (refused,) = client.get("/-/status", headers=BEARER).json()["refused"]
    assert "queue_admin" in refused["reason"]
    assert "queue_admin" in client.get("/-/plugins", headers=BEARER).text
    log = client.manager.log.at_least("warn")  # type: ignore[attr-defined]
    assert any("queue_admin" in entry.message for entry in log)


# -- answers


def html(value: dict[str, Any]) -> TestClient:
    module = plugin("desk", route("POST", "/a"))
    client = logged_in(client_of(module))
    client.value = value  # type: ignore[attr-defined]
    return client


def page_of(value: dict[str, Any], accept: str = "text/html") -> Any:
    client = html(value)
    headers = {**csrf_of(client), "Accept": accept}
    return client.post("/a", json=value, headers=headers)


def test_html_is_put_into_a_page_as_data() -> None:
    answer = page_of({"html": HOSTILE, "title": HOSTILE, "active_page": HOSTILE})
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "<script>alert" not in answer.text and "<img src=x" not in answer.text
    data = answer.text.partition('id="plugin-html">')[2].partition("</script>")[0]
    assert json.loads(data) == HOSTILE


def test_raw_html_is_a_page_in_a_sandbox() -> None:
    answer = page_of({"html": "<p>x", "raw": True})
    assert answer.text == "<p>x"
    policy = answer.headers["content-security-policy"]
    assert "sandbox;" in policy and "default-src 'none'" in policy and "script-src" not in policy


def test_programs_get_json() -> None:
    value = {"html": HOSTILE, "title": "t"}
    answer = page_of(value, accept="application/json")
    assert answer.json()["html"] == HOSTILE and "<" not in answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_trap_is_told_with_its_place_to_the_operator_alone() -> None:
    module = plugin("desk", route("GET", "/a"), call=("unreachable",))
    client = client_of(module, public=True)
    answer = client.get("/a", headers=BEARER)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (502, "CallError", "UNREACHABLE")
    assert error["frames"]
    assert set(client.get("/a").json()["error"]) == {"type", "message"}


def test_time_is_up() -> None:
    manager = PluginManager(MemoryHost())
    module = plugin("desk", route("GET", "/a"), call=(*LOOP, "i64.const 0"))
    manager.register(pywasmgk.load(module, timeout=0.2, fuel=None))
    client = TestClient(server_app(manager, ServerSettings(TOKEN)), base_url=BASE)
    assert client.get("/a", headers=BEARER).status_code == 504


def test_what_is_switched_off_is_not_there() -> None:
    client = client_of(plugin("desk", route("GET", "/a")))
    path = "/-/plugins/desk/enabled"
    assert client.put(path, json={"enabled": False}, headers=BEARER).json() == {"enabled": False}
    assert client.get("/a", headers=BEARER).status_code == 404
    assert client.put(path, json={"enabled": 1}, headers=BEARER).status_code == 400
    client.put(path, json={"enabled": True}, headers=BEARER)
    assert client.get("/a", headers=BEARER).status_code == 200
    other = "/-/plugins/none/enabled"
    assert client.put(other, json={"enabled": True}, headers=BEARER).status_code == 404


def test_a_replaced_plugin_has_its_new_routes() -> None:
    client = client_of(plugin("desk", route("GET", "/a")))
    assert client.get("/a", headers=BEARER).status_code == 200
    client.manager.replace("desk", quick(plugin("desk", route("GET", "/b"))))  # type: ignore[attr-defined]
    assert client.get("/a", headers=BEARER).status_code == 404
    assert client.get("/b", headers=BEARER).status_code == 200


# -- pages of the operator


def test_no_page_takes_names_for_markup() -> None:
    menu = {"id": "m", "label": HOSTILE, "path": "javascript:alert(1)", "location": HOSTILE}
    out = {**menu, "path": "//evil.example/"}
    widget = {"id": "w", "title": HOSTILE, "handler": HOSTILE, "location": "dashboard"}
    module = plugin(
        "desk", route("GET", "/" + HOSTILE.replace("/", ""), HOSTILE),
        description=HOSTILE, menu_items=[menu, out], widgets=[widget], landing_page=HOSTILE,
    )  # fmt: skip
    client = client_of(module, policies=Policies())
    client.manager.log.add("info", HOSTILE, {HOSTILE: HOSTILE}, HOSTILE)  # type: ignore[attr-defined]
    for path in ("/-/", "/-/plugins", "/-/plugins/desk", "/-/log"):
        text = client.get(path, headers=BEARER).text
        assert "<script>alert" not in text and "<img src=x" not in text, path
        assert 'href="javascript' not in text and 'href="//' not in text


def test_functions_are_called_by_hand() -> None:
    client = client_of(plugin())
    answer = client.post("/-/plugins/desk/call/echo", json={"args": [1]}, headers=BEARER).json()
    assert answer["result"] == [1]
    assert answer["call"]["fuel"] > 0 and answer["call"]["function"] == "echo"
    assert "Fuel" in client.get("/-/plugins/desk/plots", headers=BEARER).text
    missing = client.post("/-/plugins/none/call/echo", json={}, headers=BEARER)
    assert missing.status_code == 404


def test_policies_are_seen_and_changed() -> None:
    client = client_of(asker("desk"), policies=Policies())
    path = "/-/plugins/desk/policy"
    assert client.get(path, headers=BEARER).json()["decided"] is False
    policy = {"plugin_name": "desk", "status": "blocked"}
    assert client.put(path, json=policy, headers=BEARER).json()["decided"] is True
    assert client.manager.policies.get("desk").blocked  # type: ignore[attr-defined]
    assert client.put(path, json={"statos": "x"}, headers=BEARER).status_code == 400
    assert client.put(path, json={"plugin_name": "other"}, headers=BEARER).status_code == 400
    assert client.delete(path, headers=BEARER).json()["decided"] is False
    assert client_of(plugin()).get(path, headers=BEARER).status_code == 409


def test_the_frame_can_do_nothing_but_tell() -> None:
    answer = client_of(plugin()).get("/-/frame")
    policy = answer.headers["content-security-policy"]
    assert "sandbox allow-scripts" in policy and "allow-same-origin" not in policy
    assert "form-action 'none'" in policy and "connect-src" not in policy


# -- many at a time


class Slow(MemoryHost):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.gate = threading.Semaphore(0), threading.Event()

    def cache_get(self, ctx: Any, key: str) -> bytes | None:
        self.entered.release()
        self.gate.wait(30)
        return None


@contextmanager
def while_one_waits(calls: int) -> Iterator[TestClient]:
    """A server that runs so many calls at a time, while one of them waits for its host."""
    host = Slow()
    manager = PluginManager(host)
    manager.register(pywasmgk.load(RELAY))
    manager.register(quick(plugin("desk")))
    settings = ServerSettings(TOKEN, calls=calls, waiting=0)
    with TestClient(server_app(manager, settings), base_url=BASE) as client:
        statuses: list[int] = []

        def ask() -> None:
            path = "/-/plugins/relay/call/cache_get"
            answer = client.post(path, json={"args": {"key": "k"}}, headers=BEARER)
            statuses.append(answer.status_code)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            assert host.entered.acquire(timeout=30)
            yield client
        finally:
            host.gate.set()
            thread.join(60)
    assert statuses == [200]


@pytest.mark.parametrize(("calls", "status"), [(2, 200), (1, 503)])
def test_while_one_waits_others_are_answered_unless_too_many_wait(calls: int, status: int) -> None:
    with while_one_waits(calls) as client:
        answer = client.post("/-/plugins/desk/call/echo", json={"args": 1}, headers=BEARER)
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == ("1" if status == 503 else None)
