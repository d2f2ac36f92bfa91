"""Runs instrumented modules in our own interpreter, which knows nothing of what was added: so the
pass is held against the tiers without any other engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oracle import OurSession, Outcome, State

import pywasmgk
from pywasmgk.errors import GuestError, OutOfFuel, Trap, TrapCode
from pywasmgk.wasm.instrument import Instrumented, Options

__all__ = ["MeteredSession"]

PLENTY = 1 << 50


class MeteredSession(OurSession):
    """An instance of the instrumented form of a module, with a host that keeps the account."""

    def _start(self) -> tuple[()]:
        self.original = self.module
        limits = self.limits
        options = Options(limits.memory, limits.table, exposed=True, throws=True)
        self.instrumented = Instrumented(self.original, options)
        self.module = pywasmgk.Module(self.instrumented.data)
        self.limit = PLENTY
        # its own charges are nobody's concern
        self.options = {**self.options, "memory_limit": 65536, "table_limit": 10**7}
        self.options["depth_limit"] = 1_000_000
        super()._start()
        exports = self.instance.exports
        exports["pywasmgk.fuel"].value = PLENTY
        exports["pywasmgk.depth"].value = limits.depth
        if self.original.start is not None:
            exports["pywasmgk.start"]()
        self.started_fuel = PLENTY - exports["pywasmgk.fuel"].value
        return ()

    def named_imports(self) -> dict[str, dict[str, Any]]:
        i64 = pywasmgk.ValType.I64
        refill = pywasmgk.Func(pywasmgk.FuncType((i64,), (i64,)), self._refill)
        exhausted = pywasmgk.Func(pywasmgk.FuncType(), self._exhausted)
        added = {"refill": refill, "exhausted": exhausted}
        return {**super().named_imports(), "pywasmgk": added}

    def _refill(self, left: int) -> int:
        raise OutOfFuel("all used up")

    def _exhausted(self) -> None:
        raise Trap(TrapCode.STACK_OVERFLOW)

    def again(self, name: str, args: Sequence[Any] = ()) -> Any:
        results = super().again(name, args)
        fuel = self.instance.exports["pywasmgk.fuel"].value
        if fuel < 0:
            self._refill(fuel)
        return results

    def call(self, name: str, args: Sequence[Any] = (), fuel: int | None = None, **_: Any) -> Any:
        exports = self.instance.exports
        self.limit = PLENTY if fuel is None else fuel
        exports["pywasmgk.fuel"].value = self.limit
        exports["pywasmgk.depth"].value = self.limits.depth
        exports["pywasmgk.unspent"].value = 0

        def act() -> tuple[Any, ...]:
            func = exports[name]
            kinds = func.type.results
            with self.instance.account(fuel=None):
                bits = func.call_bits(*args)
            if exports["pywasmgk.fuel"].value < 0:
                self._refill(-1)
            return tuple(self._shown(str(kind), value) for kind, value in zip(kinds, bits))

        outcome = self._guard(act)
        left = exports["pywasmgk.fuel"].value
        if outcome.kind == "thrown":
            left += exports["pywasmgk.unspent"].value
        return outcome._replace(fuel=self.limit - (0 if outcome.kind == "stopped" else left))

    def _guard(self, act: Any) -> Outcome:
        try:
            return Outcome("values", act())
        except GuestError as error:
            places = [self.instrumented.place(frame.offset) for frame in error.frames]
            frames = [self.original.frame(*place) for place in places if place]
            return self._named(error, tuple(frame.function for frame in frames))
        except Exception as error:
            return Outcome("host", type(error).__name__)

    def _named(self, error: GuestError, frames: tuple[int, ...]) -> Outcome:
        def again() -> Any:
            raise error

        return super()._guard(again)._replace(frames=frames)

    def state(self) -> State:
        """What the original has, numbered as there."""
        state = super().state()
        plan = self.instrumented.plan

        def number(item: Any) -> Any:
            return item - plan.shift if isinstance(item, int) and item >= plan.refill else item

        return State(
            state.memories,
            state.globals[: len(self.original.globals)],
            tuple(tuple(map(number, table)) for table in state.tables),
        )
