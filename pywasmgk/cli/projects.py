"""``new``: a folder for a plugin that somebody begins to write."""

from __future__ import annotations

from pathlib import Path

from ..platform.projects import create_project
from .output import say
from .session import Session

__all__ = ["new"]


def new(session: Session, name: str, language: str, folder: Path | None) -> None:
    """Makes it, and says what comes next."""
    session.subject = name
    paths = create_project(name, language, folder)
    place = paths[0].parent
    if session.json:
        session.print_json(
            {
                "name": name,
                "language": language,
                "folder": str(place),
                "files": [path.name for path in paths],
            }
        )
    else:
        say(f"{place}: {', '.join(path.name for path in paths)}")
