"""Where the fuel of a call went, and what of a module it executed: exact, not sampled."""

from __future__ import annotations

import json
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..shown import Shown
from ..wasm.runtime.functions import Func
from ..wasm.stepping.counting import Arms, Counter, Node
from ..wasm.valid.blockmap import ENTERING
from .chains import body_of, function_name, module_of
from .flame import flame_graph
from .lines import Line, Lines
from .pprof import pprof

if TYPE_CHECKING:
    from ..plugin import Plugin
    from ..wasm.module import Module
    from ..wasm.runtime.instance import Instance
    from ..wasm.stepping.execution import Execution

__all__ = ["FunctionProfile", "LineProfile", "LoopProfile", "Profile"]


@dataclass(frozen=True)
class FunctionProfile:
    """One function's part in a call."""

    name: str
    index: int
    calls: int
    #: fuel of its own instructions
    self_fuel: int
    #: with that of all that it called, each instruction once
    total_fuel: int


@dataclass(frozen=True)
class LineProfile:
    """What the instructions of one line took."""

    file: str
    line: int
    #: how often the one of them ran that ran most
    count: int
    fuel: int


@dataclass(frozen=True)
class LoopProfile:
    """What one loop of a function did."""

    name: str
    index: int
    #: of the ``loop`` in the module's file
    offset: int
    #: its line, if one is known
    line: int | None
    #: how often it was come to from outside, and how often its body began
    entries: int
    turns: int


class Profile(Shown):
    """What was executed, counted: every instruction, in its chain of calls.

    ``Profile.of(instance, "export", ...)`` makes one of a call, run to its end;
    ``Profile.attach(execution)`` one of what a held execution runs until ``detach``. Counting takes
    some two times what the interpreter takes; what is not counted is not touched.
    """

    def __init__(self, execution: Execution) -> None:
        self.instance = execution.instance
        self.func = execution.func
        self._execution = execution
        self._counter = Counter(whole=not execution.steps)
        #: the chains of calls that were counted
        self.root: Node = self._counter.root
        self._known_lines: dict[int, Lines] = {}

    @classmethod
    def attach(cls, execution: Execution) -> Profile:
        """Counts what an execution runs from now on. Raises HostError if it is counted already."""
        made = cls(execution)
        execution.attach(made._counter)
        return made

    def detach(self) -> None:
        """Ends the counting; what was counted stays. Raises ValueError if it has ended."""
        self._execution.detach(self._counter)

    @property
    def results(self) -> Any:
        """What the call gave, if it has ended so."""
        return self._execution.results

    @property
    def trap(self) -> BaseException | None:
        """What ended the call, if that was an exception."""
        return self._execution.trap

    @classmethod
    def of(cls, instance: Instance | Plugin, name: Any, *args: Any, **limits: Any) -> Profile:
        """Calls an export, or a plugin's function with a JSON value, and counts; ``limits`` are
        ``fuel``, ``timeout`` and ``cancel``. Traps and stops are kept, not raised. Raises what
        ``Instance.start`` or ``Plugin.start`` raises."""
        with instance.start(name, *args, history=None, **limits) as held:
            made = cls.attach(held)
            held.run()
        return made

    @property
    def fuel(self) -> int:
        """Fuel of all instructions that were executed."""
        return sum(node.fuel for _, node in self.root.walk())

    def functions(self) -> list[FunctionProfile]:
        """Every function that ran, the dearest first."""
        found: dict[Func, list[int]] = {}
        for chain, node in self.root.walk():
            fuel = node.fuel
            own = found.setdefault(chain[-1], [0, 0, 0])
            own[0] += node.calls
            own[1] += fuel
            for func in set(chain):
                found.setdefault(func, [0, 0, 0])[2] += fuel
        profiles = [
            FunctionProfile(function_name(func), func.index, *numbers)
            for func, numbers in found.items()
        ]
        return sorted(profiles, key=lambda one: (-one.self_fuel, one.index))

    def counts(self) -> dict[Func, list[int]]:
        """How often each instruction of the functions that ran did, by position."""
        found: dict[Func, list[int]] = {}
        for chain, node in self.root.walk():
            before = found.get(chain[-1])
            counts = [*node.counts]
            found[chain[-1]] = counts if before is None else [*map(operator.add, before, counts)]
        return found

    def arms(self) -> dict[Func, Arms]:
        """How often tables of branches were left by each of their labels."""
        return self._counter.arms

    def fuel_by_offset(self) -> dict[int, int]:
        """Fuel by the offset of the instruction in the module's file, of the instance's module;
        of a function's first one that of entering, too."""
        found: dict[int, int] = {}
        for func, fuels in self._fuel().items():
            if func.instance is self.instance:
                body = body_of(func)
                for offset, fuel in zip(body.offsets, fuels):
                    if fuel:
                        found[body.base + offset] = fuel
        return found

    def lines(self) -> list[LineProfile]:
        """What each line took, the dearest first; calls are charged to the line that a function
        begins in. Lines are those of the text that the module was made from, or of its source.
        Raises HostError where none are known."""
        self._lines(self.instance.module).require()
        found: dict[Line, list[int]] = {}
        fuels = self._fuel()
        for func, counts in self.counts().items():
            places = self._lines(module_of(func)).of(body_of(func))
            for place, count, fuel in zip(places, counts, fuels[func]):
                if place is not None and count:
                    own = found.setdefault(place, [0, 0])
                    own[0], own[1] = max(own[0], count), own[1] + fuel
        made = [LineProfile(*place, *numbers) for place, numbers in found.items()]
        return sorted(made, key=lambda one: (-one.fuel, one.file, one.line))

    def loops(self) -> list[LoopProfile]:
        """The loops of all functions that ran, those with the most turns first."""
        found = []
        for func, counts in self.counts().items():
            body, module = body_of(func), module_of(func)
            for pc in body.control:
                if counts[pc] and module.isa.rows[body.code[pc][0]].form == "loop":
                    offset = body.base + body.offsets[pc]
                    line = self._lines(module).at(offset)
                    # branches lead behind the instruction itself
                    turns = counts[pc], counts[pc + 1]
                    where = offset, line and line.number
                    found.append(LoopProfile(function_name(func), func.index, *where, *turns))
        return sorted(found, key=lambda one: (-one.turns, one.offset))

    def _lines(self, module: Module) -> Lines:
        return self._known_lines.setdefault(id(module), Lines(module))

    def _fuel(self) -> dict[Func, list[int]]:
        """Fuel of each instruction of all functions that ran; of the first one that of entering,
        too."""
        found: dict[Func, list[int]] = {}
        for chain, node in self.root.walk():
            before = found.setdefault(chain[-1], [0] * len(node.counts))
            for pc, count in enumerate(node.counts):
                if count:
                    before[pc] += node.fuel_at(pc)
            before[0] += node.calls * ENTERING
        return found

    # -- for other tools

    def collapsed(self) -> str:
        """Chains of calls with their fuel, a line each, as flame graph tools read them."""
        lines = []
        for chain, node in self.root.walk():
            fuel = node.fuel
            if fuel:
                names = ";".join(function_name(func).replace(";", ":") for func in chain)
                lines.append(f"{names} {fuel}\n")
        return "".join(lines)

    def speedscope(self) -> str:
        """The chains in speedscope's file format, as JSON."""
        frames: dict[Func, int] = {}
        samples, weights = [], []
        for chain, node in self.root.walk():
            samples.append([frames.setdefault(func, len(frames)) for func in chain])
            weights.append(node.fuel)
        profile = {
            "type": "sampled", "name": function_name(self.func), "unit": "none", "startValue": 0,
            "endValue": sum(weights), "samples": samples, "weights": weights,
        }  # fmt: skip
        return json.dumps(
            {
                "$schema": "https://www.speedscope.app/file-format-schema.json",
                "shared": {"frames": [{"name": function_name(func)} for func in frames]},
                "profiles": [profile],
                "exporter": "pywasmgk",
            }
        )

    def svg(self) -> str:
        """A flame graph: each bar a function in its chain of calls, as wide as its fuel."""
        return flame_graph(self.root)

    def pprof(self) -> bytes:
        """The chains as pprof reads them: profile.proto, gzipped; the innermost function with its
        lines, if any are known."""
        return pprof(self.root, self._lines)
