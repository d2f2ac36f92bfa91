"""Instructions of plugin calls, as counted here and by wasmtime."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pywasmgk

pytest.importorskip("wasmtime")

from guest_driver import Driver, ours, theirs
from guest_host import make_host

GUESTS = Path(__file__).parent.parent / "guests"
#: relay makes the host run another plugin, always on our engine
CASES = [case for case in json.loads((GUESTS / "cases.json").read_text()) if case[0] != "relay"]
#: every so many cases, since a case costs Go and AssemblyScript ten times what it costs C
STRIDES = {"c": 1, "go": 7, "assemblyscript": 5}


@pytest.mark.parametrize("language", STRIDES)
def test_plugin_calls_cost_what_they_cost_on_wasmtime(language: str) -> None:
    data = (GUESTS / language / "workshop.wasm").read_bytes()
    module = pywasmgk.Module(data)
    plugin = pywasmgk.load((GUESTS / "c" / "workshop.wasm").read_bytes())
    mine, other = (Driver(make, make_host(plugin)) for make in (ours(module), theirs(data)))
    if any(export.name == "_initialize" for export in module.exports):
        for driver in (mine, other):
            driver.engine.call("_initialize")
        assert mine.engine.fuel() == other.engine.fuel()
    for function, args, _ in CASES[:: STRIDES[language]]:
        found = mine.call(function, (args or "").encode())
        assert found == other.call(function, (args or "").encode()), (function, args)
        assert found[1] > 0
