"""The terminal of a program in the page: what it writes is collected, and where it reads and
nothing is there it is held before the call, until a line comes. So nothing waits inside of Python.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from ..printable import printable

if TYPE_CHECKING:
    from ..wasm.runtime.instance import Instance
    from ..wasm.stepping.pending import PendingCall

__all__ = ["READS", "Terminal"]

#: the calls before which a program is held
READS = "wasi_snapshot_preview1.fd_read"
#: bytes of an entry of the list of buffers: an address, a size
_IOVEC = 8
#: characters that are kept between two looks: a program that writes for ever must not fill the page
_KEPT = 1 << 18


class Terminal:
    """Standard input, output and errors of one program."""

    def __init__(self) -> None:
        self._input = bytearray()
        self._ended = False
        #: bytes that the next read may have
        self._granted = 0
        self._written: list[tuple[str, str]] = []
        self._kept = 0
        self._decode = {
            name: codecs.getincrementaldecoder("utf-8")("replace").decode for name in ("out", "err")
        }

    # -- input

    def type(self, text: str) -> None:
        """Somebody has typed something."""
        self._input += text.encode()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True

    def admits(self, call: PendingCall, instance: Instance) -> bool:
        """Whether a call that reads can be answered; then so many bytes are for it as it has room
        for, lest what it leaves is kept where nobody sees it."""
        number, start, count, _ = (value & 0xFFFFFFFF for value in call.arguments)
        if number != 0:
            return True
        if not self._input and not self._ended:
            return False
        self._granted = _room(instance, start, count)
        return True

    def read(self, size: int) -> bytes:
        """What the program gets, at most ``size`` bytes."""
        count = min(size, self._granted)
        data = bytes(self._input[:count])
        del self._input[:count]
        return data

    # -- output

    def write_out(self, data: bytes) -> None:
        """Takes what a program writes."""
        self.show("out", self._decode["out"](data))

    def write_err(self, data: bytes) -> None:
        """Takes what a program writes as errors."""
        self.show("err", self._decode["err"](data))

    def show(self, kind: str, text: str) -> None:
        """Shows a text; of too much at once only the beginning."""
        text = printable(text[: max(_KEPT - self._kept, 0)], lines=True)
        if text:
            self._kept += len(text)
            self._written.append((kind, text))

    def take(self) -> list[tuple[str, str]]:
        """What was written since it was asked before: ``out``, ``err`` or ``log``, and text."""
        found, self._written, self._kept = self._written, [], 0
        return found


def _room(instance: Instance, start: int, count: int) -> int:
    """Bytes that a list of buffers has room for; what is wrong with one the call will say."""
    memory = instance.memories[0] if instance.memories else None
    if memory is None or start + count * _IOVEC > len(memory):
        return 0
    return sum(memory.read_u32(start + number * _IOVEC + 4) for number in range(count))
