"""What tools/pyodide-check runs inside of Pyodide, step by step. Each step gives a JSON value."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path
from typing import Any

#: where the packed project and the official suite are
PROJECT, SUITE = Path("/check/project"), Path("/check/suite")
SCRIPTS = ("i32", "i64", "f32", "f64", "memory", "call_indirect")
#: cases of the contract whose tests start threads
THREADS = {"D13", "D17", "E35"}
#: calls of the plugin that every toolchain builds, and what it answers
CALLS = {
    ("hash", b"123456789"): b'{"crc32":"cbf43926","fnv1a":"06d5573923c6cdfc"}',
    ("root", b"2"): b'{"root":1414}',
    ("sum", b"[1,-2,40]"): b'{"count":3,"sum":39}',
}


def hello(engine: str = "auto") -> Any:
    """The embedded example's answer."""
    import pywasmgk
    from pywasmgk import examples

    with pywasmgk.load(examples.read("hello"), engine=engine) as plugin:
        return plugin.call("hello", {"name": "Ada"})


def suite(engine: str) -> Any:
    """Assertions of six scripts of the official suite: passed, failed, the first failure."""
    from pywasmgk.wasm.script import Report, find_scripts, run_script, unlimited

    total = Report()
    for name in SCRIPTS:
        for script in find_scripts(SUITE, "2.0", name):
            total.add(run_script(script, unlimited(engine)))
    return {"passed": total.passed, "failed": total.failed, "failures": total.failures[:1]}


def fuel(engine: str) -> Any:
    """Calls under every fuel limit and call depth in an engine, held against the model of fuel."""
    sys.path.insert(0, str(PROJECT / "tests" / "support"))
    from fuel_model import Model
    from fuel_modules import CASES, HOST
    from oracle import Limits, OurSession, differences, state_differences

    import pywasmgk

    passed, failures = 0, []
    for case, (name, args, _) in [(one, call) for one in CASES for call in one.calls]:
        module = pywasmgk.Module(case.data)
        trace = Model(case.data, HOST).watch(name, args)
        limits = [(fuel, 2_000) for fuel in (None, *range(trace.total + 2))]
        limits += [(None, depth) for depth in range(1, max(p.depth for p in trace.points) + 1)]
        for given, depth in limits:
            guest = OurSession(engine, module, HOST, Limits(depth=depth))
            outcome, state = trace.expected(given)
            if given is None:
                outcome, state = trace.expected_in_depth(depth)
            found = differences(guest.call(name, args, given), outcome, frames=True)
            found += state_differences(guest.state(), state)
            passed += not found
            failures += [f"{case.name} {name} {args}: {found}"] if found else []
    return {"passed": passed, "failed": len(failures), "failures": failures[:3]}


def conformance(*parts: str) -> Any:
    """The cases of parts of the plugin contract, by pytest."""
    printed = io.StringIO()
    sys.argv = ["conformance", *parts, "--json"]
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        runpy.run_path(str(PROJECT / "tools" / "conformance"), run_name="__main__")
    verdict = json.loads(printed.getvalue().splitlines()[-1])
    failed = {case for case, how in verdict.pop("cases").items() if how != "pass"}
    verdict["not passed"] = sorted(failed - THREADS)
    # they start threads, of which there are none
    verdict["not tried"] = sorted(failed & THREADS)
    return {**verdict, "failed": len(failed - THREADS)}


def toolchains() -> Any:
    """The plugin that every toolchain builds, and its text: answers as they should be, or not."""
    import pywasmgk

    passed, failures = 0, []
    for path in sorted((PROJECT / "tests" / "guests").rglob("errands*.wa[st]*")):
        with pywasmgk.load_from_file(path) as plugin:
            answers = {call: plugin.call_raw(*call) for call in CALLS}
        passed += answers == CALLS
        failures += [] if answers == CALLS else [f"{path.parent.name}/{path.name}"]
    return {"passed": passed, "failed": len(failures), "failures": failures}


def receipts() -> Any:
    """The receipt of a call, which is the same everywhere, and a receipt that is verified."""
    sys.path.insert(0, str(PROJECT / "tests" / "support"))
    from receipt_guests import DIGEST, ROLL, receipt_of, roll

    from pywasmgk import verify_receipt

    with roll() as plugin:
        plugin.call_raw("add", b'{"by":3}')
        found = receipt_of(plugin)
    failures = [] if json.loads(found)["digest"] == DIGEST else ["another digest"]
    failures += [] if verify_receipt(found, ROLL) is None else ["not verified"]
    return {"passed": 2 - len(failures), "failed": len(failures), "failures": failures}


def slices() -> Any:
    """Kernels in slices as ``call_async`` has them, whose loops are left and entered again: results
    and fuel of plain calls."""
    import time

    import pywasmgk

    module = pywasmgk.Module.from_file(PROJECT / "tools" / "kernels" / "kernels.wasm")
    sizes = {"sieve": 20_000, "crc32": 5_000, "hash64": 20_000, "matmul": 40, "fib": 15}
    failures, seconds = [], {}
    for name, size in sizes.items():
        plain = pywasmgk.instantiate(module, fuel=None, timeout=None, engine="compiler")
        expected = plain.exports[name](size), plain.fuel_used
        made = pywasmgk.instantiate(module, fuel=None, timeout=None, engine="auto")
        began, count = time.perf_counter(), 0
        with made.start(name, size, history=None) as held:
            held.call_whole()
            while not held.done:
                held.end_slice_at(time.perf_counter() + 0.01)
                held.step(10_000)
                count += 1
            found = held.finish(), held.fuel_used
        seconds[name] = f"{time.perf_counter() - began:.3f} s in {count} slices"
        failures += [] if found == expected else [f"{name}: {found} instead of {expected}"]
    passed = len(sizes) - len(failures)
    return {"passed": passed, "failed": len(failures), "failures": failures, "took": seconds}


def travel(what: str) -> Any:
    """Suspended executions: what goes on here, and what goes on elsewhere."""
    sys.path.insert(0, str(PROJECT / "tests" / "support"))
    import travelling

    return travelling.main(what, str(PROJECT / "suspended.json"))


def run(step: str) -> str:
    """One step by its name and arguments, as JSON."""
    name, *arguments = step.split()
    steps = {
        "hello": hello, "suite": suite, "conformance": conformance, "toolchains": toolchains,
        "travel": travel, "receipts": receipts, "slices": slices,
        "fuel": fuel,
    }  # fmt: skip
    return json.dumps(steps[name](*arguments))
