"""Tables read back from their files: all that is left where the rows of a run were not kept.

`table.csv` holds the figures, `reasons.csv` what has no value, and `runs/*.json` what was asked.
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
from seewhy.bench.store import Store
from seewhy.bench.writers import COUNTS, DIFFERENCE, ESTIMATE, REASONS, TABLE
from seewhy.core.errors import SchemaError

Line: TypeAlias = Mapping[str, str]
NAN = float("nan")


def has_tables_alone(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder has tables, and none of the rows that they were made from."""
    store = Store(folder)
    return (store.folder / TABLE).is_file() and not store.files()


def read_tables(folder: str | os.PathLike[str]) -> tuple[Results, list[Cell], list[Cell]]:
    """Read what `seewhy.bench.reporting.write_report` wrote.

    Args:
        folder: with `table.csv`, `reasons.csv` and `runs/`; every run in it counts.

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
        cells = [_cell(line, columns) for line in _lines(path)]
        reasons = tuple(_reason(line) for line in _lines(store.folder / REASONS))
    except (OSError, KeyError, ValueError) as error:
        raise SchemaError(
            f"Expected {TABLE} and {REASONS} that belong to the runs in {store.folder}, got "
            f"{type(error).__name__}: {error}. Copy them together from where they were written."
        ) from error
    whole = [cell for cell in cells if not cell.group]
    # The order of figures is the table's: several runs may have been put together in any order.
    ranked = {cell.column: None for cell in whole}
    ordered = (*ranked, *(column for column in results.columns if column not in ranked))
    results = replace(results, columns=ordered, reasons=reasons, samples=_samples(results, whole))
    return results, whole, [cell for cell in cells if cell.group]


def _lines(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _cell(line: Line, columns: Mapping[tuple[str, str], Column]) -> Cell:
    named = (line["model"], line["data"], line["method"])
    value, low, high = (float(line[name] or NAN) for name in ESTIMATE)
    samples, values = (int(line[name]) for name in COUNTS)
    apart = {name: float(line[name]) if line[name] else None for name in DIFFERENCE}
    column = columns[line["metric"], line["figure"]]
    cell = Cell(*named, column, value, low, high, samples, values, group=line["group"])
    return replace(cell, **apart)


def _reason(line: Line) -> Reason:
    texts = {f.name: line[f.name] for f in fields(Reason)}
    return Reason(**{**texts, "count": int(line["count"])})  # type: ignore[arg-type]


def _samples(results: Results, whole: Sequence[Cell]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The ids that any run asked for, of each model and data set in the table."""
    asked: dict[str, dict[str, Any]] = {}
    for data in (one for run in results.runs for one in run["data"]):
        asked.setdefault(data["label"], {}).update(dict.fromkeys(data["samples"]))
    pairs = dict.fromkeys((cell.model, cell.data) for cell in whole)
    return {(model, data): tuple(asked[data]) for model, data in pairs}
