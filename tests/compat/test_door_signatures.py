"""The wasmtime-shaped door has the names, arguments and defaults of the installed wasmtime-py."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from pywasmgk.compat import wasmtime as door

real: Any = pytest.importorskip("wasmtime", reason="wasmtime-py is not installed")

#: what the door takes besides, of earlier versions
EXTRAS = {"WasiConfig.preopen_dir": {"file_perms", "dir_perms"}}
#: methods that are spelled with underscores and called by programs all the same
SPECIAL = {"__call__", "__getitem__", "__len__", "__iter__", "__contains__", "__eq__", "__str__"}
SPECIAL |= {"__enter__", "__exit__", "__init__"}


def members(thing: type) -> dict[str, Any]:
    """What a class has for programs, what it inherits from others of the package included."""
    found: dict[str, Any] = {}
    for base in reversed(thing.__mro__):
        if base.__module__.split(".")[0] in ("wasmtime", "pywasmgk"):
            found.update(vars(base))
    return {name: item for name, item in found.items() if name[0] != "_" or name in SPECIAL}


def shape(item: Any) -> object:
    """What can be compared of an attribute."""
    if isinstance(item, property):
        return ("property", item.fget is not None, item.fset is not None)
    if isinstance(item, (classmethod, staticmethod)):
        return type(item).__name__, parameters(item.__func__)
    return parameters(item) if callable(item) else type(item).__name__


def parameters(function: Any) -> list[tuple[str, str, object]]:
    """Names, kinds and defaults."""
    signature = inspect.signature(function)
    return [(item.name, item.kind.name, item.default) for item in signature.parameters.values()]


def without(extras: set[str], found: object) -> object:
    return [item for item in found if item[0] not in extras] if isinstance(found, list) else found


def differences(ours: ModuleType, theirs: ModuleType) -> Iterator[str]:
    for name in theirs.__all__:
        if not hasattr(ours, name):
            yield f"{name} is missing"
            continue
        mine, other = getattr(ours, name), getattr(theirs, name)
        if not inspect.isclass(other):
            if parameters(mine) != parameters(other):
                yield f"{name}: {parameters(mine)}"
            continue
        if issubclass(other, enum.Enum):
            if [(item.name, item.value) for item in mine] != [(i.name, i.value) for i in other]:
                yield f"{name}: other members"
            continue
        known = members(mine)
        for member, item in members(other).items():
            where = f"{name}.{member}"
            if member not in known:
                yield f"{where} is missing"
            elif (found := without(EXTRAS.get(where, set()), shape(known[member]))) != shape(item):
                yield f"{where}: {found}, not {shape(item)}"


def test_every_public_name_has_the_shape_of_wasmtimes() -> None:
    assert list(differences(door, real)) == []
    assert len(members(real.Config)) > 40


def test_the_same_names_are_public() -> None:
    assert set(door.__all__) == set(real.__all__)


def test_exceptions_are_related_alike() -> None:
    for name in ("Trap", "ExitTrap", "WasmtimeError"):
        for other in ("Trap", "ExitTrap", "WasmtimeError", "Managed"):
            assert issubclass(getattr(door, name), getattr(door, other)) == issubclass(
                getattr(real, name), getattr(real, other)
            ), (name, other)


@pytest.mark.parametrize("name", real.__all__)
def test_classes_inherit_compare_and_hash_alike(name: str) -> None:
    ours, theirs = getattr(door, name), getattr(real, name)
    if not inspect.isclass(theirs):
        return
    public = {"Managed", *real.__all__}
    lines = [[base.__name__ for base in kind.__mro__] for kind in (ours, theirs)]
    assert [base for base in lines[0] if base in public] == [
        base for base in lines[1] if base in public
    ]
    for special in ("__eq__", "__hash__"):
        unchanged = [getattr(kind, special) is getattr(object, special) for kind in (ours, theirs)]
        assert unchanged[0] == unchanged[1], special
    assert (ours.__hash__ is None) == (theirs.__hash__ is None)


def test_a_difference_would_be_seen() -> None:
    class Store:
        def set_fuel(self, fuel: int, more: int = 0) -> None: ...

    ours = ModuleType("ours")
    Store.__module__ = "pywasmgk.ours"
    ours.Store = Store  # type: ignore[attr-defined]
    theirs = ModuleType("theirs")
    theirs.Store, theirs.Val, theirs.__all__ = real.Store, real.Val, ["Store", "Val"]  # type: ignore[attr-defined]
    found = list(differences(ours, theirs))
    assert "Val is missing" in found
    assert "Store.get_fuel is missing" in found
    assert any(line.startswith("Store.set_fuel: [") for line in found)
