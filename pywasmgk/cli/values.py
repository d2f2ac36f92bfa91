"""Arguments on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ..wasm.runtime.value_words import as_json, as_text, parse_value
from ..wasm.types import FuncType, ValType

__all__ = ["as_json", "as_text", "parse_arguments"]


def parse_arguments(kind: FuncType, words: Sequence[str], name: str) -> list[Any]:
    """Arguments for a function. Raises click's UsageError."""
    if len(words) != len(kind.params):
        count = f"{len(kind.params)} argument{'' if len(kind.params) == 1 else 's'}"
        raise click.UsageError(f"{name} {kind} takes {count}, {len(words)} given")
    return [_argument(*item) for item in zip(kind.params, words, range(1, len(words) + 1))]


def _argument(kind: ValType, word: str, position: int) -> Any:
    try:
        return parse_value(kind, word)
    except (ValueError, OverflowError) as error:
        raise click.UsageError(f"argument {position} ({kind}): {error}") from error
