"""``pack``, ``unpack``, ``keygen``, ``sign``, ``verify``, ``install``, ``update``, ``search``."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="the extra packages is not installed")
pytest.importorskip("cryptography", reason="the extra packages is not installed")

from archives import YAML, folder
from cli_guests import run
from plugin_guests import guest


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRUSTED_KEYS", "REQUIRE_SIGNATURES", "SIGNING_KEY", "PLUGINS_DIR"):
        monkeypatch.delenv(f"GOATFLOW_{name}", raising=False)
    monkeypatch.delenv("PYWASMGK_INDEX", raising=False)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for version in ("1.0.0", "1.1.0"):
        yaml = YAML.replace("1.2.0", version) + "description: Counts\n"
        plugin = folder(tmp_path / version, yaml)
        assert run("pack", plugin, "--out", shelf / f"{version}.zip").code == 0
    return shelf


def test_from_a_folder_to_an_installed_plugin(tmp_path: Path, shelf: Path) -> None:
    plugins = tmp_path / "plugins"
    there = ("--index", shelf)
    assert run("search", "counts", *there) == (0, "stats 1.1.0  Counts\n", "")
    assert run("search", "nothing", *there) == (0, "", "nothing found\n")
    into = (*there, "--into", plugins)
    assert run("install", "stats@1.0.0", *into) == (0, f"stats 1.0.0: {plugins / 'stats'}\n", "")
    found = run("install", "stats", *into)
    assert found.code == 1 and "installed already, in version 1.0.0" in found.err
    assert run("update", "--check", *into) == (0, "stats 1.0.0 -> 1.1.0\n", "")
    assert run("update", *into) == (0, "stats 1.0.0 -> 1.1.0\n", "")
    assert run("update", *into) == (0, "", "nothing is newer\n")
    assert (plugins / "stats" / "stats.wasm").is_file()
    found = run("unpack", shelf / "1.0.0.zip", "--into", plugins)
    assert found.code == 1 and "there already" in found.err
    found = run("unpack", shelf / "1.0.0.zip", "--into", plugins, "--replace", "--json")
    assert found.form["plugins"][0]["version"] == "1.0.0"
    found = run("install", "stat", *into)
    assert found.code == 1 and "did you mean" in found.err


def test_packing_tells_where_two_manifests_differ(tmp_path: Path) -> None:
    module = guest({"name": "stats", "version": "1.2.0"})
    same = folder(tmp_path / "same", stats__wasm=module)
    assert run("pack", same).err == ""
    assert run("pack", same, "--json").form["differences"] == []
    yaml = YAML.replace("1.2.0", "1.3.0").replace("stats", "counts")
    other = run("pack", folder(tmp_path / "other", yaml, counts__wasm=module))
    assert other.code == 0
    assert other.err.splitlines() == [
        "Warning: plugin.yaml has the name counts, the module's manifest 'stats'",
        "Warning: plugin.yaml has the version 1.3.0, the module's manifest '1.2.0'",
    ]


def test_packing_says_where(tmp_path: Path) -> None:
    plugin = folder(tmp_path / "stats")
    found = run("pack", plugin, "--json").form
    assert found["path"] == str(plugin / "dist" / "stats-1.2.0.zip")
    assert (found["name"], found["version"], found["runtime"]) == ("stats", "1.2.0", "wasm")
    found = run("pack", tmp_path)
    assert found.code == 1 and "failed to read plugin.yaml" in found.err


def test_signed_and_verified(tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "key"
    public = run("keygen", secret).out.removeprefix("public: ").strip()
    assert len(public) == 64
    if os.name == "posix":
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    found = run("keygen", secret)
    assert found.code == 1 and "there already" in found.err and "Errno" not in found.err
    assert run("verify", shelf / "1.0.0.zip", "--trust", f"{secret}.pub").code == 1
    # a file needs no index
    assert run("install", shelf / "1.0.0.zip", "--into", tmp_path / "files").code == 0
    package = shelf / "1.1.0.zip"
    found = run("sign", package, "--key", secret)
    assert found == (0, f"{package}.sig\n{package}.sig.json\n", "")
    found = run("verify", package, "--trust", public)
    assert found.code == 0 and found.out.endswith(", as stats 1.1.0\n")
    strict = ("--index", shelf, "--into", tmp_path / "plugins", "--require-signatures")
    assert run("install", "stats@1.0.0", *strict, "--trust", public).code == 1
    assert run("install", "stats", *strict, "--trust", public).code == 0
    package.write_bytes(package.read_bytes() + b"\0")
    found = run("verify", package, "--trust", public)
    assert found.code == 1 and "of other bytes" in found.err
    other = run("keygen", "--json").form
    found = run("verify", package, "--trust", other["public"], "--json")
    assert found.code == 1 and "no matching trusted key" in found.form["files"][0]["error"]
    monkeypatch.setenv("GOATFLOW_SIGNING_KEY", other["private"])
    module = tmp_path / "1.0.0" / "stats.wasm"
    assert run("sign", module) == (0, f"{module}.sig\n", "")
    monkeypatch.setenv("GOATFLOW_TRUSTED_KEYS", other["public"])
    found = run("verify", module)
    assert found == (0, f"{module}: signed by {other['id']}\n", "")
    assert run("sign", module, "--release", "stats@9").out.count("\n") == 2
    assert run("verify", module, "--json").form["files"][0]["version"] == "9"


def test_lines_that_cannot_be_meant(tmp_path: Path) -> None:
    module = tmp_path / "x.wasm"
    module.write_bytes(b"")
    assert run("sign", module).code == 2
    assert run("verify", module).code == 2
    assert run("search", "x").code == 2
    assert run("verify", module, "--trust", "abc").code == 1
    found = run("verify", module, "--trust", "no.pub")
    assert found.code == 2 and "no file 'no.pub'" in found.err
    assert "PYWASMGK_INDEX" in run("install", "x").err
