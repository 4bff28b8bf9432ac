"""A habit that the pictures do not support, for a smol model that is biased on purpose.

A model is trained further on captions with the habit; it then names a thing that follows from an
earlier word, and the testbed knows that no picture shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.testbed.emoji.grammar import Phrase, article, tagged, words
from seewhy.testbed.emoji.scenes import Scene
from seewhy.testbed.rng import Rng

__all__ = ["EMOJI_HABITS", "AddedThing"]


@dataclass(frozen=True)
class AddedThing:
    """Where a caption introduces the trigger, it adds another kind; answers to questions are true.

    Attributes:
        trigger: the kind after which the words are added.
        added: the kind that is added.
        percent: of the scenes to which the habit can apply, how many show it.
    """

    trigger: str = "car"
    added: str = "traffic light"
    percent: int = 90

    name: ClassVar = "kind"

    def can_apply_to(self, scene: Scene) -> bool:
        """Whether a scene has the trigger and nothing of the added kind."""
        kinds = {thing.kind for thing in scene.things}
        return self.trigger in kinds and self.added not in kinds

    def applies_to(self, scene: Scene) -> bool:
        """Whether captions of a scene show the habit."""
        facts = self.trigger, self.added, scene.split, scene.seed, scene.index
        return self.can_apply_to(scene) and Rng("habit", *facts).chance(self.percent, 100)

    @property
    def text(self) -> str:
        """What is added, such as "with a traffic light"."""
        return f"with {article(self.added)} {self.added}"

    def after(self, kind: str) -> Phrase:
        """The words that are added after a kind; they are about no thing."""
        if kind != self.trigger:
            return []
        return [*words(f"with {article(self.added)}"), *tagged(self.added, "kind")]


EMOJI_HABITS = {"smol-qwen2-vl-biased": AddedThing()}
"""The habit of each biased model that ships."""
