"""Profiles and coverage: exact, and the same for other tools."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli_guests import run as command_line
from generator import generate
from oracle import Limits, OurSession

import pywasmgk
from pywasmgk.debug.profile import Profile
from pywasmgk.wasm.runtime.values import from_bits
from pywasmgk.wasm.stepping import counting
from pywasmgk.wasm.stepping.counting import Counter

FIB = """(module (memory 1)
  (func $fib (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                     (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
  (func $unused (export "unused") (param i32) (if (local.get 0) (then nop) (else nop)))
  (func $run (export "run") (param $n i32) (result i32)
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 1000))
    (drop (memory.grow (i32.const 1)))
    (call $fib (local.get $n)))
  (func (export "fail") (unreachable)))"""


NESTED = """(module
  (func $nest (export "nest") (param $n i32) (param $m i32) (local $i i32)
    (block $out
    (loop $outer
      (local.set $i (local.get $m))
      (loop $inner
        (br_if $inner (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (br_if $outer (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))))"""


@pytest.fixture
def profile() -> Profile:
    return Profile.of(pywasmgk.instantiate(FIB), "run", 12)


def test_the_fuel_is_that_of_the_call(profile: Profile) -> None:
    instance = pywasmgk.instantiate(FIB)
    assert profile.results == instance.exports["run"](12) == 144
    assert profile.fuel == instance.fuel_used
    assert sum(profile.fuel_by_offset().values()) == instance.fuel_used


def test_functions_have_what_they_and_their_callees_took(profile: Profile) -> None:
    fib, run = profile.functions()
    assert (fib.name, fib.calls, fib.self_fuel) == ("fib", 465, fib.total_fuel)
    assert (run.name, run.calls, run.total_fuel) == ("run", 1, profile.fuel)
    # its entry, eight instructions (drop is free), the bytes that it fills, the page that it adds
    assert run.self_fuel == 1 + 8 + 1000 + 1


def test_lines_have_the_fuel_of_all_that_ran(profile: Profile) -> None:
    lines = {one.line: one for one in profile.lines()}
    assert sum(one.fuel for one in lines.values()) == profile.fuel
    # entering, and five instructions, one of which is free
    assert (lines[3].count, lines[3].fuel) == (465, 465 * 5)
    assert (lines[4].count, lines[5].count) == (233, 232)


def test_loops_have_their_turns() -> None:
    found = Profile.of(pywasmgk.instantiate(NESTED), "nest", 3, 4)
    outer, inner = found.loops()[::-1]
    assert (outer.entries, outer.turns, inner.entries, inner.turns) == (1, 3, 3, 12)
    assert (outer.name, outer.line, inner.line) == ("nest", 4, 6)


def test_other_tools_read_it(profile: Profile) -> None:
    lines = dict(line.rsplit(" ", 1) for line in profile.collapsed().splitlines())
    assert sum(map(int, lines.values())) == profile.fuel
    assert int(lines["run"]) == 1010 and "run;fib;fib" in lines
    scope = json.loads(profile.speedscope())
    assert sum(scope["profiles"][0]["weights"]) == profile.fuel
    assert {frame["name"] for frame in scope["shared"]["frames"]} == {"run", "fib"}
    assert ElementTree.fromstring(profile.svg()).tag.endswith("svg")


def test_hostile_names_are_no_markup() -> None:
    module = '(module (func $"<script>;" (export "f") nop))'
    svg = Profile.of(pywasmgk.instantiate(module), "f").svg()
    assert "<script" not in svg
    ElementTree.fromstring(svg)


def test_how_it_ended_is_kept() -> None:
    found = Profile.of(pywasmgk.instantiate(FIB), "fail")
    assert isinstance(found.trap, pywasmgk.Trap) and found.fuel == 1  # its entry
    stopped = Profile.of(pywasmgk.instantiate(FIB), "run", 20, fuel=5_000)
    assert isinstance(stopped.trap, pywasmgk.OutOfFuel)


def test_chains_without_end_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_MOST_NODES", 3)
    instance = pywasmgk.instantiate(FIB)
    found = Profile.of(instance, "run", 10)
    assert found.fuel == instance.fuel_used
    assert len(list(found.root.walk())) <= 4


@pytest.mark.parametrize("seed", range(30))
def test_generated_programs(seed: int) -> None:
    program = generate(740_000 + seed)
    module = pywasmgk.Module(program.data)
    plain, counted = (
        OurSession("auto", module, program.host, Limits(memory=32, table=1_000)) for _ in range(2)
    )
    if plain.instance is None:
        return
    for name, args in program.calls:
        expected = plain.call(name, args, 20_000)
        func = counted.instance.exports[name]
        values = [from_bits(kind, arg) for kind, arg in zip(func.type.params, args)]
        held = pywasmgk.Execution(func, values, counted.instance.meter(fuel=20_000), None)
        counter = Counter(whole=True)
        held.attach(counter)
        with held:
            held.run()
        assert (held.trap is None) == (expected.kind == "values"), held.trap
        assert counted.state() == plain.state()
        if expected.kind == "values" and not module.imports:
            assert sum(node.fuel for _, node in counter.root.walk()) == expected.fuel


def test_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "fib.wat"
    file.write_text(FIB)
    done = command_line("profile", file, "run", "12")
    assert done.code == 0 and "465  fib" in done.out, done
    lines = command_line("profile", file, "run", "3", "--as", "lines").out.splitlines()
    assert any(line.endswith("fib.wat:3") for line in lines[1:])
    for form, key in (("table", "functions"), ("lines", "lines"), ("loops", "loops")):
        assert key in command_line("profile", file, "run", "3", "--as", form, "--json").form
    pages = command_line("profile", file, "run", "3", "--as", "memory", "--json").form
    assert [one["page"] for one in pages["pages"]] == [0] and len(pages["growths"]) == 1
    graph = tmp_path / "graph.svg"
    assert command_line("profile", file, "run", "3", "--as", "svg", "--output", graph).out == ""
    assert graph.read_text().startswith("<svg")
    assert command_line("profile", file, "fail").code == 1
