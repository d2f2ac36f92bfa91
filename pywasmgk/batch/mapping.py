"""Many inputs over an executor: in chunks of a measured size, few ahead, none lost.

The inputs of a chunk whose worker died are suspects: they are done again alone, nothing beside
them, in halves, until the one that kills its worker is known.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, wait
from itertools import islice
from typing import Any, NamedTuple, Union
from uuid import uuid4

from ..errors import BatchError
from ..wasm.runtime.metering import CancelToken
from .forms import dumped
from .results import Result, Verdict
from .tasks import Task, identity, task_bytes
from .worker import MISSING_TASK, input_form, results_of, run_chunk

__all__ = ["amap", "map", "submit"]

#: seconds that a chunk shall take, and inputs that it has at most
_CHUNK_SECONDS, _MOST_INPUTS = 0.1, 1000
#: chunks that are under way for each worker
_AHEAD = 2
#: seconds between two looks at whether all is cancelled
_LOOK = 0.5
#: results that are held back, at most, for an earlier one that takes long
_MOST_HELD = 10_000

#: executors one after the other that may be made and take no task
_MOST_UNUSABLE = 3

#: an executor, something that has one (a client of Dask's), or what makes one anew
Executors = Union[Executor, Callable[[], Any], Any]
Progress = Callable[[Result], object]
_END: Any = object()


class _Chunk(NamedTuple):
    """Inputs that are done together."""

    start: int
    forms: list[Any]
    #: how often a worker has died that had nothing but this one input
    deaths: int = 0
    alone: bool = False


class _Sent(NamedTuple):
    """A chunk that is under way."""

    chunk: _Chunk
    future: Future[bytes]
    executor: Any


def map(
    task: Task,
    inputs: Iterable[Any],
    *,
    executor: Executors = None,
    ordered: bool = True,
    retries: int = 2,
    idempotent: bool = True,
    workers: int | None = None,
    cancel: CancelToken | None = None,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Does a task for each input, and gives the results as they come: in the inputs' order, or with
    ``ordered=False`` as soon as they are there.

    ``executor`` is one of ``concurrent.futures``' or like them, of processes, threads or a cluster;
    a Dask client; or a function that makes one, which is called again when all its workers have
    died, and whose executor is shut down at the end. Without one all is done here. ``workers`` is
    how many it has, where it does not say. Inputs are taken as they are needed, a few chunks
    ahead; there may be endlessly many.

    An input whose worker dies is tried ``retries`` times more, then its verdict is ``lost``. With
    ``idempotent=False`` nothing is tried twice: each input that may have begun in a worker that
    died is ``lost``. ``cancel`` ends all within half a second, also where a cluster has
    no workers left; so does closing the iterator.
    ``progress`` is told of each result.

    Raises BatchError for inputs that cannot travel and for an executor that is broken and that
    nobody can make anew.
    """
    batch = _Batch(task, executor, retries, idempotent, workers, cancel)
    source = enumerate(inputs)
    try:
        found = batch.here(source) if executor is None else batch.run(source, ordered)
        for result in found:
            if progress is not None:
                progress(result)
            yield result
            if cancel is not None and cancel.cancelled:
                return
    finally:
        batch.close()


async def amap(task: Task, inputs: Iterable[Any], **options: Any) -> AsyncIterator[Result]:
    """:func:`map` for coroutines: the event loop goes on while results are waited for."""
    results = map(task, inputs, **options)
    step: asyncio.Future[Any] | None = None
    try:
        while True:
            step = asyncio.ensure_future(asyncio.to_thread(next, results, _END))
            result = await asyncio.shield(step)
            if result is _END:
                return
            yield result
    finally:
        if step is not None:
            # cancelled while a thread waits: no generator can be closed before that has ended
            await asyncio.gather(step, return_exceptions=True)
        await asyncio.to_thread(results.close)  # type: ignore[attr-defined]


def submit(task: Task, given: Any, executor: Any) -> Future[Result]:
    """Does a task for one input on an executor; the future gives its result, or raises what the
    executor raises when its worker dies."""
    content = task_bytes(task)
    inner = _executor_of(executor).submit(
        run_chunk, identity(content), content, dumped([input_form(given)]), uuid4().hex
    )
    outer: Future[Result] = Future()

    def ended(future: Any) -> None:
        if not outer.set_running_or_notify_cancel():
            return
        try:
            outer.set_result(results_of(future.result())[0])
        except BaseException as error:
            outer.set_exception(error)

    inner.add_done_callback(ended)
    outer.add_done_callback(lambda future: future.cancelled() and inner.cancel())
    return outer


def _executor_of(given: Any) -> Any:
    """An executor: itself, or that of a client of Dask's."""
    get = getattr(given, "get_executor", None)
    return given if get is None else get()


def _require_one_try(client: Any) -> None:
    """Raises BatchError for a client of Dask's whose scheduler gives tasks of workers that died to
    others by itself."""
    ask = getattr(client, "run_on_scheduler", None)
    if ask is None:
        return
    if ask(_allowed_failures):
        raise BatchError(
            "this scheduler does tasks again whose workers died: set "
            "distributed.scheduler.allowed-failures to 0 where it runs, for idempotent=False"
        )


def _allowed_failures(dask_scheduler: Any) -> int:
    return int(dask_scheduler.allowed_failures)


class _Batch:
    """One run of :func:`map`."""

    def __init__(
        self,
        task: Task,
        executor: Any,
        retries: int,
        idempotent: bool,
        workers: int | None,
        cancel: CancelToken | None,
    ) -> None:
        self._content = task_bytes(task)
        self._task = identity(self._content)
        self._retries = retries
        self._idempotent = idempotent
        self._cancel = cancel
        makes = isinstance(executor, type) or (
            callable(executor) and not hasattr(executor, "submit")
        )
        self._make: Callable[[], Any] | None = executor if makes else None
        given = executor() if makes else executor
        if not idempotent:
            _require_one_try(given)
        self._executor = _executor_of(given)
        self._workers = workers
        #: executors one after the other that took nothing
        self._unusable = 0
        #: the mean of a task, as measured
        self._seconds = 0.0
        self._waiting: deque[_Sent] = deque()
        self._suspects: deque[_Chunk] = deque()

    # -- here

    def here(self, source: Iterator[tuple[int, Any]]) -> Iterator[Result]:
        """Does all in this thread."""
        for index, given in source:
            data = run_chunk(self._task, self._content, dumped([input_form(given)]))
            yield results_of(data)[0]._replace(number=index)

    # -- on an executor

    def run(self, source: Iterator[tuple[int, Any]], ordered: bool) -> Iterator[Result]:
        """Does all on the executor."""
        #: in order: the chunks that were taken, and what came of those that are done
        order: deque[int] = deque()
        done: dict[int, Result] = {}
        more = True
        while self._cancel is None or not self._cancel.cancelled:
            while more and self._may_send(len(done)):
                chunk = self._next(source)
                more = chunk is not None
                if chunk is not None:
                    order.extend(range(chunk.start, chunk.start + len(chunk.forms)))
                    self._send(chunk)
            for result in self._some():
                done[result.number] = result
            if ordered:
                while order and order[0] in done:
                    yield done.pop(order.popleft())
            else:
                order.clear()
                yield from done.values()
                done.clear()
            if not more and not self._waiting and not self._suspects:
                return

    def _may_send(self, held: int) -> bool:
        """Whether another chunk may be sent, while results are held back for an earlier one."""
        if self._suspects or held > _MOST_HELD:
            return False
        count = self._workers or getattr(self._executor, "_max_workers", None) or os.cpu_count()
        return len(self._waiting) <= _AHEAD * int(count or 1)

    def _next(self, source: Iterator[tuple[int, Any]]) -> _Chunk | None:
        size = 1
        if self._idempotent and self._seconds:
            size = max(1, min(int(_CHUNK_SECONDS / self._seconds), _MOST_INPUTS))
        taken = list(islice(source, size))
        return _Chunk(taken[0][0], [input_form(given) for _, given in taken]) if taken else None

    def _send(self, chunk: _Chunk, *, whole: bool = False) -> None:
        content = self._content if whole else None
        executor = self._executor
        try:
            future = executor.submit(
                run_chunk, self._task, content, dumped(chunk.forms), uuid4().hex
            )
        except (BrokenExecutor, RuntimeError) as error:
            # nothing of it has begun
            self._unusable += 1
            if self._unusable > _MOST_UNUSABLE:
                raise BatchError("the executors that are made take no tasks") from error
            self._remake(executor, error)
            self._suspects.append(chunk)
            return
        self._unusable = 0
        self._waiting.append(_Sent(chunk, future, executor))

    def _some(self) -> Iterator[Result]:
        """What is done by now; waits for a chunk, for a while."""
        if not self._waiting and self._suspects:
            self._send(self._suspects.popleft()._replace(alone=True))
        if not self._waiting:
            return
        done, _ = wait(
            [sent.future for sent in self._waiting], _LOOK, return_when="FIRST_COMPLETED"
        )
        ended = [sent for sent in self._waiting if sent.future in done]
        self._waiting = deque(sent for sent in self._waiting if sent.future not in done)
        for sent in ended:
            yield from self._ended(sent)

    def _ended(self, sent: _Sent) -> Iterator[Result]:
        chunk = sent.chunk
        try:
            data = sent.future.result()
        except BatchError:
            raise
        except (Exception, CancelledError) as error:
            yield from self._died(sent, error)
            return
        if data == MISSING_TASK:
            self._send(chunk, whole=True)
            return
        results = results_of(data)
        if len(results) != len(chunk.forms):
            raise BatchError("a worker gave results for other inputs")
        mean = sum(result.seconds for result in results) / len(results)
        self._seconds = mean if not self._seconds else 0.7 * self._seconds + 0.3 * mean
        for number, result in enumerate(results):
            yield result._replace(number=chunk.start + number)

    def _died(self, sent: _Sent, error: BaseException) -> Iterator[Result]:
        """The worker of a chunk has died, or all of them have."""
        chunk = sent.chunk
        if isinstance(error, BrokenExecutor):
            self._remake(sent.executor, error)
        if not self._idempotent:
            yield from self._lost(chunk, error)
        elif len(chunk.forms) > 1:
            half = len(chunk.forms) // 2
            self._suspects.append(_Chunk(chunk.start, chunk.forms[:half]))
            self._suspects.append(_Chunk(chunk.start + half, chunk.forms[half:]))
        elif chunk.deaths + chunk.alone > self._retries or not self._retries:
            yield from self._lost(chunk, error)
        else:
            # only where nothing was beside it, it is known that it was this one
            self._suspects.append(chunk._replace(deaths=chunk.deaths + chunk.alone))

    def _lost(self, chunk: _Chunk, error: BaseException) -> Iterator[Result]:
        text = f"the worker died: {type(error).__name__}: {error}"[:1000]
        for number in range(len(chunk.forms)):
            yield Result(
                None, Verdict.LOST, text, 0, 0, b"", b"", False, (), 0.0, "", chunk.start + number
            )

    def _remake(self, broken: Any, error: BaseException) -> None:
        """Takes a new executor for one that is broken, once for all of its chunks. Raises
        BatchError."""
        if broken is not self._executor:
            return
        if self._make is None:
            raise BatchError(
                "the executor is broken; given a function that makes one, a batch goes on"
            ) from error
        if isinstance(broken, Executor):
            broken.shutdown(wait=False, cancel_futures=True)
        self._executor = _executor_of(self._make())

    def close(self) -> None:
        """Cancels what has not begun, and shuts down an executor of its own."""
        for sent in self._waiting:
            sent.future.cancel()
        if self._make is not None and isinstance(self._executor, Executor):
            self._executor.shutdown(wait=True, cancel_futures=True)
