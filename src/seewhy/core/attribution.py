"""What a method returns: for each explained token, its maps and its context.

Every tensor here has the token axis first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.display import DISPLAY, Display, answer_span, expect_display, to_display
from seewhy.core.geometry import TokenGrid


@dataclass(frozen=True, eq=False)
class ScaleView:
    """What one scale of the image contributed to an attribution.

    Attributes:
        scale: the ratio of the sides that the model saw to those at scale 1: the square root of
            the ratio of pixels in its input, over all views. It may differ from the requested one
            (folders of seewhy 0.1 hold that one).
        model_sizes: for each view width and height in pixels of the model's input.
        maps: for each view float32 `[token, height, width]`, the base map on this scale's own
            native grid.
        probabilities: float32 `[token]`, p(token | image at this scale, same prefix).
        is_top1: bool `[token]`, whether the token would still be the model's first choice.
        weights: float32 `[token]`, the share with which this scale entered the aggregation.
    """

    scale: float
    model_sizes: tuple[tuple[int, int], ...]
    maps: tuple[Tensor, ...]
    probabilities: Tensor
    is_top1: Tensor
    weights: Tensor


@dataclass(frozen=True, eq=False)
class Attribution:
    """Maps over the image and weights over the context, for every explained token.

    Attributes:
        maps: for each view (a picture, or a step of a clip) float32 `[token, height, width]` on
            its grid, non-negative. All views share one raw scale and are comparable.
        context: float32 `[token, text]`, non-negative relevance of each context token in the
            method's own unit; 0 for the token itself and for later ones. `context_shares` has one
            unit for all methods.
        low, high: float32 `[token]`, the joint range of image and text scores. The `"joint"` scale
            shows it as [0, 1] (`seewhy.core.display`).
        scales: what each scale contributed, the base scale first.
        visual_share: float32 `[token]` in [0, 1], how much of what a token took from the picture
            and from the conversation's words came from the picture; None where the method does not
            measure both in one unit.
        grids: for each view the grid of its maps; None for the native grids of what the model
            read, or in a record for those of its pictures.
    """

    maps: tuple[Tensor, ...]
    context: Tensor
    low: Tensor
    high: Tensor
    scales: tuple[ScaleView, ...] = ()
    visual_share: Tensor | None = None
    grids: tuple[TokenGrid, ...] | None = None

    def __post_init__(self) -> None:
        tokens = expect_axes(self.context, "token text", name="context")["token"]
        for view, maps in enumerate(self.maps):
            expect_axes(maps, "token height width", name=f"maps of view {view}", token=tokens)
        grids = self.maps if self.grids is None else [grid.index for grid in self.grids]
        for view, (maps, cells) in enumerate(zip(self.maps, grids, strict=True)):
            height, width = cells.shape[-2:]
            name = f"maps of view {view}"
            expect_axes(maps, "token height width", name=name, height=height, width=width)
        for name in ("low", "high", "visual_share"):
            if (values := getattr(self, name)) is not None:
                expect_axes(values, "token", name=name, token=tokens)

    @property
    def display(self) -> tuple[Tensor, ...]:
        """For each view float32 `[token, height, width]` in [0, 1], on the joint range."""
        low, high = self.low[:, None, None], self.high[:, None, None]
        return tuple(to_display(maps, low, high) for maps in self.maps)

    @property
    def floor(self) -> Tensor:
        """float32 `[token]`, the value shown as 0 on the scales `"answer"` and `"word"`.

        The lower end of the joint range, but not below 0: negative values speak against a token,
        and are shown as nothing.
        """
        return self.low.clamp_min(0)

    def answer_span(self, tokens: Sequence[int] | None = None) -> float:
        """How far above its floor a value is shown as 1 on the scale of the whole answer.

        Args:
            tokens: indices of the tokens that have maps; None for all.
        """
        rows = slice(None) if tokens is None else list(tokens)
        return answer_span([maps[rows] for maps in self.maps], self.floor[rows])

    def displayed(
        self, display: Display = DISPLAY, *, span: float | None = None
    ) -> tuple[Tensor, ...]:
        """For each view float32 `[token, height, width]` in [0, 1], on one of the scales.

        Args:
            display: `"answer"`, `"word"` or `"joint"`; a token counts as a word.
            span: of the answer's scale, if these tokens are a part of the answer, or are to be
                compared with another one; `answer_span()` of these tokens if None.

        Raises:
            UnknownNameError: if there is no such scale.
        """
        if expect_display(display) == "joint":
            return self.display
        low = self.floor
        if display == "word":
            tops = [maps.flatten(1).amax(1) for maps in self.maps]
            high = torch.stack(tops).amax(0)
        else:
            high = low + (self.answer_span() if span is None else span)
        return tuple(
            to_display(maps, low[:, None, None], high[:, None, None]) for maps in self.maps
        )

    @property
    def context_display(self) -> Tensor:
        """float32 `[token, text]` in [0, 1]: the context on the joint range."""
        return to_display(self.context, self.low[:, None], self.high[:, None])

    @property
    def context_shares(self) -> Tensor:
        r"""float32 `[token, text]` in [0, 1]: each context token's share of a row's sum.

        $$w_{ij} = c_{ij} / \sum_j c_{ij}$$

        The one unit of context weights, whatever the method's own. Rows sum to 1, or are all 0.
        """
        context = self.context.clamp_min(0)
        return context / context.sum(1, keepdim=True).clamp_min(torch.finfo(context.dtype).tiny)

    @property
    def shares(self) -> Tensor:
        """float32 `[token, view]`: each view's part of the sum of all maps; 0 where all are 0.

        A view counts with the mean of its map, so that a picture with many cells has no advantage
        over one with few.
        """
        means = torch.stack([maps.flatten(1).mean(1) for maps in self.maps], 1)
        return means / means.sum(1, keepdim=True).clamp_min(1e-12)

    def select(self, tokens: slice) -> Attribution:
        """The attribution of some of the tokens, the scales included."""
        return _map_tensors(lambda tensor: tensor[tokens], self)

    def with_tokens_from(self, other: Attribution, tokens: Sequence[int]) -> Attribution:
        """This attribution, some of its tokens replaced by those of another.

        Args:
            other: of the same tokens, views and scales.
            tokens: indices on the token axis, the same in both.

        Raises:
            ValueError: if the two differ in their number of views or scales.
        """
        index = torch.tensor(tokens, dtype=torch.int64)

        def replaced(target: Tensor, source: Tensor) -> Tensor:
            rows = index.to(target.device)
            return target.index_copy(0, rows, source.to(target.device)[rows])

        return _map_tensors(replaced, self, other)

    def cpu(self) -> Attribution:
        """This attribution with all tensors contiguous in main memory."""
        return _map_tensors(lambda tensor: tensor.cpu().contiguous(), self)


def _map_tensors(function: Callable[..., Tensor], *parts: Any) -> Any:
    """Replace every tensor in nested dataclasses and tuples by the function of it; grids stay.

    With several parts of the same structure, the function takes the corresponding tensors of all
    parts; values that are not tensors come from the first part.
    """
    first = parts[0]
    if isinstance(first, Tensor):
        return function(*parts)
    if isinstance(first, tuple):
        return tuple(_map_tensors(function, *row) for row in zip(*parts, strict=True))
    if not is_dataclass(first) or isinstance(first, type | TokenGrid):
        return first
    rows = {f.name: [getattr(part, f.name) for part in parts] for f in fields(first)}
    return replace(first, **{name: _map_tensors(function, *row) for name, row in rows.items()})
