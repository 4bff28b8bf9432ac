"""Results of one or several runs in memory: figures, their values, and reasons without one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from seewhy.functional.statistics import Statistic, Values

CURVE_POINTS = 3
"""So many figures of one metric that are called `name@number` are points of a curve."""

_Key: TypeAlias = tuple[int, int, bool | None]


@dataclass(frozen=True)
class Column:
    """A figure of a metric, as runs describe it.

    Attributes:
        metric: label of the metric.
        name, summary, higher_is_better, unit, statistic, of: as `seewhy.metrics._base.Figure`.
        curve: of a point on a curve the curve's name and the place on its axis, else None.
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
    """How often something had no value, and why.

    Attributes:
        figure: "" where the reason is one of several figures, or of the whole metric.
        status: `"undefined"`, `"skipped"` or `"failed"`.
        count: samples or words; for several figures the most of any.
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
        values: as they were measured.
        images: places of their samples among `Results.samples`.
        words: places of their words; -1 for the whole sample.
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
        return self._take([at for at, groups in enumerate(self.groups) if group in groups])

    def in_common(self, other: Series) -> tuple[Series, Series]:
        """Of both, the values for the same words of the same samples, with the same labels.

        Otherwise a method whose figure is undefined for hard words would look better than one that
        answers for them.
        """
        common = set(self._keys()) & set(other._keys())
        return self._with_keys(common), other._with_keys(common)

    def tensors(self) -> Values:
        """As the statistics take them."""
        labels = [bool(label) for label in self.labels] if None not in self.labels else None
        return Values.of(self.values, self.images, labels)

    def _keys(self) -> list[_Key]:
        return list(zip(self.images, self.words, self.labels, strict=True))

    def _with_keys(self, keys: set[_Key]) -> Series:
        return self._take([at for at, key in enumerate(self._keys()) if key in keys])

    def _take(self, places: list[int]) -> Series:
        columns = (getattr(self, f.name) for f in fields(self))
        return Series(*(tuple(column[at] for at in places) for column in columns))


EMPTY = Series()


@dataclass(frozen=True, eq=False)
class Results:
    """The rows of one or several runs, as columns.

    Attributes:
        runs: what was asked, the latest last.
        models, data, methods: labels in their order.
        columns: every figure.
        reference: label of the method that others are compared with.
        settings: of the runs.
        rows: by `(model, data, method, metric, figure)` the values of a figure.
        reasons: what has no value.
        samples: by `(model, data)` the ids that any row is of, in order, those without a value
            included: the bootstrap's images.
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

    def series(self, model: str, data: str, method: str, column: Column) -> list[Series]:
        """What a figure's statistic is made of: two series for a harmonic mean, else one."""
        names = column.of if column.statistic == "harmonic" else (column.name,)
        keys = [(model, data, method, column.metric, name) for name in names]
        return [self.rows.get(key, EMPTY) for key in keys]


def columns_of(metric: str, figures: Sequence[Mapping[str, Any]]) -> list[Column]:
    """The figures of a metric, as a run describes them.

    Example:
        >>> points = [{"name": f"falling@{x}", "of": ()} for x in (0.0, 0.5, 1.0)]
        >>> [c.curve for c in columns_of("deletion", [*points, {"name": "iou@0.5", "of": ()}])]
        [('falling', 0.0), ('falling', 0.5), ('falling', 1.0), None]
    """
    places = {figure["name"]: _curve_point(figure["name"]) for figure in figures}
    often = Counter(place[0] for place in places.values() if place)
    found = []
    for figure in figures:
        place = places[figure["name"]]
        curve = place if place and often[place[0]] >= CURVE_POINTS else None
        found.append(Column(metric, **{**figure, "of": tuple(figure["of"])}, curve=curve))
    return found


def _curve_point(name: str) -> tuple[str, float] | None:
    """The curve and the place of a figure `name@number`."""
    before, mark, after = name.rpartition("@")
    try:
        return (before, float(after)) if mark else None
    except ValueError:
        return None
