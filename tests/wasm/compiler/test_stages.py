"""The stages of the compiler one by one: dead stores, charges, loops, structure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

import pywasmgk
from pywasmgk.wasm.compiler.analysis.induction import count, is_plain, steps
from pywasmgk.wasm.compiler.analysis.liveness import kept
from pywasmgk.wasm.compiler.analysis.ranges import analyse
from pywasmgk.wasm.compiler.backend.fuel_placement import Charges
from pywasmgk.wasm.compiler.backend.printing import show
from pywasmgk.wasm.compiler.backend.structure import (
    Choice,
    Code,
    Jump,
    Loop,
    Node,
    Scope,
    arms_of,
    structured,
)  # fmt: skip
from pywasmgk.wasm.compiler.driver import source_of
from pywasmgk.wasm.compiler.frontend.context import Context
from pywasmgk.wasm.compiler.frontend.inlining import expanded
from pywasmgk.wasm.compiler.ir.cfg import build
from pywasmgk.wasm.compiler.ir.function import Function
from pywasmgk.wasm.compiler.ir.statements import Assign, Charge
from pywasmgk.wasm.compiler.passes.dead_stores import drop_dead_stores
from pywasmgk.wasm.text.reading import assemble


def module_of(body: str) -> pywasmgk.Module:
    """A module whose second function takes two numbers and has locals $p, $q, $a."""
    text = f"""(module (memory 1) (func $other) (func (export "f") (param i32 i32) (result i32)
        (local $p i32) (local $q i32) (local $a i32) {body})
        (func $far (call $other) {"nop " * 99}))"""
    return pywasmgk.Module(assemble(text))


def analysed(body: str) -> Function:
    """The blocks of that function."""
    module = module_of(body)
    own = expanded(module, 1)
    shape = Context(own, module.context, module.isa, 1 << 30)
    return drop_dead_stores(analyse(shape, build(own, module.isa, 0)))


#: instructions that are too many for an end that is copied
MUCH = "local.get 0 i32.const 1 i32.store " * 5
#: and a call, at which the number is seen
SEEN = f"{MUCH} call $far"


# -- dead stores


def assigned(function: Function) -> list[str]:
    lines = (line for result in function.blocks.values() for line in result.statements)
    return [line.name for line in lines if isinstance(line, Assign)]


def test_what_nobody_reads_is_not_assigned() -> None:
    once = "local.get 0 i32.const 3 i32.mul local.set $p i32.const 9 local.set $q"
    assert assigned(analysed(f"{once} local.get $p local.get 1 i32.add")) == ["l2"]


def test_a_copy_is_not_assigned_where_the_other_one_can_be_read() -> None:
    once = "local.get 0 local.set $p local.get $p local.set $q"
    assert assigned(analysed(f"{once} local.get $q local.get 1 i32.add")) == []
    # nor is it read any more where the other one has changed
    changed = f"{once} local.get 1 i32.const 5 i32.mul local.set 0 local.get $q local.get 0 i32.add"
    assert assigned(analysed(changed)) == ["l3", "l0"]


def test_what_is_read_on_one_way_is_assigned_before_the_branch() -> None:
    body = "local.get 0 i32.const 3 i32.mul local.set $p local.get 1 if (result i32) local.get $p"
    assert "l2" in assigned(analysed(f"{body} else i32.const 1 end"))


def test_what_can_trap_stays() -> None:
    function = analysed("local.get 0 i32.load local.set $p local.get 1")
    loads = [show(line.value) for line in function.blocks[0].statements if isinstance(line, Assign)]
    assert any("mem" in load or "MI" in load for load in loads)


def test_parameters_that_are_read_are_live_at_the_entry() -> None:
    function = analysed("local.get 1")
    assert function.live[function.graph.entry] == 0b10


def test_kept_says_what_is_read() -> None:
    function = analysed(
        "local.get 0 i32.const 5 i32.add local.set $p local.get $p local.get 1 i32.mul"
    )
    result = function.blocks[0]
    lines, read = kept(result.statements, 0, result.flows[0].stack if result.flows[0] else ())
    assert lines == result.statements
    assert read & 0b11 == 0b11


# -- charges


def test_charges_wait_until_somebody_can_see_them() -> None:
    function = analysed(f"local.get 0 if local.get 1 local.set 0 end {SEEN} local.get 0")
    charges = Charges(function)
    graph = function.graph
    then, behind = (edge.target for edge in graph.blocks[graph.entry].edges)
    entry = function.blocks[graph.entry]
    # entering costs one, and the block that is charged is pending at both ways out of it
    assert charges.at_head[graph.entry] == 1
    assert charges.at_head[then] == charges.at_end(entry)
    # where ways meet, the smaller of what is pending; the other way takes the difference
    dearer = function.blocks[then]
    assert charges.at_head[behind] == charges.at_end(entry)
    (flow,) = (flow for flow in dearer.flows if flow is not None)
    assert charges.along(dearer, flow) == charges.at_end(dearer) - charges.at_end(entry) > 0


@pytest.mark.parametrize(
    ("condition", "likely"),
    [
        ("local.get 0 local.get 1 i32.ne", True),
        ("local.get 0 local.get 1 i32.eq", False),
        ("local.get 0 i32.const 7 i32.ne", True),
        ("local.get 0 i32.const 7 i32.eq", False),
    ],
)
def test_numbers_that_are_equal_pay_for_the_others(condition: str, likely: bool) -> None:
    function = analysed(f"{condition} if local.get 1 local.set 0 end {SEEN} local.get 0")
    charges = Charges(function)
    graph = function.graph
    then, behind = (edge.target for edge in graph.blocks[graph.entry].edges)
    entry, arm = function.blocks[graph.entry], function.blocks[then]
    # the usual way carries on what is pending, whether that is more or less
    usual = arm if likely else entry
    assert charges.at_head[behind] == charges.at_end(usual)
    difference = charges.at_end(arm) - charges.at_end(entry)
    assert difference > 0
    ways = {flow.edge.target: flow for flow in entry.flows if flow is not None}
    (out,) = (flow for flow in arm.flows if flow is not None)
    assert charges.along(entry, ways[behind]) == (-difference if likely else 0)
    assert charges.along(arm, out) == (0 if likely else difference)


def taken_on_ways(function: Function, number: int) -> list[int]:
    """What the ways into a block take."""
    charges = Charges(function)
    return [
        charges.along(result, flow)
        for result in function.blocks.values()
        for flow in result.flows
        if flow is not None and flow.edge.target == number
    ]


def test_ways_that_meet_take_what_is_charged_behind_if_one_takes_something_anyway() -> None:
    function = analysed(f"local.get 0 if local.get 1 local.set 0 end {MUCH} local.get 0")
    charges, graph = Charges(function), function.graph
    then, behind = (edge.target for edge in graph.blocks[graph.entry].edges)
    assert charges.at_end(function.blocks[behind]) == 0
    assert charges.at_head[behind] < 0
    entry, arm = function.blocks[graph.entry], function.blocks[then]
    behind_costs = function.blocks[behind].pending
    assert sorted(taken_on_ways(function, behind)) == [
        charges.at_end(entry) + behind_costs, charges.at_end(arm) + behind_costs,
    ]  # fmt: skip


def test_ways_that_take_nothing_leave_it_to_the_end() -> None:
    arms = "if local.get 1 local.set 0 else local.get 0 local.set 1 end"
    function = analysed(f"local.get 0 {arms} {MUCH} local.get 0")
    (behind,) = (n for n in function.blocks if len(function.graph.blocks[n].preds) == 2)
    assert taken_on_ways(function, behind) == [0, 0]
    assert Charges(function).at_end(function.blocks[behind]) > 0


def test_a_turn_takes_once_whichever_way_it_goes() -> None:
    function = analysed(
        f"loop local.get 1 if {MUCH} end local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end"
        " local.get 1"
    )
    charges = Charges(function)
    ((head, inside),) = function.graph.loops.items()
    (last,) = (n for n in inside if head in {e.target for e in function.graph.blocks[n].edges})
    assert all(taken_on_ways(function, last))
    back = next(flow for flow in function.blocks[last].flows if flow and flow.edge.target == head)
    assert charges.along(function.blocks[last], back) == 0


@pytest.mark.parametrize("argument", [0, 1, 2, 3, 9])
@pytest.mark.parametrize(
    "behind",
    [
        f"{MUCH} i32.const 7 local.get 0 i32.div_u local.set 0",
        "local.get 0 i32.const 0x20000 i32.mul i32.load local.set 0",
        "local.get 0 i32.const 3 i32.eq if unreachable end",
        "local.get 0 memory.grow local.set 0",
    ],
)
def test_fuel_is_exact_where_more_is_taken_than_was_charged(behind: str, argument: int) -> None:
    step = "local.get 0 i32.const 1 i32.sub local.set 0"
    arms = f"local.get 0 i32.const 2 i32.and if {MUCH} else local.get 0 if nop nop end end"
    again = "local.get 0 i32.const 20 i32.lt_u br_if 0"
    module = module_of(f"loop {arms} {step} {behind} {again} end local.get 0")
    for fuel in (200_000, *range(150)):
        found = []
        for engine in ("interpreter", "optimized"):
            instance = pywasmgk.instantiate(module, engine=engine, fuel=fuel)
            try:
                result: object = instance.exports["f"](argument, 1)
            except pywasmgk.GuestError as error:
                result = type(error), error.frames
            found.append((result, instance.fuel_used))
        assert found[0] == found[1]


#: bodies of a loop, and what may be pending where it is come to
CARRIED = {
    "nothing": ("", 5),
    "much": (MUCH, 5),
    "a branch": (f"local.get 1 if {MUCH} end", 5),
    "a call": ("call $far", 0),
    "a call on one way": ("local.get 1 if call $far end", 2),
    "more behind a call": (f"call $far local.get 1 if nop end {MUCH}", 5),
    "a loop": ("loop local.get 1 br_if 0 end", 5),
}


@pytest.mark.parametrize("name", CARRIED)
def test_what_is_pending_is_carried_into_loops(name: str) -> None:
    body, most = CARRIED[name]
    before = "local.get 0 i32.const 1 i32.add local.set 0"
    function = analysed(f"{before} loop {body} local.get 0 br_if 0 end local.get 1")
    charges = Charges(function)
    outer = min(function.graph.loops)
    assert charges.at_head[outer] == most
    for head, inside in function.graph.loops.items():
        brought = [
            charges.at_end(function.blocks[pred])
            for pred in function.graph.blocks[head].preds
            if pred in inside
        ]
        # no turn gives anything back, so that it takes once at most
        assert min(brought) >= charges.at_head[head]


def test_nothing_is_pending_where_turns_are_charged_before_the_loop() -> None:
    function = analysed("loop local.get 0 br_if 0 end local.get 1")
    assert [Charges(function).at_head[head] for head in function.graph.loops] == [1]
    charges = Charges(function, counted=function.graph.loops)
    assert [charges.at_head[head] for head in function.graph.loops] == [0]


def test_a_call_takes_what_is_pending() -> None:
    function = analysed("call $far local.get 0")
    result = function.blocks[0]
    assert any(isinstance(line, Charge) for line in result.statements)
    assert Charges(function).at_end(result) == result.pending


# -- loops

START = "local.get 0 local.set $p local.get 0 local.set $q local.get 1 local.set $a"
STEPS = {
    "up": ("local.get $p i32.const 4 i32.add local.set $p", {2: "4"}),
    "down": ("local.get $p i32.const 1 i32.sub local.set $p", {2: "-1"}),
    "by a copy": (
        "local.get $p i32.const 8 i32.add local.set $q local.get $q local.set $p",
        {2: "8"},
    ),
    "in two steps": (
        "local.get $p i32.const 8 i32.add local.set $p"
        " local.get $p i32.const 2 i32.add local.set $p",
        {2: "10"},
    ),
    "by a variable": ("local.get $p local.get 1 i32.add local.set $p", {2: "l1"}),
    "by a variable, turned round": ("local.get 1 local.get $p i32.add local.set $p", {2: "l1"}),
    "by a variable that changes": (
        "local.get $p local.get $q i32.add local.set $p"
        " local.get $q i32.const 1 i32.add local.set $q",
        {3: "1"},
    ),
    "by a variable and a number": (
        "local.get $p local.get 1 i32.add i32.const 4 i32.add local.set $p",
        {},
    ),
    "not at all": ("local.get $p i32.const 3 i32.mul local.set $p", {}),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps(name: str) -> None:
    lines, expected = STEPS[name]
    use = "local.get $p local.get $q i32.add local.get $a i32.xor local.set $a"
    function = analysed(
        f"{START} loop {use} {lines} local.get $a br_if 0 end local.get $p local.get $q i32.add"
    )
    (head,) = function.graph.loops
    result = function.blocks[head]
    assert is_plain(result)
    found = steps(result, function.context.moduli)
    assert {place: show(by) for place, by in found.items()} == expected


COUNTS = {
    "local.get $p local.get 0 i32.ne": ("!=", "l0"),
    "local.get $p local.get 0 i32.lt_u": ("<", "l0"),
    "local.get 0 local.get $p i32.gt_u": ("<", "l0"),
    "local.get $p local.get 0 i32.le_s": ("<=", "l0"),
    "local.get $p i32.const 100 i32.lt_u": ("<", "100"),
    "local.get $p": ("!=", "0"),
    "local.get $p local.get 0 i32.gt_u": None,
    "local.get $p i32.load": None,
    "local.get $p local.get $a i32.ne": None,
}


@pytest.mark.parametrize("condition", COUNTS)
def test_counts(condition: str) -> None:
    step = "local.get $p i32.const 1 i32.add local.set $p"
    other = "local.get $a i32.const 5 i32.mul local.set $a"
    function = analysed(f"{START} loop {step} {other} {condition} br_if 0 end local.get $a")
    (head,) = function.graph.loops
    result = function.blocks[head]
    found = count(result, steps(result, function.context.moduli))
    expected = COUNTS[condition]
    assert (found and (found.relation, show(found.bound))) == expected


@pytest.mark.parametrize(
    "lines", ["call $far", "local.get 0 if nop end", "memory.size memory.grow drop"]
)
def test_loops_that_are_not_plain(lines: str) -> None:
    function = analysed(f"loop {lines} local.get 1 br_if 0 end local.get 0")
    (head,) = function.graph.loops
    assert len(function.graph.loops[head]) > 1 or not is_plain(function.blocks[head])


# -- structure


def test_a_choice_and_what_stands_behind_it() -> None:
    function = analysed(f"local.get 0 if local.get 1 local.set 0 end {SEEN} local.get 0")
    code, choice, *behind = _flat(structured(function))
    assert isinstance(code, Code) and isinstance(choice, Choice)
    assert any(isinstance(node, Code) for node in behind)
    # the block where the ways meet is written once
    numbers = [node.result.block.number for node in behind if isinstance(node, Code)]
    assert len(numbers) == len(set(numbers))


def _flat(nodes: Sequence[Node]) -> list[Node]:
    """Nodes, with those in scopes in their places."""
    flat: list[Node] = []
    for node in nodes:
        flat += _flat(node.body) if isinstance(node, Scope) else [node]
    return flat


def test_a_loop_knows_where_it_is_left() -> None:
    nodes = structured(analysed("loop local.get 0 br_if 0 end local.get 1"))
    loop = next(node for node in nodes if isinstance(node, Loop))
    code, choice = loop.body
    assert isinstance(code, Code) and isinstance(choice, Choice)
    back = choice.then[0]
    assert isinstance(back, Jump) and back.flow.edge.target == loop.head
    assert list(code.out) == choice.otherwise


def test_arms_of_a_switch() -> None:
    one, other, third = object(), object(), object()
    assert arms_of([one, one, other, third]) == ([1, 2, 3], [2, 3, 4], ())  # type: ignore[list-item]
    assert arms_of([one, other, one]) == ([0, 1], [1, 2], (0, 1, 0))  # type: ignore[list-item]


# -- operands where ways meet


def test_operands_that_are_locals_on_all_ways_are_read_as_such() -> None:
    arms = """local.get 1 i32.const 7 i32.gt_u if (result i32) local.get 0 i32.const 5 i32.store
        i32.const 8 else local.get 1 i32.const 6 i32.store i32.const 9 end"""
    body = f"{MUCH} local.get 0 {arms} i32.store {MUCH} local.get 1"
    text = source_of(module_of(body), 1).text
    slots = [line.strip() for line in text.split("\n") if re.match(r" *s\d+.* = ", line)]
    # only what differs is put anywhere
    assert slots == ["s1 = 8", "s1 = 9"]


def test_operands_that_are_locals_on_one_way_are_put_into_slots() -> None:
    arms = """local.get 1 i32.const 7 i32.gt_u if (result i32) local.get 0 i32.const 5 i32.store
        local.get 0 else local.get 1 i32.const 6 i32.store local.get 1 end"""
    text = source_of(module_of(f"{MUCH} {arms} {MUCH} {arms} i32.add"), 1).text
    assert "s0 = l0" in text and "s0 = l1" in text


def test_a_local_that_changes_is_no_operand_any_more() -> None:
    arms = """local.get 1 i32.const 7 i32.gt_u if (result i32) local.get 0 i32.const 5 i32.store
        i32.const 8 else local.get 1 i32.const 6 i32.store i32.const 9 end"""
    body = f"{MUCH} local.get 0 {arms} local.get 0 i32.const 3 i32.mul local.set 0 i32.add"
    module = module_of(body)
    found = [
        pywasmgk.instantiate(module, engine=engine).exports["f"](1000, 9)
        for engine in ("interpreter", "optimized")
    ]
    assert found == [1008, 1008]


#: leaves a loop for one place where it is over, and where it finds something
BLANKS = """
    block $out
      loop $on
        local.get 0 local.get 1 i32.ge_u {first}
        local.get 0 i32.load8_u local.tee $p i32.const 32 i32.gt_u {second}
        local.get 0 i32.const 1 i32.add local.set 0
        br $on
      end
    end
    local.get 0"""


def test_a_loop_that_is_left_for_one_place_needs_no_number() -> None:
    lead = "if local.get 1 local.set 0 i32.const 7 local.set $q br $out end"
    body = BLANKS.format(first=lead, second="br_if $out")
    # what stands behind it is too much to be written twice
    text = source_of(module_of(f"{body} {'call $other ' * 20} local.get $q i32.add"), 1).text
    assert text.count("l3 = 7") == 1 and text.count("break") == 2
    assert "b = " not in text and "if b" not in text


def test_one_test_behind_each_loop_that_is_left_for_many_places() -> None:
    inner = """
        block $one block $two block $three
          loop $outer
            loop $in
              local.get 0 i32.load local.tee $p i32.const 1 i32.eq br_if $one
              local.get $p i32.const 2 i32.eq br_if $two
              local.get $p i32.const 3 i32.eq br_if $three
              local.get $p local.get $a i32.add local.set $a
              local.get 0 i32.const 4 i32.add local.tee 0 i32.const 40 i32.lt_u br_if $in
            end
            local.get $a i32.const 99 i32.lt_u br_if $outer
          end
          i32.const 8 local.set $q call $other
        end local.get $q i32.const 1 i32.add local.set $q call $other
        end local.get $q i32.const 2 i32.mul local.set $q call $other
        end local.get $q local.get $a i32.add"""
    text = source_of(module_of(inner), 1).text
    lines = [line.strip() for line in text.split("\n")]
    assert lines.count("b = -1") == text.count("b = -1") >= 1
    # behind the inner loop one question, whichever way goes on to
    assert text.count("if b >= 0:") + text.count("if b == ") <= 4
