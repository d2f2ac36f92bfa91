"""The buffer of the log, and its way into Python's logging (contract 5.5)."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from itertools import count
from typing import Any

import pytest
from plugin_guests import asker, question, quick
from scripted import together

from pywasmgk import MemoryHost
from pywasmgk.platform import JSONLinesHandler, LogBuffer, PlainFormatter, PluginManager

case = pytest.mark.case


def filled(size: int, *levels: str) -> LogBuffer:
    ticks = count(1_700_000_000)
    log = LogBuffer(size, forward=False, clock=lambda: float(next(ticks)))
    for number, level in enumerate(levels):
        log.add(level, f"m{number}", plugin="ab"[number % 2])
    return log


@case("H21")
def test_the_latest_stay() -> None:
    log = filled(3, "error", "debug", "info", "warn", "error")
    assert [entry.message for entry in log.all()] == ["m4", "m3", "m2"]
    assert [entry.level for entry in log.at_least("warn")] == ["error", "warn"]
    assert [entry.message for entry in log.of_plugin("a")] == ["m4", "m2"]
    assert [entry.message for entry in log.recent(2)] == ["m4", "m3"]
    assert (log.recent(0), log.recent(-1), len(log.recent(9))) == ([], [], 3)
    assert len(log) == 3
    log.clear()
    assert (len(log), log.all()) == (0, [])


@case("H21")
@pytest.mark.parametrize("size", [0, -1])
def test_no_size_is_a_thousand(size: int) -> None:
    log = LogBuffer(size, forward=False)
    for number in range(1001):
        log.add("info", str(number))
    assert (len(log), log.all()[-1].message) == (1000, "1")


@case("H21")
def test_a_level_that_is_not_known_counts_as_debug() -> None:
    log = filled(9, "debug", "loud", "info")
    assert [entry.level for entry in log.at_least("debug")] == ["info", "loud", "debug"]
    assert [entry.level for entry in log.at_least("quiet")] == ["info", "loud", "debug"]
    assert [entry.level for entry in log.at_least("info")] == ["info"]


def test_who_has_logged_is_the_field_or_the_caller() -> None:
    log = LogBuffer(forward=False)
    fields = {"plugin": "field", "n": 1}
    assert log.add("info", "m", fields, "caller").plugin == "field"
    assert log.add("info", "m", {}, "caller").plugin == "caller"
    assert fields == {"plugin": "field", "n": 1}


def test_lines_of_plugins_come_in() -> None:
    log, host = LogBuffer(forward=False), MemoryHost()
    manager = PluginManager(host, log=log)
    manager.register(quick(asker("x")))
    request = {"level": "warn", "message": "careful", "fields": {"n": 1, "plugin": "another"}}
    manager.call_raw("x", "call", question("log", request))
    (entry,) = log.all()
    assert (entry.plugin, entry.level, entry.message, entry.fields) == (
        "x", "warn", "careful", {"n": 1}
    )  # fmt: skip
    assert host.logs[-1].message == "careful"


@case("W51")
@pytest.mark.parametrize(
    "text",
    [
        "a\nb",
        "a\r\nb",
        "a\u2028b\u2029c\x85d",
        "\x1b[31mred",
        '"}\n{"x":"',
        "\x00\x0b\x0c",
        "\ud800",
    ],
)
def test_nothing_breaks_a_line(text: str) -> None:
    """Neither in the message nor in a field, a key, or the plugin's name."""
    log = LogBuffer(forward=False)
    entry = log.add(text, text, {text: text, "deep": {text: [text]}}, text)
    line = entry.to_json()
    assert len(line.splitlines()) == 1
    assert line.isascii() and line.isprintable()
    form = json.loads(line)
    assert form["message"] == text
    assert form["fields"] == {text: text, "deep": {text: [text]}}
    assert len(str(entry).splitlines()) == 1
    assert str(entry).isprintable()


@case("W51")
def test_nothing_breaks_a_line_on_its_way_through_logging() -> None:
    stream, plain = io.StringIO(), io.StringIO()
    handler, other = JSONLinesHandler(stream), logging.StreamHandler(plain)
    other.setFormatter(PlainFormatter())
    logger = logging.getLogger("pywasmgk.plugins")
    level, logger.level = logger.level, logging.DEBUG
    for one in (handler, other):
        logger.addHandler(one)
    try:
        LogBuffer(clock=lambda: 0.0).add("warn", "a\n%s{b}", {"k\n": "v\n"}, "x")
        logger.error("of the host\n")
        try:
            raise ValueError("broken\n")
        except ValueError:
            logger.exception("it failed")
    finally:
        logger.level = level
        for one in (handler, other):
            logger.removeHandler(one)
    lines = [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]
    assert [(line["plugin"], line["level"], line["message"]) for line in lines] == [
        ("x", "warn", "a\n%s{b}"),
        ("", "error", "of the host\n"),
        ("", "error", "it failed"),
    ]
    assert lines[0]["fields"] == {"k\n": "v\n"}
    assert "ValueError: broken" in lines[2]["fields"]["exception"]
    assert len(plain.getvalue().splitlines()) == 3
    assert "warn x: a\\x0a%s{b}" in plain.getvalue()


@case("W51")
def test_nor_does_any_other_handler_break_one(caplog: pytest.LogCaptureFixture) -> None:
    LogBuffer().add("error", "a\nERROR forged\x1b[2J", plugin="x")
    assert [record.getMessage() for record in caplog.records] == ["a\\x0aERROR forged\\x1b[2J"]


def test_without_logging_nothing_is_written() -> None:
    program = "from pywasmgk.platform import LogBuffer; LogBuffer().add('error', 'broken')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_form_is_stable() -> None:
    log = LogBuffer(forward=False, clock=lambda: 1_700_000_000.1239)
    assert log.add("info", "m", plugin="x").to_json() == (
        '{"timestamp": "2023-11-14T22:13:20.123Z", "plugin": "x", "level": "info", "message": "m"}'
    )
    values: Any = {"when": object, ("odd",): 1}
    assert "class" in log.add("info", "m", values).to_json()


def test_followers_are_told_and_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    log = LogBuffer(forward=False)
    seen: list[str] = []

    def broken(entry: object) -> None:
        raise ValueError("mine")

    ends = [log.follow(broken), log.follow(lambda entry: seen.append(entry.message))]
    log.add("info", "one")
    assert "a listener has failed" in caplog.text
    for end in ends:
        end()
    log.add("info", "two")
    assert seen == ["one"]


def test_threads_lose_no_line() -> None:
    log = LogBuffer(4_000, forward=False)
    jobs = [lambda n=n: [log.add("info", f"{n}") for _ in range(500)] for n in range(8)]
    together(*jobs)
    messages = [entry.message for entry in log.all()]
    assert [messages.count(str(n)) for n in range(8)] == [500] * 8
