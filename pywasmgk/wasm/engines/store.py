"""What an engine outside of pywasmgk must be able to do: the interface of all adapters.

An adapter is a :class:`Store`, in which instances and what they share live, and a function
``open_store`` that gives one, or says why there is none. Values are as our engine has them
(``runtime.values``): unsigned integers, a v128 as an int, functions as ``Func``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from weakref import WeakSet

from ..instrument import Instrumented
from ..runtime.functions import Func
from ..runtime.globals import Global
from ..runtime.memory import Memory
from ..runtime.ownership import Domain
from ..runtime.table import Table
from ..runtime.tags import Tag
from ..types import FuncType

__all__ = ["Ended", "Spot", "Store"]


class Spot(NamedTuple):
    """Where an instrumented module was when it ended."""

    module: Instrumented
    #: offset in the instrumented file
    offset: int


class Ended(NamedTuple):
    """How a call into the engine ended if not with results. It is given, not raised: no exception
    is to hold another one, and with it the frames that hold the instance."""

    #: a Trap or WasmException of the guest's, or what a host function raised
    error: BaseException
    #: the frames that the engine tells, innermost first
    spots: Sequence[Spot]
    #: what an access to memory that trapped was at, if the engine tells
    address: int | None = None


class Store(Protocol):
    """Instances in an engine that can share things, and their account."""

    #: what the engine is called
    engine_name: str
    #: imports must have names of their own
    numbered: bool
    #: instructions between two looks at the clock, at most
    largest_slice: int

    #: the instances that live in it
    instances: WeakSet[Any]
    #: one thread at a time is in a store
    domain: Domain
    #: fuel and call depth that are left, and ``unspent``, in the globals of that name
    fuel: int
    depth: int
    unspent: int

    def function(self, func: Func, type: FuncType, call: Callable[..., Sequence[Any]]) -> Any:
        """A handle for a function that calls the host: ``call(*values)``."""

    def function_of(self, handle: Any, func: Func) -> None:
        """Says which function of ours a handle stands for, wherever the engine shows it."""

    def memory(self, memory: Memory) -> Any:
        """The handle of a memory that a module imports. Raises Unsuitable."""

    def table(self, table: Table) -> Any:
        """The handle of a table that a module imports. Raises Unsuitable."""

    def global_(self, item: Global) -> Any:
        """The handle of a global that a module imports. Raises Unsuitable."""

    def tag(self, tag: Tag) -> Any:
        """The handle of a tag."""

    def tag_of(self, handle: Any, tag: Tag) -> None:
        """Says which tag of ours a handle stands for."""

    def prepare(self, made: Instrumented) -> None:
        """Compiles a module, once for all its instances. Raises Unsuitable for what the engine does
        not take."""

    def instantiate(self, made: Instrumented, given: Sequence[Any]) -> Mapping[str, Any] | Ended:
        """Makes an instance of handles for all imports in order, the added functions among them.
        Gives the handles of its exports."""

    def call(self, handle: Any, type: FuncType, args: Sequence[Any]) -> list[Any] | Ended:
        """Calls a function."""
