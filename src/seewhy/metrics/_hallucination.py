"""Words that the picture does not support: labels, erased objects, and figures of scores.

Shared by the metrics of hallucination. A high score predicts that a word is unsupported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from seewhy.functional.statistics import Statistic
from seewhy.images.changes import erase_object
from seewhy.metrics._base import Figure, Results, Undefined, finite_or_undefined
from seewhy.metrics._reruns import RerunnableSample
from seewhy.metrics._sample import seed_for, word_mask

STATISTICS: dict[Statistic, str] = {
    "auroc": "Area under the ROC curve",
    "average-precision": "Average precision",
    "fpr95": "False positive rate at 95 % recall",
}
"""Unsupported words are the positives."""


def score_figures(scores: Mapping[str, str]) -> tuple[Figure, ...]:
    """The statistics of scores, on the answer's words and on erased objects.

    Args:
        scores: name and summary of each.
    """
    return tuple(
        Figure(
            f"{score}-{where}{statistic}",
            f"{long} of {what} for {which}.",
            higher_is_better=statistic != "fpr95",
            statistic=statistic,
        )
        for score, what in scores.items()
        for where, which in (
            ("", "words that the picture does not support"),
            ("counterfactual-", "words whose object was erased"),
        )
        for statistic, long in STATISTICS.items()
    )


def scored(score: str, value: float, word: int, label: bool, *, counterfactual: bool) -> Results:
    """One score as a value of each of its figures."""
    where = "counterfactual-" if counterfactual else ""
    for statistic in STATISTICS:
        figure = f"{score}-{where}{statistic}"
        yield finite_or_undefined(figure, value, word, reason="score not finite", label=label)


def unscored(scores: Mapping[str, str], reason: str, *, counterfactual: bool) -> list[Undefined]:
    """All scores as undefined, on the answer's words or on erased objects."""
    where = "counterfactual-" if counterfactual else ""
    return [
        Undefined(f"{score}-{where}{statistic}", reason)
        for score in scores
        for statistic in STATISTICS
    ]


def labelled(sample: RerunnableSample) -> dict[int, bool]:
    """For each word with a known label, by index: whether the picture does not support it."""
    return {
        index: not word.truth.supported
        for index, word in enumerate(sample.words)
        if word.truth is not None and word.truth.supported is not None
    }


def erasable(sample: RerunnableSample) -> tuple[int, Any] | None:
    """A word and the picture without its object, or None if no object can be erased.

    The word is drawn from the selected names of things that the picture supports, without those
    with a second thing of the same kind (tag `distractor`). The same for all methods.
    """
    if "erasable" not in sample.shared:
        words = [index for index in sample.selected if _is_erasable(sample, index)]
        result = None
        if words:
            generator = torch.Generator().manual_seed(seed_for(sample, "erasable"))
            index = words[int(torch.randint(len(words), (1,), generator=generator))]
            mask = word_mask(sample, index)
            result = None if mask is None else (index, erase_object(sample.image, mask))
        sample.shared["erasable"] = result
    return sample.shared["erasable"]


def _is_erasable(sample: RerunnableSample, word: int) -> bool:
    truth, mask = sample.words[word].truth, word_mask(sample, word)
    if truth is None or mask is None or truth.role != "kind" or truth.supported is False:
        return False
    return bool(mask.any()) and not bool(mask.all()) and truth.tags.get("distractor") != "yes"
