"""Secrets of plugins, encrypted where they are kept (``secure_config_get``).

Each value is sealed with AES-256-GCM, under a key that is derived from the master key for its
plugin (HKDF-SHA256, RFC 5869); plugin and name are authenticated with it, so that no sealed value
can be put into another one's place. Whoever has the file without the master key learns the names of
plugins, keys, and the lengths of values.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..plugin.host import CallContext, HostFunctionError
from .atomic import write_atomically
from .config import read_table
from .failures import ConfigError, failing, require, required_module

__all__ = ["Secrets", "key_from", "new_key"]

_KEY_BYTES, _NONCE_BYTES = 32, 12
_VERSION = 1


def new_key() -> str:
    """A fresh master key, as text."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def key_from(*, file: str | os.PathLike[str] | None = None, variable: str | None = None) -> str:
    """A master key from a file, or from a variable of the environment. Raises ConfigError."""
    require((file is None) != (variable is None), "secrets: the key is in a file or in a variable")
    if variable is not None:
        found = os.environ.get(variable)
        require(found, f"secrets: the variable {variable} is not set")
        return str(found).strip()
    try:
        return Path(str(file)).read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"secrets: the key's file {file} cannot be read") from error


def _decoded(key: str) -> bytes:
    try:
        found = base64.b64decode(key, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        found = b""
    require(
        len(found) == _KEY_BYTES,
        f"secrets: a key is {_KEY_BYTES} bytes in base64, as pywasmgk.services.new_key gives",
    )
    return found


class Secrets:
    """Secrets in a JSON file, which need not be there yet. ``keys`` are master keys: the first one
    seals, all of them open, so that a new one is put before the old and :meth:`rotate` called.
    ``max_entries`` and ``max_value`` (characters) bound what a plugin has.

    Needs the extra ``secrets``. Raises ConfigError for keys that are none, and a file that is none
    of secrets.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        keys: str | Sequence[str],
        *,
        max_entries: int = 1_000,
        max_value: int = 64 << 10,
    ) -> None:
        keys = [keys] if isinstance(keys, str) else list(keys)
        require(keys, "secrets: there must be a key")
        self._masters = [_decoded(key) for key in keys]
        required_module("cryptography", "secrets", "the encryption of secrets")
        self._path = Path(path)
        require(self._path.parent.is_dir(), f"secrets: there is no folder {self._path.parent}")
        self._max_entries = max_entries
        self._max_value = max_value
        self._lock = threading.Lock()
        #: sealed values by plugin and key
        self._sealed = self._read()

    def _read(self) -> dict[str, dict[str, str]]:
        if not self._path.exists():
            return {}
        table = read_table(self._path)
        sealed = table.get("secrets")
        good = table.get("version") == _VERSION and isinstance(sealed, dict)
        require(good, f"{self._path} is no file of secrets")
        return {str(plugin): dict(values) for plugin, values in (sealed or {}).items()}

    def get(self, ctx: CallContext, key: str) -> str:
        """A secret of the calling plugin's own. Raises HostFunctionError for one that is not set,
        or that none of the keys opens."""
        with self._lock:
            sealed = self._sealed.get(ctx.caller, {}).get(key)
        if sealed is None:
            raise HostFunctionError(f"secure config key {key!r:.80} is not set")
        return self._open(ctx, key, sealed)

    def set(self, ctx: CallContext, key: str, value: str) -> None:
        """Keeps a secret of the calling plugin's own, in the file before this returns. Raises
        HostFunctionError for too many or too long ones, and where it cannot be written."""
        if len(value) > self._max_value or len(key) > self._max_value:
            raise HostFunctionError(f"a secret has at most {self._max_value:,} characters")
        sealed = self._seal(ctx.caller, key, value)
        with self._lock:
            mine = self._sealed.get(ctx.caller, {})
            if key not in mine and len(mine) >= self._max_entries:
                raise HostFunctionError(f"a plugin has at most {self._max_entries:,} secrets")
            changed = {**self._sealed, ctx.caller: {**mine, key: sealed}}
            with failing(ctx, "the secrets", OSError):
                self._write(changed)
            self._sealed = changed

    def rotate(self) -> int:
        """Seals all anew under the first key; gives how many there are. Old keys are needed no
        longer then. Raises ConfigError for what none of the keys opens: nothing is changed."""
        with self._lock:
            changed: dict[str, dict[str, str]] = {}
            for plugin, values in self._sealed.items():
                ctx = CallContext(plugin)
                try:
                    changed[plugin] = {
                        key: self._seal(plugin, key, self._open(ctx, key, sealed))
                        for key, sealed in values.items()
                    }
                except HostFunctionError as error:
                    raise ConfigError(f"secrets: those of plugin {plugin!r}: {error}") from error
            self._write(changed)
            self._sealed = changed
        return sum(map(len, changed.values()))

    def _write(self, sealed: Mapping[str, Mapping[str, str]]) -> None:
        text = json.dumps({"version": _VERSION, "secrets": sealed}, indent=1, sort_keys=True)
        write_atomically(self._path, text.encode(), mode=0o600)

    # -- sealing

    def _cipher(self, master: bytes, plugin: str) -> Any:
        # late: it takes a tenth of a second
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        info = b"pywasmgk secrets of plugin " + plugin.encode("utf-8", "surrogatepass")
        return AESGCM(HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(master))

    def _seal(self, plugin: str, key: str, value: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        data = value.encode("utf-8", "surrogatepass")
        cipher = self._cipher(self._masters[0], plugin)
        sealed = cipher.encrypt(nonce, data, key.encode("utf-8", "surrogatepass"))
        return base64.b64encode(nonce + sealed).decode()

    def _open(self, ctx: CallContext, key: str, sealed: str) -> str:
        # late, as above
        from cryptography.exceptions import InvalidTag

        try:
            data = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError, TypeError):
            data = b""
        for master in self._masters:
            try:
                opened: bytes = self._cipher(master, ctx.caller).decrypt(
                    data[:_NONCE_BYTES],
                    data[_NONCE_BYTES:],
                    key.encode("utf-8", "surrogatepass"),
                )
                return opened.decode("utf-8", "surrogatepass")
            except (InvalidTag, ValueError):
                continue
        raise HostFunctionError(f"secure config key {key!r:.80} cannot be opened")
