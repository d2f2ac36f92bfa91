"""Damaged guests and scripts cause exceptions of ours, and end within their limits."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import pywasmgk
from pywasmgk.compat import emscripten, gojs, wasm_bindgen
from pywasmgk.compat.js.objects import ScriptError

GUESTS = Path(__file__).parent / "guests"
LIMITS: dict[str, Any] = {"fuel": 30_000, "timeout": 5, "quota": 1 << 18}
NUMBER = re.compile(r"(i32|i64)\.const (-?\d+)")
WORD = re.compile(r"\s+|[A-Za-z_$]\w*|\d+|[^\sA-Za-z0-9]")
ROUNDS = 40


def damaged(name: str, source: random.Random) -> pywasmgk.Module:
    """A guest with a few other numbers. Raises what the module's reader does."""
    text = (GUESTS / name).read_text()
    for _ in range(source.randrange(1, 4)):
        place = source.choice([*NUMBER.finditer(text)])
        value = source.choice([0, 1, -1, 7, 1 << 16, -(1 << 31), source.randrange(70_000)])
        text = f"{text[: place.start()]}{place[1]}.const {value}{text[place.end() :]}"
    return pywasmgk.Module(text)


def use_embind(source: random.Random) -> None:
    program = emscripten.load(damaged("embind.wat", source), **LIMITS)
    for function in list(program.bound.values()):
        for args in ((), (1,), (1, 2), ("x",), ({"x": 1.0},)):
            # arguments of the wrong kind are the caller's fault
            with suppress(pywasmgk.PywasmgkError, TypeError, ValueError, OverflowError):
                found = function(*args)
                if hasattr(found, "bump"):
                    found.bump(found.value)


def use_emscripten(source: random.Random) -> None:
    script = (GUESTS / "emscripten.js").read_text()
    program = emscripten.load(damaged("emscripten.wat", source), script, **LIMITS)
    for name in ("y", "grow", "fail", "move", "size", "open", "say", "rewind", "where", "day"):
        function: Any = program.instance.exports[name]
        with suppress(pywasmgk.PywasmgkError):
            function(*(source.choice([0, 1, 2, 70, -1, 4096]) for _ in function.type.params))
    program.main("a")


def use_gojs(source: random.Random) -> None:
    module = damaged("gojs.wat", source)
    gojs.run(module, [source.choice(["words", "timer", "outside", "keep", "error"])], **LIMITS)
    gojs.load(module, **LIMITS).call("twice", 1)


def use_bindgen(source: random.Random) -> None:
    script = (GUESTS / "bindgen.js").read_text()
    package = wasm_bindgen.load(damaged("bindgen.wat", source), script, **LIMITS)
    calls: list[Callable[[], object]] = [
        lambda: package.greet("x"), lambda: package.describe([1]), lambda: package.fill(3, 9),
        lambda: package.each(2, lambda number: None), lambda: package.Counter(3).add(1).value,
    ]  # fmt: skip
    for call in calls:
        with suppress(pywasmgk.PywasmgkError):
            call()


def use_script(source: random.Random) -> None:
    words = WORD.findall((GUESTS / "bindgen.js").read_text())
    for _ in range(source.randrange(1, 6)):
        at = source.randrange(len(words))
        words[at : at + source.randrange(2)] = [source.choice(words)]
    module = pywasmgk.Module.from_file(GUESTS / "bindgen.wat")
    package = wasm_bindgen.load(module, "".join(words), **LIMITS)
    with suppress(AttributeError, TypeError):
        package.describe({"a": package.greet("x")})
        package.Counter(1).add(2)


def use_side(source: random.Random) -> None:
    program = emscripten.load(pywasmgk.Module.from_file(GUESTS / "main.wat"), **LIMITS)
    side: Any = program.load_side(damaged("side.wat", source))
    side.exports.six(1)


@pytest.mark.parametrize(
    "use", [use_embind, use_emscripten, use_gojs, use_bindgen, use_script, use_side]
)
def test_damage_causes_our_exceptions_alone(use: Callable[[random.Random], None]) -> None:
    fine = 0
    for seed in range(ROUNDS):
        # the program may have lost the function that is asked for
        with suppress(pywasmgk.PywasmgkError, ScriptError, AttributeError):
            use(random.Random(seed))
            fine += 1
    assert fine
