"""What is done many times: a call, a plugin's call, a program; and tasks as bytes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, ClassVar, Union

from ..errors import BatchError, RecipeError, SuspensionError
from ..plugin.recipe import PluginRecipe
from ..wasm.module import Module
from ..wasm.runtime.defaults import DEFAULT_FUEL, DEFAULT_MEMORY_LIMIT
from ..wasm.stepping.packing import seal, unseal
from .forms import dumped, form_of, loaded, value_of

__all__ = ["Call", "Limits", "PluginCall", "Program", "Run", "Task", "task_from_bytes"]

_TASK = b"\7"
_MOST_HEAD = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Of one task. ``None`` is no limit; fuel ends a task at the same place on every machine."""

    #: instructions
    fuel: int | None = DEFAULT_FUEL
    #: pages of 64 KiB
    pages: int = DEFAULT_MEMORY_LIMIT
    #: seconds
    timeout: float | None = 30.0
    #: bytes of each output that are kept
    output: int = 1 << 20

    def __post_init__(self) -> None:
        numbers = (0 if self.fuel is None else self.fuel, self.pages, self.output)
        if any(type(number) is not int or number < 0 for number in numbers):
            raise BatchError("limits are whole numbers, not negative")
        timeout = self.timeout
        if timeout is not None and (not isinstance(timeout, (int, float)) or not timeout > 0):
            raise BatchError("timeout is a number of seconds")
        if timeout is not None and math.isinf(timeout):
            object.__setattr__(self, "timeout", None)


def _content(module: Module | bytes | str) -> bytes:
    if isinstance(module, bytes):
        return module
    return (module if isinstance(module, Module) else Module(module, validate="lazy")).data


@dataclass(frozen=True)
class Call:
    """A module's exported function; inputs are its arguments, a tuple each. The module may import
    WASI, which has no files and writes what is kept as output. ``module`` is a Module, its bytes,
    or text."""

    kind: ClassVar[str] = "call"
    module: Module | bytes | str
    export: str
    limits: Limits = Limits()
    #: of the cache of compiled code; ``PYWASMGK_CACHE`` of the worker by default
    cache_dir: str | None = None

    def _parts(self) -> tuple[dict[str, Any], bytes]:
        return {"export": self.export}, _content(self.module)


@dataclass(frozen=True)
class PluginCall:
    """A plugin's function; inputs are its argument, or tuples of it. ``plugin`` is a recipe, or
    what makes one. Each call begins in a plugin that nobody has called."""

    kind: ClassVar[str] = "plugin"
    plugin: PluginRecipe | Module | bytes | str
    function: str
    limits: Limits = Limits()
    cache_dir: str | None = None

    def _parts(self) -> tuple[dict[str, Any], bytes]:
        recipe = self.plugin
        if not isinstance(recipe, PluginRecipe):
            recipe = PluginRecipe.of(recipe)
        return {"function": self.function, "host": recipe.host}, recipe.to_bytes()


@dataclass(frozen=True)
class Run:
    """What a program is given; inputs of a Program are these, or what it reads as bytes or text."""

    stdin: bytes = b""
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Any) -> Run:
        """From an input."""
        if isinstance(given, tuple) and len(given) == 1:
            (given,) = given
        if isinstance(given, Run):
            return given
        if isinstance(given, str):
            return cls(given.encode())
        if isinstance(given, bytes):
            return cls(given)
        raise BatchError(f"a program is given a Run, bytes or text, not {given!r:.80}")


@dataclass(frozen=True)
class Program:
    """A WASI program; inputs are :class:`Run`, or what it reads. It has no files, but ``files``,
    and writes to copies of them."""

    kind: ClassVar[str] = "program"
    module: Module | bytes | str
    limits: Limits = Limits()
    cache_dir: str | None = None
    #: by path, ``dir/name``, in the folder in which it begins
    files: Mapping[str, bytes] = field(default_factory=dict)

    def _parts(self) -> tuple[dict[str, Any], bytes]:
        return {"files": form_of(dict(self.files))}, _content(self.module)


Task = Union[Call, PluginCall, Program]


def task_bytes(task: Task) -> bytes:
    """A task as bytes (docs/batch.md, "How tasks travel"). Raises BatchError and RecipeError."""
    head, content = task._parts()
    head |= {
        "kind": task.kind,
        "limits": dataclasses.asdict(task.limits),
        "cache_dir": task.cache_dir,
    }
    text = dumped(head)
    return seal(_TASK, len(text).to_bytes(4, "little") + text + content, None)


def task_from_bytes(data: bytes, *, hosts: Collection[str] | None = ()) -> Task:
    """From what :func:`task_bytes` gave. Nothing is imported, decoded or run; ``hosts`` are the
    factories that a plugin's host may be made by, ``None`` any. Raises BatchError."""
    try:
        content = unseal(_TASK, data, None)
    except SuspensionError as error:
        raise BatchError(f"no task: {error}") from error
    size = int.from_bytes(content[:4], "little")
    if size > min(_MOST_HEAD, len(content) - 4):
        raise BatchError("no task: it is cut off")
    head, rest = loaded(content[4 : 4 + size]), content[4 + size :]
    try:
        limits, cache = Limits(**head["limits"]), head["cache_dir"]
        if head["kind"] == Call.kind:
            return Call(rest, str(head["export"]), limits, cache)
        if head["kind"] == Program.kind:
            return Program(rest, limits, cache, value_of(head["files"]))
        if hosts is None:
            hosts = [] if head["host"] is None else [str(head["host"])]
        recipe = PluginRecipe.from_bytes(rest, hosts=hosts)
        return PluginCall(recipe, str(head["function"]), limits, cache)
    except (KeyError, TypeError, RecipeError) as error:
        raise BatchError(f"no task: {error}") from error


def identity(data: bytes) -> str:
    """What a worker knows a task by."""
    return sha256(data).hexdigest()
