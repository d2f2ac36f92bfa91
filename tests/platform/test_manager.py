"""The manager: registering, calling, replacing, switching, ending (contract 5.1)."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from plugin_guests import LOOP, RELAY, ask, asker, guest, question, quick
from processor import HANGS
from scripted import Scripted, together

from pywasmgk import CallError, CallTimeout, MemoryHost, PluginClosed, ResultError, load
from pywasmgk.errors import (
    PlatformError,
    PluginDisabled,
    PluginError,
    PluginNotFound,
    ShutdownError,
)
from pywasmgk.platform import CallRecord, Envelope, Permission, PluginManager, Policies, Policy
from pywasmgk.plugin import CallContext, GKRegistration, HostAPI, HostFunctionError, PluginLike

case = pytest.mark.case


def managing(*plugins: PluginLike, **options: Any) -> PluginManager:
    manager = PluginManager(MemoryHost(), **options)
    for plugin in plugins:
        manager.register(plugin)
    return manager


def named(name: str, **more: Any) -> bytes:
    """A guest that echoes."""
    return guest({"name": name, "version": "1.0.0", **more})


# -- registering


@case("H01")
def test_a_name_is_taken_once() -> None:
    first, second = quick(named("x")), quick(named("x"))
    manager = managing(first)
    with pytest.raises(PlatformError) as caught:
        manager.register(second)
    assert str(caught.value) == 'plugin "x" already registered'
    # nothing has happened to either
    assert manager.call("x", "f", 1) == 1
    assert not second.closed


@case("W14")
@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "a\n", "ä", "-a"])
def test_odd_names_are_refused(name: str) -> None:
    with pytest.raises(PlatformError, match=r"plugin name .* must be of a-z"):
        managing(Scripted(name))


@case("W15")
def test_a_plugin_that_wants_a_newer_host_is_refused() -> None:
    text = 'plugin "x": min_host_version 9.1 is above this host\'s 0.8.0'
    with pytest.raises(PlatformError) as caught:
        managing(Scripted(min_host_version="9.1"))
    assert str(caught.value) == text
    manager = managing(Scripted(min_host_version="0.8"))
    with pytest.raises(PlatformError) as caught:
        manager.replace("x", Scripted(min_host_version="9.1"))
    assert str(caught.value) == text
    assert manager.call("x", "f", [1]) == [1]


class Refusing(Scripted):
    """Fails when it gets its host."""

    def init(self, host: HostAPI, *, name: str | None = None, replace: bool = False) -> None:
        super().init(host, name=name, replace=replace)
        raise PluginError("no")


def test_a_plugin_that_cannot_begin_leaves_nothing_behind() -> None:
    manager = PluginManager(MemoryHost())
    with pytest.raises(PlatformError) as caught:
        manager.register(Refusing(error_codes=[{"code": "A", "message": "a", "http_status": 1}]))
    assert str(caught.value) == 'plugin "x" init failed: no'
    assert manager.names() == []
    assert dict(manager.error_codes) == {}
    # and its name is free for another one
    manager.register(Scripted())


def test_a_host_that_is_shared_says_who_is_who() -> None:
    host = MemoryHost()
    host.add_plugin(quick(named("x")))
    with pytest.raises(PlatformError, match='plugin "x" init failed: plugin "x" already'):
        PluginManager(host).register(quick(named("x", description="another")))


def test_a_name_can_be_used_again() -> None:
    """By another module too: the manager has said that the first one is gone."""
    manager = managing(quick(named("x")))
    manager.unregister("x")
    manager.register(quick(named("x", description="another")))
    assert manager.manifest("x").description == "another"


def test_what_a_plugin_depends_on_has_to_be_there() -> None:
    manager = managing(Scripted("a"))
    with pytest.raises(PlatformError) as caught:
        manager.register(Scripted("b"), dependencies=["a", "c", "d"])
    assert str(caught.value) == 'plugin "b" depends on "c", "d": not registered'
    manager.register(Scripted("b"), dependencies=["a"])
    with pytest.raises(PlatformError, match='depends on "z": not registered'):
        manager.replace("b", Scripted("b"), dependencies=["z"])


# -- calls


@case("H02")
def test_unknown_and_disabled_are_told_apart() -> None:
    manager = managing(Scripted())
    with pytest.raises(PluginNotFound) as unknown:
        manager.call("y", "f")
    assert str(unknown.value) == 'plugin "y" not found'
    assert (unknown.value.plugin, unknown.value.caller) == ("y", "")
    manager.disable("x")
    with pytest.raises(PluginDisabled) as disabled:
        manager.call("x", "f")
    assert str(disabled.value) == 'plugin "x" is disabled'
    assert not isinstance(disabled.value, LookupError)
    manager.enable("x")
    assert manager.call("x", "f", "back") == "back"
    for change in (manager.enable, manager.disable, manager.unregister, manager.manifest):
        with pytest.raises(PluginNotFound, match='plugin "y" not found'):
            change("y")


@case("H03")
def test_a_plugin_is_told_who_required_it() -> None:
    caller = Scripted("c")
    manager = managing(Scripted("x"), caller)
    with pytest.raises(PluginNotFound) as unknown:
        caller.ask("y", "f")
    assert str(unknown.value) == 'plugin "y" not found (required by "c" to call "f")'
    manager.disable("x")
    with pytest.raises(PluginDisabled) as disabled:
        caller.ask("x", "f")
    assert str(disabled.value) == 'plugin "x" is disabled (required by "c")'


@case("H03")
def test_the_same_from_a_guest() -> None:
    manager = managing(quick(asker("c")))
    request = {"plugin": "y", "function": "f", "args": None}
    assert manager.call_raw("c", "call", question("plugin_call", request)) is None
    assert manager.log.recent(1)[0].message == (
        'host_call plugin_call failed: plugin "y" not found (required by "c" to call "f")'
    )
    assert manager.log.recent(1)[0].plugin == "c"


@case("W03")
def test_circles_are_refused_at_once_and_named() -> None:
    def onwards(to: str) -> Any:
        return lambda plugin, args: json.loads(plugin.ask(to, "go") or b"null")

    manager = managing(
        Scripted("a", {"go": onwards("b")}),
        Scripted("b", {"go": onwards("c")}),
        Scripted("c", {"go": onwards("a")}),
    )
    with pytest.raises(HostFunctionError) as caught:
        manager.call("a", "go")
    assert str(caught.value) == "plugin call cycle: a -> b -> c -> a"
    assert manager.call("a", "other", 1) == 1


def test_ten_plugins_may_wait_for_each_other() -> None:
    def onwards(number: int) -> Any:
        return lambda plugin, args: json.loads(plugin.ask(f"p{number + 1}", "go") or b"null")

    plugins = [Scripted(f"p{n}", {"go": onwards(n)}) for n in range(12)]
    manager = managing(*plugins)
    with pytest.raises(HostFunctionError) as caught:
        manager.call("p0", "go")
    assert str(caught.value) == "plugin call depth exceeded (max 10): p9 -> p10"
    assert [len(plugin.calls) for plugin in plugins] == [1] * 10 + [0, 0]


def test_a_caller_is_who_the_manager_says() -> None:
    """Whatever a plugin writes into its context."""
    seen: list[str] = []

    class Noting(MemoryHost):
        def config_get(self, ctx: CallContext, key: str) -> str:
            seen.append(ctx.caller)
            return ""

    plugin = Scripted("x")
    PluginManager(Noting()).register(plugin)
    assert plugin.host is not None
    plugin.host.config_get(CallContext(caller="another"), "k")
    assert seen == ["x"]


def test_a_host_has_what_the_one_behind_it_has() -> None:
    class Small:
        """No HostAPI; it can log, and one thing more."""

        def log(self, ctx: CallContext, level: str, message: str, fields: Any) -> None:
            """Forgets it."""

        def org_id(self, ctx: CallContext) -> int:
            return 7

    manager = PluginManager(Small())  # type: ignore[arg-type]
    plugin = quick(asker("x"))
    manager.register(plugin)
    assert ask(plugin, "org_id") == b"7"
    assert ask(plugin, "config_get", {"key": "a"}) is None
    assert "unknown host function: config_get" in manager.log.recent(1)[0].message
    host = MemoryHost()

    @host.function
    def more(a: int) -> int:
        return a + 1

    with PluginManager(host) as other:
        second = quick(asker("y"))
        other.register(second)
        assert ask(second, "more", {"a": 1}) == b"2"


def test_answers_that_are_no_json() -> None:
    manager = managing(quick(named("x")))
    assert manager.call_raw("x", "f", b"what?") == b"what?"
    plugin = Scripted("y")
    plugin.call_raw = lambda *args, **options: b"what?"  # type: ignore[method-assign]
    manager.register(plugin)
    with pytest.raises(ResultError, match=r"y\.f gave no JSON") as caught:
        manager.call("y", "f")
    assert caught.value.raw == b"what?"


def test_calls_are_counted_and_told() -> None:
    def fail(plugin: Scripted, args: Any) -> None:
        raise CallTimeout("late")

    told: list[CallRecord] = []
    manager = managing(quick(named("x")), Scripted("y", {"fail": fail}))
    end = manager.on_call.add(told.append)
    manager.call("x", "f", {"a": 1})
    with pytest.raises(CallTimeout):
        manager.call("y", "fail")
    end()
    manager.call("x", "g")
    assert [(r.plugin, r.function, r.caller) for r in told] == [("x", "f", ""), ("y", "fail", "")]
    assert told[0].fuel > 0
    assert told[0].error is None
    assert isinstance(told[1].error, CallTimeout)
    assert (told[1].fuel, told[1].pages) == (0, 0)
    x, y = manager.stats("x"), manager.stats("y")
    assert (x.calls, x.failures, y.calls, y.failures, y.timeouts) == (2, 0, 1, 1, 1)
    assert x.fuel > told[0].fuel
    assert manager.stats("z").calls == 0


# -- replacing


@case("H04")
def test_another_name_cannot_replace() -> None:
    manager = managing(old := quick(named("x")))
    new = quick(named("y"))
    with pytest.raises(PlatformError) as caught:
        manager.replace("x", new)
    assert str(caught.value) == 'new plugin name "y" doesn\'t match old name "x"'
    assert manager.get("x") is old
    assert manager.call("x", "f", 1) == 1
    with pytest.raises(PluginNotFound, match='plugin "y" not found'):
        manager.replace("y", new)


@case("H05")
def test_a_new_one_answers_and_the_old_one_is_shut_down() -> None:
    old = Scripted("x", {"f": lambda plugin, args: "old"})
    manager = managing(old)
    manager.disable("x")
    new = Scripted("x", {"f": lambda plugin, args: "new"}, version="2.0.0")
    manager.replace("x", new)
    assert old.closed
    with pytest.raises(PluginDisabled):
        manager.call("x", "f")
    manager.enable("x")
    assert manager.call("x", "f") == "new"
    assert manager.status()[0].version == "2.0.0"


def test_a_new_one_that_fails_leaves_the_old_one() -> None:
    host = MemoryHost()
    manager = PluginManager(host)
    old = quick(asker("x"))
    manager.register(old)
    ask(old, "cache_set", {"key": "k", "value": "dmFsdWU=", "ttl": 0})
    code = {"code": "A", "message": "a", "http_status": 1}
    with pytest.raises(PlatformError, match='plugin "x" init failed: no'):
        manager.replace("x", Refusing(error_codes=[code]))
    assert manager.get("x") is old
    assert dict(manager.error_codes) == {}
    assert not old.closed
    # it is who it was, to the host too
    old.init(host, name="x")
    assert ask(old, "cache_get", {"key": "k"}) == b'{"found":true,"value":"dmFsdWU="}'


def test_calls_in_flight_end_on_the_old_one() -> None:
    entered, go = threading.Event(), threading.Event()

    def slow(plugin: Scripted, args: Any) -> str:
        entered.set()
        assert go.wait(HANGS)
        assert not plugin.closed
        return "old"

    old = Scripted("x", {"f": slow})
    manager = managing(old)

    def replacing() -> Any:
        assert entered.wait(HANGS)
        manager.replace("x", Scripted("x", {"f": lambda plugin, args: "new"}))
        # it did not wait for the call
        seen = (old.shutdowns, manager.call("x", "f"))
        go.set()
        return seen

    assert together(lambda: manager.call("x", "f"), replacing) == ["old", (0, "new")]
    assert old.shutdowns == 1


def test_a_call_may_replace_its_own_plugin() -> None:
    new = Scripted("x", {"f": lambda plugin, args: "new"})
    old = Scripted("x", {"f": lambda plugin, args: manager.replace("x", new) or "old"})
    manager = managing(old)
    assert manager.call("x", "f") == "old"
    assert old.shutdowns == 1
    assert manager.call("x", "f") == "new"


def test_a_call_cannot_unregister_its_own_plugin() -> None:
    plugin = Scripted("x", {"f": lambda plugin, args: manager.unregister("x")})
    manager = managing(plugin)
    with pytest.raises(PlatformError) as caught:
        manager.call("x", "f")
    assert str(caught.value).startswith('plugin "x" shutdown failed: ')
    assert manager.call("x", "g", 1) == 1


def test_nothing_is_lost_while_plugins_are_replaced() -> None:
    """Every call gets the answer of one generation, and none of one that was gone when it began."""
    rounds, callers = 40, 6
    modules = [named(name) for name in ("a", "b")]
    manager = managing(*map(quick, modules))
    done = threading.Event()
    outcomes: list[Any] = []

    def calling(number: int) -> int:
        count = 0
        while not done.is_set() or not count:
            name = "ab"[(number + count) % 2]
            assert manager.call(name, "echo", [number, count]) == [number, count]
            count += 1
        return count

    def replacing() -> int:
        try:
            for number in range(rounds):
                manager.replace("ab"[number % 2], quick(modules[number % 2]))
        finally:
            done.set()
        return rounds

    jobs = [lambda n=n: calling(n) for n in range(callers)]
    outcomes = together(*jobs, replacing, seconds=HANGS)
    assert outcomes[-1] == rounds
    assert all(isinstance(count, int) and count > 0 for count in outcomes), outcomes
    counted = sum(manager.stats(name).calls for name in "ab")
    assert counted == sum(outcomes[:-1])
    assert sum(manager.stats(name).failures for name in "ab") == 0


def test_registering_is_done_by_one() -> None:
    manager = PluginManager(MemoryHost())
    plugins = [Scripted("x") for _ in range(8)]
    jobs = [lambda plugin=plugin: manager.register(plugin) for plugin in plugins]
    outcomes = together(*jobs)
    assert outcomes.count("x") == 1
    assert sum(isinstance(outcome, PlatformError) for outcome in outcomes) == 7
    assert sum(plugin.inits for plugin in plugins) == 1


# -- side effects


MANIFEST: dict[str, Any] = {
    "i18n": {"translations": {"en": {"hi": "Hello"}, "de": {"hi": "Hallo"}}},
    "error_codes": [{"code": "FULL", "message": "is full", "http_status": 507}],
    "templates": [
        {"name": "stats/dash.html", "path": "", "override": True},
        {"name": "own.html", "path": "own.html"},
    ],
}


@case("W46")
def test_unregistering_takes_all_back() -> None:
    done: list[str] = []

    def effect(plugin: str, manifest: GKRegistration) -> Any:
        done.append(f"{plugin} came")
        return lambda: done.append(f"{plugin} went")

    manager = managing(Scripted(**MANIFEST), effects=[effect])
    assert dict(manager.translations) == {("en", "x.hi"): "Hello", ("de", "x.hi"): "Hallo"}
    assert manager.error_codes["x:FULL"].http_status == 507
    assert manager.template_override("stats/dash.html") == ("x", "template_stats_dash_html")
    assert manager.template_override("own.html") is None
    manager.unregister("x")
    assert dict(manager.translations) == {}
    assert dict(manager.error_codes) == {}
    assert manager.template_override("stats/dash.html") is None
    assert done == ["x came", "x went"]


@case("W46")
def test_the_one_before_counts_again() -> None:
    manager = managing(Scripted("a", **MANIFEST), Scripted("b", **MANIFEST))
    find = manager.template_override
    assert find("stats/dash.html") == ("b", "template_stats_dash_html")
    manager.disable("b")
    assert find("stats/dash.html") == ("a", "template_stats_dash_html")
    manager.enable("b")
    manager.unregister("b")
    assert find("stats/dash.html") == ("a", "template_stats_dash_html")


@case("W46")
def test_replacing_leaves_nothing_of_the_old_one() -> None:
    manager = managing(Scripted(**MANIFEST))
    manager.replace("x", Scripted(i18n={"namespace": "n", "translations": {"en": {"hi": "Hi"}}}))
    assert dict(manager.translations) == {("en", "n.hi"): "Hi"}
    assert dict(manager.error_codes) == {}


def test_an_effect_that_fails_takes_back_the_others() -> None:
    def effect(plugin: str, manifest: GKRegistration) -> Any:
        raise ValueError("full")

    manager = PluginManager(MemoryHost(), effects=[effect])
    with pytest.raises(PlatformError, match='plugin "x" init failed: full'):
        manager.register(Scripted(**MANIFEST))
    assert dict(manager.translations) == {}
    assert manager.names() == []


# -- switching on and off


def test_a_switch_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "state" / "plugins.json"
    managing(Scripted("a"), Scripted("b"), state=path).disable("b")
    manager = managing(Scripted("a"), Scripted("b"), state=path)
    assert [status.enabled for status in manager.status()] == [True, False]
    assert manager.get("b") is None
    assert manager.is_registered("b")
    manager.enable("b")
    assert [p.name for p in path.parent.iterdir()] == ["plugins.json"]
    assert PluginManager(state=path).is_enabled("b")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version":1}', '{"version":2,"disabled":[]}'])
def test_a_broken_state_is_no_empty_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plugins.json"
    path.write_text(text)
    with pytest.raises(PlatformError, match=r"state file .*plugins.json is no"):
        PluginManager(state=path)


def test_a_switch_that_cannot_be_kept_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    manager = managing(Scripted("x"))
    manager._state._path = tmp_path / "file" / "plugins.json"
    with pytest.raises(PlatformError, match="state file"):
        manager.disable("x")
    assert manager.is_enabled("x")


# -- lists


@case("W47")
def test_lists_are_sorted_whatever_came_first() -> None:
    def bringing(name: str, order: int) -> Scripted:
        item = {"id": f"{name}1", "label": "", "path": "", "location": "admin", "order": order}
        return Scripted(
            name,
            routes=[{"method": m, "path": f"/{name}", "handler": "f"} for m in ("POST", "GET")],
            menu_items=[item, {**item, "id": f"{name}0"}, {**item, "location": "agent"}],
            widgets=[{"id": name, "title": "", "handler": "w", "location": "dashboard"}],
            jobs=[
                {"id": "j2", "handler": "f", "schedule": "* * * * *", "enabled": True},
                {"id": "j1", "handler": "f", "schedule": "* * * * *", "enabled": True},
                {"id": "j0", "handler": "f", "schedule": "* * * * *"},
            ],
            hide_menu_items=["queues", name],
            landing_page=f"/{name}",
        )

    plugins = [bringing("b", 1), bringing("a", 2), bringing("c", 1)]
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        catalog = managing(*(plugins[number] for number in order)).catalog
        assert [(p, r.method) for p, r in catalog.routes()] == [
            (name, method) for name in "abc" for method in ("GET", "POST")
        ]
        assert [item.id for _, item in catalog.menu_items("admin")] == [
            "b0", "b1", "c0", "c1", "a0", "a1"
        ]  # fmt: skip
        assert len(catalog.menu_items()) == 9
        assert [plugin for plugin, _ in catalog.widgets("dashboard")] == ["a", "b", "c"]
        assert catalog.widgets("elsewhere") == []
        assert [(p, j.id) for p, j in catalog.jobs()] == [
            (name, job) for name in "abc" for job in ("j1", "j2")
        ]
        assert catalog.hidden_menu_items() == ["a", "b", "c", "queues"]
        assert catalog.landing_page() == "/a"


def test_who_is_switched_off_is_in_no_list() -> None:
    route = {"method": "GET", "path": "/", "handler": "f"}
    more: dict[str, Any] = {"routes": [route], "landing_page": "/", "hide_menu_items": ["admin"]}
    manager = managing(Scripted("a", **more), Scripted("b", **more))
    manager.disable("a")
    assert [plugin for plugin, _ in manager.catalog.routes()] == ["b"]
    manager.disable("b")
    assert manager.catalog.routes() == []
    assert (manager.catalog.landing_page(), manager.catalog.hidden_menu_items()) == ("", [])


# -- ending


@case("W48")
def test_one_that_hangs_does_not_keep_the_others() -> None:
    """Nor itself: a guest is stopped."""
    hanging = quick(
        guest({"name": "h", "version": "1"}, call=(*LOOP, "i64.const 0")), timeout=HANGS, fuel=None
    )
    others = [Scripted(f"p{number}") for number in range(5)]
    manager = managing(hanging, *others, shutdown_timeout=0.2)

    def hang() -> Any:
        with pytest.raises(CallError):
            manager.call("h", "f")
        return "stopped"

    def end() -> Any:
        while not any(status.running for status in manager.status()):
            threading.Event().wait(0.01)
        # other things can be asked for meanwhile
        with pytest.raises(ShutdownError) as caught:
            manager.shutdown()
        return str(caught.value)

    stopped, text = together(hang, end, seconds=HANGS)
    assert stopped == "stopped"
    assert text == 'shutdown errors: ["h": calls were still running after 0.2 s]'
    assert [plugin.shutdowns for plugin in others] == [1] * 5
    assert manager.names() == []
    with pytest.raises(PlatformError, match="the manager is shut down"):
        manager.register(Scripted("new"))


@case("W48")
def test_all_are_ended_at_the_same_time() -> None:
    ready = threading.Barrier(6)

    class Meeting(Scripted):
        def shutdown(self) -> None:
            """Returns when all are here."""
            ready.wait(HANGS)
            super().shutdown()

    plugins = [Meeting(f"p{number}") for number in range(6)]
    managing(*plugins).shutdown()
    assert [plugin.shutdowns for plugin in plugins] == [1] * 6


def test_errors_of_the_end_are_collected() -> None:
    class Failing(Scripted):
        def shutdown(self) -> None:
            raise OSError(f"{self.name} is broken")

    manager = managing(Failing("b"), Scripted("c"), Failing("a"))
    with pytest.raises(PlatformError) as kept:
        manager.unregister("a")
    assert str(kept.value) == 'plugin "a" shutdown failed: a is broken'
    assert manager.call("a", "f", 1) == 1
    with pytest.raises(ShutdownError) as caught:
        manager.shutdown()
    assert str(caught.value) == 'shutdown errors: ["a": a is broken, "b": b is broken]'
    assert set(caught.value.errors) == {"a", "b"}


def test_unregistering_waits_for_calls() -> None:
    entered, go = threading.Event(), threading.Event()

    def slow(plugin: Scripted, args: Any) -> bool:
        entered.set()
        assert go.wait(HANGS)
        return plugin.closed

    manager = managing(Scripted("x", {"f": slow}), shutdown_timeout=HANGS)

    def unregister() -> None:
        assert entered.wait(HANGS)
        threading.Timer(0.05, go.set).start()
        manager.unregister("x")

    assert together(lambda: manager.call("x", "f"), unregister) == [False, None]
    assert not manager.is_registered("x")


def test_an_ended_plugin_is_closed() -> None:
    plugin = quick(named("x"))
    with managing(plugin):
        pass
    assert plugin.closed
    with pytest.raises(PluginClosed):
        plugin.call("f")


# -- policies


def permitted(**scopes: list[str]) -> Policy:
    return Policy(permissions=tuple(Permission(type, "", tuple(scopes[type])) for type in scopes))


@pytest.mark.parametrize("make", [lambda: quick(asker("a")), lambda: Scripted("a")])
def test_policies_stand_between_plugins(make: Any) -> None:
    policies = Policies()
    plugin = make()
    manager = managing(plugin, Scripted("b"), policies=policies)

    def ask_b() -> Any:
        if isinstance(plugin, Scripted):
            try:
                return json.loads(plugin.ask("b", "f", b"1") or b"")
            except HostFunctionError:
                return None
        request = {"plugin": "b", "function": "f", "args": 1}
        answer = manager.call_raw("a", "call", question("plugin_call", request))
        return None if answer is None else json.loads(answer)

    assert ask_b() is None
    policies.set("a", permitted(plugin_call=["b"]))
    assert ask_b() == 1
    policies.set("a", permitted(plugin_call=["c"]))
    assert ask_b() is None
    counted = {str(row["plugin_name"]): row for row in policies.statistics()}
    assert (counted["a"]["calls"], counted["a"]["errors"]) == (1, 2)


def test_policies_reach_the_new_plugin_and_the_old_if_that_fails() -> None:
    policies = Policies()
    manager = managing(first := Scripted("a"), Scripted("b"), policies=policies)
    with pytest.raises(PlatformError, match="init failed: no"):
        manager.replace("a", Refusing("a"))
    policies.set("a", permitted(plugin_call=[]))
    assert first.ask("b", "f", b"1") == b"1"
    second = Scripted("a")
    manager.replace("a", second)
    assert second.ask("b", "f", b"1") == b"1"
    policies.forget("a")
    with pytest.raises(HostFunctionError, match="plugin-to-plugin calls not granted"):
        second.ask("b", "f", b"1")


def test_a_policy_says_how_long_ending_may_take() -> None:
    go = threading.Event()
    plugin = Scripted("x", {"f": lambda plugin, args: go.wait(HANGS)})
    policies = Policies({"x": Policy(shutdown_timeout="50ms")})
    manager = managing(plugin, policies=policies, shutdown_timeout=HANGS)

    def end() -> str:
        while not any(status.running for status in manager.status()):
            threading.Event().wait(0.01)
        try:
            with pytest.raises(PlatformError) as caught:
                manager.unregister("x")
        finally:
            go.set()
        return str(caught.value)

    _, text = together(lambda: manager.call("x", "f"), end)
    assert text == 'plugin "x" shutdown failed: calls were still running after 0.05 s'


def declaring(*types: str) -> dict[str, Any]:
    return {"resources": {"permissions": [{"type": each, "access": "read"} for each in types]}}


def test_a_new_one_that_fails_leaves_no_policy_behind() -> None:
    policies = Policies(mode="declared")
    manager = managing(Scripted(**declaring("cache")), policies=policies)
    before = policies.get("x")
    with pytest.raises(PlatformError, match="init failed: no"):
        manager.replace("x", Refusing(**declaring("cache", "http")))
    assert policies.get("x") == before
    policies.set("x", Policy())
    policies.forget("x")
    sandbox = manager._entries["x"].sandbox
    assert sandbox is not None
    assert sandbox.policy == before


def test_nothing_is_replaced_after_the_end() -> None:
    undone: list[str] = []

    class Late(Scripted):
        def init(self, host: HostAPI, *, name: str | None = None, replace: bool = False) -> None:
            super().init(host, name=name, replace=replace)
            manager.shutdown()

    def effect(plugin: str, manifest: GKRegistration) -> Any:
        return lambda: undone.append(manifest.version)

    manager = managing(old := Scripted(), effects=[effect])
    new = Late(version="2.0.0")
    with pytest.raises(PlatformError, match="the manager is shut down"):
        manager.replace("x", new)
    assert manager.names() == []
    assert undone == ["1.0.0", "2.0.0"]
    assert (old.shutdowns, new.shutdowns) == (1, 0)


def test_no_two_plugins_have_the_same_custom_fields() -> None:
    manager = managing(Scripted("a-b"))
    second = Scripted("a_b")
    with pytest.raises(
        PlatformError, match='custom fields of plugin "a-b": both begin with "a_b_"'
    ):
        manager.register(second)
    assert second.inits == 0
    manager.replace("a-b", Scripted("a-b"))
    manager.unregister("a-b")
    assert manager.register(second) == "a_b"


def test_of_two_that_begin_at_once_one_has_the_fields() -> None:
    class Between(Scripted):
        def init(self, host: HostAPI, *, name: str | None = None, replace: bool = False) -> None:
            super().init(host, name=name, replace=replace)
            manager.register(Scripted("a_b"))

    manager = managing()
    with pytest.raises(PlatformError, match='custom fields of plugin "a_b"'):
        manager.register(Between("a-b"))
    assert manager.names() == ["a_b"]


def test_texts_of_manifests_are_translations() -> None:
    """Unless the host has its own; in the caller's language, a part of it, or English."""
    texts = {"en": {"greet": "Hello %s", "only": "English"}, "de": {"greet": "Hallo %s"}}
    host = MemoryHost(translations={"de": {"shop.own": "vom Host"}})
    other = guest({"name": "shop", "version": "1.0.0", "i18n": {"translations": texts}})
    with PluginManager(host) as manager:
        manager.register(load(RELAY))
        manager.register(quick(other))

        def said(key: str, language: str, *args: Any) -> Any:
            asked = {"key": key, "args": [*args]}
            return manager.call("relay", "translate", asked, envelope=Envelope(language=language))

        assert said("shop.greet", "de", "Ada") == {"value": "Hallo Ada"}
        assert said("shop.greet", "de-AT", "Ada") == {"value": "Hallo Ada"}
        assert said("shop.greet", "fr", "Ada") == {"value": "Hello Ada"}
        assert said("shop.only", "de") == {"value": "English"}
        assert said("shop.own", "de") == {"value": "vom Host"}
        assert said("shop.none", "de") == {"value": "shop.none"}
        manager.unregister("shop")
        assert said("shop.greet", "de", "Ada") == {"value": "shop.greet"}
