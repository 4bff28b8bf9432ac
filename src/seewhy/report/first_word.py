"""The word that a page opens on."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.core.record import Record
from seewhy.core.text import Word
from seewhy.diagnosis.words import is_english, units_of
from seewhy.report.function_words import FUNCTION_WORDS
from seewhy.report.spans import spans_of
from seewhy.report.word_verdicts import worst_word

DOUBTFUL = 0.5
"""Below this support the picture does not bear a word out."""

BRIGHT = 0.6
"""A word whose map is brighter than this on the answer's scale is a good one to start with."""


def first_word(record: Record) -> int:
    """The word of the answer that says most about what was asked for.

    The word of a contrast; else, of a diagnosed answer, the word that the picture clearly does not
    support; else the first word with a bright map that says something; else of these the
    brightest. Words of a thinking block, marks and function words come only where there is nothing
    else.

    Args:
        record: with one word at least.

    Returns:
        The index of the word; 0 for an answer without words.
    """
    if record.contrasts:
        return record.contrasts[0][0]
    if (doubtful := _doubtful(record)) is not None:
        return doubtful
    telling = telling_words(record)
    words = spans_of(record).words
    bright = (index for index in telling if words[index].brightness > BRIGHT)
    brightest = max(telling, key=lambda index: words[index].brightness, default=0)
    return next(bright, brightest)


def _doubtful(record: Record) -> int | None:
    if record.verdicts is None or (index := worst_word(record)) is None:
        return None
    verdict = record.verdicts[index]
    final = index in record.final_words
    return index if final and verdict is not None and verdict.support < DOUBTFUL else None


def telling_words(record: Record) -> list[int]:
    """The words of the answer that say something; all with a letter, or all, where none does."""
    final = [*record.final_words]
    says = _says_something(record.words)
    readable = (index for index in final if _is_readable(record.words[index]))
    return [index for index in final if index in says] or [*readable] or final


def _says_something(words: Sequence[Word]) -> frozenset[int]:
    """The indices of words that are no marks, no markup and no function words of any language."""
    units = units_of(words)
    if is_english(words):
        return frozenset(unit.word for unit in units)
    return frozenset(
        unit.word for unit in units if words[unit.word].text.casefold() not in FUNCTION_WORDS
    )


def _is_readable(word: Word) -> bool:
    return not word.special and any(map(str.isalnum, word.text))
