"""Recipes go to bytes and back, and nothing that strangers write in them is imported or granted."""

from __future__ import annotations

import dataclasses
import json
import pickle
import sys
from hashlib import sha256
from io import BytesIO
from struct import pack
from typing import Any

import pytest
from plugin_guests import COUNTER
from workers import Desk

import pywasmgk
from pywasmgk import Features, Limits, PluginRecipe, RecipeError, examples
from pywasmgk.wasm.stepping.packing import seal, unseal

HELLO = examples.read("hello")
MEMORY = "pywasmgk:MemoryHost"


DESK = f"{Desk.__module__}:Desk"


def test_it_goes_to_bytes_and_back() -> None:
    recipe = PluginRecipe.of(
        HELLO,
        host=MEMORY,
        arguments={"config": {"a": [1, None, "ä"]}},
        name="greeter",
        fuel=1 << 60,
        timeout=None,
        restart_on_trap=True,
        stdout="log",
        engine="interpreter",
        features=Features(),
        receipts=pywasmgk.ReceiptPolicy(b"\xff", 7, 9),
    )
    again = PluginRecipe.from_bytes(recipe.to_bytes(), hosts=[MEMORY])
    assert again == recipe
    assert again.to_bytes() == recipe.to_bytes()
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert again.fingerprint == sha256(HELLO).digest()


def test_it_is_loaded_with_its_host() -> None:
    data = PluginRecipe.of(
        examples.read("dashboard"), host=DESK, arguments={"title": "T"}, name="d"
    )
    with PluginRecipe.from_bytes(data.to_bytes(), hosts=[DESK]).load() as plugin:
        assert plugin.call("widget_tickets", {})["html"].startswith("<h2>T</h2>")
        assert plugin.identity == "d"


def test_it_begins_with_a_snapshot() -> None:
    with pywasmgk.load(COUNTER) as plugin:
        assert [plugin.call("next") for _ in range(2)] == [2, 3]
        data = plugin.snapshot()
    recipe = PluginRecipe.of(COUNTER, snapshot=data)
    module = pywasmgk.Module(recipe.data)
    again = PluginRecipe.from_bytes(recipe.to_bytes())
    with again.load(module=module) as one, again.load() as other:
        assert (one.call("next"), other.call("next")) == (4, 4)
    with pytest.raises(pywasmgk.PluginError, match="another module"):
        again.load(module=pywasmgk.Module("(module)"))


def test_options_of_the_machine_are_given_when_it_is_loaded() -> None:
    out = BytesIO()
    with pytest.raises(RecipeError, match='stdout of a recipe can be "log"'):
        PluginRecipe.of(HELLO, stdout=out).to_bytes()
    for name in ("progress", "snapshot_key"):
        with pytest.raises(RecipeError, match=f"with {name}= cannot be written"):
            PluginRecipe.of(HELLO, **{name: b"x"}).to_bytes()
    recipe = PluginRecipe.from_bytes(PluginRecipe.of(HELLO, cache_dir="/somewhere").to_bytes())
    assert recipe.options.cache_dir is None
    with recipe.load(stdout=out) as plugin:
        assert plugin.options.stdout is out


# -- strangers


def test_hosts_are_imported_only_if_they_are_allowed() -> None:
    data = PluginRecipe.of(HELLO, host="antigravity:geohash").to_bytes()
    for hosts in ((), [MEMORY], ["antigravity"]):
        with pytest.raises(RecipeError, match="'antigravity:geohash', which is not among"):
            PluginRecipe.from_bytes(data, hosts=hosts)
    PluginRecipe.from_bytes(data, hosts=["antigravity:geohash"])
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("host", ["x", "x:", ":y", "x:y()", "x:y:z", ".x:y", "x/y:z", "x:y z"])
def test_names_of_hosts_have_one_form(host: str) -> None:
    with pytest.raises(RecipeError, match=r"package\.module:callable"):
        PluginRecipe.of(HELLO, host=host)


@pytest.mark.parametrize("host", ["no_such_module:f", "pywasmgk:no_such", "pywasmgk:__version__"])
def test_a_host_that_is_not_there(host: str) -> None:
    with pytest.raises(RecipeError, match="host factory"):
        PluginRecipe.of(HELLO, host=host).load()


def test_a_host_that_cannot_be_made_leaves_no_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []
    monkeypatch.setattr(pywasmgk.Plugin, "shutdown", lambda self: ended.append(self))
    with pytest.raises(TypeError, match="title"):
        PluginRecipe.of(HELLO, host=DESK).load()
    assert len(ended) == 1


def test_it_gets_no_more_than_the_receiver_grants() -> None:
    data = PluginRecipe.of(
        HELLO, fuel=None, timeout=0, memory_limit=3, depth_limit=9_000
    ).to_bytes()
    assert PluginRecipe.from_bytes(data).options.limits.fuel is None
    limits = PluginRecipe.from_bytes(data, limits=Limits()).options.limits
    assert limits == dataclasses.replace(Limits(), memory_limit=3)
    unlimited = Limits(fuel=None, timeout=None)
    assert PluginRecipe.from_bytes(data, limits=unlimited).options.limits.timeout is None


def test_keys_authenticate() -> None:
    data = PluginRecipe.of(HELLO).to_bytes(b"key")
    assert PluginRecipe.from_bytes(data, b"key").data == HELLO
    changed = bytearray(data)
    changed[-1] ^= 1
    for wrong, key in ((data, None), (data, b"other"), (bytes(changed), b"key")):
        with pytest.raises(RecipeError):
            PluginRecipe.from_bytes(wrong, key)


def parts() -> tuple[dict[str, Any], bytes]:
    content = unseal(b"\6", PluginRecipe.of(HELLO).to_bytes(), None)
    size = int.from_bytes(content[:4], "little")
    return json.loads(content[12 : 12 + size]), content[12 + size :]


def packed(form: Any, rest: bytes, *, module: int = len(HELLO)) -> bytes:
    head = json.dumps(form).encode()
    return seal(b"\6", pack("<IQ", len(head), module) + head + rest, None)


def test_forms_are_read_again() -> None:
    assert PluginRecipe.from_bytes(packed(*parts())) == PluginRecipe.of(HELLO)


@pytest.mark.parametrize(
    "change",
    [
        {"restart": 1},
        {"engine": None},
        {"stdout": "/etc/passwd"},
        {"limits": {"fuel": -1}},
        {"limits": {"fuel": "1"}},
        {"limits": {"no_such": 1}},
        {"limits": []},
        {"refused": ["no_such"]},
        {"refused": [["simd"]]},
        {"receipts": 1},
        {"receipts": {"seed": "x", "start": 1, "step": 1}},
        {"receipts": {"seed": None}},
        {"snapshot": True},
        {"host": "x"},
        {"host": 1},
        {"arguments": []},
        {"name": 1},
        {"cache_dir": "/tmp"},
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    form, rest = parts()
    with pytest.raises(RecipeError):
        PluginRecipe.from_bytes(packed({**form, **change}, rest), hosts=["x", 1])


@pytest.mark.parametrize("name", parts()[0])
def test_all_members_are_needed(name: str) -> None:
    form, rest = parts()
    del form[name]
    with pytest.raises(RecipeError):
        PluginRecipe.from_bytes(packed(form, rest))


def test_sizes_are_checked() -> None:
    form, rest = parts()
    for size in (len(HELLO) + 1, len(HELLO) - 1, (1 << 64) - 1):
        with pytest.raises(RecipeError):
            PluginRecipe.from_bytes(packed(form, rest, module=size))
    for other in ([], None, {**form, "arguments": {"a": [0] * 60_000}}, "x" * (1 << 21)):
        with pytest.raises(RecipeError):
            PluginRecipe.from_bytes(packed(other, rest))
    whole = PluginRecipe.of(HELLO).to_bytes()
    for end in range(0, len(whole), 97):
        with pytest.raises(RecipeError):
            PluginRecipe.from_bytes(whole[:end])
    with pytest.raises(RecipeError, match="cut off"):
        PluginRecipe.from_bytes(seal(b"\6", b"123", None))
    with pytest.raises(RecipeError, match="allowed"):
        PluginRecipe.of(HELLO, host=MEMORY, arguments={"a": "x" * (1 << 20)}).to_bytes()
    with pytest.raises(RecipeError, match="no JSON"):
        PluginRecipe.of(HELLO, host=MEMORY, arguments={"a": object()}).to_bytes()
