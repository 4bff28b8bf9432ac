"""From a folder of results to tables and a page, beside the rows or elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seewhy.bench.cells import Cell, breakdown, cells
from seewhy.bench.gallery import CASES, cases_json, choose_cases, read_cases, read_gallery
from seewhy.bench.readers import has_tables_alone, read_tables
from seewhy.bench.reading import read_results
from seewhy.bench.results import Column, Reason, Results
from seewhy.bench.store import write_atomically
from seewhy.bench.writers import (
    PERCENT,
    REASONS,
    TABLE,
    latex,
    markdown,
    reasons_csv,
    table_csv,
)
from seewhy.core.errors import OutputError, ParameterError
from seewhy.report.bench_page import html
from seewhy.report.bench_payload import (
    BenchCase,
    BenchCell,
    BenchColumn,
    BenchCurve,
    BenchPayload,
    BenchReason,
    BenchRun,
    BenchView,
)

MARKDOWN, LATEX, PAGE = "table.md", "table.tex", "bench.html"


def write_report(
    folders: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    *,
    reference: str | None = None,
) -> tuple[Results, list[Cell]]:
    """Write tables as Markdown, LaTeX and CSV, and the page `bench.html`; no model is needed.

    Args:
        folders: of results; several are put together. One alone may hold tables without rows.
        out: where to; the first folder by default.
        reference: label of the method that others are compared with.

    Returns:
        The results, and the cells of all words.

    Raises:
        SchemaError, ParameterError: as `seewhy.bench.reading.read_results`; and if tables without
            rows are damaged, or asked for more than they hold.
        OutputError: if a file cannot be written.
    """
    listed = [folders] if isinstance(folders, str | os.PathLike) else list(folders)
    places = [Path(folder).expanduser() for folder in listed]
    target = places[0] if out is None else Path(out).expanduser()
    if any(map(has_tables_alone, places)):
        results, whole, parts = _from_tables(places, reference)
        cases = read_cases(places[0])
    else:
        results = read_results(places, reference=reference)
        whole, parts, cases = cells(results), breakdown(results), choose_cases(results)
    gallery = read_gallery(dict.fromkeys([*places, target]), target)
    texts = {
        MARKDOWN: markdown(results, whole),
        LATEX: latex(results, whole),
        TABLE: table_csv([*whole, *parts]),
        REASONS: reasons_csv(results.reasons),
        CASES: cases_json(cases),
        PAGE: html(payload(results, whole, parts, gallery)),
    }
    _write(texts, target)
    return results, whole


def _write(texts: Mapping[str, str], target: Path) -> None:
    """Write files by name into a folder, which is made where it is missing."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_atomically(target / name, _writer(text))
    except OSError as error:
        raise OutputError(
            f"Expected to write tables to {target}, got {error.strerror or error}: make room or "
            "choose another folder with --out; the rows are not changed."
        ) from error


def _from_tables(
    places: Sequence[Path], reference: str | None
) -> tuple[Results, list[Cell], list[Cell]]:
    """The tables of the only folder; more than they say cannot be had without rows."""
    if len(places) > 1:
        tables = next(filter(has_tables_alone, places))
        raise ParameterError(
            f"Expected folders with rows, to put them together, got {tables}, which holds tables "
            "alone: report it alone."
        )
    results, whole, parts = read_tables(places[0])
    if reference not in (None, results.reference):
        raise ParameterError(
            f"Expected {results.reference!r} as the reference, which the tables in {places[0]} "
            f"compare with, got {reference!r}: only rows can be compared anew."
        )
    return results, whole, parts


def payload(
    results: Results, whole: list[Cell], parts: list[Cell], cases: list[BenchCase]
) -> BenchPayload:
    """Everything that the page shows, as JSON-ready data without NaN."""
    columns = {c: at for at, c in enumerate(c for c in results.columns if not c.curve)}
    return {
        "reference": results.reference,
        "settings": {k: v for k, v in results.settings.items() if k != "key"},
        "made": _made(results.runs[-1]),
        "methods": {
            one["label"]: one["summary"] for other in results.runs for one in other["methods"]
        },
        "columns": [_column(column) for column in columns],
        "views": [
            _view(view, len(samples), columns, whole, parts, cases)
            for view, samples in results.samples.items()
        ],
        "reasons": [_reason(reason) for reason in results.reasons],
    }


def _made(run: Mapping[str, Any]) -> BenchRun:
    made: BenchRun = {}
    for key in ("started", "machine", "versions", "suite"):
        if key in run:
            made[key] = run[key]
    return made


def _view(
    view: tuple[str, str],
    samples: int,
    columns: dict[Column, int],
    whole: list[Cell],
    parts: list[Cell],
    cases: list[BenchCase],
) -> BenchView:
    """What the page shows of one model and data set."""
    own = [cell for cell in whole if (cell.model, cell.data) == view]
    groups = [cell for cell in parts if (cell.model, cell.data) == view]
    return {
        "model": view[0],
        "data": view[1],
        "samples": samples,
        "cells": [_cell(cell, columns[cell.column]) for cell in own if not cell.column.curve],
        "curves": _curves(own),
        "breakdown": [
            {**_cell(cell, columns[cell.column]), "group": cell.group} for cell in groups
        ],
        "cases": [case for case in cases if (case["model"], case["data"]) == view],
    }


def _column(column: Column) -> BenchColumn:
    return {
        "metric": column.metric,
        "name": column.name,
        "summary": column.summary,
        "better": column.higher_is_better,
        "unit": column.unit,
        "scale": 100 if column.unit in PERCENT else 1,
    }


def _reason(reason: Reason) -> BenchReason:
    names = filter(None, (reason.method, reason.metric, reason.figure))
    return {
        "what": ", ".join(dict.fromkeys(names)),
        "where": f"{reason.model} on {reason.data}",
        "status": reason.status,
        "reason": reason.reason,
        "count": reason.count,
        "example": reason.example,
    }


def _cell(cell: Cell, column: int) -> BenchCell:
    difference = (cell.difference, cell.difference_low, cell.difference_high)
    return {
        "method": cell.method,
        "column": column,
        "value": _finite(cell.value),
        "low": _finite(cell.low),
        "high": _finite(cell.high),
        "samples": cell.samples,
        "values": cell.values,
        "apart": None if cell.difference is None else [_finite(end) for end in difference],
        "significant": cell.significant,
    }


def _curves(own: list[Cell]) -> list[BenchCurve]:
    """Points of each curve of a model and data set, method by method, along the axis."""
    found: dict[tuple[str, str], dict[str, list[list[float | None]]]] = {}
    for cell in own:
        if cell.column.curve is None:
            continue
        name, place = cell.column.curve
        lines = found.setdefault((cell.column.metric, name), {})
        point = [place, *map(_finite, (cell.value, cell.low, cell.high))]
        lines.setdefault(cell.method, []).append(point)
    return [
        {
            "metric": metric,
            "name": name,
            "lines": [{"method": m, "points": sorted(points)} for m, points in lines.items()],
        }
        for (metric, name), lines in found.items()
    ]


def _finite(value: float | None) -> float | None:
    return None if value is None or value != value else value


def _writer(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text, "utf-8")
