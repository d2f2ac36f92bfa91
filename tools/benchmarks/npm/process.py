"""Runs one program on one engine: prints its answer and the processor seconds, as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from .programs import PROGRAMS

__all__ = ["plain"]


def plain(value: Any) -> Any:
    """An answer as JSON has it: bytes in hex, whole numbers as integers."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def main(name: str, engine: str, folder: str) -> None:
    """Runs and prints."""
    program = PROGRAMS[name]
    root = Path(folder) / "node_modules"
    if program.raw:
        from ..real.engines import Guest, open_guest

        guest = Guest()
        data = (root / program.raw).read_bytes()
        open_guest(engine, guest, data, lambda memory: program.host(guest))
        answer = program.run(guest)
    else:
        answer = program.run(root)
    seconds = time.process_time()
    print(json.dumps({"answer": plain(answer), "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
