"""Nothing of a module, a manifest or a file's name reaches a terminal as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_guests import run
from plugin_guests import guest
from processor import HANGS
from wasm_builder import body, functype, module, name

from pywasmgk.wasm.module import Module

#: sets a window's title, clears the screen, turns the direction of writing round
ORDERS = "\x1b]0;owned\x07\x1b[2J\x9b5m\u202e"
#: bytes that a terminal would obey, or that people would be misled by
OBEYED = (b"\x1b", b"\x07", b"\xc2\x9b", "\u202e".encode(), b"\r", b"\x08")


def lively(annotated: str) -> str:
    """A module that runs, all of whose names are hostile; in two functions, host calls and all."""
    mark = "".join(f"\\{byte:02x}" for byte in ORDERS.encode())
    named = f'(@name "{mark}")' if annotated else ""
    return f"""(module {named}
      (import "{mark}" "{mark}" (func $h {named} (param i32)))
      (memory {named} (export "{mark}m") 1) (data {named} (i32.const 0) "{mark}")
      (global $g {named} (mut i32) (i32.const 0))
      (table {named} 1 funcref) (elem {named} (i32.const 0) $k)
      (func $k {named} (param $p {named} i32) (result i32) (local $l {named} i32)
        (loop $m (global.set $g (i32.load (local.get $p)))
          (br_if $m (i32.lt_u (local.tee $l (i32.add (local.get $l) (i32.const 1))) (i32.const 3))))
        (call $h (i32.const 7)) (local.get $l))
      (func {named} (export "{mark}") (export "f") (drop (call_indirect (param i32) (result i32)
        (i32.const 4) (i32.const 0))))
      (func {named} (export "{mark}t") (export "t") (drop (i32.load (i32.const -1)))))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files whose every name and string is hostile."""
    place = tmp_path_factory.mktemp("hostile")
    names = b"\1" + name(b"\1\0" + name(ORDERS))
    exports = [(ORDERS, 0, 0), ("f", 0, 0)]
    own = {"customs": [("name", names), (ORDERS, b"x")]}
    trapping = module(
        types=[functype()], functions=[0], exports=exports, bodies=[body("", "unreachable")], **own
    )
    (place / "evil.wasm").write_bytes(trapping)
    (place / f"{ORDERS}.wasm").write_bytes(trapping)
    missing = name(ORDERS) + name(ORDERS) + b"\0\0"
    (place / "missing.wasm").write_bytes(module(types=[functype()], imports=[missing]))
    (place / "invalid.wasm").write_bytes(
        module(types=[functype("", "i32")], functions=[0], bodies=[body("", "nop")], **own)
    )
    (place / "text.wat").write_text(f'(module (func $a (call ${ORDERS})) (export "{ORDERS}" x))')
    for file, text in (("lively.wasm", lively("names")), ("bare.wasm", lively(""))):
        (place / file).write_bytes(Module(text).data)
    for file in LIVELY:
        core, recording = place / f"{file[:-5]}.core", place / f"{file[:-5]}.rec"
        run("run", place / file, "t", "--stub-imports", "--coredump", core)
        run("debug", place / file, "f", "--stub-imports", "--do", "run", "--record", recording)
        run(
            "debug",
            place / file,
            "f",
            "--stub-imports",
            "--do",
            "run",
            "--record",
            place / f"{file[:-5]}.rec",
        )
    (place / "none.core").write_bytes((place / "lively.core").read_bytes()[:-9])
    (place / "receipt.json").write_text(json.dumps({"plugin": ORDERS, ORDERS: ORDERS}))
    manifest = {
        "name": ORDERS, "version": ORDERS, ORDERS: 1, "description": ORDERS,
        "routes": [{"method": ORDERS}], "jobs": [{ORDERS: 1, "id": ORDERS, "handler": ORDERS}],
        "resources": {"call_timeout": ORDERS, "memory_mb": 99999}, "min_host_version": ORDERS,
    }  # fmt: skip
    (place / "plugin.wasm").write_bytes(guest(manifest))
    wrong = {"name": "x", "version": "1", "i18n": {"translations": {ORDERS: 5}}}
    (place / "wrong.wasm").write_bytes(guest(wrong))
    commands = [{"type": ORDERS, "line": 1}, {"type": "module", "line": 2, "filename": ORDERS}]
    (place / "script.json").write_text(json.dumps({"commands": commands}))
    with zipfile.ZipFile(place / "scripts.zip", "w") as archive:
        archive.writestr(f"{ORDERS}x.json", "{}")
    return place


#: modules that run, with names and without
LIVELY = ("lively.wasm", "bare.wasm")
#: what of the debugger prints something
DEBUGGER = (
    *("run", "step 9", "back", "where", "bt", "list", "locals", "globals", "stack", "memory 0 64"),
    *("x 0 64", "info", "break f", "breaks", "stops", "watch 0 4", f"break {ORDERS}"),
    *(f"print {ORDERS}", ORDERS, "help", "functions", "exports", "imports", "calls", "output"),
)
SHAPES = ("table", "lines", "loops", "memory", "collapsed", "speedscope", "svg")
MODULES = ("evil.wasm", f"{ORDERS}.wasm", "missing.wasm", "invalid.wasm", "text.wat", "plugin.wasm")
COMMANDS = [
    *((word, file) for word in ("inspect", "validate", "disasm", "run") for file in MODULES),
    *((word, file, "f") for word in ("run", "call", "disasm") for file in MODULES),
    *(("disasm", file, "0", "--python", "--steps") for file in MODULES),
    *(("register", file) for file in (*MODULES, "wrong.wasm")),
    ("register", "--strict", "plugin.wasm"),
    ("validate", "--plugin", *MODULES),
    ("run", "evil.wasm", ORDERS), ("run", "evil.wasm", "f", "--debug"),
    ("run", ORDERS), ("run", "evil.wasm", "--dir", ORDERS), ("run", "evil.wasm", "--env", ORDERS),
    ("call", "plugin.wasm", ORDERS, json.dumps(ORDERS)), ("call", "plugin.wasm", "x", ORDERS),
    ("call", "plugin.wasm", "x", "--config", ORDERS), ("call", "hello", "x", "--host", ORDERS),
    ("spec", "script.json"), ("spec", "scripts.zip"), ("spec", ORDERS), ("docs", ORDERS),
    (ORDERS,), ("run", f"--{ORDERS}"), ("--json", "inspect", "evil.wasm"),
    ("--json", "register", "plugin.wasm"), ("--json", "run", "evil.wasm", "f"),
]  # fmt: skip


PROBES = ("profile", "coverage", "trace")
STUBS = "--stub-imports"
#: commands of the debugger, each as an option
DO = [word for step in DEBUGGER for word in ("--do", step)]


def looking(file: str) -> Iterator[tuple[str, ...]]:
    """What looks at a module that runs while it does, or at what is left of it."""
    for word in (*PROBES, "debug", "run"):
        for export in ("f", "t", ORDERS, f"{ORDERS}t", f"no{ORDERS}"):
            yield word, file, export, STUBS
    for word in (*PROBES, "run"):
        yield "--json", word, file, "f", STUBS
    for word in PROBES:
        yield word, file, "f", "--host", f"{ORDERS}.py:{ORDERS}", "--plugin"
    for shape in SHAPES:
        yield "profile", file, "f", STUBS, "--as", shape
    for more in ("--annotate", f"--append={ORDERS}", "--append=receipt.json", "--lcov=-"):
        yield "coverage", file, "f", STUBS, more
    for more in (f"--function={ORDERS}", "--function=*", f"--instruction={ORDERS}"):
        yield "trace", file, "f", STUBS, more
    for more in (f"--range={ORDERS}", "--range=0:9"):
        yield "trace", file, "f", STUBS, more
    for export in ("f", "t"):
        yield "debug", file, export, STUBS, *DO
    for known in ((), (file,), ("evil.wasm",)):
        yield "debug", *known, "--core", f"{file[:-5]}.core", *DO
    yield "debug", file, "--replay", f"{file[:-5]}.rec", *DO
    yield "--json", "debug", "--core", f"{file[:-5]}.core"
    for word in ("stub", "inspect", "validate", "disasm"):
        yield word, file
        yield "--json", word, file
    yield "disasm", file, "1", "--python", "--steps"


FILES = ("evil.wasm", "none.core", "receipt.json", ORDERS)
LOOKING = [
    *(words for file in LIVELY for words in looking(file)),
    *(("debug", "--core", file) for file in FILES),
    *(("debug", "lively.wasm", "--replay", file) for file in FILES),
    *(("stub", file) for file in MODULES),
    *((word, "plugin.wasm", "x", "--plugin") for word in PROBES),
    *(("verify-receipt", file, "plugin.wasm") for file in FILES),
    ("verify-receipt", "receipt.json", ORDERS),
    ("playground", ORDERS),
    ("playground", "--pyodide", ORDERS),
    ("inspect", "evil.wasm", "--extract", "0"),
    ("run", "lively.wasm", "f", "--dir", "receipt.json"),
    ("run", "lively.wasm", "t", STUBS, "--coredump", f"{ORDERS}/x"),
]


@pytest.mark.parametrize("words", [*COMMANDS, *LOOKING], ids=lambda words: repr(words)[:60])
def test_terminals_are_given_no_orders(
    folder: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = run(*words)
    shown = (done.out + done.err).encode("utf-8", "surrogateescape")
    assert shown
    for obeyed in OBEYED:
        assert obeyed not in shown, shown


def test_a_process_of_its_own_prints_the_same(folder: Path) -> None:
    command = [sys.executable, "-m", "pywasmgk", "run", f"{ORDERS}.wasm", "f"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, capture_output=True, cwd=folder, timeout=HANGS, env=environment)
    assert b"unreachable" in done.stderr
    for obeyed in OBEYED:
        assert obeyed not in done.stdout + done.stderr


def test_the_exceptions_of_the_library_are_plain_too(folder: Path) -> None:
    import pywasmgk

    messages = []
    for path in folder.glob("*.w*"):
        data = path.read_text() if path.suffix == ".wat" else path.read_bytes()
        uses = [lambda data: pywasmgk.load(data).call(ORDERS)]
        if path.name not in ("plugin.wasm", "wrong.wasm"):
            uses.append(lambda data: pywasmgk.instantiate(data).exports.f())
        for use in uses:
            try:
                use(data)
            except pywasmgk.PywasmgkError as error:
                messages.append(str(error))
    assert len(messages) > 8
    for message in messages:
        assert not any(obeyed in message.encode() for obeyed in OBEYED), message
