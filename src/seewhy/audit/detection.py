"""How well support tells words that the truth supports from those that it does not.

Support is rounded to thousandths and counted, so that memory does not grow with the words. Answers
are dealt to groups in turn, and groups are drawn with replacement: up to `GROUPS` answers this is
the bootstrap over answers.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import torch

from seewhy.functional.statistics import (
    Estimate,
    Values,
    bootstrap_weights,
    interval,
    weighted_auroc,
    weighted_average_precision,
    weighted_fpr95,
)

LEVELS = 1001
GROUPS = 500
REPLICATES = 1000


@dataclass(frozen=True)
class Detection:
    """`1 - support` as a score of words that the truth does not support.

    Attributes:
        words: with a known truth.
        untrue: those of them that the truth does not support.
        answers: that hold such words.
        auroc, average_precision: of the score.
        false_positive_rate: at 95 % recall.
    """

    words: int
    untrue: int
    answers: int
    auroc: Estimate
    average_precision: Estimate
    false_positive_rate: Estimate


class SupportCounts:
    """Words with a known truth by group of answers, truth and support."""

    def __init__(self) -> None:
        self._counts = array("i", bytes(4 * GROUPS * 2 * LEVELS))
        self.answers = 0

    def add(self, answer: list[tuple[float, bool]]) -> None:
        """Count the words of one answer: support, and whether the truth supports the word."""
        if not answer:
            return
        group = self.answers % GROUPS
        self.answers += 1
        for support, supported in answer:
            level = round((1 - min(max(support, 0.0), 1.0)) * (LEVELS - 1))
            self._counts[(group * 2 + supported) * LEVELS + level] += 1

    def detection(self) -> Detection | None:
        """The figures; None unless there are words of both kinds."""
        counts = torch.frombuffer(self._counts, dtype=torch.int32).view(GROUPS, 2 * LEVELS)
        counts = counts[: max(1, min(self.answers, GROUPS))].double()
        totals = counts.sum(0, keepdim=True)
        untrue, words = int(totals[0, :LEVELS].sum()), int(totals.sum())
        if untrue in (0, words):
            return None
        drawn = bootstrap_weights(len(counts), REPLICATES) @ counts
        found = {
            name: Estimate(
                float(measure(totals)), *interval(measure(drawn)), images=self.answers, values=words
            )
            for name, measure in _MEASURES.items()
        }
        return Detection(words, untrue, self.answers, **found)


def _cells() -> Values:
    """Each cell of the counts as a value: its score, and whether it should be high."""
    score = torch.arange(LEVELS, dtype=torch.float64).repeat(2)
    return Values(score, torch.arange(2 * LEVELS), torch.arange(2 * LEVELS) < LEVELS)


_MEASURES = {
    "auroc": lambda counts: weighted_auroc(_cells(), counts),
    "average_precision": lambda counts: weighted_average_precision(_cells(), counts),
    "false_positive_rate": lambda counts: weighted_fpr95(_cells(), counts),
}
