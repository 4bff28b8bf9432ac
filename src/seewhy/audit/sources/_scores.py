"""Figures that several benchmarks share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def ratio(part: float, whole: float) -> float | None:
    """A fraction, or None if there is nothing to divide by."""
    return part / whole if whole else None


def present(figures: Mapping[str, float | None]) -> dict[str, float]:
    """The figures that are defined."""
    return {name: value for name, value in figures.items() if value is not None}


def binary_figures(pairs: Iterable[tuple[bool, bool]]) -> dict[str, float]:
    """Accuracy, precision, recall, F1 and yes-ratio of `(predicted, true)`, yes being positive.

    Figures without a denominator are left out.
    """
    counts = {(p, t): 0 for p in (True, False) for t in (True, False)}
    for pair in pairs:
        counts[pair] += 1
    hits, total = counts[True, True], sum(counts.values())
    said, true = hits + counts[True, False], hits + counts[False, True]
    precision, recall = ratio(hits, said), ratio(hits, true)
    both = None if precision is None or recall is None else precision + recall
    return present(
        {
            "accuracy": ratio(hits + counts[False, False], total),
            "precision": precision,
            "recall": recall,
            "F1": 2 * precision * recall / both if precision and recall and both else both and 0.0,
            "yes-ratio": ratio(said, total),
        }
    )
