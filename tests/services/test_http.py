"""The http service against a server of this machine, with a resolver of the tests'."""

from __future__ import annotations

import gzip
import http.server
import json
import sys
import threading
import types
import zlib
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from pywasmgk.errors import Cancelled, DeadlineExceeded
from pywasmgk.platform import Permission, Policy, Sandbox
from pywasmgk.plugin import CallContext, HostAPI, HostFunctionError
from pywasmgk.services.addresses import Networks
from pywasmgk.services.http import HTTPLimits, HTTPService
from pywasmgk.services.unpooled import UnpooledTransport
from pywasmgk.wasm.runtime.metering import CancelToken, Meter

LOOPBACK = ("127.0.0.0/8",)
CTX = CallContext()
BOMB = 20 << 20


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers)))  # type: ignore
        name, _, rest = self.path.removeprefix("/").partition("/")
        getattr(self, f"on_{name}", self.on_echo)(rest)

    do_POST = do_PUT = do_HEAD = do_GET

    def reply(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def on_echo(self, rest: str) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        form = {"method": self.command, "body": self.rfile.read(size).decode(), "path": self.path}
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.reply(json.dumps({**form, "headers": headers}).encode())

    def on_to(self, rest: str) -> None:
        status, _, where = rest.partition("/")
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.reply(b"", int(status), Location=where)

    def on_gone(self, rest: str) -> None:
        self.reply(b"gone", 410)

    def on_big(self, rest: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        for _ in range(200):
            self.wfile.write(b"x" * 10_000)

    def on_packed(self, rest: str) -> None:
        raw = zlib.compressobj(wbits=-15)
        kinds = {
            "gzip": gzip.compress(b"unpacked"),
            "twice": gzip.compress(b"un") + gzip.compress(b"packed"),
            "deflate": zlib.compress(b"unpacked"),
            "raw": raw.compress(b"unpacked") + raw.flush(),
            "bomb": gzip.compress(b"0" * BOMB),
            "cut": gzip.compress(b"unpacked")[:-6],
            "bad": b"no gzip",
        }
        encoding = "deflate" if rest in ("deflate", "raw") else "gzip"
        self.reply(kinds[rest], Content_Encoding=encoding)

    def on_short(self, rest: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.close_connection = True

    def on_drip(self, rest: str) -> None:
        # headers, line by line, for as long as somebody listens
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.server.done.wait(0.05):  # type: ignore[attr-defined]
            self.wfile.write(b"X: y\r\n")

    def on_silent(self, rest: str) -> None:
        self.server.done.wait()  # type: ignore[attr-defined]
        self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients of these tests go away."""


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    found = Server(("127.0.0.1", 0), Handler)
    found.seen = []  # type: ignore[attr-defined]
    found.done = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield found
    found.done.set()  # type: ignore[attr-defined]
    found.shutdown()
    thread.join()
    found.server_close()


def here(name: str) -> Sequence[str]:
    return ["127.0.0.1"]


def transport(kind: str, resolve: Callable[[str], Sequence[str]] = here) -> Any:
    if kind == "unpooled":
        return UnpooledTransport(resolve)
    pytest.importorskip("httpcore", reason="the extra http is not installed")
    from pywasmgk.services.pooled import PooledTransport

    return PooledTransport(resolve)


@pytest.fixture(params=["unpooled", "pooled"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fetch(kind: str, server: Any) -> Iterator[Callable[..., tuple[int, bytes | None]]]:
    limits = HTTPLimits(body_bytes=1 << 20, redirects=3)
    service = HTTPService(networks=LOOPBACK, transport=transport(kind), limits=limits)
    server.seen.clear()

    def get(
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        ctx: CallContext = CTX,
        **headers: str,
    ) -> tuple[int, bytes | None]:
        url = f"http://site.test:{server.server_port}{path}"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return service.request(ctx, method, url, sent, body)

    yield get
    service.close()


def test_requests_and_answers(fetch: Any, server: Any) -> None:
    status, body = fetch("/x?a=1#b", "post", b"sent", X_Own="mine")
    form = json.loads(body)
    assert (status, form["method"], form["body"], form["path"]) == (200, "POST", "sent", "/x?a=1")
    headers = form["headers"]
    assert headers["host"] == f"site.test:{server.server_port}"
    assert (headers["x-own"], headers["content-length"]) == ("mine", "4")
    assert fetch("/gone") == (410, b"gone")
    assert fetch("/x", "HEAD")[1] == b""
    assert json.loads(fetch("/x", "PUT")[1])["headers"]["content-length"] == "0"


def test_redirects_are_followed_as_browsers_do(fetch: Any, server: Any) -> None:
    assert json.loads(fetch("/to/302//x", "POST", b"sent")[1])["method"] == "GET"
    form = json.loads(fetch("/to/307//x", "POST", b"sent")[1])
    assert (form["method"], form["body"]) == ("POST", "sent")
    fetch("/to/301//y", Authorization="secret")
    assert server.seen[-1][2]["authorization"] == "secret"
    with pytest.raises(HostFunctionError, match="more than 3 redirects"):
        fetch("/to/302//to/302//to/302//to/302//x")


def test_credentials_stay_with_their_origin(fetch: Any, server: Any) -> None:
    other = f"http://other.test:{server.server_port}/x"
    fetch(f"/to/302/{other}", Authorization="secret", Cookie="c", X_Own="mine")
    headers = {key.lower() for key in server.seen[-1][2]}
    assert headers & {"authorization", "cookie", "x-own"} == {"x-own"}


@pytest.mark.case("W29")
@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("http://10.0.0.1/", "10.0.0.1, which is not permitted"),
        ("http://[::ffff:10.0.0.1]/", "not permitted"),
        ("ftp://site.test/", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("http://a@site.test/", "user information"),
        ("//site.test\\@evil.test/", "backslashes"),
        ("http://0x7f.1/", "four decimal numbers"),
    ],
)
def test_a_redirect_is_judged_like_any_address(fetch: Any, where: str, why: str) -> None:
    with pytest.raises(HostFunctionError, match=why):
        fetch(f"/to/302/{where}")


@pytest.mark.case("W29")
@pytest.mark.parametrize("path", ["/big", "/packed/bomb"])
def test_a_body_has_a_limit(fetch: Any, path: str) -> None:
    with pytest.raises(HostFunctionError, match="more than 1,048,576 bytes"):
        fetch(path)


@pytest.mark.parametrize("how", ["gzip", "twice", "deflate", "raw"])
def test_bodies_are_unpacked(fetch: Any, how: str) -> None:
    assert fetch(f"/packed/{how}") == (200, b"unpacked")
    # who says what it takes, gets that
    assert fetch(f"/packed/{how}", Accept_Encoding="gzip")[1] != b"unpacked"


@pytest.mark.parametrize("path", ["/packed/cut", "/packed/bad", "/short"])
def test_bodies_that_break_off(fetch: Any, path: str) -> None:
    with pytest.raises(HostFunctionError, match=r"breaks off|unpacked|failed"):
        fetch(path)


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"X": "a\r\nHost: evil"}),
        ("GET", {"X: y\r\nZ": "a"}),
        ("GET", {"Host": "evil.test"}),
        ("GET", {"transfer-encoding": "chunked"}),
        ("GET", {"Content-Length": "3"}),
        ("GET", {"X": "\0"}),
        ("GET", {"": "a"}),
        ("GET", {"X": "\u2028"}),
        ("GET", {f"X{n}": "y" for n in range(101)}),
        ("GET", {"X": "y" * 40_000}),
        ("GET / HTTP/1.1\r\nX:", {}),
        ("CONNECT", {}),
        ("TRACE", {}),
    ],
)
def test_what_would_not_be_one_request(fetch: Any, server: Any, method: str, headers: Any) -> None:
    with pytest.raises(HostFunctionError, match=r"not sent|a value that is none|more than"):
        fetch("/x", method, **headers)
    assert server.seen == []


# -- where connections go


@pytest.mark.case("W29")
def test_a_name_that_changes_between_check_and_use(kind: str, server: Any) -> None:
    """There is one look-up for a connection, and its answer is both judged and used."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]])
    asked: list[str] = []

    def resolve(name: str) -> Sequence[str]:
        asked.append(name)
        return next(answers)

    service = HTTPService(networks=LOOPBACK, transport=transport(kind, resolve))
    url = f"http://site.test:{server.server_port}/x"
    assert service.request(CTX, "GET", url, {}, None)[0] == 200
    assert asked == ["site.test"]
    service.close()
    with pytest.raises(
        HostFunctionError, match=r"site.test is at 10.0.0.1, which is not permitted"
    ):
        service.request(CTX, "GET", url, {}, None)
    service.close()


@pytest.mark.case("W29")
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["93.184.215.14", "127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1"],
        ["169.254.169.254"],
        ["224.0.0.1"],
        ["0.0.0.0"],
        ["fe80::1%eth0"],
        ["no address"],
        [],
    ],
)
def test_one_address_that_is_not_public_refuses_the_host(kind: str, addresses: list[str]) -> None:
    service = HTTPService(transport=transport(kind, lambda name: addresses))
    with pytest.raises(HostFunctionError, match=r"not permitted|no address"):
        service.request(CTX, "GET", "http://site.test/", {}, None)


def test_a_name_that_is_not_found(kind: str) -> None:
    def resolve(name: str) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(HostFunctionError, match=r"site.test is not found"):
        service = HTTPService(transport=transport(kind, resolve))
        service.request(CTX, "GET", "http://site.test/", {}, None)


def test_connections_are_not_shared_between_who_may_reach_what(server: Any) -> None:
    """A connection into a private network is not used for a plugin that may not go there."""
    service = HTTPService(transport=transport("pooled"))
    url = f"http://site.test:{server.server_port}/x"
    inside = CallContext(judge_url=lambda url: LOOPBACK)
    outside = CallContext(judge_url=lambda url: ())
    assert service.request(inside, "GET", url, {}, None)[0] == 200
    with pytest.raises(HostFunctionError, match="not permitted"):
        service.request(outside, "GET", url, {}, None)
    service.close()


class Web(HostAPI):
    def __init__(self, service: HTTPService) -> None:
        self.http_request = service.request  # type: ignore[method-assign]


@pytest.mark.case("W29")
def test_a_policy_judges_every_hop(kind: str, server: Any) -> None:
    service = HTTPService(transport=transport(kind))
    scope = ("site.test", "127.0.0.0/8")
    guarded = Sandbox(Web(service), "P", Policy(permissions=(Permission("http", "", scope),)))
    base = f"http://site.test:{server.server_port}"
    assert guarded.http_request(CTX, "GET", f"{base}/to/302//x", {}, None)[0] == 200
    elsewhere = f"http://evil.test:{server.server_port}/x"
    with pytest.raises(HostFunctionError, match=r'HTTP access to "http://evil.test'):
        guarded.http_request(CTX, "GET", f"{base}/to/302/{elsewhere}", {}, None)
    assert [entry.reason for entry in guarded.audit.entries()] == ["scope"]
    service.close()


# -- time


@pytest.mark.parametrize("path", ["/drip", "/silent"])
def test_a_request_ends_with_its_call(fetch: Any, path: str) -> None:
    now = [0.0]
    ctx = CallContext(meter=Meter(None, 1000.0, clock=lambda: now[0]))
    token = CancelToken()
    cancelled = CallContext(meter=Meter(None, None, token))
    timer = threading.Timer(0.3, lambda: now.__setitem__(0, 2000.0))
    timer.start()
    with pytest.raises(DeadlineExceeded):
        fetch(path, ctx=ctx)
    threading.Timer(0.3, token.cancel).start()
    with pytest.raises(Cancelled):
        fetch(path, ctx=cancelled)


def test_a_look_up_ends_with_its_call(kind: str) -> None:
    done = threading.Event()

    def resolve(name: str) -> Sequence[str]:
        done.wait()
        return []

    service = HTTPService(transport=transport(kind, resolve), limits=HTTPLimits(seconds=0.3))
    try:
        with pytest.raises(HostFunctionError, match=r"took more than 0\.3 s"):
            service.request(CTX, "GET", "http://site.test/", {}, None)
    finally:
        done.set()


def test_limits_that_make_no_sense() -> None:
    for options in ({"body_bytes": -1}, {"redirects": -1}, {"seconds": 0.0}):
        with pytest.raises(ValueError, match="limits must not be"):
            HTTPLimits(**options)
    with pytest.raises(ValueError, match="network"):
        HTTPService(networks=["everything"])


# -- the browser


class Promise:
    def __init__(self, value: Any) -> None:
        self.value = value


def browser(answers: dict[str, Any], sync: bool = True) -> tuple[Any, Any, list[Any]]:
    """Modules ``js`` and ``pyodide.ffi`` that behave as Pyodide's for one fetch."""
    asked: list[Any] = []

    def fetch(url: str, options: Any) -> Promise:
        asked.append((url, options))
        return Promise(answers[url])

    def run_sync(promise: Promise) -> Any:
        if isinstance(promise.value, Exception):
            raise promise.value
        return promise.value

    class Abort:
        def __call__(self) -> None:
            """Ends nothing."""

        def bind(self, controller: Any) -> Any:
            return self

    controller = types.SimpleNamespace(signal="signal", abort=Abort())
    js = types.ModuleType("js")
    js.fetch = fetch  # type: ignore[attr-defined]
    js.AbortController = types.SimpleNamespace(new=lambda: controller)  # type: ignore[attr-defined]
    js.setTimeout = js.clearTimeout = lambda *args: 1  # type: ignore[attr-defined]
    entries = lambda value: types.SimpleNamespace(to_py=lambda: dict(value))  # noqa: E731
    js.Object = types.SimpleNamespace(fromEntries=entries)  # type: ignore[attr-defined]
    ffi = types.ModuleType("pyodide.ffi")
    ffi.run_sync, ffi.can_run_sync = run_sync, lambda: sync  # type: ignore[attr-defined]
    ffi.to_js = lambda value, dict_converter: value  # type: ignore[attr-defined]
    return js, ffi, asked


def browsers_answer(status: int, *parts: bytes) -> Any:
    def chunk(part: bytes | None) -> Promise:
        value = types.SimpleNamespace(to_py=lambda: part)
        return Promise(types.SimpleNamespace(done=part is None, value=value))

    left = [*parts, None]
    reader = types.SimpleNamespace(read=lambda: chunk(left.pop(0)))
    body = types.SimpleNamespace(getReader=lambda: reader)
    headers = [("content-encoding", "gzip")]
    return types.SimpleNamespace(status=status, headers=headers, body=body)


def test_the_browsers_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    from pywasmgk.services.browser_fetch import BrowserTransport

    url = "https://site.test/x"
    failing = "https://site.test/fails"
    js, ffi, asked = browser({url: browsers_answer(201, b"a", b"b"), failing: OSError("CORS")})
    monkeypatch.setitem(sys.modules, "js", js)
    monkeypatch.setitem(sys.modules, "pyodide", types.ModuleType("pyodide"))
    monkeypatch.setitem(sys.modules, "pyodide.ffi", ffi)
    service = HTTPService(transport=BrowserTransport())
    # packed or not: the browser has unpacked it
    assert service.request(CTX, "POST", url, {"X": "y"}, b"sent") == (201, b"ab")
    options = asked[0][1]
    assert (options["method"], options["body"], options["redirect"]) == ("POST", b"sent", "error")
    assert ["x", "y"] in options["headers"]
    assert not {"user-agent", "accept-encoding"} & {name for name, _ in options["headers"]}
    with pytest.raises(HostFunctionError, match="CORS"):
        service.request(CTX, "GET", failing, {}, None)
    with pytest.raises(HostFunctionError, match=r"127\.0\.0\.1 is not permitted"):
        service.request(CTX, "GET", "http://127.0.0.1/", {}, None)
    js, ffi, _ = browser({}, sync=False)
    monkeypatch.setitem(sys.modules, "js", js)
    monkeypatch.setitem(sys.modules, "pyodide.ffi", ffi)
    with pytest.raises(HostFunctionError, match="JSPI"):
        HTTPService(transport=BrowserTransport()).request(CTX, "GET", url, {}, None)


def test_networks() -> None:
    both = Networks(["10.0.0.0/8"]) | Networks(["fd00::/8"])
    assert both.permits(ip_address("10.1.2.3")) and both.permits(ip_address("fd00::1"))
    assert not both.permits(ip_address("192.168.0.1"))
    assert both.names == ("10.0.0.0/8", "fd00::/8")


def test_the_service_in_a_file() -> None:
    from pathlib import Path

    from pywasmgk.errors import ConfigError
    from pywasmgk.services import services_from

    with services_from({"http": {"networks": ["127.0.0.0/8"], "seconds": 5}}, Path()) as services:
        assert isinstance(services.http, HTTPService)
    for bad, why in (
        ({"networks": ["x"]}, "network"),
        ({"seconds": 0}, "seconds"),
        ({"second": 1}, "did you mean 'seconds'"),
    ):
        with pytest.raises(ConfigError, match=why):
            services_from({"http": bad}, Path())
