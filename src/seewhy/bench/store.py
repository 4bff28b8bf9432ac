"""Rows of results in Parquet: added whole or not at all, counted once, and never mixed.

results/
  rows/<time>-<process>.parquet   one file for each batch of units, merged at the end of a run
  runs/<key>.json                 what was asked in each run: see `seewhy.bench.plan`

A unit is what is done or not: one model, sample, method and metric, with all of their parameters.
Its rows always stand in one file. A file is written under another name first and takes its own at
the end, so that a process killed at any moment leaves whole units or none of them; files that
never took their name are swept by the next run.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.core.errors import OutputError, ParameterError, SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 1
"""Of the rows and of the runs; a newer one is refused."""

PART = ".part"
"""How the name of a file ends that is not yet whole."""

MEASURED, UNDEFINED, SKIPPED, FAILED = "measured", "undefined", "skipped", "failed"
"""What became of a unit: a value, a figure without one, a sample that could not be used, or a
method (or metric) that raised."""


@dataclass(frozen=True, slots=True)
class Row:
    """One value, or the reason why there is none.

    Attributes:
        unit: the unit's key, over all other keys and the sample.
        attempt: 0, or how often the unit was done over after it had failed; the latest counts.
        model, data, method, metric: labels, for people.
        model_fingerprint, data_fingerprint, method_key, metric_key, settings_key: what keeps
            results apart that were made differently.
        sample: its id.
        figure: "" where the whole unit has no value.
        word: place among the answer's words; -1 for the whole sample.
        text, role, tags: the word's, and what breakdowns group by.
        value: None where there is none.
        label: for areas under curves of labels.
        status: one of "measured", "undefined", "skipped", "failed".
        reason: "" where there is a value.
        seconds: wall time of the unit's metric; of a failed one, until it failed.
        created: UTC.
    """

    unit: str
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
class Done:
    """What the store knows of a unit without reading its values."""

    attempt: int
    failed: bool


class Store:
    """A folder of results.

    Args:
        folder: made where it is missing.

    Raises:
        OutputError: if the folder cannot be made, or holds something else.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser()
        self.rows, self.runs = self.folder / "rows", self.folder / "runs"

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """Hold the folder alone, and sweep what a killed run left half-written.

        The lock is the system's own and goes with the process, however that ends.

        Raises:
            OutputError: if another process writes there, or the folder cannot be written.
        """
        import fcntl

        with _explained(self.folder):
            if self.folder.is_dir() and any(self.folder.iterdir()) and not self.rows.is_dir():
                raise OutputError(
                    f"Expected a new folder or one of results, got {self.folder}, which holds "
                    "something else: choose another."
                )
            self.rows.mkdir(parents=True, exist_ok=True)
            self.runs.mkdir(exist_ok=True)
            lock = open(self.folder / ".lock", "w")  # noqa: SIM115 - held by the `with` below
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutputError(
                    f"Expected {self.folder} for this run alone, got one that another run is "
                    "writing: wait for it, or choose another folder."
                ) from None
            for folder in (self.rows, self.runs):
                for left in folder.glob(f".*{PART}"):
                    left.unlink()
            yield self

    def files(self) -> list[Path]:
        """All files of rows, the oldest first."""
        return sorted(self.rows.glob("*.parquet"))

    def done(self) -> dict[str, Done]:
        """Every unit that is in the store, by its key.

        Raises:
            SchemaError: if a file is damaged or of a newer schema.
        """
        found: dict[str, Done] = {}
        for path in self.files():
            table = _read(path, ["unit", "attempt", "status"])
            columns = (table[name].to_pylist() for name in ("unit", "attempt", "status"))
            for unit, attempt, status in zip(*columns, strict=True):
                known = found.get(unit)
                if known is None or attempt > known.attempt:
                    found[unit] = Done(attempt, status == FAILED)
        return found

    def add(self, rows: Sequence[Row]) -> None:
        """Write the rows of whole units, all or none.

        Raises:
            OutputError: if they cannot be written, such as on a full disk.
        """
        if rows:
            self._write(table_of(rows))

    def read(self) -> pa.Table:
        """All rows, each unit once: of two attempts the later, of two equals the first written.

        Raises:
            SchemaError: if a file is damaged or of a newer schema.
        """
        return _once([_read(path) for path in self.files()])

    def merge(self) -> None:
        """Make one file of all: killed in between, some rows stand twice, and are read once."""
        files = self.files()
        if len(files) > 1:
            self._write(self.read())
            for path in files:
                path.unlink()

    def save_run(self, key: str, described: dict[str, Any]) -> None:
        """Write what was asked; the same run again replaces it."""
        text = json.dumps({"schema": SCHEMA_VERSION, **described}, indent=1, allow_nan=False)
        with _explained(self.folder):
            write_whole(self.runs / f"{key}.json", lambda path: path.write_text(text + "\n"))

    def read_runs(self) -> list[dict[str, Any]]:
        """What was asked in every run, the latest last.

        Raises:
            SchemaError: if there is none, or one is damaged or of a newer schema.
        """
        found = []
        for path in sorted(self.runs.glob("*.json"), key=lambda p: (p.stat().st_mtime_ns, p.name)):
            try:
                described = json.loads(path.read_text("utf-8"))
            except ValueError as error:
                raise SchemaError(
                    f"Expected a run's description in {path}, got {error}: run it again."
                ) from error
            _expect_known(described.get("schema"), path)
            found.append(described)
        if not found:
            raise SchemaError(
                f"Expected a folder that `seewhy bench` wrote, got {self.folder}, which holds no "
                "runs: check the path."
            )
        return sorted(found, key=lambda run: run.get("started", ""))

    def _write(self, table: pa.Table) -> None:
        import pyarrow.parquet as pq

        name = f"{time.time_ns():020d}-{os.getpid()}.parquet"
        with _explained(self.folder):
            write_whole(self.rows / name, lambda path: pq.write_table(table, path))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under another name, see that it is on the disk, then give it its own.

    Raises:
        OSError: as `write`; nothing is left then.
    """
    part = path.with_name(f".{path.name}{PART}")
    try:
        write(part)
        with open(part, "rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def table_of(rows: Iterable[Row]) -> pa.Table:
    """Rows as an Arrow table of this schema."""
    import pyarrow as pa

    listed = [asdict(row) for row in rows]
    for row in listed:
        row["tags"] = sorted(row["tags"].items())
    return pa.Table.from_pylist(listed, schema=schema())


def schema() -> pa.Schema:
    """The columns, in the order of `Row`, with the version among the metadata."""
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


def expect_arrow() -> None:
    """Raise unless Arrow is installed.

    Raises:
        ParameterError: naming what to install.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ParameterError(
            "Expected pyarrow, which keeps the results, got none: pip install 'seewhy[bench]'."
        ) from error


def _read(path: Path, columns: list[str] | None = None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            said = (file.schema_arrow.metadata or {}).get(b"seewhy.bench.schema", b"").decode()
            _expect_known(int(said) if said.isdigit() else None, path)
            return file.read(columns)
    except pa.ArrowException as error:
        raise SchemaError(
            f"Expected rows of results in {path}, got {type(error).__name__}: {error}. Remove the "
            "file, and run again for what it held."
        ) from error


def _expect_known(version: object, path: Path) -> None:
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise SchemaError(
            f"Expected results of schema {SCHEMA_VERSION} or older, got {version!r} in {path}: "
            "update seewhy, or choose another folder."
        )


def _once(tables: Sequence[pa.Table]) -> pa.Table:
    """Every unit's rows from one file only."""
    import pyarrow as pa

    best: dict[str, tuple[int, int]] = {}
    for at, table in enumerate(tables):
        for unit, attempt in zip(
            table["unit"].to_pylist(), table["attempt"].to_pylist(), strict=True
        ):
            known = best.get(unit)
            if known is None or attempt > known[0]:
                best[unit] = (attempt, at)
    kept = []
    for at, table in enumerate(tables):
        pairs = zip(table["unit"].to_pylist(), table["attempt"].to_pylist(), strict=True)
        kept.append(table.filter(pa.array([best[u] == (a, at) for u, a in pairs], pa.bool_())))
    return pa.concat_tables(kept).cast(schema()) if kept else schema().empty_table()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Failures of the file system as an OutputError that says what to do."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "make room, then give" if full else "see to that, then give"
        raise OutputError(
            f"Expected to write results to {folder}, got {error.strerror or error}: {what} the "
            "same command again; all that was written before is kept, and nothing half-written."
        ) from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
