"""One plugin by every toolchain, the same to the byte: answers, errors, traps, logs, host calls.

The plugin runs errands. It takes and gives bytes:

=======  =====================  ====================================================
call     arguments              answer
=======  =====================  ====================================================
echo     any bytes              the same; nothing for none
count                           ``{"calls":N}``, counted from 1
sum      ``[1,-2]``, no blanks  ``{"count":N,"sum":S}``, which wraps at 64 bits
root     a number               ``{"root":N}``: thousandths of the square root
hash     any bytes              ``{"crc32":"...","fnv1a":"..."}``
note     a digit, a message     ``{"noted":SIZE}``, and the message is in the log
ask      a name and a request   what the host function answers
fail     a kind                 none: it traps, or runs for ever
=======  =====================  ====================================================

A number has one to 18 digits. Whatever else it gets it answers with ``{"error":"..."}``.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pywasmgk
from pywasmgk.printable import printable

GUESTS = Path(__file__).parent.parent / "guests"
BUILDS = {
    "C by zig": "c/errands.wasm",
    "C by clang": "c/errands_clang.wasm",
    "C with wasi-libc": "c/errands_libc.wasm",
    "Zig": "zig/errands.wasm",
    "Rust": "rust/errands.wasm",
    "AssemblyScript": "assemblyscript/errands.wasm",
    "WAT": "wat/errands.wat",
    "WAT, assembled": "wat/errands.wasm",
    "Go": "go/errands/errands.wasm",
}
#: builds that stay usable after a trap, as Go's runtime does not; and Go takes a second to start
DIRECT = [name for name in BUILDS if name != "Go"]


class Host(pywasmgk.MemoryHost):
    """Notes what it is asked, with every byte of it, and what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Any]] = []
        self.function(self.shout)
        self.function(self.refuse)

    def shout(self, text: str) -> dict[str, str]:
        self.asked.append(("shout", text))
        return {"text": text.upper()}

    def refuse(self, text: str) -> None:
        self.asked.append(("refuse", text))
        raise pywasmgk.HostFunctionError("never")


def escaped(data: bytes) -> bytes:
    """Bytes inside a string: what is no ASCII stays as it is, be it text or not."""
    data = re.sub(rb'(["\\])', rb"\\\1", data)
    return re.sub(rb"[\0-\x1f]", lambda match: b"\\u%04x" % match[0][0], data)


def shown(name: bytes) -> str:
    """A name from outside in a line of the log."""
    return printable(name.decode("utf-8", "replace"))


def error(message: str, detail: bytes = b"") -> bytes:
    return b'{"error":"' + message.encode() + escaped(detail) + b'"}'


class Model:
    """The plugin in Python: the answers, and what the host is to see."""

    def __init__(self) -> None:
        self.calls = 0
        self.asked: list[tuple[str, Any]] = []
        self.logged: list[tuple[str, str]] = []

    def call(self, function: str, args: bytes) -> bytes | None:
        handler: Callable[[bytes], bytes | None] | None = getattr(self, f"call_{function}", None)
        if handler is None:
            return error("unknown function: ", function.encode())
        return handler(args)

    def call_echo(self, args: bytes) -> bytes | None:
        return args or None

    def call_count(self, args: bytes) -> bytes:
        self.calls += 1
        return b'{"calls":%d}' % self.calls

    def call_sum(self, args: bytes) -> bytes:
        if not re.fullmatch(rb"\[(-?[0-9]{1,18}(,-?[0-9]{1,18})*)?\]", args):
            return error("numbers expected")
        numbers = [int(number) for number in re.findall(rb"-?[0-9]+", args)]
        total = (sum(numbers) + 2**63) % 2**64 - 2**63
        return b'{"count":%d,"sum":%d}' % (len(numbers), total)

    def call_root(self, args: bytes) -> bytes:
        if not re.fullmatch(rb"[0-9]{1,18}", args):
            return error("number expected")
        return b'{"root":%d}' % int(math.sqrt(int(args)) * 1000)

    def call_hash(self, args: bytes) -> bytes:
        fnv1a = 0xCBF29CE484222325
        for byte in args:
            fnv1a = (fnv1a ^ byte) * 0x100000001B3 % 2**64
        return b'{"crc32":"%08x","fnv1a":"%016x"}' % (zlib.crc32(args), fnv1a)

    def call_note(self, args: bytes) -> bytes:
        if not re.match(rb"[0-9]", args):
            return error("level expected")
        level = {b"0": "debug", b"2": "warn", b"3": "error"}.get(args[:1], "info")
        self.logged.append((level, args[1:].decode("utf-8", "replace")))
        return b'{"noted":%d}' % (len(args) - 1)

    def call_ask(self, args: bytes) -> bytes | None:
        name, _, request = args.partition(b" ")
        if name not in (b"shout", b"refuse"):
            return self.without_answer(name, f"unknown host function: {shown(name)}")
        text = json.loads(request)["text"]
        self.asked.append((name.decode(), text))
        if name == b"refuse":
            return self.without_answer(name, "never")
        return json.dumps({"text": text.upper()}, separators=(",", ":")).encode()

    def without_answer(self, name: bytes, why: str) -> bytes:
        self.logged.append(("error", f"host_call {shown(name)} failed: {why}"))
        return error("host call failed: ", name)

    def call_fail(self, args: bytes) -> bytes:
        return error("unknown kind: ", args)


#: what the model is held against, lest it be wrong together with them all
KNOWN = {
    ("hash", b"123456789"): b'{"crc32":"cbf43926","fnv1a":"06d5573923c6cdfc"}',
    ("hash", b""): b'{"crc32":"00000000","fnv1a":"cbf29ce484222325"}',
    ("root", b"2"): b'{"root":1414}',
    ("sum", b"[1,-2,40]"): b'{"count":3,"sum":39}',
    ("no\tsuch", b""): b'{"error":"unknown function: no\\u0009such"}',
}
LARGE = bytes(range(256)) * 80
CALLS: list[tuple[str, bytes]] = [
    *KNOWN,
    ("echo", b""),
    ("echo", b"\0"),
    ("echo", b"null"),
    ("echo", LARGE),
    ("count", b""),
    ("count", b"ignored"),
    ("sum", b"[]"),
    ("sum", b"[-0]"),
    ("sum", b"[000000000000000007]"),
    ("sum", b"[" + b",".join([b"999999999999999999"] * 30) + b"]"),
    ("sum", b"[" + b",".join([b"-999999999999999999"] * 10) + b"]"),
    ("sum", b"[1000000000000000000]"),
    ("sum", b""),
    ("sum", b"["),
    ("sum", b"[1"),
    ("sum", b"[1,]"),
    ("sum", b"[,1]"),
    ("sum", b"[--1]"),
    ("sum", b"[1]]"),
    ("sum", b"[1, 2]"),
    ("sum", b"[1\0]"),
    ("sum", b"[1]\0"),
    ("root", b"0"),
    ("root", b"999999999999999999"),
    ("root", b"9007199254740993"),
    ("root", b"1000000000000000000"),
    ("root", b""),
    ("root", b"-1"),
    ("root", b"4 "),
    ("root", b"4\0"),
    ("hash", LARGE),
    ("note", b"0"),
    ("note", b"1one"),
    ("note", b"2zwei \xc3\xbc"),
    ("note", b"3 \0three\n"),
    ("note", b"9nine"),
    ("note", b""),
    ("note", b"\0"),
    ("note", b"/slash"),
    ("note", b":colon"),
    ("ask", b'shout {"text":"a b"}'),
    ("ask", b'shout {"text":"' + b"long " * 2000 + b'"}'),
    ("ask", b'refuse {"text":"x"}'),
    ("ask", b"no_such_function {}"),
    ("ask", b"no_such_function"),
    ("ask", b'"\\\x01\xff '),
    ("ask", b""),
    ("ask", b" "),
    ("fail", b""),
    ("fail", b"loo"),
    ("fail", b"loop\0"),
    ("fail", b'"\\\x1f\x7f\xc3\xa9\xff\0'),
    ("ech", b"x"),
    ("echo ", b"x"),
    ('"\\\u00e9\u2013', b"x"),
    ("x" * 5000, LARGE),
    ("count", b""),
]


@pytest.fixture(scope="session")
def modules() -> Callable[[str], pywasmgk.Module]:
    """The builds' modules, each decoded once: Go's 2 MB take a second."""
    known: dict[str, pywasmgk.Module] = {}

    def module(build: str) -> pywasmgk.Module:
        if build not in known:
            known[build] = pywasmgk.Module.from_file(GUESTS / BUILDS[build])
        return known[build]

    return module


@pytest.fixture(scope="session")
def opened(modules: Callable[[str], pywasmgk.Module]) -> Callable[[str], pywasmgk.Plugin]:
    """A plugin by each build, for tests that leave no traces in it."""
    known: dict[str, pywasmgk.Plugin] = {}

    def plugin(build: str) -> pywasmgk.Plugin:
        if build not in known:
            known[build] = pywasmgk.load(modules(build), strict=True)
        return known[build]

    return plugin


def check(plugin: pywasmgk.Plugin, host: Host, model: Model, function: str, args: bytes) -> None:
    host.asked.clear()
    host.logs.clear()
    model.asked.clear()
    model.logged.clear()
    answer = plugin.call_raw(function, args)
    assert answer == model.call(function, args), (function, args)
    assert host.asked == model.asked
    assert [(line.level, line.message) for line in host.logs] == model.logged


def test_the_model_says_what_is_known() -> None:
    model = Model()
    for (function, args), answer in KNOWN.items():
        assert model.call(function, args) == answer


@pytest.mark.parametrize("build", BUILDS)
def test_one_set_is_answered_by_all(build: str, modules: Callable[[str], pywasmgk.Module]) -> None:
    plugin, host, model = pywasmgk.load(modules(build), strict=True), Host(), Model()
    plugin.init(host)
    for function, args in CALLS:
        check(plugin, host, model, function, args)
    assert plugin.restarts == 0


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(
        st.sampled_from(["echo", "sum", "root", "hash", "note"]),
        st.text('ab"\\\n\u00e9', min_size=1),
    ),
    st.one_of(
        st.binary(max_size=40),
        st.text("0123456789[],-", max_size=40).map(str.encode),
        st.from_regex(rb"\[-?[0-9]{1,18}(,-?[0-9]{1,18}){0,4}\]", fullmatch=True),
    ),
)
def test_anything_is_answered_alike_by_all(
    opened: Callable[[str], pywasmgk.Plugin], function: str, args: bytes
) -> None:
    expected = Model().call(function, args)
    for build in DIRECT:
        assert opened(build).call_raw(function, args) == expected, build


@pytest.mark.parametrize("build", BUILDS)
def test_all_register_alike(build: str, opened: Callable[[str], pywasmgk.Plugin]) -> None:
    found = opened(build).registration
    assert (found.name, found.version, found.unknown_keys) == ("errands", "1.0.0", [])
    assert [(r.method, r.path, r.handler) for r in found.routes] == [
        ("POST", "/errands/sum", "sum")
    ]
    assert found.error_codes[0].http_status == 422
    assert found == opened("WAT").registration


TRAPS = {
    "unreachable": (pywasmgk.TrapCode.UNREACHABLE, "wasm error: unreachable"),
    "divide": (pywasmgk.TrapCode.INTEGER_DIVISION_BY_ZERO, "wasm error: integer divide by zero"),
    "bounds": (pywasmgk.TrapCode.MEMORY_OUT_OF_BOUNDS, "wasm error: out of bounds memory access"),
    "recurse": (pywasmgk.TrapCode.STACK_OVERFLOW, "wasm error: stack overflow"),
}


@pytest.mark.parametrize("kind", TRAPS)
@pytest.mark.parametrize("build", DIRECT)
def test_all_trap_alike(build: str, kind: str, modules: Callable[[str], pywasmgk.Module]) -> None:
    plugin = pywasmgk.load(modules(build))
    plugin.call_raw("count")
    with pytest.raises(pywasmgk.CallError) as caught:
        plugin.call_raw("fail", kind.encode())
    code, text = TRAPS[kind]
    assert isinstance(caught.value.cause, pywasmgk.Trap)
    assert caught.value.cause.trap_code is code
    assert str(caught.value).splitlines()[0] == f"gk_call failed: {text}"
    # a trap leaves the plugin's state as it was
    assert plugin.call_raw("count") == b'{"calls":2}'
    assert plugin.restarts == 0


@pytest.mark.parametrize("kind", ["unreachable", "divide", "bounds"])
def test_go_traps_too_but_needs_a_fresh_instance(
    kind: str, modules: Callable[[str], pywasmgk.Module]
) -> None:
    said: list[bytes] = []
    plugin = pywasmgk.load(modules("Go"), stderr=said.append, restart_on_trap=True)
    plugin.call_raw("count")
    with pytest.raises(pywasmgk.CallError) as caught:
        plugin.call_raw("fail", kind.encode())
    # Go divides behind a check of its own, and its panics end in unreachable
    text = TRAPS["unreachable" if kind == "divide" else kind][1]
    assert str(caught.value).splitlines()[0] == f"gk_call failed: {text}"
    assert (b"panic: " in b"".join(said)) == (kind != "bounds")
    assert plugin.call_raw("count") == b'{"calls":1}'
    assert plugin.restarts == 1


@pytest.mark.parametrize("build", BUILDS)
def test_all_are_stopped_alike(build: str, modules: Callable[[str], pywasmgk.Module]) -> None:
    plugin = pywasmgk.load(modules(build))
    with pytest.raises(
        pywasmgk.CallError, match="gk_call failed: module closed with fuel exhausted"
    ) as caught:
        plugin.call_raw("fail", b"loop", fuel=200_000)
    assert isinstance(caught.value.cause, pywasmgk.OutOfFuel)
    assert plugin.last_call is not None
    assert plugin.last_call.fuel == 200_000
    assert plugin.call_raw("count") == b'{"calls":1}'
    assert plugin.restarts == 1


@pytest.mark.parametrize("build", DIRECT)
def test_answers_are_freed(opened: Callable[[str], pywasmgk.Plugin], build: str) -> None:
    plugin = opened(build)
    plugin.init(Host())
    requests = [("echo", LARGE), ("ask", b'shout {"text":"a"}'), ("ask", b"none"), ("x" * 999, b"")]
    pages = []
    for _ in range(40):
        for function, args in requests:
            plugin.call_raw(function, args)
        assert plugin.last_call is not None
        pages.append(plugin.last_call.pages)
    # of 40 times 20 KB nothing stays
    assert pages[5] == pages[-1]


def test_constructors_ran_before_the_first_call() -> None:
    data = (GUESTS / BUILDS["C with wasi-libc"]).read_bytes()
    bare = pywasmgk.instantiate(
        data,
        {"gk": {"log": lambda *args: None, "host_call": lambda *args: 0}},
        wasi=pywasmgk.WasiConfig(),
    )
    # what nobody has initialized has no manifest: all of it is made by constructors
    assert bare.exports.gk_register() == 0
    bare.exports._initialize()
    assert bare.exports.gk_register() & 0xFFFFFFFF == 307
