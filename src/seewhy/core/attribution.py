"""What a method answers: for each explained token, its maps and its context."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes


@dataclass(frozen=True, eq=False)
class ScaleView:
    """One scale's share in an attribution.

    Attributes:
        scale: the scale asked for.
        model_sizes: width and height in pixels of what the model saw, for each view.
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
        return replace(
            _of_tokens(self, chosen, ("context", "low", "high")),
            scales=tuple(
                _of_tokens(view, chosen, ("probabilities", "is_top1", "weights"))
                for view in self.scales
            ),
        )


def _of_tokens(thing: Any, chosen: slice, fields: tuple[str, ...]) -> Any:
    return replace(
        thing,
        maps=tuple(maps[chosen] for maps in thing.maps),
        **{name: getattr(thing, name)[chosen] for name in fields},
    )
