"""RISE: mean probability of a token under random masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.geometry import flatten
from seewhy.functional.perturbation import Fill, coarse_masks
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._perturbation import (
    PerturbedView,
    expect_at_least,
    expect_fill,
    expect_share,
    perturbed_views,
    picture_attribution,
)


@dataclass(frozen=True)
class RandomizedInputSampling(Method):
    r"""The expected probability of a token, given that the mask keeps a cell.

    $$A_i[v] = \frac{\sum_m p_i(\text{picture under } m)\; m[v]}{\sum_m m[v]}$$

    Non-negative, with an offset that is the same for all cells: the display begins at each token's
    minimum, as is usual for RISE. One reading per mask, for all tokens of the answer.

    Source: Petsiuk et al. (2018): 7 x 7 cells, each kept with probability 1/2, upsampled
    bilinearly and shifted at random, as in the paper. The paper divides by the expected sum of the
    masks; ours is the actual sum, which removes the noise of unequal cover. The paper takes
    thousands of masks and fills with black; 256 and the mean colour are ours.

    Attributes:
        samples: number of masks for each picture.
        cells: the masks' grid along each side.
        keep: share of its cells that stay, in (0, 1).
        fill: of the other cells: `"mean"` the mean colour, `"blur"`, `"noise"` or
            `"black"`.
        seed: of the masks, and of the noise.
    """

    name: ClassVar = "rise"
    summary: ClassVar = (
        "Mean probability under 256 random masks of 7 x 7 cells over the mean colour."
    )
    citations: ClassVar = ("petsiuk2018rise",)
    needs: ClassVar = frozenset({"pictures"})

    samples: int = 256
    cells: int = 7
    keep: float = 0.5
    fill: Fill = "mean"
    seed: int = 0

    def __post_init__(self) -> None:
        expect_at_least("samples", self.samples, 1)
        expect_at_least("cells", self.cells, 1)
        expect_share("keep", self.keep)
        expect_fill(self.fill)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain every token of the answer."""
        pictures = perturbed_views(evidence, self.name, self.fill, self.seed)
        maps = [self._map(picture) for picture in pictures]
        low = flatten(maps).amin(1)
        return picture_attribution(evidence, maps, self.name, low=low)

    def _map(self, picture: PerturbedView) -> Tensor:
        """float32 `[token, height, width]`."""
        kept_shares: list[Tensor] = []

        def masks() -> Iterator[Tensor]:
            drawn = coarse_masks(self.samples, picture.size, self.cells, self.keep, self.seed)
            for mask in drawn:
                kept_shares.append(picture.means(mask))
                yield mask

        probabilities = picture.read(masks()).exp()
        shares = torch.stack(kept_shares)
        total = shares.sum(0)
        sums = torch.einsum("mt,mhc->thc", probabilities, shares)
        # Cells in padding, or that no mask kept, have no value: they take the minimum.
        least = (sums / total).masked_fill(total == 0, torch.inf).amin((1, 2), keepdim=True)
        least = least.nan_to_num(posinf=0.0)
        return torch.where(total > 0, sums / total.clamp_min(1e-12), least)
