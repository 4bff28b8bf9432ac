"""Answers and words of an audit in Parquet: stored together, completely or not at all, and once.

audit/
  plan.json            what is audited, see `seewhy.audit.plan`
  answers/*.parquet    a row for each answer, and
  words/*.parquet      a row for each of its words, in the file of the same name
  reports/             saved explanations, a folder for each

Rows are written in batches of some seconds of work. Small files are merged into larger ones as they
grow in number. A killed process leaves only complete batches: see `seewhy.audit.shards`.
Reading and writing needs `seewhy[audit]`.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.audit.schema import FAILED, AnswerRow, Diagnosed, WordRow
from seewhy.audit.shards import Shard, counting, files_in
from seewhy.audit.tables import ANSWERS, SCHEMA_VERSION, WORDS, RowTable
from seewhy.core.errors import OutputError, SchemaError
from seewhy.core.paths import expanded
from seewhy.core.strict_json import parse
from seewhy.runs.files import locked, output_errors, remove_temporary, write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

PLAN, REPORTS = "plan.json", "reports"

BATCH_ANSWERS, BATCH_SECONDS = 256, 10.0
"""A batch is written when it has so many answers, or so much time has passed since the last."""

FANOUT = 16
"""How many files of the same number of batches are merged into one."""

SHARD_ANSWERS = 4096
"""A merged file has no more answers than this."""


class Store:
    """The folder of an audit. Read it while no run writes it: a run replaces files.

    Args:
        folder: created by `writing` if it is missing.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = expanded(folder)

    @property
    def reports(self) -> Path:
        """The folder of saved explanations."""
        return self.folder / REPORTS

    def path(self, table: RowTable[Any], shard: Shard) -> Path:
        """One of a shard's two files."""
        return self.folder / table.name / shard.name

    def shards(self) -> list[Shard]:
        """The pairs of files that count, in order."""
        answers = self.folder / ANSWERS.name
        return counting(files_in(answers), answers)

    def iter_answers(self, columns: Sequence[str] | None = None) -> Iterator[AnswerRow]:
        """All answers, failed ones included, streamed.

        Args:
            columns: fields to read, all by default; the others have their default, or an empty
                value. Without `thumbnail` reading is many times faster.

        Raises:
            SchemaError: if a file is damaged, missing, or of a newer schema.
        """
        for shard in self.shards():
            yield from ANSWERS.read(self.path(ANSWERS, shard), columns)

    def iter_words(self, columns: Sequence[str] | None = None) -> Iterator[WordRow]:
        """All words, streamed; those of an answer follow each other, in the order of answers.

        Args:
            columns: as for `iter_answers`; `map` and `because` are the largest.

        Raises:
            SchemaError: if a file is damaged, missing, or of a newer schema.
        """
        for shard in self.shards():
            yield from WORDS.read(self.path(WORDS, shard), columns)

    def reasons(self) -> Counter[str]:
        """How many answers failed for each reason; those that are done are counted under ""."""
        rows = self.iter_answers(("status", "reason"))
        return Counter(row.reason if row.status == FAILED else "" for row in rows)

    def read_plan(self) -> dict[str, Any] | None:
        """The plan of the audit, or None if there is none yet.

        Raises:
            SchemaError: if it is damaged or of a newer schema.
        """
        path = self.folder / PLAN
        try:
            plan = parse(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise SchemaError(
                f"Expected the plan of an audit in {path}, got {error}: choose another folder."
            ) from error
        version = plan.get("schema") if isinstance(plan, dict) else None
        if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
            raise SchemaError(
                f"Expected the plan of an audit of schema {SCHEMA_VERSION} or older, got "
                f"{version!r} in {path}: update seewhy, or choose another folder."
            )
        return plan

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Lock the folder, and remove what a killed run left.

        Batches that are not full are written when the block ends, also by an error.

        Raises:
            OutputError: if another process writes there, the folder holds something else, or cannot
                be written.
            SchemaError: if its files do not fit together.
        """
        folders = [self.folder / table.name for table in (ANSWERS, WORDS)]
        with output_errors(self.folder):
            if self.folder.is_dir() and any(self.folder.iterdir()) and not folders[0].is_dir():
                raise OutputError(
                    f"Expected a new folder or one of an audit, got {self.folder}, which holds "
                    "something else: choose another."
                )
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder):
            with output_errors(self.folder):
                for folder in (self.folder, self.reports, *folders):
                    remove_temporary(folder)
            writer = Writer(self)
            try:
                yield writer
            except OutputError:
                raise
            except BaseException:
                with suppress(OutputError):
                    writer.flush()
                raise
            writer.flush()


class Writer:
    """Adds rows to a store; only `Store.writing` makes one, and holds the lock.

    Args:
        store: whose leftovers are removed first.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._waiting: list[Diagnosed] = []
        self._written = time.monotonic()
        shards = store.shards()
        with output_errors(store.folder):
            for table in (ANSWERS, WORDS):
                for stale in set(files_in(store.folder / table.name)) - set(shards):
                    store.path(table, stale).unlink()
        self._sizes = {shard: self._size(shard) for shard in shards}

    def save_plan(self, plan: Mapping[str, Any]) -> None:
        """Write the plan of the audit."""
        text = json.dumps({"schema": SCHEMA_VERSION, **plan}, indent=1, allow_nan=False) + "\n"
        with output_errors(self.store.folder):
            write_atomically(self.store.folder / PLAN, lambda path: path.write_text(text, "utf-8"))

    def add(self, diagnosed: Diagnosed) -> None:
        """Add an answer with its words; they are written with their batch.

        Raises:
            OutputError: if a batch cannot be written, such as on a full disk.
        """
        self._waiting.append(diagnosed)
        late = time.monotonic() - self._written >= BATCH_SECONDS
        if late or len(self._waiting) >= BATCH_ANSWERS:
            self.flush()

    def flush(self) -> None:
        """Write the batch that is not full yet.

        Raises:
            OutputError: if it cannot be written.
        """
        self._written = time.monotonic()
        if not self._waiting:
            return
        number = 1 + max((shard.last for shard in self._sizes), default=-1)
        words = [word for row in self._waiting for word in row.words]
        answers = [row.answer for row in self._waiting]
        self._write(Shard(number, number), [WORDS.table_of(words)], [ANSWERS.table_of(answers)])
        self._waiting = []
        while tail := self._mergeable():
            self._merge(tail)

    def compact(self) -> None:
        """Merge neighbouring files that are small together; for the end of a run."""
        self.flush()
        group: list[Shard] = []
        for shard in list(self._sizes):
            if self._total([*group, shard]) > SHARD_ANSWERS:
                self._merge(group)
                group = []
            group.append(shard)
        self._merge(group)

    def drop_failed(self) -> int:
        """Remove the answers that failed, so that they are done again.

        Returns:
            How many were removed.
        """
        import pyarrow as pa

        def keep(table: pa.Table) -> pa.Table:
            statuses = table.column("status").to_pylist()
            return table.filter(pa.array([status != FAILED for status in statuses], pa.bool_()))

        return sum(before - after for before, after in self._rewrite(keep, ["status"]))

    def set_reports(self, reports: Mapping[str, str]) -> None:
        """Store where the explanations of some answers were saved.

        Args:
            reports: by the answer's id, its folder relative to the audit's.
        """
        import pyarrow as pa

        def link(table: pa.Table) -> pa.Table:
            ids, old = (table.column(name).to_pylist() for name in ("id", "report"))
            new = [reports.get(id, there) for id, there in zip(ids, old, strict=True)]
            at = table.schema.get_field_index("report")
            return table.set_column(at, table.schema.field(at), pa.array(new, pa.string()))

        list(self._rewrite(link, ["id", "report"]))

    def _rewrite(
        self, change: Callable[[pa.Table], pa.Table], columns: list[str]
    ) -> Iterator[tuple[int, int]]:
        """Change the answers in all files; files in which nothing changes are not written.

        Args:
            change: makes the new table of a part.
            columns: that decide whether something changes.

        Yields:
            The number of rows before and after, for each file.
        """
        self.flush()
        for shard in list(self._sizes):
            path = self.store.path(ANSWERS, shard)
            small = map(ANSWERS.completed, ANSWERS.batches(path, columns))
            if all(change(table).equals(table) for table in small):
                continue
            parts = map(ANSWERS.completed, ANSWERS.batches(path))
            before = self._sizes[shard]
            self._write_file(ANSWERS, shard, map(change, parts))
            self._sizes[shard] = self._size(shard)
            yield before, self._sizes[shard]

    def _mergeable(self) -> list[Shard]:
        """The last files, if there are `FANOUT` of the same number of batches."""
        tail = list(self._sizes)[-FANOUT:]
        alike = len(tail) == FANOUT and len({shard.batches for shard in tail}) == 1
        return tail if alike and self._total(tail) <= SHARD_ANSWERS else []

    def _merge(self, shards: Sequence[Shard]) -> None:
        """Merge neighbouring files. The old ones stop counting when the new answers are there."""
        if len(shards) < 2:
            return
        merged = Shard(shards[0].first, shards[-1].last)
        self._write(merged, self._parts(WORDS, shards), self._parts(ANSWERS, shards))
        with output_errors(self.store.folder):
            for shard in shards:
                for table in (ANSWERS, WORDS):
                    self.store.path(table, shard).unlink()
        self._sizes = dict(sorted((s, n) for s, n in self._sizes.items() if s not in shards))

    def _parts(self, table: RowTable[Any], shards: Sequence[Shard]) -> Iterator[pa.RecordBatch]:
        """The rows of several files, in parts."""
        for shard in shards:
            yield from table.batches(self.store.path(table, shard))

    def _write(self, shard: Shard, words: Any, answers: Any) -> None:
        """Write both files of a shard, the answers last: with them it counts."""
        self._write_file(WORDS, shard, words)
        self._write_file(ANSWERS, shard, answers)
        self._sizes[shard] = self._size(shard)

    def _write_file(self, table: RowTable[Any], shard: Shard, batches: Any) -> None:
        with output_errors(self.store.folder):
            write_atomically(self.store.path(table, shard), lambda path: table.write(path, batches))

    def _size(self, shard: Shard) -> int:
        return ANSWERS.count(self.store.path(ANSWERS, shard))

    def _total(self, shards: Sequence[Shard]) -> int:
        return sum(self._sizes[shard] for shard in shards)
