"""What a method answers: for each explained token, its maps and its context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes


@dataclass(frozen=True, eq=False)
class ScaleView:
    """One scale's share in an attribution.

    Attributes:
        scale: the scale asked for.
        seen: width and height in pixels of what the model saw, for each view.
        maps: for each view float32 `[token, height, width]`, the base map on this scale's own
            native grid.
        probabilities: float32 `[token]`, p(token | image at this scale, same prefix).
        is_top1: bool `[token]`, whether the token would still be the model's first choice.
        weights: float32 `[token]`, the share with which this scale entered the aggregation.
    """

    scale: float
    seen: tuple[tuple[int, int], ...]
    maps: tuple[Tensor, ...]
    probabilities: Tensor
    is_top1: Tensor
    weights: Tensor


@dataclass(frozen=True, eq=False)
class Attribution:
    """Maps over what was seen and weights over the context, for every explained token.

    Attributes:
        maps: for each view (a picture, or a step of a clip) float32 `[token, height, width]` on
            its native grid, non-negative. All views share one raw scale, so they compare.
        context: float32 `[token, text]`, non-negative relevance of each context token; 0 for the
            token itself and for later ones.
        low, high: float32 `[token]`, the joint range of image and text scores by which a token's
            display is scaled: `(map - low) / (high - low)`.
        scales: what each scale contributed, the base scale first.
    """

    maps: tuple[Tensor, ...]
    context: Tensor
    low: Tensor
    high: Tensor
    scales: tuple[ScaleView, ...] = ()

    def __post_init__(self) -> None:
        tokens = expect_axes(self.context, "token text", name="context")["token"]
        for view, maps in enumerate(self.maps):
            expect_axes(maps, "token height width", name=f"maps of view {view}", token=tokens)
        for name in ("low", "high"):
            expect_axes(getattr(self, name), "token", name=name, token=tokens)

    @property
    def display(self) -> tuple[Tensor, ...]:
        """For each view float32 `[token, height, width]` in [0, 1]: all scores scaled together."""
        span = (self.high - self.low).clamp_min(1e-12)[:, None, None]
        return tuple(((maps - self.low[:, None, None]) / span).clamp(0, 1) for maps in self.maps)

    @property
    def shares(self) -> Tensor:
        """float32 `[token, view]`: each view's part of what all maps add up to; 0 where all are 0.

        A view's evidence is the mean of its map, so that a large picture does not weigh more than
        a small one for its number of cells.
        """
        means = torch.stack([maps.flatten(1).mean(1) for maps in self.maps], 1)
        return means / means.sum(1, keepdim=True).clamp_min(1e-12)

    def tokens(self, chosen: slice) -> Attribution:
        """The same for some of the tokens."""
        return _each_tensor(lambda own: own[chosen], self)

    def with_tokens_from(self, other: Attribution, tokens: Sequence[int]) -> Attribution:
        """The same with some tokens' entries taken from another attribution of this shape."""
        at = torch.tensor(tokens)
        return _each_tensor(
            lambda own, of: own.index_copy(0, at.to(own.device), of[tokens]), self, other
        )

    def cpu(self) -> Attribution:
        """The same in main memory."""
        return _each_tensor(lambda own: own.cpu().contiguous(), self)


def _each_tensor(change: Callable[..., Tensor], *things: Any) -> Any:
    """A dataclass like the first thing, with every tensor changed, those of its parts included."""
    first = things[0]
    if isinstance(first, Tensor):
        return change(*things)
    if isinstance(first, tuple):
        if not any(isinstance(part, Tensor | ScaleView) for part in first):
            return first
        return tuple(_each_tensor(change, *parts) for parts in zip(*things, strict=True))
    if not is_dataclass(first):
        return first
    changed = {
        f.name: _each_tensor(change, *(getattr(thing, f.name) for thing in things))
        for f in fields(first)
    }
    return type(first)(**changed)  # type: ignore[arg-type]
