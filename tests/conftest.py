"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

# asserts in helpers vanish under ``python -O`` unless pytest rewrites them
for helper in Path(__file__).parent.glob("*.py"):
    pytest.register_assert_rewrite(helper.stem)


def pytest_configure(config: pytest.Config) -> None:
    """Markers that tests carry."""
    config.addinivalue_line("markers", "case(id): the case of the plugin contract that is tested")
