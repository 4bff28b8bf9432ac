"""Occlusion: the drop in log-probability when a square of the picture is covered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError
from seewhy.functional.perturbation import Fill, cells_to_pixels, windows
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._perturbation import (
    PerturbedView,
    expect_at_least,
    expect_fill,
    perturbed_views,
    picture_attribution,
)


@dataclass(frozen=True)
class Occlusion(Method):
    r"""A square moves over the picture; a cell's value is the mean drop in log p under it.

    $$A_i[v] = \Big[\operatorname{mean}_{w \ni v} \big(\log p_i - \log p_i^{(w)}\big)\Big]_+$$

    The square moves on the grid of visual tokens, over windows w; a cell has the mean of the
    windows that cover it. Windows extend over the border, so that equally many cover each cell.
    One reading per window, for all tokens of the answer.

    Source: Zeiler and Fergus (2014), with a grey square. The picture's mean colour, the
    size in visual tokens, the log-probability, the mean and the cut at 0 are ours.

    Attributes:
        window: the square's side in visual tokens.
        stride: its step in visual tokens.
        fill: colour of the square: `"mean"` the mean colour, `"blur"`, `"noise"` or
            `"black"`.
        context: whether the context is measured too, with one reading per context token: the
            drop when that token is left out. If not, it is the text activations.
        seed: of the noise.
    """

    name: ClassVar = "occlusion"
    summary: ClassVar = (
        "Drop in log-probability under a square of 2 x 2 visual tokens in the mean colour."
    )
    citations: ClassVar = ("zeiler2014visualizing",)
    needs: ClassVar = frozenset({"pictures"})

    window: int = 2
    stride: int = 1
    fill: Fill = "mean"
    context: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        expect_at_least("window", self.window, 1)
        expect_at_least("stride", self.stride, 1)
        expect_fill(self.fill)
        if self.stride > self.window:
            raise ParameterError(
                f"Expected a stride of at most the window's side {self.window}, got "
                f"{self.stride}: a longer step would leave cells out."
            )

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain every token of the answer."""
        pictures = perturbed_views(evidence, self.name, self.fill, self.seed)
        session = pictures[0].session
        (original,) = session.log_probabilities([session.images])
        maps = [self._map(picture, original) for picture in pictures]
        context = _context_drops(evidence, original) if self.context else None
        return picture_attribution(evidence, maps, self.name, context=context)

    def _map(self, picture: PerturbedView, original: Tensor) -> Tensor:
        """float32 `[token, height, width]`."""
        grid = picture.view.geometry.base_grid
        covered = windows(*grid.shape, self.window, self.stride)
        values = picture.read(
            1 - cells_to_pixels(window, grid.row_edges, grid.column_edges, picture.size)
            for window in covered
        )
        shares = covered.float() / covered.sum(0)
        return torch.einsum("wt,whc->thc", original - values, shares).relu()


def _context_drops(evidence: Evidence, original: Tensor) -> Tensor:
    """float32 `[token, text]`: the drop of each answer token without an earlier token."""
    prompt, text = len(evidence.trace.prompt_tokens), len(evidence.trace.text_tokens)
    drops = torch.zeros(len(original), text)
    if text > 1 and evidence.session is not None:
        left_out = torch.eye(text, dtype=torch.bool)[:-1]  # no token follows the last one
        values = evidence.session.log_probabilities_without(left_out)
        drops[:, :-1] = (original - values).nan_to_num(0.0).relu().T
    return drops.tril(prompt - 1)
