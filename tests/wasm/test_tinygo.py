"""A module that TinyGo built, as a package brings it: it has a scheduler, and an exit in _start."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

import pywasmgk

_SPEC = importlib.util.find_spec("eu_licence_validator")
pytestmark = pytest.mark.skipif(
    _SPEC is None, reason="needs a module by TinyGo: pip install eu-licence-validator==0.1.27"
)

#: licence plates, their countries, and whether the one may be of the other
PLATES = [
    ("WPI 1234X", "PL", True),
    ("WPI1234X", "PL", True),
    ("AA-123-SS", "FR", False),
    ("AA-123-BB", "FR", True),
    ("B-AB 1234", "DE", True),
    ("AA-123-BB", "DE", False),
    ("", "PL", False),
    ("WPI 1234X", "", False),
    ("WPI 1234X", "XX", False),
    ("\u00fc" * 300, "DE", False),
]


class Guest:
    """The package's binding, by our engine."""

    def __init__(self, module: pywasmgk.Module) -> None:
        self.said: list[bytes] = []
        wasi = pywasmgk.WasiConfig(stdout=self.said.append, stderr=self.said.append)
        self.instance = pywasmgk.instantiate(module, wasi=wasi)
        self.exports: Any = self.instance.exports
        self.memory: pywasmgk.Memory = self.exports.memory

    def place(self, data: bytes) -> tuple[int, int]:
        address = self.exports.alloc(len(data)) & 0xFFFFFFFF
        self.memory.write(address, data)
        return address, len(data)

    def is_valid(self, plate: str, country: str) -> bool:
        first, second = self.place(plate.encode()), self.place(country.encode())
        result = self.exports.validate(*first, *second)
        self.exports.dealloc(first[0])
        self.exports.dealloc(second[0])
        return bool(result == 1)


@pytest.fixture(scope="module")
def guest() -> Guest:
    """The package's module, started once: it compiles its patterns then."""
    assert _SPEC is not None
    assert _SPEC.origin is not None
    module = pywasmgk.Module.from_file(Path(_SPEC.origin).parent / "wasm" / "core.wasm")
    assert b"TinyGo" in module.data
    guest = Guest(module)
    # main returns, and the runtime says so to WASI
    with pytest.raises(pywasmgk.Exit) as exit:
        guest.exports._start()
    assert exit.value.code == 0
    return guest


def test_plates_are_judged(guest: Guest) -> None:
    for plate, country, valid in PLATES:
        assert guest.is_valid(plate, country) is valid, (plate, country)
    assert guest.said == []


def test_the_package_says_the_same_by_wasmtime(guest: Guest) -> None:
    package = pytest.importorskip("eu_licence_validator", reason="needs wasmtime")
    countries = ["CZ", "DE", "ES", "FR", "PL", "SE"]
    plates = ["WPI 1234X", "AA-123-BB", "B-AB 1234", "1234 BCD", "ABC 123"]
    judged = {(p, c): package.is_valid(p, c) for p in plates for c in countries}
    assert {(p, c): guest.is_valid(p, c) for p in plates for c in countries} == judged
    assert set(judged.values()) == {True, False}
