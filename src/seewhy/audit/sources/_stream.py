"""Streams the entries of large JSON files: JSON Lines, an array, or an array inside an object.

Memory stays bounded, whatever the size of the file. A broken entry is returned as such, and reading
goes on with the next one. An entry has its bytes' offsets, so that it can be read again later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""An escaped half of a character; without its other half, the text cannot be stored."""
_DECODER = json.JSONDecoder()
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


def entries(path: Path, limit: int = MAX_ENTRY) -> Iterator[Entry]:
    """The entries of a file, in order.

    Args:
        path: JSON Lines, or an array, whatever the ending says; empty lines are skipped.
        limit: bytes of the longest line.

    Raises:
        DatasetError: if the file cannot be read.
    """
    with _opened(path) as file:
        if _first_byte(file) == b"[":
            scanner = _Scanner(file)
            scanner.enter(())
            yield from _elements(scanner)
        else:
            yield from _lines(file, limit)


def members(path: Path, keys: Sequence[str]) -> Iterator[tuple[str, Entry]]:
    """The entries of arrays inside the top object of a file, in the file's order.

    Args:
        path: one JSON object.
        keys: its members that are read, each a list; others are passed over.

    Yields:
        The member's name and an entry.

    Raises:
        DatasetError: if the file cannot be read, or has no such list.
    """
    missing = list(keys)
    with _opened(path) as file:
        _first_byte(file)
        scanner = _Scanner(file)
        while missing and (key := scanner.enter(missing)):
            missing.remove(key)
            for entry in _elements(scanner):
                yield key, entry
    _expect_found(path, missing)


def short_lists(path: Path, keys: Sequence[str]) -> dict[str, list[Any]]:
    """Lists of texts or numbers inside the top object of a large file.

    Raises:
        DatasetError: if one is missing or broken.
    """
    found: dict[str, list[Any]] = {}
    with _opened(path) as file:
        _first_byte(file)
        scanner = _Scanner(file)
        while len(found) < len(keys) and (
            key := scanner.enter([k for k in keys if k not in found])
        ):
            value, problem = _parsed(scanner.rest_of_list())
            if problem or not isinstance(value, list):
                raise DatasetError(
                    f'Expected a list "{key}" in {path}, got a broken one ({problem}): get the '
                    "file again."
                )
            found[key] = value
    _expect_found(path, [key for key in keys if key not in found])
    return found


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


def first_value(path: Path) -> Any:
    """The first entry's value, to recognise a file; None if there is none that can be read."""
    try:
        return next((entry.value for entry in entries(path, MAX_ELEMENT)), None)
    except DatasetError:
        return None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise DatasetError(
            f"Expected to read {path}, got {error.strerror}: check the path and its permissions."
        ) from error


def _expect_found(path: Path, missing: Sequence[str]) -> None:
    if missing:
        names = " and ".join(f'"{key}"' for key in missing)
        raise DatasetError(
            f"Expected lists {names} in {path}, got none: check that it is the right file."
        )


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


def _lines(file: BinaryIO, limit: int) -> Iterator[Entry]:
    number, start = 0, file.tell()
    while line := file.readline(limit):
        number += 1
        end = start + len(line)
        long = len(line) == limit and not line.endswith(b"\n")
        while long and (rest := file.readline(CHUNK)):
            end += len(rest)
            if rest.endswith(b"\n"):
                break
        if not line.isspace():
            value, problem = (None, _too_long(limit)) if long else _parsed(line)
            yield Entry(f"line {number}", number, start, end, value, problem)
        start = end


def _elements(scanner: _Scanner) -> Iterator[Entry]:
    number, first_key = 0, b""
    while (bounds := scanner.next()) is not None:
        number += 1
        start, end, problem = bounds
        text = scanner.text(start, end)
        value, fault = (None, problem) if problem else scanner.value_of(text)
        if not first_key and (match := _FIRST_KEY.match(text)):
            first_key = match.group(1)
        if fault:
            scanner.resume(start, end, first_key)
        yield Entry(f"entry {number}", number, start, end, value, fault)


def _parsed(text: bytes) -> tuple[Any, str]:
    """The value, and "" or the problem."""
    try:
        value = json.loads(text.decode("utf-8"))
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # fails for half a pair
        return value, ""
    except RecursionError:
        return None, "nested too deep to read"
    except ValueError as error:  # also for bytes that are not UTF-8
        shown = text.strip()[:80].decode("utf-8", "replace")
        return None, f"{error}: {shown}"


def _too_long(limit: int) -> str:
    return f"longer than {limit >> 20} MiB, or not closed"


class _Scanner:
    """Finds arrays and their elements in a window of the file's bytes.

    An element is read by the standard parser where it is whole and sound. Where it is not, its end
    is found by counting brackets, so that a broken element does not end the array.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._base = file.tell()  # offset of the window's first byte
        self._data = b""
        self._text = ""  # the same, one character a byte, for the parser
        self._at = 0  # where the next search begins, in the window
        self._inside = False  # in an array
        self._last: tuple[int, Any] = (-1, None)  # end and value of the element that was parsed
        self._depth = 0  # outside of arrays

    def enter(self, keys: Sequence[str]) -> str:
        """Go into the next of these members of the top object; "" at the end of the file.

        Without keys, into the top array; the result is "" then.
        """
        wanted, last = {json.dumps(key).encode(): key for key in keys}, b""
        while True:
            match = _TOKEN.search(self._data, self._at)
            if match is None or match.group() == b'"':
                at = match.start() if match else len(self._data)
                if len(self._data) - at > MAX_ELEMENT or not self._more(at):
                    return ""
                continue
            token, self._at = match.group(), match.end()
            if token == b"[" and self._depth == (1 if keys else 0):
                self._inside = True
                if not keys or last in wanted:
                    return wanted.get(last, "")
                while self.next() is not None:  # another member
                    pass
            else:
                self._depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token, 0)
            last = token if token[:1] == b'"' else b""

    def next(self) -> tuple[int, int, str] | None:
        """The next element's first byte, the byte after its last, and a problem or ""."""
        opened, start, at, blank = bytearray(), -1, self._at, self._at
        while self._inside:
            match = _TOKEN.search(self._data, at)
            if match is None or match.group() == b'"':  # perhaps a string that is cut off
                keep = blank if start < 0 else start
                at = match.start() if match else len(self._data)
                if len(self._data) - keep > MAX_ELEMENT or not self._more(keep):
                    return self._unclosed(keep)
                at, blank = at - keep, blank - keep
                start = 0 if start >= 0 else -1
                continue
            token, at = match.group()[:1], match.end()
            if not opened and token in b"{[]":
                if self._data[blank : match.start()].strip(_BLANK):
                    return self._element(blank, match.start(), "no object, but other text")
                if token == b"]":
                    self._at, self._inside = at, False
                    return None
                start = match.start()
                if (end := self._sound(start)) is not None:
                    return self._element(start, end, "")
            if token in b"{[":
                opened += token
            elif opened and opened[-1:] + token in (b"{}", b"[]"):  # another one is passed over
                del opened[-1:]
                if not opened:
                    return self._element(start, at, "")
        return None

    def text(self, start: int, end: int) -> bytes:
        """The bytes of the element that `next` gave last."""
        return self._data[start - self._base : end - self._base]

    def value_of(self, text: bytes) -> tuple[Any, str]:
        """The value of that element, and "" or the problem."""
        end, value = self._last
        if end == self._base + self._at and text.isascii() and not _SURROGATE.search(text):
            return value, ""
        return _parsed(text)

    def resume(self, start: int, end: int, first_key: bytes) -> None:
        """After a broken element, go on where the next one seems to begin.

        Elements of one array begin with the same key, so an object with that key begins one.
        """
        if not first_key:
            return
        begins = re.compile(rb"\{\s*" + re.escape(first_key) + rb"\s*:")
        match = begins.search(self._data, start - self._base + 1, end - self._base)
        if match is not None:
            self._at, self._inside = match.start(), True

    def rest_of_list(self) -> bytes:
        """The array that was entered, if its elements are texts or numbers."""
        while (end := self._data.find(b"]", self._at)) < 0:
            if len(self._data) - self._at > MAX_ELEMENT or not self._more(self._at):
                return b""
        text = b"[" + self._data[self._at : end + 1]
        self._at, self._inside = end + 1, False
        return text

    def _sound(self, start: int) -> int | None:
        """Where the element that begins here ends, if it is whole and valid."""
        try:
            value, end = _DECODER.raw_decode(self._text, start)
        except (ValueError, RecursionError):
            return None
        self._last = (self._base + end, value)
        return end

    def _element(self, start: int, end: int, problem: str) -> tuple[int, int, str]:
        self._at = end
        return self._base + start, self._base + end, problem

    def _unclosed(self, start: int) -> tuple[int, int, str]:
        """What is left where the file, or the longest possible element, ends."""
        end = len(self._data)
        if end - start <= MAX_ELEMENT:
            self._inside = False
            if not self._data[start:end].strip(_BLANK):
                return self._element(start, end, "the file ends before its array does")
        return self._element(start, end, _too_long(MAX_ELEMENT))

    def _more(self, keep: int) -> bool:
        """Read on, and drop what stands before `keep`; False at the end of the file."""
        chunk = self._file.read(CHUNK)
        if not chunk:
            return False
        self._data = self._data[keep:] + chunk
        self._text = self._data.decode("latin-1")
        self._base += keep
        self._at = 0
        return True
