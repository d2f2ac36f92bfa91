"""What the page asks its worker, and what that answers: plain data, one request at a time.

A request is a dict with ``do``, the name of a method of :class:`Session` below, and its arguments;
the answer has ``value``, or ``error`` in the form of ``error_forms``, and what was written
meanwhile.
Nothing here knows of a browser.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..error_forms import error_form
from ..errors import HostError, PywasmgkError
from ..plugin import MISSING, HostAPI, MemoryHost, Plugin, load
from ..plugin.manifest import GKRegistration
from ..printable import printable
from ..wasm.module import Module
from ..wasm.runtime.functions import Func
from ..wasm.runtime.instance import Instance, instantiate
from ..wasm.runtime.value_words import parse_value
from ..wasm.wasi.config import WasiConfig
from ..wasm.wasi.context import WasiContext
from ..wasm.wasi.functions import functions
from .executions import Held, results_form
from .modules import Codes, module_form, python_form
from .terminal import READS, Terminal

__all__ = ["Session"]

_WASI = "wasi_snapshot_preview1"
#: names of limits that a request may have
_LIMITS = ("fuel", "timeout", "memory_limit", "depth_limit")
#: seconds that a text may take to be read, and a plugin to be loaded
_PATIENCE = 20.0


class Session:
    """A page's module, its host, and what it runs."""

    def __init__(self) -> None:
        self.terminal = Terminal()
        self._module: Module | None = None
        self._codes = Codes()
        self._held: Held | None = None
        self._instance: Instance | None = None
        self._plugin: Plugin | None = None
        self._host: dict[str, Any] = {}
        #: where breakpoints are, from one call to the next
        self._offsets: list[int] = []

    def answer(self, request: str) -> str:
        """Answers a request, JSON both ways. Raises what no request may cause."""
        found = self.do(json.loads(request))
        return json.dumps(found)

    def do(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answers a request."""
        arguments = dict(request)
        method = _METHODS.get(arguments.pop("do", ""))
        form: dict[str, Any]
        if method is None:
            form = {"error": _simple("HostError", f"there is no request {request.get('do')!r}")}
        else:
            try:
                form = {"value": method(self, **arguments)}
            except Exception as error:
                # whatever it is, the page shows it and lives
                form = {"error": _error(error)}
        written = self.terminal.take()
        return {**form, "written": written} if written else form

    # -- modules

    def check(self, text: str) -> dict[str, Any]:
        """Reads a text, and says what is wrong with it and where; else how long the module is."""
        try:
            module = Module(text, timeout=_PATIENCE)
        except PywasmgkError as error:
            return {"problem": _error(error)}
        return {"size": len(module.data)}

    def open(self, text: str | None = None, data: str | None = None) -> dict[str, Any]:
        """Takes a module as text, or its bytes in base 64."""
        self.close()
        self._module = None
        content = base64.b64decode(data) if data is not None else (text or "")
        self._module = Module(content, timeout=_PATIENCE)
        self._codes, self._offsets = Codes(), []
        return module_form(self._module)

    def wat(self) -> str:
        """The module as text, which it was not made from."""
        from ..wasm.text.disassembly import Disassembly

        return "\n".join(str(line) for line in Disassembly(self._opened).lines())

    def function(self, index: int) -> dict[str, Any]:
        """The code of a function."""
        return self._codes.form(self._opened, index)

    def python(self, index: int) -> dict[str, Any]:
        """The code of a function, and the Python that it becomes."""
        return python_form(self._opened, index)

    @property
    def _opened(self) -> Module:
        if self._module is None:
            raise HostError("there is no module yet")
        return self._module

    # -- the host

    def host(self, source: str) -> dict[str, Any]:
        """Takes the page's host: Python that may define ``imports`` (functions by module and name)
        and ``host`` (a HostAPI). What it prints is shown."""
        self.close()
        names: dict[str, Any] = {"__name__": "host", "print": self._print}
        exec(compile(source, "host.py", "exec"), names)
        self._host = names
        return {"defines": sorted(name for name in ("host", "imports") if name in names)}

    def _print(self, *items: object, sep: str = " ", end: str = "\n", **_: object) -> None:
        self.terminal.show("log", sep.join(map(str, items)) + end)

    def _imports(self, wasi: WasiContext | None) -> dict[str, Any]:
        """What the module may import: the host's, WASI's, and traps for what nobody has."""
        given = {name: dict(items) for name, items in self._host.get("imports", {}).items()}
        if wasi is not None:
            given[_WASI] = {**functions(wasi), **given.get(_WASI, {})}
        for item in self._opened.imports:
            if item.kind == "func" and item.name not in given.get(item.module, {}):
                given.setdefault(item.module, {})[item.name] = _absent(item)
        return given

    # -- calls

    def begin(
        self, export: str, words: list[str], limits: Mapping[str, Any], arguments: str = ""
    ) -> dict[str, Any]:
        """Holds a call of an export before its first instruction; ``_start`` is a program, whose
        own arguments are words too."""
        self.close()
        bounds = _chosen(limits)
        start = {name: bounds.pop(name) for name in ("fuel", "timeout") if name in bounds}
        instance = self._made(words if export == "_start" else [], "interpreter", bounds)
        values = [] if export == "_start" else _values(instance, export, words)
        held = instance.start(export, *values, defer=[READS], **start)
        self._held = Held(held, self.terminal, printable(export), self._offsets)
        return self._held.form()

    def _made(self, words: list[str], engine: str, bounds: Mapping[str, Any]) -> Instance:
        """A fresh instance, on a terminal of its own."""
        terminal = self.terminal = Terminal()
        config = WasiConfig(
            args=("program", *words), stdin=terminal.read, stdout=terminal.write_out,
            stderr=terminal.write_err,
        )  # fmt: skip
        uses = any(item.module == _WASI for item in self._opened.imports)
        imports = self._imports(WasiContext(config) if uses else None)
        self._instance = instantiate(self._opened, imports, engine=engine, **bounds)
        return self._instance

    def call(self, export: str, words: list[str], limits: Mapping[str, Any]) -> dict[str, Any]:
        """Calls an export in the quickest engine there is, in one go."""
        self.close()
        instance = self._made([], "fastest", _chosen(limits))
        values = _values(instance, export, words)
        began = time.perf_counter()
        form: dict[str, Any] = {}
        try:
            form["results"] = results_form(instance.exports[export](*values))  # type: ignore[operator]
        except PywasmgkError as error:
            form["error"] = _error(error)
        return {
            **form,
            "fuel": instance.fuel_used,
            "seconds": time.perf_counter() - began,
            "engine": getattr(instance.tiers, "engine", "auto"),
            "note": instance.engine_note and printable(instance.engine_note),
        }

    # -- plugins

    def load(self, limits: Mapping[str, Any]) -> dict[str, Any]:
        """Loads the module as a plugin, with the page's host; gives its manifest."""
        self.close()
        bounds = {**_chosen(limits), "timeout": _PATIENCE}
        self._plugin = load(self._opened, engine="interpreter", **bounds)
        host = self._host.get("host")
        self._plugin.init(host if isinstance(host, HostAPI) else MemoryHost())
        return _manifest(self._plugin.registration)

    def begin_plugin(
        self, function: str, argument: str, limits: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Holds a call of the plugin's, with an argument in JSON or none."""
        self._let_go()
        if self._plugin is None:
            self.load(limits)
        plugin = self._plugin
        if plugin is None:
            raise HostError("there is no plugin")
        given = json.loads(argument) if argument.strip() else MISSING
        bounds = {name: value for name, value in _chosen(limits).items() if name in _PER_CALL}
        held = plugin.start(function, given, **bounds)
        self._held = Held(held, self.terminal, printable(function), self._offsets)
        return self._held.form()

    # -- what is held

    @property
    def _holding(self) -> Held:
        if self._held is None:
            raise HostError("nothing is held: start a call")
        return self._held

    def go(self, way: str, count: int = 1) -> dict[str, Any]:
        """A slice of a way (see ``Held.go``): where it is, or that it is to be called again."""
        held = self._holding
        if held.go(way, count):
            return {"goes_on": False, "state": held.form()}
        execution = held.execution
        return {"goes_on": True, "steps": execution.steps, "fuel": execution.fuel_used}

    def stop(self) -> dict[str, Any]:
        """It was stopped between two slices; where it is."""
        self._holding.note_stop("stopped")
        return self._holding.form()

    def input(self, text: str | None) -> None:
        """A line was typed for the program; ``None`` is the end of what is typed."""
        if text is None:
            self.terminal.end()
        else:
            self.terminal.type(text)

    def memory(self, start: int, size: int) -> dict[str, Any]:
        """Bytes of memory."""
        return self._holding.memory(start, size)

    def put(self, kind: str, number: int, word: str) -> dict[str, Any]:
        """Sets a local of the innermost frame, or a global."""
        self._holding.put(kind, number, word)
        return self._holding.form()

    def write(self, start: int, data: str) -> dict[str, Any]:
        """Overwrites bytes of memory, in hexadecimal."""
        self._holding.write(start, data)
        return self._holding.form()

    def toggle(self, offset: int) -> dict[str, Any]:
        """Sets or takes away a breakpoint; where nothing is held, for the calls to come."""
        if self._held is not None:
            self._held.toggle(offset)
            self._offsets = self._held.offsets
            return self._held.form()
        kept = [one for one in self._offsets if one != offset]
        self._offsets = kept if len(kept) < len(self._offsets) else [*kept, offset]
        return {"stops": [{"offset": one} for one in self._offsets]}

    def watch(self, start: int, size: int = 4, on: str = "change") -> dict[str, Any]:
        """Adds a watchpoint on memory."""
        self._holding.watch(start, size, on)
        return self._holding.form()

    def remove(self, number: int) -> dict[str, Any]:
        """Takes a stop away."""
        self._holding.remove(number)
        self._offsets = self._holding.offsets
        return self._holding.form()

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.execution.close()
            self._held = None

    def close(self) -> None:
        """Ends whatever runs."""
        self._let_go()
        if self._plugin is not None:
            self._plugin.shutdown(force=True)
        self._plugin = self._instance = None


#: limits that a call has, not the instance
_PER_CALL = ("fuel", "timeout")
_METHODS: dict[str, Callable[..., Any]] = {
    name: getattr(Session, name)
    for name in (
        "check open wat function python host begin call load begin_plugin go stop input memory put "
        "write toggle watch remove close"
    ).split()
}


def _chosen(limits: Mapping[str, Any]) -> dict[str, Any]:
    return {name: limits[name] for name in _LIMITS if limits.get(name) is not None}


def _values(instance: Instance, export: str, words: list[str]) -> list[Any]:
    """Arguments for an export. Raises HostError for words that stand for none."""
    func = instance.exports.get(export)
    if not isinstance(func, Func):
        raise HostError(f"no function is exported as {printable(export)}")
    if len(words) != len(func.type.params):
        raise HostError(f"{func.type} takes {len(func.type.params)} arguments")
    found = []
    for number, (kind, word) in enumerate(zip(func.type.params, words), 1):
        try:
            found.append(parse_value(kind, word))
        except (ValueError, OverflowError) as error:
            raise HostError(f"argument {number} ({kind}): {error}") from None
    return found


def _absent(item: Any) -> Func:
    """What stands for a function that nobody gives: a call of it says so."""
    title = printable(f"{item.module}.{item.name}")

    def call(*args: Any) -> Any:
        raise HostError(f"the host has no function {title}")

    return Func(item.type, call, name=title)


def _manifest(found: GKRegistration) -> dict[str, Any]:
    """A plugin's manifest, as JSON that people read."""
    text = json.dumps(json.loads(found.to_json()), indent=1, ensure_ascii=False)
    return {
        "name": printable(found.name),
        "version": printable(found.version),
        "text": printable(text, lines=True),
    }


def _simple(kind: str, message: str) -> dict[str, Any]:
    return {"type": kind, "message": message, "frames": [], "code": None}


def _error(error: Exception) -> dict[str, Any]:
    """An error; of the host's own Python where it was, too."""
    if isinstance(error, PywasmgkError):
        form = error_form(error)
    else:
        form = _simple(type(error).__name__, str(error))
    form["message"] = printable(form["message"], lines=True)
    return form
