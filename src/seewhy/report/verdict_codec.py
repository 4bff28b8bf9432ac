"""Verdicts as JSON, and back, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seewhy.core.verdict import CHANGES, SOURCES, Because, Change, Verdict

Verdicts = tuple[Verdict | None, ...] | None


def verdicts_to_json(verdicts: Verdicts) -> list[dict[str, Any] | None] | None:
    """One entry for each word of the answer; None where no word was diagnosed."""
    if verdicts is None:
        return None
    return [None if verdict is None else verdict.to_json() for verdict in verdicts]


def verdicts_from_json(data: Sequence[Mapping[str, Any] | None] | None, words: int) -> Verdicts:
    """Undo `verdicts_to_json`.

    Args:
        data: what it returned.
        words: the number of the answer's words.

    Raises:
        LookupError, TypeError, ValueError: if the data does not have that form.
    """
    if data is None:
        return None
    if len(data) != words:
        raise ValueError(f"Expected an entry for each of {words} words, got {len(data)} verdicts.")
    return tuple(None if entry is None else _verdict(entry) for entry in data)


def _verdict(data: Mapping[str, Any]) -> Verdict:
    because = dict(data["because"])
    because["changes"] = tuple(_change(change) for change in because["changes"])
    _expect_known("source", data["source"], SOURCES)
    return Verdict(**{**data, "because": Because(**because)})


def _change(data: Mapping[str, Any]) -> Change:
    _expect_known("change", data["kind"], CHANGES)
    box = None if data["box"] is None else tuple(data["box"])
    return Change(**{**data, "log_probabilities": tuple(data["log_probabilities"]), "box": box})


def _expect_known(what: str, name: str, known: Mapping[str, str]) -> None:
    if name not in known:
        raise ValueError(f"Expected a {what} of a verdict ({', '.join(known)}), got {name!r}.")
