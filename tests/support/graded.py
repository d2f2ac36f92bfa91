"""What tests of grading share: an assignment, answers to it, and a short way to grade one."""

from __future__ import annotations

from pathlib import Path

from pywasmgk.grading import Grade, Specification, Submission, grade, parse_specification

SUM = """title: Sum of squares
limits: {fuel: 100_000, pages: 16, output: 1000}
tests:
  - name: three
    call: {export: sum, args: [3], results: [14]}
  - name: ten
    points: 2
    hidden: true
    call: {export: sum, args: [10], results: [385]}
"""
RIGHT = """(module (func (export "sum") (param $n i32) (result i32) (local $sum i32)
  (block $done (loop $next
    (br_if $done (i32.eqz (local.get $n)))
    (local.set $sum (i32.add (local.get $sum) (i32.mul (local.get $n) (local.get $n))))
    (local.set $n (i32.sub (local.get $n) (i32.const 1)))
    (br $next)))
  (local.get $sum)))"""
WRONG = RIGHT.replace("i32.mul", "i32.add")
LOOPING = RIGHT.replace("(local.set $n (i32.sub", "(drop (i32.sub")
TRAPPING = RIGHT.replace("i32.mul", "i32.div_u").replace(
    "(local.get $n) (local.get $n)", "(local.get $n) (i32.const 0)"
)

#: imports of a program that prints ``$print (address, size)`` and ends by ``$exit``
PROGRAM = r"""(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $print (param $address i32) (param $size i32)
    (i32.store (i32.const 0) (local.get $address))
    (i32.store (i32.const 4) (local.get $size))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  %s)"""
#: prints what it reads
CAT = (
    PROGRAM
    % """(func (export "_start")
    (loop $more
      (i32.store (i32.const 16) (i32.const 100))
      (i32.store (i32.const 20) (i32.const 1000))
      (drop (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
      (if (i32.load (i32.const 24)) (then
        (call $print (i32.const 100) (i32.load (i32.const 24)))
        (br $more)))))"""
)


def specification(text: str, folder: Path | str = ".") -> Specification:
    """A specification from YAML."""
    return parse_specification(text, folder=folder, file="spec.yaml")


def graded(text: str, source: str | bytes, name: str = "answer.wat") -> Grade:
    """The grade of one file."""
    data = source.encode() if isinstance(source, str) else source
    return grade(specification(text), Submission("ada", {name: data}))


def one(text: str, source: str | bytes) -> tuple[str, str]:
    """Verdict and message of a specification's only test, given as the test's members in YAML."""
    found = graded(f"tests:\n  - {{name: t, limits: {{fuel: 100_000}}, {text}}}\n", source)
    test = found.tests[0]
    return str(test.verdict), test.message
