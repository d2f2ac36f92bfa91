"""One basic block at a time: from instructions to lines of Python over expressions.

The operand stack is symbolic. An entry is an expression that is written where it is used; it is put
into a temporary first when something that it reads is about to change. Whatever can trap, reads
memory or calls is a line of its own, in the order of the instructions, so that a line of the
generated code belongs to one instruction: that is how traps find their offset and their fuel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ....errors import TrapCode
from ...runtime.values import ZERO
from ...types import FuncType, ValType
from ...valid.blockmap import Control
from ..ir import conditions, expr
from ..ir.body import Inlined, Lookup, Other, Through
from ..ir.cfg import RETURN, Block, Edge
from ..ir.domain import Environment, exact_offset, refine
from ..ir.expr import MAX_DEPTH, Expr, constant, name, variable
from ..ir.function import Flow, LoweredBlock
from ..ir.handlers import Clause
from ..ir.statements import (
    Assign,
    Call,
    Charge,
    Expire,
    Guard,
    Origin,
    Store,
    TestPoint,
    Throw,
)
from .context import HIGHEST, Context
from .memory_access import Definitions, Pointers, same, unmasked
from .templates import Template

__all__ = ["CALLS", "Site", "caught"]

#: above signed numbers of 32 bits
_SIGN = 1 << 31
#: what sums and remainders are, brought into range or not
_WRAPPED = frozenset(("&", "%", "wrap", "-"))
_HIGHEST_BY_NAME = {str(kind): high for kind, high in HIGHEST.items()}


def caught(at: int) -> Expr:
    """The exception of an instruction, where it has been caught."""
    return name(f"x{at}")


def _is_none(value: Expr) -> Expr:
    return expr.opaque("is", value, name("None"))


def _unless_nan(term: Expr) -> Expr | None:
    """The variable that an expression is unless that holds a NaN."""
    return same(term.args[0]) if term.op == "if" else None


class Site(Pointers):
    """Where code is being made: one block, from its first instruction to its last."""

    def __init__(
        self,
        context: Context,
        block: Block,
        env: Environment,
        stack: Sequence[Expr],
        letter: str = "t",
    ) -> None:
        super().__init__(context, block, env, letter)
        self.stack = list(stack)
        self.operands: dict[str, Expr] = {}
        #: it is not expected to run
        self.rare = False
        self.immediate = 0
        #: locals that hold what another one holds, and that one
        self.copies = Definitions()
        #: f32 values by the name of a variable that has the bits of their NaNs right
        self.plain: dict[str, Expr] = {}

    # -- variables

    def spill(self, bits: int) -> Expr | None:
        """Puts into variables what the operand stack would read too late; gives the one that holds
        what a single variable held, if there is one."""
        plain = None
        for position, term in enumerate(self.stack):
            if term.reads & bits:
                self.stack[position] = kept = self._kept_with_sign(term)
                if term.op == "var":
                    plain = kept
        return plain

    def push(self, term: Expr) -> None:
        self.stack.append(self.keep(term) if term.depth > MAX_DEPTH else term)

    def local(self, index: int) -> Expr:
        """What a local or slot holds, read from what it is a copy of."""
        copied = self.copies.get(index)
        return self.variable(index if copied is None else copied.place)

    def glob(self, index: int) -> Expr:
        """A global as an expression."""
        place = self.context.first_global + index
        fact = self.env[place]
        return variable(f"g{index}", place, *fact) if fact else variable(f"g{index}", place)

    def assign(self, target: str, value: Expr) -> None:
        """Sets a local or a global."""
        index = self.immediate
        if target == "local":
            before = self.spill(1 << index)
            signed = (self.at, index) in self.context.signs
            if signed:
                value = expr.signed(value, _SIGN)
            value, unscaled = self._unscaled(index, value)
            self._copy(index, value)
            self._define(index, value)
            self._define_quotient(index, value, before)
            variable_name = f"l{index}"
            if not value.is_variable(variable_name):
                self.add(Assign, variable(variable_name, index), value)
            high = HIGHEST.get(self.context.body.locals[index])
            if high is not None:
                known = value.low is not None
                fact = (value.low, value.high, value.zeros) if known else (0, high, 0)
                self.env.set(index, fact, value, self.context.words, signed=signed)
            if unscaled is not None:
                self.env.shifted[index, value.args[1].args[0], 0] = unscaled.args[0]
            self.operands["a"] = self.local(index)
        else:
            place = self.context.first_global + index
            self.spill(1 << place)
            self.add(Assign, variable(f"g{index}", place), value)
            found = self.context.global_fact(index)
            if found is not None and value.low is not None:
                found = (value.low, value.high, value.zeros)
            self.env.set(place, found, value, self.context.words)

    def _copy(self, index: int, value: Expr) -> None:
        """Notes what a local is a copy of, and that others are no copies of it any more."""
        self.copies.forget(index)
        if value.op == "var" and value.reads and value.place < self.context.nlocals:
            if value.place != index:
                self.copies.define(index, value)

    # -- instructions

    def run(self) -> LoweredBlock:
        """Translates the block."""
        if self.block.pad is not None:
            return self._land(self.block.pad)
        context, code, charged = self.context, self.context.body.code, self.context.charged
        self.pending, place = context.body.costs.get(self.block.start, 0), self.block.start
        for index in context.budget.each(self.block.instructions):
            self.pending += charged[index] - charged[place]
            self.at, self.temporaries, place = index, self.first, index
            number, x = code[index]
            form = context.rows[number].form
            if form is not None:
                CALLS[form](self, x)
            elif (template := context.templates[number]).simple:
                self._compute_simple(template, x)
            else:
                self._compute(template, x)
        self.pending += charged[self.block.at] - charged[place]
        self.at, self.temporaries, self.trap = self.block.at, self.first, None
        return self._leave()

    def _take(self, count: int) -> list[Expr]:
        if not count:
            return []
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def _compute_simple(self, template: Template, x: Any) -> None:
        """Computes what needs no care: most of what there is."""
        if template.taken:
            self.operands = dict(zip("abcd", self._take(template.taken)))
        else:
            self.operands = {}
        kinds = template.row.immediates
        if kinds:
            self._immediates(kinds, x)
        meaning = template.meaning
        term = self._in_range(template, meaning(self)) if meaning is not None else expr.ZERO
        self.stack.append(self._kept_with_sign(term) if term.depth > MAX_DEPTH else term)

    def _compute(self, template: Template, x: Any) -> None:
        row = template.row
        values = self._take(template.taken)
        if self.plain and (row.rounds or row.condition):
            # arithmetic makes NaNs quiet: it needs no care for the bits of its operands' NaNs
            values = [
                self.plain.get(str(value.args[0]), value) if value.op == "var" else value
                for value in values
            ]
        for position, value in enumerate(values):
            if template.repeated[position] and not value.is_cheap:
                values[position] = self.keep(value)
        self.operands = dict(zip("abcd", values))
        self._immediates(row.immediates, x)
        self._guard(template)
        self.trap = template.native
        if template.length is not None:
            self._charge(template.length(self), test=True)
        if template.effect is not None:
            template.effect(self)
        if template.meaning is not None:
            self._give(template, template.meaning(self))
        self.trap = None

    def _immediates(self, kinds: Sequence[str], x: Any) -> None:
        operands = self.operands
        if len(kinds) > 1:
            operands["x"] = operands["offset"] = constant(x[0])
            operands["y"] = constant(x[1])
        elif kinds:
            self.immediate = x
            kind = kinds[0]
            if kind == "localidx":
                operands["local"] = self.local(x)
            elif kind == "globalidx":
                operands["glob"] = self.glob(x)
            elif isinstance(x, (int, float)):
                operands["x"] = operands["offset"] = operands["value"] = constant(x)

    def _guard(self, template: Template) -> None:
        for condition, code, trap in template.guards:
            test = condition(self)
            known = conditions.decided(test)
            if known is False:
                continue
            self.add(Guard, test, code, trap(self), own=True)
            env = refine(self.env, conditions.negate(test))
            if env is not None:
                self.env = env
                for letter, value in self.operands.items():
                    if value.op == "var" and value.reads and value.low is not None:
                        index = value.place
                        if index < self.context.first_global:
                            self.operands[letter] = self.variable(index)

    def _in_range(self, template: Template, term: Expr) -> Expr:
        """A result, known to be in the range of its type, as the simplest sum or remainder."""
        high = _HIGHEST_BY_NAME.get(template.result)
        if high is not None and (term.low is None or term.low < 0 or term.high > high):
            term = Expr(term.op, term.args, 0, high, term.zeros, term.reads)
        return self._rebased(self._remainder(term)) if term.op in _WRAPPED else term

    def _give(self, template: Template, term: Expr) -> None:
        row = template.row
        term = self._in_range(template, term)
        if row.rounds and not expr.is_single(term):
            single = Expr("index", (name("F"), constant(0)))
            self.add(Store, single, term)
            term = self.keep(single)
            self.rounded.add(term.args[0])
        elif not template.pure or term.depth > MAX_DEPTH:
            if template.native is None or not self._cannot_trap(template):
                plain = _unless_nan(term)
                term = self._kept_with_sign(term)
                if plain is not None:
                    self.plain[term.args[0]] = plain
        self.operands["r"] = term
        if template.update is not None:
            template.update(self)
        if template.charge is not None:
            self._charge(template.charge(self), test=False)
        if row.moves_memory:
            self.add(Expire)
        self.stack.append(term)
        if template.second is not None:
            self.push(self._in_range(template, template.second(self)))

    def _kept_with_sign(self, term: Expr) -> Expr:
        """An expression in a variable; one that is near zero, with its sign."""
        inner = unmasked(term)
        if not expr.is_signed_word(inner):
            return self.keep(term)
        return expr.keep_low(self.keep(inner), 32)

    def _rebased(self, term: Expr) -> Expr:
        """A sum that may wrap as a sum with another variable that cannot, if one is known."""
        if term.op != "%" or term.args[1].args != (1 << 32,) or term.args[0].op != "+":
            return term
        base, offset = term.args[0].args
        if base.op != "var" or not base.reads & self.context.words or offset.op != "const":
            return term
        for other, difference in self.env.linked(base.place):
            fact = self.env[other]
            by = fact and exact_offset(fact, (offset.args[0] - difference) % (1 << 32))
            if by is not None:
                return expr.add(self.variable(other), constant(by))
        return term

    def _cannot_trap(self, template: Template) -> bool:
        """Division is the only thing that traps by itself and reads nothing but its operands."""
        divisor = self.operands.get("b")
        return (
            template.native is TrapCode.INTEGER_DIVISION_BY_ZERO
            and divisor is not None
            and divisor.low is not None
            and divisor.low > 0
        )

    def _settle(self) -> None:
        trap, self.trap = self.trap, None
        self.add(Charge, None)
        self.trap = trap
        self.pending, self.settled = 0, True

    def _charge(self, amount: Expr, *, test: bool) -> None:
        """Charges what depends on operands; a bulk operation is a test point too."""
        if amount.op == "const" and not amount.args[0] and not test:
            return
        self._settle()
        self.add(Charge, amount)
        if test:
            self.add(TestPoint, own=True)

    # -- calls

    def _call(self, index: int | Inlined) -> None:
        if isinstance(index, Inlined):
            self._enter(index)
            return
        kind = self.context.functions[index]
        self._invoke(name(f"f{index}"), kind, None)

    def _enter(self, x: Inlined) -> None:
        """Goes on with a callee whose instructions follow."""
        if x.found:
            self.stack.pop()
        for local in reversed(x.params):
            self.immediate = local
            self.assign("local", self.stack.pop())
        for place, local in x.kept:
            self.immediate = local
            self.assign("local", self.stack[place])
            self.stack[place] = self.local(local)
        for local, kind in x.zeroed:
            zero = ZERO[kind]
            self.immediate = local
            self.assign("local", name("None") if zero is None else constant(zero))
        if x.cost:
            self.pending += x.cost
            origin = Origin(x.at, self.pending, self.settled, own=True)
            self.statements.append(TestPoint(origin))
            self.pending += x.more

    def _call_indirect(self, x: Any) -> None:
        if isinstance(x, Other):
            other = expr.opaque("is not", self.stack[-1], name(f"f{x.function}"))
            self.stack.append(conditions.as_number(other))
        elif isinstance(x, Through):
            self.rare = True
            self._invoke(self.stack.pop(), x.kind, None)
        else:
            kind, table = x
            number = self.context.types.index(kind)
            found = Expr("index", (name(f"c{table}_{number}"), self.stack.pop()))
            trap = (TrapCode.TABLE_OUT_OF_BOUNDS, "undefined element")
            if isinstance(x, Lookup):
                callee = self.temporary()
                self.add(Assign, callee, found, own=True, trap=trap)
                self.stack.append(callee)
            else:
                self._invoke(found, kind, trap)

    def _invoke(self, callee: Expr, kind: FuncType, trap: Any) -> None:
        args = self._take(len(kind.params))
        self.spill(self.context.global_bits)
        self._settle()
        results = [self._result(result) for result in kind.results]
        depth = self.context.body.places[self.at].depth
        self.add(Call, results, callee, args, depth, own=True, trap=trap)
        # whoever was called may have set them
        for index in self.context.mutable:
            self.env.forget(self.context.first_global + index, self.context.global_fact(index))
        self.stack += results

    def _result(self, kind: ValType) -> Expr:
        high = HIGHEST.get(kind)
        return self.temporary(None if high is None else 0, high)

    # -- exceptions

    def _throw(self, x: tuple[int, int]) -> None:
        tag, count = x
        values = Expr("list", tuple(self._take(count)))
        self._raise(Expr("index", (name("tags"), constant(tag))), values)

    def _throw_ref(self, x: None) -> None:
        value = self.stack.pop()
        if not value.is_cheap:
            value = self.keep(value)
        code = TrapCode.NULL_EXCEPTION
        self.add(Guard, _is_none(value), code, expr.call("Trap", name(code.name)), own=True)
        self._raise(Expr("star", (value,)))

    def _rethrow(self, x: Control) -> None:
        self._raise(Expr("star", (self.stack[x.height],)))

    def _raise(self, *thrown: Expr) -> None:
        self._settle()
        self.add(Throw, expr.call("thrown", *thrown), own=True)

    def _land(self, clause: Clause) -> LoweredBlock:
        """Translates what a clause does with an exception that it catches."""
        self.rare = self.settled = True
        self.at = self.block.at
        del self.stack[clause.owner.height :]
        error = caught(self.at)
        self.add(Charge, Expr("neg", (expr.call("unwound", error),)))
        kinds = () if clause.tag is None else self.context.tags[clause.tag].params
        tag, values = (Expr("attribute", (error, part)) for part in ("tag", "values"))
        carried = []
        for place, kind in enumerate(kinds):
            high = HIGHEST.get(kind)
            low = None if high is None else 0
            carried.append(self.keep(Expr("index", (values, constant(place)), low, high)))
        if clause.is_legacy:
            carried.insert(0, self.keep(expr.call("Exn", tag, values)))
        elif clause.catch.ref:
            carried.append(self.keep(expr.call("Exn", tag, values)))
        self.stack += carried
        return self._leave()

    # -- the end of the block

    def _leave(self) -> LoweredBlock:
        for wanted in self.context.hoisted.get(self.block.number, ()):
            self.hoist(wanted)
        exit, edges = self.block.exit, self.block.edges
        test: Expr | None = None
        flows: Sequence[Flow | None] = ()
        if exit == "branch":
            test, flows = self._branch()
        elif exit == "switch":
            test = self.stack.pop()
            found = {edge: self._flow(edge, self.env) for edge in dict.fromkeys(edges)}
            flows = [found[edge] for edge in edges]
        elif exit in ("jump", "return"):
            flows = [self._flow(edges[0], self.env)]
        elif exit in ("invoke", "throw"):
            flows = self._catching()
        return LoweredBlock(
            self.block,
            self.statements,
            self.pending,
            self.settled,
            self.rare,
            test,
            flows,
            self.alignment_tests,
            frozenset(self.wanted_indices),
        )

    def _branch(self) -> tuple[Expr, list[Flow | None]]:
        """The condition of a branch, and its edges, each with what is known if it is taken."""
        plain = conditions.truth(self.stack.pop())
        test = self._of_operands(plain)
        flows: list[Flow | None] = []
        both = plain, test
        for (condition, other), edge in zip((both, map(conditions.negate, both)), self.block.edges):
            known = conditions.decided(condition)
            env = None if known is False else refine(self.env, condition)
            if env is not None and test is not plain:
                env = refine(env, other)
            flows.append(None if env is None else self._flow(edge, env))
        return test, flows

    def _catching(self) -> list[Flow | None]:
        """The edges of a block that ends by what may be caught: nothing has come back there."""
        call, edges = self.statements[-1], self.block.edges
        flows: list[Flow | None] = []
        if isinstance(call, Call):
            flows.append(self._flow(edges[0], self.env))
            self.stack = self.stack[: len(self.stack) - len(call.results)]
        return flows + [self._flow(edge, self.env) for edge in edges[len(flows) :]]

    def _flow(self, edge: Edge, env: Environment) -> Flow:
        if self.is_loop:
            # fast turns leave the loop without what its own code would have kept
            env = Environment(env, env.links, env.multiples, self.at_head, env.signed)
        stack = self.stack
        if edge.target == RETURN:
            stack = stack[len(stack) - edge.arity :]
        elif edge.height >= 0:
            stack = stack[: edge.height] + stack[len(stack) - edge.arity :]
        return Flow(edge, env, stack)


CALLS: dict[str, Callable[[Site, Any], None]] = {
    "call": Site._call,
    "call_indirect": Site._call_indirect,
    "throw": Site._throw,
    "throw_ref": Site._throw_ref,
    "rethrow": Site._rethrow,
}
