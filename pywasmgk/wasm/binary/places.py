"""Where what a module declares begins in its file. Errors alone want that, and read it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import ValidationError
from ..types import FuncType
from .reader import DATA_COUNT, ModuleReader

if TYPE_CHECKING:
    from ..module import Module

__all__ = ["invalid", "place_of"]


class _Counted(list[Any]):
    """Declarations that are only counted; what a module is, is known."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def append(self, item: Any) -> None:
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        return FuncType()


class _PlaceReader(ModuleReader):
    """Notes where an item of a section begins; sections have ppci's names."""

    def __init__(self, module: Module, section: str, number: int) -> None:
        super().__init__(module.data, module.isa)
        self.imports, self.exports = _Counted(), _Counted()
        self._section = section
        self._before = number
        self.place = 0

    def read_module(self, module: Module) -> None:
        """Reads all sections, and keeps nothing."""
        for kind in ("types", "functions", "tables", "memories", "globals", "tags"):
            setattr(module, kind, _Counted())
        for kind in ("bodies", "global_inits", "elements", "datas"):
            setattr(module, kind, _Counted())
        super().read_module(module)

    def _note(self, section: str) -> None:
        if section == self._section:
            if not self._before:
                self.place = self.pos
            self._before -= 1

    def read_definition(self, cls: Any) -> Any:
        """Any definition but those that follow."""
        self._note(cls.__name__.lower())
        return super().read_definition(cls)

    def read_section(self, section_id: int) -> None:
        """The data count is no definition."""
        if section_id == DATA_COUNT:
            self._note("datacount")
        super().read_section(section_id)

    def read_start_definition(self) -> Any:
        """The start function."""
        self._note("start")
        return super().read_start_definition()

    def read_datas(self) -> None:
        """All data segments, one by one."""
        for _ in range(self.read_uint()):
            self._note("data")
            self.read_data_definition()


def place_of(module: Module, kind: str, index: int) -> int:
    """The offset of a definition: the one of an index in its space, which begins with imports; of
    imports, exports, types and the start function the one of that number."""
    imported = module.import_counts.get(kind, 0)
    section, number = kind, index - imported
    if index < imported:
        numbers = [number for number, item in enumerate(module.imports) if item.kind == kind]
        section, number = "import", numbers[index]
    reader = _PlaceReader(module, section, number)
    reader.read_module(module.undeclared())
    return reader.place


def invalid(module: Module, kind: str, index: int, message: str) -> ValidationError:
    """The error for a definition that breaks a rule."""
    return ValidationError(message, place_of(module, kind, index))
