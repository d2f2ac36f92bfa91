"""The control forms: what every tier states itself, because it moves control.

Instructions of the same form are the same to a tier. Whoever runs code has a table by form, and a
test holds each of these tables against this one.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CONTROL_FORMS", "ControlForm"]


class ControlForm(NamedTuple):
    """What a form does with control; without anything, control goes on behind it."""

    #: it opens a block, which an ``end`` closes
    opens: bool = False
    #: operands that say where control goes: a condition, or an index
    chooses: bool = False
    #: it branches to labels
    branches: bool = False
    #: control never goes on behind it
    leaves: bool = False
    #: it calls a function
    calls: bool = False
    #: it ends a block, as an ``end`` does
    closes: bool = False
    #: it throws an exception, or takes part in catching one
    throws: bool = False
    catches: bool = False


CONTROL_FORMS = {
    "nop": ControlForm(),
    "block": ControlForm(opens=True),
    "loop": ControlForm(opens=True),
    "if": ControlForm(opens=True, chooses=True),
    "else": ControlForm(),
    "end": ControlForm(closes=True),
    "br": ControlForm(branches=True, leaves=True),
    "br_if": ControlForm(branches=True, chooses=True),
    "br_table": ControlForm(branches=True, chooses=True, leaves=True),
    "return": ControlForm(leaves=True),
    "unreachable": ControlForm(leaves=True),
    "call": ControlForm(calls=True),
    "call_indirect": ControlForm(calls=True, chooses=True),
    "return_call": ControlForm(calls=True, leaves=True),
    "return_call_indirect": ControlForm(calls=True, leaves=True, chooses=True),
    "try_table": ControlForm(opens=True, catches=True),
    "throw": ControlForm(leaves=True, throws=True),
    "throw_ref": ControlForm(leaves=True, throws=True),
    "try": ControlForm(opens=True, catches=True),
    "catch": ControlForm(catches=True),
    "catch_all": ControlForm(catches=True),
    "delegate": ControlForm(closes=True, catches=True),
    "rethrow": ControlForm(leaves=True, throws=True),
}
