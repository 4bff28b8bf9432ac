"""Hallucination: how well attributions detect words that the picture does not support."""

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
    "negative-visual-share": "the negative part of what was taken that came from the picture",
}


@dataclass(frozen=True)
class Hallucination(Metric):
    """Scores of each word from its attribution, with labels whether the picture supports the word.

    With a the raw map (all views, before display) and c the context relevance of a word, each the
    largest over its tokens: `context-share` = max c / (max c + max a), `context-share-mean` the
    same of means, `negative-map-peak` = -max a. `negative-visual-share` is the negative mean over
    its tokens of the share that came from the picture, for methods that measure it. Raw values of
    one method can be compared over words and pictures, unless it normalises within a word.

    Labels: words whose truth tells whether the picture supports them; and the same word with the
    original picture and with one without its object, with the same answer (counterfactual). Ours.

    `hallucination-baselines` has baselines without attribution.
    """

    name: ClassVar[str] = "hallucination"
    summary: ClassVar[str] = "How well the attribution detects words without evidence in the image."
    citations: ClassVar[tuple[str, ...]] = ("fawcett2006roc",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    figures: ClassVar[tuple[Figure, ...]] = score_figures(SCORES)

    def measure(self, sample: RerunnableSample) -> Results:
        """The scores of every word with a label, and of one word with and without its object."""
        labels = labelled(sample)
        if not labels:
            yield from unscored(SCORES, "no word with a label", counterfactual=False)
        for index, label in labels.items():
            if reason := invalid_reason(sample, index):
                yield from unscored(SCORES, reason, counterfactual=False)
                continue
            for score, value in scores(sample, index).items():
                yield from scored(score, value, index, label, counterfactual=False)
        yield from self._counterfactual(sample)

    def _counterfactual(self, sample: RerunnableSample) -> Results:
        erased = erasable(sample)
        reason = lacks_model(sample) or (None if erased else "no object that can be erased")
        if erased is None or reason:
            yield from unscored(SCORES, str(reason), counterfactual=True)
            return
        index, picture = erased
        if reason := invalid_reason(sample, index):
            yield from unscored(SCORES, reason, counterfactual=True)
            return
        session = session_of(sample)
        changed_session = session.with_images(picture, *session.images[1:])
        without_object = sample.rerun(changed_session, [index])
        for variant, label in ((sample, False), (without_object, True)):
            for score, value in scores(variant, index).items():
                yield from scored(score, value, index, label, counterfactual=True)


def scores(sample: ExplainedSample, word: int) -> dict[str, float]:
    """The scores of a word; high scores predict that the picture does not support it."""
    tokens = sample.words[word].tokens
    answer, text = sample.context.shape
    before = text - answer + tokens[0]
    maps = [view[tokens].amax(0).float() for view in sample.raw_maps]
    context = sample.context[tokens, :before].float()
    largest_context = float(context.max()) if context.numel() else 0.0
    mean_context = float(context.amax(0).mean()) if context.numel() else 0.0
    brightest = max(float(view.max()) for view in maps)
    mean_map = sum(float(view.sum()) for view in maps) / sum(view.numel() for view in maps)
    return {
        "context-share": _share(largest_context, brightest),
        "context-share-mean": _share(mean_context, mean_map),
        "negative-map-peak": -brightest,
        "negative-visual-share": _negative_visual_share(sample, tokens),
    }


def _negative_visual_share(sample: ExplainedSample, tokens: list[int]) -> float:
    """The mean over tokens; NaN if the method does not measure it."""
    share = getattr(sample, "visual_share", None)  # an ArraySample has none
    return float("nan") if share is None else -float(share[tokens].mean())


def _share(context: float, image: float) -> float:
    """Context over the total; NaN if both are 0."""
    total = context + image
    return context / total if total else float("nan")
