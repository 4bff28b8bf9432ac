"""The other explanations of a figure, as they are handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seewhy.core.errors import ParameterError
from seewhy.core.record import Record


def other_records(given: Any, kind: type) -> list[Record] | dict[str, Record]:
    """The records of explanations in a list, or in a mapping with their names.

    Args:
        given: explanations, or a mapping from names to them.
        kind: the class of an explanation.

    Raises:
        ParameterError: if something else is among them, such as a method's name.
    """
    if isinstance(given, Mapping):
        return {str(name): _record(one, kind) for name, one in given.items()}
    if isinstance(given, kind):
        return [_record(given, kind)]
    if isinstance(given, str) or not isinstance(given, Sequence):
        given = [given]
    return [_record(one, kind) for one in given]


def _record(one: Any, kind: type) -> Record:
    if not isinstance(one, kind):
        raise ParameterError(
            f"Expected other explanations of this answer, got {one!r}: an explanation holds the "
            "maps of one method. explainer.figure(image, prompt, methods=[...]) explains an answer "
            "by several methods."
        )
    return one.record
