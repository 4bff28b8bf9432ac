"""Cells of the tables: estimates with intervals, paired differences, breakdowns, best values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seewhy.bench.results import Column, Results, Series
from seewhy.functional.statistics import bootstrap_weights, estimate, paired_difference

if TYPE_CHECKING:
    import torch

REPLICATES = 1000
"""Replicates of the bootstrap."""

NEED_LABELS = ("auroc", "average-precision", "fpr95")
"""Statistics that need labels."""


@dataclass(frozen=True)
class Cell:
    """One figure of one method on one model and data set.

    Attributes:
        model, data, method: labels.
        column: the figure.
        value, low, high: the estimate and its 95 % interval; NaN where it is undefined.
        samples, values: how many samples have a value, and how many values there are.
        difference, difference_low, difference_high: to the reference method, on the words that
            both have; None for the reference itself and where they share none.
        group: such as `"role: colour"`, or "" for all words.
    """

    model: str
    data: str
    method: str
    column: Column
    value: float
    low: float
    high: float
    samples: int
    values: int
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    group: str = ""

    @property
    def significant(self) -> bool:
        """Whether the interval of the difference excludes 0."""
        if self.difference_low is None or self.difference_high is None:
            return False
        return self.difference_low > 0 or self.difference_high < 0

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """Model, data, metric, figure and method."""
        return self.model, self.data, self.column.metric, self.column.name, self.method


def cells(
    results: Results, *, replicates: int = REPLICATES, curves: bool = True, seed: int = 0
) -> list[Cell]:
    """Every figure of every method, with intervals, and differences to the reference.

    All methods of a model and data set share the bootstrap's replicates, so differences are paired.
    """
    columns = [column for column in results.columns if curves or not column.curve]
    return [
        cell
        for view in _views(results, replicates, seed)
        for column in columns
        for cell in view.cells(column)
    ]


def compared_with(
    results: Results, reference: str, cell: Cell, *, replicates: int = REPLICATES, seed: int = 0
) -> Cell | None:
    """A cell of all words with its difference to another method than the results' reference.

    Returns:
        None where the results have no rows: then the difference of two methods is not known.
    """
    if not results.rows:
        return None
    samples = results.samples[cell.model, cell.data]
    weights = bootstrap_weights(len(samples), replicates, seed)
    view = _View(replace(results, reference=reference), cell.model, cell.data, weights)
    found = (again for again in view.cells(cell.column) if again.method == cell.method)
    return next(found, None)


def breakdown(
    results: Results, *, replicates: int = REPLICATES, seed: int = 0, methods: Sequence[str] = ()
) -> list[Cell]:
    """The same for each role and tag of words, where there are at least two of a kind."""
    chosen = replace(results, methods=tuple(methods or results.methods))
    columns = [c for c in results.columns if not c.curve and c.statistic != "harmonic"]
    return [
        cell
        for view in _views(chosen, replicates, seed)
        for column in columns
        for group in view.groups(column)
        for cell in view.cells(column, group)
    ]


def best(listed: Sequence[Cell]) -> set[tuple[str, str, str, str, str]]:
    """Keys of the best cells of each figure, as `Cell.key`."""
    by_column: dict[tuple[str, ...], list[Cell]] = {}
    for cell in listed:
        if cell.column.higher_is_better is None or cell.group or math.isnan(cell.value):
            continue
        by_column.setdefault(cell.key[:4], []).append(cell)
    keys = set()
    for column_cells in by_column.values():
        values = [cell.value for cell in column_cells]
        top = max(values) if column_cells[0].column.higher_is_better else min(values)
        if len(column_cells) > 1:
            keys |= {cell.key for cell in column_cells if cell.value == top}
    return keys


def _views(results: Results, replicates: int, seed: int) -> Iterator[_View]:
    for (model, data), samples in results.samples.items():
        yield _View(results, model, data, bootstrap_weights(len(samples), replicates, seed))


@dataclass(frozen=True, eq=False)
class _View:
    """The results on one model and data set, with the bootstrap weights of its samples."""

    results: Results
    model: str
    data: str
    weights: torch.Tensor

    def cells(self, column: Column, group: str = "") -> Iterator[Cell]:
        """A figure of every method that has values."""
        reference = self.series(self.results.reference, column, group)
        for method in self.results.methods:
            series = self.series(method, column, group)
            cell = self._cell(method, column, series, group)
            if cell is not None and method != self.results.reference:
                cell = self._compared(cell, series, reference)
            if cell is not None:
                yield cell

    def series(self, method: str, column: Column, group: str = "") -> list[Series]:
        """The values of a figure's statistic, restricted to a group of words."""
        everything = self.results.series(self.model, self.data, method, column)
        return [series.in_group(group) for series in everything]

    def groups(self, column: Column) -> list[str]:
        """The groups of a figure's words, of each kind of group with at least two."""
        groups = dict.fromkeys(
            group
            for method in self.results.methods
            for series in self.series(method, column)
            for word_groups in series.groups
            for group in word_groups
        )
        kinds = Counter(group.partition(":")[0] for group in groups)
        return sorted(group for group in groups if kinds[group.partition(":")[0]] > 1)

    def _cell(
        self, method: str, column: Column, listed: Sequence[Series], group: str
    ) -> Cell | None:
        """A cell, or None without values."""
        if not all(series.values for series in listed):
            return None
        parts = [series.tensors() for series in listed]
        if column.statistic in NEED_LABELS and parts[0].labels is None:
            return None
        result = estimate(column.statistic, parts, self.weights)
        interval = (result.value, result.low, result.high)
        counts = (result.images, result.values)
        return Cell(self.model, self.data, method, column, *interval, *counts, group=group)

    def _compared(self, cell: Cell, listed: Sequence[Series], reference: Sequence[Series]) -> Cell:
        """The cell with its difference to the reference, where both have values."""
        if not all(series.values for series in reference):
            return cell
        pairs = [series.in_common(other) for series, other in zip(listed, reference, strict=True)]
        first, second = ([part.tensors() for part in side] for side in zip(*pairs, strict=True))
        result = paired_difference(cell.column.statistic, first, second, self.weights)
        if math.isnan(result.value):
            return cell
        return replace(
            cell,
            difference=result.value,
            difference_low=result.low,
            difference_high=result.high,
        )
