"""What a user works with: an answer, word by word, and the evidence for each word."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seewhy.core.errors import InputError, ParameterError, UnknownNameError
from seewhy.core.geometry import Box
from seewhy.core.record import Picture, Record
from seewhy.core.registry import unknown
from seewhy.core.text import Token, Word, phrase
from seewhy.report.bundle import save_record
from seewhy.report.colourmaps import DEFAULT as COLOURMAP
from seewhy.report.figures import plot
from seewhy.report.overlay import OPACITY, overlay
from seewhy.report.page import frame, html
from seewhy.report.spans import TextSpan, spans_of

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class ContextWord:
    """An earlier word that is evidence for a word.

    Attributes:
        text: its characters.
        part: `"prompt"` or `"answer"`.
        index: its number among the words of that part.
    """

    text: str
    part: str
    index: int


@dataclass(frozen=True, eq=False)
class WordScale:
    """A word at one scale of the image.

    Attributes:
        scale: the scale asked for.
        input_sizes: for each view width and height in pixels of the model's input.
        probability: the product over the word's tokens of p(token | image at this scale, prefix).
        is_top1: whether each of its tokens would still be the model's first choice.
        weight: the weight of the scale in the aggregated map.
        maps: for each view float32 `[height, width]`, the base map on the scale's own grid.
    """

    scale: float
    input_sizes: tuple[tuple[int, int], ...]
    probability: float
    is_top1: bool
    weight: float
    maps: tuple[np.ndarray, ...]

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height in pixels of the model's input for the one picture there is."""
        return self.input_sizes[_only(self.input_sizes)]

    @property
    def map(self) -> np.ndarray:
        """The map of the one picture there is."""
        return self.maps[_only(self.maps)]


class ExplainedWord:
    """A word of the answer (or a phrase, or a token), and the evidence for it.

    A word of several tokens takes the greatest value of its tokens: its map is the maximum of
    their maps, cell by cell, and its relevance of an earlier word is the maximum over all pairs of
    their tokens.

    Where the prompt shows several pictures or a clip, there is a map for each view: for each
    picture, and for each step of a clip. All of them share one scale, so they compare.
    """

    def __init__(
        self, words: _RecordWords, span: TextSpan, *, part: str = "answer", by_token: bool = False
    ) -> None:
        self._words, self._record = words, words.record
        self._span, self._part, self._by_token = span, part, by_token

    @property
    def part(self) -> str:
        """`"answer"` or `"prompt"`."""
        return self._part

    @property
    def text(self) -> str:
        """Its characters."""
        return self._span.text

    @property
    def start(self) -> int:
        """Where it begins in the answer, in characters."""
        return self._span.start

    @property
    def end(self) -> int:
        """Where it ends in the answer, exclusive."""
        return self._span.end

    @property
    def probability(self) -> float:
        """The product of its tokens' probabilities, before temperature and penalties."""
        return self._span.probability

    @property
    def candidates(self) -> tuple[tuple[str, float], ...]:
        """The likeliest tokens in place of its first, `(text, probability)`, best first."""
        return self._span.candidates

    @property
    def heatmaps(self) -> tuple[np.ndarray, ...]:
        """For each view float32 `[height, width]` on its native grid, non-negative, in logits."""
        return tuple(one.numpy().copy() for one in self._span.maps)

    @property
    def heatmap(self) -> np.ndarray:
        """The one picture's map: float32 `[height, width]` on the native grid, raw scale (logits).

        Raises:
            InputError: if there are several views; `heatmaps` holds them all.
        """
        return self.heatmaps[_only(self._span.maps)]

    @property
    def displays(self) -> tuple[np.ndarray, ...]:
        """For each view float32 `[height, width]` in [0, 1]; image and text share one scale."""
        return tuple(one.numpy() for one in self._span.displays)

    @property
    def display(self) -> np.ndarray:
        """The one picture's `displays`: float32 `[height, width]` in [0, 1].

        Raises:
            InputError: if there are several views; `displays` holds them all.
        """
        return self.displays[_only(self._span.maps)]

    @property
    def shares(self) -> tuple[float, ...]:
        """Each view's part of the sum of all maps' means; they add up to 1, or are 0 if all are.

        Of several pictures the share of each, of a clip the importance of each step in time.
        """
        return self._span.shares

    @property
    def range(self) -> tuple[float, float]:
        """The raw values that `display` shows as 0 and 1."""
        return self._span.low, self._span.high

    @property
    def view(self) -> int:
        """The view with the highest value: the number of a picture or of a step of a clip."""
        return self._span.best_view

    @property
    def peak(self) -> tuple[float, float] | None:
        """x and y of the map's highest point in pixels of its view; None for an empty map."""
        return self._span.peaks[self.view]

    @property
    def box(self) -> Box | None:
        """left, top, right, bottom in pixels around the cells above half of the maximum of its
        view's map, within the picture; None for an empty map.
        """
        return self._span.boxes[self.view]

    @property
    def context(self) -> list[tuple[ContextWord, float]]:
        """Earlier words that are evidence for it, in reading order, with their relevance.

        Relevance is on the raw scale of `heatmap`; words without any are left out. For a token the
        context words are tokens.
        """
        words = self._words.context_tokens if self._by_token else self._words.context_words
        return [(words[index], relevance) for index, relevance in sorted(self._span.context)]

    @property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        """Its tokens, each with a map and a context of its own."""
        tokens = self._words.tokens if self._part == "answer" else self._words.prompt_tokens
        return tuple(tokens[index] for index in self._span.tokens)

    @property
    def scales(self) -> tuple[WordScale, ...]:
        """The word at each scale of the image, the base scale first."""
        return tuple(
            WordScale(
                scale=view.scale,
                input_sizes=view.input_sizes,
                probability=scale.probability,
                is_top1=scale.is_top1,
                weight=scale.weight,
                maps=tuple(one.numpy().copy() for one in scale.maps),
            )
            for view, scale in zip(self._record.attribution.scales, self._span.scales, strict=True)
        )

    def overlay(
        self, view: int | None = None, *, colourmap: str = COLOURMAP, opacity: float = OPACITY
    ) -> Image:
        """A picture with the word's map laid over it, as a Pillow image of the picture's size.

        Args:
            view: which picture or step of a clip; None takes the one with the highest value.
            colourmap: a name from `seewhy.report.colourmaps.NAMES`.
            opacity: in [0, 1].
        """
        view = self.view if view is None else view
        if not 0 <= view < len(self._record.pictures):
            raise ParameterError(
                f"Expected a view from 0 to {len(self._record.pictures) - 1}, got {view}."
            )
        shown = self._record.pictures[view]
        display = self._span.displays[view]
        return overlay(shown.image, display, shown.base_grid, colourmap, opacity=opacity)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: text, offsets, tokens, probability, peak, box and context in the answer.

        Of several views also the one in which `peak` and `box` lie, and the shares.
        """
        views = {} if len(self.shares) == 1 else {"view": self.view, "shares": list(self.shares)}
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "tokens": list(self._span.tokens),
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


class _RecordWords:
    """The words and tokens of one record, which refer to each other; made when first read."""

    def __init__(self, record: Record) -> None:
        self.record = record

    @cached_property
    def words(self) -> tuple[ExplainedWord, ...]:
        return tuple(ExplainedWord(self, span) for span in spans_of(self.record).words)

    @cached_property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        spans = spans_of(self.record).tokens
        return tuple(ExplainedWord(self, span, by_token=True) for span in spans)

    @cached_property
    def prompt_words(self) -> tuple[ExplainedWord, ...]:
        spans = spans_of(self.record).prompt_words
        return tuple(ExplainedWord(self, span, part="prompt") for span in spans)

    @cached_property
    def prompt_tokens(self) -> tuple[ExplainedWord, ...]:
        spans = spans_of(self.record).prompt_tokens
        return tuple(ExplainedWord(self, span, part="prompt", by_token=True) for span in spans)

    @cached_property
    def context_words(self) -> list[ContextWord]:
        return _context_words(self.record.prompt_words, self.record.words)

    @cached_property
    def context_tokens(self) -> list[ContextWord]:
        return _context_words(self.record.prompt_tokens, self.record.tokens)


def _context_words(
    prompt: Sequence[Word | Token], answer: Sequence[Word | Token]
) -> list[ContextWord]:
    """All words, or all tokens, in the order in which a span's context counts them."""
    return [
        ContextWord(one.text, part, index)
        for part, words in (("prompt", prompt), ("answer", answer))
        for index, one in enumerate(words)
    ]


class Explanation:
    """An answer, word by word, and the evidence for each word.

    Iterate over it for its words, index it by number or by text, save it to a folder.

    Args:
        record: all of it as plain data.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self._words = _RecordWords(record)

    @property
    def prompt(self) -> str:
        """The prompt's text."""
        return self.record.prompt

    @property
    def answer(self) -> str:
        """The answer's text."""
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
        return self._words.words

    @property
    def prompt_words(self) -> tuple[ExplainedWord, ...]:
        """The words of the prompt, with maps of their own; empty if they were not explained."""
        return self._words.prompt_words

    @property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        """The tokens of the answer, with maps and context of their own."""
        return self._words.tokens

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
        joined = phrase(self.answer, self.record.words[begin : end + 1])
        return ExplainedWord(self._words, spans_of(self.record).word(joined, begin))

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
            + (f"give 0 to {len(words) - 1}." if words else "there is no word to choose.")
        )
    return word % len(words)


def _only(views: Sequence[Any]) -> int:
    if len(views) != 1:
        raise InputError(
            f"Expected an explanation of one picture, got one of {len(views)} views: use the "
            "plural (`heatmaps`, `displays`, `images`), which holds one for each."
        )
    return 0
