"""Operations on custom fields and filters over them (contract 2.3)."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .host import HostFunctionError

__all__ = ["Filter", "apply_operation", "like"]

_EARTH_RADIUS_KM = 6371.0


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise HostFunctionError(f"a {type(value).__name__} is no number")
    return value


def _increment(present: Any, operation: Mapping[str, Any]) -> Any:
    result = _number(present or 0) + _number(operation.get("value", 1))
    for bound, crossed in (("floor", operator.lt), ("ceiling", operator.gt)):
        limit = operation.get(bound)
        if limit is not None and crossed(result, _number(limit)):
            raise HostFunctionError(f"increment to {result} is refused: {bound} is {limit}")
    return result


def _items(present: Any) -> list[Any]:
    if present is not None and not isinstance(present, (list, tuple)):
        raise HostFunctionError(f"a {type(present).__name__} is no list")
    return list(present or ())


def _append(present: Any, operation: Mapping[str, Any]) -> list[Any]:
    items = _items(present)
    return items if operation.get("value") in items else [*items, operation.get("value")]


def _remove(present: Any, operation: Mapping[str, Any]) -> list[Any]:
    return [item for item in _items(present) if item != operation.get("value")]


def _compare_and_set(present: Any, operation: Mapping[str, Any]) -> Any:
    if present != operation.get("expect"):
        raise HostFunctionError("cas: the field has another value than expected")
    return operation.get("value")


def _toggle(present: Any, operation: Mapping[str, Any]) -> bool:
    return not present


_OPERATIONS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "increment": _increment,
    "append": _append,
    "remove": _remove,
    "cas": _compare_and_set,
    "toggle": _toggle,
}


def apply_operation(present: Any, new: Any) -> Any:
    """What a field becomes: the new value, or what an object with ``op`` makes of the present one.

    Raises HostFunctionError where the operation is unknown or refused.
    """
    if not isinstance(new, Mapping) or "op" not in new:
        return new
    name = new["op"]
    operation = _OPERATIONS.get(name) if isinstance(name, str) else None
    if operation is None:
        shown = repr(name) if isinstance(name, str) else f"of type {type(name).__name__}"
        raise HostFunctionError(f"unknown field operation {shown:.80}")
    try:
        return operation(present, new)
    except OverflowError:
        raise HostFunctionError("a number is out of the range of a float") from None


def _folded(text: Any) -> str:
    """A text for a comparison without case, as long as it is."""
    return str(text).replace("\u0130", "i").lower()


def _stands_at(text: str, at: int, part: str) -> bool:
    """Whether a part of a pattern, in which ``_`` is any character, stands in a text there."""
    return all(text.startswith(piece, at + begin) for begin, piece in _pieces(part)) and at + len(
        part
    ) <= len(text)


def _pieces(part: str) -> Iterator[tuple[int, str]]:
    """What stands between the ``_`` of a part, and where."""
    begin = 0
    for piece in part.split("_"):
        if piece:
            yield begin, piece
        begin += len(piece) + 1


def _find(text: str, at: int, part: str, check: Callable[[], None]) -> int:
    """Where a part of a pattern first stands in a text, or -1."""
    if "_" not in part:
        return text.find(part, at)
    # the longest piece is looked for, the rest compared where it is
    begin, longest = max(_pieces(part), key=lambda item: len(item[1]), default=(0, ""))
    while (found := text.find(longest, at + begin)) >= 0 and found - begin + len(part) <= len(text):
        if _stands_at(text, found - begin, part):
            return found - begin
        at = found - begin + 1
        check()
    return -1


def like(value: Any, pattern: Any, check: Callable[[], None]) -> bool:
    """Whether a text is like a pattern: ``%`` is any text, ``_`` any character, case does not
    count. Every part goes where it first stands, so that nothing is looked at twice; ``check`` ends
    what takes long by its exception."""
    if isinstance(pattern, (dict, list)):
        raise TypeError(f"a {type(pattern).__name__} is no pattern")
    text = _folded(value)
    first, *parts = _folded(pattern).split("%")
    if not _stands_at(text, 0, first):
        return False
    if not parts:
        return len(first) == len(text)
    *parts, last = parts
    at = len(first)
    for part in parts:
        found = _find(text, at, part, check)
        if found < 0:
            return False
        at = found + len(part)
    end = len(text) - len(last)
    return end >= at and _stands_at(text, end, last)


def _kilometres(here: Any, there: Any) -> float:
    lat1, lon1, lat2, lon2 = (
        math.radians(_number(point.get(key))) for point in (here, there) for key in ("lat", "lng")
    )
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(min(half, 1.0)))


_Test = Callable[[Any, Any, Any, Callable[[], None]], bool]
_OPERATORS: dict[str, _Test] = {
    "eq": lambda found, value, _, check: found == value,
    "neq": lambda found, value, _, check: found != value,
    "gt": lambda found, value, _, check: found > value,
    "lt": lambda found, value, _, check: found < value,
    "gte": lambda found, value, _, check: found >= value,
    "lte": lambda found, value, _, check: found <= value,
    "like": lambda found, value, _, check: like(found, value, check),
    "in": lambda found, value, _, check: found in value,
    "between": lambda found, value, value2, check: value <= found <= value2,
    "near": lambda found, value, radius, check: _kilometres(found, value) <= _number(radius),
}


class Filter:
    """A test of objects by their fields. ``check`` is called at every object: what it raises ends
    what takes long. Raises HostFunctionError for an unknown operator."""

    def __init__(self, wanted: Mapping[str, Any], check: Callable[[], None]) -> None:
        self._name = wanted.get("field", "")
        self._operator = wanted.get("operator", "eq")
        self._values = wanted.get("value"), wanted.get("value2")
        self._check = check
        test = _OPERATORS.get(self._operator)
        if test is None:
            raise HostFunctionError(f"unknown filter operator {self._operator!r:.80}")
        self._test = test

    def passes(self, values: Mapping[str, Any]) -> bool:
        """Whether an object's fields pass; a field that is not set passes ``neq`` only. Raises
        HostFunctionError for values that cannot be compared."""
        self._check()
        if self._name not in values:
            return bool(self._operator == "neq")
        try:
            return bool(self._test(values[self._name], *self._values, self._check))
        except (TypeError, AttributeError, OverflowError) as error:
            where = f"filter {self._operator} on {self._name!r:.80}"
            raise HostFunctionError(f"{where}: {error}") from None
