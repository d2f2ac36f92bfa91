"""The documentation, which comes with the package: one page of Markdown per topic."""

from __future__ import annotations

from importlib.resources import files

from ..errors import near_miss

__all__ = ["ORDER", "read", "title", "topics"]

_SUFFIX = ".md"
#: the order to read them in; what is not named here comes last
ORDER = (
    "first-plugin",
    "tutorial",
    "tutorial-wat",
    "playground",
    "languages",
    "modules",
    "from-npm",
    "from-wasmtime",
    "from-extism",
    "engines",
    "limits",
    "timeouts",
    "host-functions",
    "policy",
    "http",
    "services",
    "threads",
    "caching",
    "traps",
    "debugging",
    "probes",
    "coredumps",
    "executions",
    "notebooks",
    "receipts",
    "grading",
    "platform",
    "pool",
    "packages",
    "batch",
    "agents",
    "serve",
    "wasi",
    "pyodide",
    "api",
    "cli",
    "contract",
    "from-go",
    "errors",
    "fuel",
    "instructions",
    "security",
    "performance",
    "architecture",
    "compiler",
)


def topics() -> list[str]:
    """The names of the pages, in the order to read them in."""
    found = (entry.name for entry in files(__name__).iterdir())
    names = sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX))
    return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


def read(topic: str) -> str:
    """A page, without the marks that say which of its parts are generated.

    Raises LookupError, which names the topics that there are.
    """
    known = topics()
    if topic not in known:
        there = ", ".join(known) or "none is installed"
        raise LookupError(f"no topic is named {topic!r}{near_miss(topic, known)} (there: {there})")
    text = files(__name__).joinpath(topic + _SUFFIX).read_text(encoding="utf-8")
    return "".join(line for line in text.splitlines(True) if not line.startswith("<!--"))


def title(topic: str) -> str:
    """The heading of a page. Raises LookupError."""
    return read(topic).partition("\n")[0].removeprefix("# ")
