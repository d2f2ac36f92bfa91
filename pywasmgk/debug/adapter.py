"""A server of the Debug Adapter Protocol, for editors (its specification is Microsoft's).

One client debugs one execution. Requests are read in a thread of their own, so that ``pause`` comes
through while the guest runs, in slices.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

from ..errors import Exit, PywasmgkError, Stopped, Trap, WasmException
from ..wasm.stepping.execution import Execution
from ..wasm.stepping.stops import Breakpoint, Stop
from .adapter_stops import StopRequests
from .adapter_views import ViewRequests
from .debuggee import Arguments, Debugged, Debuggee, Handler
from .expressions import ExpressionError
from .postmortem import STILL
from .protocol import read_message, write_message

__all__ = ["Adapter", "Launcher", "serve", "serve_once"]

#: makes what a client wants to debug: given the arguments of its ``launch`` or ``attach``, and what
#: takes what the guest writes
Launcher = Callable[[Arguments, Callable[[str, bytes], None]], Debugged]

#: instructions between two looks at what the client wants
_SLICE = 100_000
_THREAD = 1
_LOOPBACK = "127.0.0.1"
_CAPABILITIES = (
    "supportsConfigurationDoneRequest supportsFunctionBreakpoints supportsConditionalBreakpoints "
    "supportsHitConditionalBreakpoints supportsEvaluateForHovers supportsStepBack "
    "supportsSetVariable supportsGotoTargetsRequest supportsExceptionInfoRequest "
    "supportsLoadedSourcesRequest supportsLogPoints supportsTerminateRequest "
    "supportsDataBreakpoints supportsReadMemoryRequest supportsWriteMemoryRequest "
    "supportsDisassembleRequest supportsSteppingGranularity supportsInstructionBreakpoints"
).split()
#: what there is none of where something does not go on
_GOING = (
    "supportsStepBack", "supportsSetVariable", "supportsGotoTargetsRequest",
    "supportsWriteMemoryRequest", "supportsDataBreakpoints",
)  # fmt: skip
#: ends that are not results, by the filter that stops at them; the last one is all others
_ENDS: dict[str, tuple[str, tuple[type[BaseException], ...]]] = {
    "trap": ("Traps", (Trap,)),
    "exception": ("Exceptions that no guest catches", (WasmException,)),
    "limit": ("Limits: fuel, time, cancellation", (Stopped,)),
    "host": ("Exceptions of the host", (BaseException,)),
}
#: what a client's mistakes raise, in arguments that are not as the protocol has them
_MISTAKES = (
    PywasmgkError, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError,
)  # fmt: skip


def serve(execution: Execution, port: int = 0, ready: Callable[[int], object] = print) -> None:
    """Lets an editor attach to an execution of this program's, over TCP on this machine; ``ready``
    is called with the port. Returns when the editor has disconnected; the execution is then where
    the editor has left it. Raises OSError."""
    debugged = Debugged(execution, kept=True)
    serve_once(lambda wanted, write: debugged, port, ready)


def serve_once(launch: Launcher, port: int, ready: Callable[[int], object]) -> None:
    """Serves one client over TCP on this machine. Raises OSError."""
    with socket.create_server((_LOOPBACK, port)) as server:
        ready(server.getsockname()[1])
        client, _ = server.accept()
    with client, client.makefile("rb") as reader, client.makefile("wb") as writer:
        Adapter(reader, writer, launch).serve()
        # wakes the thread that reads, which would keep the file from being closed
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


class Adapter:
    """Answers a client's requests, until it disconnects: messages, beginning and end, going."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO, launch: Launcher) -> None:
        self._reader, self._writer = reader, writer
        self._launch = launch
        self._requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._sequence = 0
        self._debuggee = Debuggee(self._event)
        self._stops = StopRequests(self._debuggee)
        views = ViewRequests(self._debuggee)
        self._handlers = {**self._own_handlers(), **self._stops.handlers, **views.handlers}
        self._begins = self._pauses_at_end = False
        #: filters of the ends that it stops at
        self._filters: frozenset[str] = frozenset(_ENDS)
        self._ended = False
        #: where ``goto`` may go, and how
        self._targets: tuple[tuple[Stop, Callable[[Stop], str]], ...] = ()

    def _own_handlers(self) -> dict[str, Handler]:
        return {
            "initialize": self.initialize,
            "launch": self.launch,
            "attach": self.launch,
            "configurationDone": self.configuration_done,
            "disconnect": self.disconnect,
            "terminate": self.terminate,
            "threads": self.threads,
            "continue": self.go_on,
            "pause": self.pause,
            "next": self.next,
            "stepIn": self.step_in,
            "stepOut": self.step_out,
            "stepBack": self.step_back,
            "reverseContinue": self.reverse_continue,
            "gotoTargets": self.goto_targets,
            "goto": self.goto,
            "setExceptionBreakpoints": self.set_exception_breakpoints,
            "exceptionInfo": self.exception_info,
        }

    # -- messages

    def serve(self) -> None:
        """Serves the client until it disconnects or is gone."""
        threading.Thread(target=self._read, daemon=True).start()
        try:
            while not self._ended:
                request = self._requests.get()
                if request is None:
                    break
                self._answer(request)
        except OSError:
            pass  # nobody reads any more
        finally:
            self._debuggee.end()

    def _read(self) -> None:
        try:
            while (message := read_message(self._reader)) is not None:
                self._requests.put(message)
        except (PywasmgkError, OSError, ValueError):
            pass  # who sends no messages is gone
        self._requests.put(None)

    def _send(self, message: dict[str, Any]) -> None:
        self._sequence += 1
        write_message(self._writer, {"seq": self._sequence, **message})

    def _event(self, name: str, **body: Any) -> None:
        self._send({"type": "event", "event": name, "body": body})

    def _answer(self, request: dict[str, Any]) -> None:
        command = str(request.get("command", ""))
        answer = {"type": "response", "request_seq": request.get("seq", 0), "command": command}
        handler = self._handlers.get(command)
        arguments = request.get("arguments")
        after: Callable[[], None] | None = None
        try:
            if handler is None:
                raise ExpressionError(f"{command} is not supported")
            body = handler(arguments if isinstance(arguments, dict) else {})
            if callable(body):
                body, after = None, body
            self._send({**answer, "success": True, "body": body or {}})
        except _MISTAKES as error:
            self._send({**answer, "success": False, "message": _message(error)})
            return
        if after is not None:
            try:
                after()
            except _MISTAKES as error:
                self._event("output", category="important", output=f"{_message(error)}\n")
                self._stopped("pause")

    # -- beginning and end

    def initialize(self, arguments: Arguments) -> Any:
        filters = [
            {"filter": name, "label": label, "default": True} for name, (label, _) in _ENDS.items()
        ]
        return {**dict.fromkeys(_CAPABILITIES, True), "exceptionBreakpointFilters": filters}

    def launch(self, arguments: Arguments) -> Any:
        debugged = self._launch(arguments, self._output)
        self._debuggee.begin(debugged)
        # what is attached to is held where it is
        self._begins = bool(arguments.get("stopOnEntry", debugged.execution.steps > 0))
        self._pauses_at_end = bool(arguments.get("stopOnExit", False))
        return self._say_what_is_there

    def _say_what_is_there(self) -> None:
        self._event("initialized")
        if self._debuggee.is_still:
            self._begins = True
            self._event("capabilities", capabilities=dict.fromkeys(_GOING, False))
            self._event("output", category="important", output=f"{STILL}\n")

    def _output(self, stream: str, data: bytes) -> None:
        """What the guest writes, to ``stdout`` or ``stderr``."""
        self._event("output", category=stream, output=data.decode("utf-8", "replace"))

    def configuration_done(self, arguments: Arguments) -> Any:
        if self._begins:
            return lambda: self._stopped("entry")
        return self._run

    def disconnect(self, arguments: Arguments) -> Any:
        self._ended = True

    def terminate(self, arguments: Arguments) -> Any:
        return lambda: self._event("terminated")

    def threads(self, arguments: Arguments) -> Any:
        return {"threads": [{"id": _THREAD, "name": "guest"}]}

    # -- going

    def _stopped(self, reason: str, text: str = "", **more: Any) -> None:
        if text:
            more.update(description=text, text=text)
        self._event("stopped", reason=reason, threadId=_THREAD, allThreadsStopped=True, **more)

    def _arrived(self, why: str) -> None:
        """Tells the client where it has come to."""
        held = self._debuggee.held
        if why in ("done", "trap"):
            self._at_the_end(held)
            return
        hit = self._stops.hit(held.stopped_by)
        data = [stop for stop in held.stopped_by if not isinstance(stop, Breakpoint)]
        if data and why in ("watchpoint", "breakpoint"):
            self._stopped("data breakpoint", repr(data[0]), **hit)
        elif why == "breakpoint":
            self._stopped(_reason(held.stopped_by[0]), **hit)
        else:
            reasons = {"pause": "pause", "start": "entry", "pending": "pause"}
            text = f"{held.pending} is to be answered" if why == "pending" else ""
            self._stopped(reasons.get(why, "step"), text)

    def _at_the_end(self, held: Execution) -> None:
        trap = held.trap
        if trap is not None and not isinstance(trap, Exit) and _kind(trap) in self._filters:
            self._stopped("exception", str(trap).split("\n")[0])
            return
        code = trap.code if isinstance(trap, Exit) else int(trap is not None)
        text = f"gives {held.results!r:.500}" if trap is None else f"{trap}"
        self._event("output", category="console", output=f"{text}\n")
        if self._pauses_at_end:
            self._stopped("exit", text)
            return
        self._event("exited", exitCode=code)
        self._event("terminated")

    def _run(self) -> None:
        held = self._debuggee.held
        while True:
            why = held.step(_SLICE)
            if why != "step":
                break
            if not self._requests.empty():
                request = self._requests.get()
                if request is None or request.get("command") in ("pause", "disconnect"):
                    if request is not None:
                        self._answer(request)
                    self._ended = self._ended or request is None
                    why = "pause"
                    break
                self._answer(request)
        if not self._ended:
            self._arrived(why)

    def go_on(self, arguments: Arguments) -> Any:
        if self._debuggee.held.done:
            return lambda: self._event("terminated")
        return self._run

    def pause(self, arguments: Arguments) -> Any:
        return None

    def _stepping(self, arguments: Arguments, step: Callable[[], str]) -> Any:
        """Steps by instructions, or to another line of the text."""
        by_lines = arguments.get("granularity") != "instruction"
        begun = self._line() if by_lines else None

        def go() -> None:
            why = step()
            while begun is not None and why in ("step", "frame") and self._line() == begun:
                why = step()
            self._arrived(why)

        return go

    def _line(self) -> tuple[object, ...] | None:
        """Where it is, to be left by a step over a line; ``None`` where there are no lines."""
        held = self._debuggee.held
        if not held.depth:
            return None
        source, line, _ = self._debuggee.sources.place(held.frames[0])
        return (held.depth, source["path"], line) if "path" in source else None

    def next(self, arguments: Arguments) -> Any:
        return self._stepping(arguments, self._debuggee.held.step_over)

    def step_in(self, arguments: Arguments) -> Any:
        return self._stepping(arguments, self._debuggee.held.step)

    def step_out(self, arguments: Arguments) -> Any:
        held = self._debuggee.held
        return lambda: self._arrived(held.step_out())

    def step_back(self, arguments: Arguments) -> Any:
        return self._stepping(arguments, self._debuggee.held.reverse_step_over)

    def reverse_continue(self, arguments: Arguments) -> Any:
        held = self._debuggee.held
        return lambda: self._arrived(held.reverse_run())

    def goto_targets(self, arguments: Arguments) -> Any:
        line, held = int(arguments["line"]), self._debuggee.held
        stop = self._debuggee.sources.breakpoint(arguments.get("source") or {}, line)
        if stop is None:
            return {"targets": []}
        self._targets = (stop, held.run), (stop, held.reverse_run)
        labels = (f"the next time at line {line}", f"the time before at line {line}")
        return {
            "targets": [{"id": n, "label": label, "line": line} for n, label in enumerate(labels)]
        }

    def goto(self, arguments: Arguments) -> Any:
        number = int(arguments["targetId"])
        if not 0 <= number < len(self._targets):
            raise ExpressionError(f"there is no target {number}")
        stop, go = self._targets[number]
        why = go(stop)
        if why in ("done", "trap"):
            return lambda: self._at_the_end(self._debuggee.held)
        return lambda: self._stopped("goto")

    # -- what it ends by

    def set_exception_breakpoints(self, arguments: Arguments) -> Any:
        self._filters = frozenset(map(str, arguments.get("filters") or []))
        return {"breakpoints": [{"verified": name in _ENDS} for name in arguments["filters"]]}

    def exception_info(self, arguments: Arguments) -> Any:
        trap = self._debuggee.held.trap
        if trap is None:
            raise ExpressionError("nothing was raised")
        name = trap.trap_code.name if isinstance(trap, Trap) else type(trap).__name__
        frames = trap.frames if isinstance(trap, Trap) else ()
        return {
            "exceptionId": name,
            "description": str(trap),
            "breakMode": "always",
            "details": {
                "message": str(trap).split("\n")[0],
                "typeName": type(trap).__name__,
                "stackTrace": "\n".join(map(str, frames)),
            },
        }


def _kind(trap: BaseException) -> str:
    """The filter that an end belongs to."""
    return next(name for name, (_, kinds) in _ENDS.items() if isinstance(trap, kinds))


def _reason(stop: Stop) -> str:
    """The protocol's word for a breakpoint."""
    if isinstance(stop, Breakpoint) and stop.function is not None:
        return "function breakpoint"
    if isinstance(stop, Breakpoint) and stop.offset is not None and stop.line is None:
        return "instruction breakpoint"
    return "breakpoint"


def _message(error: BaseException) -> str:
    return str(error.args[0] if isinstance(error, KeyError) else error)
