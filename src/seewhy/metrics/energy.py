"""Energy: the share of a map's mass inside the word's mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.functional.overlap import energy_inside
from seewhy.metrics._base import Figure, Metric, Results, finite_or_undefined
from seewhy.metrics._sample import ExplainedSample, word_heatmap, words_with_masks


@dataclass(frozen=True)
class Energy(Metric):
    """The share of the display's mass inside the mask, and that share over the mask's own share.

    Energy depends on the zero of the map: here that of the display, the joint minimum of image
    and text scores (our reading; Wang et al. min-max scale the map).
    """

    name: ClassVar[str] = "energy"
    summary: ClassVar[str] = "The share of a map's mass inside the word's mask."
    citations: ClassVar[tuple[str, ...]] = ("wang2020scorecam",)
    needs: ClassVar[frozenset[str]] = frozenset({"masks"})
    revision: ClassVar[int] = 2  # 1: maps over the whole picture, also where some was cut off
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("energy", "Share of the map's mass on the mask."),
        Figure("energy-gain", "That share over the mask's share of the picture.", unit="ratio"),
    )

    def measure(self, sample: ExplainedSample) -> Results:
        """Two values for each word with a mask."""
        for index, mask in words_with_masks(sample):
            if isinstance(mask, str):
                yield from self.undefined(mask)
                continue
            share = float(energy_inside(word_heatmap(sample, index), mask))
            yield finite_or_undefined("energy", share, index, reason="empty map")
            gain = share / float(mask.float().mean())
            yield finite_or_undefined("energy-gain", gain, index, reason="empty map")
