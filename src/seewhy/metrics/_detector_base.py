"""What every detector of unsupported words is: shown one pass, layer by layer, it gives scores."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from seewhy.functional.hallucination_scores import token_probabilities
from seewhy.models.decoder import at_least_float32
from seewhy.models.predictions import CHUNK

PUBLISHED_LAYERS = 32
"""Decoder layers of the models for which the papers give layers."""


def at_depth(layer: int, layers: int) -> int:
    """A layer or depth of a model with 32 layers, at the same share of another model's depth.

    Example:
        >>> at_depth(24, 32), at_depth(24, 28), at_depth(24, 5)
        (24, 21, 4)
    """
    return (2 * layer * layers + PUBLISHED_LAYERS) // (2 * PUBLISHED_LAYERS)


def middle_half(layers: int) -> range:
    """The layers from a quarter to three quarters of the depth, counted from 0; at least one.

    Example:
        >>> middle_half(32), middle_half(5), middle_half(1)
        (range(8, 24), range(1, 3), range(0, 1))
    """
    first = layers // 4
    return range(first, max(3 * layers // 4, first + 1))


@dataclass(frozen=True, eq=False)
class Reading:
    """What is read: the answer's words, and where the picture lies.

    Attributes:
        words: the tokens of each word, indices on the token axis.
        ids: int64 `[token]`, of the answer.
        layers: number of decoder layers.
        grids: for each token grid int64 `[height, width]`, indices on the visual axis.
        unembedding: from states to logits.
    """

    words: tuple[tuple[int, ...], ...]
    ids: Tensor
    layers: int
    grids: tuple[Tensor, ...]
    unembedding: Any

    @property
    def first(self) -> list[int]:
        """The first token of each word."""
        return [tokens[0] for tokens in self.words]


@dataclass(frozen=True, eq=False)
class DepthStates:
    """The states at one depth.

    Attributes:
        reading: what is read.
        depth: from 0, the embeddings, to the number of layers.
        parts: by name, states in the model's dtype: `visual`; `instruction`, the text of the prompt
            after the picture; `before`, where each token is predicted; `own`, each token's own
            position.
    """

    reading: Reading
    depth: int
    parts: dict[str, Tensor]
    _lens: dict[tuple[str, float], Tensor] = field(default_factory=dict)

    def __getitem__(self, part: str) -> Tensor:
        """States `[..., hidden]`, at least float32."""
        return at_least_float32(self.parts[part])

    def lens(self, part: str, temperature: float = 1.0) -> Tensor:
        """p(token) under the logit lens of some states, without a norm: `[token, row]`."""
        key = part, temperature
        if key not in self._lens:
            rows = self.parts[part].split(CHUNK)
            reading = self.reading
            found = [
                token_probabilities(reading.unembedding(row), reading.ids, temperature)
                for row in rows
            ]
            self._lens[key] = torch.cat(found, 1) if found else torch.zeros(len(reading.ids), 0)
        return self._lens[key]


class Detector(ABC):
    """One detector: it is shown all depths and layers of one pass, then gives the scores.

    Class attributes:
        name: the score's name; high scores predict that a word is unsupported.
        needs: `"states"`, `"attention"`, or both.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[str]] = frozenset({"states"})

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def on_states(self, states: DepthStates) -> None:
        """Take what is needed of one depth; nothing unless overridden."""
        del states

    def on_attention(self, layer: int, weights: Tensor) -> None:
        """Take what is needed of one layer.

        Args:
            layer: counted from 0.
            weights: float32 `[word, visual]`, from where each word's first token is predicted, the
                mean over heads.
        """
        del layer, weights

    @abstractmethod
    def scores(self) -> Tensor:
        """`[word]`; NaN where a score is not defined."""

    def undefined(self) -> Tensor:
        """NaN for each word."""
        return torch.full((len(self.reading.words),), math.nan)
