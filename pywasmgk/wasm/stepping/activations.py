"""What a held execution shows of its frames (spec, section "Activation Frames")."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import DecodeError, Frame, SourceLine
from ..isa import CONTROL_FORMS
from ..runtime.values import from_python, to_python
from ..types import ValType
from ..valid.blockmap import BlockMap
from ..valid.bodies import BodyValidator, function_code
from ..valid.typing_rules import HIDDEN

if TYPE_CHECKING:
    from ..isa import Instruction
    from ..module import Module
    from ..runtime.functions import Func
    from ..text.disassembly import Disassembly

__all__ = [
    "Activation",
    "Block",
    "Texts",
    "Variable",
    "import_name",
    "is_call",
    "is_indirect",
    "typing_before",
]


class Variable(NamedTuple):
    """A local or an operand."""

    #: of a local from the name section; of an operand none
    name: str | None
    #: ``None`` for an operand whose type nothing says (behind an unconditional branch)
    type: ValType | None
    #: as hosts see it: integers are signed
    value: Any

    def __str__(self) -> str:
        name = f"${self.name} " if self.name else ""
        value = f"{self.value:#x}" if isinstance(self.value, int) and self.value > 9 else ""
        return f"{name}{self.type or '?'} = {self.value}{f' ({value})' if value else ''}"


class Block(NamedTuple):
    """A structured control instruction that a frame is in."""

    #: ``block loop if`` or ``func``
    form: str
    #: its offset in the file
    offset: int
    #: operands that lie below it
    height: int


class Activation:
    """One frame of a held execution, as it is now: worth nothing once that goes on.

    ``pc`` is the instruction that runs next; in an outer frame it is the call that has not
    returned.
    """

    def __init__(
        self, func: Func, pc: int, stack: Sequence[Any], locals_: list[Any], texts: Texts
    ) -> None:
        self._func = func
        self._stack = stack
        self._locals = locals_
        self._texts = texts
        #: position of the instruction in the function's code
        self.pc = pc

    @property
    def module(self) -> Module:
        """The module that the function is of."""
        found: Module = self._instance.module
        return found

    @property
    def _instance(self) -> Any:
        return self._func.instance

    @property
    def function(self) -> Func:
        """The function that runs."""
        return self._func

    @property
    def index(self) -> int:
        """Its index in the function index space of its module."""
        return self._func.index

    @cached_property
    def place(self) -> Frame:
        """The frame as errors show it: with its name, and the line in the text of a module that was
        made from one."""
        return self.module.frame(self.index, self.offset)

    @property
    def name(self) -> str | None:
        """The function's name."""
        return self.place.name

    @property
    def line(self) -> int | None:
        """The line in the text that the module was made from, if it was."""
        return self.place.line

    @property
    def source(self) -> tuple[SourceLine, ...]:
        """Where it is in the source that the module was compiled from (see ``Frame.source``): the
        innermost line first, then the calls of functions that were compiled into others."""
        return self.place.source

    @property
    def offset(self) -> int:
        """Where the instruction is in the module's file."""
        body = self._body
        return body.base + body.offsets[self.pc]

    @property
    def _body(self) -> BlockMap:
        return self.module.block_map(self.index)

    @property
    def instruction(self) -> str:
        """The instruction as text."""
        return self._texts.of(self.module).instruction(self.index, self.offset)

    @property
    def row(self) -> Instruction:
        """What the instruction set says of the instruction."""
        number, _ = self._body.code[self.pc]
        return self.module.isa.rows[number]

    @property
    def immediate(self) -> Any:
        """The instruction's immediate, as block maps have it."""
        return self._body.code[self.pc][1]

    @property
    def opcode_name(self) -> str:
        """The instruction's name alone."""
        return self.row.name

    def raw_operands(self, count: int) -> Sequence[Any]:
        """The topmost operands as the engine has them."""
        return self._stack[-count:] if count else ()

    def callee(self) -> Func | None:
        """The function that the instruction calls; ``None`` if it calls none, or traps."""
        x, instance = self.immediate, self._instance
        if not is_call(self.row):
            return None
        if not is_indirect(self.row):
            found: Func = instance.funcs[x]
            return found
        elements = instance.tables[x[1]].elements
        index = self._stack[-1]
        return elements[index] if index < len(elements) else None

    def import_name(self) -> str | None:
        """``module.name`` of the import that the instruction calls, if it does so by its index."""
        direct = is_call(self.row) and not is_indirect(self.row)
        return import_name(self.module, self.immediate) if direct else None

    @property
    def locals(self) -> tuple[Variable, ...]:
        """Parameters and declared locals."""
        names = self.module.names.locals.get(self.index, {})
        kinds = self._body.locals
        return tuple(
            Variable(names.get(number), kind, to_python(kind, value))
            for number, (kind, value) in enumerate(zip(kinds, self._locals))
        )

    @property
    def operands(self) -> tuple[Variable, ...]:
        """The operand stack, the top last."""
        kinds, _ = self._typing
        # branches to a function's end leave what lies below its results; what a call has taken, in
        # an outer frame, is not there
        values = self._stack[max(len(self._stack) - len(kinds), 0) :]
        return tuple(
            Variable(None, kind, value if kind is None else to_python(kind, value))
            for kind, value in zip(kinds, values)
            if kind is not HIDDEN
        )

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks around the instruction, the function itself first."""
        return self._typing[1]

    def arguments(self) -> tuple[Variable, ...]:
        """The operands that the instruction takes: of calls what the function is given, of branches
        the condition."""
        count = self._taken()
        return self.operands[-count:] if count else ()

    def _taken(self) -> int:
        row, x = self.row, self.immediate
        if row.typing is not None:
            return len(row.typing.params)
        if is_call(row):
            indirect = is_indirect(row)
            kind = x[0] if indirect else self.module.functions[x]
            return len(kind.params) + indirect
        if row.form == "return":
            return len(self._func.type.results)
        if row.form == "throw":
            return len(self.module.tags[x[0] if isinstance(x, tuple) else x].params)
        return int(row.form is not None and CONTROL_FORMS[row.form].chooses)

    @cached_property
    def _typing(self) -> tuple[list[ValType | None], tuple[Block, ...]]:
        return typing_before(self.module, self.index, self._body, self.pc)

    # -- changing

    def local_number(self, local: int | str) -> int:
        """The index of a local that is given by name or index. Raises KeyError for none."""
        if isinstance(local, str):
            names = self.module.names.locals.get(self.index, {})
            for number, name in names.items():
                if name == local:
                    return number
            raise KeyError(f"no local of this function is called {local!r}")
        if not 0 <= local < len(self._locals):
            raise KeyError(f"local {local}: the function has {len(self._locals)}")
        return local

    def raw_local(self, number: int) -> Any:
        """A local as the engine has it."""
        return self._locals[number]

    def put_local(self, local: int | str, value: Any) -> None:
        """Sets a local; who holds the execution tells it (``Execution.set_local``)."""
        number = self.local_number(local)
        self._locals[number] = from_python(self._body.locals[number], value)

    def __repr__(self) -> str:
        return f"<{self.place}: {self.instruction}>"


def is_call(row: Instruction) -> bool:
    """Whether an instruction calls a function, be it in the place of its own."""
    return row.form is not None and CONTROL_FORMS[row.form].calls


def is_indirect(row: Instruction) -> bool:
    """Whether a call finds the function in a table: its immediate is the type and the table, and
    the index is an operand."""
    return is_call(row) and CONTROL_FORMS[row.form or ""].chooses


def import_name(module: Module, index: int) -> str | None:
    """``module.name`` of the import that a function comes from, if it does."""
    imported = module.imported_functions
    if index >= len(imported):
        return None
    return f"{imported[index].module}.{imported[index].name}"


def typing_before(
    module: Module, index: int, body: BlockMap, pc: int
) -> tuple[list[ValType | None], tuple[Block, ...]]:
    """Types of the operands before an instruction of a function, and the blocks around it, by
    validating up to there."""
    code = function_code(module.context, module, index)
    data = module.data[code.start : body.base + body.offsets[pc]]
    validator = BodyValidator(
        module.context, index, data, code.start, code.locals, code.type.results
    )
    try:
        validator.run()
    except DecodeError:
        # it ends too early, as was meant; the state is that before the instruction
        pass
    kinds = [kind for kind in validator.stack if kind is not validator.base_marker]
    if pc == len(body.code) - 1:
        # the function's end, to which branches lead past what validation has seen before it
        kinds = [*code.type.results]
    blocks = tuple(
        Block(item.form, body.base + body.offsets[max(item.start, 0)], item.height)
        for item in validator.controls
    )
    return kinds, blocks


class Texts:
    """The disassemblies of the modules that an execution comes through, made when needed."""

    def __init__(self) -> None:
        self._known: dict[int, Disassembly] = {}

    def of(self, module: Module) -> Disassembly:
        """The one of a module."""
        found = self._known.get(id(module))
        if found is None:
            # only who looks pays for writing text
            from ..text.disassembly import Disassembly

            found = self._known[id(module)] = Disassembly(module)
        return found
