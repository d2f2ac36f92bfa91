"""Who may run: instances that share memory, tables or functions are one domain.

One thread at a time is inside a domain; another one gets Busy. Linking merges domains.
"""

from __future__ import annotations

import threading

from ..errors import Busy, InstanceDead
from .metering import Meter, current_meter

__all__ = ["Domain"]

_merging = threading.Lock()


class Domain:
    """A set of linked instances, found through whichever part of it."""

    __slots__ = ("_parent", "dead", "owner", "seat")

    def __init__(self) -> None:
        self._parent: Domain | None = None
        #: one item while it can be entered: nobody is inside, it is neither dead nor merged into
        #: another one. Whoever takes the item may enter. Nobody ever waits for it, and a list gives
        #: it in one step as a lock does, in a fifth of the time
        self.seat = [True]
        #: the account of the call that is inside, if one is
        self.owner: Meter | None = None
        #: why nothing may run here any more, if so
        self.dead: str | None = None

    def root(self) -> Domain:
        """The domain that this one was merged into."""
        domain = self
        while domain._parent is not None:
            domain = domain._parent
        if domain is not self:
            self._parent = domain
        return domain

    def merge(self, other: Domain) -> None:
        """Makes two domains one. Raises Busy while another thread is inside one of them."""
        with _merging:
            mine, theirs = self.root(), other.root()
            if mine is theirs:
                return
            me = current_meter()
            held = mine._take_for(me)
            try:
                theirs._take_for(me)
            except Busy:
                if held:
                    mine.leave()
                raise
            # the one that is running stays, since who runs will leave it
            if theirs.owner is not None:
                mine, theirs = theirs, mine
            theirs._parent = mine
            mine.dead = mine.dead or theirs.dead
            if mine.owner is None:
                mine.leave()

    def _take_for(self, meter: Meter | None) -> bool:
        """Keeps others out while it is linked; false where that needs nothing. Raises Busy."""
        if self.dead is not None or (meter is not None and self.owner is meter):
            return False
        try:
            return self.seat.pop()
        except IndexError:
            raise Busy("cannot link with an instance that another thread is inside") from None

    def enter(self, meter: Meter) -> Domain | None:
        """Takes the domain for an account; gives what is to be left, None if that is inside."""
        domain = self.root()
        if domain.dead is not None:
            raise InstanceDead(domain.dead)
        if domain.owner is meter:
            return None
        try:
            domain.seat.pop()
        except IndexError:
            if domain._parent is not None or domain.dead is not None:
                return domain.enter(meter)  # that has just come about
            raise Busy(
                "another thread is inside this instance, or one that it is linked with"
            ) from None
        domain.owner = meter
        return domain

    def leave(self) -> None:
        """Gives up what :meth:`enter` took."""
        self.owner = None
        if self._parent is None and self.dead is None:
            self.seat.append(True)
