"""Settings and secrets: from files, encrypted where they are kept."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import pytest

from pywasmgk.errors import ConfigError
from pywasmgk.plugin import HostFunctionError
from pywasmgk.services import Secrets, Settings, key_from, new_key

from .conftest import context

OLD, NEW = new_key(), new_key()

# -- settings


def test_settings_come_from_files(tmp_path: Path) -> None:
    table = {"site": {"name": "Goats", "size": 3, "open": True}, "plugins": {"b": {"site.x": "y"}}}
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(table))
    settings = Settings.from_file(file)
    assert settings.get(context("a"), "site.name") == "Goats"
    assert settings.get(context("a"), "site.size") == "3"
    assert settings.get(context("a"), "site.open") == "true"
    assert settings.get(context("b"), "site.x") == "y"
    for key in ("site", "site.x", "plugins.b.site.x", ""):
        with pytest.raises(HostFunctionError, match="is not set"):
            settings.get(context("a"), key)


def test_settings_come_from_toml(tmp_path: Path) -> None:
    pytest.importorskip("tomllib")
    file = tmp_path / "settings.toml"
    file.write_text('[site]\nname = "Goats"\n[plugins.billing.site]\nname = "Kids"\n')
    settings = Settings.from_file(file)
    assert settings.get(context("a"), "site.name") == "Goats"
    assert settings.get(context("billing"), "site.name") == "Kids"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("x.json", "{", "cannot be read"),
        ("x.json", "[]", "must be an object of settings"),
        ("x.json", "[" * 100_000, "cannot be read"),
        ("x.json", '{"plugins": []}', "plugins must be a table of tables"),
        ("x.json", '{"plugins": {"a": 1}}', "the settings of 'a' are no table"),
        ("x.json", '"' + "x" * (5 << 20) + '"', "has more than 4,194,304 bytes"),
    ],
)
def test_files_that_are_no_settings(tmp_path: Path, name: str, text: str, why: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=why):
        Settings.from_file(tmp_path / name)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Settings.from_file(tmp_path / "x.json")


# -- secrets

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pytest.importorskip("cryptography")
    return tmp_path / "secrets.json"


def test_secrets_are_kept_encrypted(file: Path) -> None:
    secrets = Secrets(file, OLD)
    secrets.set(context("a"), "token", "hunter2")
    secrets.set(context("b"), "token", "\ud800 other")
    text = file.read_text()
    assert "hunter2" not in text
    assert base64.b64encode(b"hunter2").decode()[:8] not in text
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = Secrets(file, OLD)
    assert again.get(context("a"), "token") == "hunter2"
    assert again.get(context("b"), "token") == "\ud800 other"
    with pytest.raises(HostFunctionError, match="'x' is not set"):
        again.get(context("a"), "x")
    with pytest.raises(HostFunctionError, match="is not set"):
        again.get(context("c"), "token")
    assert [path.name for path in file.parent.iterdir()] == ["secrets.json"]


def test_the_same_secret_is_never_sealed_the_same(file: Path) -> None:
    secrets = Secrets(file, OLD)
    seen = set()
    for _ in range(10):
        secrets.set(context("a"), "token", "hunter2")
        seen.add(json.loads(file.read_text())["secrets"]["a"]["token"])
    assert len(seen) == 10


@pytest.mark.parametrize(
    ("plugin", "key"), [("b", "token"), ("a", "other")], ids=["another plugin", "another key"]
)
def test_a_sealed_secret_opens_in_its_place_only(file: Path, plugin: str, key: str) -> None:
    Secrets(file, OLD).set(context("a"), "token", "hunter2")
    table = json.loads(file.read_text())
    table["secrets"].setdefault(plugin, {})[key] = table["secrets"]["a"]["token"]
    file.write_text(json.dumps(table))
    with pytest.raises(HostFunctionError, match="cannot be opened"):
        Secrets(file, OLD).get(context(plugin), key)


@pytest.mark.parametrize("sealed", ["", "!", "QQ==", base64.b64encode(bytes(60)).decode(), 5, None])
def test_damaged_secrets_do_not_open(file: Path, sealed: object) -> None:
    file.write_text(json.dumps({"version": 1, "secrets": {"a": {"k": sealed}}}))
    if sealed is None:
        return
    with pytest.raises(HostFunctionError, match="cannot be opened"):
        Secrets(file, OLD).get(context("a"), "k")


def test_keys_are_rotated(file: Path) -> None:
    Secrets(file, OLD).set(context("a"), "token", "hunter2")
    with pytest.raises(HostFunctionError, match="cannot be opened"):
        Secrets(file, NEW).get(context("a"), "token")
    both = Secrets(file, [NEW, OLD])
    assert both.get(context("a"), "token") == "hunter2"
    both.set(context("b"), "x", "y")
    assert both.rotate() == 2
    assert Secrets(file, NEW).get(context("a"), "token") == "hunter2"
    assert Secrets(file, NEW).get(context("b"), "x") == "y"
    before = file.read_bytes()
    with pytest.raises(ConfigError, match="'token' cannot be opened"):
        Secrets(file, OLD).rotate()
    assert file.read_bytes() == before


def test_secrets_have_bounds(file: Path) -> None:
    secrets = Secrets(file, OLD, max_entries=2, max_value=10)
    secrets.set(context("a"), "1", "x")
    secrets.set(context("a"), "2", "x")
    secrets.set(context("a"), "2", "y")
    with pytest.raises(HostFunctionError, match="at most 2 secrets"):
        secrets.set(context("a"), "3", "x")
    secrets.set(context("b"), "3", "x")
    with pytest.raises(HostFunctionError, match="at most 10 characters"):
        secrets.set(context("a"), "1", "x" * 11)


def test_what_cannot_be_written_is_not_kept(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = file.parent / "inner"
    folder.mkdir()
    secrets = Secrets(folder / "secrets.json", OLD)
    folder.rmdir()
    with pytest.raises(HostFunctionError) as caught:
        secrets.set(context("a"), "k", "hunter2")
    assert str(caught.value) == "the secrets failed"
    assert "Traceback" in caplog.text
    with pytest.raises(HostFunctionError, match="is not set"):
        secrets.get(context("a"), "k")


def test_where_keys_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(OLD + "\n")
    monkeypatch.setenv("SOME_KEY", f" {OLD} ")
    assert key_from(file=tmp_path / "key") == key_from(variable="SOME_KEY") == OLD
    with pytest.raises(ConfigError, match="the variable NO_KEY is not set"):
        key_from(variable="NO_KEY")
    with pytest.raises(ConfigError, match="cannot be read"):
        key_from(file=tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="in a file or in a variable"):
        key_from()


def test_keys_and_files_that_are_none(file: Path) -> None:
    for key in ("", "short", OLD[:-1], OLD + "AAAA", "ü" * 44):
        with pytest.raises(ConfigError, match="a key is 32 bytes in base64") as caught:
            Secrets(file, key)
        assert not key or key not in str(caught.value)
    with pytest.raises(ConfigError, match="there must be a key"):
        Secrets(file, [])
    with pytest.raises(ConfigError, match="there is no folder"):
        Secrets(file.parent / "nowhere" / "x.json", OLD)
    for content in ('{"version": 2, "secrets": {}}', '{"version": 1}', "[]", "x"):
        file.write_text(content)
        with pytest.raises(ConfigError, match=r"secrets\.json"):
            Secrets(file, OLD)
