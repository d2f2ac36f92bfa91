"""args_* and environ_*."""

from __future__ import annotations

from collections.abc import Sequence

from ..runtime.functions import Caller
from ..runtime.values import u32
from .context import WasiContext, memory_of, require_memory


def _sizes(caller: Caller, strings: Sequence[bytes], count_ptr: int, size_ptr: int) -> None:
    memory = memory_of(caller)
    require_memory(memory, size_ptr, 4)
    memory.write_u32(count_ptr, len(strings))
    memory.write_u32(size_ptr, sum(map(len, strings)))


def _strings(caller: Caller, strings: Sequence[bytes], table: int, buffer: int) -> None:
    memory = memory_of(caller)
    require_memory(memory, table, 4 * len(strings))
    require_memory(memory, buffer, sum(map(len, strings)))
    for text in strings:
        memory.write_u32(table, buffer)
        memory.write(buffer, text)
        table += 4
        buffer += len(text)


def args_sizes_get(wasi: WasiContext, caller: Caller, count: u32, size: u32) -> None:
    """How many arguments there are, and their bytes in all."""
    _sizes(caller, wasi.args, count, size)


def args_get(wasi: WasiContext, caller: Caller, table: u32, buffer: u32) -> None:
    """The arguments, and a table of pointers to them."""
    _strings(caller, wasi.args, table, buffer)


def environ_sizes_get(wasi: WasiContext, caller: Caller, count: u32, size: u32) -> None:
    """How many variables there are, and their bytes in all."""
    _sizes(caller, wasi.environ, count, size)


def environ_get(wasi: WasiContext, caller: Caller, table: u32, buffer: u32) -> None:
    """The variables as NAME=VALUE, and a table of pointers to them."""
    _strings(caller, wasi.environ, table, buffer)
