"""The command for the documentation: ``docs``."""

from __future__ import annotations

import click

from .. import docs
from .output import on_terminal, say
from .session import Session

__all__ = ["show"]


def show(session: Session, topic: str | None) -> None:
    """Prints a page, or the topics."""
    if topic is None:
        _list(session)
        return
    try:
        text = docs.read(topic)
    except LookupError as error:
        raise click.UsageError(str(error.args[0])) from error
    if session.json:
        session.print_json({"topic": topic, "title": docs.title(topic), "text": text})
    elif on_terminal():
        click.echo_via_pager(text)
    else:
        say(text.rstrip("\n"))


def _list(session: Session) -> None:
    titles = {topic: docs.title(topic) for topic in docs.topics()}
    if session.json:
        forms = [{"topic": topic, "title": title} for topic, title in titles.items()]
        session.print_json({"topics": forms})
        return
    width = max(map(len, titles), default=0)
    for topic, title in titles.items():
        say(f"{topic:{width}}  {title}")
