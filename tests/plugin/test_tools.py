"""What an author needs to look at a plugin without a whole application (weakness W55)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from plugin_guests import guest

from pywasmgk.cli import main


@pytest.mark.case("W55")
@pytest.mark.parametrize(
    "words",
    [["inspect", "FILE"], ["validate", "FILE"], ["register", "FILE"], ["call", "FILE", "f", "7"]],
)
def test_plugins_are_inspected_validated_and_called(words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "echo.wasm"
    path.write_bytes(guest())
    line = [str(path) if word == "FILE" else word for word in words]
    result = CliRunner().invoke(main, ["--json", *line], catch_exceptions=False)
    assert result.exit_code == 0
    answer = json.loads(result.output)
    if words[0] == "call":
        assert answer["result"] == 7
