"""Words that the picture does not bear out: labels, erased objects, and the figures of scores.

Shared by the two metrics of hallucination. A score is high where a word is thought unsupported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from seewhy.functional.statistics import Statistic
from seewhy.metrics._base import Case, Figure, Measurement, Undefined, measured
from seewhy.metrics._perturbation import erased

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
            ("", "words that the picture does not bear out"),
            ("counterfactual-", "words whose object was erased"),
        )
        for statistic, long in STATISTICS.items()
    )


def scored(
    score: str, value: float, word: int, label: bool, *, counterfactual: bool
) -> Iterator[Measurement | Undefined]:
    """One score under both of its figures."""
    where = "counterfactual-" if counterfactual else ""
    for statistic in STATISTICS:
        figure = f"{score}-{where}{statistic}"
        yield measured(figure, value, word, otherwise="score not finite", label=label)


def unscored(scores: Mapping[str, str], reason: str, *, counterfactual: bool) -> list[Undefined]:
    """That no score is defined on one of the two sides."""
    where = "counterfactual-" if counterfactual else ""
    return [
        Undefined(f"{score}-{where}{statistic}", reason)
        for score in scores
        for statistic in STATISTICS
    ]


def labelled(case: Case) -> dict[int, bool]:
    """For the places of words of which it is known: whether the picture does not bear them out."""
    return {
        at: not word.truth.supported
        for at, word in enumerate(case.words)
        if word.truth is not None and word.truth.supported is not None
    }


def erasable(case: Case) -> tuple[int, Any] | None:
    """A word and the picture without its object, or None where no object can be erased.

    The word is drawn among the wanted names of things that the picture bears out and of whose
    kind there is no other one (tag `distractor`): of those one would still be seen. The same for
    all methods.
    """
    if "erasable" not in case.shared:
        words = [at for at in case.selected if _stands_alone(case, at)]
        found = None
        if words:
            generator = torch.Generator().manual_seed(case.seed_of("erasable"))
            at = words[int(torch.randint(len(words), (1,), generator=generator))]
            mask = case.mask(at)
            found = None if mask is None else (at, erased(case.sample.image, mask))
        case.shared["erasable"] = found
    return case.shared["erasable"]


def _stands_alone(case: Case, word: int) -> bool:
    truth, mask = case.words[word].truth, case.mask(word)
    if truth is None or mask is None or truth.role != "kind" or truth.supported is False:
        return False
    return bool(mask.any()) and not bool(mask.all()) and truth.tags.get("distractor") != "yes"
