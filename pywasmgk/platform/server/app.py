"""The server as an ASGI application: plugins' routes, and the operator's pages (extra ``server``).

::

    app = server_app(manager, ServerSettings(token=new_token()))
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import PluginError
from ...wasm.runtime.metering import CancelToken
from ..envelope import Envelope
from ..manager import PluginManager
from .access import Access, Denied, Visitor
from .answers import JSONAnswer, error_answer, raw_page, wants_page
from .arguments import members_of, route_arguments
from .feed import Feed
from .headers import FRAME_POLICY, HEADERS, PAGE_POLICY
from .operator_pages import OperatorPages
from .pages import menu_groups, page
from .route_table import METHODS, RESERVED, Found, Refusal, RouteTable
from .workers import Crowded, Workers

__all__ = ["ServerSettings", "server_app"]

#: what routes may ask for: somebody who is logged in; an administrator
_MIDDLEWARE = ("auth", "admin")
#: of pages: the plugin whose routes alone they may ask for
_ONLY_OF = "x-plugin"


@dataclass(frozen=True)
class ServerSettings:
    """How plugins are served.

    ``token`` is the operator's; ``None`` lets everybody in. ``names`` are the hosts that requests
    may name; none, any. ``public`` answers routes without middleware to everybody. ``operator`` is
    who the operator is to plugins. Bytes of a body, calls at a time, and calls that wait are
    bounded.
    """

    token: str | None
    names: Collection[str] = ()
    public: bool = False
    operator: Envelope = field(
        default_factory=lambda: Envelope(
            user_id=1, user_login="operator", user_role="Admin", is_admin=True
        )
    )
    longest_body: int = 1 << 20
    calls: int = 16
    waiting: int = 64


def server_app(manager: PluginManager, settings: ServerSettings) -> Starlette:
    """An application that serves a manager's plugins; ending it does not end them."""
    return _Server(manager, settings).app


class _Server:
    """What answers have in common."""

    def __init__(self, manager: PluginManager, settings: ServerSettings) -> None:
        self._manager = manager
        self._settings = settings
        self._access = Access(settings.token, settings.names)
        self._workers = Workers(settings.calls, settings.waiting)
        self._feed = Feed(manager)
        self._table: RouteTable | None = None
        self._lock = threading.Lock()
        self._told: set[Refusal] = set()
        manager.on_change.add(self._forget_table)
        own = OperatorPages(manager, self._access, self._feed, self.table, self._run, settings)
        static = StaticFiles(packages=[(__package__, "assets")])
        self.app = Starlette(
            routes=[
                Route(f"{RESERVED}frame", _frame),
                Mount(f"{RESERVED}assets", static),
                *own.routes(),
                Route("/{path:path}", self._plugin_route, methods=[*METHODS]),
            ],
            middleware=[
                Middleware(_Guarded, access=self._access, is_open=_is_open, public=settings.public)
            ],
            exception_handlers={
                HTTPException: _http_error, Denied: _denied, Crowded: _crowded,
            },
            lifespan=self._lifespan,
        )  # fmt: skip

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._feed.close()
            self._workers.close()

    def _forget_table(self, change: object) -> None:
        self._table = None

    def table(self) -> RouteTable:
        """The routes as they are now; what is not served is logged once."""
        with self._lock:
            table = self._table
            if table is None:
                table = RouteTable(self._manager.catalog, middleware=_MIDDLEWARE)
                self._table = table
                for refusal in table.refusals:
                    if refusal not in self._told:
                        self._told.add(refusal)
                        self._manager.log.add("warn", str(refusal), plugin=refusal.plugin)
        return table

    async def _run(self, request: Request, call: Callable[[CancelToken], Any]) -> Any:
        """The result of a call, which ends when the client goes."""

        async def gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        return await self._workers.run(call, gone)

    # -- plugins' routes

    async def _plugin_route(self, request: Request) -> Response:
        path, table = request.scope["path"], self.table()
        found = table.find(request.method, path)
        visitor: Visitor = request.state.visitor
        if found is None and path == "/" and visitor.is_operator:
            return RedirectResponse(RESERVED, 303)
        if found is None or not self._may_ask(found, visitor):
            if not visitor.is_operator:
                return _login_needed(request)
            methods = table.methods(path)
            if methods:
                raise HTTPException(405, headers={"Allow": ", ".join(methods)})
            raise HTTPException(404)
        only = request.headers.get(_ONLY_OF)
        if only is not None and only != found.own.plugin:
            raise Denied(403, f"{path} is not a route of the plugin whose page asks for it")
        return await self._answer(request, found, visitor)

    def _may_ask(self, found: Found, visitor: Visitor) -> bool:
        if visitor.is_operator:
            admin = "admin" in found.own.item.middleware
            return not admin or bool(self._settings.operator.is_admin)
        return self._settings.public and not found.own.item.middleware

    async def _answer(self, request: Request, found: Found, visitor: Visitor) -> Response:
        members = await members_of(request, self._settings.longest_body)
        args = route_arguments(found.parameters, request.query_params.multi_items(), members)
        who = self._settings.operator if visitor.is_operator else Envelope()
        envelope = replace(who, method=request.method, path=request.scope["path"])
        plugin, route = found.own

        def call(cancel: CancelToken) -> Any:
            return self._manager.call(plugin, route.handler, args, envelope=envelope, cancel=cancel)

        try:
            result = await self._run(request, call)
        except PluginError as error:
            return error_answer(error, frames=visitor.is_operator)
        return self._rendered(request, plugin, result, visitor)

    def _rendered(self, request: Request, plugin: str, result: Any, visitor: Visitor) -> Response:
        """A plugin's answer: a page if it has ``html`` and somebody wants one."""
        html = result.get("html") if isinstance(result, dict) else None
        if not isinstance(html, str) or not wants_page(request.headers.get("accept", "")):
            return JSONAnswer(result)
        if result.get("raw") is True or not visitor.is_operator:
            return raw_page(html)
        title = result.get("title")
        active = result.get("active_page")
        return HTMLResponse(
            page(
                "plugin_page.html",
                title=title if isinstance(title, str) else plugin,
                active=active if isinstance(active, str) else request.scope["path"],
                path=request.scope["path"],
                plugin=plugin,
                html=html,
                headed="<h1" in html.lower(),
                csrf=self._access.csrf_token,
                menus=menu_groups(self._manager.catalog),
            ),
            headers={"Content-Security-Policy": PAGE_POLICY},
        )


# -- what all requests go through


class _Guarded:
    """Looks at each request before anybody else, and sets headers of each answer."""

    def __init__(
        self, app: ASGIApp, access: Access, is_open: Callable[[str], bool], public: bool
    ) -> None:
        self._app, self._access, self._is_open, self._public = app, access, is_open, public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = self._refusal(request)
        except Denied as denied:
            response = await _denied(request, denied)
        answer = self._app if response is None else response
        await answer(scope, receive, _with_headers(send))

    def _refusal(self, request: Request) -> Response | None:
        headers, path = request.headers, request.scope["path"]
        self._access.require_host(headers.get("host", ""))
        visitor = self._access.visitor(headers, request.cookies)
        request.state.visitor = visitor
        if path.startswith(RESERVED) and self._is_open(path):
            return None
        if not visitor.is_operator and (path.startswith(RESERVED) or not self._public):
            return _login_needed(request)
        self._access.require_own_page(request.method, headers, visitor)
        return None


def _is_open(path: str) -> bool:
    """Whether everybody may have one of our paths: it says nothing of plugins."""
    return path in (f"{RESERVED}login", f"{RESERVED}frame") or path.startswith(f"{RESERVED}assets/")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            for name, value in HEADERS.items():
                if name.lower().encode() not in given:
                    message["headers"].append((name.lower().encode(), value.encode()))
        await send(message)

    return sending


def _login_needed(request: Request) -> Response:
    accept = request.headers.get("accept", "")
    if request.method == "GET" and "text/html" in accept:
        return RedirectResponse(f"{RESERVED}login", 303)
    return JSONAnswer(
        {"error": {"type": "Unauthorized", "message": "this server wants its token"}},
        401,
        {"WWW-Authenticate": "Bearer"},
    )


async def _frame(request: Request) -> Response:
    text = resources.files(__package__).joinpath("assets/frame.html").read_text("utf-8")
    return HTMLResponse(text, headers={"Content-Security-Policy": FRAME_POLICY})


async def _denied(request: Request, denied: Any) -> Response:
    form = {"type": "Denied", "message": denied.reason}
    return JSONAnswer({"error": form}, denied.status)


async def _crowded(request: Request, crowded: Exception) -> Response:
    return error_answer(crowded, frames=False)


async def _http_error(request: Request, error: Any) -> Response:
    if wants_page(request.headers.get("accept", "")):
        text = f"{error.status_code} {error.detail}\n"
        return PlainTextResponse(text, error.status_code, error.headers)
    form = {"type": "HTTPError", "message": error.detail}
    return JSONAnswer({"error": form}, error.status_code, error.headers)
