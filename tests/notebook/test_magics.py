"""``%load_ext pywasmgk`` in IPython's own shell, and what goes with it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import pywasmgk
from pywasmgk.notebook import toolchains
from pywasmgk.notebook.interruption import interruptible
from pywasmgk.notebook.progress import Progress
from pywasmgk.wasm.runtime.metering import CURRENT

FIB = """(module
  (func $fib (export "fib") (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                     (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
  (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
  (func (export "bad") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0))))"""
FOREVER = """(module
  (func (export "spin") (loop (br 0)))
  (func (export "one") (result i32) (i32.const 1)))"""


@pytest.fixture
def shell() -> Iterator[Any]:
    module = pytest.importorskip("IPython.core.interactiveshell")
    # history in a file would need a folder of the user's
    made = module.InteractiveShell.instance(history_length=0)
    made.history_manager.enabled = False
    made.run_line_magic("load_ext", "pywasmgk")
    yield made
    made.run_line_magic("unload_ext", "pywasmgk")
    module.InteractiveShell.clear_instance()


def test_unloading_leaves_no_witness(shell: Any) -> None:
    assert CURRENT.state.witness is not None
    shell.run_line_magic("unload_ext", "pywasmgk")
    assert CURRENT.state.witness is None
    shell.run_line_magic("load_ext", "pywasmgk")


def said(shell: Any, cell: str, capsys: pytest.CaptureFixture[str]) -> tuple[Any, str]:
    """What came of a cell, and what it printed."""
    capsys.readouterr()
    done = shell.run_cell(cell)
    printed = capsys.readouterr()
    return done, printed.out + printed.err


def test_a_cell_of_wat(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    done, out = said(shell, f"%%wat calc\n{FIB}", capsys)
    assert done.success
    assert "Module calc" in out and "fib" in out
    assert shell.user_ns["calc"].exports.fib(10) == 55
    # without a name the functions are names
    assert shell.run_cell(f"%%wat\n{FIB}").success
    assert shell.user_ns["half"](5.0) == 2.5


def test_imports_of_a_cell(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    text = '(module (import "env" "now" (func (result i32))) (export "f" (func 0)))'
    done, out = said(shell, f"%%wat m\n{text}", capsys)
    assert not done.success and "env.now" in out and "--imports NAME" in out
    shell.run_cell("env = {'env': {'now': lambda: 7}}")
    assert shell.run_cell(f"%%wat m --imports env\n{text}").success
    assert shell.user_ns["m"].exports.f() == 7
    for line in ("--imports", "--imports nothing", "a b", "1x", "--imports shell_"):
        assert not shell.run_cell(f"%%wat {line}\n{text}").success, line


def test_a_fault_is_said_at_its_place(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    done, out = said(shell, '%%wat m\n(module (func (export "f") i32.ad))', capsys)
    assert not done.success
    assert "line 1, column" in out and "Traceback" not in out


def test_runs(shell: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shell.run_cell(f"%%wat calc\n{FIB}")
    assert shell.run_cell("%wasm_run calc fib 0x0a").result == 55
    assert shell.run_cell("%wasm_run calc half 5").result == 2.5
    path = tmp_path / "calc.wat"
    path.write_text(FIB)
    assert shell.run_cell(f"%wasm_run {path} fib 10").result == 55
    for words, text in (
        ("calc fbi 1", "did you mean 'fib'"), ("calc fib", "takes 1 arguments"), ("calc", "usage"),
        ("clac fib 1", "did you mean 'calc'"), ("calc fib x", "invalid literal"), ("", "usage"),
        ("shell_ fib", "nothing is called"),
    ):  # fmt: skip
        done, out = said(shell, f"%wasm_run {words}", capsys)
        assert not done.success and text in out, words


def test_a_trap_is_shown_with_its_code(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell(f"%%wat calc\n{FIB}")
    done, out = said(shell, "calc.exports.bad(0)", capsys)
    assert isinstance(done.error_in_exec, pywasmgk.Trap)
    assert "▶ 0x" in out and "takes  i32 = 0" in out


def test_a_profile_of_a_cell(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell(f"%%wat calc\n{FIB}")
    done, out = said(
        shell, "%%wasm_profile calc\nfor n in range(5):\n    x = calc.exports.fib(n)", capsys
    )
    assert done.success
    assert out.count("Profile of") == 3 and "and 2 more calls" in out
    assert shell.user_ns["x"] == 3
    assert isinstance(shell.user_ns["calc"], pywasmgk.Instance)
    for cell in ("1 +", "pass"):
        assert not shell.run_cell(f"%%wasm_profile calc\n{cell}").success
    done, out = said(shell, "%%wasm_profile calc\ncalc.exports.bad(0)", capsys)
    assert isinstance(done.error_in_exec, pywasmgk.Trap)
    assert isinstance(shell.user_ns["calc"], pywasmgk.Instance)


def test_exports_are_completed(shell: Any) -> None:
    shell.run_cell(f"%%wat calc\n{FIB}")

    from IPython.core.completer import provisionalcompleter

    def offered(line: str) -> list[str]:
        with provisionalcompleter():
            return [one.text for one in shell.Completer.completions(line, len(line))]

    assert offered("%wasm_run ca") == ["calc"]
    assert {"fib", "half", "bad"} <= {*offered("%wasm_run calc ")}
    assert offered("%%wasm_profile ca") == ["calc"]
    assert offered("calc.exports['f") == ["fib"]
    assert dir(shell.user_ns["calc"].exports) == ["bad", "fib", "half"]


def test_a_cell_of_c(
    shell: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(toolchains, "compilers", list)
        done, out = said(shell, "%%c m\nint f(int a) { return a; }", capsys)
        assert not done.success and "no C compiler" in out
    if not toolchains.compilers():
        pytest.skip("no compiler is there")
    done, out = said(shell, "%%c m -O1\nint square(int a) { return a * a; }", capsys)
    assert done.success
    assert shell.user_ns["m"].exports.square(9) == 81
    done, out = said(shell, "%%c m\nint square(int a) { return b; }", capsys)
    assert not done.success and "error" in out


# -- interrupts and bars


def test_an_interrupt_ends_the_guest_in_order() -> None:
    instance = pywasmgk.instantiate(FOREVER, timeout=None, fuel=None)
    before = signal.getsignal(signal.SIGINT)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    with interruptible() as cancel:
        timer.start()
        with pytest.raises(pywasmgk.Cancelled), instance.account(cancel=cancel):
            instance.exports.spin()
    timer.join()
    assert signal.getsignal(signal.SIGINT) is before
    assert not instance.dead and instance.exports.one() == 1


def test_the_second_interrupt_is_pythons() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible() as cancel:
        signal.raise_signal(signal.SIGINT)
        assert cancel.cancelled
        signal.raise_signal(signal.SIGINT)


def test_elsewhere_no_signal_is_touched() -> None:
    found: list[bool] = []
    before = signal.getsignal(signal.SIGINT)

    def other() -> None:
        with interruptible() as cancel:
            found.append(signal.getsignal(signal.SIGINT) is before and not cancel.cancelled)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert found == [True]


class Bar:
    """Instead of tqdm's."""

    made: list[Bar] = []

    def __init__(self, **options: Any) -> None:
        self.options, self.n, self.closed = options, 0, False
        Bar.made.append(self)

    def update(self, more: int) -> None:
        self.n += more

    def close(self) -> None:
        self.closed = True


def test_the_bar_counts_instructions() -> None:
    Bar.made.clear()
    with Progress("fib", Bar) as progress:
        progress(SimpleNamespace(elapsed=lambda: 0.1, fuel_used=10))  # type: ignore[arg-type]
        assert Bar.made == []
        for fuel in (1_000, 5_000):
            progress(SimpleNamespace(elapsed=lambda: 0.9, fuel_used=fuel))  # type: ignore[arg-type]
    (bar,) = Bar.made
    assert bar.n == 5_000 and bar.closed
    assert bar.options["desc"] == "fib" and bar.options["unit"] == " instructions"


def test_the_bar_is_tqdms() -> None:
    pytest.importorskip("tqdm")
    instance = pywasmgk.instantiate(FOREVER, fuel=200_000)
    with Progress("spin") as progress:
        assert progress._make is not None
        with pytest.raises(pywasmgk.OutOfFuel), instance.account(progress=progress):
            instance.exports.spin()
