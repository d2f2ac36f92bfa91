"""Programs that Go built for JavaScript (``GOOS=js GOARCH=wasm``), without JavaScript.

``run`` runs a program to its end, as ``run_wasi`` does one of WASI's::

    done = gojs.run("esbuild.wasm", ["--version"])
    done.stdout

``load`` starts a program that offers functions and goes on living: what it put into
``globalThis`` is there by name, and promises are waited for::

    go = gojs.load("hcl2json.wasm")
    go.parse("a = 1")

TinyGo's programs (``-target wasm``) are loaded likewise; what they export themselves is called by
``go.instance.exports``.

``imports`` has the functions that Go calls, ``tinygo`` those that TinyGo calls, ``system`` what
they find in ``globalThis``, ``program`` the event loop.
"""

from __future__ import annotations

from .program import Completed, Go, load, run

__all__ = ["Completed", "Go", "load", "run"]
