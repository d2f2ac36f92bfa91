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
        {**form, "coverage": 2}, {**form, "runs": -1}, {**form, "runs": True},
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
    assert wrong.code == 1 and "no coverage of version" in wrong.err
    assert command_line("coverage", file, "never").code == 1
