"""The words with the least support, kept while all words stream by."""

from __future__ import annotations

from dataclasses import replace

from seewhy.audit.schema import WordRow

UNSUPPORTED_BELOW = 0.5
"""A word is unsupported where its support is below this."""

Key = tuple[float, float, str, int]


def is_unsupported(row: WordRow) -> bool:
    """Whether the picture does not bear the word out, by its verdict."""
    return row.support < UNSUPPORTED_BELOW


def badness(row: WordRow) -> Key:
    """Sorts words, the worst first: little support, then a high probability, then their ids."""
    return row.support, -row.probability, row.id, row.word


class Worst:
    """The worst words of those that were added; no more than twice `size` are held.

    What a verdict rests on is left out of the rows that are kept.

    Args:
        size: how many to keep, at least 1.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._kept: list[tuple[Key, WordRow]] = []
        self._limit: Key | None = None

    def add(self, row: WordRow) -> None:
        """Keep a word if it is among the worst so far."""
        key = badness(row)
        if self._limit is not None and key >= self._limit:
            return
        self._kept.append((key, replace(row, because="")))
        if len(self._kept) >= 2 * self.size:
            self._trim()

    def rows(self) -> tuple[WordRow, ...]:
        """The worst words, the worst first."""
        self._trim()
        return tuple(row for _, row in self._kept)

    def _trim(self) -> None:
        self._kept.sort(key=lambda pair: pair[0])
        del self._kept[self.size :]
        if len(self._kept) == self.size:
            self._limit = self._kept[-1][0]
