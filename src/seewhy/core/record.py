"""An explanation as plain data: what is saved and shown."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.boxes import BoxFormat
from seewhy.core.geometry import TokenGrid
from seewhy.core.layers import Layers
from seewhy.core.text import Token, Word, words_of
from seewhy.core.trace import PromptSpan
from seewhy.core.verdict import Verdict

Derived = TypeVar("Derived")


@dataclass(frozen=True)
class Provenance:
    """How an explanation was made: enough to reproduce it.

    Attributes:
        model: hub id or folder as given.
        family: the adapter's name, such as `"qwen2-vl"`.
        method: the method's spec, such as `"intra-modal(window=None)"`: its registry name and the
            parameters that differ from their defaults.
        parameters: all of the method's parameters, JSON-ready.
        versions: of this package, torch and transformers.
        seconds: wall time of each stage (`generate`, `scales`, `attribute`), in seconds.
        created: ISO 8601 UTC time.
        seed: of the scene or of sampling, if there was one.
        notes: what a reader must know, such as scales that were left out.
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
    """The image below one view's maps: a picture, or the first frame of a step of a clip.

    Attributes:
        image: uint8 `[height, width, 3]`, upright and in RGB.
        base_grid: the native grid of the view's maps, its edges in pixels of `image`.
        medium: which of the prompt's pictures and clips it belongs to, counted from 0.
        frames: for a step of a clip, indices in the clip of the frames that it shows.
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
    """An explanation of every word of one answer.

    Attributes:
        pictures: one for each view, in the order of the attribution's maps.
        prompt: the text of the conversation before the answer, turns joined by newlines.
        answer: the model's answer.
        prompt_tokens, tokens: the text axis, in two parts.
        words: words of the answer.
        attribution: maps and context of every token of the answer.
        prompt_attribution: maps and context of every token of the prompt, or None where it was
            not explained.
        turns: the role of each part of the prompt.
        contrasts: `(word, alternative)`: indices of words of the answer whose maps explain why
            the model chose them and not the alternative.
        layers: the answer's tokens layer by layer, or None where that was not asked for.
        provenance: how the explanation was made.
        verdicts: what each word of the answer rests on, with None for words that were not
            diagnosed; None where no word was.
        warnings: what a reader must know before anything else, the gravest first; also among the
            notes of `provenance`.
        word_notes: `(word, sentence)`: what a reader must know of single words of the answer.
        box_format: how the model writes boxes and points, or None where that is not known.
        thinking: start and end of the answer's thinking block in characters, tags included; None
            where it has none.
    """

    pictures: tuple[Picture, ...]
    prompt: str
    answer: str
    prompt_tokens: tuple[Token, ...]
    tokens: tuple[Token, ...]
    words: tuple[Word, ...]
    attribution: Attribution
    provenance: Provenance
    prompt_attribution: Attribution | None = None
    turns: tuple[PromptSpan, ...] = ()
    contrasts: tuple[tuple[int, str], ...] = ()
    layers: Layers | None = None
    verdicts: tuple[Verdict | None, ...] | None = None
    warnings: tuple[str, ...] = ()
    word_notes: tuple[tuple[int, str], ...] = ()
    box_format: BoxFormat | None = None
    thinking: tuple[int, int] | None = None

    @cached_property
    def prompt_words(self) -> tuple[Word, ...]:
        """Words of the prompt, by the offsets of its tokens."""
        return words_of(self.prompt, self.prompt_tokens)

    @cached_property
    def thinking_words(self) -> range:
        """Indices of the words of the thinking block; empty where the answer has none."""
        if self.thinking is None:
            return range(0)
        start, end = self.thinking
        indices = [i for i, w in enumerate(self.words) if start <= w.start and w.start < end]
        return range(indices[0], indices[-1] + 1) if indices else range(0)

    @cached_property
    def final_words(self) -> tuple[int, ...]:
        """Indices of the words of the answer itself, which follow the thinking block.

        All words where nothing follows it: the answer was cut off.
        """
        thinking = self.thinking_words
        final = tuple(index for index in range(len(self.words)) if index not in thinking)
        return final or tuple(range(len(self.words)))

    def derived(self, make: Callable[[Record], Derived]) -> Derived:
        """Return `make(record)`, which is computed at the first call and kept with the record.

        Args:
            make: a class or a function of a module, which is the key.
        """
        if make not in self._derived:
            self._derived[make] = make(self)
        return self._derived[make]

    @cached_property
    def _derived(self) -> dict[Hashable, Any]:
        return {}
