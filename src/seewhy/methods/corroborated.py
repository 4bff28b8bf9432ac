"""Corroborated: what a place says, as far as the word rests on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.methods.attn_lrp import AttnLRP
from seewhy.methods.base import Method
from seewhy.methods.parameters import Variant, Weights, base_first
from seewhy.methods.stages import (
    LENS,
    Aggregation,
    BaseMap,
    Interference,
    Pipeline,
    RankingCorrelation,
    Reliance,
    StagedMethod,
)


@dataclass(frozen=True)
class Corroborated(StagedMethod):
    r"""The paper's maps without the filter, kept where a second witness finds the word resting.

    $$A_i = A_i^{\text{MSEA, ARC}} \, d_i^{\,g}$$

    The logit lens tells what a place says, not whether it was heard: a second cat, or a word
    that came from the context, lights up all the same. Relevance carried back from the logit tells
    what was heard, not what it said. d in [0, 1] is the witness' display, image and context scaled
    together; g = 1/2 makes the product a geometric mean, so that neither can overrule the other by
    its range alone. ARC interferes by 1 - rho, whatever a context token's activation; there is no
    filter. Costs what the witness costs: for AttnLRP a backward pass a token. Ours.

    Attributes:
        scales, weights: as in `msea`.
        k, p, variant, threshold: as in `arc`.
        witness: says what a word rests on: any method.
        power: g, positive.
        base: the map of a single scale: a base map, or any method of a single scale.
    """

    name: ClassVar = "corroborated"
    summary: ClassVar = "MSEA and ARC, kept where AttnLRP finds that the word rests on the place."
    citations: ClassVar = ("seewhy2026", "liang2025intramodal", "webber2010rbo", "li2025tam")
    needs: ClassVar = frozenset({"states", "rankings", "scales"})

    scales: tuple[float, ...] | None = None
    weights: Weights = "uniform"
    k: int = 50
    p: float = 0.9
    variant: Variant = "inverse"
    threshold: float = 0.5
    witness: Method = AttnLRP()
    power: float = 0.5
    base: BaseMap | Method = LENS

    @property
    def stages(self) -> Pipeline:
        """Aggregation, interference under ranking correlation, reliance."""
        return Pipeline(
            base=self.base,
            aggregation=Aggregation(base_first(self.scales), self.weights),
            interference=Interference(
                RankingCorrelation(self.k, self.p, self.variant, self.threshold)
            ),
            reliance=Reliance(self.witness, self.power),
        )
