"""Results of one or several runs in memory: figures, values, and reasons for missing values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from seewhy.functional.statistics import Statistic, Values

CURVE_POINTS = 3
"""At least this many figures `name@number` of one metric are points of a curve."""

_Key: TypeAlias = tuple[int, int, bool | None]


@dataclass(frozen=True)
class Column:
    """A figure of a metric.

    Attributes:
        metric: label of the metric.
        name, summary, higher_is_better, unit, statistic, of: as `seewhy.metrics._base.Figure`.
        curve: name of the curve and position on its axis; None if it is not a point of a curve.
    """

    metric: str
    name: str
    summary: str = ""
    higher_is_better: bool | None = True
    unit: str = "fraction"
    statistic: Statistic = "mean"
    of: tuple[str, ...] = ()
    curve: tuple[str, float] | None = None


@dataclass(frozen=True)
class Reason:
    """A reason for missing values, and its count.

    Attributes:
        figure: "" where the reason is the same for several figures, or for the whole metric.
        status: `"undefined"`, `"skipped"` or `"failed"`.
        count: of samples or words; for several figures the maximum.
        example: the id of one sample.
    """

    model: str
    data: str
    method: str
    metric: str
    figure: str
    status: str
    reason: str
    count: int
    example: str


@dataclass(frozen=True, eq=False)
class Series:
    """All values of one figure of one method on one model and data set.

    Attributes:
        values: the measured values.
        images: index of each value's sample in `Results.samples`.
        words: index of each value's word; -1 for the whole sample.
        texts: the words.
        labels: for areas under curves of labels.
        groups: of each value, such as `("role: colour", "size: small")`.
    """

    values: tuple[float, ...] = ()
    images: tuple[int, ...] = ()
    words: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    labels: tuple[bool | None, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()

    def in_group(self, group: str) -> Series:
        """The values of a group; all for ""."""
        if not group:
            return self
        return self._take([n for n, groups in enumerate(self.groups) if group in groups])

    def in_common(self, other: Series) -> tuple[Series, Series]:
        """Both series, restricted to the same words of the same samples with the same labels.

        Otherwise a method whose figure is undefined for difficult words would have an advantage.
        """
        common = set(self._keys()) & set(other._keys())
        return self._with_keys(common), other._with_keys(common)

    def tensors(self) -> Values:
        """The values as tensors for the statistics."""
        labels = [bool(label) for label in self.labels] if None not in self.labels else None
        return Values.of(self.values, self.images, labels)

    def _keys(self) -> list[_Key]:
        return list(zip(self.images, self.words, self.labels, strict=True))

    def _with_keys(self, keys: set[_Key]) -> Series:
        return self._take([n for n, key in enumerate(self._keys()) if key in keys])

    def _take(self, indices: list[int]) -> Series:
        columns = (getattr(self, f.name) for f in fields(self))
        return Series(*(tuple(column[n] for n in indices) for column in columns))


EMPTY = Series()


@dataclass(frozen=True, eq=False)
class Results:
    """The rows of one or several runs, as columns.

    Attributes:
        runs: the descriptions of the runs, the latest last.
        models, data, methods: labels in their order.
        columns: every figure.
        reference: label of the method for comparisons.
        settings: of the runs.
        rows: the values of a figure by `(model, data, method, metric, figure)`.
        reasons: for missing values.
        samples: by `(model, data)` the ids of all rows in order, also of those without a value:
            the images of the bootstrap.
        left_out: labels of models, data sets, methods and metrics of earlier runs in the folders,
            which the latest ones do not have: their rows are not among these.
    """

    runs: tuple[dict[str, Any], ...]
    models: tuple[str, ...]
    data: tuple[str, ...]
    methods: tuple[str, ...]
    columns: tuple[Column, ...]
    reference: str
    settings: Mapping[str, Any]
    rows: Mapping[tuple[str, str, str, str, str], Series]
    reasons: tuple[Reason, ...]
    samples: Mapping[tuple[str, str], tuple[str, ...]]
    left_out: tuple[str, ...] = ()

    def series(self, model: str, data: str, method: str, column: Column) -> list[Series]:
        """The values of a figure's statistic: two series for a harmonic mean, else one."""
        names = column.of if column.statistic == "harmonic" else (column.name,)
        keys = [(model, data, method, column.metric, name) for name in names]
        return [self.rows.get(key, EMPTY) for key in keys]


def columns_of(metric: str, figures: Sequence[Mapping[str, Any]]) -> list[Column]:
    """The columns of a metric's figures.

    Example:
        >>> points = [{"name": f"falling@{x}", "of": ()} for x in (0.0, 0.5, 1.0)]
        >>> [c.curve for c in columns_of("deletion", [*points, {"name": "iou@0.5", "of": ()}])]
        [('falling', 0.0), ('falling', 0.5), ('falling', 1.0), None]
    """
    points = {figure["name"]: _curve_point(figure["name"]) for figure in figures}
    counts = Counter(point[0] for point in points.values() if point)
    columns = []
    for figure in figures:
        point = points[figure["name"]]
        curve = point if point and counts[point[0]] >= CURVE_POINTS else None
        columns.append(Column(metric, **{**figure, "of": tuple(figure["of"])}, curve=curve))
    return columns


def _curve_point(name: str) -> tuple[str, float] | None:
    """The curve and the position of a figure `name@number`, else None."""
    before, mark, after = name.rpartition("@")
    try:
        return (before, float(after)) if mark else None
    except ValueError:
        return None
