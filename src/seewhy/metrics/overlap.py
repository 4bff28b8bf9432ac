"""Overlap with masks: TAM's Obj-IoU, Func-IoU and F1-IoU, also at a fixed threshold."""

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

#: Roles that count as TAM's nouns; `ground` is the background in drawn scenes.
NOUNS = ("kind", "noun", "ground")

#: The suffix of each threshold's figures, and the threshold; None is Otsu's.
THRESHOLDS = (("", None), ("@0.5", 0.5))


@dataclass(frozen=True)
class Overlap(Metric):
    """Obj-IoU, Func-IoU and their harmonic mean F1-IoU.

    Obj-IoU: of each word that names a thing with a mask, the IoU of the binarised map and the
    mask, the best over its tokens; adjacent words of one category count once, with the best
    value. Func-IoU: of each function word, the share of its map that is not above the
    mean Otsu threshold of all nouns' tokens, the mean over its tokens. F1-IoU: the harmonic mean
    of the two means over the data set.

    As in the paper (TAM); the mean of thresholds over tokens is our reading, and the fixed
    threshold of 0.5 is ours, because Func-IoU depends much on the threshold.
    """

    name: ClassVar[str] = "overlap"
    summary: ClassVar[str] = "Obj-IoU, Func-IoU and F1-IoU as TAM defines them, and at 0.5."
    citations: ClassVar[tuple[str, ...]] = ("li2025tam", "otsu1979threshold")
    needs: ClassVar[frozenset[str]] = frozenset({"masks"})
    figures: ClassVar[tuple[Figure, ...]] = tuple(
        figure
        for suffix, threshold in THRESHOLDS
        for setting in ("Otsu's threshold" if threshold is None else f"the threshold {threshold}",)
        for figure in (
            Figure(f"object-iou{suffix}", f"Overlap of things' maps and masks at {setting}."),
            Figure(f"function-iou{suffix}", f"Dark share of function words' maps at {setting}."),
            Figure(
                f"f1-iou{suffix}",
                f"Harmonic mean of Obj-IoU and Func-IoU at {setting}.",
                statistic="harmonic",
                of=(f"object-iou{suffix}", f"function-iou{suffix}"),
            ),
        )
    )

    def measure(self, sample: ExplainedSample) -> Results:
        """One value for each thing (adjacent words of one category together) and function word."""
        for suffix, threshold in THRESHOLDS:
            yield from _objects(sample, f"object-iou{suffix}", threshold)
            yield from _functions(sample, f"function-iou{suffix}", threshold)


def _objects(sample: ExplainedSample, figure: str, threshold: float | None) -> Results:
    any_mask = False
    best: Measurement | None = None
    for index, word in enumerate(sample.words):
        mask = word_mask(sample, index) if word.role == "kind" else None
        if mask is None:
            continue
        any_mask = True
        if reason := invalid_reason(sample, index):
            yield Undefined(figure, reason)
            continue
        value = float(
            object_iou(sample.heatmaps[sample.words[index].tokens], mask, threshold).amax()
        )
        result = finite_or_undefined(figure, value, index, reason="map and mask are empty")
        if isinstance(result, Undefined):
            yield result
        elif best is not None and _continues_run(sample, best.word, index):
            # The run ends at its last word, whichever of its words has the best value.
            best = Measurement(figure, max(best.value, value), index)
        else:
            if best is not None:
                yield best
            best = result
    if best is not None:
        yield best
    if not any_mask:
        yield Undefined(figure, "no thing with a mask said")


def _continues_run(sample: ExplainedSample, before: int | None, index: int) -> bool:
    """Whether a word directly follows another one of the same category."""
    if before is None or index != before + 1:
        return False
    first, second = sample.words[before].truth, sample.words[index].truth
    if first is None or second is None:
        return False
    return first.category == second.category != ""


def _functions(sample: ExplainedSample, figure: str, threshold: float | None) -> Results:
    functions = [index for index, word in enumerate(sample.words) if word.role == "function"]
    nouns = [index for index, word in enumerate(sample.words) if word.role in NOUNS]
    if not functions:
        yield Undefined(figure, "no function word said")
        return
    limit = threshold
    if limit is None:
        noun_maps = [
            sample.heatmaps[sample.words[index].tokens]
            for index in nouns
            if not invalid_reason(sample, index)
        ]
        if not noun_maps:
            yield Undefined(figure, "no noun explained" if nouns else "no noun said")
            return
        limit = float(otsu_threshold(torch.cat(noun_maps)).mean())
    for index in functions:
        if reason := invalid_reason(sample, index):
            yield Undefined(figure, reason)
            continue
        dark_share = float(function_iou(sample.heatmaps[sample.words[index].tokens], limit).mean())
        yield Measurement(figure, dark_share, index)
