"""What is run gets the verdict that the specification says."""

from __future__ import annotations

import pytest
from graded import CAT, LOOPING, PROGRAM, RIGHT, SUM, TRAPPING, WRONG, graded, one, specification

from pywasmgk import examples
from pywasmgk.grading import Submission, Test, Verdict, grade
from pywasmgk.grading.verdicts import overall


@pytest.mark.parametrize(
    ("source", "verdict", "points", "message"),
    [
        (RIGHT, "AC", 3, ""),
        (WRONG, "WA", 0, "expected 14, found 12"),
        (LOOPING, "TLE", 0, "all 100,000 instructions used up\n  at $sum"),
        (TRAPPING, "RTE", 0, "integer divide by zero\n  at $sum at 0x33 (line 4, column 48)"),
        ("(module (func", "CE", 0, "answer.wat: expected ')', found the end (line 1, column 14)"),
        ("", "CE", 0, "answer.wat is empty"),
        (RIGHT.replace('"sum"', '"som"'), "CE", 0, "it exports no function 'sum'; did you mean"),
        (RIGHT.replace("i32.mul", "i64.mul"), "CE", 0, "answer.wat: type mismatch"),
        ('(module (import "a" "b" (func)))', "CE", 0, "it cannot be linked: unknown import"),
        ("(module (memory 17))", "MLE", 0, "its memory has 17 pages, and 16 are allowed"),
    ],
)
def test_an_answer_in_text(source: str, verdict: str, points: float, message: str) -> None:
    found = graded(SUM, source)
    assert (found.verdict, found.points, found.max_points) == (Verdict(verdict), points, 3)
    assert found.tests[0].message.startswith(message), found.tests[0].message


def test_a_message_points_into_the_source() -> None:
    lines = graded(SUM, TRAPPING).tests[0].message.splitlines()
    assert lines[2].strip().startswith("(local.set $sum (i32.add")
    assert lines[3].index("^") == lines[2].index("i32.div_u")


F64 = '(module (func (export "f") (result f64) {}))'
F32 = '(module (func (export "f") (result f32) {}))'


@pytest.mark.parametrize(
    ("call", "source", "verdict"),
    [
        ("results: [0.1]", F64.format("f64.const 0.1"), "AC"),
        ("results: [0.1]", F64.format("f64.const 0.10000000000000002"), "WA"),
        ("results: [0.1], tolerance: 1.0e-9", F64.format("f64.const 0.10000000000000002"), "AC"),
        ("results: [0.1], tolerance: 1.0e-9", F64.format("f64.const 0.1001"), "WA"),
        ("results: [0.1]", F32.format("f32.const 0.1"), "AC"),
        ("results: [0.0]", F64.format("f64.const -0.0"), "WA"),
        ("results: [nan]", F64.format("f64.const -nan:0x8000000000001"), "AC"),
        ("results: [.nan]", F64.format("f64.const nan"), "AC"),
        ("results: [nan]", F64.format("f64.const 1"), "WA"),
        ("results: [1.0], tolerance: 0.5", F64.format("f64.const nan"), "WA"),
        ("results: [inf]", F64.format("f64.const inf"), "AC"),
        ('results: ["0x1p-3"]', F64.format("f64.const 0.125"), "AC"),
        ("results: [1]", F64.format("f64.const 1"), "AC"),
    ],
)
def test_floats(call: str, source: str, verdict: str) -> None:
    assert one(f"call: {{export: f, {call}}}", source)[0] == verdict


I32 = '(module (func (export "f") (param i32) (result i32) local.get 0))'


@pytest.mark.parametrize(
    ("call", "verdict"),
    [
        ("args: [-1], results: [-1]", "AC"),
        ("args: [-1], results: [4294967295]", "AC"),
        ('args: ["0xffffffff"], results: [-1]', "AC"),
        ("args: [1], results: [2]", "WA"),
        ("args: [1]", "AC"),
        ("args: [1.5], results: [1]", "CE"),
        ("args: [99999999999]", "CE"),
        ("args: [1], results: [1, 2]", "CE"),
        ("args: []", "CE"),
    ],
)
def test_integers(call: str, verdict: str) -> None:
    assert one(f"call: {{export: f, {call}}}", I32)[0] == verdict


def test_several_results() -> None:
    source = '(module (func (export "f") (result i32 i64) i32.const 1 i64.const 2))'
    assert one("call: {export: f, results: [1, 2]}", source) == ("AC", "")
    expected = ("WA", "result 2: expected 3, found 2")
    assert one("call: {export: f, results: [1, 3]}", source) == expected


@pytest.mark.parametrize(
    ("run", "verdict", "message"),
    [
        ('stdin: "a b\\n", stdout: "a b\\n"', "AC", ""),
        ('stdin: "a b \\n\\n", stdout: "a b"', "AC", ""),
        ('stdin: "a b", stdout: "a b\\n", compare: exact', "WA", "standard output, line 2"),
        ('stdin: "a  b", stdout: "a b"', "WA", "standard output, line 1: expected 'a b'"),
        ('stdin: "a  b", stdout: "a\\nb", compare: words', "AC", ""),
        ('stdin: "1.50 x", stdout: "1.5 x", compare: numbers', "AC", ""),
        (
            'stdin: "1.51 x", stdout: "1.5 x", compare: numbers, tolerance: 0.1',
            "AC",
            "",
        ),
        ('stdin: "1.51", stdout: "1.5", compare: numbers', "WA", "standard output"),
        ("stdin: a, exit_code: 3", "WA", "expected exit code 3, found 0"),
        ("stdin: a, stderr: b", "WA", "standard error"),
    ],
)
def test_programs(run: str, verdict: str, message: str) -> None:
    found = one(f"run: {{{run}}}", CAT)
    assert found[0] == verdict
    assert found[1].startswith(message)


def test_an_exit_code() -> None:
    source = PROGRAM % '(func (export "_start") (call $exit (i32.const 7)))'
    assert one("run: {exit_code: 7}", source) == ("AC", "")
    assert one("run: {}", source) == ("WA", "expected exit code 0, found 7")


def test_a_library_is_no_program() -> None:
    assert one("run: {}", RIGHT) == ("CE", "it is no program: it exports no function '_start'")


MEMORY = r"""(module (memory 1) (global (export "here") i32 (i32.const 32))
  (data (i32.const 16) "\01\00\00\00\ff\ff\ff\ff") (data (i32.const 32) "goat")
  (data (i32.const 64) "\00\00\c0\3f") (func (export "f")))"""


@pytest.mark.parametrize(
    ("view", "verdict", "message"),
    [
        ("at: here, text: goat", "AC", ""),
        ("at: here, text: boat", "WA", "memory at here: expected 'boat', found 'goat'"),
        ("at: 16, values: [1, -1]", "AC", ""),
        ("at: 16, values: [1, 4294967295], type: u32", "AC", ""),
        ("at: 16, values: [1, 2]", "WA", "memory at 16, i32 1: expected 2, found -1"),
        ("at: 64, values: [1.5], type: f32", "AC", ""),
        ("at: 64, values: [1.25], type: f32", "WA", "memory at 64, f32 0: expected 1.25, found"),
        ("at: 16, bytes: 01 00 00 00", "AC", ""),
        ("at: 16, bytes: 02 00", "WA", "memory at 16: expected 02 00, found 01 00"),
        ("at: 65535, values: [1]", "WA", "memory at 65535 ends before 4 bytes"),
        ("at: there, values: [1]", "CE", "it exports no global 'there' with an address"),
    ],
)
def test_memory(view: str, verdict: str, message: str) -> None:
    found = one(f"call: {{export: f}}, memory: [{{{view}}}]", MEMORY)
    assert found[0] == verdict
    assert found[1].startswith(message)


@pytest.mark.parametrize(
    ("call", "verdict", "message"),
    [
        ('equals: {message: "Hello, Ada!"}', "AC", ""),
        ('equals: {message: "Hello, Bob!"}', "WA", 'result.message: expected "Hello, Bob!"'),
        ("equals: {}", "WA", "result.message should not be there"),
        ("includes: {}", "AC", ""),
        ("includes: {more: 1}", "WA", "result.more is missing"),
    ],
)
def test_plugins(call: str, verdict: str, message: str) -> None:
    test = f"plugin: {{function: hello, args: {{name: Ada}}, {call}}}"
    found = one(test, examples.read("hello"))
    assert found[0] == verdict, found
    assert found[1].startswith(message)


def test_no_plugin_is_a_compile_error() -> None:
    found = one("plugin: {function: hello}", RIGHT)
    assert found[0] == "CE"
    assert "gk_" in found[1]


def test_memory_that_was_refused_is_the_reason_for_what_follows() -> None:
    text = """(module (memory 1) (func (export "f") (result i32)
      (if (i32.eq (memory.grow (i32.const 4000)) (i32.const -1)) (then {})) (i32.const 1)))"""
    call = "call: {export: f, results: [1]}"
    assert one(call, text.format(""))[0] == "AC"
    for end in ("unreachable", "(return (i32.const 0))"):
        verdict, message = one(call, text.format(end))
        assert verdict == "MLE"
        assert message.startswith("memory.grow(4000) at 1 pages, the limit is 1024")


def test_groups() -> None:
    text = """groups: [{name: g, rule: RULE}]
tests:
  - {name: a, points: 1, group: g, call: {export: sum, args: [1], results: [1]}}
  - {name: b, points: 2, group: g, call: {export: sum, args: [2], results: [5]}}
  - {name: c, points: 4, call: {export: sum, args: [0], results: [0]}}
"""
    # 1 + 1, and 2 + 2
    half = RIGHT.replace("i32.mul", "i32.add").replace("(local.get $sum)))", "i32.const 1))")
    points = {}
    for rule in ("sum", "all", "min"):
        found = [graded(text.replace("RULE", rule), source) for source in (RIGHT, half)]
        assert found[0].points == 7
        points[rule] = [test.points for test in found[1].tests]
    assert points == {"sum": [1, 0, 0], "all": [0, 0, 0], "min": [0, 0, 0]}


def test_a_share_counts_for_a_group_by_its_worst() -> None:
    tests = tuple(
        Test(name, points=4, call=_CALL, check=share, group="g")
        for name, share in (("a", lambda outcome: 0.25), ("b", lambda outcome: 0.5))
    )
    from pywasmgk.grading import Group, Specification

    for rule, points in (("sum", 3), ("min", 2), ("all", 0)):
        made = Specification(tests, groups=(Group("g", rule),))  # type: ignore[arg-type]
        assert grade(made, Submission("ada", {"a.wat": RIGHT.encode()})).points == points


def test_the_verdict_of_a_submission_is_the_first_that_is_not_accepted() -> None:
    ac, wa, rte, se = Verdict.AC, Verdict.WA, Verdict.RTE, Verdict.SE
    assert overall([ac, ac]) is ac
    assert overall([ac, rte, wa]) is rte
    assert overall([wa, se]) is se


def test_a_clock_that_runs_out_is_no_verdict_on_the_submission() -> None:
    text = "tests: [{name: t, limits: {seconds: 0.001}, call: {export: sum, args: [1]}}]"
    test = graded(text, LOOPING).tests[0]
    assert (test.verdict, test.points) == (Verdict.SE, 0)
    assert test.message == "the grader's clock ended the test"


def test_each_test_has_an_instance_of_its_own() -> None:
    source = """(module (global $n (mut i32) (i32.const 0)) (func (export "f") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))"""
    tests = "\n".join(f"  - {{name: {n}x, call: {{export: f, results: [1]}}}}" for n in range(3))
    assert graded(f"tests:\n{tests}", source).verdict is Verdict.AC


def test_time_and_chance_are_the_same_at_every_run() -> None:
    source = (
        PROGRAM
        % """(func (export "_start")
      (drop (call $random (i32.const 100) (i32.const 8)))
      (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 108)))
      (call $print (i32.const 100) (i32.const 16)))"""
    )
    more = """(import "wasi_snapshot_preview1" "random_get"
      (func $random (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "clock_time_get"
      (func $clock (param i32 i64 i32) (result i32)))"""
    source = source.replace("(module", f"(module {more}", 1)
    text = "seed: SEED\ntests: [{name: t, run: {}}]"
    found = [graded(text.replace("SEED", seed), source) for seed in ("a", "a", "b")]
    assert found[0].tests[0].verdict is Verdict.AC, found[0]
    assert found[0] == found[1]
    assert found[0].tests[0].output != found[2].tests[0].output


_CALL = specification(SUM).tests[0].call
