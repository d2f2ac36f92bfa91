"""New plugins: every language's project builds and passes its own tests, as its README says."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli_guests import run

from pywasmgk.cli.package_commands import _LANGUAGES
from pywasmgk.errors import PackageError
from pywasmgk.platform.projects import LANGUAGES, create_project

ROOT = Path(__file__).parents[2]
#: as ``build.py`` looks, and where the repository's own tools are
BESIDE = (str(Path(sys.executable).parent), str(ROOT / "node_modules" / ".bin"))
PATH = os.pathsep.join((*BESIDE, os.environ.get("PATH", "")))
ENVIRONMENT = {**os.environ, "PATH": PATH, "PYTHONPATH": str(ROOT)}


def missing(language: str) -> str | None:
    """The tool that a language takes, if it is not there."""
    command = LANGUAGES[language].command
    if command[:3] == ("python", "-m", "ziglang"):
        return None if importlib.util.find_spec("ziglang") else "ziglang"
    if command[0] != "python" and shutil.which(command[0], path=PATH) is None:
        return command[0]
    return "rust's wasm32-unknown-unknown" if language == "rust" and not has_target() else None


def has_target() -> bool:
    """Whether the rustc that cargo calls has a library for the target."""
    compiler = os.environ.get("RUSTC", "rustc")
    question = [compiler, "--print", "target-libdir", "--target", "wasm32-unknown-unknown"]
    try:
        answer = subprocess.run(question, capture_output=True, text=True).stdout.strip()
    except OSError:
        return False
    return Path(answer or "nowhere").is_dir()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_project_does_what_its_readme_says(language: str, tmp_path: Path) -> None:
    if (tool := missing(language)) is not None:
        pytest.skip(f"{tool} is not there")
    folder = tmp_path / "my-plugin"
    create_project("my-plugin", language, folder)
    readme = (folder / "README.md").read_text("utf-8")
    assert LANGUAGES[language].toolchain in readme
    build, test, call, pack = re.findall(r"^```\n(.*?)^```$", readme, re.M | re.S)[0].splitlines()
    for line in (build, test):
        program, *words = shlex.split(line, comments=True)
        assert program == "python"
        if "pytest" in words:
            words += ["-q", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [sys.executable, *words],
            cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=500,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
    module = folder / "my-plugin.wasm"
    said = run(*[str(module) if w.endswith(".wasm") else w for w in shlex.split(call)[1:]])
    assert (said.code, said.out) == (0, '{"hello": {"from": "me"}}\n')
    pytest.importorskip("yaml", reason="the extra packages is not installed")
    assert shlex.split(pack, comments=True) == ["pywasmgk", "pack", "."]
    assert run("pack", folder).code == 0
    assert (folder / "dist" / "my-plugin-0.1.0.zip").is_file()


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_to_be_filled_in(language: str, tmp_path: Path) -> None:
    paths = create_project("my-plugin", language, tmp_path / "p")
    for path in paths:
        assert re.search("@[A-Z]+@", path.read_text("utf-8")) is None, path
    compile((tmp_path / "p" / "build.py").read_text("utf-8"), "build.py", "exec")
    assert {"README.md", "plugin.yaml", "build.py", "test_my_plugin.py", ".gitignore"} < {
        path.name for path in paths
    }


@pytest.mark.parametrize(
    "name",
    [
        *("", "A", "1a", "-a", "a-", "a--b", "a_-b", "a.b", "../a", "a/b", "a b", "a\n", "é"),
        *('a"', "a;DROP", "@ID@", "a" * 41, "a\x1b[31m"),
    ],
)
def test_a_name_that_could_do_harm_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="is no name for a plugin") as caught:
        create_project(name, "c", tmp_path / "p")
    assert "\x1b" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_longest_name_fits_into_all_templates(tmp_path: Path) -> None:
    name = "a" * 19 + "-" + "b" * 20
    create_project(name, "wat", tmp_path / "p")
    text = (tmp_path / "p" / "plugin.wat").read_text("utf-8")
    places = [
        (int(at), sum(len(part) - part.count("\\") for part in re.findall(r'"((?:\\.|[^"])*)"', s)))
        for at, s in re.findall(r"\(data \(i32.const (\d+)\)(.*?\\00\")\)", text, re.S)
    ]
    assert len(places) >= 12
    for (at, size), (following, _) in zip(places, [*places[1:], (4096, 0)], strict=True):
        assert at + size <= following


def test_an_unknown_language_is_told(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="did you mean 'rust'"):
        create_project("a", "rusty", tmp_path / "p")
    assert tuple(LANGUAGES) == _LANGUAGES
    assert run("new", "a", "--lang", "cobol", "--into", tmp_path / "p").code == 2


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine").write_text("mine")
    file = tmp_path / "file"
    file.write_text("")
    for folder, why in ((taken, "is not empty"), (file, "no folder")):
        with pytest.raises(PackageError, match=why):
            create_project("a", "c", folder)
    assert [path.name for path in taken.iterdir()] == ["mine"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]
    empty = tmp_path / "empty"
    empty.mkdir()
    create_project("a", "wat", empty)
    assert (empty / "plugin.wat").is_file()


def test_what_cannot_be_written_whole_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space"):
        create_project("a", "c", tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


def test_the_command_makes_a_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("new", "tickets", "--lang", "wat")
    assert done.code == 0 and done.out.startswith("tickets: ")
    assert (tmp_path / "tickets" / "test_tickets.py").is_file()
    again = run("new", "tickets", "--lang", "wat")
    assert (again.code, again.out) == (1, "")
    assert "the folder tickets is not empty" in again.err
    form = run("new", "tickets", "--lang", "go", "--into", "other", "--json").form
    assert (form["language"], form["folder"]) == ("go", "other")
    assert "contract.go" in form["files"]
