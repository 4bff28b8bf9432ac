"""Rows put together: estimates with intervals, differences, breakdowns, curves, counted reasons."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from seewhy.bench.plan import MODEL_ITSELF
from seewhy.bench.store import FAILED, MEASURED, Store
from seewhy.core.errors import ParameterError
from seewhy.functional.statistics import (
    Statistic,
    Values,
    bootstrap_weights,
    estimate,
    paired_difference,
)

if TYPE_CHECKING:
    import torch

REPLICATES = 1000
"""Drawings of the bootstrap."""

POINTS = 3
"""So many figures of one metric that are called `name@number` are points of a curve."""


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
        """Whether the interval of the difference leaves out 0."""
        if self.difference_low is None or self.difference_high is None:
            return False
        return self.difference_low > 0 or self.difference_high < 0


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


@dataclass(frozen=True, eq=False)
class Series:
    """All values of one figure of one method on one model and data set.

    Attributes:
        values: as they were measured.
        images: places of their samples among `Results.samples`.
        words: places of their words; -1 for the whole sample.
        texts: the words.
        labels: for areas under curves of labels.
        groups: for each value what it counts among, such as `("role: colour", "size: small")`.
    """

    values: tuple[float, ...] = ()
    images: tuple[int, ...] = ()
    words: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    labels: tuple[bool | None, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()

    def among(self, group: str) -> Series:
        """Those of a group."""
        kept = [at for at, groups in enumerate(self.groups) if group in groups]
        return Series(*(tuple(column[at] for at in kept) for column in self._columns()))

    def shared(self, other: Series) -> tuple[Series, Series]:
        """Of both what both have: the same words of the same samples, with the same labels.

        A method whose figure is undefined for hard words would else look better than one that
        answers for them.
        """
        keys = [set(zip(one.images, one.words, one.labels, strict=True)) for one in (self, other)]
        common = keys[0] & keys[1]
        return self._of(common), other._of(common)

    def _of(self, keys: set[tuple[int, int, bool | None]]) -> Series:
        own = zip(self.images, self.words, self.labels, strict=True)
        kept = [at for at, key in enumerate(own) if key in keys]
        return Series(*(tuple(column[at] for at in kept) for column in self._columns()))

    def tensors(self) -> Values:
        """As the statistics take them."""
        labels = [bool(label) for label in self.labels] if None not in self.labels else None
        return Values.of(self.values, self.images, labels)

    def _columns(self) -> tuple[tuple[Any, ...], ...]:
        return self.values, self.images, self.words, self.texts, self.labels, self.groups


EMPTY = Series()


def results_of(
    folders: str | os.PathLike[str] | Store | Iterable[str | os.PathLike[str] | Store],
    *,
    reference: str | None = None,
) -> Results:
    """Read results: of each folder the latest run, and of several folders all together.

    Only rows whose keys are those of a run are taken, so a folder may hold other runs beside it.

    Args:
        folders: one or several.
        reference: label of the method that others are compared with; that of the latest run by
            default.

    Raises:
        SchemaError: if a folder holds no runs, is damaged or of a newer schema.
        ParameterError: if runs of different settings are to be merged, or there is no such
            reference.
    """
    listed = [folders] if isinstance(folders, str | os.PathLike | Store) else list(folders)
    stores = [one if isinstance(one, Store) else Store(one) for one in listed]
    runs = [store.read_runs()[-1] for store in stores]
    settings = runs[-1]["settings"]
    if other := next((run for run in runs if run["settings"]["key"] != settings["key"]), None):
        raise ParameterError(
            f"Expected runs of the same settings, got {_told(other['settings'])} and "
            f"{_told(settings)}: report them apart."
        )
    _expect_one_meaning(runs)
    names = {
        part: tuple(dict.fromkeys(one["label"] for run in runs for one in run[part]))
        for part in ("models", "methods", "data")
    }
    columns = {
        (column.metric, column.name): column
        for run in runs
        for metric in run["metrics"]
        for column in columns_of(metric["label"], metric["figures"])
    }
    if any(metric["of_model"] for run in runs for metric in run["metrics"]):
        names["methods"] = (*names["methods"], MODEL_ITSELF)
    reference = reference or str(runs[-1].get("reference", names["methods"][0]))
    if reference not in names["methods"]:
        raise ParameterError(
            f"Expected the reference among the methods ({', '.join(names['methods'])}), got "
            f"{reference!r}."
        )
    rows, reasons, samples = _gathered(stores, runs)
    return Results(
        tuple(runs),
        names["models"],
        names["data"],
        names["methods"],
        tuple(columns.values()),
        reference,
        settings,
        rows,
        reasons,
        samples,
    )


def columns_of(metric: str, figures: Sequence[Mapping[str, Any]]) -> list[Column]:
    """The figures of a metric, as a run describes them.

    Example:
        >>> points = [{"name": f"falling@{x}", "of": ()} for x in (0.0, 0.5, 1.0)]
        >>> [c.curve for c in columns_of("deletion", [*points, {"name": "iou@0.5", "of": ()}])]
        [('falling', 0.0), ('falling', 0.5), ('falling', 1.0), None]
    """
    places = {figure["name"]: _place(figure["name"]) for figure in figures}
    often = Counter(place[0] for place in places.values() if place)
    found = []
    for figure in figures:
        place = places[figure["name"]]
        curve = place if place and often[place[0]] >= POINTS else None
        found.append(Column(metric, **{**figure, "of": tuple(figure["of"])}, curve=curve))
    return found


def cells(
    results: Results, *, replicates: int = REPLICATES, curves: bool = True, seed: int = 0
) -> list[Cell]:
    """Every figure of every method, with intervals, and differences to the reference.

    All methods of a model and data set share the drawings of samples, so differences are paired.
    """
    found = []
    for (model, data), samples in results.samples.items():
        weights = bootstrap_weights(len(samples), replicates, seed)
        for column in results.columns:
            if column.curve and not curves:
                continue
            found += _cells(results, model, data, column, weights, "")
    return found


def breakdown(
    results: Results, *, replicates: int = REPLICATES, seed: int = 0, methods: Sequence[str] = ()
) -> list[Cell]:
    """The same for each role and each tag of words, where there is more than one of a kind."""
    chosen = replace(results, methods=tuple(methods or results.methods))
    found = []
    for (model, data), samples in results.samples.items():
        weights = bootstrap_weights(len(samples), replicates, seed)
        for column in results.columns:
            if column.curve or column.statistic == "harmonic":
                continue
            for group in _groups(chosen, model, data, column):
                found += _cells(chosen, model, data, column, weights, group)
    return found


def best(listed: Sequence[Cell]) -> set[tuple[str, str, str, str, str]]:
    """Keys `(model, data, metric, figure, method)` of the best of each figure."""
    found = set()
    by_column: dict[tuple[str, str, str, str], list[Cell]] = {}
    for cell in listed:
        column = cell.column
        if column.higher_is_better is None or cell.group or math.isnan(cell.value):
            continue
        key = (cell.model, cell.data, column.metric, column.name)
        by_column.setdefault(key, []).append(cell)
    for key, those in by_column.items():
        values = [cell.value for cell in those]
        top = max(values) if those[0].column.higher_is_better else min(values)
        if len(those) > 1:
            found |= {(*key, cell.method) for cell in those if cell.value == top}
    return found


def _cells(
    results: Results,
    model: str,
    data: str,
    column: Column,
    weights: torch.Tensor,
    group: str,
) -> list[Cell]:
    def series_of(method: str) -> list[Series]:
        series = results.series(model, data, method, column)
        return [one.among(group) if group else one for one in series]

    against = series_of(results.reference)
    found = []
    for method in results.methods:
        own = series_of(method)
        if not all(one.values for one in own):
            continue
        parts = [one.tensors() for one in own]
        if column.statistic in ("auroc", "average-precision") and parts[0].labels is None:
            continue
        whole = estimate(column.statistic, parts, weights)
        cell = Cell(
            model,
            data,
            method,
            column,
            whole.value,
            whole.low,
            whole.high,
            whole.images,
            whole.values,
            group=group,
        )
        if method != results.reference and all(one.values for one in against):
            pairs = [one.shared(other) for one, other in zip(own, against, strict=True)]
            apart = paired_difference(
                column.statistic,
                [one.tensors() for one, _ in pairs],
                [other.tensors() for _, other in pairs],
                weights,
            )
            if not math.isnan(apart.value):
                cell = replace(
                    cell,
                    difference=apart.value,
                    difference_low=apart.low,
                    difference_high=apart.high,
                )
        found.append(cell)
    return found


def _groups(results: Results, model: str, data: str, column: Column) -> list[str]:
    """The groups of a figure's words: of each kind of group, if there are at least two."""
    seen = dict.fromkeys(
        group
        for method in results.methods
        for series in results.series(model, data, method, column)
        for groups in series.groups
        for group in groups
    )
    kinds = Counter(group.partition(":")[0] for group in seen)
    return sorted(group for group in seen if kinds[group.partition(":")[0]] > 1)


def _gathered(
    stores: Sequence[Store], runs: Sequence[Mapping[str, Any]]
) -> tuple[dict, tuple[Reason, ...], dict]:
    """The rows of the runs: values by figure, reasons counted, samples in the runs' order."""
    order: dict[tuple[str, str], dict[str, int]] = {}
    alike: dict[tuple[str, ...], tuple[str, ...]] = {}
    series: dict[tuple[str, str, str, str, str], list[list[Any]]] = {}
    reasons: dict[tuple[str, ...], Counter[str]] = {}
    examples: dict[tuple[str, ...], str] = {}
    asked = [_Asked(run) for run in runs]
    chosen = _chosen(stores, asked) if len(stores) > 1 else {}
    for number, (store, selected) in enumerate(zip(stores, asked, strict=True)):
        for found in _rows(store):
            row = selected.named(found)
            if row is None or chosen.get(row["unit"], number) != number:
                continue
            place = order.setdefault((row["model"], row["data"]), {})
            image = place.setdefault(row["sample"], len(place))
            if row["status"] != MEASURED:
                names = ("model", "data", "method", "metric", "status", "reason")
                counted = reasons.setdefault(tuple(row[name] for name in names), Counter())
                counted[row["figure"]] += 1
                examples.setdefault(tuple(row[name] for name in names), row["sample"])
                continue
            key = (row["model"], row["data"], row["method"], row["metric"], row["figure"])
            tags = dict(row["tags"] or ())
            role = {"role": row["role"]} if row["role"] else {}
            groups = tuple(f"{name}: {value}" for name, value in {**role, **tags}.items())
            groups = alike.setdefault(groups, groups)
            columns = series.setdefault(key, [[] for _ in range(6)])
            new = (row["value"], image, row["word"], row["text"], row["label"], groups)
            for column, value in zip(columns, new, strict=True):
                column.append(value)
    return (
        {key: Series(*map(tuple, columns)) for key, columns in series.items()},
        tuple(
            _reason(key, counted, examples[key])
            for key, counted in sorted(reasons.items(), key=lambda pair: -max(pair[1].values()))
        ),
        {key: tuple(place) for key, place in order.items()},
    )


def _chosen(stores: Sequence[Store], asked: Sequence[_Asked]) -> dict[str, int]:
    """For each unit the place of the first folder in which it did not fail, or of the first."""
    chosen: dict[str, tuple[bool, int]] = {}
    for number, (store, selected) in enumerate(zip(stores, asked, strict=True)):
        for row in _rows(store):
            if selected.named(row) is not None:
                own = (row["status"] == FAILED, number)
                chosen[row["unit"]] = min(chosen.get(row["unit"], own), own)
    return {unit: number for unit, (_, number) in chosen.items()}


def _rows(store: Store) -> Iterator[dict[str, Any]]:
    """The rows as dictionaries, a few thousand at a time: all at once would take gigabytes."""
    table = store.read().drop_columns(["seconds", "created", "attempt"])
    for batch in table.to_batches(max_chunksize=10_000):
        yield from batch.to_pylist()


def _reason(key: tuple[str, ...], counted: Counter[str], example: str) -> Reason:
    model, data, method, metric, status, reason = key
    figure = next(iter(counted)) if len(counted) == 1 else ""
    count = max(counted.values())
    return Reason(model, data, method, metric, figure, status, reason, count, example)


class _Asked:
    """Which rows a run asked for, and what it calls them; when written they may have been other."""

    def __init__(self, run: Mapping[str, Any]) -> None:
        self._settings = run["settings"]["key"]
        self._models = {one["fingerprint"]: one["label"] for one in run["models"]}
        self._methods = {"": MODEL_ITSELF, **{one["key"]: one["label"] for one in run["methods"]}}
        self._metrics = {one["key"]: one["label"] for one in run["metrics"]}
        self._data = {
            (one["fingerprint"], sample): one["label"]
            for one in run["data"]
            for sample in one["samples"]
        }

    def named(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """The row under this run's labels, or None if it did not ask for it."""
        labels = {
            "model": self._models.get(row["model_fingerprint"]),
            "method": self._methods.get(row["method_key"]),
            "metric": self._metrics.get(row["metric_key"]),
            "data": self._data.get((row["data_fingerprint"], row["sample"])),
        }
        if row["settings_key"] != self._settings or None in labels.values():
            return None
        return {**row, **labels}


def _expect_one_meaning(runs: Sequence[Mapping[str, Any]]) -> None:
    """Raise if one label stands for two things, such as two checkpoints of one folder's name."""
    for part, key in (
        *(("models", "fingerprint"), ("data", "fingerprint")),
        *(("methods", "key"), ("metrics", "key")),
    ):
        meant: dict[str, str] = {}
        for run in runs:
            for one in run[part]:
                if meant.setdefault(one["label"], one[key]) != one[key]:
                    raise ParameterError(
                        f"Expected one meaning of {one['label']!r} among the {part}, got two that "
                        "differ: report these folders apart."
                    )


def _place(name: str) -> tuple[str, float] | None:
    before, mark, after = name.rpartition("@")
    try:
        return (before, float(after)) if mark else None
    except ValueError:
        return None


def _told(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items() if name != "key")
