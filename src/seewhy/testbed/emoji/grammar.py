"""English in pieces: words with their roles and objects, put together into sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from seewhy.core.lexicon import listed as listed_words
from seewhy.testbed.captions import Mention, Utterance

Piece = tuple[str, str, tuple[int, ...]]
"""A word or mark, its role of `seewhy.core.sample.ROLES`, and the things that it is about."""

Phrase = list[Piece]

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight")

GENERAL_NOUNS = listed_words(
    "picture image photo photograph scene view shot snapshot frame thing things object objects "
    "item items background foreground part parts side sides viewer caption"
)
"""Words of frames that are nouns and name no kind."""

_TOKEN = re.compile(r"\{(\w+)\}|[\w'-]+|[^\w\s{}]")
_SILENT_H = ("hour", "honest", "heir")
_YOO = ("uni", "use", "usu", "eu", "ukulele", "one")
"""Beginnings of words that are written with a vowel and said with a "y" or "w"."""


def article(word: str) -> str:
    """The indefinite article before a word.

    Example:
        >>> [article(word) for word in ("cat", "orange", "unicorn", "hourglass", "umbrella")]
        ['a', 'an', 'a', 'an', 'an']
    """
    word = word.lower()
    if word.startswith(_SILENT_H):
        return "an"
    return "an" if word[0] in "aeiou" and not word.startswith(_YOO) else "a"


def plural_of(noun: str) -> str:
    """The plural of a hypernym or general noun; of a phrase with "of" or "for", of its head.

    Example:
        >>> plural_of("thing to read"), plural_of("dish"), plural_of("toy"), plural_of("aircraft")
        ('things to read', 'dishes', 'toys', 'aircraft')
    """
    head, link, rest = noun, "", ""
    for preposition in (" of ", " in ", " for ", " to "):
        if preposition in noun:
            head, link, rest = noun.partition(preposition)
            break
    if head.endswith(("s", "sh", "ch", "x")):
        head += "es"
    elif head.endswith("y") and head[-2] not in "aeiou":
        head = f"{head[:-1]}ies"
    elif head not in ("fish", "aircraft"):
        head += "s"
    return head + link + rest


def words(text: str) -> Phrase:
    """Words and marks of a frame that are about no thing."""
    return list(_plain(text))


@cache
def _plain(text: str) -> tuple[Piece, ...]:
    return tuple(_piece(match.group()) for match in _TOKEN.finditer(text))


def _piece(token: str) -> Piece:
    if not (token[0].isalnum() or token[0] == "'"):
        return token, "mark", ()
    if token == "i":
        return "I", "function", ()
    return token, "noun" if token in GENERAL_NOUNS else "function", ()


@cache
def _parsed(frame: str) -> tuple[str | Piece, ...]:
    """The slots (by name) and pieces of a frame."""
    return tuple(m.group(1) or _piece(m.group()) for m in _TOKEN.finditer(frame))


def fill(frame: str, **slots: Phrase) -> Phrase:
    """The pieces of a frame such as "{there} {things} in the picture", its slots filled.

    Raises:
        KeyError: where a slot has no phrase.
    """
    filled: Phrase = []
    for part in _parsed(frame):
        if isinstance(part, str):
            filled += slots[part]
        else:
            filled.append(part)
    return filled


def tagged(text: str, role: str, objects: tuple[int, ...] = ()) -> Phrase:
    """Words of one role; short link words ("of", "the") stay function words."""
    return [
        _piece(word) if word in LINKS or word in ("picture", "image") else (word, role, objects)
        for word in text.split()
    ]


LINKS = listed_words("a an and by for from in of on than the to with that at as clearly partly")


def listed(phrases: Sequence[Phrase], last: str = "and", serial: bool = False) -> Phrase:
    """Phrases joined by commas, and by `last` before the last one.

    serial: whether a comma stands before `last`, too, in lists of three and more.
    """
    joined = list(phrases[0])
    for number, phrase in enumerate(phrases[1:], start=2):
        if number < len(phrases) or (serial and len(phrases) > 2):
            joined.append((",", "mark", ()))
        if number == len(phrases):
            joined += words(last)
        joined += phrase
    return joined


def sentence(phrase: Phrase, end: str = ".") -> Phrase:
    """A phrase with a capital first letter and a final mark."""
    (text, role, objects), *rest = phrase
    return [(text[0].upper() + text[1:], role, objects), *rest, (end, "mark", ())]


def text_of(phrase: Phrase) -> str:
    """The text of a phrase, with spaces where English has them.

    Example:
        >>> text_of(words('it says "OPEN" , too .'))
        'it says "OPEN", too.'
    """
    return _written(phrase)[0]


def _written(phrase: Phrase) -> tuple[str, tuple[Mention, ...]]:
    parts: list[str] = []
    mentions: list[Mention] = []
    length, glued, quoted = 0, True, False
    for word, role, objects in phrase:
        closes = word == '"' and quoted
        if not (glued or closes or (role == "mark" and word != '"')):
            parts.append(" ")
            length += 1
        parts.append(word)
        mentions.append(Mention(length, length + len(word), role, objects))
        length += len(word)
        if word == '"':
            quoted = not quoted
        glued = word == '"' and quoted
    return "".join(parts), tuple(mentions)


def utterance(prompt: str, phrase: Phrase) -> Utterance:
    """A prompt and its answer."""
    return Utterance(prompt, *_written(phrase))
