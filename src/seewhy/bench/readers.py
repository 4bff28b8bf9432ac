"""Read tables from their files, where the rows of a run were not kept.

`table.csv` has the figures, `reasons.csv` the reasons for missing values, `runs/*.json` the plans.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeAlias

from seewhy.bench.cells import Cell
from seewhy.bench.reading import results_without_rows
from seewhy.bench.results import Column, Reason, Results
from seewhy.bench.run_files import damage_told
from seewhy.bench.store import Store
from seewhy.bench.writers import COUNTS, DIFFERENCE, ESTIMATE, REASONS, TABLE
from seewhy.core.errors import SchemaError
from seewhy.runs.csv_cells import cell_text

Line: TypeAlias = Mapping[str, str]
NAN = float("nan")


def has_tables_alone(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder has tables, but no rows."""
    store = Store(folder)
    return (store.folder / TABLE).is_file() and not store.files()


def read_tables(folder: str | os.PathLike[str]) -> tuple[Results, list[Cell], list[Cell]]:
    """Read the files of `seewhy.bench.reporting.write_report`.

    Args:
        folder: with `table.csv`, `reasons.csv` and `runs/`; all runs are used.

    Returns:
        The results, without rows; the cells of all words; and those of groups of words.

    Raises:
        SchemaError: if a file is missing or damaged, or of a newer schema.
    """
    store = Store(folder)
    path = store.folder / TABLE
    results = results_without_rows(store.read_runs())
    columns = {(column.metric, column.name): column for column in results.columns}
    try:
        _expect_known_labels(_lines(path), results)
        cells = [_cell(line, columns) for line in _lines(path)]
        reasons = tuple(_reason(line) for line in _lines(store.folder / REASONS))
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise SchemaError(
            f"Expected {TABLE} and {REASONS} that belong to the runs in {store.folder}, got "
            f"{type(error).__name__}: {error}. Copy them together from where they were written."
        ) from error
    ungrouped = [cell for cell in cells if not cell.group]
    # Figures are in the order of the table: merged runs may be in any order.
    ranked = {cell.column: None for cell in ungrouped}
    ordered = (*ranked, *(column for column in results.columns if column not in ranked))
    with damage_told(store.folder):
        samples = _samples(results, ungrouped)
    results = replace(results, columns=ordered, reasons=reasons, samples=samples)
    return results, ungrouped, [cell for cell in cells if cell.group]


def _expect_known_labels(lines: Iterator[Line], results: Results) -> None:
    """Raise unless the lines' labels are those of the runs: the page shows nothing else."""
    for line in lines:
        for name, known in (
            *(("model", results.models), ("data", results.data)),
            ("method", results.methods),
        ):
            if line[name] not in known:
                raise ValueError(f"the {name} {line[name][:80]!r}, which no run has")


def _lines(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            yield {name: cell_text(text or "") for name, text in line.items() if name}


def _cell(line: Line, columns: Mapping[tuple[str, str], Column]) -> Cell:
    labels = (line["model"], line["data"], line["method"])
    value, low, high = (float(line[name] or NAN) for name in ESTIMATE)
    samples, values = (int(line[name]) for name in COUNTS)
    difference = {name: float(line[name]) if line[name] else None for name in DIFFERENCE}
    column = columns[line["metric"], line["figure"]]
    cell = Cell(*labels, column, value, low, high, samples, values, group=line["group"])
    return replace(cell, **difference)


def _reason(line: Line) -> Reason:
    texts = {f.name: line[f.name] for f in fields(Reason)}
    return Reason(**{**texts, "count": int(line["count"])})  # type: ignore[arg-type]


def _samples(results: Results, cells: Sequence[Cell]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The planned ids of all runs, for each model and data set in the table."""
    planned: dict[str, dict[str, Any]] = {}
    for data in (data for run in results.runs for data in run["data"]):
        planned.setdefault(data["label"], {}).update(dict.fromkeys(data["samples"]))
    pairs = dict.fromkeys((cell.model, cell.data) for cell in cells)
    return {(model, data): tuple(planned[data]) for model, data in pairs}
