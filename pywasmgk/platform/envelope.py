"""On whose behalf a plugin is called: what the host puts into the arguments, and no client
(contract 4.4, 5.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ..errors import CallError, JSONError
from ..plugin.dispatcher import acting
from ..plugin.gojson import Object, decode, encode
from ..plugin.schema import fold

__all__ = ["ENVELOPE_KEYS", "Envelope", "current_envelope", "enveloped", "stripped"]

#: the members of arguments that only the host gives, by the envelope's attribute
_KEYS = {
    "user_id": "_user_id",
    "user_email": "_user_email",
    "user_login": "_user_login",
    "user_role": "_user_role",
    "is_admin": "_is_admin",
    "customer_login": "_customer_login",
    "org_id": "_org_id",
    "language": "_lang",
    "method": "_method",
    "path": "_path",
}
ENVELOPE_KEYS = frozenset(_KEYS.values())


@dataclass(frozen=True)
class Envelope:
    """Who is behind a call, as the host knows it. What is ``None`` is not known, and is not in the
    arguments."""

    user_id: int | None = None
    org_id: int | None = None
    language: str | None = None
    user_email: str | None = None
    user_login: str | None = None
    user_role: str | None = None
    is_admin: bool | None = None
    customer_login: str | None = None
    #: of a request by HTTP
    method: str | None = None
    path: str | None = None

    def members(self) -> dict[str, Any]:
        """What it adds to arguments."""
        values = ((key, getattr(self, name)) for name, key in _KEYS.items())
        return {key: value for key, value in values if value is not None}

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Calls inside of the ``with`` block are made on its behalf: host functions see it in their
        context, and plugins that are called by plugins in their arguments."""
        token = _current.set(self)
        try:
            with acting(
                language=self.language or "en",
                org_id=self.org_id or 0,
                user_id=self.user_id or 0,
            ):
                yield
        finally:
            _current.reset(token)


_current: ContextVar[Envelope | None] = ContextVar("pywasmgk_envelope", default=None)


def current_envelope() -> Envelope | None:
    """That of the running call."""
    return _current.get()


def stripped(args: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments without what only the host may say. Keys are compared as guests in Go do, for whom
    ``_USER_ID`` is ``_user_id`` too."""
    return {key: value for key, value in args.items() if fold(str(key)) not in ENVELOPE_KEYS}


def enveloped(args: bytes | None, envelope: Envelope | None) -> bytes | None:
    """Arguments as they reach the plugin: without what a client has put there of the envelope's
    keys, with what the host says. What is no JSON object stays as it is.

    Raises CallError for what looks like an object and is none: plugins that read it more leniently
    would find there what nobody has looked at.
    """
    added = {} if envelope is None else envelope.members()
    if not args:
        return encode(added) if added else args
    if args.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] != b"{":
        return args
    if not added and b"_" not in args and b"\\u" not in args:
        return args
    try:
        # what comes twice would come twice to the plugin too
        value = decode(args, keep_duplicates=True)
    except JSONError as error:
        raise CallError(f"the arguments are no JSON: {error}", error) from error
    kept = stripped(value)
    if not added and len(kept) == len(value) and not isinstance(value, Object):
        return args
    return encode({**kept, **added})
