"""What has ended a guest: its frames with the code around the place, and what they held where
somebody has seen it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from ..errors import Frame, GuestError
from ..wasm.runtime.metering import CURRENT
from ..wasm.runtime.witness import LeftFrame, Witness
from ..wasm.stepping.activations import Activation, Texts
from .parts import Code, Facts, Heading, Note, Part, Row, Text, View

__all__ = ["unwatch", "view", "watch"]

#: frames that are shown, lines of code before and behind the place, values of a frame
_FRAMES, _AROUND, _VALUES = 8, 4, 20
#: lines of a function that are looked at for the place
_LONGEST = 50_000


def watch() -> None:
    """Has what frames hold be kept when a guest of this thread fails, until the next one does."""
    if CURRENT.state.witness is None:
        CURRENT.state.witness = Witness()


def unwatch() -> None:
    """Ends that, and lets go of what was kept."""
    CURRENT.state.witness = None


def view(error: GuestError) -> View:
    """A trap, a stop, or an exception that no guest has caught."""
    used = "" if error.fuel_used is None else f"after {error.fuel_used:,} instructions"
    title = f"{type(error).__name__}: {error.message.splitlines()[0] if error.message else ''}"
    return View(title, used, [*_parts(error)])


def _parts(error: GuestError) -> Iterator[Part]:
    left = _left_by(error)
    for number, frame in enumerate(error.frames[:_FRAMES]):
        yield Heading(f"{'called by' if number else 'at'} {frame}")
        yield from (Note(str(line)) for line in frame.source)
        code = _code(frame)
        if code is not None:
            yield code
        if number < len(left):
            yield from _values(left[number], frame, innermost=not number)
    if len(error.frames) > _FRAMES:
        yield Note(f"and {len(error.frames) - _FRAMES:,} more frames")


def _left_by(error: GuestError) -> Sequence[LeftFrame]:
    """The frames that the error has left, the innermost first, where they were watched."""
    witness = CURRENT.state.witness
    return witness.frames if witness is not None and witness.error is error else ()


def _code(frame: Frame) -> Code | None:
    """The lines around a frame's instruction; ``None`` where nobody has them."""
    if frame.listing is None:
        return None
    lines = [*islice(frame.listing.function(frame.function), _LONGEST)]
    found = [n for n, line in enumerate(lines) if n and line.offset == frame.offset]
    if not found:
        return None
    at = found[0]
    first = max(at - _AROUND, 0)
    return Code(
        [
            Row(
                str(line)[2:],
                "" if line.offset is None else f"{line.offset:#x}",
                style="here" if number == at else "",
            )
            for number, line in enumerate(lines[first : at + _AROUND + 1], first)
        ]
    )


def _values(left: LeftFrame, frame: Frame, *, innermost: bool) -> Iterator[Part]:
    if left.stack is None or left.locals is None or left.offset != frame.offset:
        # compiled code keeps no values
        return
    module = left.instance.module
    body = module.block_map(left.function)
    at = body.offsets.index(left.offset - body.base)
    func = left.instance.funcs[left.function]
    activation = Activation(func, at, left.stack, [*left.locals], Texts())
    facts: list[tuple[str, Text]] = [("local", f"{one}") for one in activation.locals[:_VALUES]]
    if innermost:
        facts += [("takes", f"{one}") for one in activation.arguments()[:_VALUES]]
    if facts:
        yield Facts(facts)
