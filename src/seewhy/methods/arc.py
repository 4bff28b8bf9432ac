"""ARC, Activation Ranking Correlation: the paper's method for text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.methods._base import Method
from seewhy.methods._parameters import Variant
from seewhy.methods._scores import LENS, BaseMap
from seewhy.methods._stages import (
    Interference,
    Pipeline,
    RankGaussian,
    RankingCorrelation,
    StagedMethod,
)


@dataclass(frozen=True)
class ActivationRankingCorrelation(StagedMethod):
    """Removes interference, weighted by how little two tokens' prediction rankings agree.

    Source: Liang et al. (2025), Eq. 7: relevance is the rank-biased overlap of top-k rankings,
    k = 50. How it enters the interference, and p, are our reading: weights (1 - rho) s, relevance
    rho s.

    Attributes:
        k: depth of the rankings.
        p: persistence of the rank-biased overlap, in (0, 1).
        variant: `"scaled"`, `"inverse"` or `"threshold"`.
        threshold: for `"threshold"`, in [0, 1].
        window: side of the rank Gaussian filter's window, odd; None leaves the filter out.
        base: the map from which interference is removed: a base map, or any method.
    """

    name: ClassVar = "arc"
    summary: ClassVar = "Logit lens without interference of earlier words with other rankings."
    citations: ClassVar = ("liang2025intramodal", "webber2010rbo", "li2025tam")
    needs: ClassVar = frozenset({"states", "rankings"})

    k: int = 50
    p: float = 0.9
    variant: Variant = "scaled"
    threshold: float = 0.5
    window: int | None = None
    base: BaseMap | Method = LENS

    @property
    def stages(self) -> Pipeline:
        """The base map, then interference with ranking correlation."""
        return Pipeline(
            base=self.base,
            interference=Interference(
                RankingCorrelation(self.k, self.p, self.variant, self.threshold)
            ),
            filter=None if self.window is None else RankGaussian(self.window),
        )
