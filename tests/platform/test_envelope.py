"""On whose behalf plugins are called: the host says so, and nobody else (contract 4.4, 5.7)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted import Scripted

from pywasmgk import CallError, MemoryHost, acting
from pywasmgk.platform import Envelope, PluginManager
from pywasmgk.platform.envelope import ENVELOPE_KEYS, enveloped, stripped
from pywasmgk.plugin import CallContext

ADA = Envelope(user_id=7, org_id=3, language="de")
MEMBERS = {"_user_id": 7, "_org_id": 3, "_lang": "de"}


def test_the_host_adds_what_it_knows() -> None:
    assert enveloped(None, None) is None
    assert enveloped(b"", None) == b""
    assert json.loads(enveloped(None, ADA) or b"") == MEMBERS
    assert json.loads(enveloped(b'{"a":1}', ADA) or b"") == {"a": 1, **MEMBERS}
    whole = Envelope(1, 2, "en", "a@b", "ada", "admin", False, "c", "GET", "/x")
    assert set(whole.members()) == ENVELOPE_KEYS


@pytest.mark.parametrize(
    "forged",
    [
        '{"_user_id":1}',
        '{"_USER_ID":1}',
        '{"_u\\u017fer_id":1}',
        '{"\\u005fis_admin":true}',
        '{"_org_id":1,"_org_id":2}',
        ' \n{"_method":"POST"}',
        '{"_lang":null}',
    ],
)
def test_what_a_client_says_of_itself_does_not_count(forged: str) -> None:
    assert enveloped(forged.encode(), None) == b"{}"
    assert json.loads(enveloped(forged.encode(), ADA) or b"") == MEMBERS


def test_what_is_none_of_it_stays_as_it_is() -> None:
    exact = b' {"a_b": 1e2, "_x": 12345678901234567890, "_user": {"_user_id": 1}} '
    assert enveloped(exact, None) is exact
    for other in (b"[1]", b"null", b'"_user_id"', b"\xff_user_id", b"1"):
        assert enveloped(other, ADA) is other
    assert stripped({"a": 1, "_Lang": 2}) == {"a": 1}


@pytest.mark.parametrize(
    "text", [b'{"_user_id":1,}', b"{_user_id:1}", b'\xef\xbb\xbf{"_user_id":1}']
)
def test_what_is_no_json_does_not_slip_through(text: bytes) -> None:
    with pytest.raises(CallError, match="the arguments are no JSON"):
        enveloped(text, None)


def test_it_goes_with_the_call_and_on_to_other_plugins() -> None:
    contexts: list[tuple[int, int, str]] = []

    class Noting(MemoryHost):
        def config_get(self, ctx: CallContext, key: str) -> str:
            contexts.append((ctx.user_id, ctx.org_id, ctx.language))
            return ""

    def forward(plugin: Scripted, args: Any) -> Any:
        assert plugin.host is not None
        # a plugin cannot make itself another user either
        return json.loads(plugin.ask("b", "f", b'{"a":1,"_user_id":99}') or b"")

    manager = PluginManager(Noting())
    manager.register(Scripted("a", {"go": forward}))
    manager.register(Scripted("b"))
    assert manager.call("a", "go", {"x": 1, "_user_id": 5}, envelope=ADA) == {"a": 1, **MEMBERS}
    assert manager.call("a", "go") == {"a": 1}
    assert manager.call("b", "f", {"x": 1, "_user_id": 5}, envelope=ADA) == {"x": 1, **MEMBERS}
    assert manager.call("b", "f", {"x": 1, "_user_id": 5}) == {"x": 1}


def test_host_functions_see_it() -> None:
    from plugin_guests import asker, question, quick

    seen: list[tuple[int, int, str]] = []

    class Noting(MemoryHost):
        def config_get(self, ctx: CallContext, key: str) -> str:
            seen.append((ctx.user_id, ctx.org_id, ctx.language))
            return ""

    manager = PluginManager(Noting())
    manager.register(quick(asker("x")))
    request = question("config_get", {"key": "k"})
    manager.call_raw("x", "call", request, envelope=ADA)
    manager.call_raw("x", "call", request)
    with acting(org_id=4):
        manager.call_raw("x", "call", request)
    assert seen == [(7, 3, "de"), (0, 0, "en"), (0, 4, "en")]
