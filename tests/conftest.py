"""What all tests share."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# asserts in helpers vanish under ``python -O`` unless pytest rewrites them
for helper in Path(__file__).with_name("support").glob("*.py"):
    pytest.register_assert_rewrite(helper.stem)


def pytest_configure(config: pytest.Config) -> None:
    """Markers that tests carry. The command line keeps no cache in the user's folder, and functions
    are verified between the compiler's passes."""
    os.environ["PYWASMGK_CACHE"] = ""
    os.environ.setdefault("PYWASMGK_VERIFY", "1")
    config.addinivalue_line("markers", "case(id): the case of the plugin contract that is tested")


def pytest_unconfigure() -> None:
    """Tests' modules are not compiled for later processes."""
    promotion = sys.modules.get("pywasmgk.wasm.cache.promotion")
    if promotion is not None:
        promotion.forget()


@pytest.fixture
def frozen_heap() -> Iterator[None]:
    """For tests that bound the time of the processor: what other tests have left is not gone
    through meanwhile, which takes a second where the whole suite has run in one process."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
