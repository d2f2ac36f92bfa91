"""What the operator sees and does: dashboard, plugins, policies, calls by hand, the log."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ...errors import PluginError
from ...plugin import MISSING
from ...wasm.runtime.metering import CancelToken
from ..manager import PluginManager, PluginStatus
from ..policies import Policies
from ..policy import Policy, PolicyError
from ..records import CallRecord
from .access import Access, Denied
from .answers import JSONAnswer, error_answer
from .arguments import body_of, members_of
from .feed import Feed, call_form
from .headers import PAGE_POLICY
from .pages import menu_groups, page
from .plots import call_plots
from .route_table import RESERVED, RouteTable

if TYPE_CHECKING:
    from .app import ServerSettings

__all__ = ["OperatorPages"]

_SHOWN_LINES, _SHOWN_CALLS = 200, 20
#: seconds between signs of life to a page
_PING = 15
_ARGUMENTS = "args"

Run = Callable[[Request, Callable[[CancelToken], Any]], Awaitable[Any]]


class OperatorPages:
    """The pages below ``/-/``, and what they ask for."""

    def __init__(
        self,
        manager: PluginManager,
        access: Access,
        feed: Feed,
        table: Callable[[], RouteTable],
        run: Run,
        settings: ServerSettings,
    ) -> None:
        self._manager = manager
        self._access = access
        self._feed = feed
        self._table = table
        self._run = run
        self._settings = settings

    def routes(self) -> list[Route]:
        """Starlette's routes."""
        plugin = f"{RESERVED}plugins/{{name}}"
        return [
            Route(RESERVED, self._dashboard),
            Route(f"{RESERVED}login", self._login, methods=["GET", "POST"]),
            Route(f"{RESERVED}plugins", self._plugins),
            Route(plugin, self._plugin),
            Route(f"{plugin}/plots", self._plots),
            Route(f"{plugin}/enabled", self._switch, methods=["PUT"]),
            Route(f"{plugin}/policy", self._policy, methods=["GET", "PUT", "DELETE"]),
            Route(f"{plugin}/call/{{function}}", self._call, methods=["POST"]),
            Route(f"{RESERVED}log", self._log),
            Route(f"{RESERVED}status", self._status),
            Route(f"{RESERVED}events", self._events),
        ]

    def _page(self, template: str, **values: Any) -> Response:
        text = page(
            template,
            csrf=self._access.csrf_token,
            menus=menu_groups(self._manager.catalog),
            **values,
        )
        return HTMLResponse(text, headers={"Content-Security-Policy": PAGE_POLICY})

    # -- logging in

    async def _login(self, request: Request) -> Response:
        """Takes the token, from the link or the form, and leaves a cookie."""
        word = request.query_params.get("token", "")
        if request.method == "POST":
            fields = await self._members(request)
            word = str(fields.get("token", "")).strip()
        if word and self._access.is_token(word):
            answer = RedirectResponse(RESERVED, 303)
            answer.set_cookie(
                self._access.cookie_name,
                self._access.session,
                httponly=True,
                samesite="strict",
                secure=request.url.scheme == "https",
                path="/",
            )
            return answer
        if request.state.visitor.is_operator:
            return RedirectResponse(RESERVED, 303)
        text = page("login.html", wrong=bool(word))
        headers = {"Content-Security-Policy": PAGE_POLICY}
        return HTMLResponse(text, 401 if word else 200, headers)

    async def _members(self, request: Request) -> dict[str, Any]:
        return await members_of(request, self._settings.longest_body)

    # -- pages

    async def _dashboard(self, request: Request) -> Response:
        catalog = self._manager.catalog
        return self._page(
            "dashboard.html",
            active=RESERVED,
            widgets=catalog.widgets(),
            landing=catalog.landing_page(),
            plugins=self._manager.status(),
        )

    async def _plugins(self, request: Request) -> Response:
        return self._page(
            "plugins.html",
            active=f"{RESERVED}plugins",
            plugins=self._manager.status(),
            refusals=self._table().refusals,
        )

    async def _plugin(self, request: Request) -> Response:
        status = self._status_of(request)
        manifest = self._manager.manifest(status.name)
        policies, calls = self._manager.policies, self._feed.calls(status.name)
        statistics = [] if policies is None else policies.statistics()
        return self._page(
            "plugin.html",
            active=f"{RESERVED}plugins",
            plugin=status,
            manifest=manifest,
            policy=None if policies is None else policies.get(status.name).to_json().decode(),
            decided=policies is not None and status.name in policies.all(),
            statistics=[one for one in statistics if one.get("plugin") == status.name],
            plots=call_plots(calls),
            calls=[call_form(call) for call in reversed(calls[-_SHOWN_CALLS:])],
            handlers=_handlers(manifest),
        )

    async def _plots(self, request: Request) -> Response:
        """The plots alone, for a page that watches."""
        return HTMLResponse(call_plots(self._feed.calls(self._status_of(request).name)))

    async def _log(self, request: Request) -> Response:
        return self._page(
            "log.html",
            active=f"{RESERVED}log",
            entries=[entry.form() for entry in self._manager.log.recent(_SHOWN_LINES)],
        )

    def _status_of(self, request: Request) -> PluginStatus:
        """The plugin of a path. Raises Denied."""
        name = request.path_params["name"]
        for status in self._manager.status():
            if status.name == name:
                return status
        raise Denied(404, "there is no such plugin")

    # -- what pages ask for

    async def _status(self, request: Request) -> Response:
        """All there is, as JSON."""
        table = self._table()
        return JSONAnswer(
            {
                "plugins": [
                    {
                        "name": status.name,
                        "version": status.version,
                        "description": status.description,
                        "enabled": status.enabled,
                        "running": status.running,
                        "calls": status.stats.calls,
                        "failures": status.stats.failures,
                        "warnings": list(status.warnings),
                    }
                    for status in self._manager.status()
                ],
                "routes": [
                    {"method": own.item.method, "path": own.item.path, "plugin": own.plugin}
                    for own in table.all()
                ],
                "refused": [refusal._asdict() for refusal in table.refusals],
            }
        )

    async def _events(self, request: Request) -> Response:
        async def events() -> AsyncIterator[dict[str, str]]:
            async for event in self._feed.events():
                yield {"event": event.kind, "data": event.data}

        return EventSourceResponse(events(), ping=_PING)

    async def _switch(self, request: Request) -> Response:
        """Switches a plugin on or off: ``{"enabled": true}``."""
        name, wanted = self._status_of(request).name, (await self._members(request)).get("enabled")
        if not isinstance(wanted, bool):
            raise Denied(400, 'the body is {"enabled": true} or {"enabled": false}')
        switch = self._manager.enable if wanted else self._manager.disable
        try:
            await self._run(request, lambda cancel: switch(name))
        except PluginError as error:
            return error_answer(error, frames=False)
        return JSONAnswer({"enabled": wanted})

    async def _policy(self, request: Request) -> Response:
        """Shows, sets or takes back what was decided for a plugin."""
        name, policies = self._status_of(request).name, self._manager.policies
        if policies is None:
            raise Denied(409, "this server has no policies")
        if request.method == "PUT":
            policies.set(name, await self._read_policy(request, name))
        elif request.method == "DELETE":
            policies.forget(name)
        return _policy_answer(policies, name)

    async def _read_policy(self, request: Request, name: str) -> Policy:
        body = await body_of(request, self._settings.longest_body)
        try:
            policy = Policy.from_json(body)
        except PolicyError as error:
            raise Denied(400, str(error)) from error
        if policy.plugin_name not in ("", name):
            raise Denied(400, f"the policy is for {policy.plugin_name!r:.80}")
        return policy

    async def _call(self, request: Request) -> Response:
        """Calls a function: ``{"args": value}``, or without arguments ``{}``."""
        name, function = request.path_params["name"], request.path_params["function"]
        args = (await self._members(request)).get(_ARGUMENTS, MISSING)
        records: list[CallRecord] = []

        def call(cancel: CancelToken) -> Any:
            who, me = self._settings.operator, threading.get_ident()
            end = self._manager.on_call.add(
                # the outermost call ends last
                lambda record: records.append(record) if threading.get_ident() == me else None
            )
            try:
                return self._manager.call(name, function, args, envelope=who, cancel=cancel)
            finally:
                end()

        try:
            result = await self._run(request, call)
        except PluginError as error:
            return error_answer(error, frames=True)
        return JSONAnswer({"result": result, "call": call_form(records[-1])})


def _policy_answer(policies: Policies, name: str) -> Response:
    text = policies.get(name).to_json().decode()
    return JSONAnswer({"policy": text, "decided": name in policies.all()})


def _handlers(manifest: Any) -> list[str]:
    """The functions that a manifest names, each once."""
    parts = (manifest.routes, manifest.widgets, manifest.jobs, manifest.mcp_tools)
    found = {item.handler for part in parts for item in part if item.handler}
    return sorted(found)
