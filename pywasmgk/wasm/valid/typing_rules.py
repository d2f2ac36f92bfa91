"""The typing rules that a signature of value types cannot say, one function each.

A rule is called with the validator, the row, the immediate (a tuple if there are several) and the
instruction's offset; it types the instruction and gives the immediate that the block map keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeGuard

from ...errors import DecodeError
from ..isa import Instruction
from ..isa.immediates import CatchClause
from ..types import FuncType, ValType
from .blockmap import Branch, Catch, Control, Try

if TYPE_CHECKING:
    from .bodies import BodyValidator

__all__ = ["BY_NAME", "HIDDEN", "RULES"]

I32 = ValType.I32
#: value types by their name
BY_NAME = {str(kind): kind for kind in ValType}


def _resolve(v: BodyValidator, name: str, x: Any) -> ValType | None:
    """The type that a name of a signature stands for, given the immediate."""
    if name in BY_NAME:
        return BY_NAME[name]
    if name == "global":
        kind: ValType = v.context.globals[x].value_type
        return kind
    if name == "elem":
        return ValType(v.context.tables[x].element)
    return None


def _signature(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    params, results = row.typing or ((), ())
    for name in reversed(params):
        found = v.pop(_resolve(v, name, x), row, at)
        if name == "ref" and found is not None and not found.is_reference:
            raise v.mismatch(row, "a reference", found, at)
    v.push_all([_resolve(v, name, x) for name in results])
    return x


# -- blocks


def block_type(v: BodyValidator, x: Any, at: int) -> FuncType:
    """The type of a block, given the immediate."""
    if x is None:
        return FuncType()
    if isinstance(x, ValType):
        refusal = v.context.features.refusal_of_type(x)
        if refusal:
            raise v.invalid(f"a block of type {x}: {refusal}", at)
        return FuncType((), (x,))
    if x >= len(v.context.types):
        raise v.invalid(f"unknown type {x}", at)
    kind: FuncType = v.context.types[x]
    refusal = v.context.features.refusal("multi_value")
    if refusal and (kind.params or len(kind.results) > 1):
        raise v.invalid(f"a block of type {kind}: {refusal}", at)
    return kind


def _block(v: BodyValidator, row: Instruction, x: Any, at: int) -> Control:
    kind = block_type(v, x, at)
    if row.form == "if":
        v.pop(I32, row, at)
    v.pop_all(kind.params, row, at)
    make = Try if row.form == "try" else Control
    control = make(str(row.form), kind.params, kind.results, v.height, len(v.code))
    open_block(v, control)
    return control


def open_block(v: BodyValidator, control: Control) -> None:
    """Enters a block: its parameters are its first operands."""
    v.stack.append(v.base_marker)
    v.controls.append(control)
    v.push_all(control.params)


def _close(v: BodyValidator, row: Instruction, at: int) -> Control:
    """Checks that the innermost block ends with its results and nothing else."""
    control = v.controls[-1]
    v.pop_all(control.results, row, at)
    if v.stack[-1] is not v.base_marker:
        raise v.invalid(f"type mismatch: a value of type {v.stack[-1]} remains on the stack", at)
    v.stack.pop()
    if control.hidden:
        v.stack.pop()
    v.controls.pop()
    return control


def _else(v: BodyValidator, row: Instruction, x: Any, at: int) -> Control:
    control = v.controls[-1]
    if control.form != "if" or control.otherwise is not None:
        raise DecodeError("else without an if: END opcode expected", v.base + at)
    _close(v, row, at)
    control.otherwise = len(v.code)
    control.unreachable = False
    open_block(v, control)
    return control


def _end(v: BodyValidator, row: Instruction, x: Any, at: int) -> Control:
    control = _close(v, row, at)
    if control.form == "if" and control.otherwise is None and control.params != control.results:
        raise v.invalid("type mismatch: an if without else must give back its parameters", at)
    control.end = len(v.code)
    control.unreachable = False
    if v.controls:
        v.push_all(control.results)
    return control


# -- branches


def _target(v: BodyValidator, label: int, at: int) -> Control:
    if label >= len(v.controls):
        raise v.invalid(f"unknown label {label}", at)
    return v.controls[-1 - label]


def _br(v: BodyValidator, row: Instruction, x: Any, at: int) -> Branch:
    target = _target(v, x, at)
    branch = Branch(target, v.height)
    v.pop_all(target.label_types, row, at)
    v.set_unreachable()
    return branch


def _br_if(v: BodyValidator, row: Instruction, x: Any, at: int) -> Branch:
    v.pop(I32, row, at)
    target = _target(v, x, at)
    branch = Branch(target, v.height)
    v.pop_all(target.label_types, row, at)
    v.push_all(target.label_types)
    return branch


def _br_table(v: BodyValidator, row: Instruction, x: Any, at: int) -> tuple[Branch, ...]:
    v.pop(I32, row, at)
    height = v.height
    branches = {label: Branch(_target(v, label, at), height) for label in set(x)}
    default = branches[x[-1]].target
    # many labels may carry the same thousand operands
    different = {id(branch.target.label_types): branch for branch in branches.values()}
    for branch in different.values():
        types = branch.target.label_types
        if len(types) != len(default.label_types):
            raise v.invalid("type mismatch: the labels of br_table differ in arity", at)
        # in dead code an operand may have any type, differently for each label
        popped = [v.pop(expected, row, at) for expected in reversed(types)]
        v.stack.extend(reversed(popped))
    v.pop_all(default.label_types, row, at)
    v.set_unreachable()
    return tuple(branches[label] for label in x)


def _return(v: BodyValidator, row: Instruction, x: Any, at: int) -> Branch:
    return _br(v, row, len(v.controls) - 1, at)


def _unreachable(v: BodyValidator, row: Instruction, x: Any, at: int) -> None:
    v.set_unreachable()


# -- exceptions


def _try_table(v: BodyValidator, row: Instruction, x: Any, at: int) -> Control:
    kind, clauses = block_type(v, x[0], at), x[1]
    v.pop_all(kind.params, row, at)
    control = Try(str(row.form), kind.params, kind.results, v.height, len(v.code))
    control.catches = [_clause(v, row, clause, at) for clause in clauses]
    open_block(v, control)
    return control


def _clause(v: BodyValidator, row: Instruction, clause: CatchClause, at: int) -> Catch:
    values = () if clause.tag is None else carried(v, clause.tag, at)
    types = (*values, ValType.EXNREF) if clause.ref else values
    target = _target(v, clause.label, at)
    if types != target.label_types:
        wanted, found = (f"({', '.join(map(str, kinds))})" for kinds in (target.label_types, types))
        raise v.invalid(f"type mismatch: {row.name} carries {found} to a label of {wanted}", at)
    branch = Branch(target, v.height + len(types))
    return Catch(clause.tag, clause.ref, len(values), branch)


def carried(v: BodyValidator, index: int, at: int) -> tuple[ValType, ...]:
    """What an exception of a tag carries."""
    if index >= len(v.context.tags):
        raise v.invalid(f"unknown tag {index}", at)
    params: tuple[ValType, ...] = v.context.tags[index].params
    return params


def _throw(v: BodyValidator, row: Instruction, x: Any, at: int) -> tuple[int, int]:
    params = v.context.tags[x].params
    v.pop_all(params, row, at)
    v.set_unreachable()
    return x, len(params)


def _throw_ref(v: BodyValidator, row: Instruction, x: Any, at: int) -> None:
    v.pop(ValType.EXNREF, row, at)
    v.set_unreachable()


def _catch(v: BodyValidator, row: Instruction, x: Any, at: int) -> Control:
    """A clause of a legacy ``try``: what was before it ends, and the exception's values are its
    first operands, above the exception itself."""
    control = v.controls[-1]
    if not _takes(control, after_catches=True):
        raise DecodeError(f"{row.name} without a try: END opcode expected", v.base + at)
    _close(v, row, at)
    tag = x if row.immediates else None
    values = () if tag is None else v.context.tags[tag].params
    control.catches.append(Catch(tag, False, len(values), None, len(v.code)))
    control.unreachable, control.catching = False, True
    v.stack += (HIDDEN, v.base_marker)
    v.controls.append(control)
    v.push_all(values)
    v.max_height = max(v.max_height, v.height)
    return control


def _takes(control: Control, *, after_catches: bool) -> TypeGuard[Try]:
    """Whether a block is a legacy try that may go on with a clause, behind others or as the only
    one."""
    if not isinstance(control, Try) or control.form != "try":
        return False
    return not control.catches or (after_catches and control.catches[-1].tag is not None)


#: stands for the exception of a legacy catch among the operands, where no code finds it
HIDDEN = object()


def _delegate(v: BodyValidator, row: Instruction, x: Any, at: int) -> Control:
    control = v.controls[-1]
    if not _takes(control, after_catches=False):
        raise DecodeError("delegate without a try: END opcode expected", v.base + at)
    _close(v, row, at)
    control.delegate = _target(v, x, at)
    control.end = len(v.code)
    control.unreachable = False
    v.push_all(control.results)
    return control


def _rethrow(v: BodyValidator, row: Instruction, x: Any, at: int) -> Control:
    target = _target(v, x, at)
    if not target.hidden:
        raise v.invalid(f"invalid rethrow label: {x} is no catch", at)
    v.set_unreachable()
    return target


# -- calls


def _call(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    kind = v.context.functions[x]
    v.pop_all(kind.params, row, at)
    v.push_all(kind.results)
    return x


def _call_indirect(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    typeidx, tableidx = x
    if v.context.tables[tableidx].element is not ValType.FUNCREF:
        raise v.invalid(f"type mismatch: table {tableidx} holds no functions", at)
    kind = v.context.types[typeidx]
    v.pop(I32, row, at)
    v.pop_all(kind.params, row, at)
    v.push_all(kind.results)
    return kind, tableidx


def _return_call(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    _require_tail(v, v.context.functions[x].results, at)
    called = _call(v, row, x, at)
    v.set_unreachable()
    return called


def _return_call_indirect(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    _require_tail(v, v.context.types[x[0]].results, at)
    called = _call_indirect(v, row, x, at)
    v.set_unreachable()
    return called


def _require_tail(v: BodyValidator, results: tuple[ValType, ...], at: int) -> None:
    """Requires that what a call gives is what the function gives."""
    wanted = v.controls[0].results
    if results != wanted:
        given, own = (f"({', '.join(map(str, kinds))})" for kinds in (results, wanted))
        raise v.invalid(f"type mismatch: a tail call gives {given}, the function {own}", at)


# -- operands


def _select(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    v.pop(I32, row, at)
    second = v.pop(None, row, at)
    first = v.pop(None, row, at)
    for kind in (first, second):
        if kind is not None and kind.is_reference:
            raise v.mismatch(row, "numbers (select of references needs a type)", kind, at)
    if first is not None and second is not None and first is not second:
        raise v.mismatch(row, first, second, at)
    v.push_all((first or second,))
    return x


def _select_t(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    if len(x) != 1:
        raise v.invalid(f"invalid result arity: select takes one type, found {len(x)}", at)
    v.pop_all((x[0], x[0], I32), row, at)
    v.push_all(x)
    return x


def _lane(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    lane = x[-1] if isinstance(x, tuple) else x
    if lane >= row.lanes:
        raise v.invalid(f"invalid lane index {lane}: must be below {row.lanes}", at)
    return _signature(v, row, x, at)


def _shuffle(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    lane = max(x.to_bytes(16, "little"))
    if lane >= row.lanes:
        raise v.invalid(f"invalid lane index {lane}: must be below {row.lanes}", at)
    return _signature(v, row, x, at)


def _global_set(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    if not v.context.globals[x].mutable:
        raise v.invalid(f"global is immutable: {x}", at)
    return _signature(v, row, x, at)


def _ref_null(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    v.push_all((x,))
    return x


def _ref_func(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    if v.function is None:
        v.references.add(x)
    elif x not in v.context.declared:
        raise v.invalid(f"undeclared function reference {x}", at)
    return _signature(v, row, x, at)


def _table_init(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    elemidx, tableidx = x
    if v.context.elements[elemidx] is not v.context.tables[tableidx].element:
        raise v.invalid(
            f"type mismatch: segment {elemidx} and table {tableidx} differ in element type", at
        )
    return _signature(v, row, x, at)


def _table_copy(v: BodyValidator, row: Instruction, x: Any, at: int) -> Any:
    if v.context.tables[x[0]].element is not v.context.tables[x[1]].element:
        raise v.invalid(f"type mismatch: tables {x[0]} and {x[1]} differ in element type", at)
    return _signature(v, row, x, at)


#: every rule that a row may name; ``signature`` serves those that name none
RULES: dict[str, Callable[[Any, Instruction, Any, int], Any]] = {
    "signature": _signature,
    "block": _block,
    "else": _else,
    "end": _end,
    "br": _br,
    "br_if": _br_if,
    "br_table": _br_table,
    "return": _return,
    "unreachable": _unreachable,
    "try_table": _try_table,
    "throw": _throw,
    "throw_ref": _throw_ref,
    "try": _block,
    "catch": _catch,
    "catch_all": _catch,
    "delegate": _delegate,
    "rethrow": _rethrow,
    "call": _call,
    "call_indirect": _call_indirect,
    "return_call": _return_call,
    "return_call_indirect": _return_call_indirect,
    "select": _select,
    "select_t": _select_t,
    "lane": _lane,
    "shuffle": _shuffle,
    "global_set": _global_set,
    "ref_null": _ref_null,
    "ref_func": _ref_func,
    "table_init": _table_init,
    "table_copy": _table_copy,
}
