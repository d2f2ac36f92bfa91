"""A debugger that is told what to do by lines of text: the commands of the line debugger, and of
the full screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from ..errors import PywasmgkError, near_miss
from ..wasm.stepping.stops import ON, Breakpoint, Stop, Watchpoint
from .expressions import Expression, ExpressionError
from .views import Listings, memory_lines, source_of, value_text, variable_text

if TYPE_CHECKING:
    from ..wasm.stepping.activations import Activation
    from ..wasm.stepping.execution import Execution

__all__ = ["Console"]

#: lines of code, and bytes of memory, that are shown at once
_LINES, _BYTES = 9, 64
_FRAMES = 20
#: instructions between two looks at whether to pause
_SLICE = 100_000


class Command(NamedTuple):
    """One thing that a console does."""

    #: what it is called, the short word last
    names: tuple[str, ...]
    #: what is said behind it
    arguments: str
    purpose: str
    run: Callable[[Console, list[str]], Iterator[str]]


class Console:
    """Carries out commands on an execution. ``execute`` gives what there is to be said."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self.listings = Listings()
        #: the frame that is shown, 0 the innermost
        self.frame = 0
        #: nothing more is to be read
        self.done = False
        #: breakpoints and watchpoints by the number that they are deleted by
        self.numbers: dict[int, Stop] = {}
        #: whether commands say where they have come to; who shows it otherwise wants none of that
        self.tells = True
        #: executes one instruction
        self.step_once: Callable[[], str] = execution.step
        #: asked while it runs whether to pause
        self.pausing: Callable[[], bool] = lambda: False
        self._last = ""

    def greet(self) -> Iterator[str]:
        """What is said at the beginning."""
        yield f"{self.execution.func!r}: help lists the commands"
        yield from self._here()

    def execute(self, line: str) -> Iterator[str]:
        """Carries out a line, an empty one the line before. Errors become text."""
        line = line.strip() or self._last
        self._last = line
        name, *words = line.split() or [""]
        command = COMMANDS.get(name)
        if command is None:
            if name:
                yield f"no command {name!r}{near_miss(name, COMMANDS)}: help lists them"
            return
        try:
            yield from command.run(self, words)
        except (PywasmgkError, ValueError, KeyError, IndexError, TypeError, OverflowError) as error:
            yield f"error: {error.args[0] if isinstance(error, KeyError) else error}"

    # -- where it is

    @property
    def progress(self) -> str:
        """How far it is."""
        return f"step {self.execution.steps:,}  fuel {self.execution.fuel_used:,}"

    def _here(self) -> Iterator[str]:
        if not self.tells:
            return
        held = self.execution
        if held.done:
            if held.trap is not None:
                yield f"step {held.steps:,}: ended by {type(held.trap).__name__}"
                yield from str(held.trap).splitlines()
            else:
                yield f"step {held.steps:,}: done, gives {held.results!r:.200}"
        if held.frames:
            activation = self._activation()
            yield f"step {held.steps:,}, fuel {held.fuel_used:,}: {activation.place}"
            yield from source_of(activation)
            yield from self.listings.around(activation, _LINES)

    def _activation(self) -> Activation:
        frames = self.execution.frames
        if not frames:
            raise ExpressionError("the execution is done: back takes it back")
        return frames[min(self.frame, len(frames) - 1)]

    def _went(self, why: str) -> Iterator[str]:
        self.frame = 0
        for stop in self.execution.stopped_by:
            yield f"{self._title(stop)}"
        if why not in ("step", "frame", "breakpoint", "watchpoint", "done", "trap"):
            yield why
        yield from self._here()

    def _title(self, stop: Stop) -> str:
        number = next((key for key, found in self.numbers.items() if found is stop), None)
        text = f"{number}: {stop!r}" if number is not None else f"{stop!r}"
        if isinstance(stop, Watchpoint) and stop.latest is not None:
            old, new = (value_text(value) for value in stop.latest)
            text += f": {old} became {new}"
        return text

    # -- going

    def step(self, words: list[str]) -> Iterator[str]:
        count = _count(words)
        yield from self._went(self.step_once() if count == 1 else self.execution.step(count))

    def next(self, words: list[str]) -> Iterator[str]:
        yield from self._went(self.execution.step_over())

    def out(self, words: list[str]) -> Iterator[str]:
        yield from self._went(self.execution.step_out())

    def run(self, words: list[str]) -> Iterator[str]:
        yield from self._went(self._run())

    def _run(self) -> str:
        """Runs on, in slices."""
        while (why := self.execution.step(_SLICE)) == "step":
            if self.pausing():
                return "paused"
        return why

    def until(self, words: list[str]) -> Iterator[str]:
        with self._for_now(self._place(words)):
            yield from self._went(self._run())

    def back_until(self, words: list[str]) -> Iterator[str]:
        with self._for_now(self._place(words)):
            yield from self._went(self.execution.reverse_run())

    def _place(
        self, words: list[str], condition: Callable[[Activation], object] | None = None
    ) -> Breakpoint:
        """The breakpoint of a place."""
        made = _breakpoint(words, condition)
        self._require_function(made.function)
        made.require_source(self.execution.instance.module)
        return made

    def _require_function(self, wanted: int | str | None) -> None:
        """Raises ValueError for a function that this module has not."""
        instance = self.execution.instance
        count, name_of = len(instance.funcs), instance.module.function_name
        if isinstance(wanted, str):
            names = [name for name in map(name_of, range(count)) if name]
            if wanted not in names:
                raise ValueError(f"no function is called {wanted!r:.80}{near_miss(wanted, names)}")
        elif wanted is not None and wanted >= count:
            raise ValueError(f"there is no function {wanted}: there are {count}")

    @contextmanager
    def _for_now(self, stop: Stop) -> Iterator[None]:
        """Has a stop there for one run."""
        self.execution.add(stop)
        try:
            yield
        finally:
            self.execution.remove(stop)

    def back(self, words: list[str]) -> Iterator[str]:
        yield from self._went(self.execution.rewind(_count(words)))

    def back_over(self, words: list[str]) -> Iterator[str]:
        yield from self._went(self.execution.reverse_step_over())

    def back_run(self, words: list[str]) -> Iterator[str]:
        yield from self._went(self.execution.reverse_run())

    def goto(self, words: list[str]) -> Iterator[str]:
        yield from self._went(self.execution.goto(_number(words, 0)))

    # -- stops

    def stop_at(self, words: list[str]) -> Iterator[str]:
        condition = None
        if "if" in words:
            at = words.index("if")
            expression = Expression(" ".join(words[at + 1 :]))
            words, condition = words[:at], expression.value
        if not words:
            yield from self.stops([])
            return
        yield self._added(self._place(words, condition))

    def watch(self, words: list[str]) -> Iterator[str]:
        on = words.pop() if words and words[-1] in ON else "change"
        held = self.execution
        if words and words[0] == "global":
            made = held.watch_global(_number(words, 1), on)
        elif words and words[0] == "local":
            if len(words) < 2:
                raise ValueError("a local's name is missing")
            self._activation()  # or it says that there is none
            local = words[1] if not words[1].isdigit() else int(words[1])
            made = held.watch_local(local, on, frame=self.frame)
        elif words and words[0] == "growth":
            made = held.watch_growth()
        else:
            size = _number(words, 1) if len(words) > 1 else 4
            made = held.watch_memory(_number(words, 0), size, on)
        # it was added when it was made
        yield self._numbered(made)

    def _added(self, stop: Stop) -> str:
        self.execution.add(stop)
        return self._numbered(stop)

    def _numbered(self, stop: Stop) -> str:
        number = max(self.numbers, default=0) + 1
        self.numbers[number] = stop
        return self._title(stop)

    def stops(self, words: list[str]) -> Iterator[str]:
        for stop in self.numbers.values():
            yield self._title(stop)
        if not self.numbers:
            yield "no breakpoints, no watchpoints"

    def delete(self, words: list[str]) -> Iterator[str]:
        number = _number(words, 0)
        self.execution.remove(self.numbers.pop(number))
        yield f"deleted {number}"

    # -- looking

    def where(self, words: list[str]) -> Iterator[str]:
        frames = self.execution.frames
        for number, activation in enumerate(frames[:_FRAMES]):
            yield f"{'*' if number == self.frame else ' '} {number} {activation.place}"
            yield from source_of(activation)
        if len(frames) > _FRAMES:
            yield f"  ... {len(frames) - _FRAMES:,} more"

    def choose(self, words: list[str]) -> Iterator[str]:
        number = _number(words, 0)
        if not 0 <= number < len(self.execution.frames):
            raise ValueError(f"there are {len(self.execution.frames)} frames")
        self.frame = number
        yield from self._here()

    def locals(self, words: list[str]) -> Iterator[str]:
        for number, local in enumerate(self._activation().locals):
            yield variable_text(local, number, "l")

    def stack(self, words: list[str]) -> Iterator[str]:
        for number, operand in enumerate(reversed(self._activation().operands)):
            yield variable_text(operand, number, "s")

    def globals(self, words: list[str]) -> Iterator[str]:
        names = self.global_names()
        for number, item in enumerate(self.execution.instance.globals):
            name = f"${names[number]} " if number in names else ""
            yield f"g{number} {name}{item.type} = {item.value!r:.80}"

    def global_names(self) -> Mapping[int, str]:
        """What globals are called, by index."""
        return self.execution.instance.module.names.globals

    def memory(self, words: list[str]) -> Iterator[str]:
        memories = self.execution.instance.memories
        if not memories:
            raise ValueError("the module has no memory")
        start = Expression(words[0]).value(self._activation()) if words else 0
        size = _number(words, 1) if len(words) > 1 else _BYTES
        yield from memory_lines(memories[0], int(start) & 0xFFFFFFFF, min(size, 4096))

    def code(self, words: list[str]) -> Iterator[str]:
        yield from self.listings.around(self._activation(), _count(words, 2 * _LINES))

    def value(self, words: list[str]) -> Iterator[str]:
        yield value_text(Expression(" ".join(words)).value(self._activation()))

    # -- changing

    def set(self, words: list[str]) -> Iterator[str]:
        if len(words) < 2:
            raise ValueError("set takes a name and a value")
        name, text = words[0].lstrip("$"), " ".join(words[1:]).removeprefix("=")
        value = Expression(text).value(self._activation())
        if name[:1] == "g" and name[1:].isdigit():
            self.execution.set_global(int(name[1:]), value)
        else:
            local = int(name[1:]) if name[:1] == "l" and name[1:].isdigit() else name
            self.execution.set_local(local, value, self.frame)
        yield from self.locals([])

    def poke(self, words: list[str]) -> Iterator[str]:
        address = _number(words, 0)
        self.execution.write_memory(address, bytes(_parsed(word) for word in words[1:]))
        yield from memory_lines(self.execution.instance.memories[0], address & ~15, 16)

    # -- the console itself

    def help(self, words: list[str]) -> Iterator[str]:
        for command in _COMMANDS:
            head = f"{', '.join(command.names)} {command.arguments}"
            yield f"  {head:<34} {command.purpose}"

    def quit(self, words: list[str]) -> Iterator[str]:
        self.done = True
        yield from ()


def _breakpoint(words: list[str], condition: Callable[[Activation], object] | None) -> Breakpoint:
    if not words:
        raise ValueError(f"a place is missing: {_PLACES}")
    word = words[0]
    if word.startswith("0x"):
        return Breakpoint(offset=int(word, 16), condition=condition)
    if word.startswith(":"):
        return Breakpoint(line=int(word[1:]), condition=condition)
    file, _, line = word.rpartition(":")
    if file and line.isdigit():
        return Breakpoint(file=file, line=int(line), condition=condition)
    if word == "host":
        return Breakpoint(host_call=words[1] if len(words) > 1 else "*", condition=condition)
    if "." in word:
        return Breakpoint(instruction=word, condition=condition)
    function = int(word) if word.isdigit() else word.lstrip("$")
    return Breakpoint(function, condition=condition)


def _parsed(word: str) -> int:
    try:
        return int(word, 0)
    except ValueError:
        raise ValueError(f"no number: {word}") from None


def _number(words: list[str], position: int) -> int:
    if position >= len(words):
        raise ValueError("a number is missing")
    return _parsed(words[position])


def _count(words: list[str], usual: int = 1) -> int:
    return _parsed(words[0]) if words else usual


#: how a place is said
_PLACES = "FUNCTION|0xOFFSET|[FILE]:LINE|NAME.*|host [NAME]"

_COMMANDS = (
    Command(("step", "s"), "[N]", "execute N instructions, into calls", Console.step),
    Command(("next", "n"), "", "execute one instruction, over calls", Console.next),
    Command(("out", "o"), "", "run on to the caller", Console.out),
    Command(("run", "c"), "", "run on to the next stop", Console.run),
    Command(("until", "u"), _PLACES, "run on to there, this time", Console.until),
    Command(("back", "b"), "[N]", "go back N instructions", Console.back),
    Command(("back-next", "bn"), "", "go back one instruction, over calls", Console.back_over),
    Command(("back-run", "bc"), "", "run back to the stop before", Console.back_run),
    Command(("back-until", "bu"), _PLACES, "run back to there, this time", Console.back_until),
    Command(("goto", "g"), "STEP", "go to a step, back or forwards", Console.goto),
    Command(
        ("stop", "break"),
        f"{_PLACES} [if EXPR]",
        "stop there",
        Console.stop_at,
    ),
    Command(
        ("watch", "w"),
        "ADDRESS [SIZE]|global N|local NAME|growth [change|write|read|access]",
        "stop at accesses",
        Console.watch,
    ),
    Command(("stops",), "", "list breakpoints and watchpoints", Console.stops),
    Command(("delete", "d"), "N", "take a stop out again", Console.delete),
    Command(("where", "bt"), "", "list the frames", Console.where),
    Command(("frame", "f"), "N", "look at another frame", Console.choose),
    Command(("list", "l"), "[N]", "show N lines of code", Console.code),
    Command(("locals",), "", "show locals", Console.locals),
    Command(("stack",), "", "show operands, the topmost first", Console.stack),
    Command(("globals",), "", "show globals", Console.globals),
    Command(("memory", "x"), "[EXPR [SIZE]]", "show bytes of memory", Console.memory),
    Command(("print", "p"), "EXPR", "show a value: n + 1, s0, u32(16)", Console.value),
    Command(("set",), "LOCAL|gN EXPR", "change a local or a global", Console.set),
    Command(("poke",), "ADDRESS BYTE...", "change bytes of memory", Console.poke),
    Command(("help", "h"), "", "list the commands", Console.help),
    Command(("quit", "q"), "", "end", Console.quit),
)
#: the commands by each of their names
COMMANDS = {name: command for command in _COMMANDS for name in command.names}
