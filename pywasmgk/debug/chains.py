"""What those ask who read the chains of calls that were counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..wasm.module import Module
    from ..wasm.runtime.functions import Func
    from ..wasm.stepping.counting import Node
    from ..wasm.valid.blockmap import BlockMap

__all__ = ["body_of", "function_name", "module_of", "postorder"]


def module_of(func: Func) -> Module:
    """The module that a function is of."""
    instance: Any = func.instance
    found: Module = instance.module
    return found


def function_name(func: Func) -> str:
    """What a function is called."""
    return module_of(func).function_name(func.index) or f"function {func.index}"


def body_of(func: Func) -> BlockMap:
    """What validation knows of its body."""
    return module_of(func).block_map(func.index)


def postorder(root: Node) -> Iterator[Node]:
    """All nodes, callees before callers."""
    order, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting += node.children.values()
    return reversed(order)
