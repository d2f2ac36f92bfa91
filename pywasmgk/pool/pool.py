"""A plugin that is called by many at once: some workers with an instance each, and one queue."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import multiprocessing
import os
import threading
import time
from collections.abc import Hashable
from concurrent.futures import wait
from typing import Any

from ..errors import (
    CallError,
    CallTimeout,
    Cancelled,
    PluginClosed,
    PluginError,
    PoolBusy,
    PywasmgkError,
    WorkerLost,
)
from ..plugin import MISSING, GKRegistration, HostAPI, LastCall
from ..plugin.gojson import encode
from ..plugin.guarding import GuardedHost, HostPolicy
from ..plugin.limits import seconds
from ..plugin.recipe import PluginRecipe
from ..plugin.results import result_value
from ..printable import printable
from ..wasm.module import Module
from ..wasm.runtime.metering import CancelToken, current_meter
from .jobs import FairQueue, Job
from .statistics import Counters, PoolStatistics
from .workers import Lost, ProcessWorker, Spec, Worker, overdue

__all__ = ["PluginPool"]

#: seconds between two looks at a CancelToken, which tells nobody; at workers that have no call
_LOOK_EVERY, _IDLE_LOOK = 0.02, 0.5
#: seconds before a worker that could not be started is tried again, the first time and at most
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
#: workers that a call may be given to
_MOST_ATTEMPTS = 2
#: seconds for threads to end when all that they wait for was ended
_TO_END = 5.0


class PluginPool:
    """Several instances of one plugin, each in a worker of its own, called as one plugin is.

    ::

        with PluginPool(PluginRecipe.of(data, host="shop.hosts:make"), size=4) as pool:
            pool.call("price", {"article": 7}, caller="customer 12")

    ``plugin`` is a :class:`~pywasmgk.PluginRecipe`, or what ``PluginRecipe.of`` takes, with its
    ``options``. ``executor`` is ``"processes"`` or ``"threads"``; processes are started by
    ``start_method``, ``"spawn"`` or ``"forkserver"``, ``size`` of them, by default as many as there
    are processors. A worker has its host by the recipe's factory; without one, host calls come to
    this process, to the ``host`` that is given here or by :meth:`init`.

    Calls wait in one queue, at most ``waiting`` of them. Those of one ``caller`` are in order, and
    callers have their turns one after the other. A call's ``timeout``, at most the plugin's own,
    counts from its beginning, waiting included. A worker whose call has not come back ``grace``
    seconds after that is killed (threads cannot be). Each worker keeps what its guest keeps between
    calls: which one has a call is not said.

    Raises what loading the plugin raises, and ValueError for an executor that is not known.
    """

    def __init__(
        self,
        plugin: PluginRecipe | bytes | str | Module,
        size: int | None = None,
        executor: str = "processes",
        *,
        host: HostAPI | None = None,
        waiting: int = 1_000,
        grace: float = 1.0,
        start_timeout: float = 60.0,
        start_method: str = "spawn",
        **options: Any,
    ) -> None:
        if executor not in ("processes", "threads"):
            raise ValueError(f"executor must be 'processes' or 'threads', found {executor!r}")
        if start_method not in ("spawn", "forkserver"):
            # a forked process has the locks of threads that it does not have
            raise ValueError(
                f"start_method must be 'spawn' or 'forkserver', found {start_method!r}"
            )
        #: workers that there are to be
        self.size = (os.cpu_count() or 1) if size is None else size
        if self.size < 1:
            raise ValueError(f"size must be at least 1, found {self.size}")
        recipe = _recipe(plugin, options)
        context = multiprocessing.get_context(start_method) if executor == "processes" else None
        self._spec = _for_threads(Spec(recipe, grace, start_timeout, context))
        self._most_waiting = waiting
        #: what is below is changed and looked at under it
        self._changed = threading.Condition()
        self._queue = FairQueue()
        self._counters = Counters()
        self._running: dict[Job, Worker] = {}
        self._closed = False
        #: why the latest worker could not be started, if that is so
        self.last_error: BaseException | None = None
        self._local = threading.local()
        self._host: HostAPI | None = None
        #: recipes so far; workers of earlier ones are replaced when they have no call
        self._generation = 0
        ready = _started(self._spec, self.size)
        self._take_facts(ready[0])
        #: workers that no thread has yet
        self._ready = ready
        #: the name by which the host knows it
        self.identity = self.name if recipe.name is None else recipe.name
        try:
            if host is not None:
                self.init(host, name=self.identity)
        except BaseException:
            for worker in ready:
                _end(worker)
            raise
        self._threads = [
            threading.Thread(target=self._keep, name=f"plugin pool {number}", daemon=True)
            for number in range(self.size)
        ]
        for thread in self._threads:
            thread.start()

    def _take_facts(self, worker: Worker) -> None:
        facts = worker.facts
        self._registration, self.limits, self.warnings = facts
        #: the name in the manifest
        self.name = facts.registration.name
        self._label = f"plugin {printable(self.name)!r}"

    # -- what it is

    @property
    def recipe(self) -> PluginRecipe:
        """What its workers are made from now."""
        return self._spec.recipe

    @property
    def registration(self) -> GKRegistration:
        """The manifest, as an object of the caller's own."""
        return copy.deepcopy(self._registration)

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of its module, by which a host knows it again."""
        return self._spec.recipe.fingerprint

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    @property
    def last_call(self) -> LastCall | None:
        """What the calling thread's latest call took, without its waiting; ``None`` before the
        first, and where the worker was lost."""
        found: LastCall | None = getattr(self._local, "last_call", None)
        return found

    @property
    def statistics(self) -> PoolStatistics:
        """What it has done so far."""
        with self._changed:
            counters = self._counters
            counters.running = len(self._running)
            return counters.shown(self.size, len(self._queue))

    def __repr__(self) -> str:
        state = " (closed)" if self._closed else ""
        return f"<PluginPool {printable(self.name)} of {self.size}{state}>"

    # -- life

    def init(
        self,
        host: HostAPI,
        *,
        name: str | None = None,
        replace: bool = False,
        policy: HostPolicy | None = None,
    ) -> None:
        """Has a host of this process answer host calls, as ``Plugin.init`` does; calls that have
        begun go on with the earlier one. Functions that are ``async def`` cannot be called so, and
        of a policy's limits fuel and time hold, those of memory do not.

        Raises PluginError for a recipe with a host of its own, and for a name that the host has
        given to another plugin.
        """
        if self._spec.recipe.host is not None:
            raise PluginError(f"{self._label} has its host by its recipe")
        identity = self.name if name is None else name
        if isinstance(host, HostAPI):
            identity = host.admit(self, identity, replace=replace)
        guarded = host if policy is None else policy.guard(host, self, identity)
        with self._changed:
            self._host, self.identity = guarded, identity

    def replace(self, plugin: PluginRecipe | bytes | str | Module, **options: Any) -> None:
        """Has another recipe, or other options, take the place of what it has. The new workers are
        loaded first, while the old ones go on. Calls that have begun end on the old ones; all that
        wait, and all that come, go to the new.

        Raises what loading raises, and PluginClosed; then the old ones stay.
        """
        spec = _for_threads(
            dataclasses.replace(self._spec, recipe=_recipe(plugin, options), module=None)
        )
        if self._host is not None and spec.recipe.host is not None:
            raise PluginError(f"{self._label} has a host already, and the recipe another one")
        ready = _started(spec, self.size)
        with self._changed:
            if not self._closed:
                # those that no thread has taken yet are of the recipe before
                ready, self._ready = self._ready, ready
                self._spec = spec
                self._generation += 1
                self._take_facts(self._ready[0])
                self._changed.notify_all()
            refused = self._closed
        for worker in ready:
            _end(worker)
        if refused:
            raise PluginClosed(f"{self._label} is closed")

    def close(self, timeout: float | None = None) -> None:
        """Takes no more calls, waits for those that it has, at most ``timeout`` seconds, and ends
        the workers; what has not ended until then fails with PluginClosed. A second time it waits
        again, for less."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(None if end is None else max(end - time.monotonic(), 0.0))
        if any(thread.is_alive() for thread in self._threads):
            self._break_off()
        with self._changed:
            left, self._ready = self._ready, []
        for worker in left:
            _end(worker)

    def _break_off(self) -> None:
        closed = PluginClosed(f"{self._label} is closed")
        with self._changed:
            for job in self._queue.drain():
                self._settle(job, closed)
            for job, worker in self._running.items():
                job.cancel.cancel()
                job.fail(closed)
                worker.kill()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_TO_END)

    def shutdown(self, *, force: bool = False, timeout: float | None = None) -> None:
        """:meth:`close`, by the name that plugins have; ``force`` waits for nothing."""
        self.close(0.0 if force else timeout)

    def __enter__(self) -> PluginPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        # an interruption waits for nothing
        self.close(None if kind is None or issubclass(kind, Exception) else 0.0)

    # -- calls

    def call(
        self,
        function: str,
        args: Any = MISSING,
        *,
        timeout: float | None = None,
        fuel: int | None = None,
        cancel: CancelToken | None = None,
        caller: Hashable = None,
        idempotent: bool = False,
    ) -> Any:
        """Calls a function with a JSON value, and gives its JSON value, as ``Plugin.call``.

        ``caller`` is whose call it is, for the queue. An ``idempotent`` call may be made once more
        if its worker is lost. Raises what ``Plugin.call`` raises, PoolBusy, and WorkerLost.
        """
        raw = None if args is MISSING else encode(args)
        result = self.call_raw(
            function, raw, timeout=timeout, fuel=fuel, cancel=cancel, caller=caller,
            idempotent=idempotent,
        )  # fmt: skip
        return self._decoded(function, result)

    def call_raw(
        self,
        function: str,
        args: bytes | None = None,
        *,
        timeout: float | None = None,
        fuel: int | None = None,
        cancel: CancelToken | None = None,
        caller: Hashable = None,
        idempotent: bool = False,
    ) -> bytes | None:
        """:meth:`call` with bytes; ``None`` is no result."""
        job, token = self._submitted(function, args, timeout, fuel, cancel, caller, idempotent)
        try:
            while not job.future.done():
                wait([job.future], self._look(job, token))
        except BaseException:
            # an interruption: nobody waits for it any more
            self._cancel(job)
            raise
        return self._taken(job)

    async def call_async(
        self,
        function: str,
        args: Any = MISSING,
        *,
        timeout: float | None = None,
        fuel: int | None = None,
        cancel: CancelToken | None = None,
        caller: Hashable = None,
        idempotent: bool = False,
    ) -> Any:
        """:meth:`call` from a coroutine. When the task is cancelled, the call is."""
        raw = None if args is MISSING else encode(args)
        job, token = self._submitted(function, raw, timeout, fuel, cancel, caller, idempotent)
        answer = asyncio.wrap_future(job.future)
        # a failure that nobody asks for any more is no news
        answer.add_done_callback(lambda found: found.cancelled() or found.exception())
        try:
            while not job.future.done():
                await asyncio.wait([answer], timeout=self._look(job, token))
        except BaseException:
            self._cancel(job)
            raise
        return self._decoded(function, self._taken(job))

    def _submitted(
        self,
        function: str,
        args: bytes | None,
        timeout: float | None,
        fuel: int | None,
        cancel: CancelToken | None,
        caller: Hashable,
        idempotent: bool,
    ) -> tuple[Job, CancelToken | None]:
        """A job in the queue, and what may cancel it."""
        limits, outer = self.limits, current_meter()
        if isinstance(self._host, GuardedHost):
            self._host.enter()
            limits = self._host.limits(limits)
        if outer is not None:
            # inside another call, that one's token and deadline count
            cancel = outer.cancel = outer.cancel or cancel
        left = None if outer is None else outer.seconds_left()
        known = [seconds(timeout), seconds(limits.timeout), left]
        allowed = min((limit for limit in known if limit is not None), default=None)
        given = [limit for limit in (fuel, limits.fuel) if limit is not None]
        job = Job(
            function, args, allowed, min(given, default=None), who=caller, idempotent=idempotent
        )
        with self._changed:
            if self._closed:
                raise PluginClosed(f"{self._label} is closed")
            if len(self._queue) >= self._most_waiting:
                raise PoolBusy(f"{self._label}: {self._most_waiting:,} calls wait already")
            self._queue.put(job)
            self._changed.notify()
        return job, cancel

    def _decoded(self, function: str, result: bytes | None) -> Any:
        return None if result is None else result_value(self.name, function, result, self.limits)

    def _taken(self, job: Job) -> bytes | None:
        self._local.last_call = job.last_call
        try:
            return job.future.result()
        finally:
            del job

    # -- what ends calls: whoever waits for one looks at it

    def _look(self, job: Job, token: CancelToken | None) -> float | None:
        """Ends a call whose time is over, or that is cancelled; seconds until the next look."""
        if token is not None and token.cancelled:
            self._cancel(job)
            token = None
        left = job.seconds_left()
        if left is not None and left <= 0:
            self._give_up(job, late=-left)
            left += 2 * self._spec.grace
        soon = _LOOK_EVERY if token is not None else None
        if left is None or soon is None:
            return soon if left is None else max(left, 0.0)
        return min(max(left, 0.0), soon)

    def _give_up(self, job: Job, *, late: float) -> None:
        with self._changed:
            if self._queue.remove(job):
                text = f"{self._label} was busy with other calls for {job.timeout:g} s"
                self._settle(job, CallTimeout(text))
                return
            worker = self._running.get(job)
        if late >= 2 * self._spec.grace and worker is not None:
            # its thread is busy itself, with a host function that does not come back
            job.fail(overdue(job, self._label))
            worker.kill()

    def _cancel(self, job: Job) -> None:
        with self._changed:
            if job.cancelled_at is not None or job.future.done():
                return
            job.cancelled_at = time.monotonic()
            job.cancel.cancel()
            if self._queue.remove(job):
                why = "cancelled while it waited for another call"
                self._settle(job, CallError(f"{self._label}: {why}", Cancelled(why)))
            elif job in self._running:
                self._running[job].cancel(job)

    def _settle(self, job: Job, outcome: BaseException | bytes | None) -> None:
        """Ends a call, under the lock."""
        if isinstance(outcome, BaseException):
            job.fail(outcome)
        else:
            job.succeed(outcome)
        self._counters.ended(job, time.monotonic())

    # -- one thread for each worker

    def _keep(self) -> None:
        """Has one worker make calls, and replaces it where that has to be."""
        worker, generation = self._first()
        pause = _FIRST_PAUSE
        while worker is None or self._work(worker, generation):
            if worker is not None:
                _end(worker)
            worker, generation = self._next()
            if worker is not None:
                pause = _FIRST_PAUSE
                continue
            with self._changed:
                if self._closed and not self._queue:
                    return
                self._changed.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        _end(worker)

    def _first(self) -> tuple[Worker | None, int]:
        with self._changed:
            return (self._ready.pop() if self._ready else None), self._generation

    def _next(self) -> tuple[Worker | None, int]:
        """Another worker, or ``None`` where it could not be started."""
        found, generation = self._first()
        if found is not None:
            return found, generation
        with self._changed:
            if self._closed and not self._queue:
                return None, generation
            spec = self._spec
        try:
            return _started(spec, 1)[0], generation
        except Exception as error:  # whatever loading raises: calls wait until their time is over
            with self._changed:
                self.last_error = error
            return None, generation

    def _work(self, worker: Worker, generation: int) -> bool:
        """Makes calls until the pool is closed, or until there has to be another worker: True."""
        while True:
            with self._changed:
                while not self._queue and not self._closed and generation == self._generation:
                    self._changed.wait(_IDLE_LOOK)
                    if not worker.is_alive():
                        break
                if not self._queue and self._closed:
                    return False
                if generation != self._generation:
                    return True
                if not worker.is_alive():
                    self._counters.restarts += 1
                    return True
                job = self._queue.take()
                job.attempts += 1
                self._running[job] = worker
                host, identity = self._host, self.identity
            if not self._carry_out(job, worker, host, identity):
                return True

    def _carry_out(self, job: Job, worker: Worker, host: HostAPI | None, identity: str) -> bool:
        """Makes a call; whether the worker can be used further."""
        outcome: BaseException | bytes | None
        lost: Lost | None = None
        try:
            if job.is_overdue(0.0):
                outcome = CallTimeout(f"{self._label} was busy for {job.timeout or 0:g} s")
            else:
                outcome = job.context.copy().run(worker.run, job, host, identity)
        except Lost as error:
            outcome, lost = None, error.with_traceback(None)
        except PywasmgkError as error:
            # whoever asked has an own one; the frames here would hold the error, which holds them
            outcome = error.with_traceback(None)
        except BaseException as error:
            outcome = error
        with self._changed:
            del self._running[job]
            if lost is None:
                self._settle(job, outcome)
                return True
            self._counters.restarts += 1
            self._lost(job, lost)
            return False

    def _lost(self, job: Job, lost: Lost) -> None:
        """A worker ended with a call, which is made again if that is right."""
        again = not lost.began or job.idempotent
        if job.is_overdue(self._spec.grace):
            self._settle(job, overdue(job, self._label))
        elif again and job.attempts < _MOST_ATTEMPTS and not job.future.done():
            self._queue.put(job, first=True)
            self._changed.notify()
        else:
            self._counters.lost += 1
            text = f"{self._label}: its worker process {lost}; what the call has done is not known"
            self._settle(job, WorkerLost(text))


def _recipe(plugin: PluginRecipe | bytes | str | Module, options: dict[str, Any]) -> PluginRecipe:
    """A recipe. Raises TypeError for options beside one."""
    if not isinstance(plugin, PluginRecipe):
        return PluginRecipe.of(plugin, **options)
    if options:
        raise TypeError(f"a recipe has its options: {sorted(options)}")
    return plugin


def _for_threads(spec: Spec) -> Spec:
    """A spec whose threads share what is compiled, if they are threads."""
    if spec.context is not None:
        return spec
    options = spec.recipe.options
    try:
        module = Module(
            spec.recipe.data,
            max_locals=options.limits.locals_limit,
            features=options.features,
            cache_dir=options.cache_dir,
        )
    except Exception:  # loading says what is wrong, in the plugin's words
        return spec
    return dataclasses.replace(spec, module=module)


def _started(spec: Spec, size: int) -> list[Worker]:
    """Workers that are ready: all of them, or none. Raises what loading raises."""
    workers: list[Worker] = []
    try:
        for _ in range(size):
            workers.append(spec.start())
        for worker in workers:
            worker.wait_until_ready()
    except BaseException:
        for worker in workers:
            worker.kill()
            _end(worker)
        raise
    return workers


def _end(worker: Worker) -> None:
    """Ends a worker that has no call, and gives back what it had."""
    worker.stop()
    if isinstance(worker, ProcessWorker):
        worker.close()
