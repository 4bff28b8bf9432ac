"""Words that the picture does not support: labels, erased objects, and the figures of scores.

Shared by the two metrics of hallucination. A score is high where a word is thought unsupported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from seewhy.functional.statistics import Statistic
from seewhy.metrics._base import Figure, Results, Undefined, finite_or_undefined
from seewhy.metrics._perturbation import erase_object
from seewhy.metrics._reruns import RerunnableSample
from seewhy.metrics._sample import seed_for, word_mask

STATISTICS: dict[Statistic, str] = {
    "auroc": "Area under the ROC curve",
    "average-precision": "Average precision",
}


def score_figures(scores: Mapping[str, str]) -> tuple[Figure, ...]:
    """AUROC and average precision of scores, on the words as said and on erased objects.

    Args:
        scores: the summary of each by its name.
    """
    return tuple(
        Figure(
            f"{score}-{where}{statistic}",
            f"{long} of {what} for {which}.",
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
    """One score under both of its figures."""
    where = "counterfactual-" if counterfactual else ""
    for statistic in STATISTICS:
        figure = f"{score}-{where}{statistic}"
        yield finite_or_undefined(figure, value, word, reason="score not finite", label=label)


def unscored(scores: Mapping[str, str], reason: str, *, counterfactual: bool) -> list[Undefined]:
    """That no score is defined on one of the two sides."""
    where = "counterfactual-" if counterfactual else ""
    return [
        Undefined(f"{score}-{where}{statistic}", reason)
        for score in scores
        for statistic in STATISTICS
    ]


def labelled(sample: RerunnableSample) -> dict[int, bool]:
    """For the places of words of which it is known: whether the picture does not support them."""
    return {
        at: not word.truth.supported
        for at, word in enumerate(sample.words)
        if word.truth is not None and word.truth.supported is not None
    }


def erasable(sample: RerunnableSample) -> tuple[int, Any] | None:
    """A word and the picture without its object, or None where no object can be erased.

    The word is drawn among the selected names of things that the picture supports, without those
    of whose kind there is another one (tag `distractor`), which would still be visible. The same
    for all methods.
    """
    if "erasable" not in sample.shared:
        words = [at for at in sample.selected if _stands_alone(sample, at)]
        found = None
        if words:
            generator = torch.Generator().manual_seed(seed_for(sample, "erasable"))
            at = words[int(torch.randint(len(words), (1,), generator=generator))]
            mask = word_mask(sample, at)
            found = None if mask is None else (at, erase_object(sample.image, mask))
        sample.shared["erasable"] = found
    return sample.shared["erasable"]


def _stands_alone(sample: RerunnableSample, word: int) -> bool:
    truth, mask = sample.words[word].truth, word_mask(sample, word)
    if truth is None or mask is None or truth.role != "kind" or truth.supported is False:
        return False
    return bool(mask.any()) and not bool(mask.all()) and truth.tags.get("distractor") != "yes"
