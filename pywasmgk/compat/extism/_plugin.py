"""Plugins as Extism's Python SDK has them."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import Exit, PywasmgkError
from ...wasm.module import Module
from ...wasm.runtime.defaults import DEFAULT_COMMAND_MEMORY, DEFAULT_FUEL, DEFAULT_TIMEOUT
from ...wasm.runtime.functions import Func
from ...wasm.runtime.instance import Instance, instantiate
from ...wasm.runtime.metering import CancelToken
from ...wasm.types import FuncType, ValType
from ...wasm.wasi import HostDirectory, WasiConfig
from ._host import Function, registered
from ._kernel import MODULE, HttpRequest, HttpResponse, Kernel

__all__ = ["CancelHandle", "Error", "Plugin"]

#: bytes of variables, and of an answer by HTTP, unless the manifest says less
_VARIABLES, _ANSWER = 1 << 20, 50 << 20
_READ_ONLY = "ro:"
_PAGE = 65536
#: what a plugin's functions may be
_TYPES = (FuncType((), (ValType.I32,)), FuncType())


class Error(Exception):
    """A plugin could not be made, or a call of it failed."""


class CancelHandle:
    """Ends the call of a plugin, from any thread."""

    def __init__(self, token: CancelToken) -> None:
        self._token = token

    def cancel(self) -> bool:
        """Ends it at its next look at the clock."""
        self._token.cancel()
        return True


class Plugin:
    """A module that speaks Extism's interface, as ``extism.Plugin`` of its Python SDK.

    ``plugin`` is the module's bytes or a manifest: a dict, or JSON. Of a manifest ``wasm``
    (``data`` or ``path``, ``hash``, ``name``), ``memory`` (``max_pages``,
    ``max_http_response_bytes``, ``max_var_bytes``), ``config``, ``allowed_hosts``,
    ``allowed_paths`` and ``timeout_ms`` count; it can lower limits and not raise them. ``config``
    comes on top of the manifest's; ``wasi`` gives WASI preview 1 with the allowed paths.
    ``functions`` are those of ``host_fn`` by default. ``http`` carries out requests to allowed
    hosts; without it there is none. ``log`` is told level and text. ``fuel`` (instructions),
    ``timeout`` (seconds) and ``memory_limit`` (pages) hold for each call. Raises Error.
    """

    def __init__(
        self,
        plugin: str | bytes | Mapping[str, Any],
        wasi: bool = False,
        config: Mapping[str, str | None] | None = None,
        functions: Sequence[Function] | None = None,
        *,
        http: Callable[[HttpRequest], HttpResponse] | None = None,
        log: Callable[[str, str], object] | None = None,
        fuel: int | None = DEFAULT_FUEL,
        timeout: float | None = DEFAULT_TIMEOUT,
        memory_limit: int = DEFAULT_COMMAND_MEMORY,
    ) -> None:
        manifest = _manifest(plugin)
        memory = manifest.get("memory") or {}
        pages = min(memory_limit, memory.get("max_pages") or memory_limit)
        asked = manifest.get("timeout_ms")
        if asked:
            timeout = asked / 1000 if timeout is None else min(timeout, asked / 1000)
        known = {**(manifest.get("config") or {}), **(config or {})}
        self._kernel = Kernel(
            {name: value for name, value in known.items() if value is not None},
            tuple(manifest.get("allowed_hosts") or ()),
            http,
            log,
            {
                "memory": pages * _PAGE,
                "variables": min(_VARIABLES, memory.get("max_var_bytes", _VARIABLES)),
                "http": min(_ANSWER, memory.get("max_http_response_bytes", _ANSWER)),
            },
        )
        self.id = uuid.uuid4()
        self._context: Any = None
        self._token = CancelToken()
        self._wasi = wasi
        self._paths = manifest.get("allowed_paths") or {}
        self._limits = {"fuel": fuel, "timeout": timeout, "memory_limit": pages}
        self._functions = registered() if functions is None else list(functions)
        try:
            self._modules = _modules(manifest, timeout)
            self._instance: Instance | None = self._instantiate()
        except (PywasmgkError, OSError) as error:
            raise Error(str(error)) from error

    def _instantiate(self) -> Instance:
        """A new instance of the last module, with the others under their names."""
        given: dict[str, Any] = {MODULE: self._kernel.functions()}
        for function in self._functions:
            given.setdefault(function.namespace, {})[function.name] = function.bind(self)
        wasi = self._wasi_config() if self._wasi else None
        limits: dict[str, Any] = {**self._limits, "cancel": self._token}
        instance: Instance | None = None
        for name, module in self._modules:
            instance = instantiate(module, given, wasi=wasi, **limits)
            given[name] = instance.exports
        if instance is None:
            raise Error("the manifest has no module")
        for name in ("_initialize", "__wasm_call_ctors"):
            begin = instance.exports.get(name)
            if isinstance(begin, Func):
                begin()
                break
        return instance

    def _wasi_config(self) -> WasiConfig:
        preopens = {}
        for path, guest in self._paths.items():
            writable = not path.startswith(_READ_ONLY)
            preopens[guest] = HostDirectory(path.removeprefix(_READ_ONLY), writable=writable)
        return WasiConfig(preopens=preopens)

    def cancel_handle(self) -> CancelHandle:
        """What ends the running call."""
        return CancelHandle(self._token)

    def function_exists(self, name: str) -> bool:
        """Whether there is such a function."""
        return self._instance is not None and isinstance(self._instance.exports.get(name), Func)

    def call(
        self,
        function_name: str,
        data: str | bytes,
        parse: Callable[[bytes], Any] = bytes,
        host_context: Any = None,
    ) -> Any:
        """Calls a function with an input; gives what ``parse`` makes of its output. Raises Error
        with what the plugin said, or with what ended it; the next call begins anew then."""
        try:
            if self._instance is None:
                self._instance = self._instantiate()
            func = self._instance.exports.get(function_name)
            if not isinstance(func, Func):
                raise Error(f"Function not found: {function_name}")
            if func.type not in _TYPES:
                raise Error(f"Function {function_name} is of type {func.type}, wanted () -> i32")
            self._kernel.begin(data.encode() if isinstance(data, str) else bytes(data))
            self._context = host_context
            code = func() or 0
        except Exit as error:
            code, self._instance = error.code, None
        except PywasmgkError as error:
            self._instance = None
            self._renew_token()
            raise Error(self._kernel.error_text() or str(error)) from error
        finally:
            self._context = None
        text = self._kernel.error_text()
        if code or text:
            raise Error(text or f"Call to Extism plugin function {function_name} returned {code}")
        return parse(self._kernel.result())

    def _renew_token(self) -> None:
        """A token that was used would end all calls to come."""
        if self._token.cancelled:
            self._token = CancelToken()

    def __enter__(self) -> Plugin:
        return self

    def __exit__(self, *exc: object) -> None:
        self._instance = None


def _manifest(plugin: str | bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    """What was given, as a manifest. Raises Error for what is none."""
    if isinstance(plugin, Mapping):
        return plugin
    if isinstance(plugin, bytes):
        return {"wasm": [{"data": plugin}]}
    try:
        found = json.loads(plugin)
    except (ValueError, RecursionError) as error:
        raise Error(f"Unable to parse manifest: {error}") from None
    if not isinstance(found, dict):
        raise Error("Unable to parse manifest: it is no object")
    return found


def _modules(manifest: Mapping[str, Any], timeout: float | None) -> list[tuple[str, Module]]:
    """The modules by name, the main one last. Raises Error, OSError and what Module raises."""
    found = []
    for number, item in enumerate(manifest.get("wasm") or ()):
        data = _content(item)
        wanted = item.get("hash")
        if wanted and hashlib.sha256(data).hexdigest() != wanted.lower():
            raise Error(f"hash mismatch found for wasm {item.get('name') or number}")
        name = item.get("name") or str(number)
        found.append((name, Module(data, name=name, timeout=timeout)))
    # the one called main comes last, wherever it stands
    return sorted(found, key=lambda pair: pair[0] == "main")


def _content(item: Mapping[str, Any]) -> bytes:
    if "data" in item:
        data = item["data"]
        if isinstance(data, str):
            try:
                return base64.b64decode(data, validate=True)
            except ValueError as error:
                raise Error(f"Unable to decode wasm: {error}") from None
        return bytes(data)
    if "path" in item:
        return Path(item["path"]).read_bytes()
    raise Error("a module is given by its data or its path; it is not fetched by url")
