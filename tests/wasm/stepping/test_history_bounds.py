"""What the past of an execution takes: everything in it counts, and all of it is bounded."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

import pywasmgk
from pywasmgk import Execution
from pywasmgk.wasm.stepping import execution, history

#: bytes of the past; the latest state, which is kept beside it, takes less than twice as many
LIMIT = 1 << 18
TIMES = 300
_LOOP = """(loop $more {body}
  (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"""


def looping(head: str, body: str) -> str:
    """A module that calls the host so often that the past is far over the limit."""
    return f'(module {head} (func (export "f") (param $n i32) {_LOOP.format(body=body)}))'


def numbers(count: int) -> str:
    """Pushes fresh integers, which Python has to make."""
    return f"(i64.add (i64.extend_i32_u (local.get $n)) (i64.const {1 << 40}))" * count


HOST = '(import "env" "host" (func $host {type}))'
PLAIN = HOST.format(type="")


def _many_globals() -> str:
    globals_ = "(global (mut i64) (i64.const 0))" * 2_000
    return looping(
        PLAIN + globals_,
        "(global.set 0 (i64.add (global.get 0) (i64.const 1099511627776))) (call $host)",
    )


def _dropped(kind: str, segment: str) -> str:
    """The host drops a segment at each call, by a function of the guest's."""
    drops = "".join(
        f'(func (export "drop{number}") ({kind}.drop {number}))' for number in range(TIMES)
    )
    return looping(PLAIN + "(memory 1)" + segment * TIMES + drops, "(call $host)")


def _arguments() -> str:
    head = HOST.format(type="(param" + " i64" * 50 + ")")
    return looping(head, f"(call $host {numbers(50)})")


def _results() -> str:
    head = HOST.format(type="(result" + " i64" * 50 + ")")
    return looping(head, "(call $host)" + "drop " * 50)


def _memory() -> str:
    return looping(PLAIN + '(memory (export "memory") 1)', "(call $host)")


def _table() -> str:
    return looping(PLAIN + '(table (export "table") 1000 funcref)', "(call $host)")


def _caught() -> str:
    caught = "(block $h (try_table (catch_all $h) (call $host)))"
    return looping(PLAIN + '(tag $t) (export "t" (tag $t))', caught)


def _deep() -> str:
    """Checkpoints of deep stacks with many locals."""
    locals_ = "(local" + " i64" * 200 + ")"
    return f"""(module {PLAIN}
      (func $deep (param i32) {locals_}
        (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
          (else (call $spin))))
      (func $spin (local $n i32) (local.set $n (i32.const 9000))
        {_LOOP.format(body="")})
      (func (export "f") (param $n i32) (call $deep (i32.const 40))))"""


class Host:
    """What the host does at each call, by kind."""

    def __init__(self) -> None:
        self.calls = 0
        self.instance: pywasmgk.Instance | None = None

    def nothing(self, *arguments: int) -> None:
        self.calls += 1

    def many(self) -> tuple[int, ...]:
        self.calls += 1
        return tuple(self.calls + (1 << 40) for _ in range(50))

    def write(self) -> None:
        self.calls += 1
        assert self.instance is not None
        memory = self.instance.memory
        for block in range(16):
            memory.write_u32(block * 4096, self.calls)

    def drop(self) -> None:
        self.calls += 1
        assert self.instance is not None
        self.instance.exports[f"drop{self.calls - 1}"]()

    def fill(self) -> None:
        self.calls += 1
        assert self.instance is not None
        table = self.instance.exports.table
        table.set(0, self.instance.exports.f if self.calls % 2 else None)

    def throw(self) -> None:
        self.calls += 1
        assert self.instance is not None
        kept = bytes(10_000)
        raise pywasmgk.WasmException(self.instance.exports.t, ()) if kept else ValueError


KINDS: dict[str, tuple[Callable[[], str], str]] = {
    "globals": (_many_globals, "nothing"),
    "data segments": (lambda: _dropped("data", '(data "x")'), "drop"),
    "element segments": (lambda: _dropped("elem", "(elem funcref (ref.null func))"), "drop"),
    "arguments": (_arguments, "nothing"),
    "results": (_results, "many"),
    "memory": (_memory, "write"),
    "tables": (_table, "fill"),
    "exceptions": (_caught, "throw"),
    "frames": (_deep, "nothing"),
}


@pytest.fixture(autouse=True)
def checkpoints_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for user in (execution, history):
        monkeypatch.setattr(user, "EVERY", 20_000)


def ready(kind: str, past: int | None) -> tuple[Execution, Host]:
    text, does = KINDS[kind]
    host = Host()
    imports: Any = {"env": {"host": getattr(host, does)}}
    instance = pywasmgk.instantiate(text(), imports, fuel=None, timeout=None)
    host.instance = instance
    return instance.start("f", TIMES, history=past), host


def bytes_at_the_end(kind: str, past: int | None) -> int:
    held, _ = ready(kind, past)
    with held:
        gc.collect()
        tracemalloc.start()
        try:
            assert held.run() == "done"
            gc.collect()
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_past_is_made_of_is_bounded(kind: str) -> None:
    with ready(kind, None)[0] as held:
        held.run()  # so that what is made once is made
    without = bytes_at_the_end(kind, None)
    assert bytes_at_the_end(kind, LIMIT) - without < 3 * LIMIT


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_left_of_a_bounded_past_is_right(kind: str) -> None:
    held, host = ready(kind, LIMIT)
    with held:
        assert held.run() == "done"
        calls, end = host.calls, held.steps
        fuel = held.fuel_used
        assert held.oldest > 0, "the test is of a past that is too long"
        held.goto(held.oldest)
        assert held.run() == "done"
        assert (held.steps, held.fuel_used, host.calls) == (end, fuel, calls)
    whole, host = ready(kind, None)
    with whole:
        whole.run()
        assert (whole.steps, whole.fuel_used, host.calls) == (end, fuel, calls)
