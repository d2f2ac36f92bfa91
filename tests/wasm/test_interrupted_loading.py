"""An exception at any moment of loading, instantiating and compiling leaves nothing half done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from async_strikes import strike_often

import pywasmgk
from pywasmgk.wasm.runtime.metering import current_meter

pytestmark = [
    pytest.mark.skipif(sys.platform == "emscripten", reason="needs threads"),
    # a finalizer has nobody to raise to
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

#: each function is of another shape, with loops and data for the compiler to think about
_FUNCTIONS = "\n".join(
    f"""(func $f{n} (param i32) (result i32) (local i64 i32)
      (block $b (loop $l
        (br_if $b (i32.gt_s (local.get 2) (i32.const {n + 3})))
        (local.set 2 (i32.add (local.get 2) (i32.const 1)))
        (local.set 1 (i64.add (i64.mul (local.get 1) (i64.const {n + 2})) (i64.const 7)))
        (i64.store (i32.const {8 * n + 64}) (local.get 1))
        (br $l)))
      (i32.add (i32.load8_u (i32.const {n + 8}))
        (i32.xor (local.get 0) (i32.wrap_i64 (local.get 1)))))"""
    for n in range(6)
)
_CALLS = " ".join(f"(call $f{n}" for n in range(6)) + " (local.get 0)" + ")" * 6
TEXT = f"""(module (memory 1) (table 6 funcref)
  (elem (i32.const 0) $f0 $f1 $f2 $f3 $f4 $f5) (data (i32.const 8) "interrupted")
  (global $g (mut i32) (i32.const 5)) {_FUNCTIONS}
  (func (export "f") (param i32) (result i32) {_CALLS}))"""
SPIN = pywasmgk.instantiate('(module (func (export "f") (loop br 0)))', fuel=1_000, timeout=None)
ENGINES = ("auto", "compiler")
#: strikes of each kind of work
COUNT = 60


class Work:
    """Something with modules that can be done again and again, and be looked at afterwards."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder, self.engine = folder, engine
        self.data = pywasmgk.Module(TEXT).data
        self.module = pywasmgk.Module(TEXT)
        self.instance = pywasmgk.instantiate(self.module, engine=engine)
        self.result = pywasmgk.instantiate(TEXT, engine="interpreter").exports.f(4)
        self.dead = 0

    def read(self) -> None:
        """A text becomes a module."""
        self.module = pywasmgk.Module(TEXT)

    def load(self) -> None:
        """Bytes become a module, by way of a cache."""
        self.module = pywasmgk.Module(self.data, cache_dir=self.folder)

    def instantiate(self) -> None:
        """One module becomes instances."""
        self.instance = pywasmgk.instantiate(self.module, engine=self.engine)

    def compile(self) -> None:
        """A module whose code nobody has compiled is called."""
        self.module = pywasmgk.Module(self.data)
        self.instance = pywasmgk.instantiate(self.module, engine=self.engine)
        self.instance.exports.f(4)

    def run(self) -> None:
        """An instance is called again and again, at first with code that is not compiled."""
        for _ in range(20):
            self.instance.exports.f(4)

    def check(self) -> None:
        """The state of the thread, of what there is, and of what is made of it."""
        assert current_meter() is None
        with pytest.raises(pywasmgk.OutOfFuel):
            SPIN.exports.f()
        try:
            assert self.instance.exports.f(4) == self.result
        except pywasmgk.InstanceDead as error:
            assert "was interrupted by" in str(error)
            self.dead += 1
        self.instance = pywasmgk.instantiate(self.module, engine=self.engine)
        assert self.instance.exports.f(4) == self.result
        fresh = pywasmgk.Module(self.data, cache_dir=self.folder)
        assert pywasmgk.instantiate(fresh, engine=self.engine).exports.f(4) == self.result


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("read", "auto"),
        ("load", "auto"),
        *((name, engine) for name in ("instantiate", "compile", "run") for engine in ENGINES),
    ],
)
def test_an_interruption_at_random(name: str, engine: str, tmp_path: Path) -> None:
    work = Work(tmp_path, engine)
    action: Callable[[], None] = getattr(work, name)
    # another thread waits for no lock, and finds nothing half done
    struck = strike_often(action, work.check, COUNT, seed=11)
    assert struck >= 3
    assert work.dead <= struck
