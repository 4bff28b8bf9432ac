"""Cells of the tables: estimates with intervals, paired differences, breakdowns, the best."""

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
"""Samples drawn by the bootstrap."""

NEED_LABELS = ("auroc", "average-precision")
"""Statistics of values and labels."""


@dataclass(frozen=True)
class Cell:
    """One figure of one method on one model and data set.

    Attributes:
        model, data, method: labels.
        column: the figure.
        value, low, high: the estimate and its 95 % interval; NaN where it is undefined.
        samples, values: how many samples have a value, and how many values there are.
        difference, difference_low, difference_high: to the reference method, on the samples that
            both have; None for the reference itself and where nothing is shared.
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

    All methods of a model and data set share the bootstrap's samples, so differences are paired.
    """
    columns = [column for column in results.columns if curves or not column.curve]
    return [
        cell
        for view in _views(results, replicates, seed)
        for column in columns
        for cell in view.cells(column)
    ]


def breakdown(
    results: Results, *, replicates: int = REPLICATES, seed: int = 0, methods: Sequence[str] = ()
) -> list[Cell]:
    """The same for each role and each tag of words, where there is more than one of a kind."""
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
    found = set()
    for rivals in by_column.values():
        values = [cell.value for cell in rivals]
        top = max(values) if rivals[0].column.higher_is_better else min(values)
        if len(rivals) > 1:
            found |= {cell.key for cell in rivals if cell.value == top}
    return found


def _views(results: Results, replicates: int, seed: int) -> Iterator[_View]:
    for (model, data), samples in results.samples.items():
        yield _View(results, model, data, bootstrap_weights(len(samples), replicates, seed))


@dataclass(frozen=True, eq=False)
class _View:
    """The results on one model and data set, with the bootstrap's weights of its samples."""

    results: Results
    model: str
    data: str
    weights: torch.Tensor

    def cells(self, column: Column, group: str = "") -> Iterator[Cell]:
        """A figure of every method that has values."""
        reference = self.series(self.results.reference, column, group)
        for method in self.results.methods:
            own = self.series(method, column, group)
            cell = self._cell(method, column, own, group)
            if cell is not None and method != self.results.reference:
                cell = self._compared(cell, own, reference)
            if cell is not None:
                yield cell

    def series(self, method: str, column: Column, group: str = "") -> list[Series]:
        """What a figure's statistic is made of, of a group's words."""
        found = self.results.series(self.model, self.data, method, column)
        return [series.in_group(group) for series in found]

    def groups(self, column: Column) -> list[str]:
        """The groups of a figure's words: of each kind of group, if there are at least two."""
        seen = dict.fromkeys(
            group
            for method in self.results.methods
            for series in self.series(method, column)
            for groups in series.groups
            for group in groups
        )
        kinds = Counter(group.partition(":")[0] for group in seen)
        return sorted(group for group in seen if kinds[group.partition(":")[0]] > 1)

    def _cell(self, method: str, column: Column, own: Sequence[Series], group: str) -> Cell | None:
        if not all(series.values for series in own):
            return None
        parts = [series.tensors() for series in own]
        if column.statistic in NEED_LABELS and parts[0].labels is None:
            return None
        found = estimate(column.statistic, parts, self.weights)
        interval = (found.value, found.low, found.high)
        counts = (found.images, found.values)
        return Cell(self.model, self.data, method, column, *interval, *counts, group=group)

    def _compared(self, cell: Cell, own: Sequence[Series], reference: Sequence[Series]) -> Cell:
        """The cell with its difference to the reference, where both have values."""
        if not all(series.values for series in reference):
            return cell
        pairs = [one.in_common(other) for one, other in zip(own, reference, strict=True)]
        first, second = ([one.tensors() for one in side] for side in zip(*pairs, strict=True))
        found = paired_difference(cell.column.statistic, first, second, self.weights)
        if math.isnan(found.value):
            return cell
        return replace(
            cell,
            difference=found.value,
            difference_low=found.low,
            difference_high=found.high,
        )
