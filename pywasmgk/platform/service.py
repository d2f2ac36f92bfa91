"""A plugin that is in service: calls enter and leave, and when it is retired, the last to leave
ends it. Nobody waits, and no call that has entered is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

from ..errors import CallError, CallTimeout
from ..plugin import GKRegistration, Plugin, PluginLike

__all__ = ["Service", "shut_down"]


class Service:
    """A plugin and how many calls are inside it. ``with service:`` is a call; :meth:`enter` comes
    first."""

    def __init__(
        self, plugin: PluginLike, *, on_end: Callable[[BaseException | None], None]
    ) -> None:
        """``on_end`` is told when the retired plugin was shut down, and what that has raised."""
        self.plugin = plugin
        #: its manifest, read once
        self.manifest: GKRegistration = plugin.registration
        self._on_end = on_end
        #: of each thread that is inside, how often
        self._inside: dict[int, int] = {}
        self._open = True
        #: the last one to leave shuts it down
        self._retired = False
        self._changed = threading.Condition()

    @property
    def calls(self) -> int:
        """How many are inside."""
        with self._changed:
            return sum(self._inside.values())

    def enter(self) -> bool:
        """Counts a call in, which has to :meth:`leave`; ``False`` if none is let in any more."""
        me = threading.get_ident()
        with self._changed:
            if not self._open:
                return False
            self._inside[me] = self._inside.get(me, 0) + 1
            return True

    def leave(self) -> None:
        """Counts a call out."""
        me = threading.get_ident()
        with self._changed:
            left = self._inside[me] - 1
            if left:
                self._inside[me] = left
            else:
                del self._inside[me]
            last = self._retired and not self._inside
            self._changed.notify_all()
        if last:
            self._end()

    def __enter__(self) -> PluginLike:
        return self.plugin

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.leave()

    def retire(self) -> None:
        """Lets no further call in, and has the last one that is inside shut the plugin down; that
        is done now if there is none."""
        with self._changed:
            if self._retired:
                return
            self._open, self._retired = False, True
            idle = not self._inside
        if idle:
            self._end()

    def _end(self) -> None:
        error: BaseException | None = None
        try:
            self.plugin.shutdown()
        except Exception as raised:  # whatever a plugin raises is its log's
            error = raised
        self._on_end(error)

    def close(self, timeout: float) -> None:
        """Lets no further call in, waits for those inside, and shuts the plugin down, within so
        many seconds. Raises what goes wrong; then the plugin is in service again."""
        me, until = threading.get_ident(), time.monotonic() + timeout
        with self._changed:
            if me in self._inside:
                raise CallError("it is asked for by the plugin's own call")
            self._open = False
            idle = self._changed.wait_for(lambda: not self._inside, timeout)
        try:
            if not idle:
                raise CallTimeout(f"calls were still running after {timeout:g} s")
            shut_down(self.plugin, max(until - time.monotonic(), 0.0))
        except BaseException:
            with self._changed:
                self._open = not self._retired
            raise


def shut_down(plugin: PluginLike, timeout: float) -> None:
    """Shuts a plugin down within so many seconds, if it is one of ours; others take the time that
    they take. Raises what that raises, CallTimeout too."""
    if isinstance(plugin, Plugin):
        plugin.shutdown(timeout=timeout)
    else:
        plugin.shutdown()
