"""The teaching notebooks are run in a kernel: as they ship, with wrong answers, with right ones."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from notebook_outputs import EXPECTED, kernel, outline, structure
from notebook_solutions import BOOKS

import pywasmgk
from pywasmgk import notebook
from pywasmgk.examples import notebooks
from pywasmgk.examples.notebooks import check


def opened(name: str) -> Any:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
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
        assert structure(book.cells) == json.loads(EXPECTED.read_text("utf-8"))[name]
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
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
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


# -- how outputs are compared


def displayed(html: str) -> str:
    data = {"text/html": html, "text/plain": "text"}
    cell = {"cell_type": "code", "outputs": [{"output_type": "display_data", "data": data}]}
    return structure([cell])[0][0]


def test_what_is_always_the_same_of_outputs() -> None:
    book = notebook.html(pywasmgk.Module("(module)"))
    assert displayed(book) == displayed(book.replace("8 bytes", "9 bytes"))
    for other in (
        book.replace("wg-title", "wg-head"),
        book.replace("Module", "Instance"),
        book.replace("</table>", "</table><table></table>", 1),
    ):
        assert displayed(book) != displayed(other)
    # of rows there may be more, of code anything
    assert outline("<ul><li>1</li><li>b</li></ul><pre>a</pre>") == "ul(li) pre"
    assert outline("<table><tr><th>a 7</th></tr><tr><td></td></tr></table>") == (
        "table(tr(th('a #')) tr(td))"
    )
    texts = [{"output_type": "stream", "name": "stdout", "text": text} for text in ("a 1\n", "b")]
    assert structure([{"cell_type": "code", "outputs": texts}]) == [["stdout: a # b"]]


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
