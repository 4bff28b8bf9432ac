"""Finds the phrases of places in the picture and of relations in a text."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from seewhy.core.lexicon import listed
from seewhy.testbed.emoji.noun_phrases import STOPS, NounPhrase, Token

_SIDES = {
    **{word: word for word in ("left", "right", "top", "bottom", "middle")},
    "upper": "top",
    "lower": "bottom",
    "centre": "middle",
}
_AFTER_SIDES = listed("corner side part edge half area hand third portion end")
_RELATIONS = {
    "above": "above",
    "over": "above",
    "higher up than": "above",
    "higher than": "above",
    "below": "below",
    "under": "below",
    "beneath": "below",
    "underneath": "below",
    "lower down than": "below",
    "lower than": "below",
    "in front of": "front",
    "behind": "behind",
    "next to": "near",
    "near": "near",
    "close to": "near",
    "beside": "near",
    "far from": "far",
    "far away from": "far",
    "a long way from": "far",
    "to the left of": "left",
    "on the left of": "left",
    "left of": "left",
    "to the right of": "right",
    "on the right of": "right",
    "right of": "right",
    "hides": "front",
    "covers": "front",
    "overlaps": "front",
    "blocks": "front",
    "hidden by": "behind",
    "covered by": "behind",
    "between": "between",
    "bigger than": "bigger",
    "larger than": "bigger",
    "of larger size than": "bigger",
    "smaller than": "smaller",
    "of smaller size than": "smaller",
}
_KEYS = sorted(((tuple(k.split()), v) for k, v in _RELATIONS.items()), key=lambda kv: -len(kv[0]))
_LINKS = listed("to the of in on than by from a at")
_CLAUSE_STARTS = STOPS | listed("and while whereas but look looking that")
_FILLERS = listed("a part of the an")
_PREPOSITIONS = listed("in at on near towards toward to")


@dataclass(frozen=True)
class SpatialPhrase:
    """A place in the picture, or a relation to a thing.

    Attributes:
        first, end: its tokens, `end` excluded.
        content: the tokens of its content words ("left" of "to the left of").
        how: the relation, or "" for a place.
        places: of `seewhy.testbed.emoji.facts.PLACES`, for a place.
        objects: the noun phrases that the relation is to.
    """

    first: int
    end: int
    content: tuple[int, ...]
    how: str = ""
    places: tuple[str, ...] = ()
    objects: tuple[NounPhrase, ...] = ()


def spatial_phrases(tokens: list[Token], nouns: list[NounPhrase]) -> list[SpatialPhrase]:
    """The places and relations of a text, in order."""
    found: list[SpatialPhrase] = []
    n = 0
    while n < len(tokens):
        phrase = _relation_at(tokens, nouns, n) or _place_at(tokens, n)
        if phrase is not None:
            found.append(phrase)
        n = n + 1 if phrase is None else phrase.end
    return found


def _relation_at(tokens: list[Token], nouns: list[NounPhrase], n: int) -> SpatialPhrase | None:
    for key, how in _KEYS:
        end = n + len(key)
        if tuple(token.word for token in tokens[n:end]) != key:
            continue
        while how == "front" and end < len(tokens) and tokens[end].word in _FILLERS:
            if any(noun.first == end for noun in nouns):
                break
            end += 1  # "covers a part of the cat"
        starts = next((noun for noun in nouns if noun.first == end), None)
        if starts is None or starts.name == "thing":
            return None
        objects = [starts]
        if how == "between":
            joint = starts.last + 1
            other = next((noun for noun in nouns if noun.first == joint + 1), None)
            if other is None or tokens[joint].word != "and":
                return None
            objects.append(other)
        content = tuple(m for m in range(n, n + len(key)) if tokens[m].word not in _LINKS)
        if how in ("left", "right"):
            content = tuple(m for m in content if tokens[m].word == how)
        return SpatialPhrase(n, objects[-1].last + 1, content, how, (), tuple(objects))
    return None


def _place_at(tokens: list[Token], n: int) -> SpatialPhrase | None:
    """A place that begins at token n: "in the top left corner", "at the left edge"."""
    if tokens[n].word not in _PREPOSITIONS:
        return None
    start = n + 1
    if start < len(tokens) and tokens[start].word in ("the", "its"):
        start += 1
    sides = []
    content = [n] if tokens[n].word == "near" else []
    m = start
    while m < len(tokens) and tokens[m].word in _SIDES:
        sides.append(_SIDES[tokens[m].word])
        content.append(m)
        m += 1
    if not sides or (sides in (["left"], ["right"]) and start == n + 1):
        return None
    while m < len(tokens) and tokens[m].word in _AFTER_SIDES:
        content.append(m)
        m += 1
    if tokens[n].word == "to" and tokens[m - 1].word not in _AFTER_SIDES:
        return None  # "from left to right"
    if set(sides) > {"middle"}:  # "middle left": half a place
        sides = [side for side in sides if side != "middle"]
    return SpatialPhrase(n, m, tuple(content), "", tuple(dict.fromkeys(sides)))


def subject_of(
    phrase: SpatialPhrase, tokens: list[Token], nouns: list[NounPhrase]
) -> list[NounPhrase]:
    """The noun phrases that a place or relation is said of; empty where none can be found.

    At the start of a clause ("above the cat is ..."), it is the next one; else the one before it,
    with those that "and" joins to it before "are".
    """
    others = [noun for noun in nouns if noun not in phrase.objects and noun.name != "thing"]
    before = [
        noun for noun in others if noun.last < phrase.first and _same_clause(tokens, noun, phrase)
    ]
    after = [
        noun
        for noun in others
        if noun.first >= phrase.end and not _has_end(tokens, phrase.end, noun.first)
    ]
    first = phrase.first
    while first and tokens[first - 1].word in ("partly", "directly", "right", "just"):
        first -= 1
    starts = first <= 1 or tokens[first - 1].word in _CLAUSE_STARTS
    if starts and after:
        return after[:1]
    if not before:
        return [] if not starts else after[:1]
    chosen = [before[-1]]
    words = {token.word for token in tokens[before[-1].last + 1 : phrase.first]}
    if "are" in words:
        for noun in reversed(before[:-1]):
            between = [token.word for token in tokens[noun.last + 1 : chosen[0].first]]
            if set(between) <= {"and", ","}:
                chosen.insert(0, noun)
            else:
                break
    return chosen


def _same_clause(tokens: list[Token], noun: NounPhrase, phrase: SpatialPhrase) -> bool:
    """Whether no clause ends between a noun and a phrase after it."""
    between = [token.word for token in tokens[noun.last + 1 : phrase.first]]
    if any(word in ".;:!?" for word in between):
        return False
    joints = {(",", word) for word in ("and", "while", "whereas", "but")}
    return not joints & set(pairwise(between))


def _has_end(tokens: list[Token], start: int, end: int) -> bool:
    return any(token.word in ".;!?" for token in tokens[start:end])
