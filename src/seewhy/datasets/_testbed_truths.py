"""What is true of the words of any answer about one drawn scene."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from seewhy.core.lexicon import listed
from seewhy.core.sample import Truth
from seewhy.datasets._drawn_things import tags_of
from seewhy.testbed.captions import (
    NUMBERS,
    OPPOSITES,
    Utterance,
    plural,
    relation,
    vocabulary,
)
from seewhy.testbed.scenes import Picture, Scene
from seewhy.testbed.shapes import COLOURS, KINDS

_WORD = re.compile(r"\w+|[^\w\s]")
_MARKS = frozenset(".,:")
_NOUNS = frozenset(("picture", "thing", "things"))
_ALL = frozenset(("thing", "things"))
_FUNCTIONS = listed(
    "a an the there is are it they all both while and on of to in with shows seen from yes no other"
)
_BE = frozenset(("is", "are"))
_ARTICLES = frozenset(("a", "an", "the"))
_RELATIONS = {tuple(how.split()): how for how in OPPOSITES}
"""Every relation, by its words."""
_COUNTED = {word: number for number, word in enumerate(NUMBERS) if number} | {"both": 2}


@dataclass(frozen=True)
class _Decision:
    """Whether the picture shows what a word says, and the objects that it is about."""

    objects: tuple[int, ...] = ()
    supported: bool | None = None


class Annotator:
    """Finds the truths of the words of any answer about one scene."""

    def __init__(self, drawn: Scene, picture: Picture, caption: Utterance) -> None:
        self.scene, self.picture, self.caption = drawn, picture, caption

    def __call__(self, answer: str) -> tuple[Truth, ...]:
        """The truths of an answer: of the correct caption, its mentions; of any other, `read`."""
        if answer.strip() == self.caption.text:
            shift = answer.index(self.caption.text)
            return tuple(
                self._truth(m.start + shift, m.end + shift, m.role, m.objects, word)
                for m in self.caption.mentions
                if (word := self.caption.text[m.start : m.end])
            )
        return tuple(self.read(answer))

    def read(self, answer: str) -> Iterator[Truth]:
        """Read an answer word by word.

        - A word for a kind means the objects of that kind with the colour right before it, or all
          of the kind if none has that colour; it is supported if there is such an object.
        - A colour is supported if an object of the kind after it has the colour; in "the star is
          red", of the kind before it.
        - Kinds and colours after "no" are undecided.
        - A relation ("a star is to the left of the fish") is about both things. It is decided if
          each is exactly one object and their true relation is defined: supported if it is that.
        - A count ("two red stars", "there is one star", "both stars", "three things") is supported
          if there are as many such objects.

        All other words are undecided.
        """
        matches = [*_WORD.finditer(answer)]
        sentence = _Sentence(tuple(match.group().lower() for match in matches))
        roles = vocabulary()
        for n, match in enumerate(matches):
            word = sentence.words[n]
            role = roles.get(word, "")
            if role:
                decision = self._decide(sentence, n, role)
                yield self._truth(
                    *match.span(), role, decision.objects, word, decision.supported, decided=True
                )
            elif word in _NOUNS:
                yield Truth(*match.span(), "noun", tuple(range(len(self.scene.objects))))
            elif word in _MARKS:
                yield Truth(*match.span(), "mark")
            elif word in _FUNCTIONS:
                yield Truth(*match.span(), "function")

    def _decide(self, sentence: _Sentence, n: int, role: str) -> _Decision:
        if role in ("kind", "colour") and sentence.is_denied(n):
            return _Decision()
        if role == "kind":
            objects = self._meant(sentence, n)
            return _Decision(objects, bool(objects))
        if role == "colour":
            objects = self._objects(sentence.coloured_kind(n), sentence.words[n])
            return _Decision(objects, bool(objects))
        if role == "relation":
            return self._relation(sentence, n)
        return self._count(sentence, n) if role == "count" else _Decision()

    def _relation(self, sentence: _Sentence, n: int) -> _Decision:
        found = sentence.relation(n)
        if found is None:
            return _Decision()
        said, *nouns = found
        things = [self._meant(sentence, noun) for noun in nouns]
        if any(len(objects) != 1 for objects in things) or things[0] == things[1]:
            return _Decision()
        (first,), (second,) = things
        true = relation(self.scene, self.picture, first, second)
        return _Decision((first, second), None if true is None else said == true)

    def _count(self, sentence: _Sentence, n: int) -> _Decision:
        number = _COUNTED[sentence.words[n]]
        noun = sentence.counted_noun(n)
        if noun is None:
            return _Decision()
        if sentence.words[noun] in _ALL:
            objects = tuple(range(len(self.scene.objects)))
        else:
            objects = self._objects(sentence.kind(noun), sentence.colour(noun))
        return _Decision(objects, len(objects) == number)

    def _meant(self, sentence: _Sentence, noun: int) -> tuple[int, ...]:
        """The objects that a word for a kind means."""
        kind = sentence.kind(noun)
        return self._objects(kind, sentence.colour(noun)) or self._objects(kind, None)

    def _objects(self, kind: str | None, colour: str | None) -> tuple[int, ...]:
        return tuple(
            index
            for index, item in enumerate(self.scene.objects)
            if kind in (None, item.kind) and colour in (None, item.colour)
        )

    def _truth(
        self,
        start: int,
        end: int,
        role: str,
        objects: tuple[int, ...],
        text: str,
        supported: bool | None = None,
        *,
        decided: bool = False,
    ) -> Truth:
        """A truth; unless it was decided, what describes objects is supported."""
        shown = role not in ("function", "mark") and bool(objects)
        if supported is None and shown and not decided:
            supported = True
        return Truth(
            start,
            end,
            role,
            objects if role not in ("function", "mark") else (),
            supported,
            singular(text.lower()) if role == "kind" else "",
            tags_of(objects, self.scene.objects, self.picture.occluded_by) if shown else {},
        )


@dataclass(frozen=True)
class _Sentence:
    """The words and marks of an answer, in lower case; positions are indices."""

    words: tuple[str, ...]

    def __getitem__(self, n: int) -> str:
        """A word; "" outside of the answer."""
        return self.words[n] if 0 <= n < len(self.words) else ""

    def kind(self, n: int) -> str | None:
        """The kind that a word names, in the singular."""
        name = singular(self[n])
        return name if name in KINDS else None

    def colour(self, noun: int) -> str | None:
        """The colour right before a noun."""
        return self[noun - 1] if self[noun - 1] in COLOURS else None

    def is_denied(self, n: int) -> bool:
        """Whether "no" stands before a word, a colour between them or not."""
        return self[n - 2 if self[n - 1] in COLOURS else n - 1] == "no"

    def coloured_kind(self, n: int) -> str | None:
        """The kind that a colour is said of: after it, or before "is"."""
        return self.kind(n + 1) or (self.kind(n - 2) if self[n - 1] in _BE else None)

    def counted_noun(self, n: int) -> int | None:
        """The noun that a number counts: the next word, a colour between them or not.

        "One" counts only after "is" or "are": "one star" may also be one of several.
        """
        if self[n] == "one" and self[n - 1] not in _BE:
            return None
        noun = n + 2 if self[n + 1] in COLOURS else n + 1
        return noun if self.kind(noun) or self[noun] in _ALL else None

    def relation(self, n: int) -> tuple[str, int, int] | None:
        """The relation that a word is part of, and the nouns of its two things; None if unclear."""
        for words, how in _RELATIONS.items():
            start = n - words.index(self[n]) if self[n] in words else -1
            end = start + len(words)
            if start < 0 or self.words[start:end] != words or self[start - 1] not in _BE:
                continue
            first, second = self._subject(start - 2), self._object(end)
            return None if first is None or second is None else (how, first, second)
        return None

    def _subject(self, n: int) -> int | None:
        """The noun that ends at n, without what is added to it by "with a ..."."""
        while self.kind(n) is not None:
            before = n - 2 if self.colour(n) else n - 1
            if not (self[before] in _ARTICLES and self[before - 1] == "with"):
                return n
            n = before - 2
        return None

    def _object(self, n: int) -> int | None:
        """The noun that starts at n, with an article and a colour or without."""
        n += self[n] in _ARTICLES
        n += self[n] in COLOURS
        return n if self.kind(n) is not None else None


def singular(word: str) -> str:
    """The kind of a word for it, in the singular; another word unchanged.

    Example:
        >>> singular("stars"), singular("things")
        ('star', 'things')
    """
    return next((kind for kind in KINDS if word in (kind, plural(kind))), word)
