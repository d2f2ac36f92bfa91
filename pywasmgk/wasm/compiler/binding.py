"""Generated code bound to one instance: its cells, and the ways in and out.

A compiled function is called with its parameters and ``d``, the call depth used since compiled
code was entered; who calls has seen to it that there is one left. It gives nothing, its result, or
a tuple of results. (Depth is counted up, since small integers need not be made.) All that it shares
with others is in cells: the fuel in hand, the functions that it calls, globals, and views of the
memory. Whoever owns the content owns the cell, and puts new content in when it changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import CellType, CodeType, FrameType, FunctionType, TracebackType
from typing import TYPE_CHECKING, Any

from ...errors import Frame, Trap, TrapCode
from ..faults import explained
from ..functions import Func
from ..interpreter import Execution
from ..lanes import LANE_NAMES
from ..memory import filled
from ..metering import CURRENT, Meter
from ..numerics import NAMES
from ..table import Table
from ..types import FuncType
from .function import SPARE, Compiled, LineEntry
from .unit import compiled_function

if TYPE_CHECKING:
    from ..instance import Instance

__all__ = ["Binding"]

#: calls whose assumptions fail until a function is compiled without
_MANY_MISSES = 10
#: depth left below which it may be the depth that sends a call to the interpreter
_SHALLOW = 400

_BUILTINS = (abs, bytes, float, int, len, map, max, min, range, sum, zip)
#: what every generated function may name, beside its cells and its instance's objects
_COMMON: dict[str, Any] = {
    **NAMES,
    **LANE_NAMES,
    **TrapCode.__members__,
    "Trap": Trap,
    "filled": filled,
    "INF": math.inf,
    "__builtins__": {function.__name__: function for function in _BUILTINS},
}


class Binding:
    """One instance's compiled functions."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        funcs, tables, _, memory, datas, elems = instance.environment
        #: fuel in the hands of compiled code
        self.fuel = CellType(0)
        #: what the account has of call depth when compiled code has used all of its own
        self.base = 0
        #: how deep compiled code may call
        self.reach = 0
        #: the depth beyond which it asks
        self.top = CellType(0)
        self.functions: dict[int, CellType] = {}
        self._cells: dict[str, CellType] = {"fuel": self.fuel, "top": self.top}
        #: what call_indirect finds, by table and type: callables by element
        self._callees: dict[tuple[int, FuncType], list[Callable[..., Any]]] = {}
        self._watched: set[int] = set()
        self._outward: dict[Func, Callable[..., Any]] = {}
        #: what is compiled by the identity of its code object, for tracebacks
        self._by_code: dict[int, Compiled] = {}
        #: calls for which an assumption did not hold
        self._missed: dict[int, int] = {}
        self._loops: dict[tuple[int, int], Callable[..., Any] | None] = {}
        self._stub_code: CodeType | None = None
        self.namespace: dict[str, Any] = {
            **_COMMON,
            "F": memoryview(bytearray(4)).cast("f"),
            "funcs": funcs,
            "tables": tables,
            "memory": memory,
            "datas": datas,
            "elems": elems,
            "refill": _refill,
            "expire": _expire,
            "deep": self._deep,
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
            return CellType(self._callee_list(int(table), self.instance.module.types[int(number)]))
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

    def compile(self, index: int) -> bool:
        """Compiles a function of the module and binds it; gives whether it could be."""
        assume = self._missed.get(index, 0) < _MANY_MISSES
        module, memory = self.instance.module, self.instance.memory
        compiled = compiled_function(module, index, memory, assume=assume)
        if compiled is None:
            return False
        function = self._bound(compiled)
        cell = self.function_cell(index)
        waiting = cell.cell_contents
        cell.cell_contents = function
        self.instance.funcs[index].compiled = True
        for callees in self._callees.values():
            for position, callee in enumerate(callees):
                if callee is waiting:
                    callees[position] = function
        return True

    def loop(self, index: int, entry: int, slots: int) -> Callable[..., Any] | None:
        """What goes on with a call that has come to a loop; ``None`` if it cannot be compiled."""
        key = index, entry
        if key not in self._loops:
            module, memory = self.instance.module, self.instance.memory
            compiled = compiled_function(module, index, memory, entry, slots)
            self._loops[key] = None if compiled is None else self._bound(compiled)
        return self._loops[key]

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

    def _callee_list(self, table: int, kind: FuncType) -> list[Callable[..., Any]]:
        callees = self._callees.get((table, kind))
        if callees is None:
            owner: Table = self.instance.tables[table]
            callees = self._callees[table, kind] = [
                self._callee(element, kind) for element in owner.elements
            ]
            if table not in self._watched:
                self._watched.add(table)
                owner.watch(self)
        return callees

    def table_changed(self, table: Table, start: int, values: Sequence[Any]) -> None:
        """Keeps what call_indirect finds in step with a table."""
        for (number, kind), callees in self._callees.items():
            if self.instance.tables[number] is table:
                found = [self._callee(element, kind) for element in values]
                callees[start : start + len(values)] = found

    def _callee(self, element: Func | None, kind: FuncType) -> Callable[..., Any]:
        if element is None:
            return self._fault(TrapCode.INDIRECT_CALL_TO_NULL, None)
        if element.type != kind:
            text = f"{TrapCode.BAD_SIGNATURE.value}: {element.type}, not {kind}"
            return self._fault(TrapCode.BAD_SIGNATURE, text)
        if element.instance is self.instance:
            callee: Callable[..., Any] = self.function_cell(element.index).cell_contents
            return callee
        return self._way_out(element)

    def _fault(self, code: TrapCode, text: str | None) -> Callable[..., Any]:
        def fault(*args: Any) -> None:
            _meter().left = self.fuel.cell_contents
            raise Trap(code, text)

        key: Any = (code, text)
        return self._outward.setdefault(key, fault)

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
            if func.ready is None and instance.tiers.resolve(func, meter) is None:  # type: ignore[union-attr]
                if own:
                    return self.functions[func.index].cell_contents(*args)
                self._tell(meter, args[-1])
                results = instance.tiers.enter(func, meter, args[:-1])  # type: ignore[union-attr]
            else:
                self._tell(meter, args[-1])
                results = Execution(func, args[:-1]).run(meter)
            self.fuel.cell_contents = meter.left
            return _unpacked(results, single)

        # between two compiled functions, tracebacks show it once, when the second is compiled
        self._stub_code = call.__code__
        return call

    def _to_host(self, func: Func) -> Callable[..., Any]:
        single = len(func.type.results)
        caller = self.instance

        def call(*args: Any) -> Any:
            meter = CURRENT.meter or _meter()
            self._tell(meter, args[-1])
            # leaving for the host is a test point
            if meter.left < 0:
                meter.refill(meter.left)
            results = func.call_host(caller, meter, args[:-1])
            self.fuel.cell_contents = meter.resume()
            return _unpacked(results, single)

        return call

    def _tell(self, meter: Meter, used: int) -> None:
        meter.left = self.fuel.cell_contents
        meter.budget = self.reach - used
        meter.depth = self.base + meter.budget

    def _deep(self, index: int, used: int, args: Sequence[Any]) -> Any:
        """Goes on in the interpreter where Python's stack, or the guest's, is used up, and where
        an assumption does not hold; after many of these the function is compiled without."""
        meter = _meter()
        if self.reach - used > _SHALLOW:
            missed = self._missed[index] = self._missed.get(index, 0) + 1
            if missed == _MANY_MISSES:
                self.compile(index)
        self._tell(meter, used)
        func: Func = self.instance.funcs[index]
        self.instance.tiers.prepare(func)
        results = Execution(func, args, here=True).run(meter)
        self.fuel.cell_contents = meter.left
        return _unpacked(results, len(func.type.results))

    # -- into compiled code

    def enter(
        self, index: int, meter: Meter, args: Sequence[Any], loop: Callable[..., Any] | None = None
    ) -> list[Any]:
        """Calls a compiled function, or goes on from a loop of it, with engine values and on the
        meter's account."""
        base, reach, budget = self.base, self.reach, meter.budget
        depth = min(meter.depth, budget)
        if depth < 1 and loop is None:
            raise Trap(TrapCode.STACK_OVERFLOW)
        self.limit(meter.depth - depth, depth)
        self.fuel.cell_contents = meter.left
        try:
            results = (loop or self.functions[index].cell_contents)(*args, 0)
        except BaseException as error:
            raise self.explain(error, meter) from error.__cause__
        finally:
            self.limit(base, reach)
            meter.budget = budget
        meter.left = self.fuel.cell_contents
        count = len(self.instance.module.functions[index].results)
        return [results] if count == 1 else list(results) if count else []

    def limit(self, base: int, reach: int) -> None:
        """Sets how deep compiled code may call."""
        self.base, self.reach = base, reach
        self.top.cell_contents = reach - SPARE

    def explain(self, error: BaseException, meter: Meter) -> BaseException:
        """What the caller sees of an exception; finds the wasm frames in its traceback, which
        begins with the frame that called compiled code."""
        frames: list[Frame] = []
        frame: FrameType | None = None
        entry: LineEntry | None = None
        module = self.instance.module
        traceback: TracebackType | None = error.__traceback__
        traceback = None if traceback is None else traceback.tb_next
        while traceback is not None:
            found = self._by_code.get(id(traceback.tb_frame.f_code))
            if found is None:
                if traceback.tb_frame.f_code is not self._stub_code:
                    break
                # it went on into compiled code of this instance, or the next turn ends this
                traceback = traceback.tb_next
                continue
            entry = found.entries[traceback.tb_lineno - 1]
            frames += (module.frame(*place) for place in entry.frames)
            frame, traceback = traceback.tb_frame, traceback.tb_next
        native = None
        if traceback is None and entry is not None and frame is not None:
            meter.left = self.fuel.cell_contents - entry.pending
            if entry.ahead is not None:
                meter.left += entry.ahead.amount(frame.f_locals)
            native = _native_trap(entry)
        frames.reverse()
        return explained(error, frames, meter, self.instance.domain, native)


def _native_trap(entry: LineEntry) -> Callable[[], Trap | None]:
    if entry.trap is None:
        return lambda: None
    code = TrapCode[entry.trap]
    return lambda: Trap(code, entry.message)


def _unpacked(results: Sequence[Any], count: int) -> Any:
    """Results as compiled code has them."""
    return results[0] if count == 1 else tuple(results) if count else None


def _meter() -> Meter:
    meter = CURRENT.meter
    if meter is None:
        raise RuntimeError("compiled code runs without an account")
    return meter


def _refill(fuel: int) -> int:
    return (CURRENT.meter or _meter()).refill(fuel)


def _expire(fuel: int) -> int:
    return (CURRENT.meter or _meter()).expire(fuel)
