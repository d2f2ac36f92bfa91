"""The line about a run that takes long."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from cli_guests import ENDLESS, run

from pywasmgk.cli import progress
from pywasmgk.cli.progress import Progress, progress_line
from pywasmgk.wasm.runtime.metering import Meter

ERRANDS = Path(__file__).parent.parent / "guests" / "wat" / "errands.wat"


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


def spent(meter: Meter, fuel: int) -> Meter:
    meter.reserve -= fuel
    return meter


def test_time_left_is_up_to_the_first_limit(clock: Clock) -> None:
    line = "3,000,000 instructions in 2 s, 1.5 million a second"
    both = spent(Meter(fuel=12_000_000, timeout=30, clock=clock), 3_000_000)
    assert progress_line(both, 2) == f"{line}, at most 6 s left"
    timed = spent(Meter(fuel=None, timeout=30, clock=clock), 3_000_000)
    clock.now = 2
    assert progress_line(timed, 2) == f"{line}, at most 28 s left"
    free = spent(Meter(fuel=None, timeout=None, clock=clock), 3_000_000)
    assert progress_line(free, 2) == line
    idle = Meter(fuel=5, timeout=None, clock=clock)
    assert progress_line(idle, 2) == "0 instructions in 2 s, 0.0 million a second"


def test_it_shows_up_late_and_not_too_often(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    meter = Meter(clock=clock)
    with Progress(wanted=True) as show:
        for clock.now in (0.5, 0.9, 1.1, 1.15, 1.2, 1.4):
            show(meter)
        assert terminal.getvalue().count(" instructions in 1 s") == 2
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(("wanted", "stream"), [(False, Terminal()), (True, io.StringIO())])
def test_it_keeps_quiet(
    wanted: bool, stream: io.StringIO, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(wanted=wanted) as show:
        clock.now = 5
        show(Meter(clock=clock))
    assert stream.getvalue() == ""


def test_what_else_is_printed_stands_alone(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    meter = Meter(clock=clock)
    with Progress(wanted=True) as show:
        show.erase()
        assert terminal.getvalue() == ""
        clock.now = 2
        show(meter)
        show.erase()
        show.erase()
        assert terminal.getvalue().count("\r\x1b[K") == 2


def test_a_long_call_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(
        progress.Progress, "__call__", lambda self, meter: seen.append(meter.fuel_used)
    )
    assert run("call", ERRANDS, "fail", "--fuel", "5000000").code == 0
    started = len(seen)
    assert run("call", ERRANDS, "hash", str(10**3000), "--fuel", "5000000").code == 0
    assert len(seen) > started


def test_a_long_run_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(progress.Progress, "__call__", lambda self, meter: seen.append(meter))
    path = tmp_path / "endless.wasm"
    path.write_bytes(ENDLESS)
    assert run("run", path, "f", "--fuel", "100_000").code == 1
    assert seen
