"""Training texts in which nearly every second word says something of the picture.

In captions few words are colours, counts or places, and which thing comes next is a free choice.
In a drill the order is fixed, so each word teaches. Their prompts are asked nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable

from seewhy.testbed.captions import Utterance
from seewhy.testbed.emoji.facts import FactsOfScene
from seewhy.testbed.emoji.frames import PLACES
from seewhy.testbed.emoji.grammar import (
    NUMBERS,
    Phrase,
    listed,
    sentence,
    tagged,
    text_of,
    utterance,
    words,
)
from seewhy.testbed.emoji.kinds import KINDS
from seewhy.testbed.emoji.meanings import plural
from seewhy.testbed.emoji.phrases import NounPhrases
from seewhy.testbed.emoji.scenes import Scene
from seewhy.testbed.rng import Rng
from seewhy.testbed.scenes import Picture


def drills(scene: Scene, picture: Picture) -> tuple[Utterance, ...]:
    """The drills of a scene: lists, colours, counts, presences, places; those that can be asked.

    Args:
        scene: the things and their positions.
        picture: the scene drawn at scale 1, for what is hidden.
    """
    writer = _DrillWriter(
        FactsOfScene(scene, picture), Rng("drills", scene.split, scene.seed, scene.index)
    )
    ways: tuple[Callable[[], Utterance | None], ...] = (
        writer.across, writer.down, writer.colours, writer.counts, writer.presences, writer.places,
    )  # fmt: skip
    return tuple(drill for way in ways if (drill := way()) is not None)


class _DrillWriter:
    def __init__(self, facts: FactsOfScene, rng: Rng) -> None:
        self.facts, self.rng = facts, rng
        self.phrases = NounPhrases(facts, rng)
        self.sole = [i for i in facts.shown if facts.is_sole(i)]
        kinds = sorted({thing.kind for thing in facts.things})
        self.clear = [k for k in kinds if facts.is_clear(k) and facts.called(k)]

    def across(self) -> Utterance | None:
        """All things from left to right."""
        if not self.facts.shown:
            return None
        things = [self.phrases.indefinite((i,), colour=True) for i in self.facts.shown]
        return utterance("List all things from left to right.", sentence(listed(things, ",")))

    def down(self) -> Utterance | None:
        """All things from top to bottom."""
        if not self.facts.shown:
            return None
        order = sorted(self.facts.shown, key=lambda i: self.facts.things[i].y)
        things = [self.phrases.indefinite((i,), colour=True) for i in order]
        return utterance("List all things from top to bottom.", sentence(listed(things, ",")))

    def colours(self) -> Utterance | None:
        """The colours of things whose kinds are given."""
        known = [i for i in self.sole if self.facts.things[i].colour is not None]
        if not known:
            return None
        asked = self.rng.sample(known, len(known))
        parts = [
            [*self._kind(i), (str(self.facts.things[i].colour), "colour", (i,))] for i in asked
        ]
        return self._asked("Give the colours of the", [self._kind(i) for i in asked], parts)

    def counts(self) -> Utterance | None:
        """How many there are of some kinds, among them kinds that are not there."""
        kinds = self._some_kinds()
        parts = []
        for kind in kinds:
            group = self.facts.called(kind)
            number = NUMBERS[len(group)] if group else "no"
            name = kind if len(group) == 1 else plural(kind)
            parts.append([(number, "count", group), *tagged(name, "kind", group)])
        asked = [tagged(plural(kind), "kind") for kind in kinds]
        return self._asked("Count the", asked, parts)

    def presences(self) -> Utterance | None:
        """Which of some kinds are there."""
        kinds = self._some_kinds()
        parts = []
        for kind in kinds:
            group = self.facts.called(kind)
            parts.append([*tagged(kind, "kind", group), ("yes" if group else "no", "count", group)])
        return self._asked("Say which are there:", [tagged(k, "kind") for k in kinds], parts)

    def places(self) -> Utterance | None:
        """The places of things whose kinds are given."""
        known = [i for i in self.sole if self.facts.places(i)]
        if not known:
            return None
        asked = self.rng.sample(known, len(known))
        parts = []
        for i in asked:
            places = set(self.facts.places(i))
            keys = [key for key in PLACES if set(key) <= places]
            key = max(keys, key=len)
            parts.append([*self._kind(i), *[(part, "relation", (i,)) for part in key]])
        return self._asked("Give the places of the", [self._kind(i) for i in asked], parts)

    def _kind(self, i: int) -> Phrase:
        return tagged(self.facts.things[i].kind, "kind", (i,))

    def _some_kinds(self) -> list[str]:
        absent = [
            kind
            for kind in self.rng.sample(tuple(KINDS), 4)
            if not self.facts.possibly_called(kind)
        ]
        kinds = [*self.clear[:5], *absent[: 1 + len(self.clear) // 2]]
        return self.rng.sample(kinds, len(kinds))

    def _asked(self, prompt: str, asked: list[Phrase], parts: list[Phrase]) -> Utterance:
        question = text_of([*words(prompt), *listed(asked), (".", "mark", ())])
        return utterance(question, sentence(listed(parts, ",")))
