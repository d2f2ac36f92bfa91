"""Calls of the host that whoever holds an execution answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import HostError
from ...printable import printable
from ..runtime.functions import Func
from .activations import is_indirect
from .stops import Breakpoint

if TYPE_CHECKING:
    from .activations import Activation

__all__ = ["AsyncCalls", "Deferred", "Known", "PendingCall", "approved", "raising"]

#: says whether the next call of the host is answered; as long as somebody holds the execution
Known = Callable[[], "Callable[[], bool] | None"]


class Deferred(Breakpoint):
    """Before calls of the host that are not answered yet."""

    lasting = True

    def __init__(self, host_call: str, known: Known) -> None:
        super().__init__(host_call=host_call)
        self._known = known

    def holds(self, activation: Activation) -> bool:
        known = self._known()
        return known is not None and not known() and super().holds(activation)


class AsyncCalls(Deferred):
    """Before calls of the host's ``async def`` functions."""

    def __init__(self, known: Known) -> None:
        super().__init__("*", known)

    def is_called(self, callee: Func | None, func: Func, index: int | None) -> bool:
        host = None if callee is None else callee.host
        return inspect.iscoroutinefunction(host) or inspect.iscoroutinefunction(
            getattr(host, "__call__", None)  # noqa: B004
        )


class PendingCall(NamedTuple):
    """A call of the host that waits for its answer."""

    #: ``module.name`` of the import, or the function's own name
    name: str
    #: as the host's function would get them
    arguments: tuple[Any, ...]
    #: the host's function
    func: Func

    @classmethod
    def of(cls, activation: Activation) -> PendingCall:
        """The call that a frame is before. Raises HostError if it is none of the host's."""
        callee = activation.callee()
        if callee is None or callee.host is None:
            raise HostError("no function of the host is called here")
        count = callee.nparams
        values = activation.raw_operands(count + is_indirect(activation.row))[:count]
        name = activation.import_name() or callee.name or "?"
        return cls(name, tuple(callee.python_values(values)), callee)

    def __str__(self) -> str:
        return f"the call of {printable(self.name)}"


def raising(error: BaseException) -> Callable[[], Any]:
    """An answer that is an exception."""

    def answer() -> Any:
        raise error

    return answer


def approved() -> Any:
    """Stands for the answer of the host's own function."""
