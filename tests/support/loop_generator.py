"""Random loops of the kinds that compilers of other languages write, from a tape of choices.

Pointers and counters that go up or down by steps, copies of them, loads and stores through them,
and every kind of test at the end; from starts that are in memory, at its ends, misaligned or about
to wrap. What the loops leave behind in every variable is in the result. ``generator`` makes
programs of all instructions, but hardly ever two that belong together like these.
"""

from __future__ import annotations

from collections.abc import Sequence

from generator import Choices, Program

from pywasmgk.wasm.text.reading import assemble

__all__ = ["generate"]

_STARTS = (0, 1024, 65_500, 65_536 - 16, 4, 2, 0xFFFFFFF0, 0xFFFFFFFF, 0x7FFFFFF8, 0x80000000)
_STEPS = (4, 1, 8, -4, -1, 2, 16, -8, 12, 3, 0x40000000)
_ENDS = (40, 65_536, 1064, 0, 7, 0x80000004, 3)
_LOADS = (
    ("i32.load", 4), ("i32.load8_u", 1), ("i32.load16_s", 2), ("i32.load8_s", 1),
    ("i32.load16_u", 2),
)  # fmt: skip
_STORES = (("i32.store", 4), ("i32.store8", 1), ("i32.store16", 2))
_POINTERS = ("p", "q", "i", "t")
_COMPARISONS = (
    "i32.ne", "i32.lt_u", "i32.lt_s", "i32.gt_s", "i32.ge_u", "i32.le_s", "i32.gt_u", "i32.eq",
)  # fmt: skip


class _Generator:
    def __init__(self, choices: Choices, leaves_twice: bool) -> None:
        self.c = choices
        self.leaves_twice = leaves_twice
        self.labels = 0

    def program(self) -> Program:
        c = self.c
        body = [line for name in ("p", "q", "i") for line in self.start(name)]
        stack = c.pick((1024, 1024, 1024, 16, 0, 1032, 0xFFFFFFF0))
        if c.chance(30):
            frame = c.pick((16, 64, 48, 1040))
            body += [f"global.get $g i32.const {frame} i32.sub local.tee $f global.set $g"]
        for _ in range(1 + c.below(2)):
            if c.chance(25):
                body += self.signed()
            else:
                body += self.nested() if c.chance(40) else self.loop()
        calls = []
        for _ in range(1 + c.below(3)):
            calls.append(("f0", ((self.one(_STARTS) + c.below(8)) & 0xFFFFFFFF, self.one(_ENDS))))
        if self.leaves_twice and c.chance(25):
            body += self.left_twice(self.signed() if c.chance(25) else self.loop())
        names = ("p", "q", "i", "t", "u", "a", "n")
        mixed = " ".join(f"local.get ${name} i32.xor i32.const 31 i32.mul" for name in names)
        text = f"""(module
            (memory (export "memory") 1 2)
            (data (i32.const 1024)
              "a plain text\\00with zeros\\00\\00\\ff\\80\\7f\\01\\02\\03\\04 and more")
            (global $g (export "g") (mut i32) (i32.const {stack}))
            (func $step (param i32) (result i32) local.get 0 i32.const 4 i32.add)
            (func $take (param i32 i32) (result i32) (local i32)
              local.get 0 i32.load local.get 1 i32.add local.tee 2)
            (func (export "f0") (param $x i32) (param $y i32) (result i32)
              (local $p i32) (local $q i32) (local $i i32) (local $t i32) (local $u i32)
              (local $a i32) (local $n i32) (local $w i32) (local $v i32) (local $z i32)
              (local $s i32) (local $r i32) (local $l i64)
              (local $f i32) (local $k i32) (local $m i32) (local $d i32)
              {" ".join(body)}
              local.get $l i32.wrap_i64 {mixed}
              local.get $z i32.const 255 i32.and i32.xor
              local.get $s i32.add local.get $r i32.const 3 i32.mul i32.add
              local.get $k i32.const 5 i32.mul i32.add local.get $d i32.xor
              local.get $m i32.sub))"""
        return Program(assemble(text), calls, c.tape)

    def one(self, items: Sequence[int]) -> int:
        return items[self.c.below(len(items))]

    def start(self, name: str) -> list[str]:
        kind = self.c.below(5)
        if kind == 0:
            return [f"i32.const {self.one(_STARTS)} local.set ${name}"]
        if kind == 1:
            return [f"local.get $x local.set ${name}"]
        if kind == 2:
            return [f"local.get $x i32.const -4 i32.and local.set ${name}"]
        if kind == 3:
            return [f"local.get $y i32.const 2 i32.shl local.set ${name}"]
        return [f"global.get $g local.set ${name}"]

    def nested(self) -> list[str]:
        """A loop in a loop of few turns."""
        self.labels += 1
        label = f"$o{self.labels}"
        inner = [*self.start(self.c.pick(("p", "q", "i"))), *self.loop()]
        for _ in range(self.c.pick((0, 1, 1, 2))):
            inner.insert(self.c.pick((0, len(inner))), self.sum())
        count = 1 + self.c.below(3)
        last = "i64.const 1 i64.add local.tee $l i64.const"
        again = f"local.get $l {last} {count} i64.lt_u br_if {label}"
        return ["i64.const 0 local.set $l", f"loop {label}", *inner, again, "end"]

    def left_twice(self, lines: list[str]) -> list[str]:
        """A block around a loop, which is left from before it and from inside of it."""
        self.labels += 1
        label = f"$b{self.labels}"
        place = self.one([at for at, line in enumerate(lines) if line.startswith("loop ")]) + 1
        before, inside = self.way_out(label), self.way_out(label)
        return [
            f"block {label}", *self.statement(), *before,
            *lines[:place], *inside, *lines[place:], *self.statement(), "end",
        ]  # fmt: skip

    def way_out(self, label: str) -> list[str]:
        """Goes to a label under a condition."""
        if self.c.chance(50):
            return [*self.test(), "if", *self.statement(), f"br {label}", "end"]
        return [*self.test(), f"br_if {label}"]

    def sum(self) -> str:
        """Something that adds to a sum, or hardly ever looks at it."""
        c = self.c
        sums = ("$s", "$s", "$r")
        name = c.pick(sums)
        kind = c.below(12)
        if kind < 9:
            value = c.pick((
                "local.get $i", "local.get $a", "i32.const 1", "i32.const -3", "local.get $x",
                "local.get $p i32.const 65532 i32.and i32.load", "local.get $a i32.const 7 i32.mul",
                f"local.get {c.pick(sums)}",
            ))  # fmt: skip
            operator = c.pick(("add", "add", "add", "add", "sub", "mul"))
            return f"local.get {name} {value} i32.{operator} local.set {name}"
        return c.pick((
            f"local.get {name} i32.const 100 i32.lt_u local.get $n i32.add local.set $n",
            f"i32.const 2048 local.get {name} i32.store",
            f"local.get $a local.get {name} i32.xor local.set $a",
            f"local.get {name} i32.const 16 i32.shl local.get $a i32.add local.set $a",
            f"local.get {name} if local.get $a i32.const 3 i32.add local.set $a end",
            f"i32.const {c.pick(('0', '-1', '5', '0x7FFFFFFF'))} local.set {name}",
        ))  # fmt: skip

    def loop(self) -> list[str]:
        self.labels += 1
        label = f"$l{self.labels}"
        if self.c.chance(15):
            return self.fill(label)
        if self.c.chance(30):
            return self.row(label)
        if self.c.chance(35):
            return self.walk(label)
        if self.c.chance(25):
            return self.bytes(label)
        body = []
        for _ in range(1 + self.c.below(5)):
            body += self.statement()
        if self.c.chance(90):
            body += self.step(self.c.pick(("p", "i", "q")))
        return [f"loop {label}", *body, *self.test(), f"br_if {label}", "end"]

    def fill(self, label: str) -> list[str]:
        """A loop that stores one value in many places."""
        c = self.c
        store, width = _STORES[c.below(len(_STORES))]
        value = c.pick(("i32.const 0", "i32.const 77", "local.get $y", "local.get $a"))
        step = f"i32.const {width}" if c.chance(60) else c.pick(("local.get $y", "i32.const 3"))
        body = f"local.get $p {value} {store} offset={width * c.below(3)}"
        ahead = f"local.get $p {step} i32.add local.tee $p"
        end = c.pick(("i32.const 2048", "i32.const 65536", "local.get $x i32.const 400 i32.add"))
        return [f"loop {label}", body, ahead, end, c.pick(_COMPARISONS), f"br_if {label}", "end"]

    def signed(self) -> list[str]:
        """A loop of several blocks with a counter that comes from below zero, or goes there, and
        differences of numbers with a sign."""
        c = self.c
        self.labels += 1
        label = f"$s{self.labels}"
        start = c.pick((-24, -24, -600, -8000, -5, -1, 3, 0, 40, 0x7FFFFFF0, -0x80000000))
        step = c.pick((1, 1, 1, 2, 4, 8, 3, 1000, -1, -4))
        body = [self.with_sign(8) for _ in range(1 + c.below(3))]
        branch = c.pick(("local.get $d", "local.get $a i32.const 1 i32.and", "local.get $n"))
        other = self.with_sign(15)
        if c.chance(20):
            inner = f"$s{self.labels}i"
            again = (
                f"local.get $n i32.const 1 i32.add local.tee $n i32.const 7 i32.and br_if {inner}"
            )
            other = f"loop {inner} {other} {again} end"
        body.insert(c.below(3), f"{branch} if {self.with_sign(15)} else {other} end")
        ahead = f"i32.const {step} i32.add local.tee $k"
        if c.chance(30):
            ahead = f"local.tee $m {ahead}"
        compare = c.pick((
            "", "", "", f"i32.const {c.pick((0, 7000, 40, -1, -4))} {c.pick(_COMPARISONS)}",
            "drop local.get $m i32.const 7000 i32.lt_s",
        ))  # fmt: skip
        return [
            f"i32.const {start} local.set $k",
            f"loop {label}", *body, "local.get $k", ahead, compare, f"br_if {label}", "end",
            "i32.const 9 local.set $k" if c.chance(30) else "",
        ]  # fmt: skip

    def with_sign(self, kinds: int) -> str:
        """Something that reads a counter, or sets or reads a difference; the first kinds like it to
        have a sign."""
        c = self.c
        kind = c.below(kinds)
        number = f"{self.address()} {c.pick(('i32.load16_s', 'i32.load8_s', 'i32.load16_s'))}"
        number += f" offset={2 * c.below(3)}"
        name = c.pick(("$k", "$k", "$d", "$m"))
        compare = c.pick(("i32.lt_s", "i32.ge_s", "i32.gt_s", "i32.le_s"))
        if kind == 0:
            load = c.pick(("i32.load8_u", "i32.load", "i32.load8_u offset=8"))
            return f"local.get $k i32.const {c.pick((1640, 9000))} i32.add {load} local.set $a"
        if kind == 1:
            store = c.pick(("i32.store8", "i32.store16", "i32.store8 offset=1640"))
            place = f"local.get $k i32.const {c.pick((1640, 600, 9000))} i32.add"
            return f"{place} local.get $a {store}"
        if kind == 2:
            return f"{number} {self.address()} i32.load8_s i32.sub local.set $d"
        if kind == 3:
            limit = c.pick(("i32.const 1", "i32.const -3", "local.get $k", number))
            return f"local.get {name} {limit} {compare} local.set $n"
        if kind == 4:
            difference = f"{number} local.get $d i32.const 15 i32.and i32.sub"
            return (
                f"local.get $n if (result i32) {difference} else {number} end "
                f"i32.const {c.pick((0, 1, -5))} {compare} local.set $n"
            )
        if kind == 5:
            return f"local.get {name} local.get $a i32.add local.set $a"
        if kind == 6:
            return f"{number} local.set $d local.get $d local.get $k {compare} local.set $n"
        if kind == 7:
            frame = "local.get $f local.get $k i32.const 3 i32.and i32.const 2 i32.shl i32.add"
            load = f"{frame} i32.load offset={c.pick((0, 4, 16))} local.set $a"
            return c.pick((f"{frame} local.get $a i32.store", load))
        if kind == 8:
            return f"local.get {name} local.set {c.pick(('$k', '$d', '$m'))}"
        return c.pick((
            f"local.get {name} i32.const 100 i32.lt_u local.set $n",
            f"i32.const 2048 local.get {name} i32.store",
            f"local.get {name} call $step local.set $a",
            f"local.get {name} i32.const 3 i32.shr_u local.set $a",
            f"local.get {name} i32.const 2 i32.shr_s local.set $d",
            f"local.get {name} i32.const 7 i32.div_s local.set $d",
            f"local.get {name} i64.extend_i32_u i64.const 3 i64.shr_u i32.wrap_i64 local.set $a",
            f"i32.const {c.pick((-1, 5, 0x7FFFFFFF))} local.set {name}",
            f"local.get {name} global.set $g",
        ))  # fmt: skip

    def row(self, label: str) -> list[str]:
        """A loop over a pointer to words and, by number, what begins at another pointer; it may
        store what a later turn reads."""
        c = self.c
        load, width = _LOADS[c.below(len(_LOADS))]
        base = c.pick(("$x", "$y", "$i"))
        words = [
            f"local.get $p i32.load offset={4 * c.below(6)} i32.xor"
            for _ in range(c.pick((1, 1, 2, 5)))
        ]
        store = f"local.get {c.pick(('$p', '$q'))} local.get $a i32.store offset={4 * c.below(6)}"
        stores = c.below(4)
        compare = c.pick(("i32.ne", "i32.lt_u", "i32.lt_s", c.pick(_COMPARISONS)))
        return [
            "i32.const 0 local.set $q",
            f"loop {label}",
            store if stores == 1 else "",
            f"local.get {base} local.get $q i32.add {load} offset={width * c.below(4)}",
            *words,
            "local.get $a i32.add local.set $a",
            store if stores == 2 else "",
            *(self.statement() if c.chance(30) else []),
            "local.get $p i32.const 4 i32.add local.set $p",
            "local.get $q i32.const 1 i32.add local.tee $q",
            f"i32.const {c.pick(('40', '7', '300'))} {compare} br_if {label}",
            "end",
        ]

    def walk(self, label: str) -> list[str]:
        """A loop over an array by an index and by a pointer that hardly anything but accesses
        reads; the two may get apart."""
        c = self.c
        bits = c.pick((2, 2, 2, 1, 3, 4))
        by = c.pick((1, 1, 1, -1, -1, 2))
        width = 1 << bits
        apart = c.pick((0, 0, 0, 0, 0, 0, 1, width))
        index = f"local.get $i i32.const {by} i32.add local.set $i"
        if c.chance(10):
            index = f"local.get $i i32.const {by} i32.add local.tee $t local.set $i"
        pointer = f"local.get $w i32.const {by * width + apart} i32.add local.set $w"
        if c.chance(30):
            pointer = f"local.get $w i32.const {by * width} i32.add local.tee $v local.set $w"
        kinds = c.pick((8, 8, 8, 12))
        body = [index, pointer, self.through_walker(kinds)]
        for _ in range(c.below(3)):
            body.append(self.through_walker(kinds))
        if c.chance(60):
            body.append(body.pop(c.below(2)))
        if c.chance(15):
            body += self.statement()
        again = self.test()
        if c.chance(60):
            compare = f"i32.const {c.pick(('0', '77', '1024'))} {c.pick(_COMPARISONS)}"
            again = [f"local.get $w i32.load offset={4 * c.below(3)} local.tee $u {compare}"]
        start = c.pick(("i32.const 1024", "i32.const 1000", "i32.const 0", "i32.const 40"))
        return [
            f"local.get $i i32.const {bits} i32.shl {start} i32.add local.set $w",
            f"loop {label}", *body, *again, f"br_if {label}", "end",
            *([self.through_walker(kinds)] if c.chance(60) else []),
        ]  # fmt: skip

    def through_walker(self, kinds: int) -> str:
        """Something that a pointer beside an index is read for; of the first kinds are accesses
        that can do with the index."""
        c = self.c
        kind = c.below(kinds)
        offset = 4 * c.below(3)
        pointer = "$v" if c.chance(15) else "$w"
        if kind < 5:
            return (
                f"local.get {pointer} i32.load offset={offset} "
                "local.get $a i32.const 31 i32.mul i32.add local.set $a"
            )
        if kind < 7:
            return f"local.get {pointer} local.get $a i32.store offset={offset}"
        if kind == 7:
            return f"local.get {pointer} i32.const 4 i32.add local.get $i i32.store"
        if kind == 8:
            return f"local.get {pointer} i64.load offset={offset} i32.wrap_i64 local.set $u"
        if kind == 9:
            return f"local.get {pointer} i32.load16_u offset={offset} local.set $n"
        if kind == 10:
            return f"local.get {pointer} i32.const 1 i32.and local.set $n"
        return f"local.get {pointer} i32.load8_u local.get $i i32.add local.set $u"

    def statement(self) -> list[str]:
        c = self.c
        kind = c.below(11)
        if kind > 8:
            return [self.byte()]
        if kind < 2:
            load, width = _LOADS[c.below(len(_LOADS))]
            target = c.pick(("a", "n", "u"))
            mixed = "local.get $a i32.const 31 i32.mul i32.add" if c.chance(60) else ""
            return [
                f"{self.address()} {load} offset={width * c.below(4)} {mixed} local.set ${target}"
            ]
        if kind == 2:
            store, width = _STORES[c.below(len(_STORES))]
            value = c.pick(("local.get $a", "local.get $i", "i32.const 0", "i32.const 77"))
            return [f"{self.address()} {value} {store} offset={width * c.below(4)}"]
        if kind == 3:
            return self.step(c.pick(("q", "p", "i")))
        if kind == 4:
            name, step = c.pick(("p", "q", "i")), self.one(_STEPS)
            return [f"local.get ${name} i32.const {step} i32.add local.set $t"] + (
                [f"local.get $t local.set ${name}"] if c.chance(50) else []
            )
        if kind == 5:
            return ["local.get $a local.get $i i32.xor i32.const 5 i32.rotl local.set $a"]
        if kind == 6:
            return ["local.get $i local.get $y i32.add local.set $u"]
        if kind == 7:
            name = c.pick(("p", "q", "i"))
            return [f"local.get ${name} call $step local.set ${name}"]
        return [f"{self.address()} local.get $a call $take local.set $a"]

    def bytes(self, label: str) -> list[str]:
        """A loop over bytes, which goes on by one."""
        c = self.c
        name = c.pick(("p", "q", "i"))
        body = [self.byte() for _ in range(2 + c.below(4))]
        body[0] = f"local.get ${name} local.get $z i32.store8"
        if c.chance(30):
            compared = f"local.get ${name} i32.load8_u i32.const 100 i32.lt_u"
            body[-1] = f"{compared} if {self.byte()} else {self.byte()} end"
        step = f"local.get ${name} i32.const 1 i32.add local.set ${name}"
        return [
            f"local.get ${name} i32.const 2047 i32.and local.set ${name}" if c.chance(60) else "",
            *(self.byte() for _ in range(c.below(2))),
            f"loop {label}", *body, step, *self.test(), f"br_if {label}", "end",
        ]  # fmt: skip

    def byte(self) -> str:
        """Something with a number of which mostly the lowest byte is read."""
        c = self.c
        kind = c.below(10)
        operator = c.pick(("add", "xor", "sub", "mul", "or", "and", "shl", "shr_u"))
        if kind < 4:
            more = f"i32.const {c.pick(('1', '-3', '48', '255'))} i32.{operator}"
            load = f"{self.address()} i32.load8_{c.pick(('u', 'u', 's'))}"
            return (
                f"local.get $z {load} i32.{c.pick(('xor', 'add', 'sub'))} "
                f"{more if c.chance(70) else ''} local.set $z"
            )
        if kind < 6:
            return f"{self.address()} local.get $z i32.store8 offset={c.below(3)}"
        if kind == 6:
            return "local.get $z i32.const 255 i32.and local.get $a i32.add local.set $a"
        if kind == 7:
            return "local.get $z i32.const 255 i32.and i32.const 100 i32.lt_u local.set $n"
        if kind == 8:
            return f"local.get ${c.pick(('a', 'i', 'n'))} local.get $z i32.{operator} local.set $z"
        return c.pick((
            "local.get $z local.set $u",
            "local.get $z i32.const 65535 i32.and local.set $u",
            "local.get $z i32.extend8_s local.set $u",
            f"{self.address()} local.get $z i32.store16",
            f"{self.address()} i32.load16_s local.get $z i32.store8",
            f"{self.address()} i32.load8_s i32.const 2 i32.shl local.get $z i32.store",
        ))  # fmt: skip

    def address(self) -> str:
        name = self.c.pick(_POINTERS)
        if self.c.chance(15):
            return f"local.get ${name} local.get $x i32.add"
        if self.c.chance(10):
            return f"local.get ${name} i32.const 2 i32.shl"
        if self.c.chance(20):
            return f"local.get ${name} i32.const {self.one(_STEPS)} i32.add local.tee $t"
        return f"local.get ${name}"

    def step(self, name: str) -> list[str]:
        if self.c.chance(15):
            by = self.c.pick(("$y", "$x"))
            return [f"local.get ${name} local.get {by} i32.add local.set ${name}"]
        return [f"local.get ${name} i32.const {self.one(_STEPS)} i32.add local.set ${name}"]

    def test(self) -> list[str]:
        c = self.c
        name = c.pick(("i", "p", "q"))
        compare = c.pick(_COMPARISONS)
        kind = c.below(5)
        if kind == 0:
            return [f"local.get ${name} local.get $y {compare}"]
        if kind == 1:
            return [f"local.get ${name} i32.const {self.one(_ENDS)} {compare}"]
        if kind == 2:
            load, width = _LOADS[c.below(len(_LOADS))]
            return [f"local.get ${name} {load} offset={width * c.below(3)}"]
        if kind == 3:
            return [f"local.get $a i32.const 64 {compare}"]
        return [f"local.get $n local.get $a {compare}"]


def generate(
    seed: int | None = None, tape: Sequence[int] = (), *, leaves_twice: bool = True
) -> Program:
    """The program of a seed, or of a tape; with or without blocks that are left from before a loop
    in them and from inside of it: digests of programs are older than those."""
    return _Generator(Choices(seed, tape), leaves_twice).program()
