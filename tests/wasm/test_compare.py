"""The same runs on all engines and wasmtime: guests, kernels, examples; the tool that does it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from guest_host import make_host
from guest_stops import check_stops, outermost_calls
from oracle import (
    differences,
    expose,
    have_wasmtime,
    open_session,
    our_engines,
    state_differences,
    tiers,
)
from replay import Back, Enter, Leave, Out, Recording, Write, record, replay
from wasm_builder import body, function, functype, limits, module, name

import pywasmgk
from pywasmgk import examples

ROOT = Path(__file__).parent.parent.parent
CASES = json.loads((ROOT / "tests" / "guests" / "cases.json").read_text())
ENGINES = [*tiers()[1:], *(["wasmtime"] if have_wasmtime() else [])]

needs_another = pytest.mark.skipif(not ENGINES, reason="there is nothing to compare with")


def recorded(data: bytes, calls: list[tuple[str, str | None]]) -> Recording:
    """A plugin's life."""
    with record() as recordings, pywasmgk.load(data, engine="interpreter") as plugin:
        make_host(plugin)
        for function_name, args in calls:
            plugin.call_raw(function_name, *(() if args is None else (args.encode(),)))
    return recordings[0]


@needs_another
@pytest.mark.parametrize(("language", "most"), [("c", 1000), ("assemblyscript", 6)])
def test_guests(language: str, most: int) -> None:
    data = (ROOT / "tests" / "guests" / language / "workshop.wasm").read_bytes()
    calls = [(case[0], case[1]) for case in CASES[:most]]
    recording = recorded(data, calls)
    assert sum(isinstance(event, Enter) for event in recording.events) > len(calls)
    for engine in ENGINES:
        assert replay(recording, engine) == []


@needs_another
@pytest.mark.parametrize(("example", "call"), [("hello", "hello"), ("dashboard", "widget_tickets")])
def test_examples(example: str, call: str) -> None:
    recording = recorded(examples.read(example), [(call, "{}"), (call, '{"name": "Ada"}')])
    for engine in ENGINES:
        assert replay(recording, engine) == []


@needs_another
@pytest.mark.parametrize(
    ("kernel", "size"),
    [("fib", 9), ("sieve", 50), ("matmul", 4), ("crc32", 9), ("sort", 20), ("dispatch", 50)],
)
def test_kernels(kernel: str, size: int) -> None:
    data = expose((ROOT / "tools" / "kernels" / "kernels.wasm").read_bytes())
    first = open_session("interpreter", data)
    outcome = first.call(kernel, [size])
    for engine in ENGINES:
        other = open_session(engine, data)
        assert not differences(other.call(kernel, [size]), outcome)
        assert not state_differences(other.state(), first.state())


def test_stops_of_a_guest() -> None:
    """Calls of a real plugin, with host calls and calls back in, under many fuel limits."""
    data = (ROOT / "tests" / "guests" / "c" / "workshop.wasm").read_bytes()
    recording = recorded(data, [("report", None), ("stats", '{"numbers": [1, 2.5]}')])
    tried = 0
    for position in outermost_calls(recording)[::3]:
        report = check_stops(recording, position, tiers(), count=40)
        assert report.findings == []
        tried += report.tried
    assert tried > 80


def test_a_wrong_stop_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    import fuel_model

    monkeypatch.setattr(fuel_model, "FREE", fuel_model.FREE - {"loop"})
    data = (ROOT / "tests" / "guests" / "c" / "workshop.wasm").read_bytes()
    recording = recorded(data, [])
    reports = [
        check_stops(recording, position, ("interpreter",), count=20)
        for position in outermost_calls(recording)
    ]
    assert any(report.findings for report in reports)


# -- what a recording has, and that a replay notices what is different


def talkative() -> bytes:
    """A guest that calls the host, which writes and calls back in."""
    return module(
        types=[functype("i32", "i32"), functype()],
        imports=[name("h") + name("ask") + b"\0\0"],
        functions=[0, 1],
        memories=[limits(1)],
        exports=[("f", 0, 1), ("inner", 0, 2), ("memory", 2, 0)],
        bodies=[
            body("", "local.get 0", "call 0", "i32.const 8", "i32.load 2+0", "i32.add"),
            body("", "i32.const 8", "i32.const 8", "i32.load 2+0", "i32.const 1", "i32.add",
                 "i32.store 2+0"),
        ],
    )  # fmt: skip


def talk() -> Recording:
    with record() as recordings:

        def ask(number: int) -> int:
            instance.memory.write_u32(8, 41)
            instance.exports.inner()
            return number * 2

        instance = pywasmgk.instantiate(talkative(), {"h": {"ask": ask}}, engine="interpreter")
        assert instance.exports.f(5) == 52
    return recordings[0]


def test_what_a_recording_has() -> None:
    kinds = [type(event) for event in talk().events]
    assert kinds == [Enter, Out, Write, Enter, Leave, Back, Leave]


@pytest.mark.parametrize("engine", [*our_engines(), *ENGINES[-1:]])
@pytest.mark.parametrize("changed", range(7))
def test_a_replay_notices(engine: str, changed: int) -> None:
    recording = talk()
    assert replay(recording, engine) == []
    event = recording.events[changed]
    if isinstance(event, (Enter, Out)):
        event = event._replace(args=tuple(arg + 1 for arg in event.args) or (1,))
    elif isinstance(event, Write):
        event = event._replace(data=b"\0" * len(event.data))
    elif isinstance(event, Back):
        event = event._replace(result=event.result + 1)
    elif event.memory is None:
        event = event._replace(outcome=event.outcome._replace(kind="trap"))
    else:
        event = event._replace(outcome=event.outcome._replace(fuel=event.outcome.fuel + 1))
    if isinstance(event, Enter) and not recording.events[changed].args:
        event = event._replace(function=1, args=(0,))
    recording.events[changed] = event
    assert len(replay(recording, engine)) == 1


def test_the_tool() -> None:
    path = ROOT / "tools" / "compare"
    kernels = ROOT / "tools" / "kernels" / "kernels.wasm"
    run = subprocess.run(
        [sys.executable, str(path), "--json", str(kernels), "fib", "8"],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["engines"][0] == "interpreter"
    assert [row["detail"] for row in result["runs"]] == [[["i32", 21]]] * len(result["engines"])
    assert result["differences"] == []


def test_differences_are_seen() -> None:
    add, subtract = (
        open_session("interpreter", function("i32", "i32", "local.get 0", "i32.const 1", name_))
        for name_ in ("i32.add", "i32.sub")
    )
    assert differences(add.call("f", [1]), subtract.call("f", [1]))
    assert not differences(add.call("f", [1]), add.call("f", [1]))
