"""What a line grants to a plugin: ``--allow``, ``--deny``, ``--ask`` and ``--policy``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from .options import PATH

if TYPE_CHECKING:
    from ..platform.policies import Policies
    from ..platform.policy import Permission, Policy
    from ..platform.sandbox import Sandbox
    from ..plugin import HostAPI, PluginLike

__all__ = ["Granting", "Grants", "grant_options", "policies_option"]

F = TypeVar("F", bound=Callable[..., Any])

#: short names of types
_TYPES = {"net": "http", "plugin": "plugin_call"}
_FOLDERS = "dir"
#: what is granted of a type whose accesses are not said
_WHOLE = {"config": "read"}


class Grants(NamedTuple):
    """What the line says."""

    allow: tuple[str, ...]
    deny: tuple[str, ...]
    ask: bool
    policy: Path | None

    @property
    def web(self) -> bool:
        """Whether the plugin may come to ask the web."""
        return self.ask or self.policy is not None or any(_is_web(word) for word in self.allow)

    def policy_for(self, erase: Callable[[], object]) -> Granting | None:
        """The policy to attach a host with; ``None`` where nothing is said. ``erase`` clears the
        line that a question comes on. Raises UsageError."""
        if not any(self):
            return None
        return Granting(self._granted(), self.ask, erase)

    def _granted(self) -> Policy:
        # only who grants something pays for it
        from ..platform.policy import Policy, PolicyError

        try:
            policy = Policy.default()
            if self.policy is not None:
                policy = Policy.from_json(self.policy.read_bytes())
            policy = policy.with_permission(*map(_permission, self.allow))
            for word in self.deny:
                type, access, scope = _read(word)
                if scope:
                    raise PolicyError(f"--deny takes away a type, or an access of it: {word!r:.80}")
                policy = policy.without(type, access)
        except (PolicyError, OSError) as error:
            raise click.UsageError(str(error)) from error
        return policy


def _is_web(word: str) -> bool:
    return word.partition("=")[0] in ("net", "http")


def _read(word: str) -> tuple[str, str, tuple[str, ...]]:
    """Type, access and scope of ``db=read:ticket,users``, ``net=*.example.com``, ``cache``."""
    from ..platform.policy import ACCESSES

    name, _, rest = word.partition("=")
    type = _TYPES.get(name, name)
    if name == _FOLDERS:
        raise click.UsageError("plugins have no folders: --allow dir=... is for run and its like")
    if type not in ACCESSES:
        known = ", ".join((*_TYPES, *(known for known in ACCESSES if known not in _TYPES.values())))
        raise click.UsageError(f"{word!r:.80} is no permission; there are {known}")
    accesses = [access for access in ACCESSES[type] if "" not in ACCESSES[type]]
    first, colon, behind = rest.partition(":")
    access = first if first in accesses else ""
    scope = (behind if colon else "") if access else rest
    return type, access, tuple(entry for entry in scope.split(",") if entry)


def _permission(word: str) -> Permission:
    from ..platform.policy import ACCESSES, Permission

    type, access, scope = _read(word)
    if not access and "" not in ACCESSES[type]:
        access = _WHOLE.get(type, "readwrite")
    return Permission(type, access, scope)


class Granting:
    """A policy that may ask who sits before the terminal."""

    def __init__(self, policy: Policy, ask: bool, erase: Callable[[], object]) -> None:
        self._policy = policy
        self._asks = ask
        self._erase = erase
        self._answers: dict[tuple[str, Permission], bool] = {}

    def guard(self, host: HostAPI, plugin: PluginLike, name: str) -> Sandbox:
        """The host as the plugin may use it."""
        from ..platform.sandbox import Sandbox

        return Sandbox(host, name, self._policy, ask=self._ask if self._asks else None)

    def _ask(self, plugin: str, wanted: Permission, why: str) -> bool:
        """Asks once for each permission, and nobody where there is no terminal."""
        key = plugin, wanted
        if key not in self._answers:
            self._erase()
            self._answers[key] = _on_terminal() and _confirmed(plugin, wanted)
        return self._answers[key]


def _on_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def _confirmed(plugin: str, wanted: Permission) -> bool:
    # names come from guests: they must give the terminal no orders
    from ..printable import printable

    what = " ".join(filter(None, (wanted.type, wanted.access, ", ".join(wanted.scope))))
    question = f"plugin {printable(plugin)!r} asks for {printable(what)}. Let it?"
    return click.confirm(question, default=False, err=True)


def grant_options(command: F) -> F:
    """Adds ``--allow``, ``--deny``, ``--ask`` and ``--policy``."""
    for option in (
        click.option(
            "--policy",
            type=PATH,
            metavar="FILE.json",
            help="What the plugin may do.  [default: read the database and use the cache, "
            "if anything is allowed, denied or asked]",
        ),
        click.option(
            "--ask",
            is_flag=True,
            help="Ask on the terminal for what is missing; answers hold for this run.",
        ),
        click.option(
            "--deny",
            multiple=True,
            metavar="TYPE[=ACCESS]",
            help="Take a permission away, such as cache or db=write.",
        ),
        click.option(
            "--allow",
            multiple=True,
            metavar="TYPE[=[ACCESS:]SCOPE,...]",
            help="Grant a permission: net=*.example.com, db=read:ticket, config=app.*, cache.",
        ),
    ):
        command = option(command)
    return command


def policies_option(command: F) -> F:
    """Adds ``--policy`` for many plugins. The command gets ``policies``: a Policies, or ``None``
    where nothing is said."""
    option = click.option(
        "--policy",
        "policies",
        type=PATH,
        multiple=True,
        callback=_policies,
        metavar="FILE.json",
        help="What the plugin may do that is its plugin_name. With one, all others may read the "
        "database and use the cache.",
    )
    return option(command)


def _policies(
    ctx: click.Context, param: click.Parameter, paths: tuple[Path, ...]
) -> Policies | None:
    if not paths:
        return None
    # only who has policies pays for them
    from ..platform.policies import Policies
    from ..platform.policy import Policy, PolicyError

    found: dict[str, Policy] = {}
    for path in paths:
        try:
            policy = Policy.from_json(path.read_bytes())
        except (PolicyError, OSError) as error:
            raise click.BadParameter(f"{path}: {error}", ctx, param) from error
        if not policy.plugin_name:
            raise click.BadParameter(f"{path}: plugin_name says whose policy it is", ctx, param)
        if policy.plugin_name in found:
            raise click.BadParameter(f"{path}: a second one of its plugin_name", ctx, param)
        found[policy.plugin_name] = policy
    return Policies(found)
