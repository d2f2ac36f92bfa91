"""Who goes through an execution in a notebook: the widget, where there is what it needs."""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..wasm.stepping.execution import Execution

__all__ = ["bundle_of", "player"]

_VIEW = "application/vnd.jupyter.widget-view+json"
#: one for each execution, however often that is shown; the widgets' registry holds them anyway
_PLAYERS: weakref.WeakKeyDictionary[Execution, Any] = weakref.WeakKeyDictionary()


def player(execution: Execution) -> Any:
    """The widget of an execution; the execution itself where anywidget is not installed."""
    try:
        from .widget import Player
    except ImportError:
        return execution
    found = _PLAYERS.get(execution)
    if found is None:
        found = _PLAYERS[execution] = Player(execution)
    return found


def bundle_of(execution: Execution) -> dict[str, Any]:
    """The widget as a notebook's output, beside which the HTML stays; nothing where no kernel
    answers it."""
    if not _has_kernel():
        return {}
    made = player(execution)
    if made is execution:
        return {}
    data, *_ = made._repr_mimebundle_() or ({},)
    return {kind: content for kind, content in data.items() if kind == _VIEW}


def _has_kernel() -> bool:
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None
