"""MSEA, Multi-Scale Explanation Aggregation: the paper's method for images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.methods._base import Method
from seewhy.methods._parameters import Grid, Weights, base_first
from seewhy.methods._scores import LENS, BaseMap
from seewhy.methods._stages import Aggregation, Pipeline, RankGaussian, StagedMethod


@dataclass(frozen=True)
class MultiScaleExplanationAggregation(StagedMethod):
    """The mean of base maps over several scales of the image.

    Source: Liang et al. (2025), Eq. 4 and 5. The paper states that maps are aggregated over scales
    and brought to the image's size; scales, weights and on which grid are our reading.

    Attributes:
        scales: the base scale is always included; None takes 1, 0.75 and 1.25 and leaves out
            those that give the same size.
        weights: `"uniform"`, or `"consistency"` (ours): the token's probability at each scale.
        grid: on which maps are averaged. `"base"`: on that of the base scale, to which the others
            are resized. `"finest"`: on that of the finest scale, where a cell of a coarser grid
            fills all cells that it covers; filter and removal of interference then work there.
        window: side of the rank Gaussian filter's window, odd; None leaves the filter out.
        base: the map of a single scale: a base map, or any method of a single scale.
    """

    name: ClassVar = "msea"
    summary: ClassVar = "Logit lens averaged over several scales of the image."
    citations: ClassVar = ("liang2025intramodal",)
    needs: ClassVar = frozenset({"states", "scales"})

    scales: tuple[float, ...] | None = None
    weights: Weights = "uniform"
    grid: Grid = "base"
    window: int | None = None
    base: BaseMap | Method = LENS

    @property
    def stages(self) -> Pipeline:
        """Aggregation, then the filter if there is a window."""
        return Pipeline(
            base=self.base,
            aggregation=Aggregation(base_first(self.scales), self.weights, self.grid),
            filter=None if self.window is None else RankGaussian(self.window),
        )
