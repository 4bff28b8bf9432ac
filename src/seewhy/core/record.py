"""The whole explanation as plain data: what is saved, shown and measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.geometry import TokenGrid
from seewhy.core.text import Token, Word
from seewhy.core.trace import PromptSpan


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
class Picture:
    """What one view's maps are laid over: a picture, or the first frame of a step of a clip.

    Attributes:
        image: uint8 `[height, width, 3]`, upright and in RGB.
        canvas: the native grid of the view's maps, its edges in pixels of `image`.
        medium: which of the prompt's pictures and clips it belongs to, counted from 0.
        frames: for a step of a clip, the places in the clip of the frames that it shows.
        seconds: for a step of a clip, when its first frame was taken.
    """

    image: Tensor
    base_grid: TokenGrid
    medium: int = 0
    frames: tuple[int, ...] = ()
    seconds: float | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, eq=False)
class Record:
    """An explanation of every word of one answer about what the prompt showed.

    Attributes:
        pictures: one for each view, in the order of the attribution's maps.
        prompt: the conversation's own words before the answer, turns joined by newlines.
        answer: the model's words.
        prompt_tokens, tokens: the text axis, in two parts.
        words: words of the answer.
        attribution: maps and context of every token of the answer.
        asked: maps and context of every token of the prompt, or None where it was not explained.
        turns: whose words the prompt's are.
        contrasts: `(word, alternative)`: places of words of the answer whose maps say why they
            were said and not the alternative.
        provenance: where it comes from.
    """

    pictures: tuple[Picture, ...]
    prompt: str
    answer: str
    prompt_tokens: tuple[Token, ...]
    tokens: tuple[Token, ...]
    words: tuple[Word, ...]
    attribution: Attribution
    provenance: Provenance
    asked: Attribution | None = None
    turns: tuple[PromptSpan, ...] = ()
    contrasts: tuple[tuple[int, str], ...] = ()
