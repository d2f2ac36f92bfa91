"""Random modules of binaryen's, where its ``wasm-opt`` is installed."""

from __future__ import annotations

import pytest
from binaryen import fuzzer, wasm_opt
from differential import check
from oracle import have_wasmtime, tiers

COMMAND = wasm_opt()


@pytest.mark.skipif(COMMAND is None, reason="wasm-opt (npm binaryen) is not on the path")
def test_modules_by_another_hand_do_the_same_everywhere() -> None:
    generate = fuzzer(str(COMMAND))
    for seed in range(3):
        found = list(check(generate(seed), tiers(), reference=have_wasmtime(), stops=seed == 0))
        assert not found, seed
