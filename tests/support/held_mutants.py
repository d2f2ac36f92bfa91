"""Damaged states: executions, instances and recordings as bytes, with the digest right as one who
has no key can make it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import generator
import held_guests
import throw_generator
from held import LIMITS, HeldSession

from pywasmgk import Execution, HostError, Module, PywasmgkError, Recording, SuspensionError
from pywasmgk.wasm.runtime.values import from_bits
from pywasmgk.wasm.stepping.packing import _digest

__all__ = ["Outcome", "Source", "damaged", "source", "try_one"]

#: bytes of a state before its digest, of that, and of what says the module
_HEAD, _DIGEST, _IDENTITY = 11, 32, 32
_ODD = (0, 1, 0x7F, 0x80, 0xFF)


class Source(NamedTuple):
    """A state that was suspended, and how to go on with it."""

    data: bytes
    module: Module
    resume: Callable[[bytes], Any]


class Outcome(NamedTuple):
    """What became of a damaged state."""

    #: ``refused``, ``ran``, or what is a finding
    how: str
    #: of CPU
    seconds: float


def source(seed: int) -> Source | None:
    """A suspension of a generated program or a guest, somewhere on its way; ``None`` where there is
    none to be had."""
    chance = random.Random(seed)
    maker = chance.choice((generator, throw_generator, held_guests))
    program = maker.generate(seed)
    module = Module(program.data)
    session = HeldSession("auto", module, program.host, LIMITS)
    if session.instance is None:
        return None
    name, args = chance.choice(program.calls)
    func = session.instance.exports[name]
    values = [from_bits(kind, arg) for kind, arg in zip(func.type.params, args)]
    limits = {"memory_limit": LIMITS.memory, "table_limit": LIMITS.table}
    with Execution(func, values, session.instance.meter(fuel=20_000)) as held:
        held.step(int(2 ** (chance.random() * 9)))
        try:
            if chance.random() < 0.2:
                held.run()
                data = held.recording().to_bytes(module)

                def replay(data: bytes) -> Any:
                    return Recording.from_bytes(data, module).replay(module, **limits)

                return Source(data, module, replay)
            data = held.to_bytes()
        except HostError:  # a reference to an object of the host's, or it is done
            return None
    imports = session.named_imports()

    def resume(data: bytes) -> Any:
        again = Execution.from_bytes(data, module, imports, **limits)
        # what the host's functions read and write
        session.moved(again.instance)
        return again

    return Source(data, module, resume)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """A state with some bytes changed, left out or cut off; mostly with the digest right."""
    if chance.random() < 0.05:
        changed = bytearray(data)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        return bytes(changed)
    head, content = data[:_HEAD], bytearray(data[_HEAD + _DIGEST :])
    first = 0 if chance.random() < 0.02 else min(_IDENTITY, len(content) - 1)
    for _ in range(chance.randint(1, 3)):
        # the numbers stand before and behind the blocks of memory
        reach = chance.choice((40, len(content)))
        low, high = chance.choice(
            ((first, min(first + reach, len(content))), (max(first, len(content) - reach), None))
        )
        position = chance.randrange(low, high or len(content))
        content[position] = chance.choice((*_ODD, chance.randrange(256)))
    if chance.random() < 0.1:
        at = chance.randrange(first, len(content))
        del content[at : at + chance.choice((1, 4, len(content)))]
    elif chance.random() < 0.1:
        at = chance.randrange(first, len(content))
        content[at:at] = bytes(chance.choice(_ODD) for _ in range(chance.randint(1, 9)))
    return head + _digest(head + bytes(content), None) + bytes(content)


def try_one(state: Source, data: bytes) -> Outcome:
    """Goes on with a damaged state: it is refused, or it runs and ends in a way of guests."""
    begin = time.process_time()
    how = "ran"
    try:
        with state.resume(data) as again:
            again.step(2_000)
            trap = again.trap
            if trap is not None and not isinstance(trap, (PywasmgkError, HostError)):
                how = f"!it ended with {type(trap).__name__}: {trap}"
    except SuspensionError:
        how = "refused"
    except Exception as error:
        how = f"!{type(error).__name__}: {error}"
    return Outcome(how, time.process_time() - begin)
