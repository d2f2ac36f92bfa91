"""Jobs: what there are, when they are due, and how they run (contract 5.6)."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from plugin_guests import LOOP, guest, quick
from processor import HANGS
from scripted import Script, Scripted

from pywasmgk import CancelToken, MemoryHost
from pywasmgk.errors import CallError, PlatformError
from pywasmgk.platform import (
    HealthMonitor,
    JobRun,
    PluginManager,
    Schedule,
    Scheduler,
    job_timeout,
    template_function,
)
from pywasmgk.plugin.manifest import Job

pytest.importorskip("cronsim")
case = pytest.mark.case

#: a Monday, 12:00 UTC
NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)


def job(id: str = "j", schedule: str = "*/5 * * * *", **more: Any) -> dict[str, Any]:
    return {"id": id, "handler": f"do_{id}", "schedule": schedule, "enabled": True, **more}


class Timed:
    """A scheduler whose clock a test sets forward."""

    def __init__(self, *plugins: Any, **options: Any) -> None:
        self.manager = PluginManager(MemoryHost())
        for plugin in plugins:
            self.manager.register(plugin)
        self.now = NOON.timestamp()
        self.scheduler = Scheduler(self.manager, clock=lambda: self.now, **options)
        self.runs: list[JobRun] = []
        self.scheduler.on_run.add(self.runs.append)
        self.scheduler.step()

    def after(self, seconds: float) -> list[str]:
        """What begins at a later time; all of it has ended then."""
        self.now += seconds
        begun = self.scheduler.step()
        assert self.scheduler.wait(HANGS)
        return begun

    def logged(self) -> list[str]:
        return [entry.message for entry in reversed(self.manager.log.all())]


@case("H22")
def test_the_name_of_a_templates_function() -> None:
    assert template_function("stats/dash-board.html") == "template_stats_dash_board_html"
    assert template_function("aZ09_é.x") == "template_aZ09___x"


# -- what there are


@case("H23")
def test_only_what_is_enabled_is_listed() -> None:
    missing = {key: value for key, value in job("missing").items() if key != "enabled"}
    jobs = [job("off", enabled=False), missing, job("b"), job("a", timeout="90s")]
    timed = Timed(Scripted("x", jobs=jobs), Scripted("away", jobs=[job("c")]))
    timed.manager.disable("away")
    listed = timed.scheduler.jobs()
    assert [(status.name, status.timeout) for status in listed] == [
        ("plugin.x.a", 90),
        ("plugin.x.b", 300),
    ]
    assert listed[0].next_run == NOON.replace(minute=5)
    assert (listed[0].running, listed[0].last_run, listed[0].error) == (False, None, None)


@case("H23")
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300), ("x", 300), ("", 300), ("90s", 90), ("0s", 300), ("-5s", 300), ("1h1m", 3660),
        ("1999ms", 1), ("900ms", 300), ("9" * 99 + "h", 300), ("10", 300),
    ],
)  # fmt: skip
def test_how_long_a_job_may_take(text: str, seconds: int) -> None:
    found = job_timeout(Job(timeout=text))
    assert found == seconds or (len(text) > 50 and found > 0)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * *",
        "61 * * * *",
        "a b c d e",
        "*" * 300,
        "@sometimes",
        "0 0 31 2 *",
    ],
)
def test_what_is_no_schedule_is_told_once(expression: str) -> None:
    timed = Timed(Scripted("x", jobs=[job("bad", expression), job("good")]))
    timed.after(1)
    bad, good = timed.scheduler.jobs()
    assert isinstance(bad.error, PlatformError)
    assert "is no cron expression" in str(bad.error)
    assert (bad.next_run, good.error) == (None, None)
    assert [line.startswith("job bad is not scheduled") for line in timed.logged()] == [True]


def test_schedules() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    daily = Schedule("30 2 * * *")
    # the night in which 2:30 does not come, and the one in which it comes twice
    skipped = daily.after(datetime(2024, 3, 30, 12, tzinfo=berlin))
    assert skipped is not None
    assert skipped.astimezone(timezone.utc) == datetime(2024, 3, 31, 1, tzinfo=timezone.utc)
    first = daily.after(datetime(2024, 10, 26, 12, tzinfo=berlin))
    assert first is not None
    second = daily.after(first)
    assert second is not None
    assert (first.day, second.day) == (27, 28)
    assert Schedule("@Daily").after(NOON) == datetime(2024, 1, 2, tzinfo=timezone.utc)
    assert Schedule("0 9 * * 1-5").after(NOON) == datetime(2024, 1, 2, 9, tzinfo=timezone.utc)
    assert "minute" in Schedule("*/5 * * * *").explained()


def test_a_missing_extra_says_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cronsim", None)
    with pytest.raises(PlatformError, match=r"pip install 'pywasmgk\[jobs\]'"):
        Schedule("* * * * *")


# -- running


def test_a_job_runs_when_it_is_due_without_arguments() -> None:
    plugin = Scripted("x", jobs=[job()])
    timed = Timed(plugin)
    assert timed.after(299) == []
    assert timed.after(1) == ["plugin.x.j"]
    assert plugin.calls == [("do_j", None)]
    assert timed.after(1) == []
    assert timed.after(299) == ["plugin.x.j"]
    assert [(run.name, run.error) for run in timed.runs] == [("plugin.x.j", None)] * 2
    assert timed.runs[0].timestamp == NOON.timestamp() + 300
    assert timed.scheduler.jobs()[0].last_run == timed.runs[1]


def test_what_was_missed_is_run_once() -> None:
    plugin = Scripted("x", jobs=[job()])
    timed = Timed(plugin)
    assert timed.after(36_000) == ["plugin.x.j"]
    assert timed.after(1) == []
    assert len(plugin.calls) == 1


def test_the_expressions_are_of_the_time_zone() -> None:
    timed = Timed(
        Scripted("x", jobs=[job(schedule="0 14 * * *")]), timezone=ZoneInfo("Europe/Berlin")
    )
    assert timed.after(3599) == []
    assert timed.after(1) == ["plugin.x.j"]


def test_a_job_that_fails_is_logged_and_runs_again() -> None:
    def fail(plugin: Scripted, args: Any) -> None:
        raise CallError("no\nway")

    timed = Timed(Scripted("x", {"do_j": fail}, jobs=[job()]))
    assert timed.after(300) == timed.after(300) == ["plugin.x.j"]
    assert timed.logged() == ["job j failed: no\nway"] * 2
    assert [str(run.error) for run in timed.runs] == ["no\nway"] * 2


def test_a_job_that_takes_too_long_is_stopped() -> None:
    jobs = [job(timeout="1s")]
    looping = guest({"name": "x", "version": "1", "jobs": jobs}, call=(*LOOP, "i64.const 0"))
    timed = Timed(quick(looping, timeout=HANGS, fuel=None))
    assert timed.after(300) == ["plugin.x.j"]
    assert isinstance(timed.runs[0].error, TimeoutError)


def waiting(entered: threading.Event, go: threading.Event) -> Script:
    def wait(plugin: Scripted, args: Any) -> None:
        entered.set()
        assert go.wait(HANGS)

    return wait


def test_a_job_that_still_runs_is_not_begun_twice() -> None:
    entered, go = threading.Event(), threading.Event()
    plugin = Scripted("x", {"do_j": waiting(entered, go)}, jobs=[job()])
    timed = Timed(plugin)
    timed.now += 300
    assert timed.scheduler.step() == ["plugin.x.j"]
    assert entered.wait(HANGS)
    timed.now += 300
    assert timed.scheduler.step() == []
    assert timed.scheduler.jobs()[0].running
    with pytest.raises(PlatformError, match=r'job "plugin\.x\.j" is running'):
        timed.scheduler.run_now("plugin.x.j")
    go.set()
    assert timed.scheduler.wait(HANGS)
    assert len(plugin.calls) == 1
    assert timed.logged() == ["job j is left out: it still runs"]
    # it is not made up for
    assert timed.after(1) == []
    assert timed.after(299) == ["plugin.x.j"]


def test_not_too_many_run_at_once_and_none_is_forgotten() -> None:
    entered, go = threading.Event(), threading.Event()
    functions = {f"do_j{n}": waiting(entered, go) for n in range(5)}
    timed = Timed(Scripted("x", functions, jobs=[job(f"j{n}") for n in range(5)]), most_running=2)
    timed.now += 300
    assert len(timed.scheduler.step()) == 2
    assert timed.scheduler.step() == []
    go.set()
    begun = 2
    for _ in range(2):
        assert timed.scheduler.wait(HANGS)
        begun += len(timed.scheduler.step())
    assert timed.scheduler.wait(HANGS)
    assert begun == 5
    assert len({run.name for run in timed.runs}) == 5


def test_jobs_come_and_go_with_their_plugins() -> None:
    plugin = Scripted("x", jobs=[job("a")])
    timed = Timed(plugin)
    timed.manager.disable("x")
    assert timed.after(300) == []
    timed.manager.enable("x")
    timed.manager.register(Scripted("y", jobs=[job("b")]))
    timed.manager.replace("x", Scripted("x", jobs=[job("a", "0 * * * *")]))
    assert timed.after(0) == []
    assert timed.after(300) == ["plugin.y.b"]
    assert timed.after(3600) == ["plugin.x.a", "plugin.y.b"]
    timed.manager.unregister("x")
    assert [status.plugin for status in timed.scheduler.jobs()] == ["y"]


def test_a_job_can_be_run_by_hand() -> None:
    plugin = Scripted("x", jobs=[job()])
    timed = Timed(plugin)
    assert timed.scheduler.run_now("plugin.x.j").error is None
    assert plugin.calls == [("do_j", None)]
    with pytest.raises(PlatformError, match=r'job "plugin\.x\.k" not found'):
        timed.scheduler.run_now("plugin.x.k")


def test_where_no_thread_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs, probes and the end of all are done one after the other."""

    def none(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    plugins = [Scripted(name, jobs=[job()]) for name in "xy"]
    timed = Timed(*plugins)
    monkeypatch.setattr(threading.Thread, "start", none)
    assert timed.after(300) == ["plugin.x.j", "plugin.y.j"]
    assert [plugin.calls for plugin in plugins] == [[("do_j", None)]] * 2
    monitor = HealthMonitor(timed.manager)
    monitor.step()
    assert [health.status for health in monitor.health()] == ["healthy"] * 2
    timed.manager.shutdown()
    assert [plugin.shutdowns for plugin in plugins] == [1, 1]


def test_in_a_thread_until_it_is_stopped() -> None:
    """What runs then is ended: a guest by its token."""
    began = threading.Event()
    looping = guest({"name": "x", "version": "1", "jobs": [job()]}, call=(*LOOP, "i64.const 0"))
    plugin = quick(looping, timeout=HANGS, fuel=None)
    call_raw = plugin.call_raw

    def noted(function: str, args: bytes | None = None, **options: Any) -> bytes | None:
        assert isinstance(options["cancel"], CancelToken)
        began.set()
        return call_raw(function, args, **options)

    plugin.call_raw = noted  # type: ignore[method-assign]
    timed = Timed(plugin)
    with timed.scheduler:
        timed.now += 300
        assert began.wait(HANGS)
    assert timed.scheduler.wait(HANGS)
    assert isinstance(timed.runs[0].error, CallError)
