"""What an operator lets a plugin do (contract 4.2): data, which :mod:`.sandbox` enforces."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import JSONError
from ..plugin.gojson import decode, encode
from ..plugin.guarding import GuardedHost
from ..plugin.host import HostAPI
from ..plugin.limits import Limits, parse_duration
from ..plugin.manifest import Permission, Resources
from ..plugin.protocol import PluginLike
from ..plugin.schema import INT, STRING, decode_struct, encode_struct, listed, member, nested
from ..plugin.schema import oddities as odd_keys
from ..wasm.types import MAX_PAGES
from .egress import parse_entry

__all__ = ["ACCESSES", "STATUSES", "Permission", "Policy", "PolicyError"]

#: what an operator may have decided; only ``blocked`` has an effect
STATUSES = ("pending_review", "approved", "restricted", "blocked")
_BLOCKED = "blocked"

_BOTH = ("read", "write", "readwrite")
#: the types of permissions, and what may be granted of each; a type whose accesses are ``""`` alone
#: is asked for without one
ACCESSES: dict[str, tuple[str, ...]] = {
    # "function": SQL functions that are not known to be harmless, by name
    "db": (*_BOTH, "function"),
    "cache": _BOTH,
    "http": ("", *_BOTH),
    "email": ("", *_BOTH),
    "config": _BOTH,
    "plugin_call": ("", *_BOTH),
    "secure_config": _BOTH,
    "file": _BOTH,
    "article": _BOTH,
    "ticket": _BOTH,
    "entity": (*_BOTH, "hard_delete"),
}
_READWRITE = {"read", "write"}
_HARD_DELETE = "hard_delete"

_PAGES_PER_MB = 16
_FILE_STORAGE = 500 << 20
#: bytes of a policy in JSON, and entries of all its scopes
_LONGEST, _MOST_ENTRIES = 1 << 20, 10_000


class PolicyError(ValueError):
    """A policy that makes no sense, or JSON that is none."""


@dataclass(frozen=True)
class Policy:
    """Permissions and limits of one plugin. ``Policy()`` permits nothing and limits nothing;
    :meth:`default` is what a plugin has for which nobody has decided.

    Raises PolicyError for what makes no sense: a misspelt type would open or close something else
    than was meant.
    """

    plugin_name: str = member("plugin_name", STRING)
    status: str = dataclasses.field(default=STATUSES[0], metadata={"go": ("status", STRING, False)})
    memory_mb: int = member("memory_mb", INT, True)
    #: durations as Go writes them: ``30s``, ``1m30s``; empty is the runtime's own
    call_timeout: str = member("call_timeout", STRING, True)
    init_timeout: str = member("init_timeout", STRING, True)
    shutdown_timeout: str = member("shutdown_timeout", STRING, True)
    permissions: tuple[Permission, ...] = member(
        "permissions", listed(nested(lambda: Permission)), True
    )
    #: 0 is unlimited here
    max_calls_per_second: int = member("max_calls_per_second", INT, True)
    max_db_queries_per_min: int = member("max_db_queries_per_min", INT, True)
    max_http_req_per_min: int = member("max_http_req_per_min", INT, True)
    #: 0 is 500 MiB
    max_file_storage_bytes: int = member("max_file_storage_bytes", INT, True)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise PolicyError(f"status {self.status!r:.40} is none of {', '.join(STATUSES)}")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_timeout"):
                _seconds(field.name, value)
            elif isinstance(value, int) and value < 0:
                raise PolicyError(f"{field.name} must not be negative, found {value}")
        for permission in self.permissions:
            _require_sense(permission)
        if sum(len(permission.scope) for permission in self.permissions) > _MOST_ENTRIES:
            raise PolicyError(f"scopes of more than {_MOST_ENTRIES:,} entries")

    # -- made of something

    @classmethod
    def default(cls, plugin_name: str = "", *, files: bool = False) -> Policy:
        """What applies where nobody has decided (contract 4.2): the database may be read and the
        cache used; ``files`` adds the plugin's own files, as version 0.9 does."""
        granted = [Permission("db", "read"), Permission("cache", "readwrite")]
        if files:
            granted.append(Permission("file", "readwrite"))
        return cls(
            plugin_name=plugin_name,
            memory_mb=256,
            call_timeout="30s",
            init_timeout="10s",
            shutdown_timeout="5s",
            permissions=tuple(granted),
            max_calls_per_second=100,
            max_db_queries_per_min=600,
            max_http_req_per_min=60,
        )

    @classmethod
    def declared(cls, plugin_name: str, resources: Resources) -> Policy:
        """What a manifest declares, as version 0.9 grants it: its permissions but ``hard_delete``
        of entities, which only an operator gives, under the default's limits or its own lower ones.

        Raises PolicyError for permissions that make no sense.
        """
        permissions = [p for p in resources.permissions if p.access != _HARD_DELETE]
        default = cls.default(plugin_name)
        storage = max(resources.max_file_storage_bytes, 0)
        return dataclasses.replace(
            default,
            permissions=tuple(permissions),
            max_file_storage_bytes=min(storage or _FILE_STORAGE, _FILE_STORAGE),
        )

    @classmethod
    def from_json(cls, data: bytes | str) -> Policy:
        """A policy of its JSON. Raises PolicyError, also for keys that no policy has."""
        try:
            value = decode(data, strict=True, max_bytes=_LONGEST)
            if not isinstance(value, dict):
                raise JSONError("a policy is a JSON object")
            odd = odd_keys(cls, value)
            if odd.unknown or odd.miscased:
                raise JSONError(f"no policy has {', '.join((*odd.unknown, *odd.miscased)[:10])}")
            if not value.get("status", STATUSES[0]):
                value = {**value, "status": STATUSES[0]}
            return decode_struct(cls, value)
        except JSONError as error:
            raise PolicyError(f"the policy is none: {error}") from error

    def to_json(self) -> bytes:
        """Its JSON, zero values left out."""
        return encode(encode_struct(self))

    # -- what it permits

    @property
    def blocked(self) -> bool:
        """Whether the plugin may do nothing but log."""
        return self.status == _BLOCKED

    def granted(self, type: str, access: str = "") -> list[Sequence[str]]:
        """The scopes of the entries that grant an access, an empty one for all names: each entry
        counts on its own (weakness W27). Empty if nothing does."""
        if self.blocked:
            return []
        return [
            permission.scope
            for permission in self.permissions
            if permission.type == type and _covers(permission.access, access)
        ]

    def with_permission(self, *permissions: Permission) -> Policy:
        """The policy, and what these grant."""
        return dataclasses.replace(self, permissions=(*self.permissions, *permissions))

    def with_none(self) -> Policy:
        """The policy with nothing granted."""
        return dataclasses.replace(self, permissions=())

    def without(self, type: str, access: str = "") -> Policy:
        """The policy with nothing granted of a type, or of one of its accesses."""
        return dataclasses.replace(self, permissions=tuple(self._left(type, access)))

    def _left(self, type: str, access: str) -> Iterator[Permission]:
        for permission in self.permissions:
            if permission.type != type:
                yield permission
            elif access and permission.access == "readwrite" and access in _READWRITE:
                (rest,) = _READWRITE - {access}
                yield dataclasses.replace(permission, access=rest)
            elif access and permission.access != access:
                yield permission

    def guard(self, host: HostAPI, plugin: PluginLike, name: str) -> GuardedHost:
        """The host as a plugin may use it: ``plugin.init(host, policy=policy)`` calls it."""
        # late: the sandbox is made of policies
        from .sandbox import Sandbox

        return Sandbox(host, name, self)

    # -- what it limits

    @property
    def file_storage_bytes(self) -> int:
        """Bytes of files that the plugin may keep."""
        return self.max_file_storage_bytes or _FILE_STORAGE

    @property
    def shutdown_seconds(self) -> float | None:
        """Seconds that shutting it down may take; ``None`` is the caller's own."""
        return _seconds("shutdown_timeout", self.shutdown_timeout)

    def limits(self, ceiling: Limits) -> Limits:
        """Limits for the plugin: the policy's where they are below the ceiling's."""
        changes: dict[str, Any] = {}
        if self.memory_mb:
            pages = min(self.memory_mb * _PAGES_PER_MB, MAX_PAGES)
            changes["memory_limit"] = min(pages, ceiling.memory_limit)
        seconds = _seconds("call_timeout", self.call_timeout)
        if seconds is not None:
            given = ceiling.timeout
            changes["timeout"] = min(seconds, given) if given and given > 0 else seconds
        return dataclasses.replace(ceiling, **changes)

    def load_options(self) -> dict[str, Any]:
        """Keyword arguments for ``pywasmgk.load``: memory and timeout, which the policy may raise
        above the defaults too (weakness W16)."""
        options: dict[str, Any] = {}
        if self.memory_mb:
            options["memory_limit"] = min(self.memory_mb * _PAGES_PER_MB, MAX_PAGES)
        seconds = _seconds("call_timeout", self.call_timeout)
        if seconds is not None:
            options["timeout"] = seconds
        return options


def _covers(granted: str, asked: str) -> bool:
    """Whether an entry's access is what is asked for; without access any entry of the type is."""
    return not asked or granted == asked or (granted == "readwrite" and asked in _READWRITE)


def _seconds(name: str, duration: str) -> float | None:
    if not duration:
        return None
    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise PolicyError(f"{name}: {error}") from None
    if seconds <= 0:
        raise PolicyError(f"{name} must be above 0, found {duration!r:.40}")
    return seconds


def _require_sense(permission: Permission) -> None:
    known = ACCESSES.get(permission.type)
    if known is None:
        raise PolicyError(
            f"permission type {permission.type!r:.40} is none of {', '.join(ACCESSES)}"
        )
    # contract 4.2: an empty access grants nothing where one is asked for
    if permission.access and permission.access not in known:
        words = ", ".join(word for word in known if word)
        raise PolicyError(
            f"access {permission.access!r:.40} to {permission.type} is none of {words}"
        )
    for entry in permission.scope if permission.type == "http" else ():
        try:
            parse_entry(entry)
        except ValueError as error:
            raise PolicyError(f"{entry!r:.80} is no host of a scope of http: {error}") from None
    if any(not entry.strip() for entry in permission.scope):
        raise PolicyError(f"a scope of {permission.type} has an empty entry")
