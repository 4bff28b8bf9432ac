"""Which words of an answer say something, what kind of word each is, and which belong together.

English words are told apart by lists (`seewhy.core.lexicon`). In any other language every word that
is not a mark says something, and is of role `"word"`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from seewhy.core.lexicon import LEXICON, listed, tag_of
from seewhy.core.text import Word

COLOURS = listed(
    "red orange yellow green blue purple violet pink brown black white grey gray gold golden "
    "silver beige turquoise cyan magenta maroon navy teal tan cream crimson scarlet lavender "
    "indigo khaki olive colorful colourful multicolored multicoloured"
)
"""Colours; their change is a change of hues."""

ACHROMATIC = listed("white black grey gray silver")
"""Colours without a hue."""

SIZES = listed(
    "small large big little tiny huge giant tall short long wide narrow thick thin smaller larger "
    "bigger taller shorter longer"
)

COUNTS = listed(
    "zero no one two three four five six seven eight nine ten eleven twelve both several many few "
    "single couple dozen pair multiple"
)

RELATIONS = listed(
    "left right above below front behind under over beside between near inside outside beneath "
    "underneath atop around across along top bottom next against through toward towards beyond"
)
"""Words that place one thing by another; their change is a mirrored picture."""

GENERIC = listed(
    "picture pictures image images photo photos photograph photographs scene caption thing things "
    "object objects item items other others ground background foreground view setting "
    "one ones way kind type lot lots something anything everything"
)
"""Nouns that name the picture itself, what every picture has, or anything at all."""

FUNCTIONS = listed(
    "of in on at by with from for as if than into onto upon to up down out off while because "
    "although though like about during until since before after within via per not very too also "
    "just only together away back here now then so almost quite rather still again else well maybe "
    "perhaps ever never even be been being is are am was were have has had having do does did done "
    "such own same show shows shown showing depict depicts depicting feature features featuring "
    "contain contains containing include includes including capture captures see sees seen appear "
    "appears seem seems look looks"
)
"""Function words by use, beside those whose tag says so, and verbs that only say "is there"."""

FRUIT = listed("orange olive")
"""Colours that are things where no noun follows an article: "an orange"."""

GARMENTS = listed("top bottom")
"""Relations that are things after a colour: "a pink top"."""

HOMONYMS = listed("can well")
"""Function words that are things after an article, a colour or a size: "a red can"."""

SHADES = listed("light dark bright pale deep vivid")
"""Attributes where a noun or a colour follows; "light" is a thing elsewhere."""

_FUNCTION_TAGS = frozenset(
    {"CC", "DT", "EX", "MD", "POS", "PRP", "PRP$", "WDT", "WP", "WP$", "WRB"}
)
_ARTICLES = frozenset({"DT", "PRP$"})
_COPULAS = listed("is are was were looks look seems seem appears appear")
_REPLIES = listed("yes no")
_IRREGULAR = {
    "men": "man", "women": "woman", "people": "person", "children": "child", "mice": "mouse",
    "feet": "foot", "teeth": "tooth", "geese": "goose", "knives": "knife", "leaves": "leaf",
    "shelves": "shelf", "wolves": "wolf", "loaves": "loaf", "calves": "calf", "halves": "half",
    "lives": "life", "wives": "wife", "scarves": "scarf", "oxen": "ox", "dice": "die",
}  # fmt: skip
_LETTERS = re.compile(r"[^\W\d_]")
_SHARE = 0.15
"""Least share of English function words in an English answer of more than a few words."""
_SHARE_WITH_ACCENTS = 0.3
"""The same of an answer with letters such as in "café", which are rare in English."""


@dataclass(frozen=True)
class Unit:
    """A word that says something.

    Attributes:
        word: its index among the answer's words.
        lemma: as of `lemma`.
        role: as of `seewhy.core.verdict.Verdict`.
        noun: index of the answer's word whose fate it shares, as a colour that of its thing, or
            the first part of a compound that of its last; None where there is none.
        attributes: indices of the words that share its fate, before it.
        earlier: indices of earlier words that say the same, the nearest last; of a colour only
            those of the same thing.
        span: the first word of the fixed expression that it ends, such as "to" of "to the left";
            the word itself where there is none.
    """

    word: int
    lemma: str
    role: str
    noun: int | None
    earlier: tuple[int, ...]
    span: int
    attributes: tuple[int, ...] = ()


def related(units: Sequence[Unit], chosen: Collection[int]) -> list[Unit]:
    """Some words, and those that their verdicts rest on, however indirectly.

    Args:
        units: all words that say something.
        chosen: indices among the answer's words; those that say nothing are left out.
    """
    by_word = {unit.word: unit for unit in units}
    found: set[int] = set()
    waiting = [word for word in chosen if word in by_word]
    while waiting:
        unit = by_word[waiting.pop()]
        found.add(unit.word)
        others = (unit.noun, *unit.attributes, *unit.earlier)
        waiting += [word for word in others if word in by_word and word not in found]
    return [unit for unit in units if unit.word in found]


def lemma(text: str) -> str:
    """A word in lower case and, if it is English, in the singular.

    Example:
        >>> [lemma(word) for word in ("Boats", "boat's", "buses", "cherries", "glass", "Mice")]
        ['boat', 'boat', 'bus', 'cherry', 'glass', 'mouse']
    """
    word = text.casefold().replace("’", "'").removesuffix("'s").removesuffix("'")
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or not word.isascii() or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "buses", "zzes")):
        return word[:-2]
    return word.removesuffix("s")


def is_english(words: Sequence[Word]) -> bool:
    """Whether an answer is English: enough of its words are English function words.

    An answer of up to three words is, if all its letters are of the Latin alphabet.
    """
    plain = (w.text for w in words if _LETTERS.search(w.text) and not w.special)
    texts = [text.casefold().replace("’", "'") for text in plain]
    if not all(map(_is_latin, texts)):
        return False
    is_plain = all(map(str.isascii, texts))
    if len(texts) <= 3 and is_plain:
        return True
    known = sum(LEXICON.get(text, "") in _FUNCTION_TAGS or text in FUNCTIONS for text in texts)
    return known >= (_SHARE if is_plain else _SHARE_WITH_ACCENTS) * len(texts)


def _is_latin(text: str) -> bool:
    """Whether all letters are of the Latin alphabet, with accents or without."""
    return text.isascii() or all(
        unicodedata.name(letter, "").startswith("LATIN") for letter in filter(str.isalpha, text)
    )


def role_of(text: str) -> str | None:
    """The role of an English word; None for a function word, a generic noun and a mark.

    Example:
        >>> [role_of(word) for word in ("fish", "Brown", "the", "two", "left", "riding", ",")]
        ['noun', 'colour', None, 'count', 'relation', 'word', None]
    """
    word = text.casefold()
    if not any(map(str.isalnum, word)):
        return None
    if word in _REPLIES:
        return "word"
    for role, listing in (
        ("colour", COLOURS),
        ("size", SIZES),
        ("count", COUNTS),
        ("relation", RELATIONS),
    ):
        if word in listing:
            return role
    tag = tag_of(word)
    if word in GENERIC or word in FUNCTIONS or tag in _FUNCTION_TAGS:
        return None
    if tag == "CD":
        return "count"
    return "noun" if tag.startswith("NN") else "word"


def units_of(words: Sequence[Word]) -> tuple[Unit, ...]:
    """The words of an answer that say something, in order.

    Args:
        words: of the answer, marks included.

    Example:
        >>> from seewhy.core.text import Word
        >>> texts = "A blue boat with a blue fish . The boat is small .".split()
        >>> units = units_of([Word(text, 0, 0, ()) for text in texts])
        >>> [(texts[u.word], u.role, u.noun, u.earlier) for u in units]
        ... # doctest: +NORMALIZE_WHITESPACE
        [('blue', 'colour', 2, ()), ('boat', 'noun', None, ()), ('blue', 'colour', 6, ()),
         ('fish', 'noun', None, ()), ('boat', 'noun', None, (2,)), ('small', 'size', 9, ())]
    """
    if not is_english(words):
        return _units_of_any_language(words)
    roles = _roles_in_context(words)
    lemmas = [lemma(word.text) for word in words]
    units: list[Unit] = []
    for index, role in enumerate(roles):
        if role is None or (lemmas[index] == "no" and not _is_reply(words, index)):
            continue
        noun = _noun_of(words, roles, index)
        earlier = tuple(
            u.word
            for u in units
            if u.lemma == lemmas[index] and (role != "colour" or _same(lemmas, u.noun, noun))
        )
        attributes = tuple(u.word for u in units if u.noun == index)
        span = _span_start(words, index, role)
        units.append(Unit(index, lemmas[index], role, noun, earlier, span, attributes))
    return tuple(units)


def _roles_in_context(words: Sequence[Word]) -> list[str | None]:
    """The roles of English words, where neighbours decide between two."""
    roles = [None if word.special else role_of(word.text) for word in words]
    texts = ["", *(word.text.casefold() for word in words), "", ""]
    for index in range(len(words)):
        before, text, after, second = texts[index : index + 4]
        if text in SHADES and _LETTERS.match(after):
            follows = roles[index + 1] in ("noun", "colour") or after in GENERIC
            roles[index] = "word" if follows else roles[index]
        elif _is_thing(before, text, after, second):
            roles[index] = "noun"
        elif text == "left" and tag_of(before) in ("PRP", "WP") and tag_of(after) in _ARTICLES:
            roles[index] = "word"  # "she left the room"
    for index in _list_numbers(words):
        roles[index] = None
    return roles


def _is_thing(before: str, text: str, after: str, second: str) -> bool:
    """Whether a colour, a relation or a function word is a noun between its neighbours."""
    if text in GARMENTS:
        return before in COLOURS
    if text in HOMONYMS:
        return tag_of(before) == "DT" or before in COLOURS | SIZES
    if text not in FRUIT or tag_of(before) != "DT" or role_of(after) in ("noun", "size", "count"):
        return False
    return (second if after in ("and", "or", ",") else after) not in COLOURS | SHADES


def _list_numbers(words: Sequence[Word]) -> list[int]:
    """The numbers of an enumeration, such as "1. A dog 2. A cat": at least two."""
    found = [
        index
        for index, (word, mark, item) in enumerate(zip(words, words[1:], words[2:], strict=False))
        if word.text.isdecimal()
        and mark.text in (".", ")")
        and item.start > mark.end
        and (index == 0 or words[index - 1].end < word.start)
    ]
    numbers = [int(words[index].text) for index in found]
    in_turn = numbers == list(range(1, len(numbers) + 1))
    return found if len(found) > 1 and found[0] == 0 and in_turn else []


def _same(lemmas: Sequence[str], one: int | None, other: int | None) -> bool:
    """Whether two colours belong to nouns of one lemma, or one of them to none."""
    return one is None or other is None or lemmas[one] == lemmas[other]


def _units_of_any_language(words: Sequence[Word]) -> tuple[Unit, ...]:
    units: list[Unit] = []
    for index, word in enumerate(words):
        if any(map(str.isalnum, word.text)) and not word.special:
            name = lemma(word.text)
            earlier = tuple(u.word for u in units if u.lemma == name)
            units.append(Unit(index, name, "word", None, earlier, index))
    return tuple(units)


def _is_reply(words: Sequence[Word], index: int) -> bool:
    """Whether "no" is an answer, and not the "no" of "there is no fish"."""
    return index == 0 or words[index - 1].text[-1:] in ".!?:"


def _noun_of(words: Sequence[Word], roles: Sequence[str | None], index: int) -> int | None:
    """The noun that a colour, size, count or other attribute belongs to, by its place."""
    role = roles[index]
    if role == "noun":
        head = _head(words, roles, index)
        return None if head == index else head
    text = words[index].text.casefold()
    if role == "relation" or (role == "word" and tag_of(text) != "JJ" and text not in SHADES):
        return None
    after = index + 1
    while after < len(words) and _is_attribute(words, roles, after):
        after += 1
    if after < len(words) and roles[after] == "noun":
        return _head(words, roles, after)
    before = index - 1
    while before >= 0 and _is_attribute(words, roles, before):
        before -= 1
    if before >= 0 and words[before].text.casefold() in (*_COPULAS, "both", "all"):
        return _subject(words, roles, before)
    return None


def _is_attribute(words: Sequence[Word], roles: Sequence[str | None], index: int) -> bool:
    if roles[index] in ("colour", "size", "count"):
        return True
    if words[index].text.casefold() in SHADES:
        return True
    return roles[index] == "word" and tag_of(words[index].text) == "JJ"


def _head(words: Sequence[Word], roles: Sequence[str | None], index: int) -> int:
    """The last of neighbouring nouns: "traffic light"."""
    while index + 1 < len(words) and roles[index + 1] == "noun":
        index += 1
    return index


def _subject(words: Sequence[Word], roles: Sequence[str | None], index: int) -> int | None:
    """The nearest noun before a copula in the same sentence."""
    for before in range(index - 1, -1, -1):
        if words[before].text[-1:] in ".!?:;":
            return None
        if roles[before] == "noun":
            return before
    return None


def _span_start(words: Sequence[Word], index: int, role: str) -> int:
    """The first word of the fixed expression that a word ends.

    "an" before a word tells how it begins, and "to" before "the left" what comes: the choice was
    made there.
    """
    start = index
    texts = [word.text.casefold() for word in words]
    if role == "relation":
        fixed = {"to", "the", "in", "on", "at"}
        while start > 0 and texts[start - 1] in fixed:
            start -= 1
        return start
    if start > 0 and texts[start - 1] == "an":
        return start - 1
    return start
