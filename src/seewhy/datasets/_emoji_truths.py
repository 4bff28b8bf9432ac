"""What is true of the words of any answer about one emoji scene."""

from __future__ import annotations

from collections.abc import Iterator

from seewhy.core.lexicon import CLOSED, OPEN, listed
from seewhy.core.sample import Truth
from seewhy.datasets._drawn_things import tags_of
from seewhy.testbed.captions import Utterance
from seewhy.testbed.emoji.grammar import GENERAL_NOUNS
from seewhy.testbed.emoji.noun_phrases import GENERAL, tokens_of
from seewhy.testbed.emoji.reading import read_answer
from seewhy.testbed.emoji.scenes import Scene
from seewhy.testbed.scenes import Picture

_FUNCTIONS = listed(
    " ".join([*CLOSED.values(), OPEN["IN"], OPEN["TO"], "is are was were has have not yes no"])
)


class Annotator:
    """Finds the truths of the words of any answer about one scene."""

    def __init__(self, drawn: Scene, picture: Picture, caption: Utterance) -> None:
        self.scene, self.picture, self.caption = drawn, picture, caption

    def __call__(self, answer: str) -> tuple[Truth, ...]:
        """The truths of an answer: of the correct caption, its mentions; of any other, `read`."""
        if answer.strip() != self.caption.text:
            return tuple(self.read(answer))
        shift = answer.index(self.caption.text)
        names = {
            (start, end): claim.name
            for claim in read_answer(self.caption.text, self.scene, self.picture)
            for start, end in claim.spans
        }
        return tuple(
            self._truth(
                m.start + shift,
                m.end + shift,
                m.role,
                m.objects,
                names.get((m.start, m.end), ""),
                True if m.objects else None,
            )
            for m in self.caption.mentions
        )

    def read(self, answer: str) -> Iterator[Truth]:
        """Read an answer word by word: see `seewhy.testbed.emoji.reading`.

        Words that no claim is made of are nouns ("picture"), function words or marks; others are
        left out.
        """
        claims = {
            span: claim
            for claim in read_answer(answer, self.scene, self.picture, self.caption.prompt)
            if claim.role != "function"
            for span in claim.spans
        }
        for token in tokens_of(answer):
            claim = claims.get((token.start, token.end))
            if claim is not None:
                yield self._truth(
                    token.start, token.end, claim.role, claim.objects, claim.name, claim.verdict
                )
            elif token.word in GENERAL:
                things = tuple(range(len(self.scene.things)))
                yield Truth(token.start, token.end, "noun", things)
            elif token.word in GENERAL_NOUNS:
                yield Truth(token.start, token.end, "noun")
            elif not token.word[0].isalnum():
                yield Truth(token.start, token.end, "mark")
            elif token.word in _FUNCTIONS:
                yield Truth(token.start, token.end, "function")

    def _truth(
        self,
        start: int,
        end: int,
        role: str,
        objects: tuple[int, ...],
        name: str,
        supported: bool | None,
    ) -> Truth:
        if role in ("function", "mark"):
            return Truth(start, end, role)
        category = name if role == "kind" else ""
        tags = tags_of(objects, self.scene.things, self.picture.occluded_by) if objects else {}
        return Truth(start, end, role, objects, supported, category, tags)
