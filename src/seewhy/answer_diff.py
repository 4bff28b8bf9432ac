"""What changed between two answers, word by word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from seewhy.explanation import Explanation

CELLS_MAX = 1 << 24
"""Pairs of words up to which the longest common sequence is found: two answers of 4,096 words."""

Block = tuple[int, int, int]
"""Where equal words begin in both answers, and how many they are."""


@dataclass(frozen=True)
class AnswerChange:
    """A run of words that both answers have, or only one of them.

    Attributes:
        kind: `"same"`, `"removed"` (only in the answer before), or `"added"` (only in that after).
        text: its characters; of equal words those of the answer before.
        before: indices of its words in the answer before; empty for added words.
        after: indices of its words in the answer after; empty for removed words.
    """

    kind: str
    text: str
    before: tuple[int, ...]
    after: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """The same fields, JSON-ready."""
        return {**asdict(self), "before": list(self.before), "after": list(self.after)}


def diff_of(before: Explanation, after: Explanation) -> tuple[AnswerChange, ...]:
    """What changed between two answers, word by word, in reading order.

    As many words as possible are matched, each with an equal one, in order. Where words were
    replaced, those removed come first.

    Args:
        before, after: of two answers, of any models and pictures.

    Example:
        `[(change.kind, change.text) for change in seewhy.diff_of(before, after)]` is such as
        `[("same", "A red"), ("removed", "star"), ("added", "boat"), ("same", ".")]`.
    """
    texts = tuple([word.text for word in one.record.words] for one in (before, after))
    changes: list[AnswerChange] = []
    at, to = 0, 0
    for start, other, length in (*equal_blocks(*texts), (len(texts[0]), len(texts[1]), 0)):
        if at < start:
            changes.append(_only(before, "removed", range(at, start)))
        if to < other:
            changes.append(_only(after, "added", range(to, other)))
        at, to = start + length, other + length
        if length:
            words = range(start, at)
            text = _text(before, words)
            changes.append(AnswerChange("same", text, tuple(words), tuple(range(other, to))))
    return tuple(changes)


def equal_blocks(one: Sequence[str], other: Sequence[str]) -> list[Block]:
    """The longest common sequence of two lists, as blocks of neighbours.

    By a table of all pairs, row by row: its time is the same for any words. Very long lists are
    matched by difflib, which is quick and not always the longest.

    Args:
        one, other: words.

    Example:
        >>> equal_blocks("a red star .".split(), "a boat .".split())
        [(0, 0, 1), (3, 2, 1)]
    """
    start = _common(one, other)
    end = _common(one[start:][::-1], other[start:][::-1])
    first, second = (list(words[start : len(words) - end]) for words in (one, other))
    if len(first) * len(second) > CELLS_MAX:
        matched = SequenceMatcher(None, first, second).get_matching_blocks()
        pairs = [(a + n, b + n) for a, b, size in matched for n in range(size)]
    else:
        pairs = list(_longest_common(first, second))
    pairs = [(a + start, b + start) for a, b in pairs]
    pairs = [(n, n) for n in range(start)] + pairs
    pairs += [(len(one) - n, len(other) - n) for n in range(end, 0, -1)]
    return _blocks(pairs)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two lists begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _longest_common(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The pairs of a longest common sequence, in order; earlier words are preferred."""
    numbers = {word: number for number, word in enumerate({*one, *other})}
    first, second = (np.array([numbers[word] for word in words], int) for words in (one, other))
    # longest[i, j] is the length for one[i:] and other[j:].
    longest = np.zeros((len(first) + 1, len(second) + 1), np.int16)
    for row in range(len(first) - 1, -1, -1):
        below = longest[row + 1]
        matched = np.maximum(below[:-1], below[1:] + (second == first[row]))
        longest[row, :-1] = np.maximum.accumulate(matched[::-1])[::-1]
    row = column = 0
    while row < len(first) and column < len(second):
        if first[row] == second[column]:
            yield row, column
            row, column = row + 1, column + 1
        elif longest[row + 1, column] >= longest[row, column + 1]:
            row += 1
        else:
            column += 1


def _blocks(pairs: Sequence[tuple[int, int]]) -> list[Block]:
    """Pairs of equal words, neighbours joined."""
    blocks: list[Block] = []
    for a, b in pairs:
        if blocks and (a, b) == (blocks[-1][0] + blocks[-1][2], blocks[-1][1] + blocks[-1][2]):
            blocks[-1] = (*blocks[-1][:2], blocks[-1][2] + 1)
        else:
            blocks.append((a, b, 1))
    return blocks


def _only(explanation: Explanation, kind: str, words: range) -> AnswerChange:
    before, after = (words, ()) if kind == "removed" else ((), words)
    return AnswerChange(kind, _text(explanation, words), tuple(before), tuple(after))


def _text(explanation: Explanation, words: range) -> str:
    """The characters from the first of some words to the last."""
    own = explanation.record.words
    return explanation.answer[own[words[0]].start : own[words[-1]].end]
