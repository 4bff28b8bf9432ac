"""Overlap with masks: TAM's Obj-IoU, Func-IoU and F1-IoU, also at a fixed threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seewhy.functional.overlap import function_iou, object_iou
from seewhy.functional.thresholds import eight_bit, function_threshold
from seewhy.metrics._base import (
    Figure,
    Measurement,
    Metric,
    Results,
    Undefined,
    finite_or_undefined,
)
from seewhy.metrics._sample import (
    ExplainedSample,
    at_mask_size,
    cells_on_picture,
    invalid_reason,
    word_mask,
)

#: Roles that count as TAM's nouns; `ground` is the background in drawn scenes.
NOUNS = ("kind", "noun", "ground")

#: The suffix of each threshold's figures, and the threshold; None is Otsu's.
THRESHOLDS = (("", None), ("@0.5", 0.5))


@dataclass(frozen=True, eq=False)
class _Shown:
    """A sample's maps on one scale.

    Attributes:
        native: float `[token, height, width]` on their own grid, without cells of padding.
        sized: float `[token, height, width]` in [0, 1] at the size of the masks.
        threshold: of the sized maps, or None for each map's own by Otsu.
    """

    native: Tensor
    sized: Tensor
    threshold: float | None

    @staticmethod
    def of(sample: ExplainedSample, threshold: float | None) -> _Shown:
        """At Otsu's threshold 8-bit images, as TAM evaluates; at a fixed one the answer's scale."""
        if threshold is not None:
            maps = sample.answer_maps.float().cpu()
            return _Shown(cells_on_picture(sample, maps), at_mask_size(sample, maps), threshold)
        levels = eight_bit(sample.native_maps.cpu())
        return _Shown(cells_on_picture(sample, levels), at_mask_size(sample, levels / 255), None)


@dataclass(frozen=True)
class Overlap(Metric):
    """Obj-IoU, Func-IoU and their harmonic mean F1-IoU, as TAM's published code evaluates them.

    Obj-IoU: of each word that names a thing with a mask, the IoU of the binarised map and the
    mask, the best over its tokens; adjacent words of one category count once, with the best
    value. Func-IoU: of each function word, the share of cells of its native grid that are darker
    than a threshold, the mean over its tokens; the threshold is the mean over all nouns of the
    largest Otsu threshold of a noun's tokens. Maps are 8-bit images. F1-IoU: the harmonic mean of
    the two means over the data set.

    The same at a fixed threshold of 0.5 is ours, because the threshold moves Func-IoU much. It is
    a threshold of what a person sees: maps on the one scale of the whole answer.

    One thing is not done as published. Where a word's category is not in the mask, and the next
    word has the same one, that code merges the two values before, which are of other words. Here
    such a word has no value.
    """

    name: ClassVar[str] = "overlap"
    summary: ClassVar[str] = (
        "Obj-IoU, Func-IoU and F1-IoU as TAM evaluates them, and at 0.5 of the answer's scale."
    )
    citations: ClassVar[tuple[str, ...]] = ("li2025tam", "otsu1979threshold")
    needs: ClassVar[frozenset[str]] = frozenset({"masks"})
    # 1: mean of Otsu's thresholds over tokens; 0.5 on the joint scale. 2: maps over the whole
    # picture, also where some was cut off.
    revision: ClassVar[int] = 3
    figures: ClassVar[tuple[Figure, ...]] = tuple(
        figure
        for suffix, threshold in THRESHOLDS
        for setting in (
            "Otsu's threshold"
            if threshold is None
            else f"the threshold {threshold} on the answer's scale",
        )
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
            shown = _Shown.of(sample, threshold)
            yield from _objects(sample, f"object-iou{suffix}", shown)
            yield from _functions(sample, f"function-iou{suffix}", shown)


def _objects(sample: ExplainedSample, figure: str, shown: _Shown) -> Results:
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
        maps = shown.sized[sample.words[index].tokens]
        value = float(object_iou(maps, mask, shown.threshold).amax())
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


def _functions(sample: ExplainedSample, figure: str, shown: _Shown) -> Results:
    functions = [index for index, word in enumerate(sample.words) if word.role == "function"]
    if not functions:
        yield Undefined(figure, "no function word said")
        return
    limit = shown.threshold
    if limit is None:
        nouns = [index for index, word in enumerate(sample.words) if word.role in NOUNS]
        valid = [index for index in nouns if not invalid_reason(sample, index)]
        if not valid:
            yield Undefined(figure, "no noun explained" if nouns else "no noun said")
            return
        limit = function_threshold([shown.sized[sample.words[index].tokens] for index in valid])
    for index in functions:
        if reason := invalid_reason(sample, index):
            yield Undefined(figure, reason)
            continue
        dark_share = float(function_iou(shown.native[sample.words[index].tokens], limit).mean())
        yield Measurement(figure, dark_share, index)
