"""The past of a held execution: checkpoints of its state, and what the host did.

Between checkpoints the past is run again. Guests are deterministic but for what the host's
functions do; these are not called again: what they gave and what they changed is in the log.
Checkpoints grow sparse with age, so that their number grows with the logarithm of the length, and
the bytes of all that is older than the latest one are bounded: what is older than the oldest
checkpoint that is left is forgotten. Where the host does so much behind the latest checkpoint that
the log alone is too long, the execution stops and another one is made.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..types import FuncType
from .world import BLOCK, POINTER, VALUE, Change, WorldState

__all__ = ["EVERY", "Checkpoint", "Effect", "History"]

#: instructions between two checkpoints, at first: some 100 ms of running again
EVERY = 250_000
#: of the past, checkpoints that are this part of their age apart are dense enough
_DENSE = 1 / 24
#: bytes of a frame, beside its values; of a tuple; of an effect; of an exception with its marks
_FRAME, _TUPLE, _EFFECT, _ERROR = 200, 56, 300, 1_000


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

    @property
    def size(self) -> int:
        """Bytes that it keeps, roughly; objects of the host's that it names are the host's."""
        values = VALUE * (len(self.arguments) + len(self.results or ()))
        return _EFFECT + values + self.change.size + (_ERROR if self.error is not None else 0)


class History:
    """The checkpoints and the log of one execution: all but the latest checkpoint in at most
    ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.checkpoints: list[Checkpoint] = []
        #: what the host did, from the call with the number ``forgotten`` on
        self.log: list[Effect] = []
        self.forgotten = 0
        self._sizes: list[int] = []
        self._log_size = 0
        #: bytes of the checkpoints, beside those of the latest one
        self._older = 0

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
        self._weigh()
        while self.is_full and len(self.checkpoints) > 1:
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
        self._weigh()
        self._drop_effects(slice(calls - self.forgotten, None))

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
        if self.log and self.log[-1].error is not None:
            # the guest has caught it: nobody asks where it came from, and frames hold much
            self.log[-1].error.__traceback__ = None
        self.log.append(effect)
        self._sizes.append(effect.size)
        self._log_size += effect.size
        while self.is_full and len(self.checkpoints) > 1:
            self._forget_oldest()

    def expect(self, effects: Sequence[Effect]) -> None:
        """Has the host's calls be those of a recording, which are not counted: they are kept
        anyway."""
        self.log[:] = effects
        self._sizes[:] = [0] * len(effects)
        self._log_size = 0

    def _drop_effects(self, which: slice) -> None:
        self._log_size -= sum(self._sizes[which])
        del self.log[which], self._sizes[which]

    # -- bounds

    @property
    def size(self) -> int:
        """Bytes that are kept, roughly: what checkpoints share counts once."""
        return _size_of(self.checkpoints) + self._log_size

    @property
    def is_full(self) -> bool:
        """Whether it keeps too much; if so the latest checkpoint is the only one."""
        return self._older + self._log_size > self.limit

    def _weigh(self) -> None:
        self._older = _size_of(self.checkpoints) - _size_of(self.checkpoints[-1:])

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
            self._weigh()

    def _forget_oldest(self) -> None:
        del self.checkpoints[0]
        self._weigh()
        count = self.checkpoints[0].calls - self.forgotten
        if count > 0:
            self._drop_effects(slice(count))
            self.forgotten += count


def _steps(checkpoint: Checkpoint) -> int:
    return checkpoint.steps


def _size_of(checkpoints: Sequence[Checkpoint]) -> int:
    """Bytes of checkpoints: blocks and other parts that are the same object count once."""
    blocks = {
        id(block)
        for checkpoint in checkpoints
        for memory in checkpoint.world.memories
        for block in memory
    }
    parts = {id(part): len(part) for one in checkpoints for part in _parts(one.world)}
    globals_ = {id(one.world.globals): len(one.world.globals) for one in checkpoints}
    return (
        len(blocks) * BLOCK
        + sum(_TUPLE + POINTER * length for length in parts.values())
        + sum(_TUPLE + VALUE * length for length in globals_.values())
        + sum(_size_of_frames(checkpoint.frames) for checkpoint in checkpoints)
    )


def _parts(world: WorldState) -> Iterator[Sequence[Any]]:
    """What refers to blocks, functions and segments, which are elsewhere."""
    yield from (*world.memories, *world.tables, *world.datas, *world.elems)


def _size_of_frames(frames: Sequence[Any]) -> int:
    return sum(_FRAME + VALUE * (len(stack) + len(locals_)) for _, stack, locals_, _ in frames)
