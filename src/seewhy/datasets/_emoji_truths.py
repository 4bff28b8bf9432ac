"""What is true of the words of any answer about one scene of emoji."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seewhy.core.lexicon import tag_of
from seewhy.core.sample import Truth
from seewhy.core.text import split_words
from seewhy.datasets._words import FUNCTION_TAGS
from seewhy.testbed.captions import Utterance
from seewhy.testbed.emoji.colours import COLOURS
from seewhy.testbed.emoji.grammar import GENERAL_NOUNS
from seewhy.testbed.emoji.kinds import KINDS
from seewhy.testbed.emoji.scenes import Picture, Scene


class Annotator:
    """Finds the truths of the words of any answer about one scene.

    Of the right caption these are its mentions. Of any other answer only names of kinds and the
    colours before them are decided.
    """

    def __init__(self, drawn: Scene, picture: Picture, caption: Utterance) -> None:
        self.scene, self.caption = drawn, caption
        self.hidden = tuple(picture.occluded_by)

    def __call__(self, answer: str) -> tuple[Truth, ...]:
        """The truths of an answer."""
        if answer.strip() == self.caption.text:
            shift = answer.index(self.caption.text)
            return tuple(
                self._truth(m.start + shift, m.end + shift, m.role, m.objects)
                for m in self.caption.mentions
            )
        return tuple(self._read(answer))

    def _read(self, answer: str) -> Iterator[Truth]:
        spans = split_words(answer)
        words = [answer[start:end].lower() for start, end in spans]
        kinds = dict(_kinds(words))
        for n, (span, word) in enumerate(zip(spans, words, strict=True)):
            if n in kinds:
                things = self._things(kinds[n])
                yield self._truth(*span, "kind", things, bool(things), kinds[n])
            elif word in COLOURS:
                kind = kinds.get(n + 1)
                things = () if kind is None else self._things(kind, word)
                yield self._truth(*span, "colour", things, None if kind is None else bool(things))
            elif word in GENERAL_NOUNS:
                yield Truth(*span, "noun")
            elif not any(map(str.isalnum, word)):
                yield Truth(*span, "mark")
            elif tag_of(word) in FUNCTION_TAGS:
                yield Truth(*span, "function")

    def _things(self, kind: str, colour: str | None = None) -> tuple[int, ...]:
        return tuple(
            index
            for index, thing in enumerate(self.scene.things)
            if thing.kind == kind and colour in (None, thing.colour)
        )

    def _truth(
        self,
        start: int,
        end: int,
        role: str,
        things: tuple[int, ...],
        supported: bool | None = True,
        category: str = "",
    ) -> Truth:
        if role in ("function", "mark") or not things:
            shown = supported is False and role not in ("function", "mark")
            return Truth(start, end, role, (), False if shown else None, category)
        kinds = {self.scene.things[index].kind for index in things}
        named = category or " and ".join(sorted(kinds))
        return Truth(
            start, end, role, things, supported, named if role == "kind" else "", self._tags(things)
        )

    def _tags(self, things: tuple[int, ...]) -> dict[str, str]:
        of = self.scene.things
        sizes = {of[index].size or "middle" for index in things}
        kinds = {of[index].kind for index in things}
        others = [thing for index, thing in enumerate(of) if index not in things]
        return {
            "size": sizes.pop() if len(sizes) == 1 else "mixed",
            "distractor": "yes" if any(thing.kind in kinds for thing in others) else "no",
            "occluded": "yes" if any(self.hidden[n] is not None for n in things) else "no",
            "things": str(len(things)),
        }


def _kinds(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The words that name kinds, by their number; the longest name counts."""
    n = 0
    while n < len(words):
        for length in range(min(4, len(words) - n), 0, -1):
            kind = _NAMES.get(" ".join(words[n : n + length]))
            if kind is not None:
                yield from ((m, kind) for m in range(n, n + length) if words[m] != "of")
                n += length
                break
        else:
            n += 1


_NAMES = {name.lower(): kind.name for kind in KINDS.values() for name in (kind.name, kind.plural)}
