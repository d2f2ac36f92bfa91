"""What a plugin may use: one frozen set of bounds, the host's ceilings.

A manifest may ask for less (``resources``, contract 3.2), never for more.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

from ..wasm.bodies import MAX_LOCALS
from ..wasm.instance import DEFAULT_MEMORY_LIMIT
from ..wasm.metering import DEFAULT_DEPTH, DEFAULT_FUEL, DEFAULT_TIMEOUT
from ..wasm.table import DEFAULT_TABLE_LIMIT
from ..wasm.types import MAX_PAGES
from .gojson import MAX_DEPTH
from .manifest import Resources

__all__ = ["Limits", "lowered", "parse_duration"]

#: pages in what manifests call a megabyte
_PAGES_PER_MB = 16


@dataclass(frozen=True)
class Limits:
    """Bounds on a plugin. ``Limits(fuel=10_000_000)`` changes one of the defaults.

    Raises TypeError and ValueError for bounds that make no sense.
    """

    #: pages of 65536 bytes that its memory may have
    memory_limit: int = DEFAULT_MEMORY_LIMIT
    #: elements that all its tables may have together
    table_limit: int = DEFAULT_TABLE_LIMIT
    #: wasm frames on its call stack, the wide ones counted more than once
    depth_limit: int = DEFAULT_DEPTH
    #: locals that one of its functions may declare
    locals_limit: int = MAX_LOCALS
    #: seconds that a call may take, loading too; ``None`` or nothing above 0 is no limit
    call_timeout: float | None = DEFAULT_TIMEOUT
    #: instructions that a call may take; ``None`` is no limit
    fuel: int | None = DEFAULT_FUEL
    #: bytes of the request of a host call, and of its response
    host_call_bytes: int = 16 << 20
    #: bytes of a JSON text that is read for the plugin: its manifest, requests, results
    json_bytes: int = 8 << 20
    #: how deep such a text may be nested
    json_depth: int = MAX_DEPTH
    #: how many values the request of a host call may have: reading them cannot be interrupted
    json_values: int = 50_000
    #: lines that a call may put into the host's log
    log_messages: int = 1_000
    #: bytes of all those lines together
    log_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            most = _MOST.get(field.name)
            optional = field.name in ("call_timeout", "fuel")
            if value is None and optional:
                continue
            number = (int, float) if field.name == "call_timeout" else int
            if isinstance(value, bool) or not isinstance(value, number) or value != value:
                kinds = "a number" if field.name == "call_timeout" else "an integer"
                raise TypeError(f"{field.name} must be {kinds}, found {value!r}")
            if field.name == "call_timeout":
                continue
            if value < 0 or (most is not None and value > most):
                raise ValueError(
                    f"{field.name} must be 0 to {most}, found {value}"
                    if most is not None
                    else f"{field.name} must not be negative, found {value}"
                )


_MOST = {"memory_limit": MAX_PAGES, "locals_limit": MAX_LOCALS, "json_depth": MAX_DEPTH}

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60, "h": 3600}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")


def parse_duration(text: str) -> float:
    """Seconds of a duration as Go writes it: ``90s``, ``1h30m``, ``1.5s``. Raises ValueError."""
    sign, rest = (text[0], text[1:]) if text[:1] in ("-", "+") else ("+", text)
    parts = _PART.findall(rest)
    if rest != "0" and (not parts or "".join(map("".join, parts)) != rest):
        raise ValueError(f"invalid duration {text!r:.80}")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return -seconds if sign == "-" else seconds


def lowered(limits: Limits, asked: Resources | None) -> tuple[Limits, list[str]]:
    """The limits with what a manifest asks for where that is less, and warnings for the rest."""
    warnings: list[str] = []
    if asked is None:
        return limits, warnings
    changes: dict[str, float] = {}
    if asked.memory_mb:
        pages = asked.memory_mb * _PAGES_PER_MB
        if 0 < pages <= limits.memory_limit:
            changes["memory_limit"] = pages
        else:
            warnings.append(
                f"resources.memory_mb {asked.memory_mb} is not granted: "
                f"the host's limit is {limits.memory_limit} pages of 64 KiB"
            )
    if asked.call_timeout:
        try:
            seconds = parse_duration(asked.call_timeout)
        except ValueError as error:
            seconds = 0.0
            warnings.append(f"resources.call_timeout is ignored: {error}")
        ceiling = limits.call_timeout
        if seconds > 0 and (ceiling is None or ceiling <= 0 or seconds <= ceiling):
            changes["call_timeout"] = seconds
        elif seconds:
            warnings.append(
                f"resources.call_timeout {asked.call_timeout} is not granted: "
                f"the host's limit is {ceiling} s"
            )
    for name in ("init_timeout", "shutdown_timeout"):
        if getattr(asked, name):
            warnings.append(
                f"resources.{name} has no effect: nothing runs in the plugin at that time"
            )
    return dataclasses.replace(limits, **changes), warnings  # type: ignore[arg-type]
