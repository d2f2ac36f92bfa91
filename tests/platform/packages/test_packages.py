"""Packing, checking and extracting packages (contract 5.3)."""

from __future__ import annotations

import io
import os
import stat
import struct
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="the extra packages is not installed")

from archives import MODULE, YAML, archive, folder, link, lying_about_size

from pywasmgk.errors import PackageError
from pywasmgk.platform.packages import (
    Package,
    extract,
    pack,
    parse_package_manifest,
)
from pywasmgk.platform.packages.archive import Bounds

case = pytest.mark.case


def refused(data: bytes, bounds: Bounds | None = None) -> str:
    with pytest.raises(PackageError) as found:
        Package(data) if bounds is None else Package(data, bounds)
    return str(found.value)


def files_of(place: Path) -> dict[str, bytes]:
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file()
    }


# -- there and back


@case("H11")
def test_a_folder_comes_back_as_it_was(tmp_path: Path) -> None:
    plugin = folder(tmp_path / "stats", stats__wasm=MODULE, read__me=b"\0\xff" * 5000)
    (plugin / "assets" / "css").mkdir(parents=True)
    (plugin / "assets" / "css" / "a..b.css").write_bytes(b"p {}")
    path = pack(plugin)
    assert path == plugin / "dist" / "stats-1.2.0.zip"
    package = Package.read(path)
    assert (package.manifest.name, package.manifest.version) == ("stats", "1.2.0")
    found = extract(package, tmp_path / "plugins")
    assert found.folder == tmp_path / "plugins" / "stats"
    assert found.binary == found.folder / "stats.wasm"
    assert found.assets == {"css/a..b.css": found.folder / "assets" / "css" / "a..b.css"}
    path.unlink()
    assert files_of(found.folder) == files_of(plugin)
    assert [one.name for one in (tmp_path / "plugins").iterdir()] == ["stats"]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    plugin = folder(tmp_path / "stats", stats__wasm=MODULE, b__txt=b"b", a__txt=b"a")
    first = pack(plugin).read_bytes()
    os.utime(plugin / "a.txt", (1, 1))
    (plugin / "a.txt").chmod(0o700)
    assert pack(plugin, tmp_path / "again.zip").read_bytes() == first
    # the package that is there already is no part of the next one
    assert pack(plugin).read_bytes() == first


@case("W44")
def test_what_does_not_belong_into_a_package(tmp_path: Path) -> None:
    plugin = folder(tmp_path / "stats", stats__wasm=MODULE, __hidden=b"", targeted__txt=b"kept")
    for name in (".git/config", "node_modules/x/y.js", "src/target/z", "a/__pycache__/b.pyc"):
        (plugin / name).parent.mkdir(parents=True)
        (plugin / name).write_bytes(b"secret")
    (plugin / "assets" / "retarget").mkdir(parents=True)
    (plugin / "assets" / "retarget" / "node_modules.txt").write_bytes(b"kept")
    names = Package.read(pack(plugin, plugin / "own.zip")).archive.names
    kept = ["assets/retarget/node_modules.txt", "plugin.yaml", "stats.wasm", "targeted.txt"]
    assert names == kept
    assert Package.read(pack(plugin, plugin / "own.zip")).archive.names == kept


@case("W44")
@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("target", ["/etc/passwd", "..", "stats.wasm"])
def test_links_are_not_packed(tmp_path: Path, target: str) -> None:
    plugin = folder(tmp_path / "stats")
    (plugin / "link").symlink_to(target)
    with pytest.raises(PackageError, match=r"^link is a symbolic link"):
        pack(plugin)


def test_what_could_not_be_installed_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"^failed to read plugin\.yaml: "):
        pack(tmp_path)
    plugin = folder(tmp_path / "a", yaml="version: 1\n")
    with pytest.raises(PackageError, match=r"^plugin\.yaml missing required 'name' field$"):
        pack(plugin)
    plugin = folder(tmp_path / "b", yaml="name: [\n")
    with pytest.raises(PackageError, match=r"^invalid plugin\.yaml: "):
        pack(plugin)
    plugin = folder(tmp_path / "c", readme__md=b"")
    with pytest.raises(PackageError, match=r"missing .wasm file"):
        pack(plugin)
    assert not (plugin / "dist").exists()
    with pytest.raises(PackageError, match=r"too large"):
        pack(folder(tmp_path / "d"), bounds=Bounds(file_bytes=4))


# -- manifests


def test_fields_are_text_as_written() -> None:
    found = parse_package_manifest(
        b"\xef\xbb\xbfname: stats\nversion: 1.0\nlicense: no\nruntime: WASM\n"
        b"dependencies: [base, base, other]\nresources: {memory_mb: 32}\n"
    )
    assert (found.version, found.license, found.runtime) == ("1.0", "no", "wasm")
    assert found.dependencies == ("base", "other")
    assert found.resources == {"memory_mb": "32"}


@case("W41")
@pytest.mark.parametrize(
    "name", ["..", ".", "a/b", "../x", "/x", "C:", "Stats", "a b", "-a", "\\x1b", "x" * 101]
)
def test_names_lead_nowhere(name: str) -> None:
    with pytest.raises(PackageError, match=r"^invalid plugin\.yaml: name "):
        parse_package_manifest(f'name: "{name}"\n'.encode())
    with pytest.raises(PackageError, match=r"^invalid plugin\.yaml: dependency "):
        parse_package_manifest(f'name: x\ndependencies: ["{name}"]\n'.encode())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"name: x\nname: y\n",
        b"name: {a: b}\n",
        b"? [a]\n: b\n",
        b"a: &x [1]\nname: *x\n",
        b"name: x\ndependencies: y\n",
        b"name: x\nresources: y\n",
        b"name: x\nversion: a/b\n",
        b"name: x\nx: " + b"[" * 40,
        b"name: x\nx: " + b"[" * 30_000,
        b"--- {name: x}\n--- {name: y}\n",
        b"\xff",
        b"name: \x00x",
        b"%YAML 9.9\n---\nname: x",
        b"name: x\n" + b"#" * 70_000,
    ],
)
def test_odd_manifests_are_refused(text: bytes) -> None:
    with pytest.raises(PackageError) as found:
        parse_package_manifest(text)
    assert str(found.value).startswith("invalid plugin.yaml: ")
    assert "\n" not in str(found.value)


def test_aliases_do_not_multiply() -> None:
    bomb = b"a: &a [x]\n" + b"".join(
        b"%c: &%c [*%c, *%c]\n" % (98 + n, 98 + n, 97 + n, 97 + n) for n in range(20)
    )
    with pytest.raises(PackageError, match=r"aliases are not allowed"):
        parse_package_manifest(bomb)


# -- what is refused


@case("H12")
@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/x",
        "//x",
        "a//b",
        "./x",
        "a/./b",
        "..",
        "C:x",
        "a\\b",
        "..\\x",
        "a\nb",
    ],
)
def test_paths_that_lead_out(name: str) -> None:
    assert refused(archive((name, b""))).startswith("archive contains path traversal: ")


@case("W45")
def test_dots_within_names_are_only_dots(tmp_path: Path) -> None:
    package = Package(archive(("a..b.txt", b"1"), ("..c/d...", b"2"), ("...", b"3")))
    found = extract(package, tmp_path)
    assert (found.folder / "..c" / "d...").read_bytes() == b"2"


@case("H12")
def test_links_and_devices() -> None:
    text = "archive contains symbolic links, which are not allowed"
    assert refused(archive((link("x"), b"/etc/passwd"))) == text
    for kind in (stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK):
        assert "neither file nor folder" in refused(archive((link("x", kind), b"")))


@case("H12")
def test_too_many_and_too_large() -> None:
    many = [(f"f{n}", b"") for n in range(999)]
    assert refused(archive(*many)) == "archive contains too many files (max 1000)"
    assert len(Package(archive(*many[1:])).archive.names) == 1000
    zeros = bytes(101 << 20)
    assert refused(archive(("zeros", zeros))).startswith("file zeros too large: 105906176 bytes")
    bounds = Bounds(total_bytes=100)
    assert refused(archive(("x", b"x" * 100)), bounds).startswith(
        "archive too large when extracted: "
    )
    assert "max 8" in refused(archive(), Bounds(archive_bytes=8))


@case("H14", "W42")
def test_a_large_manifest_is_refused_unread() -> None:
    data = archive(yaml=YAML + "#" * 70_000)
    assert refused(data).startswith("file plugin.yaml too large: ")
    # one that says it is small is not read further than that
    assert "size mismatch" in refused(lying_about_size(data, "plugin.yaml", 100))


@case("H12")
@pytest.mark.parametrize("size", [0, 3, 100, 1 << 20])
def test_sizes_that_are_not_true(tmp_path: Path, size: int) -> None:
    package = Package(lying_about_size(archive(("x.bin", b"0123456789" * 4)), "x.bin", size))
    with pytest.raises(PackageError, match=r"^extracted size mismatch for x\.bin: "):
        extract(package, tmp_path / "plugins")
    assert list((tmp_path / "plugins").iterdir()) == []


@case("H15")
def test_a_module_is_needed() -> None:
    text = "package missing .wasm file (required for wasm runtime)"
    assert refused(archive(module=False)) == text
    named = refused(archive(yaml=YAML + "wasm: other.wasm\n"))
    assert named == f"{text}: plugin.yaml names 'other.wasm'"
    assert refused(archive(("x.wat", b""), yaml=YAML + "wasm: x.wat\n")).startswith(text)
    assert Package(archive(yaml="name: x\n", module=False)).binary is None
    assert refused(archive(yaml="name: x\nruntime: lua\n")) == "unsupported runtime type: lua"


@case("W42")
def test_which_module_it_is() -> None:
    two = (("a.wasm", MODULE), ("z.wasm", MODULE))
    assert Package(archive(*two, yaml=YAML + "wasm: a.wasm\n")).binary == "a.wasm"
    assert Package(archive(*two, yaml=YAML + "binary: z.wasm\n")).binary == "z.wasm"
    assert Package(archive(*two)).binary == "stats.wasm"
    assert "2 .wasm files" in refused(archive(*two, module=False))
    assert Package(archive(two[0], module=False)).binary == "a.wasm"


@case("W42")
def test_only_the_manifest_at_the_root_counts() -> None:
    assert refused(archive(("sub/plugin.yaml", YAML.encode()), yaml=None)) == (
        "package missing plugin.yaml"
    )
    assert refused(archive(yaml="version: 1\n")) == "manifest missing required 'name' field"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "entries",
    [
        [("x", b"1"), ("x", b"2")],
        [("x", b"1"), ("X", b"2")],
        [("x", b"1"), ("x/", b"")],
        [("x", b"1"), ("x/y", b"2")],
        [("x/y", b"1"), ("X", b"2")],
    ],
)
def test_no_path_twice(entries: list[tuple[str, bytes]]) -> None:
    assert refused(archive(*entries)).startswith("archive has ")


def test_other_archives() -> None:
    whole = archive()
    for data in (b"", b"PK", MODULE, whole[:-10], b"PK\5\6" + bytes(18)):
        text = refused(data)
        assert text.startswith(("failed to open package: ", "package missing "))
    assert "another method" in refused(archive(compression=zipfile.ZIP_LZMA))
    encrypted = bytearray(whole)
    at = whole.find(b"PK\1\2")
    encrypted[at + 8] |= 1
    assert "encrypted" in refused(bytes(encrypted))


def test_damaged_archives_give_our_errors(tmp_path: Path) -> None:
    whole = archive(("assets/x.bin", bytes(range(256)) * 20))
    for at in range(len(whole)):
        for changed in (whole[at] ^ 0xFF, whole[at] ^ 1):
            data = whole[:at] + bytes([changed]) + whole[at + 1 :]
            try:
                package = Package(data)
                for name in package.archive.names:
                    package.archive.read(name)
            except PackageError:
                continue


def test_a_directory_that_is_too_long_is_not_read() -> None:
    whole = bytearray(archive())
    end = whole.rfind(b"PK\5\6")
    whole[end + 12 : end + 16] = (1 << 30).to_bytes(4, "little")
    assert "a directory of 1073741824 bytes" in refused(bytes(whole))
    whole[end + 10 : end + 12] = b"\xff\xff"
    assert "too many files" in refused(bytes(whole))


def test_numbers_of_64_bits() -> None:
    """A second end that says otherwise, and places that no file has."""
    whole = archive()
    end = whole.rfind(b"PK\5\6")
    second = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1 << 20, 1 << 20, 1 << 30, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    assert refused(whole[:end] + second + locator + whole[end:]).endswith("it is a zip64 archive")
    entry = whole.find(b"PK\1\2")
    name = b"plugin.yaml"
    for place in (1 << 62, 1 << 63, (1 << 64) - 1):
        extra = struct.pack("<HHQ", 1, 8, place)
        head = bytearray(whole[entry : entry + 46])
        struct.pack_into("<H", head, 30, len(extra))
        struct.pack_into("<L", head, 42, 0xFFFFFFFF)
        last = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 46 + len(name + extra), entry, 0)
        assert refused(whole[:entry] + head + name + extra + last)


# -- extracting


@case("W43")
@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_modes_of_the_archive_are_not_taken(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("run")
    entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o6777) << 16
    found = extract(Package(archive((entry, b""))), tmp_path)
    assert stat.S_IMODE((found.folder / "run").stat().st_mode) & 0o7111 == 0


@case("W43")
def test_nothing_of_the_old_one_stays(tmp_path: Path) -> None:
    extract(Package(archive(("old.txt", b"old"))), tmp_path)
    with pytest.raises(PackageError, match=r"^plugin 'stats' is there already$"):
        extract(Package(archive()), tmp_path)
    assert (tmp_path / "stats" / "old.txt").exists()
    extract(Package(archive(("new.txt", b"new"))), tmp_path, replace=True)
    assert sorted(files_of(tmp_path / "stats")) == ["new.txt", "plugin.yaml", "stats.wasm"]
    assert [one.name for one in tmp_path.iterdir()] == ["stats"]


@case("W43")
def test_a_failure_leaves_the_old_one(tmp_path: Path) -> None:
    extract(Package(archive(("old.txt", b"old"))), tmp_path)
    damaged = lying_about_size(archive(("x.bin", b"0123456789")), "x.bin", 3)
    with pytest.raises(PackageError):
        extract(Package(damaged), tmp_path, replace=True)
    assert (tmp_path / "stats" / "old.txt").read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["stats"]


@case("W38")
def test_what_was_read_is_extracted(tmp_path: Path) -> None:
    path = tmp_path / "stats.zip"
    path.write_bytes(archive(("mark", b"first")))
    package = Package.read(path)
    path.write_bytes(archive(("mark", b"second")))
    found = extract(package, tmp_path / "plugins")
    assert (found.folder / "mark").read_bytes() == b"first"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"^failed to open package: "):
        Package.read(tmp_path / "none.zip")
    with pytest.raises(PackageError, match=r"^failed to open package: "):
        Package.read(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PackageError, match=r"^cannot write below "):
        extract(Package(archive()), tmp_path / "file")


def test_archives_of_other_tools(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.mkdir("assets") if sys.version_info >= (3, 11) else made.writestr("assets/", b"")
        made.writestr("assets/x.css", b"p {}")
        made.writestr("plugin.yaml", YAML)
        made.writestr("stats.wasm", MODULE)
        made.comment = b"a comment"
    found = extract(Package(out.getvalue()), tmp_path)
    assert found.assets == {"x.css": found.folder / "assets" / "x.css"}
