"""The two tables of an audit in Parquet: columns, and rows to and from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, fields
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from seewhy.audit.schema import AnswerRow, WordRow
from seewhy.core.errors import ParameterError, SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 1
"""Of both tables; files of a newer version raise an error."""

VERSION_KEY = b"seewhy.audit.schema"

BATCH_ROWS = 512
"""Rows that are read at once."""

GROUP_ROWS = 2048
"""Rows of a row group, the part of a Parquet file that is written at once."""

PEAK, PEAK_COLUMNS = "peak", ("peak_x", "peak_y")
"""A field that is two columns."""

_Row = TypeVar("_Row", AnswerRow, WordRow)


def expect_pyarrow() -> None:
    """Check that pyarrow is installed.

    Raises:
        ParameterError: if it is not; it names the package to install.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ParameterError(
            "Expected pyarrow, which stores the rows, got none: pip install 'seewhy[audit]'."
        ) from error


class RowTable(Generic[_Row]):
    """Rows of one class as Parquet.

    Args:
        name: of the folder, such as `"answers"`.
        row_class: a dataclass whose fields are the columns.
        types: the Arrow types of fields that are not text, by the name of pyarrow's function.
    """

    def __init__(self, name: str, row_class: type[_Row], types: dict[str, str]) -> None:
        self.name, self.row_class, self._types = name, row_class, types
        self.fields = tuple(f.name for f in fields(row_class))
        self._blanks = {f.name: _blank(f) for f in fields(row_class)}

    @property
    def schema(self) -> pa.Schema:
        """The columns, in the order of the fields, with the version in the metadata."""
        import pyarrow as pa

        columns = []
        for name in self.fields:
            kind = getattr(pa, self._types.get(name, "string"))()
            columns += [pa.field(column, kind) for column in _columns(name)]
        return pa.schema(columns, metadata={VERSION_KEY: str(SCHEMA_VERSION)})

    def table_of(self, rows: Sequence[_Row]) -> pa.Table:
        """Rows as an Arrow table."""
        import pyarrow as pa

        arrays = []
        schema = self.schema
        for name in self.fields:
            values = [getattr(row, name) for row in rows]
            for part, column in enumerate(_columns(name)):
                listed = (
                    [None if v is None else v[part] for v in values] if name == PEAK else values
                )
                arrays.append(_array(listed, schema.field(column).type))
        return pa.Table.from_arrays(arrays, schema=schema)

    def read(self, path: Path, columns: Sequence[str] | None = None) -> Iterator[_Row]:
        """The rows of a file, read in parts.

        Args:
            path: of the file.
            columns: fields to read, all by default; the others have their default, or an empty
                value.

        Raises:
            SchemaError: if the file is damaged or of a newer schema.
        """
        wanted = self.fields if columns is None else tuple(columns)
        for unknown in set(wanted) - set(self.fields):
            raise ParameterError(
                f"Expected columns of {self.name} ({', '.join(self.fields)}), got {unknown!r}: "
                "leave it out."
            )
        needed = [column for name in wanted for column in _columns(name)]
        for batch in self.batches(path, needed):
            yield from self._rows(batch, wanted)

    def count(self, path: Path) -> int:
        """The number of rows of a file.

        Raises:
            SchemaError: if it is damaged.
        """
        import pyarrow.parquet as pq

        with _damage(path):
            return pq.read_metadata(path).num_rows

    def batches(self, path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The columns of a file, read in parts; columns that older files lack are left out.

        Raises:
            SchemaError: if the file is damaged or of a newer schema.
        """
        import pyarrow.parquet as pq

        with _damage(path), pq.ParquetFile(path) as file:
            _expect_known(file.schema_arrow.metadata or {}, path)
            there = file.schema_arrow.names
            read = there if columns is None else [name for name in columns if name in there]
            # A batch without columns would have no rows.
            yield from file.iter_batches(BATCH_ROWS, columns=read or ["id"])

    def write(self, path: Path, batches: Iterable[pa.RecordBatch | pa.Table]) -> None:
        """Write a file from parts, which are joined to row groups of a good size."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = self.schema
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            waiting, count = [], 0
            for batch in batches:
                waiting.append(self.completed(batch))
                count += batch.num_rows
                if count >= GROUP_ROWS:
                    writer.write_table(pa.concat_tables(waiting))
                    waiting, count = [], 0
            if waiting:
                writer.write_table(pa.concat_tables(waiting))

    def completed(self, batch: pa.RecordBatch | pa.Table) -> pa.Table:
        """A table with all columns: those that an older file lacks hold their empty value."""
        import pyarrow as pa

        schema = self.schema
        present = {name: batch.column(name) for name in batch.schema.names}
        blanks = {column: self._blanks[n] for n in self.fields for column in _columns(n)}
        arrays = [
            present[field.name]
            if field.name in present
            else pa.array([blanks[field.name]] * batch.num_rows, field.type)
            for field in schema
        ]
        return pa.Table.from_arrays(arrays, schema=schema)

    def _rows(self, batch: pa.RecordBatch, wanted: Sequence[str]) -> Iterator[_Row]:
        read = set(batch.schema.names)
        values: list[Iterable[Any]] = []
        for name in self.fields:
            columns = _columns(name)
            if name not in wanted or columns[0] not in read:
                values.append(repeat(self._blanks[name], batch.num_rows))
                continue
            listed = [batch.column(column).to_pylist() for column in columns]
            pairs = zip(*listed, strict=True)
            values.append(
                [None if p[0] is None else p for p in pairs] if name == PEAK else listed[0]
            )
        make: Callable[..., _Row] = self.row_class
        return map(make, *values)


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Convert errors of reading a file to a SchemaError with a remedy."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise SchemaError(
            f"Expected rows of an audit in {path}, got {type(error).__name__}: {error}. Remove "
            "the file from answers/ and words/, and give the command again for what it held."
        ) from error


def _columns(name: str) -> tuple[str, ...]:
    return PEAK_COLUMNS if name == PEAK else (name,)


def _blank(field: Any) -> Any:
    """What stands in a field that was not read."""
    if field.default is not MISSING:
        return field.default
    return {"str": "", "int": 0, "float": 0.0, "bool": False}[field.type]


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        # A lone surrogate, from half of a character in a broken token.
        return pa.array([v.encode("utf-8", "replace").decode() for v in values], kind)


def _expect_known(metadata: dict[bytes, bytes], path: Path) -> None:
    version = metadata.get(VERSION_KEY, b"").decode()
    if not version.isdigit() or int(version) > SCHEMA_VERSION:
        raise SchemaError(
            f"Expected rows of an audit of schema {SCHEMA_VERSION} or older, got "
            f"{version or None!r} in {path}: update seewhy, or choose another folder."
        )


ANSWERS = RowTable(
    "answers",
    AnswerRow,
    {
        "generated": "bool_",
        "thumbnail": "binary",
        **dict.fromkeys(("width", "height"), "int32"),
        "seconds": "float64",
    },
)
WORDS = RowTable(
    "words",
    WordRow,
    {
        **dict.fromkeys(("word", "start", "end", "map_height", "map_width"), "int32"),
        **dict.fromkeys(("probability", "support", "visual_share", "peak", "iou"), "float64"),
        **dict.fromkeys(("supported", "pointing"), "bool_"),
        "map": "binary",
    },
)
