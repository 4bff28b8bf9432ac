"""The whole explanation as plain data: what is saved, shown and measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.geometry import Layer
from seewhy.core.text import Token, Word


@dataclass(frozen=True)
class Provenance:
    """Where an explanation comes from: enough to make it again.

    Attributes:
        model: hub id or folder as given.
        family: the adapter's name, such as `"qwen2-vl"`.
        method: the method's registry name.
        parameters: the method's parameters, JSON-ready.
        versions: of this package, torch and transformers.
        seconds: wall time of each stage (`generate`, `scales`, `attribute`), in seconds.
        created: ISO 8601 UTC time.
        seed: of the drawn scene or of sampling, if there was one.
        notes: what a reader must know, such as scales that were left out because they collapsed.
    """

    model: str
    family: str
    method: str
    parameters: Mapping[str, Any]
    versions: Mapping[str, str]
    seconds: Mapping[str, float]
    created: str
    seed: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Record:
    """An explanation of every word of one answer about one image.

    Attributes:
        image: uint8 `[height, width, 3]`, the upright RGB picture.
        prompt, answer: the user's words, the model's words.
        prompt_tokens, tokens: the text axis, in two parts.
        words: words of the answer.
        canvas: the native grid of `attribution.maps`, its edges in pixels of `image`.
        attribution: maps and context of every token.
        provenance: where it comes from.
    """

    image: Tensor
    prompt: str
    answer: str
    prompt_tokens: tuple[Token, ...]
    tokens: tuple[Token, ...]
    words: tuple[Word, ...]
    canvas: Layer
    attribution: Attribution
    provenance: Provenance

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        return self.image.shape[1], self.image.shape[0]
