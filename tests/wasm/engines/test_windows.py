"""Windows on a memory that Python does not reach, beside memoryviews of one that it does."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pywasmgk.wasm.engines.windows import Window

CONTENT = bytes(range(40))


class Copies:
    """A memory's bytes as the browser's adapter has them: copied whenever they are looked at."""

    def __init__(self, content: bytes) -> None:
        self.content = bytearray(content)

    def __getitem__(self, key: Any) -> Any:
        return bytes(self.content[key]) if isinstance(key, slice) else self.content[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.content[key] = value


def both() -> tuple[Any, Any, Copies, bytearray]:
    copies, plain = Copies(CONTENT), bytearray(CONTENT)
    return Window(copies, 0, len(CONTENT)), memoryview(plain), copies, plain


@pytest.mark.parametrize(
    "act",
    [
        len, bytes, list, lambda v: v.tobytes(), lambda v: v.tolist(), lambda v: v.hex(" "),
        lambda v: (v.nbytes, v.itemsize, v.format, v.readonly, v.shape, v.ndim, v.contiguous),
        lambda v: v[3], lambda v: v[-1], lambda v: bytes(v[4:9]), lambda v: bytes(v[-3:]),
        lambda v: bytes(v[9:4]), lambda v: bytes(v[30:99]), lambda v: bytes(v[5:20][2:4]),
        lambda v: v[5:20][-1], lambda v: len(v[5:20]), lambda v: v == CONTENT,
        lambda v: v[1:3] == bytearray(b"\1\2"), lambda v: v == "x", lambda v: 7 in v,
        lambda v: 77 in v, lambda v: v[40], lambda v: v[-41], lambda v: v[2:4][2],
        lambda v: v.__setitem__(3, 200), lambda v: v.__setitem__(slice(4, 6), b"xy"),
        lambda v: v.__setitem__(slice(4, 6), memoryview(b"xy")),
        lambda v: v.__setitem__(slice(4, 6), b"x"), lambda v: v.__setitem__(3, 256),
        lambda v: v[10:20].__setitem__(slice(1, 3), b"xy"), lambda v: v.__setitem__(99, 1),
        lambda v: (v.release(), v[0]), lambda v: hash(v),
    ],
)  # fmt: skip
def test_a_window_does_what_a_memoryview_does(act: Callable[[Any], Any]) -> None:
    window, view, copies, plain = both()
    told = []
    for one in (window, view):
        try:
            told.append(act(one))
        except (IndexError, ValueError, TypeError) as error:
            told.append(type(error))
    assert told[0] == told[1]
    assert copies.content == plain


def test_it_sees_what_changes_and_lets_go() -> None:
    window, _, copies, _ = both()
    with window as inside:
        copies.content[2] = 99
        assert inside[2] == 99
    with pytest.raises(ValueError, match="released"):
        window.tobytes()
    with pytest.raises(NotImplementedError):
        Window(copies, 0, 40)[::2]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="classes have no buffers before")
def test_a_buffer_of_it_is_a_copy_that_cannot_be_written() -> None:
    window, view, _, _ = both()
    assert struct.unpack_from("<I", window, 4) == struct.unpack_from("<I", view, 4)
    assert memoryview(window).readonly
    with pytest.raises(TypeError):
        struct.pack_into("<I", window, 4, 1)
