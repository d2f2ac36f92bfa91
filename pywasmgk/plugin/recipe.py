"""Plugins as data: what it takes to load one in another process, or on another machine."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import import_module
from struct import Struct
from typing import Any

from ..errors import JSONError, PluginError, RecipeError, SuspensionError
from ..printable import printable
from ..wasm.features import Features
from ..wasm.module import Module
from ..wasm.runtime.metering import CancelToken
from ..wasm.stepping.packing import seal, unseal
from .gojson import decode, encode
from .host import HostAPI
from .limits import Limits
from .plugin import Plugin, PluginOptions
from .receipts import ReceiptPolicy

__all__ = ["PluginRecipe"]

_RECIPE = b"\6"
#: bytes of the description, of the module
_SIZES = Struct("<IQ")
#: bytes, values and nesting of a description that is read
_MOST_BYTES, _MOST_VALUES, _MOST_DEPTH = 1 << 20, 50_000, 50
#: options that are plain values, with the types that they have
_PLAIN: dict[str, tuple[type, ...]] = {
    "restart": (bool,),
    "restart_on_trap": (bool,),
    "strict": (bool,),
    "engine": (str,),
}
_SINKS = ("stdout", "stderr")


@dataclass(frozen=True)
class PluginRecipe:
    """A plugin before it is loaded: its module, options, and how its host is made.

    ::

        recipe = PluginRecipe.of(data, host="shop.hosts:make", arguments={"db": "a"})
        data = recipe.to_bytes()
        plugin = PluginRecipe.from_bytes(data, hosts=["shop.hosts:make"]).load()

    ``host`` names what makes the host, ``"package.module:callable"``; it is called with
    ``arguments``, which are JSON. Without one the plugin has none until ``init`` gives it one.
    """

    #: the module in the binary format
    data: bytes
    options: PluginOptions = PluginOptions()
    host: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    #: by what name the host knows the plugin; that of its manifest by default
    name: str | None = None

    @classmethod
    def of(
        cls,
        data: bytes | str | Module,
        *,
        host: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        name: str | None = None,
        **options: Any,
    ) -> PluginRecipe:
        """A recipe from the bytes of a module, its text in WAT, or a Module. Options are those of
        :func:`pywasmgk.load`. Raises DecodeError for what is no text of a module, and RecipeError
        for a ``host`` of another form."""
        if not isinstance(data, bytes):
            data = (data if isinstance(data, Module) else Module(data, validate="lazy")).data
        if host is not None:
            _parts(host)
        return cls(data, PluginOptions.of(options), host, dict(arguments or {}), name)

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of its module, as ``Plugin.fingerprint``."""
        return sha256(self.data).digest()

    # -- bytes

    def to_bytes(self, key: bytes | None = None) -> bytes:
        """The recipe as bytes (docs/executions.md, "The format"), with a ``key`` authenticated by
        HMAC-SHA256.

        What belongs to one machine or process stays there: ``cache_dir``. Raises RecipeError for
        what cannot be written: files and functions as ``stdout``, ``stderr`` or ``progress``, a
        ``snapshot_key``, and arguments that are no JSON.
        """
        head = encode(self._description())
        if len(head) > _MOST_BYTES:
            raise RecipeError(f"a description of {len(head):,} bytes; {_MOST_BYTES:,} are allowed")
        sizes = _SIZES.pack(len(head), len(self.data))
        return seal(_RECIPE, sizes + head + self.data + (self.options.snapshot or b""), key)

    def _description(self) -> dict[str, Any]:
        options = self.options
        if options.progress is not None or options.snapshot_key is not None:
            what = "progress" if options.snapshot_key is None else "snapshot_key"
            raise RecipeError(f"a recipe with {what}= cannot be written: give it to load()")
        for name in _SINKS:
            if getattr(options, name) not in (None, "log"):
                raise RecipeError(f'{name} of a recipe can be "log" or None, to be written')
        try:
            encode(dict(self.arguments))
        except (TypeError, ValueError) as error:
            raise RecipeError(f"arguments of the host that are no JSON: {error}") from None
        limits = dict(vars(options.limits))
        if limits["timeout"] is not None and math.isinf(limits["timeout"]):
            limits["timeout"] = None
        return {
            **{name: getattr(options, name) for name in (*_PLAIN, *_SINKS)},
            "limits": limits,
            "refused": sorted(options.features.refused),
            "receipts": _written_policy(options.receipts),
            "snapshot": options.snapshot is not None,
            "host": self.host,
            "arguments": dict(self.arguments),
            "name": self.name,
        }

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        key: bytes | None = None,
        *,
        hosts: Collection[str] = (),
        limits: Limits | None = None,
    ) -> PluginRecipe:
        """A recipe from what :meth:`to_bytes` gave. Nothing is imported, decoded or run.

        ``hosts`` are the host factories that it may name: only these are ever imported. ``limits``
        are the most that it may ask for; what is above them is lowered. Raises RecipeError for a
        host that is not among them, and for bytes that are no recipe, were changed, or made with
        another key.
        """
        try:
            content = unseal(_RECIPE, data, key)
        except SuspensionError as error:
            raise RecipeError(f"read a recipe: {error}") from None
        form, module, snapshot = _cut(content)
        try:
            found = _read(cls, form, module, snapshot)
        except (KeyError, TypeError, ValueError) as error:
            raise RecipeError(f"read a recipe: {printable(str(error))}") from None
        if found.host is not None and found.host not in hosts:
            raise RecipeError(
                f"the recipe wants host {printable(found.host)!r}, which is not among the allowed "
                f"ones ({', '.join(map(printable, sorted(hosts))) or 'there are none'})"
            )
        if limits is None:
            return found
        bounded = _within(found.options.limits, limits)
        return dataclasses.replace(
            found, options=dataclasses.replace(found.options, limits=bounded)
        )

    # -- loading

    def load(
        self, *, module: Module | None = None, cancel: CancelToken | None = None, **options: Any
    ) -> Plugin:
        """The plugin, with its host. ``module`` is its module where that is decoded already;
        ``options`` take the place of single ones of the recipe's, such as ``cache_dir=`` and
        ``stdout=``.

        Raises what :func:`pywasmgk.load` raises, RecipeError for a host factory that is not there,
        PluginError for a ``module`` that is another one; what the factory itself raises passes.
        """
        if module is not None and module.data != self.data:
            raise PluginError("this is another module than the recipe's")
        chosen = dataclasses.replace(self.options, **options)
        plugin = Plugin(self.data if module is None else module, chosen, cancel=cancel)
        try:
            host = self.make_host()
            if host is not None:
                plugin.init(host, name=self.name)
        except BaseException:
            plugin.shutdown()
            raise
        return plugin

    def make_host(self) -> HostAPI | None:
        """A host by its factory, if the recipe has one. Raises RecipeError for one that is not
        there."""
        if self.host is None:
            return None
        host: HostAPI = _factory(self.host)(**self.arguments)
        return host


def _parts(host: str) -> tuple[str, str]:
    """Module and callable of a factory's name. Raises RecipeError."""
    module, colon, name = host.partition(":")
    if not colon or not all(part.isidentifier() for part in f"{module}.{name}".split(".")):
        raise RecipeError(
            f"a host factory is named 'package.module:callable', found {printable(host)!r:.200}"
        )
    return module, name


def _factory(host: str) -> Callable[..., Any]:
    """What a factory's name means. Raises RecipeError."""
    module, name = _parts(host)
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise RecipeError(f"host factory {host!r} is not there: {error}") from error
    if not callable(found):
        raise RecipeError(f"host factory {host!r} cannot be called")
    factory: Callable[..., Any] = found
    return factory


# -- reading


def _cut(content: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    """Description, module and snapshot. Raises RecipeError."""
    if len(content) < _SIZES.size:
        raise RecipeError("read a recipe: it is cut off")
    head, module = _SIZES.unpack_from(content)
    if head > _MOST_BYTES or _SIZES.size + head + module > len(content):
        raise RecipeError(f"read a recipe: parts of {head:,} and {module:,} bytes do not fit")
    start = _SIZES.size + head
    try:
        form = decode(
            content[_SIZES.size : start],
            strict=True,
            max_depth=_MOST_DEPTH,
            max_values=_MOST_VALUES,
        )
    except JSONError as error:
        raise RecipeError(f"read a recipe: {error}") from None
    if not isinstance(form, dict):
        raise RecipeError("read a recipe: its description is no object")
    return form, content[start : start + module], content[start + module :]


def _read(
    cls: type[PluginRecipe], form: dict[str, Any], module: bytes, snapshot: bytes
) -> PluginRecipe:
    """A recipe of its parts. Raises KeyError, TypeError and ValueError."""
    form = dict(form)
    options: dict[str, Any] = {name: _typed(form, name, *kinds) for name, kinds in _PLAIN.items()}
    for name in _SINKS:
        options[name] = form.pop(name)
        if options[name] not in (None, "log"):
            raise ValueError(f'{name} is neither "log" nor null')
    options["limits"] = Limits(**_typed(form, "limits", dict))
    refused = _typed(form, "refused", list)
    options["features"] = Features(**dict.fromkeys(refused, False))
    options["receipts"] = _read_policy(form.pop("receipts"))
    has_snapshot = _typed(form, "snapshot", bool)
    if has_snapshot != bool(snapshot):
        raise ValueError("bytes of a snapshot are missing, or too many")
    options["snapshot"] = snapshot if has_snapshot else None
    host = _typed(form, "host", str, type(None))
    if host is not None:
        _parts(host)
    arguments = _typed(form, "arguments", dict)
    name = _typed(form, "name", str, type(None))
    if form:
        raise ValueError(f"unknown members {sorted(form)}")
    return cls(module, PluginOptions(**options), host, arguments, name)


def _typed(form: dict[str, Any], name: str, *kinds: type) -> Any:
    """A member of one of some types, taken out."""
    value = form.pop(name)
    if type(value) not in kinds and not (isinstance(value, dict) and dict in kinds):
        raise TypeError(f"{name} is {type(value).__name__}")
    return value


def _written_policy(receipts: bool | ReceiptPolicy) -> Any:
    if isinstance(receipts, bool):
        return receipts
    seed = None if receipts.seed is None else receipts.seed.hex()
    return {"seed": seed, "start": receipts.start, "step": receipts.step}


def _read_policy(form: Any) -> bool | ReceiptPolicy:
    if isinstance(form, bool):
        return form
    form = dict(form)
    seed = _typed(form, "seed", str, type(None))
    start, step = _typed(form, "start", int, type(None)), _typed(form, "step", int)
    return ReceiptPolicy(None if seed is None else bytes.fromhex(seed), start, step)


def _within(asked: Limits, most: Limits) -> Limits:
    """The lower one of each two limits; ``None`` is no limit, of ``timeout`` nothing above 0."""

    def lower(name: str) -> Any:
        found = [getattr(limits, name) for limits in (asked, most)]
        known = [limit for limit in found if limit is not None and (limit > 0 or name != "timeout")]
        return min(known, default=None)

    return Limits(**{item.name: lower(item.name) for item in dataclasses.fields(Limits)})
