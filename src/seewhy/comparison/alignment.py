"""Which words of several answers stand beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.answer_diff import equal_blocks

Row = tuple[int | None, ...]
"""For each answer the number of its word, or None where it has no such word."""


def aligned(answers: Sequence[Sequence[str]]) -> tuple[Row, ...]:
    """Rows of equal words of several answers, in reading order.

    The answers are merged one after the other: each is compared with the rows so far, word by word,
    as `seewhy.diff_of` does. Words that it shares with them join their rows; its others get rows of
    their own, behind what they replace.

    Args:
        answers: the texts of each answer's words.

    Returns:
        Each word of each answer stands in one row; the words of an answer stay in order.

    Example:
        >>> aligned([["a", "red", "cup"], ["a", "cup"], ["a", "blue", "cup"]])
        ((0, 0, 0), (1, None, None), (None, None, 1), (2, 1, 2))
    """
    texts: list[str] = []
    rows: list[Row] = []
    for number, words in enumerate(answers):
        texts, rows = _merged(texts, rows, list(words), number)
    return tuple(rows)


def _merged(
    texts: list[str], rows: list[Row], words: list[str], number: int
) -> tuple[list[str], list[Row]]:
    """The rows, with texts, after one more answer."""
    merged_texts: list[str] = []
    merged: list[Row] = []
    at, to = 0, 0
    for start, other, length in (*equal_blocks(texts, words), (len(texts), len(words), 0)):
        merged_texts += texts[at:start] + words[to:other] + texts[start : start + length]
        merged += [(*row, None) for row in rows[at:start]]
        merged += [(*[None] * number, word) for word in range(to, other)]
        merged += [(*rows[start + n], other + n) for n in range(length)]
        at, to = start + length, other + length
    return merged_texts, merged
