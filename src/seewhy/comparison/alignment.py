"""Which words of several answers stand beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

Row = tuple[int | None, ...]
"""For each answer the number of its word, or None where it has no such word."""


def aligned(answers: Sequence[Sequence[str]]) -> tuple[Row, ...]:
    """Rows of equal words of several answers, in reading order.

    The answers are merged one after the other: each is compared with the rows so far, word by word,
    as a diff of texts does. Words that it shares with them join their rows; its others get rows of
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
    rows: list[list[int | None]] = []
    for number, words in enumerate(answers):
        texts, rows = _merged(texts, rows, list(words), number)
    width = len(answers)
    return tuple((*row, *[None] * (width - len(row))) for row in rows)


def _merged(
    texts: list[str], rows: list[list[int | None]], words: list[str], number: int
) -> tuple[list[str], list[list[int | None]]]:
    """The rows with one more answer."""
    merged_texts: list[str] = []
    merged: list[list[int | None]] = []
    matcher = SequenceMatcher(None, texts, words, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        merged_texts += texts[i1:i2]
        if kind == "equal":
            merged += [[*row, j] for row, j in zip(rows[i1:i2], range(j1, j2), strict=True)]
            continue
        merged += [[*row, None] for row in rows[i1:i2]]
        merged_texts += words[j1:j2]
        merged += [[*[None] * number, j] for j in range(j1, j2)]
    return merged_texts, merged
