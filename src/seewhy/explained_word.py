"""A word of an answer, with its maps, its context and its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from seewhy.core.display import DISPLAY, Display
from seewhy.core.errors import InputError, ParameterError
from seewhy.core.geometry import Box
from seewhy.core.record import Picture, Record
from seewhy.core.regions import Region
from seewhy.core.suggestions import give_index
from seewhy.core.text import Token, Word
from seewhy.core.verdict import Verdict
from seewhy.report.colourmaps import DEFAULT as COLOURMAP
from seewhy.report.figures import plot_spans
from seewhy.report.overlay import OPACITY, overlay
from seewhy.report.spans import TextSpan, spans_of
from seewhy.report.word_layers import WordLayers, word_layers
from seewhy.report.word_verdicts import last_verdict

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
        scale: the ratio of the sides that the model saw to those at scale 1.
        model_sizes: for each view width and height in pixels of the model's input.
        probability: the product over the word's tokens of p(token | image at this scale, prefix).
        is_top1: whether each of its tokens is still the model's first choice.
        weight: the weight of the scale in the aggregated map.
        maps: for each view float32 `[height, width]`, the base map on the scale's own grid.
    """

    scale: float
    model_sizes: tuple[tuple[int, int], ...]
    probability: float
    is_top1: bool
    weight: float
    maps: tuple[np.ndarray, ...]

    @property
    def model_size(self) -> tuple[int, int]:
        """Width and height in pixels of the model's input for the only picture."""
        return self.model_sizes[only_view(self.model_sizes)]

    @property
    def map(self) -> np.ndarray:
        """The map of the only picture."""
        return self.maps[only_view(self.maps)]


class ExplainedWord:
    """A word of the answer (or a phrase, or a token), and the evidence for it.

    A word of several tokens takes the greatest value of its tokens: its map is the maximum of
    their maps, cell by cell, and its relevance of an earlier word is the maximum over all pairs of
    their tokens. The weight of an earlier word is its share of the relevance of all of them.

    Where the prompt shows several pictures or a clip, there is a map for each view: for each
    picture, and for each step of a clip. All of them share one scale and are comparable.
    """

    def __init__(
        self, words: RecordWords, span: TextSpan, *, part: str = "answer", by_token: bool = False
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
    def special(self) -> bool:
        """Whether it is a special token, such as `<|box_start|>`."""
        return self._span.special

    @property
    def thinking(self) -> bool:
        """Whether it begins in the answer's thinking block."""
        block = self._record.thinking
        return self._part == "answer" and block is not None and self.start < block[1]

    @property
    def probability(self) -> float:
        """The product of its tokens' probabilities, before temperature and penalties."""
        return self._span.probability

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of it, such as a map that cannot know the question."""
        if self._part != "answer":
            return ()
        own = set(self._word_indices())
        return tuple(note for word, note in self._record.word_notes if word in own)

    @property
    def candidates(self) -> tuple[tuple[str, float], ...]:
        """The likeliest tokens in place of its first, `(text, probability)`, best first.

        The first that is not only white space; for a character of several tokens the one that
        begins it.
        """
        return self._span.candidates

    @property
    def heatmaps(self) -> tuple[np.ndarray, ...]:
        """For each view float32 `[height, width]` on its native grid, non-negative, in logits."""
        return tuple(heatmap.numpy().copy() for heatmap in self._span.maps)

    @property
    def heatmap(self) -> np.ndarray:
        """The only picture's map: float32 `[height, width]` on the native grid, raw scale (logits).

        Raises:
            InputError: if there are several views; `heatmaps` holds them all.
        """
        return self.heatmaps[only_view(self._span.maps)]

    @property
    def displays(self) -> tuple[np.ndarray, ...]:
        """For each view float32 `[height, width]` in [0, 1], on one scale for the whole answer.

        The largest hundredth of all values of the answer's maps is shown as 1, so words can be
        compared. `displayed` has the other scales.
        """
        return tuple(display.numpy() for display in self._span.displays)

    def displayed(self, display: Display = DISPLAY) -> tuple[np.ndarray, ...]:
        """For each view float32 `[height, width]` in [0, 1], on one of the scales for display.

        Args:
            display: `"answer"`, one scale for all words of the answer and the prompt; `"word"`,
                this map alone, so that its shape shows however faint it is; `"joint"`, together
                with the scores of the words before it, as TAM displays maps.

        Raises:
            UnknownNameError: if there is no such scale.
        """
        return tuple(shown.numpy() for shown in self._span.displayed(display))

    @property
    def display(self) -> np.ndarray:
        """The only picture's `displays`: float32 `[height, width]` in [0, 1].

        Raises:
            InputError: if there are several views; `displays` holds them all.
        """
        return self.displays[only_view(self._span.maps)]

    @property
    def shares(self) -> tuple[float, ...]:
        """Each view's part of the sum of all maps' means; they sum to 1, or are all 0.

        With several pictures the share of each, with a clip the importance of each step.
        """
        return self._span.shares

    @property
    def visual_share(self) -> float | None:
        """How much of what it took from the picture and from the words came from the picture.

        In [0, 1]; the rest came from the conversation's earlier words. For a word of several tokens
        the mean over its tokens. None where the method does not measure both in one unit.
        """
        return self._span.visual_share

    @property
    def range(self) -> tuple[float, float]:
        """The raw values that `display` shows as 0 and 1; see `range_of` for other scales."""
        return self._span.range_of()

    def range_of(self, display: Display) -> tuple[float, float]:
        """The raw values that `displayed(display)` shows as 0 and 1.

        Raises:
            UnknownNameError: if there is no such scale.
        """
        return self._span.range_of(display)

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

    def region(self, level: float = 0.5, view: int | None = None) -> Region:
        """Where its map is above a part of its maximum, as a region to ask back with.

        The inverse of `explanation.words_from`. Of several views, the maximum is that of them all.

        Args:
            level: in [0, 1), the part of the maximum; at 0.5 it lies within `box`.
            view: which picture or step of a clip; None takes the one with the highest value.

        Raises:
            ParameterError: if the level is out of range, there is no such view, or its map is empty
                there or lies beyond the picture.
        """
        return region_above(self._span.maps, self._record.pictures, level, view)

    @property
    def context(self) -> list[tuple[ContextWord, float]]:
        """Earlier words that are evidence for it, in reading order, with their weights.

        A weight is the earlier word's share, in [0, 1], of what the word took from all earlier
        words, those of the prompt included: weights sum to 1, or there are none. It is the same
        for every method. Words without relevance are left out. For a token the context words
        are tokens.
        """
        words = self._words.context_tokens if self._by_token else self._words.context_words
        return [(words[index], share) for index, share in sorted(self._span.context)]

    @property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        """Its tokens, each with its own map and context."""
        tokens = self._words.tokens if self._part == "answer" else self._words.prompt_tokens
        return tuple(tokens[index] for index in self._span.tokens)

    @property
    def scales(self) -> tuple[WordScale, ...]:
        """The word at each scale of the image, the base scale first."""
        return tuple(
            WordScale(
                scale=view.scale,
                model_sizes=view.model_sizes,
                probability=scale.probability,
                is_top1=scale.is_top1,
                weight=scale.weight,
                maps=tuple(heatmap.numpy().copy() for heatmap in scale.maps),
            )
            for view, scale in zip(self._record.attribution.scales, self._span.scales, strict=True)
        )

    @property
    def layers(self) -> WordLayers:
        """The word layer by layer: what could be read there, and what was taken there.

        Raises:
            InputError: if the explanation has no layers, or the word is one of the prompt.
        """
        if self._part != "answer":
            raise InputError(
                f"Expected a word of the answer, got {self.text!r} of the prompt: only words that "
                "the model chose have layers."
            )
        if self._record.layers is None:
            raise InputError(
                "Expected an explanation with layers, got one without: explain again with "
                "explain(..., layers=True), or --layers on the command line."
            )
        return word_layers(self._record.layers, self._span.tokens, self._span.deciding)

    @property
    def verdict(self) -> Verdict | None:
        """What the word rests on; None for words that say nothing, such as "the" or a mark.

        Of a phrase it is the verdict of its last word that has one: in "a red star" that of "star",
        which "red" shares. Of a token it is the verdict of its word.

        Raises:
            InputError: if the explanation was not diagnosed, or the word is one of the prompt.
        """
        if self._part != "answer":
            raise InputError(
                f"Expected a word of the answer, got {self.text!r} of the prompt: only words that "
                "the model chose have a verdict."
            )
        return last_verdict(self._record, self._word_indices())

    def overlay(
        self,
        view: int | None = None,
        *,
        colourmap: str = COLOURMAP,
        opacity: float = OPACITY,
        display: Display = DISPLAY,
    ) -> Image:
        """A picture with the word's map laid over it, as a Pillow image of the picture's size.

        Args:
            view: which picture or step of a clip; None takes the one with the highest value.
            colourmap: a name from `seewhy.report.colourmaps.NAMES`.
            opacity: in [0, 1].
            display: the scale of the map: see `displayed`.
        """
        view = expect_view(self.view if view is None else view, len(self._record.pictures))
        picture = self._record.pictures[view]
        shown = self._span.displayed(display)[view]
        return overlay(picture.image, shown, picture.base_grid, colourmap, opacity=opacity)

    def plot(self, **options: Any) -> tuple[Any, Any]:
        """Draw the picture and the word's map beside it, with matplotlib; it needs `seewhy[plot]`.

        The title holds the word and its probability, a colour bar the scale of the map. With
        several views there is a row for each.

        Args:
            **options: `colourmap`, and `display`, the scale of the map, as for `displayed`.

        Returns:
            The figure and its axes.

        Raises:
            OutputError: if matplotlib is not installed.
            UnknownNameError: if there is no such scale or colour map.

        Example:
            `figure, axes = explanation["star"].plot(display="word")`
        """
        return plot_spans(self._record, [self._span], **options)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: text, offsets, tokens, probability, peak, box and context in the answer.

        `context` holds pairs of an earlier word's index and its share, in [0, 1], of what the word
        took from all earlier words; what is missing to 1 is the prompt's part. `visual_share` is
        None where the method does not measure it. With several views also the view of `peak` and
        `box`, and the shares; with layers also `WordLayers.to_json`; of a diagnosed explanation
        also `verdict`: `Verdict.to_json`, or None.
        """
        views = {} if len(self.shares) == 1 else {"view": self.view, "shares": list(self.shares)}
        is_answer = self._part == "answer"
        has_layers = is_answer and self._record.layers is not None
        layers = {"layers": self.layers.to_json()} if has_layers else {}
        has_verdicts = is_answer and self._record.verdicts is not None
        verdict = {"verdict": self.verdict and self.verdict.to_json()} if has_verdicts else {}
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "tokens": list(self._span.tokens),
            "special": self.special,
            "thinking": self.thinking,
            "probability": self.probability,
            "visual_share": self.visual_share,
            "peak": None if self.peak is None else list(self.peak),
            "box": None if self.box is None else list(self.box),
            "context": [
                [word.index, share] for word, share in self.context if word.part == "answer"
            ],
            **({"notes": list(self.notes)} if is_answer else {}),
            **views,
            **layers,
            **verdict,
        }

    def _word_indices(self) -> list[int]:
        """The answer's words that it is made of, or the word that it is part of."""
        own = set(self._span.tokens)
        return [i for i, word in enumerate(self._record.words) if not own.isdisjoint(word.tokens)]

    def _repr_png_(self) -> bytes:
        return self.overlay()._repr_png_()  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"ExplainedWord({self.text!r}, probability={self.probability:.3f}, peak={self.peak})"


class RecordWords:
    """The words and tokens of one record, which refer to each other; created at first access."""

    def __init__(self, record: Record) -> None:
        self.record = record

    @cached_property
    def words(self) -> tuple[ExplainedWord, ...]:
        """The words of the answer."""
        return tuple(ExplainedWord(self, span) for span in spans_of(self.record).words)

    @cached_property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        """The tokens of the answer."""
        spans = spans_of(self.record).tokens
        return tuple(ExplainedWord(self, span, by_token=True) for span in spans)

    @cached_property
    def prompt_words(self) -> tuple[ExplainedWord, ...]:
        """The words of the prompt; empty if it was not explained."""
        spans = spans_of(self.record).prompt_words
        return tuple(ExplainedWord(self, span, part="prompt") for span in spans)

    @cached_property
    def prompt_tokens(self) -> tuple[ExplainedWord, ...]:
        """The tokens of the prompt; empty if it was not explained."""
        spans = spans_of(self.record).prompt_tokens
        return tuple(ExplainedWord(self, span, part="prompt", by_token=True) for span in spans)

    @cached_property
    def context_words(self) -> list[ContextWord]:
        """All words, in the order of the indices of a word's context."""
        return _context_words(self.record.prompt_words, self.record.words)

    @cached_property
    def context_tokens(self) -> list[ContextWord]:
        """All tokens, in the order of the indices of a token's context."""
        return _context_words(self.record.prompt_tokens, self.record.tokens)


def _context_words(
    prompt: Sequence[Word | Token], answer: Sequence[Word | Token]
) -> list[ContextWord]:
    """The words of the prompt, then those of the answer; or likewise tokens."""
    return [
        ContextWord(word.text, part, index)
        for part, words in (("prompt", prompt), ("answer", answer))
        for index, word in enumerate(words)
    ]


def region_above(
    maps: Sequence[Tensor], pictures: Sequence[Picture], level: float, view: int | None
) -> Region:
    """Where a word's maps are above a part of their maximum; see `ExplainedWord.region`."""
    if isinstance(level, bool) or not 0 <= level < 1:
        raise ParameterError(
            f"Expected a level in [0, 1), got {level!r}: it is a part of the map's maximum."
        )
    highest = [float(values.max()) for values in maps]
    view = highest.index(max(highest)) if view is None else expect_view(view, len(pictures))
    chosen = maps[view] > max(level * max(highest), 0.0)
    if not bool(chosen.any()):
        raise ParameterError(
            f"Expected a word with a map above {level:g} of its maximum, got an empty one in view "
            f"{view}: choose a lower level, another view, or another word."
        )
    return Region.of_cells(chosen.cpu(), pictures[view].base_grid, pictures[view].size, view)


def expect_view(view: int, count: int) -> int:
    """The number of one of some views, or `ParameterError`."""
    if not 0 <= view < count:
        raise ParameterError(
            f"Expected the number of one of {count} views, got {view}: {give_index(count)}."
        )
    return view


def only_view(views: Sequence[Any]) -> int:
    """0, the index of the only view.

    Raises:
        InputError: if there are several.
    """
    if len(views) != 1:
        raise InputError(
            f"Expected an explanation of one picture, got one of {len(views)} views: use the "
            "plural (`heatmaps`, `displays`, `images`), which holds one for each."
        )
    return 0
