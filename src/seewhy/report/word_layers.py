"""A word of the answer layer by layer: what could be read there, and what was taken there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from seewhy.core.layers import Layers


@dataclass(frozen=True, eq=False)
class WordLayers:
    """A word, layer by layer, the lowest layer first.

    Of a word of several tokens the maps are the maximum over its tokens, as the word's own map is.
    Shares are the sum over its tokens: they are parts of the tokens' logits, which add up.
    Probabilities and ranks are its first token's alone (white space left out): where that is
    predicted, the later ones are not.

    Attributes:
        probabilities: float32 `[layer]`: p(first token) if the answer is read out after this layer
            (logit lens). The last layer's is the model's own.
        ranks: int64 `[layer]`: the first token's rank there, 0 for the first.
        lens_maps: for each view float32 `[layer, height, width]` on its native grid, non-negative,
            in logits: the logit lens after this layer.
        share_maps: for each view float32 `[layer, height, width]`, non-negative, in logits: what
            was taken from each place through this layer's attention.
        picture: float32 `[layer, head]`, in logits: what each head took from all pictures.
        text: float32 `[layer, head]`, in logits: likewise from the conversation's words.
        feed_forward: float32 `[layer]`, signed, in logits: the share of the layer's other parts.
    """

    probabilities: np.ndarray
    ranks: np.ndarray
    lens_maps: tuple[np.ndarray, ...]
    share_maps: tuple[np.ndarray, ...]
    picture: np.ndarray
    text: np.ndarray
    feed_forward: np.ndarray

    def __len__(self) -> int:
        """The number of layers."""
        return len(self.probabilities)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: one number for each layer; `picture` and `text` are sums over the heads."""
        return {
            "probabilities": self.probabilities.tolist(),
            "ranks": self.ranks.tolist(),
            "picture": self.picture.sum(1).tolist(),
            "text": self.text.sum(1).tolist(),
            "feed_forward": self.feed_forward.tolist(),
        }


def word_layers(layers: Layers, tokens: Sequence[int], deciding: int | None = None) -> WordLayers:
    """A word's layers.

    Args:
        layers: of all tokens of the answer.
        tokens: of the word, at least one: indices on the token axis.
        deciding: the one whose probabilities are given; None for the first.

    Example:
        >>> import torch
        >>> one, maps = torch.ones(3, 2), torch.ones(3, 2, 4, 5)
        >>> heads = torch.ones(3, 2, 6)
        >>> layers = Layers(one, one.long(), (maps,), (maps,), heads, heads, one)
        >>> word = word_layers(layers, (1, 2))
        >>> word.share_maps[0].shape, word.picture[0, 0].item(), len(word)
        ((2, 4, 5), 2.0, 2)
    """
    rows = list(tokens)
    first = rows[0] if deciding is None else deciding

    def summed(values: Tensor) -> np.ndarray:
        return values[rows].sum(0).numpy()

    def highest(views: Sequence[Tensor]) -> tuple[np.ndarray, ...]:
        return tuple(maps[rows].amax(0).numpy() for maps in views)

    return WordLayers(
        probabilities=layers.probabilities[first].numpy().copy(),
        ranks=layers.ranks[first].numpy().copy(),
        lens_maps=highest(layers.lens_maps),
        share_maps=highest(layers.share_maps),
        picture=summed(layers.picture),
        text=summed(layers.text),
        feed_forward=summed(layers.feed_forward),
    )
