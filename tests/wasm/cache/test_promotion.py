"""What ran in one process is compiled for the next one, when the first has ended its work."""

from __future__ import annotations

import gc
import json
import marshal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from processor import HANGS
from wasm_builder import function

import pywasmgk
from pywasmgk.wasm.cache import promotion
from pywasmgk.wasm.cache.directory import CodeCache
from pywasmgk.wasm.cache.promotion import Candidate, Plan, candidates, carry_out, postpone
from pywasmgk.wasm.compiler.request import OPTIMIZED, QUICK
from pywasmgk.wasm.profile import Profile, calls_until_warm

#: once calls something a few times; loop runs for long
TEXT = """(module
  (func $helper (param i32) (result i32) local.get 0 i32.const 3 i32.mul)
  (func (export "once") (param i32) (result i32)
    local.get 0 call $helper call $helper local.get 0 call $helper i32.add)
  (func (export "loop") (param i32) (result i32) (local $sum i32)
    loop $on
      local.get $sum local.get 0 call $helper i32.add local.set $sum
      local.get 0 i32.const 1 i32.sub local.tee 0 br_if $on
    end
    local.get $sum)
  (func (export "never") (result i32) i32.const 1))"""

#: runs the module; prints answers, fuel, the levels of functions, what the interpreter ran, and
#: whether anything was compiled. Its last argument says how the process and the module end.
PROGRAM = """
import gc, json, sys, pywasmgk
engine, ending = sys.argv[3:]
instance = pywasmgk.instantiate(sys.argv[1], engine=engine, cache_dir=sys.argv[2])
said = [instance.exports.once(5), instance.fuel_used]
said += [instance.exports.loop(3_000_000 if engine == "auto" else 50), instance.fuel_used]
module, binding = instance.module, instance.tiers._binding
levels = {} if binding is None else binding.levels
compiles = "pywasmgk.wasm.compiler.driver" in sys.modules
print(json.dumps([said, sorted(levels.items()), sorted(module.codes), compiles]))
if ending == "gone":
    del instance, module, binding, levels
    gc.collect()
if ending == "interrupted":
    from pywasmgk.wasm.cache import promotion
    def interrupted(*args):
        raise KeyboardInterrupt
    promotion.compiled_function = interrupted
if ending == "fails":
    sys.exit(3)
"""
ROOT = Path(pywasmgk.__file__).parent.parent


def start(folder: Path, engine: str = "auto", ending: str = "exit", status: int = 0) -> list[Any]:
    """What the program says in a process of its own."""
    command = [sys.executable, "-W", "error", "-c", PROGRAM, TEXT, str(folder / "c")]
    done = subprocess.run(
        [*command, engine, ending], cwd=ROOT, capture_output=True, text=True, timeout=HANGS
    )
    assert (done.returncode, done.stderr) == (status, "")
    found: list[Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("ending", "status"), [("exit", 0), ("gone", 0), ("fails", 3)])
def test_the_second_process_finds_all_compiled(tmp_path: Path, ending: str, status: int) -> None:
    answers, _, interpreted, compiles = start(tmp_path, ending=ending, status=status)
    assert 1 in interpreted
    assert compiles
    for _ in range(2):
        again, levels, interpreted, compiles = start(tmp_path, ending=ending, status=status)
        assert again == answers
        assert levels == [[0, OPTIMIZED], [1, QUICK], [2, OPTIMIZED]]
        assert interpreted == []
        assert not compiles


def test_an_interruption_ends_it_in_silence(tmp_path: Path) -> None:
    answers = start(tmp_path, ending="interrupted")[0]
    again, levels, interpreted, _ = start(tmp_path)
    assert again == answers
    assert interpreted == [1]
    assert [1, QUICK] not in levels


def test_who_asks_for_the_interpreter_compiles_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        _, levels, interpreted, compiles = start(tmp_path, engine="interpreter")
        assert (levels, interpreted, compiles) == ([], [0, 1, 2], False)


# -- what is worth it


class Code:
    """As much of a function for the interpreter as it looks at."""

    def __init__(self, size: int, called: int) -> None:
        self.operations = [None] * size
        self.calls = calls_until_warm(size) - called


def chosen(profile: Profile, known: set[Any] | None = None) -> list[tuple[int, int]]:
    codes: dict[int, Any] = {0: Code(100, 1), 1: Code(100, 20), 2: Code(10, 1)}
    found = candidates(profile, codes, lambda index: 2_000 if index == 3 else 200, known or set())
    assert [item.gain for item in found] == sorted((item.gain for item in found), reverse=True)
    return [(item.function, item.level) for item in found]


def profile_of(**quick: float) -> Profile:
    profile = Profile()
    profile.compiles = True
    profile.quick.update({int(name[1:]): seconds for name, seconds in quick.items()})
    return profile


def test_the_best_comes_first() -> None:
    assert chosen(profile_of(f3=0.5)) == [(3, OPTIMIZED), (1, QUICK), (0, QUICK), (2, QUICK)]
    assert chosen(profile_of(f3=0.1, f4=0.0001))[-1] == (2, QUICK)
    # 0.1 ms do not repay 10
    assert (4, OPTIMIZED) not in chosen(profile_of(f3=0.1, f4=0.0001))


def test_what_was_tried_is_left_out() -> None:
    optimized = {(index, 0, True, True, OPTIMIZED) for index in (0, 3)}
    known = optimized | {(1, 0, True, False, QUICK)}
    assert chosen(profile_of(f3=0.5), known) == [(2, QUICK)]
    profile = profile_of(f3=0.5)
    profile.missed.add(3)
    assert chosen(profile, known) == [(3, OPTIMIZED), (2, QUICK)]


def test_nothing_without_an_engine_that_compiles() -> None:
    profile = profile_of(f3=0.5)
    profile.compiles = False
    assert chosen(profile) == []


# -- what is kept, and the time that it takes


def plan(cache: CodeCache, number: int = 0, size: int | None = None) -> Plan:
    """A plan for a module that is in the cache."""
    data = function("", "i32", f"i32.const {number}")
    module = pywasmgk.Module(data, cache=cache)
    assert module.stored is not None
    module.stored.save()
    kept = data if size is None else bytes(size)
    features, most = module.features, module.max_locals
    found = [Candidate(1.0, 1e-4, 0, QUICK)]
    return Plan(cache, module.stored.name, kept, features, most, Profile(), {}, found)


def stored(cache: CodeCache, number: int = 0) -> int:
    return len(cache.stored(pywasmgk.Module(function("", "i32", f"i32.const {number}"))))


def test_no_more_than_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotion, "_BESIDE", 100.0)
    monkeypatch.setattr(promotion, "_MOST", 100.0)
    cache = CodeCache(tmp_path / "c")
    carry_out(plan(cache), time.process_time() - 1_000.0)
    assert stored(cache) == 0
    expensive = plan(cache)._replace(candidates=[Candidate(1.0, 1_000.0, 0, QUICK)])
    carry_out(expensive, time.process_time())
    assert stored(cache) == 0
    carry_out(plan(cache), time.process_time())
    assert stored(cache) == 1


def test_a_file_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path / "c")
    found = plan(cache)
    (file,) = (tmp_path / "c").glob("*.code")
    gc.collect()
    file.unlink()
    carry_out(found, time.process_time())
    assert list((tmp_path / "c").glob("*.code")) == []


def test_what_is_kept_of_modules_that_are_gone_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "_postponed", {})
    cache = CodeCache(tmp_path / "c")
    found = [plan(cache, number) for number in range(promotion._KEPT_PLANS + 3)]
    for item in [*found, found[-1]]:
        postpone(item)
    assert list(promotion._postponed) == [item.name for item in found[3:]]
    postpone(plan(cache, size=promotion._KEPT_BYTES))
    assert len(promotion._postponed) == 1


# -- assumptions that do not hold


def test_what_missed_its_assumptions_is_compiled_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """(module (memory 1)
      (func (export "f") (param i32) (result i32)
        local.get 0 i32.load local.get 0 i32.load offset=4 i32.add))"""
    levels = []
    monkeypatch.setattr(promotion, "_BESIDE", 100.0)
    monkeypatch.setattr(promotion, "_MOST", 100.0)
    for turn in range(2):
        module = pywasmgk.Module(text, cache_dir=tmp_path / "c")
        instance = pywasmgk.instantiate(module, engine="compiler")
        instance.tiers.binding.compile(0, OPTIMIZED)
        for _ in range(20):
            assert instance.exports.f(1) == 0
        levels.append(instance.tiers.binding.levels[0])
        assert instance.fuel_used == 6
        assert module.profile.missed == ({0} if not turn else set())
        module.profile.quick[0] = 1.0
        assert module.stored is not None
        module.stored.close()
        for item in promotion._postponed.copy().values():
            carry_out(item, time.process_time())
        promotion.forget()
    assert levels == [QUICK, OPTIMIZED]


def test_what_is_compiled_is_not_kept_for_the_interpreter_besides(tmp_path: Path) -> None:
    module = pywasmgk.Module(TEXT, cache_dir=tmp_path / "c")
    instance = pywasmgk.instantiate(module, engine="auto")
    assert instance.exports.once(5) == 60
    instance.tiers.binding.compile(0, QUICK)
    assert sorted(module.codes) == [0, 1]
    assert module.stored is not None
    module.stored.save()
    assert sorted(module.stored._content.prepared) == [1]


def test_a_sample_of_a_small_function_tells_a_later_process_nothing(tmp_path: Path) -> None:
    """What was worth it was optimized at the end of an earlier one."""
    levels = []
    for _ in range(2):
        module = pywasmgk.Module(TEXT, cache_dir=tmp_path / "c")
        instance = pywasmgk.instantiate(module, engine="auto")
        tiers = instance.tiers
        tiers.binding.compile(0, QUICK)
        # once what optimizing costs is enough, and then 8 times
        tiers.sample_quick(0, 30_000)
        levels.append(tiers.binding.levels[0])
        tiers.sample_quick(0, 10_000_000)
        levels.append(tiers.binding.levels[0])
        assert module.stored is not None
        del module.stored._content.codes[0, 0, True, True, OPTIMIZED]
        module.stored.cache.write(module.stored.name, marshal.dumps(tuple(module.stored._content)))
        module.stored._new = 0
    assert levels == [OPTIMIZED, OPTIMIZED, QUICK, OPTIMIZED]
