"""Hallucination: does the attribution find words that the picture does not support?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.metrics._base import Figure, Metric, Results
from seewhy.metrics._hallucination import (
    erasable,
    labelled,
    score_figures,
    scored,
    unscored,
)
from seewhy.metrics._reruns import RerunnableSample, lacks_model, session_of
from seewhy.metrics._sample import ExplainedSample, invalid_reason

SCORES = {
    "context-share": "the strongest context over itself and the brightest cell",
    "context-share-mean": "the mean context over itself and the mean cell",
    "negative-map-peak": "the negative value of the brightest cell",
}


@dataclass(frozen=True)
class Hallucination(Metric):
    """Scores of each word from its attribution, against whether the picture supports the word.

    With a the raw map (all views, before display) and c the context relevance of a word, each the
    largest over its tokens: `context-share` = max c / (max c + max a), `context-share-mean` the
    same of means, `negative-map-peak` = -max a. Raw values of one method share a scale over words
    and pictures; those of a method that normalises within a word do not compare.

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

    def measure(self, sample: RerunnableSample) -> Results:
        """The scores of every word with a label, and of one word with and without its object."""
        labels = labelled(sample)
        if not labels:
            yield from unscored(SCORES, "no word with a label", counterfactual=False)
        for at, label in labels.items():
            if reason := invalid_reason(sample, at):
                yield from unscored(SCORES, reason, counterfactual=False)
                continue
            for score, value in scores(sample, at).items():
                yield from scored(score, value, at, label, counterfactual=False)
        yield from self._counterfactual(sample)

    def _counterfactual(self, sample: RerunnableSample) -> Results:
        found = erasable(sample)
        reason = lacks_model(sample) or (None if found else "no object that can be erased")
        if found is None or reason:
            yield from unscored(SCORES, str(reason), counterfactual=True)
            return
        at, picture = found
        if reason := invalid_reason(sample, at):
            yield from unscored(SCORES, reason, counterfactual=True)
            return
        session = session_of(sample)
        shown = session.with_images(picture, *session.images[1:])
        without = sample.rerun(shown, [at])
        for side, label in ((sample, False), (without, True)):
            for score, value in scores(side, at).items():
                yield from scored(score, value, at, label, counterfactual=True)


def scores(sample: ExplainedSample, word: int) -> dict[str, float]:
    """The scores of a word, high where the picture seems not to support it."""
    tokens = sample.words[word].tokens
    answer, text = sample.context.shape
    before = text - answer + tokens[0]
    maps = [view[tokens].amax(0).float() for view in sample.raw_maps]
    context = sample.context[tokens, :before].float()
    strongest = float(context.max()) if context.numel() else 0.0
    usual = float(context.amax(0).mean()) if context.numel() else 0.0
    brightest = max(float(view.max()) for view in maps)
    mean = sum(float(view.sum()) for view in maps) / sum(view.numel() for view in maps)
    return {
        "context-share": _share(strongest, brightest),
        "context-share-mean": _share(usual, mean),
        "negative-map-peak": -brightest,
    }


def _share(context: float, image: float) -> float:
    """NaN where there is neither."""
    total = context + image
    return context / total if total else float("nan")
