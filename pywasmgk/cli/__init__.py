"""The command line. Commands are loaded when they are used, so that ``--help`` is quick."""

from __future__ import annotations

from .app import main

__all__ = ["main"]
