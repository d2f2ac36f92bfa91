"""Whose interface an import belongs to, by its names."""

from __future__ import annotations

import re

__all__ = ["origin_of"]

#: regular expressions for module and name, and the origin; the first that fits counts
_ORIGINS = tuple(
    (re.compile(module), re.compile(name), origin)
    for module, name, origin in (
        (r"wasi_snapshot_preview1", r"", "WASI preview 1"),
        (r"wasi_unstable", r"", "WASI before preview 1"),
        (r"wasi", r"thread-spawn", "WASI threads"),
        (r"wasi:", r"", "WASI preview 2"),
        (r"gk", r"", "GoatKit"),
        (r"(gojs|go)", r"", "Go for JavaScript"),
        (r"extism:", r"", "Extism"),
        (r"wbg|__wbindgen|\./.*_bg\.js", r"", "wasm-bindgen"),
        (r"", r"__wbg|__wbindgen|.*wbindgen", "wasm-bindgen"),
        (r"GOT\.(mem|func)", r"", "dynamic linking"),
        (
            r"env",
            r"(__memory_base|__table_base|__stack_pointer|__indirect_function_table)",
            "dynamic linking",
        ),
        (r"(env|a)", r"(emscripten_|_emscripten|invoke_|__syscall|__cxa_|__sys)", "Emscripten"),
        (r"(env|a)", r"(_embind_|_emval_|emscripten|__assert_fail|abort_js)", "Emscripten"),
        (r"env", r"(abort|seed|trace)", "AssemblyScript"),
        (r"env", r"opa_", "Open Policy Agent"),
        (r"spectest", r"", "the official test suite"),
    )
)


def origin_of(module: str, name: str) -> str | None:
    """The origin of an import, if it is known. Names are from the module: long ones are none of
    those that are known."""
    if len(module) > 200 or len(name) > 200:
        return None
    for wanted, names, origin in _ORIGINS:
        if (not wanted.pattern or _fits(wanted, module)) and names.match(name):
            return origin
    return None


def _fits(wanted: re.Pattern[str], module: str) -> bool:
    found = wanted.match(module)
    # a pattern that ends in a colon is a prefix, the others are whole names
    return found is not None and (wanted.pattern.endswith(":") or found.end() == len(module))
