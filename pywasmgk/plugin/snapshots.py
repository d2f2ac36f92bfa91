"""Plugins that begin where another one was, instead of starting."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import PluginError, SuspensionError
from ..wasm.module import Module
from ..wasm.runtime.metering import Meter
from ..wasm.stepping.packing import seal, unseal
from ..wasm.wasi import WasiConfig
from .abi import Guest, release
from .bridge import Bridge
from .limits import Limits
from .loading import instantiated

__all__ = ["resume_guest", "snapshot"]

_PLUGIN = b"\4"
#: bytes of the size of the manifest
_SIZE = 4


def snapshot(guest: Guest, manifest: bytes, key: bytes | None) -> bytes:
    """A guest that nobody is inside, and its manifest, as bytes."""
    content = len(manifest).to_bytes(_SIZE, "little") + manifest + guest.instance.snapshot()
    return seal(_PLUGIN, content, key)


def resume_guest(
    data: bytes,
    key: bytes | None,
    module: Module,
    bridge: Bridge,
    limits: Limits,
    wasi: WasiConfig,
    engine: str,
    progress: Callable[[Meter], object] | None = None,
) -> tuple[Guest, bytes]:
    """A fresh guest as a snapshot has it, and its manifest. Raises PluginError."""
    instance = instantiated(module, bridge, limits, wasi, engine, progress, run_start=False)
    try:
        content = unseal(_PLUGIN, data, key)
        end = _SIZE + int.from_bytes(content[:_SIZE], "little")
        instance.restore(content[end:])
        return Guest(instance), content[_SIZE:end]
    except SuspensionError as error:
        release(instance)
        raise PluginError(f"begin with a snapshot: {error}") from error
    except BaseException:
        release(instance)
        raise
