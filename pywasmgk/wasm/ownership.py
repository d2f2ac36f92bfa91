"""Who may run: instances that share memory, tables or functions are one domain.

One thread at a time is inside a domain; another one gets Busy. Linking merges domains.
"""

from __future__ import annotations

import threading

from ..errors import Busy, InstanceDead

__all__ = ["Domain"]

_merging = threading.Lock()


class Domain:
    """A set of linked instances, found through whichever part of it."""

    __slots__ = ("_lock", "_parent", "dead", "owner")

    def __init__(self) -> None:
        self._parent: Domain | None = None
        self._lock = threading.Lock()
        #: ident of the thread that is inside, if one is
        self.owner: int | None = None
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
            me = threading.get_ident()
            for domain in (mine, theirs):
                if domain.owner not in (None, me):
                    raise Busy("cannot link with an instance that another thread is inside")
            # the one that is running stays, since its lock is held
            if mine.owner is None:
                mine, theirs = theirs, mine
            theirs._parent = mine
            mine.dead = mine.dead or theirs.dead

    def enter(self) -> Domain | None:
        """Takes the domain for this thread; gives what is to be left, None if it is inside."""
        me = threading.get_ident()
        while True:
            domain = self.root()
            if domain.dead is not None:
                raise InstanceDead(domain.dead)
            if domain.owner == me:
                return None
            if not domain._lock.acquire(blocking=False):
                raise Busy("another thread is inside this instance, or one that it is linked with")
            if domain._parent is None:
                domain.owner = me
                return domain
            # it was merged into another one between the two lines above
            domain._lock.release()

    def leave(self) -> None:
        """Gives up what :meth:`enter` took."""
        self.owner = None
        self._lock.release()
