"""Many runs: what tasks give, on whatever executor, and what becomes of workers that die."""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import pywasmgk
from pywasmgk import MemoryHost, batch, examples
from pywasmgk.batch import BatchError, Call, Limits, PluginCall, Program, Result, Run, Verdict
from pywasmgk.batch.forms import dumped, form_of, loaded, value_of
from pywasmgk.batch.tasks import task_bytes, task_from_bytes
from pywasmgk.batch.worker import run_chunk

#: adds up to its argument; says it; traps, loops, grows, and counts what it is to forget
MODULE = pywasmgk.Module("""(module
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))
  (table $t 2 funcref)
  (elem $e funcref (ref.func $sum))
  (data $d "abc")
  (func $sum (export "sum") (param $n i32) (result i32) (local $s i32)
    (loop $again
      (local.set $s (i32.add (local.get $s) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))
  (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "two") (param f64) (result f64 i64) (local.get 0) (i64.const -1))
  (func (export "forever") (loop (br 0)))
  (func (export "grows")
    (if (i32.eq (memory.grow (i32.const 300)) (i32.const -1)) (then unreachable)))
  (func (export "marks") (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (drop (memory.grow (i32.const 1)))
    (drop (table.grow $t (ref.null func) (i32.const 1)))
    (memory.init $d (i32.const 8) (i32.const 0) (i32.const 3)) (data.drop $d)
    (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $e)
    (i32.add (i32.mul (global.get $calls) (i32.const 1000))
      (i32.add (i32.mul (i32.load (i32.const 0)) (i32.const 100))
        (i32.add (i32.mul (memory.size) (i32.const 10)) (table.size $t))))))""")

#: reads up to 100 bytes, writes them, and ends with the first as its code
ECHO = """(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\64\\00\\00\\00")
  (func (export "_start")
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
    (i32.store (i32.const 4) (i32.load (i32.const 16)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
    (call $exit (i32.sub (i32.load8_u (i32.const 64)) (i32.const 48)))))"""


def sums(count: int) -> list[tuple[int]]:
    return [(number % 50 + 1,) for number in range(count)]


def one(task: Any, given: Any = ()) -> Result:
    (result,) = batch.map(task, [given])
    return result


# -- what a task gives


def test_a_call() -> None:
    result = one(Call(MODULE, "sum"), (10,))
    assert (result.value, result.verdict, result.message, result.pages) == (55, Verdict.OK, "", 1)
    instance = pywasmgk.instantiate(MODULE)
    assert instance.exports["sum"](10) == 55
    assert result.fuel == instance.fuel_used
    assert one(Call(MODULE, "sum"), 10).value == 55
    assert one(Call(MODULE, "two"), (math.inf,)).value == [math.inf, -1]


@pytest.mark.parametrize(
    ("export", "given", "verdict", "said"),
    [
        ("div", (1, 0), Verdict.TRAP, "divide by zero"),
        ("forever", (), Verdict.FUEL, "instructions used up"),
        ("grows", (), Verdict.MEMORY, "unreachable"),
        ("none", (), Verdict.REFUSED, "'none'"),
        ("memory", (), Verdict.REFUSED, "'memory'"),
        ("sum", ("x",), Verdict.REFUSED, "x"),
        ("sum", (1, 2), Verdict.REFUSED, "argument"),
        ("sum", (1 << 70,), Verdict.REFUSED, ""),
    ],
)
def test_how_tasks_end(export: str, given: Any, verdict: Verdict, said: str) -> None:
    result = one(Call(MODULE, export, Limits(fuel=10_000)), given)
    assert result.verdict is verdict and said in result.message
    assert result.value is None
    if verdict in (Verdict.TRAP, Verdict.FUEL):
        assert result.frames[0]["function"] is not None and result.fuel > 0


def test_time_is_up() -> None:
    limits = Limits(fuel=None, timeout=0.1)
    assert one(Call(MODULE, "forever", limits)).verdict is Verdict.TIMEOUT


@pytest.mark.parametrize("module", [b"", b"\0asm", b"\0asm\1\0\0\0\xff", "(module (func (drop)))"])
def test_a_module_that_is_none_is_every_result(module: Any) -> None:
    if isinstance(module, str):
        module = pywasmgk.Module(module, validate="lazy").data
    results = [*batch.map(Call(module, "f"), [(), ()])]
    assert [result.verdict for result in results] == [Verdict.REFUSED] * 2
    assert all(result.message for result in results)


def test_a_program() -> None:
    results = [*batch.map(Program(ECHO), [b"0 hello", "7", Run(b"0", ["a"], {"B": "c"})])]
    assert [result.stdout for result in results] == [b"0 hello", b"7", b"0"]
    assert [result.value for result in results] == [0, 7, 0]
    assert [result.verdict for result in results] == [Verdict.OK, Verdict.EXIT, Verdict.OK]
    (short,) = batch.map(Program(ECHO, Limits(output=3)), [b"0 hello"])
    assert (short.stdout, short.truncated) == (b"0 h", True)
    assert one(Program(MODULE), b"").verdict is Verdict.REFUSED
    assert "Run" in one(Program(ECHO), 7).message


def test_a_plugin() -> None:
    task = PluginCall(examples.read("hello"), "hello")
    results = [*batch.map(task, [{"name": "Ada"}, ({"name": "Bo"},), ()])]
    assert results[0].value == {"message": "Hello, Ada!"}
    assert results[1].value == {"message": "Hello, Bo!"}
    assert results[0].fuel > 0
    with pywasmgk.load(examples.read("hello")) as plugin:
        plugin.init(MemoryHost())
        plugin.call("hello", {"name": "Ada"})
        assert plugin.last_call is not None and plugin.last_call.fuel == results[0].fuel
    assert one(PluginCall(MODULE, "hello"), {}).verdict in (Verdict.REFUSED, Verdict.ERROR)


def test_nothing_of_one_task_is_seen_by_the_next() -> None:
    """Memory, its size, globals, tables and their size, dropped segments."""
    results = [*batch.map(Call(MODULE, "marks"), [()] * 5)]
    assert {(result.value, result.fuel, result.pages) for result in results} == {
        (1000 + 100 + 2 * 10 + 3, results[0].fuel, 2)
    }


#: writes to the file "f" what it reads, and what was in it before to its output
NOTES = """(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\64\\00\\00\\00")
  (data (i32.const 32) "f")
  (func $copy (param $from i32) (param $to i32)
    (i32.store (i32.const 4) (i32.const 100))
    (if (call $read (local.get $from) (i32.const 0) (i32.const 1) (i32.const 16))
      (then unreachable))
    (i32.store (i32.const 4) (i32.load (i32.const 16)))
    (if (call $write (local.get $to) (i32.const 0) (i32.const 1) (i32.const 16))
      (then unreachable)))
  (func (export "_start")
    ;; the folder is 3; it is made if it is not there (1), with the rights to read and write
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 1)
          (i64.const 0x46) (i64.const 0) (i32.const 0) (i32.const 24))
      (then unreachable))
    (call $copy (i32.load (i32.const 24)) (i32.const 1))
    (call $copy (i32.const 0) (i32.load (i32.const 24)))))"""


def test_nothing_of_one_program_is_in_the_files_of_the_next() -> None:
    for files, before in (({"f": b"old"}, b"old"), ({}, b"")):
        results = [*batch.map(Program(NOTES, files=files), [b"one", b"two", b"three"])]
        assert [result.verdict for result in results] == [Verdict.OK] * 3, results[0].message
        assert [result.stdout for result in results] == [before] * 3


def test_nothing_of_one_call_of_a_plugin_is_seen_by_the_next() -> None:
    """The first is loaded, those after it come from a snapshot: all measure the same."""
    results = [*batch.map(PluginCall(examples.read("hello"), "hello"), [{"name": "Ada"}] * 4)]
    assert len({(str(result.value), result.fuel, result.pages) for result in results}) == 1


# -- what travels


@pytest.mark.parametrize(
    "value",
    [0, -1, 1 << 80, 1.5, math.inf, -0.0, "ä\ud800", b"\0\xff", None, True, [1, [b""]], {"a": 1.0}],
)
def test_values_come_over_as_they_are(value: Any) -> None:
    again = value_of(loaded(dumped(form_of(value))))
    assert again == value and type(again) is type(value)
    assert str(again) == str(value)


def test_the_bits_of_nan_come_over() -> None:
    (odd,) = struct.unpack("<d", bytes.fromhex("efbeadde0000f87f"))
    assert struct.pack("<d", value_of(loaded(dumped(form_of(odd))))) == struct.pack("<d", odd)


def test_what_cannot_travel_says_so() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (object(), {1: 2}, {1, 2}, deep):
        with pytest.raises(BatchError):
            one(Call(MODULE, "sum"), (value,))


@pytest.mark.parametrize("form", [{"f": "x"}, {"b": "?"}, {"x": 1}, {"f": "00", "b": ""}, {"o": 1}])
def test_forms_that_are_none(form: Any) -> None:
    with pytest.raises(BatchError):
        value_of(form)


def test_tasks_are_bytes() -> None:
    tasks = [
        Call(MODULE.data, "sum", Limits(5, 6, 7.0, 8), "cache"),
        Program(MODULE.data, files={"a/b": b"\0"}),
    ]
    for task in tasks:
        assert task_from_bytes(task_bytes(task)) == task
    data = task_bytes(tasks[0])
    for number in range(0, len(data), 7):
        with pytest.raises(BatchError):
            task_from_bytes(data[:number])
    with pytest.raises(BatchError):
        task_from_bytes(data[:-1] + b"\1")


def test_hosts_are_made_by_who_is_allowed_to() -> None:
    recipe = pywasmgk.PluginRecipe.of(examples.read("hello"), host="os:getcwd")
    data = task_bytes(PluginCall(recipe, "hello"))
    with pytest.raises(BatchError, match="getcwd"):
        task_from_bytes(data)
    assert task_from_bytes(data, hosts=["os:getcwd"]).plugin.host == "os:getcwd"


def test_a_worker_is_given_a_task_once() -> None:
    data = task_bytes(Call(MODULE, "sum", Limits(fuel=123_456)))
    from pywasmgk.batch.tasks import identity

    inputs = dumped([{"given": [3], "tuple": True}])
    assert run_chunk(identity(data), None, inputs) == b""
    assert run_chunk(identity(data), data, inputs)
    assert run_chunk(identity(data), None, inputs)


# -- executors


def executors() -> Iterator[Any]:
    yield pytest.param(partial(ThreadPoolExecutor, 2), id="threads")
    yield pytest.param(partial(ProcessPoolExecutor, 2), id="processes")

    def loky() -> Executor:
        found = pytest.importorskip("loky", reason="loky is not installed")
        executor: Executor = found.ProcessPoolExecutor(2)
        return executor

    def interpreters() -> Executor:
        import concurrent.futures

        kind = getattr(concurrent.futures, "InterpreterPoolExecutor", None)
        if kind is None:
            pytest.skip("sub-interpreters come with Python 3.14")
        executor: Executor = kind(2)
        return executor

    yield pytest.param(loky, id="loky")
    yield pytest.param(interpreters, id="interpreters")
    yield pytest.param(dask_cluster, id="dask")


@contextmanager
def dask_cluster() -> Iterator[Any]:
    """A client of a cluster with one worker, in threads of this process."""
    found = pytest.importorskip("distributed", reason="distributed is not installed")
    with found.Client(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
    ) as client:
        yield client


@pytest.mark.parametrize("make", [*executors()])
@pytest.mark.parametrize("ordered", [True, False])
def test_all_executors_give_the_same(make: Any, ordered: bool) -> None:
    task = Call(MODULE, "div")
    inputs = [(number, number % 7) for number in range(100)]
    here = [result.same_everywhere for result in batch.map(task, inputs)]
    with make() as executor:
        there = [
            result.same_everywhere
            for result in batch.map(task, inputs, executor=executor, ordered=ordered)
        ]
    assert (there if ordered else sorted(there)) == here


def test_inputs_are_taken_as_they_are_needed() -> None:
    taken = itertools.count()
    endless = ((next(taken) % 9 + 1,) for _ in itertools.count())
    with ThreadPoolExecutor(2) as executor:
        results = batch.map(Call(MODULE, "sum"), endless, executor=executor)
        assert [result.value for result in itertools.islice(results, 20)][:3] == [1, 3, 6]
        results.close()  # type: ignore[attr-defined]
    assert next(taken) < 20_000


def test_a_batch_is_cancelled() -> None:
    token = pywasmgk.CancelToken()
    results = batch.map(Call(MODULE, "sum"), itertools.repeat((3,)), cancel=token)
    assert next(results).value == 6
    token.cancel()
    assert [*results] == []


def test_a_batch_that_no_worker_does_is_cancelled() -> None:
    class Idle(Executor):
        def submit(self, *args: Any, **options: Any) -> Future[Any]:  # type: ignore[override]
            asked.set()
            return Future()

    token, asked = pywasmgk.CancelToken(), threading.Event()
    found: list[Result] = []
    results = batch.map(Call(MODULE, "sum"), sums(3), executor=Idle(), cancel=token)
    thread = threading.Thread(target=lambda: found.extend(results), daemon=True)
    thread.start()
    assert asked.wait(30)
    token.cancel()
    thread.join(30)
    assert not thread.is_alive() and found == []


def test_a_function_may_make_a_client() -> None:
    class Client:
        def get_executor(self, **options: Any) -> Executor:
            return ThreadPoolExecutor(1)

    for make in (Client, ThreadPoolExecutor, lambda: Client()):
        results = [*batch.map(Call(MODULE, "sum"), sums(3), executor=make)]
        assert [result.value for result in results] == [1, 3, 6]


def test_progress_is_told() -> None:
    told: list[Result] = []
    results = [*batch.map(Call(MODULE, "sum"), sums(5), progress=told.append)]
    assert told == results


def test_coroutines_have_results_one_by_one() -> None:
    async def main() -> list[Any]:
        found = []
        with ThreadPoolExecutor(2) as executor:
            async for result in batch.amap(Call(MODULE, "sum"), sums(20), executor=executor):
                found.append(result.value)
        return found

    assert asyncio.run(main()) == [
        result.value for result in batch.map(Call(MODULE, "sum"), sums(20))
    ]


def test_coroutines_are_cancelled_while_they_wait() -> None:
    """The generator is in a thread then, and is closed when that has ended."""
    begun = threading.Event()

    def inputs() -> Iterator[tuple[()]]:
        begun.set()
        yield ()

    async def main() -> None:
        async def use() -> None:
            async for _ in batch.amap(Call(MODULE, "forever", limits), inputs()):
                pass

        user = asyncio.create_task(use())
        await asyncio.to_thread(begun.wait, 60)
        user.cancel()
        with pytest.raises(asyncio.CancelledError):
            await user

    limits = Limits(fuel=None, timeout=0.5)
    asyncio.run(main())


def test_one_is_submitted() -> None:
    with ThreadPoolExecutor(1) as executor:
        result = batch.submit(Call(MODULE, "sum"), (4,), executor).result(60)
    assert result.value == 10


def test_what_was_submitted_is_cancelled_before_it_begins() -> None:
    goes_on = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        executor.submit(goes_on.wait, 60)
        future = batch.submit(Call(MODULE, "sum"), (4,), executor)
        assert future.cancel()
        goes_on.set()
    assert future.cancelled()


def test_executors_that_take_nothing_end_a_batch() -> None:
    made = []

    def make() -> Executor:
        made.append(ThreadPoolExecutor(1))
        made[-1].shutdown()
        return made[-1]

    with pytest.raises(BatchError, match="take no tasks"):
        list(batch.map(Call(MODULE, "sum"), sums(3), executor=make))
    assert 1 < len(made) < 10


# -- workers that die


def dying(path: str) -> MemoryHost:
    """A host in a process that ends where its plugin asks for the key "die", each time or once."""

    class Dying(MemoryHost):
        def cache_get(self, ctx: Any, key: str) -> bytes | None:
            with open(path, "a", encoding="ascii") as file:
                file.write(f"{key}\n")
            if key == "die" or (key == "once" and Path(path).read_text().count("once") == 1):
                os._exit(7)
            return key.encode()

    return Dying()


#: asks the host by the name of the function and the arguments
from plugin_guests import RELAY  # noqa: E402


def deadly(path: Path) -> PluginCall:
    recipe = pywasmgk.PluginRecipe.of(
        RELAY, host=f"{__name__}:dying", arguments={"path": str(path)}
    )
    return PluginCall(recipe, "cache_get")


def keys(count: int, **odd: int) -> list[dict[str, str]]:
    at = {number: key for key, number in odd.items()}
    return [{"key": at.get(number, f"k{number}")} for number in range(count)]


def test_a_poisoned_task_is_lost_alone(tmp_path: Path) -> None:
    path = tmp_path / "asked"
    results = [
        *batch.map(
            deadly(path), keys(40, die=17), executor=partial(ProcessPoolExecutor, 2), retries=2
        )
    ]
    assert [result.number for result in results] == [*range(40)]
    verdicts = [result.verdict for result in results]
    assert Counter(verdicts) == {Verdict.OK: 39, Verdict.LOST: 1}
    assert verdicts[17] is Verdict.LOST and "died" in results[17].message
    # tried with others, and as often alone as it is said
    assert 3 <= path.read_text().count("die\n") <= 9


def test_what_dies_once_is_done_again(tmp_path: Path) -> None:
    results = batch.map(
        deadly(tmp_path / "asked"), keys(10, once=4), executor=partial(ProcessPoolExecutor, 2)
    )
    assert [result.verdict for result in results] == [Verdict.OK] * 10


def test_what_has_effects_is_done_once_at_most(tmp_path: Path) -> None:
    path = tmp_path / "asked"
    results = [
        *batch.map(
            deadly(path), keys(20, die=5),
            executor=partial(ProcessPoolExecutor, 2), idempotent=False,
        )
    ]  # fmt: skip
    assert [result.number for result in results] == [*range(20)]
    assert results[5].verdict is Verdict.LOST
    asked = Counter(path.read_text().split())
    assert set(asked.values()) == {1}
    lost = {f"k{result.number}" for result in results if result.verdict is Verdict.LOST} - {"k5"}
    done = {f"k{result.number}" for result in results if result.verdict is Verdict.OK}
    assert done <= set(asked) and not done & lost


def test_an_executor_that_nobody_makes_anew(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1) as executor:
        results = batch.map(deadly(tmp_path / "asked"), keys(3, die=0), executor=executor)
        with pytest.raises(BatchError, match="broken") as caught:
            list(results)
    assert isinstance(caught.value.__cause__, BrokenProcessPool)


def test_equal_inputs_are_done_each(tmp_path: Path) -> None:
    """Dask takes equal calls for one, if it is not told otherwise."""
    path = tmp_path / "asked"
    with dask_cluster() as client:
        for executor in (client, client.get_executor()):
            results = batch.map(deadly(path), [{"key": "k"}] * 20, executor=executor, workers=1)
            assert [result.verdict for result in results] == [Verdict.OK] * 20
        batch.submit(deadly(path), {"key": "k"}, client).result(60)
        batch.submit(deadly(path), {"key": "k"}, client).result(60)
    assert path.read_text().count("k\n") == 42


# -- sums


def test_a_summary() -> None:
    summary = batch.Summary()
    results = [*summary.of(batch.map(Call(MODULE, "div"), [(6, 3), (1, 0), (8, 2)]))]
    assert summary.fuel == sum(result.fuel for result in results)
    assert str(summary).startswith("3 tasks: 2 ok, 1 trap;")
    assert summary.form()["verdicts"] == {"ok": 2, "trap": 1}
    for name in ("fuel", "seconds"):
        text = summary.to_svg(name)
        assert text.startswith("<svg") and text.count("<rect") >= 1
    assert "none" in batch.Summary().to_svg()


@pytest.mark.parametrize("bad", [{"fuel": -1}, {"pages": 1.5}, {"timeout": 0}, {"output": None}])
def test_limits_that_are_none(bad: Any) -> None:
    with pytest.raises((BatchError, TypeError)):
        Limits(**bad)


def test_notebooks_show_a_summary_as_its_line() -> None:
    summary = batch.Summary()
    assert not hasattr(summary, "_repr_html_") and "0 tasks" in repr(summary)
