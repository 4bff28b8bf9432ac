"""From a folder of results to tables and a page, beside the rows or elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seewhy.bench.gallery import CASES, cases_json, choose, read_cases, shown
from seewhy.bench.readers import has_tables_alone, read_tables
from seewhy.bench.store import write_whole
from seewhy.bench.tables import Cell, Results, breakdown, cells, results_of
from seewhy.bench.writers import (
    REASONS,
    TABLE,
    latex,
    markdown,
    number,
    reasons_csv,
    table_csv,
)
from seewhy.core.errors import OutputError, ParameterError
from seewhy.report.bench_page import html
from seewhy.report.bench_payload import BenchCase, BenchCell, BenchCurve, BenchPayload, BenchRun

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
        SchemaError, ParameterError: as `seewhy.bench.tables.results_of`.
        OutputError: if a file cannot be written.
    """
    listed = [folders] if isinstance(folders, str | os.PathLike) else list(folders)
    places = [Path(folder).expanduser() for folder in listed]
    target = places[0] if out is None else Path(out).expanduser()
    if any(map(has_tables_alone, places)):
        results, whole, parts = _from_tables(places, reference)
        chosen = read_cases(places[0])
    else:
        results = results_of(places, reference=reference)
        whole, parts, chosen = cells(results), breakdown(results), choose(results)
    texts = {
        MARKDOWN: markdown(results, whole),
        LATEX: latex(results, whole),
        TABLE: table_csv([*whole, *parts]),
        REASONS: reasons_csv(results.reasons),
        CASES: cases_json(chosen),
        PAGE: html(payload(results, whole, parts, shown(dict.fromkeys([*places, target]), target))),
    }
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(target / name, _writer(text))
    except OSError as error:
        raise OutputError(
            f"Expected to write tables to {target}, got {error.strerror or error}: make room or "
            "choose another folder with --out; the rows are untouched."
        ) from error
    return results, whole


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
    run = results.runs[-1]
    return {
        "reference": results.reference,
        "settings": {k: v for k, v in results.settings.items() if k != "key"},
        "made": _made(run),
        "methods": {
            one["label"]: one["summary"] for other in results.runs for one in other["methods"]
        },
        "columns": [
            {
                "metric": c.metric,
                "name": c.name,
                "summary": c.summary,
                "better": c.higher_is_better,
                "unit": c.unit,
                "scale": 100 if number(1.0, c.unit) == "100.0" else 1,
            }
            for c in columns
        ],
        "views": [
            {
                "model": model,
                "data": data,
                "samples": len(samples),
                "cells": [
                    _cell(cell, columns[cell.column])
                    for cell in whole
                    if (cell.model, cell.data) == (model, data) and not cell.column.curve
                ],
                "curves": _curves(whole, model, data),
                "breakdown": [
                    {**_cell(cell, columns[cell.column]), "group": cell.group}
                    for cell in parts
                    if (cell.model, cell.data) == (model, data)
                ],
                "cases": [c for c in cases if (c["model"], c["data"]) == (model, data)],
            }
            for (model, data), samples in results.samples.items()
        ],
        "reasons": [
            {
                "what": ", ".join(dict.fromkeys(filter(None, (r.method, r.metric, r.figure)))),
                "where": f"{r.model} on {r.data}",
                "status": r.status,
                "reason": r.reason,
                "count": r.count,
                "example": r.example,
            }
            for r in results.reasons
        ],
    }


def _made(run: Mapping[str, Any]) -> BenchRun:
    made: BenchRun = {}
    for key in ("started", "machine", "versions", "suite"):
        if key in run:
            made[key] = run[key]
    return made


def _cell(cell: Cell, column: int) -> BenchCell:
    apart = (cell.difference, cell.difference_low, cell.difference_high)
    return {
        "method": cell.method,
        "column": column,
        "value": _finite(cell.value),
        "low": _finite(cell.low),
        "high": _finite(cell.high),
        "samples": cell.samples,
        "values": cell.values,
        "apart": None if cell.difference is None else [_finite(end) for end in apart],
        "significant": cell.significant,
    }


def _curves(whole: list[Cell], model: str, data: str) -> list[BenchCurve]:
    """Points of each curve, method by method, along the axis."""
    found: dict[tuple[str, str], dict[str, list[list[float | None]]]] = {}
    for cell in whole:
        if (cell.model, cell.data) != (model, data) or cell.column.curve is None:
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
