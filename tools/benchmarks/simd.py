"""SIMD: kernels in vector and scalar code, and the
representations that a v128 could have."""

from __future__ import annotations

import functools
import statistics
import struct
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .contestants import versions
from .measuring import alternate, circumstances, geometric_mean, ratio

KERNELS = Path(__file__).resolve().parent.parent / "kernels"
#: sizes that take long enough to be measured, in the units that simd.c says
SIZES = {"copy": 4096, "scan": 8192, "base64": 3072, "utf8": 4000, "matmul": 16, "sha256": 8}


def _peer() -> Callable[[str, int], int] | None:
    """pywasm with the vector build, where it is installed."""
    try:
        import pywasm
    except ImportError:
        return None
    runtime = pywasm.core.Runtime()
    instance = runtime.instance_from_file(str(KERNELS / "simd.wasm"))
    return lambda name, size: runtime.invocate(instance, name, [size])[0]


def _kernel(name: str, size: int, rounds: int, calls: list[Callable[[str, int], int]]) -> Any:
    """One kernel: the vector build, the scalar one, and a peer, in turn."""
    results = [call(name, size) for call in calls]
    if len(set(results)) != 1:
        raise SystemExit(f"{name}: the builds differ, {results}")
    turns = {str(n): functools.partial(call, name, size) for n, call in enumerate(calls)}
    vector, scalar, *peers = alternate(turns, rounds).values()
    return {
        "kernel": name,
        "milliseconds": round(statistics.median(vector) * 1000, 1),
        "times_scalar_build": round(ratio(vector, scalar), 2),
        "times_pywasm": round(ratio(peers[0], vector), 1) if peers else None,
    }


def kernels(rounds: int, engine: str) -> dict[str, Any]:
    """The vector build against the scalar one, and against pywasm, kernel by kernel."""
    import pywasmgk

    def build(file: str) -> Callable[[str, int], int]:
        instance = pywasmgk.instantiate(pywasmgk.Module.from_file(KERNELS / file), engine=engine)
        return lambda name, size: instance.exports[name](size)

    calls = [build("simd.wasm"), build("simd_scalar.wasm")]
    peer = _peer()
    if peer is not None:
        calls.append(peer)
    rows = [_kernel(name, size, rounds, calls) for name, size in SIZES.items()]
    mean = geometric_mean(row["times_scalar_build"] for row in rows)
    return {
        "benchmark": "simd",
        **circumstances(),
        "versions": versions(["pywasm"]),
        "rounds": rounds,
        "engine": engine,
        "rows": rows,
        "geometric_mean_times_scalar_build": round(mean, 2),
    }


def table(result: dict[str, Any]) -> str:
    """The result as lines to read."""
    lines = [f"{'kernel':10}{'ms':>8}{'vector / scalar':>18}{'pywasm / vector':>18}"]
    for row in result["rows"]:
        lines.append(
            f"{row['kernel']:10}{row['milliseconds']:8.1f}{row['times_scalar_build']:18.2f}"
            f"{row['times_pywasm'] or '-':>18}"
        )
    return "\n".join(lines)


#: by operation: what it takes with one int (a b), with bytes (A B) and with two ints of 64 bits
#: (p q, and r s of the other operand), result included
FORMS = {
    "v128.load": (
        "(t := load2(mem, 96))[0] | t[1] << 64",
        "load16(mem, 96)[0]",
        "load2(mem, 96)",
    ),
    "v128.store": (
        "store16(mem, 96, a.to_bytes(16, 'little'))",
        "store16(mem, 96, A)",
        "store2(mem, 96, p, q)",
    ),
    "v128.xor": (
        "a ^ b",
        "(num(A, 'little') ^ num(B, 'little')).to_bytes(16, 'little')",
        "(p ^ r, q ^ s)",
    ),
    "v128.any_true": ("a != 0", "A != ZERO", "p != 0 or q != 0"),
    "i32x4.add": (
        "(a & L) + (b & L) ^ (a ^ b) & H",
        "(((x := num(A, 'little')) & L) + ((y := num(B, 'little')) & L) ^ (x ^ y) & H)"
        ".to_bytes(16, 'little')",
        "((p & L2) + (r & L2) ^ (p ^ r) & H2, (q & L2) + (s & L2) ^ (q ^ s) & H2)",
    ),
    "i64x2.add": (
        "(a & L) + (b & L) ^ (a ^ b) & H",
        "pack2(((x := load2(A))[0] + (y := load2(B))[0]) & M, (x[1] + y[1]) & M)",
        "(p + r & M, q + s & M)",
    ),
    "i32x4.shr_u": (
        "a >> 7 & L",
        "(num(A, 'little') >> 7 & L).to_bytes(16, 'little')",
        "(p >> 7 & L2, q >> 7 & L2)",
    ),
    "i8x16.eq": (
        "((~((((x := a ^ b) & L) + L) | x) & H) >> 7) * 255",
        "(((~((((x := num(A, 'little') ^ num(B, 'little')) & L) + L) | x) & H) >> 7) * 255)"
        ".to_bytes(16, 'little')",
        "(((~((((x := p ^ r) & L2) + L2) | x) & H2) >> 7) * 255,"
        " ((~((((x := q ^ s) & L2) + L2) | x) & H2) >> 7) * 255)",
    ),
    "i8x16.bitmask": (
        "int(a.to_bytes(16, 'big').translate(DIGITS), 2)",
        "int(A[::-1].translate(DIGITS), 2)",
        "int(pack2(p, q)[::-1].translate(DIGITS), 2)",
    ),
    "i8x16.swizzle": (
        "num(b.to_bytes(16, 'little').translate(a.to_bytes(256, 'little')), 'little')",
        "B.translate(A + ZEROS)",
        "load2(pack2(r, s).translate(pack2(p, q) + ZEROS))",
    ),
    "i8x16.extract_lane_u": ("a >> 40 & 255", "A[5]", "p >> 40 & 255"),
    "f32x4.mul": (
        "multiply(a.to_bytes(16, 'little'), b.to_bytes(16, 'little'))",
        "multiply_bytes(A, B)",
        "load2(multiply_bytes(pack2(p, q), pack2(r, s)))",
    ),
}


def _multiply_bytes(a: bytes, b: bytes) -> bytes:
    a0, a1, a2, a3 = _four.unpack(a)
    b0, b1, b2, b3 = _four.unpack(b)
    return _four.pack(a0 * b0, a1 * b1, a2 * b2, a3 * b3)


_four = struct.Struct("<4f")
_two = struct.Struct("<2Q")
_bytes = struct.Struct("<16s")


def _names() -> dict[str, Any]:
    vector, other = struct.pack("<4f", 1.5, -2.25, 3e10, 1.75), struct.pack("<4f", 9, 8.5, 7, 0.75)
    a, b = (int.from_bytes(data, "little") for data in (vector, other))
    low = int.from_bytes(b"\xff\xff\xff\x7f" * 4, "little")
    mask = (1 << 64) - 1
    return {
        "a": a, "b": b, "A": vector, "B": other,
        "p": a & mask, "q": a >> 64, "r": b & mask, "s": b >> 64,
        "L": low, "H": low ^ ((1 << 128) - 1), "L2": low & mask, "H2": ~low & mask, "M": mask,
        "mem": bytearray(65536), "num": int.from_bytes, "ZERO": bytes(16), "ZEROS": bytes(240),
        "DIGITS": b"0" * 128 + b"1" * 128,
        "load2": _two.unpack_from, "store2": _two.pack_into, "pack2": _two.pack,
        "load16": _bytes.unpack_from, "store16": _bytes.pack_into,
        "multiply_bytes": _multiply_bytes,
        "multiply": lambda a, b: int.from_bytes(_multiply_bytes(a, b), "little"),
    }  # fmt: skip


def representations(rounds: int) -> dict[str, Any]:
    """Nanoseconds of single operations in each representation, the names looked up as globals."""
    names = _names()
    count = 5_000
    rows = []
    for operation, forms in FORMS.items():
        took = [
            min(timeit.repeat(form, globals=names, number=count, repeat=10 * rounds)) / count * 1e9
            for form in forms
        ]
        kinds = ("int_128", "bytes_16", "two_ints_64")
        rows.append({"operation": operation, **dict(zip(kinds, map(round, took)))})
    return {"rows": rows, "unit": "ns"}
