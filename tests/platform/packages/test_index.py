"""Installing and updating from a folder of packages (contract part 6, 5.3)."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="the extra packages is not installed")
pytest.importorskip("semver", reason="the extra packages is not installed")
pytest.importorskip("cryptography", reason="the extra packages is not installed")

from archives import MODULE, archive

from pywasmgk.errors import PackageError, SignatureError
from pywasmgk.platform.packages import (
    PackageIndex,
    PrivateKey,
    Trust,
    installed,
    sign,
    sign_release,
)

case = pytest.mark.case
KEY, OTHER = PrivateKey(bytes(range(32))), PrivateKey(bytes(32))
NOBODY = Trust()


def publish(
    folder: Path, name: str, version: str, needs: str = "", *, key: PrivateKey | None = None
) -> Path:
    folder.mkdir(exist_ok=True)
    yaml = f"name: {name}\nversion: {version}\nruntime: wasm\ndescription: The {name} plugin\n"
    data = archive((f"{name}.wasm", MODULE), yaml=yaml + needs, module=False)
    path = folder / f"{name}-{version}.zip"
    path.write_bytes(data)
    if key is not None:
        Path(f"{path}.sig.json").write_bytes(sign_release(data, name, version, key))
    return path


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    shelf = tmp_path / "shelf"
    for version in ("1.9.0", "1.10.0", "1.10.0-rc.1"):
        publish(shelf, "stats", version)
    publish(shelf, "mailer", "0.1", "dependencies: [templates, stats]\n")
    publish(shelf, "templates", "2.0.0", "dependencies: [stats]\n")
    (shelf / "broken.zip").write_bytes(b"PK")
    (shelf / "notes.txt").write_bytes(b"")
    return shelf


def versions(plugins: Path) -> dict[str, str]:
    return {name: one.manifest.version for name, one in installed(plugins).items()}


def test_the_newest_of_each_name_is_found(shelf: Path) -> None:
    index = PackageIndex(shelf, trust=NOBODY)
    found = {one.name: one.version for one in index.search()}
    assert found == {"mailer": "0.1", "stats": "1.10.0", "templates": "2.0.0"}
    assert [one.name for one in index.search("PLUGIN stats")] == ["stats"]
    assert index.search("plugin nowhere") == []


def test_a_version_can_be_named(shelf: Path, tmp_path: Path) -> None:
    index = PackageIndex(shelf, trust=NOBODY)
    assert index.find("stats")[1].version == "1.10.0"
    assert index.find("stats", "1.9")[1].version == "1.9.0"
    assert index.find("stats", "v1.10.0-rc.1")[1].version == "1.10.0-rc.1"
    with pytest.raises(PackageError, match=r"has no version '3', but 1\.9\.0, 1\.10\.0-rc\.1"):
        index.find("stats", "3")
    with pytest.raises(PackageError, match=r"^no package is named 'stat'.*stats"):
        index.find("stat")
    with pytest.raises(PackageError, match=r"^there is no folder"):
        PackageIndex(tmp_path / "nowhere")


def test_what_it_depends_on_comes_first(shelf: Path, tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    made = PackageIndex(shelf, trust=NOBODY).install("mailer", plugins)
    assert [one.manifest.name for one in made] == ["stats", "templates", "mailer"]
    assert versions(plugins) == {"mailer": "0.1", "stats": "1.10.0", "templates": "2.0.0"}
    with pytest.raises(PackageError, match=r"'mailer' is installed already, in version 0\.1"):
        PackageIndex(shelf, trust=NOBODY).install("mailer", plugins)


def test_what_cannot_be_had_installs_nothing(shelf: Path, tmp_path: Path) -> None:
    publish(shelf, "a", "1", "dependencies: [stats, b]\n")
    publish(shelf, "b", "1", "dependencies: [c]\n")
    publish(shelf, "c", "1", "dependencies: [b]\n")
    publish(shelf, "d", "1", "dependencies: [stats, nothing]\n")
    index, plugins = PackageIndex(shelf, trust=NOBODY), tmp_path / "plugins"
    with pytest.raises(PackageError, match=r"^packages depend on each other: a -> b -> c -> b$"):
        index.install("a", plugins)
    with pytest.raises(PackageError, match=r"^no package is named 'nothing'"):
        index.install("d", plugins)
    assert not plugins.exists()


def test_updates_replace_what_is_older(shelf: Path, tmp_path: Path) -> None:
    index, plugins = PackageIndex(shelf, trust=NOBODY), tmp_path / "plugins"
    index.install("stats", plugins, version="1.9.0")
    (found,) = index.updates(plugins)
    assert (found.name, found.installed, found.available) == ("stats", "1.9.0", "1.10.0")
    assert index.update("stats", plugins) is not None
    assert versions(plugins) == {"stats": "1.10.0"}
    assert index.update("stats", plugins) is None
    assert index.updates(plugins) == []
    publish(shelf, "stats", "2.0.0", "dependencies: [base]\n")
    publish(shelf, "base", "1.0.0")
    index.update("stats", plugins)
    assert versions(plugins) == {"base": "1.0.0", "stats": "2.0.0"}
    with pytest.raises(PackageError, match=r"^plugin 'mailer' is not installed"):
        index.update("mailer", plugins)


def test_packages_are_taken_up_with_their_signatures(tmp_path: Path) -> None:
    made = publish(tmp_path / "made", "stats", "1.0.0", key=KEY)
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    index = PackageIndex(shelf, trust=Trust((KEY.public,), releases=True))
    assert index.add(made) == shelf / "stats-1.0.0.zip"
    assert [one.manifest.name for one in index.install("stats", tmp_path / "plugins")] == ["stats"]


@case("W38")
def test_signatures_are_required_of_everything_that_is_installed(tmp_path: Path) -> None:
    shelf, plugins = tmp_path / "shelf", tmp_path / "plugins"
    publish(shelf, "stats", "1.0.0", "dependencies: [base]\n", key=KEY)
    publish(shelf, "base", "1.0.0")
    index = PackageIndex(shelf, trust=Trust((KEY.public,), required=True))
    with pytest.raises(SignatureError, match=r"^failed to read signature file: no base-"):
        index.install("stats", plugins)
    publish(shelf, "base", "1.0.0", key=OTHER)
    with pytest.raises(SignatureError, match=r"no matching trusted key"):
        index.install("stats", plugins)
    assert not plugins.exists()
    path = publish(shelf, "base", "1.0.0", key=KEY)
    assert len(index.install("stats", plugins)) == 2
    # of a signature alone, without what it is of
    Path(f"{path}.sig.json").unlink()
    Path(f"{path}.sig").write_text(sign(path.read_bytes(), KEY))
    assert index.install("base", tmp_path / "others")[0].manifest.name == "base"


@case("W39")
def test_an_old_release_does_not_pass_for_a_new_one(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    old = publish(shelf, "stats", "1.0.0", key=KEY)
    new = publish(shelf, "stats", "2.0.0", key=KEY)
    data = new.read_bytes()
    new.write_bytes(old.read_bytes())
    Path(f"{new}.sig.json").write_bytes(Path(f"{old}.sig.json").read_bytes())
    index = PackageIndex(shelf, trust=Trust((KEY.public,), releases=True))
    # it says what it is, whatever its file is called
    with pytest.raises(PackageError, match=r"has no version"):
        index.install("stats", tmp_path / "plugins", version="2.0.0")
    new.write_bytes(data)
    Path(f"{new}.sig.json").write_bytes(sign_release(data, "stats", "1.0.0", KEY))
    with pytest.raises(SignatureError, match=r"stats 2\.0\.0 was signed as stats 1\.0\.0"):
        index.install("stats", tmp_path / "plugins", version="2.0.0")
