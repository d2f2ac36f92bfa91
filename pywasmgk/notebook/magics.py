"""The magics: ``%%wat``, ``%%c``, ``%wasm_run``, ``%%wasm_profile``."""

from __future__ import annotations

import keyword
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
from IPython.display import display

from ..debug.profile import Profile
from ..errors import GuestError, LinkError, PywasmgkError, near_miss
from ..wasm.module import Module
from ..wasm.runtime.defaults import OWN
from ..wasm.runtime.functions import Func
from ..wasm.runtime.instance import Instance, instantiate
from ..wasm.types import ValType
from ..wasm.wasi import WasiConfig
from .interruption import interruptible
from .progress import Progress
from .toolchains import compile_c

__all__ = ["WasmMagics"]

#: profiles of one cell that are shown
_MOST = 3
_FLOATS = (ValType.F32, ValType.F64)


@magics_class
class WasmMagics(Magics):
    """Modules in cells of their own."""

    # -- making

    @cell_magic
    def wat(self, line: str, cell: str) -> None:
        """Makes a module of the cell's text, shows it, and makes an instance of it.

        ``%%wat NAME`` calls the instance NAME; without a name its exported functions become names
        of the notebook. ``--imports NAME`` is a dictionary with what it imports.
        """
        self._make(*_options(line), lambda words: cell)

    @cell_magic
    def c(self, line: str, cell: str) -> None:
        """Makes a module of the cell's C, where clang with its wasm linker or zig is found, and
        goes on as ``%%wat`` does. Words that begin with a dash are the compiler's, by default -O2.
        """
        self._make(*_options(line), lambda flags: compile_c(cell, flags or ("-O2",)))

    def _make(self, name: str, imports: str, flags: Sequence[str], source: Any) -> None:
        if name and not _is_name(name):
            raise UsageError(f"{name!r} is no name for an instance")
        try:
            module = Module(source(flags), name=name or None)
            display(module)
            instance = _instantiated(module, self._imports(imports))
        except LinkError as error:
            raise UsageError(f"{error}\n--imports NAME gives a dictionary of them") from None
        except GuestError:
            # a start function that failed
            raise
        except PywasmgkError as error:
            raise UsageError(str(error)) from None
        self._bind(name, instance)

    def _imports(self, name: str) -> Mapping[str, Any] | None:
        if not name:
            return None
        found = self._named(name)
        if not isinstance(found, Mapping):
            raise UsageError(f"{name} is no dictionary of imports")
        return found

    def _bind(self, name: str, instance: Instance) -> None:
        names = {name: instance} if name else {
            word: item
            for word in instance.exports
            if _is_name(word) and isinstance(item := instance.exports[word], Func)
        }  # fmt: skip
        self.shell.push(names)

    # -- running

    @line_magic
    def wasm_run(self, line: str) -> Any:
        """Calls an export: ``%wasm_run NAME EXPORT ARGUMENTS...``, where NAME is an instance, a
        module or a file. A bar shows how far a long run is; an interrupt ends it and keeps the
        instance."""
        target, *words = shlex.split(line) or [""]
        if not words:
            raise UsageError("usage: %wasm_run NAME EXPORT ARGUMENTS...")
        instance = self._instance(target)
        func = _function(instance, words[0])
        arguments = _arguments(func, words[1:])
        with interruptible() as cancel, Progress(words[0]) as progress:
            with instance.account(cancel=cancel, progress=progress):
                return func(*arguments)

    @cell_magic
    def wasm_profile(self, line: str, cell: str) -> None:
        """Runs the cell's Python, and shows where the fuel of its calls went: ``%%wasm_profile
        NAME`` counts the calls of ``NAME.exports``."""
        name = line.strip()
        instance = self._instance(name)
        counted = _Counted(instance)
        try:
            code = compile(cell, "<wasm_profile>", "exec")
        except SyntaxError as error:
            raise UsageError(f"{error}") from None
        # as any cell does, it sets names of the notebook; the instance stays what it was
        space = self.shell.user_ns
        space[name] = counted
        try:
            exec(code, space)
        finally:
            if space.get(name) is counted:
                space[name] = instance
        if not counted.exports.profiles:
            raise UsageError(f"nothing of {name}.exports was called")
        for profile in counted.exports.profiles[:_MOST]:
            display(profile)
        if len(counted.exports.profiles) > _MOST:
            print(f"and {len(counted.exports.profiles) - _MOST:,} more calls")

    # -- what is meant

    def _named(self, name: str) -> Any:
        space = self.shell.user_ns
        if name not in space:
            names = [key for key in space if not key.startswith("_")]
            raise UsageError(f"nothing is called {name!r}{near_miss(name, names)}")
        return space[name]

    def _instance(self, name: str) -> Instance:
        """The instance that a name or a file stands for."""
        if not name:
            raise UsageError("the name of an instance is missing")
        if name not in self.shell.user_ns and Path(name).is_file():
            return _instantiated(Module.from_file(name))
        found = self._named(name)
        if isinstance(found, Instance):
            return found
        if isinstance(found, (Module, bytes, str)):
            return _instantiated(found)
        raise UsageError(f"{name} is no instance and no module")

    def complete(self, shell: Any, event: Any) -> list[str]:
        """What IPython offers behind a magic: instances, and then their exports."""
        words = event.line.split()
        behind = len(words) - (not event.line.endswith(" "))
        if behind == 1:
            return [
                key
                for key, value in self.shell.user_ns.items()
                if isinstance(value, (Instance, Module)) and not key.startswith("_")
            ]
        found = self.shell.user_ns.get(words[1]) if behind == 2 else None
        return [*_exported(found)]


class _Counted:
    """Stands for an instance whose calls are counted."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.exports = _CountedExports(instance)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._instance, name)


class _CountedExports:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.profiles: list[Profile] = []

    def __getitem__(self, name: str) -> Any:
        found = self._instance.exports[name]
        if not isinstance(found, Func):
            return found

        def call(*arguments: Any) -> Any:
            with interruptible() as cancel:
                profile = Profile.of(self._instance, name, *arguments, cancel=cancel)
            self.profiles.append(profile)
            if profile.trap is not None:
                raise profile.trap
            return profile.results

        return call

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(*error.args) from None


def _instantiated(
    source: Module | bytes | str, imports: Mapping[str, Any] | None = None
) -> Instance:
    """An instance in our own engines, in a browser too: it is there to be looked into."""
    return instantiate(source, imports, wasi=WasiConfig(), engine=OWN)


def _options(line: str) -> tuple[str, str, list[str]]:
    """The name, the name of the imports, and the flags of a line."""
    words = shlex.split(line)
    imports = ""
    if "--imports" in words:
        at = words.index("--imports")
        imports = "".join(words[at + 1 : at + 2])
        del words[at : at + 2]
        if not imports:
            raise UsageError("--imports wants the name of a dictionary")
    names = [word for word in words if not word.startswith("-")]
    if len(names) > 1:
        raise UsageError(f"one name is enough: {' '.join(names)}")
    return "".join(names), imports, [word for word in words if word.startswith("-")]


def _is_name(word: str) -> bool:
    return word.isidentifier() and not keyword.iskeyword(word)


def _function(instance: Instance, name: str) -> Func:
    if name not in instance.exports:
        known = [*_exported(instance)]
        there = ", ".join(known[:10]) or "none"
        raise UsageError(f"no export is named {name!r}{near_miss(name, known)} (there: {there})")
    found = instance.exports[name]
    if not isinstance(found, Func):
        raise UsageError(f"the export {name!r} is no function")
    return found


def _arguments(func: Func, words: Sequence[str]) -> list[int | float]:
    """Words as numbers of the parameters' types."""
    kinds = func.type.params
    if len(words) != len(kinds):
        raise UsageError(f"{func} takes {len(kinds)} arguments, {len(words)} were given")
    try:
        return [
            float(word) if kind in _FLOATS else int(word, 0) for word, kind in zip(words, kinds)
        ]
    except ValueError as error:
        raise UsageError(f"{error}") from None


def _exported(thing: Any) -> Iterator[str]:
    """The functions that an instance or a module exports."""
    module = thing.module if isinstance(thing, Instance) else thing
    if isinstance(module, Module):
        yield from (item.name for item in module.exports if item.kind == "func")
