"""Extism's plugins, by a guest of our own that speaks its interface."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywasmgk.compat import extism
from pywasmgk.compat.extism import _host
from pywasmgk.compat.extism._kernel import Heap
from pywasmgk.errors import Trap
from pywasmgk.wasm.text.reading import assemble

#: functions of the kernel: parameters and results, I for i64 and i for i32
KERNEL = {
    "alloc": ("I", "I"),
    "free": ("I", ""),
    "length": ("I", "I"),
    "load_u8": ("I", "i"),
    "load_u64": ("I", "I"),
    "store_u8": ("Ii", ""),
    "store_u64": ("II", ""),
    "input_length": ("", "I"),
    "input_load_u8": ("I", "i"),
    "input_offset": ("", "I"),
    "output_set": ("II", ""),
    "error_set": ("I", ""),
    "config_get": ("I", "I"),
    "var_get": ("I", "I"),
    "var_set": ("II", ""),
    "log_info": ("I", ""),
    "http_request": ("II", "I"),
    "http_status_code": ("", "i"),
}


def words(kind: str, letters: str) -> str:
    return "".join(f" ({kind} {'i32' if letter == 'i' else 'i64'})" for letter in letters)


def guest(body: str, extra: str = "") -> bytes:
    """A module with the kernel's functions, ``$alloc`` and so on, and ``f``, whose result is 0."""
    imports = "".join(
        f'(import "extism:host/env" "{name}" (func ${name}'
        f"{words('param', params)}{words('result', results)}))"
        for name, (params, results) in KERNEL.items()
    )
    whole = f"""(module {imports} {extra} (memory 1 200)
      (func $input (result i64) call $input_offset)
      (func $give (param i64) local.get 0 local.get 0 call $length call $output_set)
      (func (export "f") (result i32) (local $n i64) (local $m i64) {body} i32.const 0))"""
    return assemble(whole)


UPPER = guest(
    """(local.set $m (call $alloc (call $input_length)))
    (loop $next
      (if (i64.lt_u (local.get $n) (call $input_length)) (then
        (call $store_u8 (i64.add (local.get $m) (local.get $n))
          (i32.and (call $input_load_u8 (local.get $n)) (i32.const 0xdf)))
        (local.set $n (i64.add (local.get $n) (i64.const 1)))
        (br $next))))
    (call $give (local.get $m))"""
)


def plugin(body: str, extra: str = "", **options: Any) -> extism.Plugin:
    return extism.Plugin(guest(body, extra), **options)


def test_input_and_output() -> None:
    with extism.Plugin(UPPER) as made:
        assert made.call("f", "hello") == b"HELLO"
        assert made.call("f", b"again", parse=lambda data: data.decode()) == "AGAIN"
        assert made.call("f", "") == b""
        assert (made.function_exists("f"), made.function_exists("g")) == (True, False)
        with pytest.raises(extism.Error, match="Function not found: g"):
            made.call("g", "")


def test_words_of_eight_bytes() -> None:
    body = """(local.set $m (call $alloc (i64.const 8)))
      (call $store_u64 (local.get $m) (i64.add (call $load_u64 (call $input)) (i64.const 1)))
      (call $give (local.get $m))"""
    assert plugin(body).call("f", b"\xff" * 8) == bytes(8)


def test_errors_of_the_guest() -> None:
    made = plugin("(call $error_set (call $input)) i32.const 3 return")
    for text in ("bad luck", "again"):
        with pytest.raises(extism.Error, match=text):
            made.call("f", text)
    with pytest.raises(extism.Error, match="plugin function f returned 3"):
        plugin("i32.const 3 return").call("f", "")


def test_traps_and_limits_end_a_call_and_the_next_begins_anew() -> None:
    count = "(global $calls (mut i32) (i32.const 0))"
    body = """(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (if (i64.eqz (call $input_length)) (then unreachable))
      (local.set $m (call $alloc (i64.const 1)))
      (call $store_u8 (local.get $m) (global.get $calls)) (call $give (local.get $m))"""
    made = plugin(body, count)
    assert [made.call("f", "x"), made.call("f", "x")] == [b"\1", b"\2"]
    with pytest.raises(extism.Error, match="unreachable"):
        made.call("f", "")
    assert made.call("f", "x") == b"\1"
    with pytest.raises(extism.Error, match="instructions used up"):
        plugin("(loop $l (br $l))", fuel=1_000).call("f", "")
    with pytest.raises(extism.Error, match="gave up after"):
        extism.Plugin({"wasm": [{"data": guest("(loop $l (br $l))")}], "timeout_ms": 50}).call(
            "f", ""
        )


def test_calls_are_cancelled() -> None:
    made = plugin("(if (i64.ne (call $input_length) (i64.const 0)) (then (loop $l (br $l))))")
    timer = threading.Timer(0.05, made.cancel_handle().cancel)
    timer.start()
    with pytest.raises(extism.Error, match="cancelled"):
        made.call("f", "x")
    timer.join()
    assert made.call("f", "") == b""


def test_configuration() -> None:
    body = "(call $give (call $config_get (call $input)))"
    manifest = {"wasm": [{"data": guest(body)}], "config": {"a": "1", "b": "2"}}
    made = extism.Plugin(manifest, config={"b": "3", "a": None})
    assert [made.call("f", key) for key in "abc"] == [b"", b"3", b""]


def test_variables_stay() -> None:
    body = """(local.set $n (call $var_get (call $input)))
      (call $var_set (call $input) (call $input))
      (call $give (local.get $n))"""
    made = plugin(body)
    assert [made.call("f", "k"), made.call("f", "k"), made.call("f", "j")] == [b"", b"k", b""]
    with pytest.raises(extism.Error, match="variables may have 1048576 bytes together"):
        made.call("f", "x" * 600_000)
    assert made.call("f", "k") == b"k"


def test_the_log() -> None:
    seen: list[tuple[str, str]] = []
    plugin("(call $log_info (call $input))", log=lambda *line: seen.append(line)).call("f", "hi")
    assert seen == [("info", "hi")]


# -- memory


def test_blocks_are_bounded() -> None:
    made = plugin("(loop $l (drop (call $alloc (i64.const 1))) (br $l))", memory_limit=2)
    with pytest.raises(extism.Error, match="out of memory: 1 bytes wanted"):
        made.call("f", "")
    with pytest.raises(extism.Error, match="out of memory"):
        plugin("(drop (call $alloc (i64.const -1)))").call("f", "")
    with pytest.raises(extism.Error, match="no block of the host is at 99999"):
        plugin("(drop (call $load_u8 (i64.const 99999)))").call("f", "")
    with pytest.raises(extism.Error, match="no block of the host is at 0"):
        plugin("(call $store_u64 (i64.const 0) (i64.const 1))").call("f", "")


def test_freed_blocks_are_used_again() -> None:
    heap = Heap(1_000)
    first = heap.store(b"abc")
    heap.free(first)
    heap.free(first)
    assert heap.content(first) == b""
    assert heap.allocate(3) == first
    assert heap.content(first) == bytes(3)
    assert heap.allocate(0) == 0
    with pytest.raises(Trap, match="out of memory"):
        heap.allocate(1_000)
    for _ in range(100):
        heap.free(heap.allocate(5))


# -- HTTP

HTTP = guest(
    """(local.set $n (call $http_request (call $input) (i64.const 0)))
    (if (i32.ne (call $http_status_code) (i32.const 200)) (then unreachable))
    (call $give (local.get $n))"""
)


def test_http_to_allowed_hosts() -> None:
    asked: list[extism.HttpRequest] = []

    def answer(request: extism.HttpRequest) -> extism.HttpResponse:
        asked.append(request)
        return extism.HttpResponse(200, {}, b"x" * (5 if "small" in request.url else 5_000))

    manifest = {
        "wasm": [{"data": HTTP}],
        "allowed_hosts": ["*.example.org"],
        "memory": {"max_http_response_bytes": 100},
    }
    made = extism.Plugin(manifest, http=answer)
    request = {"url": "https://a.example.org/small", "method": "POST", "headers": {"A": "b"}}
    assert made.call("f", json.dumps(request)) == b"xxxxx"
    assert (asked[0].method, asked[0].headers, asked[0].most) == ("POST", {"A": "b"}, 100)
    assert asked[0].timeout is not None
    for url, text in (
        ("https://a.example.org/large", "more than 100 bytes"),
        ("https://example.com/small", "is not allowed"),
        ("https://a.example.org@evil.com/", "is not allowed"),
        ("file://a.example.org/etc/passwd", "is not allowed"),
    ):
        with pytest.raises(extism.Error, match=text):
            made.call("f", json.dumps({"url": url}))
    for data in ("", "[]", "{}", "[" * 50_000):
        with pytest.raises(extism.Error, match="no HTTP request"):
            made.call("f", data)
    with pytest.raises(extism.Error, match="HTTP is not given"):
        extism.Plugin(manifest).call("f", json.dumps(request))


# -- functions of the host


@pytest.fixture
def no_functions() -> Iterator[None]:
    before = _host.registered()
    _host._registered.clear()
    yield
    _host._registered[:] = before


USER = '(import "extism:host/user" "shout" (func $shout (param i64) (result i64)))'


def test_functions_of_the_host(no_functions: None) -> None:
    @extism.host_fn()
    def shout(text: str) -> str:
        return text.upper() + "!"

    assert plugin("(call $give (call $shout (call $input)))", USER).call("f", "hey") == b"HEY!"
    assert shout.name == "shout"


def test_functions_with_a_signature() -> None:
    def shout(current: Any, inputs: Any, outputs: Any, mark: str) -> None:
        text = current.input_string(inputs[0])
        assert bytes(current.memory(current.memory_at_offset(inputs[0]))) == text.encode()
        current.free(current.alloc(10))
        current.return_string(outputs[0], text + mark + current.host_context())

    kinds = [extism.ValType.PTR]
    function = extism.Function(None, "shout", kinds, kinds, shout, "?")
    made = plugin("(call $give (call $shout (call $input)))", USER, functions=[function])
    assert made.call("f", "hey", host_context="#") == b"hey?#"


def test_what_cannot_cross(no_functions: None) -> None:
    @extism.host_fn()
    def shout(value: dict[str, int]) -> list[int]:
        return [*value.values()]

    made = plugin("(call $give (call $shout (call $input)))", USER)
    assert made.call("f", '{"a": 1}', parse=json.loads) == [1]
    with pytest.raises(TypeError, match="cannot cross; give a signature"):
        extism.host_fn()(_takes_a_set)
    with pytest.raises(extism.Error, match="shout"):
        plugin("(call $give (call $shout (call $input)))", USER, functions=[])


def _takes_a_set(value: set[int]) -> None: ...


# -- manifests


def test_manifests(tmp_path: Path) -> None:
    path = tmp_path / "upper.wasm"
    path.write_bytes(UPPER)
    digest = hashlib.sha256(UPPER).hexdigest()
    for item in (
        {"path": str(path)},
        {"path": str(path), "hash": digest},
        {"data": base64.b64encode(UPPER).decode()},
    ):
        assert extism.Plugin(json.dumps({"wasm": [item]})).call("f", "a") == b"A"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("{", "Unable to parse manifest"),
        ("[]", "it is no object"),
        ({}, "the manifest has no module"),
        ({"wasm": [{"url": "https://x"}]}, "not fetched by url"),
        ({"wasm": [{"data": UPPER, "hash": "0" * 64}]}, "hash mismatch"),
        ({"wasm": [{"data": "?"}]}, "Unable to decode wasm"),
        ({"wasm": [{"path": "/nowhere/at/all"}]}, "No such file"),
        (b"\0asm\2\0\0\0", "unknown binary version"),
    ],
)
def test_manifests_that_are_none(given: Any, text: str) -> None:
    with pytest.raises(extism.Error, match=text):
        extism.Plugin(given)


def test_modules_are_linked_by_name() -> None:
    library = assemble('(module (func (export "seven") (result i64) i64.const 7))')
    main = guest(
        """(local.set $m (call $alloc (call $seven))) (call $give (local.get $m))""",
        '(import "lib" "seven" (func $seven (result i64)))',
    )
    manifest = {"wasm": [{"name": "main", "data": main}, {"name": "lib", "data": library}]}
    assert extism.Plugin(manifest).call("f", "") == bytes(7)


def test_a_manifest_lowers_limits_only() -> None:
    body = "(if (i32.eq (memory.grow (i32.const 5)) (i32.const -1)) (then unreachable))"
    for pages, limit, enough in ((None, 10, True), (3, 10, False), (100, 3, False)):
        manifest = {"wasm": [{"data": guest(body)}], "memory": {"max_pages": pages}}
        made = extism.Plugin(manifest, memory_limit=limit)
        if enough:
            made.call("f", "")
        else:
            with pytest.raises(extism.Error, match="unreachable"):
                made.call("f", "")


def test_wasi_with_allowed_paths(tmp_path: Path) -> None:
    extra = """(import "wasi_snapshot_preview1" "path_create_directory"
      (func $mkdir (param i32 i32 i32) (result i32))) (data (i32.const 8) "d")"""
    data = guest("(drop (call $mkdir (i32.const 3) (i32.const 8) (i32.const 1)))", extra)
    for path, made in ((f"ro:{tmp_path}", False), (str(tmp_path), True)):
        manifest = {"wasm": [{"data": data}], "allowed_paths": {path: "/"}}
        extism.Plugin(manifest, wasi=True).call("f", "")
        assert (tmp_path / "d").exists() is made
