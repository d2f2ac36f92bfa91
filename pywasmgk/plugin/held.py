"""Calls of a plugin that are held: stepped, looked into, taken back."""

from __future__ import annotations

import weakref
from collections.abc import Coroutine, Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import CallError, SuspensionError
from ..wasm.runtime.calls import Account
from ..wasm.runtime.metering import Meter
from ..wasm.stepping.activations import is_indirect
from ..wasm.stepping.backwards import Until
from ..wasm.stepping.execution import Execution
from ..wasm.stepping.packing import seal, unseal
from ..wasm.stepping.pending import Deferred, Known, PendingCall
from ..wasm.stepping.suspension import Suspended
from .abi import end_of
from .dispatcher import in_chain

if TYPE_CHECKING:
    from ..wasm.runtime.functions import Func
    from ..wasm.stepping.activations import Activation
    from .abi import Guest
    from .bridge import Bridge
    from .holding import Holding

__all__ = ["HeldCall", "Placed", "SuspendedCall"]

#: parameters of ``gk.host_call``
_HOST_CALL = 4
_CALL = b"\5"
#: bytes of the function's name, and how many buffers there are; each of these
_HEAD, _BUFFER = Struct("<IB"), Struct("<I")
_MOST_BUFFERS = 2


def unsigned(value: int) -> int:
    """A pointer or a size, of an i32 as hosts see it."""
    return value & 0xFFFFFFFF


class Placed(NamedTuple):
    """A call whose request is in the guest's memory."""

    function: str
    #: of ``gk_call``
    values: tuple[int, ...]
    #: to be freed when it is over, in order
    buffers: list[int]

    @classmethod
    def in_guest(cls, guest: Guest, meter: Meter, function: str, args: bytes) -> Placed:
        """Puts a request there, on an account. Raises CallError."""
        with Account(guest.instance, meter):
            name = function.encode("utf-8", "surrogatepass")
            return cls(function, *guest.place_request(name, args))


class SuspendedCall:
    """What the bytes of a held call say. Raises SuspensionError."""

    def __init__(self, data: bytes, guest: Guest, key: bytes | None) -> None:
        content = unseal(_CALL, data, key)
        if len(content) < _HEAD.size:
            raise SuspensionError("the state is cut off")
        size, count = _HEAD.unpack_from(content)
        end = _HEAD.size + size + count * _BUFFER.size
        if count > _MOST_BUFFERS or end > len(content):
            raise SuspensionError("the state is cut off")
        name = content[_HEAD.size : _HEAD.size + size].decode("utf-8", "replace")
        buffers = [found for (found,) in _BUFFER.iter_unpack(content[_HEAD.size + size : end])]
        self.placed = Placed(name, (), buffers)
        self.state = Suspended(content[end:], guest.instance, None)
        if self.state.func is not guest.exports.call:
            raise SuspensionError("the call is not of gk_call")


class AsyncHostCalls(Deferred):
    """Before host calls of functions that are ``async def``."""

    def __init__(self, known: Known, bridge: Bridge) -> None:
        super().__init__("*", known)
        self._bridge = bridge

    def is_called(self, callee: Func | None, func: Func, index: int | None) -> bool:
        return callee is not None and callee.host == self._bridge.host_call

    def holds(self, activation: Activation) -> bool:
        if not super().holds(activation):
            return False
        values = activation.raw_operands(_HOST_CALL + is_indirect(activation.row))[:_HOST_CALL]
        memory = activation.function.instance.memory  # type: ignore[union-attr]
        return self._bridge.is_async(memory, *values)


class HeldCall(Execution):
    """A call of a plugin that is held before the first instruction of ``gk_call``. Made by
    :meth:`Plugin.start`.

    Name and arguments are in the guest's memory then; their buffers are freed when it is closed.
    ``results`` are JSON's, as ``Plugin.call`` gives them; ``trap`` is the engine's exception, of
    which ``finish`` makes the plugin's. Until it is closed, calls of the plugin raise Busy. One
    that is closed before its end leaves the guest in the middle of something: the next call starts
    a fresh one.
    """

    def __init__(
        self,
        plugin: Holding,
        guest: Guest,
        meter: Meter,
        placed: Placed,
        *,
        restarted: bool,
        history: int | None,
        defer: Sequence[str],
        awaited: bool = False,
        since: Suspended | None = None,
    ) -> None:
        self._plugin, self._guest, self._restarted = plugin, guest, restarted
        self._placed = placed
        self._result: bytes | None = None
        self._calls_before = meter.host_calls
        values = [*map(unsigned, placed.values)]
        super().__init__(guest.exports.call, values, meter, history, since, defer)
        guest.held = weakref.ref(self)
        if awaited:
            known = weakref.WeakMethod(self._is_known)
            self._running.add(AsyncHostCalls(known, plugin.bridge))
            self.call_whole()
        if defer or since is not None:
            self._void("calls of the host were answered by somebody else, or it began elsewhere")

    def _void(self, why: str) -> None:
        notes = self._plugin.bridge.notes
        if notes is not None:
            notes.void(why)

    def _edited(self) -> None:
        super()._edited()
        self._void("the call was changed while it was held")

    def to_bytes(self, key: bytes | None = None) -> bytes:
        """The call and the state of its guest, for :meth:`Plugin.resume`; see Execution."""
        function, _, buffers = self._placed
        name = function.encode("utf-8", "surrogatepass")
        head = _HEAD.pack(len(name), len(buffers)) + name
        head += b"".join(_BUFFER.pack(unsigned(buffer)) for buffer in buffers)
        return seal(_CALL, head + super().to_bytes(), key)

    def ask_host(self, pending: PendingCall) -> Coroutine[Any, Any, Any]:
        """The coroutine of a pending ``async def`` function of the host's. It gives what
        answers the guest, to be called where the call stands."""
        bridge = self._plugin.bridge
        request = bridge.request(self._guest.exports.memory, *map(unsigned, pending.arguments))
        dispatcher = bridge.dispatcher
        if request is None or dispatcher is None:
            return super().ask_host(pending)
        with in_chain(self._plugin.identity, outermost=True):
            context = dispatcher.context(self.meter)
        return bridge.reply(*request, context, dispatcher)

    def answer(self, result: Any = None, *, error: BaseException | None = None) -> None:
        """See Execution."""
        super().answer(result, error=error)
        if error is None and callable(result):
            # it calls the guest, which it can only do in the place of the call
            self._answered = result

    @property
    def results(self) -> Any:
        """What the call gives, a JSON value; ``None`` until it is done. Raises ResultError for what
        is no JSON, and CallError for what is outside the memory."""
        if self.values is None:
            return None
        data = self._result if self._hold.closed else self._guest.result(self.values[0])
        return None if data is None else self._plugin.decoded(self._placed.function, data)

    def _outcome(self) -> Any:
        if isinstance(self.trap, Exception):
            raise self._guest.failure(self.trap, "gk_call failed: ") from self.trap
        return self.results

    def _go(self, end: int | None, until: Until | None = None) -> str:
        with in_chain(self._plugin.identity, outermost=True):
            return super()._go(end, until)

    def close(self) -> None:
        """Frees the buffers of the call, and lets the plugin go on; see above. Raises Busy while
        another thread steps it."""
        guest, closed = self._guest, self._hold.closed
        outcome = None if closed else self._ended_with()
        if isinstance(outcome, bytes):
            # its buffer is freed
            self._result = outcome
        if not closed and guest.held is not None:
            self._end(guest)
        super().close()
        if not closed:
            self._plugin.note_end(guest, self.meter, self._calls_before, self._restarted, outcome)

    def _ended_with(self) -> bytes | BaseException | None:
        if not self.done:
            self._void("the call was given up")
        if self.values is None:
            return self.trap
        try:
            return self._guest.result(self.values[0])
        except CallError as error:
            return error

    def _end(self, guest: Guest) -> None:
        if self.trap is not None and not isinstance(self.trap, Exception):
            # an interruption, which closes it inside of its slice
            guest.held, guest.ended = None, end_of(self.trap)
            return
        with self._hold:
            if not self.done:
                guest.given_up()
                return
            guest.held = None
            if self.trap is not None:
                guest.failure(self.trap)
            pointers = [] if self.values is None else guest.buffers_of(self.values[0])
            guest.free([*pointers, *self._placed.buffers])
