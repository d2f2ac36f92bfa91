"""Refusals of a policy, and names as their texts have them."""

from __future__ import annotations

from ..plugin.host import HostFunctionError
from ..printable import printable
from .policy import Permission

__all__ = ["Refused", "quoted"]


class Refused(HostFunctionError):
    """A policy lets a host call not pass; the text is the contract's (4.3)."""

    def __init__(self, message: str, reason: str, grant: Permission | None = None) -> None:
        super().__init__(message)
        #: ``permission``, ``scope``, ``statement``, ``rate``, ``depth``, ``quota`` or ``blocked``
        self.reason = reason
        #: the permission with which it would pass, if one would do
        self.grant = grant


def quoted(text: str) -> str:
    """A name between quotes, as Go's ``%q`` has it."""
    return '"' + printable(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'
