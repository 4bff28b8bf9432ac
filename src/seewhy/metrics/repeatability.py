"""Repeatability: does the same method say the same of the same picture again?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from seewhy.metrics._base import Case, Figure, Measurement, Metric, Undefined, measured
from seewhy.metrics._perturbation import session_of
from seewhy.metrics._reruns import explain_again, valid_words


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

    def measure(self, case: Case) -> Iterator[Measurement | Undefined]:
        """One value for each wanted word."""
        words = yield from valid_words(self, case)
        if not words:
            return
        again = explain_again(case, session_of(case), words)
        for at in words:
            apart = float((again.native_map(at) - case.native_map(at)).abs().max())
            yield measured("repeat-difference", apart, at, otherwise="map not finite")
