"""Dynamic linking (tool-conventions, "DynamicLinking"): side modules in a main module's memory.

A side module says in its first section how much memory and table it needs (``dylink.0``, or
``dylink`` in old builds). It gets places for them, and imports addresses: ``GOT.mem`` of data,
``GOT.func`` of functions, each a global that is set when the symbol is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import LinkError
from ...wasm.binary.leb128 import read_u32
from ...wasm.module import Module
from ...wasm.runtime.functions import Func
from ...wasm.runtime.globals import Global
from ...wasm.runtime.instance import Instance, instantiate
from ...wasm.types import FuncType, GlobalType, ImportType, ValType

if TYPE_CHECKING:
    from .program import Program

__all__ = ["Needs", "SideModules", "needs_of"]

_MASK = 0xFFFFFFFF
#: bytes of the stack that a main module is given, and where its data begins
_STACK, _BEGIN = 1 << 20, 1024
_I32 = ValType.I32
#: side modules of one program
_MOST = 200


class Needs(NamedTuple):
    """What a side module needs; alignments are powers of two."""

    memory: int
    memory_align: int
    table: int
    table_align: int


def needs_of(module: Module) -> Needs | None:
    """What the first section says; ``None`` where there is no such section."""
    for name, start, end in module.custom_sections:
        content = module.data[start:end]
        if name == "dylink.0":
            pos = 0
            while pos < len(content):
                kind = content[pos]
                size, pos = read_u32(content, pos + 1)
                if kind == 1:
                    return _numbers(content, pos)
                pos += size
        elif name == "dylink":
            return _numbers(content, 0)
    return None


def _numbers(content: bytes, pos: int) -> Needs:
    found = []
    for _ in range(4):
        number, pos = read_u32(content, pos)
        found.append(number)
    return Needs(*found)


class SideModules:
    """What has been loaded into one program, and the symbols that are known."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._got: dict[tuple[str, str], Global] = {}
        self._symbols: dict[str, Any] = {}
        self._bases: dict[str, int] = {}
        self._placed: dict[int, int] = {}
        self._loaded = 0

    # -- the main module

    def main_global(self, item: ImportType, kind: GlobalType) -> Global:
        """A global that a relocatable main module imports."""
        if item.module.startswith("GOT."):
            return self._entry(item)
        needs = needs_of(self.program.module) or Needs(0, 0, 0, 0)
        base = -(-_BEGIN // 16) * 16
        stack = -(-(base + needs.memory) // 16) * 16 + _STACK
        known = {
            "__memory_base": base, "__table_base": 1, "__stack_pointer": stack,
            "__heap_base": stack, "__stack_high": stack, "__stack_low": stack - _STACK,
        }  # fmt: skip
        if item.name not in known or kind.value_type is not _I32:
            raise LinkError(f"{item.module!r}.{item.name!r}: {kind} is not known here")
        found = Global(kind, known[item.name])
        self._symbols.update(
            {name: known[name] for name in known if name[2:7] in ("stack", "heap_")}
        )
        self._symbols.setdefault(item.name, found)
        return found

    def begin(self) -> None:
        """Notes what the main module exports, and sets what it asked for."""
        for name in self.program.instance.exports:
            self._symbols.setdefault(name, self.program.instance.exports[name])
        if self._got:
            self._fill(self._bases.get("", 0))
        apply = self.program.optional("__wasm_apply_data_relocs")
        if apply is not None:
            apply()

    # -- side modules

    def load(self, module: Module) -> Instance:
        """Loads a side module. Raises LinkError where it is none, or wants what nobody has."""
        needs = needs_of(module)
        if needs is None:
            raise LinkError(f"{module.name or 'the module'} is no side module: no dylink.0 section")
        if not self.program.instance.tables or self.program.instance.memory is None:
            raise LinkError("the main module has no memory or no table to share")
        if self._loaded >= _MOST:
            raise LinkError(f"more than {_MOST} side modules")
        self._loaded += 1
        memory_base = self._memory_for(needs)
        table_base = self._table_for(needs)
        given = self._imports(module, memory_base, table_base)
        main = self.program.instance
        instance = instantiate(module, given, **self._options())
        for name in instance.exports:
            item = instance.exports[name]
            if isinstance(item, Global) and item.type == GlobalType(_I32):
                self._symbols.setdefault(name, (item.value & _MASK) + memory_base)
            else:
                self._symbols.setdefault(name, item)
        self._fill(memory_base)
        for name in ("__wasm_apply_data_relocs", "__wasm_call_ctors", "__post_instantiate"):
            if name in instance.exports:
                with main.account():
                    instance.exports[name]()  # type: ignore[operator]
        return instance

    def _options(self) -> dict[str, Any]:
        """The limits of the main module's instance."""
        options = dict(self.program.instance._meter_options)
        options["depth_limit"] = options.pop("depth")
        return {**options, "engine": self.program.options.get("engine", "auto")}

    def _memory_for(self, needs: Needs) -> int:
        align = 1 << min(max(needs.memory_align, 4), 16)
        if not needs.memory:
            return 0
        if needs.memory > self.program.memory.limit << 16:
            raise LinkError(f"the side module needs {needs.memory} bytes, over the memory's limit")
        ptr = self.program.required("malloc")(needs.memory + align) & _MASK
        if not ptr:
            raise LinkError(f"the main module has no {needs.memory} bytes for the side module")
        base: int = -(-ptr // align) * align
        self.program.memory.write(base, bytes(needs.memory))
        return base

    def _table_for(self, needs: Needs) -> int:
        table = self.program.instance.tables[0]
        base = table.size
        if needs.table > table.limit - base or table.grow(needs.table) < 0:
            raise LinkError(f"the table has no room for {needs.table} functions more")
        return base

    def _imports(self, module: Module, memory: int, table: int) -> dict[str, dict[str, Any]]:
        main = self.program.instance
        given: dict[str, dict[str, Any]] = {}
        fixed = {"__memory_base": memory, "__table_base": table}
        for item in module.imports:
            names = given.setdefault(item.module, {})
            if item.module.startswith("GOT."):
                names[item.name] = self._entry(item)
            elif item.name in fixed:
                names[item.name] = fixed[item.name]
            elif item.kind == "memory":
                names[item.name] = self.program.memory
            elif item.kind == "table":
                names[item.name] = main.tables[0]
            elif isinstance(item.type, FuncType):
                names[item.name] = self._function(item, item.type)
            elif item.name in self._symbols:
                names[item.name] = self._symbols[item.name]
        return given

    def _function(self, item: ImportType, kind: FuncType) -> Any:
        found = self._symbols.get(item.name)
        if isinstance(found, Func):
            return found
        return self.program.runtime_function(item, kind)

    # -- the global offset table

    def _entry(self, item: ImportType) -> Global:
        key = (item.module, item.name)
        if key not in self._got:
            self._got[key] = Global(GlobalType(_I32, True), 0)
        return self._got[key]

    def _fill(self, base: int) -> None:
        """Sets entries whose symbols are known by now. Data that nobody defines stays 0."""
        for (space, name), entry in self._got.items():
            found = self._symbols.get(name)
            if found is None or entry.raw:
                continue
            if space == "GOT.func" and isinstance(found, Func):
                entry.value = self._place(found)
            elif space == "GOT.mem":
                entry.value = found if isinstance(found, int) else found.value & _MASK

    def _place(self, func: Func) -> int:
        """The number in the table of a function, which gets one if it has none."""
        table = self.program.instance.tables[0]
        at = self._placed.get(id(func))
        if at is None:
            at = next((i for i, item in enumerate(table.elements) if item is func), None)
        if at is None:
            at = table.grow(1, func)
            if at < 0:
                raise LinkError("the table has no room for a function more")
        self._placed[id(func)] = at
        return at
