"""The module ``gk`` that guests import: host calls and the log, between memory and host."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import CallError, Stopped
from ..wasm.runtime.functions import Caller, Func
from ..wasm.runtime.memory import Memory
from ..wasm.runtime.metering import Meter, current_meter
from ..wasm.runtime.values import u32
from ..wasm.types import FuncType, ValType
from .abi import Guest, pack
from .dispatcher import HostDispatcher
from .host import CallContext

if TYPE_CHECKING:
    from .receipts import Notes

__all__ = ["Bridge"]

_I32, _I64 = ValType.I32, ValType.I64
_LEVELS = ("debug", "info", "warn", "error")
_HOST_CALL = FuncType((_I32,) * 4, (_I64,))
_LOG = FuncType((_I32,) * 3, ())
#: bytes of an unfinished line of output that are kept
_LONGEST_LINE = 8192


class Bridge:
    """What one plugin's guests import. Without a dispatcher, host calls give 0 and nothing is
    logged (contract 1.4, "no host yet")."""

    def __init__(self) -> None:
        self.dispatcher: HostDispatcher | None = None
        self.guest: Guest | None = None
        #: of a guest whose call is to have a receipt
        self.notes: Notes | None = None
        self._unfinished: dict[str, bytes] = {}
        #: somebody was told that there is no host
        self._said = False

    def imports(self) -> dict[str, dict[str, Func]]:
        """The import module."""
        return {
            "gk": {
                "host_call": Func(_HOST_CALL, self.host_call, access_caller=True, name="host_call"),
                "log": Func(_LOG, self.log, access_caller=True, name="log"),
            }
        }

    def host_call(
        self, caller: Caller, name_ptr: u32, name_len: u32, args_ptr: u32, args_len: u32
    ) -> int:
        """``gk.host_call`` (contract 1.8): 0 is a failure, whose reason the host's log gets."""
        dispatcher, guest, memory = self.dispatcher, self.guest, caller.memory
        place = name_ptr, name_len, args_ptr, args_len
        if dispatcher is None or guest is None or memory is None:
            self._say_that_there_is_no_host(memory, *place)
            return 0
        request = self.request(memory, *place)
        if request is None:
            return 0
        return self._answer(request, lambda: dispatcher.call(*request, caller.meter), caller.meter)

    def _answer(
        self,
        request: tuple[str, bytes],
        respond: Callable[[], bytes],
        meter: Meter | None,
        charged: int = 0,
    ) -> int:
        """Hands a response over to the guest; 0 for what fails, of which the host's log is told.
        ``charged`` is the fuel that finding it has taken already."""
        dispatcher, guest = self.dispatcher, self.guest
        if dispatcher is None or guest is None:
            return 0
        name, args = request
        if self.notes is not None:
            respond = self.notes.asking(name, args, respond, meter, charged)
        try:
            response = respond()
        except Stopped:
            raise
        except Exception as error:  # whatever a host's own code raises is the host's log's
            dispatcher.failed(name, error, meter)
            return 0
        return self._hand_over(guest, response)

    # -- calls that are awaited

    def request(self, memory: Memory, *place: int) -> tuple[str, bytes] | None:
        """Name and arguments of a host call; ``None`` for what is outside the memory."""
        name_ptr, name_len, args_ptr, args_len = place
        size = len(memory)
        if name_ptr + name_len > size or args_ptr + args_len > size:
            return None
        name = memory.read(name_ptr, name_len).decode("utf-8", "replace")
        return name, memory.read(args_ptr, args_len)

    def is_async(self, memory: Memory, *place: int) -> bool:
        """Whether a host call is of an ``async def`` function."""
        request = self.request(memory, *place)
        dispatcher = self.dispatcher
        return request is not None and dispatcher is not None and dispatcher.is_async(request[0])

    async def reply(
        self, name: str, args: bytes, context: CallContext, dispatcher: HostDispatcher
    ) -> Callable[[], int]:
        """Awaits what an ``async def`` function gives; then gives what answers the guest."""
        meter = context.meter
        before = 0 if meter is None else meter.fuel_used
        try:
            response = await dispatcher.answer(name, args, context)
            respond: Callable[[], bytes] = lambda: response  # noqa: E731
        except Exception as error:
            respond = raising(error)
        charged = 0 if meter is None else meter.fuel_used - before
        return partial(self._answer, (name, args), respond, meter, charged)

    def _say_that_there_is_no_host(self, memory: Memory | None, *place: int) -> None:
        """A warning in Python's log, once: only a host would have one of its own."""
        if self.guest is None:
            return
        request = None if memory is None else self.request(memory, *place)
        if self.notes is not None and request is not None:
            self.notes.note(*request, None, "no host")
        if not self._said:
            self._said = True
            # late: programs that attach a host never need it
            import logging

            logging.getLogger("pywasmgk").warning(
                "a plugin asks its host and has none, so that it gets no answer: "
                "plugin.init(host) attaches one"
            )

    def _hand_over(self, guest: Guest, response: bytes) -> int:
        if not response:
            return 0
        try:
            ptr = guest.place(response)
        except CallError as error:
            # the guest was stopped in gk_malloc: this goes on through what called the host
            raise (error.cause or error) from None
        return 0 if ptr is None else pack(ptr, len(response))

    def log(self, caller: Caller, level: u32, ptr: u32, size: u32) -> None:
        """``gk.log`` (contract 1.8)."""
        dispatcher, memory = self.dispatcher, caller.memory
        if memory is None or ptr + size > len(memory):
            return
        if self.notes is not None:
            self.notes.note_log(level, memory.read(ptr, size))
        if dispatcher is None:
            return
        message = memory.read(ptr, size).decode("utf-8", "replace")
        name = _LEVELS[level] if level < len(_LEVELS) else "info"
        dispatcher.log(name, message, {"plugin": dispatcher.plugin}, caller.meter)

    # -- the guest's standard output in the log

    def sink(self, stream: str, level: str) -> Callable[[bytes], None]:
        """Takes output and puts its lines into the log."""

        def write(data: bytes) -> None:
            *lines, rest = (self._unfinished.pop(stream, b"") + data).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._log_line(stream, level, line)
            if rest:
                self._unfinished[stream] = rest

        return write

    def _log_line(self, stream: str, level: str, line: bytes) -> None:
        if self.dispatcher is not None:
            fields = {"plugin": self.dispatcher.plugin, "stream": stream}
            message = line.decode("utf-8", "replace")
            self.dispatcher.log(level, message, fields, current_meter())

    def flush(self) -> None:
        """Puts unfinished lines into the log, at the end of a call."""
        for stream, level in (("stdout", "info"), ("stderr", "warn")):
            line = self._unfinished.pop(stream, b"")
            if line:
                self._log_line(stream, level, line)


def raising(error: BaseException) -> Callable[[], Any]:
    """What raises an exception when it is called."""

    def act() -> Any:
        raise error

    return act
