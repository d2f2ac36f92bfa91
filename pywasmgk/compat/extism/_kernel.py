"""The functions of ``extism:host/env``: blocks of memory beside the guest's own, input and output,
configuration, variables, logging, HTTP.

Extism's host has these as a module of WebAssembly; here they are Python, on one bounded heap.
Offsets are those of blocks, and 0 is none. Guests read and write blocks byte by byte or eight bytes
at a time; a place outside of the heap traps.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ...errors import Trap, TrapCode
from ...wasm.runtime.functions import Caller, Func
from ...wasm.types import FuncType, ValType

__all__ = ["MODULE", "Heap", "HttpRequest", "HttpResponse", "Kernel"]

MODULE = "extism:host/env"
_LEVELS = ("trace", "debug", "info", "warn", "error")
#: where the first block begins; small numbers are no blocks
_FIRST = 16
#: bytes that the entry of a block or variable takes, about
_ENTRY = 128


class HttpRequest(NamedTuple):
    """What a guest asks for; its host was allowed."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    #: seconds that are left of the call, ``None`` without a limit
    timeout: float | None
    #: bytes that the answer may have
    most: int


class HttpResponse(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Heap:
    """Blocks of bytes by offset, of at most ``limit`` bytes together, what it takes to keep them
    among it. Freed blocks are used again by blocks of the same size."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.clear()

    def clear(self) -> None:
        """Forgets all blocks."""
        self.data = bytearray(_FIRST)
        self.sizes: dict[int, int] = {}
        self._free: dict[int, list[int]] = {}
        #: bytes of all blocks that there ever were, and of their entries
        self._charged = 0

    def allocate(self, size: int) -> int:
        """A new block of zeros; 0 for no bytes. Raises Trap where the limit forbids it."""
        if size == 0:
            return 0
        free = self._free.get(size)
        if free:
            offset = free.pop()
            self.data[offset : offset + size] = bytes(size)
        else:
            offset = len(self.data)
            if self._charged + size + _ENTRY > self.limit:
                text = f"out of memory: {size} bytes wanted beside {self._charged} of {self.limit}"
                raise Trap(TrapCode.UNREACHABLE, text)
            self._charged += size + _ENTRY
            self.data += bytes(size)
        self.sizes[offset] = size
        return offset

    def store(self, content: bytes) -> int:
        """A new block with a content."""
        offset = self.allocate(len(content))
        if offset:
            self.data[offset : offset + len(content)] = content
        return offset

    def free(self, offset: int) -> None:
        """Gives a block up; what is none is left alone."""
        size = self.sizes.pop(offset, 0)
        if size:
            self._free.setdefault(size, []).append(offset)

    def content(self, offset: int) -> bytes:
        """What is in a block; nothing where there is none."""
        return bytes(self.data[offset : offset + self.sizes.get(offset, 0)])

    def place(self, offset: int, size: int) -> int:
        """A place that can be read and written. Raises Trap for another one."""
        if not _FIRST <= offset <= len(self.data) - size:
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS, f"no block of the host is at {offset}")
        return offset


class Kernel:
    """What one plugin has of its host."""

    def __init__(
        self,
        config: Mapping[str, str],
        allowed_hosts: tuple[str, ...],
        http: Callable[[HttpRequest], HttpResponse] | None,
        log: Callable[[str, str], object] | None,
        limits: Mapping[str, int],
    ) -> None:
        self.heap = Heap(limits["memory"])
        self.config = config
        self.variables: dict[str, bytes] = {}
        self.allowed_hosts = allowed_hosts
        self.http = http
        self.log = log
        self.limits = limits
        self.begin(b"")

    def begin(self, data: bytes) -> None:
        """Forgets what a call left and takes the input of the next."""
        self.heap.clear()
        self.input = data
        self.input_offset = self.heap.store(data)
        self.output = (0, 0)
        self.error = 0
        self.response = HttpResponse(0, {}, b"")

    def result(self) -> bytes:
        """What the guest gave."""
        offset, size = self.output
        return bytes(self.heap.data[offset : offset + size]) if size else b""

    def error_text(self) -> str | None:
        """What the guest said went wrong."""
        return self.heap.content(self.error).decode("utf-8", "replace") if self.error else None

    # -- what guests call; numbers come unsigned

    def _load(self, offset: int, size: int) -> int:
        at = self.heap.place(offset, size)
        return int.from_bytes(self.heap.data[at : at + size], "little")

    def _store(self, offset: int, value: int, size: int) -> None:
        at = self.heap.place(offset, size)
        masked = value & ((1 << 8 * size) - 1)
        self.heap.data[at : at + size] = masked.to_bytes(size, "little")

    def _input(self, offset: int, size: int) -> int:
        if offset + size > len(self.input):
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS, f"the input has no byte {offset}")
        return int.from_bytes(self.input[offset : offset + size], "little")

    def _set_output(self, offset: int, size: int) -> None:
        if size:
            self.heap.place(offset, size)
        self.output = (offset, size)

    def _set_error(self, offset: int) -> None:
        self.error = offset

    def _config_get(self, key: int) -> int:
        value = self.config.get(self.heap.content(key).decode("utf-8", "replace"))
        return 0 if value is None else self.heap.store(value.encode())

    def _var_get(self, key: int) -> int:
        value = self.variables.get(self.heap.content(key).decode("utf-8", "replace"))
        return 0 if value is None else self.heap.store(value)

    def _var_set(self, key: int, value: int) -> None:
        name = self.heap.content(key).decode("utf-8", "replace")
        if not value:
            self.variables.pop(name, None)
            return
        content = self.heap.content(value)
        kept = {**self.variables, name: content}
        if sum(len(k) + len(v) + _ENTRY for k, v in kept.items()) > self.limits["variables"]:
            text = f"variables may have {self.limits['variables']} bytes together"
            raise Trap(TrapCode.UNREACHABLE, text)
        self.variables[name] = content

    def _http(self, caller: Caller, request: int, body: int) -> int:
        try:
            asked = json.loads(self.heap.content(request))
            url, method = str(asked["url"]), str(asked.get("method") or "GET")
            headers = {str(k): str(v) for k, v in (asked.get("headers") or {}).items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Trap(TrapCode.UNREACHABLE, f"no HTTP request: {error}") from None
        self._require_host(url)
        if self.http is None:
            raise Trap(TrapCode.UNREACHABLE, "HTTP is not given: Plugin(..., http=...)")
        content = self.heap.content(body) if body else None
        left, most = caller.meter.seconds_left(), self.limits["http"]
        found = self.http(HttpRequest(method, url, headers, content, left, most))
        if len(found.body) > most:
            raise Trap(TrapCode.UNREACHABLE, f"the answer has more than {most} bytes")
        self.response = found
        return self.heap.store(found.body)

    def _require_host(self, url: str) -> None:
        """Raises Trap for a host that is not allowed, and for what is no HTTP."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        allowed = any(fnmatch.fnmatchcase(host, pattern) for pattern in self.allowed_hosts)
        if parts.scheme not in ("http", "https") or not host or not allowed:
            text = f"HTTP request to {url[:200]} is not allowed"
            raise Trap(TrapCode.UNREACHABLE, text)

    def _headers(self) -> int:
        return self.heap.store(json.dumps(dict(self.response.headers)).encode())

    def _log(self, level: str) -> Callable[[int], None]:
        def write(offset: int) -> None:
            text = self.heap.content(offset).decode("utf-8", "replace")
            if self.log is not None:
                self.log(level, text)

        return write

    def functions(self) -> dict[str, Func]:
        """All functions by name."""
        heap = self.heap
        rows: dict[str, tuple[str, str, Callable[..., Any]]] = {
            "alloc": ("I", "I", heap.allocate),
            "free": ("I", "", heap.free),
            "length": ("I", "I", lambda offset: heap.sizes.get(offset, 0)),
            "length_unsafe": ("I", "I", lambda offset: heap.sizes.get(offset, 0)),
            "load_u8": ("I", "i", lambda offset: self._load(offset, 1)),
            "load_u64": ("I", "I", lambda offset: self._load(offset, 8)),
            "store_u8": ("Ii", "", lambda offset, value: self._store(offset, value, 1)),
            "store_u64": ("II", "", lambda offset, value: self._store(offset, value, 8)),
            "input_length": ("", "I", lambda: len(self.input)),
            "input_offset": ("", "I", lambda: self.input_offset),
            "input_load_u8": ("I", "i", lambda offset: self._input(offset, 1)),
            "input_load_u64": ("I", "I", lambda offset: self._input(offset, 8)),
            "output_set": ("II", "", self._set_output),
            "error_set": ("I", "", self._set_error),
            "error_get": ("", "I", lambda: self.error),
            "config_get": ("I", "I", self._config_get),
            "var_get": ("I", "I", self._var_get),
            "var_set": ("II", "", self._var_set),
            "http_status_code": ("", "i", lambda: self.response.status),
            "http_headers": ("", "I", self._headers),
            "get_log_level": ("", "i", lambda: 0 if self.log else 0x7FFFFFFF),
            **{f"log_{level}": ("I", "", self._log(level)) for level in _LEVELS},
        }
        found = {name: _function(name, *row) for name, row in rows.items()}
        found["http_request"] = _function("http_request", "II", "I", self._http, caller=True)
        return found


_KINDS = {"i": ValType.I32, "I": ValType.I64}


def _function(
    name: str, params: str, results: str, do: Callable[..., Any], *, caller: bool = False
) -> Func:
    masks = [(1 << (32 if letter == "i" else 64)) - 1 for letter in params]

    def call(*args: Any) -> Any:
        first, rest = args[:caller], args[caller:]
        return do(*first, *(value & mask for value, mask in zip(rest, masks)))

    type_ = FuncType(tuple(_KINDS[p] for p in params), tuple(_KINDS[r] for r in results))
    return Func(type_, call, access_caller=caller, name=f"{MODULE}.{name}")
