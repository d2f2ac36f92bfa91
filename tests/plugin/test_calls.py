"""Calls: group C of the conformance cases (contract 1.3, 1.6, 1.7, 1.12)."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Sequence

import pytest
from plugin_guests import (
    CALL,
    ECHO,
    EXIT,
    FREE,
    HEAP_AT,
    LOOP,
    MALLOC,
    ask,
    asker,
    constant,
    guest,
    memory_of,
    note,
    packed,
    quick,
    recorder,
    trace_of,
)
from wasm_builder import code, limits, name, unsigned, vector

from pywasmgk.errors import (
    CallError,
    Exit,
    PluginClosed,
    ResultError,
    Trap,
    TrapCode,
)
from pywasmgk.plugin import MISSING, MemoryHost, Plugin

case = pytest.mark.case


def freed(plugin: Plugin) -> list[int]:
    """What was given to gk_free, in order."""
    return [value for operation, value in trace_of(plugin) if operation == FREE]


def answering(*lines: str, **parts: object) -> Plugin:
    """A recorder whose gk_call does something."""
    return quick(recorder(call=(*note(CALL, "local.get 3"), *lines), **parts))


@case("C01")
def test_echo() -> None:
    plugin = quick(guest())
    for args in (b"x", b"\0\xff" * 100, '{"a": "\u00e9"}'.encode()):
        assert plugin.call_raw("echo", args) == args
    assert plugin.call("echo", {"b": [1, None]}) == {"b": [1, None]}
    assert plugin.call("echo", None) is None
    assert plugin.call_raw("echo", b"null") == b"null"
    assert plugin.call("echo", MISSING) is None and repr(MISSING) == "MISSING"


@case("C02")
def test_the_order_of_guest_calls() -> None:
    plugin = quick(recorder())
    assert plugin.call_raw("abc", b"12345") == b"12345"
    trace = trace_of(plugin)
    fn, args, result = HEAP_AT, HEAP_AT + 8, HEAP_AT + 16
    assert trace == [
        *((MALLOC, 3), (MALLOC, 5), (CALL, 5), (MALLOC, 5)),
        *((FREE, result), (FREE, args), (FREE, fn)),
    ]


@case("C03")
@pytest.mark.parametrize("args", [None, b""])
def test_no_arguments(args: bytes | None) -> None:
    see = (
        *note(CALL, "local.get 2"),
        *note(CALL, "local.get 3"),
        "i64.const 0",
    )
    plugin = quick(recorder(call=see))
    assert plugin.call_raw("abc", args) is None
    assert trace_of(plugin) == [(MALLOC, 3), (CALL, 0), (CALL, 0), (FREE, HEAP_AT)]


@case("C04")
def test_an_empty_function_name() -> None:
    plugin = quick(recorder())
    with pytest.raises(CallError) as caught:
        plugin.call_raw("", b"1")
    assert str(caught.value) == "failed to allocate memory for function name"
    assert trace_of(plugin) == []


@case("C05")
def test_the_function_name_is_utf_8() -> None:
    give_name = packed(0, 1)
    plugin = quick(guest(call=give_name))
    for text in ("\u00e9", "\u4e2d\u6587", "\U0001f600", "a\0b"):
        assert plugin.call_raw(text) == text.encode()


@case("C06")
@pytest.mark.parametrize("result", [constant(0, 0), constant(0, 5), constant(5, 0)])
def test_no_result(result: str) -> None:
    plugin = answering(result)
    assert plugin.call_raw("abc", b"1") is None
    assert plugin.call("abc", 1) is None


@case("C08")
@pytest.mark.parametrize(
    ("ptr", "size"),
    [(65536, 1), (65535, 2), (1, 65536), (0xFFFFFFFF, 2), (0x80000000, 0xFFFFFFFF), (70000, 1)],
)
def test_a_result_outside_memory(ptr: int, size: int) -> None:
    plugin = answering(constant(ptr, size))
    with pytest.raises(CallError) as caught:
        plugin.call_raw("abc", b"1")
    assert str(caught.value) == "failed to read result from memory"
    assert freed(plugin) == [HEAP_AT + 8, HEAP_AT]


@case("C09")
def test_a_result_at_the_end_of_memory() -> None:
    data = [b"\0" + code("i32.const 65533") + name("end")]
    assert quick(guest(call=(constant(65533, 3),), datas=data)).call_raw("f") == b"end"


def test_pointers_above_2_gib() -> None:
    assert quick(guest(call=(constant(0x80000000, 1),))).name == "x"
    with pytest.raises(CallError, match="failed to read result"):
        quick(guest(call=(constant(0x80000000, 1),))).call_raw("f")


@case("C11")
def test_malloc_gives_0_for_the_function_name() -> None:
    plugin = quick(recorder(malloc=(*note(MALLOC, "local.get 0"), "i32.const 0")))
    text = "^failed to allocate memory for function name: gk_malloc returned 0 for 3 bytes$"
    with pytest.raises(CallError, match=text):
        plugin.call_raw("abc", b"1")
    assert trace_of(plugin) == [(MALLOC, 3)]


#: gives memory at the first call, and what lines give from then on
def second(*lines: str) -> tuple[str, ...]:
    return (
        *note(MALLOC, "local.get 0"),
        *("global.get $count", "i32.const 1", "i32.add", "global.set $count"),
        *("global.get $count", "i32.const 1", "i32.eq", "if _"),
        *(f"i32.const {HEAP_AT}", "return", "end", *lines),
    )


@case("C12")
def test_malloc_gives_0_for_the_arguments() -> None:
    plugin = quick(recorder(malloc=second("i32.const 0")))
    text = "^failed to allocate memory for args: gk_malloc returned 0 for 5 bytes$"
    with pytest.raises(CallError, match=text):
        plugin.call_raw("abc", b"12345")
    assert trace_of(plugin) == [(MALLOC, 3), (MALLOC, 5), (FREE, HEAP_AT)]


@case("C14", "W20")
@pytest.mark.parametrize("ptr", [65534, 65536, -1, -4])
def test_malloc_gives_a_place_outside_memory(ptr: int) -> None:
    plugin = quick(recorder(malloc=(*note(MALLOC, "local.get 0"), f"i32.const {ptr}")))
    before = memory_of(plugin).read(0, 1024), memory_of(plugin).read(65000, 536)
    with pytest.raises(
        CallError, match=r"^failed to allocate memory for function name: gk_malloc re"
    ):
        plugin.call_raw("abc", b"1")
    assert (memory_of(plugin).read(0, 1024), memory_of(plugin).read(65000, 536)) == before
    # what malloc gave goes back to the guest
    assert freed(plugin) == [ptr]


@case("C15")
def test_malloc_grows_memory() -> None:
    plugin = quick(guest())
    args = bytes(range(256)) * 1_000
    assert plugin.call_raw("abc", args) == args
    assert plugin.last_call is not None and plugin.last_call.pages > 7


@case("C16")
def test_free_traps() -> None:
    plugin = quick(recorder(free=(*note(FREE, "local.get 0"), "unreachable")))
    assert plugin.call_raw("abc", b"1") == b"1"
    assert len(freed(plugin)) == 3


@case("C17")
def test_call_traps() -> None:
    plugin = answering("unreachable")
    with pytest.raises(CallError, match=r"^gk_call failed: wasm error: unreachable\n  ") as caught:
        plugin.call_raw("abc", b"1")
    cause = caught.value.cause
    assert isinstance(cause, Trap) and caught.value.__cause__ is cause
    assert cause.trap_code is TrapCode.UNREACHABLE
    assert freed(plugin) == [HEAP_AT + 8, HEAP_AT]


DIVISION = ("i32.const 1", "i32.const 0", "i32.div_s", "drop", "i64.const 0")
#: what a body does, and the runtime's word for it
TRAPS: list[tuple[Sequence[str], TrapCode, str]] = [
    (("unreachable",), TrapCode.UNREACHABLE, "unreachable"),
    (DIVISION, TrapCode.INTEGER_DIVISION_BY_ZERO, "integer divide by zero"),
    (
        ("i64.const -9223372036854775808", "i64.const -1", "i64.div_s"),
        TrapCode.INTEGER_OVERFLOW,
        "integer overflow",
    ),
    (
        ("f64.const nan", "i64.trunc_f64_s"),
        TrapCode.BAD_CONVERSION_TO_INTEGER,
        "invalid conversion to integer",
    ),
    (
        ("i32.const -1", "i64.load 3+0"),
        TrapCode.MEMORY_OUT_OF_BOUNDS,
        "out of bounds memory access",
    ),
    (
        ("i32.const 65536", "i32.const 0", "i32.const 1", "memory.fill", "i64.const 0"),
        TrapCode.MEMORY_OUT_OF_BOUNDS,
        "out of bounds memory access",
    ),
    (
        ("i32.const 9", "call_indirect 0 0"),
        TrapCode.TABLE_OUT_OF_BOUNDS,
        "invalid table access",
    ),
    (
        ("i32.const 1", "call_indirect 0 0"),
        TrapCode.INDIRECT_CALL_TO_NULL,
        "invalid table access",
    ),
    (
        ("i32.const 0", "call_indirect 0 0"),
        TrapCode.BAD_SIGNATURE,
        "indirect call type mismatch",
    ),
    (
        ("local.get 0", "local.get 1", "local.get 2", "local.get 3", "call $gk_call"),
        TrapCode.STACK_OVERFLOW,
        "stack overflow",
    ),
]


@case("C18", "C19")
@pytest.mark.parametrize(("lines", "trap_code", "text"), TRAPS)
def test_every_kind_of_trap(lines: Sequence[str], trap_code: TrapCode, text: str) -> None:
    once = ("local.get 3", "i32.const 1", "i32.eq", "if _", *lines, "drop", "end", *ECHO)
    plugin = quick(with_table(once))
    with pytest.raises(CallError, match=f"^gk_call failed: wasm error: {text}\n") as caught:
        plugin.call_raw("abc", b"1")
    assert isinstance(caught.value.cause, Trap)
    assert caught.value.cause.trap_code is trap_code
    assert plugin.dirty
    assert plugin.call_raw("abc", b"22") == b"22"


def with_table(call: Sequence[str]) -> bytes:
    """A guest with a table of two elements: gk_malloc, whose type is not that of type 0, and
    null."""
    data = guest(call=call)
    # sections in order: the table goes before the memory, the elements before the code
    at = data.index(b"\5\3\1\0\1")
    table = b"\4" + unsigned(4) + vector([b"\x70" + limits(2)])
    head, tail = data[:at] + table, data[at:]
    segment = vector([b"\0" + code("i32.const 0") + vector([unsigned(2)])])
    # the code section is the one with the largest bodies: its header follows the exports
    end = tail.index(b"gk_free\0\3") + len(b"gk_free\0\3") + len(b"\6memory\2\0")
    elements = b"\x09" + unsigned(len(segment)) + segment
    return head + tail[:end] + elements + tail[end:]


@case("C18")
def test_recursion_after_which_the_counter_is_reset() -> None:
    deep = ("local.get 0", "local.get 1", "local.get 2", "local.get 3", "call $gk_call")
    plugin = quick(guest(call=deep))
    for _ in range(2):
        with pytest.raises(
            CallError, match=r"^gk_call failed: wasm error: stack overflow"
        ) as caught:
            plugin.call_raw("abc")
    assert {frame.name for frame in caught.value.cause.frames} == {"gk_call"}  # type: ignore[union-attr]
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize("engine", ["interpreter", "quick", "optimized"])
def test_all_frames_of_a_recursion_are_told(engine: str) -> None:
    deep = ("local.get 0", "local.get 1", "local.get 2", "local.get 3", "call $gk_call")
    plugin = quick(guest(call=deep), engine=engine)
    with pytest.raises(CallError) as caught:
        plugin.call_raw("abc")
    assert len(caught.value.cause.frames) > 1_000  # type: ignore[union-attr]
    assert len(str(caught.value)) < 2_000


@case("W12")
def test_a_fresh_instance_after_a_trap_on_demand() -> None:
    counting = (
        *("global.get $count", "i32.const 1", "i32.add", "global.set $count"),
        *("local.get 3", "if _", "unreachable", "end"),
        *("i32.const 512", "global.get $count", "i32.const 48", "i32.add", "i32.store8 0+0"),
        constant(512, 1),
    )
    for options, after in (({}, b"3"), ({"restart_on_trap": True}, b"1")):
        plugin = quick(guest(call=counting), **options)
        assert plugin.call_raw("f") == b"1" and not plugin.dirty
        with pytest.raises(CallError):
            plugin.call_raw("f", b"trap")
        assert plugin.dirty
        assert plugin.call_raw("f") == after
        assert plugin.restarts == (1 if options else 0)
    plugin = quick(guest(call=("unreachable",)), restart_on_trap=True, restart=False)
    with pytest.raises(CallError):
        plugin.call_raw("f")
    with pytest.raises(PluginClosed, match=r"closed: wasm error: unreachable$"):
        plugin.call_raw("f")


@case("W19")
def test_what_went_wrong_in_malloc_is_told() -> None:
    text = "^failed to allocate memory for function name: gk_malloc: wasm error: unreachable"
    with pytest.raises(CallError, match=text) as caught:
        quick(guest(malloc=("unreachable",))).call_raw("f")
    assert isinstance(caught.value.cause, Trap)
    text = "^failed to allocate memory for args: gk_malloc: wasm error: integer divide by zero"
    trap = ("i32.const 1", "i32.const 0", "i32.div_u")
    with pytest.raises(CallError, match=text):
        quick(guest(malloc=second(*trap))).call_raw("f", b"1")


@case("W20")
def test_an_empty_result_is_freed() -> None:
    plugin = answering(constant(HEAP_AT + 800, 0))
    assert plugin.call_raw("abc") is None
    assert freed(plugin) == [HEAP_AT + 800, HEAP_AT]
    plugin = answering(constant(99999, 0))
    assert plugin.call_raw("abc") is None
    assert freed(plugin) == [HEAP_AT]


@case("W21")
@pytest.mark.parametrize(("result", "order"), [((0, 1), [0, 8]), ((2, 3), [8, 0])])
def test_a_result_that_is_an_argument_is_freed_once(
    result: tuple[int, int], order: list[int]
) -> None:
    plugin = answering(*packed(*result))
    assert plugin.call_raw("abc", b"12345") in (b"abc", b"12345")
    assert freed(plugin) == [HEAP_AT + offset for offset in order]


@case("C21", "W04")
def test_a_result_does_not_change_later() -> None:
    plugin = quick(guest(malloc=("i32.const 4096",)))
    first = plugin.call_raw("f", b"first")
    assert plugin.call_raw("f", b"other") == b"other"
    assert first == b"first"


@case("C23")
def test_a_result_that_is_no_json() -> None:
    plugin = quick(guest())
    assert plugin.call_raw("f", b"{no json") == b"{no json"
    raw = quick(guest(call=packed(0, 1)))
    with pytest.raises(ResultError, match=r"^x\.\{no gave no JSON: .* in b'\{no'$") as caught:
        raw.call("{no")
    assert caught.value.raw == b"{no"


@case("C24")
def test_8_mib() -> None:
    # a fixed place for the name and one behind it for arguments and result
    place = ("local.get 0", "i32.const 8", "i32.le_u", "if i32", "i32.const 4096")
    place = (*place, "else", "i32.const 65536", "end")
    plugin = quick(guest(pages=256, malloc=place, call=packed(2, 3)))
    args = bytes(8 << 20)
    assert plugin.call_raw("f", args) == args


@case("C25")
def test_an_error_by_convention_is_a_result() -> None:
    answer = b'{"error":"unknown function: f"}'
    plugin = quick(
        guest(
            call=(constant(512, len(answer)),),
            datas=[b"\0" + code("i32.const 512") + name(answer)],
        )
    )
    assert plugin.call("f") == {"error": "unknown function: f"}


@case("C27")
def test_state_is_kept() -> None:
    counting = (
        *("global.get $count", "i32.const 1", "i32.add", "global.set $count"),
        *("i32.const 512", "global.get $count", "i32.const 48", "i32.add", "i32.store8 0+0"),
        constant(512, 1),
    )
    plugin = quick(guest(call=counting))
    assert [plugin.call("f") for _ in range(3)] == [1, 2, 3]


@case("C28")
def test_calls_before_init() -> None:
    plugin = quick(asker())
    assert ask(plugin, "org_id") is None


@case("C29")
@pytest.mark.parametrize("engine", ["interpreter", "quick", "optimized"])
def test_many_calls(engine: str) -> None:
    def count(step: int) -> tuple[str, ...]:
        return ("global.get $count", f"i32.const {step}", "i32.add", "global.set $count")

    place = ("global.get $count", "i32.const 4", "i32.shl", "i32.const 4096", "i32.add")
    answer = (
        *("global.get $count", "i32.const 4", "call $gk_malloc", "local.tee 4", "local.set 3"),
        *("local.set 2", "local.get 4", "local.get 2", "i32.store 2+0"),
        *("i32.const 4", "local.set 3", *packed(4, 3)),
    )
    parts = guest(malloc=(*count(1), *place), free=count(-1), call=answer)
    plugin = quick(parts, engine=engine)

    def run(times: int) -> None:
        for _ in range(times):
            # two buffers are there when gk_call counts them
            assert plugin.call_raw("f", b"1") == b"\2\0\0\0"

    tracemalloc.start()
    # what Python itself keeps for the next time is there by then
    run(300)
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    run(500)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 20_000
    assert memory_of(plugin).pages == 1


@case("C30", "C31", "C32")
def test_after_shutdown() -> None:
    plugin = quick(guest())
    assert not plugin.closed
    with plugin:
        plugin.call_raw("f")
    plugin.shutdown()
    assert plugin.closed and repr(plugin) == "<Plugin x (closed)>"
    for attempt in (lambda: plugin.call_raw("f"), lambda: plugin.init(MemoryHost())):
        with pytest.raises(PluginClosed, match=r"^plugin 'x' is closed$"):
            attempt()
    assert plugin.registration.version == "1.0.0"


@case("C33")
def test_another_host() -> None:
    plugin = quick(asker())
    for number in (1, 2):
        plugin.init(MemoryHost(org_id=number))
        assert ask(plugin, "org_id") == str(number).encode()


@case("C20")
@pytest.mark.parametrize("status", [0, 1, 7])
def test_a_guest_that_exits(status: int) -> None:
    exiting = (f"i32.const {status}", "call $proc_exit", "i64.const 0")
    plugin = quick(recorder(imports=[EXIT], call=exiting), restart=False)
    text = rf"^gk_call failed: module closed with exit_code\({status}\)$"
    with pytest.raises(CallError, match=text) as caught:
        plugin.call_raw("f", b"1")
    assert isinstance(caught.value.cause, Exit) and caught.value.cause.code == status
    assert freed(plugin) == []
    with pytest.raises(PluginClosed, match=rf"closed: module closed with exit_code\({status}\)$"):
        plugin.call_raw("f")


def test_an_exit_in_free_fails_the_call() -> None:
    plugin = quick(guest(imports=[EXIT], free=("i32.const 2", "call $proc_exit")))
    with pytest.raises(CallError, match=r"^gk_free failed: module closed with exit_code\(2\)"):
        plugin.call_raw("f", b"1")
    assert plugin.restarts == 0
    with pytest.raises(CallError):
        plugin.call_raw("f", b"1")
    assert plugin.restarts == 1


def test_last_call() -> None:
    plugin = quick(asker())
    plugin.init(MemoryHost())
    assert plugin.last_call is None
    ask(plugin, "org_id")
    first = plugin.last_call
    assert first is not None
    assert first.host_calls == 1 and first.pages == 1 and not first.restarted
    assert first.fuel > 30 and 0 < first.seconds < 5
    ask(plugin, "org_id")
    assert plugin.last_call is not first and plugin.last_call.fuel == first.fuel
    plugin = quick(guest(call=LOOP_THEN_0), fuel=1_000)
    with pytest.raises(CallError):
        plugin.call_raw("f")
    assert plugin.last_call is not None and plugin.last_call.fuel == 1_000


LOOP_THEN_0 = (*LOOP, "i64.const 0")


class Mute(MemoryHost):
    """A host whose log is broken."""

    def log(self, *args: object) -> None:
        raise RuntimeError("disk full")


def test_a_host_whose_log_raises() -> None:
    plugin = quick(asker())
    plugin.init(Mute())
    text = r"^gk_call failed: disk full \(raised by the host\)$"
    with pytest.raises(CallError, match=text) as caught:
        ask(plugin, "nope")
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert ask(plugin, "org_id") == b"0"


def test_the_arguments_of_a_call_are_plain_json() -> None:
    plugin = quick(guest())
    for value in (object(), {1: 2}, float("nan"), {"a": {1, 2}}):
        with pytest.raises((TypeError, ValueError)):
            plugin.call("f", value)
    assert plugin.call("f", {"b": b"\1", "a": "<"}) == {"a": "<", "b": "AQ=="}


def test_a_call_can_be_awaited() -> None:
    async def main(plugin: Plugin) -> list[object]:
        calls = (plugin.call_async("echo", number) for number in range(3))
        return await asyncio.gather(*calls)

    assert asyncio.run(main(quick(guest()))) == [0, 1, 2]
