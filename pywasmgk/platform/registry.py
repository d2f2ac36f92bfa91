"""What plugins add to the host's own tables, and how it is taken back (contract 5.1, W46)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from ..plugin import GKRegistration
from .templates import template_function

__all__ = [
    "Effect",
    "Owned",
    "Registry",
    "TemplateHandler",
    "Undo",
    "adding",
    "error_codes",
    "template_overrides",
    "translations",
    "undone",
]

K = TypeVar("K")
V = TypeVar("V")
T_co = TypeVar("T_co", covariant=True)

#: takes a side effect back
Undo = Callable[[], object]
#: a side effect of registering: gets the plugin's name and manifest, gives what takes it back
Effect = Callable[[str, GKRegistration], Undo]


@dataclass(frozen=True)
class Owned(Generic[T_co]):
    """A thing, and the name of its plugin; ``plugin, item = owned`` takes it apart."""

    plugin: str
    item: T_co

    def __iter__(self) -> Iterator[Any]:
        return iter((self.plugin, self.item))


class Registry(Mapping[K, V]):
    """Values that plugins have put under keys.

    Where several put one under the same key, the latest counts; when its plugin goes, the one
    before it counts again.
    """

    def __init__(self) -> None:
        self._entries: dict[K, tuple[Owned[V], ...]] = {}
        self._lock = threading.Lock()

    def add(self, plugin: str, key: K, value: V) -> Undo:
        """Puts a value under a key; gives what takes this one away again."""
        entry = Owned(plugin, value)
        with self._lock:
            self._entries[key] = (*self._entries.get(key, ()), entry)

        def undo() -> None:
            with self._lock:
                left = tuple(one for one in self._entries.get(key, ()) if one is not entry)
                if left:
                    self._entries[key] = left
                else:
                    self._entries.pop(key, None)

        return undo

    def owners(self, key: K) -> tuple[Owned[V], ...]:
        """All values of a key, the one that counts first."""
        return self._entries.get(key, ())[::-1]

    def __getitem__(self, key: K) -> V:
        return self._entries[key][-1].item

    def __iter__(self) -> Iterator[K]:
        with self._lock:
            return iter([*self._entries])

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<Registry of {len(self)} keys>"


class TemplateHandler(NamedTuple):
    """Who makes a template's text in the place of the host."""

    plugin: str
    function: str


def adding(
    registry: Registry[K, V], pairs: Callable[[str, GKRegistration], Iterable[tuple[K, V]]]
) -> Effect:
    """The effect that puts pairs of a manifest into a registry."""

    def effect(plugin: str, manifest: GKRegistration) -> Undo:
        undos: list[Undo] = []
        try:
            for key, value in pairs(plugin, manifest):
                undos.append(registry.add(plugin, key, value))
        except BaseException:
            undone(undos)
            raise
        return lambda: undone(undos)

    return effect


def undone(undos: list[Undo]) -> None:
    """Takes effects back, the latest first; each once, also where one raises."""
    while undos:
        try:
            undos.pop()()
        except BaseException:
            undone(undos)
            raise


def translations(plugin: str, manifest: GKRegistration) -> Iterator[tuple[tuple[str, str], str]]:
    """Texts by language and ``NAMESPACE.KEY``; the namespace is the plugin's name by default."""
    if manifest.i18n is None:
        return
    namespace = manifest.i18n.namespace or plugin
    for language, texts in manifest.i18n.translations.items():
        for key, text in texts.items():
            yield (language, f"{namespace}.{key}"), text


def error_codes(plugin: str, manifest: GKRegistration) -> Iterator[tuple[str, object]]:
    """Error codes by ``PLUGIN:CODE``."""
    for code in manifest.error_codes:
        yield f"{plugin}:{code.code}", code


def template_overrides(
    plugin: str, manifest: GKRegistration
) -> Iterator[tuple[str, TemplateHandler]]:
    """Who makes which of the host's templates."""
    for template in manifest.templates:
        if template.override:
            handler = TemplateHandler(plugin, template_function(template.name))
            yield template.name, handler
