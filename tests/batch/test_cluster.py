"""A real cluster of Dask's, on loopback, whose workers are killed: ``tools/cluster-check``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pywasmgk import batch

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(
    not os.environ.get("PYWASMGK_TEST_CLUSTER"),
    reason="a cluster that loses workers may lose all on a busy machine: PYWASMGK_TEST_CLUSTER=1",
)
def test_each_task_has_one_result_whoever_dies() -> None:
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    tool = [sys.executable, str(ROOT / "tools" / "cluster-check")]
    done = subprocess.run(
        [*tool, "--tasks", "150", "--workers", "2", "--kills", "1"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["results"], report["missing"], report["twice"]) == (150, 0, 0)
    assert (report["different"], report["lost"]) == (0, [50])
    assert {"ok", "trap", "fuel", "lost"} == set(report["verdicts"])


@pytest.mark.parametrize(("failures", "refused"), [(3, True), (0, False)])
def test_what_has_effects_is_for_schedulers_that_try_once(failures: int, refused: bool) -> None:
    class Scheduler:
        allowed_failures = failures

    class Client:
        def run_on_scheduler(self, ask: Any) -> Any:
            return ask(Scheduler())

        def get_executor(self) -> Any:
            from concurrent.futures import ThreadPoolExecutor

            return ThreadPoolExecutor(1)

    task = batch.Call('(module (func (export "f")))', "f")
    results = batch.map(task, [()], executor=Client(), idempotent=False)
    if refused:
        with pytest.raises(batch.BatchError, match="allowed-failures"):
            next(results)
    else:
        assert next(results).verdict is batch.Verdict.OK
