"""What each decoder layer added to a word, and what could be read there."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from seewhy.core.axes import expect_axes


@dataclass(frozen=True, eq=False)
class Layers:
    """The answer's tokens, layer by layer, the lowest layer first.

    The token axis is that of the answer. Shares are exact parts of the token's logit, in logits.

    Attributes:
        probabilities: float32 `[token, layer]`: p(token) if the final norm and the unembedding
            are applied after this layer, at the position that predicts the token (logit lens). The
            last layer's is the model's own.
        ranks: int64 `[token, layer]`: the token's rank there, 0 for the first.
        lens_maps: for each view float32 `[token, layer, height, width]` on its native grid,
            non-negative: the logit lens after this layer.
        share_maps: for each view float32 `[token, layer, height, width]`, non-negative: what the
            token took from each place through this layer's attention.
        picture: float32 `[token, layer, head]`: the sum of the positive shares of visual tokens.
        text: float32 `[token, layer, head]`: likewise of all other positions.
        feed_forward: float32 `[token, layer]`, signed: the share of the layer's other parts.
    """

    probabilities: Tensor
    ranks: Tensor
    lens_maps: tuple[Tensor, ...]
    share_maps: tuple[Tensor, ...]
    picture: Tensor
    text: Tensor
    feed_forward: Tensor

    def __post_init__(self) -> None:
        sizes = expect_axes(self.probabilities, "token layer", name="probabilities")
        for name in ("ranks", "feed_forward"):
            expect_axes(getattr(self, name), "token layer", name=name, **sizes)
        for name in ("picture", "text"):
            expect_axes(getattr(self, name), "token layer head", name=name, **sizes)
        for name in ("lens_maps", "share_maps"):
            for view, maps in enumerate(getattr(self, name)):
                label = f"{name} of view {view}"
                expect_axes(maps, "token layer height width", name=label, **sizes)
