"""Modules that Rust's wasm-bindgen made, by way of the JavaScript beside them.

wasm-bindgen puts a script beside each module: how strings, objects, closures and classes become
numbers, for this very module. ``load`` runs that script (``compat.js``), so that whatever it
exports can be called from Python, with Python's values::

    package = wasm_bindgen.load("node_modules/rregex/lib/rregex.wasm")
    package.RRegex("[a-z]+").replaceAll("goat 1", "kid")

Scripts of all targets will do (bundler, nodejs, web, no-modules), also bundled into one file as
long as nobody renamed things.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import LinkError
from ..wasm.module import Module
from ..wasm.runtime.calls import Opened
from ..wasm.runtime.instance import Instance, instantiate
from ..wasm.runtime.linker import Imports
from ..wasm.runtime.metering import Meter
from ..wasm.types import FuncType, ImportType
from .js.border import to_python, to_script
from .js.building import common_js
from .js.builtins import make_realm
from .js.data import utf8
from .js.evaluation import Closure, Interpreter
from .js.objects import UNDEFINED, Function, JSError, Native, Object, ScriptError
from .js.operators import to_uint32, type_of
from .js.properties import own_keys, read_property
from .js.syntax import FunctionNode, Node, read_script
from .js.wasm import Exports, imported
from .stubs import trap_stub

__all__ = ["JSError", "Package", "ScriptError", "find_script", "load"]

#: bytes that the module may have the host keep, by default
QUOTA = 1 << 26
#: what a file of JavaScript is called
_SUFFIXES = (".js", ".cjs", ".mjs")
#: bytes of a script that is looked at
_MOST_SCRIPT = 4 << 20
#: functions of scripts for the web that give the imports
_GIVERS = ("__wbg_get_imports", "getImports", "getFunctionImports")
#: what scripts call their helpers, unless somebody renamed all things in them
_HELPERS = ("WASM_VECTOR_LEN", "addHeapObject", "addToExternrefTable0", "getStringFromWasm0")
_LIMITS = ("fuel", "timeout", "cancel", "clock")


class Package:
    """A module with its script: what the script exports or has at its top are attributes.

    ``instance`` is the module's instance. Classes are called to make objects; what scripts throw is
    a :class:`JSError`.
    """

    def __init__(self, instance: Instance, interpreter: Interpreter) -> None:
        object.__setattr__(self, "instance", instance)
        object.__setattr__(self, "_interpreter", interpreter)

    def __getattr__(self, name: str) -> Any:
        interpreter: Interpreter = self._interpreter
        with interpreter.opened(), interpreter.guarded():
            found = _exported(interpreter).get(name, _ABSENT)
            if found is _ABSENT:
                found = interpreter.top.names.get(name, _ABSENT)
            if found is not _ABSENT:
                return to_python(interpreter, found)
        raise AttributeError(f"the script has nothing that is called {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        self._interpreter.top.names[name] = to_script(self._interpreter, value)

    def __dir__(self) -> list[str]:
        return sorted(_exported(self._interpreter))

    def __repr__(self) -> str:
        return f"<Package of {self.instance.module.name or 'a module'}: {', '.join(dir(self))}>"


_ABSENT: Any = object()


def load(
    module: str | Path | Module,
    script: str | Path | None = None,
    *,
    imports: Imports | None = None,
    quota: int = QUOTA,
    log: Callable[[str, str], object] = lambda level, text: None,
    **options: Any,
) -> Package:
    """A module and its script, ready to be called.

    ``module`` is a file or a Module; ``script`` the text of its JavaScript, or a Path to it, by
    default what lies beside the module and names its imports. ``imports`` win over the script's.
    ``quota`` is how many bytes the module and the script may have the host keep; ``log`` gets the
    lines of ``console``. Other options are those of ``instantiate``. Raises ScriptError where there
    is no script, LinkError for imports that are no functions, and what ``Module`` and
    ``instantiate`` raise.
    """
    if not isinstance(module, Module):
        path = Path(module)
        module = Module.from_file(path, cache_dir=options.get("cache_dir"))
        script = find_script(path, module) if script is None else script
    if script is None:
        raise ScriptError("a module that is no file needs its script")
    text = script.read_text("utf-8") if isinstance(script, Path) else script
    realm, names = make_realm(quota, log)
    interpreter = Interpreter(realm, names)
    top = interpreter.top.names
    common_js(realm, top)
    tree = read_script(text)
    with Opened(Meter(**{name: options[name] for name in _LIMITS if name in options})):
        interpreter.run_script(tree)
    given = _imports(module, interpreter, tree, imports or {})
    instance = instantiate(module, given, **options)
    interpreter.opened = instance.account
    top["wasm"] = Exports(instance.exports)
    if isinstance(top.get("passStringToWasm0"), Closure):
        # the script's own goes through a text letter by letter
        top["passStringToWasm0"] = Native("passStringToWasm0", _string_passer(top))
    if "__wbindgen_start" in instance.exports:
        instance.exports["__wbindgen_start"]()  # type: ignore[operator]
    return Package(instance, interpreter)


def find_script(path: Path, module: Module) -> Path:
    """The script beside a module that names most of its imports and exports; of several the
    smallest. Raises ScriptError where there is none."""
    functions = [item.name for item in module.imports if item.kind == "func"]
    functions += [item.name for item in module.exports if item.kind == "func"]
    best: tuple[bool, int, int, str] | None = None
    for entry in sorted(path.parent.iterdir()):
        if entry.suffix not in _SUFFIXES or entry.stat().st_size > _MOST_SCRIPT:
            continue
        text = entry.read_text("utf-8", errors="replace")
        named = sum(name in text for name in functions)
        if "wasm." in text and ("__wbindgen" in text or "__wbg" in text):
            renamed = not any(word in text for word in _HELPERS)
            found = (renamed, -named, len(text), entry.name)
            best = found if best is None else min(best, found)
    if best is None:
        raise ScriptError(f"no script of wasm-bindgen lies beside {path.name}")
    return path.parent / best[3]


def _string_passer(top: dict[str, Any]) -> Callable[..., int]:
    """The helper that copies a text into the module's memory: UTF-8 in a block of just that size,
    whose length is left in ``WASM_VECTOR_LEN``."""

    def pass_string(this: Any, text: Any, malloc: Function, realloc: Any = None) -> int:
        if not isinstance(text, str):
            raise TypeError(f"expected a string, found {type_of(text)}")
        data = utf8(text)
        at = to_uint32(malloc.call(UNDEFINED, (len(data), 1)))
        memory = top["wasm"].get("memory").memory
        memory.write(at, data)
        top["WASM_VECTOR_LEN"] = len(data)
        return at

    return pass_string


def _exported(interpreter: Interpreter) -> dict[str, Any]:
    """What a script exports, whichever way it does."""
    top = interpreter.top.names
    found = {name: top[inner] for name, inner in interpreter.exports.items() if inner in top}
    module = top.get("module")
    given = module.get("exports") if isinstance(module, Object) else None
    for name in own_keys(given) if isinstance(given, Object) else ():
        if not name.startswith("__wb"):
            found.setdefault(name, read_property(interpreter.realm, given, name))
    return {name: value for name, value in found.items() if not name.startswith("__wb")}


def _imports(
    module: Module, interpreter: Interpreter, tree: list[Node], own: Imports
) -> dict[str, dict[str, Any]]:
    """The imports, each from the script's function of its name."""
    given: dict[str, dict[str, Any]] = {}
    finder = _Finder(interpreter, tree)
    for item in module.imports:
        names: Mapping[str, Any] = own.get(item.module, {})
        if item.name in names:
            found = names[item.name]
        elif isinstance(item.type, FuncType):
            found = finder.function(item, item.type)
        else:
            raise LinkError(f"{item.module!r}.{item.name!r}: a {item.kind} must be given")
        given.setdefault(item.module, {})[item.name] = found
    return given


class _Finder:
    """Finds a script's functions for a module's imports."""

    def __init__(self, interpreter: Interpreter, tree: list[Node]) -> None:
        self._interpreter = interpreter
        self._tree = tree
        self._assigned: dict[str, FunctionNode] | None = None
        self._given: Any = None

    def function(self, item: ImportType, kind: FuncType) -> Any:
        """The import, or a stub that traps where the script has none."""
        if not self._is_there(item):
            return trap_stub(item)
        known: list[Function] = []

        def find() -> Function:
            if not known:
                known.append(self._find(item))
            return known[0]

        return imported(self._interpreter, kind, f"{item.module}.{item.name}", find)

    def _is_there(self, item: ImportType) -> bool:
        top = self._interpreter.top.names
        module = top["module"]
        return (
            isinstance(top.get(item.name), Function)
            or (isinstance(module, Object) and item.name in (module.get("exports") or ()))
            or item.name in self._all_assigned()
        )

    def _find(self, item: ImportType) -> Function:
        top, interpreter = self._interpreter.top.names, self._interpreter
        direct = top.get(item.name)
        if isinstance(direct, Function):
            return direct
        module = top["module"]["exports"]
        if isinstance(module, Object) and isinstance(module.get(item.name), Function):
            found: Function = module[item.name]
            return found
        given = self._from_giver()
        names = read_property(interpreter.realm, given, item.module) if given else UNDEFINED
        if isinstance(names, Object) and isinstance(names.get(item.name), Function):
            function: Function = names[item.name]
            return function
        return Closure(interpreter, self._all_assigned()[item.name], interpreter.top)

    def _from_giver(self) -> Any:
        top = self._interpreter.top.names
        giver = next((top[name] for name in _GIVERS if isinstance(top.get(name), Function)), None)
        if self._given is None and giver is not None:
            self._given = giver.call(UNDEFINED, ())
        return self._given

    def _all_assigned(self) -> dict[str, FunctionNode]:
        """Functions that are assigned to properties anywhere in the script, by the property."""
        if self._assigned is None:
            self._assigned = {}
            left: list[Any] = [self._tree]
            while left:
                node = left.pop()
                if isinstance(node, tuple) and node[:2] == ("assign", "="):
                    target, value = node[2], node[3]
                    if target[0] == "member" and value[0] == "function":
                        self._assigned.setdefault(str(target[2][1]), value[1])
                if isinstance(node, (tuple, list)):
                    left.extend(node)
        return self._assigned
