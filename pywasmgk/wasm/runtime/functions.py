"""Functions (spec, section "Function Instances"): a module's own, or the host's."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from ...demangling import demangled
from ...errors import HostError, WasmException
from ...shown import Shown
from ...tracebacks import hidden, shorten, shortened
from ..types import FuncType, ValType
from .memory import Memory
from .metering import CURRENT, CancelToken, Meter, current_meter
from .ownership import Domain
from .values import INWARD, OUTWARD, from_bits, from_python, results_to_python, to_bits

if TYPE_CHECKING:
    from ..interpreter.code import Code
    from .instance import Instance

__all__ = ["Caller", "Func"]

__tracebackhide__ = hidden

_UNSIGNED = ("u32", "u64")
#: the most frequent results of functions of the host's, beside none
_I32 = (ValType.I32,)
#: wrappers around a host function beyond which nobody looks for annotations
_MOST_WRAPPERS = 50


class Caller:
    """Who calls a host function that asked for it (``access_caller=True``)."""

    __slots__ = ("instance", "meter")

    def __init__(self, instance: Instance | None, meter: Meter) -> None:
        #: the instance whose code called
        self.instance = instance
        #: the account of the running call
        self.meter = meter

    @property
    def memory(self) -> Memory | None:
        """Memory 0 of the instance, exported or not."""
        return None if self.instance is None else self.instance.first_memory


class Func(Shown):
    """A function that guests can call, and that can be called from Python.

    ``Func(type, callable)`` makes one of a Python callable. It gets signed integers, or unsigned
    ones where a parameter is annotated ``u32`` or ``u64``, and with ``access_caller`` a
    :class:`Caller` first. What it raises passes through the guest unchanged.
    """

    __slots__ = (
        "_converters",
        "access_caller",
        "code",
        "compiled",
        "direct",
        "host",
        "index",
        "instance",
        "name",
        "nparams",
        "ready",
        "type",
    )

    def __init__(
        self,
        type: FuncType,
        callable: Callable[..., Any],
        *,
        access_caller: bool = False,
        name: str | None = None,
    ) -> None:
        self.type = type
        self.name = name or getattr(callable, "__name__", None)
        self.host: Callable[..., Any] | None = callable
        self.access_caller = access_caller
        self.instance: Instance | None = None
        self.index = -1
        #: whether its instance has compiled it
        self.compiled = False
        # the shortest way in for calls from the host, once it is compiled
        self.direct: Callable[..., Any] | None = None
        #: prepared for the interpreter; ``None`` until that runs it, and for the host's
        self.code: Code | None = None
        #: the same once it is settled that the interpreter runs it
        self.ready: Code | None = None
        self.nparams = len(type.params)
        self._converters = _converters(type, callable, access_caller)

    @classmethod
    def defined(cls, instance: Instance, index: int, type: FuncType) -> Func:
        """The function at an index of an instance's module."""
        func = cls.__new__(cls)
        func.type = type
        func.name = None
        func.host = None
        func.access_caller = False
        func.instance = instance
        func.index = index
        func.code = func.ready = func.direct = None
        func.compiled = False
        func.nparams = len(type.params)
        func._converters = ()
        return func

    @property
    def domain(self) -> Domain | None:
        """Who it shares state with; the host's share none."""
        return None if self.instance is None else self.instance.domain

    def __call__(self, *args: Any) -> Any:
        """Calls it. Gives ``None``, the result, or a tuple of several.

        Raises TypeError, OverflowError and ValueError before the guest is entered, then what the
        guest's doing is: Trap, Stopped, Exit, or the exception of a host function.
        """
        try:
            direct = self.direct
            if direct is None and self.compiled and self.instance is not None:
                direct = self.direct = self.instance.way_in(self)
            if direct is not None and len(args) == self.nparams:
                return direct(*args)
            results = self._invoke(self.engine_values(args))
            return results_to_python(self.type.results, results)
        except BaseException as error:
            # inside of another call, the outermost one sees to that; whether that is still there
            # is not asked, since 2,000 calls may come here behind their deadline
            if CURRENT.state.meter is None:
                shorten(error)
            raise  # what happened is in the message

    def engine_values(self, args: Sequence[Any]) -> list[Any]:
        """Arguments as the engine has them. Raises TypeError, OverflowError and ValueError."""
        kinds = self.type.params
        if len(args) != len(kinds):
            raise self._wrong_count(args)
        return [INWARD[kind](arg) for kind, arg in zip(kinds, args)]

    async def call_async(
        self,
        *args: Any,
        threads: bool | None = None,
        turn: float = 0.01,
        cancel: CancelToken | None = None,
        **limits: Any,
    ) -> Any:
        """Calls it from a coroutine, whose event loop goes on meanwhile; the host's ``async def``
        functions run on that loop. ``limits`` are ``fuel`` and ``timeout``, as of ``account``.

        The guest runs in a thread. Where there are none, or with ``threads=False``, it is
        interpreted in slices of at most ``turn`` seconds between two turns of the loop, but for
        loops and functions that end soon, which are compiled. When the task is cancelled, the guest
        ends. Raises what a call raises.
        """
        # only who awaits pays for it
        from ..stepping.awaiting import call_async

        return await call_async(self, args, threads=threads, turn=turn, cancel=cancel, **limits)

    def _invoke(self, args: Sequence[Any]) -> Sequence[Any]:
        instance = self.instance
        if instance is None:
            return self.call_host(None, current_meter() or Meter(), args)
        return instance.invoke(self, args)

    def _wrong_count(self, args: Sequence[Any]) -> TypeError:
        count = len(self.type.params)
        return TypeError(f"{self} takes {count} arguments, {len(args)} were given")

    @shortened
    def call_bits(self, *args: Any) -> tuple[Any, ...]:
        """Calls it with raw bit patterns, so that the payloads of NaNs can be seen.

        Arguments and results are unsigned ints, a v128 is 16 bytes, references are objects.
        """
        kinds = self.type.params
        if len(args) != len(kinds):
            raise self._wrong_count(args)
        results = self._invoke([from_bits(kind, arg) for kind, arg in zip(kinds, args)])
        return tuple(map(to_bits, self.type.results, results))

    def resolve(self, meter: Meter) -> Code | None:
        """Its code for the interpreter; ``None`` if it runs outside of it."""
        return None if self.instance is None else self.instance.tiers.resolve(self, meter)

    def note_warm(self) -> None:
        """Has it be compiled at its next call, if anything is to be."""
        if self.instance is not None:
            self.instance.tiers.want(self)

    def call_outside(self, caller: Instance | None, meter: Meter, args: Sequence[Any]) -> list[Any]:
        """Calls what does not run in the interpreter's loop, with engine values."""
        if self.instance is not None:
            return self.instance.tiers.enter(self, meter, args)
        results = self.call_host(caller, meter, args)
        # its time is not in the fuel: the next test point looks at the clock
        meter.resume()
        return results

    def answered(self, answer: Callable[[], Any]) -> Func:
        """The same function of the host's, whose next call somebody else answers."""
        made = Func(self.type, lambda *values: answer(), name=self.name)
        made._converters = self._converters
        return made

    def python_values(self, args: Sequence[Any]) -> list[Any]:
        """Engine values as the host's function gets them."""
        return [
            arg if convert is None else convert(arg) for convert, arg in zip(self._converters, args)
        ]

    def call_host(self, instance: Instance | None, meter: Meter, args: Sequence[Any]) -> list[Any]:
        """Calls the host's function with engine values, and gives engine values.

        Raises HostError for a result of another type; what the function raises is noted in the
        meter, to tell it from an interruption of the guest.
        """
        result = self._answer(instance, meter, args)
        return [] if result is None and not self.type.results else self._results(meter, result)

    def call_host_plainly(self, instance: Instance, meter: Meter, args: Sequence[Any]) -> Any:
        """Does the same for compiled code: behind the arguments may stand more, and what it gives
        is nothing, a value, or a tuple of several."""
        result = self._answer(instance, meter, args)
        kinds = self.type.results
        if not kinds and result is None:
            return None
        if kinds == _I32 and result.__class__ is int and -0x80000000 <= result <= 0xFFFFFFFF:
            return result & 0xFFFFFFFF
        results = self._results(meter, result)
        return results[0] if len(kinds) == 1 else tuple(results) if kinds else None

    def _answer(self, instance: Instance | None, meter: Meter, args: Sequence[Any]) -> Any:
        """What the host's function gives."""
        meter.host_calls += 1
        values = [
            arg if convert is None else convert(arg) for convert, arg in zip(self._converters, args)
        ]
        before, meter.outside = meter.outside, True
        unspent, meter.unspent = meter.unspent, 0
        try:
            if self.access_caller:
                result = self.host(Caller(instance, meter), *values)  # type: ignore[misc]
            else:
                result = self.host(*values)  # type: ignore[misc]
            if result.__class__ is CoroutineType:
                result = meter.await_for(self, result)
        except BaseException as error:
            meter.outside = before
            if isinstance(error, WasmException):
                # the guest may go on: the others that it stands for are swallowed
                meter.left += meter.unspent
                meter.unspent = unspent
            else:
                meter.unspent += unspent
            meter.host_error = error
            raise
        meter.outside = before
        meter.left += meter.unspent
        meter.unspent = unspent
        return result

    def _results(self, meter: Meter, result: Any) -> list[Any]:
        kinds = self.type.results
        if len(kinds) == 1:
            values: Sequence[Any] = (result,)
        elif isinstance(result, (tuple, list)) and len(result) == len(kinds):
            values = result
        else:
            raise self._bad_result(meter, result, f"{len(kinds)} results")
        try:
            return [from_python(kind, value) for kind, value in zip(kinds, values)]
        except (TypeError, ValueError, OverflowError) as error:
            raise self._bad_result(meter, result, str(error)) from None

    def _bad_result(self, meter: Meter, result: Any, why: str) -> HostError:
        error = HostError(
            f"host function {self.name or '?'} of type {self.type} returned {result!r:.80}: {why}"
        )
        meter.host_error = error
        return error

    def __repr__(self) -> str:
        if self.instance is None:
            return f"<Func {self.name or '?'} {self.type} of the host>"
        module = self.instance.module
        name = module.function_name(self.index)
        label = f"${demangled(name)}" if name else str(self.index)
        where = f" in {module.name}" if module.name else ""
        offset = module.function_offset(self.index)
        return f"<Func {label} {self.type} at {offset:#x}{where}>"


def _converters(
    type: FuncType, callable: Callable[..., Any], access_caller: bool
) -> tuple[Callable[[int], Any] | None, ...]:
    """How each argument reaches the host: ``None`` as it is."""
    annotations = _annotations(callable)[access_caller:]  # the caller's own parameter comes first
    unsigned = [_is_unsigned(annotation) for annotation in annotations]
    unsigned += [False] * (len(type.params) - len(unsigned))
    return tuple(None if free else OUTWARD.get(kind) for kind, free in zip(type.params, unsigned))


def _annotations(callable: Any) -> list[Any]:
    """Annotations of the positional parameters that a caller gives, of the function that wrappers,
    bound methods, ``partial`` and objects with ``__call__`` lead to.

    It is what ``inspect.signature`` finds, whose import takes as long as a small module's load.
    """
    taken = 0
    given: set[str] = set()
    for _ in range(_MOST_WRAPPERS):
        if hasattr(callable, "__func__"):
            taken += 1
            callable = callable.__func__
        elif isinstance(callable, functools.partial):
            taken += len(callable.args)
            given.update(callable.keywords)
            callable = callable.func
        elif hasattr(callable, "__wrapped__"):
            callable = callable.__wrapped__
        elif hasattr(callable, "__code__"):
            break
        else:
            callable = getattr(callable, "__call__", None)  # noqa: B004
            if not hasattr(callable, "__func__"):
                return []
    code = getattr(callable, "__code__", None)
    names = () if code is None else code.co_varnames[taken : code.co_argcount]
    annotations = getattr(callable, "__annotations__", {})
    return [annotations.get(name) for name in names if name not in given]


def _is_unsigned(annotation: Any) -> bool:
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return name.rpartition(".")[2] in _UNSIGNED
