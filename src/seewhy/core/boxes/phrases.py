"""The phrase that a box goes with: between tags before it, or the noun phrase just before it."""

from __future__ import annotations

import re

from seewhy.core.boxes.markup import Span
from seewhy.core.lexicon import listed, tag_of

_TAGGED = re.compile(
    r"(?:<\|object_ref_start\|>(?P<qwen>.*?)<\|object_ref_end\|>|<ref>(?P<ref>.*?)</ref>"
    r"|<p>(?P<p>.*?)</p>|<phrase>(?P<phrase>.*?)</phrase>)",
    re.DOTALL,
)
#: What may stand between a tagged phrase and its box, or its second box.
_BETWEEN = re.compile(
    r"(?:\s|,|:|<\|box_start\|>[^<]*<\|box_end\|>|<box>[^<]*</box>|</?object>|</?delim>)*"
)
#: How far back tags are looked for, in characters.
_WINDOW = 4000

#: Words between a noun phrase and its box that belong to neither.
CONNECTORS = listed(
    "is are was were at in of by with located found positioned marked shown detected as within "
    "bounding box boxes bbox coordinate coordinates region position location here"
)
_WORD = re.compile(r"[^\W\d_][\w'’-]*|\d+|[^\w\s]|\n")
_SKIPPED = frozenset(":,([-–—*`\"'=")
_LONGEST = 8


def tagged_phrase_before(text: str, start: int) -> Span | None:
    """The phrase between the last tags before a box, if only other boxes stand between.

    Example:
        >>> text = "<ref>the cup</ref><box>[[1,2,3,4]]</box>"
        >>> text[slice(*tagged_phrase_before(text, text.index("<box>")))]
        'the cup'
    """
    last = None
    for found in _TAGGED.finditer(text, max(0, start - _WINDOW), start):
        last = found
    if last is None or not _BETWEEN.fullmatch(text, last.end(), start):
        return None
    name = last.lastgroup or ""
    phrase = last[name]
    begin = last.start(name) + len(phrase) - len(phrase.lstrip())
    return (begin, begin + len(phrase.strip())) if phrase.strip() else None


def noun_phrase_before(text: str, start: int) -> Span | None:
    """The noun phrase just before a box, by the lists of `seewhy.core.lexicon`.

    Words such as "is at" between the two are skipped; a full stop ends the search.

    Example:
        >>> text = "There is a red cup at [0.1, 0.2, 0.3, 0.4]"
        >>> text[slice(*noun_phrase_before(text, text.index("[")))]
        'a red cup'
    """
    words = list(_WORD.finditer(text, max(0, start - 300), start))
    while words and (words[-1][0] in _SKIPPED or words[-1][0].lower() in CONNECTORS):
        words.pop()
    taken: list[re.Match[str]] = []
    while words and len(taken) < _LONGEST:
        word = words.pop()
        if not _continues(taken, word, words[-1][0] if words else ""):
            break
        taken.insert(0, word)
        if tag_of(word[0]) in ("DT", "PRP$"):
            break
    if not any(tag_of(word[0]) in ("NN", "NNS") for word in taken):
        return None
    return taken[0].start(), taken[-1].end()


def _continues(taken: list[re.Match[str]], word: re.Match[str], before: str) -> bool:
    """Whether a word may stand before the words of a noun phrase that are already found.

    Args:
        taken: the words that follow it.
        word: the word.
        before: the word before it: "a parked car" is one phrase, "it parked cars" is not.
    """
    if not word[0][0].isalnum():
        return False
    tag = tag_of(word[0])
    if not taken:
        return tag in ("NN", "NNS", "CD")
    if tag == "VBD":
        return tag_of(before or ".") in ("DT", "PRP$", "JJ")
    return tag in ("NN", "NNS", "JJ", "CD", "DT", "PRP$", "VBG", "VBN")
