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
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.display import DISPLAY, Display, expect_display, to_display
from seewhy.core.geometry import Box, TokenGrid
from seewhy.core.record import Record
from seewhy.core.text import Token, Word, deciding_token
from seewhy.functional.peaks import peak
from seewhy.report.span_arrays import SpanArrays, TokenRows
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
        highest: for each view the highest value of its map.
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
    highest: tuple[float, ...]
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
            return floor, max(floor, *self.highest)
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
        return self.highest.index(max(self.highest))

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
        return max(own, key=lambda view: self.highest[view])

    @cached_property
    def brightness(self) -> float:
        """The highest value of `displays`: near 0 where no view is evidence for the span."""
        return float(to_display(torch.tensor(max(self.highest)), *self.range_of()))


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
        first = len(self.record.prompt_words)
        groups = [self._groups.first(first + index) for index in range(len(self.record.words))]
        return self._of_answer(self.record.words, groups)

    @cached_property
    def tokens(self) -> tuple[TextSpan, ...]:
        """One span for each token of the answer."""
        offset = len(self.record.prompt_tokens)
        groups = Groups.singles(offset + len(self.record.tokens))
        return self._of_answer(
            [_token_as_word(token, i) for i, token in enumerate(self.record.tokens)],
            [groups.first(offset + i) for i in range(len(self.record.tokens))],
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
        groups = self._groups.first(len(self.record.prompt_words) + index)
        return self._of_answer([word], [groups])[0]

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

    def _of_answer(self, words: Sequence[Word], earlier: Sequence[Groups]) -> tuple[TextSpan, ...]:
        return self._spans(self.record.attribution, self.record.tokens, words, earlier)

    def _of_prompt(self, words: Sequence[Word], groups: Groups) -> tuple[TextSpan, ...]:
        attribution = self.record.prompt_attribution
        if attribution is None:
            return ()
        earlier = [groups.first(index) for index in range(len(words))]
        return self._spans(attribution, self.record.prompt_tokens, words, earlier)

    def _spans(
        self,
        attribution: Attribution,
        tokens: Sequence[Token],
        words: Sequence[Word],
        earlier: Sequence[Groups],
    ) -> tuple[TextSpan, ...]:
        """The spans of words; `earlier` holds for each the text tokens of the words before it."""
        if not words:
            return ()
        rows = TokenRows.of([word.tokens for word in words])
        arrays = SpanArrays.of(attribution, self.record.pictures, rows)
        scales = [_scales(view, rows) for view in attribution.scales]
        return tuple(
            TextSpan(
                text=word.text,
                start=word.start,
                end=word.end,
                tokens=word.tokens,
                probability=math.prod(tokens[token].probability for token in word.tokens),
                candidates=tokens[deciding].candidates,
                maps=tuple(view[index] for view in arrays.maps),
                low=arrays.low[index],
                high=arrays.high[index],
                relevance=before.strongest(_relevance(attribution.context, word.tokens)),
                scales=tuple(views[index] for views in scales),
                shares=arrays.shares[index],
                peaks=arrays.peaks[index],
                boxes=arrays.boxes[index],
                visual_share=arrays.visual_shares[index] if arrays.visual_shares else None,
                highest=arrays.highest[index],
                answer_span=self.answer_span,
                special=word.special,
                deciding=deciding,
            )
            for index, (word, before) in enumerate(zip(words, earlier, strict=True))
            for deciding in [deciding_token(tokens, word.tokens)]
        )


def spans_of(record: Record) -> RecordSpans:
    """The spans of a record, computed once and kept with the record."""
    return record.derived(RecordSpans)


def _token_as_word(token: Token, index: int) -> Word:
    return Word(token.text, token.start, token.end, (index,), token.special)


def _relevance(context: Tensor, rows: Sequence[int]) -> Tensor:
    """float64 `[text]`, the greatest of a word's tokens."""
    own = context[rows[0]] if len(rows) == 1 else context[list(rows)].amax(0)
    return own.double()


def _scales(view: ScaleView, tokens: TokenRows) -> list[SpanScale]:
    """Each word at one scale."""
    maps = tuple(tokens.greatest(values) for values in view.maps)
    numbers = zip(
        tokens.product(view.probabilities.double()).tolist(),
        tokens.least(view.is_top1.int()).tolist(),
        tokens.mean(view.weights).tolist(),
        strict=True,
    )
    return [
        SpanScale(tuple(values[index] for values in maps), probability, bool(is_top1), weight)
        for index, (probability, is_top1, weight) in enumerate(numbers)
    ]


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
