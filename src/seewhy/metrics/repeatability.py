"""Repeatability: does the same method say the same of the same picture again?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.metrics._base import Figure, Metric, Results, finite_or_undefined
from seewhy.metrics._reruns import RerunnableSample, session_of, valid_words
from seewhy.metrics._sample import native_map


@dataclass(frozen=True)
class Repeatability(Metric):
    """Read and explain once more, with nothing changed, and compare the displays.

    0 is what every seeded method should reach on a CPU; kernels of accelerators that add in no
    fixed order may not. Ours.
    """

    name: ClassVar[str] = "repeatability"
    summary: ClassVar[str] = "The largest difference between two runs with nothing changed."
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("repeat-difference", "Largest difference of the word's display, of 1.", False),
    )

    def measure(self, sample: RerunnableSample) -> Results:
        """One value for each selected word."""
        words = yield from valid_words(self, sample)
        if not words:
            return
        again = sample.rerun(session_of(sample), words)
        for at in words:
            apart = float((native_map(again, at) - native_map(sample, at)).abs().max())
            yield finite_or_undefined("repeat-difference", apart, at, reason="map not finite")
