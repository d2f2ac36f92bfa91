"""Settings: what the host lets plugins read (``config_get``), from a JSON or TOML file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from ..plugin.host import CallContext, HostFunctionError
from .failures import ConfigError, require

__all__ = ["Settings", "read_table"]

#: bytes of a file of settings
_MOST_BYTES = 4 << 20


def read_table(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The object in a file: TOML if its name ends in .toml, else JSON. Raises ConfigError."""
    file = Path(path)
    try:
        data = file.read_bytes()
        require(len(data) <= _MOST_BYTES, f"{file} has more than {_MOST_BYTES:,} bytes")
        if file.suffix == ".toml":
            found: Any = _toml().loads(data.decode())
        else:
            found = json.loads(data)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except ConfigError:
        raise
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    require(isinstance(found, dict), f"{file} must be an object of settings")
    return dict(found)


def _toml() -> Any:
    """Python's own reader (3.11), or the package that it came from."""
    for name in ("tomllib", "tomli"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise ConfigError("TOML files need Python 3.11, or pip install pywasmgk[toml]")


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Keys with dots, and texts: booleans and numbers as JSON writes them."""
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{key}.")
        elif isinstance(value, str):
            yield key, value
        else:
            yield key, json.dumps(value, default=str)


class Settings:
    """Settings by key: ``[site]`` with ``name = "Goats"`` is ``site.name``. ``plugins`` has those
    of single plugins, by name, which come before the common ones. Raises ConfigError."""

    def __init__(
        self,
        common: Mapping[str, Any] | None = None,
        *,
        plugins: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._common = dict(_flat(common or {}))
        for name, table in (plugins or {}).items():
            require(isinstance(table, Mapping), f"config: the settings of {name!r} are no table")
        self._own = {name: dict(_flat(table)) for name, table in (plugins or {}).items()}

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Settings:
        """Those in a JSON or TOML file; its table ``plugins`` has those of single plugins. Raises
        ConfigError."""
        table = read_table(path)
        own = table.pop("plugins", {})
        require(isinstance(own, Mapping), f"{os.fspath(path)}: plugins must be a table of tables")
        return cls(table, plugins=own)

    def get(self, ctx: CallContext, key: str) -> str:
        """A setting. Raises HostFunctionError for one that is not there."""
        found = self._own.get(ctx.caller, {}).get(key, self._common.get(key))
        if found is None:
            raise HostFunctionError(f"config key {key!r:.80} is not set")
        return found
