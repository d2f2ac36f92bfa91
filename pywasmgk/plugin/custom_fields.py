"""Operations on custom fields and filters over them (contract 2.3)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from .host import HostFunctionError

__all__ = ["apply_operation", "passes"]

_EARTH_RADIUS_KM = 6371.0


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise HostFunctionError(f"{value!r} is no number")
    return value


def _increment(present: Any, operation: Mapping[str, Any]) -> Any:
    result = _number(present or 0) + _number(operation.get("value", 1))
    for bound, crossed in (("floor", float.__lt__), ("ceiling", float.__gt__)):
        limit = operation.get(bound)
        if limit is not None and crossed(float(result), float(_number(limit))):
            raise HostFunctionError(f"increment to {result} is refused: {bound} is {limit}")
    return result


def _append(present: Any, operation: Mapping[str, Any]) -> list[Any]:
    items = list(present or ())
    return items if operation.get("value") in items else [*items, operation.get("value")]


def _remove(present: Any, operation: Mapping[str, Any]) -> list[Any]:
    return [item for item in present or () if item != operation.get("value")]


def _compare_and_set(present: Any, operation: Mapping[str, Any]) -> Any:
    if present != operation.get("expect"):
        raise HostFunctionError(f"cas expected {operation.get('expect')!r}, found {present!r}")
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
    operation = _OPERATIONS.get(new["op"])
    if operation is None:
        raise HostFunctionError(f"unknown field operation {new['op']!r}")
    return operation(present, new)


def _like(value: Any, pattern: Any) -> bool:
    parts = (".*" if c == "%" else "." if c == "_" else re.escape(c) for c in str(pattern))
    return re.fullmatch("".join(parts), str(value), re.IGNORECASE | re.DOTALL) is not None


def _kilometres(here: Any, there: Any) -> float:
    lat1, lon1, lat2, lon2 = (
        math.radians(_number(point.get(key))) for point in (here, there) for key in ("lat", "lng")
    )
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(min(half, 1.0)))


_OPERATORS: dict[str, Callable[[Any, Any, Any], bool]] = {
    "eq": lambda found, value, _: found == value,
    "neq": lambda found, value, _: found != value,
    "gt": lambda found, value, _: found > value,
    "lt": lambda found, value, _: found < value,
    "gte": lambda found, value, _: found >= value,
    "lte": lambda found, value, _: found <= value,
    "like": lambda found, value, _: _like(found, value),
    "in": lambda found, value, _: found in value,
    "between": lambda found, value, value2: value <= found <= value2,
    "near": lambda found, value, radius: _kilometres(found, value) <= _number(radius),
}


def passes(values: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether an object's fields pass a filter; a field that is not set passes ``neq`` only.

    Raises HostFunctionError for an unknown operator or values that cannot be compared.
    """
    name, operator = wanted.get("field", ""), wanted.get("operator", "eq")
    test = _OPERATORS.get(operator)
    if test is None:
        raise HostFunctionError(f"unknown filter operator {operator!r}")
    if name not in values:
        return bool(operator == "neq")
    try:
        return bool(test(values[name], wanted.get("value"), wanted.get("value2")))
    except (TypeError, AttributeError) as error:
        raise HostFunctionError(f"filter {operator} on {name!r}: {error}") from None
