"""Noise sensitivity: the change of the map under invisible noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seewhy.core.errors import ParameterError
from seewhy.functional.similarity import relative_change, spearman
from seewhy.metrics._base import Figure, Metric, Results, finite_or_undefined
from seewhy.metrics._perturbation import with_noise
from seewhy.metrics._reruns import RerunnableSample, session_of, valid_words
from seewhy.metrics._sample import native_map, seed_for


@dataclass(frozen=True)
class NoiseSensitivity(Metric):
    """Add Gaussian noise to the picture, explain the same answer again, and compare the displays.

    The largest change over the draws counts, as in max-sensitivity (Yeh et al.), which searches
    within a ball; ours uses a few draws. The noise is the same for all methods.

    Attributes:
        sigma: standard deviation of the noise in 8-bit levels, above 0; 2 of 255 is invisible.
        draws: number of draws, at least 1; each costs a reading and an explanation.
    """

    sigma: float = 2.0
    draws: int = 1

    name: ClassVar[str] = "noise-sensitivity"
    summary: ClassVar[str] = "How much invisible noise changes the map."
    citations: ClassVar[tuple[str, ...]] = ("yeh2019infidelity",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("noise-change", "Change of the display over its own length.", False, "ratio"),
        Figure(
            "noise-spearman",
            "Rank correlation of the display with the one under noise.",
            unit="correlation",
        ),
    )

    def __post_init__(self) -> None:
        if not self.sigma > 0 or self.draws < 1:
            raise ParameterError(
                f"Expected sigma above 0 and at least 1 draw, got {self.sigma!r} and "
                f"{self.draws!r}: 2 levels of 255 are invisible."
            )

    def measure(self, sample: RerunnableSample) -> Results:
        """Two values for each selected word."""
        words = yield from valid_words(self, sample)
        if not words:
            return
        session, runs = session_of(sample), []
        for draw in range(self.draws):
            picture = with_noise(sample.image, self.sigma, seed_for(sample, "sensor", draw))
            changed = session.with_images(picture, *session.images[1:])
            runs.append(sample.rerun(changed, words))
        for index in words:
            original = native_map(sample, index)
            maps = [native_map(run, index) for run in runs]
            change = max(relative_change(original, noisy) for noisy in maps)
            correlation = min(_rank_correlation(original, noisy) for noisy in maps)
            yield finite_or_undefined("noise-change", change, index, reason="empty map")
            yield finite_or_undefined("noise-spearman", correlation, index, reason="constant map")


def _rank_correlation(original: Tensor, noisy: Tensor) -> float:
    """Spearman's; 0 if only the noisy map is constant."""
    became_constant = len(noisy.unique()) == 1 and len(original.unique()) > 1
    return 0.0 if became_constant else spearman(original, noisy)
