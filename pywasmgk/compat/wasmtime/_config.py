"""Config and Engine: what holds for all modules and stores of an engine.

Most of what wasmtime can be told means nothing here: the rows of Config say which is which.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import fields
from os.path import exists
from typing import TYPE_CHECKING, Any

from ...wasm.features import Features
from ._errors import WasmtimeError, caused_by
from ._managed import Managed

if TYPE_CHECKING:
    from ._store import Epoch

__all__ = ["Config", "Engine"]


def _boolean(value: Any) -> Any:
    if not isinstance(value, bool):
        raise TypeError("expected a bool")
    return value


def _integer(value: Any) -> Any:
    if not isinstance(value, int):
        raise TypeError("expected an int")
    return value


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise TypeError("expected a str")
    return value


def _one_of(what: str, *known: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value not in known:
            raise WasmtimeError(f"unknown {what}: {value}")
        return value

    return check


def _cache(value: Any) -> Any:
    if not isinstance(value, (bool, str)):
        raise TypeError("expected string or bool")
    if value is False:
        raise WasmtimeError("caching cannot be explicitly disabled")
    if isinstance(value, str) and not exists(value):
        why = caused_by("No such file or directory (os error 2)")
        raise WasmtimeError(f"failed to read config file: {value}\n\n{why}")
    return value


class Setting(property):
    """A property that can be set and not read; ``effect`` says what it does here."""

    def __init__(self, check: Callable[[Any], Any], effect: str = "") -> None:
        self.check = check
        #: empty where it does nothing; the name of a field of ``Features``; or in words
        self.effect = effect
        super().__init__(None, self._change)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def _change(self, config: Config, value: Any) -> None:
        config.ptr()
        config._set[self.name] = self.check(value)


class Config(Managed):
    """Settings of an engine. Each is a property that can be set and not read."""

    consume_fuel = Setting(_boolean, "stores have fuel, which a program sets")
    epoch_interruption = Setting(_boolean, "stores have a deadline in epochs of the engine")

    # what switches a proposal off, if the engine can do without it
    wasm_bulk_memory = Setting(_boolean, "bulk_memory")
    wasm_exceptions = Setting(_boolean, "exceptions")
    wasm_function_references = Setting(_boolean, "function_references")
    wasm_gc = Setting(_boolean, "gc")
    wasm_memory64 = Setting(_boolean, "memory64")
    wasm_multi_memory = Setting(_boolean, "multi_memory")
    wasm_multi_value = Setting(_boolean, "multi_value")
    wasm_reference_types = Setting(_boolean, "reference_types")
    wasm_relaxed_simd = Setting(_boolean, "relaxed_simd")
    wasm_simd = Setting(_boolean, "simd")
    wasm_tail_call = Setting(_boolean, "tail_call")
    wasm_threads = Setting(_boolean, "threads")
    wasm_wide_arithmetic = Setting(_boolean, "wide_arithmetic")

    # what is checked as wasmtime checks it, and then of no consequence
    cache = Setting(_cache)
    cranelift_debug_verifier = Setting(_boolean)
    cranelift_nan_canonicalization = Setting(_boolean)
    cranelift_opt_level = Setting(_one_of("opt level", "none", "speed", "speed_and_size"))
    debug_info = Setting(_boolean)
    gc_support = Setting(_boolean)
    macos_use_mach_ports = Setting(_boolean)
    max_wasm_stack = Setting(_integer)
    memory_guard_size = Setting(_integer)
    memory_init_cow = Setting(_boolean)
    memory_may_move = Setting(_boolean)
    memory_reservation = Setting(_integer)
    memory_reservation_for_growth = Setting(_integer)
    native_unwind_info = Setting(_boolean)
    parallel_compilation = Setting(_boolean)
    profiler = Setting(_one_of("profiler", "none", "jitdump", "vtune", "perfmap"))
    shared_memory = Setting(_boolean)
    signals_based_traps = Setting(_boolean)
    strategy = Setting(_one_of("strategy", "auto", "cranelift", "winch"))
    target = Setting(_text)
    wasm_component_model = Setting(_boolean)
    wasm_component_model_implements = Setting(_boolean)
    wasm_component_model_map = Setting(_boolean)
    wasm_custom_page_sizes = Setting(_boolean)
    wasm_relaxed_simd_deterministic = Setting(_boolean)
    wasm_stack_switching = Setting(_boolean)

    def __init__(self) -> None:
        self._set: dict[str, Any] = {}

    def cranelift_flag_enable(self, flag: str) -> None:
        """Does nothing: there is no Cranelift."""
        flag.encode()

    def cranelift_flag_set(self, key: str, value: str) -> None:
        """Does nothing: there is no Cranelift."""
        key.encode()
        value.encode()

    def _features(self) -> Features | None:
        """What modules may use, if a proposal was switched off; switching on what the engine does
        not know changes nothing: a module that uses it is refused by name."""
        known = {field.name for field in fields(Features)}
        off = {
            item.effect: False
            for name, item in vars(Config).items()
            if isinstance(item, Setting) and item.effect in known and self._set.get(name) is False
        }
        return Features(**off) if off else None


class Engine(Managed):
    """What modules are made for; takes its Config over. Raises TypeError and ValueError."""

    def __init__(self, config: Config | None = None) -> None:
        if config is None:
            config = Config()
        elif not isinstance(config, Config):
            raise TypeError("expected Config")
        config.ptr()
        config.close()
        self._features = config._features()
        self._consume_fuel = bool(config._set.get("consume_fuel"))
        self._interruptible = bool(config._set.get("epoch_interruption"))
        self._epoch = 0
        self._waiting: weakref.WeakSet[Epoch] = weakref.WeakSet()

    def increment_epoch(self) -> None:
        """Ends the calls of stores whose deadline is reached by it; from any thread."""
        self.ptr()
        self._epoch += 1
        for epoch in list(self._waiting):
            epoch.wake()

    def is_pulley(self) -> bool:
        """Whether it interprets wasmtime's own bytecode, which this never does."""
        return False
