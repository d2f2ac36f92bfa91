"""The table of all functions of preview 1: name, core types, and what carries it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..functions import Caller, Func
from ..memory import OutOfRange
from ..types import FuncType, ValType
from . import args, clocks, fds, poll, proc
from .config import WasiConfig
from .context import Errno, Refused, WasiContext

__all__ = ["FUNCTIONS", "functions"]

_KINDS = {"i": ValType.I32, "I": ValType.I64}


def _no_descriptor(wasi: WasiContext, caller: Caller, *arguments: int) -> None:
    """For functions that need a file, a directory or a socket: there is none."""
    raise Refused(Errno.BADF)


#: parameters by letter (``i`` for i32, ``I`` for i64) and the implementation; every function
#: gives an error number but ``proc_exit``
FUNCTIONS: dict[str, tuple[str, Callable[..., None]]] = {
    "args_get": ("ii", args.args_get),
    "args_sizes_get": ("ii", args.args_sizes_get),
    "clock_res_get": ("ii", clocks.clock_res_get),
    "clock_time_get": ("iIi", clocks.clock_time_get),
    "environ_get": ("ii", args.environ_get),
    "environ_sizes_get": ("ii", args.environ_sizes_get),
    "fd_advise": ("iIIi", _no_descriptor),
    "fd_allocate": ("iII", _no_descriptor),
    "fd_close": ("i", fds.fd_close),
    "fd_datasync": ("i", _no_descriptor),
    "fd_fdstat_get": ("ii", fds.fd_fdstat_get),
    "fd_fdstat_set_flags": ("ii", fds.fd_fdstat_set_flags),
    "fd_fdstat_set_rights": ("iII", _no_descriptor),
    "fd_filestat_get": ("ii", fds.fd_filestat_get),
    "fd_filestat_set_size": ("iI", _no_descriptor),
    "fd_filestat_set_times": ("iIIi", _no_descriptor),
    "fd_pread": ("iiiIi", _no_descriptor),
    "fd_prestat_dir_name": ("iii", _no_descriptor),
    "fd_prestat_get": ("ii", _no_descriptor),
    "fd_pwrite": ("iiiIi", _no_descriptor),
    "fd_read": ("iiii", fds.fd_read),
    "fd_readdir": ("iiiIi", _no_descriptor),
    "fd_renumber": ("ii", fds.fd_renumber),
    "fd_seek": ("iIii", fds.fd_seek),
    "fd_sync": ("i", _no_descriptor),
    "fd_tell": ("ii", fds.fd_tell),
    "fd_write": ("iiii", fds.fd_write),
    "path_create_directory": ("iii", _no_descriptor),
    "path_filestat_get": ("iiiii", _no_descriptor),
    "path_filestat_set_times": ("iiiiIIi", _no_descriptor),
    "path_link": ("iiiiiii", _no_descriptor),
    "path_open": ("iiiiiIIii", _no_descriptor),
    "path_readlink": ("iiiiii", _no_descriptor),
    "path_remove_directory": ("iii", _no_descriptor),
    "path_rename": ("iiiiii", _no_descriptor),
    "path_symlink": ("iiiii", _no_descriptor),
    "path_unlink_file": ("iii", _no_descriptor),
    "poll_oneoff": ("iiii", poll.poll_oneoff),
    "proc_exit": ("i", proc.proc_exit),
    "proc_raise": ("i", proc.proc_raise),
    "random_get": ("ii", clocks.random_get),
    "sched_yield": ("", clocks.sched_yield),
    "sock_accept": ("iii", _no_descriptor),
    "sock_recv": ("iiiiii", _no_descriptor),
    "sock_send": ("iiiii", _no_descriptor),
    "sock_shutdown": ("ii", _no_descriptor),
}


def functions(config: WasiConfig) -> dict[str, Func]:
    """All functions, around one fresh state."""
    wasi = WasiContext(config)
    return {name: _func(wasi, name, *row) for name, row in FUNCTIONS.items()}


def _func(wasi: WasiContext, name: str, letters: str, carry_out: Callable[..., None]) -> Func:
    params = tuple(_KINDS[letter] for letter in letters)
    results = () if name == "proc_exit" else (ValType.I32,)
    masks = tuple((1 << (32 if letter == "i" else 64)) - 1 for letter in letters)

    def call(caller: Caller, *arguments: int) -> Any:
        values = [value & mask for value, mask in zip(arguments, masks)]
        try:
            carry_out(wasi, caller, *values)
        except Refused as error:
            return error.errno
        except OutOfRange:
            return Errno.FAULT
        except OSError:
            return Errno.IO
        return Errno.SUCCESS

    call.__name__ = name
    return Func(FuncType(params, results), call, access_caller=True, name=name)
