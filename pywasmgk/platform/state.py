"""Which plugins are switched off, kept in a small file across restarts."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from ..errors import PlatformError
from ..printable import printable
from ..services.atomic import write_atomically

__all__ = ["StateFile"]

#: of the file's form
_VERSION = 1


class StateFile:
    """Whether plugins are enabled, by name; without a path it is kept for as long as the object is.

    The file is written whole beside its place and then put there, so that it is the old one or the
    new one, whatever happens. Raises PlatformError for one that cannot be read or is another's: to
    go on as if nothing were disabled would be wrong.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._path = None if path is None else Path(path)
        self._lock = threading.Lock()
        self._disabled: set[str] = set() if self._path is None else _read(self._path)

    def is_enabled(self, plugin: str) -> bool:
        """Whether it is on: all are that nobody has switched off."""
        return plugin not in self._disabled

    def set_enabled(self, plugin: str, enabled: bool) -> None:
        """Notes it, and writes the file if that is new. Raises PlatformError, and then nothing is
        noted."""
        with self._lock:
            changed = self._disabled - {plugin} if enabled else self._disabled | {plugin}
            if changed == self._disabled:
                return
            if self._path is not None:
                form = {"version": _VERSION, "disabled": sorted(changed)}
                try:
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                    text = json.dumps(form, indent=2) + "\n"
                    write_atomically(self._path, text.encode(), mode=0o600)
                except OSError as error:
                    raise PlatformError(f"state file {_shown(self._path)}: {error}") from error
            self._disabled = changed


def _read(path: Path) -> set[str]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise PlatformError(f"state file {_shown(path)}: {error}") from error
    try:
        form = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlatformError(f"state file {_shown(path)} is no JSON: {error}") from error
    disabled = form.get("disabled") if isinstance(form, dict) else None
    known = isinstance(disabled, list) and all(isinstance(name, str) for name in disabled)
    if not known or form.get("version") != _VERSION:
        raise PlatformError(
            f"state file {_shown(path)} is no state of plugins: "
            f'expected {{"version": {_VERSION}, "disabled": [names]}}'
        )
    return set(form["disabled"])


def _shown(path: Path) -> str:
    return printable(str(path))
