"""Rows for the functions that take paths; see wasi_cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from wasi_cases import CREAT, DIRECTORY, EXCL, READ, RW, TRAPS, TRUNC, Case
from wasi_guest import ALL

from pywasmgk.wasm.wasi.abi import Errno as E

OK = E.SUCCESS
LONG = "x" * 300
DEEP = "dir/../" * 1000

OPEN = [
    ("file", (), OK),
    ("dir/inner", (), OK),
    ("./dir/./inner", (), OK),
    ("dir//inner", (), OK),
    ("dir/../file", (), OK),
    ("dir/sub/../../file", (), OK),
    ("link", (), OK),
    ("dirlink/inner", (), OK),
    ("chain", (), OK),
    ("slashed", (), OK),
    ("up/root/file", (), E.PERM),
    (".", (), OK),
    ("dir", (), OK),
    ("dir/", (), OK),
    ("dir/.", (), OK),
    ("dir/..", (), OK),
    ("dir", (DIRECTORY,), OK),
    ("dirlink", (DIRECTORY,), OK),
    ("dirlink/", (), OK),
    ("new", (CREAT,), OK),
    ("new", (CREAT, RW), OK),
    ("new", (CREAT | EXCL, RW), OK),
    ("dangling", (CREAT, RW), OK),
    ("file", (CREAT, RW), OK),
    ("file", (TRUNC, RW), OK),
    ("", (), E.NOENT),
    ("nope", (), E.NOENT),
    ("nope/file", (), E.NOENT),
    ("nope/", (), E.NOENT),
    ("dangling", (), E.NOENT),
    ("file/", (), E.NOTDIR),
    ("file/x", (), E.NOTDIR),
    ("file/..", (), E.NOTDIR),
    ("file/.", (), E.NOTDIR),
    ("link/", (), E.NOTDIR),
    ("fileslash", (), E.NOTDIR),
    ("file", (DIRECTORY,), E.NOTDIR),
    ("link", (DIRECTORY,), E.NOTDIR),
    ("nope", (DIRECTORY,), E.NOENT),
    ("file", (CREAT | EXCL, RW), E.EXIST),
    ("link", (CREAT | EXCL, RW), E.EXIST),
    ("dangling", (CREAT | EXCL, RW), E.EXIST),
    ("dir", (CREAT | EXCL, RW), E.EXIST),
    ("dir", (CREAT, RW), E.ISDIR),
    ("dir", (0, RW), E.ISDIR),
    ("dir", (DIRECTORY, RW), E.ISDIR),
    ("dir", (TRUNC, RW), E.ISDIR),
    ("new/", (CREAT, RW), E.ISDIR),
    ("new", (CREAT | DIRECTORY, READ), E.INVAL),
    ("dir", (CREAT | DIRECTORY, READ), E.INVAL),
    ("loop", (), E.LOOP),
    ("loop/x", (), E.LOOP),
    ("link", (0, READ, ALL, 0, 0), E.LOOP),
    ("dirlink", (0, READ, ALL, 0, 0), E.LOOP),
    ("dirlink", (DIRECTORY, READ, ALL, 0, 0), E.LOOP),
    ("dangling", (0, READ, ALL, 0, 0), E.LOOP),
    (LONG, (), E.NAMETOOLONG),
    (LONG + "/x", (), E.NAMETOOLONG),
    (DEEP + "file", (), E.NAMETOOLONG),
    (b"\xff\xfe", (), E.ILSEQ),
    (b"file\0", (), E.INVAL),
    ("file", (16,), E.INVAL),
    ("file", (0, 1 << 40), E.INVAL),
    ("file", (0, READ, ALL, 32), E.INVAL),
    ("file", (0, READ, ALL, 0, 2), E.INVAL),
    ("..", (), E.PERM),
    ("../outside/secret", (), E.PERM),
    ("dir/../../outside/secret", (), E.PERM),
    ("/etc/passwd", (), E.PERM),
    ("/", (), E.PERM),
    ("up", (), E.PERM),
    ("out", (), E.PERM),
    ("deepout", (), E.PERM),
    ("abs", (), E.PERM),
    ("abs/passwd", (), E.PERM),
    ("out", (CREAT, RW), E.PERM),
    ("../new", (CREAT, RW), E.PERM),
]
STAT = [
    ("file", OK),
    ("dir/", OK),
    (".", OK),
    ("link", OK),
    ("", E.NOENT),
    ("nope", E.NOENT),
    ("file/", E.NOTDIR),
    ("file/x", E.NOTDIR),
    ("loop", E.LOOP),
    ("dangling", E.NOENT),
    ("..", E.PERM),
    ("out", E.PERM),
    ("/etc", E.PERM),
    (LONG, E.NAMETOOLONG),
    (b"\xff", E.ILSEQ),
]
#: links are not followed
LSTAT = [
    ("link", OK),
    ("out", OK),
    ("dangling", OK),
    ("loop", OK),
    ("out/", E.PERM),
    ("../x", E.PERM),
]
READLINK = [
    ("link", OK),
    ("out", OK),
    ("dirlink/to_file", OK),
    ("file", E.INVAL),
    ("dir", E.INVAL),
    (".", E.INVAL),
    ("nope", E.NOENT),
    ("abs", E.PERM),
    ("../x", E.PERM),
    ("file/x", E.NOTDIR),
    ("loop/x", E.LOOP),
]
MKDIR = [
    ("new", OK),
    ("new/", OK),
    ("dir/new", OK),
    ("dirlink/new", OK),
    ("dir", E.EXIST),
    ("file", E.EXIST),
    ("link", E.EXIST),
    ("dangling", E.EXIST),
    (".", E.EXIST),
    ("", E.NOENT),
    ("nope/new", E.NOENT),
    ("file/new", E.NOTDIR),
    ("../new", E.PERM),
    ("up/new", E.PERM),
    ("abs/new", E.PERM),
    ("/new", E.PERM),
    (LONG, E.NAMETOOLONG),
]
RMDIR = [
    ("void", OK),
    ("void/", OK),
    ("dir", E.NOTEMPTY),
    ("file", E.NOTDIR),
    ("link", E.NOTDIR),
    ("dirlink", E.NOTDIR),
    ("nope", E.NOENT),
    ("", E.NOENT),
    (".", E.INVAL),
    ("..", E.PERM),
    ("../outside", E.PERM),
    ("up/outside", E.PERM),
]
UNLINK = [
    ("file", OK),
    ("link", OK),
    ("dirlink", OK),
    ("dangling", OK),
    ("out", OK),
    ("dir/inner", OK),
    ("dir", E.ISDIR),
    (".", E.ISDIR),
    ("nope", E.NOENT),
    ("file/", E.NOTDIR),
    ("file/x", E.NOTDIR),
    ("", E.NOENT),
    ("../outside/secret", E.PERM),
    ("up/outside/secret", E.PERM),
    ("/x", E.PERM),
]
SYMLINK = [
    ("file", "new", OK),
    ("nowhere", "dir/new", OK),
    ("../outside", "new", OK),
    ("file", "file", E.EXIST),
    ("file", "dir", E.EXIST),
    ("file", "dangling", E.EXIST),
    ("", "new", E.NOENT),
    ("file", "", E.NOENT),
    ("file", "nope/new", E.NOENT),
    ("file", "file/new", E.NOTDIR),
    ("file", "new/", E.NOENT),
    ("/etc", "new", E.PERM),
    ("file", "../new", E.PERM),
    ("file", "up/new", E.PERM),
    (b"\xff", "new", E.ILSEQ),
]
LINK = [
    ("file", "new", OK),
    ("file", "dir/new", OK),
    ("link", "new", OK),
    ("out", "new", OK),
    ("file", "empty", E.EXIST),
    ("file", "dir", E.EXIST),
    ("dir", "new", E.PERM),
    ("nope", "new", E.NOENT),
    ("file", "nope/new", E.NOENT),
    ("file", "new/", E.NOENT),
    ("file/", "new", E.NOTDIR),
    ("../outside/secret", "new", E.PERM),
    ("up/outside/secret", "new", E.PERM),
    ("file", "../new", E.PERM),
    ("file", "up/new", E.PERM),
]
RENAME = [
    ("file", "new", OK),
    ("file", "empty", OK),
    ("file", "file", OK),
    ("dir", "new", OK),
    ("dir", "new/", OK),
    ("dir", "void", OK),
    ("link", "new", OK),
    ("out", "new", OK),
    ("dir/inner", "inner", OK),
    ("dir", "dir/sub/x", E.INVAL),
    ("void", "dir", E.NOTEMPTY),
    ("file", "dir", E.ISDIR),
    ("dir", "file", E.NOTDIR),
    ("file", "new/", E.NOTDIR),
    ("file/", "new", E.NOTDIR),
    ("nope", "new", E.NOENT),
    ("file", "nope/new", E.NOENT),
    ("file", "", E.NOENT),
    (".", "new", E.BUSY),
    ("dir", ".", E.BUSY),
    ("file", "../new", E.PERM),
    ("../outside/secret", "new", E.PERM),
    ("up/outside/secret", "new", E.PERM),
    ("file", "abs/new", E.PERM),
]
TIMES = [
    ("file", 5, OK),
    ("file", 10, OK),
    ("dir", 5, OK),
    ("link", 5, OK),
    (".", 5, OK),
    ("file", 0, OK),
    ("file", 3, E.INVAL),
    ("file", 12, E.INVAL),
    ("file", 16, E.INVAL),
    ("nope", 5, E.NOENT),
    ("dangling", 5, E.NOENT),
    ("file/", 5, E.NOTDIR),
    ("out", 5, E.PERM),
    ("..", 5, E.PERM),
    ("loop", 5, E.LOOP),
]

#: where wasmtime answers something else: numbers that its enumerations do not have, and a slash
#: behind a directory that is removed
_DIFFERENT: dict[tuple[object, ...], E | str] = {
    ("path_open", "file", (16,)): TRAPS,
    ("path_open", "file", (0, 1 << 40)): TRAPS,
    ("path_open", "file", (0, READ, ALL, 32)): TRAPS,
    ("path_open", "file", (0, READ, ALL, 0, 2)): TRAPS,
    ("path_remove_directory", "void/"): E.INVAL,
    ("path_filestat_set_times", "file", 16): TRAPS,
}


def _rows(
    function: str, rows: Sequence[tuple[Any, ...]], act: Callable[..., int]
) -> Iterator[Case]:
    """A case for each row: the arguments of ``act`` and the error that it ends with."""
    for *args, errno in rows:
        different = _DIFFERENT.get((function, *args))
        yield Case(function, errno, lambda g, args=args: act(g, *args), different)


def _at(function: str) -> Callable[..., int]:
    return lambda g, path: g.at(function, path)


PATH_CASES: list[Case] = [
    *_rows("path_open", OPEN, lambda g, path, args: g.open(path, *args)),
    *_rows("path_filestat_get", STAT, lambda g, path: g.stat(path)),
    *_rows("path_filestat_get", LSTAT, lambda g, path: g.stat(path, 0)),
    *_rows("path_readlink", READLINK, lambda g, path: g.readlink(path)),
    *_rows("path_create_directory", MKDIR, _at("path_create_directory")),
    *_rows("path_remove_directory", RMDIR, _at("path_remove_directory")),
    *_rows("path_unlink_file", UNLINK, _at("path_unlink_file")),
    *_rows("path_symlink", SYMLINK, lambda g, target, path: g.symlink(target, path)),
    *_rows("path_link", LINK, lambda g, old, new: g.link(old, new)),
    *_rows("path_rename", RENAME, lambda g, old, new: g.rename(old, new)),
    *_rows("path_filestat_set_times", TIMES, lambda g, path, flags: g.times(path, flags, 5, 6)),
]
