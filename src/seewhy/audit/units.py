"""Rows in small units, in the order of the source, without those that are done."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from seewhy.audit.source import BadRow, Source, SourceRow

UNIT_ROWS = 8
"""Rows that a worker fetches at once, if `batch` is not larger."""

REPEATED = "The id of this row is that of an earlier one."


@dataclass(frozen=True)
class Unit:
    """Rows that a worker fetches at once.

    Attributes:
        rows: in the order in which they are done.
        batch: how many go through the model together.
        report: whether their explanations are saved, and nothing is stored.
    """

    rows: tuple[SourceRow, ...]
    batch: int = 1
    report: bool = False

    def batches(self) -> Iterator[tuple[SourceRow, ...]]:
        """Its rows in groups of at most `batch`; rows with an answer and without are not mixed."""
        rest = self.rows
        while rest:
            given = rest[0].answer is not None
            alike = next(
                (n for n, row in enumerate(rest) if (row.answer is not None) != given), len(rest)
            )
            count = min(alike, self.batch)
            yield rest[:count]
            rest = rest[count:]


def missing_rows(
    source: Source,
    done: set[int],
    chosen: Callable[[str], bool] | None = None,
    limit: int | None = None,
) -> Iterator[SourceRow | BadRow]:
    """The rows of a source that are not done yet, streamed.

    A row whose id is that of an earlier one gets another id, the same in every run, and is a bad
    row: what is stored must not be doubled.

    Args:
        source: of the rows.
        done: `id_hash` of the rows that are done; emptied on the way, to save memory.
        chosen: whether a row of this id is wanted; all if None.
        limit: how many of them at most, those that are done included.
    """
    seen: set[int] = set()
    numbered = enumerate(source.rows())
    wanted = ((n, row) for n, row in numbered if chosen is None or chosen(row.id))
    for number, row in islice(wanted, limit):
        key = id_hash(row.id)
        if key in seen:
            again = f"{row.id} (again, row {number})"
            row = BadRow(again, REPEATED, f"Row {number} has the id {row.id!r} too.")
            key = id_hash(again)
        seen.add(key)
        if key in done:
            done.remove(key)
        else:
            yield row


def units_of(
    rows: Iterator[SourceRow | BadRow], batch: int, bad: Callable[[BadRow], object]
) -> Iterator[Unit]:
    """Rows as units.

    Args:
        rows: streamed.
        batch: how many rows go through the model together.
        bad: called with each row that cannot be used.
    """
    size = max(batch, UNIT_ROWS)
    waiting: list[SourceRow] = []
    for row in rows:
        if isinstance(row, BadRow):
            bad(row)
            continue
        waiting.append(row)
        if len(waiting) == size:
            yield Unit(tuple(waiting), batch)
            waiting = []
    if waiting:
        yield Unit(tuple(waiting), batch)


def report_units(source: Source, answers: dict[str, str | None]) -> Iterator[Unit]:
    """Units that save the explanations of some answers.

    Args:
        source: of the rows; it is read until all are found.
        answers: by id: the given answer, or None for one that the model wrote.
    """
    left = set(answers)
    for row in source.rows():
        if row.id in left and isinstance(row, SourceRow):
            left.remove(row.id)
            yield Unit((replace(row, answer=answers[row.id]),), report=True)
        if not left:
            return


def drawn(source: Source, count: int, seed: int) -> Callable[[str], bool]:
    """Whether a row is among `count` that are drawn at random.

    A larger count draws the same rows and more. Memory grows with `count` alone.

    Args:
        source: of the rows; it is read once.
        count: of rows.
        seed: of the draw.
    """
    ranks = (id_hash(row.id, seed) for row in source.rows())
    last = max(heapq.nsmallest(count, ranks), default=-1)
    return lambda id: id_hash(id, seed) <= last


def id_hash(id: str, seed: int = 0) -> int:
    """64 bits of a hash of an id: small to keep for a million rows."""
    content = id.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8, salt=seed.to_bytes(16)).digest())
