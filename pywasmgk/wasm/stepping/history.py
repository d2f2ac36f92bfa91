"""The past of a held execution: checkpoints of its state, and what the host did.

Between checkpoints the past is run again. Guests are deterministic but for what the host's
functions do; these are not called again: what they gave and what they changed is in the log.
Checkpoints grow sparse with age, so that their number grows with the logarithm of the length, and
their bytes are bounded: what is older than the oldest checkpoint that is left is forgotten.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..types import FuncType
from .world import BLOCK, Change, WorldState

__all__ = ["EVERY", "Checkpoint", "Effect", "History"]

#: instructions between two checkpoints, at first: some 100 ms of running again
EVERY = 250_000
#: of the past, checkpoints that are this part of their age apart are dense enough
_DENSE = 1 / 24
#: bytes of a frame, and of one of its values
_FRAME, _VALUE = 200, 40


class Checkpoint(NamedTuple):
    """An execution before one of its instructions."""

    #: instructions executed so far
    steps: int
    #: ``(pc, operand stack, locals, function)`` of each frame, the outermost first
    frames: tuple[tuple[int, list[Any], list[Any], Any], ...]
    world: WorldState
    #: fuel charged, for the rest of basic blocks too
    charged: int
    #: call depth that is left
    depth: int
    #: calls to the host so far
    calls: int
    #: who holds the execution changed something here: it is not what running leads to
    edited: bool = False


class Effect(NamedTuple):
    """What a call to the host gave and changed."""

    #: of the host's function
    name: str
    type: FuncType
    arguments: tuple[Any, ...]
    #: as the engine has them; ``None`` if it raised
    results: tuple[Any, ...] | None
    error: BaseException | None
    #: the attributes that the exception had
    marks: dict[str, Any]
    #: everything that is otherwise than before the call
    change: Change
    #: fuel that it charged: guests that it called back, and files
    charged: int


class History:
    """The checkpoints and the log of one execution, in at most ``limit`` bytes, more or less."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.checkpoints: list[Checkpoint] = []
        #: what the host did, from the call with the number ``forgotten`` on
        self.log: list[Effect] = []
        self.forgotten = 0
        self._log_size = 0

    @property
    def oldest(self) -> int:
        """The first step that can be gone back to."""
        return self.checkpoints[0].steps

    def due(self, steps: int) -> int:
        """The next step at which there is something to be done: a checkpoint made, or an edit."""
        position = bisect_right(self.checkpoints, steps, key=_steps)
        for later in self.checkpoints[position:]:
            if later.edited:
                return later.steps
        last = self.checkpoints[-1].steps
        return max(last, steps) + EVERY if position < len(self.checkpoints) else last + EVERY

    def add(self, checkpoint: Checkpoint) -> None:
        """Keeps a checkpoint; drops others where there are too many or too much."""
        position = bisect_right(self.checkpoints, checkpoint.steps, key=_steps)
        self.checkpoints.insert(position, checkpoint)
        self._thin(self.checkpoints[-1].steps)
        while self.size > self.limit and len(self.checkpoints) > 2:
            self._drop_one()

    def before(self, steps: int) -> Checkpoint:
        """The latest checkpoint that is not behind a step."""
        position = bisect_right(self.checkpoints, steps, key=_steps)
        return self.checkpoints[max(position - 1, 0)]

    def edit_at(self, steps: int) -> Checkpoint | None:
        """The edit that was made at a step, if one was."""
        found = self.before(steps)
        return found if found.edited and found.steps == steps else None

    def cut(self, steps: int, calls: int) -> None:
        """Forgets what was to come: it will be otherwise."""
        position = bisect_right(self.checkpoints, steps - 1, key=_steps)
        del self.checkpoints[position:]
        for effect in self.log[calls - self.forgotten :]:
            self._log_size -= effect.change.size
        del self.log[calls - self.forgotten :]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was forgotten, and nothing was changed by hand."""
        return not self.forgotten and not any(found.edited for found in self.checkpoints)

    # -- the log

    def known(self, calls: int) -> Effect | None:
        """What the host did at its call with a number, if that is known."""
        position = calls - self.forgotten
        return self.log[position] if 0 <= position < len(self.log) else None

    def note(self, effect: Effect) -> None:
        """Writes down what the host did."""
        self.log.append(effect)
        self._log_size += effect.change.size
        while self._log_size > self.limit and len(self.checkpoints) > 1:
            self._forget_oldest()

    # -- bounds

    @property
    def size(self) -> int:
        """Bytes that are kept, roughly: blocks that checkpoints share count once."""
        blocks = {
            id(block)
            for checkpoint in self.checkpoints
            for memory in checkpoint.world.memories
            for block in memory
        }
        others = sum(_size_of_frames(checkpoint.frames) for checkpoint in self.checkpoints)
        pointers = sum(
            8 * len(part)
            for checkpoint in self.checkpoints
            for part in (*checkpoint.world.memories, *checkpoint.world.tables)
        )
        return len(blocks) * BLOCK + others + pointers + self._log_size

    def _thin(self, now: int) -> None:
        """Drops checkpoints that are closer to their neighbours than their age asks for."""
        kept = self.checkpoints[:1]
        for checkpoint, later in zip(self.checkpoints[1:], self.checkpoints[2:]):
            gap = later.steps - kept[-1].steps
            if checkpoint.edited or gap > max(EVERY, (now - later.steps) * _DENSE):
                kept.append(checkpoint)
        if len(self.checkpoints) > 1:
            kept.append(self.checkpoints[-1])
        self.checkpoints = kept

    def _drop_one(self) -> None:
        """Drops the checkpoint whose loss costs least, for its age; else the oldest."""
        now = self.checkpoints[-1].steps
        candidates = [
            ((later.steps - earlier.steps) / (now - earlier.steps + 1), position)
            for position, (earlier, middle, later) in enumerate(
                zip(self.checkpoints, self.checkpoints[1:], self.checkpoints[2:]), 1
            )
            if not middle.edited
        ]
        if not candidates or len(self.checkpoints) <= 4:
            self._forget_oldest()
        else:
            del self.checkpoints[min(candidates)[1]]

    def _forget_oldest(self) -> None:
        del self.checkpoints[0]
        count = self.checkpoints[0].calls - self.forgotten
        if count > 0:
            self._log_size -= sum(effect.change.size for effect in self.log[:count])
            del self.log[:count]
            self.forgotten += count


def _steps(checkpoint: Checkpoint) -> int:
    return checkpoint.steps


def _size_of_frames(frames: Sequence[Any]) -> int:
    return sum(_FRAME + _VALUE * (len(stack) + len(locals_)) for _, stack, locals_, _ in frames)
