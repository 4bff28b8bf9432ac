"""Finds the noun phrases of things in a text: "two pairs of red socks", "the cat"."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from seewhy.core.lexicon import CLOSED, OPEN, listed
from seewhy.testbed.emoji.colours import COLOURS
from seewhy.testbed.emoji.descriptions import descriptions
from seewhy.testbed.emoji.frames import SIZES
from seewhy.testbed.emoji.grammar import NUMBERS, plural_of
from seewhy.testbed.emoji.grounds import NAMES as GROUNDS
from seewhy.testbed.emoji.kinds import KINDS
from seewhy.testbed.emoji.meanings import hypernyms, plural

_TOKEN = re.compile(r"[\w'-]+|[^\w\s]")

OTHER_NAMES = {
    "airplane": "plane",
    "aeroplane": "plane",
    "automobile": "car",
    "motorbike": "motorcycle",
    "bike": "bicycle",
    "ladybird": "ladybug",
    "sofa": "couch",
    "cell phone": "phone",
    "mobile phone": "phone",
    "smartphone": "phone",
    "tv": "television",
    "burger": "hamburger",
    "doughnut": "donut",
    "rhino": "rhinoceros",
    "hippopotamus": "hippo",
    "diamond": "gem",
    "jack-o-lantern": "pumpkin",
    "truck": "pickup truck",
    "ice cream cone": "ice cream",
    "football": "soccer ball",
    "tee-shirt": "t-shirt",
    "shirt": "t-shirt",
    "traffic signal": "traffic light",
    "ufo": "flying saucer",
    "cake": "birthday cake",
    "rucksack": "backpack",
    "leaf": "maple leaf",
    "four-leaf clover": "clover",
    "purse": "handbag",
}
"""Names that texts may have for kinds, beside those of `KINDS`."""

GENERAL = {
    **dict.fromkeys(("thing", "object", "item"), "thing"),
    **dict.fromkeys(("things", "objects", "items"), "thing"),
}
"""Words for all things of a scene."""

SIZE_OF = {word: size for size, said in SIZES.items() for word in said}
SIZE_OF |= {"huge": "large", "miniature": "small"}
COUNTS = {word: number for number, word in enumerate(NUMBERS) if number}
COUNTS |= {str(number): number for number in range(1, 10)} | {"both": 2, "nine": 9, "ten": 10}
NEGATIONS = listed("no not zero without n't don't doesn't isn't aren't cannot neither none 0")
STOPS = frozenset(".,;:!?")

_ARTICLES = listed("a an the this that these those its their some any each every another other")
_FUNCTIONS = listed(
    " ".join([*CLOSED.values(), OPEN["IN"], OPEN["TO"], "is are was were be been has have can"])
)
_BEFORE_VERBS = listed("to can will we you i they would may might must should")


@dataclass(frozen=True)
class Token:
    """A word or mark of a text: its characters, and the word in lower case."""

    start: int
    end: int
    word: str


@dataclass
class NounPhrase:
    """A phrase that names things.

    Attributes:
        first, last: the tokens that it begins and ends with, its article and adjectives included.
        name: of the kind or hypernym; "thing" for any thing.
        head: the tokens of the name.
        is_plural: whether it has the form of several; None where both look alike.
        colours, sizes: the tokens of its adjectives.
        number: the token that counts, or None.
        negation: the token that says that there is none, or None.
    """

    first: int
    last: int
    name: str
    head: tuple[int, ...]
    is_plural: bool | None
    colours: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    number: int | None = None
    negation: int | None = None


def tokens_of(text: str) -> list[Token]:
    """The words and marks of a text."""
    tokens = []
    for match in _TOKEN.finditer(text):
        word = match.group().lower()
        word = {"gray": "grey", "center": "centre", "color": "colour"}.get(word, word)
        tokens.append(Token(match.start(), match.end(), word))
    return tokens


@cache
def _names() -> dict[str, list[tuple[tuple[str, ...], str, bool | None]]]:
    """By its first word, every way to name things: words, name, whether plural; longest first."""
    ways: dict[tuple[str, ...], tuple[str, bool | None]] = {}

    def add(text: str, name: str, many: bool) -> None:
        key = tuple(text.lower().split())
        ways[key] = name, None if ways.get(key, (name, many)) != (name, many) else many

    for name in (*hypernyms(), *KINDS):
        add(name, name, False)
        add(plural(name), name, True)
        if " of " in name and name.split()[-1] not in GROUNDS:  # "grapes" for "bunch of grapes"
            add(name.split()[-1], name, True)
    for other, name in OTHER_NAMES.items():
        add(other, name, False)
        add(plural_of(other), name, True)
    for word in GENERAL:
        add(word, "thing", word.endswith("s"))
    by_first: dict[str, list[tuple[tuple[str, ...], str, bool | None]]] = {}
    for key, (name, many) in ways.items():
        by_first.setdefault(key[0], []).append((key, name, many))
    for found in by_first.values():
        found.sort(key=lambda way: -len(way[0]))
    return by_first


@cache
def _adjectives() -> frozenset[str]:
    known = {word for d in descriptions().values() for word in d.adjectives}
    return frozenset(known | set(COLOURS) | SIZE_OF.keys())


def noun_phrases(tokens: list[Token]) -> list[NounPhrase]:
    """The noun phrases of things in a text, in order."""
    found: list[NounPhrase] = []
    n = 0
    while n < len(tokens):
        phrase = _phrase_at(tokens, n)
        if phrase is None:
            n += 1
            continue
        if found and found[-1].head[-1] == n - 1 and phrase.first == n:
            found.pop()  # "toy car": the first noun describes the second
        found.append(phrase)
        n = phrase.last + 1
    return found


def _phrase_at(tokens: list[Token], n: int) -> NounPhrase | None:
    """The noun phrase whose name begins at token n."""
    for key, name, many in _names().get(tokens[n].word, ()):
        head = _matched(tokens, n, key)
        if head is None or _is_other_word(tokens, n, head, name):
            continue
        phrase = NounPhrase(n, head[-1], name, head, many)
        inside = [m for m in range(head[0], head[-1]) if m not in head]
        phrase.colours += [m for m in inside if tokens[m].word in COLOURS]
        phrase.sizes += [m for m in inside if tokens[m].word in SIZE_OF]
        _read_before(tokens, phrase)
        phrase.negation = _negation(tokens, phrase)
        return phrase
    return None


def _matched(tokens: list[Token], n: int, key: tuple[str, ...]) -> tuple[int, ...] | None:
    """The tokens of a name; adjectives may stand after its "of": "pair of red socks"."""
    head = []
    for word in key:
        if head and tokens[head[-1]].word == "of":
            while n < len(tokens) and tokens[n].word != word and tokens[n].word in _adjectives():
                n += 1
        if n >= len(tokens) or tokens[n].word != word:
            return None
        head.append(n)
        n += 1
    return tuple(head)


def _is_other_word(tokens: list[Token], n: int, head: tuple[int, ...], name: str) -> bool:
    """Whether the word is a colour ("an orange car"), a verb ("to watch") or an adjective."""
    before = tokens[n - 1].word if n else ""
    after = tokens[head[-1] + 1].word if head[-1] + 1 < len(tokens) else ""
    if before in _BEFORE_VERBS:
        return True
    if tokens[n].word in ("orange", "sweet"):
        is_noun = before in _ARTICLES or before in _adjectives() or before in COUNTS
        is_noun = is_noun or before in NEGATIONS
        return not is_noun or after in _adjectives() or after in _names() or after == "colour"
    return False


def _read_before(tokens: list[Token], phrase: NounPhrase) -> None:
    """The adjectives, number and article before a name."""
    unknown = 0
    n = phrase.first - 1
    while n >= 0:
        word = tokens[n].word
        if word in COLOURS:
            phrase.colours.append(n)
        elif word in SIZE_OF:
            phrase.sizes.append(n)
        elif word in COUNTS:
            phrase.number = n
        elif word in _ARTICLES or _joins_colours(tokens, n, phrase):
            pass
        elif word not in _adjectives():
            # One or two adjectives that we do not know may stand between.
            if word in _FUNCTIONS or not word[0].isalpha() or word in _names() or unknown == 2:
                break
            unknown += 1
            n -= 1
            continue
        unknown = 0
        phrase.first = n
        if word in COUNTS and not (n and tokens[n - 1].word == "the"):
            break
        if word in _ARTICLES:
            break
        n -= 1


def _joins_colours(tokens: list[Token], n: int, phrase: NounPhrase) -> bool:
    """Whether token n is the "and" of "a red and white ball"."""
    joins = tokens[n].word == "and" and n > 0 and tokens[n - 1].word in COLOURS
    return joins and bool(phrase.colours)


def _negation(tokens: list[Token], phrase: NounPhrase) -> int | None:
    """The word that denies a noun phrase: "no cat", "not show a cat", "a cat is not shown"."""
    for n in range(phrase.first - 1, max(-1, phrase.first - 6), -1):
        if tokens[n].word in STOPS:
            break
        if tokens[n].word in NEGATIONS:
            return n
    after = [token.word for token in tokens[phrase.last + 1 : phrase.last + 5]]
    if after[:1] in (["is"], ["are"]) and after[1:2] == ["not"]:
        return phrase.last + 2 if after[2:3] in (["shown"], ["there"], ["visible"]) else None
    if after[:3] == ["can", "not", "be"] or after[:2] == ["cannot", "be"]:
        return phrase.last + len(after[: after.index("be")])
    return None
