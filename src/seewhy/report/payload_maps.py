"""The maps of the page's data: quantised to 8 bit, each stored once."""

from __future__ import annotations

import base64
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from seewhy.core.layers import Layers
from seewhy.report.payload_numbers import short
from seewhy.report.payload_schema import LayerData, MapData
from seewhy.report.spans import TextSpan
from seewhy.report.word_layers import WordLayers, word_layers


class Maps:
    """The payload's maps; words and tokens of the same tokens share theirs."""

    def __init__(self, layers: Layers | None = None) -> None:
        self.data: list[MapData] = []
        self._starts: dict[tuple[str, tuple[int, ...]], int] = {}
        self._layers = layers
        self._layer_data: dict[tuple[int, ...], list[LayerData]] = {}

    def start(self, part: str, unit: TextSpan) -> int:
        """The index of the first of the unit's maps: those of its views, then of its scales."""
        key = part, unit.tokens
        if key not in self._starts:
            self._starts[key] = len(self.data)
            self.data.extend(map(quantise, unit.maps))
            self.data.extend(quantise(values) for scale in unit.scales for values in scale.maps)
        return self._starts[key]

    def layers(self, unit: TextSpan) -> list[LayerData]:
        """The layers of a unit of the answer; empty where the record has none."""
        if self._layers is None:
            return []
        if unit.tokens not in self._layer_data:
            word = word_layers(self._layers, unit.tokens, unit.deciding)
            made = [self._layer(word, index) for index in range(len(word))]
            self._layer_data[unit.tokens] = made
        return self._layer_data[unit.tokens]

    def _layer(self, word: WordLayers, index: int) -> LayerData:
        return {
            "probability": short(word.probabilities[index]),
            "rank": int(word.ranks[index]),
            "picture": [short(share, 3) for share in word.picture[index]],
            "text": [short(share, 3) for share in word.text[index]],
            "feed_forward": short(word.feed_forward[index]),
            "lens": self._added(maps[index] for maps in word.lens_maps),
            "taken": self._added(maps[index] for maps in word.share_maps),
        }

    def _added(self, maps: Iterable[np.ndarray]) -> list[int]:
        """The indices of maps that are added."""
        start = len(self.data)
        self.data.extend(quantise(torch.from_numpy(values)) for values in maps)
        return list(range(start, len(self.data)))


def quantise(values: Tensor) -> MapData:
    """Quantise a map to 8 bit over its own range.

    Args:
        values: float `[height, width]`.

    Example:
        >>> quantise(torch.tensor([[0.0, 2.0]]))
        {'height': 1, 'width': 2, 'low': 0.0, 'high': 2.0, 'data': 'AP8='}
    """
    # NumPy: of thousands of maps the overhead of each call matters.
    numbers = values.numpy().astype(np.float64)
    low, high = float(numbers.min()), float(numbers.max())
    levels = (numbers - low) / ((high - low) or 1.0) * 255
    return {
        "height": values.shape[0],
        "width": values.shape[1],
        "low": short(low),
        "high": short(high),
        "data": base64.b64encode(levels.round().astype(np.uint8).tobytes()).decode(),
    }


def in_base64(table: Tensor) -> str:
    """The bytes of a tensor as text."""
    return base64.b64encode(table.contiguous().numpy().tobytes()).decode()
