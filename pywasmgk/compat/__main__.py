"""``python -m pywasmgk.compat SCRIPT [ARGS]``: a program of wasmtime's, unchanged, on pywasmgk."""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from . import install

_PROGRAM = "python -m pywasmgk.compat"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        _PROGRAM,
        description="Runs a Python program with `import wasmtime` answered by pywasmgk.",
        usage="%(prog)s [limits] (SCRIPT | -m MODULE | -c CODE) [ARGS...]",
    )
    limits = parser.add_argument_group("limits, which hold whatever the program asks for")
    none = "or none"
    limits.add_argument("--fuel", metavar="N", help=f"instructions of a call, {none}")
    limits.add_argument("--timeout", metavar="SECONDS", help=f"seconds of a call, {none}")
    limits.add_argument("--memory", metavar="PAGES", type=int, help="pages of each memory")
    program = parser.add_mutually_exclusive_group()
    program.add_argument("-m", dest="module", nargs=argparse.REMAINDER, help="run a module")
    program.add_argument("-c", dest="code", nargs=argparse.REMAINDER, help="run a line of Python")
    program.add_argument("script", nargs="?", help="the program's file")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="what the program is given")
    return parser


def _bounds(options: argparse.Namespace) -> dict[str, float | int | None]:
    found: dict[str, float | int | None] = {}
    for name, convert in (("fuel", int), ("timeout", float)):
        given = getattr(options, name)
        if given is not None:
            found[name] = None if given == "none" else convert(given)
    if options.memory is not None:
        found["memory_limit"] = options.memory
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Runs the program that the command line names, as ``python`` itself would."""
    parser = _parser()
    options = parser.parse_args(words)
    try:
        install(**_bounds(options))
    except ValueError as error:
        parser.error(str(error))
    if options.module:
        sys.argv = options.module
        sys.path[0] = ""
        runpy.run_module(options.module[0], run_name="__main__", alter_sys=True)
    elif options.code:
        sys.argv = ["-c", *options.code[1:]]
        sys.path[0] = ""
        exec(compile(options.code[0], "<string>", "exec"), {"__name__": "__main__"})
    elif options.script is None:
        parser.error("there is nothing to run: SCRIPT, -m MODULE or -c CODE is missing")
    else:
        sys.argv = [options.script, *options.args]
        sys.path[0] = str(Path(options.script).resolve().parent)
        runpy.run_path(options.script, run_name="__main__")


if __name__ == "__main__":
    main()
