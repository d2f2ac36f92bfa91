"""Rows of the instruction set as functions that write them: one per row, made once.

A row's own templates are the text. Where a template has one of a few *shapes* (a sum under a mask,
a comparison of signed numbers, an access to memory) a function of that shape knows more: which
masks can wait, what is small, what needs no name. A row that has none of these is written as it
stands. A writer is called with the translator and the immediate, and works on its stack.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ...isa import Instruction, InstructionSet
from .integers import (
    Writer,
    add,
    bitwise,
    compare,
    compare_signed,
    is_zero,
    multiply,
    shift_left,
    shift_right,
    shift_right_signed,
    subtract,
)
from .values import (
    ADD,
    AND,
    ANY,
    ATOM,
    BITS,
    CHOICE,
    COMPARE,
    CONDITION,
    CONSTANT,
    MULTIPLY,
    NOT,
    OR,
    PRODUCT,
    SHIFT,
    SUM,
    UNARY,
    XOR,
    cleaned,
    enclosed,
    of_float,
    truth,
)  # fmt: skip

__all__ = ["writer_at", "writers_of"]

#: what may change between two instructions, so that reading it cannot wait
_STATE = frozenset(("mem", "memory", "tables", "datas", "elems"))
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
#: nothing, a name, or one call of names
_PLAIN = re.compile(r"(?:\{?\w+\}?(?:\([^()]*\)(?:\[0\])?)?)?")
#: an access that binds as a name does
_ACCESS = re.compile(r"\w+\(mem, [^()]*\)\[0\]|(?:byte\d\d\[)?mem\[[^][]*\]\]?")
#: tables of bytes as integers with a sign, by width
_SIGNED_BYTES = {32: "byte32", 64: "byte64"}
#: precedences of Python's nodes, by class; names and calls bind most
_PRECEDENCE = {
    "IfExp": CHOICE, "BoolOp": 1, "Compare": COMPARE, "BitOr": OR, "BitXor": XOR, "BitAnd": AND,
    "LShift": SHIFT, "RShift": SHIFT, "Add": ADD, "Sub": ADD, "Mult": MULTIPLY,
    "FloorDiv": MULTIPLY, "Mod": MULTIPLY, "Div": MULTIPLY, "USub": UNARY, "Not": NOT,
    "Invert": UNARY,
}  # fmt: skip


# -- other operations on operands alone


def _wrap(t: Any, x: Any) -> None:
    """The lower 32 bits."""
    text, precedence, reads, bits = t.stack[-1]
    if bits == SUM[64] or bits > 32:
        t.stack[-1] = text, precedence, reads, SUM[32]
    elif bits == PRODUCT[64]:
        t.stack[-1] = text, precedence, reads, PRODUCT[32]


def _same(t: Any, x: Any) -> None:
    """The operand, as it is; a condition is the same integer whatever its width."""
    if t.stack[-1][3] != CONDITION:
        t.stack[-1] = cleaned(t.stack[-1])


def _extend(small: int, bits: int) -> Writer:
    """The sign of a narrower integer, made that of the whole."""
    mask, half = (1 << small) - 1, 1 << (small - 1)
    high = ((1 << bits) - 1) ^ mask

    def write(t: Any, x: Any) -> None:
        value = t.stack.pop()
        if value[3] == CONDITION or 0 <= value[3] < small:
            t.push(cleaned(value))
            return
        text, precedence, reads, known = value
        if known > small or known < 0:
            text = f"{text if precedence >= AND else f'({text})'} & {mask}"
            value = text, AND, reads, small
        if small == 8:
            t.push((f"{_SIGNED_BYTES[bits]}[{value[0]}]", UNARY, reads, bits))
            return
        a, _, reads, _ = t.atom(value)
        t.push((f"{a} if {a} < {half} else {a} | {high}", CHOICE, reads, bits))

    return write


def _select(t: Any, x: Any) -> None:
    stack = t.stack
    condition = stack.pop()
    b, pb, rb, nb = cleaned(stack.pop())
    a, pa, ra, na = cleaned(stack.pop())
    test, precedence = truth(condition)
    a = a if pa > CHOICE else f"({a})"
    b = b if pb > CHOICE else f"({b})"
    test = test if precedence > CHOICE else f"({test})"
    known = na if na > nb else nb
    t.push((f"{a} if {test} else {b}", CHOICE, ra | rb | condition[2], known))


def _drop(t: Any, x: Any) -> None:
    t.stack.pop()


def _integer(t: Any, x: Any) -> None:
    t.stack.append((str(x), CONSTANT, 0, x.bit_length()))


def _float(t: Any, x: Any) -> None:
    t.stack.append(of_float(x))


# -- variables


def _local_get(t: Any, x: Any) -> None:
    t.stack.append(t.known.get(x) or t.locals[x])


def _local_set(t: Any, x: Any) -> None:
    t.assign(x, cleaned(t.stack.pop()))


def _local_tee(t: Any, x: Any) -> None:
    t.assign(x, cleaned(t.stack.pop()))
    t.stack.append(t.known[x])


def _global_get(t: Any, x: Any) -> None:
    t.cells.add(f"g{x}")
    t.stack.append(t.globals[x])


def _global_set(t: Any, x: Any) -> None:
    value = cleaned(t.stack.pop())
    t.spill(t.globals[x][2])
    t.set_global(x, value[0])


# -- memory


def _load(row: Instruction) -> Writer:
    signed = re.fullmatch(
        r"\{t\} if \(\{t\} := (mem\[.*\])\) < 128 else \{t\} \| (0xF+)00", row.meaning
    )
    meaning = row.meaning
    if signed is not None:
        meaning = f"{_SIGNED_BYTES[4 * len(signed[2])]}[{signed[1]}]"
    whole = _ACCESS.fullmatch(meaning) is not None
    text = _formatter(meaning.replace("{a} + {offset}", "{p}"))
    named = "{t}" in meaning
    width = re.fullmatch(
        r"load_u(\d+)\(mem, \{a\} \+ \{offset\}\)\[0\]|mem\[\{a\} \+ \{offset\}\]", row.meaning
    )
    bits = BITS[row.typing.results[0]]  # type: ignore[union-attr]
    if width is not None:
        bits = int(width[1] or 8)

    def write(t: Any, x: Any) -> None:
        address = t.address(t.stack.pop(), x)
        t.keep(text(p=address, t=t.temporary() if named else ""), bits)
        if whole:
            t.loaded = len(t.lines)

    return write


def _store(row: Instruction) -> Writer:
    effect = row.effect.replace("{a} + {offset}", "{p}")
    masked = re.search(r"\{b\} & (\w+)", effect)
    mask = int(masked[1], 0) if masked else 0
    if masked:
        effect = effect.replace(masked[0], "{b}")
    text = _formatter(effect)
    repeated = effect.count("{b}") > 1

    def write(t: Any, x: Any) -> None:
        b, pb, _, nb = value = t.stack.pop()
        if nb == CONDITION:
            b, pb, _, nb = value = cleaned(value)
        if not mask:
            b = (cleaned(value) if nb < 0 else value)[0]
            if repeated and pb < ATOM:
                b = t.atom(cleaned(value))[0]
        elif nb < 0 or nb > mask.bit_length():
            b = f"{b if pb >= AND else f'({b})'} & {mask}"
        t.line(text(p=t.address(t.stack.pop(), x), b=b))
        t.rest()

    return write


# -- whatever else there is


def _formatter(text: str) -> Callable[..., str]:
    """A function that puts texts in the place of a template's placeholders."""
    # a number needs parentheses before a method's name
    text = re.sub(r"\{(\w)\}\.", r"({\1}).", text)
    before, *rest = _PLACEHOLDER.split(text)
    if len(rest) == 2:
        # most have one, and this takes half of the time
        name, after = rest
        return lambda **names: f"{before}{names[name]}{after}"
    return text.format if rest else lambda **names: text


def _general(row: Instruction) -> Writer:
    """A row as it stands: operands that its templates use twice get names."""
    typing = row.typing
    count = len(typing.params) if typing else 0
    results = typing.results if typing else ()
    texts = [row.meaning, row.second, row.effect, row.update, row.length or "", row.charge or ""]
    whole = " ".join(texts + [guard.condition for guard in row.guards])
    repeated = [whole.count(f"{{{name}}}") > 1 for name in "abcd"]
    meaning, effect = _formatter(row.meaning), _formatter(row.effect)
    second, update = _formatter(row.second), _formatter(row.update)
    guards = [(_formatter(guard.condition), _formatter(guard.trap)) for guard in row.guards]
    length, charge = _formatter(row.length or ""), _formatter(row.charge or "")
    state = _STATE.intersection(re.findall(r"\w+", row.meaning))
    delayed = not (state or row.native or row.charge or row.rounds)
    precedence, bits = _precedence(row.meaning), BITS.get(results[0], ANY) if results else ANY
    several, named = len(row.immediates) > 1, "{t}" in whole
    read_twice = any(repeated)

    def write(t: Any, x: Any) -> None:
        stack, reads, names = t.stack, 0, {}
        values = stack[len(stack) - count :] if count else []
        del stack[len(stack) - count :]
        for place, value in enumerate(values):
            value = cleaned(value)
            value = t.atom(value) if repeated[place] else value
            reads |= value[2]
            names["abcd"[place]] = enclosed(value)
        if read_twice:
            # what several lines read, none of them can take in
            t.loaded = t.called = -1
        if several:
            names.update(x=x[0], y=x[1], offset=x[0])
        elif x is not None:
            names.update(x=x, offset=x, value=x)
        if named:
            names["t"] = t.temporary()
        for condition, trap in guards:
            t.line(f"if {condition(**names)}: raise {trap(**names)}")
        if row.length is not None:
            t.charge_length(length(**names))
        if row.effect:
            t.line(effect(**names))
        if results:
            give(t, reads, names)
        elif row.effect:
            t.rest()

    def give(t: Any, reads: int, names: dict[str, Any]) -> None:
        text = meaning(**names)
        if row.rounds:
            t.line(f"F[0] = {text}")
            t.keep("F[0]", ANY)
            t.loaded = len(t.lines)
        elif delayed:
            t.push((text, precedence, reads, CONDITION if row.condition else bits))
        else:
            t.keep(f"1 if {text} else 0" if row.condition else text, bits)
        if row.second:
            t.push((second(**names), 0, reads, bits))
        if row.update:
            t.line(update(**names, r=t.stack[-1][0]))
        if row.charge:
            t.line(f"fuel -= {charge(**names, r=t.stack[-1][0])}")
        if row.moves_memory:
            t.line("fuel = expire(fuel)")

    return write


def _precedence(meaning: str) -> int:
    """The precedence of a meaning in Python's grammar."""
    if _PLAIN.fullmatch(meaning):
        return ATOM
    import ast  # most programs need none of the rows that come here

    node = ast.parse(_PLACEHOLDER.sub(r"_\1", meaning), mode="eval").body
    name = type(node.op if isinstance(node, (ast.BinOp, ast.UnaryOp)) else node).__name__
    return _PRECEDENCE.get(name, ATOM)


# -- shapes


def _number(text: str) -> int:
    """The width of a mask of ones."""
    return int(text, 0).bit_length()


#: the shapes of meanings, and what writes them
_SHAPES: tuple[tuple[str, Callable[[re.Match[str], Instruction], Writer]], ...] = (
    (r"\(\{a\} \+ \{b\}\) & (0xF+)", lambda m, row: add(_number(m[1]))),
    (r"\(\{a\} - \{b\}\) & (0xF+)", lambda m, row: subtract(_number(m[1]))),
    (r"\(\{a\} \* \{b\}\) & (0xF+)", lambda m, row: multiply(_number(m[1]))),
    (r"\{a\} & \{b\}", lambda m, row: bitwise("&", AND)),
    (r"\{a\} \| \{b\}", lambda m, row: bitwise("|", OR)),
    (r"\{a\} \^ \{b\}", lambda m, row: bitwise("^", XOR)),
    (r"\(\{a\} << \(\{b\} & \d+\)\) & (0xF+)", lambda m, row: shift_left(_number(m[1]))),
    (r"\{a\} >> \(\{b\} & (\d+)\)", lambda m, row: shift_right(int(m[1]) + 1)),
    (
        r"\(\(\(\{a\} \^ (0x80+)\) - \1\) >> \(\{b\} & \d+\)\) & 0xF+",
        lambda m, row: shift_right_signed(_number(m[1]), _general(row)),
    ),
    (r"\{a\} (==|!=|<|<=|>|>=) \{b\}", lambda m, row: compare(m[1])),
    (
        r"\(\{a\} \^ (0x80+)\) (<|<=|>|>=) \(\{b\} \^ \1\)",
        lambda m, row: compare_signed(m[2], _number(m[1])),
    ),
    (r"not \{a\}", lambda m, row: is_zero),
    (r"\{a\} & 0xFFFFFFFF", lambda m, row: _wrap),
    (r"\{a\}", lambda m, row: _same),
    (
        r"\(\(\{a\} \^ (0x80+)\) - \1\) & (0xF+)",
        lambda m, row: _extend(_number(m[1]), _number(m[2])),
    ),
    (
        r"\(\(\(\{a\} & 0xF+\) \^ (0x80+)\) - \1\) & (0xF+)",
        lambda m, row: _extend(_number(m[1]), _number(m[2])),
    ),
    (r"\{a\} if \{c\} else \{b\}", lambda m, row: _select),
)
#: rows that only move a value, by what they are about, their effect and their meaning
_MOVES: dict[tuple[tuple[str, ...], str, str], Writer] = {
    (("localidx",), "", "{local}"): _local_get,
    (("localidx",), "{local} = {a}", ""): _local_set,
    (("localidx",), "{local} = {a}", "{a}"): _local_tee,
    (("globalidx",), "", "{glob}"): _global_get,
    (("globalidx",), "{glob} = {a}", ""): _global_set,
    (("i32",), "", "{value}"): _integer,
    (("i64",), "", "{value}"): _integer,
    (("f32",), "", "{value}"): _float,
    (("f64",), "", "{value}"): _float,
}


@lru_cache(maxsize=1024)
def _writer_of(row: Instruction) -> Writer:
    """What writes a row that is no form of control."""
    move = _MOVES.get((row.immediates, row.effect, row.meaning))
    if move is not None:
        return move
    if row.typing is not None and not row.meaning and not row.effect and not row.guards:
        return _drop if row.typing.params else _general(row)
    plain = not (row.guards or row.length or row.charge or row.rounds or row.moves_memory)
    plain = plain and not (row.update or row.second)
    if plain and row.immediates == ("memarg",) and row.native:
        if row.meaning and not row.effect and "{a} + {offset}" in row.meaning:
            return _load(row)
        if row.effect and not row.meaning and "{a} + {offset}" in row.effect:
            return _store(row)
    integers = row.typing is not None and (
        not {"f32", "f64", "v128"}.intersection((*row.typing.params, *row.typing.results))
    )
    if plain and not row.effect and not row.native and integers:
        for pattern, shape in _SHAPES:
            match = re.fullmatch(pattern, row.meaning)
            if match is not None:
                return shape(match, row)
    return _general(row)


@lru_cache(maxsize=8)
def writers_of(instructions: InstructionSet) -> list[Writer | None]:
    """The writers of an instruction set by dense number, made as they are met."""
    return [None] * len(instructions.rows)


def writer_at(instructions: InstructionSet, number: int) -> Writer:
    """The writer of a dense number, made at its first use."""
    writers = writers_of(instructions)
    made = writers[number]
    if made is None:
        made = writers[number] = _writer_of(instructions.rows[number])
    return made
