"""How values, names and immediates are written in the text format (spec, chapter "Text Format").

A table says it for every kind of immediate that a row may name, see ``isa.immediates.READERS``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from ..isa import Instruction
from ..isa.immediates import CATCHES, CatchClause
from ..isa.numerics import bits_of_f32, bits_of_f64, f32_of_bits
from ..types import FuncType, Limits

__all__ = [
    "comment",
    "identifier",
    "immediates",
    "limits",
    "quoted",
    "type_use",
]

_IDENTIFIER = re.compile(r"[0-9A-Za-z!#$%&'*+\-./:<=>?@\\^_`|~]+")
#: names the index ``x`` of a kind: ``(kind, x) -> text``
Namer = Callable[[str, int], str]


def identifier(name: str) -> str | None:
    """``$name``, if the text format can have it."""
    return f"${name}" if _IDENTIFIER.fullmatch(name) else None


def comment(text: str) -> str:
    """A comment within a line, whatever the text is."""
    return f"(;{text.replace(';)', '; )').replace('(;', '( ;')};)"


def quoted(value: str | bytes) -> str:
    """A string; what is not printable is written as the bytes of its UTF-8."""
    if isinstance(value, bytes):
        return '"' + "".join(_byte(byte) for byte in value) + '"'
    parts = (
        c if c.isprintable() and c not in '"\\' else "".join(f"\\{b:02x}" for b in c.encode())
        for c in value
    )
    return f'"{"".join(parts)}"'


def _byte(byte: int) -> str:
    return chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:02x}"


def limits(value: Limits) -> str:
    """A minimum, and a maximum if there is one."""
    return f"{value.min}" if value.max is None else f"{value.min} {value.max}"


def type_use(kind: FuncType, names: Sequence[str | None] = ()) -> str:
    """Parameters and results; a parameter that has a name stands alone."""
    parts = []
    if any(names):
        for position, type_ in enumerate(kind.params):
            name = names[position] if position < len(names) else None
            parts.append(f" (param {name} {type_})" if name else f" (param {type_})")
    elif kind.params:
        parts.append(f" (param {' '.join(map(str, kind.params))})")
    if kind.results:
        parts.append(f" (result {' '.join(map(str, kind.results))})")
    return "".join(parts)


# -- immediates


def immediates(row: Instruction, values: Sequence[Any], name: Namer) -> str:
    """The immediates of an instruction as the text has them: a table comes before what is done
    with it, and what is usual is not said."""
    pairs = [*zip(row.immediates, values)]
    if "tableidx" in row.immediates:
        pairs.sort(key=lambda pair: pair[0] != "tableidx")
    words = (_WRITERS[kind](row, value, name) for kind, value in pairs)
    return "".join(f" {word}" for word in words if word)


def _index(kind: str) -> Callable[[Instruction, Any, Namer], str]:
    return lambda row, value, name: name(kind, value)


def _memarg(row: Instruction, value: tuple[int, int], name: Namer) -> str:
    align, offset = value
    words = [f"offset={offset}"] if offset else []
    if 1 << align != row.width:
        words.append(f"align={1 << align}")
    return " ".join(words)


def _block_type(row: Instruction, value: Any, name: Namer) -> str:
    if value is None:
        return ""
    return f"(type {name('typeidx', value)})" if isinstance(value, int) else f"(result {value})"


def _catch(clause: CatchClause, name: Namer) -> str:
    word = CATCHES[2 * (clause.tag is None) + clause.ref]
    tag = "" if clause.tag is None else f" {name('tagidx', clause.tag)}"
    return f"({word}{tag} {name('labelidx', clause.label)})"


def _signed(value: int, bits: int) -> str:
    return str(value - (1 << bits) if value >> (bits - 1) else value)


def _float(value: float, bits: int, mantissa: int, digits: Sequence[int]) -> str:
    """A float of which ``bits`` are the bits, ``mantissa`` of them its fraction."""
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if math.isinf(value):
        return f"{sign}inf"
    if value != value:
        payload = bits & ((1 << mantissa) - 1)
        negative = bits >> (31 if mantissa == 23 else 63)
        word = "nan" if payload == 1 << (mantissa - 1) else f"nan:{payload:#x}"
        return f"-{word}" if negative else word
    for count in digits:
        text = f"{value:.{count}g}"
        if float(text) == value or (mantissa == 23 and _rounds_to(text, value)):
            return text
    return repr(value)


def _rounds_to(text: str, value: float) -> bool:
    """Whether a decimal is nearest to a 32-bit float: nearer than half of the last digit."""
    from fractions import Fraction

    bits = bits_of_f32(abs(value))
    if bits >= 0x7F7FFFFF:
        return False
    exact, given = Fraction(abs(value)), abs(Fraction(text))
    above = Fraction(f32_of_bits(bits + 1))
    below = Fraction(f32_of_bits(bits - 1)) if bits else -above
    return (exact + below) / 2 < given < (exact + above) / 2


def _f32(row: Instruction, value: float, name: Namer) -> str:
    return _float(value, bits_of_f32(value), 23, range(1, 10))


def _f64(row: Instruction, value: float, name: Namer) -> str:
    return _float(value, bits_of_f64(value), 52, ())


def _v128(row: Instruction, value: int, name: Namer) -> str:
    return "i32x4 " + " ".join(f"0x{value >> shift & 0xFFFFFFFF:08x}" for shift in (0, 32, 64, 96))


_WRITERS: dict[str, Callable[[Instruction, Any, Namer], str]] = {
    "localidx": _index("localidx"),
    "globalidx": _index("globalidx"),
    "funcidx": _index("funcidx"),
    "tableidx": lambda row, value, name: "" if row.form and not value else name("tableidx", value),
    "elemidx": _index("elemidx"),
    "dataidx": _index("dataidx"),
    "labelidx": _index("labelidx"),
    # of a call through a table; a block's is no typeidx
    "typeidx": lambda row, value, name: f"(type {name('typeidx', value)})",
    # there is one memory only
    "memidx": lambda row, value, name: "",
    "zero": lambda row, value, name: "",
    "memarg": _memarg,
    "labels": lambda row, value, name: " ".join(name("labelidx", label) for label in value),
    "types": lambda row, value, name: f"(result {' '.join(map(str, value))})",
    "catches": lambda row, clauses, name: " ".join(_catch(clause, name) for clause in clauses),
    "tagidx": _index("tagidx"),
    "reftype": lambda row, value, name: str(value).removesuffix("ref"),
    "blocktype": _block_type,
    "i32": lambda row, value, name: _signed(value, 32),
    "i64": lambda row, value, name: _signed(value, 64),
    "f32": _f32,
    "f64": _f64,
    "v128": _v128,
    "laneidx": lambda row, value, name: str(value),
    "lanes": lambda row, value, name: " ".join(map(str, value.to_bytes(16, "little"))),
}
