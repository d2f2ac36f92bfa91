"""Things to be shown whose every name and string would be markup, script or a link, if it could."""

from __future__ import annotations

from typing import Any

from plugin_guests import guest
from wasm_builder import body, code, functype, limits, module, name

import pywasmgk
from pywasmgk.debug.coverage import Coverage
from pywasmgk.debug.profile import Profile

__all__ = ["EVIL", "hostile_things"]

#: what each of them would do
EVIL = (
    "<script>alert(1)</script>",
    "</pre></td></style><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "javascript:alert(1)",
    "&lt;b&gt;&amp;&#106;",
    "]]><svg/onload=alert(1)>\x1b[2J\u202e",
)


def _names(text: str) -> bytes:
    """A name section that calls the module, its functions, locals and globals so."""
    one = b"\1\1" + name(text)
    return (
        b"\0" + name(name(text))
        + b"\1" + name(one)
        + b"\2" + name(b"\1\1" + b"\1\0" + name(text))
        + b"\7" + name(b"\1\0" + name(text))
    )  # fmt: skip


def hostile_module(text: str) -> bytes:
    """A module with one function, which traps, and all else that has a name or holds a text."""
    return module(
        types=[functype("i32", "i32")],
        imports=[name(text) + name(text) + b"\0\0"],
        functions=[0],
        memories=[limits(1)],
        globals_=[b"\x7f\1" + code("i32.const 7")],
        exports=[(text, 0, 1), (f"{text}m", 2, 0), (f"{text}g", 3, 0)],
        bodies=[body("", "local.get 0", "i32.const 0", "i32.div_u")],
        datas=[b"\0" + code("i32.const 8") + name(text * 3)],
        customs=[("name", _names(text)), (text, b"x"), ("producers", _producers(text))],
    )


def _producers(text: str) -> bytes:
    return b"\1" + name("language") + b"\1" + name(text) + name(text)


def hostile_things(text: str) -> dict[str, Any]:
    """One thing of each kind that notebooks show."""
    made = pywasmgk.Module(hostile_module(text), name=text)
    instance = pywasmgk.instantiate(made, {text: {text: lambda value: value}})
    func = instance.exports[text]
    held = instance.start(text, 5)
    held.run()
    assert isinstance(held.trap, pywasmgk.Trap)
    trap = held.trap
    held.close()
    profile = Profile.of(instance, text, 5)
    stepped = instance.start(text, 5)
    stepped.step(2)
    manifest = {
        "name": "x", "version": "1.0.0", "description": text, "author": text, "homepage": text,
        "license": text, "landing_page": text,
        "routes": [{"method": text, "path": text, "handler": text, "description": text}],
        "menu_items": [
            {"id": text, "label": text, "icon": text, "path": text, "location": text,
             "children": [{"id": text, "label": text, "path": text, "location": text}]},
        ],
        "widgets": [
            {"id": text, "title": text, "description": text, "handler": text, "location": text,
             "size": text, "refresh_sec": 5},
        ],
        "jobs": [{"id": text, "handler": text, "schedule": text, "enabled": True}],
        "mcp_tools": [{"name": text, "description": text, "handler": text}],
        "error_codes": [{"code": text, "message": text, "http_status": 500}],
    }  # fmt: skip
    with pywasmgk.load(guest(manifest)) as plugin:
        registration = plugin.registration
    return {
        "module": made, "func": func, "instance": instance, "memory": instance.memory,
        "execution": stepped, "trap": trap, "profile": profile,
        "coverage": Coverage.of(profile), "registration": registration,
    }  # fmt: skip
