"""What a call of a plugin took."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import ReceiptError

__all__ = ["LastCall"]


class LastCall(NamedTuple):
    """What the latest call of a thread took, all that ran for it included."""

    #: instructions
    fuel: int
    #: time on the wall
    seconds: float
    #: pages of memory after it
    pages: int
    #: calls of host functions, WASI's too
    host_calls: int
    #: it began with a fresh instance
    restarted: bool

    def receipt(self, *, answers: bool = False) -> bytes:
        """What the call was and did, in hashes, as canonical JSON, which :func:`verify_receipt`
        has done again. With ``answers`` it also carries the arguments and the host's answers
        themselves, which are needed for that.

        Raises ReceiptError for plugins without ``receipts=``, for calls that have not ended or that
        the clock or somebody has ended, and for those that somebody has changed while they were
        held.
        """
        raise ReceiptError("there is no receipt: the plugin was loaded without receipts=True")
