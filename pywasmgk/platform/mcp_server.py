"""Plugins' tools for agents: a server of the Model Context Protocol over a manager (extra ``mcp``).

What a manifest lists as ``mcp_tools`` becomes a tool, called as any function is: under the
manager's limits, policies and statistics.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from .._version import __version__
from ..errors import PlatformError, PluginError
from ..plugin.manifest import MCPTool
from ..printable import printable
from ..wasm.runtime.metering import CancelToken
from .envelope import Envelope
from .manager import PluginManager
from .registry import Owned

__all__ = ["http_app", "serve_stdio", "tool_server", "tools_of"]

#: between a plugin and its tool; not all clients take a dot in a name
_BETWEEN = "__"
#: what all clients take for a name
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: takes anything
_ANY_OBJECT = {"type": "object"}

_log = logging.getLogger(__name__)


def tools_of(manager: PluginManager) -> dict[str, Owned[MCPTool]]:
    """The tools of the plugins that are switched on, by the name that clients call them by:
    ``PLUGIN__TOOL``. A name that clients would not take, or that stands for another tool already,
    is left out; it is logged."""
    found: dict[str, Owned[MCPTool]] = {}
    for own in manager.catalog.mcp_tools():
        name = f"{own.plugin}{_BETWEEN}{own.item.name}"
        if name in found or not _NAME.fullmatch(name):
            _log.warning("tool %r of %s is left out", printable(own.item.name), own.plugin)
            continue
        found[name] = own
    return found


def tool_server(manager: PluginManager, *, envelope: Envelope | None = None) -> Any:
    """A server with the manager's tools, as the SDK's ``mcp.server.Server``, for any transport.

    ``envelope`` says on whose behalf tools are called. The list is made anew each time that it is
    asked for. Calls run in threads, and end when their request is cancelled. Raises PlatformError
    without the SDK.
    """
    server, types = _sdk()

    async def list_tools(context: Any, params: Any) -> Any:
        tools = [
            types.Tool(
                name=name,
                description=own.item.description or None,
                input_schema=_object_schema(own.item.input_schema),
            )
            for name, own in tools_of(manager).items()
        ]
        return types.ListToolsResult(tools=tools)

    async def call_tool(context: Any, params: Any) -> Any:
        own = tools_of(manager).get(params.name)
        if own is None:
            return _failed(types, f"there is no tool {printable(params.name)!r}")
        try:
            result = await _called(manager, own, params.arguments or {}, envelope)
        except PluginError as error:
            return _failed(types, str(error))
        text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=text)],
            structured_content=result if isinstance(result, dict) else None,
        )

    return server.Server(
        "pywasmgk", version=__version__, on_list_tools=list_tools, on_call_tool=call_tool
    )


def serve_stdio(server: Any) -> None:
    """Serves the client at standard input and output, until it goes."""
    import anyio
    from mcp.server.stdio import stdio_server

    async def serve() -> None:
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    anyio.run(serve)


def http_app(server: Any, host: str = "127.0.0.1") -> Any:
    """The server as an ASGI application, streamable HTTP at ``/mcp``. On loopback it answers only
    requests that name loopback as their host, so that pages of others cannot reach it by a name
    that leads there."""
    return server.streamable_http_app(host=host)


def _sdk() -> tuple[Any, Any]:
    try:
        import mcp.server
        import mcp_types
    except ImportError:
        raise PlatformError(
            "tools for agents need the package mcp, 2 or newer: pip install 'pywasmgk[mcp]'"
        ) from None
    return mcp.server, mcp_types


async def _called(
    manager: PluginManager,
    own: Owned[MCPTool],
    arguments: Mapping[str, Any],
    envelope: Envelope | None,
) -> Any:
    """The result of a tool, called in a thread; when nobody waits for it any more it is ended."""
    import anyio.to_thread

    cancel = CancelToken()

    def call() -> Any:
        return manager.call(
            own.plugin, own.item.handler, dict(arguments), envelope=envelope, cancel=cancel
        )

    try:
        return await anyio.to_thread.run_sync(call, abandon_on_cancel=True)
    finally:
        cancel.cancel()


def _object_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest's schema; one that is not of an object is none for a client."""
    return dict(schema) if schema.get("type") == "object" else _ANY_OBJECT


def _failed(types: Any, text: str) -> Any:
    content = [types.TextContent(type="text", text=printable(text, lines=True))]
    return types.CallToolResult(content=content, is_error=True)
