"""All words of an audit as CSV, row by row, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from seewhy.audit.schema import WordRow
from seewhy.runs.csv_cells import safe_cell

TEXT = (
    "id", "text", "lemma", "role", "category", "group", "source", "sentence", "follows",
    "follows_part",
)  # fmt: skip
NUMBERS = (
    "word", "start", "end", "probability", "support", "visual_share", "supported", "pointing",
    "iou",
)  # fmt: skip

COLUMNS = (
    "id", "word", "text", "start", "end", "lemma", "role", "category", "group", "source", "support",
    "probability", "visual_share", "follows", "follows_part", "supported", "peak_x", "peak_y",
    "pointing", "iou", "sentence",
)  # fmt: skip
"""What a row holds; of a `WordRow` only the map and what the verdict rests on are left out."""


@contextmanager
def words_writer(path: Path) -> Iterator[Callable[[WordRow], None]]:
    """Open a CSV file of words, and give a function that writes a word.

    Text that UTF-8 cannot encode, half of a character, is written as a question mark.

    Raises:
        OSError: if the file cannot be written.
    """
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        yield lambda row: writer.writerow(_cells(row))


def _cells(row: WordRow) -> list[str]:
    cells = {name: safe_cell(getattr(row, name)) for name in TEXT}
    cells |= {name: _cell(getattr(row, name)) for name in NUMBERS}
    cells["peak_x"], cells["peak_y"] = map(_cell, row.peak or (None, None))
    return [cells[name] for name in COLUMNS]


def _cell(value: float | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
