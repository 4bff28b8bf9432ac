"""Data sets to audit: one file each, found by file name; `open_source` opens one by its spec."""

from __future__ import annotations

import re
from pathlib import Path

from seewhy.audit.sources._base import BaseSource
from seewhy.core.errors import DatasetError
from seewhy.core.paths import expanded
from seewhy.core.registry import Registry
from seewhy.core.suggestions import did_you_mean

__all__ = ["SOURCES", "BaseSource", "open_source"]

SOURCES: Registry[BaseSource] = Registry(
    "seewhy.audit.sources", BaseSource, "source", group="seewhy.audit.sources"
)

_OPTION = re.compile(r"[a-z_]+\s*=")
_BETWEEN = re.compile(r"[,&](?=\s*[a-z_]+\s*=)")
"""Between two options: a prompt may have commas."""


def open_source(text: str, answers: Path | str | None = None) -> BaseSource:
    """Open a data set to audit.

    Args:
        text: a name, after a colon a path, and options after a question mark or a comma:
            `pope:FOLDER`, `pope:FOLDER?split=adversarial`, `pope:FOLDER,split=adversarial`,
            `testbed:count=20`. Or a path alone, with or without options, whose content tells the
            name.
        answers: file of given answers, in the benchmark's own format; None for none.

    Returns:
        The source. It fulfils `seewhy.audit.source.Source`.

    Raises:
        UnknownNameError: if no source has the name; near matches are given.
        DatasetError: if the path, the answers or an option cannot be used, or if a path alone
            belongs to no source or to several.

    Example:
        >>> source = open_source("testbed:count=2")
        >>> [row.id for row in source.rows()]
        ['heldout-0', 'heldout-1']
    """
    given = expanded(answers) if answers is not None else None
    name, colon, rest = text.partition(":")
    is_named = bool(re.fullmatch(r"\s*[\w-]+\s*", name)) and (
        bool(colon) or not expanded(text).exists()
    )
    place, values = _place_and_options(rest if is_named else text, text)
    if is_named and (colon or name.strip() in SOURCES.names()):
        source_class = SOURCES.get(name.strip())
    else:
        source_class = _recognised(place)
    return source_class(expanded(place) if place else None, given=given, **values)


def _place_and_options(rest: str, text: str) -> tuple[str, dict[str, str]]:
    """The path and the options by name."""
    if expanded(rest).exists():
        return rest, {}
    place, mark, options = rest.partition("?")
    if not mark:
        parts = rest.split(",")
        first = next((n for n, part in enumerate(parts) if _OPTION.match(part.strip())), None)
        cut = len(parts) if first is None else first
        place, options = ",".join(parts[:cut]), ",".join(parts[cut:])
    values: dict[str, str] = {}
    for option in filter(None, _BETWEEN.split(options)):
        key, _, value = option.partition("=")
        if not (key.strip() and value.strip()) or key.strip() in values:
            raise DatasetError(
                f"Expected options like limit=100 in {text!r}, each once, got {option!r}: "
                "write name=value."
            )
        values[key.strip()] = value.strip()
    if "given" in values:  # the name of an argument, and of no option
        raise DatasetError(f"Expected no option given in {text!r}: give the file as answers.")
    return place.strip(), values


def _recognised(place: str) -> type[BaseSource]:
    """The only source to which a path belongs."""
    path, names = expanded(place), ", ".join(SOURCES.names())
    if not path.exists():
        near = did_you_mean(place, SOURCES.names())
        raise DatasetError(
            f"Expected data to audit, got {place!r}, which is neither a path nor one of {names}: "
            + (near or "check the path, or write NAME:PATH.")
        )
    found = [source for source in SOURCES if source.recognises(path)]
    if len(found) == 1:
        return found[0]
    got = " and ".join(source.name for source in found) or "none of them"
    raise DatasetError(
        f"Expected data whose layout tells its name, got {place!r}, which could be {got}: write "
        f"NAME:{place} with one of {names}."
    )
