"""The words and tokens of a record, each with its maps, its context and its numbers.

A word of several tokens takes the greatest value of its tokens: its map is the maximum of their
maps, cell by cell, and its relevance of an earlier word is the maximum over all pairs of their
tokens (our reading; the paper and TAM score a word by its best subtoken).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.display import to_display
from seewhy.core.geometry import Box, TokenGrid
from seewhy.core.record import Picture, Record
from seewhy.core.text import Token, Word, deciding_token
from seewhy.functional.peaks import half_maximum_box, peak
from seewhy.report.token_groups import Groups, ranked


@dataclass(frozen=True, eq=False)
class SpanScale:
    """A span at one scale.

    Attributes:
        maps: for each view float32 `[height, width]` on the scale's own grid, before interference
            is removed.
        probability: product over the span's tokens of p(token | image at this scale, same prefix).
        is_top1: whether every one of its tokens is still the model's first choice.
        weight: the mean weight of the scale in the aggregation.
    """

    maps: tuple[Tensor, ...]
    probability: float
    is_top1: bool
    weight: float


@dataclass(frozen=True, eq=False)
class TextSpan:
    """A word, phrase or token, of the answer or of the prompt, with its evidence.

    Attributes:
        text, start, end: its characters in the answer, or in the prompt.
        tokens: indices of its tokens on the token axis.
        probability: product of its tokens' probabilities.
        candidates: the likeliest tokens in place of its first that is not only white space,
            `(text, probability)`, best first.
        maps: for each view float32 `[height, width]` on its native grid, raw scale.
        low, high: the joint range of image and text scores, which is shown as [0, 1].
        relevance: float `[earlier]`, raw scale, at least 0: of the prompt's words, then of the
            answer's that precede it (for a token, of tokens).
        scales: one entry for each of the record's scales.
        shares: each view's part of the sum of the maps' means; zeros where all maps are empty.
        peaks: for each view x and y of the centre of the map's highest cell, in pixels of the
            picture; None where the map is empty.
        boxes: for each view the box around the cells above half of the map's maximum, in pixels,
            within the picture; None where the map is empty there.
        visual_share: in [0, 1], of what its tokens took from the picture and from the
            conversation's words, the part that came from the picture: the mean over its tokens.
            None where the method does not measure both in one unit.
        special: whether it is a special token.
        deciding: the token of `candidates`.
    """

    text: str
    start: int
    end: int
    tokens: tuple[int, ...]
    probability: float
    candidates: tuple[tuple[str, float], ...]
    maps: tuple[Tensor, ...]
    low: float
    high: float
    relevance: Tensor
    scales: tuple[SpanScale, ...]
    shares: tuple[float, ...]
    peaks: tuple[tuple[float, float] | None, ...]
    boxes: tuple[Box | None, ...]
    visual_share: float | None
    special: bool = False
    deciding: int = 0

    @cached_property
    def displays(self) -> tuple[Tensor, ...]:
        """For each view float32 `[height, width]` in [0, 1], on the joint range."""
        return tuple(to_display(values, self.low, self.high) for values in self.maps)

    @cached_property
    def context(self) -> tuple[tuple[int, float], ...]:
        """`(index, relevance)`, raw scale, strongest first, zeros left out."""
        return ranked(self.relevance)

    @cached_property
    def context_display(self) -> tuple[tuple[int, float], ...]:
        """`context` with its relevance in [0, 1], on the joint range."""
        return self.shown_context()

    def shown_context(self, most: int | None = None) -> tuple[tuple[int, float], ...]:
        """The strongest of `context_display`.

        Args:
            most: how many at most; None for all. A long text has thousands for each word.
        """
        context = self.context if most is None else ranked(self.relevance, most)
        relevance = torch.tensor([value for _, value in context], dtype=torch.float64)
        shown = to_display(relevance, self.low, self.high).tolist()
        return tuple((index, value) for (index, _), value in zip(context, shown, strict=True))

    @cached_property
    def _highest(self) -> tuple[float, ...]:
        return tuple(float(display.max()) for display in self.displays)

    @property
    def best_view(self) -> int:
        """The view with the highest value, the first of equals."""
        return self._highest.index(self.image_strength)

    @cached_property
    def image_strength(self) -> float:
        """The highest value of `displays`: near 0 where no view is evidence for the span."""
        return max(self._highest)

    @cached_property
    def context_strength(self) -> float:
        """The highest value of `context_display`; 0 where there is none."""
        strongest = self.shown_context(most=1)
        return strongest[0][1] if strongest else 0.0

    @property
    def image_share(self) -> float:
        """`image_strength / (image_strength + context_strength)`; 0 if both are 0."""
        both = self.image_strength + self.context_strength
        return self.image_strength / both if both else 0.0


class RecordSpans:
    """All words and tokens of a record as spans; each list is computed once, at first access.

    Args:
        record: use `spans_of(record)`, which keeps the result.
    """

    def __init__(self, record: Record) -> None:
        self.record = record

    @cached_property
    def words(self) -> tuple[TextSpan, ...]:
        """One span for each word of the answer."""
        return tuple(self.word(word, index) for index, word in enumerate(self.record.words))

    @cached_property
    def tokens(self) -> tuple[TextSpan, ...]:
        """One span for each token of the answer."""
        offset = len(self.record.prompt_tokens)
        return tuple(
            self._of_answer(_token_as_word(token, i), Groups.singles(offset + i))
            for i, token in enumerate(self.record.tokens)
        )

    @cached_property
    def prompt_words(self) -> tuple[TextSpan, ...]:
        """One span for each word of the prompt; empty if the prompt was not explained."""
        return self._of_prompt(self.record.prompt_words, self._groups)

    @cached_property
    def prompt_tokens(self) -> tuple[TextSpan, ...]:
        """One span for each token of the prompt; empty if the prompt was not explained."""
        tokens = enumerate(self.record.prompt_tokens)
        count = len(self.record.prompt_tokens)
        return self._of_prompt([_token_as_word(t, i) for i, t in tokens], Groups.singles(count))

    def word(self, word: Word, index: int) -> TextSpan:
        """The span of a word, or of a phrase.

        Args:
            word: of the answer.
            index: how many words of the answer precede it.
        """
        return self._of_answer(word, self._groups.first(len(self.record.prompt_words) + index))

    @cached_property
    def _groups(self) -> Groups:
        """The tokens of each word on the text axis: the prompt's words, then the answer's."""
        offset = len(self.record.prompt_tokens)
        return Groups.of(
            [
                *(word.tokens for word in self.record.prompt_words),
                *(tuple(offset + token for token in word.tokens) for word in self.record.words),
            ]
        )

    def _of_answer(self, word: Word, earlier: Groups) -> TextSpan:
        record = self.record
        return _span(record.attribution, record.pictures, record.tokens, word, earlier)

    def _of_prompt(self, words: Sequence[Word], groups: Groups) -> tuple[TextSpan, ...]:
        attribution, record = self.record.prompt_attribution, self.record
        if attribution is None:
            return ()
        return tuple(
            _span(attribution, record.pictures, record.prompt_tokens, word, groups.first(i))
            for i, word in enumerate(words)
        )


def spans_of(record: Record) -> RecordSpans:
    """The spans of a record, computed once and kept with the record."""
    return record.derived(RecordSpans)


def _token_as_word(token: Token, index: int) -> Word:
    return Word(token.text, token.start, token.end, (index,), token.special)


def _span(
    attribution: Attribution,
    pictures: Sequence[Picture],
    tokens: Sequence[Token],
    word: Word,
    earlier: Groups,
) -> TextSpan:
    """The span of a word; `earlier` holds the text tokens of each word that precedes it."""
    rows, deciding = list(word.tokens), deciding_token(tokens, word.tokens)
    maps = tuple(view_maps[rows].amax(0) for view_maps in attribution.maps)
    views = list(zip(maps, pictures, strict=True))
    return TextSpan(
        text=word.text,
        start=word.start,
        end=word.end,
        tokens=word.tokens,
        probability=math.prod(tokens[token].probability for token in rows),
        candidates=tokens[deciding].candidates,
        maps=maps,
        low=float(attribution.low[rows].min()),
        high=float(attribution.high[rows].max()),
        relevance=earlier.strongest(attribution.context[rows].amax(0)),
        scales=tuple(_scale(view, rows) for view in attribution.scales),
        shares=_shares(maps),
        peaks=tuple(peak_position(values, picture.base_grid) for values, picture in views),
        boxes=tuple(_box(values, picture.base_grid, picture.size) for values, picture in views),
        visual_share=_visual_share(attribution, rows),
        special=word.special,
        deciding=deciding,
    )


def _scale(view: ScaleView, rows: list[int]) -> SpanScale:
    return SpanScale(
        maps=tuple(maps[rows].amax(0) for maps in view.maps),
        probability=float(view.probabilities[rows].double().prod()),
        is_top1=bool(view.is_top1[rows].all()),
        weight=float(view.weights[rows].mean()),
    )


def _shares(maps: Sequence[Tensor]) -> tuple[float, ...]:
    means = [float(values.mean()) for values in maps]
    return tuple(mean / sum(means) if sum(means) else 0.0 for mean in means)


def _visual_share(attribution: Attribution, rows: list[int]) -> float | None:
    share = attribution.visual_share
    return None if share is None else float(share[rows].double().mean())


def peak_position(values: Tensor, grid: TokenGrid) -> tuple[float, float] | None:
    """x and y of the centre of a map's highest cell in pixels of the picture; None if it is empty.

    Args:
        values: float `[height, width]`.
        grid: its cells on the picture.
    """
    cell = peak(values)
    if cell is None:
        return None
    row, column = cell
    x = (grid.column_edges[column] + grid.column_edges[column + 1]) / 2
    y = (grid.row_edges[row] + grid.row_edges[row + 1]) / 2
    return float(x), float(y)


def _box(values: Tensor, grid: TokenGrid, size: tuple[int, int]) -> Box | None:
    cells = half_maximum_box(values)
    if cells is None:
        return None
    top, left, bottom, right = cells
    width, height = size
    # A family that pads has cells beyond the picture's edge, and a map may lie there alone.
    box = (
        max(float(grid.column_edges[left]), 0.0),
        max(float(grid.row_edges[top]), 0.0),
        min(float(grid.column_edges[right]), float(width)),
        min(float(grid.row_edges[bottom]), float(height)),
    )
    return box if box[0] < box[2] and box[1] < box[3] else None
