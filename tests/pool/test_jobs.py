"""The queue is fair: who asks much keeps nobody waiting."""

from __future__ import annotations

from pywasmgk.pool.jobs import FairQueue, Job


def job(who: str) -> Job:
    return Job("f", None, None, None, who=who, idempotent=False)


def test_callers_take_turns() -> None:
    queue = FairQueue()
    greedy = [job("a") for _ in range(5)]
    for one in greedy:
        queue.put(one)
    late = [job("b"), job("c"), job("b")]
    for one in late:
        queue.put(one)
    taken = [queue.take() for _ in range(len(queue))]
    assert [one.who for one in taken] == ["a", "b", "c", "a", "b", "a", "a", "a"]
    assert [one for one in taken if one.who == "a"] == greedy
    assert len(queue) == 0


def test_a_job_comes_back_to_the_front_and_can_be_taken_out() -> None:
    queue = FairQueue()
    first, second, other = job("a"), job("a"), job("b")
    queue.put(second)
    queue.put(other)
    queue.put(first, first=True)
    assert queue.remove(second)
    assert not queue.remove(second)
    assert queue.remove(other)
    assert queue.take() is first
    queue.put(other)
    queue.put(first, first=True)
    assert list(queue.drain()) == [first, other]
    assert len(queue) == 0
