"""Events: who hears what, who loses what, and how they are written down."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pywasmgk.errors import ConfigError
from pywasmgk.plugin import HostFunctionError
from pywasmgk.services import Events
from pywasmgk.services.events import Event, Subscription, lines_of

from .conftest import context


def heard(listener: Subscription) -> list[tuple[str, str]]:
    found = []
    while event := listener.get(0):
        found.append((event.event_type, event.data))
    return found


def test_listeners_hear_what_they_asked_for() -> None:
    events = Events()
    events.publish(context("a"), "", "before", "")
    everything, channel = events.subscribe(), events.subscribe("news")
    plugin = events.subscribe(plugin="b")
    events.publish(context("a"), "", "one", "1")
    events.publish(context("a"), "news", "two", "2")
    events.publish(context("b"), "news", "three", "3")
    assert heard(everything) == [("one", "1"), ("two", "2"), ("three", "3")]
    assert heard(channel) == [("two", "2"), ("three", "3")]
    assert heard(plugin) == [("three", "3")]
    everything.close()
    events.publish(context("a"), "", "four", "")
    assert heard(everything) == []


def test_an_event_says_whose_it_is() -> None:
    events = Events()
    with events.subscribe() as listener:
        events.publish(context("a"), "c", "t", "d")
        assert listener.get(0) == Event("c", "t", "d", "a", 1)


def test_who_is_slow_loses_events_and_is_told() -> None:
    events = Events(queue=2)
    listener, quick = events.subscribe(), events.subscribe(queue=100)
    for number in range(5):
        events.publish(context(), "", "e", str(number))
    assert listener.get(0) == Event("", "e", "0", "x", 1)
    events.publish(context(), "", "e", "5")
    assert heard(listener) == [("e", "1"), ("lost", "3"), ("e", "5")]
    assert [data for _, data in heard(quick)] == list("012345")
    for number in range(3):
        events.publish(context(), "", "e", str(number))
    # also where no other event comes
    assert heard(listener) == [("e", "0"), ("e", "1"), ("lost", "1")]
    assert heard(listener) == []


def test_events_are_waited_for() -> None:
    events = Events()
    listener = events.subscribe()
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.extend(event.data for event in listener))
    thread.start()
    for number in range(100):
        events.publish(context(), "", "e", str(number))
    while len(found) < 100:
        thread.join(0.01)
    events.close()
    thread.join()
    assert found == [str(number) for number in range(100)]


def test_all_hear_events_in_one_order() -> None:
    events = Events(queue=10_000)
    listeners = [events.subscribe() for _ in range(3)]

    def publish() -> None:
        for _ in range(200):
            events.publish(context(), "", "e", "")

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for listener in listeners:
        numbers = []
        while event := listener.get(0):
            numbers.append(event.number)
        assert numbers == list(range(1, 801))


@pytest.mark.case("W51")
def test_data_of_several_lines_stays_one_event() -> None:
    event = Event("", "a\nevent: b\r\rdata: c", "one\ntwo\r\nthree\rfour\n", "x", 7)
    assert lines_of(event) == (
        "id: 7\nevent: a event: b  data: c\n"
        "data: one\ndata: two\ndata: three\ndata: four\ndata: \n\n"
    )
    assert lines_of(Event("", "t", "", "x", 1)) == "id: 1\nevent: t\ndata: \n\n"


def test_events_have_bounds() -> None:
    events = Events(max_bytes=10, listeners=1)
    with pytest.raises(HostFunctionError, match="at most 10 bytes"):
        events.publish(context(), "", "e", "ü" * 6)
    for channel, kind in (("x" * 201, ""), ("", "x" * 201)):
        with pytest.raises(HostFunctionError, match="at most 200 characters"):
            events.publish(context(), channel, kind, "")
    with events.subscribe(), pytest.raises(RuntimeError, match="1 listen already"):
        events.subscribe()
    events.subscribe().close()
    assert events.published == 0


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Events(queue=0), "events: queue must be above 0"),
        (lambda: Events(max_bytes=-1), "events: max_bytes must be above 0"),
        (lambda: Events(listeners=True), "events: listeners must be above 0"),
    ],
)
def test_settings_that_make_no_sense(make: Callable[[], object], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        make()
