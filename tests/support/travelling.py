"""Executions that are suspended by one Python and go on in another: what each of them does there.

    python travelling.py suspend                 prints {"guest": "suspension in base64", ...}
    python travelling.py resume FILE             prints how each suspension of FILE ends
    python travelling.py plain                   prints how the guests end that never travel

It needs nothing but pywasmgk, so that it runs in Pyodide too.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

__all__ = ["GUESTS", "plain", "resume", "suspend"]

_KEY = b"both know it"
_EVERYTHING = """(module
  (import "env" "double" (func $double (param i32) (result i32)))
  (memory (export "memory") 1 10) (table 2 10 funcref) (elem (i32.const 0) $twice $sum)
  (data (i32.const 5000) "some text") (data $passive "dropped")
  (global $last (mut i64) (i64.const -5)) (global $ref (mut funcref) (ref.null func))
  (tag $t (param i32 f32))
  (func $twice (param i32) (result i32)
    (global.set $ref (ref.func $sum)) (data.drop $passive) (call $double (local.get 0)))
  (func $sum (export "sum") (param $n i32) (param $x f64) (result f64)
    (local $s f64) (local $v v128)
    (local.set $v (i8x16.splat (i32.const -3)))
    (loop $again
      (local.set $s (f64.add (local.get $s)
        (f64.convert_i32_s (call_indirect (param i32) (result i32) (local.get $n) (i32.const 0)))))
      (v128.store (i32.const 5004) (local.get $v))
      (block $caught (result i32 f32)
        (try_table (catch $t $caught)
          (throw $t (local.get $n) (f32.div (f32.const 0) (f32.const 0))))
        (unreachable))
      (drop) (global.set $last (i64.extend_i32_s))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (drop (memory.grow (i32.const 1)))
    (f64.mul (local.get $s) (local.get $x))))"""


class Guest(NamedTuple):
    """A call of a module."""

    module: Callable[[], Any]
    imports: dict[str, dict[str, Any]]
    function: str
    args: tuple[Any, ...]
    #: instructions before it is suspended
    steps: int


def _file(name: str) -> Callable[[], Any]:
    return lambda: (ROOT / name).read_bytes()


_GK = {"gk": {"host_call": lambda a, b, c, d: 0, "log": lambda a, b, c: None}}
GUESTS = {
    "everything": Guest(
        lambda: _EVERYTHING, {"env": {"double": lambda n: 2 * n}}, "sum", (6, 0.25), 101
    ),
    "a plugin in Rust": Guest(_file("tests/guests/rust/errands.wasm"), _GK, "gk_register", (), 150),
    "a plugin in AssemblyScript": Guest(
        _file("tests/guests/assemblyscript/errands.wasm"), _GK, "gk_register", (), 700
    ),
    "exceptions of C": Guest(_file("tests/guests/exceptions/errors.wasm"), {}, "many", (30,), 333),
    "a text adventure": Guest(_file("tests/guests/wasi/adventure.wasm"), {}, "_start", (), 1_000),
}


def _options(name: str) -> dict[str, Any]:
    import pywasmgk

    return {"wasi": pywasmgk.WasiConfig.deterministic()} if name == "a text adventure" else {}


def _begun(name: str) -> Any:
    import pywasmgk

    guest = GUESTS[name]
    module = pywasmgk.Module(guest.module())
    options = {"engine": "interpreter", "timeout": 600, **_options(name)}
    instance = pywasmgk.instantiate(module, guest.imports, **options)
    return instance.start(guest.function, *guest.args)


def _ended(held: Any) -> dict[str, Any]:
    """How an execution ends: all that can be told of it, for every Python alike."""
    held.run()
    trap = held.trap
    return {
        "results": repr(held.results),
        "trap": None if trap is None else f"{type(trap).__name__} {getattr(trap, 'code', trap)}",
        "steps": held.steps,
        "fuel": held.fuel_used,
        "state": _state(held),
    }


def _state(held: Any) -> str:
    """A digest of memories and globals."""
    digest = hashlib.sha256()
    for memory in held.instance.memories:
        digest.update(memory.data)
    digest.update(repr([str(item.value) for item in held.instance.globals]).encode())
    return digest.hexdigest()


def suspend() -> dict[str, str]:
    """All guests, suspended on their ways."""
    found = {}
    for name, guest in GUESTS.items():
        with _begun(name) as held:
            held.step(guest.steps)
            found[name] = base64.b64encode(held.to_bytes(_KEY)).decode()
    return found


def resume(suspended: dict[str, str]) -> dict[str, Any]:
    """How suspended guests end here; a name may say before a slash whence it is."""
    import pywasmgk

    found = {}
    for key, text in suspended.items():
        name = key.rpartition("/")[2]
        guest = GUESTS[name]
        module = pywasmgk.Module(guest.module())
        data = base64.b64decode(text)
        with pywasmgk.Execution.from_bytes(
            data, module, guest.imports, key=_KEY, **_options(name)
        ) as held:
            held.step(7)
            held.rewind(5)
            found[key] = _ended(held)
    return found


def plain() -> dict[str, Any]:
    """How the guests end that never travel."""
    found = {}
    for name in GUESTS:
        with _begun(name) as held:
            found[name] = _ended(held)
    return found


def main(what: str, *files: str) -> Any:
    """What is asked for."""
    if what == "resume":
        return resume(json.loads(Path(files[0]).read_text("utf-8")))
    return {"suspend": suspend, "plain": plain}[what]()


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
