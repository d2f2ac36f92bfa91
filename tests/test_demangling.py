"""Mangled names: what c++filt and rustc-demangle make of them, hashes aside."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from processor import least_seconds

import pywasmgk
from pywasmgk.demangling import demangled

RUST = [
    ("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad"),
    ("_ZN4core9panicking5panic17h0123456789abcdefE.llvm.123", "core::panicking::panic"),
    (
        "_ZN66_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop"
        "17h0123456789abcdefE",
        "<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop",
    ),
    ("_ZN1a13gr$uf6$$udf$e17h0123456789abcdefE", "a::größe"),
    ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
    ("_RNCNvCs1234_7mycrate4main0B3_", "mycrate::main::{closure#0}"),
    ("_RINvNtC3std3mem8align_ofjE", "std::mem::align_of::<usize>"),
    ("_RINvNtC3std3mem8align_ofRNtC1a1TE", "std::mem::align_of::<&a::T>"),
    ("_RNvXs_C1aNtB4_1PNtB4_2Sh4area", "<a::P as a::Sh>::area"),
    ("_RNvMC1aINtB2_1PdKj3_E3new", "<a::P<f64, 3>>::new"),
    ("_RNvC1au9gre_6ka8i", "a::größe"),
    ("_RINvC1a1fFUKCaTxbEEuE", 'a::f::<unsafe extern "C" fn(i8, (i64, bool))>'),
    ("_RINvC1a1fDNtC1a1TEL_E", "a::f::<dyn a::T>"),
]

CPP = [
    ("_Z3foov", "foo()"),
    ("_ZN3foo3barEiPKc", "foo::bar(int, char const*)"),
    ("_ZNK3Foo3getEv", "Foo::get() const"),
    ("_ZN3FooC2ERKS_", "Foo::Foo(Foo const&)"),
    ("_ZN3FooD0Ev", "Foo::~Foo()"),
    ("_ZN3FoopLEi", "Foo::operator+=(int)"),
    ("_ZN3FoocvbEv", "Foo::operator bool()"),
    (
        "_ZNSt6vectorIiSaIiEE9push_backERKi",
        "std::vector<int, std::allocator<int>>::push_back(int const&)",
    ),
    ("_Z3maxIiET_S0_S0_", "max<int>(int, int)"),
    ("_ZN12_GLOBAL__N_14doitEPFivE", "(anonymous namespace)::doit(int (*)())"),
    ("_Z1fPA3_i", "f(int (*) [3])"),
    ("_ZTV3Foo", "vtable for Foo"),
    ("_ZThn16_N3FooD1Ev", "non-virtual thunk to Foo::~Foo()"),
    ("_ZGVZ3foovE1x", "guard variable for foo()::x"),
    ("_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()() const"),
    ("_Z1gILi5ELb1EEvv", "g<5, true>()"),
    ("_Z1hIJidEEvDpT_", "h<int, double>(int, double)"),
    ("_ZN3foo1iE", "foo::i"),
    ("_Z3fooB5cxx11v", "foo[abi:cxx11]()"),
    ("_Z3barv.123", "bar()"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), [*RUST, *CPP])
def test_names_are_as_their_authors_wrote_them(name: str, expected: str | None) -> None:
    assert demangled(name) == (name if expected is None else expected)


@pytest.mark.parametrize("name", ["main", "_start", "", "_Z", "_R", "_ZN", "_ZN3fooE3", "__wasm"])
def test_other_names_stay_what_they_are(name: str) -> None:
    assert demangled(name) == name


def test_what_comes_out_can_be_printed() -> None:
    hostile = "_ZN1a14$u1b$$u5b$31me17h0123456789abcdefE"
    assert demangled(hostile) == "a::\\x1b[31me"


def _hostile() -> list[str]:
    doubling = "_Z1f" + "".join(f"PFS{chr(48 + n) if n else ''}_S_E" for n in range(9))
    return [
        "_Z" + "N" * 1900,
        "_Z1f" + "P" * 1900,
        "_Z1fI" + "I" * 1900,
        "_RNvC1a" + "B_" * 900,
        "_RIC1a" + "TBb_" * 400,
        "_RI" * 600,
        "_RINvC1a1f" + "T" * 30 + "B3_" * 600,
        "_ZN" + "9" * 1900,
        "_RNvC1au99999_",
        doubling * 20,
    ]


def test_hostile_names_cost_little() -> None:
    def demangling() -> None:
        for name in _hostile():
            assert len(demangled(name)) <= 2_000

    assert least_seconds(demangling, enough=1) < 1


def test_damaged_names_raise_nothing() -> None:
    chance = random.Random(17)
    names = [name for name, _ in [*RUST, *CPP]]
    for _ in range(20_000):
        name = list(chance.choice(names))
        for _ in range(chance.randint(1, 4)):
            name[chance.randrange(len(name))] = chance.choice("_ZNRISTEPFJLKBC0159svi$.é")
        assert isinstance(demangled("".join(name)), str)


# -- where names are shown

TEXT = """(module (func $_ZN3foo3barEi (export "_ZN3foo3barEi") (param i32) unreachable))"""


def test_frames_show_what_authors_wrote() -> None:
    instance = pywasmgk.instantiate(TEXT)
    with pytest.raises(pywasmgk.Trap) as caught:
        instance.exports["_ZN3foo3barEi"](1)
    assert "at $foo::bar(int) at 0x" in str(caught.value)
    assert caught.value.frames[0].name == "_ZN3foo3barEi"
    assert "<Func $foo::bar(int) (i32) -> ()" in repr(instance.exports["_ZN3foo3barEi"])
    with pytest.raises(pywasmgk.ValidationError, match=r"in \$foo::bar\(int\)"):
        pywasmgk.Module(TEXT.replace("unreachable", "drop"))


def test_inspect_shows_both(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from pywasmgk.cli import main

    file = tmp_path / "a.wat"
    file.write_text(TEXT)
    shown = CliRunner().invoke(main, ["inspect", str(file)]).output
    assert "_ZN3foo3barEi (foo::bar(int)): (i32) -> ()" in shown
