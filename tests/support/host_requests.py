"""Random and damaged requests for host functions, and what may come of them."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from typing import Any, NamedTuple

from pywasmgk.errors import PywasmgkError
from pywasmgk.plugin import HostFunctionError, HostQuotas, Limits, MemoryHost
from pywasmgk.plugin.dispatcher import HostDispatcher
from pywasmgk.plugin.host_functions import FUNCTIONS, RESERVED
from pywasmgk.wasm.runtime.metering import Meter

#: seconds of a request's account
TIMEOUT = 0.2
#: seconds of CPU that a request may take beyond that
GRACE = 0.3
#: tries for one that takes longer: a busy machine adds
_AGAIN = 4

_STATEMENTS = (
    "SELECT * FROM t WHERE a = ?",
    "INSERT INTO t VALUES (?, ?)",
    "UPDATE t SET a = a + ?1",
    "CREATE TABLE t (a, b)",
    "DELETE FROM t",
    "ATTACH 'x' AS y",
    "PRAGMA journal_mode = wal",
    "SELECT hex(zeroblob(9999999))",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c",
    "BEGIN",
    "SELECT ?, :a, @b, $c, ?3",
)
_WORDS = (
    *("", "a", "t", "%a_b%", "%s %d %v", "\u0130\u00df", "\ud83d\ude00", "\0", "x" * 300),
    *("eq", "like", "in", "between", "near", "gt", "append", "increment", "cas", "remove"),
    *("plugin", "QUJD", "QQ==", "!", "*", "'; --", "1e400", "../..", "en"),
)
_NUMBERS = (0, 1, -1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**300, 0.5, 1e308, -0.0)
_TOKENS = (b"{", b"}", b"[", b"]", b'"', b",", b":", b"null", b"1e999", b"NaN", b"\\ud800", b"\xff")


class Finding(NamedTuple):
    """A request that had another end than it may have."""

    seed: int
    function: str
    request: bytes
    what: str


class Requests:
    """Requests from a seed on, carried out one after the other on one host."""

    def __init__(self) -> None:
        quotas = HostQuotas(kept_bytes=4 << 20, kept_entries=2_000, log_lines=200)
        self.host = MemoryHost(
            config={"a": "b"}, translations={"en": {"t": "%s and %d"}}, quotas=quotas
        )
        self.dispatcher = HostDispatcher(self.host, "fuzz", Limits())
        #: how requests ended, by the class of their exception
        self.ends: Counter[str] = Counter()
        self.slowest = 0.0

    def run(self, seed: int) -> Finding | None:
        """Makes and carries out one request."""
        function, request = made(random.Random(seed))
        took, what = self._carried_out(function, request)
        for _ in range(_AGAIN):
            if took > TIMEOUT + GRACE:
                took = min(took, self._carried_out(function, request)[0])
        self.slowest = max(self.slowest, took)
        if took > TIMEOUT + GRACE:
            what = what or f"{took:.2f} s of CPU"
        return Finding(seed, function, request, what) if what else None

    def _carried_out(self, function: str, request: bytes) -> tuple[float, str]:
        """CPU seconds that a request takes, and what is wrong with its end."""
        began, what = time.thread_time(), ""
        meter = Meter(None, TIMEOUT)
        self.dispatcher.begin_call()
        try:
            response = self.dispatcher.call(function, request, meter)
            self.ends["answered"] += 1
            if response:
                json.loads(response)
        except (HostFunctionError, PywasmgkError) as error:
            self.ends[type(error).__name__] += 1
            self.dispatcher.failed(function, error, meter)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
        return time.thread_time() - began, what


def made(generator: random.Random) -> tuple[str, bytes]:
    """A function's name and a request."""
    names = (*FUNCTIONS, *RESERVED, "nope", "")
    name = generator.choice(names)
    row = FUNCTIONS.get(name)
    members = [key for key, _ in row.request] if row else ["plugin", "function", "args", "level"]
    value = {key: _member(generator, key) for key in members if generator.random() < 0.9}
    request = json.dumps(value).encode()
    if generator.random() < 0.5:
        request = damaged(generator, request)
    return name, request


def _member(generator: random.Random, key: str) -> Any:
    """A value for a member; mostly of the right kind."""
    if generator.random() < 0.15:
        return _value(generator, 0)
    if key == "query":
        return generator.choice(_STATEMENTS)
    if key in ("args", "fields"):
        return [_value(generator, 1) for _ in range(generator.randrange(4))]
    if key == "filters":
        keys = ("field", "operator", "value", "value2")
        return [{part: _value(generator, 1) for part in keys} for _ in range(3)]
    if key in ("values", "headers", "metadata", "options"):
        return {generator.choice(_WORDS): _value(generator, 0) for _ in range(3)}
    if key.endswith("_id") or key in ("ttl", "max_width", "until_time"):
        return generator.randrange(3)
    return generator.choice(_WORDS)


def _value(generator: random.Random, depth: int) -> Any:
    """Any JSON; an operation on a field now and then."""
    kind = generator.randrange(8 if depth < 4 else 5)
    if kind == 5:
        return [_value(generator, depth + 1) for _ in range(generator.randrange(4))]
    if kind == 6:
        return {generator.choice(_WORDS): _value(generator, depth + 1) for _ in range(2)}
    if kind == 7:
        keys = ("value", "expect", "floor", "ceiling")
        return {
            "op": generator.choice(_WORDS),
            generator.choice(keys): _value(generator, depth + 1),
        }
    words: Any = generator.choice(_WORDS)
    return (words, generator.choice(_NUMBERS), None, True, words)[kind]


def damaged(generator: random.Random, request: bytes) -> bytes:
    """A request with some bytes cut, doubled, changed or put in."""
    data = bytearray(request)
    for _ in range(generator.randrange(1, 5)):
        at = generator.randrange(len(data) + 1)
        end = min(at + generator.choice((1, 1, 2, 8, 40)), len(data))
        kind = generator.randrange(5)
        if kind == 0:
            del data[at:end]
        elif kind == 1:
            data[at:at] = data[at:end] * generator.choice((1, 2, 500))
        elif kind == 2 and at < len(data):
            data[at] = generator.randrange(256)
        elif kind == 3:
            data[at:at] = generator.choice(_TOKENS) * generator.choice((1, 1, 3, 9_000))
        else:
            del data[at:]
    return bytes(data)
