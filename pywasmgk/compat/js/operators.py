"""Conversions and operators (ECMA-262, chapter "Abstract Operations")."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .objects import UNDEFINED, Array, BigInt, Foreign, Function, Object, Realm, Symbol

__all__ = [
    "binary",
    "loosely_equal",
    "number_text",
    "strictly_equal",
    "to_int32",
    "to_number",
    "to_text",
    "to_uint32",
    "truthy",
    "type_of",
    "utf16_length",
]

#: arrays inside of each other in a text
_DEEPEST = 20


def truthy(value: Any) -> bool:
    """ToBoolean."""
    if isinstance(value, (Object, Array, Function, Foreign)):
        return True
    return bool(value) and value == value


def type_of(value: Any) -> str:
    """The operator ``typeof``."""
    if value is UNDEFINED:
        return "undefined"
    if value is True or value is False:
        return "boolean"
    if isinstance(value, BigInt):
        return "bigint"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, Symbol):
        return "symbol"
    return "function" if isinstance(value, Function) or callable(value) else "object"


def number_text(value: float) -> str:
    """A number as JavaScript writes it (ECMA-262, "Number::toString")."""
    if isinstance(value, int) and abs(value) < 10**21:
        return str(int(value))
    value = float(value)
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa
    power = int(exponent)
    if -7 < power < 0:
        digits = mantissa.lstrip("-").replace(".", "")
        return ("-" if value < 0 else "") + "0." + "0" * (-power - 1) + digits
    return f"{mantissa.removesuffix('.0')}e{'+' if power > 0 else '-'}{abs(power)}"


def to_text(value: Any, depth: int = 0) -> str:
    """ToString; objects as their kind has it."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, BigInt):
        return str(int(value)) if value.bit_length() < 10_000 else hex(value)
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, Array):
        if depth >= _DEEPEST:
            return ""
        none = (None, UNDEFINED)
        return ",".join("" if item in none else to_text(item, depth + 1) for item in value[:10_000])
    if isinstance(value, Object):
        message, name = find(value, "message"), find(value, "name")
        if isinstance(message, str) and isinstance(name, str):
            return f"{name}: {message}" if message else name
        return "[object Object]"
    if isinstance(value, Function):
        return f"function {value.name}() {{ [code] }}"
    if isinstance(value, Foreign):
        return f"[object {value.kind}]"
    return repr(value)


def find(value: Object, name: Any) -> Any:
    """A property of an object or its prototypes, accessors not called."""
    at: Object | None = value
    while at is not None:
        if name in at:
            return at[name]
        at = at.proto
    return UNDEFINED


def to_number(value: Any) -> float:
    """ToNumber."""
    if isinstance(value, BigInt):
        raise TypeError("Cannot convert a BigInt value to a number")
    if isinstance(value, (int, float)):
        return int(value) if value is True or value is False else value
    if value is None:
        return 0
    if isinstance(value, str):
        return _number_of(value.strip())
    if isinstance(value, Array) and len(value) < 2:
        return to_number(to_text(value))
    if isinstance(value, Foreign) and value.kind == "Date":
        return to_number(value.get("time"))
    return math.nan


def _number_of(text: str) -> float:
    if not text:
        return 0
    try:
        if text[:2].lower() in ("0x", "0o", "0b"):
            return int(text[:300], 0)
        if text.isdigit() and len(text) < 16:
            return int(text)
        if "_" in text or text[-1:].isalpha():
            return {"Infinity": math.inf, "-Infinity": -math.inf}.get(text, math.nan)
        return plain(float(text))
    except ValueError:
        return math.nan


def plain(value: float) -> float:
    """A number as an int, where it is one that floats hold exactly and not -0."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return int(value) if value or math.copysign(1, value) > 0 else value
    return value


def to_int32(value: Any) -> int:
    """ToInt32."""
    return (to_uint32(value) ^ 0x80000000) - 0x80000000


def to_uint32(value: Any) -> int:
    """ToUint32."""
    if value.__class__ is not int:
        value = to_number(value)
        if isinstance(value, float) and not math.isfinite(value):
            return 0
    return int(value) & 0xFFFFFFFF


def to_integer(value: Any) -> int:
    """ToIntegerOrInfinity, with infinity cut to what no length reaches."""
    number = to_number(value)
    if number != number:
        return 0
    return int(max(min(number, 1 << 53), -(1 << 53)))


def utf16_length(text: str) -> int:
    """How long JavaScript thinks that a text is."""
    if text.isascii() or max(text) < "\U00010000":
        return len(text)
    return len(text) + sum(letter > "\uffff" for letter in text)


def utf16_slice(text: str, start: int, stop: int) -> str:
    """A part of a text, counted as JavaScript counts."""
    if text.isascii() or max(text) < "\U00010000":
        return text[start:stop]
    units = text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * stop]
    return units.decode("utf-16-le", "surrogatepass")


def strictly_equal(left: Any, right: Any) -> bool:
    """The operator ``===``."""
    if type_of(left) != type_of(right):
        return False
    if isinstance(left, (int, float, str)):
        return bool(left == right)
    return left is right


def loosely_equal(left: Any, right: Any) -> bool:
    """The operator ``==``."""
    if left is None or left is UNDEFINED:
        return right is None or right is UNDEFINED
    if right is None or right is UNDEFINED:
        return False
    kinds = {type_of(left), type_of(right)}
    if len(kinds) == 1:
        return strictly_equal(left, right)
    if kinds <= {"number", "string", "boolean", "bigint"}:
        left = int(left) if isinstance(left, BigInt) else to_number(left)
        return bool(left == (int(right) if isinstance(right, BigInt) else to_number(right)))
    return False


def _add(realm: Realm, left: Any, right: Any) -> Any:
    numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
    if not numbers and (
        not isinstance(left, (int, float, type(None), type(UNDEFINED)))
        or not isinstance(right, (int, float, type(None), type(UNDEFINED)))
    ):
        return realm.text(to_text(left) + to_text(right))
    return _arithmetic(lambda a, b: a + b)(realm, left, right)


def _arithmetic(carry_out: Callable[[Any, Any], Any]) -> Callable[[Realm, Any, Any], Any]:
    def operate(realm: Realm, left: Any, right: Any) -> Any:
        big = isinstance(left, BigInt), isinstance(right, BigInt)
        if any(big):
            if not all(big):
                raise TypeError("Cannot mix BigInt and other types")
            result = carry_out(int(left), int(right))
            if result.bit_length() > 1 << 16:
                raise OverflowError("Maximum BigInt size exceeded")
            return BigInt(result)
        found = carry_out(to_number(left), to_number(right))
        # beyond 2**53 numbers are no longer exact
        if isinstance(found, int) and not -(1 << 53) <= found <= 1 << 53:
            return float(found)
        return found

    return operate


def _divide(left: Any, right: Any) -> Any:
    if not right:
        if not left or left != left:
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1, right)
    return left / right if isinstance(left, float) or left % right else left // right


def _modulo(left: Any, right: Any) -> Any:
    if not right or math.isinf(left):
        return math.nan
    return plain(math.fmod(left, right))


def _power(left: Any, right: Any) -> Any:
    if (
        isinstance(left, int)
        and isinstance(right, int)
        and abs(left).bit_length() * right < 1 << 16
    ):
        return left**right if right >= 0 else float(left) ** right
    return float(left) ** right


def _bitwise(carry_out: Callable[[int, int], int]) -> Callable[[Realm, Any, Any], Any]:
    def operate(realm: Realm, left: Any, right: Any) -> Any:
        if isinstance(left, BigInt) and isinstance(right, BigInt):
            return BigInt(carry_out(int(left), int(right)))
        found = carry_out(to_int32(left), to_int32(right)) & 0xFFFFFFFF
        return (found ^ 0x80000000) - 0x80000000

    return operate


def _shift_left(left: int, right: int) -> int:
    if right > 1 << 16:
        raise OverflowError("Maximum BigInt size exceeded")
    return left << (right & 31) if -(1 << 31) <= left < 1 << 31 else left << right


def _compare(carry_out: Callable[[Any, Any], bool]) -> Callable[[Realm, Any, Any], Any]:
    def operate(realm: Realm, left: Any, right: Any) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return carry_out(left, right)
        pair = (int(v) if isinstance(v, BigInt) else to_number(v) for v in (left, right))
        return carry_out(*pair)

    return operate


_OPERATORS: dict[str, Callable[[Realm, Any, Any], Any]] = {
    "+": _add,
    "-": _arithmetic(lambda a, b: a - b),
    "*": _arithmetic(lambda a, b: a * b),
    "/": _arithmetic(_divide),
    "%": _arithmetic(_modulo),
    "**": _arithmetic(_power),
    "|": _bitwise(lambda a, b: a | b),
    "&": _bitwise(lambda a, b: a & b),
    "^": _bitwise(lambda a, b: a ^ b),
    "<<": _bitwise(_shift_left),
    ">>": _bitwise(lambda a, b: a >> (b & 31)),
    ">>>": lambda realm, a, b: to_uint32(a) >> (to_uint32(b) & 31),
    "===": lambda realm, a, b: strictly_equal(a, b),
    "!==": lambda realm, a, b: not strictly_equal(a, b),
    "==": lambda realm, a, b: loosely_equal(a, b),
    "!=": lambda realm, a, b: not loosely_equal(a, b),
    "<": _compare(lambda a, b: a < b),
    ">": _compare(lambda a, b: a > b),
    "<=": _compare(lambda a, b: a <= b),
    ">=": _compare(lambda a, b: a >= b),
}


def binary(realm: Realm, operator: str, left: Any, right: Any) -> Any:
    """A binary operator that looks at values alone. Raises TypeError and the like."""
    return _OPERATORS[operator](realm, left, right)
