"""The command ``debug``: the full screen, a console, or a server for editors."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import click

from ..compat.stubs import imports_as_traps
from ..debug.console import Console
from ..debug.debuggee import Debugged
from ..errors import GuestError, HostError
from ..wasm.coredump.dump import CoreDump
from ..wasm.module import Module, content_of
from ..wasm.stepping.execution import Execution
from ..wasm.stepping.recording import Recording
from ..wasm.wasi import WasiConfig
from ..wasm.wasi import imports as wasi_imports
from .calling import Call, Task, around, begin, load, prepare, task_of, write_core
from .keys import key_at
from .options import module_limits
from .output import say
from .session import Session

__all__ = ["Files", "debug"]

_PROMPT = "(pywasmgk) "


class Files(NamedTuple):
    """Files that the line names."""

    #: instead of a call: an execution that goes on, a recording, a core dump
    state: Path | None
    replay: Path | None
    core: Path | None
    #: written at the end
    record: Path | None
    suspend: Path | None
    coredump: Path | None
    #: of all that may have one
    key: bytes | None


def debug(
    session: Session,
    call: Call | None,
    stdin: Path | None,
    commands: tuple[str, ...],
    files: Files,
    *,
    dap: bool,
    port: int | None,
    lines: bool,
    sources: Path,
) -> None:
    """Debugs a call: on the full screen, by lines from standard input, or for an editor; or looks
    at a core dump."""
    if sum(one is not None for one in (files.state, files.replay, files.core)) > 1:
        raise click.UsageError("--state, --replay and --core exclude each other")
    if dap or port is not None:
        _serve(port)
        return
    if files.core is not None:
        _look_at(session, files.core, call, commands, None if lines else sources)
        return
    if call is None:
        raise click.UsageError("a module is needed, unless an editor launches one (--dap)")
    printed: list[bytes] | None = None
    if not lines and not commands and _has_screen(session):
        printed = []
    # on the full screen the terminal is the debugger's own
    sink: Any = None if printed is None else _Sink("", lambda _, data: printed.append(data))
    with _held(session, call, stdin, sink, files) as held:
        if printed is None:
            _converse(session, Console(held), commands)
        else:
            words = (call.module.name, call.export or "", *call.args)
            _show_screen(Console(held), " ".join(words), printed, sources)
        _keep(held, files)


@contextlib.contextmanager
def _held(
    session: Session, call: Call, stdin: Path | None, sink: Any, files: Files
) -> Iterator[Execution]:
    """What is debugged."""
    if files.state is not None and call.export:
        raise click.UsageError("an execution that goes on is not called: leave EXPORT out")
    if files.replay is not None:
        # it knows what was called
        module = load(session, call)
        found = Recording.from_bytes(files.replay.read_bytes(), module, files.key)
        with found.replay(module) as held:
            yield held
        return
    called = files.state is None
    task = prepare(session, call) if called else Task(load(session, call), None, call.args, [])
    with around(task, call, stdin, "stderr" if session.json else "stdout", sink) as imports:
        limits = module_limits(**call.limits)
        if files.state is not None:
            data = files.state.read_bytes()
            held = Execution.from_bytes(data, task.module, imports, key=files.key, **limits)
        else:
            instance, func = begin(task, imports, limits)
            held = instance.start(func, *task.values)
        with held:
            yield held


def _keep(held: Execution, files: Files) -> None:
    """Writes what is to be kept at the end."""
    if files.coredump is not None and isinstance(held.trap, GuestError):
        write_core(CoreDump.of(held), files.coredump)
    if files.record is not None:
        files.record.write_bytes(held.recording().to_bytes(held.instance.module, files.key))
    if files.suspend is not None:
        files.suspend.write_bytes(held.to_bytes(files.key))


def _look_at(
    session: Session,
    core: Path,
    call: Call | None,
    commands: tuple[str, ...],
    sources: Path | None,
) -> None:
    """Opens a core dump, with its module if that is given: that is needed for the full screen,
    which a folder of ``sources`` allows."""
    # only who looks at one needs it
    from ..debug.postmortem import PostMortem, PostMortemConsole

    if call is not None and (call.export or call.args):
        raise click.UsageError("a core dump is not called: --core FILE takes MODULE alone")
    session.subject = core.name
    dump = CoreDump.from_bytes(core.read_bytes())
    module = None if call is None else load(session, call)
    session.subject = core.name
    console = PostMortemConsole(PostMortem(dump, module))
    if module is None or sources is None or commands or not _has_screen(session):
        _converse(session, console, commands)
    else:
        _show_screen(console, f"{core.name} of {module.name}", [], sources)


# -- the full screen


def _has_screen(session: Session) -> bool:
    """Whether there is a terminal, and Textual to draw on it; says so where that is missing."""
    if session.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    if importlib.util.find_spec("textual") is None:
        say("for the full screen: pip install 'pywasmgk[debug]'")
        return False
    return True


def _show_screen(console: Console, title: str, printed: list[bytes], sources: Path) -> None:
    # only this needs what the extra brings
    from ..debug.tui.app import Debugger

    def taken() -> str:
        found, printed[:] = b"".join(printed), []
        return found.decode("utf-8", "replace")

    Debugger(console, title.strip(), taken, sources).run()


# -- the console


def _converse(session: Session, console: Console, commands: tuple[str, ...]) -> None:
    if session.json:
        begins = list(console.greet())
        said = [{"command": line, "lines": list(console.execute(line))} for line in commands]
        session.print_json({"begins": begins, "commands": said, "step": console.execution.steps})
        return
    for line in console.greet():
        say(line)
    for command in map(_echoed, commands) if commands else _lines():
        with _interruptible():
            for line in console.execute(command):
                say(line)
        if console.done:
            break


def _lines() -> Iterator[str]:
    """Lines from standard input; with a prompt if somebody sits there."""
    asks = sys.stdin.isatty()
    if asks:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  # it edits what input() reads
    while True:
        try:
            yield input(_PROMPT) if asks else _next_line()
        except EOFError:
            return


def _next_line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return _echoed(line)


def _echoed(line: str) -> str:
    say(f"{_PROMPT}{line.rstrip()}")
    return line


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends a command, and leaves the console."""
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted: the execution cannot go on")


# -- editors


def _serve(port: int | None) -> None:
    if port is None:
        from ..debug.adapter import Adapter

        Adapter(sys.stdin.buffer, sys.stdout.buffer, _launched).serve()
        return
    from ..debug.adapter import serve_once

    serve_once(_launched, port, _say_port)


def _say_port(port: int) -> None:
    say(f"listening on 127.0.0.1:{port}")
    sys.stdout.flush()


class _Sink(io.RawIOBase):
    """A stream that gives what is written to a function."""

    def __init__(self, name: str, write: Callable[[str, bytes], None]) -> None:
        self._name, self._write = name, write

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        content = bytes(data)
        self._write(self._name, content)
        return len(content)


def _launched(wanted: dict[str, Any], write: Callable[[str, bytes], None]) -> Debugged:
    """What an editor wants: ``program`` is a file, ``export`` and ``args`` are as on the command
    line, ``env`` and ``stdin`` (text) for a program; instead of a call of its own, ``state`` is a
    file with an execution (``Execution.to_bytes``), ``recording`` one of a run, ``core`` a core
    dump; ``key`` says where the key of the first two is."""
    path = Path(str(wanted.get("program", "")))
    module = Module(content_of(path.name, _content(path)), name=path.name)
    module.folder = str(path.parent)
    folder = Path(str(wanted.get("sources") or path.parent))
    if wanted.get("core"):
        # only who looks at one needs it
        from ..debug.postmortem import PostMortem, PostMortemConsole

        dump = CoreDump.from_bytes(_content(Path(str(wanted["core"]))))
        console = PostMortemConsole(PostMortem(dump, module))
        return Debugged(console.execution, str(path), folder, console=console)
    return Debugged(_execution(wanted, module, write), str(path), folder)


def _execution(
    wanted: dict[str, Any], module: Module, write: Callable[[str, bytes], None]
) -> Execution:
    key = key_at(str(wanted["key"])) if wanted.get("key") else None
    if wanted.get("recording"):
        data = _content(Path(str(wanted["recording"])))
        return Recording.from_bytes(data, module, key).replay(module)
    args = tuple(map(str, wanted.get("args") or ()))
    streams: dict[str, Any] = {name: _Sink(name, write) for name in ("stdout", "stderr")}
    stdin: BinaryIO = io.BytesIO(str(wanted.get("stdin", "")).encode())
    env = wanted.get("env") or {}
    config = WasiConfig(args=(module.name or "", *args), env=env, stdin=stdin, **streams)
    imports = imports_as_traps(module, wasi_imports(config))
    if wanted.get("state"):
        state = _content(Path(str(wanted["state"])))
        return Execution.from_bytes(state, module, imports, key=key)
    export = wanted.get("export")
    try:
        task = task_of(module, None if export is None else str(export), args)
        instance, func = begin(task, imports, {})
    except click.ClickException as error:
        raise HostError(error.message) from error
    return instance.start(func, *task.values)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HostError(f"{path.name}: {error.strerror}") from error
