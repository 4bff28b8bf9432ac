"""Insertion: the brightest pixels are shown first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.metrics._base import Figure, Metric, Results
from seewhy.metrics._curves import curve_figures, on_picture
from seewhy.metrics._perturbation import Fill, expect_fill
from seewhy.metrics._reruns import RerunnableSample


@dataclass(frozen=True)
class Insertion(Metric):
    """How fast a word becomes probable as the map's brightest pixels are added to a blank picture.

    Pixels are ranked by the word's heatmap at the picture's size, equal ones in a random order that
    is the same for all methods. They are added to the blank picture in ten steps of a tenth of all
    pixels. The curve is log p(word | picture, prompt, words before), the sum over its tokens.

    Three areas: normalised, (log p - log p(blank)) / (log p(full) - log p(blank)) clipped to
    [0, 1], undefined where log p(full) - log p(blank) is below 0.1 nats; in nats, the
    mean of log p - log p(full); and of p itself, as published.

    Attributes:
        fill: of the blank picture: `"blur"`, `"mean"` (colour) or `"noise"`.
    """

    fill: Fill = "blur"

    name: ClassVar[str] = "insertion"
    summary: ClassVar[str] = "How fast a word becomes probable as its brightest pixels are shown."
    citations: ClassVar[tuple[str, ...]] = ("petsiuk2018rise",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    revision: ClassVar[int] = 2  # 1: maps over the whole picture, also where some was cut off
    figures: ClassVar[tuple[Figure, ...]] = curve_figures(
        "insertion", "the map's brightest pixels", deletion=False
    )

    def __post_init__(self) -> None:
        expect_fill(self.fill)

    def measure(self, sample: RerunnableSample) -> Results:
        """A curve and its areas for each selected word."""
        return on_picture(self, sample, self.fill, deletion=False)
