"""`seewhy bench`: measure methods by metrics, and print tables with intervals."""

from __future__ import annotations

import contextlib
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from seewhy.bench.config import BenchConfig, config_of, read_config
from seewhy.cli._options import load_options
from seewhy.cli._progress import duration, silence_libraries
from seewhy.cli.terminal import Stages, printable
from seewhy.core.errors import ParameterError
from seewhy.core.paths import expanded

if TYPE_CHECKING:
    from seewhy.bench.cells import Cell
    from seewhy.bench.results import Reason, Results
    from seewhy.bench.running import Progress
    from seewhy.bench.writers import Grid

FIGURE_WIDTH, METHOD_WIDTH = 23, 30
"""Columns of the terminal for a figure, and for a method's name."""
MAX_REASONS = 12
"""Reasons listed in a terminal; the files have all."""
PROGRESS_SECONDS = 2.0
"""Seconds between two lines of progress."""


def bench(arguments: Namespace) -> int:
    """Run a suite, or merge earlier results, and print the tables."""
    if arguments.print_config:
        print(_resolved(arguments).to_toml(), end="")
        return 0
    with Stages(quiet=arguments.quiet) as stage, contextlib.redirect_stdout(sys.stderr):
        if arguments.report:
            folders, out = arguments.report, arguments.out
        else:
            folders, out = [_measure(arguments, stage)], None
        stage("writing the tables")
        from seewhy.bench.reporting import write_report

        results, cells = write_report(folders, out, reference=arguments.reference)
    _show(results, cells, expanded(out or folders[0]))
    return 0


def bench_config(arguments: Namespace) -> BenchConfig:
    """The config of a command line; its options override those of `--config`.

    Raises:
        ParameterError: if the file cannot be read, or a value is invalid.
    """
    file = {} if arguments.config is None else read_config(arguments.config)
    options = {f.name: getattr(arguments, f.name, None) for f in fields(BenchConfig)}
    options = {name: value for name, value in options.items() if value is not None}
    config = config_of({"gallery": True, **file, **options})
    if load := load_options(arguments):
        config = replace(config, load_options={**config.load_options, **load})
    return config


def _resolved(arguments: Namespace) -> BenchConfig:
    from seewhy.bench.suites import resolve

    return resolve(bench_config(arguments))


def _measure(arguments: Namespace, stage: Stages) -> str:
    if arguments.out is None:
        raise ParameterError("Expected --out FOLDER for the results, got none: name one.")
    config = bench_config(arguments)
    stage("reading the config")
    if not arguments.debug:
        silence_libraries()
    from seewhy.bench.running import run

    run(config, out=arguments.out, progress=_ProgressPrinter(stage), say=stage)
    return arguments.out


class _ProgressPrinter:
    """Prints the progress of a run, and an estimate of the remaining time."""

    def __init__(self, stage: Stages) -> None:
        self._stage, self._printed = stage, -PROGRESS_SECONDS

    def __call__(self, state: Progress) -> None:
        """Print a line every few seconds."""
        now = time.monotonic()
        if state.done < state.total and now - self._printed < PROGRESS_SECONDS:
            return
        self._printed = now
        measured = state.done - state.found
        seconds = (state.total - state.done) * state.seconds / measured if measured else 0.0
        remaining = f", about {duration(seconds)} to go" if seconds else ""
        earlier = f", {state.found} from before" if state.found else ""
        self._stage(f"{state.done} of {state.total} tasks{earlier}{remaining}")


def _show(results: Results, cells: list[Cell], folder: Path) -> None:
    from seewhy.bench.cells import best
    from seewhy.bench.reporting import LATEX, MARKDOWN, PAGE
    from seewhy.bench.writers import TABLE, grids

    console, marked = Console(highlight=False), best(cells)
    for grid in grids(results, cells):
        _show_grid(console, grid, marked, len(results.samples[grid.model, grid.data]))
    legend = f"Best in bold; [95 % interval]; * differs from {results.reference}."
    console.print(Text(printable(legend), style="dim"))
    _show_reasons(console, results.reasons, MARKDOWN)
    if results.left_out:
        names = ", ".join(results.left_out)
        text = f"Only the latest run is shown. Earlier ones in the folder also have {names}."
        console.print(Text(printable(text), style="yellow"))
    # Printed without rich: a path must be easy to copy, on one line and without colour.
    print(f"page: {folder / PAGE}")
    print(f"tables: {MARKDOWN}, {LATEX}, {TABLE} beside it")


def _show_grid(console: Console, grid: Grid, marked: set[Any], samples: int) -> None:
    """Print a grid, split into several tables where the terminal is too narrow."""
    console.print()
    title = f"{grid.metric}: {grid.model} on {grid.data}, {samples} samples"
    console.print(Text(printable(title), style="bold"))
    per_table = max(1, (console.width - METHOD_WIDTH) // FIGURE_WIDTH)
    for first in range(0, len(grid.columns), per_table):
        columns = range(first, min(first + per_table, len(grid.columns)))
        console.print(_table(grid, columns, marked))
        console.print()


def _table(grid: Grid, columns: Sequence[int], marked: set[Any]) -> Table:
    from seewhy.bench.writers import heading

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("method", no_wrap=True)
    for column in columns:
        table.add_column(heading(grid.columns[column]), justify="right", overflow="fold")
    for method in grid.methods:
        entries = (_entry(grid.cells.get((method, column)), marked) for column in columns)
        table.add_row(Text(printable(method)), *entries)
    return table


def _entry(cell: Cell | None, marked: set[Any]) -> Text:
    from seewhy.bench.writers import number, spread

    if cell is None:
        return Text("")
    value = number(cell.value, cell.column.unit) + "*" * cell.significant
    style = "bold green" if cell.key in marked else ""
    return Text.assemble((value, style), " ", (spread(cell), "dim"))


def _show_reasons(console: Console, reasons: Sequence[Reason], file: str) -> None:
    for reason in reasons[:MAX_REASONS]:
        what = ", ".join(dict.fromkeys(filter(None, (reason.method, reason.metric))))
        line = f"{reason.count} x {reason.status}: {what}: {reason.reason}"
        console.print(Text(printable(line), style="yellow"))
    if len(reasons) > MAX_REASONS:
        console.print(Text(f"{len(reasons) - MAX_REASONS} more reasons: {file}", "dim"))
