"""Packages for tests: folders of plugins, and archives with whatever a stranger may put there."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path

__all__ = ["MODULE", "YAML", "archive", "folder", "link", "lying_about_size"]

MODULE = b"\0asm\1\0\0\0"
YAML = "name: stats\nversion: 1.2.0\nruntime: wasm\n"


def folder(at: Path, yaml: str = YAML, **files: bytes) -> Path:
    """A plugin's folder; in names of files ``__`` stands for a dot."""
    at.mkdir(parents=True, exist_ok=True)
    (at / "plugin.yaml").write_text(yaml)
    for name, data in (files or {"stats__wasm": MODULE}).items():
        (at / name.replace("__", ".")).write_bytes(data)
    return at


def archive(
    *entries: tuple[str | zipfile.ZipInfo, bytes],
    yaml: str | None = YAML,
    module: bool = True,
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """An archive with these entries behind what every package has."""
    out = io.BytesIO()
    usual: Iterable[tuple[str | zipfile.ZipInfo, bytes]] = (
        *([("plugin.yaml", yaml.encode())] if yaml is not None else []),
        *([("stats.wasm", MODULE)] if module else []),
    )
    with zipfile.ZipFile(out, "w", compression) as made:
        for name, data in (*usual, *entries):
            made.writestr(name, data)
    return out.getvalue()


def link(name: str, kind: int = stat.S_IFLNK) -> zipfile.ZipInfo:
    """An entry of another kind than a file."""
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
    return entry


def lying_about_size(data: bytes, name: str, size: int) -> bytes:
    """The archive, which says another size of a file, in both places."""
    changed = bytearray(data)
    for magic, at_size, at_name in ((b"PK\1\2", 24, 46), (b"PK\3\4", 22, 30)):
        at = data.find(magic)
        while at >= 0:
            if data[at + at_name : at + at_name + len(name)] == name.encode():
                struct.pack_into("<L", changed, at + at_size, size)
            at = data.find(magic, at + 1)
    return bytes(changed)
