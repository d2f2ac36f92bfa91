"""Interpreters that nobody of ours wrote: QuickJS and MicroPython as the pwasm package ships them.

QuickJS prints through WASI; MicroPython's longjmp comes as a host function that raises an exception
through the guest, which an ``invoke_`` function further out catches.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from pywasmgk import Caller, Func, Instance, Module, WasiConfig, instantiate

spec = importlib.util.find_spec("pwasm")
FOLDER = Path(spec.origin).parent / "guests" if spec and spec.origin else Path("nowhere")
needs = pytest.mark.skipif(not FOLDER.is_dir(), reason="pwasm with its guests is not installed")


@functools.cache
def program(name: str) -> Module:
    return Module.from_file(FOLDER / name)


class Guest:
    """What the interpreters share: output by stream, source text in memory."""

    def __init__(self, name: str, imports: dict[str, Any], **options: Any) -> None:
        self.written: dict[int, bytes] = {}
        hosts = {"host_write": self.host_write, "host_call": lambda a, b, c, d: -1}
        hosts |= {"host_take": lambda a, b: None, "host_interrupt": lambda: 0}
        module = program(name)
        env = {
            item.name: Func(item.type, hosts[item.name])
            for item in module.imports
            if item.name in hosts
        }
        config = WasiConfig(stdout=functools.partial(self.write, 1))
        self.instance = instantiate(
            module, {"env": {**env, **imports}}, wasi=config, memory_limit=1024, **options
        )
        self.exports: Any = self.instance.exports
        self.exports["_initialize"]()

    def write(self, stream: int, data: bytes) -> None:
        self.written[stream] = self.written.get(stream, b"") + data

    def host_write(self, stream: int, ptr: int, size: int) -> None:
        assert self.instance.memory is not None
        self.write(stream, self.instance.memory.read(ptr & 0xFFFFFFFF, size))

    def run(self, function: str, source: str) -> int:
        """Calls a function with a source text; gives its status."""
        raw = source.encode()
        ptr = self.exports["malloc"](len(raw) + 1)
        assert self.instance.memory is not None
        self.instance.memory.write(ptr, raw + b"\0")
        status: int = self.exports[function](ptr, len(raw))
        self.exports["free"](ptr)
        return status


class QuickJS(Guest):
    """JavaScript; 3 is the value's JSON, 4 an exception's text."""

    def __init__(self) -> None:
        super().__init__("quickjs.wasm", {})
        assert self.exports["qjs_init"](0, 512 * 1024) == 0

    def eval(self, source: str) -> str:
        self.written.clear()
        failed = self.run("qjs_eval", source)
        return self.written.get(4 if failed else 3, b"").decode()


class Longjmp(Exception):
    """On its way to the innermost ``invoke_``."""


class MicroPython(Guest):
    """Python; output is collected by stream."""

    def __init__(self) -> None:
        module = program("micropython.wasm")
        imports = {
            item.name: Func(item.type, self.invoke, access_caller=True)
            for item in module.imports
            if item.name.startswith("invoke_")
        }
        super().__init__(
            "micropython.wasm", {**imports, "_emscripten_throw_longjmp": self.longjmp()}
        )
        assert self.exports["mp_sandbox_init"](256 * 1024) == 0

    @staticmethod
    def longjmp() -> Func:
        def throw(*args: int) -> None:
            raise Longjmp

        item = next(i for i in program("micropython.wasm").imports if "longjmp" in i.name)
        return Func(item.type, throw)

    @staticmethod
    def invoke(caller: Caller, index: int, *args: int) -> Any:
        """Calls a function of the table; a longjmp out of it ends here."""
        instance: Instance = caller.instance  # type: ignore[assignment]
        exports: Any = instance.exports
        stack = exports["__stack_pointer"].value
        function = exports["__indirect_function_table"].elements[index]
        try:
            return function(*args)
        except Longjmp:
            exports["__stack_pointer"].value = stack
            exports["setThrew"](1, 0)
            return 0 if function.type.results else None

    def exec(self, source: str) -> str:
        self.written.clear()
        failed = self.run("mp_sandbox_exec", source)
        return self.written.get(2 if failed else 1, b"").decode()


@functools.cache
def quickjs() -> QuickJS:
    return QuickJS()


@functools.cache
def micropython() -> MicroPython:
    return MicroPython()


JAVASCRIPT: dict[str, str] = {
    "6 * 7": "42",
    "[3, 1, 2].sort().map(x => x * x)": "[1,4,9]",
    "`${'ab'.repeat(3)}-${'x'.padStart(3)}`": '"ababab-  x"',
    "(() => { try { null.x } catch (e) { return e.name } })()": '"TypeError"',
    "JSON.stringify({a: [1, {b: null}], c: 'é'})": '"{\\"a\\":[1,{\\"b\\":null}],\\"c\\":\\"é\\"}"',
    "let f = n => n < 2 ? n : f(n - 1) + f(n - 2); f(10)": "55",
    "[...'hello world'.matchAll(/o/g)].map(m => m.index)": "[4,7]",
    "0.1 + 0.2": "0.30000000000000004",
    "(2n ** 100n).toString()": '"1267650600228229401496703205376"',
    "[...function* () { yield 1; yield 2 }()]": "[1,2]",
    "new Map([['k', 1]]).get('k') + new Set([1, 1, 2]).size": "3",
    "class A { #x = 5; get x() { return this.#x } }; new A().x": "5",
    "typeof new Date().getTime() === 'number' && Date.now() > 1.6e12": "true",
}

PYTHON: dict[str, str] = {
    "print(6 * 7)": "42\n",
    "print(sorted([3, 1, 2]), 'ab' * 3)": "[1, 2, 3] ababab\n",
    "print(2 ** 100)": "1267650600228229401496703205376\n",
    "try:\n    {}['k']\nexcept KeyError as e:\n    print('caught', e)": "caught k\n",
    "def f():\n    try:\n        1 / 0\n    finally:\n        print('finally')\n"
    "try:\n    f()\nexcept ZeroDivisionError:\n    print('zero')": "finally\nzero\n",
    "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nprint(fib(9))": "34\n",
    "class A:\n    def __init__(self, x):\n        self.x = x\n"
    "    def __add__(self, o):\n        return self.x + o.x\nprint(A(1) + A(2))": "3\n",
    "def g():\n    yield from range(3)\nprint(list(g()), sum(x * x for x in g()))": "[0, 1, 2] 5\n",
    "print({k: v for k, v in zip('ab', (1, 2))}['b'], '%05.2f' % 3.14159)": "2 03.14\n",
    "import json\nprint(json.loads('[1, {\"a\": null}]'))": "[1, {'a': None}]\n",
}


@needs
@pytest.mark.parametrize("source", JAVASCRIPT)
def test_javascript(source: str) -> None:
    assert quickjs().eval(source) == JAVASCRIPT[source]


@needs
@pytest.mark.parametrize("source", PYTHON)
def test_python(source: str) -> None:
    assert micropython().exec(source) == PYTHON[source]


@needs
def test_errors_are_told_and_leave_the_interpreters_usable() -> None:
    assert "ReferenceError" in quickjs().eval("nope + 1")
    assert "SyntaxError" in quickjs().eval("let = ;")
    assert quickjs().eval("1 + 1") == "2"
    assert "NameError" in micropython().exec("nope")
    assert micropython().exec("print(1 + 1)") == "2\n"


@needs
def test_fuel_is_the_same_twice() -> None:
    used = []
    for _ in range(2):
        fresh = MicroPython()
        assert fresh.exec("print([x + 1 for x in (1, 2)])") == "[2, 3]\n"
        used.append(fresh.instance.fuel_used)
    assert used[0] == used[1]
