"""A Go program and its event loop."""

from __future__ import annotations

import gzip
import heapq
import io
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import DecodeError, Exit, LinkError
from ...wasm.module import Module
from ...wasm.runtime.functions import Caller, Func
from ...wasm.runtime.instance import Instance, instantiate
from ...wasm.runtime.linker import Imports
from ...wasm.runtime.memory import Memory
from ...wasm.runtime.metering import Meter, current_meter
from ...wasm.types import FuncType, ImportType, ValType
from ...wasm.wasi import MODULE as WASI_MODULE
from ...wasm.wasi import WasiConfig
from ..faults import trapping
from ..js.binary import Buffer, TypedArray
from ..js.border import ScriptFunction, to_python, to_script
from ..js.builtins import make_realm
from ..js.evaluation import Interpreter
from ..js.objects import UNDEFINED, Function, Native, Object
from ..js.promises import PromiseObject, run_tasks
from ..js.properties import read_property
from ..stubs import trap_stub
from .imports import FUNCTIONS, References, Stack
from .system import System
from .tinygo import TINY_FUNCTIONS, TINY_MILLISECONDS

__all__ = ["Completed", "Go", "load", "run"]

#: what programs import from, now and before Go 1.21
_MODULES = ("gojs", "go")
#: the same of TinyGo, now and before 0.30
_TINY_MODULES = ("gojs", "env")
#: bytes that a program may have the host keep, by default
QUOTA = 1 << 28
#: where arguments and environment begin, and where Go's own data does
_ARGUMENTS, _DATA = 4096, 4096 + 8192
#: bytes of a module that came compressed
_MOST_MODULE = 1 << 28
#: timers that a program may have at a time
_MOST_TIMERS = 10_000


class Completed(NamedTuple):
    """How a program ended, and what it wrote."""

    code: int
    stdout: bytes
    stderr: bytes


class Go:
    """A program. What it put into ``globalThis`` can be read as attributes, and called."""

    def __init__(self, config: WasiConfig, quota: int) -> None:
        realm, names = make_realm(quota)
        self.realm = realm
        self.interpreter = Interpreter(realm, names)
        self.clocks = config.clocks
        self.random = config.random
        self.everything: Object = names["globalThis"]
        #: Go's own object, which makes functions
        self.object = Object(None, realm.protos["Object"])
        self.object["_makeFuncWrapper"] = Native("_makeFuncWrapper", self._make_function)
        self.object["_pendingEvent"] = None
        self.system = System(self, config)
        self.references = References(self)
        self.instance: Instance
        self.exit_code: int | None = None
        #: when timers are due, by their number, in nanoseconds
        self.timers: dict[int, int] = {}
        self._due: list[tuple[int, int]] = []
        self._last_timer = 0
        #: the export that goes on when a timer is due
        self._wake = "resume"
        self._tasks: deque[Callable[[], object]] = deque()

    # -- what imports need

    @property
    def memory(self) -> Memory:
        """Its memory. Raises LinkError where there is none."""
        if not self.instance.memories:
            raise LinkError("the module has no memory")
        return self.instance.memory

    def getsp(self) -> int:
        """Where its stack is."""
        return int(self.instance.exports["getsp"]())  # type: ignore[operator]

    def charge(self, amount: int) -> None:
        """Charges the open account."""
        meter = current_meter()
        if meter is not None:
            meter.charge(amount)

    def meter(self) -> Meter:
        """The open account."""
        return current_meter() or Meter()

    def new_bytes(self, data: bytes) -> TypedArray:
        """A new Uint8Array."""
        return TypedArray("Uint8Array", Buffer(bytearray(data), self.realm))

    def queue(self, task: Callable[[], object]) -> None:
        """Has the event loop do something."""
        self.realm.charge(200)
        self._tasks.append(task)

    def schedule(self, milliseconds: int) -> int:
        """A new timer's number."""
        if len(self.timers) >= _MOST_TIMERS:
            raise self.realm.error("RangeError", f"more than {_MOST_TIMERS} timers")
        self._last_timer += 1
        due = self.clocks.monotonic() + max(milliseconds, 0) * 1_000_000
        self.timers[self._last_timer] = due
        heapq.heappush(self._due, (due, self._last_timer))
        return self._last_timer

    def _make_function(self, this: Any, number: Any) -> Native:
        def call(receiver: Any, *args: Any) -> Any:
            event = self.realm.object()
            event.update({"id": number, "this": receiver, "args": self.realm.array(args)})
            self.object["_pendingEvent"] = event
            self.resume()
            return event.get("result", UNDEFINED)

        return Native(f"go_{number}", call)

    # -- running

    def resume(self, export: str = "resume") -> None:
        """Lets Go go on with what is pending. Raises LinkError when it has exited."""
        if self.exit_code is not None:
            raise LinkError("the Go program has already exited")
        try:
            self.instance.exports[export]()  # type: ignore[operator]
        except Exit as error:
            self.exit_code = error.code
            raise

    def start_tiny(self) -> None:
        """Runs a program of TinyGo's until it ends, or waits for what nobody here brings."""
        self._wake = "go_scheduler"
        try:
            self.resume("_start" if "_start" in self.instance.exports else "_initialize")
            self.loop()
        except Exit:
            return

    def start(self, args: Sequence[str], env: Mapping[str, str]) -> None:
        """Runs the program until it ends, or waits for what nobody here brings."""
        words = [*args, "\0", *(f"{name}={value}" for name, value in sorted(env.items())), "\0"]
        at, pointers = _ARGUMENTS, []
        for word in words:
            if word == "\0":
                pointers.append(0)
                continue
            data = word.encode() + b"\0"
            if at + len(data) + 8 * len(words) + 16 >= _DATA:
                raise ValueError("arguments and environment are longer than 8 KiB")
            self.memory.write(at, data)
            pointers.append(at)
            at += -(-len(data) // 8) * 8
        for number, ptr in enumerate(pointers):
            self.memory.write_u64(at + 8 * number, ptr)
        try:
            self.instance.exports["run"](len(args), at)  # type: ignore[operator]
            self.loop()
        except Exit:
            return

    def loop(self, done: Callable[[], bool] = lambda: False) -> None:
        """Does what waits, in order, and timers when they are due, until nothing is left or a
        condition holds."""
        while self.exit_code is None:
            run_tasks(self.realm)
            if done():
                return
            if self._tasks:
                self.realm.used -= 200
                self._tasks.popleft()()
            elif not self._fire():
                return

    def _fire(self) -> bool:
        """Waits for the next timer; gives whether there was one."""
        while self._due:
            due, number = heapq.heappop(self._due)
            if self.timers.get(number) != due:
                continue  # it was cleared
            left = due - self.clocks.monotonic()
            if left > 0 and self.clocks.sleep is not None:
                self.clocks.sleep(left)
            elif left > 0:
                self.meter().sleep(left / 1e9)
            self.resume(self._wake)
            # Go clears its timer; one that it left must not come again
            self.timers.pop(number, None)
            return True
        return False

    # -- for Python

    def call(self, function: Any, *args: Any) -> Any:
        """Calls a function of the program, a Function or a name in ``globalThis``; waits for a
        promise. Raises JSError for what it throws, or rejects with."""
        given = [to_script(self.interpreter, arg) for arg in args]
        if isinstance(function, str):
            function = self.everything.get(function)
        if isinstance(function, ScriptFunction):
            function = function._value
        if not isinstance(function, Function):
            raise AttributeError("the program has no such function")
        with self.instance.account(), self.interpreter.guarded():
            found = function.call(UNDEFINED, given)
            self.loop(lambda: not isinstance(found, PromiseObject) or found.state != "pending")
            return to_python(self.interpreter, self.interpreter.awaited(found))

    def __getattr__(self, name: str) -> Any:
        everything = self.__dict__.get("everything", {})
        if name.startswith("_") or name not in everything:
            raise AttributeError(f"the program put nothing into globalThis that is called {name!r}")
        return self.wrapped(read_property(self.realm, everything, name))

    def wrapped(self, value: Any) -> Any:
        """Python's value of the program's; functions wait for promises."""
        if isinstance(value, Function):
            return lambda *args: self.call(ScriptFunction(self.interpreter, value), *args)
        if isinstance(value, Object) and any(isinstance(item, Function) for item in value.values()):
            return {key: self.wrapped(item) for key, item in value.items()}
        return to_python(self.interpreter, value)

    def imports(self, module: Module, own: Imports, tiny: bool) -> dict[str, dict[str, Any]]:
        """What the program imports; WASI's functions are not among them."""
        make = self._tiny_function if tiny else self._function
        given: dict[str, dict[str, Any]] = {}
        for item in module.imports:
            names: Mapping[str, Any] = own.get(item.module, {})
            if item.name in names:
                given.setdefault(item.module, {})[item.name] = names[item.name]
            elif isinstance(item.type, FuncType) and item.module != WASI_MODULE:
                given.setdefault(item.module, {})[item.name] = make(item, item.type)
        return given

    def _tiny_function(self, item: ImportType, kind: FuncType) -> Func:
        carry_out = TINY_FUNCTIONS.get(item.name)
        if ValType.F64 in (*kind.params, *kind.results):
            carry_out = TINY_MILLISECONDS.get(item.name)
        if carry_out is None or item.module not in _TINY_MODULES:
            return trap_stub(item)
        work = carry_out

        def call(*args: Any) -> Any:
            with self.interpreter.guarded():
                return work(self, *args)

        return Func(kind, trapping(call, item.name), name=item.name)

    def _function(self, item: ImportType, kind: FuncType) -> Func:
        carry_out = FUNCTIONS.get(item.name)
        if carry_out is None or item.module not in _MODULES or len(kind.params) != 1:
            return trap_stub(item)
        work = carry_out

        def call(caller: Caller, sp: int) -> None:
            with self.interpreter.guarded():
                work(Stack(self, sp))

        return Func(kind, call, access_caller=True, name=item.name)


def load(
    module: str | Path | Module,
    args: Sequence[str] = (),
    *,
    env: Mapping[str, str] | None = None,
    wasi: WasiConfig | None = None,
    imports: Imports | None = None,
    names: Mapping[str, Any] | None = None,
    quota: int = QUOTA,
    **options: Any,
) -> Go:
    """Starts a program, ``.wasm`` or ``.wasm.gz``, which ends or goes on offering functions.

    ``args`` come behind the program's name; ``names`` are put into ``globalThis`` before it runs.
    ``wasi`` gives streams, clocks and randomness; there are no files. ``quota`` is what the program
    may have the host keep, in bytes; other options are those of ``instantiate``, and hold for the
    start and for each call. Raises LinkError for what is no program of Go's, and what ``Module``
    and ``instantiate`` raise.
    """
    if not isinstance(module, Module):
        module = _opened(Path(module), options)
    exported = {item.name for item in module.exports}
    tiny = {"resume", "go_scheduler"} <= exported
    missing = set() if tiny else {"run", "resume", "getsp"} - exported
    if missing:
        raise LinkError(f"no Go program for js/wasm: it exports no {', '.join(sorted(missing))}")
    config = wasi or WasiConfig()
    go = Go(config, quota)
    given = go.imports(module, imports or {}, tiny)
    go.instance = instantiate(module, given, wasi=config if tiny else None, **options)
    go.interpreter.opened = go.instance.account
    for name, value in (names or {}).items():
        go.everything[name] = to_script(go.interpreter, value)
    with go.instance.account():
        if tiny:
            go.start_tiny()
        else:
            go.start(["js", *args], env or {})
    return go


def _opened(path: Path, options: Mapping[str, Any]) -> Module:
    if path.suffix != ".gz":
        return Module.from_file(path, cache_dir=options.get("cache_dir"))
    with gzip.open(path) as file:
        try:
            data = file.read(_MOST_MODULE + 1)
        except (OSError, EOFError) as error:
            raise DecodeError(f"not compressed by gzip: {error}") from None
    if len(data) > _MOST_MODULE:
        raise DecodeError(f"more than {_MOST_MODULE} bytes when unpacked")
    return Module(data, name=path.stem, cache_dir=options.get("cache_dir"))


def run(
    module: str | Path | Module,
    args: Sequence[str] = (),
    *,
    stdin: bytes = b"",
    wasi: WasiConfig | None = None,
    **options: Any,
) -> Completed:
    """Runs a program to its end; gives exit code and output.

    A program that waits for what never comes has the code 2, as under Node. ``wasi`` gives clocks
    and randomness, other options are those of :func:`load`.
    """
    out, err = io.BytesIO(), io.BytesIO()
    config = replace(wasi or WasiConfig(), stdin=stdin, stdout=out, stderr=err)
    go = load(module, args, wasi=config, **options)
    code = 2 if go.exit_code is None else go.exit_code
    return Completed(code, out.getvalue(), err.getvalue())
