"""The pointing game: whether the brightest pixel is inside the word's mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.core.errors import ParameterError
from seewhy.functional.curves import dilated
from seewhy.metrics._base import Figure, Measurement, Metric, Results
from seewhy.metrics._sample import ExplainedSample, word_heatmap, words_with_masks


@dataclass(frozen=True)
class PointingGame(Metric):
    """Hits of the brightest pixel, on the mask itself and near it.

    If several pixels are the brightest, the value is the share of them that hits, as if one were
    drawn at random. So an empty map gets the mask's share of the picture.

    Attributes:
        tolerance: largest distance from the mask that is near, as a fraction of the picture's
            longer side, in [0, 1]. The 15 pixels of Zhang et al. are 0.03 of 500 (our reading).
    """

    tolerance: float = 0.03

    name: ClassVar[str] = "pointing-game"
    summary: ClassVar[str] = "Whether the brightest pixel is inside the word's mask."
    citations: ClassVar[tuple[str, ...]] = ("zhang2018excitation",)
    needs: ClassVar[frozenset[str]] = frozenset({"masks"})
    revision: ClassVar[int] = 2  # 1: maps over the whole picture, also where some was cut off
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("pointing-game", "The brightest pixel lies on the mask."),
        Figure("pointing-game-near", "The brightest pixel lies on the mask or near it."),
    )

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance <= 1:
            raise ParameterError(
                f"Expected tolerance in [0, 1], got {self.tolerance!r}: a fraction of the longer "
                "side."
            )

    def measure(self, sample: ExplainedSample) -> Results:
        """Two values for each word with a mask."""
        margin = round(self.tolerance * max(sample.masks.shape[1:]))
        for index, mask in words_with_masks(sample):
            if isinstance(mask, str):
                yield from self.undefined(mask)
                continue
            heatmap = word_heatmap(sample, index)
            brightest = heatmap == heatmap.max()
            hit, near = (
                float(region[brightest].float().mean()) for region in (mask, dilated(mask, margin))
            )
            yield Measurement("pointing-game", hit, index)
            yield Measurement("pointing-game-near", near, index)
