"""Saved explanations of an audit: which ones, and their way from a worker to the folder."""

from __future__ import annotations

import hashlib
import heapq
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from seewhy.audit.schema import WordRow
from seewhy.core.errors import ParameterError
from seewhy.report.safe_folder import safe_name
from seewhy.runs.files import output_errors, replace_folder, sync_folder

if TYPE_CHECKING:
    from seewhy.explanation import Explanation

ALL, NONE, WORST = "all", "none", "worst"


@dataclass(frozen=True)
class SavedReport:
    """The files of a saved explanation, as a worker sends them.

    Attributes:
        id: of the answer.
        files: path in the folder, and content; empty if it could not be saved.
        reason: why not; "" if it was saved.
    """

    id: str
    files: tuple[tuple[str, bytes], ...]
    reason: str = ""


def worst_count(reports: str) -> int | None:
    """How many reports are saved: None for all.

    Args:
        reports: "all", "none" or "worst:N".

    Raises:
        ParameterError: if it is something else.

    Example:
        >>> worst_count("worst:100"), worst_count("none"), worst_count("all")
        (100, 0, None)
    """
    name, _, number = reports.partition(":")
    if reports in (ALL, NONE):
        return None if reports == ALL else 0
    if name == WORST and number.isdecimal() and int(number) > 0:
        return int(number)
    raise ParameterError(
        f"Expected reports 'worst:N', 'all' or 'none', got {reports!r}: such as 'worst:100'."
    )


def worst_answers(words: Iterable[WordRow], count: int) -> list[str]:
    """The ids of the answers with the least supported words, the worst first.

    Args:
        words: in the order of the store, with `id`, `support` and `probability`: of two words with
            the same support, the one that the model was surer of is worse.
        count: of answers at most.
    """
    answers = groupby(words, key=lambda word: word.id)
    lowest = ((*min((w.support, -w.probability) for w in group), id) for id, group in answers)
    return [id for *_, id in heapq.nsmallest(count, lowest)]


def report_name(id: str) -> str:
    """The name of the folder of an answer's report: readable, and different for each id."""
    digest = hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return f"{safe_name(id)}-{digest}"


def packed(id: str, explanation: Explanation) -> SavedReport:
    """Save an explanation, and take its files to be sent to the process that stores them."""
    with tempfile.TemporaryDirectory() as folder:
        saved = explanation.save(Path(folder) / "report")
        paths = sorted(path for path in saved.rglob("*") if path.is_file())
        files = ((path.relative_to(saved).as_posix(), path.read_bytes()) for path in paths)
        return SavedReport(id, tuple(files))


def unpack(report: SavedReport, folder: Path) -> str:
    """Write a saved explanation into the folder of reports, completely or not at all.

    Returns:
        The name of its folder there.

    Raises:
        OutputError: if it cannot be written.
    """
    name = report_name(report.id)
    with output_errors(folder):
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", suffix=".part", dir=folder) as temporary:
            work = Path(temporary) / name
            for file, content in report.files:
                path = work / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            replace_folder(work, folder / name)
        sync_folder(folder)
    return name
