"""Tokens, words and phrases of a decoded text, by character offsets, without re-tokenising."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Token:
    """One text token of the input or the answer.

    Attributes:
        id: vocabulary id.
        text: what it adds to the decoded text; empty for a special token, or for part of a
            character that a later token completes.
        start, end: character offsets in the decoded text (of the prompt, or of the answer).
        probability: the model's probability of this token, before temperature and penalties; in
            [0, 1]. For prompt tokens likewise, as if the model had generated them.
        candidates: likeliest tokens at this position, `(text, probability)`, best first.
    """

    id: int
    text: str
    start: int
    end: int
    probability: float
    candidates: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Word:
    """Neighbouring tokens that form one word (or phrase, or punctuation mark).

    Attributes:
        text: the characters `start:end` of the answer.
        start, end: character offsets in the answer, without surrounding space.
        tokens: indices of its tokens on the token axis, increasing.
    """

    text: str
    start: int
    end: int
    tokens: tuple[int, ...]


_LAST_SCRIPT = 0xABFF
"""Blocks with marks of scripts in daily use end here."""
_JOINERS = "\u200c\u200d"


@cache
def _word() -> re.Pattern[str]:
    """Of a word or a mark. For `re` alone, vowel signs and accents of their own are of no word."""
    signs = "".join(
        chr(code)
        for code in range(0x300, _LAST_SCRIPT + 1)
        if unicodedata.category(chr(code)) in ("Mn", "Mc")
    )
    letters = rf"(?:\w[{signs}{_JOINERS}]*)+"
    return re.compile(rf"{letters}(?:['’\-]{letters})*|[^\w\s]+")


def split_words(text: str) -> list[tuple[int, int]]:
    """Character spans of words (letters and digits, inner hyphens and apostrophes) and marks.

    Vowel signs and accents belong to their letter.

    Example:
        >>> text = "It's a red-hot star."
        >>> [text[a:b] for a, b in split_words(text)]
        ["It's", 'a', 'red-hot', 'star', '.']
    """
    return [match.span() for match in _word().finditer(text)]


def words_of(text: str, spans: Sequence[tuple[int, int]]) -> tuple[Word, ...]:
    """Join tokens to words by their offsets in the decoded text.

    A token that is part of two words belongs to the one that holds more of its characters (the
    first of equals); a token of spaces only, or of no text, belongs to none. A word without
    tokens is joined to the word before it, or after it if it is the first.

    Args:
        text: the decoded answer.
        spans: `(start, end)` of each token in `text`.

    Example:
        >>> [w.tokens for w in words_of("a star.", [(0, 1), (1, 4), (4, 6), (6, 7)])]
        [(0,), (1, 2), (3,)]
    """
    words = split_words(text)
    word_tokens: list[list[int]] = [[] for _ in words]
    for index, (start, end) in enumerate(spans):
        shared = [min(end, b) - max(start, a) for a, b in words]
        best = max(range(len(words)), key=shared.__getitem__, default=None)
        if best is not None and shared[best] > 0:
            word_tokens[best].append(index)
    joined: list[Word] = []
    pending: int | None = None  # start of the words before the first one with tokens
    for (start, end), tokens in zip(words, word_tokens, strict=True):
        if tokens:
            begin, pending = start if pending is None else pending, None
            joined.append(Word(text[begin:end], begin, end, tuple(tokens)))
        elif joined:
            last = joined.pop()
            joined.append(Word(text[last.start : end], last.start, end, last.tokens))
        elif pending is None:
            pending = start
    return tuple(joined)


def phrase(text: str, words: Sequence[Word]) -> Word:
    """Join neighbouring words to one phrase.

    Args:
        text: the decoded answer.
        words: at least one, in order.
    """
    start, end = words[0].start, words[-1].end
    return Word(text[start:end], start, end, tuple(t for word in words for t in word.tokens))
