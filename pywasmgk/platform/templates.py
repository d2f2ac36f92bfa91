"""Templates that plugins make in the place of the host (contract 5.7)."""

from __future__ import annotations

import re

__all__ = ["template_function"]

_OTHER = re.compile("[^A-Za-z0-9]")


def template_function(template: str) -> str:
    """The plugin's function that makes a template: ``template_stats_dash_board_html`` for
    ``stats/dash-board.html``."""
    return f"template_{_OTHER.sub('_', template)}"
