"""Rows of results in Parquet: written completely or not at all, and counted once.

results/
  rows/<time>-<process>.parquet   one file for each batch of tasks, merged at the end of a run
  runs/<key>.json                 the plan of each run: see `seewhy.bench.plan`

A task is one metric of one method on one model and sample, with all parameters. Its rows are always
in one file. A file is written under a temporary name and renamed at the end, so a killed process
leaves only complete tasks; the next run removes temporary files.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.bench.run_files import damage_told
from seewhy.core.errors import OutputError, ParameterError, SchemaError
from seewhy.core.paths import expanded
from seewhy.core.strict_json import parse_object
from seewhy.runs.files import locked, output_errors, remove_temporary, write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 1
"""Of the rows and of the runs; a newer version raises an error."""

STORED_NAMES = {"task": "unit"}
"""Columns with another name in files than in `Row`: files of older versions stay readable."""

MEASURED, UNDEFINED, SKIPPED, FAILED = "measured", "undefined", "skipped", "failed"
"""Status of a row: a value, an undefined figure, a sample that cannot be used, or an error in a
method or metric."""


@dataclass(frozen=True, slots=True)
class Row:
    """One value, or the reason for a missing value.

    Attributes:
        task: the task's key, a hash of all other keys and the sample.
        attempt: 0, or how often the task was repeated after a failure; the latest counts.
        model, data, method, metric: labels, for readers.
        model_fingerprint, data_fingerprint, method_key, metric_key, settings_key: keep different
            results separate.
        sample: its id.
        figure: "" where the whole task has no value.
        word: index among the answer's words; -1 for the whole sample.
        text, role, tags: of the word; breakdowns group by role and tags.
        value: None where there is none.
        label: for areas under curves of labels.
        status: one of "measured", "undefined", "skipped", "failed".
        reason: "" where there is a value.
        seconds: wall time of the task's metric, or until it failed.
        created: UTC.
    """

    task: str
    model: str
    model_fingerprint: str
    data: str
    data_fingerprint: str
    sample: str
    method: str
    method_key: str
    metric: str
    metric_key: str
    settings_key: str
    figure: str = ""
    word: int = -1
    text: str = ""
    role: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    value: float | None = None
    label: bool | None = None
    status: str = MEASURED
    reason: str = ""
    seconds: float = 0.0
    created: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """The latest attempt of a task in the store, and whether it failed."""

    attempt: int
    failed: bool


class Store:
    """A folder of results.

    Args:
        folder: created if it is missing.

    Raises:
        OutputError: if the folder cannot be created, or holds something else.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = expanded(folder)
        self.rows, self.runs = self.folder / "rows", self.folder / "runs"

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """Lock the folder, and remove the temporary files of a killed run.

        Raises:
            OutputError: if another process writes there, or the folder cannot be written.
        """
        with output_errors(self.folder):
            if self.folder.is_dir() and any(self.folder.iterdir()) and not self.rows.is_dir():
                raise OutputError(
                    f"Expected a new folder or one of results, got {self.folder}, which holds "
                    "something else: choose another."
                )
            self.rows.mkdir(parents=True, exist_ok=True)
            self.runs.mkdir(exist_ok=True)
        with locked(self.folder):
            for folder in (self.folder, self.rows, self.runs):
                remove_temporary(folder)
            yield self

    def files(self) -> list[Path]:
        """All files of rows, the oldest first."""
        return sorted(self.rows.glob("*.parquet"))

    def done(self) -> dict[str, TaskStatus]:
        """All tasks in the store, by key.

        Raises:
            SchemaError: if a file is damaged or of a newer schema.
        """
        latest: dict[str, TaskStatus] = {}
        for path in self.files():
            table = _read(path, ["task", "attempt", "status"])
            with damage_told(path):
                columns = (table[name].to_pylist() for name in ("task", "attempt", "status"))
                for task, attempt, status in zip(*columns, strict=True):
                    known = latest.get(task)
                    if known is None or attempt > known.attempt:
                        latest[task] = TaskStatus(attempt, status == FAILED)
        return latest

    def add(self, rows: Sequence[Row]) -> None:
        """Write the rows of complete tasks, all or none.

        Raises:
            OutputError: if they cannot be written, such as on a full disk.
        """
        if rows:
            self._write(table_of(rows))

    def read(self) -> pa.Table:
        """All rows, each task once: its latest attempt; of equal ones, the first written.

        Raises:
            SchemaError: if a file is damaged or of a newer schema.
        """
        with damage_told(self.folder):
            return _latest_attempts([_read(path) for path in self.files()])

    def merge(self) -> None:
        """Merge all files. If this is killed, `read` still counts each task once."""
        files = self.files()
        if len(files) > 1:
            self._write(self.read())
            for path in files:
                path.unlink()

    def save_run(self, key: str, description: dict[str, Any]) -> None:
        """Write the description of a run; the same run replaces it."""
        text = json.dumps({"schema": SCHEMA_VERSION, **description}, indent=1, allow_nan=False)
        with output_errors(self.folder):
            write_atomically(self.runs / f"{key}.json", lambda path: path.write_text(text + "\n"))

    def read_runs(self) -> list[dict[str, Any]]:
        """The descriptions of all runs, the latest last.

        Raises:
            SchemaError: if there is none, or if a file is damaged or of a newer schema.
        """
        runs = []
        for path in sorted(self.runs.glob("*.json"), key=lambda p: (p.stat().st_mtime_ns, p.name)):
            try:
                description = parse_object(path.read_bytes())
            except (ValueError, OSError) as error:
                raise SchemaError(
                    f"Expected a run's description in {path}, got {error}: run it again."
                ) from error
            _expect_known(description.get("schema"), path)
            runs.append(description)
        if not runs:
            raise SchemaError(
                f"Expected a folder that `seewhy bench` wrote, got {self.folder}, which holds no "
                "runs: check the path."
            )
        return sorted(runs, key=lambda run: str(run.get("started", "")))

    def _write(self, table: pa.Table) -> None:
        import pyarrow.parquet as pq

        name = f"{time.time_ns():020d}-{os.getpid()}.parquet"
        table = _renamed(table, STORED_NAMES)
        with output_errors(self.folder):
            write_atomically(self.rows / name, lambda path: pq.write_table(table, path))


def table_of(rows: Iterable[Row]) -> pa.Table:
    """Rows as an Arrow table of this schema."""
    import pyarrow as pa

    listed = [asdict(row) for row in rows]
    for row in listed:
        row["tags"] = sorted(row["tags"].items())
    return pa.Table.from_pylist(listed, schema=schema())


def schema() -> pa.Schema:
    """The columns, in the order of `Row`, with the version in the metadata."""
    import pyarrow as pa

    special = {
        "word": pa.int32(),
        "tags": pa.map_(pa.string(), pa.string()),
        "value": pa.float64(),
        "label": pa.bool_(),
        "seconds": pa.float32(),
        "attempt": pa.int16(),
    }
    return pa.schema(
        [pa.field(f.name, special.get(f.name, pa.string())) for f in fields(Row)],
        metadata={"seewhy.bench.schema": str(SCHEMA_VERSION)},
    )


def expect_pyarrow() -> None:
    """Check that pyarrow is installed.

    Raises:
        ParameterError: if it is not; it names the package to install.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ParameterError(
            "Expected pyarrow, which stores the results, got none: pip install 'seewhy[bench]'."
        ) from error


def _read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A file's columns, all by default, under the names of `Row`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            metadata = file.schema_arrow.metadata or {}
            version = metadata.get(b"seewhy.bench.schema", b"").decode()
            _expect_known(int(version) if version.isdigit() else None, path)
            stored = None if columns is None else [STORED_NAMES.get(c, c) for c in columns]
            table = file.read(stored)
    except (pa.ArrowException, OSError, KeyError, UnicodeError) as error:
        raise SchemaError(
            f"Expected rows of results in {path}, got {type(error).__name__}: {error}. Remove the "
            "file, and run again for what it held."
        ) from error
    return _renamed(table, {stored: name for name, stored in STORED_NAMES.items()})


def _renamed(table: pa.Table, names: Mapping[str, str]) -> pa.Table:
    renamed = table.rename_columns([names.get(name, name) for name in table.column_names])
    return renamed.replace_schema_metadata(table.schema.metadata)


def _expect_known(version: object, path: Path) -> None:
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise SchemaError(
            f"Expected results of schema {SCHEMA_VERSION} or older, got {version!r} in {path}: "
            "update seewhy, or choose another folder."
        )


def _latest_attempts(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of each task from one table only, that of its latest attempt."""
    import pyarrow as pa

    keys = [
        list(zip(*(t[c].to_pylist() for c in ("task", "attempt")), strict=True)) for t in tables
    ]
    best: dict[str, tuple[int, int]] = {}
    for number, pairs in enumerate(keys):
        for task, attempt in pairs:
            if task not in best or attempt > best[task][0]:
                best[task] = (attempt, number)
    kept = [
        table.filter(pa.array([best[task] == (a, number) for task, a in pairs], pa.bool_()))
        for number, (table, pairs) in enumerate(zip(tables, keys, strict=True))
    ]
    return pa.concat_tables(kept).cast(schema()) if kept else schema().empty_table()
