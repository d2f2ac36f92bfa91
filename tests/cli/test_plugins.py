"""``call``, ``register`` and ``examples``."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cli_guests import ADD, plugin, run

GUESTS = Path(__file__).parents[1] / "guests"
DEEP = b"[" * 5000 + b"]" * 5000


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A plugin that knows no function."""
    return answering(tmp_path, b'{"error": "unknown function: widget_tikets"}')


def answering(tmp_path: Path, answer: bytes, *code: str) -> Path:
    path = tmp_path / "made.wasm"
    path.write_bytes(plugin(answer, *code))
    return path


# -- call


def test_an_example_greets() -> None:
    assert run("call", "hello", "hello", '{"name": "Ada"}') == (
        0,
        '{"message": "Hello, Ada!"}\n',
        "",
    )


def test_the_json_form_of_a_call() -> None:
    done = run("call", "hello", "hello", '{"name": "Ada"}', "--json")
    assert done.code == 0
    assert list(done.form) == ["result", "fuel", "seconds", "pages", "host_calls"]
    assert done.form["result"] == {"message": "Hello, Ada!"}
    assert (done.form["pages"], done.form["host_calls"]) == (2, 0)
    assert 500 < done.form["fuel"] < 50_000
    assert 0 < done.form["seconds"] < 30


@pytest.mark.parametrize("place", range(4))
def test_json_may_stand_anywhere(place: int) -> None:
    words = ["call", "hello", "hello"]
    words.insert(place, "--json")
    assert run(*words).form["result"] == {"message": "Hello, World!"}


def test_json_behind_two_dashes_is_an_argument() -> None:
    done = run("call", "hello", "hello", "--", "--json")
    assert done.code == 2
    assert "the argument is no JSON" in done.err


def test_the_argument_comes_from_standard_input() -> None:
    done = run("call", "hello", "hello", "-", stdin='{"name": "Zoë"}'.encode())
    assert done.out == '{"message": "Hello, Zoë!"}\n'


def test_a_file_is_a_plugin_too(odd: Path) -> None:
    assert run("call", odd, "f").code == 0


def test_a_plugin_gets_settings_and_a_database(tmp_path: Path) -> None:
    path = tmp_path / "tickets.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "CREATE TABLE ticket (id, state); INSERT INTO ticket VALUES (1, 'open')"
        )
    options = ("--config", "site.name=Desk", "--database", path)
    form = run("call", "dashboard", "widget_tickets", "{}", *options, "--json").form
    assert form["result"]["html"] == "<h2>Desk</h2><p>1 open ticket</p>"
    assert form["host_calls"] == 3  # config_get, db_query, log
    path.write_bytes(b"no database, but long enough to be one" * 20)
    done = run("call", "dashboard", "widget_tickets", "{}", *options)
    assert "file is not a database" in done.err


def test_the_log_is_shown_from_a_level_up() -> None:
    # there is no table of tickets, which the host's log says
    line = ("call", "dashboard", "widget_tickets", "{}")
    assert "error: host_call db_query failed: " in run(*line).err
    assert run(*line, "--log", "none").err == ""


@pytest.mark.parametrize("language", ["c", "go", "assemblyscript"])
def test_plugins_of_several_toolchains_register_and_answer(language: str) -> None:
    guest = GUESTS / language / "workshop.wasm"
    line = ("call", guest, "stats", '{"numbers": [1, 2, 6]}', "--json")
    form = run(*line).form
    assert (form["result"]["count"], form["result"]["mean"]) == (3, 3)
    assert form["pages"] <= 256
    if language != "go":  # which takes seconds to load
        assert run("register", guest, "--json").form["name"] == "workshop"


def test_no_result_is_null(tmp_path: Path) -> None:
    path = answering(tmp_path, b"", "i64.const 0")
    assert run("call", path, "f").out == "null\n"
    assert run("call", path, "f", "--json").form["result"] is None


def test_stats_go_to_standard_error() -> None:
    done = run("call", "hello", "hello", "--stats")
    assert done.out == '{"message": "Hello, World!"}\n'
    assert done.err.endswith("; 2 pages; 0 calls of the host\n")


def test_an_unknown_function_is_the_plugins_answer_with_a_hint(odd: Path) -> None:
    done = run("call", odd, "widget_tikets")
    assert (done.code, json.loads(done.out)) == (0, {"error": "unknown function: widget_tikets"})
    assert done.err == (
        "Hint: the plugin has no function 'widget_tikets'; did you mean 'widget_tickets'?\n"
    )
    assert run("call", odd, "quite_another").err == ""


# -- what a result may hold


def test_what_a_stream_cannot_encode_is_escaped_as_json_does(tmp_path: Path) -> None:
    path = answering(tmp_path, '"\u00e9\U0001f410"'.encode())
    assert run("call", path, "f", charset="ascii").out == '"\\u00e9\\ud83d\\udc10"\n'
    assert run("call", path, "f").out == '"\u00e9\U0001f410"\n'
    assert run("call", path, "f", "--json").form["result"] == "\u00e9\U0001f410"


def test_a_result_gives_the_terminal_no_orders(tmp_path: Path) -> None:
    path = answering(tmp_path, '"\u009b31m\u202e\x7f"'.encode())
    done = run("call", path, "f")
    assert done.out == '"\\u009b31m\\u202e\\u007f"\n'
    assert json.loads(done.out) == "\u009b31m\u202e\x7f"


def test_a_deep_result_is_printed(tmp_path: Path) -> None:
    path = answering(tmp_path, DEEP)
    assert run("call", path, "f").out.encode() == DEEP + b"\n"
    done = run("call", path, "f", "--json")
    assert done.code == 0
    assert DEEP.decode() in done.out


def test_on_a_terminal_a_result_is_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pywasmgk.cli.output.on_terminal", lambda: True)
    assert run("call", "hello", "hello").out == '{\n  "message": "Hello, World!"\n}\n'
    assert run("call", "hello", "hello", "--json").form["result"] == {"message": "Hello, World!"}


# -- what goes wrong


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing-like-it", "f"), "no file or example is named 'nothing-like-it'"),
        (("helo", "f"), "no file or example is named 'helo'; did you mean 'hello'?"),
        (("hello",), "Missing argument 'FUNCTION'"),
        (("hello", "hello", "{bad"), "the argument is no JSON: "),
        (("hello", "hello", "{}", "more"), "unexpected extra argument (more)"),
        (("hello", "hello", "--fuel", "-1"), "expected at least 0, found -1"),
        (("hello", "hello", "--fuel", "lots"), "expected instructions or 'none', found 'lots'"),
        (("hello", "hello", "--memory", "70000"), "expected 0 to 65536, found 70000"),
        (("hello", "hello", "--memory", "1.5"), "expected pages or 'none', found '1.5'"),
        (("hello", "hello", "--timeout", "0"), "expected 0.001 to 1e+09, found 0"),
        (("hello", "hello", "--timeout", "nan"), "expected 0.001 to 1e+09, found nan"),
        (("hello", "hello", "--engine", "steam"), "'steam' is not one of 'auto', "),
        (("hello", "hello", "--config", "novalue"), "expected NAME=VALUE, found 'novalue'"),
        (("hello", "hello", "--feul", "3"), "--fuel"),
    ],
)
def test_a_wrong_line_ends_with_two(words: tuple[str, ...], message: str) -> None:
    done = run("call", *words)
    assert (done.code, done.out) == (2, "")
    assert message.lower() in done.err.lower()
    form = run("call", *words, "--json")
    assert form.code == 2
    assert form.form["error"]["type"] == "UsageError"
    assert message.lower() in form.form["error"]["message"].lower()


def test_bad_json_on_standard_input() -> None:
    done = run("call", "hello", "hello", "-", stdin=b"\xff{")
    assert done.code == 2
    assert "in standard input" in done.err


def test_a_folder_is_no_plugin(tmp_path: Path) -> None:
    done = run("call", tmp_path, "f")
    assert (done.code, "is a folder" in done.err) == (2, True)


def test_a_file_beside_it_is_hinted_at(odd: Path) -> None:
    done = run("call", odd.with_name("mode.wasm"), "f")
    assert done.code == 2
    assert f"did you mean {str(odd)!r}?" in done.err


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (b"", "DecodeError", "unexpected end of a file of 0 bytes"),
        (b"(module)", "DecodeError", "this is WebAssembly text"),
        (ADD, "ContractError", "plugin missing gk_register export"),
        (plugin(b"", manifest=b"[]"), "ManifestError", "gk_register failed: parse manifest"),
    ],
)
def test_no_plugin(tmp_path: Path, data: bytes, kind: str, message: str) -> None:
    path = tmp_path / "bad.wasm"
    path.write_bytes(data)
    for command in (("call", path, "f"), ("register", path)):
        done = run(*command)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("Error: bad.wasm: ")
        assert message in done.err
        form = run(*command, "--json")
        assert form.code == 1
        assert form.form["error"]["type"] == kind
        assert form.form["host_calls"] == 0


def test_a_trap(tmp_path: Path) -> None:
    path = answering(tmp_path, b"", "unreachable")
    done = run("call", path, "f")
    assert done.code == 1
    start = "Error: made.wasm: gk_call failed: wasm error: unreachable\n  $gk_call at 0x"
    assert done.err.startswith(start)
    form = run("call", path, "f", "--json").form
    assert form["error"]["type"] == "CallError"
    assert form["error"]["cause"] == "Trap"
    assert form["error"]["code"] == "UNREACHABLE"
    assert [frame["name"] for frame in form["error"]["frames"]] == ["gk_call"]
    assert form["fuel"] > 0
    assert form["pages"] == 4


ENDLESS = ("loop _", "br 0", "end", "unreachable")


def test_out_of_fuel(tmp_path: Path) -> None:
    path = answering(tmp_path, b"", *ENDLESS)
    done = run("call", path, "f", "--fuel", "5000")
    assert done.code == 1
    assert "Hint: --fuel N or --fuel none lets it run longer.\n" in done.err
    form = run("call", path, "f", "--fuel", "5000", "--json").form
    assert (form["error"]["cause"], form["fuel"]) == ("OutOfFuel", 5000)


def test_a_timeout(tmp_path: Path) -> None:
    path = answering(tmp_path, b"", *ENDLESS)
    done = run("call", path, "f", "--timeout", "0.05")
    assert done.code == 1
    assert "Hint: --timeout SECONDS" in done.err
    form = run("call", path, "f", "--timeout", "0.05", "--json").form
    assert form["error"]["type"] == "CallTimeout"
    assert form["error"]["cause"] == "DeadlineExceeded"


def test_too_little_memory() -> None:
    done = run("call", "hello", "hello", "--memory", "1")
    assert done.code == 1
    assert "over limit of 1 pages" in done.err
    assert done.err.endswith("Hint: --memory-limit 2 lets it in.\n")
    assert run("call", "hello", "hello", "--memory-limit", "2").code == 0


def test_a_result_that_is_no_json(tmp_path: Path) -> None:
    path = answering(tmp_path, b"Hi!")
    done = run("call", path, "f", "--json")
    assert (done.code, done.form["error"]["type"]) == (1, "ResultError")


def test_limits_can_be_lifted() -> None:
    line = ("call", "hello", "hello", "--fuel", "none", "--memory", "none", "--timeout", "none")
    assert run(*line).code == 0


# -- register


def test_a_manifest_in_text() -> None:
    done = run("register", "dashboard")
    assert done.code == 0
    assert done.out.startswith("name         dashboard\nversion      1.0.0\n")
    assert "\nwidgets:\n  id: tickets, title: " in done.out


def test_the_json_form_of_register_is_the_manifest() -> None:
    form = run("register", "dashboard", "--json").form
    assert list(form)[:2] == ["name", "version"]
    assert form["widgets"][0]["handler"] == "widget_tickets"


def test_unknown_keys_are_hinted_at(tmp_path: Path) -> None:
    path = tmp_path / "odd.wasm"
    path.write_bytes(plugin(b"", manifest=b'{"name": "Odd Name", "wigdets": []}'))
    assert run("register", path).err == "Hint: no manifest has wigdets.\n"
    strict = run("register", path, "--strict")
    assert strict.code == 1
    assert "must match" in strict.err
    path.write_bytes(plugin(b"", manifest=b'{"name": "odd", "version": "1", "wigdets": []}'))
    strict = run("register", path, "--strict")
    assert (strict.code, strict.out) == (1, "")
    assert "no manifest has wigdets" in strict.err


# -- examples


def test_examples_are_listed() -> None:
    done = run("examples")
    names = ["dashboard", "feeds", "hello", "mailer", "tickets"]
    assert [line.split()[0] for line in done.out.splitlines()] == names
    form = run("examples", "--json").form["examples"]
    assert [item["name"] for item in form] == names
    assert all(item["size"] > 1000 and item["description"] for item in form)
