"""Numbers of many words at once: their maps, peaks, boxes and shares.

A long prompt has thousands of words, and a handful of small tensor operations for each of them
takes most of the time of a page. Here each operation is done once for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.geometry import Box
from seewhy.core.record import Picture

XY = tuple[float, float]


@dataclass(frozen=True, eq=False)
class TokenRows:
    """The tokens of some words, as rows of an attribution.

    Attributes:
        rows: int64 `[member]`, word after word.
        owners: int64 `[member]`, the word of each.
        count: number of words; each has one token at least.
    """

    rows: Tensor
    owners: Tensor
    count: int

    @staticmethod
    def of(words: Sequence[Sequence[int]]) -> TokenRows:
        """From the tokens of each word."""
        rows = torch.tensor([row for word in words for row in word]).long()
        sizes = torch.tensor([len(word) for word in words]).long()
        owners = torch.repeat_interleave(torch.arange(len(words)), sizes)
        return TokenRows(rows, owners, len(words))

    def greatest(self, values: Tensor) -> Tensor:
        """The greatest value of each word's tokens: float `[word, ...]` from `[token, ...]`."""
        return self._reduced(values, "amax")

    def least(self, values: Tensor) -> Tensor:
        """The least value of each word's tokens."""
        return self._reduced(values, "amin")

    def mean(self, values: Tensor) -> Tensor:
        """The mean of each word's tokens."""
        return self._reduced(values, "mean")

    def product(self, values: Tensor) -> Tensor:
        """The product over each word's tokens."""
        return self._reduced(values, "prod")

    def _reduced(self, values: Tensor, how: str) -> Tensor:
        own = values[self.rows]
        if len(own) == self.count:
            return own
        owners = self.owners.view(-1, *(1,) * (own.dim() - 1)).expand_as(own)
        start = torch.zeros(self.count, *own.shape[1:], dtype=own.dtype)
        return start.scatter_reduce(0, owners, own, how, include_self=False)


@dataclass(frozen=True, eq=False)
class SpanArrays:
    """The numbers of words, one entry each.

    Attributes:
        maps: for each view float32 `[word, height, width]`.
        low, high: the joint range of each word.
        highest: for each word the highest value of each view.
        shares: for each word each view's part of the sum of its maps' means.
        peaks, boxes: for each word and view, as of `seewhy.report.spans.TextSpan`.
        visual_shares: for each word, or None where it is not measured.
    """

    maps: tuple[Tensor, ...]
    low: list[float]
    high: list[float]
    highest: list[tuple[float, ...]]
    shares: list[tuple[float, ...]]
    peaks: list[tuple[XY | None, ...]]
    boxes: list[tuple[Box | None, ...]]
    visual_shares: list[float] | None

    @staticmethod
    def of(attribution: Attribution, pictures: Sequence[Picture], tokens: TokenRows) -> SpanArrays:
        """Work them out for some words of an attribution."""
        maps = tuple(tokens.greatest(view) for view in attribution.maps)
        views = list(zip(maps, pictures, strict=True))
        share = attribution.visual_share
        return SpanArrays(
            maps=maps,
            low=tokens.least(attribution.low).tolist(),
            high=tokens.greatest(attribution.high).tolist(),
            highest=_by_word(view.flatten(1).amax(1).tolist() for view in maps),
            shares=_shares(maps),
            peaks=_by_word(_peaks(view, picture) for view, picture in views),
            boxes=_by_word(_boxes(view, picture) for view, picture in views),
            visual_shares=None if share is None else tokens.mean(share.double()).tolist(),
        )


def _by_word(by_view):
    """For each word the entries of all views."""
    return list(zip(*by_view, strict=True))


def _shares(maps: Sequence[Tensor]) -> list[tuple[float, ...]]:
    means = torch.stack([view.double().flatten(1).mean(1) for view in maps], 1)
    sums = means.sum(1, keepdim=True)
    shares = torch.where(sums != 0, means / torch.where(sums != 0, sums, 1.0), 0.0)
    return [tuple(row) for row in shares.tolist()]


def _peaks(maps: Tensor, picture: Picture) -> list[XY | None]:
    """The centre in pixels of each map's highest cell, the first of equals; None if it is empty."""
    grid = picture.base_grid
    columns = len(grid.column_edges) - 1
    flat = maps.flatten(1)
    places, is_lit = flat.argmax(1).tolist(), (flat > 0).any(1).tolist()
    xs = [(a + b) / 2 for a, b in zip(grid.column_edges, grid.column_edges[1:], strict=False)]
    ys = [(a + b) / 2 for a, b in zip(grid.row_edges, grid.row_edges[1:], strict=False)]
    return [
        (float(xs[at % columns]), float(ys[at // columns])) if lit else None
        for at, lit in zip(places, is_lit, strict=True)
    ]


def _boxes(maps: Tensor, picture: Picture) -> list[Box | None]:
    """The box around the cells above half of each map's maximum, in pixels, within the picture."""
    bright = maps > maps.flatten(1).amax(1)[:, None, None] / 2
    is_lit = (maps > 0).flatten(1).any(1).tolist()
    tops, bottoms = _ends(bright.any(2))
    lefts, rights = _ends(bright.any(1))
    ends = zip(is_lit, lefts, tops, rights, bottoms, strict=True)
    return [_box(picture, *cells) if lit else None for lit, *cells in ends]


def _ends(lines: Tensor) -> tuple[list[int], list[int]]:
    """The first and the last true entry of each row, the last exclusive: bool `[row, entry]`."""
    numbers = lines.int()
    first = numbers.argmax(1)
    last = lines.shape[1] - numbers.flip(1).argmax(1)
    return first.tolist(), last.tolist()


def _box(picture: Picture, left: int, top: int, right: int, bottom: int) -> Box | None:
    grid, (width, height) = picture.base_grid, picture.size
    # A family that pads has cells beyond the picture's edge, and a map may lie there alone.
    box = (
        max(float(grid.column_edges[left]), 0.0),
        max(float(grid.row_edges[top]), 0.0),
        min(float(grid.column_edges[right]), float(width)),
        min(float(grid.row_edges[bottom]), float(height)),
    )
    return box if box[0] < box[2] and box[1] < box[3] else None
