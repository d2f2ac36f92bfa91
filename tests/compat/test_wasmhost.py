"""The back end for wasmhost: the package's own self-test on it, and the bounds that stay ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pywasmgk.wasm.text.reading import assemble

wasmhost = pytest.importorskip("wasmhost")

from pywasmgk.compat.wasmhost import PywasmgkBackend, install  # noqa: E402

#: turns of a loop, endless ones and as many as are asked for; a memory that grows
SPINNER = assemble("""(module
  (memory (export "memory") 1)
  (func (export "spin") (loop (br 0)))
  (func (export "count") (param i32) (result i32) (local i32)
    (loop (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (local.get 0))))
    (local.get 1))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))""")
TWICE = assemble("""(module
  (import "env" "f" (func $a (param i32) (result i32)))
  (import "env" "f" (func $b (param i32) (result i32)))
  (import "env" "g" (func (param i32)))
  (func (export "both") (param i32) (result i32)
    (i32.add (call $a (local.get 0)) (call $b (local.get 0)))))""")
TWO_TYPES = assemble("""(module
  (import "env" "f" (func (param i32)))
  (import "env" "f" (func (param i64))))""")


def instance(data: bytes, imports: Any = None, **options: Any) -> Any:
    backend = PywasmgkBackend(**options)
    return wasmhost.Instance(wasmhost.Module(data, backend=backend), imports or {})


@pytest.fixture
def restored() -> Iterator[None]:
    yield
    wasmhost.BACKENDS.pop("pywasmgk", None)
    wasmhost.set_backend(None)


@pytest.mark.parametrize("engine", ["auto", "interpreter", "compiler"])
def test_the_packages_own_self_test_passes(engine: str) -> None:
    lines: list[str] = []
    passed = wasmhost.selftest(
        PywasmgkBackend(engine=engine), out=lambda line: lines.append(str(line))
    )
    assert passed, "\n".join(lines)
    assert len([line for line in lines if line.startswith("  ok")]) >= 30


def test_it_can_be_the_default(restored: None) -> None:
    backend = install(fuel=1_000)
    assert wasmhost.get_backend() is backend
    made = wasmhost.Instance(wasmhost.Module(SPINNER))
    with pytest.raises(wasmhost.OutOfFuel):
        made.exports.spin()
    wasmhost.set_backend("pywasmgk")
    assert type(wasmhost.get_backend()) is PywasmgkBackend


def test_calls_are_bounded_unasked() -> None:
    made = instance(SPINNER, fuel=1_000)
    with pytest.raises(wasmhost.OutOfFuel):
        made.exports.spin()
    assert made.exports.count(10) == 10
    assert issubclass(wasmhost.Timeout, RuntimeError)
    with pytest.raises(wasmhost.Timeout):
        instance(SPINNER, timeout=0.05).exports.spin()


def test_what_is_asked_for_can_only_be_less() -> None:
    module = wasmhost.Module(SPINNER, backend=PywasmgkBackend(fuel=1_000))
    more = wasmhost.Instance(module, fuel=1_000_000).exports
    with pytest.raises(wasmhost.OutOfFuel):
        more.count(10_000)
    less = wasmhost.Instance(module, fuel=100).exports
    with pytest.raises(wasmhost.OutOfFuel):
        less.count(100)
    assert (more.count(100), less.count(10)) == (100, 10)


def test_a_memory_stays_within_the_limit() -> None:
    made = instance(SPINNER, memory_limit=3).exports
    assert [made.grow(2), made.grow(1)] == [1, -1]
    with pytest.raises(IndexError):
        made.memory.grow(1)
    backend = PywasmgkBackend(memory_limit=3)
    with pytest.raises(ValueError):
        wasmhost.Memory(4, backend=backend)


def test_steps_of_a_batch_share_the_limits_of_one_call() -> None:
    made = instance(SPINNER, fuel=1_000)
    assert made.exports.count(100) == 100
    batch = made.batch()
    results = [batch.call(made.exports.count, 100) for _ in range(3)]
    with pytest.raises(wasmhost.OutOfFuel):
        batch.run()
    assert results[0].value == 100


def test_a_name_that_is_imported_twice_is_one_function() -> None:
    imports = {"env": {"f": lambda x: x + 1, "g": lambda x: None}}
    assert instance(TWICE, imports).exports.both(20) == 42
    with pytest.raises(wasmhost.LinkError, match=r"env\.f is imported as two types"):
        instance(TWO_TYPES, {"env": {"f": lambda x: None}})


def test_what_a_host_function_raises_stays_as_it_is() -> None:
    def wrong(x: int) -> int:
        raise LookupError("mine")

    made = instance(TWICE, {"env": {"f": wrong, "g": lambda x: None}})
    with pytest.raises(LookupError, match="mine"):
        made.exports.both(1)
