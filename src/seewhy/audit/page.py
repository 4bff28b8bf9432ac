"""Write an audit's page, with all words as CSV and the summary as JSON beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seewhy.audit.payload import payload, without_pictures
from seewhy.audit.summary import AuditRows, Summary, summarise
from seewhy.audit.words_csv import words_writer
from seewhy.core.errors import OutputError
from seewhy.report.audit_page import html
from seewhy.report.safe_folder import json_text
from seewhy.runs.files import write_atomically

PAGE, CSV, JSON = "audit.html", "audit.csv", "audit.json"

FILES = {"All words (CSV)": CSV, "Summary (JSON)": JSON}


def write_page(
    folder: Path,
    rows: AuditRows,
    *,
    scores: Mapping[str, float] | None = None,
    made: Mapping[str, Any] | None = None,
) -> Path:
    """Write `audit.html`, `audit.csv` and `audit.json` into the folder of an audit.

    The rows are read as streams: words once, answers twice. Each file is written completely or not
    at all, the page last.

    Args:
        folder: of the audit; it exists.
        rows: all answers and words.
        scores: the benchmark's figures by name, as `Source.scores` gives them.
        made: what the page says of how the audit was made: the data, the model, versions; values
            are text or numbers.

    Returns:
        The path of the page.

    Raises:
        OutputError: if a file cannot be written.
        SchemaError: if rows are damaged, as `seewhy.audit.summary.summarise`.
    """
    try:
        summary = _write_words(folder / CSV, rows)
        data = payload(summary, rows.iter_answers(), scores=scores, made=made, files=FILES)
        _write(folder / JSON, json_text(without_pictures(data)))
        _write(folder / PAGE, html(data))
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"Expected to write the page of the audit to {folder}, got {error.strerror or error}: "
            "make room or allow writing there; the rows are not changed."
        ) from error
    return folder / PAGE


def _write_words(path: Path, rows: AuditRows) -> Summary:
    """Write all words, and count them on the way."""
    found: list[Summary] = []

    def write(part: Path) -> None:
        with words_writer(part) as each:
            found.append(summarise(rows, each))

    write_atomically(path, write)
    return found[0]


def _write(path: Path, text: str) -> None:
    write_atomically(path, lambda part: part.write_text(text, "utf-8"))
