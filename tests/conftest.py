"""What all tests share."""

from __future__ import annotations

import gc
import itertools
import os
import sys
import tempfile
from pathlib import Path

import pytest

try:
    from hypothesis import HealthCheck, settings
except ImportError:  # where only some of the tests run, as in Pyodide
    pass
else:
    # the same examples everywhere, however busy the machine is; tools/fuzz looks for new ones
    settings.register_profile(
        "suite",
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    settings.load_profile("suite")

ROOT = Path(__file__).parents[1]

# asserts in helpers vanish under ``python -O`` unless pytest rewrites them
for helper in Path(__file__).with_name("support").glob("*.py"):
    pytest.register_assert_rewrite(helper.stem)


def pytest_configure(config: pytest.Config) -> None:
    """Markers that tests carry. The command line keeps no cache in the user's folder, and functions
    are verified between the compiler's passes."""
    os.environ["PYWASMGK_CACHE"] = ""
    os.environ.setdefault("PYWASMGK_VERIFY", "1")
    config.addinivalue_line("markers", "case(id): the case of the plugin contract that is tested")
    _share_bytecode(config)


def _share_bytecode(config: pytest.Config) -> None:
    """Has the processes that tests start compile our sources once, where the folder of the sources
    cannot be written or must not be: it takes a second of the processor each time."""
    never = os.environ.pop("PYTHONDONTWRITEBYTECODE", None) or not os.access(ROOT, os.W_OK)
    if never and "PYTHONPYCACHEPREFIX" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="pywasmgk-bytecode-")
        config.add_cleanup(folder.cleanup)
        os.environ["PYTHONPYCACHEPREFIX"] = folder.name


def pytest_unconfigure() -> None:
    """Tests' modules are not compiled for later processes."""
    promotion = sys.modules.get("pywasmgk.wasm.cache.promotion")
    if promotion is not None:
        promotion.forget()


_modules = itertools.count()


@pytest.fixture(scope="module", autouse=True)
def frozen_heap() -> None:
    """What the tests of other modules have left is not gone through again: that takes a second
    where the whole suite runs in one process, and comes at any moment."""
    # now and then, as some of what was left is gone
    if next(_modules) % 25 == 0:
        gc.unfreeze()
    gc.collect()
    gc.freeze()
