"""What a plugin may use: one frozen set of bounds, the host's ceilings.

A manifest may ask for less (``resources``, contract 3.2), never for more.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from functools import wraps
from typing import Any

from ..tracebacks import warn
from ..wasm.runtime.defaults import (
    DEFAULT_DEPTH,
    DEFAULT_FUEL,
    DEFAULT_MEMORY_LIMIT,
    DEFAULT_TABLE_LIMIT,
    DEFAULT_TIMEOUT,
)
from ..wasm.types import MAX_PAGES
from ..wasm.valid.bodies import MAX_LOCALS
from .gojson import MAX_DEPTH
from .manifest import Resources

__all__ = ["OLD_NAMES", "Limits", "lowered", "parse_duration", "renamed", "seconds"]

#: pages in what manifests call a megabyte
_PAGES_PER_MB = 16


#: names that have others now
OLD_NAMES = {"call_timeout": "timeout"}


def renamed(options: dict[str, Any]) -> dict[str, Any]:
    """Options under the names that they have now, with a DeprecationWarning for old ones."""
    for old, name in OLD_NAMES.items():
        if old in options:
            warn(f"{old}= is {name}= now")
            options = {**options, name: options[old]}
            del options[old]
    return options


def _takes_old_names(cls: type[Limits]) -> type[Limits]:
    init = cls.__init__

    @wraps(init)
    def __init__(self: Limits, *args: Any, **options: Any) -> None:
        init(self, *args, **renamed(options))

    cls.__init__ = __init__  # type: ignore[method-assign]
    return cls


@_takes_old_names
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
    timeout: float | None = DEFAULT_TIMEOUT
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

    @property
    def call_timeout(self) -> float | None:
        """The old name of ``timeout``."""
        warn("call_timeout is timeout now")
        return self.timeout

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            most = _MOST.get(field.name)
            optional = field.name in ("timeout", "fuel")
            if value is None and optional:
                continue
            number = (int, float) if field.name == "timeout" else int
            if isinstance(value, bool) or not isinstance(value, number) or value != value:
                kinds = "a number" if field.name == "timeout" else "an integer"
                raise TypeError(f"{field.name} must be {kinds}, found {value!r}")
            if field.name == "timeout":
                continue
            if value < 0 or (most is not None and value > most):
                raise ValueError(
                    f"{field.name} must be 0 to {most}, found {value}"
                    if most is not None
                    else f"{field.name} must not be negative, found {value}"
                )


_MOST = {"memory_limit": MAX_PAGES, "locals_limit": MAX_LOCALS, "json_depth": MAX_DEPTH}

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60, "h": 3600}
#: characters of a duration; how long one takes to be read grows with the square
_LONGEST_DURATION = 100
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")


def parse_duration(text: str) -> float:
    """Seconds of a duration as Go writes it: ``90s``, ``1h30m``, ``1.5s``. Raises ValueError."""
    if len(text) > _LONGEST_DURATION:
        raise ValueError(f"a duration of {len(text):,} characters")
    sign, rest = (text[0], text[1:]) if text[:1] in ("-", "+") else ("+", text)
    parts = _PART.findall(rest)
    if rest != "0" and (not parts or "".join(map("".join, parts)) != rest):
        raise ValueError(f"invalid duration {text!r:.80}")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return -seconds if sign == "-" else seconds


def lowered(limits: Limits, asked: Resources | None) -> tuple[Limits, list[str]]:
    """The limits with what a manifest asks for where that is less, and warnings for the rest."""
    refused: list[str] = []
    if asked is None:
        return limits, refused
    changes: dict[str, float] = {}
    if asked.memory_mb:
        pages = asked.memory_mb * _PAGES_PER_MB
        if 0 < pages <= limits.memory_limit:
            changes["memory_limit"] = pages
        else:
            refused.append(
                f"resources.memory_mb {asked.memory_mb} is not granted: "
                f"the host's limit is {limits.memory_limit} pages of 64 KiB"
            )
    if asked.call_timeout:
        try:
            seconds = parse_duration(asked.call_timeout)
        except ValueError as error:
            seconds = 0.0
            refused.append(f"resources.call_timeout is ignored: {error}")
        ceiling = limits.timeout
        if seconds > 0 and (ceiling is None or ceiling <= 0 or seconds <= ceiling):
            changes["timeout"] = seconds
        elif seconds:
            refused.append(
                f"resources.call_timeout {asked.call_timeout} is not granted: "
                f"the host's limit is {ceiling} s"
            )
    for name in ("init_timeout", "shutdown_timeout"):
        if getattr(asked, name):
            refused.append(
                f"resources.{name} has no effect: nothing runs in the plugin at that time"
            )
    return dataclasses.replace(limits, **changes), refused  # type: ignore[arg-type]


def seconds(timeout: float | None) -> float | None:
    """A timeout, where nothing above 0 is no limit."""
    return timeout if timeout is not None and timeout > 0 else None
