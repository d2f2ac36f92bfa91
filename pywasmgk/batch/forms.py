"""Arguments and results as JSON, which a process takes from another without trusting it.

Numbers, texts, true, false and null are themselves; floats are their 64 bits, so that NaN and
infinities come over as they are; bytes are Base64; lists and objects are made of these.
"""

from __future__ import annotations

import base64
import binascii
import json
from struct import Struct, error
from typing import Any

from ..errors import BatchError

__all__ = ["dumped", "form_of", "loaded", "value_of"]

_F64 = Struct("<d")
_MOST_DEPTH = 200


def form_of(value: Any, depth: int = 0) -> Any:
    """A value as JSON has it. Raises BatchError for what cannot travel."""
    if depth > _MOST_DEPTH:
        raise BatchError(f"a value is nested deeper than {_MOST_DEPTH}")
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, float):
        return {"f": _F64.pack(value).hex()}
    if isinstance(value, (bytes, bytearray)):
        return {"b": base64.b64encode(value).decode("ascii")}
    if isinstance(value, (list, tuple)):
        return [form_of(one, depth + 1) for one in value]
    if isinstance(value, dict) and all(type(name) is str for name in value):
        return {"o": {name: form_of(one, depth + 1) for name, one in value.items()}}
    raise BatchError(f"a {type(value).__name__} cannot travel to a worker: {value!r:.80}")


def value_of(form: Any) -> Any:
    """The value of a form; lists are lists. Raises BatchError."""
    if isinstance(form, list):
        return [value_of(one) for one in form]
    if not isinstance(form, dict):
        return form
    try:
        ((kind, content),) = form.items()
        if kind == "f":
            return _F64.unpack(bytes.fromhex(content))[0]
        if kind == "b":
            return base64.b64decode(content, validate=True)
        if kind == "o":
            return {name: value_of(one) for name, one in content.items()}
    except (ValueError, TypeError, AttributeError, binascii.Error, error) as cause:
        raise BatchError(f"no value has the form {form!r:.80}") from cause
    raise BatchError(f"no value has the form {form!r:.80}")


def dumped(form: Any) -> bytes:
    """JSON."""
    return json.dumps(form, separators=(",", ":")).encode("ascii")


def loaded(data: bytes) -> Any:
    """From JSON. Raises BatchError."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BatchError(f"these are no forms: {error}") from error
