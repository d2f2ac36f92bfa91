"""Random programs that throw and catch, in either encoding, from a tape of choices.

Functions ``f0 f1 ...`` call those with higher numbers; loops count down. Every statement changes a
local or the memory by numbers of its own, so that what ran, and in which order, is in the result.
Programs in the older encoding have no reference: wasmtime does not run it.
"""

from __future__ import annotations

from collections.abc import Sequence

from generator import Choices, Program

from pywasmgk.wasm.text.reading import assemble

__all__ = ["generate"]

#: tags, and what exceptions of them carry
_TAGS = {"$n": (), "$i": ("i32",), "$p": ("i64", "i32")}
_HEAD = """
(tag $n) (tag $i (param i32)) (tag $p (param i64 i32))
(memory (export "memory") 1)
(global $g (export "g") (mut i32) (i32.const 0))
(table 4 funcref) (elem (i32.const 0) $leaf $leaf $quiet)
(func $leaf (param i32) (result i32)
  (if (i32.eqz (i32.and (local.get 0) (i32.const 7)))
    (then (throw $i (i32.mul (local.get 0) (i32.const 3)))))
  (if (i32.eq (i32.and (local.get 0) (i32.const 7)) (i32.const 1)) (then (throw $n)))
  (global.set $g (i32.add (global.get $g) (local.get 0)))
  (i32.add (local.get 0) (i32.const 17)))
(func $quiet (param i32) (result i32) (i32.xor (local.get 0) (i32.const 99)))
"""


class _Generator:
    def __init__(self, choices: Choices) -> None:
        self.c = choices
        self.legacy = choices.chance(50)
        self.count = 1 + choices.below(4)
        #: labels around the code: name, the types that a branch carries, whether it is a catch
        self.labels: list[tuple[str, tuple[str, ...], bool]] = []
        self.names = 0
        self.budget = 0
        self.number = 0

    def program(self) -> Program:
        functions = "".join(self.function(number) for number in range(self.count))
        data = assemble(f"(module {_HEAD} {functions})")
        calls = [
            (f"f{self.c.below(self.count)}", (self.c.below(9), self.c.below(1 << 32)))
            for _ in range(1 + self.c.below(4))
        ]
        return Program(data, calls, self.c.tape, {})

    def function(self, number: int) -> str:
        self.number, self.budget = number, 8 + self.c.below(40)
        self.labels = []
        body = self.statements(5)
        return f"""
(func $f{number} (export "f{number}") (param $x i32) (param $y i32) (result i32)
  (local $a i32) (local $e exnref) (local $l i64) (local $t i32)
  (local $c0 i32) (local $c1 i32) (local $c2 i32) (local $c3 i32) (local $c4 i32) (local $c5 i32)
  {body}
  {self.value(2)})"""

    # -- statements

    def statements(self, depth: int) -> str:
        return " ".join(self.statement(depth) for _ in range(1 + self.c.below(4)))

    def statement(self, depth: int) -> str:
        self.budget -= 1
        if depth <= 0 or self.budget <= 0:
            return self.assign(depth)
        ways = (
            self.assign, self.assign, self.assign, self.store, self.branch, self.branch_if,
            self.choice, self.block, self.loop, self.throw, self.again, self.catching,
            self.catching, self.catching, self.catching, self.trap,
        )  # fmt: skip
        return ways[self.c.below(len(ways))](depth)

    def assign(self, depth: int) -> str:
        name = self.c.pick(("$a", "$x", "$y", "$a"))
        return f"(local.set {name} {self.value(depth)})"

    def store(self, depth: int) -> str:
        address = 4 * self.c.below(8)
        return f"(i32.store (i32.const {address}) {self.value(depth)})"

    def value(self, depth: int) -> str:
        way = self.c.below(9)
        number = self.c.below(50)
        if depth <= 0 or way < 2:
            return self.c.pick(("(local.get $a)", "(local.get $x)", f"(i32.const {number})"))
        if way < 5:
            name = self.c.pick(("add", "xor", "mul", "sub", "lt_s"))
            return f"(i32.{name} {self.value(depth - 1)} {self.value(depth - 1)})"
        if way == 5:
            return f"(i32.load (i32.const {4 * self.c.below(8)}))"
        if way == 6 and self.number + 1 < self.count:
            callee = self.number + 1 + self.c.below(self.count - self.number - 1)
            return f"(call $f{callee} {self.value(depth - 1)} (local.get $y))"
        if way == 7:
            index = self.c.below(3) if self.c.chance(90) else self.c.below(5)
            return f"(call_indirect (param i32) (result i32) (local.get $x) (i32.const {index}))"
        return f"(call $leaf {self.value(depth - 1)})"

    def branch(self, depth: int) -> str:
        plain = [name for name, types, _ in self.labels if not types]
        if not plain:
            return f"(if {self.value(1)} (then (return {self.value(1)})))"
        return f"(br_if {plain[self.c.below(len(plain))]} {self.value(1)})"

    def branch_if(self, depth: int) -> str:
        plain = [name for name, types, _ in self.labels if not types]
        if not plain:
            return self.assign(depth)
        label = plain[self.c.below(len(plain))]
        return f"(if {self.value(1)} (then {self.assign(1)} (br {label})))"

    def choice(self, depth: int) -> str:
        other = f"(else {self.statements(depth - 1)})" if self.c.chance(50) else ""
        return f"(if {self.value(2)} (then {self.statements(depth - 1)}) {other})"

    def block(self, depth: int) -> str:
        name = self.open(())
        body = self.statements(depth - 1)
        self.labels.pop()
        return f"(block {name} {body})"

    def open(self, types: tuple[str, ...], catch: bool = False) -> str:
        self.names += 1
        self.labels.append((f"$l{self.names}", types, catch))
        return f"$l{self.names}"

    def loop(self, depth: int) -> str:
        if depth < 1:
            return self.assign(depth)
        counter = f"$c{depth}"
        self.names += 1
        # no label: only what counts down leads to a loop
        inner = f"$k{self.names}"
        body = self.statements(depth - 1)
        turns = 1 + self.c.below(4)
        return f"""(local.set {counter} (i32.const {turns}))
          (loop {inner} {body}
            (br_if {inner} (local.tee {counter} (i32.sub (local.get {counter}) (i32.const 1)))))"""

    def trap(self, depth: int) -> str:
        if self.c.chance(90):
            return self.assign(depth)
        return f"(local.set $a (i32.div_u (local.get $y) {self.value(1)}))"

    # -- exceptions

    def throw(self, depth: int) -> str:
        tag = self.c.pick((*_TAGS, "$n"))
        carried = " ".join(
            self.value(1) if kind == "i32" else f"(i64.const {self.c.below(99) - 50})"
            for kind in _TAGS[tag]
        )
        thrown = f"(throw {tag} {carried})"
        return f"(if {self.value(2)} (then {thrown}))" if self.c.chance(85) else thrown

    def again(self, depth: int) -> str:
        catches = [number for number, label in enumerate(reversed(self.labels)) if label[2]]
        if self.legacy:
            if not catches:
                return self.assign(depth)
            names = [label[0] for label in reversed(self.labels)]
            name = names[catches[self.c.below(len(catches))]]
            return f"(if {self.value(1)} (then (rethrow {name})))"
        test = self.value(1)
        if self.c.chance(90):
            test = f"(i32.and {test} (i32.eqz (ref.is_null (local.get $e))))"
        return f"(if {test} (then (throw_ref (local.get $e))))"

    def catching(self, depth: int) -> str:
        return self.old(depth) if self.legacy else self.new(depth)

    def new(self, depth: int) -> str:
        """A ``try_table`` with labels of its own around it, and perhaps clauses to others."""
        kinds: list[tuple[str, str, tuple[str, ...]]] = []
        for _ in range(self.c.below(4)):
            kind = self.c.pick(("catch", "catch_ref", "catch_all", "catch_all_ref"))
            tag = self.c.pick(tuple(_TAGS)) if "all" not in kind else ""
            carried = (*_TAGS.get(tag, ()), *(("exnref",) if kind.endswith("ref") else ()))
            kinds.append((kind, tag, carried))
        out = self.open(())
        plain = [name for name, types, _ in self.labels if not types]
        names, clauses = [], []
        for kind, tag, carried in kinds:
            if not carried and self.c.chance(40):
                label = plain[self.c.below(len(plain))]
            else:
                label = self.open(carried)
                names.append((label, carried))
            clauses.append((kind, tag, label))
        inner = self.open(())
        body = self.statements(depth - 1)
        self.labels.pop()
        shown = " ".join(f"({kind} {tag} {label})" for kind, tag, label in clauses)
        text = f"(try_table {inner} {shown} {body}) (br {out})"
        for label, carried in reversed(names):
            self.labels.pop()
            results = f"(result {' '.join(carried)})" if carried else ""
            text = f"(block {label} {results} {text}) {self.take(carried)} "
            text += f"{self.statements(depth - 1)} (br {out})"
        self.labels.pop()
        return f"(block {out} {text})"

    def take(self, kinds: Sequence[str]) -> str:
        places = {"i32": "$t", "i64": "$l", "exnref": "$e"}
        sets = " ".join(f"(local.set {places[kind]})" for kind in reversed(kinds))
        mixed = "(local.set $a (i32.add (local.get $a) (i32.mul (local.get $t) (i32.const 7))))"
        return f"{sets} {mixed}"

    def old(self, depth: int) -> str:
        name = self.open(())
        body = self.statements(depth - 1)
        self.labels.pop()
        if self.c.chance(25):
            around = [label[0] for label in self.labels]
            target = around[self.c.below(len(around))] if around and self.c.chance(70) else None
            # without a name it is the innermost label, whatever that is
            return f"(try {name} (do {body}) (delegate {target or 0}))"
        clauses = []
        for _ in range(self.c.below(3)):
            tag = self.c.pick(tuple(_TAGS))
            clauses.append((f"catch {tag}", self.take(_TAGS[tag])))
        if not clauses or self.c.chance(50):
            clauses.append(("catch_all", ""))
        self.labels.append((name, (), True))
        text = " ".join(f"({head} {taken} {self.statements(depth - 1)})" for head, taken in clauses)
        self.labels.pop()
        return f"(try {name} (do {body}) {text})"


def generate(seed: int | None = None, tape: Sequence[int] = ()) -> Program:
    """The program of a seed, or of a tape."""
    return _Generator(Choices(seed, tape)).program()
