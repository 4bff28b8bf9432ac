"""What a person holds in hand: an answer, word by word, and what each word rests on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seewhy.core.errors import InputError, ParameterError, UnknownNameError
from seewhy.core.geometry import Box
from seewhy.core.record import Picture, Record
from seewhy.core.registry import unknown
from seewhy.core.text import Word, phrase
from seewhy.report.bundle import save_record
from seewhy.report.colourmaps import DEFAULT as COLOURMAP
from seewhy.report.figures import plot
from seewhy.report.overlay import OPACITY, overlay
from seewhy.report.page import frame, html
from seewhy.report.units import (
    Unit,
    prompt_token_units,
    prompt_word_units,
    prompt_words,
    token_units,
    word_units,
)

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class ContextWord:
    """An earlier word that a word may lean on.

    Attributes:
        text: its characters.
        part: `"prompt"` or `"answer"`.
        index: its place among the words of that part.
    """

    text: str
    part: str
    index: int


@dataclass(frozen=True, eq=False)
class WordScale:
    """A word at one scale of the image.

    Attributes:
        scale: the scale asked for.
        sizes: for each view width and height in pixels of what the model saw.
        probability: the product over the word's tokens of p(token | image at this scale, prefix).
        is_top1: whether the model would still have said it.
        weight: the share with which the scale entered the map.
        maps: for each view float32 `[height, width]`, the base map on the scale's own grid.
    """

    scale: float
    sizes: tuple[tuple[int, int], ...]
    probability: float
    is_top1: bool
    weight: float
    maps: tuple[np.ndarray, ...]

    @property
    def seen(self) -> tuple[int, int]:
        """Width and height in pixels of what the model saw of the one picture there is."""
        return self.sizes[_only(self.sizes)]

    @property
    def map(self) -> np.ndarray:
        """The map of the one picture there is."""
        return self.maps[_only(self.maps)]


class ExplainedWord:
    """A word of the answer (or a phrase, or a token), and what it rests on.

    A word is read at its best token: its map is the greatest of its tokens' maps, place by place,
    and it leans on an earlier word as much as any of its tokens on any token of that word.

    Where the prompt shows several pictures or a clip, there is a map for each view: for each
    picture, and for each step of a clip. All of them share one scale, so they compare.
    """

    def __init__(
        self, whole: _Whole, unit: Unit, *, part: str = "answer", by_token: bool = False
    ) -> None:
        self._whole, self._record = whole, whole.record
        self._unit, self._part, self._by_token = unit, part, by_token

    @property
    def part(self) -> str:
        """`"answer"`, or `"prompt"` for the asker's own words."""
        return self._part

    @property
    def text(self) -> str:
        """Its characters."""
        return self._unit.text

    @property
    def start(self) -> int:
        """Where it begins in the answer, in characters."""
        return self._unit.start

    @property
    def end(self) -> int:
        """Where it ends in the answer, exclusive."""
        return self._unit.end

    @property
    def probability(self) -> float:
        """What the model gave it: the product over its tokens, before temperature and penalties."""
        return self._unit.probability

    @property
    def candidates(self) -> tuple[tuple[str, float], ...]:
        """What the model might have said at its first token, `(text, probability)`, best first."""
        return self._unit.candidates

    @property
    def heatmaps(self) -> tuple[np.ndarray, ...]:
        """For each view float32 `[height, width]` on its native grid, non-negative, in logits."""
        return tuple(one.numpy().copy() for one in self._unit.maps)

    @property
    def heatmap(self) -> np.ndarray:
        """The one picture's map: float32 `[height, width]` on the native grid, raw scale (logits).

        Raises:
            InputError: if there are several views; `heatmaps` holds them all.
        """
        return self.heatmaps[_only(self._unit.maps)]

    @property
    def displays(self) -> tuple[np.ndarray, ...]:
        """For each view float32 `[height, width]` in [0, 1]: all scores scaled together."""
        return tuple(one.numpy() for one in self._unit.displays)

    @property
    def display(self) -> np.ndarray:
        """The one picture's `displays`: float32 `[height, width]` in [0, 1].

        Raises:
            InputError: if there are several views; `displays` holds them all.
        """
        return self.displays[_only(self._unit.maps)]

    @property
    def shares(self) -> tuple[float, ...]:
        """Each view's part in all that the maps hold; they add up to 1, or are 0 for empty maps.

        Of several pictures the share of each, of a clip the importance of each step in time.
        """
        return self._unit.shares

    @property
    def range(self) -> tuple[float, float]:
        """The raw values that `display` shows as 0 and 1."""
        return self._unit.low, self._unit.high

    @property
    def view(self) -> int:
        """The view that says most about it: the number of a picture or of a step of a clip."""
        return self._unit.best

    @property
    def peak(self) -> tuple[float, float] | None:
        """x and y of the map's highest point in pixels of its view; None for an empty map."""
        return self._unit.peaks[self.view]

    @property
    def box(self) -> Box | None:
        """left, top, right, bottom in pixels around the cells above half of the maximum of its
        view's map, within the picture; None for an empty map.
        """
        return self._unit.boxes[self.view]

    @property
    def context(self) -> list[tuple[ContextWord, float]]:
        """Earlier words it leans on, of the prompt and the answer in reading order, with weights.

        Weights are on the raw scale of `heatmap`; words that count for nothing are left out. For a
        token the context words are tokens.
        """
        asked, said = self._whole.token_texts if self._by_token else self._whole.word_texts
        return [
            (
                ContextWord(asked[place], "prompt", place)
                if place < len(asked)
                else ContextWord(said[place - len(asked)], "answer", place - len(asked)),
                weight,
            )
            for place, weight in sorted(self._unit.context)
        ]

    @property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        """Its tokens, each with a map and a context of its own."""
        tokens = self._whole.tokens if self._part == "answer" else self._whole.asked_tokens
        return tuple(tokens[place] for place in self._unit.tokens)

    @property
    def scales(self) -> tuple[WordScale, ...]:
        """The word at each scale of the image, the base scale first."""
        return tuple(
            WordScale(
                scale=view.scale,
                sizes=view.model_sizes,
                probability=unit.probability,
                is_top1=unit.is_top1,
                weight=unit.weight,
                maps=tuple(one.numpy().copy() for one in unit.maps),
            )
            for view, unit in zip(self._record.attribution.scales, self._unit.scales, strict=True)
        )

    def overlay(
        self, view: int | None = None, *, colourmap: str = COLOURMAP, opacity: float = OPACITY
    ) -> Image:
        """A picture with the word's map laid over it, as a Pillow image of the picture's size.

        Args:
            view: which picture or step of a clip; None takes the one that says most about it.
            colourmap: a name from `seewhy.report.colourmaps.NAMES`.
            opacity: in [0, 1].
        """
        view = self.view if view is None else view
        if not 0 <= view < len(self._record.pictures):
            raise ParameterError(
                f"Expected a view from 0 to {len(self._record.pictures) - 1}, got {view}."
            )
        shown = self._record.pictures[view]
        display = self._unit.displays[view]
        return overlay(shown.image, display, shown.base_grid, colourmap, opacity=opacity)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: text, offsets, tokens, probability, peak, box and context in the answer.

        Of several views also the one that says most, in which `peak` and `box` lie, and the shares.
        """
        views = {} if len(self.shares) == 1 else {"view": self.view, "shares": list(self.shares)}
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "tokens": list(self._unit.tokens),
            "probability": self.probability,
            "peak": None if self.peak is None else list(self.peak),
            "box": None if self.box is None else list(self.box),
            "context": [
                [word.index, weight] for word, weight in self.context if word.part == "answer"
            ],
            **views,
        }

    def _repr_png_(self) -> bytes:
        return self.overlay()._repr_png_()  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"ExplainedWord({self.text!r}, probability={self.probability:.3f}, peak={self.peak})"


class _Whole:
    """What the words of one record share, worked out when it is first looked at."""

    def __init__(self, record: Record) -> None:
        self.record = record

    @cached_property
    def words(self) -> tuple[ExplainedWord, ...]:
        return tuple(ExplainedWord(self, unit) for unit in word_units(self.record))

    @cached_property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        units = token_units(self.record)
        return tuple(ExplainedWord(self, unit, by_token=True) for unit in units)

    @cached_property
    def asked(self) -> tuple[ExplainedWord, ...]:
        units = prompt_word_units(self.record)
        return tuple(ExplainedWord(self, unit, part="prompt") for unit in units)

    @cached_property
    def asked_tokens(self) -> tuple[ExplainedWord, ...]:
        units = prompt_token_units(self.record)
        return tuple(ExplainedWord(self, unit, part="prompt", by_token=True) for unit in units)

    @cached_property
    def word_texts(self) -> tuple[list[str], list[str]]:
        return [w.text for w in prompt_words(self.record)], [w.text for w in self.record.words]

    @cached_property
    def token_texts(self) -> tuple[list[str], list[str]]:
        return [t.text for t in self.record.prompt_tokens], [t.text for t in self.record.tokens]


class Explanation:
    """An answer, word by word, and what each word rests on.

    Iterate over it for its words, index it by number or by text, save it to a folder.

    Args:
        record: all of it as plain data.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self._whole = _Whole(record)

    @property
    def prompt(self) -> str:
        """What the model was asked."""
        return self.record.prompt

    @property
    def answer(self) -> str:
        """What it said."""
        return self.record.answer

    @property
    def model(self) -> str:
        """Hub id or folder of the model."""
        return self.record.provenance.model

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.record.provenance.method

    @property
    def images(self) -> tuple[Image, ...]:
        """For each view the upright RGB picture; of a step of a clip its first frame."""
        from PIL.Image import fromarray

        return tuple(fromarray(shown.image.numpy()) for shown in self.views)

    @property
    def image(self) -> Image:
        """The upright RGB picture.

        Raises:
            InputError: if there are several views; `images` holds them all.
        """
        return self.images[_only(self.views)]

    @property
    def views(self) -> tuple[Picture, ...]:
        """What maps are laid over: the prompt's pictures, and the steps of its clips."""
        return self.record.pictures

    @property
    def words(self) -> tuple[ExplainedWord, ...]:
        """The words of the answer, punctuation marks among them."""
        return self._whole.words

    @property
    def prompt_words(self) -> tuple[ExplainedWord, ...]:
        """The words of the prompt and what each lit up; empty if they were not explained."""
        return self._whole.asked

    @property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        """The tokens of the answer, likewise with maps and context of their own."""
        return self._whole.tokens

    def __len__(self) -> int:
        return len(self.record.words)

    def __iter__(self) -> Iterator[ExplainedWord]:
        return iter(self.words)

    def __getitem__(self, word: int | str) -> ExplainedWord:
        """A word by its number, or the first that reads `word`.

        Raises:
            UnknownNameError: if no word reads so.
            IndexError: if there is no such number.
        """
        return self.words[self._place(word)]

    def phrase(self, first: int | str, last: int | str) -> ExplainedWord:
        """Neighbouring words as one, such as `explanation.phrase("red", "star")`.

        Args:
            first: number or text of its first word.
            last: number of its last word, or text: the next word that reads so.

        Raises:
            UnknownNameError, IndexError: as for a single word.
            ParameterError: if the last word stands before the first.
        """
        begin = self._place(first)
        end = self._place(last, begin)
        if end < begin:
            raise ParameterError(
                f"Expected a phrase's last word at or after its first, got {first!r} to {last!r} "
                f"(words {begin} to {end}): swap them."
            )
        words = self.record.words
        joined = phrase(self.answer, words[begin : end + 1])
        return _Whole(replace(self.record, words=(*words[:begin], joined))).words[-1]

    def plot(self, words: Sequence[int | str] | None = None, **options: Any) -> tuple[Any, Any]:
        """Draw the picture and, beside it, the maps of words, with matplotlib.

        Args:
            words: numbers or texts of the words to draw; all that hold a letter or digit if None.
            **options: `columns` and `colourmap`.

        Returns:
            The figure and its axes.
        """
        places = None if words is None else [self._place(word) for word in words]
        return plot(self.record, places, **options)

    def html(self) -> str:
        """The report as one self-contained HTML document."""
        return html(self.record)

    def save(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the explanation, its maps, overlays and report to a folder.

        Args:
            folder: a new folder; `seewhy.open` reads it back.
            overwrite: replace the folder if it is one that seewhy wrote.

        Returns:
            The folder's absolute path.

        Raises:
            OutputError: if the folder exists or cannot be written; nothing half-written is left.
        """
        return save_record(self.record, folder, overwrite)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: prompt, answer, words, method and model; what `seewhy explain --json` prints.

        A word's `context` holds pairs of an earlier word's index and a weight; `peak` and `box`
        are in pixels of the image.
        """
        return {
            "prompt": self.prompt,
            "answer": self.answer,
            "words": [word.to_json() for word in self],
            "method": self.method,
            "model": self.model,
        }

    def __repr__(self) -> str:
        return (
            f"Explanation({self.answer!r}, {len(self)} words, method={self.method!r}, "
            f"model={self.model!r})"
        )

    def _repr_html_(self) -> str:
        return frame(self.record)

    def _place(self, word: int | str, after: int = 0) -> int:
        return place_of(self.record.words, word, after)


def place_of(words: Sequence[Word], word: int | str, after: int = 0) -> int:
    """The number of a word of the answer, given by number or by text.

    Args:
        words: of the answer.
        word: its number, negative ones from the end, or its text (case counts where it can).
        after: the first word to look at; those before it come last.

    Raises:
        UnknownNameError: if no word reads so.
        IndexError: if there is no such number.
    """
    if isinstance(word, str):
        texts = [w.text for w in words]
        for fold in (str, str.casefold):
            for place in (*range(after, len(words)), *range(after)):
                if fold(texts[place]) == fold(word):
                    return place
        raise UnknownNameError(unknown("word of the answer", word, tuple(dict.fromkeys(texts))))
    if not -len(words) <= word < len(words):
        raise IndexError(
            f"Expected the number of one of the answer's {len(words)} words, got {word}: "
            f"give 0 to {len(words) - 1}."
        )
    return word % len(words)


def _only(views: Sequence[Any]) -> int:
    if len(views) != 1:
        raise InputError(
            f"Expected an explanation of one picture, got one of {len(views)} views: use the "
            "plural (`heatmaps`, `displays`, `images`), which holds one for each."
        )
    return 0
