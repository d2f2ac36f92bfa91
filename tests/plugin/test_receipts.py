"""Receipts: the same bytes whatever runs the call, and nothing in them that would not be found."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from processor import HANGS
from receipt_guests import DIGEST, POLICY, ROLL, host, receipt_of, roll

import pywasmgk
from pywasmgk import (
    CallError,
    CallTimeout,
    CancelToken,
    Limits,
    Module,
    ReceiptError,
    SuspensionError,
    examples,
    verify_receipt,
)
from pywasmgk.plugin.gojson import encode

REQUEST = {"by": 3}
GO = Path(__file__).parents[1] / "guests/go/workshop.wasm"


def receipt(function: str = "add", args: Any = REQUEST, **options: Any) -> bytes:
    """A receipt of one call, however that ends."""
    with roll(**options) as plugin:
        try:
            plugin.call_raw(function, encode(args))
        except CallError:
            pass
        return receipt_of(plugin)


@pytest.mark.parametrize("engine", ["interpreter", "compiler", "auto"])
def test_it_is_the_same_whatever_runs_the_call(engine: str) -> None:
    form = json.loads(receipt(engine=engine))
    assert form["digest"] == DIGEST
    assert verify_receipt(receipt("toll", engine=engine), ROLL) is None


FUNCTIONS = ["add", "refuse", "toll", "unknown", "!crash", ".leave", "+grow"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_it_is_true_on_every_engine(function: str) -> None:
    found = {receipt(function, engine=engine) for engine in ("interpreter", "compiler", "auto")}
    assert len(found) == 1
    for engine in ("interpreter", "compiler"):
        assert verify_receipt(found.copy().pop(), ROLL, engine=engine) is None


def test_every_call_begins_as_the_first_one_did() -> None:
    with roll(receipts=True) as plugin:
        results = []
        for _ in range(3):
            results.append(plugin.call_raw("add", b""))
            assert verify_receipt(receipt_of(plugin), ROLL) is None
        assert plugin.restarts == 0
        assert len(set(results)) == 3  # each has random numbers of its own
        counts = {result[48:52] for result in results if result is not None}
        assert counts == {b"\1\0\0\0"}


def test_what_is_off_by_default_changes_nothing() -> None:
    with roll(receipts=False) as plugin:
        first, second = (plugin.call_raw("add", b"") or b"" for _ in range(2))
        assert (first[48], second[48]) == (1, 2)
        with pytest.raises(ReceiptError, match="receipts=True"):
            receipt_of(plugin)


def test_it_says_what_was_asked() -> None:
    form = json.loads(receipt("refuse"))
    calls = [(call["name"], call["answer"], call["error"]) for call in form["host_calls"]]
    assert calls == [("refuse", None, "HostFunctionError")] * 2
    assert form["outcome"]["error"] is None and form["stdout"]["bytes"] == 5
    assert json.loads(receipt("toll"))["host_calls"][0]["fuel"] == 3
    with pywasmgk.load(ROLL, receipts=POLICY) as plugin:
        plugin.call_raw("add", b"{}")
        alone = receipt_of(plugin)
    assert [call["error"] for call in json.loads(alone)["host_calls"]] == ["no host"] * 2
    assert verify_receipt(alone, ROLL) is None


@pytest.mark.parametrize(
    ("function", "error"),
    [("!crash", "trap: unreachable"), (".leave", "exit: 3"), ("*loop", "out of fuel")],
)
def test_it_says_how_the_call_ended(function: str, error: str) -> None:
    found = receipt(function, fuel=100_000)
    assert json.loads(found)["outcome"] == {"error": error, "result": None}
    assert verify_receipt(found, ROLL) is None


def test_a_host_that_uses_up_all_fuel_is_repeated() -> None:
    found = receipt("toll", {"by": 5_000_000}, fuel=1_000_000)
    form = json.loads(found)
    assert form["outcome"]["error"] == "out of fuel" and form["fuel"] == 1_000_000
    assert verify_receipt(found, ROLL) is None


def test_the_fuel_of_the_one_call_counts() -> None:
    with roll() as plugin:
        with pytest.raises(CallError):
            plugin.call_raw("add", b"", fuel=5_000)
        found = receipt_of(plugin)
    assert json.loads(found)["fuel_limit"] == 5_000
    assert verify_receipt(found, ROLL) is None


def test_plugins_that_call_plugins_have_receipts_too() -> None:
    class Mall(pywasmgk.MemoryHost):
        def call_plugin(self, ctx: Any, plugin: str, function: str, args: Any) -> Any:
            return inner.call_raw("add", b"")

    with pywasmgk.load(ROLL, receipts=POLICY) as inner, roll() as outer:
        outer.init(Mall(), name="outer")
        outer.call_raw("plugin_call", b'{"plugin":"inner","function":"add"}')
        found = receipt_of(outer)
        assert verify_receipt(found, ROLL) is None
    with pywasmgk.load(ROLL, receipts=POLICY) as alone:
        alone.call_raw("add", b"")
        assert alone.last_call is not None
        assert json.loads(found)["host_calls"][0]["fuel"] == alone.last_call.fuel


# -- calls that are held or awaited


def test_a_call_that_was_held_has_the_same_one() -> None:
    with roll() as plugin:
        held = plugin.start("add", REQUEST)
        held.run()
        held.goto(100)
        held.run()
        held.close()
        assert receipt_of(plugin) == receipt()


@pytest.mark.parametrize("threads", [True, False])
def test_a_call_that_was_awaited_has_the_same_one(threads: bool) -> None:
    async def awaited(plugin: pywasmgk.Plugin, function: str) -> bytes:
        try:
            await plugin.call_async(function, REQUEST, threads=threads)
        except pywasmgk.ResultError:
            pass
        return receipt_of(plugin)

    with roll() as plugin:
        assert asyncio.run(awaited(plugin, "add")) == receipt()
        later = asyncio.run(awaited(plugin, "later"))
    form = json.loads(later)
    assert [(call["error"], call["fuel"]) for call in form["host_calls"]] == [(None, 3)] * 2
    assert verify_receipt(later, ROLL) is None


@pytest.mark.parametrize("how", ["edited", "given up", "deferred"])
def test_what_nobody_could_do_again_has_none(how: str) -> None:
    with roll() as plugin:
        held = plugin.start("add", REQUEST, defer=["gk.host_call"] if how == "deferred" else ())
        held.step(5)
        if how == "edited":
            held.set_local("size", 2)
        if how != "given up":
            held.run()
        while held.pending:
            held.resume(0)
        held.close()
        with pytest.raises(ReceiptError, match="there is no receipt"):
            receipt_of(plugin)


def test_what_the_clock_has_ended_has_none() -> None:
    with roll() as plugin:
        with pytest.raises(CallTimeout):
            plugin.call_raw("*loop", timeout=0.01)
        with pytest.raises(ReceiptError, match="would not end so again"):
            receipt_of(plugin)
        plugin.call_raw("add", b"")
        assert verify_receipt(receipt_of(plugin), ROLL) is None


# -- verifying

ADD = receipt()


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the single values of a form are."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    found = [where for name, item in items for where in paths(item, (*path, name))]
    return found or [path]


def changed(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, str) and value:
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    if isinstance(value, int):
        return value - 1 if value else 1
    return "0" * 64


def put(form: Any, path: tuple[Any, ...], value: Any) -> None:
    for step in path[:-1]:
        form = form[step]
    form[path[-1]] = value


#: what the verifier runs the call with: a change shows in what follows from it, else in the digest
CAUSES = {"limits", "fuel_limit", "clock", "random", "function", "features"}
TAMPERED = [path for path in paths(json.loads(ADD)) if path[0] != "carried"]


@pytest.mark.parametrize("path", TAMPERED, ids=lambda path: ".".join(map(str, path)))
def test_whatever_is_changed_is_named(path: tuple[Any, ...]) -> None:
    form = json.loads(ADD)
    value = form
    for step in path:
        value = value[step]
    put(form, path, changed(value))
    name = path[0] + "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in path[1:])
    try:
        found = verify_receipt(json.dumps(form), ROLL)
    except ReceiptError as error:
        assert path[0] in ("features", "clock", "random"), error
        return
    assert found is not None
    if path[0] not in CAUSES and name != "host_calls[0].fuel" and name != "host_calls[1].fuel":
        assert found.field == name
        assert found.receipt == changed(value)


def test_what_the_guest_did_not_look_at_is_found_by_the_digest() -> None:
    with pywasmgk.load(examples.read("hello"), receipts=POLICY) as plugin:
        plugin.call("hello", {"name": "Ada"})
        form = json.loads(receipt_of(plugin))
    form["random"]["seed"] = "00"
    found = verify_receipt(json.dumps(form), examples.read("hello"))
    assert found is not None and found.field == "digest"


@pytest.mark.parametrize("position", [0, 1])
def test_answers_that_it_carries_are_bound_by_their_hashes(position: int) -> None:
    form = json.loads(ADD)
    form["carried"]["answers"][position] = "MTI="
    found = verify_receipt(json.dumps(form), ROLL)
    assert found is not None and found.field == f"host_calls[{position}].answer"
    form["carried"]["arguments"] = "e30="
    found = verify_receipt(json.dumps(form), ROLL)
    assert found is not None and found.field == "arguments"


def test_the_first_host_call_that_differs_is_told_in_words() -> None:
    def about(change: Any) -> tuple[str, str, bool]:
        form = json.loads(ADD)
        change(form["host_calls"])
        found = verify_receipt(json.dumps(form), ROLL)
        assert found is not None
        return found.field, found.about, found.altered

    asking = "asking '{\"by\":3}'"
    change = {"request": "0" * 64}
    assert about(lambda calls: calls[1].update(change)) == (
        "host_calls[1].request", f"host call 2 of 2, add; now it is add, {asking}", True,
    )  # fmt: skip
    assert about(lambda calls: calls[0].update(name="toll")) == (
        "host_calls[0].name", f"host call 1 of 2, toll; now it is add, {asking}", True,
    )  # fmt: skip
    assert about(lambda calls: calls[0].update(answer="0" * 64)) == (
        "host_calls[0].answer", "host call 1 of 2, add", True,
    )  # fmt: skip
    assert about(lambda calls: calls.pop()) == (
        "host_calls[1]", f"host call 2, where the receipt has 1: add, {asking}", True,
    )  # fmt: skip
    assert about(lambda calls: calls.append(calls[0])) == (
        "host_calls[2]", "host call 3 of 3, add, which is not made: 2 are", True,
    )  # fmt: skip


def test_a_receipt_that_was_changed_is_told_from_a_call_that_went_otherwise() -> None:
    form = json.loads(ADD)
    form["random"]["seed"] = "00"
    found = verify_receipt(json.dumps(form), ROLL)
    assert found is not None and (found.field, found.altered) == ("outcome.result", True)
    other = host()
    other.own_functions["add"](None, {"by": 1})  # type: ignore[arg-type]
    bare = without_answers(ADD)
    found = verify_receipt(bare, ROLL, host=other, arguments=encode(REQUEST))
    assert found is not None and (found.field, found.altered) == ("host_calls[0].answer", False)
    found = verify_receipt(ADD, examples.read("hello"))
    assert found is not None and (found.field, found.altered) == ("module", False)


def without_answers(data: bytes) -> bytes:
    form = json.loads(data)
    del form["carried"]
    return json.dumps(form).encode()


def test_what_it_does_not_carry_is_given() -> None:
    bare, args = without_answers(ADD), encode(REQUEST)
    with pytest.raises(ReceiptError, match="arguments: they must be given"):
        verify_receipt(bare, ROLL)
    with pytest.raises(ReceiptError, match="a recording or a host is needed"):
        verify_receipt(bare, ROLL, arguments=args)
    assert verify_receipt(bare, ROLL, arguments=args, host=host()) is None
    other = host()
    other.own_functions["add"](None, {"by": 1})  # type: ignore[arg-type]
    found = verify_receipt(bare, ROLL, arguments=args, host=other)
    assert found is not None and found.field == "host_calls[0].answer"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_recording_has_the_answers(function: str) -> None:
    with roll() as plugin:
        held = plugin.start(function, REQUEST)
        held.run()
        recording = held.recording().to_bytes(Module(ROLL))
        keyed = held.recording().to_bytes(Module(ROLL), b"key")
        held.close()
        bare = without_answers(receipt_of(plugin))
    assert verify_receipt(bare, ROLL, recording=recording) is None
    form = json.loads(bare)
    if form["host_calls"]:
        assert verify_receipt(bare, ROLL, recording=keyed, recording_key=b"key") is None
        with pytest.raises(SuspensionError, match="with a key, none was given"):
            verify_receipt(bare, ROLL, recording=keyed)
        form["host_calls"][1]["request"] = "0"
        found = verify_receipt(json.dumps(form), ROLL, recording=recording)
        assert found is not None and found.field == "host_calls[1].request"


def test_plugins_that_begin_with_a_snapshot() -> None:
    with roll() as plugin:
        plugin.call_raw("add", b"")
        data = plugin.snapshot(b"key")
    options: dict[str, Any] = {"snapshot": data, "snapshot_key": b"key"}
    found = receipt(**options)
    assert verify_receipt(found, ROLL, **options) is None
    difference = verify_receipt(found, ROLL)
    assert difference is not None and difference.field == "snapshot"


def test_a_go_plugin_takes_its_random_numbers_from_the_seed() -> None:
    module = Module.from_file(GO)
    with pywasmgk.load(module, receipts=True) as plugin:
        plugin.call_raw("report", b"{}")
        found = receipt_of(plugin)
        assert verify_receipt(found, module) is None
        plugin.call_raw("report", b"{}")
        assert receipt_of(plugin) != found


NONE = [
    b"", b"{", b"[]", b"1", b"\xff", b'{"format": "pywasmgk receipt 1"}', b"[" * 100_000,
    ADD[:-1], ADD.replace(b'"fuel":', b'"fuel":1,"fuel":', 1),
    ADD.replace(b'"log":{', b'"log":{"more":1,'), ADD.replace(b'"step":1000000', b'"step":-1'),
    ADD.replace(b'"step":1000000', b'"step":true'), ADD.replace(b'"step":1000000', b'"step":1.5'),
    ADD.replace(b'"answers":["', b'"answers":["?'), ADD.replace(b'"simd"', b'"magic"'),
    ADD.replace(b'"policy":"fixed step"', b'"policy":"sundial"'),
    ADD.replace(b'"json_depth":10000', b'"json_depth":10001'),
    ADD.replace(b'"json_depth":10000', b'"json_depth":"%s"' % (b"9" * 5_000)),
]  # fmt: skip


@pytest.mark.parametrize("data", NONE, ids=range(len(NONE)))
def test_what_is_no_receipt_is_refused(data: bytes) -> None:
    with pytest.raises(ReceiptError):
        verify_receipt(data, ROLL)


def test_it_may_not_ask_for_more_than_is_allowed() -> None:
    form = json.loads(ADD)
    form["limits"]["memory_limit"] = 60_000
    with pytest.raises(ReceiptError, match="memory_limit is 60000, and 256 is allowed here"):
        verify_receipt(json.dumps(form), ROLL)
    form = json.loads(receipt("*loop", fuel=20_000))
    form["fuel_limit"] = form["limits"]["fuel"] = 10**9
    with pytest.raises(ReceiptError, match=r"takes too long here|cannot be loaded: .* deadline"):
        verify_receipt(json.dumps(form), ROLL, limits=Limits(timeout=0.05))


def test_large_limits_are_text() -> None:
    found = receipt(fuel=1 << 60)
    assert json.loads(found)["fuel_limit"] == str(1 << 60)
    assert verify_receipt(found, ROLL, limits=Limits(fuel=None)) is None


def test_more_host_calls_than_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pywasmgk.plugin.receipts._MOST_CALLS", 1)
    with pytest.raises(ReceiptError, match="more than 1 times"):
        receipt()
    monkeypatch.undo()
    monkeypatch.setattr("pywasmgk.plugin.receipts._MOST_ANSWERS", 1)
    with roll() as plugin:
        plugin.call_raw("add", b'{"by":10}')
        with pytest.raises(ReceiptError, match="more than 1 bytes"):
            receipt_of(plugin)
        assert receipt_of(plugin, answers=False)


def test_another_process_verifies_it(tmp_path: Path) -> None:
    """Where the order of sets is another one."""
    (tmp_path / "receipt.json").write_bytes(ADD)
    (tmp_path / "roll.wasm").write_bytes(ROLL)
    words = ["-m", "pywasmgk", "verify-receipt", "receipt.json", "roll.wasm", "--no-cache"]
    root = Path(pywasmgk.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("receipt.json: verified\n", 0), done.stderr


# -- how long verifying may take


class AtTheLook(CancelToken):
    """Cancels when it is asked for the time with a number."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.at, self.looks = at, 0

    @property
    def cancelled(self) -> bool:
        self.looks += 1
        return self.looks >= self.at


def test_verifying_can_be_given_up_at_any_time() -> None:
    form = receipt("toll")
    token = AtTheLook(float("inf"))
    assert verify_receipt(form, ROLL, cancel=token) is None
    assert token.looks > 3
    for at in range(1, token.looks + 1):
        with pytest.raises(ReceiptError, match="cancelled"):
            verify_receipt(form, ROLL, cancel=AtTheLook(at))


def test_all_of_verifying_has_one_time() -> None:
    with pytest.raises(ReceiptError, match=r"takes too long|cannot be (done again|loaded)"):
        verify_receipt(receipt("toll"), ROLL, limits=Limits(timeout=1e-9))
