"""YAML to dataclasses, strictly: whatever is unknown or of another type is refused where it stands.

The types of the fields are the schema: dataclasses, tuples, mappings with names, unions, literals,
``str``, ``int``, ``float``, ``bool``, and ``Any`` for a JSON value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..errors import SpecificationError, near_miss
from ..services.failures import required_module

__all__ = ["read_yaml"]

#: what may be within what; an alias within itself ends here too
_DEEPEST = 50
_KINDS = {"str": "text", "int": "an integer", "float": "a number", "bool": "true or false"}
_JSON_TAGS = ("str", "int", "float", "bool", "null")


def read_yaml(text: str, kind: type[Any], file: str) -> Any:
    """An object of a dataclass from a document. Raises SpecificationError with line and column, and
    ConfigError without PyYAML."""
    yaml = required_module("yaml", "grading", "a specification in YAML")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be read"
        line, column = (0, 0) if mark is None else (mark.line + 1, mark.column + 1)
        raise SpecificationError(f"no YAML: {problem}", file, line, column) from error
    if root is None:
        raise SpecificationError("the file is empty", file, 1, 1)
    return _Reader(yaml.constructor.SafeConstructor(), file).read(kind, root, "", 0)


class _Reader:
    def __init__(self, constructor: Any, file: str) -> None:
        self._constructor = constructor
        self._file = file

    def fault(self, node: Any, message: str) -> SpecificationError:
        """What is wrong, where a node stands."""
        mark = node.start_mark
        return SpecificationError(message, self._file, mark.line + 1, mark.column + 1)

    def read(self, kind: Any, node: Any, path: str, depth: int) -> Any:
        """The value of a node, of some type."""
        if depth > _DEEPEST:
            raise self.fault(node, f"{path} is nested over {_DEEPEST} levels")
        if kind is Any:
            return self._json(node, path, depth)
        if get_origin(kind) in (Union, UnionType):
            return self._one_of(kind, node, path, depth)
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            return self._object(kind, node, path, depth)
        if get_origin(kind) is tuple:
            self._expect(node, "sequence", path, "a list")
            item = get_args(kind)[0]
            return tuple(
                self.read(item, part, f"{path}[{position}]", depth + 1)
                for position, part in enumerate(node.value)
            )
        if get_origin(kind) is Mapping:
            item = get_args(kind)[1]
            members = self._members(node, path)
            return {
                name: self.read(item, value, f"{path}.{name}", depth + 1)
                for name, (_, value) in members.items()
            }
        if get_origin(kind) is Literal:
            return self._word(get_args(kind), node, path)
        return self._scalar(kind, node, path)

    def _one_of(self, kind: Any, node: Any, path: str, depth: int) -> Any:
        kinds = [item for item in get_args(kind) if item is not type(None)]
        if _tag(node) == "null" and len(kinds) < len(get_args(kind)):
            return None
        fitting = [item for item in kinds if _fits(item, node)]
        if fitting or len(kinds) == 1:
            return self.read((fitting or kinds)[0], node, path, depth)
        expected = " or ".join(dict.fromkeys(filter(None, map(_described, kinds))))
        raise self.fault(node, f"{path} must be {expected}, found {_found(node)}")

    def _object(self, kind: type[Any], node: Any, path: str, depth: int) -> Any:
        hints = get_type_hints(kind)
        fields = {item.name: item for item in dataclasses.fields(kind)}
        known = [name for name in fields if name not in _NOT_WRITTEN.get(kind.__name__, ())]
        given = {}
        for name, (key, value) in self._members(node, path).items():
            if name not in known:
                hint = near_miss(name, known) or f"; known are {', '.join(known)}"
                raise self.fault(key, f"unknown key {name!r}{_within(path)}{hint}")
            given[name] = self.read(hints[name], value, f"{path}.{name}".lstrip("."), depth + 1)
        for name in known:
            item = fields[name]
            nothing = dataclasses.MISSING
            if name not in given and item.default is nothing and item.default_factory is nothing:
                raise self.fault(node, f"{name!r} is missing{_within(path)}")
        try:
            return kind(**given)
        except SpecificationError as error:
            if error.line:
                raise
            raise self.fault(node, f"{error.message}{_within(path)}") from None

    def _members(self, node: Any, path: str) -> dict[str, tuple[Any, Any]]:
        self._expect(node, "mapping", path, "names with values")
        found: dict[str, tuple[Any, Any]] = {}
        for key, value in node.value:
            if key.id != "scalar":
                raise self.fault(key, f"a name is text{_within(path)}")
            if key.value in found:
                raise self.fault(key, f"{key.value!r} stands twice{_within(path)}")
            found[key.value] = key, value
        return found

    def _word(self, words: tuple[str, ...], node: Any, path: str) -> str:
        if node.id != "scalar" or node.value not in words:
            found = node.value if node.id == "scalar" else _found(node)
            hint = near_miss(str(found), words) or f"; known are {', '.join(words)}"
            raise self.fault(node, f"{path} cannot be {found!r:.80}{hint}")
        return str(node.value)

    def _scalar(self, kind: type[Any], node: Any, path: str) -> Any:
        if not _fits(kind, node):
            hint = "; put it in quotes" if kind is str and node.id == "scalar" else ""
            expected = _KINDS[kind.__name__]
            raise self.fault(node, f"{path} must be {expected}, found {_found(node)}{hint}")
        value = self._constructed(node, path)
        return float(value) if kind is float else value

    def _constructed(self, node: Any, path: str) -> Any:
        try:
            return self._constructor.construct_object(node, deep=True)
        except (ValueError, OverflowError) as error:
            raise self.fault(node, f"{path} cannot be read: {error}") from error

    def _json(self, node: Any, path: str, depth: int) -> Any:
        if node.id == "mapping":
            return {
                name: self.read(Any, value, f"{path}.{name}", depth + 1)
                for name, (_, value) in self._members(node, path).items()
            }
        if node.id == "sequence":
            return [self.read(Any, item, path, depth + 1) for item in node.value]
        if _tag(node) not in _JSON_TAGS:
            raise self.fault(node, f"{path} is no JSON value: {_found(node)}; put it in quotes")
        return self._constructed(node, path)

    def _expect(self, node: Any, kind: str, path: str, words: str) -> None:
        if node.id != kind:
            raise self.fault(node, f"{path or 'the file'} must be {words}, found {_found(node)}")


#: fields that no file says
_NOT_WRITTEN = {"WasmChecker": ("data",)}


def _within(path: str) -> str:
    return f" in {path}" if path else ""


def _tag(node: Any) -> str:
    return str(node.tag).rpartition(":")[2]


def _found(node: Any) -> str:
    if node.id != "scalar":
        return "a list" if node.id == "sequence" else "names with values"
    return "nothing" if _tag(node) == "null" else f"{_described_tag(_tag(node))} {node.value!r:.60}"


def _described_tag(tag: str) -> str:
    return {"str": "the text", "int": "the integer", "float": "the number", "bool": "the"}.get(
        tag, f"the {tag}"
    )


def _fits(kind: Any, node: Any) -> bool:
    """Whether a node is of a type, as far as its outside tells."""
    if node.id == "mapping":
        return dataclasses.is_dataclass(kind) or get_origin(kind) is Mapping
    if node.id == "sequence":
        return get_origin(kind) is tuple
    tags = {str: ("str",), int: ("int",), float: ("float", "int"), bool: ("bool",)}
    return _tag(node) in tags.get(kind, ())


def _described(kind: Any) -> str:
    if dataclasses.is_dataclass(kind):
        return "names with values"
    if get_origin(kind) is tuple:
        return "a list"
    if isinstance(kind, Callable) and not isinstance(kind, type):  # type: ignore[arg-type]
        return ""
    return _KINDS.get(getattr(kind, "__name__", ""), "")
