"""What went wrong in one process can be told in another: errors survive pickle as they are."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from workers import call_in_worker, trap_in_worker

import pywasmgk
from pywasmgk import Exit, Tag, Trap, TrapCode, errors, examples
from pywasmgk.errors import Frame

FRAMES = (Frame(1, "f", 12, "m"), Frame(2, None, 20))
PLACE = errors.Place(1, 2, "(modul)\n ^")
GUEST = ("it ended", FRAMES, 7)
TRAP = Trap(TrapCode.UNREACHABLE, None, FRAMES, 7)
#: what makes one of each class whose arguments are not a message alone
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "DecodeError": ("odd", 3),
    "TextError": ("odd", 1, 2, PLACE),
    "ValidationError": ("odd", 2, 3),
    "LinkError": ("missing", ("a", "b")),
    "GuestError": GUEST,
    "Stopped": GUEST,
    "OutOfFuel": GUEST,
    "DeadlineExceeded": GUEST,
    "Cancelled": GUEST,
    "Trap": (TrapCode.UNREACHABLE, "unreachable", FRAMES, 7),
    "WasmException": (Tag("i32", "externref", name="t"), (3, None), FRAMES, 7),
    "Exit": (3,),
    "JSONError": ("odd", "a.b"),
    "ResultError": ("odd", b"raw"),
    "PluginNotFound": ("a", "b", "c"),
    "PluginDisabled": ("a", "b"),
    "ShutdownError": ({"a": Exit(2)},),
    "CallError": ("failed", TRAP),
    "CallTimeout": ("late", errors.DeadlineExceeded(*GUEST)),
}
CLASSES = [
    found
    for name in errors.__all__
    if isinstance(found := getattr(errors, name), type) and issubclass(found, Exception)
]


def told(error: BaseException) -> dict[str, Any]:
    """What can be seen of an error."""
    seen = {name: repr(value) for name, value in vars(error).items() if name != "tag"}
    return {**seen, "type": type(error), "text": str(error)}


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_survives(kind: type[Exception], protocol: int) -> None:
    error = kind(*ARGUMENTS.get(kind.__name__, ("it went wrong",)))
    if isinstance(error, (errors.DecodeError, errors.ValidationError)):
        error.place = PLACE
    again = pickle.loads(pickle.dumps(error, protocol))
    assert told(again) == told(error)


def test_objects_of_the_host_in_a_payload_keep_no_error_back() -> None:
    """What cannot be pickled is described."""
    thing: Any = lambda: None  # noqa: E731
    thrown = errors.WasmException(Tag("externref", "i32"), (thing, 4), FRAMES, 7)
    error = errors.CallError("failed", thrown)
    cause = pickle.loads(pickle.dumps(error)).cause
    assert cause.payload == ("<function that cannot be pickled>", 4)
    assert cause.frames == FRAMES


def test_things_come_from_other_processes() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        with pytest.raises(Trap) as caught:
            executor.submit(trap_in_worker).result()
        module = pywasmgk.Module(examples.read("hello"))
        taken = [executor.submit(call_in_worker, module, flag).result() for flag in (False, True)]
    assert [str(frame) for frame in caught.value.frames] == [
        "$g at 0x1f (line 1, column 18) in m",
        "$f at 0x23 (line 1, column 50) in m",
    ]
    assert caught.value.fuel_used == 3
    manifest, last = taken[0]
    assert (manifest.name, last.host_calls) == ("hello", 0)
    with pytest.raises(pywasmgk.ReceiptError, match="without receipts"):
        last.receipt()
    receipt = taken[1][1].receipt(answers=True)
    assert pywasmgk.verify_receipt(receipt, examples.read("hello")) is None
    assert len(pickle.loads(pickle.dumps(taken[1][1])).receipt()) < len(receipt)
