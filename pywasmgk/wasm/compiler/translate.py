"""One basic block at a time: from instructions to lines of Python over terms.

The operand stack is symbolic. An entry is a term that is written where it is used; it is put into a
temporary first when something that it reads is about to change. Whatever can trap, reads memory or
calls is a line of its own, in the order of the instructions, so that a line of the generated code
belongs to one instruction: that is how traps find their offset and their fuel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import TrapCode
from ..types import FuncType, ValType
from ..values import ZERO
from . import conditions, terms
from .facts import Environment, refine, without_turn
from .graph import RETURN, Block, Edge
from .inlining import Inlined, Lookup, Other, Through
from .lines import Line, Part, Settle, Test
from .pointers import Pointers, same, unmasked
from .shape import HIGHEST, Shape
from .templates import Template, template_of
from .terms import MAX_DEPTH, Term, constant, name, variable

__all__ = ["Result", "Site", "Way"]

#: above signed numbers of 32 bits
_SIGN = 1 << 31
_HIGHEST_BY_NAME = {str(kind): high for kind, high in HIGHEST.items()}


def _unless_nan(term: Term) -> Term | None:
    """The variable that a term is unless that holds a NaN."""
    return same(term.args[0]) if term.op == "if" else None


class Way:
    """What goes along one edge: the facts, the operands, and the moves into slots."""

    __slots__ = ("edge", "env", "stack")

    def __init__(self, edge: Edge, env: Environment, stack: list[Term]) -> None:
        self.edge = edge
        self.env = env
        self.stack = stack


class Result:
    """A translated block."""

    __slots__ = (
        "asked", "block", "lines", "pending", "rare", "settled", "test", "values", "ways", "wishes",
    )  # fmt: skip

    def __init__(self, site: Site) -> None:
        self.block: Block = site.block
        self.lines: list[Line] = site.lines
        #: fuel of the block that is not taken at its end
        self.pending = site.pending
        self.settled = site.settled
        self.rare = site.rare
        #: the condition of a branch, the selector of a switch
        self.test: Term | None = None
        #: what a return gives
        self.values: list[Term] = []
        #: variables that were asked whether they point to words, and the zero bits of these
        self.asked = site.asked
        #: what would be had better before a loop
        self.wishes = site.wishes
        #: the edges that can be taken; those of a branch that never holds are ``None``
        self.ways: list[Way | None] = []

    @property
    def behind(self) -> list[Term]:
        """What is read behind the lines: by the branch, and as operands along the edges."""
        found = [] if self.test is None else [self.test]
        return found + [term for way in self.ways if way is not None for term in way.stack]


class Site(Pointers):
    """Where code is being made: one block, from its first instruction to its last."""

    def __init__(
        self,
        shape: Shape,
        block: Block,
        env: Environment,
        stack: Sequence[Term],
        letter: str = "t",
    ) -> None:
        super().__init__(shape, block, env, letter)
        self.stack = list(stack)
        self.operands: dict[str, Term] = {}
        #: it is not expected to run
        self.rare = False
        self.immediate = 0
        #: locals that hold what another one holds, and that one
        self.copies: dict[int, int] = {}
        #: f32 values by the name of a variable that has the bits of their NaNs right
        self.plain: dict[str, Term] = {}

    # -- variables

    def spill(self, bits: int) -> Term | None:
        """Puts into variables what the operand stack would read too late; gives the one that holds
        what a single variable held, if there is one."""
        plain = None
        for position, term in enumerate(self.stack):
            if term.reads & bits:
                self.stack[position] = kept = self._kept_with_sign(term)
                if term.op == "var":
                    plain = kept
        return plain

    def push(self, term: Term) -> None:
        self.stack.append(self.keep(term) if term.depth > MAX_DEPTH else term)

    def local(self, index: int) -> Term:
        """What a local or slot holds, read from what it is a copy of."""
        return self.variable(self.copies.get(index, index))

    def glob(self, index: int) -> Term:
        """A global as a term."""
        place = self.shape.first_global + index
        fact = self.env[place]
        return variable(f"g{index}", place, *fact) if fact else variable(f"g{index}", place)

    def assign(self, target: str, value: Term) -> None:
        """Sets a local or a global."""
        index = self.immediate
        if target == "local":
            before = self.spill(1 << index)
            signed = (self.at, index) in self.shape.signs
            if signed:
                value = terms.signed(value, _SIGN)
            value, unscaled = self._unscaled(index, value)
            self._copy(index, value)
            self._hold(index, value)
            self._hold_quotient(index, value, before)
            variable_name = f"l{index}"
            if not value.is_variable(variable_name):
                self.emit([variable_name, " = ", value])
            high = HIGHEST.get(self.shape.body.locals[index])
            if high is not None:
                known = value.low is not None
                fact = (value.low, value.high, value.zeros) if known else (0, high, 0)
                self.env.set(index, fact, value, self.shape.words, signed=signed)
            if unscaled is not None:
                self.env.shifted[index, value.args[1].args[0], 0] = unscaled.args[0]
            self.operands["a"] = self.local(index)
        else:
            place = self.shape.first_global + index
            self.spill(1 << place)
            self.emit([f"g{index}", " = ", value])
            found = self.shape.global_fact(index)
            if found is not None and value.low is not None:
                found = (value.low, value.high, value.zeros)
            self.env.set(place, found, value, self.shape.words)

    def _copy(self, index: int, value: Term) -> None:
        """Notes what a local is a copy of, and that others are no copies of it any more."""
        if self.copies:
            others = self.copies.items()
            self.copies = {copy: of for copy, of in others if index not in (copy, of)}
        if value.op == "var" and value.reads and value.place < self.shape.nlocals:
            if value.place != index:
                self.copies[index] = value.place

    # -- instructions

    def run(self) -> Result:
        """Translates the block."""
        body = self.shape.body
        costs, code = body.costs, body.code
        place = self.block.start
        self.pending = costs.get(place, 0)
        for index in self.block.instructions:
            while place < index:
                place += 1
                self.pending += costs.get(place, 0)
            self.at, self.temporaries = index, self.first
            number, x = code[index]
            row = self.shape.rows[number]
            if row.form is None:
                self._compute(template_of(row), x)
            else:
                _CALLS[row.form](self, x)
        while place < self.block.at:
            place += 1
            self.pending += costs.get(place, 0)
        self.at, self.temporaries, self.trap = self.block.at, self.first, None
        return self._leave()

    def _take(self, count: int) -> list[Term]:
        if not count:
            return []
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def _compute(self, template: Template, x: Any) -> None:
        row = template.row
        typing = row.typing
        values = self._take(len(typing.params) if typing else 0)
        if row.rounds or row.condition:
            # arithmetic makes NaNs quiet: it needs no care for the bits of its operands' NaNs
            values = [self.plain.get(str(value.args[0]), value) for value in values]
        for position, value in enumerate(values):
            if template.repeated[position] and not value.is_cheap:
                values[position] = self.keep(value)
        self.operands = dict(zip("abc", values))
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
        for condition, code in template.guards:
            test = condition(self)
            known = conditions.decided(test)
            if known is False:
                continue
            self.emit(["if ", test, f": raise Trap({code.name})"], own=True)
            env = refine(self.env, conditions.negate(test))
            if env is not None:
                self.env = env
                for letter, value in self.operands.items():
                    if value.op == "var" and value.reads and value.low is not None:
                        index = value.place
                        if index < self.shape.first_global:
                            self.operands[letter] = self.variable(index)

    def _give(self, template: Template, term: Term) -> None:
        row = template.row
        results = row.typing.results if row.typing else ()
        high = _HIGHEST_BY_NAME.get(results[0]) if results else None
        if high is not None and (term.low is None or term.low < 0 or term.high > high):
            term = Term(term.op, term.args, 0, high, term.zeros, term.reads)
        term = self._rebased(self._remainder(term))
        if row.rounds and not terms.is_single(term):
            self.emit(["F[0] = ", term])
            term = self.keep(Term("index", (name("F"), constant(0))))
            self.rounded.add(term.args[0])
        elif not template.pure or term.depth > MAX_DEPTH:
            if template.native is None or not self._cannot_trap(template):
                plain = _unless_nan(term)
                term = self._kept_with_sign(term)
                if plain is not None:
                    self.plain[term.args[0]] = plain
        if template.charge is not None:
            self.operands["r"] = term
            self._charge(template.charge(self), test=False)
        if row.moves_memory:
            self.emit(["fuel = expire(fuel)"])
        self.stack.append(term)

    def _kept_with_sign(self, term: Term) -> Term:
        """A term in a variable; one that is near zero, with its sign."""
        inner = unmasked(term)
        if not terms.is_signed_word(inner):
            return self.keep(term)
        return terms.keep_low(self.keep(inner), 32)

    def _rebased(self, term: Term) -> Term:
        """A sum that may wrap as a sum with another variable that cannot, if one is known."""
        if term.op != "%" or term.args[1].args != (1 << 32,) or term.args[0].op != "+":
            return term
        base, offset = term.args[0].args
        if base.op != "var" or not base.reads & self.shape.words or offset.op != "const":
            return term
        for other, difference in self.env.linked(base.place):
            fact = self.env[other]
            by = fact and without_turn(fact, (offset.args[0] - difference) % (1 << 32))
            if by is not None:
                return terms.add(self.variable(other), constant(by))
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
        self.lines.append(Settle((), self.at, self.pending, self.settled, None, False))
        self.pending, self.settled = 0, True

    def _charge(self, amount: Term, *, test: bool) -> None:
        """Charges what depends on operands; a bulk operation is a test point too."""
        if amount.op == "const" and not amount.args[0] and not test:
            return
        self._settle()
        self.emit(["fuel -= ", amount])
        if test:
            self.emit(["if fuel < 0: fuel = refill(fuel)"], own=True)

    # -- calls

    def _call(self, index: int | Inlined) -> None:
        if isinstance(index, Inlined):
            self._enter(index)
            return
        kind = self.shape.functions[index]
        self._invoke([f"f{index}("], kind, None)

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
            self.lines.append(Test((), x.at, self.pending, self.settled, None, True))
            self.pending += x.more

    def _call_indirect(self, x: Any) -> None:
        if isinstance(x, Other):
            other = terms.opaque("is not", self.stack[-1], name(f"f{x.function}"))
            self.stack.append(conditions.as_number(other))
        elif isinstance(x, Through):
            self.rare = True
            self._invoke([self.stack.pop(), "("], x.kind, None)
        else:
            kind, table = x
            number = self.shape.types.index(kind)
            found: list[Part] = [f"c{table}_{number}[", self.stack.pop(), "]"]
            trap = (TrapCode.TABLE_OUT_OF_BOUNDS, "undefined element")
            if isinstance(x, Lookup):
                callee = self.temporary()
                self.emit([callee, " = ", *found], own=True, trap=trap)
                self.stack.append(callee)
            else:
                self._invoke([*found, "("], kind, trap)

    def _invoke(self, callee: list[Part], kind: FuncType, trap: Any) -> None:
        args = self._take(len(kind.params))
        self.spill(self.shape.global_bits)
        self._settle()
        parts: list[Part] = []
        results = [self._result(result) for result in kind.results]
        for number, result in enumerate(results):
            parts += [", ", result] if number else [result]
        parts += [" = ", *callee] if results else callee
        for arg in args:
            parts += [arg, ", "]
        inner = self.shape.body.places[self.at].depth
        self.emit([*parts, f"d + {inner})" if inner else "d)"], own=True, trap=trap)
        # whoever was called may have set them
        for index in self.shape.mutable:
            self.env.forget(self.shape.first_global + index, self.shape.global_fact(index))
        self.stack += results

    def _result(self, kind: ValType) -> Term:
        high = HIGHEST.get(kind)
        return self.temporary(None if high is None else 0, high)

    # -- the end of the block

    def _leave(self) -> Result:
        for wished in self.shape.ahead.get(self.block.number, ()):
            self.ahead(wished)
        result = Result(self)
        exit, edges = self.block.exit, self.block.edges
        if exit == "branch":
            test = conditions.truth(self.stack.pop())
            result.test = self._of_operands(test)
            both = test, result.test
            for (condition, other), edge in zip((both, map(conditions.negate, both)), edges):
                known = conditions.decided(condition)
                env = None if known is False else refine(self.env, condition)
                if env is not None and result.test is not test:
                    env = refine(env, other)
                result.ways.append(None if env is None else self._way(edge, env))
        elif exit == "switch":
            result.test = self.stack.pop()
            ways = {edge: self._way(edge, self.env) for edge in dict.fromkeys(edges)}
            result.ways = [ways[edge] for edge in edges]
        elif exit in ("jump", "return"):
            result.ways = [self._way(edges[0], self.env)]
        result.pending, result.settled = self.pending, self.settled
        return result

    def _way(self, edge: Edge, env: Environment) -> Way:
        if self.is_loop:
            # fast turns leave the loop without what its own code would have kept
            env = Environment(env, env.links, env.multiples, self.at_head, env.signed)
        stack = self.stack
        if edge.target == RETURN:
            stack = stack[len(stack) - edge.arity :]
        elif edge.height >= 0:
            stack = stack[: edge.height] + stack[len(stack) - edge.arity :]
        return Way(edge, env, stack)


_CALLS: dict[str, Callable[[Site, Any], None]] = {
    "call": Site._call,
    "call_indirect": Site._call_indirect,
}
