"""Caches: in this process, and on a real Redis server."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import pytest
import servers

from pywasmgk.errors import Cancelled, ConfigError, DeadlineExceeded
from pywasmgk.plugin import HostFunctionError
from pywasmgk.services import MemoryCache, RedisCache
from pywasmgk.wasm.runtime.metering import CancelToken

from .conftest import context


@pytest.fixture(params=["memory", "redis"])
def cache(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryCache()
    found = RedisCache(request.getfixturevalue("redis_server").url, prefix=request.node.name)
    request.addfinalizer(found.close)
    return found


def test_values_are_kept_apart(cache: Any) -> None:
    ctx, other = context("a"), context("b")
    assert cache.get(ctx, "k") == (None, False)
    for value in (b"x\0\xff", b"", None, b"=", b"-"):
        cache.set(ctx, "k", value, 0)
        assert cache.get(ctx, "k") == (value, True)
    cache.set(ctx, "k", b"1", 100)
    assert cache.get(other, "k") == (None, False)
    # no name and key are another's
    cache.set(context("a:1"), "k", b"2", 0)
    assert cache.get(ctx, "1:k") == (None, False)
    cache.delete(other, "k")
    assert cache.get(ctx, "k") == (b"1", True)
    cache.delete(ctx, "k")
    cache.delete(ctx, "k")
    assert cache.get(ctx, "k") == (None, False)
    cache.set(ctx, "\ud800 \r\nDEL", b"3", -5)
    assert cache.get(ctx, "\ud800 \r\nDEL") == (b"3", True)


# -- in this process


def test_values_expire() -> None:
    now = [100.0]
    cache = MemoryCache(clock=lambda: now[0])
    cache.set(context(), "k", b"1", 10)
    now[0] = 109.9
    assert cache.get(context(), "k") == (b"1", True)
    now[0] = 110.0
    assert cache.get(context(), "k") == (None, False)


def test_what_was_not_asked_for_longest_goes_first() -> None:
    cache = MemoryCache(max_entries=3)
    for key in "abc":
        cache.set(context(), key, b"", 0)
    cache.get(context(), "a")
    cache.set(context("other"), "z", b"", 0)
    cache.set(context(), "d", b"", 0)
    assert [key for key in "abcd" if cache.get(context(), key)[1]] == ["a", "c", "d"]
    assert cache.get(context("other"), "z")[1]


def test_there_is_so_much_room() -> None:
    cache = MemoryCache(max_bytes=1_000)
    for number in range(50):
        cache.set(context(), str(number), b"x" * 300, 0)
        cache.set(context(), "same", b"x" * 10, 0)
    kept = [number for number in range(50) if cache.get(context(), str(number))[1]]
    assert kept == [49]
    assert cache.get(context(), "same")[1]
    with pytest.raises(HostFunctionError, match=r"1,204 bytes; the cache has 1,000"):
        cache.set(context(), "much", b"x" * 1_000, 0)
    cache.close()
    assert not cache.get(context(), "same")[1]


# -- Redis


@pytest.fixture
def short(redis_server: servers.Redis, request: pytest.FixtureRequest) -> RedisCache:
    cache = RedisCache(redis_server.url, pool=1, timeout=30, prefix=request.node.name)
    request.addfinalizer(cache.close)
    return cache


def test_redis_is_told_when_values_go(redis_server: servers.Redis, short: RedisCache) -> None:
    import redis

    short.set(context(), "k", b"1", 1_000)
    short.set(context(), "big", b"1", 1 << 62)
    with contextlib.closing(redis.Redis.from_url(redis_server.url)) as client:
        [key] = client.keys("*redis_is_told*:k")
        assert 900 < client.ttl(key) <= 1_000


def test_many_commands_use_one_connection(redis_server: servers.Redis, short: RedisCache) -> None:
    import redis

    with contextlib.closing(redis.Redis.from_url(redis_server.url)) as client:
        before = client.info("stats")["total_connections_received"]
        for _ in range(20):
            short.set(context(), "k", b"1", 0)
        assert client.info("stats")["total_connections_received"] <= before + 1


def test_a_server_that_does_not_answer_ends_with_the_call() -> None:
    pytest.importorskip("redis")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"redis://:secret@127.0.0.1:{silent.getsockname()[1]}/0"
        with contextlib.closing(RedisCache(url, timeout=60)) as cache:
            with pytest.raises(DeadlineExceeded):
                cache.get(context(timeout=0.1), "k")
        with contextlib.closing(RedisCache(url, timeout=0.1)) as cache:
            with pytest.raises(HostFunctionError) as caught:
                cache.get(context(), "k")
        assert str(caught.value) == "the cache failed"
        token = CancelToken()
        token.cancel()
        with pytest.raises(Cancelled):
            cache.get(context(cancel=token), "k")


def test_a_cache_dies_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("redis")
    try:
        server = servers.Redis()
    except servers.NotThere as error:
        pytest.skip(str(error))
    with server, contextlib.closing(RedisCache(server.url, timeout=5)) as cache:
        cache.set(context(), "k", b"1", 0)
        server.crash()
        with pytest.raises(HostFunctionError, match=r"^the cache failed$"):
            cache.get(context(), "k")
        assert "Traceback" in caplog.text
        assert "secret" not in caplog.text
        server.start()
        assert cache.get(context(), "k") == (None, False)
        server.crash()
        server.start()
        # a connection that died while nobody used it
        cache.set(context(), "k", b"2", 0)
        assert cache.get(context(), "k") == (b"2", True)


def test_a_value_has_bounds(redis_server: servers.Redis) -> None:
    with contextlib.closing(RedisCache(redis_server.url, max_value=10)) as cache:
        with pytest.raises(HostFunctionError, match="11 bytes; 10 are allowed"):
            cache.set(context(), "k", b"x" * 11, 0)


def test_a_wrong_password(redis_server: servers.Redis) -> None:
    url = redis_server.url.replace("secret", "hunter2")
    with contextlib.closing(RedisCache(url)) as cache:
        with pytest.raises(HostFunctionError, match=r"^the cache failed$"):
            cache.get(context(), "k")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: MemoryCache(max_bytes=0), "cache: max_bytes must be above 0, found 0"),
        (lambda: MemoryCache(max_entries=True), "cache: max_entries must be above 0"),
        (lambda: RedisCache("http://u:secret@x"), "cache: the URL must begin with redis://"),
        (lambda: RedisCache("redis://x", timeout=0), "cache: timeout must be seconds above 0"),
        (lambda: RedisCache("redis://x", pool=0), "cache: pool must be 1 or more, found 0"),
    ],
)
def test_settings_that_make_no_sense(make: Callable[[], object], why: str) -> None:
    pytest.importorskip("redis")
    with pytest.raises(ConfigError, match=why) as caught:
        make()
    assert "secret" not in str(caught.value)
