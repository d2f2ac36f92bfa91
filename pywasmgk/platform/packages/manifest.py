"""``plugin.yaml``: what a package says of itself (contract section 5.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import PackageError
from ...printable import printable

__all__ = ["FILE_NAME", "MOST_BYTES", "PackageManifest", "parse_package_manifest"]

FILE_NAME = "plugin.yaml"
#: bytes that it may have
MOST_BYTES = 64 * 1024
#: what may be within what
_DEEPEST = 32
#: what a folder is called after
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")


@dataclass(frozen=True)
class PackageManifest:
    """The fields of ``plugin.yaml``; what is missing is empty."""

    name: str
    version: str = ""
    #: in lower case: ``wasm``, ``grpc``, ``template`` or ``theme``
    runtime: str = "template"
    type: str = "plugin"
    binary: str = ""
    wasm: str = ""
    description: str = ""
    author: str = ""
    license: str = ""
    homepage: str = ""
    icon: str = ""
    dependencies: tuple[str, ...] = ()
    #: what it asks for, as in a manifest's resources
    resources: Mapping[str, Any] = field(default_factory=dict)


def parse_package_manifest(data: bytes, *, nameless: str = "manifest") -> PackageManifest:
    """Reads ``plugin.yaml``. All scalars are text, as written. Raises PackageError, in which
    ``nameless`` is what a name is missing from."""
    form = _mapping(_text(data))
    texts = {
        name: _string(form, name)
        for name in ("name", "version", "binary", "wasm", "description", "author", "license")
    }
    if not texts["name"]:
        raise PackageError(f"{nameless} missing required 'name' field")
    if not _NAME.fullmatch(texts["name"]):
        raise _invalid(f"name {printable(texts['name'])!r} must match {_NAME.pattern}")
    if texts["version"] and not _VERSION.fullmatch(texts["version"]):
        raise _invalid(f"version {printable(texts['version'])!r} must match {_VERSION.pattern}")
    return PackageManifest(
        **texts,
        homepage=_string(form, "homepage"),
        icon=_string(form, "icon"),
        runtime=_string(form, "runtime").lower() or "template",
        type=_string(form, "type") or "plugin",
        dependencies=_names(form),
        resources=_resources(form),
    )


def _invalid(why: str) -> PackageError:
    return PackageError(f"invalid {FILE_NAME}: {why}")


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise _invalid(f"{len(data)} bytes, and {MOST_BYTES} are allowed")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _invalid(f"byte {error.start} is no UTF-8") from error


def _mapping(text: str) -> dict[str, Any]:
    """The document, its scalars as text. Aliases are refused, with which few bytes stand for
    billions, and depth is bounded before a reader recurses."""
    try:
        import yaml
    except ImportError:
        raise PackageError(
            "plugin.yaml needs the package PyYAML: pip install 'pywasmgk[packages]'"
        ) from None
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            if isinstance(event, yaml.AliasEvent):
                raise _invalid(f"line {event.start_mark.line + 1}: aliases are not allowed")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise _invalid(f"line {event.start_mark.line + 1}: over {_DEEPEST} levels")
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise _invalid(" ".join(str(error).split())) from error
    if not isinstance(root, yaml.MappingNode):
        raise _invalid("expected names with values")
    form: dict[str, Any] = _value(root)
    return form


def _value(node: Any) -> Any:
    if node.id == "scalar":
        return node.value
    if node.id == "sequence":
        return [_value(item) for item in node.value]
    form: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.id != "scalar":
            raise _invalid(f"line {line}: a name is text")
        if key.value in form:
            raise _invalid(f"line {line}: {printable(key.value)!r} stands twice")
        form[key.value] = _value(value)
    return form


def _string(form: Mapping[str, Any], name: str) -> str:
    value = form.get(name, "")
    if not isinstance(value, str):
        raise _invalid(f"{name} is text")
    return value


def _names(form: Mapping[str, Any]) -> tuple[str, ...]:
    names = form.get("dependencies") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _invalid("dependencies is a list of names")
    for name in names:
        if not _NAME.fullmatch(name):
            raise _invalid(f"dependency {printable(name)!r} must match {_NAME.pattern}")
    return tuple(dict.fromkeys(names))


def _resources(form: Mapping[str, Any]) -> Mapping[str, Any]:
    value = form.get("resources") or {}
    if not isinstance(value, dict):
        raise _invalid("resources has names with values")
    return value
