"""Files of plugins: apart, within their quota, and in their folder whatever their keys are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pywasmgk.errors import Cancelled, ConfigError
from pywasmgk.plugin import HostFunctionError
from pywasmgk.services import Files, FolderStore, RemoteStore
from pywasmgk.services.files import FileStore
from pywasmgk.wasm.runtime.metering import CancelToken

from .conftest import context


@pytest.fixture(params=["folder", "fsspec"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    if request.param == "folder":
        return FolderStore(tmp_path)
    pytest.importorskip("fsspec")
    return RemoteStore(f"memory://{request.node.name}")


def test_files_are_kept_apart(store: FileStore) -> None:
    files = Files(store)
    ctx, other = context("a"), context("b")
    files.store(ctx, "k", b"one\n\0\xff", {"content_type": "text/plain", "x": "y"})
    files.store(ctx, "empty", None, None)
    files.store(other, "k", b"two", {})
    assert files.get(ctx, "k") == (b"one\n\0\xff", {"content_type": "text/plain", "x": "y"})
    assert files.get(ctx, "empty") == (b"", None)
    assert files.get(other, "k") == (b"two", None)
    files.store(ctx, "k", b"three", None)
    assert files.get(ctx, "k") == (b"three", None)
    files.delete(ctx, "k")
    with pytest.raises(HostFunctionError, match="there is no file 'k'"):
        files.get(ctx, "k")
    with pytest.raises(HostFunctionError, match="there is no file 'k'"):
        files.delete(ctx, "k")
    assert files.get(other, "k") == (b"two", None)


def test_files_are_listed(store: FileStore) -> None:
    files = Files(store)
    assert files.find(context(), "") == []
    for key in ("b/2", "a/1", "b/1"):
        files.store(context(), key, key.encode(), {"content_type": "t"} if key == "b/1" else None)
    found = files.find(context(), "b/")
    assert [info["key"] for info in found] == ["b/1", "b/2"]
    time = found[0].pop("modified_at")
    assert time.endswith("+00:00")
    assert found[0] == {
        "key": "b/1", "size": 3, "content_type": "t", "metadata": {"content_type": "t"}
    }  # fmt: skip
    assert "metadata" not in found[1]
    assert files.find(context("other"), "") == []


@pytest.mark.parametrize(
    "key",
    [
        *("../x", "/etc/passwd", "..", ".", "a/../../b", "C:\\x", "nul", "x\0y", "\ud800", "-rf"),
        *("a" * 1_000, "\u202e", "~/x", "%2e%2e/x", "x.part"),
    ],
)
def test_no_key_leads_anywhere_else(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    files = Files(FolderStore(folder))
    files.store(context("../../y"), key, b"data", None)
    assert files.get(context("../../y"), key)[0] == b"data"
    assert [path.name for path in tmp_path.iterdir()] == ["files"]
    [mine] = folder.iterdir()
    [file] = mine.iterdir()
    for name in (mine.name, file.name):
        assert len(name) == 64
        int(name, 16)
    if os.name == "posix":
        assert (mine.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_links_are_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b'{"key": "k", "size": 1, "metadata": {}}\nsecret')
    folder = tmp_path / "files"
    folder.mkdir()
    files = Files(FolderStore(folder))
    files.store(context(), "k", b"data", None)
    [mine] = folder.iterdir()
    [file] = mine.iterdir()
    file.unlink()
    file.symlink_to(outside)
    with pytest.raises(HostFunctionError) as caught:
        files.get(context(), "k")
    assert str(caught.value) == "the files failed"
    assert "Traceback" in caplog.text
    files.store(context(), "k", b"mine", None)
    assert b"secret" in outside.read_bytes()
    assert files.get(context(), "k")[0] == b"mine"
    # and neither is one in the place of a plugin's folder
    elsewhere = tmp_path / "elsewhere"
    mine.rename(elsewhere)
    mine.symlink_to(elsewhere)
    for act in (
        lambda: files.get(context(), "k"),
        lambda: files.store(context(), "k", b"x", None),
        lambda: files.delete(context(), "k"),
        lambda: files.find(context(), ""),
    ):
        with pytest.raises(HostFunctionError, match="the files failed"):
            act()


def test_a_plugin_has_a_quota(store: FileStore) -> None:
    files = Files(store, quota=1_000, quotas={"big": 10_000}, max_files=4)
    files.store(context(), "a", b"x" * 500, None)
    with pytest.raises(HostFunctionError, match="may take 1,000 bytes"):
        files.store(context(), "b", b"x" * 400, None)
    files.store(context(), "a", b"x" * 800, None)
    with pytest.raises(HostFunctionError, match="may take 1,000 bytes"):
        files.store(context(), "b", b"", {"x": "y" * 200})
    files.store(context("big"), "b", b"x" * 5_000, None)
    # what is there is counted again
    again = Files(store, quota=1_000, max_files=4)
    with pytest.raises(HostFunctionError, match="may take"):
        again.store(context(), "b", b"x" * 400, None)
    again.delete(context(), "a")
    for key in "bcde":
        again.store(context(), key, b"", None)
    with pytest.raises(HostFunctionError, match="and be 4"):
        again.store(context(), "f", b"", None)


def test_what_is_refused(store: FileStore) -> None:
    files = Files(store)
    for key in ("", "x" * 1_001):
        with pytest.raises(HostFunctionError, match="1 to 1,000 characters"):
            files.store(context(), key, b"", None)
    with pytest.raises(HostFunctionError, match="key and metadata"):
        files.store(context(), "k", b"", {"x": "y" * 20_000})
    files.store(context(), "k", b"", None)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        files.store(context(cancel=token), "k", b"x", None)
    assert files.get(context(), "k")[0] == b""


class Broken(FolderStore):
    """A folder whose disk is full."""

    def write(self, folder: str, name: str, data: bytes) -> None:
        raise OSError(28, "No space left on device", f"/srv/secret/{name}")


def test_a_full_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = Files(Broken(tmp_path), quota=100_000)
    for _ in range(3):
        with pytest.raises(HostFunctionError) as caught:
            files.store(context(), "k", b"x" * 50_000, None)
        # what was not written takes no room
        assert str(caught.value) == "the files failed"
    assert "No space left" in caplog.text


@pytest.mark.parametrize(
    ("options", "why"),
    [({"quota": -1}, "a quota must be bytes, found -1"), ({"quotas": {"a": True}}, "a quota must")],
)
def test_quotas_that_are_none(tmp_path: Path, options: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Files(FolderStore(tmp_path), **options)


def test_places_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="files: there is no folder"):
        FolderStore(tmp_path / "nowhere")
    pytest.importorskip("fsspec")
    with pytest.raises(ConfigError, match="files: the URL cannot be used") as caught:
        RemoteStore("nosuch://user:secret@host/x")
    assert "secret" not in str(caught.value)
