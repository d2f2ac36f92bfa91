"""Grading many: :func:`~pywasmgk.grading.grade` over any executor, in order, with few in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack
from itertools import islice

from .judging import Grade, grade
from .specification import Specification
from .submissions import Submission

__all__ = ["grade_all"]

#: submissions that a task grades, and tasks that wait for each worker
_CHUNK, _AHEAD = 4, 3


def grade_all(
    specification: Specification,
    submissions: Iterable[Submission],
    *,
    executor: Executor | None = None,
    jobs: int = 1,
) -> Iterator[Grade]:
    """The grades of submissions, in their order. With ``executor`` they are graded there, which may
    be a pool of threads or processes, or a cluster's; else in ``jobs`` processes, or here if that
    is 1. Submissions are read as they are needed; grades are the same, to the byte, wherever they
    are made. Raises what an executor raises whose workers are lost."""
    if executor is None and jobs <= 1:
        for submission in submissions:
            yield grade(specification, submission)
        return
    with ExitStack() as stack:
        if executor is None:
            executor = stack.enter_context(ProcessPoolExecutor(jobs))
        yield from _spread(executor, specification, submissions, max(jobs, 2) * _AHEAD)


def _spread(
    executor: Executor,
    specification: Specification,
    submissions: Iterable[Submission],
    most: int,
) -> Iterator[Grade]:
    waiting: deque[Future[list[Grade]]] = deque()
    source = iter(submissions)
    try:
        while chunk := list(islice(source, _CHUNK)):
            waiting.append(executor.submit(_grade_some, specification, chunk))
            while len(waiting) >= most:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _grade_some(specification: Specification, submissions: list[Submission]) -> list[Grade]:
    return [grade(specification, submission) for submission in submissions]
