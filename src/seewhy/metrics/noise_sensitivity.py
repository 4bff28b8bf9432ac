"""Sensitivity to noise: does a change that nobody sees change the map?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seewhy.core.errors import ParameterError
from seewhy.functional.similarity import relative_change, spearman
from seewhy.metrics._base import Case, Figure, Measurement, Metric, Undefined, measured
from seewhy.metrics._perturbation import noisy, session_of
from seewhy.metrics._reruns import explain_again, valid_words


@dataclass(frozen=True)
class NoiseSensitivity(Metric):
    """Add Gaussian noise to the picture, explain the same answer again, and compare the displays.

    The worst of the draws counts, as in the max-sensitivity of Yeh et al., who search within a
    ball; ours draws a few times. The noise is the same for all methods.

    Attributes:
        sigma: standard deviation of the noise in 8-bit levels, above 0; 2 of 255 is invisible.
        draws: how often, at least 1; each costs a reading and an explanation.
    """

    sigma: float = 2.0
    draws: int = 1

    name: ClassVar[str] = "noise-sensitivity"
    summary: ClassVar[str] = "How far noise that nobody sees changes the map."
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

    def measure(self, case: Case) -> Iterator[Measurement | Undefined]:
        """Two values for each wanted word."""
        words = yield from valid_words(self, case)
        if not words:
            return
        session, runs = session_of(case), []
        for draw in range(self.draws):
            picture = noisy(case.sample.image, self.sigma, case.seed_of("sensor", draw))
            shown = session.with_images(picture, *session.images[1:])
            runs.append(explain_again(case, shown, words))
        for at in words:
            own = case.native_map(at)
            maps = [run.native_map(at) for run in runs]
            change = max(relative_change(own, one) for one in maps)
            alike = min(_alike(own, one) for one in maps)
            yield measured("noise-change", change, at, otherwise="empty map")
            yield measured("noise-spearman", alike, at, otherwise="constant map")


def _alike(own: Tensor, one: Tensor) -> float:
    """Correlation of ranks; 0, not undefined, for a map that a little noise has flattened."""
    lost = len(one.unique()) == 1 and len(own.unique()) > 1
    return 0.0 if lost else spearman(own, one)
