"""Go's programs for JavaScript on any engine: pywasmgk.compat's host, over a :class:`Guest`."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from pywasmgk import WasiConfig
from pywasmgk.compat.gojs.imports import FUNCTIONS, Stack
from pywasmgk.compat.gojs.program import QUOTA, Go

from .engines import Guest

__all__ = ["go_imports", "go_run"]


class _Memory:
    """The methods of pywasmgk's memory that the host uses."""

    def __init__(self, guest: Guest) -> None:
        self.read = guest.read
        self.write = guest.write

    def __len__(self) -> int:
        return 1 << 32  # the engine checks

    def _get(self, form: str, ptr: int) -> Any:
        return struct.unpack("<" + form, self.read(ptr, struct.calcsize(form)))[0]

    def read_u32(self, ptr: int) -> int:
        return int(self._get("I", ptr))

    def read_i32(self, ptr: int) -> int:
        return int(self._get("i", ptr))

    def read_i64(self, ptr: int) -> int:
        return int(self._get("q", ptr))

    def read_f64(self, ptr: int) -> float:
        return float(self._get("d", ptr))

    def write_u64(self, ptr: int, value: int) -> None:
        self.write(ptr, struct.pack("<Q", value))

    def write_f64(self, ptr: int, value: float) -> None:
        self.write(ptr, struct.pack("<d", value))


class _Exports(dict[str, Callable[..., Any]]):
    """Exports by name, looked up when the module is open."""

    def __init__(self, guest: Guest) -> None:
        super().__init__()
        self._guest = guest

    def __missing__(self, name: str) -> Callable[..., Any]:
        return self._guest.exports(name)


def go_imports(guest: Guest, stdin: bytes, output: bytearray) -> Mapping[str, Mapping[str, Any]]:
    """What a program imports; its host is kept as the guest's."""
    go = Go(WasiConfig(stdin=stdin, stdout=output.extend, stderr=output.extend), QUOTA)
    memory = _Memory(guest)
    parts = SimpleNamespace(memory=memory, memories=[memory], exports=_Exports(guest))
    go.instance = parts  # type: ignore[assignment]
    guest.kept = go, output

    def bound(carry_out: Callable[[Stack], None]) -> Callable[[int], None]:
        return lambda sp: carry_out(Stack(go, sp))

    return {"gojs": {name: bound(function) for name, function in FUNCTIONS.items()}}


def go_run(guest: Guest, *words: str) -> bytes:
    """Runs it to its end; gives what it wrote."""
    go, output = guest.kept
    try:
        go.start(["js", *words], {})
    except Exception:
        # engines wrap what ends a program in exceptions of their own
        if go.exit_code is None:
            raise
    return bytes(output)
