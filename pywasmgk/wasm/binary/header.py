"""The first bytes of a file: those of a module, or what somebody took for one."""

from __future__ import annotations

from ...errors import DecodeError

__all__ = ["check_header"]

#: what people load by mistake, by its first bytes
_MISTAKEN = {
    **dict.fromkeys(
        (b"(", b";;"), "WebAssembly text: give it as a str, or in a file whose name ends in .wat"
    ),
    b"<": "a web page, which may say why there is no file",
    b"{": "JSON",
    b"#!": "a script",
    b"PK": "a zip archive, such as a wheel: unpack it first",
    b"\x1f\x8b": "gzip: unpack it first",
    b"\x28\xb5\x2f\xfd": "zstd: unpack it first",
    **dict.fromkeys((b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe"), "a native program"),
    b"BC\xc0\xde": "LLVM bitcode: link it first",
    b"!<ar": "a library of object files: link it first",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"vers": "perhaps a pointer of Git LFS, in the place of the file",
}
#: what can be done about a component
_COMPONENT = (
    "a component, not a module: `pywasmgk inspect` shows it, and its --extract takes core "
    "modules out, as wasm-tools component unbundle and jco transpile do; each can be loaded"
)


def check_header(data: bytes) -> None:
    """Raises DecodeError for a file without a module's magic number and version (spec, "Binary
    Format: Modules"); it says what the file is, if its first bytes tell."""
    magic, version = data[:4], data[4:8]
    cut = f": unexpected end of a file of {len(data)} bytes" if len(data) < 8 else ""
    if magic != b"\0asm":
        kinds = (kind for start, kind in _MISTAKEN.items() if magic.startswith(start))
        what = "".join(f" (this is {kind})" for kind in kinds)
        raise DecodeError(f"invalid magic number: magic header not detected{what}{cut}", 0)
    if version != b"\1\0\0\0":
        what = f" ({_COMPONENT})" if version[2:3] == b"\1" else ""
        raise DecodeError(f"invalid version header: unknown binary version{what}{cut}", 4)
