"""ppci comes in light: its package sleeps until somebody wants more of it, and it keeps quiet."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import threading
import warnings
from pathlib import Path

import pytest
from wasm_builder import rich_module

from pywasmgk.wasm.binary.ppci_import import stand_in
from pywasmgk.wasm.module import Module


def outcome(program: str) -> str:
    """What a fresh interpreter prints that runs a program."""
    # ppci's package wants cgitb, whose deprecation is none of our business
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_package_sleeps_until_it_is_used() -> None:
    assert (
        outcome(
            """
            import sys
            import pywasmgk.wasm.module as ours
            heavy = "ppci.wasm.wasm2ppci"
            print(heavy in sys.modules, "cgitb" in sys.modules)
            print(sum(name.split(".")[0] == "ppci" for name in sys.modules) < 25)
            import ppci.wasm
            print(hasattr(ppci.wasm, "__warningregistry__"), heavy in sys.modules)
            theirs = ppci.wasm.Module
            print(heavy in sys.modules, issubclass(ours.Module, theirs))
            print(ppci.wasm is sys.modules["ppci.wasm"], type(ppci.wasm).__name__)
            print(isinstance(ppci.wasm.read_wasm(b"\\0asm\\1\\0\\0\\0"), theirs))
            """
        ).split()
        == "False False True False False True True True module True".split()
    )


@pytest.mark.parametrize(
    "statement",
    ["from ppci.wasm import *", "from ppci.wasm import Module", "import ppci.wasm.text.writer"],
)
def test_other_ways_of_waking_it(statement: str) -> None:
    program = f"""
        import pywasmgk.wasm.module as ours
        {statement}
        import ppci.wasm
        print(issubclass(ours.Module, ppci.wasm.Module), "Module" in vars(ppci.wasm))
        """
    assert outcome(program) == "True True"


def test_a_package_that_is_there_already_stays() -> None:
    program = """
        import ppci.wasm
        before = ppci.wasm
        import sys
        import pywasmgk.wasm.module as ours
        print(sys.modules["ppci.wasm"] is before, issubclass(ours.Module, before.Module))
        print(len(ours.Module(b"\\0asm\\1\\0\\0\\0").definitions))
        """
    assert outcome(program).split() == ["True", "True", "0"]


def test_a_plain_import_where_a_stand_in_cannot_be() -> None:
    program = """
        import importlib.util, sys
        importlib.util.find_spec = lambda name: None
        import pywasmgk.wasm.module as ours
        print(type(sys.modules["ppci.wasm"]).__name__)
        print(ours.Module(b"\\0asm\\1\\0\\0\\0").definitions)
        """
    assert outcome(program) == "module\n[]"


SLOW = """
import time
from . import early
time.sleep(0.05)
count = globals().get("count", 0) + 1
later = "there"
"""


def package(folder: Path, name: str, init: str) -> None:
    """A package that can be imported."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(init)
    (folder / name / "early.py").write_text("x = 1\n")


def test_threads_wait_for_the_one_that_wakes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "slow_package", SLOW)
    monkeypatch.syspath_prepend(str(tmp_path))
    stand_in("slow_package")
    found: list[object] = []

    def look() -> None:
        found.append(getattr(sys.modules["slow_package"], "later", None))

    threads = [threading.Thread(target=look) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == ["there"] * 4
        assert sys.modules["slow_package"].count == 1
        with pytest.raises(AttributeError, match="no attribute 'never'"):
            _ = sys.modules["slow_package"].never
    finally:
        for name in ("slow_package", "slow_package.early"):
            sys.modules.pop(name, None)


def test_an_init_that_fails_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "sick_package", "import sys\nif not hasattr(sys, 'well'): 1 / 0\nok = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    stand_in("sick_package")
    try:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                _ = sys.modules["sick_package"].ok
        monkeypatch.setattr(sys, "well", True, raising=False)
        assert sys.modules["sick_package"].ok == 1
    finally:
        sys.modules.pop("sick_package", None)


def test_loading_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        Module(rich_module())
    assert {record.levelname for record in caplog.records} <= {"DEBUG"}


def test_other_records_of_the_logger_pass(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        logging.getLogger("wasm").info("the user's own words")
        logging.getLogger("wasm").warning("and more")
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert logging.getLogger("wasm").handlers == []


def test_no_warnings_are_issued() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Module(rich_module())
