"""Checked access to the fields of an entry; a fault makes its row a bad one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from seewhy.audit.source import BadRow, SourceRow
from seewhy.audit.sources._stream import Entry
from seewhy.core.errors import SampleError
from seewhy.datasets._files import unusable

BROKEN = "not valid JSON"
MALFORMED = "a field is missing or of another type"


def expect_object(value: Any, what: str = "an entry") -> Mapping[str, Any]:
    """The value, if it is a JSON object.

    Raises:
        SampleError: "a field is missing or of another type".
    """
    if not isinstance(value, Mapping):
        raise unusable(MALFORMED, f"Expected an object as {what}, got {shown(value)}.")
    return value


def text_field(entry: Mapping[str, Any], *names: str) -> str:
    """The first of the named fields that is there, which must be text that is not blank.

    Raises:
        SampleError: "a field is missing or of another type".
    """
    value = None
    for name in names:
        value = entry.get(name)
        if value is not None:
            break
    if not isinstance(value, str) or not value.strip():
        wanted = " or ".join(f'"{name}"' for name in names)
        raise unusable(MALFORMED, f"Expected text as {wanted}, got {shown(value)}.")
    return value.strip()


def number_field(entry: Mapping[str, Any], name: str) -> int:
    """A whole number, also written as text.

    Raises:
        SampleError: "a field is missing or of another type".
    """
    value = entry.get(name)
    try:
        if isinstance(value, bool | float):
            raise ValueError
        return int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise unusable(
            MALFORMED, f'Expected a whole number as "{name}", got {shown(value)}.'
        ) from None


def list_field(entry: Mapping[str, Any], name: str) -> list[Any]:
    """A list.

    Raises:
        SampleError: "a field is missing or of another type".
    """
    value = entry.get(name)
    if not isinstance(value, list):
        raise unusable(MALFORMED, f'Expected a list as "{name}", got {shown(value)}.')
    return value


def shown(value: Any) -> str:
    """A value in an error, cut to 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def as_bad_row(id: str, error: SampleError) -> BadRow:
    """The bad row of an error: its message is the reason, its notes are the detail."""
    return BadRow(id, str(error), "\n".join(getattr(error, "__notes__", ())))


def mapped(
    found: Iterable[Entry],
    make: Callable[[Entry], SourceRow | Iterable[SourceRow]],
    where: str = "",
) -> Iterator[SourceRow | BadRow]:
    """The rows of entries; an entry that cannot be used is a bad row.

    Args:
        found: the entries.
        make: gives an entry's row or rows; raises `SampleError`.
        where: name of the file, to tell the entries of several files apart.
    """
    for entry in found:
        id = f"{where} {entry.place}".strip()
        if entry.problem:
            yield BadRow(id, BROKEN, entry.problem)
            continue
        try:
            made = make(entry)
            yield from (made,) if isinstance(made, SourceRow) else list(made)
        except SampleError as error:
            yield as_bad_row(id, error)
