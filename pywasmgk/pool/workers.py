"""Workers as the pool's process sees them: a process, or a thread of its own."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from itertools import count
from multiprocessing.context import BaseContext
from typing import Any

from ..errors import CallError, CallTimeout, Cancelled, PluginError, Stopped
from ..plugin import HostAPI, Plugin
from ..plugin.dispatcher import HostDispatcher, in_chain
from ..plugin.recipe import PluginRecipe
from ..wasm.module import Module
from ..wasm.runtime.calls import Opened
from ..wasm.runtime.metering import Meter
from .jobs import Job
from .serving import Facts, Request, facts_of, receive, send, serve, told_elsewhere

__all__ = ["Lost", "ProcessWorker", "Spec", "ThreadWorker", "Worker", "overdue"]

#: seconds between two looks at whether a call is overdue
_LOOK_EVERY = 0.2
#: seconds that a process has to end by itself
_TO_END = 2.0


class Lost(Exception):
    """A worker ended with a call; ``began`` says whether that may have begun."""

    def __init__(self, why: str, *, began: bool) -> None:
        super().__init__(why)
        self.began = began


@dataclasses.dataclass(frozen=True)
class Spec:
    """How a pool's workers are made."""

    recipe: PluginRecipe
    #: seconds for a call to end behind its deadline, before its worker is killed
    grace: float
    #: seconds for a process to load the plugin
    start_timeout: float
    #: ``None`` is threads
    context: BaseContext | None
    #: of all threads, which share what is compiled
    module: Module | None = None

    def start(self) -> Worker:
        """A worker that begins to load the plugin. Raises RecipeError."""
        return ThreadWorker(self) if self.context is None else ProcessWorker(self, self.context)


class Worker(ABC):
    """One instance of the plugin, used by one thread of the pool's."""

    facts: Facts

    @abstractmethod
    def wait_until_ready(self) -> None:
        """Waits until the plugin is loaded. Raises what loading raises."""

    @abstractmethod
    def is_alive(self) -> bool:
        """Whether it can be given calls."""

    @abstractmethod
    def run(self, job: Job, host: HostAPI | None, identity: str) -> bytes | None:
        """Makes a call and gives its result. Raises what the call raises, and Lost."""

    @abstractmethod
    def cancel(self, job: Job) -> None:
        """Ends the call, from another thread."""

    @abstractmethod
    def stop(self) -> None:
        """Ends it when it has no call."""

    @abstractmethod
    def kill(self) -> None:
        """Ends it at once where that is possible, from any thread."""


def overdue(job: Job, label: str) -> CallError:
    """What a call is told that has not ended when it should have."""
    if job.cancelled_at is not None:
        text = f"{label}: cancelled"
        return CallError(text, Cancelled("cancelled, and its worker had to be ended"))
    return CallTimeout(
        f"{label} did not come back within {job.timeout:g} s, and its worker was ended"
    )


class _Hosting:
    """Answers one worker's host calls by a host of this process."""

    def __init__(self, host: HostAPI, identity: str, facts: Facts) -> None:
        self.host = host
        self.identity = identity
        self.dispatcher = HostDispatcher(host, identity, facts.limits)

    def answer(
        self, job: Job, name: str, args: bytes, fuel: int | None, seconds: float | None
    ) -> tuple[bytes | None, BaseException | None, int]:
        """The response, or what the worker is to raise, and the fuel that was spent."""
        meter = Meter(fuel, None if seconds is None else max(seconds, 1e-9), job.cancel)
        chain = in_chain(self.identity, outermost=job.outermost)
        try:
            with Opened(meter), chain:
                try:
                    return self.dispatcher.call(name, args, meter), None, meter.fuel_used
                except Stopped:
                    raise
                except Exception as error:  # whatever a host's own code raises
                    self.dispatcher.failed(name, error, meter)
                    return None, told_elsewhere(error), meter.fuel_used
        except Stopped as error:
            return None, error, meter.fuel_used

    def log(self, job: Job, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """A line of the plugin's."""
        with in_chain(self.identity, outermost=job.outermost):
            self.dispatcher.log(level, message, fields, None)


class ProcessWorker(Worker):
    """A process. What it sends is pickled: it runs our own code."""

    def __init__(self, spec: Spec, context: BaseContext) -> None:
        self._grace, self._start_timeout = spec.grace, spec.start_timeout
        options = spec.recipe.options
        bare = dataclasses.replace(options, cache_dir=None, snapshot_key=None)
        data = dataclasses.replace(spec.recipe, options=bare).to_bytes()
        local = {"cache_dir": options.cache_dir, "snapshot_key": options.snapshot_key}
        self._calls, calls = context.Pipe()
        control, self._control = context.Pipe(duplex=False)
        # not all contexts have one, says typeshed
        make: Any = context.Process  # type: ignore[attr-defined]
        self.process = make(
            target=serve,
            args=(calls, control, data, spec.recipe.host, local),
            name="pywasmgk pool worker",
            daemon=True,
        )
        self._numbers = count()
        self._number = -1
        self._hosting: _Hosting | None = None
        try:
            self.process.start()
        except BaseException:
            self._close()
            raise
        finally:
            calls.close()
            control.close()

    def wait_until_ready(self) -> None:
        try:
            if not self._calls.poll(self._start_timeout):
                raise PluginError(f"a worker was not ready within {self._start_timeout:g} s")
            answer = receive(self._calls)
        except (EOFError, OSError):
            self.kill()
            raise PluginError(f"a worker {self._ending()} while it loaded the plugin") from None
        except BaseException:
            self.kill()
            raise
        if answer[0] == "failed":
            self.stop()
            raise _with_cause(*answer[1:3])
        self.facts = answer[1]

    def is_alive(self) -> bool:
        alive: bool = self.process.is_alive()
        return alive

    def run(self, job: Job, host: HostAPI | None, identity: str) -> bytes | None:
        hosting = self._hosting_of(host, identity)
        observer = None if hosting is None else hosting.dispatcher.observer
        around: Any = nullcontext()
        if hosting is not None and observer is not None:
            meter = Meter(job.fuel, job.seconds_left(), job.cancel)
            with in_chain(identity, outermost=job.outermost):
                context = hosting.dispatcher.context(meter)
            around = observer.plugin_call(context, job.function)
        with around:
            self._send(job, hosting is not None)
            return self._result(job, hosting)

    def _hosting_of(self, host: HostAPI | None, identity: str) -> _Hosting | None:
        if host is None:
            return None
        found = self._hosting
        if found is None or found.host is not host or found.identity != identity:
            found = self._hosting = _Hosting(host, identity, self.facts)
        found.dispatcher.begin_call()
        return found

    def _send(self, job: Job, hosted: bool) -> None:
        left = job.seconds_left()
        self._number = number = next(self._numbers)
        request = Request(
            number,
            job.function,
            job.args,
            None if left is None else max(left, 1e-9),
            job.fuel,
            job.behalf,
            hosted,
        )
        try:
            send(self._calls, request)
        except OSError:
            raise Lost(self._ending(), began=False) from None
        if job.cancelled_at is not None:
            # who cancelled it may have done so before there was a number
            self.cancel(job)

    def _result(self, job: Job, hosting: _Hosting | None) -> bytes | None:
        try:
            while True:
                while not self._calls.poll(_LOOK_EVERY):
                    if job.is_overdue(self._grace):
                        self.kill()
                        raise Lost("was overdue", began=True)
                kind, *rest = receive(self._calls)
                if kind == "done":
                    result, job.last_call = rest
                    return result  # type: ignore[no-any-return]
                if kind == "failed":
                    error, cause, job.last_call = rest
                    raise _with_cause(error, cause)
                if hosting is not None and kind == "log":
                    hosting.log(job, *rest)
                elif hosting is not None:
                    send(self._calls, hosting.answer(job, *rest))
        except CallTimeout:
            # it is an OSError
            raise
        except (EOFError, OSError):
            raise Lost(self._ending(), began=True) from None

    def cancel(self, job: Job) -> None:
        # it may be gone
        with suppress(OSError, ValueError):
            send(self._control, self._number)

    def stop(self) -> None:
        with suppress(OSError, ValueError):
            send(self._calls, None)
        self.process.join(_TO_END)
        self.kill()

    def kill(self) -> None:
        # another thread may have closed it
        with suppress(ValueError, OSError):
            self.process.kill()
            self.process.join(_TO_END)

    def close(self) -> None:
        """Gives back what it had of this process, when it has ended."""
        self.kill()
        self._close()

    def _close(self) -> None:
        self._calls.close()
        self._control.close()
        with suppress(ValueError):
            self.process.close()

    def _ending(self) -> str:
        """How the process has ended, for messages."""
        self.process.join(_TO_END)
        code = self.process.exitcode
        return f"ended by signal {-code}" if code is not None and code < 0 else f"ended ({code})"


class ThreadWorker(Worker):
    """An instance in a thread of the pool's."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._plugin: Plugin | None = None
        self._host: tuple[HostAPI, str] | None = None

    def wait_until_ready(self) -> None:
        self._plugin = self._spec.recipe.load(module=self._spec.module)
        self.facts = facts_of(self._plugin)

    def is_alive(self) -> bool:
        return True

    def run(self, job: Job, host: HostAPI | None, identity: str) -> bytes | None:
        plugin = self._plugin
        if plugin is None:
            raise Lost("was not ready", began=False)
        if host is not None and self._host != (host, identity):
            # the pool has been admitted in its place
            plugin.attach(HostDispatcher(host, identity, plugin.limits))
            self._host = host, identity
        left = job.seconds_left()
        timeout = None if left is None else max(left, 1e-9)
        # inside another call its name comes behind that one's
        account = Opened(Meter(job.fuel, timeout, job.cancel))
        try:
            with nullcontext() if job.outermost else account:
                return plugin.call_raw(
                    job.function, job.args, timeout=timeout, fuel=job.fuel, cancel=job.cancel
                )
        finally:
            job.last_call = plugin.last_call

    def cancel(self, job: Job) -> None:
        """Its token was used."""

    def stop(self) -> None:
        if self._plugin is not None:
            self._plugin.shutdown()

    def kill(self) -> None:
        """Nothing can: what runs ends with its deadline."""


def _with_cause(error: BaseException, cause: BaseException | None) -> BaseException:
    error.__cause__ = cause
    return error
