"""What a toolchain must be told so that its modules do without a proposal: ends of refusals."""

from __future__ import annotations

__all__ = ["remedy"]

#: by the name of a proposal, what can be done about it
_REMEDIES = {
    "mutable globals": "clang -mno-mutable-globals, asc --disable mutable-globals",
    "sign extension": (
        "clang -mno-sign-ext, Rust -C target-cpu=mvp, asc --disable sign-extension, Go before 1.24"
    ),
    "saturating conversions": (
        "clang -mno-nontrapping-fptoint, Rust -C target-cpu=mvp, asc --disable nontrapping-f2i, "
        "Go before 1.24"
    ),
    "multi-value": "clang -mno-multivalue",
    "bulk memory": (
        "clang -mno-bulk-memory -mno-bulk-memory-opt, Rust -C target-cpu=mvp, "
        "asc --disable bulk-memory, Go before 1.24"
    ),
    "reference types": "clang -mno-reference-types, wasm-bindgen without --reference-types",
    "SIMD": "clang without -msimd128, Rust without +simd128, asc without --enable simd",
    "threads": (
        "clang and emcc without -pthread and -matomics, Rust without +atomics, "
        "wasm-ld without --shared-memory, asc without --enable threads; Go and TinyGo use none"
    ),
    "extended constants": "clang -mno-extended-const, wasm-ld without -pie and --shared-memory",
    "tail calls": (
        "clang -mno-tail-call, Rust without +tail-call; Go and TinyGo use none"
    ),
    "wide arithmetic": "clang -mno-wide-arithmetic, Rust without +wide-arithmetic",
    "exception handling": (
        "clang and emcc -fno-exceptions without -fwasm-exceptions and -mllvm -wasm-enable-sjlj, "
        "Rust -C panic=abort; Go and TinyGo use none"
    ),
    "legacy exception handling": (
        "clang -mllvm -wasm-use-legacy-eh=false, emcc -sWASM_LEGACY_EXCEPTIONS=0, or wasm-opt "
        "--translate-to-exnref, if the other encoding may be used"
    ),
    "compact import sections": "wasm-tools and linkers without compact imports",
    "the function references proposal": (
        "wasm-opt --disable-reference-types tells what uses it; clang, Rust, Go and TinyGo do not"
    ),
    "garbage collection": (
        "made by a compiler of a language with objects of its own, as Kotlin, Dart, OCaml and Java "
        "have; clang, Rust, Go, TinyGo and asc do without"
    ),
    "memory64": "clang --target=wasm32, emcc without -sMEMORY64, Rust for a wasm32 target",
    "the multi-memory proposal": (
        "wasm-opt --multi-memory-lowering makes one memory of several; do not merge modules"
    ),
    "relaxed SIMD": (
        "clang without -mrelaxed-simd, Rust without +relaxed-simd, asc without --enable "
        "relaxed-simd"
    ),
    "the half precision proposal": "clang without -mfp16, Rust without +fp16",
    "custom page sizes": "wasm-ld without --page-size, clang without -mcustom-page-sizes",
    "the memory control proposal": "leave out memory.discard",
    "the component model": "`pywasmgk inspect --extract` takes modules out of a component's binary",
    "reference-typed strings": "strings in linear memory, as nearly all toolchains have them",
    "the custom descriptors proposal": "a compiler's option for types of JavaScript left out",
    "the rounding variants proposal": "operations of f32 and f64 that round to the nearest",
    "the flexible vectors proposal": "vectors of 128 bits, which have a fixed size",
    "the type imports proposal": "externref in the place of a type that is imported",
    "the numeric values in data segments proposal": "numbers in data written as strings of bytes",
    "the call tags proposal": "call_indirect, which compares types",
    "the feature detection proposal": "one module for each set of features",
    "the JIT interface proposal": "another module in the place of func.new",
    "the stack switching proposal": "emcc -sASYNCIFY, or wasm-opt --asyncify, in place of it",
}  # fmt: skip


def remedy(proposal: str) -> str:
    """The end of a message that refuses a proposal: what to build with, if that is known."""
    known = _REMEDIES.get(proposal)
    return "" if known is None else f" (build without it: {known})"
