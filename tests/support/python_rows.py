"""Rows of generated code from Python text, so that a test can give some to a pass."""

from __future__ import annotations

import ast
import re
from typing import Any

from pywasmgk.wasm.compiler.backend.rows import Code, Do, Else, Entry, If, Raise, Row, Set, Take
from pywasmgk.wasm.compiler.ir.expr import Expr, constant, name

__all__ = ["expression", "row"]

_OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%", ast.BitAnd: "&",
    ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.Eq: "==",
    ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.And: "and",
    ast.Or: "or", ast.Not: "not", ast.USub: "neg", ast.Invert: "invert",
}  # fmt: skip
_VARIABLE = re.compile(r"[lstu]\d")


def expression(text: str) -> Expr:
    """An expression of Python's operators."""
    return _term(ast.parse(text, mode="eval").body)


def row(text: str, indent: int = 2, trap: Any = None, own: bool = False) -> Row:
    """One row: an assignment, a charge, a call, or a condition with a statement."""
    return Row(indent, _code(text), Entry(0, 0, trap), own)


def _code(text: str) -> Code:
    if text.startswith("else"):
        then = text.partition(":")[2].strip()
        return Else(_code(then) if then else None)  # type: ignore[arg-type]
    if text.startswith("raise"):
        return Raise(text[len("raise Trap(") : -1])
    if text.startswith("if "):
        parsed: Any = ast.parse(text if text[-1] != ":" else f"{text} pass").body[0]
        then = ast.get_source_segment(text, parsed.body[0])
        return If(_term(parsed.test), _code(then) if then else None)  # type: ignore[arg-type]
    parsed = ast.parse(text).body[0]
    if isinstance(parsed, ast.AugAssign):
        amount = _term(parsed.value)
        return Take(amount if isinstance(parsed.op, ast.Sub) else constant(-amount.args[0]))
    if isinstance(parsed, ast.Assign):
        return Set((_term(parsed.targets[0]),), (_term(parsed.value),))
    return Do(_term(parsed.value))


def _term(node: Any) -> Expr:
    if isinstance(node, ast.Constant):
        return constant(node.value)
    if isinstance(node, ast.Name):
        return Expr("var", (node.id,)) if _VARIABLE.match(node.id) else name(node.id)
    if isinstance(node, ast.BinOp):
        return Expr(_OPERATORS[type(node.op)], (_term(node.left), _term(node.right)))
    if isinstance(node, ast.UnaryOp):
        return Expr(_OPERATORS[type(node.op)], (_term(node.operand),))
    if isinstance(node, ast.BoolOp):
        return Expr(_OPERATORS[type(node.op)], tuple(map(_term, node.values)))
    if isinstance(node, ast.Compare):
        return Expr(_OPERATORS[type(node.ops[0])], (_term(node.left), _term(node.comparators[0])))
    if isinstance(node, ast.IfExp):
        return Expr("if", (_term(node.test), _term(node.body), _term(node.orelse)))
    if isinstance(node, ast.NamedExpr):
        return Expr("named", (_term(node.target), _term(node.value)))
    if isinstance(node, ast.Subscript):
        return Expr("index", (_term(node.value), _term(node.slice)))
    if isinstance(node, ast.Call):
        return Expr("call", (node.func.id, *map(_term, node.args)))  # type: ignore[attr-defined]
    raise ValueError(ast.dump(node))
