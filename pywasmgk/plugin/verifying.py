"""Has a call done again that a receipt is of, and compares."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import (
    CallTimeout,
    Cancelled,
    DeadlineExceeded,
    JSONError,
    OutOfFuel,
    PluginError,
    ReceiptError,
)
from ..wasm.features import TITLES, Features
from ..wasm.module import Module
from ..wasm.runtime.metering import CancelToken, Meter
from ..wasm.watch import Watch
from .dispatcher import HostDispatcher
from .gojson import Object, decode
from .host import HostAPI
from .limits import Limits
from .plugin import Plugin, PluginOptions
from .receipts import CLOCK, FORMAT, RANDOM, ByName, ReceiptPolicy, digest_of, hexdigest

if TYPE_CHECKING:
    from ..wasm.cache import Directory
    from ..wasm.stepping.execution import Execution

__all__ = ["Difference", "answers_in", "verify_receipt"]

#: what a receipt has, and in which order it is compared: what later parts follow from comes first
_SUMS = {"bytes": int, "sha256": str}
_SHAPE: dict[str, Any] = {
    "format": str,
    "module": str,
    "snapshot": (str, type(None)),
    "features": [str],
    "limits": dict,
    "fuel_limit": (int, type(None)),
    "clock": {"policy": str, "start": int, "step": int},
    "random": {"policy": str, "seed": str},
    "function": str,
    "arguments": str,
    "host_calls": [
        {
            "name": str,
            "request": str,
            "answer": (str, type(None)),
            "error": (str, type(None)),
            "fuel": int,
        }
    ],
    "log": _SUMS,
    "stdout": _SUMS,
    "stderr": _SUMS,
    "outcome": {"error": (str, type(None)), "result": (str, type(None))},
    "pages": int,
    "fuel": int,
    "digest": str,
}
_CARRIED = {"arguments": str, "answers": [(str, type(None))]}
#: how deep a receipt is nested, at most
_DEPTH = 8
#: limits that decide what doing a call again may cost
_CAPPED = ("memory_limit", "table_limit", "depth_limit", "fuel")
#: of a large integer
_MOST_DIGITS = 30
#: bytes of what is asked that are shown
_MOST_SHOWN = 200
_HOST_CALL = re.compile(r"host_calls\[(\d+)\]")


class Difference(NamedTuple):
    """Where a receipt says otherwise than the call that was done again."""

    #: such as ``outcome.result`` or ``host_calls[2].answer``
    field: str
    #: what the receipt has there; ``None`` too where it has nothing
    receipt: Any
    #: what was found
    found: Any
    #: of a host call: which one of how many, its name, and what it asks now if that is otherwise
    about: str = ""
    #: the receipt's digest does not fit: it was changed after it was made, perhaps in what goes in
    #: (function, seed, clock, limits), from which this only follows
    altered: bool = False


@contextmanager
def _in_time() -> Iterator[None]:
    try:
        yield
    except (DeadlineExceeded, Cancelled) as error:
        raise ReceiptError(f"the call cannot be done again: {error}") from error


@_in_time()
def verify_receipt(
    receipt: bytes | str,
    data: bytes | str | Module,
    *,
    arguments: bytes | None = None,
    host: HostAPI | None = None,
    recording: bytes | None = None,
    recording_key: bytes | None = None,
    snapshot: bytes | None = None,
    snapshot_key: bytes | None = None,
    limits: Limits | None = None,
    engine: str = "auto",
    cache_dir: Directory | None = None,
    cancel: CancelToken | None = None,
) -> Difference | None:
    """Has the call of a receipt done again with the plugin of a module, and gives the first field
    that is otherwise: of host calls the first one; ``None`` where all of it is true.

    What the receipt does not carry is given: ``arguments``, as bytes of JSON, and what the host
    answered, by the ``host`` itself or from a ``recording`` of the call (bytes of a Recording),
    which has the arguments too; and the ``snapshot`` that the plugin began with, if it did. Keys
    are those that these two were made with, if they were.
    ``limits`` are what this may take: the time, and what the receipt may say of memory, tables,
    call depth and fuel. ``cancel`` ends it.

    Raises ReceiptError for bytes that are no receipt, where something is missing that is needed,
    where the call cannot be done again within the limits, and where it was cancelled.
    """
    limits = limits or Limits()
    watch = Watch(limits.timeout, cancel)
    form = _read(receipt)
    if isinstance(data, str):
        data = _module(data, watch)
    known = data.data if isinstance(data, Module) else data
    for name, expected in (
        ("format", FORMAT),
        ("module", hexdigest(known)),
        ("snapshot", None if snapshot is None else hexdigest(snapshot)),
    ):
        if form[name] != expected:
            return Difference(name, form[name], expected, altered=_is_altered(form))
    options = _options(form, limits, engine, cache_dir, watch)
    carried = form.get("carried")
    answers: Sequence[bytes | None] | None = None
    if recording is not None:
        module = data if isinstance(data, Module) else _module(data, watch)
        taped, answers = answers_in(recording, module, recording_key, watch)
        arguments = taped if arguments is None else arguments
    elif carried is not None:
        arguments = _bytes(carried["arguments"], "arguments") if arguments is None else arguments
        answers = [None if one is None else _bytes(one, "answers") for one in carried["answers"]]
    if arguments is None:
        raise ReceiptError("the receipt does not carry the call's arguments: they must be given")
    if hexdigest(arguments) != form["arguments"]:
        given = hexdigest(arguments)
        return Difference("arguments", form["arguments"], given, altered=_is_altered(form))
    if answers is None and host is None and form["host_calls"]:
        count = len(form["host_calls"])
        raise ReceiptError(
            f"the call asked its host {count} times, and the receipt does not carry the answers: "
            "a recording or a host is needed"
        )
    options = options._replace(snapshot=snapshot, snapshot_key=snapshot_key)
    asked = _Asked(form["host_calls"])
    again = _done_again(form, data, arguments, options, host, answers or (), asked)
    return _compared(form, again, asked)


def _module(data: bytes | str, watch: Watch) -> Module:
    return Module(data, timeout=watch.left(), cancel=watch.cancel)


# -- reading


def _read(receipt: bytes | str) -> dict[str, Any]:
    """A receipt of the right shape. Raises ReceiptError."""
    try:
        form = decode(receipt, strict=True, keep_duplicates=True, max_depth=_DEPTH)
    except JSONError as error:
        raise ReceiptError(f"no receipt: {error}") from error
    shape = _SHAPE
    if isinstance(form, dict) and "carried" in form:
        shape = {**_SHAPE, "carried": _CARRIED}
    _require(form, shape, "")
    found: dict[str, Any] = form
    return found


def _require(value: Any, shape: Any, path: str) -> None:
    where = path or "it"
    if isinstance(shape, dict):
        if not isinstance(value, dict) or isinstance(value, Object) or set(value) != set(shape):
            raise ReceiptError(f"no receipt: {where} must be an object of {', '.join(shape)}")
        for name in shape:
            _require(value[name], shape[name], f"{path}.{name}" if path else name)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise ReceiptError(f"no receipt: {where} must be a list")
        for position, item in enumerate(value):
            _require(item, shape[0], f"{path}[{position}]")
    else:
        kinds = shape if isinstance(shape, tuple) else (shape,)
        if int in kinds and value is not None:
            _integer(value, path)
        elif not isinstance(value, kinds):
            raise ReceiptError(f"no receipt: {where} must not be {value!r:.60}")


def _integer(value: Any, path: str) -> int:
    """An integer, which may be text if it is large."""
    if isinstance(value, str) and len(value) <= _MOST_DIGITS and value.isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ReceiptError(f"no receipt: {path} must be an integer, found {value!r:.60}")


def _bytes(text: str, what: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ReceiptError(f"no receipt: {what} that it carries are not in base64") from None


class _Options(NamedTuple):
    """How the plugin is to be run."""

    limits: Limits
    features: Features
    policy: ReceiptPolicy
    engine: str
    cache_dir: Directory | None
    #: the time that all of it may take
    watch: Watch
    snapshot: bytes | None = None
    snapshot_key: bytes | None = None

    def of_plugin(self) -> PluginOptions:
        """As ``load`` takes them."""
        return PluginOptions(
            limits=replace(self.limits, timeout=self.watch.left()),
            features=self.features,
            receipts=self.policy,
            engine=self.engine,
            cache_dir=self.cache_dir,
            snapshot=self.snapshot,
            snapshot_key=self.snapshot_key,
        )


def _options(
    form: dict[str, Any], most: Limits, engine: str, cache_dir: Directory | None, watch: Watch
) -> _Options:
    """Raises ReceiptError for what is unknown here, and for more than somebody allows."""
    unknown = set(form["features"]) - set(TITLES)
    if unknown:
        raise ReceiptError(f"features that are not known: {', '.join(sorted(unknown))}")
    names = set(vars(most)) - {"timeout"}
    _require(form["limits"], dict.fromkeys(sorted(names), (int, type(None))), "limits")
    given = {
        name: None if limit is None else _integer(limit, f"limits.{name}")
        for name, limit in form["limits"].items()
    }
    for name in _CAPPED:
        allowed, asked = getattr(most, name), given[name]
        if allowed is not None and (asked is None or asked > allowed):
            raise ReceiptError(f"the receipt's {name} is {asked}, and {allowed} is allowed here")
    try:
        limits = Limits(timeout=most.timeout, **given)  # type: ignore[arg-type]
        seed = bytes.fromhex(form["random"]["seed"])
    except (TypeError, ValueError) as error:
        raise ReceiptError(f"no receipt: {error}") from error
    if (form["clock"]["policy"], form["random"]["policy"]) != (CLOCK, RANDOM):
        raise ReceiptError("a policy of clock or random numbers that is not known")
    start, step = (_integer(form["clock"][name], f"clock.{name}") for name in ("start", "step"))
    features = Features(**{name: name in form["features"] for name in TITLES})
    return _Options(limits, features, ReceiptPolicy(seed, start, step), engine, cache_dir, watch)


# -- doing it again


class _Replies(HostDispatcher):
    """Answers host calls as a receipt's host did, without asking it."""

    def __init__(
        self,
        plugin: Plugin,
        calls: Sequence[dict[str, Any]],
        answers: Sequence[bytes | None],
    ) -> None:
        super().__init__(HostAPI(), plugin.identity, plugin.limits)
        self._calls = calls
        self._answers = answers
        self._asked = 0

    def call(self, name: str, args: bytes, meter: Meter | None) -> bytes:
        """The answer to the next call, whatever it asks: that is compared later."""
        position, self._asked = self._asked, self._asked + 1
        if position >= min(len(self._calls), len(self._answers)):
            raise ByName("the receipt has no answer")
        known, answer = self._calls[position], self._answers[position]
        fuel = _integer(known["fuel"], "fuel")
        if meter is not None and fuel:
            # what has used up all of it went one step further
            meter.charge(fuel + (known["error"] == OutOfFuel.__name__))
        if answer is not None:
            return answer
        if known["answer"] == hexdigest(b""):
            return b""
        raise ByName(known["error"] or "the answer is not known")

    def failed(self, name: str, error: BaseException, meter: Meter | None) -> None:
        """Nobody reads that."""

    def log(self, *args: Any, **options: Any) -> None:
        """Nobody reads that."""


class _Asked:
    """What the host is asked, as far as it is not what a receipt's host was asked."""

    def __init__(self, calls: Sequence[dict[str, Any]]) -> None:
        self._calls = calls
        self._count = 0
        #: the first call that is otherwise: position, name, and the beginning of what it asks
        self._first: tuple[int, str, bytes] | None = None

    def note(self, name: str, request: bytes) -> None:
        """Takes note of the next call."""
        position, self._count = self._count, self._count + 1
        if self._first is not None:
            return
        known = self._calls[position] if position < len(self._calls) else {}
        if (known.get("name"), known.get("request")) != (name, hexdigest(request)):
            self._first = position, name, request[:_MOST_SHOWN]

    def about(self, position: int) -> str:
        """A call in words."""
        known, number = self._calls, position + 1
        found = self._first is not None and self._first[0] == position and self._first
        asks = f"{found[1]}, asking {found[2].decode('utf-8', 'replace')!r}" if found else ""
        if position >= len(known):
            more = f": {asks}" if asks else ""
            return f"host call {number}, where the receipt has {len(known)}{more}"
        text = f"host call {number} of {len(known)}, {known[position]['name']}"
        if position >= self._count:
            return f"{text}, which is not made: {self._count} are"
        return f"{text}; now it is {asks}" if asks else text


def _done_again(
    form: dict[str, Any],
    data: bytes | Module,
    arguments: bytes,
    options: _Options,
    host: HostAPI | None,
    answers: Sequence[bytes | None],
    asked: _Asked,
) -> dict[str, Any]:
    """The receipt of a call that is done now. Raises ReceiptError."""
    limit, watch = form["fuel_limit"], options.watch
    try:
        plugin = Plugin(data, options.of_plugin(), cancel=watch.cancel)
    except PluginError as error:
        raise ReceiptError(f"the plugin cannot be loaded: {error}") from error
    with plugin:
        if host is not None:
            plugin.init(host)
        else:
            plugin.attach(_Replies(plugin, form["host_calls"], answers))
        if plugin.bridge.notes is not None:
            plugin.bridge.notes.on_request = asked.note
        try:
            plugin.call_raw(
                form["function"],
                arguments,
                fuel=None if limit is None else _integer(limit, "fuel_limit"),
                timeout=watch.left(),
                cancel=watch.cancel,
            )
        except CallTimeout as error:
            raise ReceiptError(f"the call takes too long here: {error}") from error
        except PluginError:
            pass
        watch.look()
        last = plugin.last_call
        if last is None:
            raise ReceiptError("the call could not be done again")
        found: dict[str, Any] = decode(last.receipt())
        return found


def _compared(form: dict[str, Any], again: dict[str, Any], asked: _Asked) -> Difference | None:
    altered = _is_altered(form)
    for name in _SHAPE:
        found = _difference(form[name], again[name], name) if name != "digest" else None
        if found is not None:
            place = _HOST_CALL.match(found.field)
            about = asked.about(int(place[1])) if place else ""
            return found._replace(about=about, altered=altered)
    # what the guest did not ask for (a seed, say) shows in nothing else
    return Difference("digest", form["digest"], digest_of(form), altered=True) if altered else None


def _is_altered(form: dict[str, Any]) -> bool:
    return bool(form["digest"] != digest_of(form))


def _difference(known: Any, found: Any, path: str) -> Difference | None:
    if isinstance(known, dict) and isinstance(found, dict) and set(known) == set(found):
        pairs = [(f"{path}.{name}", known[name], found[name]) for name in known]
    elif isinstance(known, list) and isinstance(found, list):
        size = max(len(known), len(found))
        padded = [[*items, *[None] * (size - len(items))] for items in (known, found)]
        pairs = [(f"{path}[{at}]", *both) for at, both in enumerate(zip(*padded))]
    elif known == found and type(known) is type(found):
        return None
    else:
        return Difference(path, known, found)
    differences = (_difference(one, other, where) for where, one, other in pairs)
    return next((item for item in differences if item is not None), None)


# -- what recordings have


def answers_in(
    data: bytes, module: Module, key: bytes | None = None, watch: Watch | None = None
) -> tuple[bytes, list[bytes | None]]:
    """Arguments and the host's answers of a recorded call of a plugin; ``None`` is one that the
    guest was not given. Raises SuspensionError, and what ``watch`` does: the limits of the call
    are those that the bytes have."""
    # only who has a recording pays for it
    from ..wasm.stepping.recording import Recording

    answers = []
    watch = watch or Watch()
    with Recording.from_bytes(data, module, key).replay(module) as held:
        held.meter.shorten(watch.left(), watch.cancel)
        _, _, place, size = (variable.value & 0xFFFFFFFF for variable in held.frames[0].locals[:4])
        arguments = held.instance.memory.read(place, size)
        held.break_at(host_call="*host_call")
        while held.run() == "breakpoint":
            held.step()
            answers.append(_answer_given(held))
        watch.look()
    return arguments, answers


def _answer_given(held: Execution) -> bytes | None:
    """What the host call that has just returned gave."""
    values = held.values if held.done else held.raw_frame[1]
    if not values:
        return None
    pointer, size = divmod(values[-1] & 0xFFFFFFFFFFFFFFFF, 1 << 32)
    memory = held.instance.memory
    return memory.read(pointer, size) if size and pointer + size <= len(memory) else None
