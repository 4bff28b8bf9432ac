"""Standout: where a word's evidence exceeds the picture's own mean, less unrelated context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.methods.base import Method
from seewhy.methods.parameters import Variant, Weights, base_first
from seewhy.methods.stages import (
    CENTRED,
    Aggregation,
    BaseMap,
    Interference,
    Pipeline,
    RankGaussian,
    RankingCorrelation,
    StagedMethod,
)


@dataclass(frozen=True)
class Standout(StagedMethod):
    """The centred logit lens, less what context of other rankings explains; no filter.

    Three changes to the paper's method, each of them ours: a word's logits are read against their
    mean over the picture; a context token interferes by 1 - rho alone, whatever its activation;
    and the rank Gaussian filter, which blurs what little a coarse grid has, is left out.

    Attributes:
        scales, weights: as in `msea`; the base scale alone by default.
        k, p, variant, threshold: as in `arc`.
        window: side of the rank Gaussian filter's window, odd; None leaves the filter out.
        base: the map of a single scale.
    """

    name: ClassVar = "standout"
    summary: ClassVar = "Logit lens against the picture's mean, less what unrelated words explain."
    citations: ClassVar = ("seewhy2026", "liang2025intramodal", "webber2010rbo", "li2025tam")
    needs: ClassVar = frozenset({"states", "rankings"})

    scales: tuple[float, ...] = (1.0,)
    weights: Weights = "uniform"
    k: int = 50
    p: float = 0.9
    variant: Variant = "inverse"
    threshold: float = 0.5
    window: int | None = None
    base: BaseMap | Method = CENTRED

    @property
    def stages(self) -> Pipeline:
        """Aggregation, interference under ranking correlation, filter."""
        return Pipeline(
            base=self.base,
            aggregation=Aggregation(base_first(self.scales) or (1.0,), self.weights),
            interference=Interference(
                RankingCorrelation(self.k, self.p, self.variant, self.threshold)
            ),
            filter=None if self.window is None else RankGaussian(self.window),
        )
