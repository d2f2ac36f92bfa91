"""The host that the test plugins of tests/guests are run with."""

from __future__ import annotations

from collections.abc import Mapping

import pywasmgk
from pywasmgk import examples

HELLO = pywasmgk.Module(examples.read("hello"))


def shop(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None
) -> tuple[int, bytes | None]:
    """An HTTP server that says what it was asked."""
    if url.endswith("/fails"):
        raise ConnectionError("the shop is closed")
    if url.endswith("/binary"):
        return 200, b"\xff\xfe"
    return 418, f"{method} {url} {sorted(headers.items())} {body!r}".encode()


def make_host(plugin: pywasmgk.Plugin) -> pywasmgk.MemoryHost:
    """A host with a table ``score(name, value)``, a cache, texts and the hello plugin, unless that
    is the plugin itself."""
    host = pywasmgk.MemoryHost(
        http=shop,
        translations={"en": {"greet": "Hello %s, %d times"}},
    )
    host.connection.execute("CREATE TABLE score (name TEXT, value)")
    host.cache[plugin.name]["binary"] = (b"\xff", 0.0)
    if plugin.name != "hello":
        host.add_plugin(pywasmgk.load(HELLO))
    host.add_plugin(plugin)
    return host
