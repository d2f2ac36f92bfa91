"""Requests that nobody would write: only our errors, in bounded time (``tools/fuzz host``)."""

from __future__ import annotations

import random

import pytest
from host_requests import Requests, made
from plugin_guests import asker, question, quick

from pywasmgk.errors import CallError
from pywasmgk.plugin import MemoryHost


@pytest.mark.parametrize("first", [0, 1_000_000])
def test_random_and_damaged_requests(first: int) -> None:
    requests = Requests()
    findings = [requests.run(seed) for seed in range(first, first + 1_500)]
    assert [finding for finding in findings if finding is not None] == []
    assert requests.ends["answered"] > 100 and requests.ends["JSONError"] > 100
    # what is kept stays within the quotas
    assert len(requests.host.logs) <= 250


def test_the_same_by_a_guest() -> None:
    plugin = quick(asker())
    host = MemoryHost()
    plugin.init(host)
    for seed in range(200):
        try:
            plugin.call_raw("call", question(*made(random.Random(seed))), timeout=1.0)
        except CallError as error:
            assert "deadline" in str(error) or "gk_malloc returned 0" in str(error)
