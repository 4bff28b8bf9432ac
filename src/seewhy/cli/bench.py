"""`seewhy bench`: every method, by every metric, in one table with intervals."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from seewhy.cli.terminal import Stages, printable
from seewhy.core.errors import ParameterError

FIGURE, METHOD = 23, 30
"""Characters that a figure, and a method's name, take in a terminal's table."""
REASONS = 12
"""Reasons listed in a terminal; the files have all."""
STEP = 2.0
"""Seconds between two lines of progress where no terminal can show a moving one."""


def bench(arguments: Namespace) -> int:
    """Run a suite, or put results together again, and print the tables."""
    with Stages(quiet=arguments.quiet) as stage, contextlib.redirect_stdout(sys.stderr):
        if arguments.report:
            folders, out = arguments.report, arguments.out
        else:
            folders, out = [_measure(arguments, stage)], None
        stage("putting the tables together")
        from seewhy.bench.reporting import write_report

        results, cells = write_report(folders, out, reference=arguments.reference)
    _show(results, cells, Path(out or folders[0]).expanduser())
    return 0


def _measure(arguments: Namespace, stage: Stages) -> str:
    if arguments.out is None:
        raise ParameterError("Expected --out FOLDER for the results, got none: name one.")
    stage("reading what is asked")
    if not arguments.debug:
        # Workers inherit it: their bars would mix with what this process says.
        os.environ.setdefault("TQDM_DISABLE", "1")
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
    from seewhy.bench import run

    options: dict[str, Any] = {}
    if arguments.device_map:
        options["device_map"] = arguments.device_map
    if arguments.trust_remote_code:
        options["trust_remote_code"] = True
    run(
        arguments.suite,
        out=arguments.out,
        models=arguments.models,
        methods=arguments.methods,
        metrics=arguments.metrics,
        data=arguments.data,
        limit=arguments.limit,
        words=arguments.words,
        answers=arguments.answers,
        seed=arguments.seed,
        dtype=arguments.dtype,
        max_new_tokens=arguments.max_new_tokens,
        reference=arguments.reference,
        engine=arguments.engine,
        workers=arguments.workers,
        retry=arguments.retry,
        options=options,
        gallery=not arguments.no_gallery,
        progress=_Telling(stage),
        say=stage,
    )
    return arguments.out


class _Telling:
    """Says how far a run is, and how long it may still take."""

    def __init__(self, stage: Stages) -> None:
        self._stage, self._said = stage, -STEP

    def __call__(self, state: Any) -> None:
        """Say it, now and then."""
        now = time.monotonic()
        if state.done < state.total and now - self._said < STEP:
            return
        self._said = now
        fresh = state.done - state.found
        left = (state.total - state.done) * state.seconds / fresh if fresh else None
        more = "" if left is None or not left else f", about {_span(left)} to go"
        found = f", {state.found} from before" if state.found else ""
        self._stage(f"{state.done} of {state.total} units{found}{more}")


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if seconds < 90 else f"{minutes // 60}:{minutes % 60:02} h"


def _show(results: Any, cells: list[Any], folder: Path) -> None:
    from seewhy.bench.reporting import LATEX, MARKDOWN, PAGE
    from seewhy.bench.tables import best
    from seewhy.bench.writers import TABLE, grids, heading

    console, marked = Console(highlight=False), best(cells)
    across = max(1, (console.width - METHOD) // FIGURE)
    for grid in grids(results, cells):
        samples = len(results.samples[grid.model, grid.data])
        console.print()
        title = f"{grid.metric}: {grid.model} on {grid.data}, {samples} samples"
        console.print(Text(printable(title), style="bold"))
        for first in range(0, len(grid.columns), across):
            shown = range(first, min(first + across, len(grid.columns)))
            table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
            table.add_column("method", no_wrap=True)
            for at in shown:
                table.add_column(heading(grid.columns[at]), justify="right", overflow="fold")
            for method in grid.methods:
                cells_ = (grid.cells.get((method, at)) for at in shown)
                table.add_row(Text(printable(method)), *(_entry(cell, marked) for cell in cells_))
            console.print(table)
            console.print()
    legend = f"Best in bold; [95 % interval]; * differs from {results.reference}."
    console.print(Text(printable(legend), style="dim"))
    for reason in results.reasons[:REASONS]:
        what = ", ".join(dict.fromkeys(filter(None, (reason.method, reason.metric))))
        line = f"{reason.count} x {reason.status}: {what}: {reason.reason}"
        console.print(Text(printable(line), style="yellow"))
    if len(results.reasons) > REASONS:
        console.print(Text(f"{len(results.reasons) - REASONS} more reasons: {MARKDOWN}", "dim"))
    for what, name in (("page", PAGE), ("tables", f"{MARKDOWN}, {LATEX}, {TABLE}")):
        # Printed as it is: a path must be fit for copying, on one line and without colour.
        print(f"{what}: {folder / name}" if what == "page" else f"{what}: {name} beside it")


def _entry(cell: Any, marked: set[Any]) -> Text:
    from seewhy.bench.writers import number, spread

    if cell is None:
        return Text("")
    column = cell.column
    key = (cell.model, cell.data, column.metric, column.name, cell.method)
    value = number(cell.value, column.unit) + "*" * cell.significant
    style = "bold green" if key in marked else ""
    return Text.assemble((value, style), " ", (spread(cell), "dim"))
