"""Find a word or a phrase of an answer by its number or by its text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from seewhy.core.errors import UnknownNameError
from seewhy.core.suggestions import choose_from, give_index
from seewhy.core.text import Token, Word, phrase


def place_of(words: Sequence[Word], word: int | str, after: int = 0) -> int:
    """The number of a word of the answer, given by number or by text.

    Args:
        words: of the answer.
        word: its number, negative ones from the end, or its text (the same case is preferred).
        after: the first word to compare; those before it are compared last.

    Raises:
        UnknownNameError: if no word has this text.
        IndexError: if there is no such number.
    """
    if isinstance(word, str):
        found = _exact(words, word, after)
        if found is None:
            raise UnknownNameError(_unknown(words, word))
        return found
    if not -len(words) <= word < len(words):
        raise IndexError(
            f"Expected the number of one of the answer's {len(words)} words, got {word}: "
            f"{give_index(len(words))}."
        )
    return word % len(words)


def find_text(
    text: str, words: Sequence[Word], tokens: Sequence[Token], wanted: int | str
) -> tuple[Word, range]:
    """A word, or any part of an answer that begins and ends with a token.

    The first word with this text, in the same case if there is one; else the first place where the
    text stands between borders of tokens: part of a word, or a phrase of several words.

    Args:
        text: the answer.
        words: of the answer.
        tokens: of the answer.
        wanted: the number of a word, or a text.

    Returns:
        The word or phrase, and the numbers of the words that it is part of.

    Raises:
        UnknownNameError: if the text is not in the answer, or a token goes beyond it.
        IndexError: if there is no word of this number.
    """
    exact = _exact(words, wanted) if isinstance(wanted, str) else place_of(words, wanted)
    if exact is not None:
        return words[exact], range(exact, exact + 1)
    assert isinstance(wanted, str)
    places = list(_places(text, wanted.strip()))
    starts, ends = _borders(text, tokens)
    for start, end in places:
        if start in starts and end in ends and (held := _words_at(words, start, end)):
            return _part(text, words, tokens, (start, end), held), held
    if places:
        raise UnknownNameError(_beyond(wanted, places[0], text, tokens))
    raise UnknownNameError(_unknown(words, wanted))


def _exact(words: Sequence[Word], text: str, after: int = 0) -> int | None:
    """The first word with this text: as it is, in any case, or with accents written otherwise."""
    for fold in (str, str.casefold, _folded):
        folded = fold(text)
        for index in (*range(after, len(words)), *range(after)):
            if fold(words[index].text) == folded:
                return index
    return None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _places(text: str, wanted: str) -> Iterator[tuple[int, int]]:
    """Where a text stands, first in the same case."""
    if wanted:
        for flags in (re.NOFLAG, re.IGNORECASE):
            yield from (match.span() for match in re.finditer(re.escape(wanted), text, flags))


def _borders(text: str, tokens: Sequence[Token]) -> tuple[set[int], set[int]]:
    """Where tokens begin and end, without the white space at their ends."""
    starts, ends = set(), set()
    for token in tokens:
        piece = text[token.start : token.end]
        if piece.strip():
            starts.add(token.start + len(piece) - len(piece.lstrip()))
            ends.add(token.start + len(piece.rstrip()))
    return starts, ends


def _words_at(words: Sequence[Word], start: int, end: int) -> range:
    """The numbers of the words that have characters from `start` to `end`."""
    within = [n for n, word in enumerate(words) if word.start < end and start < word.end]
    return range(within[0], within[-1] + 1) if within else range(0)


def _part(
    text: str,
    words: Sequence[Word],
    tokens: Sequence[Token],
    place: tuple[int, int],
    touched: range,
) -> Word:
    """The part of an answer at a place, which some words hold."""
    start, end = place
    held = phrase(text, words[touched.start : touched.stop])
    # A token without visible text belongs to the next one: it begins its character, or parts it
    # from what precedes.
    chosen: list[int] = []
    waiting: list[int] = []
    for index in held.tokens:
        token = tokens[index]
        if not text[token.start : token.end].strip():
            waiting.append(index)
            continue
        if token.end > start and token.start < end:
            chosen += [*waiting, index]
        waiting = []
    special = held.special and (held.start, held.end) == (start, end)
    return Word(text[start:end], start, end, tuple(chosen), special)


def _beyond(wanted: str, place: tuple[int, int], text: str, tokens: Sequence[Token]) -> str:
    """The message for a text that a token goes beyond."""
    start, end = place
    near = [t for t in tokens if t.start < end and start < t.end and t.text.strip()]
    whole = text[near[0].start : near[-1].end].strip()
    pieces = ", ".join(repr(token.text) for token in near)
    return (
        f"Expected text that begins and ends with a token of the answer, got {wanted!r}: its "
        f"tokens there are {pieces}; give {whole!r}."
    )


def _unknown(words: Sequence[Word], wanted: str) -> str:
    texts = (word.text for word in words if any(map(str.isalnum, word.text)))
    near = choose_from(wanted, dict.fromkeys(texts))
    return f"Expected a word of the answer, got {wanted!r}: {near}"
