"""Occlusion: what the answer loses when a square of the picture is covered."""

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
    r"""A square slides over the picture; where it hides what a token rests on, its log p drops.

    $$A_i[v] = \Big[\operatorname{mean}_{w \ni v} \big(\log p_i - \log p_i^{(w)}\big)\Big]_+$$

    The square moves on the grid of visual tokens, over windows w, and a cell takes the mean of the
    windows that cover it. Windows reach over the border, so that all cells lie under equally many.
    One reading a window, for all tokens of the answer.

    Source: Zeiler and Fergus (2014), who slide a grey square. That it is the picture's mean
    colour, its size in visual tokens, the log-probability, the mean and the cut at 0 are ours.

    Attributes:
        window: the square's side in visual tokens.
        stride: its step in visual tokens.
        fill: what covers: `"mean"` the mean colour, `"blur"`, or `"noise"`.
        context: measure the context in the same way, one reading a context token: what a token
            loses when an earlier one is left out. Text activations otherwise.
        seed: of the noise.
    """

    name: ClassVar = "occlusion"
    summary: ClassVar = (
        "Drop in log-probability under a square of 2 x 2 visual tokens of the mean colour."
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
        (whole,) = session.log_probabilities([session.images])
        maps = [self._map(picture, whole) for picture in pictures]
        context = _left_out(evidence, whole) if self.context else None
        return picture_attribution(evidence, maps, self.name, context=context)

    def _map(self, picture: PerturbedView, whole: Tensor) -> Tensor:
        """float32 `[token, height, width]`."""
        grid = picture.view.geometry.base_grid
        covered = windows(*grid.shape, self.window, self.stride)
        found = picture.read(
            1 - cells_to_pixels(one, grid.row_edges, grid.column_edges, picture.size)
            for one in covered
        )
        over = covered.float() / covered.sum(0)
        return torch.einsum("wt,whc->thc", whole - found, over).relu()


def _left_out(evidence: Evidence, whole: Tensor) -> Tensor:
    """float32 `[token, text]`: what each token of the answer loses without an earlier one."""
    prompt, text = len(evidence.trace.prompt_tokens), len(evidence.trace.text_tokens)
    lost = torch.zeros(len(whole), text)
    if text > 1 and evidence.session is not None:
        dropped = torch.eye(text, dtype=torch.bool)[:-1]  # nothing follows the last one
        found = evidence.session.log_probabilities_without(dropped)
        lost[:, :-1] = (whole - found).nan_to_num(0.0).relu().T
    return lost.tril(prompt - 1)
