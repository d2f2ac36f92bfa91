"""Executions that are held: forwards, backwards, stopped, looked into, changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import pywasmgk
from pywasmgk import Breakpoint, Execution, HostError, Instance

SUM = """
(module
  (import "env" "double" (func $double (param i32) (result i32)))
  (memory (export "memory") 1 10)
  (table 2 funcref)
  (elem (i32.const 0) $fib $sum)
  (global $last (mut i32) (i32.const 5))
  (func $fib (export "fib") (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                     (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
  (func $sum (export "sum") (param $n i32) (result i32) (local $s i32)
    (loop $again
      (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (local.get $n)))
      (local.set $s (i32.add (local.get $s) (call $double (local.get $n))))
      (global.set $last (local.get $s))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.div_u (local.get $s) (local.get $n)))
  (func (export "grow") (result i32)
    (drop (memory.grow (i32.const 2)))
    (table.set (i32.const 1) (ref.null func))
    (memory.fill (i32.const 0) (i32.const 7) (i32.const 8))
    (i32.load (i32.const 4)))
  (func (export "forever") (loop (br 0))))
"""


@pytest.fixture
def calls() -> list[int]:
    return []


@pytest.fixture
def instance(calls: list[int]) -> Instance:
    def double(number: int) -> int:
        calls.append(number)
        return 2 * number

    return pywasmgk.instantiate(SUM, {"env": {"double": double}})


@pytest.fixture
def held(instance: Instance) -> Iterator[Execution]:
    with instance.start("sum", 3) as execution:
        yield execution


# -- forwards


def test_it_begins_before_the_first_instruction(instance: Instance) -> None:
    with instance.start("fib", 5) as held:
        assert (held.steps, held.fuel_used, held.done) == (0, 1, False)
        (frame,) = held.frames
        assert (frame.name, frame.index, frame.line) == ("fib", 1, 9)
        assert frame.instruction == "local.get $n"
        assert [str(local) for local in frame.locals] == ["$n i32 = 5"]
        assert frame.operands == ()


def test_one_step_is_one_instruction_and_its_fuel(instance: Instance) -> None:
    with instance.start("fib", 5) as held:
        seen = []
        for _ in range(4):
            assert held.step() == "step"
            seen.append((held.frames[0].opcode_name, held.fuel_used))
        assert seen == [("i32.const", 2), ("i32.lt_u", 3), ("if", 4), ("local.get", 5)]
        assert [operand.value for operand in held.frames[0].operands] == []


def test_operands_have_types_and_signs() -> None:
    module = '(module (func (export "f") i32.const -1 i64.const -2 f32.const 0.5 drop drop drop))'
    with pywasmgk.instantiate(module).start("f") as held:
        held.step(3)
        found = [(str(operand.type), operand.value) for operand in held.frames[0].operands]
        assert found == [("i32", -1), ("i64", -2), ("f32", 0.5)]
        assert [operand.value for operand in held.frames[0].arguments()] == [0.5]
        assert [block.form for block in held.frames[0].blocks] == ["func"]


def test_operands_that_the_next_instruction_takes() -> None:
    module = """(module (tag $t (param i64 f32)) (table funcref (elem $two))
      (func $two (param i32 i64) (result i32) (local.get 0))
      (func (export "f") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (throw $t (i64.const 4) (f32.const 0.5))))
        (block (br_if 0 (local.get 0)))
        (drop (call $two (i32.const 5) (i64.const 6)))
        (return (call_indirect (param i32 i64) (result i32)
          (i32.const 7) (i64.const 8) (i32.const 0)))))"""
    instance = pywasmgk.instantiate(module)
    found: dict[str, list[object]] = {}
    for argument in (0, 3):
        with instance.start("f", argument) as held:
            while not held.done:
                frame = held.frames[0]
                found.setdefault(frame.opcode_name, [one.value for one in frame.arguments()])
                held.step()
    wanted = {"if": [1], "throw": [4, 0.5], "br_if": [3], "call": [5, 6]}
    wanted |= {"call_indirect": [7, 8, 0], "return": [7], "block": [], "local.get": []}
    assert {name: found[name] for name in wanted} == wanted


def test_finishing_gives_what_the_call_gives_at_the_same_fuel(instance: Instance) -> None:
    with instance.start("fib", 9) as held:
        held.step(100)
        result = held.finish()
    used = instance.fuel_used
    assert result == instance.exports["fib"](9) == 34
    assert used == instance.fuel_used == held.fuel_used


def test_calls_are_stepped_into_over_and_out_of(instance: Instance) -> None:
    with instance.start("fib", 5) as held:
        held.run(Breakpoint(instruction="call"))
        assert held.step_over() == "frame"
        assert [operand.value for operand in held.frames[0].operands] == [3]
        held.run(Breakpoint(instruction="call"))
        held.step()
        assert held.depth == 2
        assert held.step_out() == "frame"
        assert held.depth == 1
        assert held.step_out() == "done"
        assert held.results == 5


@pytest.mark.parametrize("engine", ["auto", "compiler", "interpreter"])
def test_compiled_functions_are_interpreted(engine: str) -> None:
    instance = pywasmgk.instantiate(SUM, {"env": {"double": abs}}, engine=engine)
    assert instance.exports["fib"](7) == 13
    with instance.start("fib", 7) as held:
        assert held.run(Breakpoint("fib", condition=lambda at: at.locals[0].value == 0))
        assert held.depth > 1
        assert held.finish() == 13


# -- stops


def test_breakpoints(instance: Instance) -> None:
    with instance.start("sum", 3) as held:
        spots = [
            held.break_at(line=18),
            held.break_at(instruction="i32.*sub"),
            held.break_at(host_call="env.*"),
            held.break_at(offset=held.frames[0].offset),
        ]
        order = []
        while held.run() == "breakpoint":
            order += [spots.index(stop) for stop in held.stopped_by]
        assert order == [3, 2, 0, 1] + [2, 0, 1] * 2
        assert [stop.hits for stop in spots] == [3, 3, 3, 1]


def test_a_stop_is_passed_over_as_often_as_it_says(held: Execution) -> None:
    held.break_at(host_call="*", ignore=2)
    held.run()
    assert held.frames[0].locals[0].value == 1
    held.remove(held.stops[0])
    assert held.run() == "trap"


def test_indirect_calls_of_the_host_stop_too() -> None:
    module = """(module (import "env" "f" (func $f)) (table funcref (elem $f $g)) (func $g)
      (func (export "run") (call_indirect (i32.const 1)) (call_indirect (i32.const 0))))"""
    with pywasmgk.instantiate(module, {"env": {"f": lambda: None}}).start("run") as held:
        held.break_at(host_call="*")
        assert held.run() == "breakpoint"
        assert [operand.value for operand in held.frames[0].operands] == [0]
        assert held.run() == "done"


def test_memory_is_watched(held: Execution, calls: list[int]) -> None:
    watch = held.watch_memory(16, 4)
    found = []
    while held.run() == "watchpoint":
        found.append(watch.latest)
    assert [after[0] for _, after in found] == [3, 5, 6]
    read = held.watch_memory(19, 1, "read")
    held.goto(0)
    assert held.run() == "breakpoint"
    assert held.stopped_by == (read,)
    assert held.frames[0].opcode_name == "i32.load"


def test_bulk_instructions_and_growth_are_watched(instance: Instance) -> None:
    with instance.start("grow") as held:
        growth, table = held.watch_growth(), held.watch_table(0)
        memory, outside = held.watch_memory(7, 1, "write"), held.watch_memory(8, 1, "write")
        stopped = [held.stopped_by for _ in range(3) if held.run() != "done"]
        assert stopped == [(growth,), (table,), (memory,)]
        assert growth.latest == (1, 3)
        assert held.run() == "done"
        assert outside.hits == 0


def test_growth_of_tables_is_watched() -> None:
    module = """(module (table 2 9 funcref) (func $f (export "run") (result i32)
      (table.set (i32.const 1) (ref.func $f)) (table.grow (ref.null func) (i32.const 3)))
      (elem declare func $f))"""
    with pywasmgk.instantiate(module).start("run") as held:
        watch = held.watch_growth(table=0)
        assert held.run() == "watchpoint"
        assert (watch.latest, held.frames[0].operands[0].value) == ((2, 5), 2)
        assert held.run() == "done"
        held.remove(watch)
        held.watch_table(0)
        held.goto(0)
        assert [held.run() for _ in range(3)] == ["watchpoint", "watchpoint", "done"]


def test_what_the_host_writes_is_watched() -> None:
    module = '(module (import "env" "f" (func $f)) (memory (export "memory") 1) (start $f))'
    module = module.replace("(start $f)", '(func (export "run") call $f)')
    instance = pywasmgk.instantiate(
        module, {"env": {"f": lambda: instance.exports["memory"].write(5, b"x")}}
    )
    with instance.start("run") as held:
        watch = held.watch_memory(5)
        assert held.run() == "watchpoint"
        assert watch.latest == (b"\0", b"x")


def test_locals_and_globals_are_watched(held: Execution) -> None:
    local, last = held.watch_local("s"), held.watch_global(0)
    stopped = []
    while held.run() == "watchpoint":
        stopped.append((held.stopped_by[0], held.stopped_by[0].latest))
    assert stopped[:3] == [(local, (0, 6)), (last, (5, 6)), (local, (6, 10))]


# -- backwards


def test_going_back_undoes_everything_but_calls_nobody_again(
    held: Execution, instance: Instance, calls: list[int]
) -> None:
    assert held.run() == "trap"
    assert isinstance(held.trap, pywasmgk.Trap)
    assert held.frames[0].opcode_name == "i32.div_u"
    end = held.steps
    assert held.rewind() == "step"
    assert [operand.value for operand in held.frames[0].operands] == [12, 0]
    held.goto(0)
    memory = instance.exports["memory"]
    assert memory.read_u32(16) == 0
    assert instance.globals[0].value == 5
    assert held.run() == "trap"
    assert held.steps == end
    assert memory.read_u32(16) == 6
    assert calls == [3, 2, 1]


def test_growth_is_undone(instance: Instance) -> None:
    memory, table = instance.exports["memory"], instance.tables[0]
    with instance.start("grow") as held:
        held.run()
        assert (memory.pages, memory[0], table.get(1)) == (3, 7, None)
        held.goto(0)
        assert (memory.pages, memory[0], table.get(1)) == (1, 0, instance.funcs[2])
        assert held.finish() == 0x07070707
    assert memory.pages == 3


def test_it_runs_back_to_the_latest_stop(held: Execution) -> None:
    watch = held.watch_memory(16, 4)
    steps = []
    while held.run() == "watchpoint":
        steps.append(held.steps)
    found = []
    while held.reverse_run() == "watchpoint":
        found.append((held.steps, watch.latest[1][0] if watch.latest else None))
    assert found == list(zip(reversed(steps), (6, 5, 3)))
    assert held.steps == 0


def test_it_steps_back_over_calls(instance: Instance) -> None:
    with instance.start("fib", 5) as held:
        held.run(Breakpoint(instruction="call"))
        before = held.steps
        held.step_over()
        assert held.steps > before + 1
        assert held.reverse_step_over() == "step"
        assert (held.steps, held.depth) == (before, 1)


def test_a_long_past_is_kept_in_bounds() -> None:
    module = """(module (memory 16) (func (export "f") (param $n i32)
      (loop (i32.store (i32.and (i32.mul (local.get $n) (i32.const 4100)) (i32.const 0xFFFFC))
                       (local.get $n))
        (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"""
    instance = pywasmgk.instantiate(module, fuel=None, timeout=None)
    with instance.start("f", 200_000, history=4 << 20) as held:
        held.run()
        assert held.steps > 2_000_000
        held.rewind(300_000)
        state = held.steps, held.frames[0].locals
        held.run()
        held.goto(state[0])
        assert (held.steps, held.frames[0].locals) == state
        with pytest.raises(ValueError, match="forgotten"):
            held.goto(held.oldest - 1)
        assert held._history.size < 8 << 20


def test_who_wants_no_past_has_none(instance: Instance) -> None:
    with instance.start("fib", 3, history=None) as held:
        held.step(5)
        with pytest.raises(HostError, match="history"):
            held.rewind()


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.rewind(3),
        lambda held: held.goto(0),
        lambda held: held.reverse_run(),
        lambda held: held.reverse_step_over(),
        lambda held: held.set_local("n", 7),
        lambda held: held.set_global(0, 7),
        lambda held: held.write_memory(16, b"7"),
        lambda held: held.step(),
    ],
)
def test_one_that_is_closed_changes_nothing_of_its_instance(
    instance: Instance, change: Any
) -> None:
    """Which may be somebody else's by then."""
    held = instance.start("sum", 3)
    held.step(20)
    assert not held.closed
    held.close()
    assert held.closed

    def state() -> tuple[object, ...]:
        values = held.frames[0].locals, instance.globals[0].value
        return held.steps, values, instance.memory.read(0, 100)

    before = state()
    with pytest.raises(HostError, match="the execution is closed"):
        change(held)
    assert state() == before


def test_exceptions_of_the_host_come_again_as_they_were(instance: Instance) -> None:
    def fail(number: int) -> int:
        raise KeyError("no")

    instance = pywasmgk.instantiate(SUM, {"env": {"double": fail}})
    with instance.start("sum", 3) as held:
        assert held.run() == "trap"
        assert isinstance(held.trap, KeyError)
        notes = list(held.trap.__notes__)
        held.goto(2)
        assert held.run() == "trap"
        assert held.trap.__notes__ == notes


def test_what_the_host_undoes_is_undone_again() -> None:
    module = """(module (import "" "f" (func $f)) (memory (export "memory") 1)
      (func (export "run") (result i32)
        (i32.store (i32.const 8) (i32.const 7)) (call $f) (i32.load (i32.const 8))))"""
    instance = pywasmgk.instantiate(
        module, {"": {"f": lambda: instance.exports["memory"].write_u32(8, 0)}}
    )
    with instance.start("run") as held:
        for _ in range(2):
            held.run()
            assert held.results == 0
            held.goto(0)


# -- changing


def test_a_change_makes_another_future(
    held: Execution, instance: Instance, calls: list[int]
) -> None:
    held.run()
    held.goto(1)
    held.set_local("n", 1)
    held.write_memory(16, b"\x64")
    held.set_global(0, -1)
    assert held.run() == "trap"
    assert calls == [3, 2, 1, 1]
    assert instance.exports["memory"].read_u32(16) == 101
    held.goto(0)
    assert held.frames[0].locals[0].value == 3
    held.run()
    assert calls == [3, 2, 1, 1]


@pytest.mark.parametrize("stride", [1, 2, 3, 50])
def test_a_change_is_met_however_one_comes_to_it(held: Execution, stride: int) -> None:
    held.step(3)
    held.set_local("n", 1)
    held.step(4)
    held.set_local("s", 9)
    held.run()
    end, fuel, trap = held.steps, held.fuel_used, str(held.trap)
    held.goto(0)
    assert held.frames[0].locals[0].value == 3
    while not held.done:
        held.goto(min(held.steps + stride, end))
        assert held.done or held.steps < 3 or held.frames[-1].locals[0].value <= 1
    assert (held.steps, held.fuel_used, str(held.trap)) == (end, fuel, trap)


def test_what_cannot_be_changed(held: Execution) -> None:
    with pytest.raises(KeyError):
        held.set_local("x", 1)
    with pytest.raises(OverflowError):
        held.set_local(0, 1 << 40)
    with pytest.raises(IndexError):
        held.write_memory(1 << 20, b"x")


# -- whose it is


def test_it_has_its_instance_to_itself(held: Execution, instance: Instance) -> None:
    with pytest.raises(pywasmgk.Busy, match="held"):
        instance.exports["fib"](1)
    with pytest.raises(pywasmgk.Busy, match="held"):
        instance.start("fib", 1)
    other = pywasmgk.instantiate(SUM, {"env": {"double": abs}})
    assert other.exports["fib"](5) == 5
    held.close()
    assert instance.exports["fib"](5) == 5
    with pytest.raises(HostError, match="closed"):
        held.step()


def test_one_that_is_forgotten_gives_its_instance_back(instance: Instance) -> None:
    instance.start("fib", 5).step(3)
    assert instance.exports["fib"](5) == 5


def test_other_threads_may_go_on_with_it(held: Execution) -> None:
    thread = threading.Thread(target=held.step, args=(10,))
    thread.start()
    thread.join()
    assert held.steps == 10


def test_it_cannot_be_stepped_from_inside_a_call(instance: Instance) -> None:
    def inside(number: int) -> int:
        instance.start("fib", 1)
        return 0

    instance = pywasmgk.instantiate(SUM, {"env": {"double": inside}})
    with pytest.raises(HostError, match="inside a call"):
        instance.exports["sum"](1)


def test_hosts_may_call_back_in() -> None:
    module = """(module (import "env" "f" (func $f (result i32)))
      (global $g (mut i32) (i32.const 0))
      (func (export "set") (param i32) (global.set $g (local.get 0)))
      (func (export "run") (result i32) (drop (call $f)) (global.get $g)))"""
    fuel = []

    def call_back() -> int:
        instance.exports["set"](7)
        return 0

    instance = pywasmgk.instantiate(module, {"env": {"f": call_back}})
    with instance.start("run") as held:
        for _ in range(3):
            held.run()
            fuel.append(held.fuel_used)
            assert held.results == 7
            held.goto(0)
    instance.exports["run"]()
    assert fuel == [instance.fuel_used] * 3


# -- its limits


def test_fuel_ends_it_where_it_ends_a_call(instance: Instance) -> None:
    with pytest.raises(pywasmgk.OutOfFuel) as plain, instance.account(fuel=50):
        instance.exports["fib"](9)
    with instance.start("fib", 9, fuel=50) as held:
        assert held.run() == "trap"
        assert isinstance(held.trap, pywasmgk.OutOfFuel)
        assert held.trap.fuel_used == plain.value.fuel_used
        assert held.trap.frames == plain.value.frames


def test_time_counts_while_it_runs() -> None:
    now, by = [0.0], [0.0]

    def clock() -> float:
        now[0] += by[0]
        return now[0]

    instance = pywasmgk.instantiate(SUM, {"env": {"double": abs}}, clock=clock, timeout=1)
    with instance.start("forever") as held:
        by[0] = 0.05
        held.step(10)
        now[0] += 100
        assert held.step(10) == "step"
        assert held.run() == "trap"
        assert isinstance(held.trap, pywasmgk.DeadlineExceeded)
        held.rewind(3)
        assert held.step() == "step"


def test_an_interruption_ends_and_closes_it(instance: Instance) -> None:
    def interrupt(number: int) -> Any:
        raise KeyboardInterrupt

    instance = pywasmgk.instantiate(SUM, {"env": {"double": interrupt}})
    held = instance.start("sum", 1)
    with pytest.raises(KeyboardInterrupt):
        held.run()
    assert held.step() == "trap"
    assert instance.exports["fib"](5) == 5


# -- calls of the host that are answered later

ASK = """(module
  (import "env" "ask" (func $ask (param i32) (result i32)))
  (import "env" "log" (func $log (param i32)))
  (table funcref (elem $ask))
  (func (export "run") (param i32) (result i32)
    (call $log (local.get 0))
    (i32.add (call $ask (local.get 0))
             (call_indirect (param i32) (result i32) (i32.const -7) (i32.const 0)))))"""


def never(number: int) -> int:
    raise AssertionError("the host's own function is not called")


def asking(**options: Any) -> tuple[Execution, list[int]]:
    logged: list[int] = []
    instance = pywasmgk.instantiate(ASK, {"env": {"ask": never, "log": logged.append}})
    return instance.start("run", 5, defer=["*ask"], **options), logged


@pytest.mark.parametrize("history", [None, 1 << 20])
def test_a_call_of_the_host_can_be_answered_later(history: int | None) -> None:
    held, logged = asking(history=history)
    assert held.run() == "pending"
    assert held.pending is not None
    assert (held.pending.name, held.pending.arguments) == ("env.ask", (5,))
    with pytest.raises(HostError, match=r"env\.ask is pending"):
        held.step()
    assert held.resume(30) == "pending"
    assert held.pending.arguments == (-7,)
    assert held.resume(4) == "done"
    assert (held.results, held.finish(), logged) == (34, 34, [5])
    with pytest.raises(HostError, match="no call"):
        held.resume()


def test_a_step_that_ends_before_such_a_call_does_not_let_it_through() -> None:
    held, _ = asking()
    held.run()
    place = held.steps
    held, _ = asking()
    assert held.step(place) == "step"
    assert held.step() == "pending"
    assert (held.steps, held.resume(1)) == (place, "pending")


def test_it_can_be_answered_by_an_exception() -> None:
    held, _ = asking()
    held.run()
    assert held.resume(error=KeyError("denied")) == "trap"
    with pytest.raises(KeyError, match="denied"):
        held.finish()


def test_a_wrong_answer_is_an_error_of_the_host() -> None:
    held, _ = asking()
    held.run()
    assert held.resume("no number") == "trap"
    assert isinstance(held.trap, HostError)


def test_answers_are_part_of_the_past() -> None:
    held, logged = asking()
    held.run()
    held.resume(1)
    held.resume(2)
    held.goto(0)
    assert held.run() == "done"
    assert (held.results, logged) == (3, [5])


def test_a_pending_call_travels() -> None:
    held, logged = asking()
    held.run()
    data = held.to_bytes()
    again = Execution.from_bytes(
        data, held.instance.module, {"env": {"ask": never, "log": logged.append}}, defer=["env.a*"]
    )
    assert again.run() == "pending"
    again.resume(10)
    again.resume(20)
    assert (again.finish(), logged) == (30, [5])


def test_the_host_itself_may_answer() -> None:
    module = pywasmgk.Module(ASK)
    instance = pywasmgk.instantiate(
        module, {"env": {"ask": lambda n: n * 2, "log": lambda n: None}}
    )
    held = instance.start("run", 5, defer=["*ask"])
    with pytest.raises(HostError, match="no call"):
        held.approve()
    assert [held.run(), held.approve(), held.resume(100)] == ["pending", "pending", "done"]
    assert held.results == 110
    held.goto(0)
    assert held.run() == "done"


def test_without_a_name_it_begins_what_the_module_begins_with() -> None:
    started = '(module (func $s (local i32) nop) (start $s) (func (export "x")))'
    with pywasmgk.instantiate(started, run_start=False).start() as held:
        assert (held.frames[0].name, held.run()) == ("s", "done")
    program = '(module (func (export "_start")) (func $s) (start $s))'
    with pywasmgk.instantiate(program).start() as held:
        assert held.frames[0].name == "_start"
    with pytest.raises(KeyError, match="_start"):
        pywasmgk.instantiate("(module)").start()


def test_finishing_does_not_answer() -> None:
    held, _ = asking()
    with pytest.raises(HostError, match="pending"):
        held.finish()
    assert held.resume(1) == "pending"
