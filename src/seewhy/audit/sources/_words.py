"""Truths of words: of phrases with a region, and of "yes" and "no"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seewhy.core.lexicon import listed
from seewhy.core.sample import Truth
from seewhy.core.text import split_words
from seewhy.datasets._categories import singulars
from seewhy.datasets._words import Tagger

OBJECT, ATTRIBUTE, RELATION = "object", "attribute", "relation"
"""Groups of words."""

COLOURS = listed(
    "red orange yellow green blue purple violet pink brown black white grey gray beige tan gold "
    "golden silver maroon navy teal turquoise khaki cream colorful colourful blond blonde"
)
SIZES = listed(
    "small smaller smallest big bigger biggest large larger largest tiny huge giant little tall "
    "taller tallest short shorter shortest long wide narrow thin thick"
)
POSITIONS = listed(
    "left right front back behind top bottom middle center centre far farthest near nearest next "
    "closest upper lower above below beneath under over between corner leftmost rightmost "
    "furthest closer beside inside outside foreground background side edge end"
)


@dataclass(frozen=True)
class Phrase:
    """A phrase of an answer with what is true of it.

    Attributes:
        start, end: its characters.
        regions: indices of masks.
        supported: as `Truth.supported`.
        category: as `Truth.category`.
        number: of the phrase; its words have it as the tag `phrase`.
    """

    start: int
    end: int
    regions: tuple[int, ...]
    number: int
    supported: bool | None = True
    category: str = ""


def phrase_truths(
    answer: str, phrases: Iterable[Phrase], tagger: Tagger
) -> tuple[tuple[Truth, ...], dict[int, str]]:
    """The truths and groups of the words of phrases; function words and marks are left out.

    A word of two phrases belongs to the first.
    """
    truths: dict[int, Truth] = {}
    groups: dict[int, str] = {}
    for phrase in phrases:
        for start, end in words_in(answer, phrase.start, phrase.end):
            named = role_and_group(answer[start:end], tagger)
            if named is not None and start not in truths:
                tags = {"phrase": str(phrase.number)}
                truths[start] = Truth(
                    *(start, end, named[0], phrase.regions, phrase.supported, phrase.category),
                    tags,
                )
                groups[start] = named[1]
    return tuple(truths[start] for start in sorted(truths)), groups


def words_in(answer: str, start: int, end: int) -> list[tuple[int, int]]:
    """The words of an answer that have characters in a span, whole: of "dog's", not only "dog"."""
    return [span for span in split_words(answer) if span[0] < end and start < span[1]]


def role_and_group(word: str, tagger: Tagger) -> tuple[str, str] | None:
    """A word's role and group, or None for a function word or mark. Our reading of the groups."""
    lower = word.lower()
    if not any(map(str.isalnum, word)):
        return None
    if lower in COLOURS:
        return "colour", ATTRIBUTE
    if lower in SIZES:
        return "size", ATTRIBUTE
    tag = tagger.tag(word)
    if tag == "CD":
        return "count", ATTRIBUTE
    if lower in POSITIONS or tag in ("IN", "TO", "RP"):
        return "relation", RELATION
    if tagger.is_function(word):
        return None
    return ("kind", OBJECT) if tagger.is_noun(word) else ("", ATTRIBUTE)


def find_phrases(answer: str, phrases: Sequence[str]) -> list[tuple[int, int] | None]:
    """Where phrases stand in an answer, each after the one before it if possible.

    Case and the amount of space do not count; a phrase begins and ends at the border of a word.
    None for a phrase that is not there.
    """
    found: list[tuple[int, int] | None] = []
    at = 0
    for phrase in phrases:
        words = phrase.split()
        if not words:
            found.append(None)
            continue
        pattern = re.compile(r"(?<!\w)" + r"\s+".join(map(re.escape, words)) + r"(?!\w)", re.I)
        match = pattern.search(answer, at)
        at = match.end() if match else at
        match = match or pattern.search(answer)
        found.append(match.span() if match else None)
    return found


def yes_or_no(text: str) -> str:
    """ "yes" or "no" if an answer begins with it, else "".

    Example:
        >>> yes_or_no(" Yes, it is."), yes_or_no("No"), yes_or_no("Nobody knows")
        ('yes', 'no', '')
    """
    match = re.match(r"\W*(yes|no)\b", text, re.IGNORECASE)
    return match.group(1).lower() if match else ""


def answer_word(answer: str, said: str, supported: bool | None) -> tuple[Truth, ...]:
    """The truth of the first "yes" or "no" (or "not") of an answer; none if it is not there."""
    words = "no|not" if said == "no" else "yes"
    match = re.search(rf"\b(?:{words})\b", answer, re.IGNORECASE) if said else None
    found = words_in(answer, *match.span())[:1] if match else []
    return tuple(Truth(*span, "", (), supported) for span in found)


def mentions(
    answer: str, name: str, *, synonyms: Mapping[str, Sequence[str]] | None = None
) -> list[tuple[int, int]]:
    """Spans of the words that name a thing, singular or plural, or one of its synonyms."""
    wanted = [tuple(text.lower().split()) for text in (name, *(synonyms or {}).get(name, ()))]
    spans = split_words(answer)
    words = [singulars(answer[start:end]) for start, end in spans]
    found: set[tuple[int, int]] = set()
    for want in filter(None, wanted):
        for first in range(len(words) - len(want) + 1):
            part = words[first : first + len(want)]
            if all(w in forms for w, forms in zip(want, part, strict=True)):
                found.update(spans[first : first + len(want)])
    return sorted(found)
