"""Modules of wasm-bindgen's, through the script beside them."""

# scripts are easier to read on one line
# ruff: noqa: E501

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import pywasmgk
from pywasmgk.compat import wasm_bindgen
from pywasmgk.compat.wasm_bindgen import JSError, ScriptError

GUESTS = Path(__file__).parent / "guests"
MODULE = pywasmgk.Module.from_file(GUESTS / "bindgen.wat")


def load(**options) -> wasm_bindgen.Package:
    return wasm_bindgen.load(MODULE, GUESTS / "bindgen.js", **options)


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_strings_go_in_and_out(engine: str) -> None:
    package = load(engine=engine)
    assert package.greet("Ada") == "Hello, Ada"
    assert package.greet("Zäh 😀") == "Hello, Zäh 😀"
    assert package.greet("x" * 100_000) == "Hello, " + "x" * 100_000
    assert package.instance.exports.freed() == 3


def test_the_same_in_every_engine_with_the_same_fuel() -> None:
    used = []
    for engine in ("interpreter", "compiler"):
        package = load(engine=engine)
        package.describe([1, 2])
        package.each(50, lambda n: None)
        used.append(package.instance.fuel_used)
    assert used[0] == used[1] > 500


def test_objects_are_dicts() -> None:
    package = load()
    assert package.describe("x") == {"kind": "string", "size": 4}
    assert package.describe([1, 2])["kind"] == "array of 2"
    assert package.describe({"a": [b"x", {"b": None}]})["kind"] == "object"
    with pytest.raises(TypeError, match="nothing like"):
        package.describe(1j)


def test_closures_are_called_and_their_exceptions_pass() -> None:
    package, seen = load(), []
    package.each(3, seen.append)
    assert seen == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        package.each(3, lambda number: 1 // number)
    with pytest.raises(JSError, match="is not a function"):
        package.each(3, 5)
    package.each(1, seen.append)
    assert seen == [0, 1, 2, 0]


def test_classes_make_objects() -> None:
    package = load()
    counter = package.Counter(4)
    assert counter.add(3).value == 7
    counter.value = 9
    assert package.Counter.twice(counter).value == 18
    assert package.Counter().value == 1
    with pytest.raises(AttributeError, match="no property 'valu'"):
        counter.valu  # noqa: B018
    assert "value" in dir(counter)
    assert dir(package) == ["Counter", "describe", "each", "fill", "greet", "spin"]
    with pytest.raises(AttributeError, match="grete"):
        package.grete  # noqa: B018


def test_limits_hold_for_script_and_guest_together() -> None:
    package = load(fuel=100_000, quota=1 << 20)
    with pytest.raises(pywasmgk.OutOfFuel):
        package.spin()
    with pytest.raises(JSError, match="bytes are kept"):
        package.fill(1000, 65536)
    with pytest.raises(pywasmgk.OutOfFuel):
        package.each(1_000_000, lambda number: None)
    assert package.greet("x") == "Hello, x"


def test_an_import_that_the_script_lacks_traps() -> None:
    package = load()
    with pytest.raises(pywasmgk.Trap, match="__wbg_missing_0000000000000003"):
        package.instance.exports.unknown()


def test_imports_of_ones_own_win() -> None:
    seen = []
    own = {"__wbindgen_placeholder__": {"__wbg_missing_0000000000000003": lambda: seen.append(1)}}
    load(imports=own).instance.exports.unknown()
    assert seen == [1]

    def refuse(kind: int) -> int:
        raise LookupError("mine")

    own["__wbindgen_placeholder__"] = {"__wbg_typeof_0000000000000001": refuse}
    with pytest.raises(LookupError, match="mine"):
        load(imports=own).describe(1)


def test_the_script_is_found_beside_the_module(tmp_path: Path) -> None:
    (tmp_path / "bindgen.wasm").write_bytes(MODULE.data)
    with pytest.raises(ScriptError, match="lies beside"):
        wasm_bindgen.load(tmp_path / "bindgen.wasm")
    (tmp_path / "other.js").write_text("console.log('__wbindgen')")
    text = (GUESTS / "bindgen.js").read_text()
    (tmp_path / "glue.js").write_text(text)
    (tmp_path / "glue.min.js").write_text(text.replace("String", "S")[:3000])
    assert wasm_bindgen.load(tmp_path / "bindgen.wasm").greet("you") == "Hello, you"
    with pytest.raises(ScriptError, match="needs its script"):
        wasm_bindgen.load(MODULE)


def test_a_script_for_the_web_gives_its_imports_by_a_function() -> None:
    text = (GUESTS / "bindgen.js").read_text()
    for name in (
        "__wbg_new",
        "__wbg_set",
        "__wbindgen_string",
        "__wbindgen_number",
        "__wbg_typeof",
    ):
        text = text.replace(f"module.exports.{name}", f"imports.__wbindgen_placeholder__.{name}")
    head, _, tail = text.partition("imports.__wbindgen_placeholder__.__wbg_new")
    body = "imports.__wbindgen_placeholder__.__wbg_new" + tail
    web = (
        f"{head} function __wbg_get_imports() {{ const imports = {{}}; "
        f"imports.__wbindgen_placeholder__ = {{}}; {body.partition('const path')[0]} return imports; }}"
    )
    web = web.replace("module.exports.describe = function", "export function describe")
    web = web.replace(
        "takeObject(wasm.describe(addHeapObject(value))); };",
        "takeObject(wasm.describe(addHeapObject(value))); }",
    )
    package = wasm_bindgen.load(MODULE, web)
    assert package.describe(1.5) == {"kind": "number", "size": 4}
    # what init() of old versions assigns inside of itself is found as well
    older = web.replace("__wbg_get_imports", "init")
    assert wasm_bindgen.load(MODULE, older).describe(None) == {"kind": "object", "size": 4}


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_node_gives_the_same(tmp_path: Path) -> None:
    (tmp_path / "bindgen.wasm").write_bytes(MODULE.data)
    text = (GUESTS / "bindgen.js").read_text()
    stub = "module.exports.__wbg_missing_0000000000000003 = () => {};\nconst path ="
    (tmp_path / "bindgen.cjs").write_text(text.replace("const path =", stub))
    program = (
        'const p = require("./bindgen.cjs"); console.log(JSON.stringify([p.greet("Zäh"), '
        "p.describe([1]), new p.Counter(2).add(5).value]))"
    )
    done = subprocess.run(
        ["node", "-e", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == '["Hello, Zäh",{"kind":"array of 1","size":4},7]\n'
