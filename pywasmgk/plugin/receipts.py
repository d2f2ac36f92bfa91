"""Receipts: what a call was and what it did, in hashes, so that anybody can have it done again.

A plugin with receipts begins each call as it begins its first one, in a fresh guest; its clocks
gain a fixed step at each reading, and its random numbers come from a seed. So all that a call
depends on is its arguments, what the receipt says, and the answers of the host.
"""

from __future__ import annotations

import dataclasses
import os
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import CallError, Cancelled, DeadlineExceeded, Exit, OutOfFuel, ReceiptError, Trap
from ..wasm.runtime.metering import Meter
from ..wasm.wasi import Clocks, WasiConfig
from ..wasm.wasi.streams import Output
from .canonical_json import MOST_EXACT, canonical
from .last_call import LastCall

if TYPE_CHECKING:
    from ..wasm.module import Module
    from .plugin import PluginOptions

__all__ = [
    "FORMAT",
    "ByName",
    "Conditions",
    "Notes",
    "ReceiptPolicy",
    "ReceiptedCall",
    "digest_of",
    "hexdigest",
    "number",
]

FORMAT = "pywasmgk receipt 1"
CLOCK, RANDOM = "fixed step", "SHA-256 counter"
#: host calls of one call that are noted, and bytes of answers that are kept
_MOST_CALLS, _MOST_ANSWERS = 100_000, 64 << 20
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class ReceiptPolicy:
    """What plugins with receipts (``receipts=``) are told of time and chance."""

    #: what random numbers are made from; ``None`` is another one for each call
    seed: bytes | None = None
    #: what their clocks begin with, in seconds since 1970; ``None`` is when the guest starts
    start: int | None = None
    #: nanoseconds that they gain at each reading
    step: int = 1_000_000

    def drawn(self) -> Conditions:
        """What one guest is told."""
        seed = os.urandom(32) if self.seed is None else self.seed
        return Conditions(seed, int(time.time()) if self.start is None else self.start, self.step)


class Conditions(NamedTuple):
    """What the clocks and the random numbers of one guest are."""

    seed: bytes
    #: seconds since 1970
    start: int
    #: nanoseconds
    step: int

    def clocks(self) -> Clocks:
        """The clocks, from their beginning; sleeping only moves them on."""
        return Clocks.fixed(self.start * _NANOSECONDS, self.step)

    def random(self) -> Callable[[int], bytes]:
        """The random numbers, from their beginning: SHA-256 of the seed and a counter of 8 bytes,
        big-endian, one block after the other."""
        count, rest = 0, b""

        def draw(size: int) -> bytes:
            nonlocal count, rest
            parts = [rest]
            for number in range(count, count + -(-max(size - len(rest), 0) // 32)):
                parts.append(sha256(self.seed + number.to_bytes(8, "big")).digest())
            count += len(parts) - 1
            drawn = b"".join(parts)
            rest = drawn[size:]
            return drawn[:size]

        return draw


class ByName(Exception):
    """An exception of the host's, of which only the name is known."""


class HostCall(NamedTuple):
    """What is known of a host call."""

    name: str
    request: str
    #: the answer's hash; ``None`` where it failed
    answer: str | None
    #: the name of the exception where it failed
    error: str | None
    #: what the host charged to the call
    fuel: int


class Sums:
    """The hash and the size of what comes in parts."""

    def __init__(self) -> None:
        self._hash, self._size = sha256(), 0

    def add(self, data: bytes) -> None:
        """Takes a part."""
        self._hash.update(data)
        self._size += len(data)

    def form(self) -> dict[str, Any]:
        """As receipts have it."""
        return {"bytes": number(self._size), "sha256": self._hash.hexdigest()}


class Notes:
    """What is noted of a guest, whose only call it is for."""

    def __init__(self, policy: ReceiptPolicy) -> None:
        self.conditions = policy.drawn()
        #: function and arguments of the call, once it has begun
        self.request: tuple[bytes, bytes] | None = None
        #: instructions that it might take
        self.fuel_limit: int | None = None
        self.host_calls: list[HostCall] = []
        #: answers of the host, as far as they are kept; ``None`` is a failure
        self.answers: list[bytes | None] = []
        self._kept = 0
        self.log, self.stdout, self.stderr = Sums(), Sums(), Sums()
        #: the result's hash, and what ended it else
        self.result: str | None = None
        self.error: str | None = None
        #: is told each host call: its name and what it asks
        self.on_request: Callable[[str, bytes], object] | None = None
        #: why there is no receipt
        self.missing: str | None = "the call has not ended"

    def conditioned(self, config: WasiConfig) -> WasiConfig:
        """What the guest sees of the world, and its output noted."""
        return dataclasses.replace(
            config,
            clocks=self.conditions.clocks(),
            random=self.conditions.random(),
            stdout=_noting(self.stdout, config.stdout),
            stderr=_noting(self.stderr, config.stderr),
        )

    def begin(self, function: bytes, args: bytes, meter: Meter) -> None:
        """The call begins."""
        self.request, self.fuel_limit = (function, args), meter.fuel_left

    def end(self, outcome: bytes | BaseException | None) -> None:
        """The call has ended: with a result, with none, or with an exception."""
        self.missing = self.missing if self.is_void else None
        if not isinstance(outcome, BaseException):
            self.result = None if outcome is None else hexdigest(outcome)
            return
        cause = getattr(outcome, "cause", None) or outcome
        self.error = _name_of_end(cause)
        if self.error is None:
            self.void("what ended the call was no doing of the guest's: it would not end so again")

    #: something has happened that nobody could do again
    is_void = False

    def void(self, why: str) -> None:
        """There will be no receipt."""
        self.is_void, self.missing = True, why

    def asking(
        self,
        name: str,
        args: bytes,
        respond: Callable[[], bytes],
        meter: Meter | None,
        charged: int = 0,
    ) -> Callable[[], bytes]:
        """What answers a host call, for which the host has ``charged`` fuel before, and takes note
        of that."""

        def answer() -> bytes:
            before = 0 if meter is None else meter.fuel_used
            response, error = None, None
            try:
                response = respond()
                return response
            except BaseException as raised:
                error = raised.args[0] if isinstance(raised, ByName) else type(raised).__name__
                raise
            finally:
                more = 0 if meter is None else meter.fuel_used - before
                self.note(name, args, response, error, charged + more)

        return answer

    def note(
        self, name: str, args: bytes, response: bytes | None, error: str | None, fuel: int = 0
    ) -> None:
        """Takes note of a host call."""
        if len(self.host_calls) >= _MOST_CALLS:
            self.void(f"the call asked its host more than {_MOST_CALLS:,} times")
            return
        if self.on_request is not None:
            self.on_request(name, args)
        answer = None if response is None else hexdigest(response)
        self.host_calls.append(HostCall(name, hexdigest(args), answer, error, fuel))
        self._kept += len(response or b"")
        if self._kept <= _MOST_ANSWERS:
            self.answers.append(response)

    def note_log(self, level: int, message: bytes) -> None:
        """Takes note of a line that the guest has logged."""
        self.log.add(level.to_bytes(4, "big") + len(message).to_bytes(4, "big") + message)

    def receipted(self, last: LastCall, module: Module, options: PluginOptions) -> LastCall:
        """What a call took, with what is needed to make a receipt of it."""
        found = ReceiptedCall(*last)
        found.evidence = module, options, self
        return found


def _noting(sums: Sums, sink: Any) -> Callable[[bytes], None]:
    write = Output(sink).write

    def both(data: bytes) -> None:
        sums.add(data)
        write(data)

    return both


def _name_of_end(error: BaseException) -> str | None:
    """What has ended a call, the same wherever it runs; ``None`` for what need not happen again."""
    if not isinstance(error, Exception) or isinstance(error, (DeadlineExceeded, Cancelled)):
        return None
    if isinstance(error, Trap):
        return f"trap: {error.trap_code.value}"
    if isinstance(error, Exit):
        return f"exit: {error.code}"
    if isinstance(error, OutOfFuel):
        return "out of fuel"
    return str(error) if isinstance(error, CallError) else type(error).__name__


class ReceiptedCall(LastCall):
    """What the latest call of a plugin with receipts took."""

    evidence: tuple[Module, PluginOptions, Notes]

    def receipt(self, *, answers: bool = False) -> bytes:
        """See :meth:`LastCall.receipt`."""
        module, options, notes = self.evidence
        if notes.missing is not None or notes.request is None:
            raise ReceiptError(f"there is no receipt: {notes.missing}")
        form = self._form(module, options, notes)
        try:
            form["digest"] = digest_of(form)
            if answers:
                form["carried"] = _carried(notes)
            return canonical(form)
        except ValueError as error:
            raise ReceiptError(f"there is no receipt: {error}") from error

    def __reduce__(self) -> tuple[Any, ...]:
        # with its receipts, instead of what they are made from
        receipts: list[bytes | str] = []
        for answers in (False, True):
            try:
                receipts.append(self.receipt(answers=answers))
            except ReceiptError as error:
                receipts.append(str(error))
        return _sent, (tuple(self), tuple(receipts))

    def _form(self, module: Module, options: PluginOptions, notes: Notes) -> dict[str, Any]:
        function, args = notes.request or (b"", b"")
        seed, start, step = notes.conditions
        limits = {name: number(limit) for name, limit in vars(options.limits).items()}
        del limits["timeout"]
        snapshot = options.snapshot
        return {
            "format": FORMAT,
            "module": hexdigest(module.data),
            "snapshot": None if snapshot is None else hexdigest(snapshot),
            "features": sorted(name for name, on in _switches(options) if on),
            "limits": limits,
            "fuel_limit": number(notes.fuel_limit),
            "clock": {"policy": CLOCK, "start": number(start), "step": number(step)},
            "random": {"policy": RANDOM, "seed": seed.hex()},
            "function": function.decode("utf-8", "surrogatepass"),
            "arguments": hexdigest(args),
            "host_calls": [
                {**call._asdict(), "fuel": number(call.fuel)} for call in notes.host_calls
            ],
            "log": notes.log.form(),
            "stdout": notes.stdout.form(),
            "stderr": notes.stderr.form(),
            "outcome": {"error": notes.error, "result": notes.result},
            "pages": number(self.pages),
            "fuel": number(self.fuel),
        }


class SentCall(LastCall):
    """What a call with receipts took in another process."""

    #: without the host's answers and with them, or why there is none
    receipts: tuple[bytes | str, bytes | str]

    def receipt(self, *, answers: bool = False) -> bytes:
        """See :meth:`LastCall.receipt`."""
        found = self.receipts[answers]
        if isinstance(found, str):
            raise ReceiptError(found)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return _sent, (tuple(self), self.receipts)


def _sent(took: tuple[Any, ...], receipts: tuple[bytes | str, bytes | str]) -> SentCall:
    found = SentCall(*took)
    found.receipts = receipts
    return found


def _switches(options: PluginOptions) -> list[tuple[str, bool]]:
    features = options.features
    return [(item.name, getattr(features, item.name)) for item in dataclasses.fields(features)]


def _carried(notes: Notes) -> dict[str, Any]:
    """What has to be known to do the call again, itself."""
    if len(notes.answers) < len(notes.host_calls):
        raise ReceiptError(f"the host's answers are more than {_MOST_ANSWERS:,} bytes")
    _, args = notes.request or (b"", b"")
    return {
        "arguments": b64encode(args).decode(),
        "answers": [
            None if answer is None else b64encode(answer).decode() for answer in notes.answers
        ],
    }


def hexdigest(data: bytes) -> str:
    """SHA-256 as receipts have it."""
    return sha256(data).hexdigest()


def digest_of(form: dict[str, Any]) -> str:
    """The hash of a receipt, but for what it carries."""
    left_out = ("digest", "carried")
    return hexdigest(canonical({name: form[name] for name in form if name not in left_out}))


def number(value: Any) -> Any:
    """An integer as every program reads it: a large one as text."""
    large = isinstance(value, int) and abs(value) > MOST_EXACT
    return str(value) if large else value
