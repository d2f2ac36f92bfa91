"""Which tier runs a function: the interpreter, or Python source made from it (``compiler``), quick
or optimized.

All do the same, to the last unit of fuel; this is about speed alone. With ``auto`` a function
begins in the interpreter. It becomes quick when it is warm, optimized when it has run so long that
this repays what optimizing costs; ``compiler`` leaves the interpreter out. What ran is known from
samples: at the test point where a slice of fuel is found used up, it is counted for the function
that is there. A call that is in a loop by then goes on in the better code at the loop's next turn.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..interpreter.code import Code, prepare
from ..profile import WARM, calls_until_warm
from ..watch import on_account
from .functions import Func
from .metering import CURRENT, FRAMES_LEFT, Meter

if TYPE_CHECKING:
    from .binding import Binding
    from .instance import Instance

__all__ = ["Tiers"]

# levels, as the compiler numbers them (which is imported when there is something to compile)
_INTERPRETED, _QUICK, _OPTIMIZED = 0, 1, 2

#: calls in the interpreter that one from compiled code counts as, since it takes as long
_CROSSING = 4
#: with ``auto`` a function is optimized when its quick form has run for this many times what
#: optimizing costs; with ``compiler``, which is asked for by who runs long, once is enough
_REPAYS = 8.0
#: bytes of a body below which once is enough: tight loops gain most
_SMALL = 300
#: seconds that optimizing takes for a byte of a body, until it has been measured
_PER_BYTE = 5e-5
#: seconds that functions which would repay it must have run in a process before the first is
#: optimized: bringing the optimizer in takes 0.035, and saves two fifths of what they run again
_REPAYS_OPTIMIZER = 0.1
_OPTIMIZER = "pywasmgk.wasm.compiler.optimizing"
#: seconds that quick code takes for an instruction
_PER_INSTRUCTION = 3e-8
#: and the interpreter
_PER_STEP = 1e-7


class Tiers:
    """How the functions of one instance run."""

    def __init__(self, instance: Instance, engine: str) -> None:
        self.instance = instance
        self.engine = engine
        self._binding: Binding | None = None
        #: what functions have run, in this instance and others of the module
        self._profile = instance.module.profile
        #: functions that are to be compiled at their next call
        self._wanted: set[int] = set()
        #: functions that stay quick
        self._barred: set[int] = set()
        #: seconds that functions ran which would repay optimizing, if the optimizer were there
        self._ripe: dict[int, float] = {}
        #: what optimizing took so far: bytes, and seconds
        self._cost = [1_000.0, 1_000.0 * _PER_BYTE]
        self._compiling = False
        self._random = 1

    @property
    def binding(self) -> Binding:
        """Generated code bound to the instance, made when it is first needed."""
        if self._binding is None:
            from .binding import Binding

            self._binding = Binding(self.instance)
        return self._binding

    def note_memory(self) -> None:
        """Takes note that instances run with such a memory, and are compiled as it is usual."""
        if self.engine in ("auto", "compiler"):
            memory = self.instance.first_memory
            self._profile.compiles = True
            self._profile.memory_limit = 0 if memory is None else memory.limit

    def begin(self, meter: Meter) -> None:
        """Says how deep generated code may call on an account, so that its calls need not."""
        if self._binding is not None:
            self._binding.limit(meter.depth, meter.budget, CURRENT.state.room(meter))

    # -- calls

    def resolve(self, func: Func, meter: Meter) -> Code | None:
        """The code with which the interpreter runs a function, or ``None`` if it is compiled."""
        if func.compiled and meter.budget >= FRAMES_LEFT and self.engine != "mixed":
            return None
        if self.engine == "interpreter":
            func.ready = self.prepare(func)
            return func.ready
        if meter.budget < FRAMES_LEFT:
            return self.prepare(func)
        if self.engine == "mixed":
            return self._resolve_mixed(func)
        level = self._first_level(func.index)
        if level and self._compile(func.index, level):
            return None
        code = self.prepare(func)
        if not level or not self.binding.is_postponed(func.index, level=level):
            func.ready = code
        return code

    def _first_level(self, index: int) -> int:
        """The level at which a function that is not compiled is to run now."""
        if self.engine == "optimized" or self._is_known(index, _OPTIMIZED):
            return _OPTIMIZED
        if self.engine != "auto" or index in self._wanted or self._is_known(index, _QUICK):
            return _QUICK
        return _INTERPRETED

    def _compile(self, index: int, level: int) -> bool:
        """Has a function run at a level, or at the quick one if it cannot."""
        self._compiling = True
        if self.binding.compile(index, level):
            return True
        if level == _QUICK or self.binding.is_postponed(index, level=level):
            return False
        return self.binding.compile(index, _QUICK)

    def _is_known(self, index: int, level: int, entry: int = 0) -> bool:
        """Whether a function was compiled for another instance, or in an earlier process: then it
        is at once."""
        module = self.instance.module
        if module.stored is None and not module.compiled:
            return False
        from ..compiler.request import is_known, usual_request

        return is_known(
            module, usual_request(module, self.instance.first_memory, index, level, entry)
        )

    def prepare(self, func: Func) -> Code:
        """A function's code for the interpreter, made for all instances of its module, and made
        again where it was dropped."""
        code = func.code
        if code is not None and not code.dropped:
            return code
        codes, index = self.instance.module.codes, func.index
        if code is None:
            code = codes.get(index)
        if code is None or code.dropped:
            made = self._made(index)
            if code is None:
                code = made
            else:
                code.restore(made)
            codes.keep(index, code, (self.instance.dispatch.control["again"], None))
        if func.code is None:
            func.code = code
            if self.engine == "auto":
                code.calls = calls_until_warm(code.size)
        return code

    def _made(self, index: int) -> Code:
        """A function made ready for the interpreter, here or in an earlier process."""
        module = self.instance.module
        code = None if module.stored is None else module.stored.prepared(index)
        return prepare(module.block_map(index), module.isa, on_account) if code is None else code

    def note_call(self, func: Func) -> None:
        """Takes note that compiled code called a function that is not compiled."""
        code = func.code
        if code is not None and code.calls > 0:
            code.calls = max(code.calls - _CROSSING, 0)
            if not code.calls:
                self.want(func)

    def _is_warm(self, index: int, ran: int, enough: int) -> bool:
        interpreted = self._profile.interpreted
        credit = interpreted[index] = interpreted.get(index, 0) + ran
        return credit > enough

    def want(self, func: Func) -> None:
        """Has a function be compiled at its next call, with ``auto``."""
        if func.index not in self._wanted and self.engine == "auto":
            self._wanted.add(func.index)
            func.ready = None

    # -- from the interpreter

    def sample(self, func: Func, pc: int, height: int, meter: Meter) -> bool:
        """Takes note that a slice of fuel was used up in a function; gives whether the loop whose
        body begins at ``pc``, with ``height`` operands on the stack, is to go on in compiled
        code."""
        if self.engine == "interpreter" or meter.budget < FRAMES_LEFT or func.code is None:
            return False
        level = _OPTIMIZED if self.engine == "optimized" else _QUICK
        if self.engine == "mixed":
            level = self._next(3)
            enters = level > 0
        else:
            size = func.code.size
            if self._is_warm(func.index, meter.used_up, WARM * size):
                self.want(func)
            known = self._is_known(func.index, level, pc)
            enters = known or self._profile.interpreted[func.index] > 2 * WARM * size
        if not pc or not enters:
            return False
        self._compiling = True
        if self.binding.loop(func.index, pc, height, level) is not None:
            return True
        return self.engine == "auto" and self._in_try(func.index, pc, height)

    def _in_try(self, index: int, pc: int, height: int) -> bool:
        """Whether the optimized level takes over at a loop where the quick one cannot, which is so
        where a ``try`` is around it."""
        if self.binding.is_postponed(index, pc, level=_QUICK):
            return False
        if not self._repays(index, self._profile.interpreted[index] * _PER_STEP):
            return False
        make = self.binding.loop
        return bool(self._optimized(index, lambda: make(index, pc, height, _OPTIMIZED)))

    def enter_loop(
        self, func: Func, pc: int, locals_: Sequence[Any], stack: Sequence[Any], meter: Meter
    ) -> list[Any] | None:
        """Goes on with a call from a loop's head on, which was charged and tested already; gives
        ``None`` if call depth is so low that the interpreter must."""
        self.look(meter)
        loop = self.binding.known_loop(func.index, pc)
        if loop is None or not self.binding.has_room(loop, meter):
            return None
        return self.binding.enter(func.index, meter, (*locals_, *stack), loop)

    # -- loops that are left in time

    def makes_leavable(self, func: Func, pc: int) -> bool:
        """Has a loop be compiled as code that ``enter_leavable`` runs; gives whether it could."""
        if self.engine == "interpreter":
            return False
        self._compiling = True
        return self.binding.loop(func.index, pc, 0, _QUICK) is not None

    def enter_leavable(
        self, func: Func, pc: int, locals_: Sequence[Any], meter: Meter, until: float
    ) -> list[Any] | None:
        """:meth:`enter_loop`, with nothing on the stack, and at the quick level, where it can be
        left: when it is ``until``, in seconds of ``time.perf_counter``, LoopLeft is raised at the
        next loop's head that uses up a slice of fuel."""
        self.look(meter)
        loop = self.binding.known_loop(func.index, pc, _QUICK)
        if loop is None or not self.binding.has_room(loop, meter):
            return None
        self.binding.leaves_at = until
        try:
            return self.binding.enter(func.index, meter, locals_, loop)
        finally:
            self.binding.leaves_at = None

    # -- compiled functions

    def enter(self, func: Func, meter: Meter, args: Sequence[Any]) -> list[Any]:
        """Runs a compiled function."""
        if self._compiling:
            self.look(meter)
        return self.binding.enter(func.index, meter, args)

    def look(self, meter: Meter) -> None:
        """Has the meter look at the clock after compiling, whose time is not in the fuel."""
        if self._compiling:
            self._compiling = False
            meter.expire(meter.left)

    # -- from the quick level

    def sample_quick(self, index: int, used_up: int) -> bool:
        """Takes note that a slice of fuel was used up in a quick function; gives whether it was
        optimized now."""
        if self.engine == "mixed":
            return self.binding.compile(index, 1 + self._next(2))
        seconds = self._profile.quick
        ran = seconds[index] = seconds.get(index, 0.0) + used_up * _PER_INSTRUCTION
        if self.engine == "quick" or not self._repays(index, ran):
            return False
        if self.binding.levels.get(index) == _OPTIMIZED:
            return False
        self._optimized(index, lambda: self.binding.compile(index, _OPTIMIZED))
        return True

    def optimized_loop(self, index: int, entry: int, again: bool) -> Callable[..., Any] | None:
        """What goes on at the optimized level with a call that is in a loop of a quick function.
        It is made if one call has used up slices ``again`` and again."""
        if self.engine == "mixed":
            return self.binding.loop(index, entry, 0, _OPTIMIZED) if self._next(2) else None
        if self.engine == "quick" or not self._repays(index, self._profile.quick.get(index, 0.0)):
            return None
        if not again:
            return self.binding.known_loop(index, entry, _OPTIMIZED)
        made: Callable[..., Any] | None = self._optimized(
            index, lambda: self.binding.loop(index, entry, 0, _OPTIMIZED)
        )
        return made

    def _optimized(self, index: int, make: Callable[[], Any]) -> Any:
        """Optimizes something of a function, and measures what that takes."""
        began = time.perf_counter()
        made = make()
        if not made:
            self._barred.add(index)
        self._cost[0] += self._bytes(index)
        self._cost[1] += time.perf_counter() - began
        return made

    def _repays(self, index: int, ran: float) -> bool:
        """Whether a function has run so long that optimizing it is no loss."""
        total, seconds = self._cost
        size = self._bytes(index)
        patient = self.engine == "auto" and (size > _SMALL or self._is_settled())
        enough = (_REPAYS if patient else 1.0) * size * seconds / total
        if ran < enough or index in self._barred:
            return False
        return self.engine != "auto" or self._has_optimizer(index, ran)

    def _has_optimizer(self, index: int, ran: float) -> bool:
        """Whether the optimizer has been brought in, or would repay that: it is not for one
        function alone."""
        if _OPTIMIZER in sys.modules:
            return True
        self._ripe[index] = ran
        return sum(self._ripe.values()) >= _REPAYS_OPTIMIZER

    def _is_settled(self) -> bool:
        """Whether an earlier process optimized what was worth it: one sample of a small function
        tells nothing new."""
        stored = self.instance.module.stored
        return stored is not None and stored.was_found

    def _bytes(self, index: int) -> int:
        module = self.instance.module
        body = module.bodies[index - module.import_counts["func"]]
        return body.end - body.start

    # -- levels in no order

    def _next(self, count: int) -> int:
        """The next of a sequence of numbers that depends on nothing (Park, Miller 1988)."""
        self._random = self._random * 48271 % 0x7FFFFFFF
        return (self._random >> 8) % count

    def _resolve_mixed(self, func: Func) -> Code | None:
        level = self._next(3)
        if level and self._compile(func.index, level):
            return None
        return self.prepare(func)
