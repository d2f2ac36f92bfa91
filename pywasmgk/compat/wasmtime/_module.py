"""Modules, and what makes them of text."""

from __future__ import annotations

import os
from typing import Any

from ...errors import DecodeError, PywasmgkError, TextError, ValidationError
from ...wasm.module import Module as EngineModule
from ...wasm.text.reading import assemble, decoded
from ._bounds import current
from ._config import Engine
from ._errors import WasmtimeError, at_offset, caused_by, in_wasmtimes_words
from ._managed import Managed
from ._types import ExportType, ImportType

__all__ = ["Module", "wat2wasm"]

_MAGIC = b"\0asm"
_COMPONENT = _MAGIC + b"\x0d\0\1\0"
_NO_MODULE = "failed to parse WebAssembly module\n\n" + caused_by(
    "expected a WebAssembly module but was given a WebAssembly component"
)
#: what stands before a module that was serialized: it is the module itself, in a form of its own so
#: that nobody takes it for one of wasmtime's
_SERIALIZED = b"pywasmgk module 1\0"
_NO_ELF = "failed to parse precompiled artifact as an ELF\n\n" + caused_by(
    "Invalid ELF header size or alignment"
)


def wat2wasm(wat: str | bytes) -> bytearray:
    """A module's text in the binary format. Raises WasmtimeError that shows the line."""
    try:
        return bytearray(assemble(wat if isinstance(wat, str) else decoded(bytes(wat))))
    except TextError as error:
        raise _unreadable(error) from None


def _unreadable(error: TextError) -> WasmtimeError:
    # indented by two blanks, which wasmtime's are not
    excerpt = error.place.excerpt.splitlines() if error.place else []
    line, caret = [*(part[2:] for part in excerpt), "", ""][:2]
    shown = f"     --> <anon>:{error.line}:{error.column}\n      |\n{error.line:>5} | {line}\n"
    return WasmtimeError(f"{error.message}\n{shown}      | {caret}")


def _binary(wasm: Any) -> bytes:
    if isinstance(wasm, str):
        return bytes(wat2wasm(wasm))
    if not isinstance(wasm, (bytes, bytearray)):
        raise TypeError("expected wasm bytes")
    # as wasmtime does, what does not begin like a module is a text
    return bytes(wasm) if wasm[:4] == _MAGIC else bytes(wat2wasm(bytes(wasm)))


def _load(engine: Engine, data: bytes) -> EngineModule:
    options: dict[str, Any] = {"timeout": current().timeout}
    if engine._features is not None:
        options["features"] = engine._features
    return EngineModule(data, **options)


def _require_engine(engine: Any) -> None:
    if not isinstance(engine, Engine):
        raise TypeError("expected an Engine")
    engine.ptr()


class Module(Managed):
    """A module that is decoded and validated; one serves any number of instances and stores.

    ``wasm`` is the binary format, or text as str or bytes. Raises WasmtimeError for what is no
    valid module.
    """

    _module: EngineModule

    def __init__(self, engine: Engine, wasm: str | bytes) -> None:
        _require_engine(engine)
        self._engine = engine
        data = _binary(wasm)
        if data[:8] == _COMPONENT:
            raise WasmtimeError(_NO_MODULE)
        try:
            self._module = _load(engine, data)
        except PywasmgkError as error:
            raise in_wasmtimes_words(error) from error

    @classmethod
    def from_file(cls, engine: Engine, path: str | bytes | os.PathLike[str]) -> Module:
        """The module in a file, binary or text. Raises OSError too."""
        with open(path, "rb") as file:
            return cls(engine, file.read())

    @classmethod
    def deserialize(cls, engine: Engine, encoded: bytes | bytearray) -> Module:
        """A module that :meth:`serialize` gave. Unlike wasmtime's it is decoded and validated
        again, so that bytes of anybody's may be given. Raises WasmtimeError for other bytes."""
        if not isinstance(encoded, (bytes, bytearray)):
            raise TypeError("expected bytes")
        if not encoded.startswith(_SERIALIZED):
            raise WasmtimeError(_NO_ELF)
        return cls(engine, bytes(encoded[len(_SERIALIZED) :]))

    @classmethod
    def deserialize_file(cls, engine: Engine, path: str) -> Module:
        """The same of a file's content."""
        try:
            with open(path, "rb") as file:
                encoded = file.read()
        except OSError as error:
            why = caused_by(f"{error.strerror} (os error {error.errno})")
            raise WasmtimeError(f"failed to open file\n\n{why}") from error
        return cls.deserialize(engine, encoded)

    @classmethod
    def validate(cls, engine: Engine, wasm: bytes | bytearray) -> None:
        """Raises WasmtimeError unless the bytes are a valid module in the binary format."""
        _require_engine(engine)
        if not isinstance(wasm, (bytes, bytearray)):
            raise TypeError("expected wasm bytes")
        try:
            _load(engine, bytes(wasm))
        except (DecodeError, ValidationError) as error:
            raise WasmtimeError(at_offset(error)) from error
        except PywasmgkError as error:
            raise in_wasmtimes_words(error) from error

    def serialize(self) -> bytearray:
        """The module as :meth:`deserialize` takes it."""
        return bytearray(_SERIALIZED + self._require().data)

    @property
    def imports(self) -> list[ImportType]:
        """What it imports, in order."""
        return [ImportType._of(item) for item in self._require().imports]

    @property
    def exports(self) -> list[ExportType]:
        """What it exports, in order."""
        return [ExportType._of(item) for item in self._require().exports]

    def _require(self) -> EngineModule:
        self.ptr()
        return self._module
