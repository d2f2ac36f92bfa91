"""The command line keeps a cache unasked, in the user's own folder, and says nothing of it."""

from __future__ import annotations

import gc
import os
import stat
import sys
from pathlib import Path

import pytest
from cli_guests import ADD, run

from pywasmgk.wasm.cache import directory
from pywasmgk.wasm.cache.directory import user_directory


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the user's in which there is nothing yet."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("PYWASMGK_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def add(tmp_path: Path) -> Path:
    path = tmp_path / "add.wasm"
    path.write_bytes(ADD)
    return path


def add_seven(path: Path, *options: str | Path) -> None:
    """Runs a module, which must go well and in silence."""
    done = run("run", path, "f", "3", "4", *options)
    assert (done.code, done.out, done.err) == (0, "7\n", "")
    gc.collect()


def kept(folder: Path) -> int:
    return len(list(folder.glob("*.code")))


def test_it_is_kept_unasked(home: Path, add: Path) -> None:
    for _ in range(2):
        add_seven(add)
    folder = home / ".cache" / "pywasmgk"
    assert kept(folder) == 1
    if hasattr(os, "geteuid"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert run("call", "hello", "hello", "{}").code == 0
    assert run("register", "hello").code == 0
    gc.collect()
    assert kept(folder) == 2


def test_options_and_the_environment_come_first(
    home: Path, add: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_seven(add, "--no-cache")
    add_seven(add, "--cache-dir", tmp_path / "given")
    monkeypatch.setenv("PYWASMGK_CACHE", str(tmp_path / "environment"))
    add_seven(add)
    add_seven(add, "--no-cache")
    monkeypatch.setenv("PYWASMGK_CACHE", "")
    add_seven(add)
    assert list(home.iterdir()) == []
    assert kept(tmp_path / "given") == kept(tmp_path / "environment") == 1


def test_what_excludes_each_other(home: Path, add: Path, tmp_path: Path) -> None:
    done = run("run", add, "f", "3", "4", "--cache-dir", tmp_path / "c", "--no-cache")
    assert done.code == 2 and "exclude each other" in done.err


def test_a_folder_that_was_asked_for_must_be_good(home: Path, add: Path, tmp_path: Path) -> None:
    done = run("run", add, "f", "3", "4", "--cache-dir", add)
    assert done.code == 1 and "no cache in" in done.err


@pytest.mark.parametrize("obstacle", ["file", "no home", "others", "read only"])
def test_where_there_is_none_to_be_had_it_does_without(
    home: Path, add: Path, obstacle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if obstacle == "file":
        (home / ".cache").write_bytes(b"")
    elif obstacle == "no home":
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    elif obstacle == "others":
        if not hasattr(os, "geteuid"):
            return  # no owners of files here
        (home / ".cache" / "pywasmgk").mkdir(parents=True)
        (home / ".cache" / "pywasmgk").chmod(0o777)
    else:
        refusal = PermissionError(13, "Read-only file system")
        monkeypatch.setattr(Path, "mkdir", lambda *args, **more: (_ for _ in ()).throw(refusal))
    add_seven(add)
    assert list(home.rglob("*.code")) == []


def test_validate_looks_for_itself(
    home: Path, add: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYWASMGK_CACHE", str(tmp_path / "environment"))
    assert run("validate", add).out == f"{add}: valid\n"
    assert not (tmp_path / "environment").exists()


@pytest.mark.parametrize(
    ("platform", "variable", "below"),
    [
        ("linux", "XDG_CACHE_HOME", ".cache/pywasmgk"),
        ("freebsd14", "XDG_CACHE_HOME", ".cache/pywasmgk"),
        ("darwin", None, "Library/Caches/pywasmgk"),
        ("win32", "LOCALAPPDATA", "AppData/Local/pywasmgk"),
    ],
)
def test_where_it_is(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    variable: str | None,
    below: str,
) -> None:
    monkeypatch.setattr(directory.sys, "platform", platform)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    assert user_directory() == home / below
    if variable is None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert user_directory() == home / below
        return
    monkeypatch.setenv(variable, str(tmp_path / "caches"))
    assert user_directory() == tmp_path / "caches" / "pywasmgk"
    # a relative path is to be ignored, says the specification of base directories
    monkeypatch.setenv(variable, "caches")
    assert user_directory() == home / below
