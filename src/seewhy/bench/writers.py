"""Tables as text: for a terminal, Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields

from seewhy.bench.cells import Cell, best
from seewhy.bench.results import Column, Reason, Results
from seewhy.runs.csv_cells import safe_cell

TABLE, REASONS = "table.csv", "reasons.csv"
"""File names of `table_csv` and `reasons_csv`; `seewhy.bench.readers` reads them."""

ESTIMATE = ("value", "low", "high")
COUNTS = ("samples", "values")
DIFFERENCE = ("difference", "difference_low", "difference_high")
NUMBERS = (*ESTIMATE, *COUNTS, *DIFFERENCE)
"""The numbers of a cell, in the order of the table's columns."""

PERCENT = ("fraction", "share", "probability")
"""Units that are shown as percentages."""


@dataclass(frozen=True)
class Grid:
    """Cells of one metric on one model and data set, methods as rows and figures as columns.

    Attributes:
        model, data, metric: labels.
        columns: the figures.
        methods: labels.
        cells: by method and index of the figure.
    """

    model: str
    data: str
    metric: str
    columns: tuple[Column, ...]
    methods: tuple[str, ...]
    cells: dict[tuple[str, int], Cell]


def grids(results: Results, listed: Sequence[Cell]) -> list[Grid]:
    """The cells of all words, model by model and metric by metric, without points of curves."""
    tables = []
    ungrouped = [cell for cell in listed if not cell.group and not cell.column.curve]
    for model, data in results.samples:
        for metric in dict.fromkeys(column.metric for column in results.columns):
            chosen = [
                c for c in ungrouped if (c.model, c.data, c.column.metric) == (model, data, metric)
            ]
            if chosen:
                tables.append(_grid(results, chosen))
    return tables


def _grid(results: Results, listed: Sequence[Cell]) -> Grid:
    """The cells of one metric on one model and data set."""
    figures = {cell.column for cell in listed}
    labels = {cell.method for cell in listed}
    columns = tuple(column for column in results.columns if column in figures)
    methods = tuple(method for method in results.methods if method in labels)
    by_index = {(cell.method, columns.index(cell.column)): cell for cell in listed}
    first = listed[0]
    return Grid(first.model, first.data, first.column.metric, columns, methods, by_index)


def heading(column: Column) -> str:
    """A figure's name, with its unit and direction.

    Example:
        >>> heading(Column("deletion(fill=mean)", "deletion-nats", "", False, "nats"))
        'deletion-nats (nats) ↓'
    """
    arrow = {True: " ↑", False: " ↓", None: ""}[column.higher_is_better]
    unit = "%" if column.unit in PERCENT else column.unit
    # A unit that equals the name, such as seconds, is not repeated.
    return f"{column.name}{f' ({unit})' if unit and unit != column.name else ''}{arrow}"


def number(value: float | None, unit: str) -> str:
    """A figure as text: fractions in per cent, others with about three digits.

    Example:
        >>> number(0.2737, "fraction"), number(12.345, "seconds"), number(float("nan"), "nats")
        ('27.4', '12.3', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    if unit in PERCENT:
        return f"{100 * value:.1f}"
    if float(value).is_integer():
        return f"{value:,.0f}"
    if abs(value) < 1:
        return f"{value:.3f}"
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"


def spread(cell: Cell) -> str:
    """The interval, as `low–high`."""
    low, high = (number(end, cell.column.unit) for end in (cell.low, cell.high))
    return f"[{low}, {high}]"


def markdown(results: Results, listed: Sequence[Cell]) -> str:
    """Tables in Markdown, one for each model and data set, and the counted reasons."""
    marked, parts, before = best(listed), [], None
    for grid in grids(results, listed):
        if (grid.model, grid.data) != before:
            before = grid.model, grid.data
            heading_text = _plain(f"{grid.model} on {grid.data}")
            parts += [f"## {heading_text}\n", _plain(_caption(results, grid)) + "\n"]
        parts += [f"### {_plain(grid.metric)}\n", *_markdown_rows(grid, marked), ""]
    if results.reasons:
        parts += ["## Without a value\n", "| what | why | how often |", "| --- | --- | ---: |"]
        parts += [
            f"| {_cell_text(_reason_names(r))} | {_cell_text(f'{r.status}: {r.reason}')} | "
            f"{r.count} |"
            for r in results.reasons
        ]
        parts.append("")
    return "\n".join(parts)


def _markdown_rows(grid: Grid, marked: set) -> list[str]:
    headings = [_cell_text(heading(column)) for column in grid.columns]
    rows = [["method", *headings], ["---", *["---:"] * len(grid.columns)]]
    for method in grid.methods:
        rows.append([_code(method), *_row(grid, method, marked, _markdown_cell)])
    return ["| " + " | ".join(row) + " |" for row in rows]


def _row(grid: Grid, method: str, marked: set, text: Callable[[Cell, set], str]) -> Iterator[str]:
    """The texts of a method's cells; "" where there is none."""
    for index in range(len(grid.columns)):
        cell = grid.cells.get((method, index))
        yield "" if cell is None else text(cell, marked)


def latex(results: Results, listed: Sequence[Cell]) -> str:
    """Tables in LaTeX for the packages booktabs and graphicx, one for each model and data set."""
    marked, parts = best(listed), ["% \\usepackage{booktabs,graphicx}"]
    for grid in grids(results, listed):
        parts += [
            "\\begin{table}",
            f"\\caption{{{_tex(f'{_title(grid)}. {_caption(results, grid)}')}}}",
            "\\resizebox{\\linewidth}{!}{%",
            f"\\begin{{tabular}}{{l{'r' * len(grid.columns)}}}",
            "\\toprule",
            " & ".join(["method", *(_tex(heading(c)) for c in grid.columns)]) + " \\\\",
            "\\midrule",
        ]
        for method in grid.methods:
            row = [f"\\texttt{{{_tex(method)}}}", *_row(grid, method, marked, _latex_cell)]
            parts.append(" & ".join(row) + " \\\\")
        parts += ["\\bottomrule", "\\end{tabular}}", "\\end{table}", ""]
    return "\n".join(parts)


def table_csv(listed: Sequence[Cell]) -> str:
    """All cells, with breakdowns and points of curves, and with all digits."""
    out = io.StringIO()
    names = ("model", "data", "method", "metric", "figure", "group", "unit", "higher_is_better")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*names, *NUMBERS])
    for cell in listed:
        column = cell.column
        better = "" if column.higher_is_better is None else str(column.higher_is_better).lower()
        labels = (cell.model, cell.data, cell.method, column.metric, column.name, cell.group)
        labels = map(safe_cell, (*labels, column.unit))
        values = [getattr(cell, name) for name in NUMBERS]
        digits = ("" if _is_missing(value) else value for value in values)
        writer.writerow([*labels, better, *digits])
    return out.getvalue()


def reasons_csv(reasons: Sequence[Reason]) -> str:
    """The reasons for missing values, with counts."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [f.name for f in fields(Reason)], lineterminator="\n")
    writer.writeheader()
    for reason in reasons:
        cells = {k: safe_cell(v) if isinstance(v, str) else v for k, v in asdict(reason).items()}
        writer.writerow(cells)
    return out.getvalue()


def _caption(results: Results, grid: Grid) -> str:
    samples = len(results.samples[grid.model, grid.data])
    return (
        f"{samples} samples; in brackets the 95 % interval of a bootstrap over samples; * differs "
        f"from {results.reference} (interval of the paired difference without 0)."
    )


def _markdown_cell(cell: Cell, marked: set) -> str:
    value = number(cell.value, cell.column.unit)
    value = f"**{value}**" if cell.key in marked else value
    return f"{value}{'*' * cell.significant} {spread(cell)}".replace("***", r"**\*")


def _latex_cell(cell: Cell, marked: set) -> str:
    value = _tex(number(cell.value, cell.column.unit))
    value = f"\\textbf{{{value}}}" if cell.key in marked else value
    star = "$^*$" * cell.significant
    return f"{value}{star} {{\\scriptsize {_tex(spread(cell))}}}"


def _title(grid: Grid) -> str:
    return f"{grid.metric}: {grid.model} on {grid.data}"


def _reason_names(reason: Reason) -> str:
    context = " on ".join(filter(None, (reason.model, reason.data)))
    names = ", ".join(dict.fromkeys(filter(None, (reason.method, reason.metric, reason.figure))))
    return f"{names} ({context})"


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain(text: str) -> str:
    """Text on one line that Markdown shows as it is: no markup, no link, no picture."""
    line = " ".join(text.split())
    return line.replace("&", "&amp;").replace("<", "&lt;").replace("](", "]\\(")


def _cell_text(text: str) -> str:
    """Text for a cell of a table."""
    return _plain(text).replace("|", "\\|")


def _code(text: str) -> str:
    """A name in the type of code; one with a mark of its own as plain text."""
    if "`" in text:
        return _cell_text(text).replace("`", "\\`")
    return f"`{' '.join(text.split())}`".replace("|", "\\|")


_TEX = {
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "↑": "$\\uparrow$",
    "↓": "$\\downarrow$",
    "–": "--",
}


def _tex(text: str) -> str:
    return "".join(_TEX.get(character, character) for character in " ".join(text.split()))
