"""A core dump, to be made, kept and read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .parts import CoreFrame, CoreGlobal, CoreInstance, CoreMemory, CoreThread

if TYPE_CHECKING:
    from ..stepping.execution import Execution

__all__ = ["CoreDump"]


class CoreDump:
    """What a guest was doing: frames with locals and operands, memories and globals.

    ``CoreDump.of(execution)`` makes one of an execution that is held, ``core_on_trap`` of a call
    that fails, ``CoreDump.from_bytes`` reads one, of whatever engine. It is of its moment: nothing
    in it changes.
    """

    def __init__(
        self,
        executable: str,
        modules: Sequence[str],
        instances: Sequence[CoreInstance],
        threads: Sequence[CoreThread],
        memories: Sequence[CoreMemory],
        globals: Sequence[CoreGlobal],
    ) -> None:
        #: what the program is called
        self.executable = executable
        #: names of modules
        self.modules = modules
        #: which module each instance is of, and its memories and globals, by their index here
        self.instances = instances
        #: threads by name, with their frames
        self.threads = threads
        #: bytes that were not zero, by address
        self.memories = memories
        self.globals = globals

    @property
    def frames(self) -> Sequence[CoreFrame]:
        """The frames of the first thread, the innermost first."""
        return self.threads[0].frames if self.threads else ()

    @classmethod
    def of(cls, execution: Execution) -> CoreDump:
        """What an execution that is held is doing, exactly. Where it has trapped, it is at the
        instruction that did."""
        from .capturing import dump_of_execution

        return dump_of_execution(execution)

    @classmethod
    def from_bytes(cls, data: bytes) -> CoreDump:
        """Reads a file. Raises DecodeError for one that is no core dump; nothing is allocated for
        what its bytes do not have."""
        from .reading import read_dump

        return read_dump(data)

    def to_bytes(self) -> bytes:
        """The file: a module of sections alone. References and vectors in frames are written as
        missing: the format has no place for them, nor for tables."""
        from .writing import dump_bytes

        return dump_bytes(self)

    def __repr__(self) -> str:
        return (
            f"<CoreDump of {self.executable or '?'}: {len(self.frames)} frames, "
            f"{len(self.memories)} memories, {len(self.globals)} globals>"
        )
