"""The body of an answer, unpacked while it comes, and never longer than it may be."""

from __future__ import annotations

import zlib
from typing import Any

from ..plugin.host import HostFunctionError

__all__ = ["Body"]

_GZIP, _RAW = 16 + zlib.MAX_WBITS, -zlib.MAX_WBITS


class Body:
    """Takes parts, and gives the whole. ``encoding`` is gzip, deflate or nothing; of anything else
    the bytes stay as they are."""

    def __init__(self, encoding: str, most: int) -> None:
        self._most = most
        self._content = bytearray()
        self._taken = 0
        encoding = encoding.strip().lower()
        self._wbits = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}.get(encoding)
        self._unpacker: Any = None

    def add(self, part: bytes) -> None:
        """Takes a part. Raises HostFunctionError where it gets too long, or cannot be unpacked."""
        self._taken += len(part)
        if self._taken > self._most:
            raise self._too_long()
        if self._wbits is None:
            self._content += part
            return
        while part:
            if self._unpacker is None:
                self._begin(part)
            part = self._unpack(part)

    def finish(self) -> bytes:
        """The whole body. Raises HostFunctionError for a packed one that breaks off."""
        if self._unpacker is not None and not self._unpacker.eof:
            raise HostFunctionError("the answer breaks off")
        return bytes(self._content)

    def _begin(self, part: bytes) -> None:
        # some servers send deflate without the two bytes of its header (RFC 9110, 8.4.1.2)
        if self._wbits == zlib.MAX_WBITS and part[0] & 0x0F != 8:
            self._wbits = _RAW
        self._unpacker = zlib.decompressobj(self._wbits or _GZIP)

    def _unpack(self, part: bytes) -> bytes:
        """Unpacks a part, and gives what belongs to the next member."""
        room = self._most - len(self._content)
        try:
            self._content += self._unpacker.decompress(part, room + 1)
        except zlib.error as error:
            raise HostFunctionError(f"the answer cannot be unpacked: {error}") from None
        if len(self._content) > self._most:
            raise self._too_long()
        rest: bytes = self._unpacker.unused_data
        if self._unpacker.eof and rest:
            self._unpacker = None
        return rest

    def _too_long(self) -> HostFunctionError:
        return HostFunctionError(f"the answer has more than {self._most:,} bytes")
