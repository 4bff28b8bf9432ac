"""Repeatability: the difference between two runs on the same input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.metrics._base import Figure, Metric, Results, finite_or_undefined
from seewhy.metrics._reruns import RerunnableSample, session_of, valid_words
from seewhy.metrics._sample import native_map


@dataclass(frozen=True)
class Repeatability(Metric):
    """Read and explain the same input again, and compare the displays.

    Every seeded method should reach 0 on a CPU; on accelerators, kernels without a fixed order of
    sums may give small differences. Ours.
    """

    name: ClassVar[str] = "repeatability"
    summary: ClassVar[str] = "The largest difference between two runs on the same input."
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("repeat-difference", "Largest difference of the word's display, of 1.", False),
    )

    def measure(self, sample: RerunnableSample) -> Results:
        """One value for each selected word."""
        words = yield from valid_words(self, sample)
        if not words:
            return
        second = sample.rerun(session_of(sample), words)
        for index in words:
            difference = float((native_map(second, index) - native_map(sample, index)).abs().max())
            yield finite_or_undefined(
                "repeat-difference", difference, index, reason="map not finite"
            )
