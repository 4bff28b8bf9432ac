"""Overlap with masks, exactly as TAM measures it, and at a fixed threshold beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from seewhy.functional.overlap import function_iou, object_iou
from seewhy.functional.thresholds import otsu_threshold
from seewhy.metrics._base import (
    Figure,
    Measurement,
    Metric,
    Results,
    Undefined,
    finite_or_undefined,
)
from seewhy.metrics._sample import ExplainedSample, invalid_reason, word_mask

#: Roles whose words TAM takes for nouns; `ground` is the drawn world's word for what lies behind.
NOUNS = ("kind", "noun", "ground")

#: The suffix of each threshold's figures, and the threshold; None is Otsu's.
THRESHOLDS = (("", None), ("@0.5", 0.5))


@dataclass(frozen=True)
class Overlap(Metric):
    """Obj-IoU, Func-IoU and their harmonic mean F1-IoU.

    Obj-IoU: of each word that names a thing with a mask, the IoU of the binarised map and the
    mask, the best over its tokens; words of one category that follow each other directly count
    once, the better. Func-IoU: of each function word, the share of its map that is not above the
    mean Otsu threshold of all nouns' tokens, the mean over its tokens. F1-IoU: the harmonic mean
    of the two means over the data set.

    Stated by the paper (TAM); that the threshold's mean is over tokens is our reading, and the
    fixed threshold of 0.5 is our addition, for the threshold alone moves Func-IoU by points.
    """

    name: ClassVar[str] = "overlap"
    summary: ClassVar[str] = "Obj-IoU, Func-IoU and F1-IoU as TAM defines them, and at 0.5."
    citations: ClassVar[tuple[str, ...]] = ("li2025tam", "otsu1979threshold")
    needs: ClassVar[frozenset[str]] = frozenset({"masks"})
    figures: ClassVar[tuple[Figure, ...]] = tuple(
        figure
        for suffix, threshold in THRESHOLDS
        for at in ("Otsu's threshold" if threshold is None else f"the threshold {threshold}",)
        for figure in (
            Figure(f"object-iou{suffix}", f"Overlap of things' maps and masks at {at}."),
            Figure(f"function-iou{suffix}", f"Dark share of function words' maps at {at}."),
            Figure(
                f"f1-iou{suffix}",
                f"Harmonic mean of Obj-IoU and Func-IoU at {at}.",
                statistic="harmonic",
                of=(f"object-iou{suffix}", f"function-iou{suffix}"),
            ),
        )
    )

    def measure(self, sample: ExplainedSample) -> Results:
        """One value for each thing (or run of words for one) and each function word."""
        for suffix, threshold in THRESHOLDS:
            yield from _objects(sample, f"object-iou{suffix}", threshold)
            yield from _functions(sample, f"function-iou{suffix}", threshold)


def _objects(sample: ExplainedSample, figure: str, threshold: float | None) -> Results:
    said = False
    best: Measurement | None = None
    for at, word in enumerate(sample.words):
        mask = word_mask(sample, at) if word.role == "kind" else None
        if mask is None:
            continue
        said = True
        if reason := invalid_reason(sample, at):
            yield Undefined(figure, reason)
            continue
        value = float(object_iou(sample.heatmaps[sample.words[at].tokens], mask, threshold).amax())
        found = finite_or_undefined(figure, value, at, reason="map and mask are empty")
        if isinstance(found, Undefined):
            yield found
        elif best is not None and _goes_on(sample, best.word, at):
            # The last word's place goes on with the run, whichever of its words was better.
            best = Measurement(figure, max(best.value, value), at)
        else:
            if best is not None:
                yield best
            best = found
    if best is not None:
        yield best
    if not said:
        yield Undefined(figure, "no thing with a mask said")


def _goes_on(sample: ExplainedSample, before: int | None, at: int) -> bool:
    """Whether a word stands directly behind another of the same category."""
    if before is None or at != before + 1:
        return False
    one, other = sample.words[before].truth, sample.words[at].truth
    return one is not None and other is not None and one.category == other.category != ""


def _functions(sample: ExplainedSample, figure: str, threshold: float | None) -> Results:
    functions = [at for at, word in enumerate(sample.words) if word.role == "function"]
    nouns = [at for at, word in enumerate(sample.words) if word.role in NOUNS]
    if not functions:
        yield Undefined(figure, "no function word said")
        return
    limit = threshold
    if limit is None:
        valid_words = [
            sample.heatmaps[sample.words[at].tokens]
            for at in nouns
            if not invalid_reason(sample, at)
        ]
        if not valid_words:
            yield Undefined(figure, "no noun explained" if nouns else "no noun said")
            return
        limit = float(otsu_threshold(torch.cat(valid_words)).mean())
    for at in functions:
        if reason := invalid_reason(sample, at):
            yield Undefined(figure, reason)
            continue
        dark = float(function_iou(sample.heatmaps[sample.words[at].tokens], limit).mean())
        yield Measurement(figure, dark, at)
