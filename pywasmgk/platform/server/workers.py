"""Calls of plugins from an event loop: in threads, so many at a time, ended when nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from ...wasm.runtime.metering import CancelToken

__all__ = ["Crowded", "Workers"]

T = TypeVar("T")


class Crowded(Exception):
    """More calls wait than may."""


class Workers:
    """``size`` threads; ``waiting`` calls more may wait for them."""

    def __init__(self, size: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(size, "pywasmgk serve")
        self._most = size + waiting
        #: of the event loop's thread alone
        self._inside: set[CancelToken] = set()

    async def run(
        self,
        call: Callable[[CancelToken], T],
        gone: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> T:
        """The result of a call, which gets the token that ends it: it is used when ``gone`` comes
        back, for then nobody wants the result. Raises Crowded, and what the call raises."""
        if len(self._inside) >= self._most:
            raise Crowded
        token = CancelToken()
        self._inside.add(token)
        loop = asyncio.get_running_loop()
        ended = loop.run_in_executor(self._pool, copy_context().run, call, token)
        ended.add_done_callback(lambda _: self._inside.discard(token))
        awaited: list[asyncio.Future[Any]] = [ended]
        if gone is not None:
            awaited.append(asyncio.ensure_future(gone()))
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                token.cancel()
            return await asyncio.shield(ended)
        finally:
            token.cancel()
            for one in awaited[1:]:
                one.cancel()

    def close(self) -> None:
        """Ends all calls; none begins any more."""
        for token in [*self._inside]:
            token.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
