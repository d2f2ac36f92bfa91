"""What a request says to a plugin (contract 5.7): one flat object."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from ...errors import JSONError
from ...plugin.gojson import decode
from .access import Denied

__all__ = ["body_members", "body_of", "members_of", "read_body", "repeated", "route_arguments"]

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1000
#: that a body may take
SECONDS = 30.0


async def body_of(request: Any, longest: int) -> bytes:
    """The body of one of Starlette's requests. Raises Denied."""
    return await read_body(request.stream(), longest, request.headers.get("content-length"))


async def members_of(request: Any, longest: int) -> dict[str, Any]:
    """The members of its body. Raises Denied."""
    body = await body_of(request, longest)
    return body_members(body, request.headers.get("content-type", ""))


async def read_body(stream: AsyncIterator[bytes], longest: int, told: str | None) -> bytes:
    """A body of at most ``longest`` bytes, whatever length it was told to have, that comes within
    ``SECONDS``. Raises Denied."""
    try:
        return await asyncio.wait_for(_read(stream, longest, told), SECONDS)
    except asyncio.TimeoutError:
        raise Denied(408, f"a body comes within {SECONDS:g} seconds") from None


async def _read(stream: AsyncIterator[bytes], longest: int, told: str | None) -> bytes:
    too_long = Denied(413, f"a body has at most {longest:,} bytes")
    if told is not None and (not told.isdecimal() or len(told) > 18 or int(told) > longest):
        raise too_long
    parts, size = [], 0
    async for part in stream:
        size += len(part)
        if size > longest:
            raise too_long
        parts.append(part)
    return b"".join(parts)


def body_members(body: bytes, content_type: str) -> dict[str, Any]:
    """The members of a body: of a JSON object, or the fields of a form. Raises Denied."""
    if not body:
        return {}
    kind = content_type.partition(";")[0].strip().lower()
    if kind == _FORM:
        try:
            return repeated(parse_qsl(body.decode(), True, max_num_fields=_MOST_FIELDS))
        except ValueError as error:  # UnicodeDecodeError is one
            raise Denied(400, f"the form cannot be read: {error}") from error
    if kind != "application/json" and not kind.endswith("+json"):
        raise Denied(415, f"a body is JSON or {_FORM}")
    try:
        value = decode(body, strict=True, max_bytes=len(body))
    except JSONError as error:
        raise Denied(400, f"the body is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise Denied(400, "the body must be a JSON object")
    return value


def repeated(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Names with their value, or with the list of their values where there are several."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def route_arguments(
    parameters: Mapping[str, str], query: Iterable[tuple[str, str]], body: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of a route's handler: what the body says overrides the query, and what the path
    says overrides both."""
    return {**repeated(query), **body, **parameters}
