"""What of a plugin can be held: calls that are stepped or awaited, and its state."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..wasm.runtime.calls import Opened
from ..wasm.runtime.metering import CancelToken, Meter
from .gojson import encode
from .limits import Limits
from .lock import Turns

if TYPE_CHECKING:
    from ..wasm.stepping.awaiting import Beside
    from ..wasm.stepping.loop_locks import LoopLocks
    from .abi import Guest
    from .bridge import Bridge
    from .held import HeldCall
    from .last_call import LastCall
    from .plugin import PluginOptions

__all__ = ["MISSING", "Holding"]


class _Missing:
    """Stands for arguments that were not given, as ``None`` is JSON's null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()
_UNSET: Any = object()


class Holding(ABC):
    """The ways of a plugin that need an Execution, or the state of its instance."""

    options: PluginOptions
    limits: Limits
    identity: str
    bridge: Bridge
    _turns: Turns
    _local: threading.local
    #: of each loop, what calls in slices wait for
    _slices: LoopLocks | None = None
    _label: str
    _manifest: bytes
    #: whether calls of its guest can be held: in our own engines, or since it moves to one
    can_hold: bool
    #: whether its guest runs in one of our own engines now
    is_ours: bool

    @abstractmethod
    def call(
        self,
        function: str,
        args: Any = MISSING,
        *,
        timeout: float | None = None,
        fuel: int | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[Meter], object] | None = None,
    ) -> Any:
        """Calls a function of the plugin's."""

    @abstractmethod
    def decoded(self, function: str, result: bytes) -> Any:
        """The JSON value that a function gave as bytes. Raises ResultError."""

    @abstractmethod
    def note_end(
        self,
        guest: Guest,
        meter: Meter,
        calls: int,
        restarted: bool,
        outcome: bytes | BaseException | None,
    ) -> None:
        """Takes note that a call which was held is closed; ``calls`` are host calls before it."""

    @abstractmethod
    def _bounds(self, timeout: float | None, fuel: int | None) -> tuple[float | None, int | None]:
        """Seconds and fuel of a call."""

    @abstractmethod
    def _usable(self) -> tuple[Guest | None, str]:
        """The guest to call, or ``None`` and why there has to be a fresh one."""

    @abstractmethod
    def _opened(
        self,
        fuel: int | None,
        timeout: float | None,
        cancel: CancelToken | None,
        progress: Callable[[Meter], object] | None = None,
    ) -> Opened:
        """An account for what happens before there is an instance."""

    @abstractmethod
    def _restart(self, why: str) -> Guest:
        """Puts a fresh guest into the place of one that has ended."""

    def _ready(
        self, fuel: int | None, timeout: float | None, cancel: CancelToken | None
    ) -> tuple[Guest, bool]:
        """The guest, in this thread's turn, and whether it is a fresh one, which is on an account
        of its own."""
        guest, why = self._usable()
        if guest is not None:
            return guest, False
        if self.options.receipts:
            fuel = self.limits.fuel
        with self._opened(fuel, timeout, cancel):
            return self._restart(why), bool(why)

    def start(
        self,
        function: str,
        args: Any = MISSING,
        *,
        timeout: float | None = None,
        fuel: int | None = None,
        cancel: CancelToken | None = None,
        history: int | None = _UNSET,
        defer: Sequence[str] = (),
    ) -> HeldCall:
        """:meth:`call`, held before the first instruction of ``gk_call``: an Execution, which goes
        on, and back, as you say; ``finish`` gives what the call would. ``history`` and ``defer``
        are as for ``Instance.start``. Until it is closed other calls raise Busy.

        Raises what :meth:`call` raises, and HostError inside a running call.
        """
        # only who steps pays for it
        from ..wasm.stepping.execution import DEFAULT_HISTORY

        past = DEFAULT_HISTORY if history is _UNSET else history
        return self._held(function, args, timeout, fuel, cancel, past, defer)

    def _held(
        self,
        function: str,
        args: Any,
        timeout: float | None,
        fuel: int | None,
        cancel: CancelToken | None,
        history: int | None,
        defer: Sequence[str],
        *,
        awaited: bool = False,
    ) -> HeldCall:
        from ..wasm.stepping.holding import require_no_call
        from .held import HeldCall, Placed

        require_no_call()
        request = b"" if args is MISSING else encode(args)
        timeout, fuel = self._bounds(timeout, fuel)
        with self._turns.taken(self._label, timeout, cancel):
            guest, restarted = self._ready(fuel, timeout, cancel)
            guest.instance.make_holdable("hold a call")
            meter = guest.instance.meter(fuel=fuel, timeout=timeout, cancel=cancel)
            if self.bridge.notes is not None:
                self.bridge.notes.begin(function.encode("utf-8", "surrogatepass"), request, meter)
            return HeldCall(
                self,
                guest,
                meter,
                Placed.in_guest(guest, meter, function, request),
                restarted=restarted,
                history=history,
                defer=defer,
                awaited=awaited,
            )

    def resume(
        self,
        data: bytes,
        key: bytes | None = None,
        *,
        cancel: CancelToken | None = None,
        history: int | None = _UNSET,
        defer: Sequence[str] = (),
    ) -> HeldCall:
        """Goes on with a held call that went to bytes (``HeldCall.to_bytes``), in a plugin of the
        same module, whose guest is in the state that is in them from then on. Limits are those of
        the call; its past is not there.

        Raises SuspensionError for bytes that do not fit, HostError inside a running call,
        PluginClosed, Busy, and CallTimeout for waiting too long behind other calls.
        """
        # only who steps pays for it
        from ..wasm.stepping.execution import DEFAULT_HISTORY
        from ..wasm.stepping.holding import require_no_call
        from ..wasm.stepping.world import World
        from .held import HeldCall, SuspendedCall

        require_no_call()
        with self._turns.taken(self._label, self.limits.timeout, cancel):
            timeout, fuel = self._bounds(None, None)
            guest, restarted = self._ready(fuel, timeout, cancel)
            guest.instance.make_holdable("go on with a held call")
            found = SuspendedCall(data, guest, key)
            World(guest.instance).put_back(found.state.world)
            state = found.state
            meter = guest.instance.meter(fuel=state.fuel, timeout=state.timeout, cancel=cancel)
            return HeldCall(
                self,
                guest,
                meter,
                found.placed,
                restarted=restarted,
                history=DEFAULT_HISTORY if history is _UNSET else history,
                defer=defer,
                since=state,
            )

    def snapshot(self, key: bytes | None = None, *, cancel: CancelToken | None = None) -> bytes:
        """What the plugin is now, as bytes: plugins of the same module that are loaded with
        ``snapshot=`` begin so, and start nothing. With a ``key`` they are authenticated by
        HMAC-SHA256, and need it as ``snapshot_key=``.

        Host, limits and open files are not in it, all that the guest has in memory is: random
        numbers that it took when it started are the same in all that begin so. Raises HostError for
        references to objects of the host's, PluginClosed, Busy, CallTimeout for waiting too long
        behind other calls, and CallError when ``cancel`` ends that.
        """
        # only who uses it pays for it
        from .snapshots import snapshot

        with self._turns.taken(self._label, self.limits.timeout, cancel):
            timeout, fuel = self._bounds(None, None)
            guest, _ = self._ready(fuel, timeout, cancel)
            return snapshot(guest, self._manifest, key)

    async def call_async(
        self,
        function: str,
        args: Any = MISSING,
        *,
        timeout: float | None = None,
        fuel: int | None = None,
        cancel: CancelToken | None = None,
        threads: bool | None = None,
        turn: float = 0.01,
    ) -> Any:
        """:meth:`call` from a coroutine, whose event loop goes on meanwhile and runs the host's own
        ``async def`` functions: the plugin runs in a thread, or where there are none (Pyodide), and
        with ``threads=False``, interpreted in slices of at most ``turn`` seconds, but for functions
        that end soon and loops, which are compiled. Another engine runs it in one go; where "auto"
        chose that and the host has such functions, the guest moves into ours. When the task is
        cancelled, the call ends."""
        # only who awaits pays for it
        from ..wasm.stepping.awaiting import HAS_THREADS, drive, in_thread

        if HAS_THREADS if threads is None else threads:

            def call(beside: Beside) -> Any:
                look, token = beside.looking(self.options.progress), beside.token
                try:
                    return self.call(
                        function, args, timeout=timeout, fuel=fuel, cancel=token, progress=look
                    )
                finally:
                    took.append(getattr(self._local, "last_call", None))

            took: list[LastCall | None] = []
            try:
                return await in_thread(call, cancel)
            finally:
                # what it took is asked for here, not in that thread
                if took:
                    self._local.last_call = took[0]
        dispatcher = self.bridge.dispatcher
        awaits = self.can_hold and dispatcher is not None and dispatcher.has_async
        if not self.is_ours and not awaits:
            # in one go, within its limits
            return self.call(function, args, timeout=timeout, fuel=fuel, cancel=cancel)
        from ..wasm.stepping.loop_locks import LoopLocks

        locks = self._slices = self._slices or LoopLocks()
        async with locks.of_this_loop():
            return await drive(
                lambda: self._held(function, args, timeout, fuel, cancel, None, (), awaited=True),
                turn,
            )
