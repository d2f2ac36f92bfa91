"""Go's programs for JavaScript on any engine: pywasmgk.compat's host, over a :class:`Guest`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import Struct
from types import SimpleNamespace
from typing import Any

from pywasmgk import WasiConfig
from pywasmgk.compat.gojs.imports import FUNCTIONS, Stack
from pywasmgk.compat.gojs.program import QUOTA, Go
from pywasmgk.wasm.runtime.memory import FORMS

from .engines import Guest

__all__ = ["go_imports", "go_run"]


class _Memory:
    """The methods of pywasmgk's memory that the host uses, over a guest's that take bytes."""

    def __init__(self, guest: Guest) -> None:
        self.read = guest.read
        self.write = guest.write

    def __len__(self) -> int:
        return 1 << 32  # the engine checks

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """``read_u64``, ``write_f64`` and their like, for every form that a memory knows."""
        direction, _, form_name = name.partition("_")
        form = FORMS.get(form_name)
        if form is None or direction not in ("read", "write"):
            raise AttributeError(name)
        method = self._reader(form) if direction == "read" else self._writer(form)
        setattr(self, name, method)
        return method

    def _reader(self, form: Struct) -> Callable[[int], Any]:
        return lambda ptr: form.unpack(self.read(ptr, form.size))[0]

    def _writer(self, form: Struct) -> Callable[[int, Any], None]:
        return lambda ptr, value: self.write(ptr, form.pack(value))


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
