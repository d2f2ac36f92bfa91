"""A zip archive of a stranger: every limit and every name is looked at before anything is read out
of it (contract section 5.3)."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from ...errors import PackageError
from ...printable import printable

__all__ = ["BOUNDS", "Archive", "Bounds", "leads_out"]

#: at the end of an archive: disks, entries, size and place of the directory, size of a comment
_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
#: in front of that, in archives of more than 65,535 files or 4 GiB: a signature, its size in all
_ZIP64_MAGIC, _ZIP64_LOCATOR = b"PK\x06\x07", 20
_LONGEST_COMMENT = (1 << 16) - 1
#: bytes of the directory that one entry has on average at most: its form, a path, extra fields
_DIRECTORY_ENTRY = 46 + 4096
_ENCRYPTED = 0x1
#: what zipfile raises for what it cannot read, numbers that no file has included
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError,
    OverflowError, ValueError, RuntimeError,
)  # fmt: skip
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 1 << 20
#: bytes of a path, and of each part of it, that file systems take
_LONGEST_PATH, _LONGEST_SEGMENT = 1024, 255


class Bounds(NamedTuple):
    """What an archive may have."""

    files: int = 1000
    #: bytes of one file, of all of them, and of the archive itself
    file_bytes: int = 100 << 20
    total_bytes: int = 500 << 20
    archive_bytes: int = 256 << 20


BOUNDS = Bounds()


class Archive:
    """The files of an archive, by path. Raises PackageError where it is none, or too large, or has
    names that lead out of a folder, links, or what no package needs."""

    def __init__(self, data: bytes, bounds: Bounds = BOUNDS) -> None:
        _require_small(data, bounds)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _UNREADABLE as error:
            raise PackageError(f"failed to open package: {printable(str(error))}") from error
        entries = self._zip.infolist()
        _require_within(entries, bounds)
        for entry in entries:
            _require_plain(entry)
        #: what is no folder, by path, in the archive's order
        self._files = {entry.filename: entry for entry in entries if not entry.is_dir()}
        self._require_distinct(entries)

    @property
    def names(self) -> list[str]:
        """The paths of the files, with ``/`` between their parts."""
        return list(self._files)

    def size(self, name: str) -> int:
        """Bytes of a file, by what the archive says."""
        return self._files[name].file_size

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a file, piece by piece; raises PackageError where it is other than the
        archive says."""
        entry = self._files[name]
        count = 0
        try:
            with self._zip.open(entry) as file:
                while chunk := file.read(_CHUNK):
                    count += len(chunk)
                    yield chunk
        except _UNREADABLE as error:
            raise PackageError(
                f"extracted size mismatch for {printable(name)}: {printable(str(error))}"
            ) from error
        if count != entry.file_size:
            raise PackageError(
                f"extracted size mismatch for {printable(name)}: expected {entry.file_size}, "
                f"got {count}"
            )

    def _require_distinct(self, entries: list[zipfile.ZipInfo]) -> None:
        """No path twice, also where a file system takes cases for the same, and no file where
        another path has a folder."""
        kinds: dict[str, bool] = {}
        for entry in entries:
            path = entry.filename.rstrip("/").casefold()
            if path in kinds and not (kinds[path] and entry.is_dir()):
                raise PackageError(f"archive has {printable(entry.filename)} twice")
            kinds[path] = entry.is_dir()
        for entry in entries:
            parts = entry.filename.rstrip("/").casefold().split("/")
            for count in range(1, len(parts)):
                if kinds.get("/".join(parts[:count])) is False:
                    raise PackageError(
                        f"archive has a file where {printable(entry.filename)} needs a folder"
                    )


def _require_small(data: bytes, bounds: Bounds) -> None:
    """Refuses a directory that would take much memory to read, by the archive's own end."""
    if len(data) > bounds.archive_bytes:
        raise PackageError(
            f"failed to open package: {len(data)} bytes (max {bounds.archive_bytes})"
        )
    start = max(0, len(data) - _END.size - _LONGEST_COMMENT)
    found = data.rfind(_END_MAGIC, start)
    if found < 0 or found + _END.size > len(data):
        raise PackageError("failed to open package: it is no zip archive")
    if data[max(0, found - _ZIP64_LOCATOR) : found].startswith(_ZIP64_MAGIC):
        # what it says counts more than what was looked at here; no package needs it
        raise PackageError("failed to open package: it is a zip64 archive")
    entries, size = _END.unpack_from(data, found)[4:6]
    if entries > bounds.files:
        raise _too_many(bounds)
    if size > _DIRECTORY_ENTRY * (entries + 1):
        raise PackageError(f"failed to open package: a directory of {size} bytes")


def _too_many(bounds: Bounds) -> PackageError:
    return PackageError(f"archive contains too many files (max {bounds.files})")


def _require_within(entries: list[zipfile.ZipInfo], bounds: Bounds) -> None:
    # the end of the archive may have lied
    if len(entries) > bounds.files:
        raise _too_many(bounds)
    total = 0
    for entry in entries:
        if entry.file_size > bounds.file_bytes:
            raise PackageError(
                f"file {printable(entry.filename)} too large: {entry.file_size} bytes "
                f"(max {bounds.file_bytes})"
            )
        total += entry.file_size
    if total > bounds.total_bytes:
        raise PackageError(
            f"archive too large when extracted: {total} bytes (max {bounds.total_bytes})"
        )


def _require_plain(entry: zipfile.ZipInfo) -> None:
    """A file or a folder, at a path that stays within one, that can be read."""
    name = printable(entry.filename)
    # of systems that have modes, in the upper half
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise PackageError("archive contains symbolic links, which are not allowed")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise PackageError(f"archive contains {name}, which is neither file nor folder")
    if leads_out(entry.orig_filename) or leads_out(entry.filename):
        raise PackageError(f"archive contains path traversal: {name}")
    if entry.flag_bits & _ENCRYPTED:
        raise PackageError(f"failed to open package: {name} is encrypted")
    if entry.compress_type not in _METHODS:
        raise PackageError(f"failed to open package: {name} is compressed by another method")


def leads_out(path: str) -> bool:
    """Whether a path is absolute, climbs, or is understood otherwise by other systems. Dots within
    a name, as in ``a..b``, are only dots."""
    if not path or len(path.encode("utf-8", "replace")) > _LONGEST_PATH:
        return True
    if not path.isprintable() or any(character in path for character in "\\:"):
        return True
    return any(
        segment in ("", ".", "..") or len(segment.encode("utf-8", "replace")) > _LONGEST_SEGMENT
        for segment in path.removesuffix("/").split("/")
    )
