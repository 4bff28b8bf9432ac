"""Read `Results` from folders: the rows of the planned tasks, and counted reasons."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from seewhy.bench.plan import MODEL_LABEL
from seewhy.bench.results import Column, Reason, Results, Series, columns_of
from seewhy.bench.run_files import damage_told, expect_runs
from seewhy.bench.store import FAILED, MEASURED, Store
from seewhy.core.errors import ParameterError

NOT_READ = ("seconds", "created", "attempt")
"""Columns that tables do not use."""


def read_results(
    folders: str | os.PathLike[str] | Store | Iterable[str | os.PathLike[str] | Store],
    *,
    reference: str | None = None,
) -> Results:
    """Read the latest run of each folder, and merge several folders.

    Only rows with the keys of a run are read, so a folder may also hold other runs; what those
    have more is named in `left_out`.

    Args:
        folders: one or several.
        reference: label of the method for comparisons; by default that of the latest run.

    Raises:
        SchemaError: if a folder holds no runs, is damaged or of a newer schema.
        ParameterError: if the runs have different settings, or the reference is unknown.
    """
    listed = [folders] if isinstance(folders, str | os.PathLike | Store) else list(folders)
    stores = [item if isinstance(item, Store) else Store(item) for item in listed]
    all_runs = [store.read_runs() for store in stores]
    runs = [of_store[-1] for of_store in all_runs]
    results = results_without_rows(runs, reference=reference)
    rows = _Collector()
    with damage_told(stores[0].folder):
        for row in _planned_rows(stores, runs):
            rows.add(row)
        left_out = _left_out(runs, [run for of_store in all_runs for run in of_store[:-1]])
    return replace(
        results,
        rows=rows.series(),
        reasons=rows.reasons(),
        samples=rows.samples(),
        left_out=left_out,
    )


def results_without_rows(
    runs: Sequence[dict[str, Any]], *, reference: str | None = None
) -> Results:
    """The merged plans of runs, without values.

    Args:
        runs: as `Store.read_runs` reads them.
        reference: as for `read_results`.

    Raises:
        ParameterError: as `read_results`.
        SchemaError: if a run's file is damaged.
    """
    expect_runs(runs)
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
    """Selects the rows of a run's plan, and gives them its labels.

    Labels may have changed since the rows were written; keys do not change.
    """

    def __init__(self, run: Mapping[str, Any]) -> None:
        self._settings = run["settings"]["key"]
        self._models = {model["fingerprint"]: model["label"] for model in run["models"]}
        self._methods = {"": MODEL_LABEL} | {m["key"]: m["label"] for m in run["methods"]}
        self._metrics = {metric["key"]: metric["label"] for metric in run["metrics"]}
        self._data = {
            (data["fingerprint"], sample): data["label"]
            for data in run["data"]
            for sample in data["samples"]
        }

    def relabelled(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """The row with this run's labels, or None if it is not in the plan."""
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
        """The rows of a folder that are in the plan."""
        # In parts of a few thousand: all rows as dictionaries would need gigabytes.
        table = store.read().drop_columns(list(NOT_READ))
        for batch in table.to_batches(max_chunksize=10_000):
            yield from filter(None, map(self.relabelled, batch.to_pylist()))


class _Collector:
    """Collects rows: values by figure, counted reasons, samples in the order of the rows."""

    def __init__(self) -> None:
        self._images: dict[tuple[str, str], dict[str, int]] = {}
        self._values: dict[tuple[str, str, str, str, str], list[tuple[Any, ...]]] = {}
        self._figures: dict[tuple[str, ...], Counter[str]] = {}
        self._examples: dict[tuple[str, ...], str] = {}
        self._groups: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        indices = self._images.setdefault((row["model"], row["data"]), {})
        image = indices.setdefault(row["sample"], len(indices))
        if row["status"] == MEASURED:
            self._add_value(row, image)
        else:
            self._add_reason(row)

    def series(self) -> dict[tuple[str, str, str, str, str], Series]:
        """Values by `(model, data, method, metric, figure)`."""
        return {key: Series(*zip(*rows, strict=True)) for key, rows in self._values.items()}

    def reasons(self) -> tuple[Reason, ...]:
        """The reasons, the most frequent first."""
        reasons = [self._reason(key, figures) for key, figures in self._figures.items()]
        return tuple(sorted(reasons, key=lambda reason: -reason.count))

    def samples(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Ids by `(model, data)`."""
        return {key: tuple(indices) for key, indices in self._images.items()}

    def _add_value(self, row: Mapping[str, Any], image: int) -> None:
        role = {"role": row["role"]} if row["role"] else {}
        tags = {**role, **dict(row["tags"] or ())}
        groups = tuple(f"{name}: {value}" for name, value in tags.items())
        # Words with equal groups share one tuple: there are many words and few groups.
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


def _planned_rows(
    stores: Sequence[Store], runs: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The rows of the runs' plans; the rows of a task are from one folder only."""
    filters = [_RunFilter(run) for run in runs]
    chosen = _chosen_folders(stores, filters) if len(stores) > 1 else {}
    for number, (store, run_filter) in enumerate(zip(stores, filters, strict=True)):
        for row in run_filter.rows(store):
            if chosen.get(row["task"], number) == number:
                yield row


def _chosen_folders(stores: Sequence[Store], filters: Sequence[_RunFilter]) -> dict[str, int]:
    """For each task, the index of the first folder in which it did not fail, or of the first."""
    chosen: dict[str, tuple[bool, int]] = {}
    for number, (store, run_filter) in enumerate(zip(stores, filters, strict=True)):
        for row in run_filter.rows(store):
            rank = (row["status"] == FAILED, number)
            chosen[row["task"]] = min(chosen.get(row["task"], rank), rank)
    return {task: number for task, (_, number) in chosen.items()}


def _left_out(
    runs: Sequence[Mapping[str, Any]], earlier: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    """Labels of earlier runs that are not in any of the runs."""
    parts = ("models", "data", "methods", "metrics")
    known = {(part, label) for part in parts for label in _labels(runs, part)}
    asked = [(part, label) for part in parts for label in _labels(earlier, part)]
    return tuple(label for part, label in asked if (part, label) not in known)


def _labels(runs: Sequence[Mapping[str, Any]], part: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry["label"] for run in runs for entry in run[part]))


def _methods(runs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Labels of the methods, and that of the model where a metric is of the model."""
    of_model = any(metric["of_model"] for run in runs for metric in run["metrics"])
    return (*_labels(runs, "methods"), *[MODEL_LABEL] * of_model)


def _columns(runs: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Every figure, as the latest run that has it describes it."""
    columns = {
        (column.metric, column.name): column
        for run in runs
        for metric in run["metrics"]
        for column in columns_of(metric["label"], metric["figures"])
    }
    return tuple(columns.values())


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
        keys: dict[str, str] = {}
        for entry in (entry for run in runs for entry in run[part]):
            if keys.setdefault(entry["label"], entry[key]) != entry[key]:
                raise ParameterError(
                    f"Expected one meaning of {entry['label']!r} among the {part}, got two that "
                    "differ: report these folders separately."
                )


def _listed(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items() if name != "key")
