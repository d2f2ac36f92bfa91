"""Tags and exceptions (spec, sections "Tag Instances" and "Exception Instances")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...errors import WasmException
from ..types import TagType, ValType
from .values import from_python, to_python

__all__ = ["Exn", "Tag", "caught", "thrown"]


class Tag:
    """What exceptions are told by; ``Tag("i32", "f64")`` makes one whose exceptions carry these.

    Two are the same only if they are the same object, whatever they carry: a module that is to
    catch what another one throws imports the tag, from it or from the host.
    """

    __slots__ = ("__weakref__", "name", "type")

    def __init__(self, *params: ValType | str, name: str | None = None) -> None:
        self.type = TagType(tuple(map(ValType, params)))
        #: for messages
        self.name = name

    def taken(self, payload: Sequence[Any]) -> tuple[Any, ...]:
        """Values of the host's as the engine has them. Raises TypeError, ValueError and
        OverflowError for others than its types say."""
        kinds = self.type.params
        if len(payload) != len(kinds):
            raise TypeError(f"{self} carries {len(kinds)} values, {len(payload)} were given")
        return tuple(map(from_python, kinds, payload))

    def given(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Values of the engine's as hosts have them."""
        return tuple(map(to_python, self.type.params, values))

    def __str__(self) -> str:
        return f"{self.type}" if self.name is None else f"{self.type} {self.name!r}"

    def __repr__(self) -> str:
        return f"<Tag {str(self).removeprefix('tag ')}>"


class Exn(NamedTuple):
    """What an exnref refers to. It is a value, as often as it is thrown."""

    tag: Any
    #: as the engine has them
    values: tuple[Any, ...]

    @property
    def payload(self) -> tuple[Any, ...]:
        """What it carries, as hosts have it."""
        payload: tuple[Any, ...] = self.tag.given(self.values)
        return payload


_new = WasmException.__new__


def thrown(tag: Any, values: Sequence[Any]) -> WasmException:
    """The exception to be raised when a guest throws engine values."""
    error: WasmException = _new(WasmException)
    error.tag = tag
    error.values = tuple(values)
    error.frames = ()
    error.fuel_used = None
    return error


def caught(error: WasmException) -> Exn:
    """What a guest has of an exception that it catches. The exception lets go of the frames that it
    came through: it may be the host's, which raises it again."""
    error.__traceback__ = None
    error.frames = ()
    return Exn(error.tag, error.values)
