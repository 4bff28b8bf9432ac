"""Write tables and a page from folders of results."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seewhy.bench.answers import answer_of
from seewhy.bench.cells import Cell, breakdown, cells
from seewhy.bench.gallery import CASES, cases_json, choose_cases, read_cases, read_gallery
from seewhy.bench.readers import has_tables_alone, read_tables
from seewhy.bench.reading import read_results
from seewhy.bench.results import Column, Reason, Results
from seewhy.bench.writers import (
    PERCENT,
    REASONS,
    TABLE,
    latex,
    markdown,
    reasons_csv,
    table_csv,
)
from seewhy.core.errors import OutputError, ParameterError, SchemaError
from seewhy.core.paths import expanded
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
from seewhy.runs.files import write_atomically

MARKDOWN, LATEX, PAGE = "table.md", "table.tex", "bench.html"


def write_report(
    folders: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    *,
    reference: str | None = None,
) -> tuple[Results, list[Cell]]:
    """Write tables as Markdown, LaTeX and CSV, and the page `bench.html`; no model is needed.

    Args:
        folders: of results; several are merged. A single one may hold tables without rows.
        out: target folder; the first of `folders` by default.
        reference: label of the method for comparisons.

    Returns:
        The results, and the cells of all words.

    Raises:
        SchemaError, ParameterError: as `seewhy.bench.reading.read_results`; and if tables without
            rows are damaged, or cannot be merged or compared again.
        OutputError: if a file cannot be written.
    """
    listed = [folders] if isinstance(folders, str | os.PathLike) else list(folders)
    sources = [expanded(folder) for folder in listed]
    target = sources[0] if out is None else expanded(out)
    if any(map(has_tables_alone, sources)):
        results, ungrouped, grouped = _from_tables(sources, reference)
        cases = read_cases(sources[0])
    else:
        results = read_results(sources, reference=reference)
        ungrouped, grouped, cases = cells(results), breakdown(results), choose_cases(results)
    if not any(results.samples.values()):
        raise SchemaError(
            f"Expected results of the run's models, methods, metrics and data in {sources[0]}, "
            "got rows of none of them: the run has not begun, or its file in runs/ belongs to "
            "other rows."
        )
    gallery = read_gallery(dict.fromkeys([*sources, target]), target)
    texts = {
        MARKDOWN: markdown(results, ungrouped),
        LATEX: latex(results, ungrouped),
        TABLE: table_csv([*ungrouped, *grouped]),
        REASONS: reasons_csv(results.reasons),
        CASES: cases_json(cases),
        PAGE: html(payload(results, ungrouped, grouped, gallery)),
    }
    _write(texts, target)
    return results, ungrouped


def _write(texts: Mapping[str, str], target: Path) -> None:
    """Write files by name into a folder, which is created if it is missing."""
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
    sources: Sequence[Path], reference: str | None
) -> tuple[Results, list[Cell], list[Cell]]:
    """The tables of a single folder; without rows they cannot be merged or compared again."""
    if len(sources) > 1:
        tables = next(filter(has_tables_alone, sources))
        raise ParameterError(
            f"Expected folders with rows, to merge them, got {tables}, which holds only tables: "
            "report it alone."
        )
    results, ungrouped, grouped = read_tables(sources[0])
    if reference not in (None, results.reference):
        raise ParameterError(
            f"Expected {results.reference!r} as the reference of the tables in {sources[0]}, got "
            f"{reference!r}: another reference needs the rows."
        )
    return results, ungrouped, grouped


def payload(
    results: Results, ungrouped: list[Cell], grouped: list[Cell], cases: list[BenchCase]
) -> BenchPayload:
    """All data of the page, JSON-ready and without NaN."""
    columns = {c: index for index, c in enumerate(c for c in results.columns if not c.curve)}
    return {
        "reference": results.reference,
        "settings": {k: v for k, v in results.settings.items() if k != "key"},
        "made": _run_facts(results.runs[-1]),
        "methods": {
            method["label"]: method["summary"] for run in results.runs for method in run["methods"]
        },
        "columns": [_column(column) for column in columns],
        "views": [
            _view(results, view, columns, ungrouped, grouped, cases) for view in results.samples
        ],
        "reasons": [_reason(reason) for reason in results.reasons],
    }


def _run_facts(run: Mapping[str, Any]) -> BenchRun:
    facts: BenchRun = {}
    for key in ("started", "machine", "versions", "suite"):
        if key in run:
            facts[key] = run[key]
    return facts


def _view(
    results: Results,
    view: tuple[str, str],
    columns: dict[Column, int],
    ungrouped: list[Cell],
    grouped: list[Cell],
    cases: list[BenchCase],
) -> BenchView:
    """The page's data of one model and data set."""
    view_cells = [cell for cell in ungrouped if (cell.model, cell.data) == view]
    groups = [cell for cell in grouped if (cell.model, cell.data) == view]
    answer = answer_of(results, view, ungrouped)
    return {
        "model": view[0],
        "data": view[1],
        "samples": len(results.samples[view]),
        "answer": answer.text,
        "elsewhere": answer.elsewhere,
        "main": None if answer.main is None else columns[answer.main],
        "cells": [
            _cell(cell, columns[cell.column]) for cell in view_cells if not cell.column.curve
        ],
        "curves": _curves(view_cells),
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


def _curves(listed: list[Cell]) -> list[BenchCurve]:
    """Points of each curve of a model and data set, method by method, along the axis."""
    curves: dict[tuple[str, str], dict[str, list[list[float | None]]]] = {}
    for cell in listed:
        if cell.column.curve is None:
            continue
        name, x = cell.column.curve
        lines = curves.setdefault((cell.column.metric, name), {})
        point = [x, *map(_finite, (cell.value, cell.low, cell.high))]
        lines.setdefault(cell.method, []).append(point)
    return [
        {
            "metric": metric,
            "name": name,
            "lines": [{"method": m, "points": sorted(points)} for m, points in lines.items()],
        }
        for (metric, name), lines in curves.items()
    ]


def _finite(value: float | None) -> float | None:
    return None if value is None or value != value else value


def _writer(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text, "utf-8")
