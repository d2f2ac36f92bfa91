"""What tests of the command line share: a way to run it, and small guests as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner
from wasm_builder import body, code, function, functype, limits, module, name

from pywasmgk.cli import main

WASI = "wasi_snapshot_preview1"


class Outcome(NamedTuple):
    """What one use of the command line gave."""

    code: int
    out: str
    err: str

    @property
    def form(self) -> Any:
        """The JSON form, which must be all of standard output: one line of ASCII."""
        assert self.out.endswith("\n") and self.out.count("\n") == 1, self.out
        assert self.out.isascii()
        return json.loads(self.out)


def run(*words: str | Path, stdin: bytes = b"", charset: str = "utf-8") -> Outcome:
    """Runs the command line. No exception but the regular end may come out of it."""
    result = CliRunner(charset=charset).invoke(main, [str(word) for word in words], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.stderr or "--debug" in words
    return Outcome(result.exit_code, result.stdout, result.stderr)


def imported(function_name: str, type_index: int) -> bytes:
    """An import from WASI."""
    return name(WASI) + name(function_name) + b"\0" + bytes([type_index])


ADD = function("i32 i32", "i32", "local.get 0", "local.get 1", "i32.add")
ENDLESS = function("", "", "loop _", "br 0", "end")
TRAPPING = function("", "", "unreachable", customs=[("name", b"\1\7\1\0\4boom")])
FLOATS = function("f32 f64", "f64 f32", "local.get 1", "local.get 0")
LONG = function("i64", "i64", "local.get 0")
VECTOR = function("v128", "v128", "local.get 0")
REFERENCE = function("externref", "externref", "local.get 0")
EXPORTS_A_MEMORY = module(memories=[limits(1)], exports=[("mem", 2, 0)])
STARTS = module(types=[functype()], functions=[0], start=0, bodies=[body("", "nop")])
TRAPS_AT_START = module(
    types=[functype()], functions=[0], start=0, bodies=[body("", "unreachable")]
)
LARGE = function("", "", "nop", memories=[limits(300)])
NEEDS_MORE = module(
    types=[functype()],
    imports=[name("env") + name("f") + b"\0\0", name("gk") + name("log") + b"\0\0"],
    exports=[("f", 0, 0)],
)


def exiting(status: int) -> bytes:
    """A program that ends with an exit code."""
    return module(
        types=[functype(), functype("i32")],
        imports=[imported("proc_exit", 1)],
        functions=[0],
        exports=[("_start", 0, 1)],
        bodies=[body("", f"i32.const {status}", "call 0", "unreachable")],
    )


#: a program that writes its standard input to its standard output, at most 1000 bytes
ECHO = module(
    types=[functype(), functype("i32 i32 i32 i32", "i32")],
    imports=[imported("fd_read", 1), imported("fd_write", 1)],
    functions=[0],
    memories=[limits(1)],
    exports=[("_start", 0, 2)],
    bodies=[
        body(
            "",
            *("i32.const 4", "i32.const 1000", "i32.store 2+0"),
            *("i32.const 0", "i32.const 0", "i32.const 1", "i32.const 4", "call 0", "drop"),
            *("i32.const 1", "i32.const 0", "i32.const 1", "i32.const 12", "call 1", "drop"),
        )
    ],
    datas=[b"\0" + code("i32.const 0") + name(b"\x10\0\0\0")],
)


def _printing(what: str) -> bytes:
    """A program that writes the first 8 bytes of its arguments or environment."""
    return module(
        types=[functype(), functype("i32 i32", "i32"), functype("i32 i32 i32 i32", "i32")],
        imports=[imported(what, 1), imported("fd_write", 2)],
        functions=[0],
        memories=[limits(1)],
        exports=[("_start", 0, 2)],
        bodies=[
            body(
                "",
                *("i32.const 64", "i32.const 128", "call 0", "drop"),
                *("i32.const 1", "i32.const 0", "i32.const 1", "i32.const 12", "call 1", "drop"),
            )
        ],
        datas=[b"\0" + code("i32.const 0") + name(b"\x80\0\0\0\x08\0\0\0")],
    )


ARGUMENTS, ENVIRONMENT = _printing("args_get"), _printing("environ_get")

#: a program that writes four bytes of the name of its first folder
PREOPENED = module(
    types=[functype(), functype("i32 i32 i32", "i32"), functype("i32 i32 i32 i32", "i32")],
    imports=[imported("fd_prestat_dir_name", 1), imported("fd_write", 2)],
    functions=[0],
    memories=[limits(1)],
    exports=[("_start", 0, 2)],
    bodies=[
        body(
            "",
            *("i32.const 3", "i32.const 128", "i32.const 4", "call 0", "drop"),
            *("i32.const 3", "i32.const 128", "i32.const 3", "call 0", "drop"),
            *("i32.const 1", "i32.const 0", "i32.const 1", "i32.const 12", "call 1", "drop"),
        )
    ],
    datas=[b"\0" + code("i32.const 0") + name(b"\x80\0\0\0\x04\0\0\0")],
)

#: a library of WASI: a global that _initialize sets
REACTOR = module(
    types=[functype(), functype("", "i32")],
    functions=[0, 1],
    globals_=[b"\x7f\1" + code("i32.const 0")],
    exports=[("_initialize", 0, 0), ("get", 0, 1)],
    bodies=[body("", "i32.const 42", "global.set 0"), body("", "global.get 0")],
)

MANIFEST = b'{"name": "odd", "version": "1", "widgets": [{"id": "w", "handler": "widget_tickets"}]}'


def plugin(answer: bytes, *gk_call: str, manifest: bytes = MANIFEST) -> bytes:
    """A plugin that gives the same answer to every call, or does something else for one."""
    pack = 65536 << 32 | len(answer)
    return module(
        types=[functype("", "i64"), functype("i32 i32 i32 i32", "i64"), functype("i32", "i32")],
        functions=[0, 1, 2],
        memories=[limits(4)],
        exports=[("gk_register", 0, 0), ("gk_call", 0, 1), ("gk_malloc", 0, 2), ("memory", 2, 0)],
        bodies=[
            body("", f"i64.const {16 << 32 | len(manifest)}"),
            body("", *(gk_call or (f"i64.const {pack}",))),
            body("", "i32.const 4096"),
        ],
        datas=[
            b"\0" + code("i32.const 16") + name(manifest),
            b"\0" + code("i32.const 65536") + name(answer),
        ],
    )
