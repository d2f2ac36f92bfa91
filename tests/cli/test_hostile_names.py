"""Nothing of a module, a manifest or a file's name reaches a terminal as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cli_guests import run
from plugin_guests import guest
from processor import HANGS
from wasm_builder import body, functype, module, name

#: sets a window's title, clears the screen, turns the direction of writing round
ORDERS = "\x1b]0;owned\x07\x1b[2J\x9b5m\u202e"
#: bytes that a terminal would obey, or that people would be misled by
OBEYED = (b"\x1b", b"\x07", b"\xc2\x9b", "\u202e".encode(), b"\r", b"\x08")


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


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: repr(words)[:60])
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
