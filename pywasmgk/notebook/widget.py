"""The widget that goes through an execution. It needs anywidget, which serves Jupyter and marimo.

All goes by synchronized traits, which both have: ``wanted`` is what the person wants, a command
with a number of its own; what there is to be seen comes back.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from .steering import Steering

if TYPE_CHECKING:
    from ..wasm.stepping.execution import Execution

__all__ = ["Player"]


class Player(anywidget.AnyWidget):
    """Buttons, a bar over the history, a watch list and an editor of memory around an execution."""

    _esm = files(__package__).joinpath("player.js").read_text("utf-8")
    _css = files(__package__).joinpath("player.css").read_text("utf-8")

    #: ``{"number": 7, "line": "step"}``
    wanted = traitlets.Dict().tag(sync=True)
    #: HTML of the code, of what is watched, and of what was said
    shown = traitlets.Unicode().tag(sync=True)
    oldest = traitlets.Int().tag(sync=True)
    step = traitlets.Int().tag(sync=True)
    furthest = traitlets.Int().tag(sync=True)
    #: what ``editing`` gives of them, of which the page makes elements
    values = traitlets.List().tag(sync=True)
    memory = traitlets.Dict().tag(sync=True)
    watched = traitlets.List(traitlets.Unicode()).tag(sync=True)
    #: the number of the command that was carried out last
    answered = traitlets.Int().tag(sync=True)

    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self._steering = Steering(execution)
        self._show(0)
        self.observe(self._want, names="wanted")

    def _want(self, change: Any) -> None:
        line, number = change["new"].get("line"), change["new"].get("number")
        if isinstance(line, str) and isinstance(number, int):
            self._steering.do(line)
            self._show(number)

    def _show(self, number: int) -> None:
        steering = self._steering
        oldest, step, furthest = steering.steps
        with self.hold_trait_notifications():
            self.oldest, self.step, self.furthest = oldest, step, furthest
            self.watched = list(steering.watched)
            self.values, self.memory = steering.values, steering.memory
            self.shown = steering.html()
            self.answered = number
