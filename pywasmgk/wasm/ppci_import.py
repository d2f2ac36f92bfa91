"""Brings in the parts of ppci that read modules, without the rest of it.

``import ppci.wasm`` runs a package ``__init__`` that pulls in code generators and reports, some
150 ms of it. Here a stand-in takes the package's place in ``sys.modules``: its submodules import
under their real names, and the first use of anything else runs the real ``__init__`` in place.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
import threading
from types import ModuleType
from typing import Any

__all__ = ["BinaryFileReader", "components"]

_lock = threading.RLock()


class _LazyPackage(ModuleType):
    """A package whose ``__init__`` has not run yet."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        with _lock:
            if type(self) is _LazyPackage:
                # from here on it is an ordinary package, while its __init__ runs too
                self.__class__ = ModuleType  # type: ignore[assignment]
                try:
                    self.__spec__.loader.exec_module(self)  # type: ignore[union-attr]
                except BaseException:
                    self.__class__ = _LazyPackage
                    raise
        return getattr(self, name)


def _stand_in() -> None:
    if "ppci.wasm" in sys.modules:
        return
    spec = importlib.util.find_spec("ppci.wasm")
    if spec is None or spec.submodule_search_locations is None or spec.loader is None:
        return
    package = _LazyPackage(spec.name)
    package.__spec__ = spec
    package.__path__ = spec.submodule_search_locations
    package.__file__ = spec.origin
    package.__package__ = spec.name
    package.__loader__ = spec.loader
    sys.modules[spec.name] = package
    sys.modules["ppci"].wasm = package  # type: ignore[attr-defined]


def _quiet(record: logging.LogRecord) -> bool:
    """ppci says at INFO how many definitions it read, for each load."""
    return not (record.levelno == logging.INFO and record.module == "reader")


_stand_in()
logging.getLogger("wasm").addFilter(_quiet)

# not "from ppci.wasm import ...": that would ask the stand-in, and so run the __init__
components: Any = importlib.import_module("ppci.wasm.components")
BinaryFileReader: Any = importlib.import_module("ppci.wasm.binary.reader").BinaryFileReader
