"""The page of the documentation about speed, and its pictures, from the results of benchmarks."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from .kernels import cell
from .measuring import geometric_mean
from .svg import chart

__all__ = ["write"]

DOCS = Path(__file__).resolve().parent.parent.parent / "pywasmgk" / "docs"
#: what is drawn of the kernels: the others are too far away
DRAWN = ("compiler", "pwasm-fuel", "pwasm")
INTRODUCTION = """# Speed: what code takes, and how that was measured

All figures are ratios or stand beside those of others from the same run: engines take turns in one
process, every result is checked, and what is shown is the median over the rounds. pywasmgk counts
every instruction and has the limits that hold by default; compiling is not in the times, except
under "Real programs" and "Start". *pwasm-fuel* is pwasm with a budget, which it counts by calls and
turns of loops; *pwasm* is the same without. Times are the processor's, as other programs ran on the
machine.

Measure yourself, from the project's source:

```text
tools/bench real
tools/bench kernels
tools/bench coremark
tools/bench calls
tools/bench start
tools/bench pyodide
tools/bench simd
```

`tools/bench page FOLDER` makes this page of the JSON files in a folder, which `--json FILE` wrote.
"""


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, the first column to the left."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def short(python: str) -> str:
    """``3.11`` of ``CPython 3.11.7``."""
    return ".".join(python.split()[-1].split(".")[:2])


def wrapped(part: str) -> str:
    """A part with its prose in lines of 100 characters; tables and code stay as they are."""
    if part.startswith(("|", "!")) or "```" in part:
        return part
    lines = (textwrap.fill(line, 100, break_on_hyphens=False) for line in part.splitlines())
    return "\n".join(lines) + "\n"


def release(result: dict[str, Any]) -> list[int]:
    """What to sort results of several Pythons by."""
    return [int(part) for part in short(result["python"]).split(".")]


def said(result: dict[str, Any]) -> str:
    """A line on where a result comes from."""
    versions = ", ".join(f"{name} {v}" for name, v in result.get("versions", {}).items())
    load = "/".join(map(str, result["load"]))
    peers = f"; {versions}" if versions else ""
    busy = f"; load {load}" if load else ""
    return (
        f"{result['python']}, {result['machine']}{busy}{peers}; {result['rounds']} rounds; "
        f"{result['date']}.\n"
    )


def kernels(results: list[dict[str, Any]]) -> Iterable[str]:
    """Every kernel, a table for each Python."""
    yield (
        "## Kernels\n\nTime over that of the same algorithm written by hand in Python, so 1 is as "
        "fast as that and less is better. *compiler* and *auto* are ours. The geometric mean takes "
        "each kernel as at least 1, so that one that is faster than Python does not hide the rest. "
        "The twins of the last kernels do the work in Python's own C code, so they are not in the "
        "mean. Engines that are much slower ran smaller sizes, and are compared by instruction.\n"
    )
    for result in results:
        names = result["contestants"]
        version = short(result["python"])
        rows = sorted(result["rows"], key=lambda row: bool(row["native"]))
        drawn = {
            row["kernel"]: {n: row["times"][n] for n in DRAWN if n in row["times"]} for row in rows
        }
        picture(f"performance-kernels-{version}", f"Kernels, Python {version}", "x Python", drawn)
        yield f"### Python {version}\n\n![Kernels](performance-kernels-{version}.svg)\n"
        body = [
            [row["kernel"] + (" (C in the twin)" if row["native"] else "")]
            + [cell(row["times"].get(name)) for name in names]
            for row in rows
        ]
        for kind, text in (("mean", "**mean**"), ("plain", "mean without the floor of 1")):
            body.append([text, *(cell(result["means"][name].get(kind)) for name in names)])
        yield grid(["kernel", *names], body)
        yield said(result)


def coremark(results: list[dict[str, Any]]) -> Iterable[str]:
    """The mixed workload."""
    yield (
        "## A mixed workload\n\nLists, matrices, a state machine and a checksum, in the manner of "
        "CoreMark but our own, so that its figures compare with each other only. Iterations a "
        "second, more is better; *twin* is Python by hand.\n"
    )
    rates = {
        f"Python {short(r['python'])}": {row["contestant"]: row["per_second"] for row in r["rows"]}
        for r in results
    }
    by_who = {
        who: {python: rate[who] for python, rate in rates.items() if who in rate}
        for who in dict.fromkeys(name for rate in rates.values() for name in rate)
    }
    picture("performance-coremark", "Mixed workload", "iterations/s", by_who)
    yield "![Mixed workload](performance-coremark.svg)\n"
    body = [
        [who, *(f"{found[p]:,.1f}" if p in found else "-" for p in rates)]
        for who, found in by_who.items()
    ]
    yield grid(["", *rates], body)
    yield from map(said, results)


def calls(results: list[dict[str, Any]]) -> Iterable[str]:
    """Borders."""
    kinds = ("export", "host call", "plugin.call")
    yield (
        "## Calls\n\nMicroseconds, in proportion to an empty call of a Python function that takes "
        "50 ns: an exported function of two integers, a round trip from the guest to a host "
        "function and back, and `plugin.call` of the example plugin with JSON both ways.\n"
    )
    for result in results:
        version = short(result["python"])
        found = {
            row["contestant"]: {kind: row[kind] for kind in kinds if kind in row}
            for row in result["rows"]
        }
        picture(f"performance-calls-{version}", f"Calls, Python {version}", "microseconds", found)
        yield f"![Calls](performance-calls-{version}.svg)\n"
        body = [
            [who, *(f"{row[kind]:.2f}" if kind in row else "-" for kind in kinds)]
            for who, row in found.items()
        ]
        yield grid([f"Python {version}", *kinds], body)
        yield said(result) + f"An empty call took {result['empty_call_ns']} ns there.\n"


def start(results: list[dict[str, Any]]) -> Iterable[str]:
    """First answers."""
    yield (
        "## Start\n\nMilliseconds in a fresh process, after the import: loading with registration, "
        "the first call, and one later; the memory of the whole process at its peak. *hello* is "
        "the example plugin in C, *workshop* a plugin in Go of 2 MB.\n"
    )
    columns = ("load_ms", "first_call_ms", "to_first_answer_ms", "later_call_ms", "peak_mib")
    head = ["", "from", "load", "first call", "together", "later call", "peak, MiB"]
    drawn: dict[str, dict[str, float]] = {}
    for result in results:
        version = short(result["python"])
        body = []
        for row in result["rows"]:
            source = "cache" if row["cache"] else "file"
            body.append([row["plugin"], source, *(f"{row[key]:,.1f}" for key in columns)])
            label = f"{row['plugin']}, {source}"
            drawn.setdefault(label, {})[f"Python {version}"] = row["to_first_answer_ms"]
        yield f"Python {version}:\n"
        yield grid(head, body)
        yield said(result) + f"A bare Python's peak is {result['bare_python_mib']} MiB.\n"
    picture("performance-start", "From file to first answer", "ms", drawn)
    yield "![Start](performance-start.svg)\n"


def pyodide(results: list[dict[str, Any]]) -> Iterable[str]:
    """Kernels in the browser's Python."""
    yield (
        "## Pyodide\n\nThe same kernels in Pyodide in Node, by the compiler. *slower* is the time "
        "there over the time in CPython on the same machine, of our engine and of the twin.\n"
    )
    for result in results:
        named = {"times_twin": "x its Python", "slower": "slower", "slower_twin": "twin slower"}
        rows = [*result["rows"], {"kernel": "**mean**", **result["means"]}]
        drawn = {
            row["kernel"]: {"ours": row["slower"], "twin": row["slower_twin"]}
            for row in result["rows"]
        }
        picture("performance-pyodide", "Pyodide over CPython", "x CPython", drawn)
        yield "![Pyodide](performance-pyodide.svg)\n"
        yield grid(
            ["kernel", *named.values()],
            [[row["kernel"], *(cell(row[k]) for k in named)] for row in rows],
        )
        yield (
            f"Pyodide {result['pyodide']} ({result['python']}), Node {result['node']}, beside "
            f"{result['compared_with']}; {result['rounds']} rounds; {result['date']}.\n"
        )


def simd(results: list[dict[str, Any]]) -> Iterable[str]:
    """Vector code against scalar code."""
    yield (
        "## SIMD\n\nTime of kernels in vector code over their scalar builds, by the compiler: less "
        "than 1 means that vectors are faster. Then pywasm's time over ours.\n"
    )
    for result in results:
        head = (f"Python {short(result['python'])}", "vector / scalar", "pywasm / ours")
        body = [
            [row["kernel"], cell(row["times_scalar_build"]), cell(row["times_pywasm"])]
            for row in result["rows"]
        ]
        mean = ["**mean**", cell(result["geometric_mean_times_scalar_build"]), ""]
        yield grid(head, [*body, mean])
        yield said(result)
    drawn = {
        row["kernel"]: {"vector / scalar": row["times_scalar_build"]} for row in results[0]["rows"]
    }
    picture("performance-simd", "Vector over scalar code", "x scalar", drawn)
    yield "![SIMD](performance-simd.svg)\n"


def real_programs(results: list[dict[str, Any]]) -> Iterable[str]:
    """Programs of registries, cold and warm."""
    yield (
        "## Real programs\n\nPrograms that other people's compilers built, from npm and PyPI, and "
        "four jobs of Go's standard library: processor seconds from the module's bytes to the end "
        "of a script, decoding, validating (which pwasm does not) and compiling included, each run "
        "a process. *cold* is without a cache, *warm* with each engine's own, from the second "
        "process on. Ours compiles at the end of the first one ([Caching](caching.md)), which is "
        "in neither time. pwasm has its fuel; answers are compared.\n"
    )
    for result in results:
        engines = [*result["rows"][0]["engines"]]
        ours = engines[0]
        head = ["program", "by", "", *engines, f"pwasm / {ours}", "to first answer", "peak MiB"]
        yield grid(head, (_real_row(row, engines) for row in result["rows"]))
        for warm in (False, True):
            ratios = [_ratio(row, ours) for row in result["rows"] if row["warm"] is warm]
            known = [ratio for ratio in ratios if ratio is not None]
            yield (
                f"{'Warm' if warm else 'Cold'}: {ours} is {geometric_mean(known):.2f} times as "
                f"fast as pwasm (geometric mean), at least {min(known):.2f}, at most "
                f"{max(known):.2f}.\n"
            )
        yield said(result)
        cold = [row for row in result["rows"] if not row["warm"]]
        drawn = {
            row["program"]: {
                name: found["whole"]
                for name, found in row["engines"].items()
                if isinstance(found, dict)
            }
            for row in cold
        }
        picture("performance-real", "Real programs, cold", "s", drawn)
        yield "![Real programs](performance-real.svg)\n"


def _ratio(row: dict[str, Any], ours: str) -> float | None:
    """pwasm's time over ours, where both came to the end."""
    mine, theirs = row["engines"].get(ours), row["engines"].get("pwasm")
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return None
    return float(theirs["whole"] / mine["whole"])


def _real_row(row: dict[str, Any], engines: Sequence[str]) -> list[str]:
    found = [row["engines"][engine] for engine in engines]
    ratio = _ratio(row, engines[0])
    whole = [f"{item['whole']:.2f}" if isinstance(item, dict) else "-" for item in found]
    ours = found[0] if isinstance(found[0], dict) else None
    return [
        row["program"],
        row["toolchain"],
        "warm" if row["warm"] else "cold",
        *whole,
        "-" if ratio is None else f"{ratio:.2f}",
        "-" if ours is None else f"{ours['first']:.2f}",
        "-" if ours is None else f"{ours['peak_mib']:.0f}",
    ]


SECTIONS: dict[str, Callable[[list[dict[str, Any]]], Iterable[str]]] = {
    "real_programs": real_programs,
    "kernels": kernels,
    "coremark": coremark,
    "calls": calls,
    "start": start,
    "pyodide": pyodide,
    "simd": simd,
}


def picture(name: str, title: str, unit: str, rows: dict[str, dict[str, float]]) -> None:
    """Writes a picture beside the page."""
    (DOCS / f"{name}.svg").write_text(chart(title, unit, rows), encoding="utf-8")


#: sections by their benchmark, as the page names them
HEADINGS = {
    "real_programs": "Real programs",
    "kernels": "Kernels",
    "coremark": "A mixed workload",
    "calls": "Calls",
    "start": "Start",
    "pyodide": "Pyodide",
    "simd": "SIMD",
}


def write(folder: Path) -> Path:
    """Writes the page from all results in a folder; what was not measured again stays as it is.
    Returns where the page is."""
    page = DOCS / "performance.md"
    before = _sections(page.read_text(encoding="utf-8")) if page.exists() else {}
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        found.setdefault(result.get("benchmark", ""), []).append(result)
    parts = [INTRODUCTION]
    for name, section in SECTIONS.items():
        if name in found:
            parts += section(sorted(found[name], key=release))
        elif HEADINGS[name] in before:
            parts.append(before[HEADINGS[name]])
    page.write_text(
        "\n".join(part if part in before.values() else wrapped(part) for part in parts),
        encoding="utf-8",
    )
    return page


def _sections(page: str) -> dict[str, str]:
    """The sections of a page, with their headings, by these."""
    found = re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0].removeprefix("## "): part.rstrip("\n") + "\n" for part in found}
