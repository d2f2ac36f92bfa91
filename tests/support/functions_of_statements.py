"""Functions for passes: control flow from WAT, statements as a test gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pywasmgk import Module
from pywasmgk.wasm.compiler import optimizing
from pywasmgk.wasm.compiler.backend.emit import codes_of
from pywasmgk.wasm.compiler.backend.printing import text_of
from pywasmgk.wasm.compiler.ir.expr import Expr, variable
from pywasmgk.wasm.compiler.ir.function import Function, LoweredBlock
from pywasmgk.wasm.compiler.ir.statements import Assign, Origin, Statement
from pywasmgk.wasm.compiler.ir.verify import verify
from pywasmgk.wasm.compiler.pipeline import PASSES
from pywasmgk.wasm.compiler.request import Request

__all__ = ["WORD", "after", "assign", "function_of", "local", "temporary", "texts"]

#: a word in each local, of which l0 and l1 are parameters
WORD = (1 << 32) - 1


def local(index: int) -> Expr:
    """A local of 32 bits."""
    return variable(f"l{index}", index, 0, WORD)


def temporary(name: str, low: int = 0, high: int = WORD) -> Expr:
    """A temporary; its name begins with t."""
    return Expr("var", (name,), low, high)


def assign(target: Expr, value: Expr, trap: object = None) -> Assign:
    """An assignment of the block that it is put into."""
    return Assign(target, value, Origin(0, 0, False, trap))


def function_of(body: str, statements: Mapping[int, Sequence[Statement]]) -> Function:
    """A function of two parameters with four locals more, whose control flow is that of some
    instructions; blocks have the statements given, by number."""
    text = f"""(module (memory 1) (func (param i32 i32) (result i32)
      (local i32 i32 i32 i32) {body}))"""
    _, function = next(iter(optimizing.stages(Module(text), Request(0))))

    def given(result: LoweredBlock) -> Sequence[Statement]:
        lines = statements.get(result.block.number, result.statements)
        return [_placed(line, result) for line in lines]

    return function.with_statements(given)


def _placed(line: Statement, result: LoweredBlock) -> Statement:
    """A statement with what is pending in its block, if it has none of its own."""
    if not isinstance(line, Assign) or line.origin.pending:
        return line
    origin = Origin(result.block.start, result.pending, result.settled, line.trap)
    return Assign(line.target, line.value, origin)


def after(name: str, function: Function) -> Function:
    """What a pass gives, which is verified."""
    (item,) = (item for item in PASSES if item.name == name)
    found = item.run(function)
    verify(found, name)
    return found


def texts(function: Function, block: int) -> list[str]:
    """The statements of a block as Python has them."""
    lines = function.blocks[block].statements
    return [text_of(code) for line in lines for code in codes_of(line)]
