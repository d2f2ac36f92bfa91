"""The host functions under a policy, one row each (contract 4.1 and 4.3)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..plugin.dispatcher import require_route
from ..plugin.host import CallContext, HostFunctionError
from ..services.addresses import AddressRefused, parse_address
from . import fields
from .databases import judge_sql, missing_tables
from .egress import permitted_networks
from .policy import Permission, Policy
from .refusals import Refused, quoted
from .scopes import config_permitted, is_sensitive, matches_recipient, shown

if TYPE_CHECKING:
    from .sandbox import Sandbox

__all__ = ["RULES", "Asked", "Rule"]


@dataclass
class Asked:
    """One host call while it is judged."""

    sandbox: Sandbox
    function: str
    context: CallContext
    args: tuple[Any, ...]
    #: by which it is judged
    policy: Policy = Policy()
    #: of the entries that grant it
    scopes: Sequence[Sequence[str]] = ()

    @property
    def plugin(self) -> str:
        """The name of the plugin."""
        return self.sandbox.plugin

    @property
    def who(self) -> str:
        """What texts begin with."""
        return f"plugin {quoted(self.plugin)}"

    @property
    def unscoped(self) -> bool:
        """Whether an entry grants it for all names."""
        return not all(self.scopes)


def _as_given(asked: Asked) -> tuple[CallContext, tuple[Any, ...]]:
    return asked.context, asked.args


def _same(plugin: str, result: Any) -> Any:
    return result


def _type_missing(asked: Asked) -> Permission:
    rule = RULES[asked.function]
    return Permission(rule.type, rule.access)


class Rule(NamedTuple):
    """What one host function needs, and what it counts."""

    #: of the permission; empty if none is needed
    type: str = ""
    access: str = ""
    #: the text, behind the plugin's name, where it is missing
    refusal: str = ""
    #: judges the arguments. Raises Refused
    judge: Callable[[Asked], None] | None = None
    #: which rate it counts against, and what that is called
    window: str = ""
    exceeded: str = ""
    #: which counter it adds to; without one, ``timed`` notes the time all the same
    counter: str = ""
    timed: bool = False
    #: never refused
    always: bool = False
    #: what the host is given
    arguments: Callable[[Asked], tuple[CallContext, tuple[Any, ...]]] = _as_given
    #: what the plugin is given, of what the host gives
    result: Callable[[str, Any], Any] = _same
    #: the permission with which it would pass
    missing: Callable[[Asked], Permission] = _type_missing


# -- cache: keys of a plugin's own


def _cache_key(asked: Asked) -> tuple[CallContext, tuple[Any, ...]]:
    key, *rest = asked.args
    return asked.context, (f"plugin:{asked.plugin}:{key}", *rest)


def _cache(access: str, refusal: str) -> Rule:
    return Rule("cache", access, refusal, counter="cache_ops", arguments=_cache_key)


# -- http


def _judge_url(asked: Asked) -> None:
    _networks_of(asked, asked.args[1])


def _networks_of(asked: Asked, url: str) -> Sequence[str]:
    """The networks to which an address may lead that are not public. Raises Refused."""
    try:
        return permitted_networks(asked.scopes, url)[1]
    except AddressRefused as error:
        message = (
            f"{asked.who}: HTTP access to {quoted(url)} not permitted "
            f"(allowed: {shown(asked.scopes)})"
        )
        message += f": {error}" if str(error) else ""
        raise Refused(message, "scope", _url_missing(asked, url)) from None


def _url_missing(asked: Asked, url: str = "") -> Permission:
    try:
        host = parse_address(url or asked.args[1]).host
    except AddressRefused:
        # a permission would not make it an address
        return Permission("http")
    return Permission("http", "", (host,))


def _judged_url(asked: Asked) -> tuple[CallContext, tuple[Any, ...]]:
    """The address as it was judged, and how those are judged that it redirects to."""
    method, url, *rest = asked.args

    def judge(next_url: str) -> Sequence[str]:
        # by the policy of that moment
        asked.policy = asked.sandbox.policy
        asked.scopes = asked.policy.granted("http")
        try:
            if not asked.scopes:
                raise Refused(f"{asked.who}: {RULES[asked.function].refusal}", "permission")
            return _networks_of(asked, next_url)
        except Refused as refusal:
            asked.sandbox.note(asked.function, refusal)
            raise

    context = dataclasses.replace(asked.context, judge_url=judge)
    return context, (method, str(parse_address(url)), *rest)


# -- mail

#: one address, without the forms in which several or a comment can hide
_RECIPIENT = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[^\s@,;:<>()\[\]\\\"]+")


def _judge_recipient(asked: Asked) -> None:
    to = asked.args[0]
    entries = [entry for scope in asked.scopes for entry in scope]
    plain = _RECIPIENT.fullmatch(to) is not None
    allowed = plain and any(matches_recipient(entry, to) for entry in entries)
    if not allowed and not (asked.unscoped and "\r" not in to and "\n" not in to):
        message = f"{asked.who}: email recipient {quoted(to)} not allowed"
        raise Refused(message, "scope", _recipient_missing(asked))


def _recipient_missing(asked: Asked) -> Permission:
    return Permission("email", "", (asked.args[0],))


# -- settings, other plugins


def _judge_key(asked: Asked) -> None:
    key = asked.args[0]
    if asked.unscoped and not is_sensitive(key):
        return
    if not any(config_permitted(scope, key) for scope in asked.scopes):
        message = f"{asked.who}: config key {quoted(key)} access denied"
        raise Refused(message, "scope", Permission("config", "read", (key,)))


def _judge_target(asked: Asked) -> None:
    target = asked.args[0]
    if not asked.unscoped and not any(
        entry in (target, "*") for scope in asked.scopes for entry in scope
    ):
        message = (
            f"{asked.who}: not permitted to call plugin {quoted(target)} "
            f"(allowed: {shown(asked.scopes)})"
        )
        raise Refused(message, "scope", Permission("plugin_call", "", (target,)))
    try:
        require_route(asked.context, target)
    except HostFunctionError as error:
        raise Refused(str(error), "depth") from None


# -- entities


def _judge_entity(asked: Asked) -> None:
    kind, access = asked.args[0], RULES[asked.function].access
    if not asked.unscoped and not any(
        entry in (kind, "*") for scope in asked.scopes for entry in scope
    ):
        message = (
            f"{asked.who}: entity {access} access to {quoted(kind)} not permitted "
            f"(allowed: {shown(asked.scopes)})"
        )
        raise Refused(message, "scope", Permission("entity", access, (kind,)))


def _entity(access: str) -> Rule:
    return Rule(
        "entity",
        access,
        f"entity {access} access not granted",
        _judge_entity,
        missing=lambda asked: Permission("entity", access, (asked.args[0],)),
    )


# -- files


def _judge_storage(asked: Asked) -> None:
    """Looks at what the plugin has stored, if the host can say."""
    key, data = asked.args[:2]
    listing = getattr(asked.sandbox.host, "list_files", None)
    most = asked.policy.file_storage_bytes
    stored = listing(asked.context, "") if callable(listing) else None
    taken = sum(int(file.get("size") or 0) for file in stored or () if file.get("key") != key)
    if taken + len(data or b"") > most:
        raise Refused(f"{asked.who}: file storage limit of {most:,} bytes exceeded", "quota")


def _plain(type: str, access: str, judge: Callable[[Asked], None] | None = None) -> Rule:
    return Rule(type, access, f"{type} {access} access not granted", judge)


_FREE = Rule()

RULES: dict[str, Rule] = {
    "db_query": Rule(
        "db",
        "read",
        "database read access not granted",
        judge_sql,
        "db",
        "DB query",
        "db_queries",
        missing=missing_tables,
    ),
    "db_exec": Rule(
        "db",
        "write",
        "database write access not granted",
        judge_sql,
        "db",
        "DB query",
        "db_execs",
        missing=missing_tables,
    ),
    "cache_get": _cache("read", "cache access not granted"),
    "cache_set": _cache("write", "cache write access not granted"),
    "cache_delete": _cache("write", "cache delete access not granted"),
    "http_request": Rule(
        "http",
        "",
        "HTTP outbound access not granted",
        _judge_url,
        "http",
        "HTTP request",
        "http_requests",
        arguments=_judged_url,
        missing=_url_missing,
    ),
    "send_email": Rule(
        "email",
        "",
        "email access not granted",
        _judge_recipient,
        "email",
        "email",
        timed=True,
        missing=_recipient_missing,
    ),
    "log": Rule(always=True),
    "config_get": Rule("config", "read", "config access not granted", _judge_key),
    "translate": _FREE,
    "call_plugin": Rule(
        "plugin_call",
        "",
        "plugin-to-plugin calls not granted",
        _judge_target,
        "calls",
        "call",
        "calls",
        missing=lambda asked: Permission("plugin_call", "", (asked.args[0],)),
    ),
    "publish_event": _FREE,
    "entity_soft_delete": _entity("write"),
    "entity_restore": _entity("write"),
    "entity_hard_delete": _entity("hard_delete"),
    "recycle_bin_list": _entity("read"),
    "secure_config_get": _plain("secure_config", "read"),
    "secure_config_set": _plain("secure_config", "write"),
    "org_id": _FREE,
    "custom_fields_get": Rule(
        window="db",
        exceeded="DB query",
        counter="db_queries",
        arguments=lambda asked: fields.asked(asked.plugin, asked.context, asked.args),
        result=fields.answered,
    ),
    "custom_fields_set": Rule(
        window="db",
        exceeded="DB query",
        counter="db_execs",
        arguments=lambda asked: fields.given(asked.plugin, asked.context, asked.args),
    ),
    "custom_fields_query": Rule(
        window="db",
        exceeded="DB query",
        counter="db_queries",
        arguments=lambda asked: fields.filtered(asked.plugin, asked.context, asked.args),
    ),
    "time_now": _FREE,
    "store_file": _plain("file", "write", _judge_storage),
    "get_file": _plain("file", "read"),
    "delete_file": _plain("file", "write"),
    "list_files": _plain("file", "read"),
    "generate_thumbnail": _FREE,
    "create_article_attachment": _plain("article", "write"),
    "list_article_attachments": _plain("article", "read"),
    "delete_article_attachment": _plain("article", "write"),
    "create_article": _plain("article", "write"),
    "change_ticket_status": _plain("ticket", "write"),
    "list_ticket_states": _plain("ticket", "read"),
    "list_ticket_views": _plain("ticket", "read"),
    "render_markdown_to_pdf": _FREE,
}
