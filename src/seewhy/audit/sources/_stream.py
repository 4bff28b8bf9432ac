"""Streams the entries of large JSON files: JSON Lines, an array, or an array inside an object.

Memory stays bounded, whatever the size of the file. A broken entry is returned as such, and reading
goes on with the next one. An entry has its bytes' offsets, so that it can be read again later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from seewhy.core.errors import DatasetError

CHUNK = 1 << 20
"""Bytes that are read at once."""
MAX_ENTRY = 100 << 20
"""Bytes of the longest entry of JSON Lines, such as a logged request with its pictures."""
MAX_ELEMENT = 16 << 20
"""Bytes of the longest element of an array. A longer one is unbalanced, or not of these data."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}"]', re.DOTALL)
_FIRST_KEY = re.compile(rb'\{\s*("(?:[^"\\]|\\.)*")\s*:', re.DOTALL)
_BLANK = b" \t\r\n,"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a file.

    Attributes:
        place: where it stands, such as "line 17" or "entry 17", from 1.
        number: the same as a number.
        start, end: its bytes in the file.
        value: its JSON value; None for a broken entry.
        problem: why it is broken; "" if it is not.
    """

    place: str
    number: int
    start: int
    end: int
    value: Any = None
    problem: str = ""


def entries(path: Path, key: str = "") -> Iterator[Entry]:
    """The entries of a file, in order.

    Args:
        path: JSON Lines, or an array, whatever the ending says; empty lines are skipped.
        key: the member of the top object that holds the array; "" where there is no such object.

    Raises:
        DatasetError: if the file cannot be read, or has no such array.
    """
    try:
        with path.open("rb") as file:
            first = _first_byte(file)
            if key or first == b"[":
                yield from _elements(_Array(file, path, key))
            else:
                yield from _lines(file)
    except OSError as error:
        raise DatasetError(
            f"Expected to read {path}, got {error.strerror}: check the path and its permissions."
        ) from error


def entry_at(path: Path, start: int, end: int) -> Any:
    """The value of one entry, by the offsets that `entries` gave.

    Raises:
        DatasetError: if the file has changed since.
    """
    with path.open("rb") as file:
        file.seek(start)
        value, problem = _parsed(file.read(end - start))
    if problem:
        raise DatasetError(
            f"Expected an entry at byte {start} of {path}, got something else ({problem}): the "
            "file was changed during the audit, start it anew."
        )
    return value


def first_value(path: Path, key: str = "") -> Any:
    """The first entry's value, to recognise a file; None if there is none that can be read."""
    try:
        return next((entry.value for entry in entries(path, key)), None)
    except DatasetError:
        return None


def _first_byte(file: BinaryIO) -> bytes:
    """The first byte that is no blank; the file is left after a byte order mark."""
    offset = len(_BOM) if file.read(3) == _BOM else 0
    file.seek(offset)
    first = b""
    while (byte := file.read(1)) and byte.isspace():
        pass
    first = byte
    file.seek(offset)
    return first


def _lines(file: BinaryIO) -> Iterator[Entry]:
    number, start = 0, file.tell()
    while line := file.readline(MAX_ENTRY):
        number += 1
        end = start + len(line)
        long = len(line) == MAX_ENTRY and not line.endswith(b"\n")
        while long and (rest := file.readline(CHUNK)):
            end += len(rest)
            if rest.endswith(b"\n"):
                break
        if line.strip():
            value, problem = (None, _too_long(MAX_ENTRY)) if long else _parsed(line)
            yield Entry(f"line {number}", number, start, end, value, problem)
        start = end


def _elements(array: _Array) -> Iterator[Entry]:
    number, first_key = 0, b""
    while (bounds := array.next()) is not None:
        number += 1
        start, end, problem = bounds
        text = array.text(start, end)
        value, fault = (None, problem) if problem else _parsed(text)
        if not first_key and (match := _FIRST_KEY.match(text)):
            first_key = match.group(1)
        if fault:
            array.resume(start, end, first_key)
        yield Entry(f"entry {number}", number, start, end, value, fault)


def _parsed(text: bytes) -> tuple[Any, str]:
    """The value, and "" or the problem."""
    try:
        return json.loads(text), ""
    except RecursionError:
        return None, "nested too deep to read"
    except ValueError as error:  # also for bytes that are not UTF-8
        shown = text.strip()[:80].decode("utf-8", "replace")
        return None, f"{error}: {shown}"


def _too_long(limit: int) -> str:
    return f"longer than {limit >> 20} MiB, or not closed"


class _Array:
    """Finds the elements of an array in a window of the file's bytes."""

    def __init__(self, file: BinaryIO, path: Path, key: str) -> None:
        self._file = file
        self._base = file.tell()  # offset of the window's first byte
        self._data = b""
        self._at = 0  # where the next search begins, in the window
        self._ended = False
        self._enter(path, key)

    def next(self) -> tuple[int, int, str] | None:
        """The next element's first byte, the byte after its last, and a problem or ""."""
        depth, start, at, blank = 0, -1, self._at, self._at
        while not self._ended:
            match = _TOKEN.search(self._data, at)
            if match is None or match.group() == b'"':  # perhaps a string that is cut off
                keep = blank if start < 0 else start
                at = match.start() if match else len(self._data)
                if len(self._data) - keep > MAX_ELEMENT or not self._more(keep):
                    return self._unclosed(keep if keep == blank else start)
                at, blank = at - keep, blank - keep
                start = 0 if start >= 0 else -1
                continue
            token, at = match.group()[:1], match.end()
            if depth == 0 and token in b"{[]":
                if self._data[blank : match.start()].strip(_BLANK):
                    return self._element(blank, match.start(), "no object, but other text")
                if token == b"]":
                    self._ended = True
                    return None
                start = match.start()
            if token in b"{[":
                depth += 1
            elif token in b"]}" and depth:
                depth -= 1
                if depth == 0:
                    return self._element(start, at, "")
        return None

    def text(self, start: int, end: int) -> bytes:
        """The bytes of the element that `next` gave last."""
        return self._data[start - self._base : end - self._base]

    def resume(self, start: int, end: int, first_key: bytes) -> None:
        """After a broken element, go on where the next one seems to begin.

        Elements of one array begin with the same key, so an object with that key begins one.
        """
        if not first_key:
            return
        begins = re.compile(rb"\{\s*" + re.escape(first_key) + rb"\s*:")
        match = begins.search(self._data, start - self._base + 1, end - self._base)
        if match is not None:
            self._at, self._ended = match.start(), False

    def rest_as_text(self) -> tuple[bytes, str]:
        """The whole array up to its bracket, if it has no element but scalars; and a problem."""
        while (end := self._data.find(b"]", self._at)) < 0:
            keep = self._at
            if len(self._data) - keep > MAX_ELEMENT or not self._more(keep):
                return b"", "it does not end"
        return b"[" + self._data[self._at : end + 1], ""

    def _element(self, start: int, end: int, problem: str) -> tuple[int, int, str]:
        self._at = end
        return self._base + start, self._base + end, problem

    def _unclosed(self, start: int) -> tuple[int, int, str] | None:
        """What is left where the file, or the longest possible element, ends."""
        end = len(self._data)
        if len(self._data) - start <= MAX_ELEMENT:
            self._ended = True
            if not self._data[start:end].strip(_BLANK):
                return self._element(start, end, "the file ends before its array does")
        return self._element(start, end, _too_long(MAX_ELEMENT))

    def _more(self, keep: int) -> bool:
        """Read on, and drop what stands before `keep`; False at the end of the file."""
        chunk = self._file.read(CHUNK)
        if not chunk:
            return False
        self._data = self._data[keep:] + chunk
        self._base += keep
        self._at = 0
        return True

    def _enter(self, path: Path, key: str) -> None:
        """Go to the first byte after the array's bracket."""
        wanted, last, depth, at = json.dumps(key).encode(), b"", 0, 0
        while True:
            match = _TOKEN.search(self._data, at)
            if match is None or match.group() == b'"':
                at = match.start() if match else len(self._data)
                if len(self._data) - at > MAX_ELEMENT or not self._more(at):
                    where = f'a list "{key}"' if key else "a list"
                    raise DatasetError(
                        f"Expected {where} in {path}, got none: check that it is the right file."
                    )
                at = 0
                continue
            token, at = match.group(), match.end()
            if token == b"[" and (depth == 1 and last == wanted if key else depth == 0):
                self._at = at
                return
            depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token, 0)
            last = token if token[:1] == b'"' else b""


def scalars(path: Path, key: str) -> list[Any]:
    """A short list of texts or numbers in the top object of a large file.

    Raises:
        DatasetError: if there is none.
    """
    with path.open("rb") as file:
        array = _Array(file, path, key)
        text, problem = array.rest_as_text()
    value, fault = (None, problem) if problem else _parsed(text)
    if fault or not isinstance(value, list):
        raise DatasetError(
            f'Expected a list "{key}" in {path}, got a broken one ({fault}): get the file again.'
        )
    return value
