"""Kernel SHAP over superpixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError
from seewhy.functional.perturbation import Fill
from seewhy.functional.shapley import shapley_values
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._perturbation import (
    PerturbedView,
    expect_at_least,
    expect_fill,
    perturbed_views,
    picture_attribution,
    superpixels,
)


@dataclass(frozen=True)
class KernelShap(Method):
    """Shapley values of superpixels for a token's log-probability.

    All cells of a superpixel have its value; negative values are cut at 0. Coalitions come from
    captum's sampler. Its regression takes one token at a time, fixes the sum with a weight of a
    million and needs scikit-learn; ours solves for all tokens from one set of readings, with the
    exact sum (`seewhy.functional.shapley`).

    Source: Lundberg and Lee (2017); captum (Kokhlikyan et al. 2020); SLIC (Achanta et al. 2012).
    The numbers of superpixels and coalitions, the mean colour and the cut at 0 are ours.

    Attributes:
        segments: approximate number of superpixels of each picture.
        samples: number of drawn coalitions; equal ones are read once.
        fill: what covers those left out: `"mean"` the mean colour, `"blur"`, `"noise"` or
            `"black"`.
        seed: of the coalitions, and of the noise.
    """

    name: ClassVar = "kernel-shap"
    summary: ClassVar = "Shapley values of 24 superpixels from 128 coalitions over the mean colour."
    citations: ClassVar = ("lundberg2017shap", "kokhlikyan2020captum", "achanta2012slic")
    needs: ClassVar = frozenset({"pictures"})

    segments: int = 24
    samples: int = 128
    fill: Fill = "mean"
    seed: int = 0

    def __post_init__(self) -> None:
        expect_at_least("segments", self.segments, 2)
        expect_at_least("samples", self.samples, 1)
        expect_fill(self.fill)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain every token of the answer."""
        pictures = perturbed_views(evidence, self.name, self.fill, self.seed)
        return picture_attribution(
            evidence, [self._map(picture) for picture in pictures], self.name
        )

    def _map(self, picture: PerturbedView) -> Tensor:
        """float32 `[token, height, width]`."""
        parts = superpixels(picture.image, self.segments)
        drawn, times = draw_coalitions(len(parts), self.samples, self.seed)
        ends = torch.tensor([[False], [True]]).expand(2, len(parts))
        values = picture.read(parts[coalition].any(0) for coalition in torch.cat([ends, drawn]))
        shapley = shapley_values(drawn, values[2:], values[0], values[1], times)
        return torch.einsum("tp,phc->thc", shapley.relu(), picture.means(parts))


def draw_coalitions(features: int, samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Coalitions by the Shapley kernel's probability, and how often each was drawn.

    Args:
        features: number of features.
        samples: number of coalitions to draw.
        seed: of the draws; the global generator is restored.

    Returns:
        bool `[coalition, feature]`, no two equal, none empty or full; float32 `[coalition]`.

    Raises:
        ParameterError: if captum is not installed.
    """
    if features < 2:
        return torch.empty(0, features, dtype=torch.bool), torch.empty(0)
    try:
        from captum.attr import KernelShap as CaptumKernelShap
    except ImportError as error:
        raise ParameterError(
            "Expected captum for drawing coalitions, got none: pip install 'seewhy[baselines]'."
        ) from error
    sizes = torch.arange(1, features, dtype=torch.float32)
    chances = torch.cat([torch.zeros(1), (features - 1) / (sizes * (features - sizes))])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # captum draws from the global generator
        drawing = CaptumKernelShap(torch.sum).kernel_shap_perturb_generator(
            torch.zeros(1),
            num_select_distribution=torch.distributions.Categorical(chances),
            num_interp_features=features,
        )
        ends_first = islice(cast("Iterator[Any]", drawing), 2, 2 + samples)
        drawn = torch.cat(list(ends_first)).bool()
    coalitions, times = drawn.unique(dim=0, return_counts=True)
    return coalitions, times.float()
