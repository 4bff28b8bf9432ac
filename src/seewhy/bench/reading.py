"""From folders to `Results`: which rows the runs asked for, their values, and reasons counted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from seewhy.bench.plan import MODEL_LABEL
from seewhy.bench.results import Column, Reason, Results, Series, columns_of
from seewhy.bench.store import FAILED, MEASURED, Store
from seewhy.core.errors import ParameterError

NOT_READ = ("seconds", "created", "attempt")
"""Columns that no table needs."""


def read_results(
    folders: str | os.PathLike[str] | Store | Iterable[str | os.PathLike[str] | Store],
    *,
    reference: str | None = None,
) -> Results:
    """Read results: of each folder the latest run, and of several folders all together.

    Only rows whose keys are those of a run are read, so a folder may hold other runs too.

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
    results = results_without_rows(runs, reference=reference)
    found = _Collector()
    for row in _asked_rows(stores, runs):
        found.add(row)
    return replace(results, rows=found.series(), reasons=found.reasons(), samples=found.samples())


def results_without_rows(
    runs: Sequence[dict[str, Any]], *, reference: str | None = None
) -> Results:
    """What runs that are put together asked for, without a single value.

    Args:
        runs: as `Store.read_runs` reads them.
        reference: as for `read_results`.

    Raises:
        ParameterError: as `read_results`.
    """
    _expect_one_settings(runs)
    _expect_one_meaning(runs)
    methods = _methods(runs)
    reference = reference or str(runs[-1].get("reference", methods[0]))
    if reference not in methods:
        raise ParameterError(
            f"Expected the reference among the methods ({', '.join(methods)}), got {reference!r}: "
            "choose one of them."
        )
    return Results(
        tuple(runs),
        _labels(runs, "models"),
        _labels(runs, "data"),
        methods,
        _columns(runs),
        reference,
        runs[-1]["settings"],
        rows={},
        reasons=(),
        samples={},
    )


class _RunFilter:
    """Which rows a run asked for, and its labels for them.

    Labels may have changed since rows were written; keys have not.
    """

    def __init__(self, run: Mapping[str, Any]) -> None:
        self._settings = run["settings"]["key"]
        self._models = {one["fingerprint"]: one["label"] for one in run["models"]}
        self._methods = {"": MODEL_LABEL, **{one["key"]: one["label"] for one in run["methods"]}}
        self._metrics = {one["key"]: one["label"] for one in run["metrics"]}
        self._data = {
            (one["fingerprint"], sample): one["label"]
            for one in run["data"]
            for sample in one["samples"]
        }

    def relabelled(self, row: dict[str, Any]) -> dict[str, Any] | None:
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

    def rows(self, store: Store) -> Iterator[dict[str, Any]]:
        """The rows of a folder that were asked for."""
        # A few thousand at a time: all as dictionaries would take gigabytes.
        table = store.read().drop_columns(list(NOT_READ))
        for batch in table.to_batches(max_chunksize=10_000):
            yield from filter(None, map(self.relabelled, batch.to_pylist()))


class _Collector:
    """Rows put together: values by figure, reasons counted, samples in the rows' order."""

    def __init__(self) -> None:
        self._images: dict[tuple[str, str], dict[str, int]] = {}
        self._values: dict[tuple[str, str, str, str, str], list[tuple[Any, ...]]] = {}
        self._figures: dict[tuple[str, ...], Counter[str]] = {}
        self._examples: dict[tuple[str, ...], str] = {}
        self._groups: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a row."""
        places = self._images.setdefault((row["model"], row["data"]), {})
        image = places.setdefault(row["sample"], len(places))
        if row["status"] == MEASURED:
            self._add_value(row, image)
        else:
            self._add_reason(row)

    def series(self) -> dict[tuple[str, str, str, str, str], Series]:
        """Values by `(model, data, method, metric, figure)`."""
        return {key: Series(*zip(*rows, strict=True)) for key, rows in self._values.items()}

    def reasons(self) -> tuple[Reason, ...]:
        """The most frequent first."""
        found = [self._reason(key, figures) for key, figures in self._figures.items()]
        return tuple(sorted(found, key=lambda reason: -reason.count))

    def samples(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Ids by `(model, data)`."""
        return {key: tuple(places) for key, places in self._images.items()}

    def _add_value(self, row: Mapping[str, Any], image: int) -> None:
        role = {"role": row["role"]} if row["role"] else {}
        tags = {**role, **dict(row["tags"] or ())}
        groups = tuple(f"{name}: {value}" for name, value in tags.items())
        # One tuple for all words with the same groups: there are many words and few groups.
        groups = self._groups.setdefault(groups, groups)
        key = (row["model"], row["data"], row["method"], row["metric"], row["figure"])
        value = (row["value"], image, row["word"], row["text"], row["label"], groups)
        self._values.setdefault(key, []).append(value)

    def _add_reason(self, row: Mapping[str, Any]) -> None:
        names = ("model", "data", "method", "metric", "status", "reason")
        key = tuple(row[name] for name in names)
        self._figures.setdefault(key, Counter())[row["figure"]] += 1
        self._examples.setdefault(key, row["sample"])

    def _reason(self, key: tuple[str, ...], figures: Counter[str]) -> Reason:
        model, data, method, metric, status, reason = key
        figure = next(iter(figures)) if len(figures) == 1 else ""
        count = max(figures.values())
        example = self._examples[key]
        return Reason(model, data, method, metric, figure, status, reason, count, example)


def _asked_rows(
    stores: Sequence[Store], runs: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The rows that the runs asked for, each task's from one folder only."""
    filters = [_RunFilter(run) for run in runs]
    chosen = _chosen_folders(stores, filters) if len(stores) > 1 else {}
    for number, (store, asked) in enumerate(zip(stores, filters, strict=True)):
        for row in asked.rows(store):
            if chosen.get(row["task"], number) == number:
                yield row


def _chosen_folders(stores: Sequence[Store], filters: Sequence[_RunFilter]) -> dict[str, int]:
    """For each task the place of the first folder in which it did not fail, or of the first."""
    chosen: dict[str, tuple[bool, int]] = {}
    for number, (store, asked) in enumerate(zip(stores, filters, strict=True)):
        for row in asked.rows(store):
            own = (row["status"] == FAILED, number)
            chosen[row["task"]] = min(chosen.get(row["task"], own), own)
    return {task: number for task, (_, number) in chosen.items()}


def _labels(runs: Sequence[Mapping[str, Any]], part: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one["label"] for run in runs for one in run[part]))


def _methods(runs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Labels of the methods, and that of the model where a metric is of the model."""
    of_model = any(metric["of_model"] for run in runs for metric in run["metrics"])
    return (*_labels(runs, "methods"), *[MODEL_LABEL] * of_model)


def _columns(runs: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Every figure, as the latest run that has it describes it."""
    found = {
        (column.metric, column.name): column
        for run in runs
        for metric in run["metrics"]
        for column in columns_of(metric["label"], metric["figures"])
    }
    return tuple(found.values())


def _expect_one_settings(runs: Sequence[Mapping[str, Any]]) -> None:
    last = runs[-1]["settings"]
    for settings in (run["settings"] for run in runs):
        if settings["key"] != last["key"]:
            raise ParameterError(
                f"Expected runs of the same settings, got {_listed(settings)} and "
                f"{_listed(last)}: report them separately."
            )


def _expect_one_meaning(runs: Sequence[Mapping[str, Any]]) -> None:
    """Raise if one label has two meanings, such as two checkpoints of one folder's name."""
    for part, key in (
        *(("models", "fingerprint"), ("data", "fingerprint")),
        *(("methods", "key"), ("metrics", "key")),
    ):
        meant: dict[str, str] = {}
        for one in (one for run in runs for one in run[part]):
            if meant.setdefault(one["label"], one[key]) != one[key]:
                raise ParameterError(
                    f"Expected one meaning of {one['label']!r} among the {part}, got two that "
                    "differ: report these folders separately."
                )


def _listed(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items() if name != "key")
