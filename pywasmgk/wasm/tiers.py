"""Which tier runs a function: the interpreter, or Python source made from it (``compiler``).

Both do the same, to the last unit of fuel; this is about speed alone. With ``auto`` a function
begins in the interpreter and is compiled once it has run so much that it pays: what it has run is
known from its calls and from the fuel slices that were used up while it ran. A call that is in a
loop by then goes on in compiled code at the loop's next turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .code import Code, prepare
from .functions import Func
from .metering import FRAMES_LEFT, Meter

if TYPE_CHECKING:
    from .compiler.binding import Binding
    from .instance import Instance

__all__ = ["ENGINES", "Tiers"]

#: what may run a module
ENGINES = ("auto", "interpreter", "compiler")

#: a function is compiled when it has run this many instructions for each one that it has
#: (RATIONALE.md, "When is a function compiled?")
_TURNS = 120
#: instructions that one call is taken to run, at most
_PER_CALL = 60


class Tiers:
    """How the functions of one instance run."""

    def __init__(self, instance: Instance, engine: str) -> None:
        self.instance = instance
        self.engine = engine
        self._binding: Binding | None = None
        #: instructions that each function is taken to have run
        self._credit: dict[int, int] = {}
        self._compiling = False

    @property
    def binding(self) -> Binding:
        """Generated code bound to the instance, made when it is first needed."""
        if self._binding is None:
            from .compiler.binding import Binding

            self._binding = Binding(self.instance)
        return self._binding

    def begin(self, meter: Meter) -> None:
        """Says how deep generated code may call on an account, so that its calls need not."""
        if self._binding is not None:
            reach = min(meter.depth, meter.budget)
            self._binding.limit(meter.depth - reach, reach)

    def resolve(self, func: Func, meter: Meter) -> Code | None:
        """The code with which the interpreter runs a function, or ``None`` if it is compiled."""
        if self.engine == "interpreter":
            func.ready = self.prepare(func)
            return func.ready
        roomy = meter.budget >= FRAMES_LEFT
        if roomy and (func.compiled or self._is_ready(func.index)):
            return None
        code = self.prepare(func)
        if roomy:
            size = len(code.operations)
            if self.engine == "compiler" or self._pays(func, min(size, _PER_CALL), size):
                self._compiling = True
                if self.binding.compile(func.index):
                    return None
                func.ready = code
        return code

    def _is_ready(self, index: int) -> bool:
        """Whether a function was compiled in an earlier process: then it is at once."""
        return self._is_stored(index, 0) and self.binding.compile(index)

    def _is_stored(self, index: int, entry: int) -> bool:
        if self.instance.module.stored is None:
            return False
        from .compiler.unit import is_stored

        return is_stored(self.instance.module, index, self.instance.memory, entry)

    def prepare(self, func: Func) -> Code:
        """A function's code for the interpreter, made once for all instances of its module."""
        if func.code is not None:
            return func.code
        module = self.instance.module
        code = module.codes.get(func.index)
        if code is None:
            code = module.codes[func.index] = prepare(module.block_map(func.index), module.isa)
        func.code = code
        return code

    def _pays(self, func: Func, ran: int, size: int) -> bool:
        credit = self._credit[func.index] = self._credit.get(func.index, 0) + ran
        return credit > _TURNS * size

    def sample(self, func: Func, pc: int, height: int, meter: Meter) -> bool:
        """Takes note that a slice of fuel was used up in a function; gives whether the loop whose
        body begins at ``pc``, with ``height`` operands on the stack, is to go on in compiled
        code."""
        if self.engine == "interpreter" or meter.budget < FRAMES_LEFT or func.code is None:
            return False
        pays = self._pays(func, meter.used_up, len(func.code.operations))
        if not pc or not (pays or self._is_stored(func.index, pc)):
            return False
        self._compiling = True
        return self.binding.loop(func.index, pc, height) is not None

    def enter_loop(
        self, func: Func, pc: int, locals_: Sequence[Any], stack: Sequence[Any], meter: Meter
    ) -> list[Any] | None:
        """Goes on with a call from a loop's head on, which was charged and tested already; gives
        ``None`` if call depth is so low that the interpreter must."""
        self.look(meter)
        loop = self.binding.loop(func.index, pc, len(stack))
        if loop is None or not self.binding.has_room(loop, meter):
            return None
        return self.binding.enter(func.index, meter, (*locals_, *stack), loop)

    def enter(self, func: Func, meter: Meter, args: Sequence[Any]) -> list[Any]:
        """Runs a compiled function."""
        self.look(meter)
        return self.binding.enter(func.index, meter, args)

    def look(self, meter: Meter) -> None:
        """Has the meter look at the clock after compiling, whose time is not in the fuel."""
        if self._compiling:
            self._compiling = False
            meter.expire(meter.left)
