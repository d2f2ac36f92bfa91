"""The folder that static hosts serve, and the command that serves it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest
from cli_guests import run

import pywasmgk
from pywasmgk.errors import HostError
from pywasmgk.playground.building import _SITE, PYODIDE_FILES, build, policy

ROOT = Path(pywasmgk.__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that was built, with files that stand for Pyodide's."""
    pyodide = tmp_path_factory.mktemp("pyodide")
    for name in PYODIDE_FILES:
        (pyodide / name).write_text(name)
    target = tmp_path_factory.mktemp("site")
    sizes = build(target, pyodide)
    assert sizes["pyodide/pyodide.mjs"] == len("pyodide.mjs")
    assert set(sizes) >= {"index.html", "worker.js", "js/main.js", "python.zip", "browser_glue.js"}
    return target


def test_a_folder_without_pyodide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"has no pyodide\.mjs"):
        build(tmp_path / "site", tmp_path)
    assert "is no folder of a playground" in run("playground", str(tmp_path)).err


def test_the_archive_is_enough_and_the_same_each_time(site: Path, tmp_path: Path) -> None:
    """Without anything that is installed, it answers."""
    program = """if True:
        import sys
        sys.path.insert(0, sys.argv[1])
        from pywasmgk.playground.session import Session
        session = Session()
        text = '(module (func (export "f") (result i32) (i32.const 42)))'
        session.do({"do": "open", "text": text})
        session.do({"do": "begin", "export": "f", "words": [], "limits": {}})
        print(session.do({"do": "go", "way": "run"})["value"]["state"]["results"])
        import pywasmgk.compat.wasm_bindgen, pywasmgk.wasm.engines.browser
        print(session.do({"do": "call", "export": "f", "words": [], "limits": {}}))
    """
    command = [sys.executable, "-I", "-S", "-c", program, str(site / "python.zip")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout.startswith("['42']\n") and "'results': ['42']" in done.stdout
    with zipfile.ZipFile(site / "python.zip") as archive:
        names = archive.namelist()
        assert {entry.date_time[0] for entry in archive.infolist()} == {2020}
    assert not [name for name in names if name.startswith(("pywasmgk/cli", "pywasmgk/docs"))]


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    texts = [path for path in _SITE.rglob("*") if path.suffix in (".html", ".css", ".js")]
    assert len(texts) > 10
    for path in texts:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"https?://|//cdn", text) == [], path.name
        # what makes markup of text, or code
        words = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
        assert re.findall(words, text) == [], path.name
    page = (_SITE / "index.html").read_text("utf-8")
    assert re.findall(r"\s(?:on\w+|style)=", page) == []


def test_every_id_that_the_scripts_ask_for_is_on_the_page() -> None:
    page = (_SITE / "index.html").read_text("utf-8")
    known = set(re.findall(r'\bid="([\w-]+)"', page))
    asked = {
        name
        for path in (_SITE / "js").glob("*.js")
        for name in re.findall(r'\bfind\("([\w-]+)"\)', path.read_text("utf-8"))
    }
    assert len(asked) > 20 and asked <= known


def test_the_policy_is_strict() -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in policy().split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe-inline" not in policy() and "http" not in policy()
    assert run("playground", "--policy").out == policy() + "\n"
    assert run("playground", "--policy", "--json").form == {"policy": policy()}


def test_it_is_served_to_this_machine_under_the_policy(site: Path) -> None:
    command = [sys.executable, "-m", "pywasmgk", "playground", str(site), "--json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        assert address.startswith("http://127.0.0.1:")
        for name, kind in (("", "text/html"), ("js/main.js", "text/javascript")):
            with urllib.request.urlopen(address + name) as answer:
                assert answer.headers["Content-Type"] == kind
                assert answer.headers["Content-Security-Policy"] == policy()
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
        with pytest.raises(urllib.error.HTTPError) as found:
            urllib.request.urlopen(f"{address}../../etc/passwd")
        found.value.close()
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    finally:
        process.kill()
        process.communicate()
