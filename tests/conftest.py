"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywasmgk.wasm.calls import ensure_recursion
from pywasmgk.wasm.metering import DEFAULT_DEPTH

# asserts in helpers vanish under ``python -O`` unless pytest rewrites them
for helper in Path(__file__).parent.glob("*.py"):
    pytest.register_assert_rewrite(helper.stem)


def pytest_configure(config: pytest.Config) -> None:
    """Markers that tests carry; and Python's recursion limit as the first instance would have it:
    hypothesis warns where it changes inside of a test, so which test came first would count."""
    ensure_recursion(DEFAULT_DEPTH)
    config.addinivalue_line("markers", "case(id): the case of the plugin contract that is tested")
