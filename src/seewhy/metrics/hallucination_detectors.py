"""Hallucination: published detectors that need no training, without attribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.core.errors import UnsupportedModelError
from seewhy.metrics._base import Figure, Metric, Results
from seewhy.metrics._detectors import detect
from seewhy.metrics._hallucination import erasable, labelled, score_figures, scored, unscored
from seewhy.metrics._reruns import RerunnableSample, lacks_model, session_of

SCORES = {
    "negative-internal-confidence": "the negative largest lens probability of the word in patches",
    "negative-svar": "the negative attention on the picture in the middle layers",
    "negative-contextual-lens": "the negative largest cosine of the word's and a patch's states",
    "negative-glsim": "the negative similarity to the instruction and to the word's patches",
    "negative-inslen": "the negative local score and consistency by the instruction's lens",
    "ads": "the dispersion of attention over the picture",
    "negative-cgc": "the negative mean cosine with the most similar patches",
}


@dataclass(frozen=True)
class HallucinationDetectors(Metric):
    """Internal confidence, SVAR, ContextualLens, GLSim, InsLen, ADS and CGC.

    Each as published, at the layers of its paper: `seewhy.metrics._detectors` states layers,
    positions and what is our reading. All scores of a picture come from one forward pass with the
    answer, layer by layer. Papers score names of objects; here every word with a label is scored.
    Labels as in `hallucination`. The scores do not depend on the method.
    """

    name: ClassVar[str] = "hallucination-detectors"
    summary: ClassVar[str] = "How well published detectors without training find such words."
    citations: ClassVar[tuple[str, ...]] = (
        *("jiang2025interpreting", "jiang2025devils", "phukan2025contextuallens"),
        *("park2025glsim", "lai2026inslen", "nguyen2026grounding", "fawcett2006roc"),
    )
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    of_model: ClassVar[bool] = True
    figures: ClassVar[tuple[Figure, ...]] = score_figures(SCORES)

    def measure(self, sample: RerunnableSample) -> Results:
        """The scores of every word with a label, and of one word with and without its object."""
        if reason := lacks_model(sample):
            yield from self.undefined(reason)
            return
        try:
            yield from self._measure(sample)
        except UnsupportedModelError:
            yield from self.undefined("the decoder's layers cannot be read")

    def _measure(self, sample: RerunnableSample) -> Results:
        session, labels, erased = session_of(sample), labelled(sample), erasable(sample)
        scored_words = list(labels)
        if erased is not None and erased[0] not in labels:
            scored_words.append(erased[0])
        original: dict[int, dict[str, float]] = {}
        if scored_words:
            tokens = [sample.words[word].tokens for word in scored_words]
            found = detect(session, session.inputs(), tokens)
            for place, word in enumerate(scored_words):
                original[word] = {name: float(values[place]) for name, values in found.items()}
        if not labels:
            yield from unscored(SCORES, "no word with a label", counterfactual=False)
        for word, label in labels.items():
            for score, value in original[word].items():
                yield from scored(score, value, word, label, counterfactual=False)
        if erased is None:
            reason = "no object that can be erased"
            yield from unscored(SCORES, reason, counterfactual=True)
            return
        word, picture = erased
        changed = session.with_images(picture, *session.images[1:])
        gone = detect(changed, changed.inputs(), [sample.words[word].tokens])
        without_object = {name: float(values[0]) for name, values in gone.items()}
        for values, label in ((original[word], False), (without_object, True)):
            for score, value in values.items():
                yield from scored(score, value, word, label, counterfactual=True)
