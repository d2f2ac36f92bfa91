"""What compiled functions take for granted at their entry never changes what they do."""

from __future__ import annotations

import pytest
from two_engines import outcome, source_lines
from wasm_builder import function, limits

import pywasmgk
from pywasmgk.wasm.compiler.frontend.context import Context
from pywasmgk.wasm.compiler.frontend.entry_guards import assumptions
from pywasmgk.wasm.compiler.frontend.inlining import expanded
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.runtime.instance import Instance, instantiate
from pywasmgk.wasm.text.reading import assemble

#: reads two words through its parameter and adds them
READS = ("local.get 0", "i32.load 2+0", "local.get 0", "i32.load 2+4", "i32.add")


def assumed(data: bytes) -> dict[str, int]:
    module = Module(data)
    shape = Context(expanded(module, 0), module.context, module.isa, 1 << 30)
    return {found.name: found.zeros for found in assumptions(shape)}


def with_words(data: bytes, engine: str = "optimized") -> Instance:
    instance = instantiate(Module(data), engine=engine)
    assert instance.memory is not None
    instance.memory.write(0, bytes(range(1, 65)))
    return instance


def test_a_pointer_that_words_are_read_through_is_assumed_aligned() -> None:
    assert assumed(function("i32", "i32", *READS, memories=[limits(1)])) == {"l0": 2}


def test_values_that_are_stored_are_no_pointers_but_what_they_are_stored_through_is() -> None:
    lines = ("local.get 0", "local.get 1", "f64.store 3+0") * 2
    assert assumed(function("i32 f64", "", *lines, memories=[limits(1)])) == {"l0": 3}
    lines = ("local.get 0", "local.get 1", "i32.store 2+0") * 2
    assert assumed(function("i32 i32", "", *lines, memories=[limits(1)])) == {"l0": 2}
    lines = ("i32.const 8", "local.get 1", "i32.store 2+0") * 2
    assert assumed(function("i32 i32", "", *lines, memories=[limits(1)])) == {}


def framed(body: str, start: int = 1024) -> Module:
    """A function with a stack pointer, global 0, that begins with some instructions."""
    return Module(
        assemble(
            f"""(module (memory (export "memory") 1) (global $sp (mut i32) (i32.const {start}))
            (func (export "f") (param i32) (result i32) (local $frame i32) {body}
              local.get $frame local.get 0 i32.store offset=12
              local.get $frame i32.load offset=12 local.get $frame i32.load offset=8 i32.add))"""
        )
    )


MAKE_FRAME = "global.get $sp i32.const 32 i32.sub local.tee $frame global.set $sp"


@pytest.mark.parametrize(
    ("body", "least"),
    [
        (MAKE_FRAME, 32),
        # what is added, or taken somewhere else than at the entry, is no frame
        (MAKE_FRAME.replace("sub", "add"), 0),
        (f"local.get 0 if {MAKE_FRAME} end", 0),
        (MAKE_FRAME.replace("const 32", "const 0x100000"), 0),
    ],
)
def test_a_frame_below_the_stack_pointer_is_assumed_to_fit(body: str, least: int) -> None:
    module = framed(body)
    tests = [line for line in source_lines(module) if "deep(" in line]
    assert [f"not {least} <= g0 < " in line for line in tests] == [least > 0]


@pytest.mark.parametrize("start", [1024, 48, 32, 16, 0, 40, 0x40000000, 0xFFFFFFF0])
def test_wherever_the_stack_pointer_is_the_engines_agree(start: int) -> None:
    module = framed(
        f"{MAKE_FRAME} local.get $frame i32.const 3 i32.and i32.const 2 i32.shl drop", start
    )
    assert outcome(module, "optimized", 7) == outcome(module, "interpreter", 7)


@pytest.mark.parametrize("pointer", [0, 1, 2, 3, 4, 57, 0x40000000, 0x80000001, -1])
def test_whatever_the_pointer_the_engines_agree(pointer: int) -> None:
    found = []
    for engine in ("interpreter", "optimized"):
        instance = with_words(function("i32", "i32", *READS, memories=[limits(1)]), engine)
        try:
            found.append((instance.exports.f(pointer), instance.fuel_used))
        except pywasmgk.Trap as trap:
            frames = [frame.offset for frame in trap.frames]
            found.append((trap.trap_code, instance.fuel_used, frames))
    assert found[0] == found[1]


def test_a_function_whose_assumption_fails_often_is_compiled_without() -> None:
    instance = with_words(function("i32", "i32", *READS, memories=[limits(1)]))
    function_ = instance.exports.f
    cell = instance.tiers.binding.function_cell(0)
    wanted = with_words(
        function("i32", "i32", *READS, memories=[limits(1)]), "interpreter"
    ).exports.f(1)
    assert function_(1) == wanted
    first = cell.cell_contents
    for _ in range(20):
        assert function_(1) == wanted
    assert cell.cell_contents is not first


#: writes words below the stack pointer, which is kept a multiple of 8 as Go does
TWO = """(module (memory 1) (global $sp (mut i32) (i32.const {start}))
    (func (export "move") (param i32) local.get 0 global.set $sp)
    (func (export "f") (result i32)
      global.get $sp i32.const 7 i32.store global.get $sp i32.load)
    (func (export "g") (result i32)
      global.get $sp i32.const 9 i32.store global.get $sp i32.load))"""


@pytest.mark.parametrize(("start", "mask"), [(1024, 15), (1032, 7), (1028, 3)])
def test_a_stack_pointer_is_tested_for_what_it_is_kept_a_multiple_of(start: int, mask: int) -> None:
    instance = instantiate(Module(assemble(TWO.format(start=start))), engine="optimized")
    assert instance.exports.f() == 7
    assert f"g0 & {mask}" in "".join(source_lines(instance.module, 1))


def test_a_stack_pointer_of_odd_addresses_is_not_tested() -> None:
    instance = instantiate(Module(assemble(TWO.format(start=1026))), engine="optimized")
    assert instance.exports.f() == 7
    assert "return deep" not in "".join(source_lines(instance.module, 1))


def test_what_one_guard_finds_out_is_known_to_the_functions_that_are_compiled_later() -> None:
    instance = instantiate(Module(assemble(TWO.format(start=1024))), engine="optimized")
    assert instance.exports.f() == 7
    instance.exports.move(1032)
    assert instance.exports.f() == 7  # its guard for multiples of 16 does not hold
    assert instance.module.low_zeros == {0: 3}
    instance.exports.move(1040)
    assert instance.exports.g() == 9
    assert "g0 & 7" in "".join(source_lines(instance.module, 2))
