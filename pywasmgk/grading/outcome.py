"""What a test's call or run has done: all that comparisons and checkers get to see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..wasm.runtime.value_words import as_json
from .specification import UNSET

__all__ = ["Outcome"]


@dataclass
class Outcome:
    """What a call or a run has done."""

    #: of a call: integers signed, a v128 as bytes
    results: tuple[Any, ...] = ()
    #: of a program
    exit_code: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    #: files in the program's folder, by path
    files: dict[str, bytes] = field(default_factory=dict)
    #: of a plugin's function
    json: Any = UNSET
    #: the ranges of memory that the test looks at, in its order
    memory: list[bytes] = field(default_factory=list)
    #: instructions, and pages of memory at the end
    fuel: int = 0
    pages: int = 0
    #: what the memory refused, if it did
    refused: str = ""

    def form(self) -> dict[str, Any]:
        """As JSON: bytes of the streams and files as text (U+FFFD for what is no UTF-8), of memory
        in hexadecimal."""
        return {
            "results": [as_json(value) for value in self.results],
            "exit_code": self.exit_code,
            "stdout": self.stdout.decode("utf-8", "replace"),
            "stderr": self.stderr.decode("utf-8", "replace"),
            "files": {
                name: data.decode("utf-8", "replace") for name, data in sorted(self.files.items())
            },
            "json": None if self.json is UNSET else self.json,
            "memory": [data.hex() for data in self.memory],
            "fuel": self.fuel,
            "pages": self.pages,
        }
