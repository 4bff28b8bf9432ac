"""`explanation.json`: small, and still a line for each word.

The numbers of words follow from the tensors, which are exact; they are there for readers without
this package, and are rounded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

DERIVED = ("words", "prompt_words")
"""The parts whose numbers follow from the tensors."""

DIGITS = 6
"""Significant digits of these numbers."""


def compact_json(data: Mapping[str, Any]) -> str:
    """An object as JSON with a line for each entry, and for each item of an entry that is a list.

    Escaped to ASCII, so that even a lone surrogate from a broken token can be written and read.

    Raises:
        ValueError: if a number is NaN or infinite.

    Example:
        >>> print(compact_json({"answer": "a", "words": [{"low": 1 / 3}, {"low": 2}]}), end="")
        {
        "answer": "a",
        "words": [
        {"low": 0.333333},
        {"low": 2}
        ]
        }
    """
    parts = {name: _rounded(value) if name in DERIVED else value for name, value in data.items()}
    entries = ",\n".join(f"{_text(name)}: {_entry(value)}" for name, value in parts.items())
    return f"{{\n{entries}\n}}\n"


def _entry(value: Any) -> str:
    if not isinstance(value, list | tuple) or not value:
        return _text(value)
    items = ",\n".join(map(_text, value))
    return f"[\n{items}\n]"


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ": "))


def _rounded(value: Any) -> Any:
    """The same data, its fractions rounded."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(item) for item in value]
    return value
