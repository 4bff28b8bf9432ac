"""The base class of audits' data sets: rows of a file or folder, with answers joined to them."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._answers import Answer, joined, read_answers
from seewhy.audit.sources._fields import text_field
from seewhy.core.errors import DatasetError
from seewhy.core.paths import expanded
from seewhy.datasets._options import choice, expect_options, whole

COMMON = ("start", "limit")
"""Options of every source: the first row, from 0, and how many at most."""


class BaseSource(ABC):
    """Rows to audit: one file with one final class, found by its file name.

    Opening reads little; the rows are streamed. A source can be sent to other processes, where
    rows are judged.

    Class attributes:
        name: the registry name, such as `"pope"`.
        summary: one sentence.
        layout: what the place must be, for errors.
        options: names of its options besides `start` and `limit`.
        version: changes when the same files give other rows or truths.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    layout: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int] = 1

    def __init__(self, place: Path | None, /, *, given: Path | None = None, **options: str) -> None:
        """Open the source.

        Args:
            place: the file or folder; None for a source that needs none.
            given: a file of answers, or None.
            **options: of the spec, such as `split="adversarial"`.

        Raises:
            DatasetError: if the place, the answers or an option cannot be used.
        """
        expect_options(options, (*self.options, *COMMON))
        self._place = self._checked(place)
        self._given = _existing(given) if given is not None else None
        self._options = dict(options)
        self._start = whole(options, "start", 0)
        self._limit = whole(options, "limit", 0, least=1) if "limit" in options else None
        self._open()

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """Whether a path without a name is clearly of this layout."""
        return False

    @property
    def fingerprint(self) -> str:
        """Of the index files, the answers, the options and the reader's version."""
        hashed = hashlib.sha256(json.dumps([self.version, self._options], sort_keys=True).encode())
        for path in (*self._files(), *([self._given] if self._given else [])):
            with path.open("rb") as file:
                hashed.update(hashlib.file_digest(file, "sha256").digest())
        hashed.update(self._more_facts().encode())
        return f"{self.name}-{hashed.hexdigest()[:16]}"

    def rows(self) -> Iterator[SourceRow | BadRow]:
        """All rows, streamed with bounded memory; a bad row never ends the stream.

        With given answers, a row without an answer is a bad one, and so is an answer without a row.
        """
        stop = None if self._limit is None else self._start + self._limit
        rows = islice(self._rows(), self._start, stop)
        return rows if self._given is None else self._joined(rows)

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """What is true of an answer to a row; nothing by default.

        Raises:
            SampleError: if the row's masks cannot be read.
        """
        return Judged()

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """The benchmark's figures; none by default."""
        return {}

    # For sources

    @abstractmethod
    def _rows(self) -> Iterator[SourceRow | BadRow]:
        """All rows without given answers."""

    @abstractmethod
    def _open(self) -> None:
        """Read the options and find the index files."""

    def _files(self) -> Sequence[Path]:
        """Files whose bytes are part of the fingerprint."""
        return ()

    def _more_facts(self) -> str:
        """Further text of the fingerprint."""
        return ""

    def _needs_place(self) -> bool:
        return True

    def _answer_key(self, entry: Mapping[str, Any]) -> str:
        """What names an answer's row; raises `SampleError`."""
        id = entry.get("id")
        is_number = isinstance(id, int) and not isinstance(id, bool)
        return str(id) if is_number else text_field(entry, "id")

    def _row_key(self, row: SourceRow) -> str:
        """What names a row's answer."""
        return row.id

    def _adopted(self, row: SourceRow, answer: Answer) -> SourceRow:
        """The row with its answer."""
        return replace(row, answer=answer.text)

    def _joined(self, rows: Iterator[SourceRow | BadRow]) -> Iterator[SourceRow | BadRow]:
        assert self._given is not None
        answers = read_answers(self._given, self._answer_key)
        return joined(rows, answers, self._row_key, self._adopted, surplus=self._is_whole())

    def _is_whole(self) -> bool:
        """Whether all rows are read, and not a part of them."""
        return self._limit is None and not self._start

    def _choice(self, name: str, known: Sequence[str]) -> str:
        """The option's value, one of `known`; the first by default."""
        return choice(self._options, name, known)

    def _path_option(self, name: str) -> Path | None:
        """The file that an option names, or None; relative to the folder or the current one.

        Raises:
            DatasetError: if there is no such file.
        """
        value = self._options.get(name)
        if value is None:
            return None
        for path in (expanded(value), self._root / value):
            if path.is_file():
                return path
        raise DatasetError(f"Expected a file as {name}, got {value!r}: check the path.")

    @property
    def _root(self) -> Path:
        """The folder of the data."""
        place = self._place or Path()
        return place if place.is_dir() else place.parent

    def _found(self, *patterns: str, among: Sequence[str] = ("", "annotations")) -> list[Path]:
        """The place itself if it is a file, or the files that match in some folders of it."""
        if self._place is not None and self._place.is_file():
            return [self._place]
        return matching(self._root, patterns, among)

    def _expect(self, *patterns: str, among: Sequence[str] = ("", "annotations")) -> list[Path]:
        """As `_found`, at least one.

        Raises:
            DatasetError: if there is none.
        """
        found = self._found(*patterns, among=among)
        if not found:
            raise DatasetError(
                f"Expected {' or '.join(patterns)} in {self._root}, got no such file: DATA must "
                f"be {self.layout}."
            )
        return found

    def _checked(self, place: Path | None) -> Path | None:
        if not self._needs_place():
            if place is not None:
                raise DatasetError(
                    f"Expected no path for {self.name}, got {place}: give options only, such as "
                    f"{self.name}:limit=10."
                )
            return None
        if place is None or not place.exists():
            got = "none" if place is None else f"{str(place)!r}, which does not exist"
            raise DatasetError(
                f'Expected a path for the data "{self.name}", got {got}: write '
                f'"{self.name}:PATH"; it must be {self.layout}.'
            )
        return place


def matching(root: Path, patterns: Sequence[str], among: Sequence[str]) -> list[Path]:
    """The files of some subfolders that match one of the patterns, in order of their names."""
    found = (path for sub in among for pattern in patterns for path in (root / sub).glob(pattern))
    return sorted({path for path in found if path.is_file()})


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise DatasetError(f"Expected a file of answers, got {str(path)!r}: check the path.")
    return path
