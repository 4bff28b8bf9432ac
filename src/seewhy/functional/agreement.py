"""How much two maps of one picture agree: their ranks, and their brightest tenth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import ParameterError, ShapeError
from seewhy.functional.similarity import mean_ranks

TOP = 0.1
"""The part of the area that `top_overlap` compares. By chance two maps share this part of it."""


@dataclass(frozen=True)
class Agreement:
    """How much two maps agree.

    Attributes:
        rank_correlation: Spearman's correlation of the values of all cells, in [-1, 1]; 0 is
            chance. NaN if one of the maps is constant.
        top_overlap: which part of the brightest tenth of the area both maps share, in [0, 1]; 0.1
            is chance. NaN if one of the maps is constant.
        cells: how many cells were compared (n).
        pairs: of how many pairs of maps this is the mean.
    """

    rank_correlation: float
    top_overlap: float
    cells: int
    pairs: int = 1

    @staticmethod
    def between(first: Tensor, second: Tensor) -> Agreement:
        """The agreement of two maps.

        Args:
            first, second: float `[cell]`, values of the same cells, all of one size.

        Raises:
            ShapeError: if they do not have the same cells, or none.
        """
        return RankedMap.of(first).agreement(RankedMap.of(second))

    @staticmethod
    def mean(agreements: Sequence[Agreement]) -> Agreement | None:
        """The mean of several, each number over those that have it; None if there are none.

        `cells` is the smallest of theirs.
        """
        if not agreements:
            return None
        return Agreement(
            rank_correlation=_mean([one.rank_correlation for one in agreements]),
            top_overlap=_mean([one.top_overlap for one in agreements]),
            cells=min(one.cells for one in agreements),
            pairs=sum(one.pairs for one in agreements),
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-ready; None in place of NaN."""
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, eq=False)
class RankedMap:
    """A map's order of cells, made once to be compared with several others.

    Attributes:
        ranks: float64 `[cell]`, less their mean, divided by their norm.
        top: float64 `[cell]`, how much each cell belongs to the brightest tenth: see `top_overlap`.
        is_defined: whether its values are finite and not all equal.
    """

    ranks: Tensor
    top: Tensor
    is_defined: bool

    @staticmethod
    def of(values: Tensor) -> RankedMap:
        """The order of a map's cells, float of any shape."""
        values = values.double().flatten().cpu()
        is_defined = bool(
            values.numel() and values.isfinite().all() and (values != values[0]).any()
        )
        if not is_defined:
            nothing = torch.zeros(len(values), dtype=torch.float64)
            return RankedMap(nothing, nothing, is_defined)
        ranks = mean_ranks(values)
        ranks = ranks - ranks.mean()
        return RankedMap(ranks / ranks.norm(), _membership(values, _count(values, TOP)), is_defined)

    def agreement(self, other: RankedMap) -> Agreement:
        """How much two maps agree.

        Raises:
            ShapeError: if they do not have the same cells, or none.
        """
        _expect_same_cells(self.ranks, other.ranks)
        cells = len(self.ranks)
        if not (self.is_defined and other.is_defined):
            return Agreement(math.nan, math.nan, cells)
        correlation = float((self.ranks @ other.ranks).clamp(-1, 1))
        return Agreement(correlation, _shared(self.top, other.top), cells)


def top_overlap(first: Tensor, second: Tensor, part: float = TOP) -> float:
    r"""Which part of the brightest cells two maps share.

    $$\sum_v \min(a_v, b_v) \,/\, k, \qquad \sum_v a_v = \sum_v b_v = k$$

    with k = part x number of cells, at least 1. a is 1 for the k brightest cells of the first map,
    and 0 for all others. Cells with equal values at the border share what is left of k equally, so
    that the order of the cells decides nothing.

    Args:
        first, second: float, of one shape, values of cells of one size.
        part: of the area, in (0, 1].

    Returns:
        In [0, 1]; `part` on average for maps that have nothing in common. NaN if one of them is
        constant or not finite.

    Raises:
        ShapeError: if the shapes differ, or there are no cells.
        ParameterError: if `part` is out of range.

    Example:
        >>> a = torch.tensor([9.0, 8.0, 1.0, 0.0])
        >>> top_overlap(a, torch.tensor([9.0, 0.0, 8.0, 1.0]), part=0.5)
        0.5
    """
    _expect_same_cells(first, second)
    if not 0 < part <= 1:
        raise ParameterError(
            f"Expected a part of the area above 0 and at most 1, got {part}: 0.1 is a tenth."
        )
    maps = [values.double().flatten().cpu() for values in (first, second)]
    if any(not bool(v.isfinite().all()) or bool((v == v[0]).all()) for v in maps):
        return math.nan
    return _shared(*(_membership(values, _count(values, part)) for values in maps))


def _expect_same_cells(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape or not first.numel():
        raise ShapeError(
            f"Expected two maps of one shape, got {list(first.shape)} and {list(second.shape)}: "
            "resample one to the grid of the other."
        )


def _count(values: Tensor, part: float) -> float:
    """How many cells are the brightest part; at least one."""
    return max(1.0, part * len(values))


def _shared(first: Tensor, second: Tensor) -> float:
    """Which part of their brightest cells two maps share, from what `_membership` returns."""
    return min(1.0, float(torch.minimum(first, second).sum() / first.sum()))


def _membership(values: Tensor, count: float) -> Tensor:
    """How much each cell belongs to the `count` brightest: 1, 0, or a part at the border."""
    border = values.sort(descending=True).values[math.ceil(count) - 1]
    above, equal = values > border, values == border
    return above.double() + equal * (count - above.sum()) / equal.sum()


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
