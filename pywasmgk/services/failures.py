"""What becomes of failures and of bad settings: plugins learn little, the host's log all.

A service raises HostFunctionError with a text that a plugin may read. What a library raises may
name hosts, files and accounts, so that it becomes a text without them; where it came from goes to
Python's log, logger ``pywasmgk.services``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ..errors import ConfigError
from ..plugin.host import CallContext, HostFunctionError

__all__ = ["LOG", "ConfigError", "failing", "require", "required_module", "unavailable"]

LOG = logging.getLogger("pywasmgk.services")


def require(condition: object, message: str) -> None:
    """Raises ConfigError unless a setting is as it should be."""
    if not condition:
        raise ConfigError(message)


def required_module(name: str, extra: str, what: str) -> Any:
    """A module that comes with an extra. Raises ConfigError, which names the extra."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"{what} needs {name.partition('.')[0]}: pip install pywasmgk[{extra}]"
        ) from error


def unavailable(what: str) -> HostFunctionError:
    """The error for a service that a host does not have."""
    return HostFunctionError(f"this host has no {what}")


@contextmanager
def failing(
    ctx: CallContext, what: str, *kinds: type[Exception], told: Mapping[type[Exception], str] = {}
) -> Iterator[None]:
    """Logs exceptions of some kinds, and makes HostFunctionErrors of them. ``told`` says what a
    plugin is told, by kind; of all others it learns that ``what`` failed. A call whose time is over
    ends by that instead."""
    try:
        yield
    except HostFunctionError:
        raise
    except kinds as error:
        LOG.warning("%s failed for plugin %r", what, ctx.caller, exc_info=True)
        ctx.check()
        why = next((text for kind, text in told.items() if isinstance(error, kind)), "")
        raise HostFunctionError(f"{what} failed{why and ': '}{why}") from error
