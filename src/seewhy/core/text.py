"""Tokens, words and phrases of a decoded text, by character offsets, without re-tokenising."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from seewhy.core.graphemes import (
    Units,
    is_katakana,
    is_leading_vowel,
    is_unspaced,
    units_of,
)
from seewhy.core.word_patterns import spans_of_words

Span = tuple[int, int]
"""Start and end of some characters; the end is exclusive."""


@dataclass(frozen=True)
class Token:
    """One text token of the input or the answer.

    Attributes:
        id: vocabulary id.
        text: what it adds to the decoded text; empty for part of a character that a later token
            completes.
        start, end: character offsets in the decoded text (of the prompt, or of the answer).
        probability: the model's probability of this token, before temperature and penalties; in
            [0, 1]. For prompt tokens likewise, as if the model had generated them.
        candidates: likeliest tokens at this position, `(text, probability)`, best first.
        special: whether it is one of the tokenizer's special tokens, or markup that the tokenizer
            keeps in one piece, such as `</think>`.
    """

    id: int
    text: str
    start: int
    end: int
    probability: float
    candidates: tuple[tuple[str, float], ...] = ()
    special: bool = False


@dataclass(frozen=True)
class Word:
    """Neighbouring tokens that form one word (or phrase, or punctuation mark).

    Attributes:
        text: the characters `start:end` of the answer.
        start, end: character offsets in the answer, without surrounding space.
        tokens: indices of its tokens on the token axis, increasing.
        special: whether it is a special token, such as `<|box_start|>`.
    """

    text: str
    start: int
    end: int
    tokens: tuple[int, ...]
    special: bool = False


def split_words(text: str) -> list[Span]:
    """Character spans of words and marks of a text without tokens.

    A word keeps its inner hyphens and apostrophes. Numbers, prices, times, dates, abbreviations
    and addresses are one word, each emoji sequence is one, and neighbouring marks are one. Grapheme
    clusters are never split. A run of a script without spaces is one word, for lack of tokens.

    Example:
        >>> text = "It's a red-hot star at 12:30."
        >>> [text[a:b] for a, b in split_words(text)]
        ["It's", 'a', 'red-hot', 'star', 'at', '12:30', '.']
    """
    units = units_of(text)
    spans = spans_of_words(units.signs, 0, len(units.signs))
    return [(units.edges[start], units.edges[end]) for start, end, _ in spans]


def words_of(text: str, tokens: Sequence[Token | Span]) -> tuple[Word, ...]:
    """Join tokens to words by their offsets in the decoded text, in linear time.

    Every token belongs to exactly one word; a blank text has none. A token that is part of two
    words belongs to the one that holds more of its characters (the first of equals). A token of
    spaces, or of part of a character, belongs to the word that follows it, at the end of the text
    to the one before. A word without tokens is joined to the word before it, or after it if it is
    the first.

    Words are those of `split_words`. Each special token is a word of its own. Scripts without
    spaces are cut at the borders of tokens, and nowhere else; a run of Katakana is one word.

    Args:
        text: the decoded answer.
        tokens: in order, or `(start, end)` of each in `text`.

    Example:
        >>> [w.tokens for w in words_of("a star.", [(0, 1), (1, 4), (4, 6), (6, 7)])]
        [(0,), (1, 2), (3,)]
        >>> [w.text for w in words_of("红色的车", [(0, 2), (2, 3), (3, 4)])]
        ['红色', '的', '车']
    """
    if not tokens or not text.strip():
        return ()
    spans = [(t.start, t.end) if isinstance(t, Token) else t for t in tokens]
    special = [n for n, token in enumerate(tokens) if isinstance(token, Token) and token.special]
    pieces = list(_pieces(text, spans, special))
    if not pieces:
        return (Word(text, 0, len(text), tuple(range(len(spans)))),)
    owners = _owners(spans, pieces)
    held: list[list[int]] = [[] for _ in pieces]
    for token, owner in enumerate(owners):
        held[owner].append(token)
    return _joined(text, pieces, held)


def phrase(text: str, words: Sequence[Word]) -> Word:
    """Join neighbouring words to one phrase.

    Args:
        text: the decoded answer.
        words: at least one, in order.
    """
    start, end = words[0].start, words[-1].end
    tokens = tuple(t for word in words for t in word.tokens)
    return Word(text[start:end], start, end, tokens, all(word.special for word in words))


def deciding_token(tokens: Sequence[Token], indices: Sequence[int]) -> int:
    """The first of a word's tokens that is not only white space: there the word was chosen.

    A token without a text counts: it begins a character.

    Args:
        tokens: of the answer, or of the prompt.
        indices: of the word's tokens, at least one.
    """
    return next((index for index in indices if not tokens[index].text.isspace()), indices[0])


@dataclass
class _Piece:
    """A word before tokens are given to it; `start` and `end` are characters."""

    start: int
    end: int
    special: bool = False


def _pieces(text: str, spans: Sequence[Span], special: Sequence[int]) -> Iterator[_Piece]:
    """Words and marks between special tokens, and these themselves, in order."""
    units = units_of(text)
    place = {edge: index for index, edge in enumerate(units.edges)}
    borders = {edge for span in spans for edge in span}
    cursor = 0
    for start, end in _special_spans(units, [spans[index] for index in special]):
        yield from _plain_pieces(units, borders, cursor, place[start])
        yield _Piece(start, end, special=True)
        cursor = place[end]
    yield from _plain_pieces(units, borders, cursor, len(units.signs))


def _special_spans(units: Units, spans: Sequence[Span]) -> list[Span]:
    """Spans of special tokens, widened where one ends within a grapheme cluster."""
    edges, found, at = units.edges, [], 0
    for start, end in spans:
        if start == end:
            continue
        while at + 1 < len(edges) and edges[at + 1] <= start:
            at += 1
        stop = at
        while edges[stop] < end:
            stop += 1
        if found and edges[at] < found[-1][1]:
            found[-1] = (found[-1][0], max(edges[stop], found[-1][1]))
        else:
            found.append((edges[at], edges[stop]))
    return found


def _plain_pieces(units: Units, borders: Collection[int], start: int, end: int) -> Iterator[_Piece]:
    """Words and marks between two places; scripts without spaces are cut where tokens meet."""
    signs, edges = units.signs, units.edges
    open_piece: _Piece | None = None
    for begin, stop, whole in spans_of_words(signs, start, end):
        cuts = (
            []
            if whole
            else [
                at
                for at in range(begin + 1, stop)
                if _is_cut(signs[at - 1 : at + 1], edges[at], borders)
            ]
        )
        for first, last in zip([begin, *cuts], [*cuts, stop], strict=True):
            if open_piece is not None and _is_one(signs, edges, open_piece, first, borders):
                open_piece.end = edges[last]
                continue
            if open_piece is not None:
                yield open_piece
            open_piece = _Piece(edges[first], edges[last])
    if open_piece is not None:
        yield open_piece


def _is_cut(pair: str, edge: int, borders: Collection[int]) -> bool:
    """Whether two signs of a run are parted: beside a script without spaces, where tokens meet."""
    if edge not in borders or not any(map(is_unspaced, pair)):
        return False
    return not all(map(is_katakana, pair)) and not is_leading_vowel(pair[0])


def _is_one(
    signs: str, edges: Sequence[int], before: _Piece, first: int, borders: Collection[int]
) -> bool:
    """Whether a piece goes on with the one that begins at a place: a token holds parts of both."""
    touching = before.end == edges[first]
    return (
        touching
        and edges[first] not in borders
        and any(map(is_unspaced, signs[first - 1 : first + 1]))
    )


def _owners(spans: Sequence[Span], pieces: Sequence[_Piece]) -> list[int]:
    """For each token the index of its word."""
    owners: list[int] = []
    waiting = 0  # tokens without a word so far
    first = 0
    for start, end in spans:
        while first < len(pieces) and pieces[first].end <= start:
            first += 1
        best, most, at = None, (False, 0), first
        while at < len(pieces) and pieces[at].start < end:
            shared = min(end, pieces[at].end) - max(start, pieces[at].start)
            # A mark that stands on a special token is of another token, which has its own word.
            if shared > 0 and (not pieces[at].special, shared) > most:
                best, most = at, (not pieces[at].special, shared)
            at += 1
        if best is None:
            waiting += 1
            continue
        before = owners[-1] if owners else None
        owners += [_of_spaces(before, best, pieces)] * waiting
        waiting = 0
        owners.append(best)
    return owners + [owners[-1] if owners else 0] * waiting


def _of_spaces(before: int | None, after: int, pieces: Sequence[_Piece]) -> int:
    """The word of a token of spaces: the one that follows, unless only that is a special token."""
    if before is not None and pieces[after].special and not pieces[before].special:
        return before
    return after


def _joined(text: str, pieces: Sequence[_Piece], held: Sequence[Sequence[int]]) -> tuple[Word, ...]:
    """Words with tokens; pieces without are joined to the word before, or else the next."""
    joined: list[Word] = []
    begin: int | None = None  # start of pieces without tokens that wait for the next word
    for piece, tokens in zip(pieces, held, strict=True):
        if tokens:
            start = piece.start if begin is None else begin
            begin = None
            joined.append(_word(text, start, piece.end, tokens, piece.special))
        elif joined and not joined[-1].special:
            last = joined.pop()
            joined.append(_word(text, last.start, piece.end, last.tokens))
        elif begin is None:
            begin = piece.start
    if begin is not None and joined:
        last = joined.pop()
        joined.append(_word(text, last.start, pieces[-1].end, last.tokens, last.special))
    return tuple(joined)


def _word(text: str, start: int, end: int, tokens: Sequence[int], special: bool = False) -> Word:
    return Word(text[start:end], start, end, tuple(tokens), special)
