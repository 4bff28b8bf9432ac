"""What is commonly true of every thing of a kind: adjectives, and what it does or is for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from seewhy.testbed.emoji.grammar import LINKS, Phrase, article, tagged

TABLE = Path(__file__).parent / "descriptions.txt"


@dataclass(frozen=True)
class Description:
    """Common knowledge of a kind.

    Attributes:
        adjectives: true of every thing of the kind, such as "furry".
        facts: verb phrases in the singular, such as "hunts at dusk^": "~" marks a noun for the
            thing or a part of it, "^" any other noun.
    """

    adjectives: tuple[str, ...]
    facts: tuple[str, ...]


@cache
def descriptions() -> dict[str, Description]:
    """The descriptions by the names of kinds; a sign has none.

    Example:
        >>> descriptions()["fox"].adjectives[0]
        'furry'
    """
    table = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            kind, adjectives, *facts = line.split("|")
            table[kind] = Description(tuple(adjectives.split(", ")), tuple(facts))
    return table


def one_of(kind: str, group: tuple[int, ...]) -> Phrase:
    """A kind as the subject of a fact: "a cat", but "the sun"."""
    the = "the" if kind in ("sun", "moon") else article(kind)
    return [(the, "function", group), *tagged(kind, "kind", group)]


def fact_phrase(fact: str, group: tuple[int, ...]) -> Phrase:
    """A fact as a phrase about things; other nouns are about nothing in the picture.

    Example:
        >>> fact_phrase("has a roof~", (0,))[1:]
        [('a', 'function', ()), ('roof', 'noun', (0,))]
    """
    phrase: Phrase = []
    for token in fact.split():
        word = token.rstrip("~^,")
        about = () if word in LINKS or "^" in token else group
        phrase.append((word, "noun" if "~" in token or "^" in token else "function", about))
        if token.endswith(","):
            phrase.append((",", "mark", ()))
    return phrase
