"""The embedded examples, as Python finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywasmgk import examples


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the package's own, with two examples."""
    for name in ("hello.wasm", "hello.c", "board.wasm"):
        (tmp_path / name).write_bytes(name.encode())
    monkeypatch.setattr(examples, "files", lambda package: tmp_path)
    return tmp_path


def test_names_are_those_of_the_modules(shelf: Path) -> None:
    assert examples.names() == ["board", "hello"]


def test_an_example_is_bytes(shelf: Path) -> None:
    assert examples.read("board") == b"board.wasm"


def test_a_near_miss_is_hinted_at(shelf: Path) -> None:
    expected = r"no example is named 'helo'; did you mean 'hello'\? \(there: board, hello\)"
    with pytest.raises(LookupError, match=expected):
        examples.read("helo")


@pytest.mark.parametrize("name", ["", "../hello", "hello.wasm", "nothing like it"])
def test_other_names_lead_nowhere(shelf: Path, name: str) -> None:
    with pytest.raises(LookupError, match=r"there: board, hello\)"):
        examples.read(name)


def test_an_empty_shelf_says_so(shelf: Path) -> None:
    for path in shelf.glob("*.wasm"):
        path.unlink()
    with pytest.raises(LookupError, match="none is installed"):
        examples.read("hello")


def test_every_example_of_the_package_has_its_source() -> None:
    folder = Path(str(examples.files("pywasmgk.examples")))
    for name in examples.names():
        assert (folder / f"{name}.c").exists()
        assert examples.read(name).startswith(b"\0asm")
