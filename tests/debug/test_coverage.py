"""Coverage: functions, blocks, branches and lines, of one run or several."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from cli_guests import run as command_line

import pywasmgk
from pywasmgk import examples
from pywasmgk.debug.coverage import Coverage, Share
from pywasmgk.debug.profile import Profile

GUESTS = Path(__file__).parents[1] / "guests"
SIGN = """(module
  (func $abs (param $n i32) (result i32)
    (if (result i32) (i32.lt_s (local.get $n) (i32.const 0))
      (then (i32.sub (i32.const 0) (local.get $n)))
      (else (local.get $n))))
  (func $never (export "never")
    (unreachable))
  (func (export "sum") (param $n i32) (result i32)
    (call $abs (local.get $n))))"""


def covered(*args: int, module: pywasmgk.Module | None = None) -> Coverage:
    module = module or pywasmgk.Module(SIGN)
    found = Coverage(module, {}, 0, "sign.wat")
    for arg in args:
        profile = Profile.of(pywasmgk.instantiate(module), "sum", arg)
        found.add(Coverage.of(profile, "sign.wat"))
    return found


def test_it_tells_what_did_not_run() -> None:
    found = covered(3)
    abs_, never, sum_ = found.functions
    assert [one.calls for one in found.functions] == [1, 0, 1]
    assert list(abs_.branches.values()) == [(0, 1)]
    assert abs_.share_of_blocks() == (2, 3) and sum_.share_of_blocks() == (1, 1)
    # the end behind `unreachable` is nothing that could run
    assert never.share_of_blocks() == (0, 1)
    shares = found.shares()
    assert shares["functions"] == (2, 3) and shares["branches"] == (1, 2)
    assert shares["lines"] == Share(3, 5) and shares["lines"].percent == 60
    assert {line.number: count for line, count in found.lines().items()} == {
        3: 1, 4: 0, 5: 1, 7: 0, 9: 1,
    }  # fmt: skip


def test_runs_are_added() -> None:
    found = covered(3, -3, 5)
    assert found.runs == 3
    assert list(found.functions[0].branches.values()) == [(1, 2)]
    assert found.share_of_branches() == (2, 2)
    again = Coverage.from_json(found.to_json(), found.module, "sign.wat")
    again.add(covered(0))
    assert again.runs == 4 and again.functions[0].calls == 4
    with pytest.raises(pywasmgk.HostError, match="different modules"):
        found.add(Coverage(pywasmgk.Module("(module (func))"), {}, 1))


def test_lcov() -> None:
    records = covered(3, 4).lcov().splitlines()
    assert records[:2] == ["TN:", "SF:sign.wat"]
    assert "FNDA:2,abs" in records and "FNDA:0,never" in records and "FN:3,abs" in records
    assert [record for record in records if record.startswith("BRDA")] == [
        "BRDA:3,3,0,0", "BRDA:3,3,1,2",
    ]  # fmt: skip
    assert [record for record in records if record.startswith("DA")] == [
        "DA:3,2", "DA:4,0", "DA:5,2", "DA:7,0", "DA:9,2",
    ]  # fmt: skip
    assert records[-3:] == ["LF:5", "LH:3", "end_of_record"]


def test_the_text_with_counts() -> None:
    lines = list(covered(3).listing())
    assert len(lines) == len(SIGN.splitlines())
    assert lines[2].split()[:2] == ["1", "(if"] and lines[3].split()[:2] == ["#####", "(then"]
    assert lines[0].split() == ["(module"]


def test_functions_with_counts_where_there_is_no_text() -> None:
    module = pywasmgk.Module(pywasmgk.Module(SIGN).data)
    found = covered(3, module=module)
    lines = [line.split() for line in found.listing()]
    assert ["1", "i32.lt_s"] in lines and ["#####", "unreachable"] in lines
    assert "lines" not in found.shares()
    with pytest.raises(pywasmgk.HostError, match="no lines"):
        found.lcov()


def test_lines_of_the_source() -> None:
    pytest.importorskip("elftools")
    module = pywasmgk.Module.from_file(GUESTS / "debug/shapes.wasm")
    found = Coverage.of(Profile.of(pywasmgk.instantiate(module), "total", 0, 2))
    lines = {line.number: count for line, count in found.lines().items()}
    source = (GUESTS / "debug/shapes.c").read_text().splitlines()
    trap = next(n for n, line in enumerate(source, 1) if "__builtin_trap" in line)
    division = next(n for n, line in enumerate(source, 1) if "/ shape->height" in line)
    assert lines[trap] == 0 and lines[division] == 2
    assert "SF:shapes.c" in found.lcov() and "FNDA:2,of_index" in found.lcov()


def test_a_plugin_is_covered() -> None:
    with pywasmgk.load(examples.read("hello")) as plugin:
        with plugin.start("hello", {"name": "Ada"}) as held:
            # what the arguments took to be placed in memory is before it
            profile, before = Profile.attach(held), held.fuel_used
            held.run()
            # its entry is charged already
            assert profile.fuel == held.fuel_used - before + 1
        found = Coverage.of(profile)
    ran = {one.name for one in found.functions if one.calls}
    assert "gk_call" in ran and "gk_register" not in ran


def test_a_file_that_is_wrong_is_told() -> None:
    found = covered(3)
    text = found.to_json()
    form = json.loads(text)
    other = pywasmgk.Module(SIGN.replace("$never", "$no"))
    with pytest.raises(pywasmgk.HostError, match="another module"):
        Coverage.from_json(text, other)
    for wrong in (
        {**form, "coverage": 1}, {**form, "coverage": 3}, {**form, "runs": -1},
        {**form, "runs": True},
        {**form, "functions": {"9": [1]}}, {**form, "functions": {"0": [1]}}, [], None, 1,
        {**form, "functions": {"x": [1]}}, {**form, "functions": {"0": {}}},
    ):  # fmt: skip
        with pytest.raises(pywasmgk.PywasmgkError):
            Coverage.from_json(json.dumps(wrong), found.module)


def test_damaged_files_raise_our_errors() -> None:
    found = covered(3)
    data = found.to_json().encode()
    chance = random.Random(7)
    for _ in range(2_000):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            Coverage.from_json(bytes(damaged[: chance.randint(0, len(damaged))]), found.module)
        except pywasmgk.PywasmgkError:
            pass
    with pytest.raises(pywasmgk.PywasmgkError):
        Coverage.from_json("[" * 100_000, found.module)


def test_the_command_line(tmp_path: Path) -> None:
    file, kept, lcov = tmp_path / "sign.wat", tmp_path / "kept.json", tmp_path / "sign.lcov"
    file.write_text(SIGN)
    first = command_line("coverage", file, "sum", "3", "--append", kept, "--fail-under", "80")
    assert first.code == 1 and "60.0 % of the basic blocks ran, 80 % must" in first.err
    assert ["2/3", "1/2", "1", "abs"] in [line.split() for line in first.out.splitlines()]
    words = ("coverage", file, "sum", "--append", kept, "--lcov", lcov, "--fail-under", "80")
    second = command_line(*words, "--", "-3")
    assert second.code == 0 and second.out.endswith("of 2 runs\n")
    assert f"SF:{file}" in lcov.read_text() and "BRDA:3,3,1,1" in lcov.read_text()
    form = command_line("coverage", file, "sum", "3", "--json").form
    assert form["blocks"] == {"hit": 3, "total": 5, "percent": 60.0} and form["runs"] == 1
    listing = command_line("coverage", file, "sum", "3", "--annotate").out
    assert "#####  " in listing
    kept.write_text("{}")
    wrong = command_line("coverage", file, "sum", "3", "--append", kept)
    assert wrong.code == 1 and f"{kept.name}: no coverage of version" in wrong.err
    assert command_line("coverage", file, "never").code == 1


# -- tables of branches

SWITCH = """(module
  (func $pick (export "pick") (param $n i32) (result i32)
    (block $other
      (block $two
        (block $one
          (br_table $one $two $one $other $two (local.get $n)))
        (return (i32.const 1)))
      (return (i32.const 2)))
    (i32.const 0))
  (func (export "picks") (param $n i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call $pick (local.get $n))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))"""


def switched(*calls: tuple[str, int]) -> Coverage:
    module = pywasmgk.Module(SWITCH)
    found = Coverage(module, {}, 0, "switch.wat")
    for name, arg in calls:
        found.add(Coverage.of(Profile.of(pywasmgk.instantiate(module), name, arg), "switch.wat"))
    return found


def test_tables_of_branches_have_a_way_to_each_place() -> None:
    """Of the labels, 0 and 2 lead to one, 1 and all from 4 on to another."""
    found = switched(("pick", 0), ("pick", 2), ("pick", 4), ("pick", -1))
    pick, picks = found.functions
    assert list(pick.branches.values()) == [(2, 2, 0)]
    assert pick.share_of_branches() == (2, 3)
    assert picks.share_of_branches() == (0, 2)
    assert [line for line in found.lcov().splitlines() if line.startswith("BRDA:6")] == [
        "BRDA:6,4,0,2",
        "BRDA:6,4,1,2",
        "BRDA:6,4,2,0",
    ]


def test_ways_are_of_all_chains_of_calls_and_all_runs() -> None:
    found = switched(("picks", 5), ("pick", 3))
    assert list(found.functions[0].branches.values()) == [(1, 3, 2)]
    again = Coverage.from_json(found.to_json(), found.module, "switch.wat")
    again.add(found)
    assert list(again.functions[0].branches.values()) == [(2, 6, 4)]
    assert "BRDA:6,4,0,-" in switched().lcov()


def test_what_is_run_again_and_stops_count_no_way_twice() -> None:
    module = pywasmgk.Module(SWITCH)
    with pywasmgk.instantiate(module).start("picks", 5) as held:
        profile = Profile.attach(held)
        held.break_at("pick", instruction="br_table")
        while held.run() == "breakpoint":
            held.rewind(2)
            held.step(2)
        assert list(Coverage.of(profile).functions[0].branches.values()) == [(1, 3, 1)]


@pytest.mark.parametrize(
    "arms",
    [None, [], {"7": []}, {"0": None}, {"0": [[4, 0]]}, {"0": [[4, 0, -1]]}, {"0": [[3, 0, 1]]},
     {"0": [[4, 5, 1]]}, {"0": [[999, 0, 1]]}, {"0": [[4, 0, "1"]]}, {"x": []}],
)  # fmt: skip
def test_kept_ways_that_are_wrong_are_refused(arms: object) -> None:
    found = switched(("pick", 0))
    form = {**json.loads(found.to_json()), "arms": arms}
    with pytest.raises(pywasmgk.errors.JSONError):
        Coverage.from_json(json.dumps(form), found.module)


# -- calls of plugins


def test_calls_of_plugins_are_covered(tmp_path: Path) -> None:
    words = ["dashboard", "--plugin", "widget_tickets", "{}", "--config", "site.name=Desk"]
    found = command_line("coverage", *words, "--json", "--append", tmp_path / "kept.json")
    assert found.code == 0, found.err
    calls = {one["name"]: one["calls"] for one in found.form["by_function"]}
    assert calls["gk_call"] == 1 and found.form["runs"] == 1
    again = command_line("coverage", *words, "--json", "--append", tmp_path / "kept.json")
    assert again.form["runs"] == 2
    profile = command_line("profile", "hello", "--plugin", "hello", '{"name": "Ada"}', "--json")
    fuel = {one["name"]: one["total_fuel"] for one in profile.form["functions"]}
    assert fuel["gk_call"] == profile.form["fuel"]
    trace = command_line("trace", "hello", "--plugin", "hello", "{}", "--instruction", "call")
    assert "gives {" in trace.out


def test_lines_that_name_no_call_of_a_plugin() -> None:
    assert command_line("profile", "hello", "--plugin").code == 2
    assert command_line("trace", "hello", "--plugin", "hello", "{").code == 2
    assert command_line("coverage", "hello", "--plugin", "hello", "{}", "{}").code == 2
    assert command_line("profile", "hello", "gk_register", "--config", "a=b").code == 2


def test_a_plugin_is_profiled_as_an_instance_is() -> None:
    with pywasmgk.load(examples.read("hello")) as plugin:
        expected = plugin.call("hello", {"name": "Ada"})
        profile = Profile.of(plugin, "hello", {"name": "Ada"})
        assert profile.results == expected
        assert plugin.call("hello", {"name": "Ada"}) == expected and plugin.restarts == 0
    assert sum(one.calls for one in Coverage.of(profile).functions) > 5
