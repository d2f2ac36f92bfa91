"""Submissions: files of strangers, in folders and archives.

Sizes and names are looked at before anything is read. What cannot be taken is a submission with a
``problem``, so that it gets its verdict like others.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import PackageError
from ..platform.packages.archive import Archive, Bounds, leads_out
from ..printable import printable

__all__ = ["Submission", "read_submission", "submissions_in"]

#: files of a submission, and how much larger than the largest file all of them may be
_MOST_FILES, _TOTAL = 200, 4
_DEEPEST = 10
#: entries of a folder or an archive of submissions, and bytes of such an archive
_ALL = Bounds(files=60_000, file_bytes=64 << 20, total_bytes=1 << 30, archive_bytes=256 << 20)
#: bytes of a file as they are by default
FILE_BYTES = 4 << 20
_ZIP, _TAR = (".zip",), (".tar", ".tar.gz", ".tgz")
#: what systems leave in folders and archives
_LEFT_BEHIND = "__MACOSX"
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Submission:
    """What somebody has handed in."""

    #: whose it is: the name of the file or folder, printable
    name: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    #: why it cannot be taken
    problem: str | None = None


class _Refused(Exception):
    """A submission that cannot be taken; the message is for students."""


def submissions_in(path: str | Path, *, file_bytes: int = FILE_BYTES) -> Iterator[Submission]:
    """The submissions in a folder, or in a zip archive of one, by name: each file and folder in it
    is one. They are read one by one. Raises OSError, and PackageError for an archive that is none
    or has paths that lead out of it."""
    path = Path(path)
    if not path.is_dir():
        yield from _of_archive(path, file_bytes)
        return
    for name in sorted(os.listdir(path)):
        if not _is_left_behind(name):
            yield read_submission(path / name, file_bytes=file_bytes)


def read_submission(path: str | Path, *, file_bytes: int = FILE_BYTES) -> Submission:
    """One submission: a file, a folder or an archive. Whatever it is, it raises nothing but for a
    path where nothing is (OSError)."""
    path = Path(path)
    name = _shown(path.name or path.resolve().name)
    kind = path.lstat()
    try:
        if stat.S_ISDIR(kind.st_mode):
            return Submission(name, _of_folder(path, file_bytes))
        return _submission(path.name, _read(path, file_bytes * _archived(path.name)), file_bytes)
    except _Refused as refused:
        return Submission(name, problem=str(refused))
    except OSError as error:
        return Submission(name, problem=f"it cannot be read: {error.strerror}")


def _submission(name: str, data: bytes, file_bytes: int) -> Submission:
    """A submission that is one file, which may be an archive."""
    shown = _shown(name)
    try:
        if name.lower().endswith(_ZIP):
            return Submission(shown, _unzipped(data, file_bytes))
        if name.lower().endswith(_TAR):
            return Submission(shown, _untarred(data, file_bytes))
    except _Refused as refused:
        return Submission(shown, problem=str(refused))
    return Submission(shown, {shown: data})


def _shown(name: str) -> str:
    return printable(name, longest=_LONGEST_NAME) or "?"


def _is_left_behind(name: str) -> bool:
    return name.startswith(".") or name == _LEFT_BEHIND


def _archived(name: str) -> int:
    """How much larger than a file's a size may be: an archive has several."""
    return _TOTAL if name.lower().endswith((*_ZIP, *_TAR)) else 1


# -- folders


def _read(path: Path, most: int) -> bytes:
    """A file's bytes; links and devices are not opened."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():
        raise _Refused(f"{_shown(path.name)} is a symbolic link")
    with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as stream:
        kind = os.fstat(stream.fileno())
        if not stat.S_ISREG(kind.st_mode):
            raise _Refused(f"{_shown(path.name)} is neither file nor folder")
        _require_small(path.name, kind.st_size, most)
        data = stream.read(most + 1)
    _require_small(path.name, len(data), most)
    return data


def _require_small(name: str, size: int, most: int) -> None:
    if size > most:
        raise _Refused(f"{_shown(name)} is too large: {size:,} bytes, and {most:,} are allowed")


def _of_folder(folder: Path, file_bytes: int) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    total = 0
    pending = [("", folder)]
    seen = 0
    while pending:
        prefix, place = pending.pop()
        for entry in sorted(os.scandir(place), key=lambda entry: entry.name):
            seen += 1
            if seen > _MOST_FILES:
                raise _Refused(f"it has more than {_MOST_FILES} files")
            if _is_left_behind(entry.name):
                continue
            name = f"{prefix}{_shown(entry.name)}"
            if entry.is_dir(follow_symlinks=False):
                if name.count("/") >= _DEEPEST:
                    raise _Refused(f"it has folders over {_DEEPEST} deep")
                pending.append((f"{name}/", Path(entry.path)))
                continue
            found[name] = _read(Path(entry.path), file_bytes)
            total += len(found[name])
            _require_small("it all", total, file_bytes * _TOTAL)
    return dict(sorted(found.items()))


# -- archives


def _of_archive(path: Path, file_bytes: int) -> Iterator[Submission]:
    """What is in an archive of submissions, by the first parts of the paths."""
    if path.stat().st_size > _ALL.archive_bytes:
        raise PackageError(f"{path.name} has over {_ALL.archive_bytes:,} bytes; unpack it first")
    archive = Archive(path.read_bytes(), _ALL)
    owners: dict[str, list[str]] = {}
    for name in sorted(archive.names):
        owner = name.partition("/")[0]
        if not _is_left_behind(owner):
            owners.setdefault(owner, []).append(name)
    for owner, names in sorted(owners.items()):
        yield _archived_submission(archive, owner, names, file_bytes)


def _archived_submission(
    archive: Archive, owner: str, names: list[str], file_bytes: int
) -> Submission:
    try:
        if names == [owner]:
            return _submission(
                owner, _member(archive, owner, file_bytes * _archived(owner)), file_bytes
            )
        return Submission(_shown(owner), _members(archive, names, f"{owner}/", file_bytes))
    except _Refused as refused:
        return Submission(_shown(owner), problem=str(refused))


def _member(archive: Archive, name: str, most: int) -> bytes:
    _require_small(name, archive.size(name), most)
    try:
        return archive.read(name)
    except PackageError as error:
        raise _Refused(str(error)) from error


def _members(archive: Archive, names: list[str], prefix: str, file_bytes: int) -> dict[str, bytes]:
    wanted = [
        name
        for name in names
        if not any(map(_is_left_behind, name.removeprefix(prefix).split("/")))
    ]
    if len(wanted) > _MOST_FILES:
        raise _Refused(f"it has more than {_MOST_FILES} files")
    _require_small("it all", sum(map(archive.size, wanted)), file_bytes * _TOTAL)
    return {name.removeprefix(prefix): _member(archive, name, file_bytes) for name in wanted}


def _unzipped(data: bytes, file_bytes: int) -> dict[str, bytes]:
    total = file_bytes * _TOTAL
    try:
        archive = Archive(data, Bounds(_MOST_FILES, file_bytes, total, total))
    except PackageError as error:
        raise _Refused(str(error)) from error
    return _without_folder(_members(archive, sorted(archive.names), "", file_bytes))


def _untarred(data: bytes, file_bytes: int) -> dict[str, bytes]:
    """The files of a tar archive; it is decompressed first, so far as it is allowed to be large,
    since headers alone may claim any size."""
    total = file_bytes * _TOTAL
    data = _decompressed(data, total)
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for count, entry in enumerate(archive):
                if count >= _MOST_FILES:
                    raise _Refused(f"it has more than {_MOST_FILES} files")
                if not any(map(_is_left_behind, _plain(entry).split("/"))) and entry.isfile():
                    _require_small(entry.name, entry.size, file_bytes)
                    stream = archive.extractfile(entry)
                    found[_plain(entry)] = b"" if stream is None else stream.read(file_bytes)
    except (tarfile.TarError, OSError, ValueError, EOFError, RecursionError) as error:
        raise _Refused(f"it is no tar archive: {printable(str(error))}") from error
    return _without_folder(dict(sorted(found.items())))


def _plain(entry: tarfile.TarInfo) -> str:
    """The path of a file or folder, which leads nowhere else."""
    name = entry.name.removeprefix("./") or "."
    if not (entry.isfile() or entry.isdir()) or entry.issparse():
        raise _Refused(f"its archive contains {_shown(name)}, which is neither file nor folder")
    if name != "." and leads_out(name):
        raise _Refused(f"its archive contains path traversal: {_shown(name)}")
    return name


def _decompressed(data: bytes, most: int) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        # what follows the first member of a gzip file is no part of an archive
        engine = zlib.decompressobj(wbits=31)
        plain = engine.decompress(data, most + 1)
    except zlib.error as error:
        raise _Refused(f"it cannot be decompressed: {error}") from error
    _require_small("it", len(plain), most)
    return plain


def _without_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    """Files without the one folder that all of them are in, as archives of folders have them."""
    tops = {name.partition("/")[0] for name in files}
    if len(tops) == 1 and all("/" in name for name in files):
        prefix = f"{tops.pop()}/"
        return {name.removeprefix(prefix): data for name, data in files.items()}
    return files
