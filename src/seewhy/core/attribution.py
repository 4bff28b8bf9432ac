"""What a method answers: for each explained token, its map and its context."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from seewhy.core.axes import expect_axes


@dataclass(frozen=True, eq=False)
class ScaleView:
    """One scale's share in an attribution.

    Attributes:
        scale: the scale asked for.
        seen: width and height in pixels of what the model saw.
        maps: float32 `[token, height, width]`, the base map on this scale's own native grid.
        probabilities: float32 `[token]`, p(token | image at this scale, same prefix).
        said: bool `[token]`, whether the token would still be the model's first choice.
        weights: float32 `[token]`, the share with which this scale entered the aggregation.
    """

    scale: float
    seen: tuple[int, int]
    maps: Tensor
    probabilities: Tensor
    said: Tensor
    weights: Tensor


@dataclass(frozen=True, eq=False)
class Attribution:
    """Maps over the image and weights over the context, for every token of the answer.

    Attributes:
        maps: float32 `[token, height, width]` on the native grid, non-negative, raw scale kept.
        context: float32 `[token, text]`, non-negative relevance of each context token; 0 for the
            token itself and for later ones.
        low, high: float32 `[token]`, the joint range of image and text scores by which a token's
            display is scaled: `(map - low) / (high - low)`.
        scales: what each scale contributed, the base scale first.
    """

    maps: Tensor
    context: Tensor
    low: Tensor
    high: Tensor
    scales: tuple[ScaleView, ...] = ()

    def __post_init__(self) -> None:
        tokens = expect_axes(self.maps, "token height width", name="maps")["token"]
        expect_axes(self.context, "token text", name="context", token=tokens)
        for name in ("low", "high"):
            expect_axes(getattr(self, name), "token", name=name, token=tokens)

    @property
    def display(self) -> Tensor:
        """float32 `[token, height, width]` in [0, 1]: image and text scores scaled together."""
        span = (self.high - self.low).clamp_min(1e-12)[:, None, None]
        return ((self.maps - self.low[:, None, None]) / span).clamp(0, 1)
