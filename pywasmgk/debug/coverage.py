"""What of a module was executed, by one run or many: functions, basic blocks, branches, lines."""

from __future__ import annotations

import hashlib
import json
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import HostError, JSONError
from ..plugin.gojson import decode
from ..shown import Shown
from ..wasm.stepping.activations import Texts
from .lines import MARKS, Line, Lines

if TYPE_CHECKING:
    from ..wasm.module import Module
    from ..wasm.stepping.counting import Arms
    from ..wasm.valid.blockmap import BlockMap, Branch
    from .profile import Profile

__all__ = ["Coverage", "FunctionCoverage", "Share"]

#: of the JSON form: raised whenever it changes
_VERSION = 2
#: no instruction runs as often
_MOST = 1 << 62
#: forms that do nothing but say where a block begins and ends
_STRUCTURE = ("block", "loop", *MARKS)
#: stands before a line of a listing that never ran
_NEVER = "#####"


class Share(NamedTuple):
    """How many of some things ran."""

    hit: int
    total: int

    @property
    def percent(self) -> float:
        """The same of a hundred; of nothing all ran."""
        return 100 * self.hit / self.total if self.total else 100.0


@dataclass(frozen=True)
class FunctionCoverage:
    """What of one function was executed."""

    name: str
    index: int
    #: the line that it begins in, if one is known
    line: Line | None
    #: how often it was entered
    calls: int
    #: positions of first instructions of basic blocks, and how often each ran
    blocks: dict[int, int]
    #: positions of conditional branches: how often they went on, and how often they were taken;
    #: of tables of branches: how often they went to each place that their labels lead to
    branches: dict[int, tuple[int, ...]]

    def share_of_blocks(self) -> Share:
        """How many of its basic blocks ran."""
        return _share(self.blocks.values())

    def share_of_branches(self) -> Share:
        """How many ways of its branches were gone."""
        return _share(count for ways in self.branches.values() for count in ways)


class Coverage(Shown):
    """How often each instruction of a module ran: ``Coverage.of(profile)``, and ``add`` for further
    runs. ``path`` is what the text is called that the module was made from."""

    def __init__(
        self,
        module: Module,
        counts: Mapping[int, Sequence[int]],
        runs: int,
        path: str | None = None,
        arms: Mapping[int, Arms] | None = None,
    ) -> None:
        self.module = module
        #: how many runs it is of
        self.runs = runs
        #: by index, of functions that ran: how often each instruction did
        self.counts = dict(counts)
        #: by index, of functions that ran: how their tables of branches were left
        self.arms = {index: dict(found) for index, found in (arms or {}).items()}
        self._lines = Lines(module, path)

    @classmethod
    def of(cls, profile: Profile, path: str | None = None) -> Coverage:
        """What of its module a run has executed."""
        instance = profile.instance
        ran = profile.counts().items()
        counts = {func.index: found for func, found in ran if func.instance is instance}
        left = profile.arms().items()
        arms = {func.index: found for func, found in left if func.instance is instance}
        return cls(instance.module, counts, 1, path, arms)

    def add(self, other: Coverage) -> None:
        """Adds another one's runs. Raises HostError if it is of another module."""
        if other.module.data != self.module.data:
            raise HostError("these runs are of different modules: they cannot be added")
        self.runs += other.runs
        for index, counts in other.counts.items():
            before = self.counts.get(index)
            added = counts if before is None else [*map(operator.add, before, counts)]
            self.counts[index] = added
        for index, arms in other.arms.items():
            own = self.arms.setdefault(index, {})
            for arm, count in arms.items():
                own[arm] = own.get(arm, 0) + count
        self.__dict__.pop("functions", None)

    # -- what ran

    @cached_property
    def functions(self) -> list[FunctionCoverage]:
        """All functions that the module defines."""
        return [self._function(index) for index in self._defined]

    @property
    def _defined(self) -> range:
        return range(self.module.import_counts["func"], len(self.module.functions))

    def _counts_of(self, index: int, body: BlockMap) -> Sequence[int]:
        return self.counts.get(index) or [0] * len(body.code)

    def _function(self, index: int) -> FunctionCoverage:
        body, rows = self.module.block_map(index), self.module.isa.rows
        counts = self._counts_of(index, body)
        branches: dict[int, tuple[int, ...]] = {}
        for pc in body.control:
            form = rows[body.code[pc][0]].form
            if form in ("br_if", "if"):
                # what stands behind them is only come to by going on
                on = counts[pc + 1]
                branches[pc] = on, counts[pc] - on
            elif form == "br_table":
                branches[pc] = self._ways(index, pc, body.code[pc][1])
        blocks = {pc: counts[pc] for pc in self._blocks(body)}
        name = self.module.function_name(index) or f"function {index}"
        line = self._lines.at(body.base)
        return FunctionCoverage(name, index, line, counts[0], blocks, branches)

    def _ways(self, index: int, pc: int, labels: Sequence[Branch]) -> tuple[int, ...]:
        """How often a table of branches went to each place that its labels lead to, in the order of
        the first label to each."""
        arms = self.arms.get(index, {})
        ways = dict.fromkeys(labels, 0)
        for number, label in enumerate(labels):
            ways[label] += arms.get((pc, number), 0)
        return tuple(ways.values())

    def _blocks(self, body: BlockMap) -> Iterator[int]:
        """Where basic blocks begin that do something: the end of a block behind what never goes on
        would never run."""
        rows = self.module.isa.rows
        starts = [pc for pc in sorted(body.costs) if pc < len(body.code)]
        for pc, end in zip(starts, [*starts[1:], len(body.code)]):
            if any(rows[number].form not in _STRUCTURE for number, _ in body.code[pc:end]):
                yield pc

    def share_of_functions(self) -> Share:
        """How many functions were entered."""
        return _share(one.calls for one in self.functions)

    def share_of_blocks(self) -> Share:
        """How many basic blocks ran."""
        return _sum(one.share_of_blocks() for one in self.functions)

    def share_of_branches(self) -> Share:
        """How many ways of conditional branches were gone."""
        return _sum(one.share_of_branches() for one in self.functions)

    def share_of_lines(self) -> Share:
        """How many lines with code ran. Raises HostError where no lines are known."""
        return _share(self.lines().values())

    def shares(self) -> dict[str, Share]:
        """All of these by name, lines only where any are known."""
        found = {
            "functions": self.share_of_functions(),
            "blocks": self.share_of_blocks(),
            "branches": self.share_of_branches(),
        }
        try:
            return {**found, "lines": self.share_of_lines()}
        except HostError:
            return found

    def lines(self) -> dict[Line, int]:
        """How often the lines ran that have code, in order. Raises HostError where no lines are
        known."""
        self._lines.require()
        found: dict[Line, int] = {}
        for index in self._defined:
            body = self.module.block_map(index)
            for line, count in zip(self._lines.of(body), self._counts_of(index, body)):
                if line is not None:
                    found[line] = max(found.get(line, 0), count)
        return dict(sorted(found.items()))

    # -- for people

    def listing(self) -> Iterator[str]:
        """The text that the module was made from, or else that of its functions, each line with how
        often it ran: ``#####`` is never, and nothing stands where there is no code."""
        if self.module.source is not None:
            counts = {line.number: count for line, count in self.lines().items()}
            text = self.module.source.source
            yield from (
                _listed(counts.get(number), line)
                for number, line in enumerate(text.text.splitlines(), text.line)
            )
            return
        texts = Texts().of(self.module)
        for index in self._defined:
            body = self.module.block_map(index)
            ran = dict(zip(body.offsets, self._counts_of(index, body)))
            for line in texts.function(index):
                at = None if line.offset is None else line.offset - body.base
                yield _listed(None if at is None else ran.get(at), str(line))

    # -- for other tools

    def lcov(self) -> str:
        """A tracefile of lcov, with a part for each text. Raises HostError where no lines are
        known."""
        lines = self.lines()
        files = {line.file: [f"TN:\nSF:{line.file}\n"] for line in lines}
        for one in self.functions:
            if one.line is not None:
                files[one.line.file] += self._function_records(one)
        for line, count in lines.items():
            files[line.file].append(f"DA:{line.number},{count}\n")
        for file, parts in files.items():
            share = _share(count for line, count in lines.items() if line.file == file)
            parts.append(f"LF:{share.total}\nLH:{share.hit}\nend_of_record\n")
        return "".join(part for parts in files.values() for part in parts)

    def _function_records(self, one: FunctionCoverage) -> Iterator[str]:
        if one.line is None:
            return
        yield f"FN:{one.line.number},{one.name}\nFNDA:{one.calls},{one.name}\n"
        body = self.module.block_map(one.index)
        for pc, ways in one.branches.items():
            line = self._lines.at(body.base + body.offsets[pc])
            if line is None or line.file != one.line.file:
                continue
            for way, count in enumerate(ways):
                # a dash is for a branch that was never come to
                taken = count if any(ways) else "-"
                yield f"BRDA:{line.number},{pc},{way},{taken}\n"

    def form(self) -> dict[str, Any]:
        """Shares and functions, as the command line's JSON has them."""
        shares = {
            name: {**share._asdict(), "percent": share.percent}
            for name, share in self.shares().items()
        }
        return {
            "runs": self.runs,
            **shares,
            "by_function": [
                {
                    "name": one.name, "index": one.index, "calls": one.calls,
                    "line": one.line and one.line.number,
                    "blocks": one.share_of_blocks()._asdict(),
                    "branches": one.share_of_branches()._asdict(),
                }
                for one in self.functions
            ],
        }  # fmt: skip

    # -- to be kept

    def to_json(self) -> str:
        """The counts, for :meth:`from_json`."""
        counts = {str(index): [*found] for index, found in sorted(self.counts.items())}
        arms = {
            str(index): [[*arm, count] for arm, count in sorted(found.items())]
            for index, found in sorted(self.arms.items())
            if found
        }
        head = {"coverage": _VERSION, "module": self._digest, "runs": self.runs}
        return json.dumps({**head, "functions": counts, "arms": arms})

    @property
    def _digest(self) -> str:
        return hashlib.sha256(self.module.data).hexdigest()

    @classmethod
    def from_json(cls, text: str | bytes, module: Module, path: str | None = None) -> Coverage:
        """What :meth:`to_json` gave of the same module. Raises JSONError for other texts, and
        HostError for another module."""
        form = decode(text)
        if not isinstance(form, dict) or form.get("coverage") != _VERSION:
            raise JSONError(f"no coverage of version {_VERSION}")
        runs, functions, arms = (form.get(name) for name in ("runs", "functions", "arms"))
        if not isinstance(runs, int) or not _is_count(runs):
            raise JSONError("no coverage: how many runs it is of is missing")
        if not isinstance(functions, dict) or not isinstance(arms, dict):
            raise JSONError("no coverage: functions or arms are missing")
        found = cls(module, {}, runs, path)
        if form.get("module") != found._digest:
            raise HostError("the coverage that is kept there is of another module")
        for key, counts in functions.items():
            found.counts[found._known(key, counts)] = counts
        for key, triples in arms.items():
            index = found._index(key, "arms")
            found.arms[index] = found._known_arms(index, triples)
        return found

    def _index(self, key: str, where: str) -> int:
        """The index of a function. Raises JSONError."""
        index = int(key) if key.isascii() and key.isdigit() and len(key) < 10 else -1
        if index not in self._defined:
            raise JSONError("no function of the module", f"{where}.{key:.20}")
        return index

    def _known_arms(self, index: int, triples: Any) -> Arms:
        """Labels of tables of branches with their counts. Raises JSONError."""
        body, rows = self.module.block_map(index), self.module.isa.rows
        arms: Arms = {}
        for triple in triples if isinstance(triples, list) else [None]:
            if not isinstance(triple, list) or len(triple) != 3 or not all(map(_is_count, triple)):
                raise JSONError("expected a position, a label and a count", f"arms.{index}")
            pc, label, count = triple
            is_table = pc < len(body.code) and rows[body.code[pc][0]].form == "br_table"
            if not is_table or label >= len(body.code[pc][1]):
                raise JSONError(f"no label {label} at {pc}", f"arms.{index}")
            arms[pc, label] = count
        return arms

    def _known(self, key: str, counts: Any) -> int:
        """The index of a function, whose counts are right. Raises JSONError."""
        index = self._index(key, "functions")
        size = len(self.module.block_map(index).code)
        if not isinstance(counts, list) or len(counts) != size or not all(map(_is_count, counts)):
            raise JSONError(f"expected {size} counts", f"functions.{key}")
        return index


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _MOST


def _share(counts: Iterable[int]) -> Share:
    found = [count > 0 for count in counts]
    return Share(sum(found), len(found))


def _sum(shares: Iterable[Share]) -> Share:
    found = [*shares]
    return Share(sum(one.hit for one in found), sum(one.total for one in found))


def _listed(count: int | None, text: str) -> str:
    shown = "" if count is None else f"{count:,}" if count else _NEVER
    return f"{shown:>12}  {text}".rstrip()
