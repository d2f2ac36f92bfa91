"""From bytes to a registered guest, with the contract's texts for failures (contract 1.4)."""

from __future__ import annotations

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
    Stopped,
    ValidationError,
    near_miss,
)
from ..printable import printable
from ..wasm.cache import Directory, chosen_cache
from ..wasm.features import Features
from ..wasm.module import Module, content_of
from ..wasm.runtime.functions import Func
from ..wasm.runtime.instance import Instance, instantiate
from ..wasm.runtime.linker import MissingImport
from ..wasm.runtime.metering import Meter
from ..wasm.types import FuncType
from ..wasm.wasi import WasiConfig
from .abi import Guest, describe, release
from .bridge import Bridge
from .limits import Limits

__all__ = ["decoded", "instantiated", "start_guest"]

#: seconds that are left when none are: nothing would be no limit
_NO_TIME = 1e-9


def decoded(
    data: bytes | str | Module,
    limits: Limits,
    meter: Meter,
    name: str | None = None,
    cache_dir: Directory | None = None,
    features: Features = Features.SEED,
) -> Module:
    """The module of a plugin, within the limits and the time of an account; ``name`` is its file's.
    One that was decoded with more features is decoded again, once, to see that it needs none of
    these. Raises PluginError, CallTimeout too, and CacheError."""
    known = data if isinstance(data, Module) and data.max_locals <= limits.locals_limit else None
    if known is not None and known.is_within(features):
        known.use_cache(chosen_cache(cache_dir))
        return known
    content: bytes | str
    try:
        if isinstance(data, Module):
            name, content = data.name, data.data
        else:
            content = content_of(name, data) if name and isinstance(data, bytes) else data
        left = meter.seconds_left()
        module = Module(
            content,
            name=name,
            max_locals=limits.locals_limit,
            features=features,
            cache_dir=cache_dir,
            timeout=None if left is None else max(left, _NO_TIME),
            cancel=meter.cancel,
            clock=meter.clock,
        )
        if isinstance(data, Module):
            module.source = data.source
        meter.check()
        if known is None:
            return module
        # what others have compiled of it is there to be used
        known.within.add(features)
        known.use_cache(chosen_cache(cache_dir))
        return known
    except (DecodeError, ValidationError) as error:
        raise PluginError(f"instantiate wasm: {error}") from error
    except Stopped as error:
        raise _load_error("instantiate wasm: ", error) from error


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
    instance = instantiated(module, bridge, limits, wasi, engine, progress)
    try:
        with instance.account():
            _run_start(instance)
            guest = Guest(instance)
            return guest, guest.manifest()
    except BaseException:
        release(instance)
        raise


def instantiated(
    module: Module,
    bridge: Bridge,
    limits: Limits,
    wasi: WasiConfig,
    engine: str,
    progress: Callable[[Meter], object] | None,
    *,
    run_start: bool = True,
) -> Instance:
    """An instance of a plugin's module, of which only the start function ran. Raises PluginError
    with the contract's texts."""
    try:
        return instantiate(
            module,
            bridge.imports(),
            wasi=wasi,
            memory_limit=limits.memory_limit,
            table_limit=limits.table_limit,
            depth_limit=limits.depth_limit,
            fuel=limits.fuel,
            timeout=limits.timeout,
            engine=engine,
            progress=progress,
            cache_dir="",  # the module has its own, or is to have none
            run_start=run_start,
        )
    except LinkError as error:
        raise PluginError(f"instantiate wasm: {_link_text(error, bridge)}") from error
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
        where = f"module[{printable(instance.module.name or '')}] function[{name}] failed: "
        raise _load_error(f"instantiate wasm: {where}", error) from error


def _load_error(prefix: str, error: GuestError) -> PluginError:
    kind = CallTimeout if isinstance(error, TimeoutError) else CallError
    return kind(prefix + describe(error), error)


def _link_text(error: LinkError, bridge: Bridge) -> str:
    """The contract's text for the first problem, ours for all of them."""
    problems = [item for item in error.missing if isinstance(item, MissingImport)]
    if not problems:
        return str(error)
    first = problems[0]
    if first.found is not None:
        text = (
            f"import func[{printable(first.module)}.{printable(first.name)}]: signature mismatch: "
            f"{_signature(first.wanted)} != {_signature(first.found)}"
        )
    elif first.module in ("gk", "wasi_snapshot_preview1"):
        text = f'"{printable(first.name)}" is not exported in module "{first.module}"'
    else:
        text = f"module[{printable(first.module)}] not instantiated"
    details = str(error)
    for item in problems:
        # they are for modules that are no plugins, or loaded as none
        details = details.replace(f" ({item.hint})", "")
    return f"{text}; {details}{_cure(first, bridge)}"


def _cure(problem: MissingImport, bridge: Bridge) -> str:
    """What was probably meant by an import that the contract does not have."""
    functions = bridge.imports()["gk"]
    name = problem.name.removeprefix("gk_")
    if problem.module == "gk" and name not in functions:
        return near_miss(name, functions)
    if problem.module == "gk" and problem.found is None:
        return f"; did you mean {name!r}?"
    if problem.module == "gk":
        types = ", ".join(f"{known} {func.type}" for known, func in functions.items())
        return f"; the contract has {types}"
    if name in functions and problem.module != "wasi_snapshot_preview1":
        return f"; did you mean module 'gk', function {name!r}?"
    return ""


def _signature(kind: Any) -> str:
    if not isinstance(kind, FuncType):
        return str(kind)
    params, results = ("".join(map(str, part)) or "v" for part in (kind.params, kind.results))
    return f"{params}_{results}"
