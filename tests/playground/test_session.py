"""What the playground's worker answers: plain data, without a browser."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pywasmgk import examples
from pywasmgk.playground.building import _SITE
from pywasmgk.playground.session import Session

FIB = """(module
  (memory (export "memory") 1)
  (func $fib (export "fib") (param $n i32) (result i32)
    (i32.store (i32.const 8) (local.get $n))
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else
        (i32.add
          (call $fib (i32.sub (local.get $n) (i32.const 1)))
          (call $fib (i32.sub (local.get $n) (i32.const 2))))))))
"""
FOREVER = """(module (global $turns (mut i32) (i32.const 0)) (func (export "f")
  (loop (global.set 0 (i32.add (global.get 0) (i32.const 1))) (br 0))))"""
LIMITS = {"fuel": 1_000_000, "timeout": 20, "memory_limit": 16, "depth_limit": 500}
PROGRAMS = json.loads((_SITE / "programs" / "index.json").read_text("utf-8"))


class Page:
    """Stands where the page is: asks, and goes on until something has come to its end."""

    def __init__(self, text: str = FIB) -> None:
        self.session = Session()
        self.written = ""
        self.module = self.ask("open", text=text)

    def raw(self, do: str, **arguments: Any) -> dict[str, Any]:
        """An answer, as it went over as JSON."""
        found: dict[str, Any] = json.loads(self.session.answer(json.dumps({"do": do, **arguments})))
        self.written += "".join(text for _, text in found.get("written", ()))
        return found

    def ask(self, do: str, **arguments: Any) -> Any:
        """The value of an answer."""
        found = self.raw(do, **arguments)
        if "error" in found:
            raise AssertionError(found["error"])
        return found["value"]

    def go(self, way: str, count: int = 1) -> Any:
        """Goes on to the end of a way; gives the state."""
        found = self.ask("go", way=way, count=count)
        while found["goes_on"]:
            found = self.ask("go", way="on")
        return found["state"]

    def begin(self, export: str, *words: str, **limits: Any) -> Any:
        """Holds a call."""
        return self.ask("begin", export=export, words=words, limits={**LIMITS, **limits})


@pytest.fixture
def page() -> Page:
    return Page()


# -- modules


def test_a_module_is_told_in_parts(page: Page) -> None:
    module = page.module
    assert [one["name"] for one in module["sections"]][:3] == ["type", "function", "memory"]
    assert module["size"] > sum(one["size"] for one in module["sections"])
    memory, fib = module["exports"]
    assert memory["kind"] == "memory"
    assert (fib["params"], fib["results"], fib["parameters"]) == (["i32"], ["i32"], ["n"])
    assert module["functions"] == [{"index": 0, "title": "fib", "type": "(i32) -> i32"}]
    assert not module["is_program"] and not module["is_plugin"]


def test_what_is_wrong_with_a_text_has_a_place(page: Page) -> None:
    problem = page.ask("check", text="(module\n  (func (i32.ad)))")["problem"]
    assert (problem["line"], problem["column"]) == (2, 10)
    assert "did you mean 'i32.add'" in problem["message"]
    assert page.raw("open", text="(module (func (result i32)))")["error"]["line"] == 1
    assert page.raw("begin", export="f", words=[], limits={})["error"]["type"] == "HostError"


def test_a_file_is_taken_and_becomes_text(page: Page) -> None:
    data = "AGFzbQEAAAA="
    assert page.ask("open", data=data)["size"] == 8
    assert page.ask("wat") == "(module\n)"
    assert "offset" in page.raw("open", data="AGFzbQIAAAA=")["error"]


def test_code_comes_with_the_operand_stack_beside_it(page: Page) -> None:
    form = page.ask("function", index=0)
    assert form["lines"][0]["text"].startswith("(func $fib")
    assert [one["text"] for one in form["lines"][1:4]] == [
        "i32.const 8",
        "local.get $n",
        "i32.store",
    ]
    assert [one["lanes"][:2] for one in form["lines"][1:4]] == ["╭─", "│╭", "╰┴"]
    assert form["lines"][1]["line"] == 4


# -- going on, and back


def test_it_steps_and_goes_back(page: Page) -> None:
    state = page.begin("fib", "8")
    assert (state["steps"], state["depth"], state["why"]) == (0, 1, "start")
    state = page.go("step")
    assert [one["value"] for one in state["operands"]] == ["8 (0x8)"]
    state = page.go("step")
    state = page.go("step")
    assert state["address"] == 8
    assert page.ask("memory", start=8, size=4)["bytes"] == "08000000"
    state = page.go("back")
    assert state["steps"] == 2
    assert page.ask("memory", start=8, size=4) == {
        "start": 8, "size": 65536, "bytes": "00000000", "changed": [0],
    }  # fmt: skip
    assert page.go("run")["results"] == ["21"]
    done = page.go("back")
    assert not done["done"] and done["furthest"] == done["steps"] + 1
    assert page.go("goto", 3)["steps"] == 3
    assert page.go("goto", 900)["steps"] == 900
    assert page.go("back-run")["why"] == "start"


def test_over_and_out_are_sliced_as_well(page: Page) -> None:
    page.begin("fib", "12")
    while page.go("step")["depth"] == 1:
        pass
    assert page.go("over")["depth"] == 2
    state = page.go("out")
    assert state["depth"] == 1
    assert state["operands"][0]["value"] == "89 (0x59)"
    # what is called next is done as a whole
    while "call" not in _next(page, state):
        state = page.go("step")
    before = state["steps"]
    state = page.go("over")
    assert state["depth"] == 1 and state["steps"] > before + 100


def _next(page: Page, state: Any) -> str:
    lines = page.ask("function", index=state["function"])["lines"]
    return next(str(one["text"]) for one in lines if one["offset"] == state["here"])


def test_it_stops_at_breakpoints_and_watchpoints(page: Page) -> None:
    state = page.begin("fib", "5")
    place = next(
        one["offset"] for one in page.ask("function", index=0)["lines"] if one["text"] == "i32.add"
    )
    assert page.ask("toggle", offset=place)["stops"][0]["offset"] == place
    state = page.go("run")
    assert (state["why"], state["here"]) == ("breakpoint", place)
    assert page.ask("toggle", offset=place)["stops"] == []
    page.ask("watch", start=8, size=4)
    state = page.go("run")
    assert state["why"] == "watchpoint"
    assert " became " in state["stops"][0]["text"]
    assert page.ask("remove", number=state["stops"][0]["number"])["stops"] == []
    assert page.raw("remove", number=99)["error"]["message"] == "there is no stop 99"
    assert page.raw("watch", start=1 << 20)["error"]["type"] == "OutOfRange"


def test_breakpoints_stay_from_call_to_call(page: Page) -> None:
    place = page.ask("function", index=0)["lines"][3]["offset"]
    stops = page.ask("toggle", offset=place)["stops"]
    assert [one["offset"] for one in stops] == [place]
    for _ in range(2):
        assert page.begin("fib", "5")["stops"][0]["offset"] == place
        assert page.go("run")["here"] == place
    page.ask("remove", number=1)
    assert page.begin("fib", "5")["stops"] == []
    page.ask("toggle", offset=place)
    page.ask("open", text=FIB)
    assert page.begin("fib", "5")["stops"] == []


def test_values_that_changed_are_marked(page: Page) -> None:
    page.ask("open", text=FOREVER)
    page.begin("f")
    seen = [page.go("step")["globals"][0]["changed"] for _ in range(6)]
    assert seen == [False, False, False, False, True, False]


# -- limits and the button


def test_a_runaway_is_stopped_by_the_button(page: Page) -> None:
    page.ask("open", text=FOREVER)
    page.begin("f", fuel=10**9)
    found = page.ask("go", way="run")
    for _ in range(3):
        assert found["goes_on"]
        found = page.ask("go", way="on")
    state = page.ask("stop")
    assert state["why"] == "stopped" and state["steps"] >= found["steps"] > 0
    assert page.go("back")["steps"] == state["steps"] - 1


def test_a_runaway_is_stopped_by_its_limits(page: Page) -> None:
    page.ask("open", text=FOREVER)
    page.begin("f", fuel=100_000)
    state = page.go("run")
    assert state["error"]["type"] == "OutOfFuel"
    assert page.go("back")["steps"] > 0
    call = page.ask("call", export="f", words=[], limits={**LIMITS, "fuel": 5_000})
    assert call["error"]["type"] == "OutOfFuel"
    assert call["fuel"] >= 5_000


def test_a_call_at_full_speed_has_the_same_fuel(page: Page) -> None:
    page.begin("fib", "10")
    slow = page.go("run")
    fast = page.ask("call", export="fib", words=["10"], limits=LIMITS)
    assert (fast["results"], fast["fuel"]) == (slow["results"], slow["fuel"])


def test_words_that_are_no_values_are_told(page: Page) -> None:
    found = page.raw("begin", export="fib", words=["many"], limits=LIMITS)
    assert "argument 1 (i32): expected an integer" in found["error"]["message"]
    assert page.raw("begin", export="fib", words=[], limits=LIMITS)["error"]["message"]
    assert page.raw("begin", export="gone", words=[], limits=LIMITS)["error"]["message"]
    assert page.raw("dance")["error"]["message"] == "there is no request 'dance'"
    assert page.raw("go", way="home")["error"]["message"]


# -- hosts, programs, plugins


def test_a_host_is_python_of_the_page(page: Page) -> None:
    text = """(module (import "env" "ask" (func $ask (param i32) (result i32)))
      (import "env" "gone" (func $gone))
      (func (export "f") (result i32) (call $ask (i32.const 20)))
      (func (export "g") (call $gone)))"""
    page.ask("open", text=text)
    source = "def ask(n):\n    print('asked', n)\n    return n + 1\nimports = {'env': {'ask': ask}}"
    assert page.ask("host", source=source) == {"defines": ["imports"]}
    page.begin("f")
    assert page.go("run")["results"] == ["21"]
    assert page.written == "asked 20\n"
    page.begin("g")
    assert "the host has no function env.gone" in page.go("run")["error"]["message"]
    assert page.raw("host", source="1 / 0")["error"]["type"] == "ZeroDivisionError"
    assert page.raw("host", source="def")["error"]["type"] == "SyntaxError"


def test_a_program_waits_for_input_and_goes_on() -> None:
    page = Page((_SITE / "programs" / "program.wat").read_text("utf-8"))
    assert page.module["is_program"]
    page.begin("_start")
    state = page.go("run")
    assert (state["why"], state["waits"]) == ("pending", True)
    assert page.written == "What is your name? "
    # nothing has come: it still waits
    assert page.go("on")["waits"] and page.go("step")["waits"]
    page.ask("input", text="Ada\n")
    assert page.go("on")["waits"]
    assert page.written.endswith("Hello, Ada\nWhat is your name? ")
    page.ask("input", text=None)
    state = page.go("on")
    assert state["done"] and state["results"] == []
    assert page.written.endswith("Nobody? Then good-bye.\n")
    # what was read and written is remembered, and not done again
    before = page.written
    assert page.go("back-run")["why"] == "start"
    assert page.go("run")["done"] and page.written == before


def test_a_program_that_reads_in_small_parts_loses_nothing() -> None:
    text = (_SITE / "programs" / "program.wat").read_text("utf-8")
    page = Page(text.replace("(i32.const 256) (i32.const 200)", "(i32.const 256) (i32.const 2)"))
    page.begin("_start")
    page.ask("input", text="abcdef")
    assert page.go("run")["waits"]
    assert [part[:2] for part in page.written.split("Hello, ")[1:]] == ["ab", "cd", "ef"]


def test_a_plugin_is_called_with_the_pages_host() -> None:
    page = Page((_SITE / "programs" / "clerk.wat").read_text("utf-8"))
    assert page.module["is_plugin"]
    assert page.ask("host", source=(_SITE / "programs" / "clerk.txt").read_text("utf-8"))
    assert json.loads(page.ask("load", limits=LIMITS)["text"])["name"] == "clerk"
    state = page.ask(
        "begin_plugin", function="any", argument='{"queue": "support", "limit": 2}', limits=LIMITS
    )
    assert state["frames"][0]["title"] == "gk_call"
    state = page.go("run")
    assert page.written == "the plugin asks for support\n"
    assert json.loads(state["results"][0]) == [17, 4]


def test_a_plugin_in_c_is_called_too(page: Page) -> None:
    import base64

    page.ask("open", data=base64.b64encode(examples.read("hello")).decode())
    page.ask("begin_plugin", function="hello", argument='{"name": "Ada"}', limits=LIMITS)
    state = page.go("run")
    assert json.loads(state["results"][0]) == {"message": "Hello, Ada!"}
    again = page.raw("begin_plugin", function="hello", argument="{", limits=LIMITS)
    assert again["error"]["type"] == "JSONDecodeError"


# -- what teaches


@pytest.mark.parametrize("program", PROGRAMS, ids=[one["title"] for one in PROGRAMS])
def test_every_example_does_what_its_text_says(program: dict[str, Any]) -> None:
    folder = _SITE / "programs"
    page = Page((folder / program["wat"]).read_text("utf-8"))
    page.ask(
        "host", source=(folder / program["host"]).read_text("utf-8") if "host" in program else ""
    )
    if program["export"]:
        page.begin(program["export"], *program["words"], fuel=200_000)
    else:
        function, argument = program["words"]
        page.ask("begin_plugin", function=function, argument=argument, limits=LIMITS)
    state = page.go("run")
    expected = {
        "compute": ["17"], "sum": ["55"], "fib": ["21"], "reverse": [], "calculate": ["42"],
        "mean": "INTEGER_DIVISION_BY_ZERO", "forever": "OutOfFuel",
    }.get(program["export"])  # fmt: skip
    found = state.get("results")
    if "error" in state:
        found = state["error"]["code"] or state["error"]["type"]
    if expected is not None:
        assert found == expected
    elif program["export"] == "play":
        assert 1 <= int(state["results"][0]) <= 6 and page.written.count("the guest says") == 5
    elif program["export"] == "_start":
        assert state["waits"]
    else:
        assert json.loads(state["results"][0]) == [17, 4, 23]


def test_there_are_ten_that_differ() -> None:
    assert len({one["title"] for one in PROGRAMS}) == len(PROGRAMS) == 10
    assert PROGRAMS[0]["title"] == "A stack machine" and PROGRAMS[-1]["title"] == "A plugin"
    assert all(len(one["text"]) > 150 for one in PROGRAMS)


# -- what is hostile


def test_names_are_escaped_where_they_are_shown_and_stay_what_they_are() -> None:
    name = "<img src=x onerror=alert(1)>\u202e\x1b[2J"
    text = f'(module (func (export "{name}")))'.replace("\x1b", "\\1b")
    page = Page(text)
    export = page.module["exports"][0]
    assert export["name"] == name
    assert "\x1b" not in export["title"] and "\u202e" not in export["title"]
    state = page.begin(name)
    assert state["title"] == export["title"]
    assert page.go("run")["results"] == []


def test_what_is_written_for_ever_is_cut(page: Page) -> None:
    page.session.terminal.show("out", "x" * 10_000_000)
    page.session.terminal.show("out", "more")
    assert len(page.raw("check", text="(module)")["written"][0][1]) == 1 << 18


# -- changing what is held


def test_locals_and_globals_are_set() -> None:
    page = Page()
    state = page.begin("fib", "5")
    (n,) = state["locals"]
    assert (n["title"], n["word"]) == ("$n", "5")
    page.go("step", 1)
    state = page.ask("put", kind="local", number=0, word="0x2")
    assert state["locals"][0]["value"].startswith("2 ") and state["locals"][0]["changed"]
    # what was seen of the other way is no more
    assert state["furthest"] == state["steps"]
    assert page.go("run")["results"] == ["1"]
    for kind, number, word, told in (
        ("local", 0, "x", "over"), ("global", 9, "1", "over"),
    ):  # fmt: skip
        assert told in page.raw("put", kind=kind, number=number, word=word)["error"]["message"]
    page.begin("fib", "5")
    for kind, number, word in (
        ("local", 0, "word"), ("local", 0, str(1 << 40)), ("local", 7, "1"), ("global", 0, "1"),
    ):  # fmt: skip
        message = page.raw("put", kind=kind, number=number, word=word)["error"]["message"]
        assert f"{kind} {number} is not set" in message
    assert page.go("run")["results"] == ["5"]


def test_a_global_that_never_changes_has_no_word() -> None:
    page = Page(
        "(module (global i32 (i32.const 7)) (global $m (mut f64) (f64.const 0.5))"
        '(func (export "f") (result f64) (global.get $m)))'
    )
    fixed, free = page.begin("f")["globals"]
    assert "word" not in fixed and free["word"] == "0.5"
    assert "immutable" in page.raw("put", kind="global", number=0, word="1")["error"]["message"]
    page.ask("put", kind="global", number=1, word="-2.25")
    assert page.go("run")["results"] == ["-2.25"]


def test_bytes_are_written() -> None:
    page = Page()
    page.begin("fib", "1")
    page.ask("memory", start=0, size=16)
    page.ask("write", start=2, data="68 69")
    assert page.ask("memory", start=0, size=16)["changed"] == [2, 3]
    for start, data in ((65_535, "0102"), (-1, "01"), (0, "zz")):
        message = page.raw("write", start=start, data=data)["error"]["message"]
        assert "nothing is written" in message
    page.go("back")
    page.go("run")
    assert "over" in page.raw("write", start=0, data="01")["error"]["message"]


def test_the_python_of_a_function() -> None:
    page = Page(FIB.replace("$fib (export", '$"<b>" (export').replace("$fib", '$"<b>"'))
    form = page.ask("python", index=0)
    texts = [line["text"] for line in form["lines"]]
    assert form["why"] == "" and any("i32.store" in text for text in texts)
    stored = next(line for line in form["lines"] if "i32.store" in line["text"])
    assert stored["at"] in [line["offset"] for line in page.ask("function", index=0)["lines"]]
    assert any(line["python"] for line in form["lines"])
    page = Page('(module (import "a" "b" (func)) (func (export "f")))')
    assert "compiled" in page.ask("python", index=0)["why"]
