"""The words and tokens of a record, each with its maps, its context and its numbers.

A word of several tokens takes the greatest value of its tokens: its map is the maximum of their
maps, cell by cell, and its relevance of an earlier word is the maximum over all pairs of their
tokens (our reading; the paper and TAM score a word by its best subtoken). The weight of an earlier
word is its share of the relevance of all earlier words.

All words of an answer are shown on one scale, and so are the prompt's: see `seewhy.core.display`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.display import DISPLAY, Display, expect_display, to_display
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
        low, high: the joint range of image and text scores, which the scale `"joint"` shows as
            [0, 1].
        relevance: float64 `[earlier]`, raw scale, at least 0: of the prompt's words, then of the
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
        answer_span: how far above its floor a value is shown as 1 on the answer's scale.
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
    answer_span: float = 0.0
    special: bool = False
    deciding: int = 0

    def range_of(self, display: Display = DISPLAY) -> tuple[float, float]:
        """The raw values that a scale shows as 0 and 1.

        Raises:
            UnknownNameError: if there is no such scale.
        """
        if expect_display(display) == "joint":
            return self.low, self.high
        # Negative values speak against the word, and are shown as nothing.
        floor = max(self.low, 0.0)
        if display == "word":
            return floor, max(floor, *(float(values.max()) for values in self.maps))
        return floor, floor + self.answer_span

    def displayed(self, display: Display = DISPLAY) -> tuple[Tensor, ...]:
        """For each view float32 `[height, width]` in [0, 1], on one of the scales.

        Raises:
            UnknownNameError: if there is no such scale.
        """
        low, high = self.range_of(display)
        return tuple(to_display(values, low, high) for values in self.maps)

    @cached_property
    def displays(self) -> tuple[Tensor, ...]:
        """For each view float32 `[height, width]` in [0, 1], on the answer's scale."""
        return self.displayed()

    @cached_property
    def context(self) -> tuple[tuple[int, float], ...]:
        """`(index, weight)`, strongest first, zeros left out.

        The weight is the earlier word's share, in [0, 1], of the relevance of all earlier words.
        The weights sum to 1, or there are none. The index is that of `relevance`.
        """
        return self.strongest_context()

    def strongest_context(self, most: int | None = None) -> tuple[tuple[int, float], ...]:
        """The strongest of `context`.

        Args:
            most: how many at most; None for all. A long text has thousands for each word.
        """
        total = float(self.relevance.sum())
        return tuple((index, value / total) for index, value in ranked(self.relevance, most))

    @cached_property
    def best_view(self) -> int:
        """The view with the highest value, the first of equals."""
        highest = [float(values.max()) for values in self.maps]
        return highest.index(max(highest))

    def main_view(self, media: Sequence[int]) -> int:
        """The view that stands for all: of the medium with the largest share, the brightest.

        A word may have most of its evidence in one picture, and its highest value in another: the
        share decides. Of equals the first; where all maps are empty, the first view.

        Args:
            media: the index of each view's picture or clip.
        """
        shares: dict[int, float] = {}
        for medium, share in zip(media, self.shares, strict=True):
            shares[medium] = shares.get(medium, 0.0) + share
        largest = max(shares, key=lambda medium: shares[medium])
        own = [view for view, medium in enumerate(media) if medium == largest]
        return max(own, key=lambda view: float(self.maps[view].max()))

    @cached_property
    def brightness(self) -> float:
        """The highest value of `displays`: near 0 where no view is evidence for the span."""
        return float(self.displays[self.best_view].max())


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

    @cached_property
    def answer_span(self) -> float:
        """How far above its floor a value is shown as 1: one number for answer and prompt.

        It is that of the answer, so that explaining the prompt too changes no map of the answer;
        that of the prompt only where all maps of the answer are empty.
        """
        prompt = self.record.prompt_attribution
        return self.record.attribution.answer_span() or (prompt.answer_span() if prompt else 0.0)

    def _of_answer(self, word: Word, earlier: Groups) -> TextSpan:
        return self._span(self.record.attribution, self.record.tokens, word, earlier)

    def _of_prompt(self, words: Sequence[Word], groups: Groups) -> tuple[TextSpan, ...]:
        attribution = self.record.prompt_attribution
        if attribution is None:
            return ()
        return tuple(
            self._span(attribution, self.record.prompt_tokens, word, groups.first(i))
            for i, word in enumerate(words)
        )

    def _span(
        self,
        attribution: Attribution,
        tokens: Sequence[Token],
        word: Word,
        earlier: Groups,
    ) -> TextSpan:
        span = _span(attribution, self.record.pictures, tokens, word, earlier)
        return replace(span, answer_span=self.answer_span)


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
        relevance=earlier.strongest(attribution.context[rows].amax(0).double()),
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
    means = [float(values.double().mean()) for values in maps]
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
