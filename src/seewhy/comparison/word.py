"""One word in all columns of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from seewhy.comparison.alignment import Row
from seewhy.comparison.pairs import ComparedMaps, Pair
from seewhy.core.errors import InputError, ParameterError
from seewhy.explained_word import ExplainedWord, only_view
from seewhy.functional.agreement import Agreement


@dataclass(frozen=True, eq=False)
class ComparedWord:
    """One word in all columns.

    Attributes:
        index: its number in the comparison.
        text: its characters.
        words: for each column the word, or None where the column's answer has no such word.
    """

    index: int
    text: str
    words: tuple[ExplainedWord | None, ...]
    _row: Row = field(repr=False)
    _pairs: Mapping[tuple[int, int], Pair] = field(repr=False)

    @property
    def first(self) -> ExplainedWord:
        """The word in the first column.

        Raises:
            InputError: if the first column's answer has no such word.
        """
        return self._word(0)

    @property
    def second(self) -> ExplainedWord:
        """The word in the second column; raises as `first`."""
        return self._word(1)

    @property
    def probabilities(self) -> tuple[float | None, ...]:
        """For each column the word's probability, in [0, 1]; None where it has no such word."""
        return tuple(None if word is None else word.probability for word in self.words)

    @property
    def maps(self) -> tuple[ComparedMaps, ...]:
        """For each view the maps of the first two columns; `maps_of` has those of others.

        Raises:
            InputError: as `maps_of`.
        """
        return self.maps_of(0, 1)

    def maps_of(self, first: int, second: int) -> tuple[ComparedMaps, ...]:
        """For each view the maps of two columns, on one grid.

        Args:
            first, second: numbers of two columns.

        Raises:
            InputError: if one of them has no such word, or their pictures have other sizes.
            ParameterError: if there are no two such columns.
        """
        pair, swapped = self._pair(first, second)
        maps = pair.maps(*self._places(pair))
        if not swapped:
            return maps
        return tuple(ComparedMaps(both.second, both.first) for both in maps)

    @property
    def differences(self) -> tuple[np.ndarray, ...]:
        """For each view float32 `[height, width]`: the second column's map minus the first's.

        In the method's own unit where both have one method, else in shares: see `ComparedMaps`.
        """
        return tuple(maps.difference for maps in self.maps)

    @property
    def difference(self) -> np.ndarray:
        """The only picture's difference: float32 `[height, width]`, second minus first, signed.

        Raises:
            InputError: if there are several views; `differences` holds them all.
        """
        return self.differences[only_view(self.maps)]

    def differences_of(self, first: int, second: int) -> tuple[np.ndarray, ...]:
        """As `differences`, of two columns; raises as `maps_of`."""
        return tuple(maps.difference for maps in self.maps_of(first, second))

    def agreement_of(self, first: int, second: int) -> Agreement | None:
        """How much the maps of two columns agree.

        None if one of them has no such word, or their pictures have other sizes.

        Raises:
            ParameterError: if there are no two such columns.
        """
        pair, _ = self._pair(first, second)
        return self.agreements.get((pair.first, pair.second))

    @cached_property
    def agreements(self) -> dict[tuple[int, int], Agreement]:
        """How much maps agree, for each pair of columns with this word that can be compared."""
        found = {}
        for key, pair in self._pairs.items():
            places = self._row[pair.first], self._row[pair.second]
            if not pair.has_same_places or None in places:
                continue
            if (agreement := pair.agreement(*self._places(pair))) is not None:
                found[key] = agreement
        return found

    @property
    def agreement(self) -> Agreement | None:
        """How much the columns agree on where the word comes from.

        Of two columns their agreement, of several the mean over all pairs of them. None where no
        pair can be compared.
        """
        return Agreement.mean(list(self.agreements.values()))

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: text, and for each column offsets, probability and maps; see docs."""
        present = next(word for word in self.words if word is not None)
        return {
            "text": self.text,
            "start": present.start,
            "end": present.end,
            "probabilities": [p if p is None else rounded(p) for p in self.probabilities],
            "columns": [None if word is None else _rounded(word.to_json()) for word in self.words],
            "agreement": [
                _rounded({"columns": list(key), **agreement.to_json()})
                for key, agreement in self.agreements.items()
            ],
            **({"views": self._views()} if self._is_one_pair else {"maps": self._maps()}),
        }

    @property
    def _is_one_pair(self) -> bool:
        """Whether there are two columns with this word, whose maps can be subtracted."""
        return list(self._pairs) == list(self.agreements) == [(0, 1)]

    def _views(self) -> list[dict[str, Any]]:
        return [
            {
                "first": rows_of(maps.first),
                "second": rows_of(maps.second),
                "difference": rows_of(maps.difference),
            }
            for maps in self.maps
        ]

    def _maps(self) -> list[Any]:
        return [
            None if word is None else [rows_of(heatmap) for heatmap in word.heatmaps]
            for word in self.words
        ]

    def _word(self, column: int) -> ExplainedWord:
        word = self.words[column]
        if word is None:
            raise InputError(
                f"Expected a word that column {column} has, got {self.text!r}, which its answer "
                "lacks: `words` holds None there."
            )
        return word

    def _pair(self, first: int, second: int) -> tuple[Pair, bool]:
        """The pair of two columns, and whether they were named in the other order."""
        count = len(self.words)
        if first == second or not (0 <= first < count and 0 <= second < count):
            raise ParameterError(
                f"Expected the numbers of two different columns, from 0 to {count - 1}, got "
                f"{first} and {second}."
            )
        return self._pairs[min(first, second), max(first, second)], first > second

    def _places(self, pair: Pair) -> tuple[int, int]:
        """The word's number in both columns."""
        for column in (pair.first, pair.second):
            self._word(column)
        first, second = self._row[pair.first], self._row[pair.second]
        assert first is not None
        assert second is not None
        return first, second


def rows_of(values: np.ndarray) -> list[list[float]]:
    """A map as rows of numbers, rounded."""
    return [[rounded(value) for value in row] for row in values.tolist()]


def _rounded(data: Any) -> Any:
    """JSON-ready data with rounded numbers."""
    if isinstance(data, dict):
        return {name: _rounded(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_rounded(value) for value in data]
    return rounded(data) if isinstance(data, float) else data


def rounded(value: float) -> float:
    """A number with six significant digits."""
    return float(f"{value:.6g}")
