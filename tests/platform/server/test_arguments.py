"""Bodies that come slowly, or for longer than they were told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from pywasmgk.platform.server import arguments
from pywasmgk.platform.server.access import Denied


async def parts(*given: bytes, waiting: bool = False) -> AsyncIterator[bytes]:
    for part in given:
        yield part
    if waiting:
        await asyncio.Event().wait()


def test_a_body_is_read_whole() -> None:
    assert asyncio.run(arguments.read_body(parts(b"ab", b"", b"c"), 3, None)) == b"abc"


@pytest.mark.parametrize("told", [None, "2"])
def test_a_body_is_not_longer_than_it_may_be(told: str | None) -> None:
    with pytest.raises(Denied) as caught:
        asyncio.run(arguments.read_body(parts(b"ab", b"cd"), 3, told))
    assert caught.value.status == 413


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "SECONDS", 0.01)
    with pytest.raises(Denied) as caught:
        asyncio.run(arguments.read_body(parts(b"ab", waiting=True), 3, None))
    assert caught.value.status == 408
