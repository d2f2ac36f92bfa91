"""Hops by the browser's ``fetch``, in Pyodide.

A page cannot see where a redirect leads before it is followed, nor choose an address: redirects are
refused, and look-ups and networks are the browser's, which has rules of its own for pages (CORS,
private networks). Python waits for the answer where Pyodide can (JSPI).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from ..plugin.host import HostFunctionError
from .http import Answer, Hop

__all__ = ["BrowserTransport"]


class BrowserTransport:
    """A transport for pages."""

    shows_redirects = False

    def __init__(self) -> None:
        self._js: Any = importlib.import_module("js")
        self._ffi: Any = importlib.import_module("pyodide.ffi")

    def send(self, hop: Hop) -> Answer:
        """Has the browser send a request, without cookies and without a referrer."""
        literal = hop.address.literal
        if literal is not None and not hop.networks.permits(literal):
            raise HostFunctionError(f"the host {literal} is not permitted")
        if not self._ffi.can_run_sync():
            raise HostFunctionError(
                "the browser's fetch cannot be waited for here: it takes JSPI, and Python that was "
                "entered by runPythonAsync"
            )
        controller = self._js.AbortController.new()
        timer = self._js.setTimeout(controller.abort.bind(controller), hop.pace.left() * 1000)
        try:
            answer = self._ffi.run_sync(
                self._js.fetch(str(hop.address), self._options(hop, controller.signal))
            )
        except Exception as error:
            self._js.clearTimeout(timer)
            hop.pace.check()
            raise HostFunctionError(f"the request failed: {error!s:.200}") from error
        # the browser has unpacked the body, and says all the same how it was packed
        headers = {
            str(name).lower(): str(value)
            for name, value in self._js.Object.fromEntries(answer.headers).to_py().items()
            if str(name).lower() != "content-encoding"
        }

        def close() -> None:
            self._js.clearTimeout(timer)
            controller.abort()

        return Answer(int(answer.status), headers, self._parts(hop, answer), close)

    def _options(self, hop: Hop, signal: Any) -> Any:
        # a page must not set these two
        own = [[name, value] for name, value in hop.headers if name not in _BROWSERS]
        options = {
            "method": hop.method,
            "headers": own,
            "redirect": "error",
            "credentials": "omit",
            "referrerPolicy": "no-referrer",
            "signal": signal,
        }
        if hop.body is not None and hop.method not in ("GET", "HEAD"):
            options["body"] = hop.body
        return self._ffi.to_js(options, dict_converter=self._js.Object.fromEntries)

    def _parts(self, hop: Hop, answer: Any) -> Iterator[bytes]:
        if answer.body is None:
            return
        reader = answer.body.getReader()
        while True:
            try:
                part = self._ffi.run_sync(reader.read())
            except Exception as error:
                hop.pace.check()
                raise HostFunctionError(f"the request failed: {error!s:.200}") from error
            if part.done:
                return
            yield bytes(part.value.to_py())

    def close(self) -> None:
        """Connections are the browser's."""


#: headers that are the browser's own
_BROWSERS = {"accept-encoding", "user-agent"}
