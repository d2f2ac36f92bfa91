"""The table of all functions of preview 1: name, core types, and what carries it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import PywasmgkError
from ..runtime.functions import Caller, Func
from ..runtime.memory import OutOfRange
from ..types import FuncType, ValType
from . import args, clocks, fds, paths, poll, proc, random, sockets
from .abi import Errno, Refused, errno_of
from .context import WasiContext

__all__ = ["FUNCTIONS", "functions"]

_KINDS = {"i": ValType.I32, "I": ValType.I64}


#: parameters by letter (``i`` for i32, ``I`` for i64) and the implementation; every function
#: gives an error number but ``proc_exit``
FUNCTIONS: dict[str, tuple[str, Callable[..., None]]] = {
    "args_get": ("ii", args.args_get),
    "args_sizes_get": ("ii", args.args_sizes_get),
    "clock_res_get": ("ii", clocks.clock_res_get),
    "clock_time_get": ("iIi", clocks.clock_time_get),
    "environ_get": ("ii", args.environ_get),
    "environ_sizes_get": ("ii", args.environ_sizes_get),
    "fd_advise": ("iIIi", fds.fd_advise),
    "fd_allocate": ("iII", fds.fd_allocate),
    "fd_close": ("i", fds.fd_close),
    "fd_datasync": ("i", fds.fd_datasync),
    "fd_fdstat_get": ("ii", fds.fd_fdstat_get),
    "fd_fdstat_set_flags": ("ii", fds.fd_fdstat_set_flags),
    "fd_fdstat_set_rights": ("iII", fds.fd_fdstat_set_rights),
    "fd_filestat_get": ("ii", fds.fd_filestat_get),
    "fd_filestat_set_size": ("iI", fds.fd_filestat_set_size),
    "fd_filestat_set_times": ("iIIi", fds.fd_filestat_set_times),
    "fd_pread": ("iiiIi", fds.fd_pread),
    "fd_prestat_dir_name": ("iii", fds.fd_prestat_dir_name),
    "fd_prestat_get": ("ii", fds.fd_prestat_get),
    "fd_pwrite": ("iiiIi", fds.fd_pwrite),
    "fd_read": ("iiii", fds.fd_read),
    "fd_readdir": ("iiiIi", fds.fd_readdir),
    "fd_renumber": ("ii", fds.fd_renumber),
    "fd_seek": ("iIii", fds.fd_seek),
    "fd_sync": ("i", fds.fd_sync),
    "fd_tell": ("ii", fds.fd_tell),
    "fd_write": ("iiii", fds.fd_write),
    "path_create_directory": ("iii", paths.path_create_directory),
    "path_filestat_get": ("iiiii", paths.path_filestat_get),
    "path_filestat_set_times": ("iiiiIIi", paths.path_filestat_set_times),
    "path_link": ("iiiiiii", paths.path_link),
    "path_open": ("iiiiiIIii", paths.path_open),
    "path_readlink": ("iiiiii", paths.path_readlink),
    "path_remove_directory": ("iii", paths.path_remove_directory),
    "path_rename": ("iiiiii", paths.path_rename),
    "path_symlink": ("iiiii", paths.path_symlink),
    "path_unlink_file": ("iii", paths.path_unlink_file),
    "poll_oneoff": ("iiii", poll.poll_oneoff),
    "proc_exit": ("i", proc.proc_exit),
    "proc_raise": ("i", proc.proc_raise),
    "random_get": ("ii", random.random_get),
    "sched_yield": ("", proc.sched_yield),
    "sock_accept": ("iii", sockets.sock_accept),
    "sock_recv": ("iiiiii", sockets.sock_recv),
    "sock_send": ("iiiii", sockets.sock_send),
    "sock_shutdown": ("ii", sockets.sock_shutdown),
}


def functions(wasi: WasiContext) -> dict[str, Func]:
    """All functions, around one guest's state."""
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
            return int(error.errno)
        except OutOfRange:
            return int(Errno.FAULT)
        except MemoryError:
            return int(Errno.NOMEM)
        except PywasmgkError:
            # some of ours are OSErrors too: a deadline is a TimeoutError
            raise
        except OSError as error:
            return int(errno_of(error))
        return int(Errno.SUCCESS)

    call.__name__ = name
    return Func(FuncType(params, results), call, access_caller=True, name=name)
