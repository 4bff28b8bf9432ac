"""Options of data sets, their checks, and fingerprints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from seewhy.core.errors import DatasetError, SampleError
from seewhy.core.suggestions import unknown_name_message
from seewhy.datasets._words import TAGS, Tagger

T = TypeVar("T")

COMMON = ("start", "limit", "answers", "tagger")
"""Options of every data set in a folder.

`start` and `limit` choose samples by their index; `answers` is `model` (default: the
model answers) or `reference`; `tagger` is one of `seewhy.datasets._words.TAGS`.
"""


def expect_options(options: Mapping[str, str], known: Sequence[str]) -> None:
    """Check that all options are known.

    Raises:
        DatasetError: if an option is unknown; the message gives near matches.
    """
    for name in options:
        if name not in known:
            raise DatasetError(unknown_name_message("data set's option", name, tuple(known)))


def choice(options: Mapping[str, str], name: str, known: Sequence[str]) -> str:
    """The option's value, one of `known`; the first of them by default.

    Raises:
        DatasetError: if it is not one of them.
    """
    value = options.get(name, known[0])
    if value not in known:
        raise DatasetError(
            f"Expected {name} to be one of {', '.join(known)}, got {value!r}: choose one of them."
        )
    return value


def answers(options: Mapping[str, str]) -> bool:
    """Whether the option `answers` is `reference`."""
    return choice(options, "answers", ("model", "reference")) == "reference"


def tagger_name(options: Mapping[str, str]) -> str:
    """The option `tagger`."""
    return choice(options, "tagger", tuple(TAGS))


def whole(options: Mapping[str, str], name: str, default: int, *, least: int = 0) -> int:
    """The option's value, a whole number of at least `least`.

    Raises:
        DatasetError: if it is something else.
    """
    value = options.get(name, str(default))
    if not (value.isascii() and value.isdecimal() and int(value) >= least):
        raise DatasetError(
            f"Expected {name} to be a whole number of at least {least}, got {value!r}: "
            "give digits only."
        )
    return int(value)


def window(options: Mapping[str, str], entries: Sequence[T], index: Path) -> Sequence[T]:
    """The entries from index `start` (default 0), at most `limit` of them (default all).

    Raises:
        DatasetError: if there are none.
    """
    start = whole(options, "start", 0)
    chosen = entries[start : start + whole(options, "limit", max(1, len(entries)), least=1)]
    if not chosen:
        raise DatasetError(
            f"Expected samples from place {start} on in {index}, got {len(entries)} in all: "
            "fill the index, or start earlier."
        )
    return chosen


def folder_of(place: Path | None, name: str, layout: str) -> Path:
    """Check the folder of a data set and return it.

    Raises:
        DatasetError: if it is None or not a folder.
    """
    if place is None or not place.is_dir():
        got = "none" if place is None else f"{str(place)!r}, which is not one"
        raise DatasetError(
            f'Expected a folder for the data set "{name}", got {got}: '
            f'write "{name}:FOLDER"; it must hold {layout}.'
        )
    return place


def expect_id(id: str, known: Container[str]) -> None:
    """Check that a data set has a sample of this id.

    Raises:
        SampleError: if the id is unknown.
    """
    if id not in known:
        raise SampleError(f"Expected an id of this data set, got {id!r}: take one of its `ids`.")


def fingerprint(
    name: str, version: int, index: Sequence[Path], tagger: Tagger, **facts: object
) -> str:
    """The data set's name and a hash of everything that determines its samples.

    Args:
        name: of the data set.
        version: of the reader: it changes when the same files give other samples.
        index: files whose bytes are hashed.
        tagger: its name is hashed.
        **facts: other values that change samples.
    """
    facts |= {"version": version, "tagger": tagger.name}
    hashed = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for path in index:
        with path.open("rb") as file:
            hashed.update(hashlib.file_digest(file, "sha256").digest())
    return f"{name}-{hashed.hexdigest()[:16]}"
