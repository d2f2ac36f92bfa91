"""From bytes to a registered guest, with the contract's texts for failures (contract 1.4)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ..errors import (
    CallError,
    CallTimeout,
    DecodeError,
    Exit,
    GuestError,
    LinkError,
    PluginError,
    ValidationError,
)
from ..wasm.functions import Func
from ..wasm.instance import Instance, chosen_cache, instantiate
from ..wasm.linker import MissingImport
from ..wasm.metering import Meter
from ..wasm.module import Module, content_of
from ..wasm.types import FuncType
from ..wasm.wasi import WasiConfig
from .abi import Guest, describe, release
from .bridge import Bridge
from .limits import Limits

__all__ = ["decoded", "start_guest"]


def decoded(
    data: bytes | str | Module,
    limits: Limits,
    name: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> Module:
    """The module of a plugin, within the limits; ``name`` is its file's. Raises PluginError, and
    CacheError."""
    cache = chosen_cache(cache_dir)
    if isinstance(data, Module) and data.max_locals <= limits.locals_limit:
        data.use_cache(cache)
        return data
    content: bytes | str
    try:
        if isinstance(data, Module):
            name, content = data.name, data.data
        else:
            content = content_of(name, data) if name and isinstance(data, bytes) else data
        return Module(content, name=name, max_locals=limits.locals_limit, cache=cache)
    except (DecodeError, ValidationError) as error:
        raise PluginError(f"instantiate wasm: {error}") from error


def start_guest(
    module: Module,
    bridge: Bridge,
    limits: Limits,
    wasi: WasiConfig,
    engine: str,
    progress: Callable[[Meter], object] | None = None,
) -> tuple[Guest, bytes]:
    """A fresh guest whose start functions ran, and what its ``gk_register`` gave.

    Raises PluginError: ContractError for exports, CallError and CallTimeout for what goes wrong
    inside the guest.
    """
    instance = _instantiate(module, bridge, limits, wasi, engine, progress)
    try:
        with instance.account():
            _run_start(instance)
            guest = Guest(instance)
            return guest, guest.manifest()
    except BaseException:
        release(instance)
        raise


def _instantiate(
    module: Module,
    bridge: Bridge,
    limits: Limits,
    wasi: WasiConfig,
    engine: str,
    progress: Callable[[Meter], object] | None,
) -> Instance:
    try:
        return instantiate(
            module,
            bridge.imports(),
            wasi=wasi,
            memory_limit=limits.memory_limit,
            table_limit=limits.table_limit,
            depth_limit=limits.depth_limit,
            fuel=limits.fuel,
            timeout=limits.call_timeout,
            engine=engine,
            progress=progress,
        )
    except LinkError as error:
        raise PluginError(f"instantiate wasm: {_link_text(error)}") from error
    except GuestError as error:
        # an active segment that does not fit is a trap without frames
        in_start = module.start is not None and error.frames
        where = f"start function[{module.start}] failed: " if in_start else ""
        raise _load_error(f"instantiate wasm: {where}", error) from error
    except Exit as error:
        raise PluginError(f"instantiate wasm: {describe(error)}") from error


def _run_start(instance: Instance) -> None:
    """Runs ``_start``, or else ``_initialize``, if it is there."""
    for name in ("_start", "_initialize"):
        item = instance.exports[name] if name in instance.exports else None
        if isinstance(item, Func) and item.type == FuncType():
            break
    else:
        return
    try:
        item()
    except Exit as error:
        if error.code == 0:
            hint = "build a reactor, or let main return"
            raise PluginError(
                f"gk_register failed: module closed with exit_code(0): {hint}"
            ) from error
        raise PluginError(f"instantiate wasm: {describe(error)}") from error
    except GuestError as error:
        where = f"module[{instance.module.name or ''}] function[{name}] failed: "
        raise _load_error(f"instantiate wasm: {where}", error) from error


def _load_error(prefix: str, error: GuestError) -> PluginError:
    kind = CallTimeout if isinstance(error, TimeoutError) else CallError
    return kind(prefix + describe(error), error)


def _link_text(error: LinkError) -> str:
    """The contract's text for the first problem, ours for all of them."""
    problems = [item for item in error.missing if isinstance(item, MissingImport)]
    if not problems:
        return str(error)
    first = problems[0]
    if first.found is not None:
        text = (
            f"import func[{first.module}.{first.name}]: signature mismatch: "
            f"{_signature(first.wanted)} != {_signature(first.found)}"
        )
    elif first.module in ("gk", "wasi_snapshot_preview1"):
        text = f'"{first.name}" is not exported in module "{first.module}"'
    else:
        text = f"module[{first.module}] not instantiated"
    return f"{text}; {error}"


def _signature(kind: Any) -> str:
    if not isinstance(kind, FuncType):
        return str(kind)
    params, results = ("".join(map(str, part)) or "v" for part in (kind.params, kind.results))
    return f"{params}_{results}"
