"""``call`` with hosts: one's own from a Python file, the web, and on whose behalf."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_guests import run

from pywasmgk.cli import hosts
from pywasmgk.errors import HostError

WORKSHOP = Path(__file__).parents[1] / "guests" / "c" / "workshop.wasm"
HOST = """
from pywasmgk import HostAPI

class Own(HostAPI):
    def translate(self, ctx, key, args):
        return f"{key} for {ctx.user_id} of {ctx.org_id} in {ctx.language}"

ready = Own()
def make():
    return Own()
nothing = None
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own_host.py"
    path.write_text(HOST)
    return path


@pytest.mark.parametrize("name", ["Own", "ready", "make"])
def test_a_host_of_ones_own(file: Path, name: str) -> None:
    words = ("--org", "7", "--user", "12", "--language", "de")
    done = run(
        "call",
        WORKSHOP,
        "translate",
        '{"key": "hi", "args": []}',
        "--host",
        f"{file}:{name}",
        *words,
    )
    assert done.code == 0, done.err
    assert "hi for 12 of 7 in de" in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--host", "{file}"), "expected FILE.py:NAME"),
        (("--host", "{file}:Other"), "has no 'Other'"),
        (("--host", "{file}:nothing"), "has no 'nothing'"),
        (("--host", "missing.py:Own"), "there is no Python file 'missing.py'"),
        (("--host", "{file}:Own", "--http"), "are for the usual host, not --host"),
    ],
)
def test_a_host_that_cannot_be_had(file: Path, words: tuple[str, ...], message: str) -> None:
    done = run("call", "hello", "hello", *(word.format(file=file) for word in words))
    assert done.code == 2
    assert message in " ".join(done.err.split())


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers by the path."""

    def do_GET(self) -> None:
        self.send_response({"/gone": 410, "/away": 302}.get(self.path, 200))
        if self.path == "/away":
            self.send_header("Location", "ftp://127.0.0.1/x")
        self.end_headers()
        self.wfile.write(b"x" * (11 << 20) if self.path == "/large" else b"here")

    def log_message(self, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def web() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_web_answers(web: str) -> None:
    assert hosts.fetch("", web, {}, None, 10.0) == (200, b"here")
    assert hosts.fetch("GET", f"{web}/gone", {"A": "b"}, None, None)[0] == 410


@pytest.mark.parametrize(
    ("path", "message"),
    [("/large", "more than"), ("/away", "only http and https")],
)
def test_what_the_web_does_not_answer(web: str, path: str, message: str) -> None:
    with pytest.raises(HostError, match=message):
        hosts.fetch("GET", web + path, {}, None, 10.0)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://a/b", "", "http://[", "http://"])
def test_only_addresses_of_the_web(url: str) -> None:
    with pytest.raises(HostError):
        hosts.fetch("GET", url, {}, None, 1.0)


def test_a_plugin_asks_the_web_only_where_it_may(web: str) -> None:
    argument = f'{{"url": "{web}/gone"}}'
    without = run("call", WORKSHOP, "fetch", argument)
    assert "404" in without.out
    assert "410" in run("call", WORKSHOP, "fetch", argument, "--http").out
