"""AUC in the mask: how surely a pixel of what the word speaks of outshines another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from seewhy.functional.overlap import auc
from seewhy.metrics._base import Case, Figure, Measurement, Metric, Undefined, measured


@dataclass(frozen=True)
class AreaUnderCurve(Metric):
    """The map's values as scores, the mask as labels: the area under the ROC curve.

    It needs no threshold and does not change under any rising scaling of the map; equal values
    count half, so that an empty map has 1/2.
    """

    name: ClassVar[str] = "auc"
    summary: ClassVar[str] = "How surely a pixel of what the word speaks of outshines another."
    citations: ClassVar[tuple[str, ...]] = ("fawcett2006roc",)
    needs: ClassVar[frozenset[str]] = frozenset({"masks"})
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("auc", "Area under the ROC curve of the map's pixels against the mask."),
    )

    def measure(self, case: Case) -> Iterator[Measurement | Undefined]:
        """One value for each word with a mask."""
        for at, mask in case.masked():
            if isinstance(mask, str):
                yield from self.undefined(mask)
                continue
            value = float(auc(case.heatmap(at), mask))
            yield measured("auc", value, at, otherwise="mask covers all or nothing")
