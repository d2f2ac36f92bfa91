"""Functions of the host that plugins import."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from ...wasm.runtime.functions import Func
from ...wasm.types import FuncType
from ...wasm.types import ValType as EngineKind

if TYPE_CHECKING:
    from ._plugin import Plugin

__all__ = ["USER", "CurrentPlugin", "Function", "Memory", "Val", "ValType", "host_fn", "registered"]

#: the module that guests import them from
USER = "extism:host/user"


class ValType(Enum):
    """Types of what host functions take and give."""

    I32 = 0
    I64 = 1
    PTR = 1  # noqa: PIE796
    F32 = 2
    F64 = 3


class Val:
    """A value with its type."""

    def __init__(self, t: ValType, v: Any) -> None:
        self.t = t
        self.value = v

    def __repr__(self) -> str:
        return f"Val({self.t}, {self.value})"


class Memory(NamedTuple):
    """A block of the host's memory."""

    offset: int
    length: int


class CurrentPlugin:
    """The plugin that calls a host function."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._heap = plugin._kernel.heap

    def memory(self, mem: Memory) -> memoryview:
        """The bytes of a block; valid until the function returns, or another block is made."""
        at = self._heap.place(mem.offset, mem.length)
        return memoryview(self._heap.data)[at : at + mem.length]

    def host_context(self) -> Any:
        """What the call was given for host functions."""
        return self._plugin._context

    def alloc(self, size: int) -> Memory:
        """A new block."""
        return Memory(self._heap.allocate(size), size)

    def free(self, mem: Memory) -> None:
        """Gives a block up."""
        self._heap.free(mem.offset)

    def memory_at_offset(self, offs: int | Val) -> Memory:
        """The block at an offset."""
        offset = offs.value if isinstance(offs, Val) else offs
        return Memory(offset, self._heap.sizes.get(offset, 0))

    def return_bytes(self, output: Val, b: bytes) -> None:
        """Gives bytes as a result."""
        output.value = self._heap.store(b)

    def return_string(self, output: Val, s: str) -> None:
        """Gives a string as a result."""
        self.return_bytes(output, s.encode())

    def input_bytes(self, input: Val) -> bytes:
        """A parameter's bytes."""
        return self._heap.content(input.value)

    def input_string(self, input: Val) -> str:
        """A parameter's string."""
        return self.input_bytes(input).decode()


class Function:
    """A function ``f(plugin, inputs, outputs, *user_data)`` with its types."""

    def __init__(
        self,
        namespace: str | None,
        name: str,
        args: Sequence[ValType],
        returns: Sequence[ValType],
        f: Callable[..., Any],
        *user_data: Any,
    ) -> None:
        self.namespace = namespace or USER
        self.name = name
        self.args = list(args)
        self.returns = list(returns)
        self._f = f
        self._user_data = user_data

    def bind(self, plugin: Plugin) -> Func:
        """The function for one plugin."""

        def call(*values: Any) -> Any:
            inputs = [Val(kind, value) for kind, value in zip(self.args, values)]
            outputs = [Val(kind, 0) for kind in self.returns]
            self._f(CurrentPlugin(plugin), inputs, outputs, *self._user_data)
            results = tuple(output.value for output in outputs)
            return results[0] if len(results) == 1 else results or None

        type_ = FuncType(_engine(self.args), _engine(self.returns))
        return Func(type_, call, name=f"{self.namespace}.{self.name}")


def _engine(kinds: Sequence[ValType]) -> tuple[EngineKind, ...]:
    return tuple(EngineKind(kind.name.lower()) for kind in kinds)


_registered: list[Function] = []


def registered() -> list[Function]:
    """What ``host_fn`` was put before."""
    return list(_registered)


def host_fn(
    name: str | None = None,
    namespace: str | None = None,
    signature: tuple[Sequence[ValType], Sequence[ValType]] | None = None,
    user_data: Any = None,
) -> Callable[[Callable[..., Any]], Function]:
    """Makes a host function for all plugins that are made from then on.

    With a ``signature`` the function takes ``(plugin, inputs, outputs, *user_data)``. Without one
    its annotations say what crosses: ``str``, ``bytes``, ``dict`` and ``list`` (as JSON) are blocks
    of memory, ``int`` an i64, ``float`` an f64.
    """

    def decorate(function: Callable[..., Any]) -> Function:
        extra = () if user_data is None else (user_data,)
        called = name or function.__name__
        if signature is not None:
            made = Function(namespace, called, *signature, function, *extra)
        else:
            made = _inferred(namespace, called, function, extra)
        _registered.append(made)
        return made

    return decorate


def _inferred(
    namespace: str | None, name: str, function: Callable[..., Any], extra: tuple[Any, ...]
) -> Function:
    """A function whose annotations say its types. Raises TypeError for others."""
    # only who infers pays for the import
    from typing import get_type_hints

    hints = get_type_hints(function)
    result = hints.pop("return", None)
    takes = [_crossing(name, kind) for kind in hints.values()]
    gives = [] if result in (None, type(None)) else [_crossing(name, result)]

    def call(plugin: CurrentPlugin, inputs: list[Val], outputs: list[Val], *data: Any) -> None:
        values = [inward(plugin, value) for (_, inward, _), value in zip(takes, inputs)]
        found = function(*values, *data)
        for (_, _, outward), output in zip(gives, outputs):
            outward(plugin, output, found)

    kinds = [[kind for kind, _, _ in rows] for rows in (takes, gives)]
    return Function(namespace, name, kinds[0], kinds[1], call, *extra)


_Crossing = tuple[
    ValType,
    Callable[[CurrentPlugin, Val], Any],
    Callable[[CurrentPlugin, Val, Any], None],
]


def _plain(plugin: CurrentPlugin, value: Val) -> Any:
    return value.value


def _assign(plugin: CurrentPlugin, output: Val, value: Any) -> None:
    output.value = value


_CROSSINGS: dict[Any, _Crossing] = {
    str: (ValType.I64, CurrentPlugin.input_string, CurrentPlugin.return_string),
    bytes: (ValType.I64, CurrentPlugin.input_bytes, CurrentPlugin.return_bytes),
    int: (ValType.I64, _plain, _assign),
    float: (ValType.F64, _plain, _assign),
    **dict.fromkeys(
        (dict, list),
        (
            ValType.I64,
            lambda plugin, value: json.loads(plugin.input_bytes(value)),
            lambda plugin, output, value: plugin.return_string(output, json.dumps(value)),
        ),
    ),
}


def _crossing(name: str, kind: Any) -> _Crossing:
    found = _CROSSINGS.get(getattr(kind, "__origin__", kind))
    if found is None:
        raise TypeError(f"host function {name}: {kind} cannot cross; give a signature")
    return found
