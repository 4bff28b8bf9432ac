"""AUC: how often a pixel inside the word's mask has a higher value than one outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.functional.overlap import auc
from seewhy.metrics._base import Figure, Metric, Results, finite_or_undefined
from seewhy.metrics._sample import ExplainedSample, word_heatmap, words_with_masks


@dataclass(frozen=True)
class AreaUnderCurve(Metric):
    """The map's values as scores, the mask as labels: the area under the ROC curve.

    It needs no threshold and does not change under increasing scalings of the map; equal values
    count half, so an empty map has 1/2.
    """

    name: ClassVar[str] = "auc"
    summary: ClassVar[str] = (
        "How often a pixel inside the word's mask has a higher value than one outside."
    )
    citations: ClassVar[tuple[str, ...]] = ("fawcett2006roc",)
    needs: ClassVar[frozenset[str]] = frozenset({"masks"})
    revision: ClassVar[int] = 2  # 1: maps over the whole picture, also where some was cut off
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("auc", "Area under the ROC curve of the map's pixels against the mask."),
    )

    def measure(self, sample: ExplainedSample) -> Results:
        """One value for each word with a mask."""
        for index, mask in words_with_masks(sample):
            if isinstance(mask, str):
                yield from self.undefined(mask)
                continue
            value = float(auc(word_heatmap(sample, index), mask))
            yield finite_or_undefined("auc", value, index, reason="mask covers all or nothing")
