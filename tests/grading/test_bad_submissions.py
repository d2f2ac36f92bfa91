"""Whatever is handed in gets one verdict, and breaks neither the grader nor its reports."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from graded import PROGRAM, RIGHT, SUM, graded, one, specification

from pywasmgk.errors import PackageError
from pywasmgk.grading import Submission, grade, read_submission, submissions_in
from pywasmgk.grading.reports.writing import write_reports


def _module(*fields: str) -> str:
    return f"(module {' '.join(fields)})"


F = '(func (export "f") (result i32) {})'
BAD = {
    "endless loop": (_module(F.format("(loop (br 0)) i32.const 0")), "TLE"),
    "endless start function": (_module("(func $s (loop (br 0)))", "(start $s)", F), "TLE"),
    "trap in the start function": (_module("(func $s unreachable)", "(start $s)", F), "RTE"),
    "endless recursion": (_module('(func $f (export "f") (result i32) call $f)'), "RTE"),
    "huge memory": (_module("(memory 65536)"), "MLE"),
    "huge table": (_module("(table 100000000 funcref)"), "CE"),
    "segment out of bounds": (
        _module('(memory 1) (data (i32.const 65536) "x")', F.format("i32.const 0")),
        "RTE",
    ),
    "deep nesting": (_module(F.format("(block " * 20_000 + ")" * 20_000 + "i32.const 0")), None),
    "huge function": (_module(F.format("nop " * 100_000 + "i32.const 0")), None),
    "many locals": (_module(f"(func (local {'i64 ' * 60_000}))"), "CE"),
    "no text": (b"\xff\xfe\0\0", "CE"),
    "another language": ("int main(void) { return 0; }", "CE"),
    "empty": (b"", "CE"),
    "truncated": (b"\0asm\1\0\0\0\1\5\1", "CE"),
    "another version": (b"\0asm\2\0\0\0", "CE"),
    "a component": (b"\0asm\x0d\0\1\0", "CE"),
    "a length without end": (b"\0asm\1\0\0\0\1\xff\xff\xff\xff\x0f", "CE"),
    "parentheses": ("(" * 100_000, "CE"),
    "an export with markup": (_module('(func (export "<b>\\1b[31m"))'), "CE"),
    "imports": (_module('(import "<script>" "\\00\\1b" (func))'), "CE"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_file(name: str, tmp_path: Path) -> None:
    source, verdict = BAD[name]
    source = source.format("unreachable") if isinstance(source, str) and "{}" in source else source
    data = source.encode() if isinstance(source, str) else source
    found = specification(
        "tests: [{name: t, limits: {fuel: 500_000}, call: {export: f, results: [0]}}]"
    )
    submission = Submission("<b>\\x1b", {"a.wat": data})
    first, again = (grade(found, submission) for _ in range(2))
    assert first == again
    assert verdict is None or str(first.verdict) == verdict, first.tests[0].message
    assert (first.points, str(first.verdict)) != (1.0, "SE")
    write_reports(tmp_path, found, [first])
    ElementTree.parse(tmp_path / "junit.xml")
    page = (tmp_path / "report.html").read_text()
    assert "<script" not in page and "<b>" not in page and "\x1b" not in page


def test_a_flood_of_output() -> None:
    flood = (
        PROGRAM
        % """(func (export "_start")
      (loop (call $print (i32.const 0) (i32.const 60000)) (br 0)))"""
    )
    assert one("run: {}", flood) == ("OLE", "more than 65,536 bytes to standard output")


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "huge.wasm", "wb") as file:
        file.truncate(1 << 30)
    found = read_submission(tmp_path / "huge.wasm")
    assert found.problem == (
        "huge.wasm is too large: 1,073,741,824 bytes, and 4,194,304 are allowed"
    )
    assert str(grade(specification(SUM), found).verdict) == "CE"


def test_files_of_a_folder_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    for name in ("link", "folder-link", "pipe", "device"):
        (tmp_path / "all" / name).mkdir(parents=True)
    try:
        (tmp_path / "all" / "link" / "a.wat").symlink_to(tmp_path / "secret")
        (tmp_path / "all" / "folder-link" / "a").symlink_to(tmp_path)
        (tmp_path / "all" / "outside.wat").symlink_to(tmp_path / "secret")
        os.mkfifo(tmp_path / "all" / "pipe" / "a.wat")
    except (OSError, AttributeError):
        pytest.skip("this system has no such files")
    found = {item.name: item.problem for item in submissions_in(tmp_path / "all")}
    assert found == {
        "device": None,
        "folder-link": "a is a symbolic link",
        "link": "a.wat is a symbolic link",
        "outside.wat": "outside.wat is a symbolic link",
        "pipe": "a.wat is neither file nor folder",
    }
    assert str(grade(specification(SUM), Submission("device")).verdict) == "CE"


def test_many_files(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.wat").touch()
    assert read_submission(tmp_path).problem == "it has more than 200 files"


def _zip(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in entries:
            made.writestr(name, data)
    return out.getvalue()


def _tar(*entries: tuple[str, bytes], kind: bytes = tarfile.REGTYPE, size: int = 0) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, data in entries:
            item = tarfile.TarInfo(name)
            item.type, item.linkname, item.size = kind, "/etc/passwd", len(data)
            made.addfile(item, io.BytesIO(data))
    data = bytearray(out.getvalue())
    if size:
        # a header that claims more than there is
        data[124:136] = b"%011o\0" % size
        data[148:156] = b" " * 8
        data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


def _link() -> zipfile.ZipInfo:
    item = zipfile.ZipInfo("a.wat")
    item.external_attr = (stat.S_IFLNK | 0o777) << 16
    return item


ARCHIVES = {
    "up.zip": (_zip(("../a.wat", b"x")), "path traversal"),
    "absolute.zip": (_zip(("/a.wat", b"x")), "path traversal"),
    "link.zip": (_zip((_link(), b"/etc/passwd")), "symbolic links"),
    "bomb.zip": (_zip(("a.wat", bytes(64 << 20))), "too large"),
    "none.zip": (b"PK\3\4nothing", "failed to open package"),
    "up.tar": (_tar(("../a.wat", b"x")), "path traversal"),
    "absolute.tar": (_tar(("/etc/a.wat", b"x")), "path traversal"),
    "link.tar": (_tar(("a.wat", b""), kind=tarfile.SYMTYPE), "neither file nor folder"),
    "hard.tar": (_tar(("a.wat", b""), kind=tarfile.LNKTYPE), "neither file nor folder"),
    "device.tar": (_tar(("a.wat", b""), kind=tarfile.CHRTYPE), "neither file nor folder"),
    "lying.tar": (_tar(("a.wat", b"x"), size=1 << 32), "too large"),
    "bomb.tar.gz": (gzip.compress(bytes(64 << 20)), "too large"),
    "none.tgz": (b"\x1f\x8bnothing", "cannot be decompressed"),
    "none.tar": (b"nothing" * 100, "no tar archive"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives(name: str, tmp_path: Path) -> None:
    data, problem = ARCHIVES[name]
    (tmp_path / name).write_bytes(data)
    found = read_submission(tmp_path / name)
    assert found.problem is not None and problem in found.problem, found
    assert str(grade(specification(SUM), found).verdict) == "CE"


@pytest.mark.parametrize(
    "data",
    [
        _zip(("ada/sum.wat", RIGHT.encode()), ("__MACOSX/._sum.wat", b"x"), (".DS_Store", b"")),
        _zip(("sum.wat", RIGHT.encode()), ("README", b"")),
        _tar(("ada/sum.wat", RIGHT.encode())),
        gzip.compress(_tar(("./sum.wat", RIGHT.encode()))),
    ],
)
def test_archives_that_are_well(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / ("ada.zip" if data.startswith(b"PK") else "ada.tar")
    path.write_bytes(data)
    assert str(grade(specification(SUM), read_submission(path)).verdict) == "AC"


def test_an_archive_of_submissions(tmp_path: Path) -> None:
    nested = _zip(("../x.wat", b""))
    entries = (
        ("ada.wat", RIGHT.encode()), ("bob/sum.wat", b"("), ("bob/notes.txt", b""),
        ("carol.zip", nested), ("dave.wat", bytes(5 << 20)),
    )  # fmt: skip
    (tmp_path / "all.zip").write_bytes(_zip(*entries))
    found = [grade(specification(SUM), item) for item in submissions_in(tmp_path / "all.zip")]
    verdicts = {item.submission: str(item.verdict) for item in found}
    assert verdicts == {"ada.wat": "AC", "bob": "CE", "carol.zip": "CE", "dave.wat": "CE"}
    (tmp_path / "all.zip").write_bytes(_zip(("../ada.wat", b"")))
    with pytest.raises(PackageError, match="path traversal"):
        list(submissions_in(tmp_path / "all.zip"))


def test_names_with_control_characters_and_markup(tmp_path: Path) -> None:
    odd = "a\x1b[31m<img src=x>&'\"\u202e.wat"
    try:
        (tmp_path / odd).write_text(RIGHT)
    except OSError:
        pytest.skip("this system has no such names")
    found = list(submissions_in(tmp_path))
    grades = [grade(specification(SUM), item) for item in found]
    write_reports(tmp_path / "out", specification(SUM), grades)
    for path in (tmp_path / "out").rglob("*.*"):
        if path.is_file():
            text = path.read_text()
            assert "\x1b" not in text and "\u202e" not in text, path.name
            assert path.suffix == ".json" or "<img" not in text, path.name
    ElementTree.parse(tmp_path / "out" / "junit.xml")


def test_two_modules_are_not_guessed_at() -> None:
    files = {"a.wat": RIGHT.encode(), "b.wat": RIGHT.encode()}
    found = grade(specification(SUM), Submission("ada", files))
    assert found.tests[0].message.startswith("2 files ending in .wat")
    chosen = specification(SUM.replace("title", "file: a.*\ntitle", 1))
    assert str(grade(chosen, Submission("ada", files)).verdict) == "AC"


def test_c_without_a_compiler_is_no_verdict_on_the_submission() -> None:
    test = graded(SUM, "int sum(int n) { return n; }", "sum.c").tests[0]
    assert str(test.verdict) == "SE"
    assert "no compiler was given" in test.message
    missing = SUM.replace("title", "compile: {command: no-such-compiler}\ntitle", 1)
    test = graded(missing, "int sum(int n) { return n; }", "sum.c").tests[0]
    assert (str(test.verdict), test.points) == ("SE", 0)
    assert "there is no compiler" in test.message
