"""How modules, functions, memories, executions and what they give look in notebooks.

Nobody needs to import anything: what has something to show is a ``Shown``, which asks here. A
module for each thing makes its ``View``; ``hypertext`` and ``plain`` write one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..wasm.stepping.execution import Execution
    from .parts import View

__all__ = ["html", "live", "player", "text", "view"]

#: which module shows the things of a class; those of a class that is not here are shown as the
#: class that they come from
_SHOWN_BY = {
    "wasm.module.Module": "modules",
    "wasm.runtime.functions.Func": "functions",
    "wasm.runtime.instance.Instance": "instances",
    "wasm.runtime.memory.Memory": "memories",
    "wasm.stepping.execution.Execution": "executions",
    "errors.GuestError": "traps",
    "plugin.manifest.GKRegistration": "registrations",
    "debug.profile.Profile": "profiles",
    "debug.coverage.Coverage": "coverages",
}
_PACKAGE = __package__.rpartition(".")[0]


def view(thing: Any, **how: Any) -> View:
    """What is shown of a thing; ``how`` is for memories (``at``, ``rows`` and ``numbers``). Raises
    TypeError for what has nothing to show."""
    for kind in type(thing).__mro__:
        name = f"{kind.__module__}.{kind.__qualname__}".removeprefix(f"{_PACKAGE}.")
        if name in _SHOWN_BY:
            found: View = import_module(f".{_SHOWN_BY[name]}", __name__).view(thing, **how)
            return found
    raise TypeError(f"nothing is shown of a {type(thing).__name__}")


def html(thing: Any, **how: Any) -> str:
    """A thing as HTML. Raises TypeError."""
    from .hypertext import page_of

    return page_of(view(thing, **how))


def text(thing: Any, **how: Any) -> str:
    """A thing as plain text. Raises TypeError."""
    from .plain import text_of

    return text_of(view(thing, **how))


def live(thing: Any) -> dict[str, Any]:
    """What a notebook shows in the place of HTML, by type of content: the player of an execution,
    where there is a kernel and the extra ``notebook``."""
    name = f"{_PACKAGE}.wasm.stepping.execution.Execution"
    if all(f"{kind.__module__}.{kind.__qualname__}" != name for kind in type(thing).__mro__):
        return {}
    from .players import bundle_of

    found: dict[str, Any] = bundle_of(thing)
    return found


def player(execution: Execution) -> Any:
    """A widget to go through an execution, forwards and back; without the extra ``notebook`` the
    execution itself, which shows where it is."""
    from .players import player as made

    return made(execution)
