"""Host functions of an embedder's own: ``@host.function``."""

from __future__ import annotations

import functools
from functools import partial
from typing import Any, Optional

import pytest
from plugin_guests import ask, ask_raw, asker, quick

from pywasmgk.plugin import CallContext, HostAPI, MemoryHost, Plugin

HOST = MemoryHost()


def on(host: HostAPI) -> Plugin:
    """An asker on a host."""
    plugin = quick(asker())
    plugin.init(host)
    return plugin


def test_a_typed_function() -> None:
    host = MemoryHost()
    plugin = on(host)

    @host.function
    def repeat(text: str, times: int = 2) -> str:
        """It is still a plain function."""
        return text * times

    assert repeat("a") == "aa" and repeat.__doc__ == "It is still a plain function."
    assert ask(plugin, "repeat", {"text": "ab", "TIMES": 3}) == b'"ababab"'
    assert ask(plugin, "repeat", {"text": "ab"}) == b'"abab"'
    assert ask(plugin, "repeat", {"text": "ab", "times": None, "more": 1}) == b'"abab"'
    assert ask(plugin, "repeat", {}) == b'""'
    assert ask(plugin, "repeat", None) == b'""'


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int, "5", 5),
        (str, '"a"', "a"),
        (bytes, '"AQI="', b"\1\2"),
        (bool, "true", True),
        (float, "2", 2.0),
        (Any, "[1,{}]", [1, {}]),
        (object, "null", None),
        (dict, '{"a":1}', {"a": 1}),
        (list, "[1,2]", [1, 2]),
        (list[int], "[1,null]", [1, 0]),
        (list[list[str]], '[["a"]]', [["a"]]),
        (dict[str, bytes], '{"a":"AQ=="}', {"a": b"\1"}),
        (Optional[int], "5", 5),  # noqa: UP045
        (Optional[int], "null", None),  # noqa: UP045
        (int | None, "null", None),
        ("list[int]", "[3]", [3]),
    ],
)
def test_annotations(annotation: Any, text: str, value: Any) -> None:
    host = MemoryHost()
    got: list[Any] = []

    def take(v: Any) -> None:
        got.append(v)

    take.__annotations__["v"] = annotation
    host.function(take)
    assert ask(on(host), "take", f'{{"v": {text}}}'.encode()) == b"null"
    assert got == [value] and type(got[0]) is type(value)
    assert host.logs == []


@pytest.mark.parametrize(
    ("annotation", "zero"),
    [
        (int, 0),
        (str, ""),
        (bytes, b""),
        (bool, False),
        (float, 0.0),
        (Any, None),
        (dict, {}),
        (list, []),
        (Optional[str], None),  # noqa: UP045
    ],
)
def test_zero_values(annotation: Any, zero: Any) -> None:
    host = MemoryHost()
    got: list[Any] = []

    def take(v: Any) -> int:
        got.append(v)
        return 0

    take.__annotations__["v"] = annotation
    host.function(take)
    plugin = on(host)
    ask(plugin, "take", {})
    ask(plugin, "take", {"v": None})
    assert got == [zero, zero] and type(got[0]) is type(zero)


def test_the_wrong_type_is_the_guests_error() -> None:
    host = MemoryHost()

    @host.function
    def add(a: int, b: list[int]) -> int:
        return a + sum(b)

    plugin = on(host)
    assert ask(plugin, "add", {"a": 1, "b": [2, 3]}) == b"6"
    for request in ({"a": "1"}, {"a": 1.0}, {"a": True}, {"b": 1}, {"b": ["1"]}):
        assert ask_raw(plugin, "add", request) == 0
    assert ask_raw(plugin, "add", b"") == 0
    messages = [line.message for line in host.logs]
    assert messages[0] == (
        "host_call add failed: a: cannot unmarshal string into a value of type int"
    )
    assert messages[-1] == "host_call add failed: unexpected end of JSON input"
    assert len(messages) == 6


def test_what_it_raises_is_logged() -> None:
    host = MemoryHost()

    @host.function
    def fail(why: str) -> None:
        raise LookupError(why)

    assert ask_raw(on(host), "fail", {"why": "gone"}) == 0
    level, message, fields = host.logs[-1]
    assert (level, message, fields["caller"]) == ("error", "host_call fail failed: gone", "x")
    assert "raise LookupError(why)\nLookupError: gone" in fields["traceback"]


def test_the_caller() -> None:
    host = MemoryHost()

    @host.function
    def who(caller: CallContext) -> str:
        assert caller.seconds_left() is not None
        return f"{caller.caller} {caller.depth}"

    @host.function
    def untyped(caller, n: int):  # type: ignore[no-untyped-def]
        return [caller.caller, n]

    plugin = on(host)
    # without further parameters nothing need be sent
    assert ask(plugin, "who", b"") == b'"x 1"'
    assert ask(plugin, "untyped", {"n": 1, "caller": "forged"}) == b'["x",1]'


def test_a_caller_annotated_with_a_local_name() -> None:
    host = MemoryHost()

    def build() -> Any:
        class Context(CallContext):
            """Not known outside."""

        def local(caller: Context, n: int) -> int:
            return n + caller.depth

        return local

    host.function(build())
    assert ask(on(host), "local", {"n": 1}) == b"2"


def test_names_are_the_hosts_own() -> None:
    one, other = MemoryHost(), MemoryHost()
    one.function(lambda: 1, name="number")
    plugin = on(one)
    assert ask(plugin, "number", {}) == b"1"
    assert ask_raw(on(other), "number", {}) == 0
    assert not other.own_functions and list(one.own_functions) == ["number"]
    # a name can be given anew, as in a notebook
    one.function(lambda: 2, name="number")
    assert ask(plugin, "number", {}) == b"2"
    plugin.init(other)
    assert ask_raw(plugin, "number", {}) == 0


def test_annotations_behind_wrappers() -> None:
    def add(a: int, b: int = 1) -> int:
        return a + b

    class Adder:
        def __call__(self, a: int, b: int = 1) -> int:
            return a + b

    @functools.wraps(add)
    def wrapped(*args: Any, **named: Any) -> int:
        return add(*args, **named)

    host = MemoryHost()
    plugin = on(host)
    for function in (
        functools.lru_cache(add),
        wrapped,
        Adder(),
        functools.partial(add, b=1),
        functools.partial(Adder()),
    ):
        host.function(function, name="add")
        assert ask(plugin, "add", {"a": 2}) == b"3"
        assert ask_raw(plugin, "add", {"a": "2"}) == 0
    host.function(functools.partial(add, 40), name="add")
    assert ask(plugin, "add", {"b": 2}) == b"42"

    class Asynchronous:
        async def __call__(self, a: int) -> int:
            return a

    # nobody awaits them here, of which the log is told (test_awaiting.py has them awaited)
    for number, function in enumerate((Asynchronous(), functools.partial(Asynchronous().__call__))):
        host.function(function, name=f"waiting{number}")
        assert ask_raw(plugin, f"waiting{number}", {"a": 2}) == 0
        assert "can only be called by call_async" in host.logs[-1].message


def test_methods_and_callables() -> None:
    class Service:
        def total(self, values: list[float]) -> float:
            return sum(values)

    host = MemoryHost()
    host.function(Service().total)
    assert ask(on(host), "total", {"values": [1, 2.5]}) == b"3.5"


def test_keyword_only_parameters() -> None:
    host = MemoryHost()

    @host.function(name="other.name")
    def named(*, a: int = 1) -> dict[str, int]:
        return {"a": a}

    assert ask(on(host), "other.name", {"a": 3}) == b'{"a":3}'


def untyped(a):  # type: ignore[no-untyped-def]
    """Lacks an annotation."""


def complex_number(a: complex) -> None:
    """No JSON."""


def two_types(a: int | str) -> None:
    """More than JSON's null beside it."""


def integer_keys(a: dict[int, str]) -> None:
    """No JSON object."""


def variable(*args: int) -> None:
    """Has no names."""


def keywords(**kwargs: int) -> None:
    """Has no names either."""


def positional(a: int, /) -> None:
    """Its name is not for callers."""


def result(a: int) -> set[int]:  # type: ignore[empty-body]
    """What it gives is no JSON."""


def unresolved(a: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Its annotation does not exist."""


def caller_second(a: int, caller: CallContext) -> None:
    """The caller comes first."""


async def coroutine(a: complex) -> None:
    """Its arguments come from JSON, too."""


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (untyped, r"^untyped: parameter 'a' has no annotation; use int, str, bytes, bool"),
        (
            complex_number,
            r"^complex_number: parameter 'a' is annotated complex, which JSON does not",
        ),
        (two_types, r"^two_types: parameter 'a' is annotated .*int.*str"),
        (integer_keys, r"^integer_keys: parameter 'a' is annotated dict"),
        (variable, r"^variable: parameter 'args' is variadic positional: it needs a name"),
        (keywords, r"^keywords: parameter 'kwargs' is variadic keyword: it needs a name"),
        (positional, r"^positional: parameter 'a' is positional-only: it needs a name"),
        (result, r"^result: the result is annotated set"),
        (unresolved, r"^unresolved: an annotation cannot be resolved: name 'Nowhere'"),
        (caller_second, r"^caller_second: parameter 'caller' is annotated CallContext"),
        (coroutine, r"^coroutine: parameter 'a' is annotated complex, which JSON does not"),
        (5, r"^host\.function takes a function, not 5"),
    ],
)
def test_functions_that_cannot_be_called_with_json(function: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        HOST.function(function)
    assert not HOST.own_functions


@pytest.mark.parametrize("name", ["db_query", "plugin_call", "log", "last_error", "time_now"])
def test_names_of_the_contract(name: str) -> None:
    with pytest.raises(ValueError, match="is a host function of the contract: override"):
        HOST.function(partial(print), name=name)
    assert not HOST.own_functions
