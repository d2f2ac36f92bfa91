"""Generated code bound to one instance: its cells, and the ways in and out.

A compiled function is called with its parameters and ``d``, the call depth used since compiled
code was entered; who calls has seen to it that there is one left. It gives nothing, its result, or
a tuple of results. (Depth is counted up, since small integers need not be made.) All that it shares
with others is in cells: the fuel in hand, the functions that it calls, globals, and views of the
memory. Whoever owns the content owns the cell, and puts new content in when it changes.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import CellType, CodeType, FunctionType, TracebackType
from typing import TYPE_CHECKING, Any

from ...errors import Frame, Trap, TrapCode, WasmException
from ..compiler.budget import Budget
from ..compiler.compiled import SPARE, Compiled, LineEntry
from ..compiler.request import OPTIMIZED, QUICK, Request, compiled_function, usual_request
from ..interpreter.code import fuel_behind
from ..interpreter.execution import Execution, LoopLeft
from ..isa.bounds import TRAP_NAMES
from ..isa.lanes import LANE_NAMES
from ..isa.numerics import NAMES
from ..types import FuncType, ValType
from .accesses import compiled_access, indirect_trap
from .callees import Callees
from .faults import explained
from .functions import Func
from .memory import filled
from .metering import CURRENT, FRAMES_LEFT, Meter
from .tags import Exn, caught, thrown
from .witness import WITNESS, LeftFrame

if TYPE_CHECKING:
    from .instance import Instance

__all__ = ["Binding"]

#: what indirect calls trap with
_CALL_TRAPS = (
    TrapCode.TABLE_OUT_OF_BOUNDS, TrapCode.INDIRECT_CALL_TO_NULL, TrapCode.BAD_SIGNATURE,
)  # fmt: skip
#: calls whose assumptions fail until a function is compiled without
_MANY_MISSES = 10
#: globals that are looked at for the stack pointer
_MOST_OBSERVED = 16
#: how much of the time that a call has left one compilation may take
_SHARE = 0.5
#: frames of Python that a call takes which the interpreter makes into compiled code
_CROSSING = 8
#: frames of Python between two forms of one function, at most
_BESIDE = 2

_BUILTINS = (abs, bytes, float, int, len, locals, map, max, min, range, sum, zip)
#: what every generated function may name, beside its cells and its instance's objects
_COMMON: dict[str, Any] = {
    **NAMES,
    **LANE_NAMES,
    **TRAP_NAMES,
    **TrapCode.__members__,
    "Trap": Trap,
    "W": WasmException,
    "Exn": Exn,
    "thrown": thrown,
    "filled": filled,
    "INF": math.inf,
    "byte32": tuple([byte if byte < 128 else byte | 0xFFFFFF00 for byte in range(256)]),
    "byte64": tuple([byte if byte < 128 else byte | 0xFFFFFFFFFFFFFF00 for byte in range(256)]),
    "__builtins__": {function.__name__: function for function in _BUILTINS},
}


class Binding:
    """One instance's compiled functions."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        funcs, tables, _, memory, datas, elems = instance.environment
        self._types = instance.module.functions
        #: fuel in the hands of compiled code
        self.fuel = CellType(0)
        #: what the account had of call depth, and of frames of Python, where compiled code begins
        self.depth = self.budget = 0
        #: when quick code is to leave its loops for the interpreter, in seconds of perf_counter
        self.leaves_at: float | None = None
        #: how deep compiled code may call
        self.reach = 0
        #: the depth beyond which it asks
        self.top = CellType(0)
        self.functions: dict[int, CellType] = {}
        self._outward: dict[Any, Callable[..., Any]] = {}
        self._cells: dict[str, CellType] = {"fuel": self.fuel, "top": self.top}
        #: what call_indirect finds, by table and type: callables by element
        undefined = self._fault(TrapCode.TABLE_OUT_OF_BOUNDS, "undefined element")
        self._callees = Callees(instance, self._callee, undefined)
        #: what is compiled by the identity of its code object, for tracebacks
        self._by_code: dict[int, Compiled] = {}
        #: the level of what is in a function's cell
        self.levels: dict[int, int] = {}
        #: functions by index and level; ``None`` where they cannot be compiled
        self._forms: dict[tuple[int, int], Callable[..., Any] | None] = {}
        #: calls for which an assumption did not hold
        self._missed: dict[int, int] = {}
        self._loops: dict[tuple[int, int, int], Callable[..., Any] | None] = {}
        #: code between two compiled functions, that tracebacks go through
        self._stubs: set[CodeType] = set(_BETWEEN)
        self.namespace: dict[str, Any] = {
            **_COMMON,
            "F": memoryview(bytearray(4)).cast("f"),
            "funcs": funcs,
            "tables": tables,
            "tags": instance.tags,
            "memory": memory,
            "datas": datas,
            "elems": elems,
            "refill": _refill,
            "expire": _expire,
            "deep": self._deep,
            "deeper": self._quick_deep,
            "sampled": self._sampled,
            "resumed": self._resumed,
            "unwound": self._unwound,
        }

    # -- cells

    def cell(self, name: str) -> CellType:
        """The cell of a free variable of generated code."""
        found = self._cells.get(name)
        if found is None:
            found = self._cells[name] = self._make_cell(name)
        return found

    def _make_cell(self, name: str) -> CellType:
        kind, rest = name[0], name[1:]
        if kind == "f":
            return self.function_cell(int(rest))
        if kind == "g":
            cell: CellType = self.instance.globals[int(rest)].cell
            return cell
        if kind == "c":
            table, _, number = rest.partition("_")
            return self._callees.cell(int(table), self.instance.module.types[int(number)])
        memory = self.instance.memories[0]
        return memory.cell(name)

    def function_cell(self, index: int) -> CellType:
        """The cell that callers find a function in; until it is compiled, a way out is there."""
        cell = self.functions.get(index)
        if cell is None:
            func: Func = self.instance.funcs[index]
            cell = self.functions[index] = CellType(self._way_out(func))
        return cell

    # -- compiling

    def compile(self, index: int, level: int = OPTIMIZED) -> bool:
        """Has calls of a function run at a level from now on; gives whether they can."""
        if self._missed.get(index, 0) >= _MANY_MISSES:
            level = QUICK
        function = self.form(index, level)
        if function is None:
            return False
        cell = self.function_cell(index)
        waiting = cell.cell_contents
        cell.cell_contents = function
        self.levels[index] = level
        self.instance.funcs[index].compiled = True
        self._callees.replace(index, waiting, function)
        return True

    def form(self, index: int, level: int) -> Callable[..., Any] | None:
        """A function as a level has it; ``None`` if it cannot be compiled, or not yet."""
        key = index, level
        if key not in self._forms:
            compiled = self._compiled(index, level=level)
            if compiled is None and self.is_postponed(index, level=level):
                return None
            self._forms[key] = None if compiled is None else self._bound(compiled)
        return self._forms[key]

    def loop(self, index: int, entry: int, slots: int, level: int) -> Callable[..., Any] | None:
        """What goes on with a call that has come to a loop; ``None`` if it cannot be compiled."""
        key = index, entry, level
        if key not in self._loops:
            compiled = self._compiled(index, entry, slots, level=level)
            if compiled is None and self.is_postponed(index, entry, level=level):
                return None
            self._loops[key] = None if compiled is None else self._bound(compiled)
        return self._loops[key]

    def known_loop(
        self, index: int, entry: int, level: int | None = None
    ) -> Callable[..., Any] | None:
        """What goes on from a loop, if it was compiled: at a level, or at the best one."""
        if level is not None:
            return self._loops.get((index, entry, level))
        found = self._loops.get((index, entry, OPTIMIZED))
        return found or self._loops.get((index, entry, QUICK))

    def _compiled(
        self, index: int, entry: int = 0, slots: int | None = None, *, level: int
    ) -> Compiled | None:
        """A function's code, compiled within the time of the running account."""
        self._observe()
        request = self._request(index, entry, slots, level)
        meter = CURRENT.state.meter
        if meter is None:
            return compiled_function(self.instance.module, request)
        left = meter.seconds_left()
        budget = Budget(meter.look, None if left is None else left * _SHARE)
        return compiled_function(self.instance.module, request, budget)

    def _request(self, index: int, entry: int, slots: int | None, level: int) -> Request:
        return usual_request(
            self.instance.module, self.instance.first_memory, index, level, entry, slots
        )

    def _observe(self) -> None:
        """Has the module know how many low bits of its first globals are zero: toolchains differ
        in what they keep their stack pointers a multiple of, and one function's guard need not
        find out for every other one."""
        zeros = self.instance.module.low_zeros
        for index, owned in enumerate(self.instance.globals[:_MOST_OBSERVED]):
            value = owned.cell.cell_contents
            if owned.type.mutable and owned.type.value_type is ValType.I32 and value:
                now = (value & -value).bit_length() - 1
                zeros[index] = min(zeros.get(index, now), now)

    def is_postponed(self, index: int, entry: int = 0, *, level: int) -> bool:
        """Whether there was not time enough to compile a function, so far."""
        request = self._request(index, entry, None, level)
        module = self.instance.module
        return request.key in module.postponed and request.key not in module.compiled

    def has_room(self, loop: Callable[..., Any], meter: Meter) -> bool:
        """Whether there is call depth for what stands in the place of calls in a loop."""
        room = self._by_code[id(loop.__code__)].room
        return min(meter.depth, meter.budget) >= room

    def _bound(self, compiled: Compiled) -> Callable[..., Any]:
        code = compiled.code
        closure = tuple(map(self.cell, code.co_freevars))
        self._by_code[id(code)] = compiled
        return FunctionType(code, self.namespace, code.co_name, None, closure)

    # -- tables

    def _callee(self, element: Func | None, kind: FuncType) -> Callable[..., Any]:
        if element is None:
            return self._fault(TrapCode.INDIRECT_CALL_TO_NULL)
        if element.type != kind:
            return self._fault(TrapCode.BAD_SIGNATURE, element.type, kind)
        if element.instance is self.instance:
            callee: Callable[..., Any] = self.function_cell(element.index).cell_contents
            return callee
        return self._way_out(element)

    def _fault(self, code: TrapCode, *about: object) -> Callable[..., Any]:
        """What traps when it is called, with a message about a type that was found and another one
        that was wanted, or with a given one."""
        key = code, *about
        if key in self._outward:
            return self._outward[key]

        def fault(*args: Any) -> None:
            _meter().left = self.fuel.cell_contents
            found = f"{code.value}: {about[0]}, not {about[1]}" if len(about) > 1 else None
            raise Trap(code, found or (str(about[0]) if about else None))

        self._outward[key] = fault
        return fault

    # -- out of compiled code

    def _way_out(self, func: Func) -> Callable[..., Any]:
        """What compiled code calls where it cannot call compiled code."""
        way = self._outward.get(func)
        if way is None:
            make = self._to_host if func.host is not None else self._to_guest
            way = self._outward[func] = make(func)
        return way

    def _to_guest(self, func: Func) -> Callable[..., Any]:
        instance = func.instance
        own = instance is self.instance
        single = len(func.type.results)

        def call(*args: Any) -> Any:
            meter = _meter()
            self._tell(meter, args[-1])
            instance.tiers.note_call(func)  # type: ignore[union-attr]
            compiled = func.ready is None and instance.tiers.resolve(func, meter) is None  # type: ignore[union-attr]
            if compiled and own:
                return self.functions[func.index].cell_contents(*args)
            try:
                if compiled:
                    results = instance.tiers.enter(func, meter, args[:-1])  # type: ignore[union-attr]
                else:
                    results = Execution(func, args[:-1]).run(meter)
            except WasmException:
                self.fuel.cell_contents = meter.left
                raise
            self.fuel.cell_contents = meter.left
            return _unpacked(results, single)

        # between two compiled functions, tracebacks show it once, when the second is compiled
        self._stubs.add(call.__code__)
        return call

    def _to_host(self, func: Func) -> Callable[..., Any]:
        caller, fuel, plainly = self.instance, self.fuel, func.call_host_plainly

        def call(*args: Any) -> Any:
            meter = CURRENT.state.meter or _meter()
            self._tell(meter, args[-1])
            # leaving for the host is a test point
            if meter.left < 0:
                meter.refill(meter.left)
            try:
                result = plainly(caller, meter, args)
            except WasmException:
                fuel.cell_contents = meter.resume()
                raise
            fuel.cell_contents = meter.resume()
            return result

        return call

    def _tell(self, meter: Meter, used: int) -> None:
        meter.left = self.fuel.cell_contents
        meter.budget = self.budget - used
        meter.depth = self.depth - used

    def _deep(self, index: int, used: int, args: Sequence[Any]) -> Any:
        """Goes on at the quick level, which assumes nothing, where an assumption does not hold,
        after many of these for good; or where more call depth is to be had."""
        function = self._forms[index, OPTIMIZED]
        func: Func = self.instance.funcs[index]
        room = self._by_code[id(function.__code__)].room  # type: ignore[union-attr]
        code = func.code or self.instance.tiers.prepare(func)
        if used + max(code.depth + room, SPARE) > self.reach:
            return self._too_deep(function, index, used, args)
        self._observe()
        missed = self._missed[index] = self._missed.get(index, 0) + 1
        if missed == _MANY_MISSES:
            self.instance.module.profile.missed.add(index)
            self.compile(index, QUICK)
        quick = self.form(index, QUICK)
        if quick is None:
            return self._interpreted(index, used, args)
        return self._apart(quick, *args, used)

    def _apart(self, function: Callable[..., Any], *args: Any) -> Any:
        """Calls a function with frames of Python between it and the compiled code that calls it."""
        before = depth, budget, reach = self.depth, self.budget, self.reach
        try:
            self.limit(depth, budget - _BESIDE, reach - _BESIDE)
            return function(*args)
        finally:
            self.limit(*before)

    def _quick_deep(self, index: int, used: int, args: Sequence[Any]) -> Any:
        """Goes on where Python's stack, or the guest's, is used up."""
        return self._too_deep(self._forms[index, QUICK], index, used, args)

    def _too_deep(self, function: Any, index: int, used: int, args: Sequence[Any]) -> Any:
        if self.reach < min(self.depth, self.budget):
            return self._deeper(function, used, args)
        return self._interpreted(index, used, args)

    def _interpreted(self, index: int, used: int, args: Sequence[Any]) -> Any:
        """Goes on in the interpreter."""
        meter = _meter()
        func: Func = self.instance.funcs[index]
        self.instance.tiers.prepare(func)
        self._tell(meter, used)
        try:
            results = Execution(func, args, here=True).run(meter)
        except WasmException:
            self.fuel.cell_contents = meter.left
            raise
        self.fuel.cell_contents = meter.left
        return _unpacked(results, len(func.type.results))

    def _deeper(self, function: Callable[..., Any], used: int, args: Sequence[Any]) -> Any:
        """Goes on in compiled code, once Python lets it call as deep as the account does."""
        depth, budget, reach = self.depth, self.budget, self.reach
        state = CURRENT.state
        extended = state.extend(budget - used)
        try:
            self.limit(depth, budget, min(depth, budget))
            return function(*args, used)
        finally:
            self.limit(depth, budget, reach)
            state.restore(extended)

    # -- from the quick level to the optimized one

    def _sampled(self, owed: int, index: int, back: int = 0) -> None:
        """The slow path of a test point of quick code, which takes note of where a slice was used
        up. What is ``owed`` is to be had then; what was taken for it before comes ``back``."""
        meter = CURRENT.state.meter or _meter()
        cell = self.fuel
        cell.cell_contents += back
        left = meter.refill(cell.cell_contents - owed)
        leaves = self.leaves_at is not None
        if meter.used_up and not leaves and self.instance.tiers.sample_quick(index, meter.used_up):
            # compiling took time that is not in the fuel
            left = meter.expire(left)
        cell.cell_contents = left + owed

    def _resumed(
        self,
        index: int,
        entry: int,
        owed: int,
        used: int,
        variables: Mapping[str, Any],
        skipped: int = 0,
    ) -> tuple[Any] | None:
        """Goes on at the optimized level from a loop, with nothing on the stack; gives the result,
        or ``None`` where the loop has not run enough for that. What comes out of there is not
        caught by the ``try``s around the loop, of which so many are to be ``skipped``."""
        if self.leaves_at is not None:
            self._leave_in_time(index, entry, owed, variables)
            return None
        # what it gave before is still there if this call has been here before
        loop = self.instance.tiers.optimized_loop(index, entry, "t0" in variables)
        if loop is None or self.reach - used < self._by_code[id(loop.__code__)].room + _BESIDE:
            return None
        self.fuel.cell_contents -= owed
        count = loop.__code__.co_argcount - 1
        locals_ = [variables[f"l{number}"] for number in range(count)]
        try:
            return (self._apart(loop, *locals_, used),)
        except WasmException as error:
            error.skips = skipped
            raise

    def _leave_in_time(
        self, index: int, entry: int, owed: int, variables: Mapping[str, Any]
    ) -> None:
        """Leaves a loop of quick code for the interpreter, once it is time."""
        if self.leaves_at is not None and time.perf_counter() < self.leaves_at:
            return
        self.fuel.cell_contents -= owed
        count = len(self.instance.module.block_map(index).locals)
        raise LoopLeft(entry, [variables[f"l{number}"] for number in range(count)])

    # -- into compiled code

    def enter(
        self, index: int, meter: Meter, args: Sequence[Any], loop: Callable[..., Any] | None = None
    ) -> list[Any]:
        """Calls a compiled function, or goes on from a loop of it, with engine values and on the
        meter's account."""
        before, budget, depth = (self.depth, self.budget, self.reach), meter.budget, meter.depth
        if depth < 1 and loop is None:
            raise Trap(TrapCode.STACK_OVERFLOW)
        meter.budget = left = budget - _CROSSING
        state, extended = CURRENT.state, None
        if left - state.floor < FRAMES_LEFT:
            extended = state.extend(left)
        # ThreadState.room and limit, without the calls: programs that are half compiled cross often
        reach = left - state.floor
        if reach > depth:
            reach = depth
        self.depth, self.budget, self.reach = depth, left, reach
        self.top.cell_contents = reach - SPARE
        self.fuel.cell_contents = meter.left
        try:
            results = (loop or self.functions[index].cell_contents)(*args, 0)
        except LoopLeft:
            meter.left = self.fuel.cell_contents
            raise
        except BaseException as error:
            raise self.explain(error, meter) from error.__cause__
        finally:
            self.depth, self.budget, self.reach = before
            self.top.cell_contents = before[2] - SPARE
            meter.budget = budget
            if extended is not None:
                state.restore(extended)
        meter.left = self.fuel.cell_contents
        count = len(self._types[index].results)
        return [results] if count == 1 else list(results) if count else []

    def limit(self, depth: int, budget: int, reach: int) -> None:
        """Sets what the account has of call depth and of frames of Python, and how deep compiled
        code may call."""
        self.depth, self.budget, self.reach = depth, budget, reach
        self.top.cell_contents = reach - SPARE

    def explain(self, error: BaseException, meter: Meter) -> BaseException:
        """What the caller sees of an exception; finds the wasm frames in its traceback, which
        begins with the frame that called compiled code."""
        frames: list[Frame] = []
        last: TracebackType | None = None
        entry: LineEntry | None = None
        module = self.instance.module
        traceback: TracebackType | None = error.__traceback__
        traceback = None if traceback is None else traceback.tb_next
        while traceback is not None:
            found = self._by_code.get(id(traceback.tb_frame.f_code))
            if found is None:
                if traceback.tb_frame.f_code not in self._stubs:
                    break
                # it went on into compiled code of this instance, or the next turn ends this
                traceback = traceback.tb_next
                continue
            entry = found.lines[traceback.tb_lineno - 1]
            frames += (module.frame(*place) for place in entry.frames)
            last, traceback = traceback, traceback.tb_next
        native = None
        if entry is not None and last is not None and traceback is None:
            meter.left = self.fuel.cell_contents - entry.pending
            if entry.ahead is not None:
                meter.left += entry.ahead.amount(last.tb_frame.f_locals)
            native = partial(self._native_trap, entry, error, last)
        elif entry is not None and last is not None and isinstance(error, Trap):
            self._tell_callee(error, entry, last)
        frames.reverse()
        told = explained(error, frames, meter, self.instance.domain, native)
        if (witness := WITNESS.get() or CURRENT.state.witness) is not None:
            left = (LeftFrame(self.instance, frame.function, frame.offset) for frame in frames)
            witness.saw(told, left)
        if isinstance(told, WasmException):
            # all others that it came through have told what is left
            meter.left = self.fuel.cell_contents + self._behind(frames)
        elif told is meter.host_error:
            meter.unspent += self._behind(frames)
        return told

    def _unwound(self, error: WasmException) -> int:
        """What was charged for instructions behind the calls that an exception has passed, which
        compiled code has caught; the exception lets go of its frames."""
        behind = 0
        traceback = error.__traceback__
        while traceback is not None:
            found = self._by_code.get(id(traceback.tb_frame.f_code))
            if found is not None:
                for place in found.lines[traceback.tb_lineno - 1].frames:
                    behind += self._fuel_behind(*place)
            elif traceback.tb_frame.f_code not in self._stubs:
                break
            traceback = traceback.tb_next
        caught(error)
        return behind

    def _native_trap(
        self, entry: LineEntry, error: BaseException, raised: TracebackType
    ) -> Trap | None:
        """What an exception of Python's stands for in compiled code."""
        if entry.trap is None:
            return None
        told = compiled_access(self.instance, entry.frames[-1][1], error, raised)
        return told or Trap(TrapCode[entry.trap], entry.message)

    def _tell_callee(self, error: Trap, entry: LineEntry, caller: TracebackType) -> None:
        """Has the trap of an indirect call, which what stands for the callee has raised, say which
        element it was."""
        if error.trap_code in _CALL_TRAPS and not error.frames:
            table = self._by_code[id(caller.tb_frame.f_code)].lines
            lines = {number for number, one in enumerate(table, 1) if one.frames == entry.frames}
            for trap in indirect_trap(self.instance, caller, lines):
                if trap.trap_code is error.trap_code:
                    error.message = trap.message

    def _behind(self, frames: Sequence[Frame]) -> int:
        """What was charged for instructions behind the calls that frames are in."""
        return sum(self._fuel_behind(frame.function, frame.offset) for frame in frames)

    def _fuel_behind(self, function: int, offset: int) -> int:
        """What was charged for instructions behind the call that stands at an offset."""
        func: Func = self.instance.funcs[function]
        code = func.code or self.instance.tiers.prepare(func)
        pc = bisect_right(code.offsets, offset - code.base)
        return fuel_behind(self.instance.module, function, code, pc)


#: code between two compiled functions of an instance
#: code between two compiled functions, that tracebacks go through
_BETWEEN = tuple(
    method.__code__
    for method in (
        Binding._deep, Binding._quick_deep, Binding._too_deep, Binding._deeper, Binding._apart,
        Binding._resumed,
    )
)  # fmt: skip


def _unpacked(results: Sequence[Any], count: int) -> Any:
    """Results as compiled code has them."""
    return results[0] if count == 1 else tuple(results) if count else None


def _meter() -> Meter:
    meter = CURRENT.state.meter
    if meter is None:
        raise RuntimeError("compiled code runs without an account")
    return meter


def _refill(fuel: int) -> int:
    return (CURRENT.state.meter or _meter()).refill(fuel)


def _expire(fuel: int) -> int:
    return (CURRENT.state.meter or _meter()).expire(fuel)
