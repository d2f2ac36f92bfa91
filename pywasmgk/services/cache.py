"""The cache: what a plugin keeps for a while, apart from other plugins'."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ..plugin.host import CallContext, HostFunctionError
from .failures import failing, require, required_module
from .slots import Slots

__all__ = ["Cache", "MemoryCache", "RedisCache"]

#: bytes beside key and value that an entry takes, roughly
_OVERHEAD = 200


class Cache(Protocol):
    """What a host asks of a cache."""

    def get(self, ctx: CallContext, key: str) -> tuple[bytes | None, bool]:
        """The value, and whether there is one that has not expired."""

    def set(self, ctx: CallContext, key: str, value: bytes | None, ttl: int) -> None:
        """Keeps a value for ``ttl`` seconds; 0 or less is as long as there is room."""

    def delete(self, ctx: CallContext, key: str) -> None:
        """Forgets a value."""

    def close(self) -> None:
        """Lets go of what it has."""


class _Entry(NamedTuple):
    value: bytes | None
    #: when it goes; 0 is never
    expires: float
    size: int


class MemoryCache:
    """In this process. Where a plugin's values take more than ``max_bytes``, or are more than
    ``max_entries``, those go that were not asked for longest. ``clock`` gives seconds. Raises
    ConfigError."""

    def __init__(
        self,
        *,
        max_bytes: int = 64 << 20,
        max_entries: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, value in (("max_bytes", max_bytes), ("max_entries", max_entries)):
            good = isinstance(value, int) and not isinstance(value, bool) and value > 0
            require(good, f"cache: {name} must be above 0, found {value!r}")
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._clock = clock
        self._lock = threading.Lock()
        #: by plugin and key, the latest used last
        self._entries: dict[str, OrderedDict[str, _Entry]] = {}
        self._sizes: dict[str, int] = {}

    def get(self, ctx: CallContext, key: str) -> tuple[bytes | None, bool]:
        """The value, and whether there is one that has not expired."""
        with self._lock:
            entries = self._entries.get(ctx.caller)
            entry = None if entries is None else entries.get(key)
            if entries is None or entry is None:
                return None, False
            if entry.expires and self._clock() >= entry.expires:
                self._drop(ctx.caller, key)
                return None, False
            entries.move_to_end(key)
            return entry.value, True

    def set(self, ctx: CallContext, key: str, value: bytes | None, ttl: int) -> None:
        """Keeps a value for ``ttl`` seconds; 0 or less is as long as there is room. Raises
        HostFunctionError for one that is larger than all that there may be."""
        size = len(key.encode("utf-8", "replace")) + len(value or b"") + _OVERHEAD
        if size > self._max_bytes:
            raise HostFunctionError(
                f"a value of {size:,} bytes; the cache has {self._max_bytes:,} for a plugin"
            )
        expires = self._clock() + ttl if ttl > 0 else 0.0
        with self._lock:
            self._drop(ctx.caller, key)
            entries = self._entries.setdefault(ctx.caller, OrderedDict())
            entries[key] = _Entry(value, expires, size)
            self._sizes[ctx.caller] = self._sizes.get(ctx.caller, 0) + size
            while self._sizes[ctx.caller] > self._max_bytes or len(entries) > self._max_entries:
                self._drop(ctx.caller, next(iter(entries)))

    def delete(self, ctx: CallContext, key: str) -> None:
        """Forgets a value."""
        with self._lock:
            self._drop(ctx.caller, key)

    def _drop(self, plugin: str, key: str) -> None:
        entry = self._entries.get(plugin, OrderedDict()).pop(key, None)
        if entry is not None:
            self._sizes[plugin] -= entry.size

    def close(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._entries.clear()
            self._sizes.clear()


class RedisCache:
    """On a Redis or Valkey server (extra ``redis``), at a URL such as ``redis://host:6379/0``,
    ``rediss://`` with TLS. It need not be there yet.

    Keys begin with ``prefix``, then the plugin's name. ``timeout`` is for a command, in seconds,
    where the call has no earlier deadline; ``max_value`` what a value may have, in bytes. How much
    the server keeps is its own setting (``maxmemory``). Raises ConfigError.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "pywasmgk",
        timeout: float = 5.0,
        pool: int = 10,
        max_value: int = 8 << 20,
    ) -> None:
        require(
            isinstance(timeout, (int, float)) and timeout > 0,
            f"cache: timeout must be seconds above 0, found {timeout!r}",
        )
        require(
            isinstance(pool, int) and pool > 0, f"cache: pool must be 1 or more, found {pool!r}"
        )
        self._redis = required_module("redis", "redis", "a cache at a URL")
        self._prefix = prefix
        self._timeout = timeout
        self._max_value = max_value
        #: connections that nobody uses; at most as many as there are slots
        self._idle: list[Any] = []
        self._slots = Slots(pool, "connections of the cache", timeout)
        retry = required_module("redis.retry", "redis", "a cache at a URL")
        backoff = required_module("redis.backoff", "redis", "a cache at a URL")
        # how often is said here, within the time that the call has
        never = retry.Retry(backoff.NoBackoff(), 0)
        try:
            self._pool = self._redis.ConnectionPool.from_url(url, retry=never)
        except ValueError:
            # without the URL, which may have a password in it
            require(False, "cache: the URL must begin with redis://, rediss:// or unix://")

    def _key(self, ctx: CallContext, key: str) -> bytes:
        # lengths, so that no plugin's name and key are another's
        plugin = ctx.caller.encode("utf-8", "surrogatepass")
        return b"%s:%d:%s:%s" % (
            self._prefix.encode(),
            len(plugin),
            plugin,
            key.encode("utf-8", "surrogatepass"),
        )

    def _ask(self, ctx: CallContext, *command: Any) -> Any:
        """A command's answer, in the time that the call has left."""
        ctx.check()
        with (
            failing(ctx, "the cache", self._redis.RedisError, OSError),
            self._slots.taken(ctx),
        ):
            try:
                return self._once(ctx, command)
            except self._redis.TimeoutError:
                raise
            except self._redis.ConnectionError:
                # one that was idle is found out to be dead at its next use; all commands here may
                # be carried out twice
                return self._once(ctx, command)

    def _once(self, ctx: CallContext, command: tuple[Any, ...]) -> Any:
        left = ctx.seconds_left()
        seconds = self._timeout if left is None else min(self._timeout, max(left, 0.001))
        connection = self._pool.make_connection() if not self._idle else self._idle.pop()
        connection.socket_timeout = connection.socket_connect_timeout = seconds
        try:
            connection.connect()
            connection.send_command(*command)
            answer = connection.read_response(timeout=seconds)
        except BaseException:
            # an answer that comes later must not be another command's
            connection.disconnect()
            raise
        self._idle.append(connection)
        return answer

    def get(self, ctx: CallContext, key: str) -> tuple[bytes | None, bool]:
        """The value, and whether there is one. Raises HostFunctionError where the server cannot be
        reached; DeadlineExceeded and Cancelled with the call."""
        found = self._ask(ctx, "GET", self._key(ctx, key))
        # the first byte tells no value from an empty one
        return (None, False) if found is None else (found[1:] if found[:1] == b"=" else None, True)

    def set(self, ctx: CallContext, key: str, value: bytes | None, ttl: int) -> None:
        """Keeps a value for ``ttl`` seconds; 0 or less is as long as the server keeps it. Raises
        what :meth:`get` raises."""
        if len(value or b"") > self._max_value:
            raise HostFunctionError(
                f"a value of {len(value or b''):,} bytes; {self._max_value:,} are allowed"
            )
        stored = b"-" if value is None else b"=" + value
        expiry = ("EX", min(ttl, _LONGEST_TTL)) if ttl > 0 else ()
        self._ask(ctx, "SET", self._key(ctx, key), stored, *expiry)

    def delete(self, ctx: CallContext, key: str) -> None:
        """Forgets a value. Raises what :meth:`get` raises."""
        self._ask(ctx, "DEL", self._key(ctx, key))

    def close(self) -> None:
        """Closes all connections."""
        while self._idle:
            self._idle.pop().disconnect()


#: seconds that Redis takes at most
_LONGEST_TTL = 1 << 40
