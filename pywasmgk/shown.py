"""All that the rest of the package knows of notebooks: whom to ask how a thing looks."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["Shown"]


class Shown:
    """A thing that notebooks show as more than a line. They ask for these methods, and only then
    ``pywasmgk.notebook`` is imported."""

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # IPython takes the ``__repr__`` of a class before what that inherits
        cls._repr_pretty_ = Shown._repr_pretty_  # type: ignore[method-assign]

    def _repr_html_(self) -> str:
        found: str = _notebook().html(self)
        return found

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # within a list or a dictionary it is a line
        whole = not cycle and len(getattr(printer, "stack", ())) < 2
        printer.text(_notebook().text(self) if whole else repr(self))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = _notebook().live(self)
        return found


def _notebook() -> Any:
    return import_module(f"{__package__}.notebook")
