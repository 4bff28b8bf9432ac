"""The paper's method: MSEA on the image, ARC on the text, then the filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.methods._base import Method
from seewhy.methods._parameters import Grid, Variant, Weights, base_first
from seewhy.methods._scores import LENS, BaseMap
from seewhy.methods._stages import (
    Aggregation,
    Interference,
    Pipeline,
    RankGaussian,
    RankingCorrelation,
    StagedMethod,
)


@dataclass(frozen=True)
class IntraModal(StagedMethod):
    """Mean of base maps over scales, then interference is removed, then the rank Gaussian filter.

    Source: Liang et al. (2025). Using both parts together is the paper's; their order,
    and TAM's filter at the end, are our reading. See `msea` and `arc` for the parts.

    Attributes:
        scales, weights, grid: as in `msea`.
        k, p, variant, threshold: as in `arc`.
        window: side of the filter's window, odd; None leaves the filter out.
        base: the map of a single scale: a base map, or any method of a single scale.
    """

    name: ClassVar = "intra-modal"
    summary: ClassVar = "MSEA and ARC together, then a rank Gaussian filter."
    citations: ClassVar = ("liang2025intramodal", "li2025tam", "webber2010rbo")
    needs: ClassVar = frozenset({"states", "rankings", "scales"})

    scales: tuple[float, ...] | None = None
    weights: Weights = "uniform"
    grid: Grid = "base"
    k: int = 50
    p: float = 0.9
    variant: Variant = "scaled"
    threshold: float = 0.5
    window: int | None = 3
    base: BaseMap | Method = LENS

    @property
    def stages(self) -> Pipeline:
        """All four stages."""
        return Pipeline(
            base=self.base,
            aggregation=Aggregation(base_first(self.scales), self.weights, self.grid),
            interference=Interference(
                RankingCorrelation(self.k, self.p, self.variant, self.threshold)
            ),
            filter=None if self.window is None else RankGaussian(self.window),
        )
