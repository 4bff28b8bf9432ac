"""Two of the columns: their maps on common cells, the difference, and how much they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Literal

import numpy as np
from torch import Tensor

from seewhy.comparison.columns import Column
from seewhy.comparison.places import CommonCells, on_grids, same_places, shares_on_grids
from seewhy.core.errors import InputError
from seewhy.functional.agreement import Agreement, RankedMap
from seewhy.report.spans import spans_of

Unit = Literal["values", "shares"]
"""What is subtracted: values in the method's own unit, or shares of each map."""


Key = tuple[int, int, tuple[bytes, ...]]
"""A column, a word of its answer, and which cells are compared."""


@dataclass(frozen=True, eq=False)
class ComparedMaps:
    """Two maps over one view on one grid: float32 `[height, width]` each.

    In the method's own unit (mostly logits) where both columns have one method; else in shares:
    each map's positive part divided by its sum over all views.
    """

    first: np.ndarray
    second: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """The second map minus the first."""
        return self.second - self.first


class Pair:
    """Two of the columns.

    Args:
        columns: all columns.
        first, second: numbers of the two.
        ranked: the ranked maps of columns, which pairs share: each is ranked once.

    Attributes:
        first, second: likewise.
        unit: `"values"` where both were explained by one method, else `"shares"`.
    """

    def __init__(
        self, columns: Sequence[Column], first: int, second: int, ranked: dict[Key, RankedMap]
    ) -> None:
        self.first, self.second = first, second
        self._ranked = ranked
        self._columns = columns[first], columns[second]
        one, other = (column.explanation for column in self._columns)
        self._views = one.views, other.views
        self._grid = columns[columns[first].grid].explanation.views
        self.unit: Unit = "values" if one.method == other.method else "shares"

    @property
    def has_same_places(self) -> bool:
        """Whether a place in one column's pictures is a place in the other's: sizes are equal."""
        return same_places(*self._views)

    def maps(self, first: int, second: int) -> tuple[ComparedMaps, ...]:
        """For each view both maps of a word, on one grid.

        Args:
            first, second: the word's number in the first and in the second column's answer.

        Raises:
            InputError: if the views have other sizes.
        """
        self._expect_same_places()
        bring = on_grids if self.unit == "values" else shares_on_grids
        one, other = (
            bring(maps, views, self._grid)
            for maps, views in zip(self._maps(first, second), self._views, strict=True)
        )
        return tuple(
            ComparedMaps(a.float().numpy().copy(), b.float().numpy().copy())
            for a, b in zip(one, other, strict=True)
        )

    def agreement(self, first: int, second: int) -> Agreement | None:
        """How much both maps of a word agree; arguments as for `maps`.

        None where both grids have no place of the picture in common.

        Raises:
            InputError: if the views have other sizes.
        """
        self._expect_same_places()
        one = self._ranks(self.first, first)
        other = self._ranks(self.second, second)
        return one.agreement(other) if len(one.ranks) else None

    def _ranks(self, column: int, word: int) -> RankedMap:
        """The ranked map of a column's word, in the cells that both columns have."""
        key = column, word, self._cells.key
        if key not in self._ranked:
            own = 0 if column == self.first else 1
            maps = spans_of(self._columns[own].explanation.record).words[word].maps
            values = self._cells.values(on_grids(maps, self._views[own], self._grid))
            self._ranked[key] = RankedMap.of(values)
        return self._ranked[key]

    @cached_property
    def _cells(self) -> CommonCells:
        return CommonCells.of(self._grid, *self._views)

    def _maps(self, first: int, second: int) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        one, other = (spans_of(column.explanation.record).words for column in self._columns)
        return one[first].maps, other[second].maps

    def _expect_same_places(self) -> None:
        if not self.has_same_places:
            sizes = [[view.size for view in views] for views in self._views]
            labels = " and ".join(repr(column.label) for column in self._columns)
            raise InputError(
                f"Expected pictures of the same sizes, got {sizes[0]} and {sizes[1]} in {labels}: "
                "a place in one is no place in the other, so these maps cannot be subtracted."
            )


def pairs_of(columns: Sequence[Column]) -> dict[tuple[int, int], Pair]:
    """All pairs of columns, by their numbers, the smaller first."""
    ranked: dict[Key, RankedMap] = {}
    return {
        (first, second): Pair(columns, first, second, ranked)
        for first, second in combinations(range(len(columns)), 2)
    }
