"""Checkers of the specification's author: they see the outcome of a test as data, and nothing else.

One in Python is trusted and gets a copy; one in WebAssembly runs in the sandbox, within limits of
its own. Where a checker itself fails, the verdict is SE.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from ..errors import DecodeError, PywasmgkError, ValidationError
from ..plugin.gojson import JSONError, decode, encode
from ..printable import printable
from ..wasm.module import Module
from .outcome import Outcome
from .running import run_program
from .sources import Failed
from .specification import DEFAULT_LIMITS, Checker, PythonChecker, Run, WasmChecker
from .verdicts import Verdict

__all__ = ["Judged", "judged"]


class Judged(NamedTuple):
    """What a checker says."""

    #: of the points, 0 to 1
    share: float
    message: str = ""


def judged(checker: Checker | Callable[..., Any], outcome: Outcome, seed: bytes) -> Judged:
    """What a checker says of an outcome. Raises Failed, with SE, where it says nothing of use."""
    if isinstance(checker, WasmChecker):
        return _of_program(checker, outcome, seed)
    try:
        function = _function(checker) if isinstance(checker, PythonChecker) else checker
        answer = function(copy.deepcopy(outcome))
    except Exception as error:
        raise _failed(f"{type(error).__name__}: {error}") from error
    share, message = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, "")
    return _checked(share, message)


@lru_cache(maxsize=64)
def _function(checker: PythonChecker) -> Callable[..., Any]:
    names: dict[str, Any] = {"__name__": "checker", "__file__": checker.file}
    exec(compile(checker.source, checker.file, "exec"), names)
    function: Callable[..., Any] = names[checker.function]
    return function


def _of_program(checker: WasmChecker, outcome: Outcome, seed: bytes) -> Judged:
    said = Outcome()
    try:
        module = _module(checker.data)
        question = encode(outcome.form()).decode()
        limits = checker.limits.over(DEFAULT_LIMITS)
        run_program(module, Run(stdin=question), (), limits, seed, said)
        answer = decode(said.stdout, strict=True)
    except Failed as failed:
        raise _failed(f"{failed.verdict}: {failed.about}") from failed
    except (DecodeError, ValidationError, JSONError, PywasmgkError) as error:
        raise _failed(str(error)) from error
    if said.exit_code or not isinstance(answer, dict):
        raise _failed(f"it ended with code {said.exit_code} and said {said.stdout[:100]!r}")
    return _checked(answer.get("share"), answer.get("message", ""))


@lru_cache(maxsize=8)
def _module(data: bytes) -> Module:
    if data.startswith(b"\0asm"):
        return Module(data, name="checker", cache_dir="")
    return Module.from_wat(data, name="checker", cache_dir="")


def _checked(share: Any, message: Any) -> Judged:
    if not isinstance(share, (bool, int, float)) or not 0 <= share <= 1 or math.isnan(share):
        raise _failed(f"a share is 0 to 1, found {share!r:.80}")
    if not isinstance(message, str):
        raise _failed(f"a message is text, found {message!r:.80}")
    return Judged(float(share), printable(message, lines=True))


def _failed(why: str) -> Failed:
    return Failed(Verdict.SE, "the checker failed", printable(why, lines=True))
