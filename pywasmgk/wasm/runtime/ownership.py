"""Who may run: instances that share memory, tables or functions are one domain.

One thread at a time is inside a domain; another one gets Busy. Linking merges domains. Whoever is
inside is written down in the same step that takes the domain, so that an interruption between any
two steps leaves it free, or with an owner whose call is gone: then it is dead.
"""

from __future__ import annotations

import threading

from ...errors import Busy, InstanceDead
from .metering import Meter, current_meter, is_running

__all__ = ["Domain"]

_merging = threading.Lock()


class _Linking:
    """Who holds a domain while it is linked, or when it was merged into another one or died."""


class Domain:
    """A set of linked instances, found through whichever part of it."""

    __slots__ = ("dead", "parent", "seat")

    def __init__(self) -> None:
        #: what it was merged into, if it was
        self.parent: Domain | None = None
        #: who is inside, under 0. ``setdefault`` takes a free one in one step, as a lock would, in
        #: a third of the time; nobody ever waits for it
        self.seat: dict[int, Meter | _Linking] = {}
        #: why nothing may run here any more, if so
        self.dead: str | None = None

    @property
    def owner(self) -> Meter | _Linking | None:
        """The account of the call that is inside, if one is."""
        return self.seat.get(0)

    def root(self) -> Domain:
        """The domain that this one was merged into."""
        domain = self
        while domain.parent is not None:
            domain = domain.parent
        if domain is not self:
            self.parent = domain
        return domain

    def merge(self, other: Domain) -> None:
        """Makes two domains one. Raises Busy while another thread is inside one of them."""
        with _merging:
            mine, theirs = self.root(), other.root()
            if mine is theirs:
                return
            me, linking = current_meter(), _Linking()
            mine._take_for(me, linking)
            try:
                theirs._take_for(me, linking)
            except Busy:
                if mine.owner is linking:
                    mine.leave()
                raise
            # the one that is running stays, since who runs will leave it
            if theirs.owner is not linking:
                mine, theirs = theirs, mine
            theirs.parent = mine
            mine.dead = mine.dead or theirs.dead
            if mine.owner is linking:
                mine.leave()

    def _take_for(self, meter: Meter | None, linking: _Linking) -> None:
        """Keeps others out while it is linked, unless the meter's call is inside. Raises Busy."""
        owner = self.seat.setdefault(0, linking)
        if owner is not linking and owner is not meter and self.dead is None:
            raise Busy("cannot link with an instance that another thread is inside")

    def enter(self, meter: Meter) -> Domain | None:
        """Takes the domain for an account; gives what is to be left, None if that is inside.

        Raises Busy, and InstanceDead also where the call that was inside did not leave it.
        """
        domain = self.root()
        if domain.dead is not None:
            raise InstanceDead(domain.dead)
        if domain.owner is meter:
            return None
        owner = domain.seat.setdefault(0, meter)
        if owner is meter:
            return domain
        if domain.parent is not None or domain.dead is not None:
            return domain.enter(meter)  # that has just come about
        held = is_running(owner) if isinstance(owner, Meter) else _merging.locked()
        if not held and domain.owner is owner:
            domain.kill("an exception of the host's")
            return domain.enter(meter)
        if isinstance(owner, Meter) and owner.paused:
            raise Busy("an execution of this instance, or of one that it is linked with, is held")
        raise Busy("another thread is inside this instance, or one that it is linked with")

    def leave(self) -> None:
        """Gives up what :meth:`enter` took."""
        if self.parent is None and self.dead is None:
            self.seat.pop(0, None)
        else:
            self.seat[0] = _Linking()

    def kill(self, reason: str) -> None:
        """Lets nobody in any more; the first reason counts."""
        root = self.root()
        if root.dead is None:
            root.dead = f"the instance was interrupted by {reason} and is in no defined state"
