"""``pywasmgk call --receipt`` and ``pywasmgk verify-receipt``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_guests import run
from plugin_guests import LOOP, guest
from receipt_guests import ROLL, receipt_of, roll

from pywasmgk import Module, Recording


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "receipt.json"
    assert run("call", "hello", "hello", '{"name": "Ada"}', "--receipt", path).code == 0
    return path


def test_a_receipt_of_a_call_is_verified(written: Path) -> None:
    assert run("verify-receipt", written, "hello") == (0, f"{written}: verified\n", "")
    found = run("verify-receipt", written, "hello", "--json", "--engine", "compiler")
    assert (found.code, found.form) == (0, {"verified": True})


def test_what_is_otherwise_is_named(written: Path) -> None:
    form = json.loads(written.read_bytes())
    written.write_text(json.dumps({**form, "pages": 3}))
    found = run("verify-receipt", written, "hello")
    assert found.code == 1
    first, second = found.err.splitlines()
    assert first == f"{written}: pages is 3, but 2 when it is done again"
    assert "digest does not fit" in second
    found = run("verify-receipt", written, "hello", "--json")
    assert found.code == 1
    assert found.form == {
        "verified": False, "field": "pages", "receipt": 3, "found": 2, "about": "", "altered": True,
    }  # fmt: skip
    found = run("verify-receipt", written, "dashboard")
    assert found.code == 1 and ": module is " in found.err


def test_a_call_that_fails_has_one_too(tmp_path: Path) -> None:
    module, path = tmp_path / "roll.wasm", tmp_path / "receipt.json"
    module.write_bytes(ROLL)
    assert run("call", module, "!crash", "--receipt", path).code == 1
    assert json.loads(path.read_bytes())["outcome"]["error"] == "trap: unreachable"
    assert run("verify-receipt", path, module).code == 0


def test_a_call_that_the_clock_ends_says_so_and_has_none(tmp_path: Path) -> None:
    module, path = tmp_path / "endless.wasm", tmp_path / "receipt.json"
    module.write_bytes(guest(call=(*LOOP, "i64.const 0")))
    found = run("call", module, "f", "--timeout", "2", "--receipt", path)
    assert found.code == 1 and not path.exists()
    assert "Hint: there is no receipt: " in found.err
    assert "deadline exceeded" in found.err and "--timeout SECONDS" in found.err


HOST = """
import pywasmgk

class Host(pywasmgk.MemoryHost):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.function(self.add)

    def add(self, caller: pywasmgk.CallContext, by: int) -> int:
        self.count += by
        return self.count
"""


def test_what_it_does_not_carry_is_on_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, path, taped = (tmp_path / name for name in ("roll.wasm", "receipt.json", "tape"))
    module.write_bytes(ROLL)
    (tmp_path / "host.py").write_text(HOST)
    with roll() as plugin:
        held = plugin.start("add", {"by": 3})
        held.run()
        taped.write_bytes(held.recording().to_bytes(Module(ROLL)))
        held.close()
        path.write_bytes(receipt_of(plugin, answers=False))
    found = run("verify-receipt", path, module)
    assert found.code == 1 and "does not carry the call's arguments" in found.err
    words = ["verify-receipt", path, module]
    assert run(*words, "--recording", taped).code == 0
    keyed, key = tmp_path / "keyed", tmp_path / "key"
    keyed.write_bytes(Recording.from_bytes(taped.read_bytes(), Module(ROLL)).to_bytes(
        Module(ROLL), b"a secret"))  # fmt: skip
    key.write_bytes(b"a secret")
    assert run(*words, "--recording", keyed, "--recording-key", key).code == 0
    monkeypatch.setenv("THE_KEY", "a secret")
    assert run(*words, "--recording", keyed, "--recording-key", "env:THE_KEY").code == 0
    found = run(*words, "--recording", keyed)
    assert found.code == 1 and "with a key, none was given" in found.err
    host = f"{tmp_path / 'host.py'}:Host"
    assert run(*words, "--arguments", '{"by": 3}', "--host", host).code == 0
    found = run(*words, "--arguments", '{"by": 4}', "--host", host)
    assert found.code == 1 and ": arguments is " in found.err
    assert run(*words, "--arguments", "{", "--host", host).code == 2
    assert run(*words, "--recording", taped, "--host", host).code == 2


def test_a_snapshot_with_a_key(tmp_path: Path) -> None:
    module, path, taken, key = (tmp_path / name for name in ("a.wasm", "a.json", "taken", "key"))
    module.write_bytes(ROLL)
    key.write_bytes(b"a secret")
    with roll() as plugin:
        taken.write_bytes(plugin.snapshot(b"a secret"))
    with roll(snapshot=taken.read_bytes(), snapshot_key=b"a secret") as plugin:
        plugin.call_raw("add", b"{}")
        path.write_bytes(receipt_of(plugin))
    words = ["verify-receipt", path, module, "--snapshot", taken]
    assert run(*words, "--snapshot-key", key).code == 0
    found = run(*words)
    assert found.code == 1 and "with a key, none was given" in found.err
    key.write_bytes(b"")
    assert run(*words, "--snapshot-key", key).code == 2


def test_limits_are_what_doing_it_again_may_take(written: Path) -> None:
    found = run("verify-receipt", written, "hello", "--memory-limit", "10")
    assert found.code == 1
    assert "memory_limit is 256, and 10 is allowed here" in found.err


def test_what_a_receipt_says_does_not_reach_the_terminal(written: Path) -> None:
    form = json.loads(written.read_bytes())
    form["module"] = "\x1b[31m"
    written.write_text(json.dumps(form))
    found = run("verify-receipt", written, "hello")
    assert found.code == 1 and "\x1b" not in found.err
