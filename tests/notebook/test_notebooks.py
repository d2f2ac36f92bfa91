"""The teaching notebooks are run in a kernel: as they ship, with wrong answers, with right ones."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from notebook_solutions import BOOKS

import pywasmgk
from pywasmgk.examples import notebooks
from pywasmgk.examples.notebooks import check

ROOT = Path(pywasmgk.__file__).parents[1]


@contextmanager
def kernel(book: Any) -> Iterator[Any]:
    """Who runs the cells of a notebook in a kernel of its own."""
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    client = nbclient.NotebookClient(book, timeout=240, kernel_name="python3")
    with client.setup_kernel(env=environment):
        yield client


def opened(name: str) -> Any:
    nbformat = pytest.importorskip("nbformat")
    book = nbformat.reads(notebooks.read(name), as_version=4)
    nbformat.validate(book)
    return book


def outputs(cell: Any) -> str:
    """What a cell shows, as text."""
    texts = [
        one.get("text") or "".join(one.get("data", {}).get("text/plain", ""))
        for one in cell.get("outputs", ())
    ]
    return "\n".join(texts)


def tagged(book: Any, tag: str) -> list[tuple[int, Any]]:
    return [
        (number, cell)
        for number, cell in enumerate(book.cells)
        if tag in cell.metadata.get("tags", ())
    ]


def test_every_notebook_has_answers() -> None:
    assert notebooks.names() == sorted(BOOKS)
    assert len(BOOKS) == 11
    for name, known in BOOKS.items():
        assert known.shows and known.answers, name
        assert 'outputs": []' in notebooks.read(name)
    with pytest.raises(LookupError, match="did you mean '01-a-module'"):
        notebooks.read("01-a-modul")


@pytest.mark.parametrize("name", sorted(BOOKS))
def test_a_notebook_teaches_what_it_says(name: str) -> None:
    book, known = opened(name), BOOKS[name]
    exercises, checks = tagged(book, "exercise"), tagged(book, "check")
    assert len(exercises) == len(checks) == len(known.answers)
    with kernel(book) as client:
        for number, cell in enumerate(book.cells):
            client.execute_cell(cell, number)
        shown = "\n".join(map(outputs, book.cells))
        for text in known.shows:
            assert text in shown, text
        for _, cell in checks:
            assert re.match(r"Exercise \d: not yet\. Expected: ", outputs(cell))
        for which, verdict in ((1, "not yet"), (0, "right")):
            for (at, cell), (check_at, checking), answer in zip(exercises, checks, known.answers):
                cell.source = answer[which]
                client.execute_cell(cell, at)
                client.execute_cell(checking, check_at)
                assert outputs(checking).startswith(verdict, len("Exercise 1: ")), answer[which]


def test_an_interrupt_of_the_kernel_ends_the_guest_and_nothing_else() -> None:
    nbformat = pytest.importorskip("nbformat")
    cells = [
        "%load_ext pywasmgk",
        '%%wat spinner\n(module (func (export "spin") (loop (br 0)))\n'
        '(func (export "one") (result i32) (i32.const 1)))',
        "%wasm_run spinner spin",
        "spinner.exports.one(), spinner.dead",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    with kernel(book) as client:
        for number in (0, 1):
            client.execute_cell(book.cells[number], number)

        def interrupt() -> None:
            # once it runs: what comes earlier interrupts the kernel's own work
            time.sleep(2)
            os.kill(client.km.provisioner.pid, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(Exception, match="Cancelled"):
            client.execute_cell(book.cells[2], 2)
        thread.join()
        client.execute_cell(book.cells[3], 3)
    assert outputs(book.cells[3]) == "(1, False)"


# -- the check


def test_a_check_says_what_it_expected(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("Exercise 1", ("it holds", lambda: True))
    assert not check("Exercise 2", ("it holds", lambda: 1), ("one is two", lambda: 1 == 2))
    assert not check("Exercise 3", ("no zero", lambda: 1 // 0))
    assert not check("Exercise 4", ("no empty message", lambda: next(iter(()))))
    assert capsys.readouterr().out.splitlines() == [
        "Exercise 1: right",
        "Exercise 2: not yet. Expected: one is two",
        "Exercise 3: not yet. Expected: no zero "
        "(ZeroDivisionError: integer division or modulo by zero)",
        "Exercise 4: not yet. Expected: no empty message (StopIteration: )",
    ]


def test_copies_keep_answers(tmp_path: Path) -> None:
    made = notebooks.copy(tmp_path / "new")
    assert [path.stem for path in made] == notebooks.names()
    made[0].write_text("mine")
    made[1].unlink()
    assert notebooks.copy(tmp_path / "new") == [made[1]]
    assert made[0].read_text() == "mine"
