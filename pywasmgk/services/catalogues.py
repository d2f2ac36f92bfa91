"""Texts in languages (``translate``): JSON files, gettext's ``.mo`` files, and what plugins bring.

A folder has ``de.json`` (an object of texts, which may be nested: ``{"ticket": {"new": ...}}`` is
``ticket.new``) or ``de.mo``; with a plugin's name in front, ``billing.de.json``, texts are that
plugin's. A plugin's own texts come before the common ones, and a region falls back to its language:
``de-AT``, ``de``, then the default language, then the key itself.
"""

from __future__ import annotations

import gettext
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..plugin.host import CallContext
from ..plugin.placing import shown_argument
from .config import read_table
from .failures import ConfigError, require

__all__ = ["Catalogues"]

#: where a text has an argument: ``%s``, ``%d``, ``%v``, in order, or ``{0}`` by its number
_PLACE = re.compile(r"%[sdv]|\{(\d{1,3})\}")
_FILE = re.compile(
    r"(?:(?P<plugin>[\w-]+)\.)?(?P<language>[A-Za-z]{2,3}(?:[-_]\w{2,8})*)\.(json|mo)"
)
#: characters of a text with its arguments
_LONGEST = 1 << 20


def _name(language: str) -> str:
    return language.replace("_", "-").lower()


def _flat(table: Mapping[str, Any], where: str, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, where, f"{prefix}{name}.")
        else:
            require(isinstance(value, str), f"{where}: {prefix}{name} is no text")
            yield f"{prefix}{name}", value


class Catalogues:
    """Texts by language, common ones and those of plugins. ``texts`` are given outright, by
    language and key; ``folder`` has files. Raises ConfigError for files that are no catalogues."""

    def __init__(
        self,
        texts: Mapping[str, Mapping[str, str]] | None = None,
        *,
        folder: str | os.PathLike[str] | None = None,
        default: str = "en",
    ) -> None:
        self._default = _name(default)
        self._lock = threading.Lock()
        #: by namespace (``""`` is the common one) and language
        self._texts: dict[tuple[str, str], dict[str, str]] = {}
        if folder is not None:
            require(Path(folder).is_dir(), f"i18n: there is no folder {os.fspath(folder)!r}")
            for file in sorted(Path(folder).iterdir()):
                match = _FILE.fullmatch(file.name)
                if match is not None:
                    self._add_file(file, match["plugin"] or "", match["language"])
        for language, found in (texts or {}).items():
            self.add("", language, found)

    def add(self, namespace: str, language: str, texts: Mapping[str, Any]) -> None:
        """Adds texts, such as a manifest's (contract 3.2, I18n) under its plugin's name; ``""`` is
        for all plugins. Raises ConfigError for what is no text."""
        flat = dict(_flat(texts, f"i18n: {namespace or 'texts'} in {language}"))
        with self._lock:
            place = namespace, _name(language)
            self._texts[place] = {**self._texts.get(place, {}), **flat}

    def remove(self, namespace: str) -> None:
        """Forgets a plugin's texts."""
        with self._lock:
            for place in [place for place in self._texts if place[0] == namespace]:
                del self._texts[place]

    def _add_file(self, file: Path, namespace: str, language: str) -> None:
        if file.suffix == ".json":
            self.add(namespace, language, read_table(file))
            return
        try:
            with file.open("rb") as stream:
                catalogue: Any = gettext.GNUTranslations(stream)
        except (OSError, ValueError, UnicodeError, IndexError) as error:
            raise ConfigError(f"{file} is no catalogue of gettext") from error
        # the empty key has the catalogue's head; plurals come as pairs
        found = {key: text for key, text in catalogue._catalog.items() if isinstance(key, str)}
        self.add(namespace, language, {key: text for key, text in found.items() if key and text})

    def translate(self, ctx: CallContext, key: str, args: Sequence[Any]) -> str:
        """A text in the context's language, else in the default one, else the key, with its
        arguments. Never an error."""
        text = self._find(ctx, key)
        if not args:
            return text
        left = iter(args)

        def shown(place: re.Match[str]) -> str:
            if place[1] is None:
                return shown_argument(next(left, place[0]))
            number = int(place[1])
            return shown_argument(args[number]) if number < len(args) else place[0]

        return _PLACE.sub(shown, text)[:_LONGEST]

    def _find(self, ctx: CallContext, key: str) -> str:
        for language in self._languages(ctx.language):
            for namespace in (ctx.caller, ""):
                text = self._texts.get((namespace, language), {}).get(key)
                if text is not None:
                    return text
        return key

    def _languages(self, language: str) -> Iterator[str]:
        """The languages to look in, the nearest first."""
        for name in dict.fromkeys((_name(language), self._default)):
            while name:
                yield name
                name = name.rpartition("-")[0]
