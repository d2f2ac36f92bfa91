"""Tools for agents: driven by the SDK's own client, in process, by pipes and by HTTP."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from plugin_guests import LOOP, guest, quick

pytest.importorskip("mcp_types", reason="the extra mcp is not installed")
anyio = pytest.importorskip("anyio")

import mcp  # noqa: E402

from pywasmgk import MemoryHost, examples  # noqa: E402
from pywasmgk.platform import Envelope, PluginManager  # noqa: E402
from pywasmgk.platform.mcp_server import http_app, tool_server, tools_of  # noqa: E402

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
ROOT = Path(__file__).parents[2]


def tool(name: str, handler: str = "echo", schema: Any = SCHEMA) -> dict[str, Any]:
    return {"name": name, "description": f"Does {name}", "handler": handler, "input_schema": schema}


def offering(*tools: dict[str, Any], name: str = "shop", **parts: Any) -> bytes:
    return guest({"name": name, "version": "1.0.0", "mcp_tools": [*tools]}, **parts)


def manager_of(*modules: bytes, **options: Any) -> PluginManager:
    manager = PluginManager(MemoryHost())
    for data in modules:
        manager.register(quick(data, **options))
    return manager


def asking(server: Any, questions: Callable[[Any], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with mcp.Client(server) as client:
            return await questions(client)

    return anyio.run(main)


def test_what_manifests_list_are_tools() -> None:
    with manager_of(offering(tool("find"), tool("any", schema={"type": "string"}))) as manager:
        found = asking(tool_server(manager), lambda client: client.list_tools()).tools
    assert [one.name for one in found] == ["shop__any", "shop__find"]
    assert (found[1].description, found[1].input_schema) == ("Does find", SCHEMA)
    assert found[0].input_schema == {"type": "object"}


def test_a_tool_is_called_as_any_function() -> None:
    envelope = Envelope(user_id=7)
    with manager_of(offering(tool("find"))) as manager:
        server = tool_server(manager, envelope=envelope)
        result = asking(
            server, lambda client: client.call_tool("shop__find", {"name": "Ada", "_user_id": 1})
        )
        assert manager.stats("shop").calls == 1
    assert not result.is_error
    assert result.structured_content == {"name": "Ada", "_user_id": 7}
    assert json.loads(result.content[0].text) == result.structured_content


def test_what_goes_wrong_is_told_to_the_agent() -> None:
    crash = offering(tool("crash"), name="crash", call=("unreachable",))
    with manager_of(offering(tool("find")), crash) as manager:
        server = tool_server(manager)
        result = asking(server, lambda client: client.call_tool("crash__crash", {}))
        assert result.is_error and "unreachable" in result.content[0].text
        result = asking(server, lambda client: client.call_tool("shop__nothing", {}))
        assert result.is_error and "no tool 'shop__nothing'" in result.content[0].text
        manager.disable("shop")
        assert [own.item.name for own in tools_of(manager).values()] == ["crash"]
        result = asking(server, lambda client: client.call_tool("shop__find", {}))
        assert result.is_error


def test_names_that_clients_do_not_take_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    odd = [tool(name) for name in ("ok", "ok", "a b", "", "x" * 70, "\x1b[31m", "a.b", "ä")]
    with manager_of(offering(*odd)) as manager:
        assert list(tools_of(manager)) == ["shop__", "shop__ok"]
    assert "\x1b" not in caplog.text and r"\x1b[31m" in caplog.text


def test_a_call_ends_with_its_request() -> None:
    endless = offering(tool("wait"), call=(*LOOP, "unreachable"))
    with manager_of(endless, timeout=None, fuel=None) as manager:
        server = tool_server(manager)

        async def given_up(client: Any) -> None:
            with anyio.move_on_after(0.3):
                await client.call_tool("shop__wait", {})

        asking(server, given_up)
        # or it would run for ever
        for _ in range(600):
            if manager.status()[0].running == 0:
                break
            time.sleep(0.1)
        assert manager.status()[0].running == 0
        assert manager.stats("shop").calls == 1


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_process_serves_its_pipes(tmp_path: Path) -> None:
    (tmp_path / "shop.wasm").write_bytes(offering(tool("find")))
    (tmp_path / "broken.wasm").write_bytes(b"")
    for place in (tmp_path, tmp_path / "shop.wasm"):
        line = ["-m", "pywasmgk", "mcp", str(place)]
        server = mcp.StdioServerParameters(command=sys.executable, args=line, env=environment())
        result = asking(server, lambda client: client.call_tool("shop__find", {"name": "Ada"}))
        assert result.structured_content == {"name": "Ada"}


@pytest.fixture
def address() -> Any:
    uvicorn = pytest.importorskip("uvicorn")
    with manager_of(offering(tool("find"))) as manager:
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(http_app(tool_server(manager)), log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            thread.join()
            listening.close()


def test_it_is_served_by_http(address: str) -> None:
    result = asking(address, lambda client: client.call_tool("shop__find", {"name": "Ada"}))
    assert result.structured_content == {"name": "Ada"}


def test_pages_of_others_do_not_reach_it(address: str) -> None:
    from http.client import HTTPConnection

    port = int(address.split(":")[2].split("/")[0])
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        connection = HTTPConnection("127.0.0.1", port)
        connection.request(
            "POST",
            "/mcp",
            b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
            {"Content-Type": "application/json", "Accept": "application/json", **headers},
        )
        assert connection.getresponse().status in (403, 421)
        connection.close()


def test_the_command_says_where_it_serves(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    (tmp_path / "hello.wasm").write_bytes(examples.read("hello"))
    line = [sys.executable, "-m", "pywasmgk", "mcp", str(tmp_path), "--port", "0"]
    with subprocess.Popen(line, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            where = process.stderr.readline().strip()
            found = asking(where, lambda client: client.list_tools())
            assert found.tools == []
        finally:
            process.terminate()
