"""What one word, or one token, says about the picture and about the words before it.

A word of several tokens is read at its best token: its map is the greatest of its tokens' maps
place by place, and it leans on an earlier word as much as any of its tokens leans on any token of
that word (our reading; the paper and TAM score a word by its best subtoken).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.geometry import Box, TokenGrid
from seewhy.core.record import Picture, Record
from seewhy.core.text import Token, Word, words_of
from seewhy.functional.peaks import half_maximum_box, peak


@dataclass(frozen=True, eq=False)
class ScaleUnit:
    """A unit at one scale.

    Attributes:
        maps: for each view float32 `[height, width]` on the scale's own grid, before interference
            is removed.
        probability: product over the unit's tokens of p(token | image at this scale, same prefix).
        is_top1: whether every one of its tokens would still be the model's first choice.
        weight: the mean share with which the scale entered the aggregation.
    """

    maps: tuple[Tensor, ...]
    probability: float
    is_top1: bool
    weight: float


@dataclass(frozen=True, eq=False)
class Unit:
    """A word or token, of the answer or of the prompt, with all that the record holds about it.

    Attributes:
        text, start, end: its characters in the answer, or in the prompt.
        tokens: indices of its tokens on the token axis.
        probability: product of its tokens' probabilities.
        candidates: what the model might have said at its first token, best first.
        maps: for each view float32 `[height, width]` on its native grid, raw scale.
        low, high: the joint range of image and text scores that becomes [0, 1] on display.
        context: `(index, relevance)` on the unit axis (the prompt's units, then the answer's),
            raw scale, for units it leans on; strongest first, zeros left out.
        scales: one entry for each of the record's scales.
        shares: each view's part of the means of all maps; zeros where all are empty.
        peaks: for each view x and y of the map's highest cell's centre, in pixels of the picture;
            None where the map is empty.
        boxes: for each view the box around the cells above half of the map's maximum, in pixels,
            within the picture; None where the map is empty.
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
    context: tuple[tuple[int, float], ...]
    scales: tuple[ScaleUnit, ...]
    shares: tuple[float, ...]
    peaks: tuple[tuple[float, float] | None, ...]
    boxes: tuple[Box | None, ...]

    @cached_property
    def displays(self) -> tuple[Tensor, ...]:
        """For each view float32 `[height, width]` in [0, 1]: all scores scaled together."""
        span = max(self.high - self.low, 1e-12)
        return tuple(((one - self.low) / span).clamp(0, 1) for one in self.maps)

    @property
    def best(self) -> int:
        """The view with the highest value, the first of equals."""
        highest = [float(one.max()) for one in self.displays]
        return highest.index(max(highest))

    def shown(self, relevance: float) -> float:
        """Put a raw relevance on the scale of `displays`."""
        return min(max((relevance - self.low) / max(self.high - self.low, 1e-12), 0.0), 1.0)

    @property
    def picture(self) -> float:
        """The highest value of `displays`: near 0 where the pictures say next to nothing."""
        return max(float(one.max()) for one in self.displays)

    @property
    def earlier(self) -> float:
        """The strongest context unit on the scale of `displays`; 0 where there is none."""
        return self.shown(self.context[0][1]) if self.context else 0.0

    @property
    def share(self) -> float:
        """The picture's part of the evidence, `picture / (picture + earlier)`; 0 if both are."""
        both = self.picture + self.earlier
        return self.picture / both if both else 0.0


def prompt_words(record: Record) -> tuple[Word, ...]:
    """The words of the prompt, by the offsets of its tokens."""
    return words_of(record.prompt, [(t.start, t.end) for t in record.prompt_tokens])


def word_units(record: Record) -> tuple[Unit, ...]:
    """One unit for each word of the answer; context indices count the prompt's words first."""
    asked = prompt_words(record)
    offset = len(record.prompt_tokens)
    groups = [word.tokens for word in asked]
    groups += [tuple(offset + t for t in word.tokens) for word in record.words]
    source = record.attribution, record.tokens, record.pictures
    return tuple(
        _unit(source, (w.text, w.start, w.end), w.tokens, groups[: len(asked) + i])
        for i, w in enumerate(record.words)
    )


def token_units(record: Record) -> tuple[Unit, ...]:
    """One unit for each token of the answer; context indices count the prompt's tokens first."""
    offset = len(record.prompt_tokens)
    source = record.attribution, record.tokens, record.pictures
    return tuple(
        _unit(source, (t.text, t.start, t.end), (i,), [(j,) for j in range(offset + i)])
        for i, t in enumerate(record.tokens)
    )


def prompt_word_units(record: Record) -> tuple[Unit, ...]:
    """One unit for each word of the prompt, if it was explained."""
    if record.asked is None:
        return ()
    words = prompt_words(record)
    source = record.asked, record.prompt_tokens, record.pictures
    return tuple(
        _unit(source, (w.text, w.start, w.end), w.tokens, [o.tokens for o in words[:i]])
        for i, w in enumerate(words)
    )


def prompt_token_units(record: Record) -> tuple[Unit, ...]:
    """One unit for each token of the prompt, if it was explained."""
    if record.asked is None:
        return ()
    source = record.asked, record.prompt_tokens, record.pictures
    return tuple(
        _unit(source, (t.text, t.start, t.end), (i,), [(j,) for j in range(i)])
        for i, t in enumerate(record.prompt_tokens)
    )


def _unit(
    source: tuple[Attribution, Sequence[Token], Sequence[Picture]],
    span: tuple[str, int, int],
    tokens: tuple[int, ...],
    earlier: Sequence[tuple[int, ...]],
) -> Unit:
    given, text, pictures = source
    own = list(tokens)
    said = [text[t] for t in own]
    merged = tuple(maps[own].amax(0) for maps in given.maps)
    means = [float(one.mean()) for one in merged]
    # As a list: indexing a tensor once for every pair of words would take seconds.
    leaned = given.context[own].amax(0).tolist()
    relevance = [max(leaned[t] for t in group) for group in earlier]
    order = sorted(range(len(relevance)), key=lambda j: -relevance[j])
    return Unit(
        *span,
        tokens=tokens,
        probability=math.prod(t.probability for t in said),
        candidates=said[0].candidates,
        maps=merged,
        low=float(given.low[own].min()),
        high=float(given.high[own].max()),
        context=tuple((j, relevance[j]) for j in order if relevance[j] > 0),
        scales=tuple(
            ScaleUnit(
                maps=tuple(maps[own].amax(0) for maps in view.maps),
                probability=float(view.probabilities[own].double().prod()),
                is_top1=bool(view.is_top1[own].all()),
                weight=float(view.weights[own].mean()),
            )
            for view in given.scales
        ),
        shares=tuple(mean / sum(means) if sum(means) else 0.0 for mean in means),
        peaks=tuple(_peak(one, p.base_grid) for one, p in zip(merged, pictures, strict=True)),
        boxes=tuple(
            _box(one, p.base_grid, p.size) for one, p in zip(merged, pictures, strict=True)
        ),
    )


def _peak(values: Tensor, grid: TokenGrid) -> tuple[float, float] | None:
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
    # A family that pads has cells beyond the picture's edge.
    return (
        max(float(grid.column_edges[left]), 0.0),
        max(float(grid.row_edges[top]), 0.0),
        min(float(grid.column_edges[right]), float(width)),
        min(float(grid.row_edges[bottom]), float(height)),
    )
