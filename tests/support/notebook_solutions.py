"""Answers to the exercises of the notebooks, wrong ones too, and what the outputs must have."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BOOKS", "Answer", "Book"]


class Answer(NamedTuple):
    """What solves an exercise, and what looks as if it did."""

    right: str
    wrong: str


class Book(NamedTuple):
    """What is known of a notebook."""

    #: texts that are among its outputs
    shows: tuple[str, ...]
    answers: tuple[Answer, ...]


BOOKS = {
    "01-a-module": Book(
        (
            "5",
            "b'\\x00asm\\x01\\x00\\x00\\x00'",
            "(1, 2, 1)",
            "2 (0x2)",
            "type mismatch",
        ),
        (
            Answer(
                '''WAT = """(module (func (export "double") (param i32) (result i32)
  (i32.add (local.get 0) (local.get 0))))"""''',
                '''WAT = """(module (func (export "double") (param i32) (result i32)
  (i32.const 42)))"""''',
            ),
            Answer(
                "smallest = 8",
                "smallest = 4",
            ),
        ),
    ),
    "02-a-stack-machine": Book(
        (
            "▶",
            "< 2, 3",
            "i32 = 5",
            "done 50",
            "i32 = 50",
            "True",
        ),
        (
            Answer(
                '''BODY = """
    local.get 0
    local.get 0
    i32.mul
    local.get 1
    local.get 1
    i32.mul
    i32.add
"""''',
                '''BODY = """
    local.get 0
    local.get 0
    i32.mul
    local.get 1
    i32.add
"""''',
            ),
            Answer(
                "most = 3",
                "most = 7",
            ),
        ),
    ),
    "03-control-flow": Book(
        (
            "(10, 0)",
            "[100, 200, -1, -1]",
            "functions",
            "1 of 2",
            "(1, 1, 4)",
        ),
        (
            Answer(
                '''WAT = """(module
  (func (export "factorial") (param $n i32) (result i32) (local $product i32)
    (local.set $product (i32.const 1))
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $product (i32.mul (local.get $product) (local.get $n)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (local.get $product)))"""''',
                '''WAT = """(module
  (func (export "factorial") (param $n i32) (result i32) (local $product i32)
    (local.set $product (i32.const 1))
    (loop $again
      (local.set $product (i32.mul (local.get $product) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $product)))"""''',
            ),
            Answer(
                '''STEPS = """(module
  (func (export "steps") (param $n i32) (result i32) (local $count i32)
    (block $done
      (loop $again
        (br_if $done (i32.eq (local.get $n) (i32.const 1)))
        (if (i32.and (local.get $n) (i32.const 1))
          (then (local.set $n
            (i32.add (i32.mul (local.get $n) (i32.const 3)) (i32.const 1))))
          (else (local.set $n (i32.shr_u (local.get $n) (i32.const 1)))))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br $again)))
    (local.get $count)))"""''',
                '''STEPS = """(module
  (func (export "steps") (param $n i32) (result i32)
    (i32.mul (i32.const 8) (i32.ne (local.get $n) (i32.const 1)))))"""''',
            ),
        ),
    ),
    "04-memory-and-pointers": Book(
        (
            "b'hello' 2",
            "4",
            "Mississippi",
            "b'\\x04\\x03\\x02\\x01'",
            "out of bounds memory access",
            "1 3",
        ),
        (
            Answer(
                '''SUM = """(module
  (memory (export "memory") 1)
  (func (export "sum") (param $at i32) (param $count i32) (result i32) (local $total i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $total (i32.add (local.get $total) (i32.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (local.get $total)))"""''',
                '''SUM = """(module
  (memory (export "memory") 1)
  (func (export "sum") (param $at i32) (param $count i32) (result i32) (local $total i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $total (i32.add (local.get $total) (i32.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (local.get $total)))"""''',
            ),
            Answer(
                '''TURN = """(module
  (memory (export "memory") 1)
  (func (export "turn") (param $at i32) (param $size i32) (local $end i32) (local $byte i32)
    (local.set $end (i32.sub (i32.add (local.get $at) (local.get $size)) (i32.const 1)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_s (local.get $at) (local.get $end)))
        (local.set $byte (i32.load8_u (local.get $at)))
        (i32.store8 (local.get $at) (i32.load8_u (local.get $end)))
        (i32.store8 (local.get $end) (local.get $byte))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $end (i32.sub (local.get $end) (i32.const 1)))
        (br $next)))))"""''',
                '''TURN = """(module
  (memory (export "memory") 1)
  (func (export "turn") (param $at i32) (param $size i32) (local $byte i32)
    (local.set $byte (i32.load8_u (local.get $at)))
    (i32.store8 (local.get $at) (i32.load8_u (i32.add (local.get $at) (i32.const 2))))
    (i32.store8 (i32.add (local.get $at) (i32.const 2)) (local.get $byte))))"""''',
            ),
        ),
    ),
    "05-traps-and-limits": Book(
        (
            "divide 7 2 -> 3",
            "divide 1 0 -> Trap: integer divide by zero",
            "Trap: integer overflow",
            "Trap: out of bounds memory access",
            "Trap: call stack exhausted",
            "▶",
            "i32.div_s",
            "OutOfFuel",
            "DeadlineExceeded",
            "(1, -1, 3)",
        ),
        (
            Answer(
                '''SAFE = """(module
  (func (export "divide") (param $a i32) (param $b i32) (result i32)
    (if (i32.eqz (local.get $b)) (then (return (i32.const 0))))
    (if (i32.and (i32.eq (local.get $a) (i32.const 0x80000000))
                 (i32.eq (local.get $b) (i32.const -1)))
      (then (return (i32.const 0x7fffffff))))
    (i32.div_s (local.get $a) (local.get $b))))"""''',
                '''SAFE = """(module
  (func (export "divide") (param $a i32) (param $b i32) (result i32)
    (if (i32.eqz (local.get $b)) (then (return (i32.const 0))))
    (i32.div_s (local.get $a) (local.get $b))))"""''',
            ),
            Answer(
                "answers = (-1, 1)",
                "answers = (1, -1)",
            ),
        ),
    ),
    "06-fuel": Book(
        (
            "1 2",
            "[11, 20, 29, 9002]",
            "interpreter 9002",
            "compiler 9002",
            "[False, False, True]",
            "385",
        ),
        (
            Answer(
                "least = 1402",
                "least = 2000",
            ),
            Answer(
                '''QUICK = """(module
  (func (export "sum") (param $n i32) (result i32)
    (i32.shr_u
      (i32.mul (local.get $n) (i32.add (local.get $n) (i32.const 1)))
      (i32.const 1))))"""''',
                '''QUICK = """(module
  (func (export "sum") (param $n i32) (result i32)
    (i32.mul (local.get $n) (i32.const 1))))"""''',
            ),
        ),
    ),
    "07-your-first-plugin": Book(
        (
            "Plugin hello 1.0.0",
            "'hello'",
            "[Open]",
            "/desk",
            "GET",
            "hello",
        ),
        (
            Answer(
                '''MANIFEST = """{
  "name": "parrot", "version": "2.1.0",
  "routes": [{"method": "GET", "path": "/parrot", "handler": "repeat"},
             {"method": "POST", "path": "/parrot", "handler": "repeat"}]
}"""''',
                '''MANIFEST = """{
  "name": "parrot", "version": "2.1.0",
  "routes": [{"method": "GET", "path": "/parrot", "handler": "repeat"}]
}"""''',
            ),
            Answer(
                '''BODY = """(call $pack (local.get $args) (local.get $size))"""''',
                '''BODY = """(call $pack (local.get $name) (local.get $name_size))"""''',
            ),
        ),
    ),
    "08-host-calls": Book(
        (
            "[12, 13]",
            "env.hear",
            "env.now",
            "['good morning', 'morning']",
            "not today",
            "$work",
            "1 open ticket",
        ),
        (
            Answer(
                """def shout(caller, at, size):
    text = caller.memory.read(at, size)
    caller.memory.write(at, text.upper())""",
                """def shout(caller, at, size):
    text = caller.memory.read(at, size + 3)
    caller.memory.write(at, text.upper())""",
            ),
            Answer(
                '''SHOP = """(module
  (import "env" "price" (func $price (param i32) (result i32)))
  (func (export "total") (param $n i32) (result i32) (local $sum i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $sum (i32.add (local.get $sum) (call $price (local.get $n))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (local.get $sum)))"""''',
                '''SHOP = """(module
  (import "env" "price" (func $price (param i32) (result i32)))
  (func (export "total") (param $n i32) (result i32)
    (i32.mul (local.get $n) (call $price (i32.const 2)))))"""''',
            ),
        ),
    ),
    "09-a-time-machine": Book(
        (
            "done 1000 8",
            "watchpoint at step 110",
            "$n i32 = 8",
            "▶",
            "i32.store",
            "< 32, 8",
            "8",
        ),
        (
            Answer(
                '''FILL = """
    (loop $next
      (i32.store (i32.mul (local.get $n) (i32.const 4)) (local.get $n))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $n) (local.get $count))))
"""''',
                '''FILL = """
    (loop $next
      (i32.store (i32.mul (local.get $n) (i32.const 4)) (local.get $n))
      (local.set $n (i32.add (local.get $n) (i32.const 2)))
      (br_if $next (i32.lt_u (local.get $n) (local.get $count))))
"""''',
            ),
            Answer(
                '''PUZZLE = """(module
  (memory (export "memory") 1)
  (func (export "run") (local $n i32)
    (loop $next
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 7)))
        (then (i32.store (i32.const 100) (i32.mul (local.get $n) (local.get $n)))))
      (if (i32.eq (local.get $n) (i32.const 31))
        (then (i32.store (i32.const 100) (i32.const 49))))
      (br_if $next (i32.lt_u (local.get $n) (i32.const 40))))))"""
turns = [7, 31]''',
                "turns = [7]",
            ),
        ),
    ),
    "10-how-a-compiler-works": Book(
        (
            "i32.mul",
            "def f0(l0, d):",
            "return",
            "while 1:",
            "for l0 in range(",
            "the same result and fuel: True",
            "block 0 at",
        ),
        (
            Answer(
                '''returned = "return 42"''',
                '''returned = "return (4 + 2) * 7"''',
            ),
            Answer(
                "fuel = 11_002",
                "fuel = 11_000",
            ),
        ),
    ),
    "11-exceptions-and-gc": Book(
        (
            "(6, -15)",
            "True (15,)",
            "0",
            "kept by the guest: True",
            "gone: True",
            "garbage collection",
        ),
        (
            Answer(
                '''SAFE = """(module
  (import "env" "bad" (tag $bad (param i32)))
  (import "env" "risky" (func $risky (param i32) (result i32)))
  (func (export "safe") (param i32) (result i32)
    (block $caught (result i32)
      (return (try_table (result i32) (catch $bad $caught) (call $risky (local.get 0)))))
    (i32.add (i32.const 1000))))"""''',
                '''SAFE = """(module
  (import "env" "bad" (tag $bad (param i32)))
  (import "env" "risky" (func $risky (param i32) (result i32)))
  (func (export "safe") (param i32) (result i32)
    (block $caught (result i32)
      (return (try_table (result i32) (catch $bad $caught) (call $risky (local.get 0)))))))"""''',
            ),
            Answer(
                '''SWAP = """(module
  (global $held (mut externref) (ref.null extern))
  (func (export "swap") (param externref) (result externref)
    (global.get $held)
    (global.set $held (local.get 0))))"""''',
                '''SWAP = """(module
  (global $held (mut externref) (ref.null extern))
  (func (export "swap") (param externref) (result externref)
    (global.set $held (local.get 0))
    (global.get $held)))"""''',
            ),
        ),
    ),
}
