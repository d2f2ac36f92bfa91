"""Builds for threads (``-pthread``), run by the one thread that there is.

Locks, conditions, atomics and thread-local variables are the module's own. The host is asked for
threads, and has none: ``pthread_create`` gives EAGAIN, as under JavaScript where all workers are
taken, and programs that can do without do the work themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...wasm.runtime.functions import Caller

if TYPE_CHECKING:
    from .program import Program

__all__ = ["THREADS"]

_EAGAIN = 6
#: bytes of a new thread's stack, which is reserved before the host is asked
_STACK = 1 << 16


def _init_main_thread(program: Program, caller: Caller, thread: int) -> None:
    """Tells the module that its thread is the main one and may wait, and makes its thread-local
    variables. Versions take four to six parameters."""
    init = program.required("_emscripten_thread_init")
    init(*(thread, 1, 1, 1, _STACK, 0)[: len(init.type.params)])
    variables = program.optional("_emscripten_tls_init", "emscripten_tls_init")
    if variables is not None:
        variables()


def _create(program: Program, caller: Caller, *args: int) -> int:
    return _EAGAIN


def _stack_size(program: Program, caller: Caller) -> int:
    return _STACK


def _one(program: Program, caller: Caller) -> int:
    return 1


def _nothing(program: Program, caller: Caller, *args: Any) -> int:
    """There is nobody to tell, and nobody to clean up after."""
    return 0


THREADS: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(
        ("__emscripten_init_main_thread_js", "_emscripten_init_main_thread_js"), _init_main_thread
    ),
    **dict.fromkeys(("__pthread_create_js", "pthread_create"), _create),
    "_emscripten_default_pthread_stack_size": _stack_size,
    "emscripten_num_logical_cores": _one,
    **dict.fromkeys(
        (
            "emscripten_has_threading_support", "_emscripten_notify_thread_queue",
            "_emscripten_notify_mailbox_postmessage", "_emscripten_thread_mailbox_await",
            "__emscripten_thread_mailbox_await", "_emscripten_thread_cleanup",
            "__emscripten_thread_cleanup", "_emscripten_thread_set_strongref",
            "__emscripten_thread_set_strongref", "emscripten_set_thread_name",
        ),
        _nothing,
    ),
}  # fmt: skip
