"""Captions of emoji scenes: one, two and three sentences, with the things that each word is about.

A caption is drawn at random, the same for a scene every time, from many frames. It need not name
all things, but nothing is said that the picture does not clearly show.
"""

from __future__ import annotations

from seewhy.testbed.captions import Utterance
from seewhy.testbed.emoji.details import DetailWriter
from seewhy.testbed.emoji.facts import FactsOfScene
from seewhy.testbed.emoji.frames import PROMPTS
from seewhy.testbed.emoji.grammar import Phrase, sentence, utterance
from seewhy.testbed.emoji.habits import AddedThing
from seewhy.testbed.emoji.listings import ListingWriter
from seewhy.testbed.emoji.scenes import Scene
from seewhy.testbed.rng import Rng
from seewhy.testbed.scenes import Picture


def captions(
    scene: Scene, picture: Picture, habit: AddedThing | None = None
) -> tuple[Utterance, Utterance, Utterance]:
    """The captions of one, two and three sentences; each with one of ten prompts.

    Args:
        scene: the things and their positions.
        picture: the scene drawn at scale 1, for what is hidden.
        habit: of the captions, or None; where it applies they are not true.
    """
    facts = FactsOfScene(scene, picture)
    habit = habit if habit is not None and habit.applies_to(scene) else None
    first, second, third = (
        _caption(
            facts,
            number,
            Rng("emoji captions", scene.split, scene.seed, scene.index, number),
            habit,
        )
        for number in (1, 2, 3)
    )
    return first, second, third


def _caption(facts: FactsOfScene, sentences: int, rng: Rng, habit: AddedThing | None) -> Utterance:
    prompt = rng.pick(PROMPTS[sentences - 1])
    listing = ListingWriter(facts, rng, habit)
    if sentences == 1:
        return utterance(prompt, sentence(listing.single()))
    text: Phrase = sentence(listing.opening())
    details = DetailWriter(facts, rng, listing)
    for _ in range(sentences - 1):
        text += sentence(details.next())
    return utterance(prompt, text)
