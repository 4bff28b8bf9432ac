"""What a text says of a scene, and which words it says it with."""

from __future__ import annotations

from dataclasses import dataclass

from seewhy.core.lexicon import listed
from seewhy.testbed.emoji.noun_phrases import NounPhrase, Token

_COPULAS = listed(
    "is are was were be look looks appear appears seem seems have has a an the in rather quite "
    "very also both all alike : drawn shown coloured colour colours of entirely fully "
    "would call it"
)


@dataclass(frozen=True)
class Claim:
    """Something that a text says of a scene.

    Attributes:
        spans: start and end of each of its words in the text.
        role: of `seewhy.core.sample.ROLES`: kind, colour, count, size, relation or ground.
        objects: the things that it is about, where it is true of them; may be empty.
        verdict: whether the picture shows it; None where that is not decided.
        name: for kinds, the name of the kind or hypernym in the singular, "" for others.
    """

    spans: tuple[tuple[int, int], ...]
    role: str
    objects: tuple[int, ...]
    verdict: bool | None
    name: str = ""


def claim_of(
    tokens: list[Token],
    words: tuple[int, ...],
    role: str,
    verdict: bool | None,
    objects: tuple[int, ...] = (),
    name: str = "",
) -> Claim:
    """A claim that is made with some of the tokens of a text."""
    spans = tuple((tokens[n].start, tokens[n].end) for n in words)
    return Claim(spans, role, objects, verdict, name)


def predicated(tokens: list[Token], nouns: list[NounPhrase], n: int) -> list[NounPhrase]:
    """The noun phrases before an adjective that "is" or the like joins to it."""
    before = [noun for noun in nouns if noun.last < n and noun.negation is None]
    if not before:
        return []
    between = [token.word for token in tokens[before[-1].last + 1 : n]]
    if not between or not set(between) <= _COPULAS:
        return []
    chosen = [before[-1]]
    if "are" in between or "look" in between:
        for noun in reversed(before[:-1]):
            if {token.word for token in tokens[noun.last + 1 : chosen[0].first]} <= {"and", ","}:
                chosen.insert(0, noun)
            else:
                break
    return chosen
