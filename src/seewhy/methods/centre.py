"""Control: a Gaussian in the middle of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from seewhy.core.attribution import Attribution
from seewhy.core.trace import View
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._perturbation import expect_share
from seewhy.methods._scores import attribution_from_maps


@dataclass(frozen=True)
class Centre(Method):
    r"""A Gaussian at the centre of each picture, the same for every token.

    $$A[v] = \exp\Big(-\frac{(x_v - W/2)^2}{2 (\sigma W)^2} - \frac{(y_v - H/2)^2}
    {2 (\sigma H)^2}\Big)$$

    with (x, y) the centre of cell v in pixels of the original. All earlier text has relevance 1.

    Source: the usual control for centre bias (Judd et al. 2009); the details are ours.

    Attributes:
        sigma: standard deviation as a share of the picture's width and height, in (0, 1).
    """

    name: ClassVar = "centre"
    summary: ClassVar = "Control: a Gaussian in the middle of the picture, the same for all tokens."
    citations: ClassVar = ("judd2009predict",)
    needs: ClassVar = frozenset()

    sigma: float = 0.25

    def __post_init__(self) -> None:
        expect_share("sigma", self.sigma)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        text = len(evidence.trace.text_tokens)
        maps = [self._map(view).expand(text, -1, -1) for view in evidence.trace.views]
        return attribution_from_maps(evidence, maps, context=torch.ones(text, text).tril(-1))

    def _map(self, view: View) -> torch.Tensor:
        """float32 `[height, width]`."""
        width, height = view.geometry.size
        grid = view.geometry.base_grid
        rows, columns = (
            torch.exp(-(((edges[1:] + edges[:-1]) / 2 / side - 0.5) ** 2) / (2 * self.sigma**2))
            for edges, side in ((grid.row_edges, height), (grid.column_edges, width))
        )
        return (rows[:, None] * columns).float()
