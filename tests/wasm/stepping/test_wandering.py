"""Programs that are stepped, stopped, suspended, replayed and taken back at random end as those
that are just run. At length: ``tools/held programs``."""

from __future__ import annotations

import generator
import held_guests
import loop_generator
import pytest
import throw_generator
from held import WAYS, differences

from pywasmgk.wasm.stepping.backwards import Backwards


@pytest.mark.parametrize("seed", range(60))
def test_detours_change_nothing(seed: int) -> None:
    assert [*differences(generator.generate(700_000 + seed), seed, ["wander"])] == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("maker", [generator, loop_generator, throw_generator, held_guests])
def test_every_way_leads_to_the_same_end(maker: object, way: str) -> None:
    for seed in range(10):
        program = maker.generate(705_000 + seed)  # type: ignore[attr-defined]
        assert [*differences(program, seed, [way])] == []


@pytest.mark.parametrize("seed", [11_107, 11_203])
def test_what_is_charged_ahead_may_be_over_the_limit(seed: int) -> None:
    assert [*differences(held_guests.generate(seed), seed, ["travel"])] == []


def test_a_way_that_went_astray_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Backwards, "_replay", lambda self, step: "step")
    program = throw_generator.generate(3)
    found = [*differences(program, 3, ["rewound"])]
    assert "is another one on the way back" in found[0].what
