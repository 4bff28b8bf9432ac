"""The verdicts of a record's words."""

from __future__ import annotations

from collections.abc import Iterable

from seewhy.core.errors import InputError
from seewhy.core.record import Record
from seewhy.core.verdict import Verdict


def verdicts_of(record: Record) -> tuple[Verdict | None, ...]:
    """One for each word of the answer; None for words that were not diagnosed.

    Raises:
        InputError: if the whole record was not diagnosed.
    """
    if record.verdicts is None:
        raise InputError(
            "Expected an explanation with verdicts, got one without: explain again with "
            "explain(..., diagnose=True), or --diagnose on the command line."
        )
    return record.verdicts


def last_verdict(record: Record, words: Iterable[int]) -> Verdict | None:
    """The verdict of the last of some words that has one, or None.

    Args:
        record: what was explained.
        words: indices of words of the answer, in order.

    Raises:
        InputError: if the record was not diagnosed.
    """
    verdicts = verdicts_of(record)
    own = [verdicts[index] for index in words]
    return next((verdict for verdict in reversed(own) if verdict is not None), None)


def worst_word(record: Record) -> int | None:
    """The word with the smallest support; None if none has a verdict.

    Words of a thinking block come after all others. Of equal ones the first with a verdict of its
    own: a colour that shares its thing's verdict comes after the thing.

    Raises:
        InputError: if the record was not diagnosed.
    """
    verdicts, thinking = enumerate(verdicts_of(record)), record.thinking_words
    ranked = [
        (index in thinking, verdict.support, verdict.because.noun is not None, index)
        for index, verdict in verdicts
        if verdict is not None
    ]
    return min(ranked)[-1] if ranked else None
