"""Elements of HTML. Whatever is put into one is escaped, unless it is an element itself."""

from __future__ import annotations

from ..printable import as_markup

__all__ = ["Markup", "element", "fragment", "plot", "style_sheet"]


class Markup(str):
    """A text that is markup. Only this module makes any."""

    __slots__ = ()


def fragment(*children: str) -> Markup:
    """Texts and elements, one after another."""
    return Markup(
        "".join(child if isinstance(child, Markup) else as_markup(child) for child in children)
    )


def element(name: str, *children: str, **attributes: str | int | None) -> Markup:
    """An element. Attributes that are None are left out; ``class_`` is ``class``, ``aria_label``
    is ``aria-label``."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{as_markup(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{fragment(*children)}</{name}>")


def style_sheet(rules: str) -> Markup:
    """Rules of this package's own, for what stands beside them."""
    return Markup(f"<style>{rules}</style>")


def plot(svg: str) -> Markup:
    """A picture that ``debug.flame`` drew, which escapes as this module does."""
    return Markup(svg)
