"""The pytest plugin: a fixture ``wasm_sandbox``. pytest imports this at every start, so that it
imports nothing else until a test asks for the fixture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .sandbox import WasmSandbox

__all__ = ["wasm_sandbox"]


@pytest.fixture
def wasm_sandbox() -> Iterator[WasmSandbox]:
    """Runs modules, programs and plugins within limits, the same way each time."""
    from .sandbox import WasmSandbox

    with WasmSandbox() as sandbox:
        yield sandbox
