"""What runs in workers: functions that executors can name, given bytes and giving bytes.

A worker keeps the tasks that it did last, decoded and validated. It is given a task's bytes only
when it says that it does not have them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from .forms import dumped, form_of, loaded, value_of
from .results import Result
from .running import Runner, runner_of
from .tasks import Run, identity, task_from_bytes

__all__ = ["MISSING_TASK", "input_form", "results_of", "run_chunk"]

#: what a worker gives that does not have the task
MISSING_TASK = b""
#: tasks that a worker keeps, and their bytes together
_MOST_TASKS, _MOST_BYTES = 16, 256 << 20

_kept: OrderedDict[str, tuple[Runner, int]] = OrderedDict()
_lock = threading.Lock()


def run_chunk(task: str, content: bytes | None, inputs: bytes, sending: str = "") -> bytes:
    """Does a task for some inputs. ``task`` is its identity, ``content`` its bytes, if the worker
    may not have them. Gives the results' forms, or MISSING_TASK. ``sending`` differs from call to
    call: Dask does equal calls once, and gives again how one of them has failed.

    Raises BatchError for bytes that are not what they are said to be. Whoever may call it may run
    what they like: it imports the factory of a plugin's host, whichever that is.
    """
    runner = _runner(task, content)
    if runner is None:
        return MISSING_TASK
    return dumped([runner.run(_input(form)).form() for form in loaded(inputs)])


def _runner(task: str, content: bytes | None) -> Runner | None:
    with _lock:
        found = _kept.get(task)
        if found is not None:
            _kept.move_to_end(task)
            return found[0]
    if content is None:
        return None
    runner = runner_of(task_from_bytes(content, hosts=None))
    with _lock:
        # the bytes say who they are, not who has sent them
        _kept[identity(content)] = runner, len(content)
        while len(_kept) > _MOST_TASKS or (
            len(_kept) > 1 and sum(size for _, size in _kept.values()) > _MOST_BYTES
        ):
            _kept.popitem(last=False)
    return runner


def input_form(given: Any) -> Any:
    """An input as JSON has it. Raises BatchError."""
    if isinstance(given, tuple) and len(given) == 1 and isinstance(given[0], Run):
        (given,) = given
    if isinstance(given, Run):
        run = {"stdin": given.stdin, "args": list(given.args), "env": dict(given.env)}
        return {"run": form_of(run)}
    return {"given": form_of(given), "tuple": isinstance(given, tuple)}


def _input(form: Any) -> Any:
    if "run" in form:
        return Run(**value_of(form["run"]))
    value = value_of(form["given"])
    return tuple(value) if form["tuple"] else value


def results_of(data: bytes) -> list[Result]:
    """What :func:`run_chunk` gave."""
    return [Result.of(form) for form in loaded(data)]
