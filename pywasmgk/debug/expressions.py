"""What people may ask of a frame: arithmetic over its locals, operands, globals and memory.

An expression is Python's, of which only numbers, names, operators, comparisons, indexing and calls
of the functions below are taken: no attributes, so that nothing of the host can be reached.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import PywasmgkError

if TYPE_CHECKING:
    from ..wasm.stepping.activations import Activation

__all__ = ["Expression", "ExpressionError"]

_NODES = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.BinOp, ast.UnaryOp, ast.BoolOp,
    ast.Compare, ast.IfExp, ast.Subscript, ast.Call, ast.operator, ast.unaryop, ast.boolop,
    ast.cmpop,
)  # fmt: skip
#: characters of an expression, and the largest shift or power that is computed
_LONGEST, _MOST = 1_000, 4_096
#: reads memory, by name; an address is taken modulo 2**32
_READS = ("u8", "u16", "u32", "u64", "i32", "i64", "f32", "f64")


class ExpressionError(PywasmgkError):
    """An expression that is none, or that asks for what is not there."""


class Expression:
    """An expression over a frame, as people write it.

    ``n`` is the local of that name, ``l0`` the first local, ``s0`` the topmost operand, ``g0`` the
    first global; ``u32(8)`` and its like read memory. Raises ExpressionError.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > _LONGEST:
            raise ExpressionError(f"an expression of more than {_LONGEST} characters")
        try:
            tree = ast.parse(text.replace("$", "").strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ExpressionError(f"no expression: {text}") from error
        for node in ast.walk(tree):
            if not isinstance(node, _NODES) or (
                isinstance(node, ast.Call)
                and not (isinstance(node.func, ast.Name) and not node.keywords)
            ):
                raise ExpressionError(f"an expression cannot have a {type(node).__name__}")
            if isinstance(node, (ast.Pow, ast.LShift)):
                raise ExpressionError("an expression cannot have powers and shifts to the left")
        self._code = compile(tree, "<expression>", "eval")

    def value(self, activation: Activation) -> Any:
        """Its value in a frame."""
        names = _Names(activation)
        try:
            return eval(self._code, {"__builtins__": {}}, names)
        except PywasmgkError:
            raise
        except Exception as error:
            raise ExpressionError(f"{self.text}: {error}") from error


class _Names(dict[str, Any]):
    """What an expression may name, looked up when it is needed."""

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        self._activation = activation

    def __missing__(self, name: str) -> Any:
        for found in (self._of_a_local, self._by_number, self._reader):
            value = found(name)
            if value is not None:
                return value
        raise ExpressionError(f"nothing here is called {name}")

    def _of_a_local(self, name: str) -> Any:
        for local in self._activation.locals:
            if local.name == name:
                return local.value
        return None

    def _by_number(self, name: str) -> Any:
        kind, number = name[:1], name[1:]
        if not number.isdigit() or kind not in "lsg":
            return None
        activation = self._activation
        if kind == "g":
            instance: Any = activation.function.instance
            values = [item.value for item in instance.globals]
        else:
            found = activation.locals if kind == "l" else activation.operands[::-1]
            values = [item.value for item in found]
        if int(number) >= len(values):
            raise ExpressionError(f"there are {len(values)}: {name}")
        return values[int(number)]

    def _reader(self, name: str) -> Callable[[int], Any] | None:
        if name not in _READS:
            return None
        instance: Any = self._activation.function.instance
        if not instance.memories:
            raise ExpressionError("the module has no memory")
        read = getattr(instance.memories[0], f"read_{name}")
        return lambda address: read(address & 0xFFFFFFFF)
