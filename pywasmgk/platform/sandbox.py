"""A host behind a policy: what one plugin asks is looked at before the host sees it (contract 4.3).

One row of a table says of each host function which permission it needs, how its arguments are
judged, which rate it counts against and which counter it adds to. The order is the contract's:
permission, arguments, rate, then the host.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import CallError
from ..plugin.dispatcher import chained
from ..plugin.guarding import GuardedHost
from ..plugin.host import CallContext, HostAPI
from ..plugin.limits import Limits
from ..plugin.methods import PARAMETERS
from ..plugin.own_functions import OwnFunction
from .audit import AuditLog
from .policy import Permission, Policy
from .rates import RateLimiter
from .refusals import Refused, quoted
from .rules import RULES, Asked, Rule
from .statistics import Statistics

__all__ = ["Ask", "Sandbox"]

#: is asked whether a plugin shall have a permission that it lacks: name, permission, and why
Ask = Callable[[str, Permission, str], bool]

#: mails in a minute (contract 4.3)
_MAILS = 10
#: seconds of the windows
_MINUTE, _SECOND = 60.0, 1.0


def _windows(clock: Callable[[], float]) -> dict[str, RateLimiter]:
    """What is limited: statements, requests, mails, calls of others, and calls of the plugin."""
    return {
        "db": RateLimiter(_MINUTE, clock=clock),
        "http": RateLimiter(_MINUTE, clock=clock),
        "email": RateLimiter(_MINUTE, _MAILS, clock=clock),
        "calls": RateLimiter(_SECOND, clock=clock),
        "entered": RateLimiter(_SECOND, clock=clock),
    }


class Sandbox(GuardedHost):
    """A host as one plugin may use it.

    ``policy`` can be changed at any time: the next host call goes by the new one. ``clock`` gives
    the seconds of rates, ``now`` those since 1970; ``ask`` may grant what is missing.
    """

    def __init__(
        self,
        host: HostAPI,
        plugin: str,
        policy: Policy,
        *,
        audit: AuditLog | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        ask: Ask | None = None,
        follows: Sandbox | None = None,
    ) -> None:
        """``follows`` is the sandbox of a plugin that this one takes the place of: its rates and
        counters go on."""
        self.host = host
        self.plugin = plugin
        self._policy = policy
        self.audit = AuditLog(now=now) if audit is None else audit
        self.statistics: Statistics = (
            Statistics(plugin, now=now) if follows is None else follows.statistics
        )
        self._ask = ask
        self._lock = threading.RLock()
        #: of the one question that is open
        self._asking = threading.RLock()
        self._windows: dict[str, RateLimiter] = (
            _windows(clock) if follows is None else follows._windows
        )
        self.observer = getattr(host, "observer", None)
        self._own: dict[str, tuple[OwnFunction, OwnFunction]] = {}
        self.policy = policy
        for name in PARAMETERS:
            method = getattr(host, name, None)
            # what the host has not, the plugin has not either
            guarded = self._guarded(name, method) if callable(method) else None
            self.__dict__[name] = guarded

    @property
    def policy(self) -> Policy:
        """What the plugin may do."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        with self._lock:
            self._policy = policy
            self._lowered: tuple[Limits, Limits] | None = None
            self._windows["db"].limit(policy.max_db_queries_per_min)
            self._windows["http"].limit(policy.max_http_req_per_min)
            self._windows["calls"].limit(policy.max_calls_per_second)
            self._windows["entered"].limit(policy.max_calls_per_second)

    @property
    def empty_rows_as_list(self) -> bool:  # type: ignore[override]
        """As the host has it."""
        return bool(getattr(self.host, "empty_rows_as_list", False))

    def sql_dialect(self, database: str) -> str:
        """As the host says; SQLite if it says nothing."""
        said: Callable[[str], str] | None = getattr(self.host, "sql_dialect", None)
        return super().sql_dialect(database) if said is None else said(database)

    # -- what a plugin's calls ask

    def enter(self) -> None:
        """A call of the plugin begins. Raises CallError where there were too many in the last
        second (weakness W30)."""
        if not self._windows["entered"].take():
            message = f"plugin {quoted(self.plugin)}: call rate limit exceeded"
            self.note("call", Refused(message, "rate"))
            raise CallError(message)

    def limits(self, ceiling: Limits) -> Limits:
        """The policy's limits, where they are below the plugin's own."""
        with self._lock:
            if self._lowered is None or self._lowered[0] is not ceiling:
                self._lowered = ceiling, self._policy.limits(ceiling)
            return self._lowered[1]

    # -- host functions

    def _guarded(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        rule = RULES[name]

        def call(ctx: CallContext, *args: Any) -> Any:
            asked = Asked(self, name, self._stamped(ctx), args)
            self._admit(rule, asked)
            context, args = rule.arguments(asked)
            if name == "call_plugin":
                with chained(self.plugin):
                    return method(context, *args)
            return rule.result(self.plugin, method(context, *args))

        call.__name__ = name
        return call

    def _stamped(self, ctx: CallContext) -> CallContext:
        """The context with the plugin as the caller, whoever made it (weakness W32)."""
        if ctx.chain[-1:] == (self.plugin,):
            return (
                ctx if ctx.caller == self.plugin else dataclasses.replace(ctx, caller=self.plugin)
            )
        chain = (*ctx.chain, self.plugin)
        depth = max(ctx.depth + 1, len(chain))
        return dataclasses.replace(ctx, caller=self.plugin, chain=chain, depth=depth)

    def _admit(self, rule: Rule, asked: Asked) -> None:
        """Lets a call pass, and counts it. Raises Refused."""
        try:
            while True:
                try:
                    self._judge(rule, asked)
                    break
                except Refused as refusal:
                    self._grant(refusal, asked.policy)
            if rule.window and not self._windows[rule.window].take():
                raise Refused(f"{asked.who}: {rule.exceeded} rate limit exceeded", "rate")
        except Refused as refusal:
            self.note(asked.function, refusal)
            raise
        if rule.counter or rule.timed:
            self.statistics.count(rule.counter)

    def _judge(self, rule: Rule, asked: Asked) -> None:
        """Looks at permission and arguments. Raises Refused."""
        asked.policy = policy = self.policy
        if policy.blocked and not rule.always:
            refusal = rule.refusal or "the plugin is blocked"
            raise Refused(f"{asked.who}: {refusal}", "blocked")
        if rule.type:
            asked.scopes = policy.granted(rule.type, rule.access)
            if not asked.scopes:
                raise Refused(f"{asked.who}: {rule.refusal}", "permission", rule.missing(asked))
        if rule.judge is not None:
            rule.judge(asked)

    def _grant(self, refusal: Refused, judged: Policy) -> None:
        """Adds what is missing to the policy that was judged by, if whoever is asked wants it; one
        that was changed meanwhile is left to be judged by. Raises the refusal."""
        grant = refusal.grant
        if grant is None or self._ask is None:
            raise refusal
        with self._asking:
            if self.policy is not judged:
                return
            # an answer may take its time: the policy can be changed until it is there
            if not self._ask(self.plugin, grant, str(refusal)):
                raise refusal
            with self._lock:
                if self.policy is judged:
                    self.policy = judged.with_permission(grant)

    def note(self, function: str, refusal: Refused) -> None:
        """Counts a refusal, and puts it into the audit log."""
        self.statistics.count("errors", call=False)
        self.audit.note(self.plugin, function, refusal.reason, str(refusal))

    # -- functions of the host's own

    @property
    def own_functions(self) -> dict[str, OwnFunction]:
        """The host's own functions: whoever has added them has granted them, but to no plugin that
        is blocked."""
        inner: Mapping[str, OwnFunction] = getattr(self.host, "own_functions", {})
        for name, own in list(inner.items()):
            if name not in self._own or self._own[name][0] is not own:
                self._own[name] = own, self._guarded_own(own)
        return {name: self._own[name][1] for name in list(inner) if name in self._own}

    def _guarded_own(self, own: OwnFunction) -> OwnFunction:
        def call(**arguments: Any) -> Any:
            if self.policy.blocked:
                refusal = Refused(f"plugin {quoted(self.plugin)}: the plugin is blocked", "blocked")
                self.note(own.name, refusal)
                raise refusal
            return own.function(**arguments)

        return dataclasses.replace(own, function=call)
