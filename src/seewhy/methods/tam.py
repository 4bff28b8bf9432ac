"""TAM, the Token Activation Map, as published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.methods._stages import Interference, Pipeline, RankGaussian, StagedMethod


@dataclass(frozen=True)
class TokenActivationMap(StagedMethod):
    """Logit lens, estimated causal inference, joint scaling, rank Gaussian filter.

    Source: Li et al. (ICCV 2025), as in the paper and its published code.

    Attributes:
        window: side of the filter's window, odd; None leaves the filter out (the paper's ablation).
    """

    name: ClassVar = "tam"
    summary: ClassVar = (
        "Logit lens without interference of earlier words, then a rank Gaussian filter."
    )
    citations: ClassVar = ("li2025tam",)
    needs: ClassVar = frozenset({"states"})

    window: int | None = 3

    @property
    def stages(self) -> Pipeline:
        """The base map, interference by text activation, then the filter."""
        return Pipeline(
            interference=Interference(),
            filter=None if self.window is None else RankGaussian(self.window),
        )
