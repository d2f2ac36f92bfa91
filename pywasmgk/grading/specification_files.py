"""Specifications from files: YAML, or Python that makes the objects. Their author is trusted."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ..errors import SpecificationError
from .schema import read_yaml
from .specification import PythonChecker, Specification, Test, WasmChecker

__all__ = ["load_specification", "parse_specification"]

#: bytes of a checker that is a module
_MOST_BYTES = 64 << 20


def load_specification(path: str | Path) -> Specification:
    """The specification in a file: YAML, or, if its name ends in .py, Python that has it as
    ``specification``; it is executed. Raises SpecificationError, OSError, and ConfigError where
    PyYAML is missing."""
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecificationError(f"byte {error.start} is no UTF-8", path.name) from error
    if path.suffix == ".py":
        return _from_python(text, path)
    return parse_specification(text, folder=path.parent, file=path.name)


def parse_specification(
    text: str, *, folder: str | Path = ".", file: str = "specification"
) -> Specification:
    """The specification that a text in YAML says; checkers are files in ``folder``. What
    :func:`load_specification` raises."""
    found: Specification = read_yaml(text, Specification, file)
    return _with_checkers(found, Path(folder), file)


def _from_python(text: str, path: Path) -> Specification:
    names: dict[str, Any] = {"__name__": "specification", "__file__": str(path)}
    exec(compile(text, str(path), "exec"), names)
    found = names.get("specification")
    if not isinstance(found, Specification):
        raise SpecificationError("it makes no Specification called 'specification'", path.name)
    tests = []
    for test in found.tests:
        check = test.check
        if callable(check):
            name = next((name for name, value in names.items() if value is check), None)
            if name is None:
                raise SpecificationError(
                    f"the checker of test {test.name!r} is no function of the file's own", path.name
                )
            # other processes find it by the text
            test = dataclasses.replace(test, check=PythonChecker(name, text, path.name))
        tests.append(test)
    found = dataclasses.replace(found, tests=tuple(tests))
    return _with_checkers(found, path.parent, path.name)


def _with_checkers(found: Specification, folder: Path, file: str) -> Specification:
    tests = tuple(_with_checker(test, folder, file) for test in found.tests)
    return dataclasses.replace(found, tests=tests)


def _with_checker(test: Test, folder: Path, file: str) -> Test:
    check = test.check
    try:
        if isinstance(check, str):
            name, _, function = check.rpartition(":")
            if not name.endswith(".py") or not function.isidentifier():
                raise SpecificationError(f"check is FILE.py:FUNCTION, found {check!r:.80}", file)
            source = (folder / name).read_text("utf-8")
            return dataclasses.replace(test, check=PythonChecker(function, source, name))
        if isinstance(check, WasmChecker) and not check.data:
            with open(folder / check.wasm, "rb") as stream:
                data = stream.read(_MOST_BYTES)
            return dataclasses.replace(test, check=dataclasses.replace(check, data=data))
    except OSError as error:
        message = f"the checker of test {test.name!r} cannot be read: {error.strerror or error}"
        raise SpecificationError(message, file) from error
    return test
