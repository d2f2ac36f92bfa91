"""Rows of the instruction set as builders of expressions.

A row's templates are Python text (``isa.row``). Here they are parsed once and turned into functions
that build the same expression from operand expressions, so that what the compiler knows of the
operands simplifies it. Nothing here knows an instruction: only Python's operators, and the
accessors of memory that templates use. ``site`` is where code is being made, see ``lowering.Site``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from ....errors import TrapCode
from ...isa import Instruction
from ..ir import conditions, expr
from ..ir.statements import Effect, Store

__all__ = ["Template", "Templates", "template_of"]

Builder = Callable[[Any], Any]

#: what the text of a builder may call
_BUILDERS = {**vars(conditions), **vars(expr), "Effect": Effect, "Store": Store}

_BINARY = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.BitAnd: "bit_and",
    ast.BitOr: "bit_or", ast.BitXor: "bit_xor", ast.LShift: "shift_left",
    ast.RShift: "shift_right", ast.FloorDiv: "floor_divide", ast.Mod: "modulo",
}  # fmt: skip
_COMPARE = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not",
}  # fmt: skip
#: what may change between two instructions, so that reading it cannot wait
_STATE = frozenset(("mem", "memory", "tables", "datas", "elems"))
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Template:
    """What one row does, as builders. Each takes a site and gives an expression, or a condition."""

    def __init__(self, row: Instruction) -> None:
        self.row = row
        self.meaning = _expression(row.meaning) if row.meaning else None
        self.second = _expression(row.second) if row.second else None
        self.effect = _statement(row.effect) if row.effect else None
        self.update = _statement(row.update) if row.update else None
        self.guards = [
            (_condition(guard.condition), guard.code, _expression(guard.trap))
            for guard in row.guards
        ]
        self.length = _expression(row.length) if row.length else None
        self.charge = _expression(row.charge) if row.charge else None
        self.native: TrapCode | None = row.native
        # a meaning that is the operand itself computes nothing
        meaning = "" if row.meaning == "{a}" else row.meaning
        texts = [meaning, row.second, row.effect, row.update, row.length or "", row.charge or ""]
        text = " ".join(texts + [guard.condition for guard in row.guards])
        counts = [text.count(f"{{{name}}}") for name in "abcd"]
        #: operands that must be named first, since the templates use them more than once
        self.repeated = tuple(count > 1 for count in counts)
        parsed = _parse(row.meaning or "0")
        names = {node.id for node in ast.walk(parsed) if isinstance(node, ast.Name)}
        #: the meaning depends on operands alone, and cannot trap
        self.pure = not (names & _STATE or row.native or row.charge)
        #: how many operands it takes
        self.taken = len(row.typing.params) if row.typing else 0
        #: the type of its result, if it has one
        self.result = row.typing.results[0] if row.typing and row.typing.results else ""
        #: it does nothing but compute its meaning, which needs no care
        self.simple = self.pure and bool(row.meaning) and not (
            row.effect or row.update or row.second or row.guards or row.length or row.rounds
            or row.condition or row.moves_memory or any(self.repeated)
        )  # fmt: skip


@lru_cache(maxsize=1024)
def template_of(row: Instruction) -> Template:
    """The builders of a row, made once."""
    return Template(row)


class Templates(dict[int, Template]):
    """The templates of an instruction set, by dense number; each is looked up once."""

    def __init__(self, rows: Sequence[Instruction]) -> None:
        super().__init__()
        self._rows = rows

    def __missing__(self, number: int) -> Template:
        found = self[number] = template_of(self._rows[number])
        return found


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name)


def _parse(text: str) -> ast.expr:
    return ast.parse(_PLACEHOLDER.sub(r"_\1", text), mode="eval").body


# -- expressions. Each function below gives the text of a call that builds the expression.


def _expression(text: str) -> Builder:
    return _compiled(_term(_parse(text)))


def _condition(text: str) -> Builder:
    return _compiled(_cond(_parse(text)))


def _compiled(source: str) -> Builder:
    builder: Builder = eval(f"lambda site: {source}", _BUILDERS)
    return builder


def _term(node: ast.expr) -> str:
    return _TERMS[type(node)](node)


def _cond(node: ast.expr) -> str:
    """A condition: comparisons as they are, anything else by its truth."""
    if isinstance(node, ast.Compare):
        return _comparison(node)
    if isinstance(node, ast.BoolOp):
        op = "and" if isinstance(node.op, ast.And) else "or"
        return f"connect({op!r}, {', '.join(map(_cond, node.values))})"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return f"negate({_cond(node.operand)})"
    return f"truth({_term(node)})"


def _comparison(node: ast.Compare) -> str:
    left, pairs = node.left, []
    for op, right in zip(node.ops, node.comparators):
        a, b = _term(left), _term(right)
        if isinstance(op, (ast.Is, ast.IsNot)):
            pairs.append(f"opaque({_COMPARE[type(op)]!r}, {a}, {b})")
        else:
            pairs.append(f"compare({_COMPARE[type(op)]!r}, {a}, {b})")
        left = right
    return pairs[0] if len(pairs) == 1 else f"connect('and', {', '.join(pairs)})"


def _name(node: ast.Name) -> str:
    if node.id == "_t":
        return "site.scratch"
    if node.id.startswith("_"):
        return f"site.operands[{node.id[1:]!r}]"
    return f"name({node.id!r})"


def _constant(node: ast.Constant) -> str:
    if isinstance(node.value, (int, float)):
        return f"constant({node.value!r})"
    return f"name({repr(node.value)!r})"


def _binary(node: ast.BinOp) -> str:
    a, b = _term(node.left), _term(node.right)
    if type(node.op) in _BINARY:
        return f"{_BINARY[type(node.op)]}({a}, {b})"
    return f"opaque('/', {a}, {b})"


def _unary(node: ast.UnaryOp) -> str:
    if isinstance(node.op, ast.Not):
        return f"as_number({_cond(node)})"
    if isinstance(node.op, ast.Invert):
        return f"invert({_term(node.operand)})"
    return f"negative({_term(node.operand)})"


def _call(node: ast.Call) -> str:
    args = ", ".join(map(_term, node.args))
    if isinstance(node.func, ast.Attribute):
        return f"method({_term(node.func.value)}, {node.func.attr!r}, {args})"
    function = node.func.id if isinstance(node.func, ast.Name) else ""
    return f"call({function!r}, {args})"


def _subscript(node: ast.Subscript) -> str:
    base = node.value
    accessor = base.func.id if isinstance(base, ast.Call) and _is_name(base.func) else ""  # type: ignore[attr-defined]
    if accessor.startswith("load_") and isinstance(base, ast.Call):
        return f"site.load({accessor[5:]!r}, {_term(base.args[1])})"
    if isinstance(node.slice, ast.Slice):
        return f"opaque('index', {_term(base)}, {_slice(node.slice)})"
    if isinstance(base, ast.Name) and base.id == "mem":
        return f"site.load('u8', {_term(node.slice)})"
    return f"opaque('index', {_term(base)}, {_term(node.slice)})"


def _slice(node: ast.Slice) -> str:
    lower = node.lower or ast.Constant(0)
    upper = node.upper or ast.Constant(0)
    return f"opaque('slice', {_term(lower)}, {_term(upper)})"


#: how each kind of Python expression becomes the call that builds its expression
_TERMS: dict[type[ast.expr], Callable[[Any], str]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Call: _call,
    ast.Subscript: _subscript,
    ast.Compare: lambda node: f"as_number({_cond(node)})",
    ast.BoolOp: lambda node: f"as_number({_cond(node)})",
    # the test runs first: what it names may be used on both sides
    ast.IfExp: lambda node: f"choose({_cond(node.test)}, {_term(node.body)}, {_term(node.orelse)})",
    ast.NamedExpr: lambda node: f"site.keep({_term(node.value)})",
    ast.Attribute: lambda node: f"opaque('attribute', {_term(node.value)}, {node.attr!r})",
    ast.Tuple: lambda node: (
        f"opaque('tuple', {', '.join(map(_term, node.elts))})" if node.elts else "name('()')"
    ),
    ast.Starred: lambda node: f"opaque('star', {_term(node.value)})",
    ast.List: lambda node: f"opaque('list', {', '.join(map(_term, node.elts))})",
}


# -- statements


def _statement(text: str) -> Builder:
    """One effect: an assignment, or a call for its effect."""
    node = ast.parse(_PLACEHOLDER.sub(r"_\1", text)).body[0]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return _compiled(_effect_of_call(node.value))
    if isinstance(node, ast.Assign):
        return _compiled(_assignment(node.targets[0], _term(node.value)))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.IfExp):
        choice = node.value
        return _compiled(
            f"site.either({_cond(choice.test)}, ({_stored(choice.body)}),"
            f" ({_stored(choice.orelse)}))"
        )
    raise ValueError(f"no effect that can be compiled: {text}")


def _effect_of_call(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name) and node.func.id.startswith("store_"):
        return f"site.store({_stored(node)})"
    return f"site.add(Effect, {_term(node)})"


def _stored(node: Any) -> str:
    """What a call stores: accessor, address and value."""
    return f"{node.func.id[6:]!r}, {_term(node.args[1])}, {_term(node.args[2])}"


def _assignment(target: ast.expr, value: str) -> str:
    if isinstance(target, ast.Name):
        return f"site.assign({target.id[1:]!r}, {value})"
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        if target.value.id == "mem" and not isinstance(target.slice, ast.Slice):
            return f"site.store('u8', {_term(target.slice)}, {value})"
    return f"site.add(Store, {_term(target)}, {value})"
