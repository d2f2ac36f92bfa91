"""Modules that Emscripten made, without its JavaScript.

``load`` gives what Emscripten's runtime would: heap growth, clocks, system calls on WASI's files,
``invoke_*`` with ``longjmp``, abort and assertions, embind, side modules. Names that a release
build shortened are looked up in the package's script, which is read and not run::

    zstd = emscripten.load("zstd.wasm", Path("zstd.js"))
    zstd.call("ZSTD_compressBound", 1000)

``program`` has what is loaded, ``host`` the functions by group, ``names`` reads scripts, ``files``
carries out system calls, ``embind`` has classes and functions of C++, ``dynamic`` loads side
modules.
"""

from __future__ import annotations

from .program import Program, load

__all__ = ["Program", "load"]
