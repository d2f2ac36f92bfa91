"""Plugins of a folder: found, loaded, loaded again (contract 5.2)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from plugin_guests import asker, guest, question, quick
from scripted import together

from pywasmgk import MemoryHost, Plugin
from pywasmgk.errors import PlatformError, PluginDisabled, PluginError, PluginNotFound
from pywasmgk.platform import PluginLoader, PluginManager, Policies, Policy
from pywasmgk.plugin import GKRegistration

case = pytest.mark.case


def named(name: str, **more: Any) -> bytes:
    """A guest that echoes."""
    return guest({"name": name, "version": "1.0.0", **more})


def folder_of(tmp_path: Path, **files: bytes) -> Path:
    folder = tmp_path / "plugins"
    for name, data in files.items():
        path = folder / f"{name.replace('__', '/')}.wasm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def loading(folder: Path, **options: Any) -> PluginLoader:
    return PluginLoader(PluginManager(MemoryHost()), folder, **options)


def messages(loader: PluginLoader) -> list[str]:
    """What was logged, the oldest first."""
    return [entry.message for entry in reversed(loader.manager.log.all())]


# -- eager


@case("H06")
def test_what_is_good_is_loaded_and_what_is_not_is_told(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, good=named("good"), bad=b"\0asm\2\0\0\0", sub__deep=named("deep"))
    (folder / "sub" / "UPPER.WASM").write_bytes(named("upper"))
    (folder / "README.txt").write_text("no plugin")
    (folder / "empty.wasm").write_bytes(b"")
    (folder / "package.zip").write_bytes(b"PK")
    (folder / "folder.wasm").mkdir()
    (folder / ".unpacking").mkdir()
    (folder / ".unpacking" / "half.wasm").write_bytes(named("half"))
    loader = loading(folder)
    failures = loader.load_all()
    assert loader.manager.names() == ["deep", "good", "upper"]
    bad, empty = map(str, failures)
    assert bad.startswith("load bad.wasm: load wasm: instantiate wasm: invalid version header")
    assert empty.startswith("load empty.wasm: load wasm: instantiate wasm: invalid magic number")
    assert [line for line in messages(loader) if line.startswith("Plugin")] == [
        f"Plugin loaded: {name}" for name in ("deep", "good", "upper")
    ]
    files = {file.path.name: file for file in loader.files()}
    assert files["UPPER.WASM"].name == "upper"
    assert files["bad.wasm"].error is not None
    # once more is no harm
    assert len(loader.load_all()) == 2


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    loader = loading(tmp_path / "a" / "b")
    assert loader.load_all() == []
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(PlatformError, match="plugin folder"):
        loading(tmp_path / "file").load_all()


def test_texts_of_what_fails(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, a=named("x"), b=named("x"), gone=b"", c=named("y", version=""))
    loader = loading(folder)
    assert [str(failure) for failure in loader.load_all()][:2] == [
        'load b.wasm: register: plugin "x" already registered',
        "load c.wasm: load wasm: gk_register failed: parse manifest: version is missing",
    ]
    (folder / "gone.wasm").unlink()
    with pytest.raises(PlatformError, match=r"^load wasm: read wasm file: "):
        loader.load(folder / "gone.wasm")
    with pytest.raises(PlatformError) as caught:
        loader.load(folder / "b.wasm")
    assert str(caught.value) == 'register: plugin "x" already registered'


@case("W14")
def test_odd_manifests_are_refused_unless_somebody_wants_them(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, a=named("x", version=""))
    assert len(loading(folder).load_all()) == 1
    assert loading(folder, strict=False).load_all() == []


def test_a_plugin_that_is_not_registered_is_shut_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[Plugin] = []
    shutdown = Plugin.shutdown
    monkeypatch.setattr(
        Plugin, "shutdown", lambda self, **how: (ended.append(self), shutdown(self, **how))[1]
    )
    loader = loading(folder_of(tmp_path, a=named("x"), b=named("x")))
    assert len(loader.load_all()) == 1
    assert len(ended) == 1
    assert ended[0] is not loader.manager.get("x")


def test_they_come_in_the_order_of_what_they_need(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, a=named("a"), b=named("b"), c=named("c"), d=named("d"))
    needs = {"a": ["b", "c"], "b": ["c"], "d": ["nobody"]}

    def dependencies(path: Path, manifest: GKRegistration) -> list[str]:
        return needs.get(manifest.name, [])

    loader = loading(folder, dependencies=dependencies)
    (failure,) = loader.load_all()
    assert str(failure) == ('load d.wasm: register: plugin "d" depends on "nobody": not registered')
    loaded = [line for line in messages(loader) if line.startswith("Plugin loaded")]
    assert loaded == [f"Plugin loaded: {name}" for name in "cba"]
    needs |= {"a": ["b"], "c": ["a"], "d": []}
    other = loading(folder, dependencies=dependencies)
    text = "register: plugins depend on each other: a -> b -> c -> a"
    assert [str(failure) for failure in other.load_all()] == [
        f"load {name}.wasm: {text}" for name in "abc"
    ]
    assert other.manager.names() == ["d"]


# -- lazy


@case("H08")
def test_nothing_is_loaded_before_its_first_call(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, one=named("one"), two=named("two"))
    loader = loading(folder, lazy=True)
    manager = loader.manager
    assert loader.load_all() == []
    assert manager.names() == []
    assert messages(loader) == [
        f"Plugin discovered: {name} (type: wasm)" for name in ("one", "two")
    ]
    assert manager.call("two", "f", 1) == 1
    assert manager.names() == ["two"]
    assert messages(loader)[-1] == "Plugin loaded: two"
    with pytest.raises(PluginNotFound, match='plugin "three" not found'):
        manager.call("three", "f")


@case("H08")
def test_a_first_call_of_a_plugin_loads_too(tmp_path: Path) -> None:
    """On the account of the call that runs; the plugin that is loaded has its own."""
    loader = loading(folder_of(tmp_path, target=named("target")), lazy=True)
    loader.load_all()
    loader.manager.register(quick(asker("a")))
    request = {"plugin": "target", "function": "f", "args": {"n": 1}}
    answer = loader.manager.call_raw("a", "call", question("plugin_call", request))
    assert answer is not None
    assert json.loads(answer) == {"n": 1}


def test_many_first_calls_load_once(tmp_path: Path) -> None:
    loads: list[str] = []

    def seen(path: Path, data: bytes) -> None:
        loads.append(path.stem)

    loader = loading(folder_of(tmp_path, x=named("x")), lazy=True, verify=seen)
    loader.load_all()
    jobs = [lambda n=n: loader.manager.call("x", "f", n) for n in range(8)]
    assert together(*jobs) == [*range(8)]
    assert loads == ["x"]


def test_one_that_cannot_be_loaded_is_not_tried_at_every_call(tmp_path: Path) -> None:
    tries: list[str] = []
    folder = folder_of(tmp_path, x=b"no plugin")
    loader = loading(folder, lazy=True, verify=lambda path, data: tries.append(path.stem))
    loader.load_all()
    for _ in range(3):
        with pytest.raises(PluginNotFound, match='plugin "x" not found') as caught:
            loader.manager.call("x", "f")
        assert "load wasm: " in str(caught.value.__cause__)
    assert tries == ["x"]
    (folder / "x.wasm").write_bytes(named("x"))
    assert loader.manager.call("x", "f", 1) == 1


# -- one key


@case("W35")
@pytest.mark.parametrize("lazy", [False, True])
def test_the_name_in_the_manifest_is_the_key(tmp_path: Path, lazy: bool) -> None:
    folder = folder_of(tmp_path, file=named("name"), aaa=named("other"))
    loader = loading(folder, lazy=lazy)
    loader.load_all()
    assert loader.manager.call("name", "f", 1) == 1
    assert loader.manager.is_registered("name")
    assert not loader.manager.is_registered("file")
    # either of both is known for all else
    assert loader.reload("name") == loader.reload("file") == "name"
    loader.unload("file")
    with pytest.raises(PluginNotFound, match='plugin "name" not found'):
        loader.manager.call("name", "f")
    with pytest.raises(PluginNotFound):
        loader.unload("name")


@case("W35")
def test_the_name_of_the_file_leads_to_it(tmp_path: Path) -> None:
    loader = loading(folder_of(tmp_path, file=named("name")), lazy=True)
    loader.load_all()
    assert loader.manager.call("file", "f", 1) == 1
    assert loader.manager.call("file", "f", 2) == 2
    assert loader.manager.names() == ["name"]
    assert loader.manager.stats("name").calls == 2


# -- loading again


@case("W36")
@pytest.mark.parametrize("lazy", [False, True])
def test_a_plugin_that_is_switched_off_can_be_updated(tmp_path: Path, lazy: bool) -> None:
    folder = folder_of(tmp_path, x=named("x", version="1"))
    loader = loading(folder, lazy=lazy)
    loader.load_all()
    loader.find("x")
    loader.manager.disable("x")
    (folder / "x.wasm").write_bytes(named("x", version="2"))
    assert loader.reload("x") == "x"
    assert loader.manager.manifest("x").version == "2"
    with pytest.raises(PluginDisabled):
        loader.manager.call("x", "f")
    # a call of one that is off does not load it again
    assert loader.manager.manifest("x").version == "2"
    loader.manager.enable("x")
    assert loader.manager.call("x", "f", 1) == 1


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"broken", "load wasm: instantiate wasm: "),
        (named("y"), 'register: new plugin name "y" doesn\'t match old name "x"'),
        (named("x", min_host_version="99"), "load wasm: gk_register failed: .*min_host_version 99"),
    ],
)
def test_a_reload_that_fails_leaves_the_old_one(tmp_path: Path, data: bytes, text: str) -> None:
    folder = folder_of(tmp_path, x=named("x"))
    loader = loading(folder)
    loader.load_all()
    (folder / "x.wasm").write_bytes(data)
    with pytest.raises(PluginError, match=text):
        loader.reload("x")
    assert loader.manager.call("x", "f", 1) == 1
    assert loader.files()[0].error is not None
    (folder / "x.wasm").write_bytes(named("x", version="3"))
    loader.reload("x")
    assert loader.files()[0].error is None


# -- verifying


def trusting(*trusted: bytes) -> Callable[[Path, bytes], None]:
    """A check of what is read against what is trusted."""
    digests = {sha256(data).digest() for data in trusted}

    def verify(path: Path, data: bytes) -> None:
        if sha256(data).digest() not in digests:
            raise ValueError("no matching trusted key")

    return verify


@case("W37")
def test_a_reload_verifies(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, x=named("x"))
    loader = loading(folder, verify=trusting(named("x")))
    assert loader.load_all() == []
    (folder / "x.wasm").write_bytes(named("x", version="2"))
    with pytest.raises(PluginError) as caught:
        loader.reload("x")
    assert str(caught.value) == (
        "signature verification failed for WASM plugin x.wasm: no matching trusted key"
    )
    assert loader.manager.manifest("x").version == "1.0.0"


@case("W38")
def test_what_was_verified_is_what_is_loaded(tmp_path: Path) -> None:
    """Whoever changes the file while it is looked at gains nothing."""
    folder = folder_of(tmp_path, x=named("x"))
    verify = trusting(named("x"))

    def swapping(path: Path, data: bytes) -> None:
        verify(path, data)
        path.write_bytes(named("x", version="evil"))

    loader = loading(folder, verify=swapping)
    assert loader.load_all() == []
    assert loader.manager.manifest("x").version == "1.0.0"
    assert b"evil" in (folder / "x.wasm").read_bytes()


@case("H09")
def test_a_reload_needs_the_signature_that_loading_needed(tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="the extra packages is not installed")
    signing = pytest.importorskip("pywasmgk.platform.packages.signing")
    key = signing.PrivateKey(bytes(32))
    folder = folder_of(tmp_path, x=named("x"))
    (folder / "x.wasm.sig").write_text(signing.sign(named("x"), key))
    trust = signing.Trust((key.public,), required=True)
    loader = loading(folder, verify=trust.verify)
    assert loader.load_all() == []
    newer = named("x", version="2.0.0")
    (folder / "x.wasm").write_bytes(newer)
    with pytest.raises(PluginError, match=r"for WASM plugin x\.wasm: .*no matching trusted key$"):
        loader.reload("x")
    (folder / "x.wasm.sig").unlink()
    with pytest.raises(PluginError, match=r"failed to read signature file: no x\.wasm\.sig$"):
        loader.reload("x")
    assert loader.manager.manifest("x").version == "1.0.0"
    (folder / "x.wasm.sig").write_text(signing.sign(newer, key))
    loader.reload("x")
    assert loader.manager.manifest("x").version == "2.0.0"


def test_a_file_that_is_refused_is_not_even_decoded(tmp_path: Path) -> None:
    loader = loading(folder_of(tmp_path, x=b"junk"), verify=trusting())
    (failure,) = loader.load_all()
    assert str(failure).startswith("load x.wasm: signature verification failed for WASM plugin")


# -- limits


@case("W16")
@pytest.mark.parametrize("file", ["x", "other"])
def test_limits_of_policies_reach_the_runtime(tmp_path: Path, file: str) -> None:
    """Those of the plugin's name, whatever its file is called."""
    policies = Policies({"x": Policy(memory_mb=2, call_timeout="3s"), "other": Policy(memory_mb=1)})
    manager = PluginManager(MemoryHost(), policies=policies)
    loader = PluginLoader(manager, folder_of(tmp_path, **{file: named("x")}), fuel=10**6)
    assert loader.load_all() == []
    plugin = manager.get("x")
    assert isinstance(plugin, Plugin)
    assert (plugin.options.limits.memory_limit, plugin.options.limits.timeout) == (32, 3.0)
    assert plugin.limits.fuel == 10**6
    # more than the runtime's own default, too
    policies.set("x", Policy(memory_mb=64))
    loader.reload("x")
    plugin = manager.get("x")
    assert isinstance(plugin, Plugin)
    assert (plugin.limits.memory_limit, plugin.limits.timeout) == (1024, 30.0)


def test_an_option_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="unknown option 'memory'"):
        loading(tmp_path, memory=1)


def test_names_of_files_give_a_terminal_no_orders(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("no such names here")
    folder = folder_of(tmp_path, **{"\x1b[2Jx\n": b"junk"})
    (failure,) = loading(folder).load_all()
    assert str(failure).isprintable()
