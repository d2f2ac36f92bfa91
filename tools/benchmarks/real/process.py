"""One program on one engine, in a process of its own: prints its times as JSON.

Arguments: the name of the program, of the engine, the folder of the modules, and how many answers
are wanted, if not all. Times are seconds of this process's processor time since the engine was
imported.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

from .engines import Guest, open_guest
from .programs import PROGRAMS

__all__ = ["main"]


def run(name: str, engine: str, folder: Path, answers: int | None = None) -> dict[str, Any]:
    """A program's times, a digest of its answers, and the peak of memory in MiB. The script ends
    after so many ``answers``."""
    program = PROGRAMS[name]
    data = program.source(folder).read_bytes()
    # what is brought in late would count otherwise
    importlib.import_module("pywasmgk.wasm.runtime.instance" if engine in _OURS else engine)
    digest, guest, clock = hashlib.sha256(), Guest(), time.process_time
    start = clock()
    open_guest(engine, guest, data, lambda memory: program.host(guest, memory))
    if program.begin:
        guest.call(program.begin)
    loaded = first = clock() - start
    for number, answer in enumerate(islice(program.script(guest), answers)):
        digest.update(repr(answer).encode())
        if not number:
            first = clock() - start
    return {
        "load": loaded,
        "first": first,
        "whole": clock() - start,
        "peak_mib": _peak(),
        "digest": digest.hexdigest()[:16],
    }


_OURS = ("auto", "compiler", "interpreter")


def _peak() -> float | None:
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    """Runs what the arguments name."""
    name, engine, folder, *rest = sys.argv[1:]
    print(json.dumps(run(name, engine, Path(folder), *map(int, rest))))


if __name__ == "__main__":
    main()
