"""The manifest that ``gk_register`` gives (contract part 3)."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

from ..errors import ManifestError
from ..shown import Shown
from .gojson import MAX_DEPTH, JSONError, decode, encode
from .schema import (
    ANY,
    BOOL,
    INT,
    STRING,
    decode_struct,
    encode_struct,
    listed,
    mapped,
    member,
    nested,
    oddities,
)

__all__ = [
    "UI",
    "Cascade",
    "CustomField",
    "ErrorCode",
    "GKRegistration",
    "Group",
    "I18n",
    "Job",
    "MCPTool",
    "MenuItem",
    "Permission",
    "Resources",
    "Route",
    "SetupTask",
    "Template",
    "Widget",
    "is_usual_name",
    "manifest_warnings",
    "parse_manifest",
    "wants_newer_host",
]

STRINGS = listed(STRING)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_VERSION = re.compile(r"v?([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.([0-9]{1,9}))?")
#: the version of the contract that the host offers to plugins
HOST_VERSION = (0, 8, 0)


@dataclass(frozen=True)
class Route:
    """An HTTP route that a handler serves."""

    method: str = member("method", STRING)
    path: str = member("path", STRING)
    handler: str = member("handler", STRING)
    middleware: tuple[str, ...] = member("middleware", STRINGS, True)
    description: str = member("description", STRING, True)


@dataclass(frozen=True)
class MenuItem:
    """An entry of a menu, with entries below it."""

    id: str = member("id", STRING)
    label: str = member("label", STRING)
    icon: str = member("icon", STRING, True)
    path: str = member("path", STRING)
    location: str = member("location", STRING)
    parent: str = member("parent", STRING, True)
    order: int = member("order", INT, True)
    children: tuple[MenuItem, ...] = member("children", listed(nested(lambda: MenuItem)), True)


@dataclass(frozen=True)
class Widget:
    """A part of a dashboard."""

    id: str = member("id", STRING)
    title: str = member("title", STRING)
    description: str = member("description", STRING, True)
    handler: str = member("handler", STRING)
    location: str = member("location", STRING)
    size: str = member("size", STRING, True)
    order: int = member("order", INT, True)
    refreshable: bool = member("refreshable", BOOL, True)
    refresh_sec: int = member("refresh_sec", INT, True)


@dataclass(frozen=True)
class Job:
    """A handler that is called by a cron schedule."""

    id: str = member("id", STRING)
    handler: str = member("handler", STRING)
    schedule: str = member("schedule", STRING)
    description: str = member("description", STRING, True)
    enabled: bool = member("enabled", BOOL)
    timeout: str = member("timeout", STRING, True)


@dataclass(frozen=True)
class Template:
    """A template that the plugin brings or overrides."""

    name: str = member("name", STRING)
    path: str = member("path", STRING)
    override: bool = member("override", BOOL, True)


@dataclass(frozen=True)
class I18n:
    """Translations by language."""

    namespace: str = member("namespace", STRING, True)
    languages: tuple[str, ...] = member("languages", STRINGS, True)
    translations: dict[str, dict[str, str]] = member("translations", mapped(mapped(STRING)), True)


@dataclass(frozen=True)
class ErrorCode:
    """An error of the plugin's, and its HTTP status."""

    code: str = member("code", STRING)
    message: str = member("message", STRING)
    http_status: int = member("http_status", INT)


@dataclass(frozen=True)
class Group:
    """A user group that the plugin wants."""

    name: str = member("name", STRING)
    description: str = member("description", STRING)


@dataclass(frozen=True)
class CustomField:
    """A field that the plugin adds to an entity; ``config`` is any JSON."""

    name: str = member("name", STRING)
    label: str = member("label", STRING)
    entity_type: str = member("entity_type", STRING)
    field_type: str = member("field_type", STRING)
    section: str = member("section", STRING, True)
    order: int = member("order", INT, True)
    required: bool = member("required", BOOL, True)
    description: str = member("description", STRING, True)
    placeholder: str = member("placeholder", STRING, True)
    config: Any = member("config", ANY, True)


@dataclass(frozen=True)
class UIRoute:
    """A page of a UI."""

    path: str = member("path", STRING)
    method: str = member("method", STRING, True)
    handler: str = member("handler", STRING)


@dataclass(frozen=True)
class UINavItem:
    """An entry of a UI's navigation."""

    label: str = member("label", STRING)
    icon: str = member("icon", STRING)
    path: str = member("path", STRING)
    badge: str = member("badge", STRING, True)
    order: int = member("order", INT, True)


@dataclass(frozen=True)
class UINav:
    """A UI's navigation."""

    position: str = member("position", STRING)
    items: tuple[UINavItem, ...] = member("items", listed(nested(lambda: UINavItem)))


@dataclass(frozen=True)
class UIBranding:
    """How a UI looks."""

    app_name: str = member("app_name", STRING, True)
    logo: str = member("logo", STRING, True)
    favicon: str = member("favicon", STRING, True)
    color: str = member("color", STRING, True)


@dataclass(frozen=True)
class UIAuth:
    """Who may use a UI."""

    method: str = member("method", STRING, True)
    groups: tuple[str, ...] = member("groups", STRINGS, True)


@dataclass(frozen=True)
class UIPWA:
    """A UI as an installable app."""

    enabled: bool = member("enabled", BOOL)
    start_url: str = member("start_url", STRING, True)
    display: str = member("display", STRING, True)
    theme_color: str = member("theme_color", STRING, True)
    cache_routes: tuple[str, ...] = member("cache_routes", STRINGS, True)


@dataclass(frozen=True)
class UITicketView:
    """How a UI shows one ticket."""

    path: str = member("path", STRING)
    param: str = member("param", STRING)
    label: str = member("label", STRING, True)


@dataclass(frozen=True)
class UI:
    """An application of pages."""

    id: str = member("id", STRING)
    name: str = member("name", STRING)
    description: str = member("description", STRING, True)
    type: str = member("type", STRING)
    icon: str = member("icon", STRING, True)
    shell: str = member("shell", STRING, True)
    routes: tuple[UIRoute, ...] = member("routes", listed(nested(lambda: UIRoute)))
    nav: UINav | None = member("nav", nested(lambda: UINav, pointer=True), True)
    branding: UIBranding | None = member("branding", nested(lambda: UIBranding, pointer=True), True)
    auth: UIAuth | None = member("auth", nested(lambda: UIAuth, pointer=True), True)
    pwa: UIPWA | None = member("pwa", nested(lambda: UIPWA, pointer=True), True)
    data_scope: str = member("data_scope", STRING, True)
    rate_limit: int = member("rate_limit", INT, True)
    ticket_view: UITicketView | None = member(
        "ticket_view", nested(lambda: UITicketView, pointer=True), True
    )


@dataclass(frozen=True)
class Cascade:
    """What to call when an entity is deleted."""

    entity_type: str = member("entity_type", STRING)
    on_soft_delete: str = member("on_soft_delete", STRING, True)
    on_hard_delete: str = member("on_hard_delete", STRING, True)


@dataclass(frozen=True)
class MCPTool:
    """A tool for agents."""

    name: str = member("name", STRING)
    description: str = member("description", STRING)
    handler: str = member("handler", STRING)
    input_schema: dict[str, Any] = member("input_schema", mapped(ANY), True)


@dataclass(frozen=True)
class SetupTask:
    """A step of setting the plugin up."""

    id: str = member("id", STRING)
    title: str = member("title", STRING)
    description: str = member("description", STRING, True)
    icon: str = member("icon", STRING, True)
    handler: str = member("handler", STRING)
    category: str = member("category", STRING)


@dataclass(frozen=True)
class Permission:
    """What the plugin asks for."""

    type: str = member("type", STRING)
    access: str = member("access", STRING, True)
    scope: tuple[str, ...] = member("scope", STRINGS, True)


@dataclass(frozen=True)
class Resources:
    """Limits and permissions that the plugin asks for; the host decides."""

    memory_mb: int = member("memory_mb", INT, True)
    call_timeout: str = member("call_timeout", STRING, True)
    init_timeout: str = member("init_timeout", STRING, True)
    shutdown_timeout: str = member("shutdown_timeout", STRING, True)
    permissions: tuple[Permission, ...] = member(
        "permissions", listed(nested(lambda: Permission)), True
    )
    max_file_storage_bytes: int = member("max_file_storage_bytes", INT, True)


@dataclass(frozen=True)
class GKRegistration(Shown):
    """What a plugin says of itself. ``raw`` is the JSON object as it came, unknown keys too."""

    name: str = member("name", STRING)
    version: str = member("version", STRING)
    description: str = member("description", STRING)
    author: str = member("author", STRING)
    license: str = member("license", STRING)
    homepage: str = member("homepage", STRING)
    icon: str = member("icon", STRING, True)
    routes: tuple[Route, ...] = member("routes", listed(nested(lambda: Route)), True)
    menu_items: tuple[MenuItem, ...] = member("menu_items", listed(nested(lambda: MenuItem)), True)
    widgets: tuple[Widget, ...] = member("widgets", listed(nested(lambda: Widget)), True)
    jobs: tuple[Job, ...] = member("jobs", listed(nested(lambda: Job)), True)
    templates: tuple[Template, ...] = member("templates", listed(nested(lambda: Template)), True)
    i18n: I18n | None = member("i18n", nested(lambda: I18n, pointer=True), True)
    error_codes: tuple[ErrorCode, ...] = member(
        "error_codes", listed(nested(lambda: ErrorCode)), True
    )
    hide_menu_items: tuple[str, ...] = member("hide_menu_items", STRINGS, True)
    landing_page: str = member("landing_page", STRING, True)
    groups: tuple[Group, ...] = member("groups", listed(nested(lambda: Group)), True)
    custom_fields: tuple[CustomField, ...] = member(
        "custom_fields", listed(nested(lambda: CustomField)), True
    )
    uis: tuple[UI, ...] = member("uis", listed(nested(lambda: UI)), True)
    cascades: tuple[Cascade, ...] = member("cascades", listed(nested(lambda: Cascade)), True)
    skip_org_injection: bool = member("skip_org_injection", BOOL, True)
    mcp_tools: tuple[MCPTool, ...] = member("mcp_tools", listed(nested(lambda: MCPTool)), True)
    event_authorizer: str = member("event_authorizer", STRING, True)
    setup_tasks: tuple[SetupTask, ...] = member(
        "setup_tasks", listed(nested(lambda: SetupTask)), True
    )
    min_host_version: str = member("min_host_version", STRING, True)
    permissions: tuple[str, ...] = member("permissions", STRINGS, True)
    resources: Resources | None = member("resources", nested(lambda: Resources, pointer=True), True)
    raw: dict[str, Any] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    @property
    def unknown_keys(self) -> list[str]:
        """Keys at any depth that a manifest does not have: usually misspelt or misplaced ones."""
        return oddities(GKRegistration, self.raw).unknown

    def to_json(self) -> bytes:
        """The manifest written again, empty fields left out as Go leaves them out."""
        return encode(encode_struct(self))


def parse_manifest(
    data: bytes,
    *,
    strict: bool = False,
    max_bytes: int | None = None,
    max_depth: int = MAX_DEPTH,
) -> GKRegistration:
    """A manifest from its JSON, bounded as :func:`decode` says. Raises ManifestError.

    ``strict`` also refuses names that no key or path should be made of, a missing version, keys
    that are right but for their case, and a manifest that wants a newer host.
    """
    try:
        value = decode(
            data,
            keep_duplicates=True,
            max_bytes=max_bytes,
            max_depth=max_depth,
        )
        manifest = decode_struct(GKRegistration, value)
    except JSONError as error:
        raise ManifestError(f"parse manifest: {error}") from error
    if not value and not strict:
        example = '{"name":"my-plugin","version":"1.0.0"}'
        raise ManifestError(f"parse manifest: it is empty; the least is {example}")
    manifest = dataclasses.replace(manifest, raw=value or {})
    if strict:
        _require_strict(manifest)
    return manifest


def _require_strict(manifest: GKRegistration) -> None:
    if not is_usual_name(manifest.name):
        raise ManifestError(
            f"parse manifest: name {manifest.name!r:.80} must match {_NAME.pattern}"
        )
    if not manifest.version:
        raise ManifestError("parse manifest: version is missing")
    miscased = oddities(GKRegistration, manifest.raw).miscased
    if miscased:
        raise ManifestError(f"parse manifest: keys in another case: {_some(miscased)}")
    newer = wants_newer_host(manifest)
    if newer is not None:
        raise ManifestError(f"parse manifest: {newer}")


def manifest_warnings(manifest: GKRegistration) -> list[str]:
    """What is accepted in a manifest, but does not do what its author may think."""
    warnings = []
    odd = oddities(GKRegistration, manifest.raw)
    if odd.unknown:
        warnings.append(f"unknown keys in the manifest: {_some(odd.unknown)}")
    if odd.miscased:
        warnings.append(f"keys in another case in the manifest: {_some(odd.miscased)}")
    newer = wants_newer_host(manifest)
    if newer is not None:
        warnings.append(newer)
    if manifest.permissions:
        warnings.append("permissions is a legacy key without effect: use resources.permissions")
    return warnings


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more


def wants_newer_host(manifest: GKRegistration) -> str | None:
    """What to say of a manifest that wants a newer host than this one; ``None`` if it does not.
    What is no version wants nothing."""
    match = _VERSION.match(manifest.min_host_version)
    if match is None or tuple(int(part or 0) for part in match.groups()) <= HOST_VERSION:
        return None
    present = ".".join(map(str, HOST_VERSION))
    return f"min_host_version {manifest.min_host_version:.40} is above this host's {present}"


def is_usual_name(name: str) -> bool:
    """Whether keys and paths may be made of a plugin's name."""
    return _NAME.fullmatch(name) is not None
