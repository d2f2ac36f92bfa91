"""One plugin in C, Go and AssemblyScript: the same answers, byte for byte, and what hosts see."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from guest_host import make_host

import pywasmgk

GUESTS = Path(__file__).parent.parent / "guests"
LANGUAGES = ("c", "go", "assemblyscript")
Case = tuple[str, "str | None", str]
CASES: list[Case] = [tuple(case) for case in json.loads((GUESTS / "cases.json").read_text())]


@pytest.fixture(scope="session")
def modules() -> Callable[[str], pywasmgk.Module]:
    """The guests' modules, each decoded once: Go's 2 MB take a second."""
    known: dict[str, pywasmgk.Module] = {}

    def module(language: str) -> pywasmgk.Module:
        if language not in known:
            path = GUESTS / language / "workshop.wasm"
            known[language] = pywasmgk.Module.from_file(path)
        return known[language]

    return module


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Each language in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def kept() -> dict[str, pywasmgk.Plugin]:
    """A plugin per language for all tests that leave it as it was; Go takes half a second."""
    return {}


@pytest.fixture
def quiet_plugin(
    language: str, modules: Callable[[str], pywasmgk.Module], kept: dict[str, pywasmgk.Plugin]
) -> pywasmgk.Plugin:
    """A plugin that other tests have used and will use."""
    if language not in kept:
        kept[language] = pywasmgk.load(modules(language), strict=True)
    return kept[language]


@pytest.fixture
def plugin(language: str, modules: Callable[[str], pywasmgk.Module]) -> pywasmgk.Plugin:
    """A fresh plugin with the default limits."""
    return pywasmgk.load(modules(language), strict=True)


# ---- the shared set


def test_the_shared_set_is_answered_byte_for_byte(plugin: pywasmgk.Plugin) -> None:
    assert plugin.call("report") == {"error": "db_query failed"}  # there is no host yet
    make_host(plugin)
    for number, (function, args, expected) in enumerate(CASES):
        raw = None if args is None else args.encode()
        answer = plugin.call_raw(function, raw)
        assert answer == expected.encode(), f"case {number}: {function} {args}"


def rounded(number: float) -> int | float:
    """What the guests write of a number: six decimals, rounded half up."""
    value = math.floor(abs(number) * 1e6 + 0.5) / 1e6 * (-1 if number < 0 else 1)
    return int(value) if value == int(value) else value


def stats(args: Any) -> Any:
    numbers = sorted(args["numbers"])
    if not numbers:
        return {"count": 0}
    count, half = len(numbers), len(numbers) // 2
    mean = math.fsum(numbers) / count
    return {
        "count": count,
        "max": rounded(numbers[-1]),
        "mean": rounded(mean),
        "median": rounded((numbers[half] + numbers[-half - 1]) / 2),
        "min": rounded(numbers[0]),
        "sum": rounded(math.fsum(numbers)),
        "variance": rounded(math.fsum((x - mean) ** 2 for x in numbers) / count),
    }


def words(args: Any) -> Any:
    text = args["text"].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    found = text.translate(dict.fromkeys(map(ord, "\t\n\r"), " ")).split(" ")
    counts = Counter(word for word in found if word)
    return {
        "bytes": len(text.encode()),
        "characters": len(text),
        "counts": [[w, n] for w, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))],
        "lines": text.count("\n") + 1 if text else 0,
        "longest": max(found, key=len),
        "reversed": text[::-1],
        "upper": "".join(c.upper() if c.isascii() else c for c in text),
    }


def sort(args: Any) -> Any:
    def key(record: Any) -> tuple[int, float, str]:
        value = record.get(args["by"]) if isinstance(record, dict) else None
        if isinstance(value, str):
            return 2, 0, value
        return (0, 0, "") if value is None else (1, value, "")

    return {"records": sorted(args["records"], key=key, reverse=args.get("descending", False))}


def coded(args: Any) -> Any:
    if "encode" in args:
        return {"base64": base64.b64encode(args["encode"].encode()).decode()}
    return {"text": base64.b64decode(args["decode"], validate=True).decode()}


def hashes(args: Any) -> Any:
    data, fnv1a = args["text"].encode(), 0xCBF29CE484222325
    for byte in data:
        fnv1a = (fnv1a ^ byte) * 0x100000001B3 % 2**64
    return {"crc32": f"{zlib.crc32(data):08x}", "fnv1a": f"{fnv1a:016x}"}


def primes(args: Any) -> Any:
    found = [n for n in range(2, args["limit"]) if all(n % k for k in range(2, math.isqrt(n) + 1))]
    return {"count": len(found), "last": max(found, default=0)}


ORACLES: dict[str, Callable[[Any], Any]] = {
    "base64": coded,
    "echo": lambda args: args,
    "hash": hashes,
    "primes": primes,
    "sort": sort,
    "stats": stats,
    "words": words,
}


@pytest.mark.parametrize("name", ORACLES)
def test_the_shared_set_says_what_python_says(name: str) -> None:
    checked = 0
    for function, args, answer in CASES:
        if function != name or answer.startswith('{"error"'):
            continue
        given = {} if args is None else json.loads(args)
        expected = None if args is None else ORACLES[name](given)
        assert json.loads(answer) == expected, args
        checked += 1
    assert checked >= 4


def test_what_python_refuses_the_shared_set_refuses() -> None:
    for function, args, answer in CASES:
        if function == "echo" and args is not None:
            try:
                json.loads(args)
            except json.JSONDecodeError:
                assert answer == '{"error":"invalid JSON"}'
            else:
                assert not answer.startswith('{"error"')


# ---- manifest and host


def test_the_manifest_has_all_parts(quiet_plugin: pywasmgk.Plugin, modules: Any) -> None:
    found = quiet_plugin.registration
    assert (found.name, found.version, found.unknown_keys) == ("workshop", "1.2.0", [])
    assert [(r.method, r.handler, r.middleware) for r in found.routes] == [
        ("GET", "report", ("auth",)),
        ("POST", "stats", ()),
    ]
    assert found.menu_items[0].children[0].path == "/workshop/report"
    assert found.widgets[0].refresh_sec == 30
    assert (found.jobs[0].schedule, found.jobs[0].enabled) == ("0 3 * * *", True)
    assert found.i18n is not None
    assert found.i18n.translations["de"] == {"workshop.title": "Werkstatt \u2013 \u00fcben"}
    assert found.error_codes[0].http_status == 422
    assert found == pywasmgk.load(modules("c")).registration


def test_what_the_host_sees(quiet_plugin: pywasmgk.Plugin) -> None:
    plugin = quiet_plugin
    host = make_host(plugin)
    plugin.call("store", {"name": "Ada", "value": 2})
    plugin.call("store", {"name": 'B"\u00e9', "value": 1.5})
    assert host.connection.execute("SELECT * FROM score").fetchall() == [
        ("Ada", 2),
        ('B"\u00e9', 1.5),
    ]
    report = b'{"best":"Ada","count":2,"mean":1.75}'
    assert plugin.call_raw("report") == report
    assert plugin.last_call is not None
    assert plugin.last_call.host_calls >= 4
    assert host.cache["workshop"]["workshop.report"][0] == report
    event = pywasmgk.plugin.memory_host.Event("workshop", "report", report.decode(), "workshop")
    assert host.events == [event]
    for level in (0, 1, 2, 3, 4, -1):
        plugin.call("say", {"level": level, "message": f"\u00fc {level}"})
    assert [(line.level, line.message) for line in host.logs] == [
        ("info", "scores: 2"),
        ("debug", "\u00fc 0"),
        ("info", "\u00fc 1"),
        ("warn", "\u00fc 2"),
        ("error", "\u00fc 3"),
        ("info", "\u00fc 4"),
        ("info", "\u00fc -1"),
    ]
    assert {line.fields["plugin"] for line in host.logs} == {"workshop"}


@pytest.mark.parametrize("language", ["c", "assemblyscript"])
def test_counters_are_kept_from_call_to_call_and_apart(
    plugin: pywasmgk.Plugin, language: str, modules: Any
) -> None:
    other = pywasmgk.load(modules(language))
    for number in range(1, 4):
        assert plugin.call("count") == {"calls": number, "total": number}
    assert other.call("count", {"add": 2**53 + 1}) == {"calls": 1, "total": 2**53 + 1}


# ---- memory

#: calls, and rounds of garbage inside one: up to 15 million instructions each
ROUNDS = {"c": (2000, 10), "go": (200, 15), "assemblyscript": (2000, 10)}


def test_live_memory_is_flat(plugin: pywasmgk.Plugin, language: str) -> None:
    calls, rounds = ROUNDS[language]
    # once before: what a collector or a pool keeps of the first time is no leak
    plugin.call("churn", {"rounds": rounds})
    plugin.call("alive")
    before = plugin.call("alive")
    pages = plugin.last_call.pages if plugin.last_call else 0
    for _ in range(calls):
        plugin.call_raw("echo")
    plugin.call("churn", {"rounds": rounds})
    for _ in range(20):
        plugin.call("echo", [1, {"a": "x"}])
    assert plugin.call("alive") == before
    assert plugin.last_call is not None
    assert plugin.last_call.pages == pages


# ---- failing

TRAPS = {
    "unreachable": "unreachable",
    "divide": "integer divide by zero",
    "bounds": "out of bounds memory access",
    "recurse": "stack overflow",
}


@pytest.mark.parametrize("kind", TRAPS)
@pytest.mark.parametrize("language", ["c", "assemblyscript"])
def test_traps_leave_the_plugin_usable(plugin: pywasmgk.Plugin, kind: str) -> None:
    plugin.call("count")
    with pytest.raises(
        pywasmgk.CallError, match=f"gk_call failed: wasm error: {TRAPS[kind]}\n"
    ) as e:
        plugin.call("fail", {"kind": kind})
    assert isinstance(e.value.cause, pywasmgk.Trap)
    assert any("fail" in str(frame) or "deeper" in str(frame) for frame in e.value.cause.frames)
    assert plugin.call("count") == {"calls": 2, "total": 2}
    assert plugin.restarts == 0


def test_go_panics_aloud_and_needs_a_fresh_instance(
    modules: Callable[[str], pywasmgk.Module],
) -> None:
    errors: list[bytes] = []
    # Go's runtime takes itself for running after a trap: nothing but a restart helps
    plugin = pywasmgk.load(modules("go"), stderr=errors.append, restart_on_trap=True)
    with pytest.raises(pywasmgk.CallError, match="gk_call failed: "):
        plugin.call("fail", {"kind": "divide"})
    said = b"".join(errors)
    assert said.startswith(b"panic: runtime error: integer divide by zero"), said
    assert b"main.fail" in said
    assert plugin.call("count") == {"calls": 1, "total": 1}
    assert plugin.restarts == 1


def test_endless_loops_are_stopped(plugin: pywasmgk.Plugin) -> None:
    plugin.call("count")
    with pytest.raises(pywasmgk.CallError, match="fuel exhausted") as stop:
        plugin.call("fail", {"kind": "loop"}, fuel=300_000)
    assert isinstance(stop.value.cause, pywasmgk.OutOfFuel)
    assert plugin.last_call is not None
    assert plugin.last_call.fuel == 300_000
    assert plugin.call("count") == {"calls": 1, "total": 1}
    assert plugin.restarts == 1
    with pytest.raises(pywasmgk.CallTimeout, match="deadline exceeded"):
        plugin.call("fail", {"kind": "loop"}, timeout=0.05)


def test_go_starts_far_within_the_default_limits(
    modules: Callable[[str], pywasmgk.Module],
) -> None:
    plugin = pywasmgk.load(modules("go"), fuel=2_000_000, memory_limit=64)
    assert plugin.call("count") == {"calls": 1, "total": 1}


@pytest.mark.case("W53")
def test_buffers_stay_until_they_are_freed(quiet_plugin: pywasmgk.Plugin) -> None:
    guest = quiet_plugin._guest
    assert guest is not None
    malloc, free, memory = guest.exports.malloc, guest.exports.free, guest.exports.memory
    assert free is not None
    sizes = (0, 1, 7, 64, 1000, 0, 4096)
    blocks = [(malloc(size) & 0xFFFFFFFF, size) for size in sizes]
    for number, (ptr, size) in enumerate(blocks, 1):
        memory.write(ptr, bytes([number]) * size)
    for _ in range(8):
        # work that makes garbage, and has it collected
        quiet_plugin.call("stats", {"numbers": list(range(40))})
    for number, (ptr, size) in enumerate(blocks, 1):
        assert memory.read(ptr, size) == bytes([number]) * size
    places = sorted((ptr, ptr + size) for ptr, size in blocks if size)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))
    for ptr, _ in blocks:
        free(ptr)
    # what it does not know it ignores
    free(3)
