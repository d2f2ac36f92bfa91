"""Features: proposals that a module may not use are refused by name."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest
from wasm_builder import body, code, function, functype, limits, module, name, section, vector

import pywasmgk
from pywasmgk import DecodeError, Features, Module, ValidationError, instantiate
from pywasmgk.wasm import features, isa
from pywasmgk.wasm.binary import primitives, reader
from pywasmgk.wasm.features import TITLES
from pywasmgk.wasm.remedies import remedy

FIELDS = [item.name for item in dataclasses.fields(Features)]
MEMORY = {"memories": [limits(1)]}
TABLE = b"\x70" + limits(1)


def segment(*parts: bytes) -> bytes:
    return module(tables=[TABLE], elements=[b"".join(parts)])


#: field of Features, and a module that uses it in one way only
USES = [
    ("simd", function("", "", "v128.const " + "00" * 16, "drop")),
    ("simd", function("", "", locals_="v128")),
    ("simd", function("v128", "")),
    ("simd", function("", "v128", "unreachable")),
    ("simd", function("", "", "unreachable", "block v128", "unreachable", "end", "drop")),
    ("simd", module(globals_=[b"\x7b\0" + code("v128.const " + "00" * 16)])),
    ("simd", module(imports=[name("env") + name("g") + b"\3\x7b\0"])),
    ("sign_extension", function("i32", "i32", "local.get 0", "i32.extend8_s")),
    ("sign_extension", function("i64", "i64", "local.get 0", "i64.extend32_s")),
    ("saturating_float_to_int", function("f32", "i32", "local.get 0", "i32.trunc_sat_f32_s")),
    ("multi_value", function("", "i32 i32", "unreachable")),
    (
        "multi_value",
        function(
            "",
            "",
            *("i32.const 1", "block 1", "drop", "end"),
            types=[functype(), functype("i32", "")],
        ),
    ),
    ("bulk_memory", function("", "", *["i32.const 0"] * 3, "memory.copy", **MEMORY)),
    ("bulk_memory", function("", "", *["i32.const 0"] * 3, "memory.fill", **MEMORY)),
    ("bulk_memory", function("", "", *["i32.const 0"] * 3, "table.copy", tables=[TABLE])),
    ("bulk_memory", module(datas=[b"\1" + name("passive")])),
    ("bulk_memory", module(data_count=0)),
    ("bulk_memory", segment(b"\1\0", vector([]))),
    ("reference_types", segment(b"\3\0", vector([]))),
    (
        "reference_types",
        module(
            tables=[b"\x6f" + limits(1)],
            elements=[b"\6\0" + code("i32.const 0") + b"\x6f" + vector([])],
        ),
    ),
    ("reference_types", module(tables=[TABLE, TABLE])),
    ("reference_types", module(tables=[b"\x6f" + limits(1)])),
    ("reference_types", function("funcref", "")),
    ("reference_types", function("", "", locals_="externref")),
    ("reference_types", function("", "", "i32.const 0", "table.get 0", "drop", tables=[TABLE])),
    ("reference_types", function("", "", "table.size 0", "drop", tables=[TABLE])),
    ("reference_types", function("", "", "ref.null funcref", "drop")),
    ("reference_types", function("i32", "i32", *["local.get 0"] * 3, "select i32")),
    ("threads", module(memories=[b"\3\1\2"])),
    ("threads", module(imports=[name("env") + name("m") + b"\2\3\1\2"])),
    ("threads", function("", "", "atomic.fence 0")),
    (
        "threads",
        function("i32", "i32", "local.get 0", "i32.atomic.load 2+0", **MEMORY),
    ),
    ("wide_arithmetic", function("", "", *["i64.const 1"] * 2, "i64.mul_wide_u", *["drop"] * 2)),
    (
        "compact_imports",
        module() + section(2, b"\1" + name("env") + b"\0\x7f\1" + name("g") + b"\3\x7f\0"),
    ),
    ("tail_calls", function("", "", "return_call 0")),
    ("tail_calls", function("", "", "i32.const 0", "return_call_indirect 0 0", tables=[TABLE])),
    ("exceptions", module(types=[functype()]) + section(13, b"\1\0\0")),
    ("exceptions", module(types=[functype()], imports=[name("env") + name("t") + b"\4\0\0"])),
    ("exceptions", function("", "", "try_table _ -", "end")),
    ("exceptions", function("exnref", "", "local.get 0", "throw_ref")),
    ("exceptions", function("exnref", "")),
    ("legacy_exceptions", function("", "", "try _", "end")),
    ("legacy_exceptions", function("", "", "try _", "catch_all", "rethrow 0", "end")),
    ("legacy_exceptions", function("", "", "try _", "delegate 0")),
    (
        "extended_constants",
        module(globals_=[b"\x7f\0" + code("i32.const 1", "i32.const 2", "i32.add")]),
    ),
    (
        "extended_constants",
        module(globals_=[b"\x7f\0" + code("i32.const 1"), b"\x7f\0" + code("global.get 0")]),
    ),
    (
        "extended_constants",
        module(datas=[b"\0" + code(*["i32.const 0"] * 2, "i32.mul") + name("x")], **MEMORY),
    ),
    ("mutable_globals", module(imports=[name("env") + name("g") + b"\3\x7f\1"])),
    (
        "mutable_globals",
        module(globals_=[b"\x7f\1" + code("i32.const 0")], exports=[("g", 3, 0)]),
    ),
]


@pytest.mark.parametrize(("field", "data"), USES)
def test_what_is_switched_off_is_refused_by_name(field: str, data: bytes) -> None:
    Module(data)
    off = Features(**{field: False})
    with pytest.raises((DecodeError, ValidationError), match=f"{TITLES[field]} is not among the"):
        Module(data, features=off)
    # and nothing else refuses it
    others = {other: False for other in FIELDS if other != field}
    Module(data, features=Features(**others))


def test_presets() -> None:
    """Plugins are held to 2.0, as the contract's runtime is; the default is all that there is."""
    new = {"threads", "wide_arithmetic", "legacy_exceptions", "compact_imports"}
    assert Features.SEED.refused >= new
    assert Features.SEED.refused.isdisjoint(FIELDS[:7])
    assert Features.V3.refused >= new
    assert Features.SEED.refused - Features.V3.refused == {
        "exceptions",
        "extended_constants",
        "tail_calls",
    }
    assert Features().refused == frozenset()


def test_a_refusal_says_what_to_build_with() -> None:
    shared = module(memories=[b"\3\1\2"])
    with pytest.raises(ValidationError, match=r"threads is not among .*without it: .*-pthread"):
        Module(shared, features=Features.SEED)
    with pytest.raises(DecodeError, match=r"memory64 is not supported \(build .*wasm32"):
        Module(module(memories=[b"\4\1"]))


def test_every_proposal_that_is_named_has_a_remedy() -> None:
    known = {
        *TITLES.values(),
        *features._UNKNOWN,
        *features._UNKNOWN_BEHIND,
        *features._WORDS,
        *primitives._LIMITS_PROPOSALS.values(),
        *features._UNKNOWN_TYPES,
        *reader._FORM_PROPOSALS.values(),
    }
    assert {title for title in known if not remedy(title)} == {"shared-everything threads"}


def test_plugins_are_held_to_what_the_contract_has() -> None:
    shared = module(memories=[b"\3\1\2"])
    with pytest.raises(pywasmgk.PluginError, match="threads is not among"):
        pywasmgk.load(shared)
    with pytest.raises(pywasmgk.PluginError, match="missing gk_register export"):
        pywasmgk.load(shared, features=Features())


def test_every_field_is_tested_and_has_a_name() -> None:
    assert {field for field, _ in USES} == set(FIELDS) == set(TITLES)
    marked = {row.proposal for row in isa.STANDARD} - {None}
    assert marked == set(FIELDS) - {
        "mutable_globals",
        "multi_value",
        "compact_imports",
        "extended_constants",
    }
    assert all(getattr(Features(), field) for field in FIELDS)


def test_the_first_release_needs_none() -> None:
    data = module(
        types=[functype("i32", "i32"), functype()],
        functions=[0],
        tables=[TABLE],
        memories=[limits(1, 2)],
        globals_=[b"\x7f\1" + code("i32.const 7")],
        exports=[("f", 0, 0), ("memory", 2, 0)],
        elements=[b"\0" + code("i32.const 0") + vector([b"\0"])],
        bodies=[
            body(
                "i64",
                *("local.get 0", "if i32", "i32.const 1", "else", "global.get 0", "end"),
                *("i32.const 2", "local.get 0", "select"),
            )
        ],
        datas=[b"\0" + code("i32.const 0") + name("text")],
    )
    first = Features(**dict.fromkeys(FIELDS, False))
    assert instantiate(Module(data, features=first)).exports.f(0) == 2


def test_lazy_bodies_are_held_to_them_too() -> None:
    data = function("i32", "i32", "local.get 0", "i32.extend8_s")
    loaded = Module(data, validate="lazy", features=Features(sign_extension=False))
    with pytest.raises(DecodeError, match=r"illegal opcode 0xc0 \(i32.extend8_s\): sign extension"):
        instantiate(loaded).exports.f(1)


def test_features_are_frozen_and_travel_with_the_module() -> None:
    without = Features(simd=False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        without.simd = True  # type: ignore[misc]
    again = pickle.loads(pickle.dumps(Module(function("", ""), features=without)))
    assert again.features == without == pywasmgk.Features(simd=False)
    with pytest.raises(TypeError):
        Features(stringref=True)  # type: ignore[call-arg]


def test_files_too(tmp_path: Path) -> None:
    path = tmp_path / "f.wasm"
    path.write_bytes(function("v128", ""))
    assert len(Module.from_file(path).functions) == 1
    with pytest.raises(ValidationError, match="SIMD"):
        Module.from_file(path, features=Features(simd=False))


def test_tiers_share_their_numbers_whatever_is_off() -> None:
    """A module with features off needs no loop of its own."""
    plain = instantiate(Module(function("i32", "i32", "local.get 0")))
    off = instantiate(Module(function("i32", "i32", "local.get 0"), features=Features(simd=False)))
    assert plain.dispatch is off.dispatch
    assert off.exports.f(5) == 5
