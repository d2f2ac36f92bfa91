"""Stubs for imports: they link, they trap when called, and nothing that is given is lost."""

from __future__ import annotations

import pytest
from cli_guests import run

import pywasmgk
from pywasmgk.compat.stubs import imports_as_traps, trap_stub

TEXT = """(module
  (import "env" "unknown" (func $unknown (param i32 i64) (result f64)))
  (import "env" "known" (func $known (result i32)))
  (import "other" "\\1b[2J" (func $evil))
  (func (export "fine") (result i32) call $known)
  (func (export "trap") (result f64) i32.const 1 i64.const 2 call $unknown)
  (func (export "evil") call $evil))"""
MODULE = pywasmgk.Module(TEXT)


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_a_stub_traps_and_says_what_was_called(engine: str) -> None:
    imports = imports_as_traps(MODULE, {"env": {"known": lambda: 7}})
    instance = pywasmgk.instantiate(MODULE, imports, engine=engine)
    assert instance.exports.fine() == 7
    with pytest.raises(pywasmgk.Trap) as caught:
        instance.exports.trap()
    message = str(caught.value)
    assert "called the import 'env'.'unknown' (i32, i64) -> f64, which is a stub" in message
    assert caught.value.trap_code is pywasmgk.TrapCode.UNREACHABLE
    assert [frame.name for frame in caught.value.frames] == ["trap"]
    assert instance.exports.fine() == 7
    with pytest.raises(pywasmgk.Trap) as caught:
        instance.exports.evil()
    assert "\x1b" not in str(caught.value)


def test_what_is_given_is_checked_by_the_linker() -> None:
    wrong = pywasmgk.Func(pywasmgk.FuncType(), lambda: None)
    with pytest.raises(pywasmgk.LinkError, match="incompatible import type"):
        pywasmgk.instantiate(MODULE, imports_as_traps(MODULE, {"env": {"known": wrong}}))


def test_an_instance_gives_its_exports() -> None:
    giver = pywasmgk.instantiate('(module (func (export "known") (result i32) i32.const 9))')
    instance = pywasmgk.instantiate(MODULE, imports_as_traps(MODULE, {"env": giver}))
    assert instance.exports.fine() == 9


def test_only_functions_have_stubs() -> None:
    module = pywasmgk.Module('(module (import "env" "memory" (memory 1)))')
    with pytest.raises(pywasmgk.LinkError, match="memory"):
        pywasmgk.instantiate(module, imports_as_traps(module))
    with pytest.raises(TypeError, match="only functions"):
        trap_stub(module.imports[0])


def test_the_command_line_has_them(tmp_path) -> None:
    file = tmp_path / "m.wat"
    file.write_text(TEXT)
    assert run("run", file, "fine").code == 1
    done = run("run", "--stub-imports", file, "trap")
    assert done.code == 1 and "'env'.'unknown'" in done.err
    file.write_text(
        '(module (import "a" "b" (func)) (func (export "two") (result i32) i32.const 2))'
    )
    assert run("run", "--stub-imports", file, "two").out == "2\n"
