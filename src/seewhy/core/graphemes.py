"""Text as extended grapheme clusters: what a reader takes for one character (UAX 29).

Python's own modules know no grapheme clusters. `regex` follows the Unicode tables and comes with
transformers, so it is installed anyway.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

import regex

#: Stands for every emoji sequence in `Units.signs`: a code point that is no character.
EMOJI = "\ufffe"

_CLUSTER = regex.compile(r"\X")
_PICTURE = regex.compile(
    r"[\p{Extended_Pictographic}\p{Regional_Indicator}\u20e3]|.\ufe0f", regex.S
)
# Scripts that put no spaces between words: those that Unicode's line breaking gives to
# dictionaries (LB=SA), and those that may be broken before any character.
_UNSPACED = regex.compile(
    r"[[\p{LB=SA}\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{Yi}\p{Tangut}"
    r"\p{Nushu}\p{Balinese}\p{Javanese}\p{Khitan_Small_Script}]&&[\p{L}\p{M}\p{N}]]",
    regex.V1,
)
_KATAKANA = regex.compile(r"[\p{scx=Katakana}&&[\p{L}]]", regex.V1)
_LEADING_VOWEL = regex.compile(r"\p{Logical_Order_Exception}")
_ZERO_WIDTH_SPACE = "\u200b"


@dataclass(frozen=True)
class Units:
    """A text in pieces that are never split.

    A piece is a grapheme cluster with the invisible format characters beside it, such as a soft
    hyphen.

    Attributes:
        signs: one character for each piece: its base letter, a space, a mark, or `EMOJI`.
        edges: where each piece begins, and the length of the text: one more than there are pieces.
    """

    signs: str
    edges: tuple[int, ...]


def units_of(text: str) -> Units:
    """Divide a text into pieces that are never split, in linear time.

    Example:
        >>> units = units_of("cafe\u0301 \U0001f1e8\U0001f1ed")
        >>> len(units.signs), units.edges
        (6, (0, 1, 2, 3, 5, 6, 8))
    """
    if text.isascii():
        return Units(text, tuple(range(len(text) + 1)))
    signs: list[str] = []
    starts: list[int] = []
    waiting: int | None = None  # format characters that belong to what follows them
    for match in _CLUSTER.finditer(text):
        sign = _sign(match.group())
        if sign is None:
            if waiting is None and not (signs and not signs[-1].isspace()):
                waiting = match.start()
            continue
        if waiting is not None and sign.isspace():
            signs.append(" ")  # nobody sees them between spaces
            starts.append(waiting)
            waiting = None
        signs.append(sign)
        starts.append(match.start() if waiting is None else waiting)
        waiting = None
    if waiting is not None:
        signs.append(" ")
        starts.append(waiting)
    return Units("".join(signs), (*starts, len(text)))


@cache
def is_unspaced(sign: str) -> bool:
    """Whether a letter is of a script that puts no spaces between words.

    Example:
        >>> [is_unspaced(sign) for sign in "紅ไaक가。"]
        [True, True, False, False, False, False]
    """
    return _UNSPACED.match(sign) is not None


@cache
def is_katakana(sign: str) -> bool:
    """Whether a letter is Katakana, which writes one foreign word as one run.

    Example:
        >>> [is_katakana(sign) for sign in "カーか"]
        [True, True, False]
    """
    return _KATAKANA.match(sign) is not None


@cache
def is_leading_vowel(sign: str) -> bool:
    """Whether a letter is a vowel of Thai, Lao or Tai Viet that is written before its consonant.

    Example:
        >>> [is_leading_vowel(sign) for sign in "แดง"]
        [True, False, False]
    """
    return _LEADING_VOWEL.match(sign) is not None


def _sign(cluster: str) -> str | None:
    """What stands for a cluster; None for format characters alone."""
    if len(cluster) == 1:
        return _sign_of_character(cluster)
    if _PICTURE.search(cluster):
        return EMOJI
    if cluster.isspace():
        return "\n"
    shown = [letter for letter in cluster if _kind(letter) != "Cf"]
    bases = [letter for letter in shown if _kind(letter)[0] != "M" and not letter.isspace()]
    # A space with an accent on it can be seen: the accent stands for it.
    marks = [letter for letter in shown if not letter.isspace()]
    return next(iter(bases or marks), None)


@cache
def _sign_of_character(letter: str) -> str | None:
    if letter == _ZERO_WIDTH_SPACE:
        return " "  # it parts words in Khmer, Thai and others
    if _kind(letter) == "Cf":
        return None
    if letter == EMOJI:
        return "\ufffd"
    return EMOJI if _PICTURE.match(letter) else letter


@cache
def _kind(letter: str) -> str:
    return unicodedata.category(letter)
