"""Hallucination: does the attribution tell words that the picture does not bear out?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from seewhy.metrics._base import Case, Figure, Measurement, Metric, Undefined
from seewhy.metrics._hallucination import (
    erasable,
    labelled,
    score_figures,
    scored,
    unscored,
)
from seewhy.metrics._perturbation import lacks_model, session_of
from seewhy.metrics._reruns import explain_again

SCORES = {
    "context-share": "the strongest context over itself and the brightest cell",
    "context-share-mean": "the mean context over itself and the mean cell",
    "faintness": "how faint the brightest cell is",
}


@dataclass(frozen=True)
class Hallucination(Metric):
    """Scores of each word from its attribution, against whether the picture bears the word out.

    With a the raw map (all views, before display) and c the context relevance of a word, each the
    largest over its tokens: `context-share` = max c / (max c + max a), `context-share-mean` the
    same of means, `faintness` = -max a. Raw values of one method share a scale over words and
    pictures; a method that normalises them within a word has none to tell by.

    Labels: words of which the sample knows that the picture shows them or does not (as said); and
    the same word on the picture as it is and on one without its object, the answer kept
    (counterfactual). Ours.

    Baselines that need no attribution stand in `hallucination-baselines`.
    """

    name: ClassVar[str] = "hallucination"
    summary: ClassVar[str] = "How well the attribution tells words without evidence in the image."
    citations: ClassVar[tuple[str, ...]] = ("fawcett2006roc",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    figures: ClassVar[tuple[Figure, ...]] = score_figures(SCORES)

    def measure(self, case: Case) -> Iterator[Measurement | Undefined]:
        """The scores of every word with a label, and of one word with and without its object."""
        labels = labelled(case)
        if not labels:
            yield from unscored(SCORES, "no word with a label", counterfactual=False)
        for at, label in labels.items():
            if invalid_reason := case.invalid_reason(at):
                yield from unscored(SCORES, invalid_reason, counterfactual=False)
                continue
            for score, value in scores(case, at).items():
                yield from scored(score, value, at, label, counterfactual=False)
        yield from self._counterfactual(case)

    def _counterfactual(self, case: Case) -> Iterator[Measurement | Undefined]:
        found = erasable(case)
        reason = lacks_model(case) or (None if found else "no object that can be erased")
        if found is None or reason:
            yield from unscored(SCORES, str(reason), counterfactual=True)
            return
        at, picture = found
        if invalid_reason := case.invalid_reason(at):
            yield from unscored(SCORES, invalid_reason, counterfactual=True)
            return
        session = session_of(case)
        shown = session.with_images(picture, *session.images[1:])
        without = explain_again(case, shown, [at])
        for side, label in ((case, False), (without, True)):
            for score, value in scores(side, at).items():
                yield from scored(score, value, at, label, counterfactual=True)


def scores(case: Case, word: int) -> dict[str, float]:
    """The scores of a word, high where the picture seems not to bear it out."""
    tokens, count = case.tokens(word), len(case.evidence.trace.tokens)
    before = len(case.evidence.trace.prompt_tokens) + tokens[0]
    maps = [view[-count:][tokens].amax(0).float() for view in case.attribution.maps]
    context = case.attribution.context[-count:][tokens, :before].float()
    strongest = float(context.max()) if context.numel() else 0.0
    usual = float(context.amax(0).mean()) if context.numel() else 0.0
    brightest = max(float(view.max()) for view in maps)
    mean = sum(float(view.sum()) for view in maps) / sum(view.numel() for view in maps)
    return {
        "context-share": _share(strongest, brightest),
        "context-share-mean": _share(usual, mean),
        "faintness": -brightest,
    }


def _share(context: float, image: float) -> float:
    """NaN where there is neither."""
    total = context + image
    return context / total if total else float("nan")
